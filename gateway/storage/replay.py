"""Messages that were received before: each is remembered for longer than it could be valid."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, bindparam, delete, func, insert, literal_column, select
from sqlalchemy.exc import IntegrityError

from gateway.domain.catalogue import Code
from gateway.domain.errors import TrustError
from gateway.storage.columns import millis
from gateway.storage.prepared import Prepared
from gateway.storage.tables_log import replay

_REMEMBER = Prepared(insert(replay), "key", "expires_at")
_OLDEST = Prepared(select(func.min(replay.c.expires_at)))
_BATCH: Final = (
    1000  # keys forgotten in one transaction, which holds up the writer of a file some milliseconds
)
_FORGET = Prepared(
    delete(replay).where(
        replay.c.key.in_(
            select(replay.c.key)
            .where(replay.c.expires_at < bindparam("now"))
            .order_by(replay.c.expires_at)
            .limit(literal_column(str(_BATCH)))
        )
    ),
    "now",
)


def remember(connection: Connection, keys: Sequence[bytes], expires_at: datetime) -> None:
    """Keep the keys of a message in the transaction that answers it.

    A key is a digest over certificate and SignedInfo, or certificate and MessageID. TrustError MESSAGE_REPLAYED if one
    is known; the database's own uniqueness decides, so two copies cannot pass each other.
    """
    expiry = millis(expires_at)
    try:
        _REMEMBER.run_many(connection, [(key, expiry) for key in keys])
    except IntegrityError as error:
        raise TrustError(Code.MESSAGE_REPLAYED) from error


def has_expired(connection: Connection, now: datetime) -> bool:
    """Whether there is a key whose time is over."""
    ((oldest,),) = _OLDEST.all(connection)  # None where there is no key
    return oldest is not None and oldest < millis(now)


def forget_expired(connection: Connection, now: datetime) -> int:
    """Remove some of the keys whose time is over; gives how many."""
    return _FORGET.run(connection, millis(now))

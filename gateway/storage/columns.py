"""How our values stand in columns: instants as milliseconds, parties and days as text, lists as words.

Columns hold only what a database driver takes as it is (text, integers, octets), so that `Prepared` statements may
go past SQLAlchemy's conversion of types, and every database gives the same order and the same equality.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from gateway.domain.identifiers import PartyId, Uuid4
from gateway.domain.operations import InboxAttention
from gateway.domain.party import Role

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_NEXT = "\x1e"
_UNIT = "\x1f"


def millis(at: datetime) -> int:
    """Milliseconds since 1970 UTC; finer parts of `at` are cut off. TypeError if `at` has no zone."""
    return (at - _EPOCH) // _MILLISECOND


def millis_or_none(at: datetime | None) -> int | None:
    """`millis`, or None for a time that has not come."""
    return None if at is None else millis(at)


def instant(value: int) -> datetime:
    """The UTC time of a column of milliseconds."""
    return _EPOCH + timedelta(milliseconds=value)


def instant_or_none(value: int | None) -> datetime | None:
    """`instant`, or None for an empty column."""
    return None if value is None else instant(value)


@lru_cache(maxsize=4096)
def party_id(text: str) -> PartyId:
    """The party of a column; few parties stand in many rows, so they are read once."""
    return PartyId.parse(text)


def uuid_or_none(text: str | None) -> Uuid4 | None:
    """The identifier of a column, or None for an empty one."""
    return None if text is None else Uuid4(text)


def text_or_none(value: object) -> str | None:
    """`str`, or None for a value that is not there."""
    return None if value is None else str(value)


def day_or_none(text: str | None) -> date | None:
    """The day of a column, or None for an empty one."""
    return None if text is None else date.fromisoformat(text)


def words(values: Iterable[str]) -> str:
    """Names without blanks in one column, in their order."""
    return " ".join(values)


def attention_text(attention: Iterable[InboxAttention]) -> str:
    """Roles and units in one column; no text of a document can hold the separators. XML 1.0 §2.2."""
    return _NEXT.join([f"{each.role.value}{_UNIT}{each.unit or ''}" for each in attention])


@lru_cache(maxsize=4096)
def attention_of(text: str) -> tuple[InboxAttention, ...]:
    """What `attention_text` was given; a party writes to the same few roles again and again."""
    found = [each.partition(_UNIT) for each in text.split(_NEXT)] if text else []
    return tuple(InboxAttention(Role(role), unit or None) for role, _, unit in found)

"""Mandates: what parties let systems do for them. A mandate is ended, never changed and never removed."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Final

from sqlalchemy import Connection, bindparam, insert, or_, select, update

from gateway.domain.identifiers import PartyId, Uuid4
from gateway.domain.mandate import Mandate, Operation
from gateway.storage.columns import instant, instant_or_none, millis, millis_or_none, party_id, words
from gateway.storage.parties import kinds_of
from gateway.storage.prepared import Prepared, Values
from gateway.storage.tables import mandate

_COLUMNS: Final = (
    "mandate_id",
    "system_id",
    "party",
    "operations",
    "kinds",
    "valid_from",
    "valid_until",
    "approved_by",
)
_OF_SYSTEM_QUERY = (
    select(*(mandate.c[name] for name in _COLUMNS))
    .where(mandate.c.system_id == bindparam("system_id"))
    .order_by(mandate.c.valid_from, mandate.c.mandate_id)
)

_INSERT = Prepared(insert(mandate), *_COLUMNS)
_REVOKE = Prepared(
    update(mandate)
    .where(
        mandate.c.mandate_id == bindparam("this_mandate"),
        or_(mandate.c.valid_until.is_(None), mandate.c.valid_until > bindparam("new_until")),
    )
    .values(valid_until=bindparam("new_until")),
    "this_mandate",
    "new_until",
)
_OF_SYSTEM = Prepared(_OF_SYSTEM_QUERY, "system_id")
_OF_SYSTEM_AND_PARTY = Prepared(
    _OF_SYSTEM_QUERY.where(mandate.c.party == bindparam("party")), "system_id", "party"
)
_OF_PARTY = Prepared(
    select(*(mandate.c[name] for name in _COLUMNS))
    .where(mandate.c.party == bindparam("party"))
    .order_by(mandate.c.valid_from, mandate.c.mandate_id),
    "party",
)


def add_mandate(connection: Connection, new: Mandate) -> None:
    """Record a mandate that a party gave."""
    _INSERT.run(
        connection,
        new.id.text,
        new.system_id.text,
        str(new.party_id),
        words(sorted(operation.value for operation in new.operations)),
        words(sorted(kind.value for kind in new.kinds)),
        millis(new.valid_from),
        millis_or_none(new.valid_until),
        new.approved_by,
    )


def revoke_mandate(connection: Connection, mandate_id: Uuid4, at: datetime) -> bool:
    """End a mandate at `at`. False if there is none, or it has ended before."""
    return _REVOKE.run(connection, mandate_id.text, millis(at)) == 1


def mandates_for(
    connection: Connection, system_id: Uuid4, party: PartyId | None = None
) -> tuple[Mandate, ...]:
    """The mandates of a system, those of one party if it is given; also those that have ended or not begun."""
    if party is None:
        rows = _OF_SYSTEM.all(connection, system_id.text)
    else:
        rows = _OF_SYSTEM_AND_PARTY.all(connection, system_id.text, str(party))
    return tuple(map(_mandate, rows))


def mandates_of_party(connection: Connection, party: PartyId) -> tuple[Mandate, ...]:
    """The mandates that a party gave, also those that have ended or not begun."""
    return tuple(map(_mandate, _OF_PARTY.all(connection, str(party))))


@lru_cache(maxsize=1024)
def _operations(text: str) -> frozenset[Operation]:
    return frozenset(map(Operation, text.split()))


def _mandate(row: Values) -> Mandate:
    mandate_id, system_id, party, operations, kinds, valid_from, valid_until, approved_by = row
    return Mandate(
        Uuid4(mandate_id),
        Uuid4(system_id),
        party_id(party),
        _operations(operations),
        kinds_of(kinds),
        instant(valid_from),
        instant_or_none(valid_until),
        approved_by,
    )

"""Who may write at the same time: a transaction is alone among those that write of the same parties.

A transaction names the parties whose logs, streams and documents it writes, or none, and then it writes nothing of that
sort; `Database.alone` has everything for itself.
Both documents of one id that `documents.require_free_id` must tell apart share a party, and every number that gives an
order (`log_entry.seq`, `event.seq`, `delivery.inbox_seq`) is taken while the party is held, until the commit shows.
So of each party the order of the numbers is the order of the commits, and a list that is read to its end misses
nothing. docs/decisions/0022.

SQLite has one writer, which is alone without more. PostgreSQL has advisory locks, which last as long as the
transaction: the installation's is shared by all transactions, and taken by `alone` for itself; then come the parties',
by number. What is taken later is either only tried, or taken by one that holds no party yet, or the last
that anybody waits for: so no two ever wait for each other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import BigInteger, Connection, bindparam, func, select

from gateway.domain.identifiers import PartyId
from gateway.storage.prepared import Prepared

_SCOPE: Final = "bropost scope"
_NUMBER: Final = bindparam("number", type_=BigInteger)

_WAIT = Prepared(select(func.pg_advisory_xact_lock(_NUMBER)), "number")
_TRY = Prepared(select(func.pg_try_advisory_xact_lock(_NUMBER)), "number")


@dataclass(slots=True)
class Scope:
    """What a transaction has for itself."""

    parties: set[PartyId] | None  # None: everything
    has_rivals: bool  # whether others write at the same time, so that what is not named must be locked


def enter(connection: Connection, scope: Scope) -> None:
    """Note what the transaction that begins on this connection has for itself."""
    connection.info[_SCOPE] = scope


def lock_statements(parties: Iterable[PartyId] | None) -> str:
    """The statements of PostgreSQL that give a transaction these parties, or (None) everything, for itself."""
    if parties is None:
        return f"SELECT pg_advisory_xact_lock({lock_number('installation')})"
    shared = f"SELECT pg_advisory_xact_lock_shared({lock_number('installation')})"
    numbers = sorted({_number_of(party) for party in parties})
    return "; ".join((shared, *(f"SELECT pg_advisory_xact_lock({number})" for number in numbers)))


def lock_number(name: str) -> int:
    """The lock of a name: a signed integer of 64 bits. Two names of one number only wait for each other."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)


def require_alone(connection: Connection, *parties: PartyId) -> None:
    """Assert that nobody else writes of these parties now: what gives an order asks it, on every database."""
    scope = _scope(connection)
    named = scope.parties is None or scope.parties.issuperset(parties)
    assert named, "the transaction must name the parties that it writes of"


def take_one(connection: Connection, parties: Iterable[PartyId]) -> PartyId | None:
    """Give a transaction that named nobody one of these parties for itself: the first that is free.

    If none is free it waits for the first. None if there are no parties.
    """
    wanted = list(dict.fromkeys(parties))
    for party in wanted:
        if try_alone(connection, party):
            return party
    if wanted:
        scope = _scope(connection)
        assert not scope.parties, "who waits must hold no other party"
        _WAIT.all(connection, _number_of(wanted[0]))
        _add(scope, wanted[0])
        return wanted[0]
    return None


def try_alone(connection: Connection, party: PartyId) -> bool:
    """Give a running transaction one more party for itself, unless another has it now."""
    scope = _scope(connection)
    if scope.parties is None or party in scope.parties:
        return True
    if scope.has_rivals and _TRY.one(connection, _number_of(party)) != (True,):
        return False
    _add(scope, party)
    return True


def wait_for(connection: Connection, what: str) -> None:
    """Give a running transaction something that is no party's; nothing may be waited for after it."""
    if _scope(connection).has_rivals:
        _WAIT.all(connection, lock_number(what))


def _add(scope: Scope, party: PartyId) -> None:
    assert scope.parties is not None
    scope.parties.add(party)


def _number_of(party: PartyId) -> int:
    return lock_number(f"party {party}")


def _scope(connection: Connection) -> Scope:
    scope = connection.info.get(_SCOPE)
    assert isinstance(scope, Scope), "only a transaction of Database writes"
    return scope

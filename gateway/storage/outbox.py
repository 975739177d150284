"""The outbox: what the gateway has promised to do, a row each, until it is done or a person must look.

A worker holds a row by a lease. A worker that lost its lease, because it was slow or ended, can no longer change it.
A row is taken and changed by whoever is alone with the sender of its document, or altogether.

No clock that was wrong for a while holds a row up: one that was never tried, or was taken and not given back, is due
whatever its time says, none is put off for longer than `LONGEST_PAUSE`, and a lease that reaches further than any could
now is none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import BigInteger, Connection, and_, bindparam, delete, func, insert, or_, select, update

from gateway.domain.catalogue import Code
from gateway.domain.identifiers import PartyId, Uuid4
from gateway.storage.columns import instant, instant_or_none, millis, party_id
from gateway.storage.exclusion import take_one, try_alone
from gateway.storage.prepared import Prepared, Values
from gateway.storage.tables_documents import document, outbox


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One promised task; times are zoned UTC."""

    id: int
    task: str
    document_key: int
    due_at: datetime
    attempts: int  # how often it was claimed
    leased_until: datetime | None
    leased_by: str | None
    parked_at: datetime | None
    last_code: str | None  # the catalogue code of the last failure


@dataclass(frozen=True, slots=True)
class Promise:
    """A task with the document that it is about."""

    row: OutboxRow
    document_id: Uuid4
    sender: PartyId
    recipient: PartyId


LONGEST_PAUSE: Final = timedelta(hours=2)  # between two attempts
_LOOKED_AT: Final = 20  # due rows among which a worker looks for a sender whom nobody else has now
_COLUMNS: Final = (
    "id",
    "task",
    "document_key",
    "due_at",
    "attempts",
    "leased_until",
    "leased_by",
    "parked_at",
    "last_code",
)
_CELLS = tuple(outbox.c[name] for name in _COLUMNS)
_IS_LEASED = and_(
    outbox.c.id == bindparam("row"),
    outbox.c.leased_by == bindparam("worker"),
    outbox.c.leased_until == bindparam("lease"),
)
_LEASE: Final = ("row", "worker", "lease")

_ENQUEUE = Prepared(insert(outbox), "task", "document_key", "due_at", "attempts")
_IS_DUE = and_(
    outbox.c.parked_at.is_(None),
    or_(
        outbox.c.due_at <= bindparam("now"),
        outbox.c.due_at > bindparam("now") + LONGEST_PAUSE // timedelta(milliseconds=1),
        outbox.c.attempts == 0,
        outbox.c.leased_until.is_not(None),
    ),
    or_(
        outbox.c.leased_until.is_(None),
        outbox.c.leased_until <= bindparam("now"),
        outbox.c.leased_until > bindparam("furthest"),
    ),
)
_AT: Final = ("now", "furthest")
_WAITING = Prepared(
    select(outbox.c.id, document.c.sender)
    .join_from(outbox, document, outbox.c.document_key == document.c.key)
    .where(_IS_DUE)
    .order_by(outbox.c.due_at, outbox.c.id)
    .limit(_LOOKED_AT),
    *_AT,
)
_IS_ANY_DUE = Prepared(select(outbox.c.id).where(_IS_DUE).limit(1), *_AT)
_NEXT = Prepared(
    select(*_CELLS).where(_IS_DUE, outbox.c.id == bindparam("row")).with_for_update(skip_locked=True),
    *_AT,
    "row",
)
_CLAIM = Prepared(
    update(outbox)
    .where(outbox.c.id == bindparam("row"))
    .values(
        leased_by=bindparam("worker"), leased_until=bindparam("lease"), attempts=bindparam("new_attempts")
    ),
    *_LEASE,
    "new_attempts",
)
_COMPLETE = Prepared(delete(outbox).where(_IS_LEASED), *_LEASE)
_REMOVE = Prepared(
    delete(outbox).where(outbox.c.document_key == bindparam("of_document")),
    "of_document",
)
_RETRY = Prepared(
    update(outbox)
    .where(_IS_LEASED)
    .values(
        leased_by=None, leased_until=None, due_at=bindparam("new_due_at"), last_code=bindparam("new_code")
    ),
    *_LEASE,
    "new_due_at",
    "new_code",
)
_PARK = Prepared(
    update(outbox)
    .where(_IS_LEASED)
    .values(
        leased_by=None,
        leased_until=None,
        parked_at=bindparam("new_parked_at"),
        last_code=bindparam("new_code"),
    ),
    *_LEASE,
    "new_parked_at",
    "new_code",
)
_IS_PARKED = outbox.c.parked_at.is_not(None)
_TAKE_UP = Prepared(
    update(outbox)
    .where(_IS_PARKED, outbox.c.id == bindparam("row"))
    .values(parked_at=None, attempts=0, due_at=bindparam("new_due_at")),
    "row",
    "new_due_at",
)
_GIVE_UP = Prepared(delete(outbox).where(_IS_PARKED, outbox.c.id == bindparam("row")), "row")
_SET_ASIDE = Prepared(
    update(outbox).values(
        leased_by=None,
        leased_until=None,
        parked_at=func.coalesce(outbox.c.parked_at, bindparam("new_parked_at", type_=BigInteger)),
        last_code=bindparam("new_code"),
    ),
    "new_parked_at",
    "new_code",
)
_OLDEST = Prepared(select(func.min(outbox.c.due_at)).where(outbox.c.parked_at.is_(None)))
_PROMISES = (
    select(document.c.document_id, document.c.sender, document.c.recipient, *_CELLS)
    .join_from(outbox, document, outbox.c.document_key == document.c.key)
    .order_by(outbox.c.id)
)
_PARKED = Prepared(_PROMISES.where(_IS_PARKED))
_OPEN = Prepared(_PROMISES)


def enqueue(connection: Connection, task: str, document_keys: Sequence[int], due_at: datetime) -> None:
    """Promise a task for each document, in the transaction that makes it due. Only then is it done."""
    due = millis(due_at)
    _ENQUEUE.run_many(connection, [(task, key, due, 0) for key in document_keys])


def is_any_due(connection: Connection, now: datetime, lease_seconds: int) -> bool:
    """Whether `claim` would find a row that nobody holds."""
    return _IS_ANY_DUE.one(connection, *_at(now, lease_seconds)) is not None


def claim(connection: Connection, worker: str, now: datetime, lease_seconds: int) -> OutboxRow | None:
    """Take the row that is due longest, for `lease_seconds`; None if nothing is due that another does not take now.

    The transaction is then alone with the sender of the row's document. Rows of senders that are busy are left to
    others while there are more; where there are none, it waits its turn. Commit before the work begins. A row whose
    lease ran out is due again, for any worker.
    """
    at = _at(now, lease_seconds)
    waiting = [(key, party_id(sender)) for key, sender in _WAITING.all(connection, *at)]
    mine = take_one(connection, [sender for _, sender in waiting])
    rows = (_NEXT.one(connection, *at, key) for key, sender in waiting if sender == mine)
    row = next(filter(None, rows), None)
    if row is None:  # whoever had that sender did what was due; of the others, what is free will do
        others = (key for key, sender in waiting if sender != mine and try_alone(connection, sender))
        row = next(filter(None, (_NEXT.one(connection, *at, key) for key in others)), None)
    if row is None:
        return None
    found = _outbox(row)
    lease = millis(now + timedelta(seconds=lease_seconds))
    _CLAIM.run(connection, found.id, worker, lease, found.attempts + 1)
    return replace(found, attempts=found.attempts + 1, leased_by=worker, leased_until=instant(lease))


def complete(connection: Connection, row: OutboxRow) -> bool:
    """Remove a claimed row whose task is done. False if the lease was lost: then undo what was done with it."""
    return _COMPLETE.run(connection, *_lease(row)) == 1


def remove(connection: Connection, document_key: int) -> None:
    """Promise nothing more for a document. A worker that holds a task of it finds that its lease is lost."""
    _REMOVE.run(connection, document_key)


def retry_later(connection: Connection, row: OutboxRow, due_at: datetime, code: Code) -> bool:
    """Give a claimed row back until `due_at`, with the reason of the failure. False if the lease was lost."""
    return _RETRY.run(connection, *_lease(row), millis(due_at), code.name) == 1


def park(connection: Connection, row: OutboxRow, at: datetime, code: Code) -> bool:
    """Set a claimed row aside for a person to look at. False if the lease was lost."""
    return _PARK.run(connection, *_lease(row), millis(at), code.name) == 1


def take_up(connection: Connection, row: OutboxRow, due_at: datetime) -> bool:
    """Let a parked row be due again at `due_at`, as if it had never been tried. False if it is not parked."""
    return _TAKE_UP.run(connection, row.id, millis(due_at)) == 1


def give_up(connection: Connection, row: OutboxRow) -> bool:
    """Remove a parked row, whose task will not be done. False if it is not parked."""
    return _GIVE_UP.run(connection, row.id) == 1


def park_all(connection: Connection, at: datetime, code: Code) -> int:
    """Set every row aside for a person to look at, for this reason, also one that was for another; gives how many."""
    return _SET_ASIDE.run(connection, millis(at), code.name)


def oldest_waiting(connection: Connection) -> datetime | None:
    """Since when the row that waits longest has been due, or None if nothing waits. Parked rows do not count."""
    row = _OLDEST.one(connection)
    return None if row is None else instant_or_none(row[0])


def parked(connection: Connection) -> tuple[Promise, ...]:
    """The rows that a person must look at, in the order they were promised."""
    return tuple(map(_promise, _PARKED.all(connection)))


def promised(connection: Connection) -> tuple[Promise, ...]:
    """Every row, parked or not, in the order they were promised."""
    return tuple(map(_promise, _OPEN.all(connection)))


def _at(now: datetime, lease_seconds: int) -> tuple[int, int]:
    """The time, and the time that no lease taken by now reaches: one whole lease is left for clocks of other hosts."""
    return millis(now), millis(now + timedelta(seconds=2 * lease_seconds))


def _lease(row: OutboxRow) -> tuple[int, str | None, int | None]:
    return row.id, row.leased_by, None if row.leased_until is None else millis(row.leased_until)


def _promise(row: Values) -> Promise:
    document_id, sender, recipient, *cells = row
    return Promise(_outbox(tuple(cells)), Uuid4(document_id), party_id(sender), party_id(recipient))


def _outbox(row: Values) -> OutboxRow:
    key, task, document_key, due_at, attempts, leased_until, leased_by, parked_at, last_code = row
    return OutboxRow(
        key,
        task,
        document_key,
        instant(due_at),
        attempts,
        instant_or_none(leased_until),
        leased_by,
        instant_or_none(parked_at),
        last_code,
    )

"""Deadlines as rows: opened with the state that starts the wait, cancelled with the one that ends it, else fired."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, Integer, and_, bindparam, func, insert, null, select, update

from gateway.domain.deadlines import Deadline, DeadlineKind
from gateway.domain.identifiers import PartyId, Uuid4
from gateway.storage.columns import instant, instant_or_none, millis, party_id
from gateway.storage.prepared import Prepared, Values
from gateway.storage.tables_documents import deadline, document


@dataclass(frozen=True, slots=True)
class DeadlineRow:
    """One wait of one document; times are zoned UTC. Who is told follows from its kind."""

    id: int
    document_key: int
    kind: DeadlineKind
    opened_at: datetime
    warn_at: datetime
    due_at: datetime
    warned_at: datetime | None
    fired_at: datetime | None
    cancelled_at: datetime | None

    @property
    def is_open(self) -> bool:
        """Whether it has neither ended nor passed."""
        return self.fired_at is None and self.cancelled_at is None

    def deadline(self, document_id: Uuid4) -> Deadline:
        """The wait as a value of the document with this id."""
        return Deadline(document_id, self.kind, self.opened_at, self.warn_at, self.due_at)


@dataclass(frozen=True, slots=True)
class UnreadableDeadline:
    """A row that this version cannot read as a wait: of a kind that a later one wrote, or with a time that is none."""

    id: int
    why: str  # the name of the error, which quotes nothing


@dataclass(frozen=True, slots=True)
class OpenWait:
    """A wait with the document that it is of."""

    row: DeadlineRow
    document_id: Uuid4
    recipient: PartyId  # whose working time it runs in


LONGEST_PAUSE: Final = timedelta(hours=1)  # before a wait that was put off is looked at again
_UNREADABLE: Final = (ArithmeticError, LookupError, TypeError, ValueError)
_CELLS = (
    deadline.c.id,
    deadline.c.document_key,
    deadline.c.kind,
    deadline.c.opened_at,
    deadline.c.warn_at,
    deadline.c.due_at,
    deadline.c.warned_at,
    deadline.c.fired_at,
    deadline.c.cancelled_at,
    deadline.c.of_deletion,
)
_OPENED: Final = ("document_key", "kind", "of_deletion", "opened_at", "warn_at", "due_at", "next_at")
_IS_THIS = and_(deadline.c.id == bindparam("row"), deadline.c.next_at.is_not(None))

_OPEN = Prepared(insert(deadline), *_OPENED)
_CANCEL = Prepared(
    update(deadline)
    .where(
        deadline.c.document_key == bindparam("of_document"),
        deadline.c.kind == bindparam("of_kind"),
        func.coalesce(deadline.c.of_deletion, 0) == bindparam("is_deletion", type_=Integer),
        deadline.c.next_at.is_not(None),
    )
    .values(cancelled_at=bindparam("at"), next_at=null()),
    "of_document",
    "of_kind",
    "is_deletion",
    "at",
)
_DUE = Prepared(
    select(*_CELLS)
    .where(deadline.c.next_at.is_not(None), deadline.c.next_at <= bindparam("now"))
    .order_by(deadline.c.next_at, deadline.c.id)
    .limit(bindparam("limit", type_=Integer)),
    "now",
    "limit",
)
_WARNED = Prepared(
    update(deadline)
    .where(_IS_THIS, deadline.c.warned_at.is_(None))
    .values(warned_at=bindparam("at"), next_at=deadline.c.due_at),
    "row",
    "at",
)
_FIRED = Prepared(
    update(deadline).where(_IS_THIS).values(fired_at=bindparam("at"), next_at=null()), "row", "at"
)
_HASTENED = Prepared(
    update(deadline)
    .where(_IS_THIS)
    .values(
        warn_at=bindparam("new_warn_at"),
        due_at=bindparam("new_due_at"),
        warned_at=null(),
        next_at=bindparam("new_warn_at"),
    ),
    "row",
    "new_warn_at",
    "new_due_at",
)
_BEGUN_ANEW = Prepared(
    update(deadline)
    .where(_IS_THIS)
    .values(
        opened_at=bindparam("new_opened_at"),
        warn_at=bindparam("new_warn_at"),
        due_at=bindparam("new_due_at"),
        warned_at=null(),
        next_at=bindparam("new_warn_at"),
    ),
    "row",
    "new_opened_at",
    "new_warn_at",
    "new_due_at",
)
_OPEN_WAITS = Prepared(
    select(*_CELLS, document.c.document_id, document.c.recipient)
    .join_from(deadline, document, deadline.c.document_key == document.c.key)
    .where(deadline.c.next_at.is_not(None))
    .order_by(deadline.c.id)
)
_POSTPONED = Prepared(update(deadline).where(_IS_THIS).values(next_at=bindparam("at")), "row", "at")
_OF_DOCUMENT = Prepared(
    select(*_CELLS).where(deadline.c.document_key == bindparam("document_key")).order_by(deadline.c.id),
    "document_key",
)


def open_deadlines(connection: Connection, document_key: int, deadlines: Sequence[Deadline]) -> None:
    """Record the waits that a state opens, in the transaction that records the state."""
    rows = []
    for each in deadlines:
        warn_at = millis(each.warn_at)
        opened_at, due_at = millis(each.opened_at), millis(each.due_at)
        rows.append((document_key, *_stored(each.kind), opened_at, warn_at, due_at, warn_at))
    _OPEN.run_many(connection, rows)


def cancel(connection: Connection, document_key: int, kinds: Collection[DeadlineKind], at: datetime) -> None:
    """End the document's waits of these kinds, those that have not fired."""
    when = millis(at)
    _CANCEL.run_many(connection, [(document_key, *_stored(kind), when) for kind in kinds])


def hasten(connection: Connection, deadline_id: int, sooner: Deadline) -> None:
    """Let an open wait warn and fall due at the times of `sooner`; one that is over stays so."""
    _HASTENED.run(connection, deadline_id, millis(sooner.warn_at), millis(sooner.due_at))


def begin_anew(connection: Connection, deadline_id: int, anew: Deadline) -> None:
    """Let an open wait begin, warn and fall due at the times of `anew`; one that is over stays so."""
    times = millis(anew.opened_at), millis(anew.warn_at), millis(anew.due_at)
    _BEGUN_ANEW.run(connection, deadline_id, *times)


def open_waits(connection: Connection) -> Sequence[OpenWait]:
    """The waits of all documents that have neither ended nor passed and can be read, in the order they were opened."""
    found = []
    for *cells, document_id, recipient in _OPEN_WAITS.all(connection):
        row = _due(tuple(cells))
        if isinstance(row, DeadlineRow):
            found.append(OpenWait(row, Uuid4(document_id), party_id(recipient)))
    return found


def due(connection: Connection, now: datetime, limit: int) -> tuple[DeadlineRow | UnreadableDeadline, ...]:
    """The waits whose warning (`warned_at` is None) or end has come, the oldest first, at most `limit`.

    One that cannot be read stands among them as such, so that it keeps nobody from the others.
    """
    return tuple(_due(row) for row in _DUE.all(connection, millis(now), limit))


def mark_warned(connection: Connection, deadline_id: int, at: datetime) -> bool:
    """Note that its warning was given. False if it was before, or the wait is over."""
    return _WARNED.run(connection, deadline_id, millis(at)) == 1


def mark_fired(connection: Connection, deadline_id: int, at: datetime) -> bool:
    """Note that it fired, in the transaction that tells. False if it has fired or was cancelled: then tell nobody."""
    return _FIRED.run(connection, deadline_id, millis(at)) == 1


def postpone(connection: Connection, deadline_id: int, until: datetime) -> None:
    """Look at a wait again at `until`, since now it can neither warn nor fire; one that is over stays so.

    `until` is at most `LONGEST_PAUSE` from now: so far ahead `gateway.storage.gauges` looks for what was put off.
    """
    _POSTPONED.run(connection, deadline_id, millis(until))


def deadlines_of(connection: Connection, document_key: int) -> tuple[DeadlineRow, ...]:
    """All waits of a document, in the order they were opened."""
    return tuple(_deadline(row) for row in _OF_DOCUMENT.all(connection, document_key))


def _stored(kind: DeadlineKind) -> tuple[str, int]:
    """A kind as its two cells; what the version before knew no kind for is to it a wait for an answer."""
    return (DeadlineKind.ANSWER.name, 1) if kind is DeadlineKind.DELETION else (kind.name, 0)


def _due(row: Values) -> DeadlineRow | UnreadableDeadline:
    try:
        return _deadline(row)
    except _UNREADABLE as error:
        return UnreadableDeadline(row[0], type(error).__name__)


def _deadline(row: Values) -> DeadlineRow:
    key, document_key, kind, opened_at, warn_at, due_at, warned_at, fired_at, cancelled_at, of_deletion = row
    return DeadlineRow(
        key,
        document_key,
        DeadlineKind.DELETION if of_deletion else DeadlineKind[kind],
        instant(opened_at),
        instant(warn_at),
        instant(due_at),
        instant_or_none(warned_at),
        instant_or_none(fired_at),
        instant_or_none(cancelled_at),
    )

"""Deadlines: which waits a state opens and keeps open, when each falls due, what its silence becomes, who is told.

All times are zoned UTC; spans run in Danish working time. A deadline is a row, and its firing is an event.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import Enum, unique
from typing import Final

from gateway.domain.calendar import Calendar, local_day
from gateway.domain.evidence import EventReason, EvidenceEvent, ReasonCode
from gateway.domain.identifiers import Uuid4
from gateway.domain.kinds import WISHED_ANSWER, DocumentKind, Urgency, WorkingSpan
from gateway.domain.status import AnswerCode, State, Status

CONFIRMED_WITHIN: Final = WorkingSpan(days=10)
"""How long the recipient may take to say that its copy of a withdrawn document is deleted. No rule of law sets it."""


@unique
class DeadlineKind(Enum):
    """What is waited for; the value is the kind of event that is waited for."""

    RELAY = "RELAYED"
    DELIVERY = "AVAILABLE"
    HANDOVER = "HANDED_OVER"
    READ = "READ"
    ANSWER = "ANSWERED"
    DELETION = "DELETION_ANSWERED"  # that the copy of a withdrawn document is deleted, or why not
    FOLLOW_UP = "FOLLOW_UP_DUE"  # the day on which two parties look at their agreement again


@unique
class Told(Enum):
    """Who is told: a party's roles by an event in the list of its systems, the operator by an alarm in the log."""

    SENDER = "SENDER"  # stays responsible until the document is read and answered
    ATTENTION = "ATTENTION"  # the roles the document is addressed to
    DEPUTY = "DEPUTY"
    MAILBOX = "MAILBOX"  # the recipient's main mailbox
    OPERATOR = "OPERATOR"


@dataclass(frozen=True)
class Firing:
    """What the passing of a deadline becomes: a negative state, its evidence, and who is told."""

    state: State
    evidence: EvidenceEvent
    reason: EventReason
    told: tuple[Told, ...]
    warned: tuple[Told, ...]  # at the warning, before anything has failed


def _firing(
    state: State,
    evidence: EvidenceEvent,
    reason: ReasonCode,
    told: tuple[Told, ...],
    warned: tuple[Told, ...],
) -> Firing:
    return Firing(state, evidence, EventReason(reason), told, warned)


FIRINGS: Final = {
    DeadlineKind.RELAY: _firing(
        State.RELAY_FAILED,
        EvidenceEvent.RELAY_FAILURE,
        ReasonCode.RELAY_TIMEOUT,
        told=(Told.SENDER, Told.OPERATOR),
        warned=(
            Told.SENDER,
            Told.OPERATOR,
        ),
    ),
    DeadlineKind.DELIVERY: _firing(
        State.UNDELIVERED,
        EvidenceEvent.CONTENT_CONSIGNMENT_FAILURE,
        ReasonCode.NOT_MADE_AVAILABLE,
        told=(Told.SENDER, Told.OPERATOR),
        warned=(
            Told.SENDER,
            Told.OPERATOR,
        ),
    ),
    DeadlineKind.HANDOVER: _firing(
        State.UNDELIVERED,
        EvidenceEvent.CONTENT_HANDOVER_FAILURE,
        ReasonCode.NOT_FETCHED,
        told=(Told.SENDER, Told.MAILBOX, Told.OPERATOR),
        warned=(Told.SENDER, Told.MAILBOX, Told.OPERATOR),
    ),
    DeadlineKind.READ: _firing(
        State.UNREAD,
        EvidenceEvent.READ_EXPIRY,
        ReasonCode.NOT_READ,
        told=(Told.SENDER, Told.DEPUTY, Told.MAILBOX),
        warned=(
            Told.SENDER,
            Told.ATTENTION,
        ),
    ),
    DeadlineKind.ANSWER: _firing(
        State.UNANSWERED,
        EvidenceEvent.ANSWER_EXPIRY,
        ReasonCode.NOT_ANSWERED,
        told=(Told.SENDER, Told.ATTENTION, Told.DEPUTY),
        warned=(
            Told.SENDER,
            Told.ATTENTION,
        ),
    ),
    DeadlineKind.DELETION: _firing(
        State.UNANSWERED,
        EvidenceEvent.ANSWER_EXPIRY,
        ReasonCode.DELETION_NOT_CONFIRMED,
        told=(Told.SENDER, Told.ATTENTION, Told.DEPUTY),
        warned=(
            Told.SENDER,
            Told.ATTENTION,
        ),
    ),
}
"""Every kind of deadline that is broken by silence, with what becomes of it. A follow-up is only a day that comes."""


_REMINDED: Final = (Told.SENDER, Told.ATTENTION)  # of a follow-up, before it and when it has come


def warned_of(kind: DeadlineKind) -> tuple[Told, ...]:
    """Who is told that a wait is about to end."""
    return FIRINGS[kind].warned if kind in FIRINGS else _REMINDED


def told_of(kind: DeadlineKind) -> tuple[Told, ...]:
    """Who is told that a wait has ended."""
    return FIRINGS[kind].told if kind in FIRINGS else _REMINDED


@dataclass(frozen=True)
class TransportWaits:
    """How long the machines may take, as (warning, failure), in working time; no rule of law sets the defaults."""

    relay: tuple[WorkingSpan, WorkingSpan] = (WorkingSpan(hours=1), WorkingSpan(hours=12))
    delivery: tuple[WorkingSpan, WorkingSpan] = (WorkingSpan(hours=12), WorkingSpan(hours=24))
    handover: tuple[WorkingSpan, WorkingSpan] = (WorkingSpan(hours=12), WorkingSpan(hours=24))


@dataclass(frozen=True)
class Waiting:
    """What of a document decides its deadlines."""

    document_id: Uuid4
    kind: DocumentKind
    local: bool  # both parties on this installation: no relay, and the delivery clock starts at DISPATCHED
    urgency: Urgency | None = None
    reply_due: date | None = None  # a day in Copenhagen, as the sender wishes
    transport: TransportWaits = TransportWaits()
    wishes_answer: bool = False  # the document itself says that its sender waits for something in return

    follow_up_on: date | None = None  # a day in Copenhagen, as an agreement says

    @property
    def answer_span(self) -> WorkingSpan | None:
        """How long it may stay unanswered by its kind or by what it says; None if neither asks for an answer."""
        return self.kind.waits(self.urgency).answer or (WISHED_ANSWER if self.wishes_answer else None)


@dataclass(frozen=True)
class Deadline:
    """One wait of one document."""

    document_id: Uuid4
    kind: DeadlineKind
    opened_at: datetime
    warn_at: datetime
    due_at: datetime


@dataclass(frozen=True)
class Situation:
    """What of the life of a document and of those around it decides which of its waits are open."""

    status: Status
    is_replaced: bool = False  # a correction of it stands: that does the waiting
    has_come: bool = False  # what it asks for has come otherwise than by an answer: a letter that was awaited
    is_superseded: bool = False  # a newer version of the agreement binds the parties
    is_deletion_answered: bool = False
    is_given_up: bool = False  # the operator gave its delivery up, and told its sender

    def waits_for(self, kind: DeadlineKind) -> bool:
        """Whether a wait of this kind, once it was opened, has something to wait for still."""
        status = self.status
        if kind is DeadlineKind.DELETION:
            return status.is_withdrawn and not self.is_deletion_answered
        if status.is_withdrawn or self.is_given_up:
            return False
        if kind is DeadlineKind.FOLLOW_UP:
            return status.verdict is not AnswerCode.DECLINED and not self.is_superseded
        if kind in TAKEN_OVER and self.is_replaced:
            return False
        if kind is DeadlineKind.ANSWER:
            return status.verdict is None and not self.has_come
        return not status.reached(State(kind.value))


TAKEN_OVER: Final = (DeadlineKind.HANDOVER, DeadlineKind.READ, DeadlineKind.ANSWER)
"""The waits that a correction takes over from what it corrects."""


def opened_by(state: State, at: datetime, waiting: Waiting, calendar: Calendar) -> tuple[Deadline, ...]:
    """The deadlines that open when a document reaches `state` at `at`, in the recipient's calendar."""
    return tuple(
        Deadline(waiting.document_id, kind, at, *_times(kind, at, waiting, calendar))
        for kind in _OPENED[state, waiting.local]
        if _is_due(kind, waiting)
    )


def begun_anew(earlier: Deadline, at: datetime, calendar: Calendar) -> Deadline:
    """The wait that begins once more at `at`: its warning and its end come after as much working time as before.

    So does the wait for an answer when a question came in its place, and any wait that may have been met in a part of
    the store's history that is lost. One that had no working time, since its days were closed later or it ran by the
    hours of the day, lasts as long as it would have in the usual calendar, or by the clock: never no time at all.
    ValueError if the times of `earlier` are in no order.
    """

    def moved(moment: datetime) -> datetime:
        for each in (calendar, Calendar()):
            if lasting := each.working_time_between(earlier.opened_at, moment):
                return calendar.add_working_time(at, lasting)
        return at + (moment - earlier.opened_at)

    return replace(earlier, opened_at=at, warn_at=moved(earlier.warn_at), due_at=moved(earlier.due_at))


def resumed(earlier: Deadline, ended_at: datetime, at: datetime, calendar: Calendar) -> Deadline:
    """The wait that opens again at `at`, since what had ended it at `ended_at` was taken back.

    Its clock stood still meanwhile: it has the working time that was left, so that nobody wins time by giving
    something and taking it back. A follow-up keeps its day. An end after `at`, or before the wait was opened, is that
    of a wrong clock: it takes no more of the wait than has passed, and gives no more than there was.
    """
    if earlier.kind is DeadlineKind.FOLLOW_UP:
        return replace(
            earlier, opened_at=at, warn_at=max(at, earlier.warn_at), due_at=max(at, earlier.due_at)
        )
    ended = max(earlier.opened_at, min(ended_at, at))
    left = calendar.working_time_between(ended, max(ended, earlier.due_at))
    return _lasting(earlier, left, at, calendar)


def hastened(own: Deadline, taken_over: Deadline, at: datetime, calendar: Calendar) -> Deadline:
    """The wait of a correction: its own, or until the one it takes over was due, if that is sooner.

    So no chain of corrections puts off for ever that somebody must read and answer.
    """
    if taken_over.due_at >= own.due_at:
        return own
    due = max(at, taken_over.due_at)
    return replace(own, warn_at=_halfway(at, due, calendar), due_at=due)


def deletion_of(document_id: Uuid4, at: datetime, calendar: Calendar) -> Deadline:
    """The wait for the word of the recipient that its copy of a document, withdrawn at `at`, is deleted."""
    due = CONFIRMED_WITHIN.after(at, calendar)
    return Deadline(document_id, DeadlineKind.DELETION, at, _halfway(at, due, calendar), due)


def _lasting(earlier: Deadline, span: timedelta, at: datetime, calendar: Calendar) -> Deadline:
    due = calendar.add_working_time(at, span)
    return replace(earlier, opened_at=at, warn_at=_halfway(at, due, calendar), due_at=due)


_REMOTE: Final = {
    State.ACCEPTED: (DeadlineKind.ANSWER,),
    State.DISPATCHED: (DeadlineKind.RELAY,),
    State.RELAYED: (DeadlineKind.DELIVERY,),
    State.AVAILABLE: (DeadlineKind.HANDOVER, DeadlineKind.READ, DeadlineKind.FOLLOW_UP),
}
_LOCAL: Final = {
    State.ACCEPTED: (DeadlineKind.ANSWER,),
    State.DISPATCHED: (DeadlineKind.DELIVERY,),
    State.AVAILABLE: (DeadlineKind.HANDOVER, DeadlineKind.READ, DeadlineKind.FOLLOW_UP),
}
# The answer is counted from acceptance: the promise to the sender does not wait for our own transport.
_OPENED: Final[Mapping[tuple[State, bool], tuple[DeadlineKind, ...]]] = {
    (state, local): (_LOCAL if local else _REMOTE).get(state, ())
    for state in State
    for local in (True, False)
}


def _is_due(kind: DeadlineKind, waiting: Waiting) -> bool:
    """Whether this document has such a wait at all."""
    if kind is DeadlineKind.ANSWER:
        return waiting.reply_due is not None or waiting.answer_span is not None
    return kind is not DeadlineKind.FOLLOW_UP or waiting.follow_up_on is not None


def _times(
    kind: DeadlineKind, at: datetime, waiting: Waiting, calendar: Calendar
) -> tuple[datetime, datetime]:
    """When to warn and when it falls due."""
    waits = waiting.kind.waits(waiting.urgency)
    if kind is DeadlineKind.ANSWER:
        due = _answer_due(at, waiting.answer_span, waiting.reply_due, calendar)
        return _halfway(at, due, calendar), due
    if kind is DeadlineKind.FOLLOW_UP and waiting.follow_up_on is not None:
        return _follow_up(at, waiting.follow_up_on, calendar)
    read_due = waits.read.after(at, calendar)
    if kind is DeadlineKind.READ:
        return _halfway(at, read_due, calendar), read_due
    warning, failure = {
        DeadlineKind.RELAY: waiting.transport.relay,
        DeadlineKind.DELIVERY: waiting.transport.delivery,
        DeadlineKind.HANDOVER: waiting.transport.handover,
    }[kind]
    due = min(failure.after(at, calendar), read_due)  # no machine may take longer than a person has to read
    return min(warning.after(at, calendar), _halfway(at, due, calendar)), due


def _answer_due(
    at: datetime, span: WorkingSpan | None, reply_due: date | None, calendar: Calendar
) -> datetime:
    """The earlier of what the kind says and what the sender wishes.

    A wish for today is due when the next working day closes: who answers had not even been asked this morning.
    """
    dues = [] if span is None else [span.after(at, calendar)]
    if reply_due is not None:
        is_ahead = reply_due > local_day(at)
        dues.append(calendar.close_of(reply_due) if is_ahead else calendar.add_working_days(at, 1))
    return min(dues)


def _follow_up(at: datetime, agreed: date, calendar: Calendar) -> tuple[datetime, datetime]:
    """When the agreed day opens, or at once if it has come; warned of as the working day before it opens."""
    today = local_day(at)
    day = max(agreed, today)
    before = day - timedelta(days=1)
    while before > today and not calendar.is_working_day(before):
        before -= timedelta(days=1)
    return max(at, calendar.open_of(max(before, today))), max(at, calendar.open_of(day))


def _halfway(at: datetime, due: datetime, calendar: Calendar) -> datetime:
    return calendar.add_working_time(at, calendar.working_time_between(at, due) / 2)

"""The status of a document: a projection of events, which are facts and are never edited.

Any event may arrive late or out of order. The projection takes the furthest positive state; a negative stands
until what it missed arrives. Nothing is dropped: what contradicts is flagged, and an operator is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, unique
from typing import Final

from gateway.domain.evidence import EventReason
from gateway.domain.identifiers import Uuid4


@unique
class State(Enum):
    """Where a document is."""

    RECEIVED = "RECEIVED"
    SEALED = "SEALED"
    ACCEPTED = "ACCEPTED"
    DISPATCHED = "DISPATCHED"
    RELAYED = "RELAYED"
    AVAILABLE = "AVAILABLE"
    HANDED_OVER = "HANDED_OVER"
    READ = "READ"
    ANSWERED = "ANSWERED"
    WITHDRAWN = "WITHDRAWN"
    RELAY_FAILED = "RELAY_FAILED"
    UNDELIVERED = "UNDELIVERED"
    UNREAD = "UNREAD"
    UNANSWERED = "UNANSWERED"
    FAILED = "FAILED"

    @property
    def is_negative(self) -> bool:
        """Whether it says that something failed or did not happen in time."""
        return self in MISSES


ORDER: Final = (
    State.RECEIVED,
    State.SEALED,
    State.ACCEPTED,
    State.DISPATCHED,
    State.RELAYED,
    State.AVAILABLE,
    State.HANDED_OVER,
    State.READ,
    State.ANSWERED,
)
"""The positive states in the order a document passes them; RELAYED only between two installations."""

MISSES: Final = {
    State.RELAY_FAILED: State.RELAYED,
    State.FAILED: State.AVAILABLE,
    State.UNDELIVERED: State.HANDED_OVER,
    State.UNREAD: State.READ,
    State.UNANSWERED: State.ANSWERED,
}
"""The negative states, each with the positive state that ends it."""


@unique
class Standing(Enum):
    """What a state rests on."""

    RECORDED = "RECORDED"  # this gateway's own record, without evidence
    EVIDENCE = "EVIDENCE"
    ASSERTED = "ASSERTED"  # a system said so in a signed request; the evidence wraps it
    INFERRED = "INFERRED"  # a later state implies it; never evidence


@unique
class AnswerCode(Enum):
    """What an answer says."""

    ACCEPTED = "ACCEPTED"
    OFFER = "OFFER"
    AGREEMENT = "AGREEMENT"
    DECLINED = "DECLINED"
    NEED_MORE = "NEED_MORE"

    @property
    def is_final(self) -> bool:
        """Whether it ends the wait for an answer. A question does not: whoever asked still has no answer."""
        return self is not AnswerCode.NEED_MORE


@unique
class Flag(Enum):
    """What a person must look at."""

    LATE = "LATE"  # it came after silence had been evidenced, or after a withdrawal
    CONFLICT = "CONFLICT"  # two facts contradict each other


@dataclass(frozen=True)
class StatusEvent:
    """One fact: the document reached a state, or was found not to have."""

    event_id: Uuid4
    state: State
    at: datetime  # when it happened, zoned UTC, by the issuer's clock
    issuer: str
    standing: Standing
    reasons: tuple[EventReason, ...] = ()
    evidence_id: Uuid4 | None = None
    answer: AnswerCode | None = None
    related: Uuid4 | None = None  # another document that it points to, such as the one that answered this

    def __post_init__(self) -> None:
        if self.standing is Standing.INFERRED:
            raise ValueError("what is inferred is no event")
        if self.state.is_negative and not self.reasons:
            raise ValueError("every negative carries a reason")
        if (self.state is State.ANSWERED) != (self.answer is not None):
            raise ValueError("ANSWERED, and it alone, has an answer code")


@dataclass(frozen=True)
class Marks:
    """What is known of events by the documents that they point to. None of it edits an event."""

    lapsed: frozenset[Uuid4] = frozenset()  # withdrawn or corrected since: what they say counts no more
    confirming: frozenset[Uuid4] = frozenset()  # answers to a withdrawal, accepted after it


NO_MARKS: Final = Marks()


@dataclass(frozen=True)
class Entry:
    """One line of a timeline: an event with its flags, or an inferred state (then without event)."""

    state: State
    standing: Standing
    event: StatusEvent | None = None
    flags: frozenset[Flag] = frozenset()


@dataclass(frozen=True)
class Status:
    """What the events of one document say together."""

    state: State | None  # what to show; None before the first event
    progress: State | None  # the furthest positive state
    answer: AnswerCode | None  # the latest, a question too
    negatives: tuple[State, ...]  # those that still stand
    timeline: tuple[Entry, ...]  # events as recorded; inferred states before the event that implies them
    verdict: AnswerCode | None = None  # the latest answer that is no question

    @property
    def flags(self) -> frozenset[Flag]:
        """Every flag of the timeline."""
        return frozenset(flag for entry in self.timeline for flag in entry.flags)

    @property
    def is_withdrawn(self) -> bool:
        """Whether the sender withdrew it."""
        return self.state is State.WITHDRAWN

    def reached(self, state: State) -> bool:
        """Whether the document came at least as far as this positive state."""
        return self.progress is not None and ORDER.index(self.progress) >= ORDER.index(state)


def project(events: Sequence[StatusEvent], *, local: bool, marks: Marks = NO_MARKS) -> Status:
    """The status that these events, in the order they were recorded, amount to.

    `local`: both parties are on this installation, so RELAYED is neither expected nor inferred. An answer that has
    lapsed stands in the timeline and says nothing any more, not even that the document was read. Of several answers the
    one recorded last is the latest, whatever the times say: a clock may have been put back.
    """
    counted = [event for event in events if not _has_lapsed(event, marks)]
    progress = _furthest(counted)
    missing = _inferred(counted, progress, local)
    timeline: list[Entry] = []
    for number, event in enumerate(events):
        while missing and not _has_lapsed(event, marks) and _rank(event.state) > _rank(missing[0]):
            timeline.append(Entry(missing.pop(0), Standing.INFERRED))
        timeline.append(Entry(event.state, event.standing, event, _flags(event, events[:number], marks)))
    negatives = _standing_negatives(counted)
    withdrawn = any(event.state is State.WITHDRAWN for event in events)
    answers = [event.answer for event in counted if event.answer is not None]
    return Status(
        state=State.WITHDRAWN if withdrawn else (*negatives, progress)[0],
        progress=progress,
        answer=answers[-1] if answers else None,
        negatives=negatives,
        timeline=tuple(timeline),
        verdict=next((answer for answer in reversed(answers) if answer.is_final), None),
    )


def _has_lapsed(event: StatusEvent, marks: Marks) -> bool:
    return event.state is State.ANSWERED and event.related in marks.lapsed


def _since_withdrawal(events: list[StatusEvent]) -> list[StatusEvent]:
    """The events after a withdrawal, the last one, or all if there was none.

    A withdrawn document waits for nothing but the word that its copy is deleted: what came before does not count.
    """
    withdrawn = [number for number, event in enumerate(events) if event.state is State.WITHDRAWN]
    return events[withdrawn[-1] + 1 :] if withdrawn else events


def _rank(state: State) -> int:
    """The place of a positive state in the order; before all of them for the others."""
    return ORDER.index(state) if state in ORDER else -1


def _furthest(events: Sequence[StatusEvent]) -> State | None:
    furthest = max((_rank(event.state) for event in events), default=-1)
    return ORDER[furthest] if furthest >= 0 else None


def _inferred(events: Sequence[StatusEvent], progress: State | None, local: bool) -> list[State]:
    """The states after acceptance that no event tells of, but that the furthest one implies."""
    if progress is None:
        return []
    told = {event.state for event in events}
    passed = ORDER[ORDER.index(State.DISPATCHED) : ORDER.index(progress)]
    return [state for state in passed if state not in told and not (local and state is State.RELAYED)]


def _has_come(events: Sequence[StatusEvent], missed: State) -> bool:
    """Whether a state that was missed came after all, or a later one; of answers, one that is final."""
    if missed is State.ANSWERED:
        return any(event.answer is not None and event.answer.is_final for event in events)
    furthest = _furthest(events)
    return furthest is not None and _rank(furthest) >= _rank(missed)


def _standing_negatives(events: Sequence[StatusEvent]) -> tuple[State, ...]:
    """The negatives whose missed state never came, the earliest in the document's life first: it is the cause."""
    told = {event.state for event in events}
    return tuple(
        negative for negative, missed in MISSES.items() if negative in told and not _has_come(events, missed)
    )


def _flags(event: StatusEvent, recorded: Sequence[StatusEvent], marks: Marks) -> frozenset[Flag]:
    """What is remarkable about an event, given those recorded before it."""
    if event.state is State.WITHDRAWN:
        return frozenset()
    before = [earlier for earlier in recorded if not _has_lapsed(earlier, marks)]
    if event.state is State.UNANSWERED or event.related in marks.confirming:
        before = _since_withdrawal(before)
    if event.state.is_negative:
        contradicted = _has_come(before, MISSES[event.state])
        return frozenset({Flag.CONFLICT}) if contradicted else frozenset()
    flags = set()
    for negative in _standing_negatives(before):
        if _rank(event.state) >= _rank(MISSES[negative]):
            # Silence is made good by what comes late; a failure that was stated is contradicted by it.
            flags.add(Flag.CONFLICT if negative is State.FAILED else Flag.LATE)
    if any(earlier.state is State.WITHDRAWN for earlier in before):
        flags.add(Flag.LATE)
    return frozenset(flags)

"""What happened: one document's timeline, its evidence with log proofs, and a party's stream of events.

The state shown is always computed from the events; it is stored nowhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection

from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError
from gateway.domain.identifiers import PartyId, Uuid4
from gateway.domain.mandate import Operation
from gateway.domain.operations import (
    EventsAnswer,
    EvidenceAnswer,
    GetEvidenceRequest,
    GetStatusRequest,
    ListedEvent,
    ListEventsRequest,
    SignedEvidence,
    StatusAnswer,
    TimelineDeadline,
    TimelineEvent,
)
from gateway.domain.status import Entry, Flag, Marks, Standing, State, Status, StatusEvent, project
from gateway.protocol.wss import Verified
from gateway.services import cursors, disclosure_log
from gateway.services.access import asking, authorise, require_visible
from gateway.services.installation import Installation
from gateway.storage import deadlines, documents, events
from gateway.storage import evidence as evidence_rows
from gateway.storage.events import EventRow

# Kinds of events that are no states. Each points to the document that is told of.
CORRECTED: Final = "CORRECTED"  # a later document replaces this one
DELETION_ANSWERED: Final = "DELETION_ANSWERED"  # the recipient answered whether its copy is deleted
LAPSED: Final = "LAPSED"  # what that document did to this one counts no more: it was withdrawn or corrected
REVIVED: Final = "REVIVED"  # it counts again: what had made it lapse was withdrawn
_IN_TIMELINE: Final = frozenset({DELETION_ANSWERED, LAPSED, REVIVED})


def get_status(installation: Installation, verified: Verified, request: GetStatusRequest) -> StatusAnswer:
    """Return the timeline of a document that the party sent or was delivered. InputError NOT_FOUND otherwise."""
    at = installation.clock()
    with asking(installation, verified) as connection:
        caller = authorise(connection, verified, Operation.GET_STATUS, request.on_behalf_of, at)
        found = documents.find_visible(connection, caller.party.id, request.document_id)
        row = require_visible(found, Operation.GET_STATUS, caller.party.id)
        history = events.events_of(connection, row.key, caller.party.id)
        waits = deadlines.deadlines_of(connection, row.key)
        newest = corrected_by(connection, row.key, history)
    return StatusAnswer(
        document_id=row.document_id,
        state=shown_state(projected(history)),
        events=_timeline(history),
        deadlines=tuple(
            TimelineDeadline(wait.kind, wait.due_at, wait.fired_at is not None)
            for wait in sorted(waits, key=lambda wait: wait.due_at)
            if wait.cancelled_at is None
        ),
        corrected_by=newest,
    )


def get_evidence(
    installation: Installation, verified: Verified, request: GetEvidenceRequest
) -> EvidenceAnswer:
    """Return the evidence of a document, octet for octet, each with its log proof once a checkpoint covers it.

    A party gets the proofs of its own log only: the other party's log is not its to read.
    """
    at = installation.clock()
    with asking(installation, verified) as connection:
        caller = authorise(connection, verified, Operation.GET_EVIDENCE, request.on_behalf_of, at)
        found = documents.find_visible(connection, caller.party.id, request.document_id)
        row = require_visible(found, Operation.GET_EVIDENCE, caller.party.id)
        known = {event.evidence_id for event in events.events_of(connection, row.key, caller.party.id)}
        evidence = [
            each for each in evidence_rows.evidence_of(connection, row.key) if each.evidence_id in known
        ]
        proofs = {
            each.evidence_id: disclosure_log.proof_of(connection, each.log_party, each.log_entry_id)
            for each in evidence
            if each.log_party == caller.party.id
        }
    return EvidenceAnswer(
        document_id=row.document_id,
        evidence=tuple(
            SignedEvidence(each.evidence_id, each.event, each.octets, proofs.get(each.evidence_id))
            for each in evidence
        ),
    )


def list_events(installation: Installation, verified: Verified, request: ListEventsRequest) -> EventsAnswer:
    """Return a page of the party's events after a cursor, at least once and always in the same order."""
    at = installation.clock()
    with asking(installation, verified) as connection:
        caller = authorise(connection, verified, Operation.LIST_EVENTS, request.on_behalf_of, at)
        after = cursors.read(request.cursor, Operation.LIST_EVENTS, caller.party.id)
        page = events.events_after(connection, caller.party.id, after, request.page_size + 1)
        shown = page[: request.page_size]
        histories = {
            key: events.events_of(connection, key, caller.party.id)
            for key in {streamed.event.document_key for streamed in shown}
        }
    last = shown[-1].event.seq if shown else after
    return EventsAnswer(
        events=tuple(_listed(streamed, histories[streamed.event.document_key]) for streamed in shown),
        next_cursor=cursors.write(last, Operation.LIST_EVENTS, caller.party.id),
        more=len(page) > len(shown),
    )


def status_of(connection: Connection, document_key: int, party: PartyId) -> Status:
    """Return what the events of a document that this party may see amount to."""
    return projected(events.events_of(connection, document_key, party))


def seen_by(connection: Connection, document_key: int, party: PartyId) -> tuple[State, Uuid4 | None]:
    """Return the state that a list shows of a document to this party, and the document that corrected it."""
    history = events.events_of(connection, document_key, party)
    return shown_state(projected(history)), corrected_by(connection, document_key, history)


def corrected_by(connection: Connection, document_key: int, history: Sequence[EventRow]) -> Uuid4 | None:
    """Return the newest document, by acceptance, that replaces the one with these events, or None.

    Corrections may arrive in another order than they were made in.
    """
    standing = corrections_of(history)
    if len(standing) < 2:
        return standing[0] if standing else None
    earlier = documents.document_by_key(connection, document_key)
    assert earlier is not None, "a document with events is never removed"
    newer = [documents.find_own(connection, earlier.sender, each) for each in standing]
    return max((each.key, each.document_id) for each in newer if each is not None)[1]


def corrections_of(history: Sequence[EventRow]) -> tuple[Uuid4, ...]:
    """Return the documents that replace the one with these events and were not withdrawn, as they arrived."""
    lapsed = marks_of(history).lapsed
    told = (row.related for row in history if row.kind == CORRECTED)
    return tuple(dict.fromkeys(each for each in told if each is not None and each not in lapsed))


def marks_of(history: Sequence[EventRow]) -> Marks:
    """Return what later events say of earlier ones."""
    lapsed = dict[Uuid4, bool]()
    for row in history:
        if row.related is not None and row.kind in (LAPSED, REVIVED):
            lapsed[row.related] = row.kind == LAPSED
    return Marks(
        lapsed=frozenset(each for each, has_lapsed in lapsed.items() if has_lapsed),
        confirming=frozenset(
            row.related for row in history if row.kind == DELETION_ANSWERED and row.related is not None
        ),
    )


def projected(history: Sequence[EventRow]) -> Status:
    """Return what these events of a document, as one party may see them, amount to."""
    states = [_status_event(row) for row in history if row.kind in State.__members__]
    return project(states, local=True, marks=marks_of(history))


def _timeline(history: Sequence[EventRow]) -> tuple[TimelineEvent, ...]:
    """The states, inferred ones too, and among them what says that they count no more or again."""
    others = [row for row in history if row.kind in _IN_TIMELINE]
    places = {row.event_id: row.seq for row in history}
    lines: list[TimelineEvent] = []
    for entry in projected(history).timeline:
        while others and entry.event is not None and others[0].seq < places[entry.event.event_id]:
            lines.append(_line(others.pop(0)))
        lines.append(_timeline_event(entry))
    return (*lines, *map(_line, others))


def _status_event(row: EventRow) -> StatusEvent:
    return StatusEvent(
        event_id=row.event_id,
        state=State(row.kind),
        at=row.at,
        issuer=row.issuer,
        standing=row.standing,
        reasons=row.reasons,
        evidence_id=row.evidence_id,
        answer=row.answer,
        related=row.related,
    )


def shown_state(status: Status) -> State:
    """Return the state to show; InputError NOT_FOUND for a document without events, which nobody may see."""
    if status.state is None:
        raise InputError(Code.NOT_FOUND)
    return status.state


def _timeline_event(entry: Entry) -> TimelineEvent:
    event = entry.event
    if event is None:
        return TimelineEvent(kind=entry.state.value, standing=Standing.INFERRED)
    return TimelineEvent(
        kind=entry.state.value,
        standing=entry.standing,
        event_id=event.event_id,
        at=event.at,
        issuer=event.issuer,
        evidence_id=event.evidence_id,
        answer=event.answer,
        reasons=event.reasons,
        flags=entry.flags,
        related=event.related,
    )


def _listed(streamed: events.StreamedEvent, history: Sequence[EventRow]) -> ListedEvent:
    """An event of the stream, with the state that the document had after it."""
    until_then = [row for row in history if row.seq <= streamed.event.seq]
    status = projected(until_then)
    row = streamed.event
    flags = next(
        (entry.flags for entry in status.timeline if entry.event and entry.event.event_id == row.event_id),
        frozenset(),
    )
    return ListedEvent(
        document_id=streamed.document_id,
        conversation_id=streamed.conversation_id,
        state=shown_state(status),
        event=_line(row, flags),
    )


def _line(row: EventRow, flags: frozenset[Flag] = frozenset()) -> TimelineEvent:
    """An event as it was recorded."""
    return TimelineEvent(
        kind=row.kind,
        standing=row.standing,
        event_id=row.event_id,
        at=row.at,
        issuer=row.issuer,
        evidence_id=row.evidence_id,
        answer=row.answer,
        reasons=row.reasons,
        flags=flags,
        related=row.related,
    )

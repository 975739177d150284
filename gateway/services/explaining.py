"""Explaining: everything but the content that is known of one document, for an operator whom somebody asks about it.

The look is an ACCESS entry, marked as one at the timeline, in the log of each party whose document it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from gateway.crypto.certificates import Certificate
from gateway.domain.catalogue import Code
from gateway.domain.deadlines import DeadlineKind
from gateway.domain.errors import BropostError, InputError
from gateway.domain.identifiers import PartyId, Uuid4
from gateway.domain.mandate import Operation, decide
from gateway.domain.party import Role, System, receiving_systems
from gateway.domain.status import Flag, Standing, State, Status
from gateway.services import log_entries
from gateway.services.installation import Installation
from gateway.services.timeline import seen_by, status_of
from gateway.storage import (
    deadlines,
    deliveries,
    documents,
    events,
    lookups,
    mandates,
    parties,
    systems,
    withdrawals,
)
from gateway.storage.documents import DocumentRow
from gateway.storage.events import EventRow
from gateway.views.life import End, Happening, Life, Obstacle, Receiver, Task, Wait

TIMELINE_ONLY: Final = "TIMELINE_ONLY"
"""The detail of an ACCESS entry: the timeline was looked at, and nothing of the content."""


@dataclass(frozen=True)
class _Asserted:
    """Which system a piece of evidence rests on, and for which role, where it says so."""

    system: str
    role: Role | None = None


def explain(
    installation: Installation, document_id: Uuid4, operator: str, party: PartyId | None = None
) -> Life:
    """Return the life of a document, once the look is in the logs of its parties; `operator` names who looks.

    The recipient's log tells of it once the document is delivered: before, that party may not know of it. `party` says
    which is meant where two documents have the id. InputError NOT_FOUND, ARGUMENT_INVALID if more than one fits.
    """
    at = installation.clock()
    with installation.database.read() as connection:
        row = _meant(connection, document_id, party)
        life = _life(installation, connection, row, at)
        holders = [row.sender]
        if deliveries.find_delivery(connection, row.recipient, row.key) is not None:
            holders.append(row.recipient)
    entries = [
        log_entries.inspection_entry(installation, each, row, operator, at, details=(TIMELINE_ONLY,))
        for each in holders
    ]
    with installation.database.transaction(*holders) as connection:
        log_entries.append(connection, *entries)
    return life


def _meant(connection: Connection, document_id: Uuid4, party: PartyId | None) -> DocumentRow:
    """The one document of this id, of this party if it is given."""
    rows = lookups.documents_of_id(connection, document_id)
    found = [row for row in rows if party in (None, row.sender, row.recipient)]
    if not found:
        raise InputError(Code.NOT_FOUND)
    if len(found) > 1:
        raise InputError(
            Code.ARGUMENT_INVALID, what="two parties have sent a document of this id: name --party"
        )
    return found[0]


def _life(installation: Installation, connection: Connection, row: DocumentRow, at: datetime) -> Life:
    status = status_of(connection, row.key, row.sender)
    _, corrected_by = seen_by(connection, row.key, row.sender)
    withdrawal = withdrawals.find_withdrawal(connection, row.key)
    task = lookups.task_of(connection, row.key)
    return Life(
        now=at,
        document_id=row.document_id,
        conversation_id=row.conversation_id,
        kind=row.kind,
        sender=_end(connection, row.sender),
        recipient=_end(connection, row.recipient),
        roles=tuple(dict.fromkeys(each.role for each in row.attention)),
        accepted_at=row.accepted_at,
        status=status,
        happenings=_happenings(connection, row, status),
        waits=tuple(
            Wait(each.kind, each.due_at, each.warned_at, each.fired_at)
            for each in deadlines.deadlines_of(connection, row.key)
            if each.cancelled_at is None and not (each.fired_at and each.kind is DeadlineKind.FOLLOW_UP)
        ),
        task=None if task is None else Task(task.due_at, task.attempts, task.parked_at, task.last_code),
        corrected_by=corrected_by,
        content_removed=withdrawal is not None and withdrawal.content_removed,
        withdrawn_for=None if withdrawal is None else withdrawal.reason,
        receivers=_receivers(connection, row, at),
        own_troubles=_own_troubles(installation, row, at),
    )


def _end(connection: Connection, party: PartyId) -> End:
    found = parties.find_party(connection, party)
    return End(party, found.name if found else "")


def _happenings(connection: Connection, row: DocumentRow, status: Status) -> tuple[Happening, ...]:
    """What either party was told, each event once, in the order it was recorded; with what the states imply."""
    told = [
        event
        for party in (row.sender, row.recipient)
        for event in events.events_of(connection, row.key, party)
    ]
    recorded = {event.event_id: event for event in sorted(told, key=lambda event: -event.seq)}
    asserted = _asserted(connection, row)
    lines: list[tuple[float, Happening]] = []
    waiting: list[Happening] = []  # inferred states stand before the event that implies them
    for entry in status.timeline:
        if entry.event is None:
            waiting.append(Happening(entry.state.value, Standing.INFERRED))
            continue
        event = recorded.pop(entry.event.event_id)
        lines += [(event.seq - 0.5, each) for each in waiting]
        waiting.clear()
        lines.append((event.seq, _happening(event, asserted, entry.flags)))
    lines += [(event.seq, _happening(event, asserted)) for event in recorded.values()]
    return tuple(each for _, each in sorted(lines, key=lambda line: line[0]))


def _happening(
    event: EventRow, asserted: dict[Uuid4, _Asserted], flags: frozenset[Flag] = frozenset()
) -> Happening:
    by = asserted.get(event.evidence_id) if event.evidence_id else None
    return Happening(
        kind=event.kind,
        standing=event.standing,
        at=event.at,
        issuer=event.issuer,
        system=by.system if by else "",
        role=by.role if by else None,
        reasons=tuple(reason.code for reason in event.reasons),
        answer=event.answer,
        flags=flags,
        related=event.related,
    )


def _asserted(connection: Connection, row: DocumentRow) -> dict[Uuid4, _Asserted]:
    """The system behind each piece of evidence that a system's request caused."""
    found = {row.acceptance_evidence_id: _Asserted(_system_name(connection, row.system_id))}
    for handover in deliveries.handed_over_to(connection, row.key):
        found[handover.evidence_id] = _Asserted(_system_name(connection, handover.system_id))
    for reading in deliveries.readings_of(connection, row.key):
        found[reading.evidence_id] = _Asserted(_system_name(connection, reading.system_id), reading.role)
    withdrawal = withdrawals.find_withdrawal(connection, row.key)
    if withdrawal is not None:
        found[withdrawal.evidence_id] = _Asserted(_system_name(connection, withdrawal.system_id))
    for event in events.events_of(connection, row.key, row.sender):
        if event.kind == State.WITHDRAWN.value and event.evidence_id and event.related:
            by = documents.find_own(connection, row.sender, event.related)  # which brought the withdrawal
            if by is not None:
                found[event.evidence_id] = _Asserted(_system_name(connection, by.system_id))
    return found


def _system_name(connection: Connection, system_id: Uuid4) -> str:
    system = systems.find_system(connection, system_id)
    return system.name if system else system_id.text


def _receivers(connection: Connection, row: DocumentRow, at: datetime) -> tuple[Receiver, ...]:
    """The systems that shall receive the document by the routes in force."""
    acting = systems.systems_of_party(connection, row.recipient, at)
    routes = parties.routes_of(connection, row.recipient)
    roles = [each.role for each in row.attention]
    known = (
        systems.find_system(connection, each) for each in receiving_systems(routes, acting, row.kind, roles)
    )
    found = sorted((each for each in known if each is not None), key=lambda system: system.name)
    return tuple(Receiver(each.name, _obstacle(connection, row, each, at)) for each in found)


def _obstacle(connection: Connection, row: DocumentRow, system: System, at: datetime) -> Obstacle | None:
    """What keeps a system from confirming a hand-over, whatever it sends."""
    ders = lookups.certificates_of(connection, system.id, at)
    if not any(Certificate.from_der(der).is_current(at) for der in ders):
        return Obstacle.NO_CERTIFICATE
    right = decide(
        system_id=system.id,
        certificate_cvr=system.vendor_cvr,
        party_id=row.recipient,
        parties_of_cvr=parties.parties_of_cvr(connection, system.vendor_cvr),
        operation=Operation.CONFIRM_HANDOVER,
        kind=None,  # what is received is not limited by kind
        mandates=mandates.mandates_for(connection, system.id, row.recipient),
        at=at,
    )
    return Obstacle.NO_RIGHT if right is None else None


def _own_troubles(installation: Installation, row: DocumentRow, at: datetime) -> tuple[str, ...]:
    """What keeps the gateway from delivering, evidencing or answering."""
    found: Sequence[Code | None] = (
        installation.seal_key.trouble(at),
        installation.message_key.trouble(at),
        *(_key_trouble(installation, party) for party in (row.sender, row.recipient)),
    )
    return tuple(dict.fromkeys(code.name for code in found if code is not None))


def _key_trouble(installation: Installation, party: PartyId) -> Code | None:
    try:
        installation.keys.key_encryption_key(party)
    except BropostError as error:
        return error.code
    return None

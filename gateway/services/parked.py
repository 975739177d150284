"""Deliveries that were set aside for a person: tried again once the cause is mended, or given up for good.

Giving up is a statement to the sender, who stays responsible: signed negative evidence, an event, an entry in the log.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from gateway.domain.catalogue import Code
from gateway.domain.deadlines import DeadlineKind
from gateway.domain.errors import InputError, InternalError
from gateway.domain.evidence import EventReason, EvidenceEvent, ReasonCode
from gateway.domain.identifiers import PartyId, Uuid4
from gateway.domain.status import Standing, State
from gateway.services import log_entries
from gateway.services.installation import Installation
from gateway.services.recording import event_rows
from gateway.services.sealing import not_before, seal_document_evidence
from gateway.storage import deadlines, documents, events, lookups, outbox
from gateway.storage import evidence as evidence_rows
from gateway.storage.outbox import Promise

_BY_A_RESTORE: Final = {Code.STORE_BEHIND.name, Code.STORE_RESTORED.name}


@dataclass(frozen=True)
class GivenUp:
    """A delivery that will not be done, and whether it was given up before."""

    sender: PartyId
    repeated: bool


def retry(installation: Installation, document_id: Uuid4 | None = None, sender: PartyId | None = None) -> int:
    """Try again, from now on, what was set aside - all of it, a `sender`'s, or one document's; return how many tasks.

    What a restore set aside is tried again only by its id: it may have been delivered before the restore, and a person
    must know of each that it was not. InputError ARGUMENT_INVALID if documents of this id by two senders are set
    aside, and none is named: nobody sends another's by chance.
    """
    with installation.database.read() as connection:
        found = [
            each
            for each in _parked(connection, document_id, sender)
            if document_id is not None or each.row.last_code not in _BY_A_RESTORE
        ]
    if document_id is not None and len({each.sender for each in found}) > 1:
        raise _two_senders()
    at = installation.clock()
    taken_up = 0
    for each in found:
        with installation.database.transaction(each.sender) as connection:
            taken_up += outbox.take_up(connection, each.row, at)
    return taken_up


def abandon(
    installation: Installation, document_id: Uuid4, reason: str, sender: PartyId | None = None
) -> GivenUp:
    """Give a delivery up that was set aside, and tell its sender; once, however often it is asked.

    `reason` says in words why; it stands in no evidence, and in the log as a commitment. `sender` is needed only where
    two parties use one document id. InputError NOT_FOUND if no such delivery is set aside or was given up,
    ARGUMENT_INVALID if more than one is or was: nobody gives up another's by saying it twice.
    """
    with installation.database.read() as connection:
        found = _parked(connection, document_id, sender)
        before = [each for each in _given_up_before(connection, document_id) if sender in (None, each)]
    if len(found) + len(before) > 1:
        raise _two_senders()
    if before:
        return GivenUp(before[0], repeated=True)
    if not found:
        raise InputError(Code.NOT_FOUND)
    (promise,) = found
    return GivenUp(promise.sender, repeated=not _give_up(installation, promise, reason))


def _give_up(installation: Installation, promise: Promise, reason: str) -> bool:
    """Make the evidence, then store it with all that follows from it. False if another command was first."""
    with installation.database.read() as connection:
        row = documents.document_by_key(connection, promise.row.document_key)
        if row is None:
            raise InternalError(Code.STORED_DATA_ALTERED)
        at = not_before(connection, row, installation.clock())
    reasons = (EventReason(ReasonCode.DELIVERY_ABANDONED, promise.row.last_code),)
    sealed = seal_document_evidence(
        installation, EvidenceEvent.CONTENT_CONSIGNMENT_FAILURE, row, row.sender, at, reasons=reasons
    )
    entry = log_entries.evidence_entry(installation, row.sender, row, sealed, decision=reason)
    told = event_rows(installation, State.UNDELIVERED, at, Standing.EVIDENCE, (row.sender,), sealed, reasons)
    with installation.database.transaction(row.sender) as connection:
        if not outbox.give_up(connection, promise.row):
            return False
        evidence_rows.insert_evidence(connection, row.key, sealed.row())
        events.append_events(connection, row.key, told)
        deadlines.cancel(connection, row.key, tuple(DeadlineKind), at)
        log_entries.append(connection, entry)
    return True


def _two_senders() -> InputError:
    return InputError(Code.ARGUMENT_INVALID, what="two parties have sent a document of this id: name --party")


def _parked(connection: Connection, document_id: Uuid4 | None, sender: PartyId | None) -> tuple[Promise, ...]:
    """What is set aside, or what of it is of one document id, of one sender."""
    return tuple(
        each
        for each in outbox.parked(connection)
        if document_id in (None, each.document_id) and sender in (None, each.sender)
    )


def _given_up_before(connection: Connection, document_id: Uuid4) -> list[PartyId]:
    """Who had sent a document of this id whose delivery was given up before."""
    return [
        row.sender
        for row in lookups.documents_of_id(connection, document_id)
        if any(
            reason.code is ReasonCode.DELIVERY_ABANDONED
            for event in events.events_of(connection, row.key, row.sender)
            for reason in event.reasons
        )
    ]

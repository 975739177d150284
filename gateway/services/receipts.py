"""Receipts: the recipient's system has stored the document, and a person has opened it.

Both are asserted by the recipient's system in a signed request, which is kept. The evidence is sealed by this
gateway, on the recipient's side, and goes to the sender.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError
from gateway.domain.evidence import AssertedBy, EvidenceEvent
from gateway.domain.mandate import Operation
from gateway.domain.operations import (
    ConfirmHandoverRequest,
    HandoverAnswer,
    ReadAnswer,
    RegisterReadRequest,
)
from gateway.domain.party import receiving_systems
from gateway.domain.status import Standing, State
from gateway.protocol.wss import SKEW, Verified
from gateway.services import log_entries, waits
from gateway.services.access import Caller, authorise, remember, require_current_lists, require_visible
from gateway.services.installation import Installation
from gateway.services.recording import event_rows
from gateway.services.sealing import Sealed, not_before, seal_document_evidence
from gateway.services.timeline import status_of
from gateway.storage import deliveries, documents, events, parties, systems, withdrawals
from gateway.storage import evidence as evidence_rows
from gateway.storage.documents import DocumentRow

_STEPS: Final = {Operation.CONFIRM_HANDOVER: State.HANDED_OVER, Operation.REGISTER_READ: State.READ}


def confirm_handover(
    installation: Installation, verified: Verified, request: ConfirmHandoverRequest
) -> HandoverAnswer:
    """Record that the calling system has stored the document, and return the evidence.

    Repeated by the same system, it gives the first evidence again. Raises InputError NOT_FOUND, NOT_ROUTED if the
    party's routes do not send the document to this system, STATE_CONFLICT if it was withdrawn before any system was
    given it, or CONTENT_DIGEST_DIFFERENT if the system stored other octets than it was given. Who was given it in
    time may say so after its withdrawal: it states that there is a copy, and that copy is to be deleted. Raises
    UnavailableError REVOCATION_UNKNOWN while the lists are too old.
    """
    at = installation.clock()
    require_current_lists(installation, verified, at)
    with installation.database.read() as connection:
        caller, row = _find(connection, verified, Operation.CONFIRM_HANDOVER, request, at)
        _require_routed(connection, caller, row, at)
        at = not_before(connection, row, at)
    if not hmac.compare_digest(request.content_digest, row.sealed_digest):
        raise InputError(Code.CONTENT_DIGEST_DIFFERENT)
    sealed = _seal(installation, caller, row, EvidenceEvent.CONTENT_HANDOVER, at)
    entries = _entries(installation, row, sealed)
    with installation.database.transaction(row.sender, row.recipient) as connection:
        remember(connection, verified)
        _require_allowed(connection, row, State.HANDED_OVER)
        handover = deliveries.HandoverRow(caller.system.id, at, sealed.statement.identifier)
        is_new = deliveries.record_handover(connection, caller.party.id, row.key, handover)
        if is_new:
            _record(installation, connection, row, sealed, State.HANDED_OVER)
            log_entries.append(connection, *entries)
        first = deliveries.find_handover(connection, row.key, caller.system.id)
        octets = _evidence(connection, first)
        state = status_of(connection, row.key, caller.party.id).state
    assert state is not None
    return HandoverAnswer(row.document_id, state, not is_new, octets)


def register_read(installation: Installation, verified: Verified, request: RegisterReadRequest) -> ReadAnswer:
    """Record that a person of this role opened the document, and return the read receipt for the sender.

    Asserted by the system: its signed request is kept, and the reader's name, if given, stays with the recipient.
    Repeated for the same role it gives the first receipt again. Raises InputError NOT_FOUND, or READ_TIME if the
    reading lies in the future or before the document was there, or STATE_CONFLICT if it was withdrawn before any
    system stored it; UnavailableError REVOCATION_UNKNOWN while the lists are too old.
    """
    at = installation.clock()
    require_current_lists(installation, verified, at)
    with installation.database.read() as connection:
        caller, row = _find(connection, verified, Operation.REGISTER_READ, request, at)
        delivery = deliveries.find_delivery(connection, caller.party.id, row.key)
        wrapped = documents.wrapped_key_of(connection, row.key, row.recipient)
        stated_at = not_before(connection, row, at)
    if delivery is None or not delivery.available_at - SKEW <= request.read_at <= at + SKEW:
        raise InputError(Code.READ_TIME)
    if wrapped is None:  # the sender was faster
        raise InputError(Code.STATE_CONFLICT, state=State.WITHDRAWN.value)
    sealed = _seal(installation, caller, row, EvidenceEvent.CONTENT_ACCESS_TRACKING, stated_at, request)
    entries = _entries(installation, row, sealed)
    name = row.document_id.text.encode()
    key = installation.keys.key_encryption_key(row.recipient).unwrap(wrapped, name)
    reader = key.encrypt(request.reader_name.encode(), name) if request.reader_name else None
    kept_request = installation.blobs.stage(key.encrypt_in_pieces(verified.octets, name))
    with installation.database.transaction(row.sender, row.recipient) as connection:
        remember(connection, verified)
        _require_allowed(connection, row, State.READ)
        reading = deliveries.ReadingRow(
            role=request.reader_role,
            at=request.read_at,
            system_id=caller.system.id,
            reader_name=reader,
            request_digest=verified.request_digest,
            request_blob=kept_request.name,
            evidence_id=sealed.statement.identifier,
        )
        is_new = deliveries.record_read(connection, caller.party.id, row.key, reading)
        if is_new:
            installation.blobs.record(connection, kept_request)
            _record(installation, connection, row, sealed, State.READ)
            log_entries.append(connection, *entries)
        first = deliveries.find_reading(connection, row.key, request.reader_role)
        octets = _evidence(connection, first)
        state = status_of(connection, row.key, caller.party.id).state
    assert state is not None
    return ReadAnswer(row.document_id, state, not is_new, octets)


def _find(
    connection: Connection,
    verified: Verified,
    operation: Operation,
    request: ConfirmHandoverRequest | RegisterReadRequest,
    at: datetime,
) -> tuple[Caller, DocumentRow]:
    """The caller and the delivered document it may speak of."""
    caller = authorise(connection, verified, operation, request.on_behalf_of, at)
    found = documents.find_delivered(connection, caller.party.id, request.document_id)
    row = require_visible(found, operation, caller.party.id)
    _require_allowed(connection, row, _STEPS[operation])
    return caller, row


def _require_allowed(connection: Connection, row: DocumentRow, step: State) -> None:
    """Refuse a step on a document whose content was removed: InputError STATE_CONFLICT.

    Who was given it before may still confirm to have stored it: that it has a copy is what the sender must know. Asked
    in the transaction too, where it counts: the sender may have been faster.
    """
    withdrawal = withdrawals.find_withdrawal(connection, row.key)
    if withdrawal is None or not withdrawal.content_removed:
        return
    delivery = deliveries.find_delivery(connection, row.recipient, row.key)
    if step is not State.HANDED_OVER or delivery is None or delivery.fetched_at is None:
        raise InputError(Code.STATE_CONFLICT, state=State.WITHDRAWN.value)


def _require_routed(connection: Connection, caller: Caller, row: DocumentRow, at: datetime) -> None:
    """Refuse a system that does not receive the document by the routes in force, unless it confirmed before.

    Any system of the party may fetch a document and register a reading; but the wait for the hand-over ends only when
    a system has it to which the party wants it sent.
    """
    if deliveries.find_handover(connection, row.key, caller.system.id) is not None:
        return
    routes = parties.routes_of(connection, caller.party.id)
    of_party = systems.systems_of_party(connection, caller.party.id, at)
    roles = [each.role for each in row.attention]
    if caller.system.id not in receiving_systems(routes, of_party, row.kind, roles):
        raise InputError(Code.NOT_ROUTED)


def _seal(
    installation: Installation,
    caller: Caller,
    row: DocumentRow,
    event: EvidenceEvent,
    at: datetime,
    reading: RegisterReadRequest | None = None,
) -> Sealed:
    """Evidence on the recipient's side, based on the system's signed request."""
    certificate = caller.verified.certificate.certificate
    return seal_document_evidence(
        installation,
        event,
        row,
        row.recipient,
        at,
        asserted_by=AssertedBy(
            caller.system.id,
            certificate.fingerprint,
            reading.reader_role.value if reading else None,
            reading.read_at if reading else None,
        ),
        based_on=(hashlib.sha256(caller.verified.octets).digest(),),
        request_digest=caller.verified.request_digest,
    )


def _entries(
    installation: Installation, row: DocumentRow, sealed: Sealed
) -> tuple[log_entries.PreparedEntry, ...]:
    """The entries for both parties' logs; the evidence names the recipient's."""
    return (
        log_entries.evidence_entry(installation, row.recipient, row, sealed),
        log_entries.evidence_entry(installation, row.sender, row, sealed),
    )


def _record(
    installation: Installation,
    connection: Connection,
    row: DocumentRow,
    sealed: Sealed,
    state: State,
) -> None:
    """Store the evidence and the event for both parties, and end the waits for it."""
    at = sealed.statement.time
    both = (row.sender, row.recipient)
    evidence_rows.insert_evidence(connection, row.key, sealed.row())
    events.append_events(
        connection, row.key, event_rows(installation, state, at, Standing.ASSERTED, both, sealed)
    )
    waits.settle(installation, connection, row, at)


def _evidence(
    connection: Connection, recorded: deliveries.HandoverRow | deliveries.ReadingRow | None
) -> bytes:
    """The octets of the evidence that the first such request got."""
    assert recorded is not None, "it was recorded in this transaction or before"
    row = evidence_rows.find_evidence(connection, recorded.evidence_id)
    assert row is not None, "a recorded receipt has its evidence"
    return row.octets

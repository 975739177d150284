"""Submission: from a system's request to a letter or notice that is sealed, evidenced, logged and on disk.

The order is the promise. First everything is judged, with nothing stored; then signatures are made; then one
transaction stores the document, its evidence, its log entries, its deadlines and the task to deliver it; only then
is it answered. A crash before the commit leaves nothing, a crash after it loses nothing: the same document sent
again gets the first result.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from gateway.crypto.keys import DataKey
from gateway.domain.catalogue import Code
from gateway.domain.deadlines import Waiting, opened_by
from gateway.domain.disclosure import EntryKind
from gateway.domain.document import Document
from gateway.domain.errors import InputError
from gateway.domain.evidence import EvidenceEvent
from gateway.domain.identifiers import Uuid4
from gateway.domain.mandate import Operation
from gateway.domain.operations import AttachmentContent, InboxAttention, SendAnswer
from gateway.domain.party import Party
from gateway.domain.status import Standing, State
from gateway.protocol.service_requests import SendRequest
from gateway.protocol.wss import Verified
from gateway.services import answers, log_entries, quotas, withdrawal
from gateway.services.access import Caller, authorise, remember, require_current_lists
from gateway.services.content import SealedContent, Submitted, read_submitted, seal_content
from gateway.services.installation import Installation
from gateway.services.judgement import Judgement, judge
from gateway.services.recording import event_rows
from gateway.services.scanning import require_clean
from gateway.services.sealing import Sealed, seal_document_evidence
from gateway.services.timeline import shown_state, status_of
from gateway.services.withdrawal import Withdrawal
from gateway.storage import deadlines, documents, events, outbox, parties, validation_material
from gateway.storage import evidence as evidence_rows
from gateway.storage.blobs import StagedBlob
from gateway.storage.documents import DocumentRow, NewDocument, PartRow

DELIVER = "DELIVER"  # the outbox task that a submission leaves


def submit(installation: Installation, verified: Verified, request: SendRequest) -> SendAnswer:
    """Accept a document, or give the first result again for one that was accepted before.

    Raises InputError with what is wrong with the document, TrustError if the system may not send it or the message
    is a replay, UnavailableError if the store cannot take it now. Whatever is raised, nothing of it is stored.
    """
    at = installation.clock()
    require_current_lists(installation, verified, at)
    submitted = read_submitted(installation, request, at)
    document = submitted.document
    _require_carried(request.operation, document)
    with installation.database.read() as connection:
        caller = authorise(
            connection, verified, request.operation, request.on_behalf_of, at, kind=document.kind
        )
        if document.sender.id != caller.party.id:
            raise InputError(Code.SENDER_NOT_ACTING_PARTY)
        known = documents.find_own(connection, caller.party.id, document.document_id)
        recipient = parties.find_party(connection, document.recipient.id)
        judgement = withdrawn = None
        if known is None:
            quotas.require_room(installation, connection, caller, at)
            judgement = judge(
                installation,
                connection,
                submitted,
                caller.party,
                recipient,
                request.attachments,
                request.overrides,
                at,
            )
            withdrawn = withdrawal.target_of(connection, verified, document, at)
            answers.require_answerable(connection, document)
    if known is not None:
        return _repeat(installation, caller, known, submitted, request.attachments)
    assert judgement is not None, "a document that is new was judged"
    assert recipient is not None, "the judgement found the recipient"
    require_clean(installation, request.attachments)
    accepted = _prepare(installation, caller, request, submitted, judgement, at)
    withdraws = None
    if withdrawn is not None:
        withdraws = withdrawal.prepare(installation, caller, withdrawn, recipient, document, accepted.row)
    return _record(installation, caller, recipient, accepted, withdraws)


@dataclass(frozen=True)
class _Accepted:
    """Everything a submission will store, signed and encrypted, before the transaction opens."""

    submitted: Submitted
    judgement: Judgement
    row: NewDocument
    parts: tuple[PartRow, ...]
    blobs: tuple[StagedBlob, ...]
    validation_material: tuple[bytes, ...]  # certificates and revocation lists, DER
    acceptance: Sealed
    entry: log_entries.PreparedEntry
    answer: SendAnswer


def _require_carried(operation: Operation, document: Document) -> None:
    """SendLetter carries letters, SendNotice notices."""
    if document.kind.is_letter != (operation is Operation.SEND_LETTER):
        raise InputError(Code.KIND_NOT_ACCEPTED, operation=operation.value, kind=document.kind.value)


def _repeat(
    installation: Installation,
    caller: Caller,
    known: DocumentRow,
    submitted: Submitted,
    attachments: Sequence[AttachmentContent],
) -> SendAnswer:
    """Give the first result again, if the document is the same; only the message is remembered anew."""
    digests = {each.number: each.sha256 for each in attachments}
    with installation.database.transaction(caller.party.id) as connection:
        remember(connection, caller.verified)
        return _first_result(connection, caller.verified, known, submitted, digests)


def _first_result(
    connection: Connection,
    verified: Verified,
    known: DocumentRow,
    submitted: Submitted,
    attachments: Mapping[int, bytes],
) -> SendAnswer:
    """The answer that the first submission got, but for the state, which is that of now.

    InputError DUPLICATE_DIFFERENT if this is another document.

    `attachments` are the digests of what came with it, by number: what its list says of them is not enough.
    """
    kept = {part.number: part.sha256 for part in documents.parts_of(connection, known.key)}
    if known.content_digest != submitted.digest() or kept != attachments:
        raise InputError(Code.DUPLICATE_DIFFERENT, document_id=known.document_id.text)
    acceptance = evidence_rows.find_evidence(connection, known.acceptance_evidence_id)
    assert acceptance is not None, "an accepted document has its acceptance"
    return SendAnswer(
        operation=Operation(verified.operation),
        document_id=known.document_id,
        state=shown_state(status_of(connection, known.key, known.sender)),
        repeated=True,
        submission_acceptance=acceptance.octets,
    )


def _prepare(
    installation: Installation,
    caller: Caller,
    request: SendRequest,
    submitted: Submitted,
    judgement: Judgement,
    at: datetime,
) -> _Accepted:
    """Seal, encrypt, compose and sign everything that will be stored."""
    content = seal_content(installation, caller.party, submitted, at)
    key, name = DataKey(), submitted.document.document_id.text.encode()
    sealed_blob = installation.blobs.stage(key.encrypt_in_pieces(content.octets, name))
    kept_request = installation.blobs.stage(key.encrypt_in_pieces(caller.verified.octets, name))
    parts, part_blobs = _stage_attachments(installation, key, name, request.attachments)
    wrapped_key = installation.keys.key_encryption_key(caller.party.id).wrap(key, name)
    row = _row(caller, submitted.document, content, at, sealed_blob, kept_request, wrapped_key)
    acceptance, entry = _evidence(installation, caller, submitted.document, row, judgement)
    answer = SendAnswer(
        operation=request.operation,
        document_id=row.document_id,
        state=State.ACCEPTED,
        repeated=False,
        submission_acceptance=acceptance.octets,
        warnings=judgement.warnings,
    )
    return _Accepted(
        submitted=submitted,
        judgement=judgement,
        row=row,
        parts=parts,
        blobs=(sealed_blob, kept_request, *part_blobs),
        validation_material=(*content.certificates, *content.revocation_lists),
        acceptance=acceptance,
        entry=entry,
        answer=answer,
    )


def _row(
    caller: Caller,
    document: Document,
    content: SealedContent,
    at: datetime,
    sealed_blob: StagedBlob,
    kept_request: StagedBlob,
    wrapped_key: bytes,
) -> NewDocument:
    return NewDocument(
        document_id=document.document_id,
        sender=document.sender.id,
        recipient=document.recipient.id,
        conversation_id=document.conversation_id,
        kind=document.kind,
        content_digest=content.digest,
        sealed_digest=hashlib.sha256(content.octets).digest(),
        sealed_blob=sealed_blob.name,
        wrapped_key=wrapped_key,
        sealed_by=document.sealed_by,
        reply_to=document.reply_to,
        reply_due=document.reply_due,
        subject_protected=bool(document.subject and document.subject.is_protected),
        attention=tuple(InboxAttention(each.role, each.unit) for each in document.attentions),
        attachment_count=len(document.attachments),
        agreement_id=document.agreement_id,
        accepted_at=at,
        acceptance_evidence_id=Uuid4.new(),
        system_id=caller.system.id,
        request_digest=caller.verified.request_digest,
        request_blob=kept_request.name,
        certificate_names=tuple(map(validation_material.name_of, content.certificates)),
        revocation_names=tuple(map(validation_material.name_of, content.revocation_lists)),
    )


def _evidence(
    installation: Installation, caller: Caller, document: Document, row: NewDocument, judgement: Judgement
) -> tuple[Sealed, log_entries.PreparedEntry]:
    """The signed acceptance of the document, and the entry of the sender's log that carries it."""
    acceptance = seal_document_evidence(
        installation,
        EvidenceEvent.SUBMISSION_ACCEPTANCE,
        row,
        row.sender,
        row.accepted_at,
        request_digest=row.request_digest,
        based_on=(hashlib.sha256(caller.verified.octets).digest(),),
        identifier=row.acceptance_evidence_id,
    )
    entry = log_entries.sharing_entry(
        installation,
        EntryKind.DISCLOSE,
        row.sender,
        document,
        row,
        judgement.disclosure,
        acceptance,
        judgement.overridden,
    )
    return acceptance, entry


def _stage_attachments(
    installation: Installation, key: DataKey, name: bytes, attachments: Sequence[AttachmentContent]
) -> tuple[tuple[PartRow, ...], tuple[StagedBlob, ...]]:
    """Encrypt each attachment and, if it is large, write it to disk."""
    parts, blobs = [], []
    for attachment in attachments:
        staged = installation.blobs.stage(key.encrypt_in_pieces(attachment.content, name))
        blobs.append(staged)
        parts.append(PartRow(attachment.number, staged.name, len(attachment.content), attachment.sha256))
    return tuple(parts), tuple(blobs)


def _record(
    installation: Installation,
    caller: Caller,
    recipient: Party,
    accepted: _Accepted,
    withdraws: Withdrawal | None,
) -> SendAnswer:
    """Store it all in one transaction; a copy of the same document that was faster wins, and is answered.

    What the document withdraws is withdrawn in the same transaction: so a withdrawal overtakes its original.
    """
    row, withdrawn = accepted.row, None
    with installation.database.transaction(row.sender, row.recipient) as connection:
        remember(connection, caller.verified)
        known = documents.find_own(connection, row.sender, row.document_id)
        if known is not None:
            digests = {part.number: part.sha256 for part in accepted.parts}
            return _first_result(connection, caller.verified, known, accepted.submitted, digests)
        validation_material.keep(connection, accepted.validation_material)
        installation.blobs.record(connection, *accepted.blobs)
        key = documents.insert_document(connection, row, accepted.parts)
        quotas.count(connection, caller, row.accepted_at)
        evidence_rows.insert_evidence(connection, key, accepted.acceptance.row())
        events.append_events(connection, key, _events(installation, accepted))
        log_entries.append(connection, accepted.entry)
        document = accepted.submitted.document
        waiting = Waiting(
            row.document_id,
            row.kind,
            True,
            document.urgency,
            document.reply_due,
            installation.waits,
            document.wishes_answer,
        )
        if withdraws is not None:
            withdrawn = withdrawal.record(installation, connection, withdraws)
        opened = opened_by(State.ACCEPTED, row.accepted_at, waiting, recipient.calendar)
        deadlines.open_deadlines(connection, key, opened)
        outbox.enqueue(connection, DELIVER, [key], row.accepted_at)
    if withdrawn is not None:
        installation.blobs.discard(withdrawn.blobs)
    return accepted.answer


def _events(installation: Installation, accepted: _Accepted) -> list[events.NewEvent]:
    """RECEIVED, SEALED and ACCEPTED, which happen together; only the last rests on evidence."""
    at, mine = accepted.row.accepted_at, (accepted.row.sender,)
    return [
        *event_rows(installation, State.RECEIVED, at, Standing.RECORDED, mine),
        *event_rows(installation, State.SEALED, at, Standing.RECORDED, mine),
        *event_rows(installation, State.ACCEPTED, at, Standing.EVIDENCE, mine, accepted.acceptance),
    ]

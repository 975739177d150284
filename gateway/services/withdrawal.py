"""Withdrawal: a sender takes a document back, by WithdrawDocument or by a document whose header says so.

Until a system of the recipient has stored the document, its content is removed here, with every key to it: nobody can
read it here any more. Where a system was given it, a copy may exist that the gateway cannot reach. Then the recipient
is told, and a wait opens for its answer: that it deleted its copy, or why not. Evidence, digests and log stay anyway.
A document is withdrawn once; but who withdrew it without asking for that answer may ask afterwards, in the same way.

How far the document has come is decided in the transaction, so a delivery or hand-over that commits first wins.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from gateway.crypto.keys import DataKey
from gateway.domain.deadlines import deletion_of
from gateway.domain.document import Document, is_true
from gateway.domain.evidence import AssertedBy, EventReason, EvidenceEvent, ReasonCode
from gateway.domain.identifiers import PartyId, Uuid4
from gateway.domain.kinds import DocumentKind
from gateway.domain.mandate import Operation
from gateway.domain.operations import WithdrawalAnswer, WithdrawDocumentRequest
from gateway.domain.party import Party
from gateway.domain.status import Standing, State
from gateway.protocol.wss import Verified
from gateway.services import log_entries, waits
from gateway.services.access import Caller, authorise, remember, require_current_lists, require_visible
from gateway.services.installation import Installation
from gateway.services.recording import event_rows
from gateway.services.sealing import Sealed, not_before, seal_document_evidence
from gateway.services.timeline import shown_state, status_of
from gateway.storage import deadlines, deliveries, documents, events, openings, outbox, parties, withdrawals
from gateway.storage import evidence as evidence_rows
from gateway.storage.blobs import StagedBlob
from gateway.storage.deliveries import DeliveryRow
from gateway.storage.documents import DocumentRow, NewDocument
from gateway.storage.withdrawals import WithdrawalRow


@dataclass(frozen=True)
class KeptRequest:
    """The signed request that withdraws, encrypted under a key of its own, which is wrapped for the sender."""

    blob: StagedBlob
    wrapped_key: bytes


@dataclass(frozen=True)
class Withdrawal:
    """A withdrawal that is signed but not yet recorded. How far the document has come is not known yet."""

    row: DocumentRow
    recipient: Party
    reason: ReasonCode
    note: str | None  # why, in words: committed to in the sender's log, and told nobody
    system_id: Uuid4
    evidence: Sealed
    request: KeptRequest | None = None  # None: `by` keeps it
    by: Document | None = None  # the document that withdraws

    @property
    def at(self) -> datetime:
        """When it was withdrawn, zoned UTC."""
        return self.evidence.statement.time

    @property
    def wants_deletion(self) -> bool:
        """Whether the recipient is to delete its copy and say so: always, unless a notice says that it need not."""
        if self.by is None or self.by.kind is not DocumentKind.WITHDRAWAL_NOTICE:
            return True
        return is_true(self.by.body.find("DeletionWanted"))


@dataclass(frozen=True)
class Recorded:
    """What a withdrawal came to: discard the files of `blobs` once the transaction is committed."""

    blobs: tuple[str, ...] = ()


def withdraw_document(
    installation: Installation, verified: Verified, request: WithdrawDocumentRequest
) -> WithdrawalAnswer:
    """Take back a document that the party sent, and return the evidence; said again, it gives the same evidence again.

    Of what a notice has withdrawn it gives the evidence of that, unless this is the first to ask for deletion.
    Raises InputError NOT_FOUND for a document of anybody else, as if it did not exist, TrustError MANDATE_MISSING for
    one of a kind that the system may not act on, and UnavailableError REVOCATION_UNKNOWN while the lists are too old.
    """
    at = installation.clock()
    require_current_lists(installation, verified, at)
    with installation.database.read() as connection:
        caller = authorise(connection, verified, Operation.WITHDRAW_DOCUMENT, request.on_behalf_of, at)
        found = documents.find_own(connection, caller.party.id, request.document_id)
        row = require_visible(found, Operation.WITHDRAW_DOCUMENT, caller.party.id)
        authorise(connection, verified, Operation.WITHDRAW_DOCUMENT, caller.party.id, at, kind=row.kind)
        has_more_to_say = _has_more_to_say(connection, row, wants_deletion=True)
        recipient = _party(connection, row.recipient)
        at = not_before(connection, row, at)
    new = None
    if has_more_to_say:
        kept = _keep(installation, verified, row)
        evidence = _seal(installation, caller, row, request.reason, at)
        new = Withdrawal(row, recipient, request.reason, request.note, caller.system.id, evidence, kept)
    with installation.database.transaction(row.sender, row.recipient) as connection:
        remember(connection, verified)
        recorded = None if new is None else record(installation, connection, new)
        answer = _answer(connection, row, repeated=recorded is None)
    if recorded is not None:
        installation.blobs.discard(recorded.blobs)
    return answer


def target_of(
    connection: Connection, verified: Verified, document: Document, at: datetime
) -> DocumentRow | None:
    """Return the document that another one withdraws by its header, or None: it withdraws none.

    The rules have found that it is the sender's own. TrustError MANDATE_MISSING if the system may not withdraw it.
    """
    if document.withdraws is None:
        return None
    sender = document.sender.id
    found = documents.find_own(connection, sender, document.withdraws.document_id)
    target = require_visible(found, Operation.WITHDRAW_DOCUMENT, sender)
    authorise(connection, verified, Operation.WITHDRAW_DOCUMENT, sender, at, kind=target.kind)
    return target


def prepare(
    installation: Installation,
    caller: Caller,
    target: DocumentRow,
    recipient: Party,
    document: Document,
    row: NewDocument,
) -> Withdrawal:
    """Return the withdrawal of `target` by a document that is about to be accepted as `row`."""
    assert document.withdraws is not None
    is_notice = document.kind is DocumentKind.WITHDRAWAL_NOTICE
    reason = ReasonCode[document.body.text_of("Reason") or ""] if is_notice else ReasonCode.OTHER
    with installation.database.read() as connection:
        at = not_before(connection, target, row.accepted_at)
    evidence = _seal(installation, caller, target, reason, at, row.sealed_digest)
    note = document.withdraws.reason
    return Withdrawal(target, recipient, reason, note, caller.system.id, evidence, by=document)


def record(installation: Installation, connection: Connection, new: Withdrawal) -> Recorded | None:
    """Record a withdrawal in the transaction of its request; None if it says nothing that was not said before."""
    row, at = new.row, new.at
    if not _has_more_to_say(connection, row, wants_deletion=new.wants_deletion):
        return None
    known = withdrawals.find_withdrawal(connection, row.key)
    delivery = deliveries.find_delivery(connection, row.recipient, row.key)
    reached = status_of(connection, row.key, row.sender).reached(State.HANDED_OVER)
    is_removed = known is None and not reached
    told = (row.sender, row.recipient) if delivery is not None else (row.sender,)
    evidence_rows.insert_evidence(connection, row.key, new.evidence.row())
    reasons, related = (EventReason(new.reason),), new.by.document_id if new.by else None
    events.append_events(
        connection,
        row.key,
        event_rows(
            installation, State.WITHDRAWN, at, Standing.EVIDENCE, told, new.evidence, reasons, related=related
        ),
    )
    for party in told:
        _log(installation, connection, new, party, is_removed=is_removed, was_fetched=_was_fetched(delivery))
    removed = _remove_content(installation, connection, row) if is_removed else ()
    _keep_row(installation, connection, new, known, is_removed=is_removed)
    if new.wants_deletion and (_was_fetched(delivery) or not is_removed):
        opened = deletion_of(row.document_id, at, new.recipient.calendar)
        deadlines.open_deadlines(connection, row.key, [opened])
    waits.settle(installation, connection, row, at)
    return Recorded(removed)


def _has_more_to_say(connection: Connection, row: DocumentRow, *, wants_deletion: bool) -> bool:
    """Whether a withdrawal would be the first of the document, or the first to ask for the deletion of a copy."""
    known = withdrawals.find_withdrawal(connection, row.key)
    if known is None:
        return True
    delivery = deliveries.find_delivery(connection, row.recipient, row.key)
    may_have_copy = _was_fetched(delivery) or not known.content_removed
    return wants_deletion and not known.deletion_wanted and may_have_copy


def _was_fetched(delivery: DeliveryRow | None) -> bool:
    """Whether a system of the recipient was given the document, so that a copy may exist there."""
    return delivery is not None and delivery.fetched_at is not None


def _keep(installation: Installation, verified: Verified, row: DocumentRow) -> KeptRequest:
    """The signed request under a key of its own: that of the document may be destroyed."""
    key, name = DataKey(), row.document_id.text.encode()
    wrapped = installation.keys.key_encryption_key(row.sender).wrap(key, name)
    return KeptRequest(installation.blobs.stage(key.encrypt_in_pieces(verified.octets, name)), wrapped)


def _seal(
    installation: Installation,
    caller: Caller,
    row: DocumentRow,
    reason: ReasonCode,
    at: datetime,
    *wrapped: bytes,
) -> Sealed:
    """Evidence on the sender's side, based on the system's signed request and on the document that withdraws."""
    return seal_document_evidence(
        installation,
        EvidenceEvent.WITHDRAWAL,
        row,
        row.sender,
        at,
        reasons=(EventReason(reason),),
        asserted_by=AssertedBy(caller.system.id, caller.verified.certificate.certificate.fingerprint),
        based_on=(hashlib.sha256(caller.verified.octets).digest(), *wrapped),
        request_digest=caller.verified.request_digest,
    )


def _log(
    installation: Installation,
    connection: Connection,
    new: Withdrawal,
    party: PartyId,
    *,
    is_removed: bool,
    was_fetched: bool,
) -> None:
    """Tell in a party's log that what it shared or received was withdrawn, and what was erased of it.

    The recipient's own record of what came is erased with the content where none of its systems was given that; who
    was given it must be able to say what it had.
    """
    shared = log_entries.shared_in(evidence_rows.evidence_of(connection, new.row.key), party)
    note = new.note if party == new.row.sender else None
    details = (log_entries.CONTENT_REMOVED,) if is_removed else ()
    entry = log_entries.evidence_entry(
        installation, party, new.row, new.evidence, decision=note, corrects=shared, details=details
    )
    log_entries.append(connection, entry)
    if is_removed and not was_fetched and party == new.row.recipient:
        openings.erase_opening(connection, shared)
        erasure = log_entries.erasure_entry(installation, party, shared, new.evidence)
        log_entries.append(connection, erasure)


def _remove_content(installation: Installation, connection: Connection, row: DocumentRow) -> tuple[str, ...]:
    """Forget the promise to deliver, destroy every key to the content, and take the content out of the store."""
    outbox.remove(connection, row.key)
    documents.remove_data_keys(connection, row.key)
    parts = (part.blob for part in documents.parts_of(connection, row.key))
    names = tuple(name for name in (row.sealed_blob, row.request_blob, *parts) if name is not None)
    installation.blobs.remove(connection, names)
    return names


def _keep_row(
    installation: Installation,
    connection: Connection,
    new: Withdrawal,
    known: WithdrawalRow | None,
    *,
    is_removed: bool,
) -> None:
    """Store what is known of the withdrawal; one that asks for more takes the place of the first."""
    kept = new.request
    if kept is not None:
        installation.blobs.record(connection, kept.blob)
    row = WithdrawalRow(
        at=new.at,
        reason=new.reason,
        content_removed=is_removed if known is None else known.content_removed,
        evidence_id=new.evidence.statement.identifier,
        system_id=new.system_id,
        request_blob=kept.blob.name if kept else None,
        wrapped_key=kept.wrapped_key if kept else None,
        deletion_wanted=new.wants_deletion,
    )
    if known is None:
        withdrawals.insert_withdrawal(connection, new.row.key, row)
    else:
        withdrawals.replace_withdrawal(connection, new.row.key, row)


def _answer(connection: Connection, row: DocumentRow, *, repeated: bool) -> WithdrawalAnswer:
    known = withdrawals.find_withdrawal(connection, row.key)
    assert known is not None, "it was recorded in this transaction or before"
    evidence = evidence_rows.find_evidence(connection, known.evidence_id)
    assert evidence is not None, "a withdrawal has its evidence"
    return WithdrawalAnswer(
        document_id=row.document_id,
        state=shown_state(status_of(connection, row.key, row.sender)),
        repeated=repeated,
        content_removed=known.content_removed,
        withdrawal=evidence.octets,
        was_fetched=_was_fetched(deliveries.find_delivery(connection, row.recipient, row.key)),
    )


def _party(connection: Connection, party: PartyId) -> Party:
    found = parties.find_party(connection, party)
    assert found is not None, "a document is accepted only for a registered party"
    return found

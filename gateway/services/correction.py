"""Corrections: a document that replaces an earlier one, as its header says; both stay, and both parties are told.

The earlier document keeps its state and its place. Where it waited to be fetched, read or answered, the one that
replaces it waits now, and no longer than it. If the correction is withdrawn, the earlier document waits again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from gateway.domain.deadlines import TAKEN_OVER, hastened, resumed
from gateway.domain.document import Document
from gateway.domain.evidence import EventReason, EvidenceEvent, ReasonCode
from gateway.domain.identifiers import PartyId
from gateway.services import log_entries, waits
from gateway.services.installation import Installation
from gateway.services.recording import sign_rows
from gateway.services.sealing import Sealed, not_before, seal_document_evidence
from gateway.services.timeline import CORRECTED, corrections_of
from gateway.storage import deadlines, deliveries, documents, events, parties
from gateway.storage import evidence as evidence_rows
from gateway.storage.documents import DocumentRow
from gateway.storage.evidence import NewEvidence


@dataclass(frozen=True)
class Correction:
    """That a document corrects an earlier one, signed and not yet recorded."""

    earlier: DocumentRow
    evidence: Sealed

    @property
    def at(self) -> datetime:
        """When the earlier document was corrected, zoned UTC."""
        return self.evidence.statement.time


def document_corrected(connection: Connection, row: DocumentRow, document: Document) -> DocumentRow | None:
    """Return the earlier document of its sender that a document corrects by its header, or None."""
    if document.corrects is None:
        return None
    earlier = documents.find_own(connection, row.sender, document.corrects.document_id)
    assert earlier is not None, "the rules found it, and no document is ever removed"
    return earlier


def prepare_correction(
    installation: Installation, earlier: DocumentRow, row: DocumentRow, at: datetime
) -> Correction:
    """Return the correction by `row`, which is delivered at `at`; the evidence wraps the digest of that.

    It states no time before that of what is evidenced of the earlier document already. UnavailableError if the seal of
    the gateway cannot be used.
    """
    with installation.database.read() as connection:
        at = not_before(connection, earlier, at)
    evidence = seal_document_evidence(
        installation,
        EvidenceEvent.CORRECTION,
        earlier,
        earlier.sender,
        at,
        reasons=(EventReason(ReasonCode.REPLACED),),
        based_on=(row.sealed_digest,),
    )
    return Correction(earlier, evidence)


def record_corrections(
    installation: Installation,
    connection: Connection,
    row: DocumentRow,
    correction: Correction | None,
) -> None:
    """Tell what a document corrects, and by what it was corrected itself: in the transaction that delivers it."""
    if correction is not None:
        earlier, evidence, at = correction.earlier, correction.evidence.row(), correction.at
        evidence_rows.insert_evidence(connection, earlier.key, evidence)
        is_delivered = deliveries.find_delivery(connection, earlier.recipient, earlier.key) is not None
        told = (earlier.sender, earlier.recipient) if is_delivered else (earlier.sender,)
        _take_over(connection, row, earlier, at)
        _tell(installation, connection, earlier, row, told, evidence, at)
        waits.settle(installation, connection, earlier, at)
    _tell_of_earlier_corrections(installation, connection, row)


def _tell_of_earlier_corrections(
    installation: Installation, connection: Connection, row: DocumentRow
) -> None:
    """A correction that overtook this document was told its sender alone: now its recipient may know too."""
    history = events.events_of(connection, row.key, row.sender)
    standing = corrections_of(history)
    for event in history:
        if event.kind == CORRECTED and event.related in standing:
            newer = documents.find_own(connection, row.sender, event.related)
            assert newer is not None, "no document is ever removed"
            found = evidence_rows.find_evidence(connection, event.evidence_id) if event.evidence_id else None
            _tell(installation, connection, row, newer, (row.recipient,), found, event.at)


def _tell(
    installation: Installation,
    connection: Connection,
    earlier: DocumentRow,
    newer: DocumentRow,
    told: tuple[PartyId, ...],
    evidence: NewEvidence | None,
    at: datetime,
) -> None:
    """Tell parties, in their streams and in their logs. Without evidence: a correction of before there was any."""
    evidence_id = evidence.evidence_id if evidence else None
    rows = sign_rows(installation, CORRECTED, at, told, related=newer.document_id, evidence_id=evidence_id)
    events.append_events(connection, earlier.key, rows)
    kept = evidence_rows.evidence_of(connection, earlier.key)
    for party in told:
        shared = log_entries.shared_in(kept, party)
        if evidence is not None:
            entry = log_entries.replacement_entry(installation, party, earlier, newer, shared, evidence)
            log_entries.append(connection, entry)


def _take_over(connection: Connection, newer: DocumentRow, earlier: DocumentRow, at: datetime) -> None:
    """Let the correction wait for what the earlier document waits for still, and no longer than that would have.

    An answer that the earlier one asks for is awaited even if the correction does not say so.
    """
    situation = replace(waits.situation_of(connection, earlier), is_replaced=False)
    recipient = parties.find_party(connection, newer.recipient)
    assert recipient is not None, "a document is accepted only for a registered party"
    own = waits.latest_waits(connection, newer)
    for kind, theirs in waits.latest_waits(connection, earlier).items():
        if kind not in TAKEN_OVER or theirs.fired_at is not None or not situation.waits_for(kind):
            continue
        taken = theirs.deadline(newer.document_id)
        if theirs.cancelled_at is not None:  # another correction waits for it too
            taken = resumed(taken, theirs.cancelled_at, at, recipient.calendar)
        mine = own.get(kind)
        if mine is None:
            deadlines.open_deadlines(connection, newer.key, [taken])
        elif mine.is_open and taken.due_at < mine.due_at:
            sooner = hastened(mine.deadline(newer.document_id), taken, at, recipient.calendar)
            deadlines.hasten(connection, mine.id, sooner)

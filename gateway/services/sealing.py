"""Evidence: composed, given its log entry, and sealed, all before a transaction opens.

The statement names the log entry that will carry it, so the entry's id is chosen here. The transaction then stores
the evidence and appends its entry, or neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from gateway.domain.evidence import AssertedBy, EventReason, EvidenceEvent, EvidenceStatement
from gateway.domain.identifiers import PartyId, Uuid4
from gateway.protocol.evidence_document import seal_evidence
from gateway.services.installation import Installation
from gateway.storage import evidence
from gateway.storage.documents import DocumentRow, NewDocument
from gateway.storage.evidence import NewEvidence


@dataclass(frozen=True)
class Sealed:
    """Evidence that is signed but not yet stored; `entry_id` is the log entry that must be appended with it."""

    statement: EvidenceStatement
    octets: bytes
    log_party: PartyId

    @property
    def entry_id(self) -> Uuid4:
        """The log entry that carries the evidence."""
        return self.statement.log_entry_id

    def row(self) -> NewEvidence:
        """The evidence as it is stored."""
        return NewEvidence(
            evidence_id=self.statement.identifier,
            event=self.statement.event,
            at=self.statement.time,
            octets=self.octets,
            log_party=self.log_party,
            log_entry_id=self.entry_id,
        )


def not_before(connection: Connection, row: DocumentRow, at: datetime) -> datetime:
    """Return the time of what happens to a document at `at`: not before what is evidenced of it already.

    So a clock that was put back turns no cause and effect round.
    """
    return max(at, evidence.latest_at(connection, row.key) or row.accepted_at)


def seal_document_evidence(
    installation: Installation,
    event: EvidenceEvent,
    document: NewDocument,
    log_party: PartyId,
    at: datetime,
    *,
    reasons: tuple[EventReason, ...] = (),
    issued_on_absence: bool = False,
    asserted_by: AssertedBy | None = None,
    based_on: tuple[bytes, ...] = (),
    request_digest: bytes | None = None,
    identifier: Uuid4 | None = None,
) -> Sealed:
    """Return signed evidence of an event in a document's life.

    `log_party` is the party on whose side the event was observed: its log carries the entry. `previous` is the
    document's acceptance, to which all later evidence leads back.
    """
    is_acceptance = event is EvidenceEvent.SUBMISSION_ACCEPTANCE
    statement = EvidenceStatement(
        identifier=identifier or Uuid4.new(),
        event=event,
        time=at,
        issuer=installation.issuer_at(at),
        log_entry_id=Uuid4.new(),
        log_origin=str(installation.origin(log_party)),
        sender=document.sender,
        recipient=document.recipient,
        document_id=document.document_id,
        conversation_id=document.conversation_id,
        issued_on_absence=issued_on_absence,
        content_digest=document.content_digest,
        sealed_digest=document.sealed_digest,
        submission_time=document.accepted_at,
        reasons=reasons,
        asserted_by=asserted_by,
        based_on=based_on,
        request_digest=request_digest,
        previous=None if is_acceptance else document.acceptance_evidence_id,
    )
    return seal_statement(installation, statement, log_party)


def seal_statement(installation: Installation, statement: EvidenceStatement, log_party: PartyId) -> Sealed:
    """Return a statement signed with the gateway's seal at the time it states.

    UnavailableError OWN_CERTIFICATE_UNUSABLE if the seal's certificate does not hold then.
    """
    key = installation.seal_key.usable(statement.time)
    return Sealed(statement, seal_evidence(statement, key), log_party)

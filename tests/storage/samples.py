"""Values for the tests of storage: two parties, their systems, and documents between them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256

from sqlalchemy import Connection

from gateway.domain.document import SealedBy
from gateway.domain.identifiers import Cvr, PartyId, Uuid4
from gateway.domain.kinds import DocumentKind
from gateway.domain.operations import InboxAttention
from gateway.domain.party import Contact, Party, Role
from gateway.domain.status import Standing
from gateway.storage import deliveries, documents, parties, systems
from gateway.storage.documents import NewDocument
from gateway.storage.events import NewEvent

NOON = datetime(2026, 10, 5, 12, 0, 0, 123000, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
MUNICIPALITY = PartyId(Cvr("11111111"), "0999")
SCHOOL = PartyId(Cvr("22222222"), "999001")
STRANGER = PartyId(Cvr("22222222"), "999002")
SYSTEM = Uuid4("0b7c1f3e-3f5b-4c6a-9d1e-5a2b8c4d6e7f")
OTHER_SYSTEM = Uuid4("1c8d2a4f-4a6c-4d7b-8e2f-6b3c9d5e7f80")
KINDS = frozenset({DocumentKind.EDUCATION_ORDER_LETTER, DocumentKind.ANSWER_NOTICE})
COUNSELLOR = InboxAttention(Role.STUDY_COUNSELLOR, "Grundforløb 1")


def digest(text: str) -> bytes:
    """A digest that stands for something of this name."""
    return sha256(text.encode()).digest()


def add_parties(connection: Connection) -> None:
    """Register both parties and a system of the school."""
    contact = Contact(
        Role.STUDY_COUNSELLOR, "Sofie Eksempelsen", "Grundforløb 1", "+4500000001", "sofie@skole.example"
    )
    parties.add_party(connection, Party(MUNICIPALITY, "Eksempelby Kommune", KINDS))
    parties.add_party(
        connection,
        Party(
            SCHOOL,
            "Prøveby Erhvervsskole",
            KINDS,
            p_number="1000000001",
            gateway_may_seal=True,
            closing_days=frozenset({date(2026, 10, 12), date(2026, 10, 13)}),
            contacts=(contact, replace(contact, role=Role.TEACHER, valid_to=date(2026, 12, 31))),
        ),
    )
    systems.add_system(connection, SYSTEM, "Studieprøve", SCHOOL.cvr)


def new_document(document_id: Uuid4 | None = None, *, sender: PartyId = MUNICIPALITY) -> NewDocument:
    """A letter of one party to the other."""
    return NewDocument(
        document_id=document_id or Uuid4.new(),
        sender=sender,
        recipient=SCHOOL if sender == MUNICIPALITY else MUNICIPALITY,
        conversation_id=Uuid4("2d9e3b5a-5b7d-4e8c-9f30-7c4d0e6f8091"),
        kind=DocumentKind.EDUCATION_ORDER_LETTER,
        content_digest=digest("content"),
        sealed_digest=digest("sealed"),
        sealed_blob=digest("blob").hex(),
        wrapped_key=b"wrapped for the sender",
        sealed_by=SealedBy.GATEWAY,
        reply_to=None,
        reply_due=date(2026, 10, 15),
        subject_protected=True,
        attention=(COUNSELLOR, InboxAttention(Role.TEACHER)),
        attachment_count=0,
        accepted_at=NOON,
        acceptance_evidence_id=Uuid4.new(),
        system_id=SYSTEM,
        request_digest=digest("request"),
        request_blob=None,
        certificate_names=(digest("leaf").hex(), digest("issuer").hex()),
        revocation_names=(digest("list").hex(),),
    )


def deliver(connection: Connection, new: NewDocument | None = None) -> int:
    """Accept a document and put it into the recipient's inbox; gives its key."""
    new = new or new_document()
    key = documents.insert_document(connection, new, [])
    deliveries.add_delivery(connection, key, new.recipient, NOON)
    return key


def new_event(party: PartyId, kind: str = "ACCEPTED") -> NewEvent:
    """An event for one party's stream."""
    return NewEvent(
        event_id=Uuid4.new(),
        party=party,
        kind=kind,
        at=NOON,
        standing=Standing.EVIDENCE,
        issuer="Bropost",
    )

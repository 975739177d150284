"""What systems may ask and what the gateway answers: one request value and one answer value for each operation.

`Send` requests carry a document and therefore stand in `gateway.protocol.service_requests`. Values from a request have
the shape that the schema demands and are covered by the message signature; whether they are allowed is for services.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum, unique
from functools import cached_property
from typing import ClassVar, Final

from gateway.domain.deadlines import DeadlineKind
from gateway.domain.errors import Violation
from gateway.domain.evidence import EventReason, EvidenceEvent, ReasonCode
from gateway.domain.identifiers import Cvr, PartyId, Uuid4
from gateway.domain.kinds import DocumentKind
from gateway.domain.mandate import Mandate, Operation
from gateway.domain.party import Contact, Role
from gateway.domain.status import AnswerCode, Flag, Standing, State

PAGE_SIZE_MOST: Final = 100

Octets = bytes | memoryview
"""Content as it came or is to go; a view when it is a part of the message, which is not copied."""


@unique
class Service(Enum):
    """The two services; the value is the name of the WSDL."""

    MUNICIPALITY = "municipality"
    INSTITUTION = "institution"

    @property
    def operations(self) -> frozenset[Operation]:
        """What the service offers."""
        return _OF_BOTH | {Operation.SEND_LETTER} if self is Service.MUNICIPALITY else _OF_BOTH


_OF_BOTH: Final = frozenset(
    {
        Operation.SEND_NOTICE,
        Operation.GET_STATUS,
        Operation.GET_EVIDENCE,
        Operation.LIST_EVENTS,
        Operation.LIST_INBOX,
        Operation.RETRIEVE,
        Operation.CONFIRM_HANDOVER,
        Operation.REGISTER_READ,
        Operation.WITHDRAW_DOCUMENT,
        Operation.FIND_PARTY,
        Operation.PING,
    }
)


@unique
class Environment(Enum):
    """What kind of installation answers; every answer and fault says it."""

    PRODUCTION = "PRODUCTION"
    TEST = "TEST"
    DEVELOPMENT = "DEVELOPMENT"


@dataclass(frozen=True)
class Override:
    """The wish to send in spite of a rule that may be overridden, with the reason that enters the log."""

    rule: str
    reason: str


@dataclass(frozen=True)
class AttachmentContent:
    """The content of one attachment; its name, type, size and digest stand in the document's attachment list."""

    number: int
    content: Octets
    digest: bytes | None = field(
        default=None, compare=False, repr=False
    )  # its SHA-256, where it is known already

    @cached_property
    def sha256(self) -> bytes:
        """The SHA-256 of the content, computed once."""
        return self.digest or hashlib.sha256(self.content).digest()


# --- requests -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class GetStatusRequest:
    """Ask for a document's timeline."""

    operation: ClassVar[Operation] = Operation.GET_STATUS
    on_behalf_of: PartyId
    document_id: Uuid4


@dataclass(frozen=True)
class GetEvidenceRequest:
    """Ask for a document's evidence."""

    operation: ClassVar[Operation] = Operation.GET_EVIDENCE
    on_behalf_of: PartyId
    document_id: Uuid4


@dataclass(frozen=True)
class ListEventsRequest:
    """Ask what happened since a cursor."""

    operation: ClassVar[Operation] = Operation.LIST_EVENTS
    on_behalf_of: PartyId
    cursor: str | None = None
    page_size: int = PAGE_SIZE_MOST


@dataclass(frozen=True)
class ListInboxRequest:
    """Ask what waits for the party."""

    operation: ClassVar[Operation] = Operation.LIST_INBOX
    on_behalf_of: PartyId
    attention: Role | None = None
    kind: DocumentKind | None = None
    unread_only: bool = False
    cursor: str | None = None
    page_size: int = PAGE_SIZE_MOST


@dataclass(frozen=True)
class RetrieveRequest:
    """Ask for one document with its attachments."""

    operation: ClassVar[Operation] = Operation.RETRIEVE
    on_behalf_of: PartyId
    document_id: Uuid4


@dataclass(frozen=True)
class ConfirmHandoverRequest:
    """Say that the system has stored the document."""

    operation: ClassVar[Operation] = Operation.CONFIRM_HANDOVER
    on_behalf_of: PartyId
    document_id: Uuid4
    content_digest: bytes  # SHA-256 of the exact octets that the system stored


@dataclass(frozen=True)
class RegisterReadRequest:
    """Say that a person opened the document; asserted by the system, nothing that we could see."""

    operation: ClassVar[Operation] = Operation.REGISTER_READ
    on_behalf_of: PartyId
    document_id: Uuid4
    reader_role: Role
    reader_name: str | None
    read_at: datetime  # the system's clock, zoned UTC


@dataclass(frozen=True)
class WithdrawDocumentRequest:
    """Take back a document that the party sent."""

    operation: ClassVar[Operation] = Operation.WITHDRAW_DOCUMENT
    on_behalf_of: PartyId
    document_id: Uuid4
    reason: ReasonCode  # one of WITHDRAWAL_REASONS
    note: str | None = field(default=None, repr=False)  # due with OTHER


@dataclass(frozen=True)
class FindPartyRequest:
    """Ask who can be reached; at least one field is given, and all that are given must fit."""

    operation: ClassVar[Operation] = Operation.FIND_PARTY
    on_behalf_of: PartyId
    cvr: Cvr | None = None
    unit: str | None = None  # a municipality code or an institution number
    name: str | None = None  # a part of the name, in any case


@dataclass(frozen=True)
class PingRequest:
    """Try the connection; with a party, ask whether it can be reached."""

    operation: ClassVar[Operation] = Operation.PING
    on_behalf_of: PartyId | None = None
    echo: str | None = None
    party: PartyId | None = None


# --- answers --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class AnswerInfo:
    """What binds an answer to its request; every answer begins with it."""

    correlation_id: Uuid4
    request_digest: bytes  # SHA-256 of the request's canonical SignedInfo
    answered_at: datetime  # our clock, zoned UTC
    environment: Environment


@dataclass(frozen=True)
class SendAnswer:
    """The document is accepted and on disk."""

    operation: Operation  # SEND_LETTER or SEND_NOTICE
    document_id: Uuid4
    state: State
    repeated: bool  # it was here before: this is the first answer again
    submission_acceptance: bytes  # the exact octets of the signed evidence
    warnings: tuple[Violation, ...] = ()


@dataclass(frozen=True)
class TimelineEvent:
    """One line of a timeline. What is inferred has neither identifier nor time nor issuer."""

    kind: str
    standing: Standing
    event_id: Uuid4 | None = None
    at: datetime | None = None  # the issuer's clock, zoned UTC
    issuer: str | None = None  # the name of a party or of a gateway
    issuer_party: PartyId | None = None  # None: a gateway
    evidence_id: Uuid4 | None = None
    answer: AnswerCode | None = None
    reasons: tuple[EventReason, ...] = ()
    flags: frozenset[Flag] = frozenset()
    related: Uuid4 | None = None  # another document that the event points to


@dataclass(frozen=True)
class TimelineDeadline:
    """One deadline of a document."""

    kind: DeadlineKind
    due: datetime  # zoned UTC
    fired: bool


@dataclass(frozen=True)
class StatusAnswer:
    """A document's timeline, oldest event and earliest deadline first."""

    operation: ClassVar[Operation] = Operation.GET_STATUS
    document_id: Uuid4
    state: State
    events: tuple[TimelineEvent, ...]
    deadlines: tuple[TimelineDeadline, ...] = ()
    corrected_by: Uuid4 | None = None  # the newest document that replaces it


@dataclass(frozen=True)
class SignedEvidence:
    """One piece of evidence."""

    identifier: Uuid4
    event: EvidenceEvent
    octets: bytes  # exact, signed
    log_proof: str | None = None  # once a checkpoint covers its entry


@dataclass(frozen=True)
class EvidenceAnswer:
    """A document's evidence, oldest first."""

    operation: ClassVar[Operation] = Operation.GET_EVIDENCE
    document_id: Uuid4
    evidence: tuple[SignedEvidence, ...]


@dataclass(frozen=True)
class ListedEvent:
    """An event and the document it is about."""

    document_id: Uuid4
    conversation_id: Uuid4
    state: State  # of the document, after the event
    event: TimelineEvent


@dataclass(frozen=True)
class EventsAnswer:
    """A page of events in a stable order."""

    operation: ClassVar[Operation] = Operation.LIST_EVENTS
    events: tuple[ListedEvent, ...]
    next_cursor: str
    more: bool


@dataclass(frozen=True)
class InboxAttention:
    """Who must see a document: the role, and the unit if the sender named one. Never a person in a list."""

    role: Role
    unit: str | None = None


@dataclass(frozen=True)
class InboxItem:
    """A document that waits. It names no young person."""

    document_id: Uuid4
    conversation_id: Uuid4
    kind: DocumentKind
    sender: PartyId
    sender_name: str
    attention: tuple[InboxAttention, ...]
    received_at: datetime  # our clock, zoned UTC
    state: State
    attachment_count: int
    reply_due: date | None  # a Danish day
    protected: bool  # the young person's name and address are protected
    corrected_by: Uuid4 | None = None  # the newest document that replaces it


@dataclass(frozen=True)
class InboxAnswer:
    """A page of the inbox, oldest first."""

    operation: ClassVar[Operation] = Operation.LIST_INBOX
    items: tuple[InboxItem, ...]
    next_cursor: str
    more: bool


@dataclass(frozen=True)
class RetrieveAnswer:
    """A document: its exact octets, from which the typed view is made, and its attachments in order of number."""

    operation: ClassVar[Operation] = Operation.RETRIEVE
    document_id: Uuid4
    state: State
    octets: bytes  # sealed; verified when they came
    attachments: tuple[AttachmentContent, ...] = ()
    corrected_by: Uuid4 | None = None  # the newest document that replaces it


@dataclass(frozen=True)
class HandoverAnswer:
    """The hand-over is evidenced."""

    operation: ClassVar[Operation] = Operation.CONFIRM_HANDOVER
    document_id: Uuid4
    state: State
    repeated: bool
    content_handover: bytes  # the exact octets of the signed evidence


@dataclass(frozen=True)
class ReadAnswer:
    """The reading is evidenced."""

    operation: ClassVar[Operation] = Operation.REGISTER_READ
    document_id: Uuid4
    state: State
    repeated: bool
    content_access_tracking: bytes  # the read receipt: the exact octets of the signed evidence


@dataclass(frozen=True)
class WithdrawalAnswer:
    """The withdrawal is evidenced."""

    operation: ClassVar[Operation] = Operation.WITHDRAW_DOCUMENT
    document_id: Uuid4
    state: State
    repeated: bool
    content_removed: bool  # no system of the recipient had stored it: nothing of it is left here
    withdrawal: bytes  # the exact octets of the signed evidence
    was_fetched: bool = False  # a system of the recipient was given it: then the recipient must answer


@dataclass(frozen=True)
class FoundParty:
    """A party that fits a search."""

    party: PartyId
    name: str
    reachable: bool
    kinds: tuple[DocumentKind, ...] = ()
    contacts: tuple[Contact, ...] = ()  # those of today; their names are not told


@dataclass(frozen=True)
class FindPartyAnswer:
    """The parties that fit, at most 20, by name."""

    operation: ClassVar[Operation] = Operation.FIND_PARTY
    parties: tuple[FoundParty, ...]


@dataclass(frozen=True)
class CertificateFacts:
    """What we read in the certificate that signed the request."""

    cvr: Cvr
    organisation: str
    serial_number: str  # hexadecimal
    not_after: datetime  # zoned UTC
    fingerprint: str  # hex SHA-256 of the DER


@dataclass(frozen=True)
class PingAnswer:
    """The answer to a trial of the connection."""

    operation: ClassVar[Operation] = Operation.PING
    certificate: CertificateFacts
    clock_skew_seconds: int  # by how much the system's clock is ahead of ours
    mandates: tuple[Mandate, ...]  # the system's, in force now; who approved is not told
    echo: str | None = None
    reachable: bool | None = None  # of the party asked about


Answer = (
    SendAnswer
    | StatusAnswer
    | EvidenceAnswer
    | EventsAnswer
    | InboxAnswer
    | RetrieveAnswer
    | HandoverAnswer
    | ReadAnswer
    | WithdrawalAnswer
    | FindPartyAnswer
    | PingAnswer
)
"""What the gateway answers when it does not refuse."""

"""Evidence: the signed statement of one event in a document's life, as a value.

Event names follow ETSI EN 319 522-1 §6 where it has one; the others are our own. Evidence is issued by whoever
observed the fact; what the other side says is kept word for word and wrapped (`based_on`). This is modelled on
ETSI's evidence, but no qualified delivery service is claimed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, unique
from typing import Final

from gateway.domain.identifiers import Cvr, PartyId, Uuid4


@unique
class EvidenceEvent(Enum):
    """What a piece of evidence states; the value is its name in XML."""

    SUBMISSION_ACCEPTANCE = "SubmissionAcceptance"
    SUBMISSION_REJECTION = "SubmissionRejection"
    RELAY_ACCEPTANCE = "RelayAcceptance"
    RELAY_REJECTION = "RelayRejection"
    RELAY_FAILURE = "RelayFailure"
    CONTENT_CONSIGNMENT = "ContentConsignment"
    CONTENT_CONSIGNMENT_FAILURE = "ContentConsignmentFailure"
    CONTENT_HANDOVER = "ContentHandover"
    CONTENT_HANDOVER_FAILURE = "ContentHandoverFailure"
    CONTENT_ACCESS_TRACKING = "ContentAccessTracking"
    # Our own: ETSI EN 319 522 names no event for these.
    READ_EXPIRY = "ReadExpiry"
    ANSWER_EXPIRY = "AnswerExpiry"
    BUSINESS_ACCEPTANCE = "BusinessAcceptance"
    BUSINESS_REJECTION = "BusinessRejection"
    WITHDRAWAL = "Withdrawal"
    CORRECTION = "Correction"

    @property
    def is_negative(self) -> bool:
        """Whether it states that something failed or did not happen; such evidence always gives reasons."""
        return self in _NEGATIVE


_NEGATIVE: Final = frozenset(
    {
        EvidenceEvent.SUBMISSION_REJECTION,
        EvidenceEvent.RELAY_REJECTION,
        EvidenceEvent.RELAY_FAILURE,
        EvidenceEvent.CONTENT_CONSIGNMENT_FAILURE,
        EvidenceEvent.CONTENT_HANDOVER_FAILURE,
        EvidenceEvent.READ_EXPIRY,
        EvidenceEvent.ANSWER_EXPIRY,
        EvidenceEvent.BUSINESS_REJECTION,
    }
)


@dataclass(frozen=True)
class ReasonWords:
    """The sentence of one reason."""

    danish: str
    english: str


@unique
class ReasonCode(Enum):
    """Why an event is negative, or why a document was withdrawn."""

    REFUSED = ReasonWords(
        "Dokumentet blev afvist; fejlkoden siger hvorfor.", "The document was refused; the code says why."
    )
    RELAY_TIMEOUT = ReasonWords(
        "Modtagerens gateway har ikke kvitteret inden for fristen.",
        "The recipient's gateway did not acknowledge in time.",
    )
    RELAY_REFUSED = ReasonWords(
        "Modtagerens gateway tog ikke imod dokumentet.", "The recipient's gateway did not take the document."
    )
    NOT_MADE_AVAILABLE = ReasonWords(
        "Dokumentet blev ikke gjort tilgængeligt for modtageren inden for fristen.",
        "The document was not made available to the recipient in time.",
    )
    DELIVERY_ABANDONED = ReasonWords(
        "Leveringen er opgivet: driften kan ikke få dokumentet frem til modtageren.",
        "The delivery was given up: the operator cannot bring the document to the recipient.",
    )
    NOT_FETCHED = ReasonWords(
        "Modtagerens fagsystem har ikke hentet og bekræftet dokumentet inden for fristen.",
        "The recipient's system did not fetch and confirm the document in time.",
    )
    NOT_READ = ReasonWords(
        "Ingen hos modtageren har åbnet dokumentet inden for fristen.",
        "Nobody at the recipient opened the document in time.",
    )
    DECLINED = ReasonWords(
        "Modtageren har svaret nej; svaret siger hvorfor.", "The recipient said no; the answer says why."
    )
    NOT_ANSWERED = ReasonWords(
        "Modtageren har ikke svaret inden for fristen.", "The recipient did not answer in time."
    )
    DELETION_NOT_CONFIRMED = ReasonWords(
        "Modtageren har ikke inden for fristen svaret, om det tilbagekaldte dokument er slettet.",
        "The recipient did not answer in time whether the withdrawn document is deleted.",
    )
    REPLACED = ReasonWords(
        "Dokumentet er rettet af et nyere dokument.", "The document was corrected by a newer one."
    )
    WRONG_RECIPIENT = ReasonWords("Sendt til en forkert modtager.", "Sent to a wrong recipient.")
    WRONG_SUBJECT = ReasonWords("Handlede om en forkert person.", "About a wrong person.")
    WRONG_CONTENT = ReasonWords("Indholdet var forkert.", "The content was wrong.")
    NO_BASIS = ReasonWords("Der var ikke hjemmel til at sende det.", "There was no legal basis to send it.")
    SUBJECT_OBJECTED = ReasonWords("Den unge gjorde indsigelse.", "The young person objected.")
    OBSOLETE = ReasonWords("Dokumentet er ikke længere aktuelt.", "The document is no longer current.")
    OTHER = ReasonWords(
        "Anden årsag, som afsenderen har noteret.", "Another reason, which the sender has on record."
    )

    @property
    def words(self) -> ReasonWords:
        """The sentence in both languages."""
        return self.value


WITHDRAWAL_REASONS: Final = frozenset(
    {
        ReasonCode.WRONG_RECIPIENT,
        ReasonCode.WRONG_SUBJECT,
        ReasonCode.WRONG_CONTENT,
        ReasonCode.NO_BASIS,
        ReasonCode.SUBJECT_OBJECTED,
        ReasonCode.OBSOLETE,
        ReasonCode.OTHER,
    }
)


@dataclass(frozen=True)
class EventReason:
    """One reason of an event: our code, and the fault code or the other side's code where there is one."""

    code: ReasonCode
    detail: str | None = None  # a code, never free text: evidence and log hold no personal data


@dataclass(frozen=True)
class Issuer:
    """The gateway that observed the event."""

    cvr: Cvr
    name: str
    certificate_fingerprint: str  # hex SHA-256 of the DER of the sealing certificate


@dataclass(frozen=True)
class AssertedBy:
    """The system whose signed request states what the gateway cannot see itself, such as that a person read."""

    system_id: Uuid4
    certificate_fingerprint: str  # hex SHA-256 of the DER
    role: str | None = None  # of the person who acted, as the system says; a code
    at: datetime | None = None  # when it happened, by the system's clock, zoned UTC


@dataclass(frozen=True)
class EvidenceStatement:
    """What one piece of evidence says. All times are zoned UTC, all digests SHA-256 of 32 octets.

    `log_entry_id` is chosen beforehand; evidence never holds a log index or proof, which come later.
    """

    identifier: Uuid4
    event: EvidenceEvent
    time: datetime
    issuer: Issuer
    log_entry_id: Uuid4
    log_origin: str
    sender: PartyId | None = None  # these four are unknown only where a submission was refused unread
    recipient: PartyId | None = None
    document_id: Uuid4 | None = None
    conversation_id: Uuid4 | None = None
    issued_on_absence: bool = False  # nobody said so: a deadline passed in silence
    content_digest: bytes | None = None  # of the document without signature, exclusive C14N
    sealed_digest: bytes | None = None  # of the sealed octets
    submission_time: datetime | None = None
    reasons: tuple[EventReason, ...] = ()
    asserted_by: AssertedBy | None = None
    based_on: tuple[bytes, ...] = ()  # digests of what is wrapped: receipts, requests, answers
    request_digest: bytes | None = None  # of the canonical SignedInfo of the request that caused it
    previous: Uuid4 | None = None  # the evidence before it in the same document's life

    def __post_init__(self) -> None:
        digests = (self.content_digest, self.sealed_digest, self.request_digest, *self.based_on)
        if any(digest is not None and len(digest) != 32 for digest in digests):
            raise ValueError("a digest is 32 octets of SHA-256")
        if self.event.is_negative and not self.reasons:
            raise ValueError("every negative carries a reason")
        named = (self.sender, self.recipient, self.document_id, self.conversation_id)
        if self.event is not EvidenceEvent.SUBMISSION_REJECTION and None in named:
            raise ValueError("only a refused submission may be about an unknown document")
        if self.event is EvidenceEvent.CONTENT_ACCESS_TRACKING and self.asserted_by is None:
            raise ValueError("that a person read is asserted by a system")

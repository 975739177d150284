"""A document as a value: its header as typed facts, its body as a tree.

The reader (`document_from_node`) takes a tree that its schema found valid; it raises InputError SCHEMA_INVALID
for the few values a schema lets pass and no calendar holds. What the rules say of the content is not judged here.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import Enum, unique
from functools import cached_property

from gateway.domain.calendar import local_day
from gateway.domain.catalogue import Code
from gateway.domain.cpr import Cpr, age
from gateway.domain.errors import InputError, Violation
from gateway.domain.identifiers import Cvr, PartyId, Uuid4
from gateway.domain.kinds import Direction, DocumentKind, Urgency
from gateway.domain.node import Node
from gateway.domain.party import Role

_BESIDE_THE_BODY = frozenset({"Header", "Attachments", "Signature"})
_HEADER_REFERENCES = ("ReplyTo", "Corrects/DocumentId", "Withdraws/DocumentId")
_BODY_REFERENCES = (
    "AdmissionDocumentId",
    "RiskDocumentId",
    "RefersTo",
)  # letters of support, interruptions, notes
_WISHES = ("LetterWanted", "AnswerWanted", "ConfirmationWanted")  # of admissions, notes and agreements


@dataclass(frozen=True)
class PartyRef:
    """A party as a document names it."""

    id: PartyId
    name: str
    p_number: str | None


@dataclass(frozen=True)
class Attention:
    """Who at the recipient must see the document: always a role, so that a successor receives."""

    role: Role
    person_name: str | None = field(repr=False)
    unit: str | None


@dataclass(frozen=True)
class EarlierDocument:
    """A document of the same sender that this one replaces or withdraws, and why."""

    document_id: Uuid4
    reason: str = field(repr=False)


@dataclass(frozen=True)
class Reference:
    """An earlier document that this one names, and the element that names it."""

    document_id: Uuid4
    node: Node


@dataclass(frozen=True)
class OpenConversation:
    """A conversation that a handover passes on: with whom it is, and the kind of its last document."""

    conversation_id: Uuid4
    counterpart: PartyId
    last_kind: DocumentKind
    node: Node


@dataclass(frozen=True)
class Subject:
    """The young person. The representation shows nothing of it."""

    cpr: Cpr
    name: str | None
    stated_birth_date: date | None
    is_protected: bool  # name and address protection, CPR-loven §28
    registered_municipality: str | None
    phone: str | None
    email: str | None

    def __repr__(self) -> str:
        return "Subject(******)"

    @property
    def birth_date(self) -> date | None:
        """The day of birth: by the CPR number, or as stated where that is only a replacement number."""
        if self.cpr.is_replacement and self.stated_birth_date is not None:
            return self.stated_birth_date
        return self.cpr.birth_date


@dataclass(frozen=True)
class LegalBasis:
    """One provision claimed, and what makes it apply."""

    provision: str
    article_6: str  # letter of GDPR art. 6(1)
    article_9: str | None  # letter of GDPR art. 9(2)
    necessity: str | None = field(repr=False)
    consent_id: Uuid4 | None
    node: Node


@dataclass(frozen=True)
class Consent:
    """A consent the sender holds: for which categories, from when, until when (days, both included)."""

    consent_id: Uuid4
    given_on: date
    given_by: str
    form: str
    scope: frozenset[str]
    valid_until: date | None


@dataclass(frozen=True)
class SubjectInformation:
    """How the young person was told, and what was left out on the person's wish."""

    method: str
    informed_on: date | None
    had_influence: bool
    withheld_on_wish: frozenset[str]  # data categories
    reason: str | None = field(repr=False)


@unique
class SealedBy(Enum):
    """Who made the content signature."""

    SYSTEM = "SYSTEM"
    GATEWAY = "GATEWAY"


@dataclass(frozen=True)
class AttachmentEntry:
    """One line of the attachment manifest. The bytes travel beside the document; the digest binds them."""

    number: int
    file_name: str = field(repr=False)
    media_type: str
    size: int  # octets
    sha256: bytes
    title: str = field(repr=False)
    category: str
    node: Node


@dataclass(frozen=True)
class Document:
    """A letter or notice. `root`, `header` and `body` are parts of one tree; texts are as sent."""

    document_id: Uuid4
    conversation_id: Uuid4
    reply_to: Uuid4 | None
    reply_due: date | None  # a day in Copenhagen
    corrects: EarlierDocument | None
    withdraws: EarlierDocument | None
    created_at: datetime  # zoned UTC, by the sender's clock
    sender: PartyRef
    recipient: PartyRef
    attentions: tuple[Attention, ...]
    subject: Subject | None
    guardian_information: str | None
    purposes: tuple[str, ...]
    legal_bases: tuple[LegalBasis, ...]
    consents: tuple[Consent, ...]
    subject_information: SubjectInformation
    sealed_by: SealedBy
    attachments: tuple[AttachmentEntry, ...]
    kind: DocumentKind
    schema_version: str
    root: Node
    header: Node
    body: Node

    def __repr__(self) -> str:
        return f"Document({self.kind.value} {self.document_id})"

    def content(self) -> tuple[Node, ...]:
        """The elements that hold what is said: header, body and manifest, leaf by leaf, without the signature.

        An element without a value, such as an empty manifest, says nothing.
        """
        return self._content

    @cached_property
    def _content(self) -> tuple[Node, ...]:
        parts = (self.header, self.body, *self.root.find_all("Attachments"))
        return tuple([leaf for part in parts for leaf in part.leaves() if leaf.text.strip()])

    @cached_property
    def direction(self) -> Direction:
        """From which sort of party to which it goes."""
        return Direction.between(self.sender.id.is_municipality, self.recipient.id.is_municipality)

    @property
    def urgency(self) -> Urgency | None:
        """How soon a risk notice asks for action; None for other kinds."""
        text = self.body.text_of("Urgency") if self.kind is DocumentKind.DROPOUT_RISK_NOTICE else None
        return None if text is None else Urgency(text)

    @property
    def wishes_answer(self) -> bool:
        """Whether the sender says in the body that it waits for something in return, in the kinds that can."""
        return any(is_true(self.body.find(name)) for name in _WISHES)

    @property
    def follow_up_on(self) -> date | None:
        """The day in Copenhagen on which the parties look at an agreement again; None for other kinds."""
        return _day(self.body, "FollowUpOn") if self.kind is DocumentKind.AGREEMENT_NOTICE else None

    @property
    def agreement_id(self) -> Uuid4 | None:
        """What the versions of one agreement share; None for other kinds."""
        return _uuid(self.body, "AgreementId") if self.kind is DocumentKind.AGREEMENT_NOTICE else None

    @property
    def open_conversations(self) -> tuple[OpenConversation, ...]:
        """The conversations that a handover passes on; none in other kinds."""
        return tuple(
            OpenConversation(
                Uuid4(_text(node, "ConversationId")),
                _party(_need(node, "Counterpart")).id,
                DocumentKind(_text(node, "LastKind")),
                node,
            )
            for node in self.body.find_all("OpenConversation")
        )

    @property
    def references(self) -> tuple[Reference, ...]:
        """Every earlier document that header and body name."""
        nodes = [node for name in _HEADER_REFERENCES for node in self.header.find_all(name)]
        nodes += [node for name in _BODY_REFERENCES for node in self.body.find_all(name)]
        return tuple(Reference(Uuid4(node.text), node) for node in nodes)

    @cached_property
    def created_on(self) -> date:
        """The day in Copenhagen on which the document was made."""
        return local_day(self.created_at)

    @cached_property
    def age(self) -> int | None:
        """How old the young person was, in years, at what is reported, or else when the document was made.

        None where there is nobody, or where the numbers tell no day of birth.
        """
        born = None if self.subject is None else self.subject.birth_date
        return None if born is None else age(born, self.event_date or self.created_on)

    @property
    def event_date(self) -> date | None:
        """The day of what a notice reports, where its kind has one."""
        node = self.body.find("EventDate")
        return None if node is None else day_of(node)


def document_from_node(root: Node) -> Document:
    """The document that a schema-valid tree holds; a signature in it is passed over."""
    header = _need(root, "Header")
    body = next(child for child in root.children if child.name not in _BESIDE_THE_BODY)
    return Document(
        document_id=Uuid4(_text(header, "DocumentId")),
        conversation_id=Uuid4(_text(header, "ConversationId")),
        reply_to=_uuid(header, "ReplyTo"),
        reply_due=_day(header, "ReplyDue"),
        corrects=_earlier(header.find("Corrects")),
        withdraws=_earlier(header.find("Withdraws")),
        created_at=time_of(_need(header, "CreatedAt")),
        sender=_party(_need(header, "Sender/Party")),
        recipient=_party(_need(header, "Recipient/Party")),
        attentions=tuple(_attention(node) for node in header.find_all("Recipient/Attention")),
        subject=_subject(header.find("Subject")),
        guardian_information=header.text_of("GuardianInformation"),
        purposes=tuple(node.text for node in header.find_all("Purpose")),
        legal_bases=tuple(_legal_basis(node) for node in header.find_all("LegalBasis")),
        consents=tuple(_consent(node) for node in header.find_all("Consent")),
        subject_information=_subject_information(_need(header, "SubjectInformation")),
        sealed_by=SealedBy(_text(header, "SealedBy")),
        attachments=tuple(_attachment(node) for node in root.find_all("Attachments/Attachment")),
        kind=DocumentKind(body.name),
        schema_version=root.attribute("schemaVersion") or "",
        root=root,
        header=header,
        body=body,
    )


def day_of(node: Node) -> date:
    """The day an element of type Day holds. InputError SCHEMA_INVALID if the calendar has no such day."""
    try:
        return date.fromisoformat(node.text.strip())
    except ValueError:
        raise _unreadable(node, "date", "En dato findes ikke.", "The date does not exist.") from None


def time_of(node: Node) -> datetime:
    """The instant an element of type UtcTime holds, zoned UTC; XML Schema's 24:00:00 is not accepted."""
    try:
        at = datetime.fromisoformat(node.text.strip()).astimezone(UTC)
        local_day(at)  # the last hours of the year 9999 have no day in Copenhagen
    except (ValueError, OverflowError):
        raise _unreadable(
            node,
            "dateTime",
            "Tidspunktet findes ikke; skriv midnat som 00:00:00.",
            "No such time; write 00:00:00.",
        ) from None
    return at


def is_true(node: Node | None) -> bool:
    """Whether an xs:boolean element is there and says yes."""
    return node is not None and node.text.strip() in ("true", "1")


def _unreadable(node: Node, code: str, danish: str, english: str) -> InputError:
    violation = Violation(node.path, node.line, code, danish, english)
    return InputError(Code.SCHEMA_INVALID, violations=(violation,), count=1)


def _need(node: Node, steps: str) -> Node:
    found = node.find(steps)
    if found is None:
        raise AssertionError(f"{node.schema_path} lacks {steps}, which its schema demands")
    return found


def _text(node: Node, steps: str) -> str:
    return _need(node, steps).text


def _uuid(node: Node, steps: str) -> Uuid4 | None:
    text = node.text_of(steps)
    return None if text is None else Uuid4(text)


def _day(node: Node, steps: str) -> date | None:
    found = node.find(steps)
    return None if found is None else day_of(found)


def _earlier(node: Node | None) -> EarlierDocument | None:
    return None if node is None else EarlierDocument(Uuid4(_text(node, "DocumentId")), _text(node, "Reason"))


def _party(node: Node) -> PartyRef:
    unit = node.text_of("MunicipalityCode") or _text(node, "InstitutionNumber")
    return PartyRef(PartyId(Cvr(_text(node, "Cvr")), unit), _text(node, "Name"), node.text_of("PNumber"))


def _attention(node: Node) -> Attention:
    return Attention(Role(_text(node, "Role")), node.text_of("PersonName"), node.text_of("Unit"))


def _subject(node: Node | None) -> Subject | None:
    if node is None:
        return None
    return Subject(
        cpr=Cpr(_text(node, "CprNumber")),
        name=node.text_of("Name"),
        stated_birth_date=_day(node, "BirthDate"),
        is_protected=is_true(node.find("ProtectedNameAndAddress")),
        registered_municipality=node.text_of("RegisteredMunicipality"),
        phone=node.text_of("Phone"),
        email=node.text_of("Email"),
    )


def _legal_basis(node: Node) -> LegalBasis:
    return LegalBasis(
        provision=_text(node, "Provision"),
        article_6=_text(node, "GdprArticle6"),
        article_9=node.text_of("GdprArticle9"),
        necessity=node.text_of("Necessity"),
        consent_id=_uuid(node, "ConsentId"),
        node=node,
    )


def _consent(node: Node) -> Consent:
    return Consent(
        consent_id=Uuid4(_text(node, "ConsentId")),
        given_on=day_of(_need(node, "GivenOn")),
        given_by=_text(node, "GivenBy"),
        form=_text(node, "Form"),
        scope=frozenset(scope.text for scope in node.find_all("Scope")),
        valid_until=_day(node, "ValidUntil"),
    )


def _subject_information(node: Node) -> SubjectInformation:
    return SubjectInformation(
        method=_text(node, "Method"),
        informed_on=_day(node, "InformedOn"),
        had_influence=is_true(node.find("HadInfluence")),
        withheld_on_wish=frozenset(wish.text for wish in node.find_all("WithheldOnWish")),
        reason=node.text_of("Reason"),
    )


def _attachment(node: Node) -> AttachmentEntry:
    return AttachmentEntry(
        number=int(_text(node, "Number")),
        file_name=_text(node, "FileName"),
        media_type=_text(node, "MediaType"),
        size=int(_text(node, "Size")),
        sha256=base64.b64decode(_text(node, "Sha256")),
        title=_text(node, "Title"),
        category=_text(node, "Category"),
        node=node,
    )

"""The answers of the two services: from a value to the element for the Body, valid by the service schema."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from lxml import etree

from gateway.domain.errors import Violation
from gateway.domain.evidence import EventReason
from gateway.domain.identifiers import PartyId
from gateway.domain.mandate import Mandate, Operation
from gateway.domain.operations import (
    Answer,
    AnswerInfo,
    AttachmentContent,
    Environment,
    EventsAnswer,
    EvidenceAnswer,
    FindPartyAnswer,
    FoundParty,
    HandoverAnswer,
    InboxAnswer,
    InboxItem,
    Octets,
    PingAnswer,
    ReadAnswer,
    RetrieveAnswer,
    SendAnswer,
    StatusAnswer,
    TimelineEvent,
    WithdrawalAnswer,
)
from gateway.protocol.attachments import INCLUDE
from gateway.protocol.mime import NewPart, cid_uri
from gateway.protocol.service_elements import add, add_sentence, new, sub
from gateway.xmlcore.c14n import exclusive
from gateway.xmlcore.namespaces import DS, XOP, tag
from gateway.xmlcore.parse import DOCUMENT_LIMITS, parse

INLINE_OCTETS_MOST: Final = (
    7_400_000  # base64 of more would pass the 10,000,000 octets of one text that parsers read
)
INLINE_OCTETS_BY_MTOM: Final = 4_096  # of more, base64 adds more than the headers of a part
_AROUND_OCTETS: Final = 100_000  # envelope, token of at most 16 KB, signature, addressing and part names
DEVELOPMENT_NOTICE: Final = (
    "Udvikling: kun opdigtede data, intet er hemmeligt. / Development: fictional data only."
)

_SIGNATURE: Final = tag(DS, "Signature")


@dataclass(frozen=True)
class RenderedAnswer:
    """The element for the Body, and the parts beside it that it names: by ContentId elements, or includes (MTOM)."""

    element: etree._Element
    parts: tuple[NewPart, ...] = ()


def render_answer(answer: Answer, info: AnswerInfo, *, mtom: bool = False) -> RenderedAnswer:
    """Return the answer as the element of its operation. Attachments for which it has no room become parts.

    They are SwA parts that a ContentId names, or with `mtom`, where all but small ones are parts, what the Content
    element includes: WCF knows no other.
    """
    root = new(f"{answer.operation.value}Response")
    _info(root, info)
    parts: list[NewPart] = []
    if isinstance(answer, RetrieveAnswer):
        _retrieve(root, answer, parts, mtom=mtom)
    else:
        _WRITERS[type(answer)](root, answer)
    return RenderedAnswer(root, tuple(parts))


def _info(root: etree._Element, info: AnswerInfo) -> None:
    element = sub(root, "Answer")
    add(element, "CorrelationId", info.correlation_id)
    add(element, "RequestDigest", info.request_digest)
    add(element, "AnsweredAt", info.answered_at)
    add(element, "Environment", info.environment.value)
    if info.environment is Environment.DEVELOPMENT:
        add(element, "Notice", DEVELOPMENT_NOTICE)


def _party(parent: etree._Element, name: str, party: PartyId) -> None:
    element = sub(parent, name)
    add(element, "Cvr", party.cvr)
    add(element, "MunicipalityCode" if party.is_municipality else "InstitutionNumber", party.unit)


def _send(root: etree._Element, answer: SendAnswer) -> None:
    add(root, "DocumentId", answer.document_id)
    add(root, "State", answer.state.value)
    add(root, "Repeated", answer.repeated)
    for warning in answer.warnings[:100]:
        _warning(root, warning)
    add(root, "SubmissionAcceptance", answer.submission_acceptance)


def _warning(root: etree._Element, warning: Violation) -> None:
    element = sub(root, "Warning")
    add(element, "Rule", warning.code)
    add(element, "Path", warning.path)
    add_sentence(element, "Danish", warning.danish)
    add_sentence(element, "English", warning.english)


def _status(root: etree._Element, answer: StatusAnswer) -> None:
    add(root, "DocumentId", answer.document_id)
    add(root, "State", answer.state.value)
    for event in answer.events:
        _event(root, "Event", event)
    for deadline in answer.deadlines:
        element = sub(root, "Deadline")
        add(element, "Kind", deadline.kind.name)
        add(element, "Due", deadline.due)
        add(element, "Fired", deadline.fired)
    add(root, "CorrectedBy", answer.corrected_by)


def _event(parent: etree._Element, name: str, event: TimelineEvent) -> None:
    element = sub(parent, name)
    add(element, "EventId", event.event_id)
    add(element, "Kind", event.kind)
    add(element, "At", event.at)
    if event.issuer is not None:
        issuer = sub(element, "Issuer")
        if event.issuer_party is not None:
            _party(issuer, "Party", event.issuer_party)
        add(issuer, "Name", event.issuer)
    add(element, "Basis", event.standing.value)
    add(element, "EvidenceIdentifier", event.evidence_id)
    add(element, "AnswerCode", None if event.answer is None else event.answer.value)
    for reason in event.reasons:
        _reason(element, reason)
    for flag in sorted(event.flags, key=lambda each: each.value):
        add(element, "Flag", flag.value)
    add(element, "RelatedDocumentId", event.related)


def _reason(parent: etree._Element, reason: EventReason) -> None:
    element = sub(parent, "Reason")
    add(element, "Code", reason.code.name)
    add(element, "Detail", reason.detail)
    add_sentence(element, "Danish", reason.code.words.danish)
    add_sentence(element, "English", reason.code.words.english)


def _evidence(root: etree._Element, answer: EvidenceAnswer) -> None:
    add(root, "DocumentId", answer.document_id)
    for each in answer.evidence:
        element = sub(root, "Evidence")
        add(element, "EvidenceIdentifier", each.identifier)
        add(element, "Event", each.event.value)
        add(element, "Content", each.octets)
        add(element, "LogProof", each.log_proof)


def _events(root: etree._Element, answer: EventsAnswer) -> None:
    for each in answer.events:
        element = sub(root, "Event")
        add(element, "DocumentId", each.document_id)
        add(element, "ConversationId", each.conversation_id)
        add(element, "State", each.state.value)
        _event(element, "TimelineEvent", each.event)
    _next(root, answer.next_cursor, answer.more)


def _inbox(root: etree._Element, answer: InboxAnswer) -> None:
    for item in answer.items:
        _item(root, item)
    _next(root, answer.next_cursor, answer.more)


def _item(root: etree._Element, item: InboxItem) -> None:
    element = sub(root, "Item")
    add(element, "DocumentId", item.document_id)
    add(element, "ConversationId", item.conversation_id)
    add(element, "Kind", item.kind.value)
    sender = sub(element, "Sender")
    _party(sender, "Party", item.sender)
    add(sender, "Name", item.sender_name)
    for attention in item.attention:
        addressed = sub(element, "Attention")
        add(addressed, "Role", attention.role.value)
        add(addressed, "Unit", attention.unit)
    add(element, "ReceivedAt", item.received_at)
    add(element, "State", item.state.value)
    add(element, "AttachmentCount", item.attachment_count)
    add(element, "ReplyDue", item.reply_due)
    add(element, "Protected", item.protected)
    add(element, "CorrectedBy", item.corrected_by)


def _next(root: etree._Element, cursor: str, more: bool) -> None:
    add(root, "NextCursor", cursor)
    add(root, "More", more)


def _retrieve(root: etree._Element, answer: RetrieveAnswer, parts: list[NewPart], *, mtom: bool) -> None:
    add(root, "DocumentId", answer.document_id)
    add(root, "State", answer.state.value)
    view = parse(answer.octets)
    for signature in view.findall(_SIGNATURE):  # the view is for reading; what can be verified are the octets
        view.remove(signature)
    root.append(view)
    add(root, "ExactOctets", answer.octets)
    if answer.attachments:
        _attachments(root, answer, parts, mtom=mtom)
    add(root, "CorrectedBy", answer.corrected_by)


def _attachments(root: etree._Element, answer: RetrieveAnswer, parts: list[NewPart], *, mtom: bool) -> None:
    """Write the attachments within the answer as far as there is room, the others beside it."""
    most = INLINE_OCTETS_BY_MTOM if mtom else INLINE_OCTETS_MOST
    room = DOCUMENT_LIMITS.octets - _AROUND_OCTETS - len(exclusive(root))
    for attachment in answer.attachments:
        octets = _base64_octets(len(attachment.content))
        if len(attachment.content) <= most and octets <= room:
            room -= octets
            add(_numbered(root, attachment), "Content", attachment.content)
        else:
            _beside(_numbered(root, attachment), attachment, parts, mtom=mtom)


def _base64_octets(octets: int) -> int:
    return 4 * ((octets + 2) // 3)


def _numbered(root: etree._Element, attachment: AttachmentContent) -> etree._Element:
    element = sub(root, "Attachment")
    add(element, "Number", attachment.number)
    return element


def _beside(
    element: etree._Element, attachment: AttachmentContent, parts: list[NewPart], *, mtom: bool
) -> None:
    content: Octets = attachment.content
    content_id = f"attachment-{attachment.number}-{secrets.token_hex(8)}@bropost"
    parts.append(NewPart(content_id, "application/octet-stream", content))
    if mtom:
        etree.SubElement(sub(element, "Content"), INCLUDE, href=cid_uri(content_id), nsmap={"xop": XOP})
    else:
        add(element, "ContentId", content_id)


def _handover(root: etree._Element, answer: HandoverAnswer) -> None:
    add(root, "DocumentId", answer.document_id)
    add(root, "State", answer.state.value)
    add(root, "Repeated", answer.repeated)
    add(root, "ContentHandover", answer.content_handover)


def _read(root: etree._Element, answer: ReadAnswer) -> None:
    add(root, "DocumentId", answer.document_id)
    add(root, "State", answer.state.value)
    add(root, "Repeated", answer.repeated)
    add(root, "ContentAccessTracking", answer.content_access_tracking)


def _withdrawal(root: etree._Element, answer: WithdrawalAnswer) -> None:
    add(root, "DocumentId", answer.document_id)
    add(root, "State", answer.state.value)
    add(root, "Repeated", answer.repeated)
    add(root, "ContentRemoved", answer.content_removed)
    add(root, "Withdrawal", answer.withdrawal)
    add(root, "Fetched", answer.was_fetched or None)


def _parties(root: etree._Element, answer: FindPartyAnswer) -> None:
    for found in answer.parties:
        _found(root, found)


def _found(root: etree._Element, found: FoundParty) -> None:
    element = sub(root, "Party")
    _party(element, "Party", found.party)
    add(element, "Name", found.name)
    add(element, "Reachable", found.reachable)
    for kind in found.kinds:
        add(element, "Kind", kind.value)
    for contact in found.contacts:
        told = sub(element, "Contact")
        add(told, "Role", contact.role.value)
        add(told, "Unit", contact.unit)
        add(told, "Phone", contact.phone)
        add(told, "Email", contact.email)


def _ping(root: etree._Element, answer: PingAnswer) -> None:
    add(root, "Echo", answer.echo)
    certificate = sub(root, "Certificate")
    add(certificate, "SubjectCvr", answer.certificate.cvr)
    add(certificate, "Organisation", answer.certificate.organisation)
    add(certificate, "SerialNumber", answer.certificate.serial_number)
    add(certificate, "NotAfter", answer.certificate.not_after)
    add(certificate, "Fingerprint", answer.certificate.fingerprint)
    add(root, "ClockSkewSeconds", answer.clock_skew_seconds)
    for mandate in answer.mandates:
        _mandate(root, mandate)
    add(root, "Reachable", answer.reachable)


def _mandate(root: etree._Element, mandate: Mandate) -> None:
    element = sub(root, "Mandate")
    _party(element, "Party", mandate.party_id)
    for operation in Operation:  # in the order of the enumeration, so that equal mandates are told equally
        if operation in mandate.operations:
            add(element, "Operation", operation.value)
    for kind in sorted(mandate.kinds, key=lambda each: each.value):
        add(element, "Kind", kind.value)
    add(element, "ValidFrom", mandate.valid_from)
    add(element, "ValidUntil", mandate.valid_until)


_WRITERS: Final[Mapping[type, Callable[[etree._Element, Any], None]]] = {
    SendAnswer: _send,
    StatusAnswer: _status,
    EvidenceAnswer: _evidence,
    EventsAnswer: _events,
    InboxAnswer: _inbox,
    HandoverAnswer: _handover,
    ReadAnswer: _read,
    WithdrawalAnswer: _withdrawal,
    FindPartyAnswer: _parties,
    PingAnswer: _ping,
}

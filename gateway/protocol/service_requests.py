"""The requests of the two services: from the verified element of a message to a typed value.

Nothing is read before the whole element has passed the schema, and only what the message signature covered is read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

import pybase64
from lxml import etree

from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError, Violation
from gateway.domain.evidence import ReasonCode
from gateway.domain.identifiers import Cvr, PartyId, Uuid4
from gateway.domain.kinds import DocumentKind
from gateway.domain.mandate import Operation
from gateway.domain.operations import (
    PAGE_SIZE_MOST,
    AttachmentContent,
    ConfirmHandoverRequest,
    FindPartyRequest,
    GetEvidenceRequest,
    GetStatusRequest,
    ListEventsRequest,
    ListInboxRequest,
    Octets,
    Override,
    PingRequest,
    RegisterReadRequest,
    RetrieveRequest,
    Service,
    WithdrawDocumentRequest,
)
from gateway.domain.party import Role
from gateway.protocol.attachments import named_part
from gateway.protocol.documents import require_no_xsi
from gateway.protocol.wss import Verified
from gateway.xmlcore.namespaces import DOCUMENT, DS, SERVICE, tag
from gateway.xmlcore.schema import service_schema

_DOCUMENT: Final = tag(DOCUMENT, "Document")
_CARRIERS: Final = frozenset({tag(SERVICE, "Content"), tag(SERVICE, "SignedDocument")})
_SMALL_OCTETS: Final = 1_024  # above any value with a length in the schemas (digests and nonces of 32 octets)


@dataclass(frozen=True)
class UnsealedDocument:
    """A typed document without signature, valid by schema and free of comments; it stands in the payload.

    Where prefixes were declared does not matter: exclusive C14N gives the same octets as in a tree of its own.
    """

    element: etree._Element


@dataclass(frozen=True)
class SendRequest:
    """Send a letter or a notice: a typed document for the gateway to seal, or the octets that the system signed."""

    operation: Operation  # SEND_LETTER or SEND_NOTICE
    on_behalf_of: PartyId
    content: UnsealedDocument | bytes
    attachments: tuple[AttachmentContent, ...] = ()
    overrides: tuple[Override, ...] = ()


Request = (
    SendRequest
    | GetStatusRequest
    | GetEvidenceRequest
    | ListEventsRequest
    | ListInboxRequest
    | RetrieveRequest
    | ConfirmHandoverRequest
    | RegisterReadRequest
    | WithdrawDocumentRequest
    | FindPartyRequest
    | PingRequest
)
"""What a system may ask."""


def read_request(verified: Verified, service: Service) -> Request:
    """Return what a verified message asks of this service. It may change the payload: read that no more.

    InputError OPERATION_UNKNOWN, SCHEMA_INVALID, DOCUMENT_SIGNATURE_UNEXPECTED, XML_FORBIDDEN, or MIME_MALFORMED if
    attachments of the message and references to them do not pair off.
    """
    return read_payload(verified.payload, service, verified.attachments, verified.included, verified.digests)


def read_payload(
    payload: etree._Element,
    service: Service,
    attachments: Mapping[str, memoryview] = MappingProxyType({}),
    included: Mapping[etree._Element, str] = MappingProxyType({}),
    digests: Mapping[str, bytes] = MappingProxyType({}),
) -> Request:
    """Return what a payload asks; see `read_request`, which is for everything that comes from outside.

    `attachments` are contents by Content-ID; `included` are elements of the payload, left empty, whose base64 content
    is that attachment (MTOM); `digests` are the SHA-256 of those attachments where it is known.
    """
    operation = _OPERATIONS.get(str(payload.tag))
    if operation is None or operation not in service.operations:
        raise InputError(Code.OPERATION_UNKNOWN)
    # The signature covers the canonical form without comments; what is read and sealed is the same.
    etree.strip_tags(payload, etree.Comment)
    parts = _Parts(attachments, included, digests)
    parts.put_small_ones_in_place()
    service_schema().require(payload)
    request = _READERS[operation](_Fields(payload), parts)
    parts.require_all_used()
    return request


class _Parts:
    """The attachments of a message, each of which must be used exactly once."""

    def __init__(
        self,
        attachments: Mapping[str, memoryview],
        included: Mapping[etree._Element, str],
        digests: Mapping[str, bytes],
    ) -> None:
        self._unused = dict(attachments)
        self._included = dict(included)
        self._digests = digests

    def put_small_ones_in_place(self) -> None:
        """Put digests and the like, which a client may send by MTOM too, back where the schema looks for them."""
        for holder, content_id in list(self._included.items()):
            if holder.tag not in _CARRIERS and len(self._unused[content_id]) <= _SMALL_OCTETS:
                holder.text = pybase64.b64encode_as_string(self._take(content_id))
                del self._included[holder]

    def content(self, element: etree._Element) -> Octets:
        """The content of a base64Binary element, in the message or beside it."""
        content_id = self._included.get(element)
        return _base64(element) if content_id is None else self._take(content_id)

    def named(self, number: int, reference: str) -> AttachmentContent:
        """The SwA part that a ContentId element names, with or without "cid:"."""
        uri = reference if reference.lower().startswith("cid:") else f"cid:{reference.strip('<>')}"
        content_id = named_part(uri, self._unused)
        return AttachmentContent(number, self._take(content_id), self._digests.get(content_id))

    def require_all_used(self) -> None:
        if self._unused:
            raise InputError(Code.MIME_MALFORMED, what="a part that nothing refers to")

    def _take(self, content_id: str) -> memoryview:
        found = self._unused.pop(content_id, None)
        if found is None:
            raise InputError(Code.MIME_MALFORMED, what="two references to one part")
        return found


class _Fields:
    """The children of an element that is valid by schema, by local name; absent ones are None."""

    def __init__(self, element: etree._Element) -> None:
        self.element = element
        self._first: dict[str, etree._Element] = {}
        for child in element.iterchildren("*"):
            self._first.setdefault(etree.QName(child).localname, child)

    def find(self, name: str) -> etree._Element | None:
        return self._first.get(name)

    def required(self, name: str) -> etree._Element:
        return self._first[name]

    def every(self, name: str) -> list[etree._Element]:
        return self.element.findall(tag(SERVICE, name))

    def optional(self, name: str) -> str | None:
        """The text as it stands: only types that keep white space are read so."""
        child = self._first.get(name)
        return None if child is None else child.text or ""

    def text(self, name: str) -> str:
        return self._first[name].text or ""

    def collapsed(self, name: str) -> str | None:
        """The text without white space around it, for numbers, times and truth values."""
        text = self.optional(name)
        return None if text is None else text.strip()

    def optional_party(self, name: str) -> PartyId | None:
        child = self._first.get(name)
        if child is None:
            return None
        fields = _Fields(child)
        return PartyId(Cvr(fields.text("Cvr")), _unit(fields) or "")

    def party(self, name: str) -> PartyId:
        party = self.optional_party(name)
        assert party is not None  # the schema demands it
        return party

    def page_size(self) -> int:
        return int(self.collapsed("PageSize") or PAGE_SIZE_MOST)

    @property
    def on_behalf_of(self) -> PartyId:
        return self.party("OnBehalfOf")

    @property
    def document_id(self) -> Uuid4:
        return Uuid4(self.text("DocumentId"))


def _send(operation: Operation) -> Callable[[_Fields, _Parts], Request]:
    def read(fields: _Fields, parts: _Parts) -> Request:
        signed = fields.find("SignedDocument")
        content = _unsealed(fields.required("Document")) if signed is None else bytes(parts.content(signed))
        return SendRequest(
            operation, fields.on_behalf_of, content, _attachments(fields, parts), tuple(_overrides(fields))
        )

    return read


def _unsealed(document: etree._Element) -> UnsealedDocument:
    """Return the typed document."""
    if document.find(tag(DS, "Signature")) is not None:
        raise InputError(Code.DOCUMENT_SIGNATURE_UNEXPECTED)
    require_no_xsi(document)
    return UnsealedDocument(document)


def _attachments(fields: _Fields, parts: _Parts) -> tuple[AttachmentContent, ...]:
    """The attachments of a request, no number twice."""
    found: dict[int, AttachmentContent] = {}
    for position, element in enumerate(fields.every("Attachment"), start=1):
        attachment = _Fields(element)
        number = int(attachment.text("Number"))
        if number in found:
            raise _violation(
                fields,
                f"Attachment[{position}]/Number",
                "attachment-number-repeated",
                "Bilagets nummer er brugt før. Giv hvert bilag sit eget nummer fra dokumentets bilagsliste.",
                "The number of the attachment is used before. Give each its own number of the document's list.",
            )
        inline = attachment.find("Content")
        if inline is None:
            found[number] = parts.named(number, attachment.text("ContentId"))
        else:
            found[number] = AttachmentContent(number, parts.content(inline))
    return tuple(found.values())


def _overrides(fields: _Fields) -> list[Override]:
    return [
        Override(each.text("Rule"), each.text("Reason")) for each in map(_Fields, fields.every("Override"))
    ]


def _list_inbox(fields: _Fields, _parts: _Parts) -> Request:
    attention = fields.optional("Attention")
    return ListInboxRequest(
        fields.on_behalf_of,
        attention=None if attention is None else Role(attention),
        kind=_kind(fields),
        unread_only=fields.collapsed("UnreadOnly") in ("true", "1"),
        cursor=fields.optional("Cursor"),
        page_size=fields.page_size(),
    )


def _kind(fields: _Fields) -> DocumentKind | None:
    name = fields.optional("Kind")
    if name is None:
        return None
    try:
        return DocumentKind(name)
    except ValueError:
        raise _violation(
            fields,
            "Kind",
            "kind-unknown",
            "Gatewayen kender ikke denne dokumenttype. Brug navnet på et dokuments indhold, fx EducationOrderLetter.",
            "The gateway knows no such kind. Use the name of a document's body, e.g. EducationOrderLetter.",
        ) from None


def _register_read(fields: _Fields, _parts: _Parts) -> Request:
    try:
        read_at = datetime.fromisoformat(fields.collapsed("ReadAt") or "").astimezone(UTC)
    except (ValueError, OverflowError):  # 24:00:00 and the like: XML Schema knows them, the calendar does not
        raise _violation(
            fields,
            "ReadAt",
            "time-unreadable",
            "Tidspunktet kan ikke læses. Skriv det som 2026-08-05T09:12:00Z.",
            "The time cannot be read. Write it as 2026-08-05T09:12:00Z.",
        ) from None
    return RegisterReadRequest(
        fields.on_behalf_of,
        fields.document_id,
        Role(fields.text("ReaderRole")),
        fields.optional("ReaderName"),
        read_at,
    )


def _withdraw(fields: _Fields, _parts: _Parts) -> Request:
    reason, note = ReasonCode[fields.text("Reason")], fields.optional("Note")
    if reason is ReasonCode.OTHER and note is None:
        raise _violation(
            fields,
            "Note",
            "note-missing",
            "Skriv i Note, hvorfor dokumentet kaldes tilbage, når årsagen er OTHER.",
            "Say in Note why the document is withdrawn where the reason is OTHER.",
        )
    return WithdrawDocumentRequest(fields.on_behalf_of, fields.document_id, reason, note)


def _find_party(fields: _Fields, _parts: _Parts) -> Request:
    cvr = fields.optional("Cvr")
    unit, name = _unit(fields), fields.optional("Name")
    both = fields.find("MunicipalityCode") is not None and fields.find("InstitutionNumber") is not None
    if both or (cvr, unit, name) == (None, None, None):
        raise _violation(
            fields,
            "",
            "search-fields",
            "Angiv mindst ét søgefelt, og enten MunicipalityCode eller InstitutionNumber, ikke begge.",
            "Give at least one search field, and either MunicipalityCode or InstitutionNumber, not both.",
        )
    return FindPartyRequest(fields.on_behalf_of, None if cvr is None else Cvr(cvr), unit, name)


_OPERATIONS: Final = {tag(SERVICE, operation.value): operation for operation in Operation}
_READERS: Final[Mapping[Operation, Callable[[_Fields, _Parts], Request]]] = {
    Operation.SEND_LETTER: _send(Operation.SEND_LETTER),
    Operation.SEND_NOTICE: _send(Operation.SEND_NOTICE),
    Operation.GET_STATUS: lambda fields, _: GetStatusRequest(fields.on_behalf_of, fields.document_id),
    Operation.GET_EVIDENCE: lambda fields, _: GetEvidenceRequest(fields.on_behalf_of, fields.document_id),
    Operation.LIST_EVENTS: lambda fields, _: ListEventsRequest(
        fields.on_behalf_of, fields.optional("Cursor"), fields.page_size()
    ),
    Operation.LIST_INBOX: _list_inbox,
    Operation.RETRIEVE: lambda fields, _: RetrieveRequest(fields.on_behalf_of, fields.document_id),
    Operation.CONFIRM_HANDOVER: lambda fields, parts: ConfirmHandoverRequest(
        fields.on_behalf_of, fields.document_id, _base64(fields.required("ContentDigest"))
    ),
    Operation.REGISTER_READ: _register_read,
    Operation.WITHDRAW_DOCUMENT: _withdraw,
    Operation.FIND_PARTY: _find_party,
    Operation.PING: lambda fields, _: PingRequest(
        fields.optional_party("OnBehalfOf"), fields.optional("Echo"), fields.optional_party("Party")
    ),
}


def _unit(fields: _Fields) -> str | None:
    return fields.optional("MunicipalityCode") or fields.optional("InstitutionNumber")


def _base64(element: etree._Element) -> bytes:
    """The octets of a base64Binary element; white space in it means nothing. XML Schema Part 2 §3.2.16."""
    return pybase64.b64decode(element.text or "")


def _violation(fields: _Fields, name: str, code: str, danish: str, english: str) -> InputError:
    """What the schema cannot say of a child, or with "" of the element itself, told as the schema's violations are."""
    path = f"/{etree.QName(fields.element).localname}/{name}".rstrip("/")
    line = fields.element.sourceline or 0
    return InputError(
        Code.SCHEMA_INVALID, violations=(Violation(path, line, code, danish, english),), count=1
    )

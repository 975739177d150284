"""Requests are read only after the schema, only from what was signed, and give typed values."""

from __future__ import annotations

from dataclasses import replace

import pytest
from lxml import etree

from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError
from gateway.domain.kinds import DocumentKind
from gateway.domain.mandate import Operation
from gateway.domain.operations import (
    AttachmentContent,
    ConfirmHandoverRequest,
    FindPartyRequest,
    ListEventsRequest,
    ListInboxRequest,
    Override,
    PingRequest,
    RegisterReadRequest,
    Service,
)
from gateway.protocol.mime import NewPart, build_related
from gateway.protocol.service_requests import (
    Request,
    SendRequest,
    UnsealedDocument,
    read_payload,
    read_request,
)
from gateway.protocol.soap import SoapVersion, envelope
from gateway.protocol.wss import Verified, secure
from gateway.xmlcore.c14n import exclusive
from gateway.xmlcore.namespaces import DOCUMENT as DOCUMENT_NAMESPACE
from gateway.xmlcore.namespaces import tag
from gateway.xmlcore.parse import parse
from gateway.xmlcore.schema import document_schema
from tests.messages import AT as SIGNED_AT
from tests.messages import SYSTEM, Sent, received
from tests.pki import development_pki
from tests.protocol.service_samples import (
    DIGEST,
    DOCUMENT,
    DOCUMENT_ID,
    INSTITUTION,
    REQUESTS,
    SEND,
    PlainRequest,
    request_xml,
)

_OURS = SEND[: SEND.index("<d:Document")]
_SIGNED = f"{_OURS}<s:SignedDocument>PGEv\n  Pg==</s:SignedDocument>"
_PDF = b"%PDF-1.7\nhej"


def _read(operation: Operation, inside: str, service: Service = Service.MUNICIPALITY) -> Request:
    return read_payload(parse(request_xml(operation, inside)), service)


def _sent(operation: Operation, inside: str, service: Service = Service.MUNICIPALITY) -> SendRequest:
    request = _read(operation, inside, service)
    assert isinstance(request, SendRequest)
    return request


def _signed(operation: Operation, inside: str, *parts: NewPart, mtom: bool) -> Verified:
    """The message with these parts, signed by a system and verified by us."""
    payload = parse(request_xml(operation, inside))
    octets = secure(
        envelope(SoapVersion.SOAP_12, payload),
        development_pki().signing_key(SYSTEM),
        SIGNED_AT,
        attachments=parts,
    )
    built = build_related(octets, SoapVersion.SOAP_12.media_type, parts, mtom=mtom)
    return received(Sent(built.content_type, built.body))


def _include(content_id: str) -> str:
    return f'<xop:Include xmlns:xop="http://www.w3.org/2004/08/xop/include" href="cid:{content_id}"/>'


@pytest.mark.parametrize("expected", REQUESTS, ids=lambda request: request.operation.value)
def test_a_request_with_every_optional_field_gives_its_value(expected: PlainRequest) -> None:
    assert _read(expected.operation, REQUESTS[expected]) == expected


def test_optional_fields_may_be_absent() -> None:
    assert _read(Operation.PING, "") == PingRequest()
    assert _read(Operation.LIST_EVENTS, _OURS) == ListEventsRequest(INSTITUTION, None, 100)
    assert _read(Operation.LIST_INBOX, _OURS) == ListInboxRequest(INSTITUTION)
    assert _read(Operation.FIND_PARTY, f"{_OURS}<s:InstitutionNumber>999001</s:InstitutionNumber>") == (
        FindPartyRequest(INSTITUTION, unit="999001")
    )
    named = next(request for request in REQUESTS if isinstance(request, RegisterReadRequest))
    without_name = REQUESTS[named].replace("<s:ReaderName>Mette Eksempel</s:ReaderName>", "")
    assert _read(Operation.REGISTER_READ, without_name) == replace(named, reader_name=None)


@pytest.mark.parametrize(
    "written", ["09:12:00.2500000Z", "09:12:00.25Z", "11:12:00.250+02:00", "09:12:00.250000000Z"]
)
def test_a_time_is_read_in_every_form_that_toolkits_write(written: str) -> None:
    sample = next(request for request in REQUESTS if isinstance(request, RegisterReadRequest))

    assert _read(Operation.REGISTER_READ, REQUESTS[sample].replace("09:12:00.25Z", written)) == sample


@pytest.mark.parametrize("operation", [Operation.SEND_LETTER, Operation.SEND_NOTICE])
def test_a_typed_document_is_read_with_what_comes_beside_it(operation: Operation) -> None:
    request = _sent(operation, SEND)

    assert request == SendRequest(
        operation,
        INSTITUTION,
        request.content,
        (AttachmentContent(1, b"hej"),),
        (Override("RULE_X02", "Ordet står i skolens navn"),),
    )
    assert isinstance(request.content, UnsealedDocument)
    assert request.content.element.tag == tag(DOCUMENT_NAMESPACE, "Document")
    assert document_schema().validate(parse(etree.tostring(request.content.element, with_tail=False))) == ()


def test_sealing_sees_the_octets_that_were_signed_wherever_prefixes_were_declared() -> None:
    inside = parse(request_xml(Operation.SEND_NOTICE, SEND)).find(tag(DOCUMENT_NAMESPACE, "Document"))
    assert inside is not None
    inside.tail = None

    content = _sent(Operation.SEND_NOTICE, SEND).content

    assert isinstance(content, UnsealedDocument)
    assert exclusive(content.element) == exclusive(inside)
    alone = parse(etree.tostring(content.element, encoding="utf-8"))
    assert exclusive(alone) == exclusive(inside)


def test_comments_which_no_signature_covers_are_not_sealed() -> None:
    commented = SEND.replace("<d:Header>", "<d:Header><!-- 7403055092 -->").replace(
        "<s:Attachment>", "<!-- x --><s:Attachment>"
    )

    request = _sent(Operation.SEND_NOTICE, commented)

    assert isinstance(request.content, UnsealedDocument)
    assert b"<!--" not in etree.tostring(request.content.element)
    assert len(request.attachments) == 1


def test_a_signed_document_keeps_its_exact_octets() -> None:
    assert _sent(Operation.SEND_LETTER, _SIGNED).content == b"<a/>"


def test_a_typed_document_with_a_signature_is_refused() -> None:
    signature = (
        '<g:Signature xmlns:g="http://www.w3.org/2000/09/xmldsig#"><g:SignedInfo>'
        '<g:CanonicalizationMethod Algorithm="a:b"/><g:SignatureMethod Algorithm="a:b"/>'
        '<g:Reference><g:DigestMethod Algorithm="a:b"/><g:DigestValue>aGVq</g:DigestValue></g:Reference>'
        "</g:SignedInfo><g:SignatureValue>aGVq</g:SignatureValue></g:Signature></d:Document>"
    )
    with pytest.raises(InputError) as refused:
        _sent(Operation.SEND_NOTICE, SEND.replace("</d:Document>", signature))
    assert refused.value.code is Code.DOCUMENT_SIGNATURE_UNEXPECTED


def test_a_type_attribute_whose_prefix_sealing_would_lose_is_refused() -> None:
    typed = SEND.replace(
        "<d:Name>Tømrer",
        '<d:Name xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:type="d:Line160">Tømrer',
    )
    with pytest.raises(InputError) as refused:
        _sent(Operation.SEND_NOTICE, typed)
    assert refused.value.code is Code.XML_FORBIDDEN


@pytest.mark.parametrize("name", ["GetStatusResponse", "BropostFault", "Subscribe", "Unknown"])
def test_what_is_no_operation_of_the_service_is_refused(name: str) -> None:
    payload = etree.Element(f"{{urn:dk:bropost:service:1}}{name}")
    with pytest.raises(InputError) as refused:
        read_payload(payload, Service.MUNICIPALITY)
    assert refused.value.code is Code.OPERATION_UNKNOWN


def test_the_institution_service_offers_no_letters() -> None:
    assert _read(Operation.SEND_NOTICE, SEND, Service.INSTITUTION)
    with pytest.raises(InputError) as refused:
        _read(Operation.SEND_LETTER, SEND, Service.INSTITUTION)
    assert refused.value.code is Code.OPERATION_UNKNOWN


def test_every_operation_of_a_service_can_be_read() -> None:
    readable = {request.operation for request in REQUESTS} | {Operation.SEND_LETTER, Operation.SEND_NOTICE}
    assert readable == Service.MUNICIPALITY.operations


def test_a_request_that_breaks_the_schema_says_where_in_both_languages() -> None:
    with pytest.raises(InputError) as refused:
        _read(Operation.SEND_NOTICE, SEND.replace("<d:Level>EUD", "<d:Level>ØØ"))
    (violation,) = refused.value.violations
    assert refused.value.code is Code.SCHEMA_INVALID
    assert violation.path == "/Document/DropoutRiskNotice/Education/Level"
    assert violation.danish
    assert violation.english


@pytest.mark.parametrize(
    ("operation", "inside", "path", "code"),
    [
        (Operation.FIND_PARTY, _OURS, "/FindParty", "search-fields"),
        (
            Operation.FIND_PARTY,
            f"{_OURS}<s:MunicipalityCode>0999</s:MunicipalityCode><s:InstitutionNumber>999001</s:InstitutionNumber>",
            "/FindParty",
            "search-fields",
        ),
        (Operation.LIST_INBOX, f"{_OURS}<s:Kind>LoveLetter</s:Kind>", "/ListInbox/Kind", "kind-unknown"),
        (
            Operation.REGISTER_READ,
            f"{_OURS}<s:DocumentId>{DOCUMENT_ID}</s:DocumentId><s:ReaderRole>TEACHER</s:ReaderRole>"
            "<s:ReadAt>2026-10-06T24:00:00Z</s:ReadAt>",
            "/RegisterRead/ReadAt",
            "time-unreadable",
        ),
        (
            Operation.WITHDRAW_DOCUMENT,
            f"{_OURS}<s:DocumentId>{DOCUMENT_ID}</s:DocumentId><s:Reason>OTHER</s:Reason>",
            "/WithdrawDocument/Note",
            "note-missing",
        ),
        (
            Operation.SEND_NOTICE,
            SEND.replace(
                "<s:Override>", "<s:Attachment><s:Number>1</s:Number><s:Content/></s:Attachment><s:Override>"
            ),
            "/SendNotice/Attachment[2]/Number",
            "attachment-number-repeated",
        ),
    ],
)
def test_what_the_schema_cannot_say_is_told_in_the_same_way(
    operation: Operation, inside: str, path: str, code: str
) -> None:
    with pytest.raises(InputError) as refused:
        _read(operation, inside)
    (violation,) = refused.value.violations
    assert refused.value.code is Code.SCHEMA_INVALID
    assert (violation.path, violation.code) == (path, code)


def test_every_kind_can_be_asked_for() -> None:
    for kind in DocumentKind:
        assert _read(Operation.LIST_INBOX, f"{_OURS}<s:Kind>{kind.value}</s:Kind>") == (
            ListInboxRequest(INSTITUTION, kind=kind)
        )


@pytest.mark.parametrize(
    "reference", ["bilag@skole.example", "cid:bilag@skole.example", "&lt;bilag@skole.example&gt;"]
)
def test_an_swa_part_is_found_by_its_content_id(reference: str) -> None:
    inside = SEND.replace("<s:Content>aGVq</s:Content>", f"<s:ContentId>{reference}</s:ContentId>")
    part = NewPart("bilag@skole.example", "application/pdf", _PDF)

    request = read_request(_signed(Operation.SEND_NOTICE, inside, part, mtom=False), Service.INSTITUTION)

    assert isinstance(request, SendRequest)
    assert bytes(request.attachments[0].content) == _PDF


def test_what_travels_by_mtom_is_read_as_if_it_stood_in_place() -> None:
    inside = SEND.replace("aGVq", _include("bilag@skole.example")).replace(
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", _include("nonce@skole.example")
    )
    parts = (
        NewPart("bilag@skole.example", "application/octet-stream", _PDF),
        NewPart("nonce@skole.example", "application/octet-stream", DIGEST),
    )

    request = read_request(_signed(Operation.SEND_NOTICE, inside, *parts, mtom=True), Service.INSTITUTION)

    assert isinstance(request, SendRequest)
    assert isinstance(request.content, UnsealedDocument)
    assert bytes(request.attachments[0].content) == _PDF
    assert exclusive(request.content.element) == exclusive(
        parse(f"<x xmlns:d='{DOCUMENT_NAMESPACE}'>{DOCUMENT}</x>".encode())[0]
    )


def test_a_signed_document_may_travel_by_mtom() -> None:
    inside = f"{_OURS}<s:SignedDocument>{_include('brev@skole.example')}</s:SignedDocument>"
    part = NewPart("brev@skole.example", "application/octet-stream", b"<a/>")

    request = read_request(_signed(Operation.SEND_LETTER, inside, part, mtom=True), Service.MUNICIPALITY)

    assert isinstance(request, SendRequest)
    assert request.content == b"<a/>"


def test_a_digest_may_travel_by_mtom() -> None:
    digest = f"<s:ContentDigest>{_include('d@s.example')}</s:ContentDigest>"
    inside = f"{_OURS}<s:DocumentId>{DOCUMENT_ID}</s:DocumentId>{digest}"
    part = NewPart("d@s.example", "application/octet-stream", DIGEST)

    request = read_request(_signed(Operation.CONFIRM_HANDOVER, inside, part, mtom=True), Service.INSTITUTION)

    assert request == ConfirmHandoverRequest(INSTITUTION, DOCUMENT_ID, DIGEST)


_BY_ID = SEND.replace("<s:Content>aGVq</s:Content>", "<s:ContentId>bilag@s.example</s:ContentId>")


@pytest.mark.parametrize(
    ("inside", "names"),
    [
        (SEND, ["bilag@s.example"]),  # a part that nothing refers to
        (_BY_ID, []),  # a reference to no part
        (_BY_ID, ["bilag@s.example", "andet@s.example"]),
        (
            _BY_ID.replace(
                "<s:Override>",
                "<s:Attachment><s:Number>2</s:Number><s:ContentId>bilag@s.example</s:ContentId></s:Attachment><s:Override>",
            ),
            ["bilag@s.example"],
        ),
    ],
)
def test_parts_and_references_to_them_must_pair_off(inside: str, names: list[str]) -> None:
    attachments = {name: memoryview(_PDF) for name in names}
    with pytest.raises(InputError) as refused:
        read_payload(parse(request_xml(Operation.SEND_NOTICE, inside)), Service.MUNICIPALITY, attachments)
    assert refused.value.code is Code.MIME_MALFORMED

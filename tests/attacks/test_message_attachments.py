"""Attachments that were exchanged, added, left out or included otherwise than they were signed.

XOP §3.2 and SwA Profile 1.1.1 §5: the signature covers what a message carries beside its envelope, all of it.
"""

from __future__ import annotations

import base64

import pytest
from lxml import etree

from gateway.domain.catalogue import Code
from gateway.protocol.attachments import INCLUDE
from gateway.protocol.mime import NewPart, build_related
from gateway.protocol.soap import SoapVersion
from gateway.protocol.wss import secure
from gateway.xmlcore.namespaces import SERVICE, XOP, tag
from tests.messages import (
    AT,
    SWA_CONTENT,
    SYSTEM,
    ByHand,
    Ref,
    Sent,
    der_token,
    golden,
    golden_with_parts,
    letter,
    received,
    refusal,
    signing_key,
)
from tests.pki import development_pki


def with_parts(mtom: bool) -> Sent:
    sent = golden_with_parts(b"%PDF-one", b"%PDF-two", mtom=mtom)
    assert len(received(sent).attachments) == 2
    return sent


@pytest.mark.parametrize("mtom", [True, False])
def test_changed_attachment_is_refused(mtom: bool) -> None:
    assert refusal(with_parts(mtom).replaced(b"%PDF-one", b"%PDF-0ne")) is Code.SIGNATURE_DIGEST


@pytest.mark.parametrize("mtom", [True, False])
def test_exchanged_attachments_are_refused(mtom: bool) -> None:
    sent = with_parts(mtom)
    exchanged = sent.body.replace(b"<file-0@test>", b"<x>").replace(b"<file-1@test>", b"<file-0@test>")
    assert (
        refusal(Sent(sent.content_type, exchanged.replace(b"<x>", b"<file-1@test>"))) is Code.SIGNATURE_DIGEST
    )


@pytest.mark.parametrize("mtom", [True, False])
def test_missing_attachment_is_refused(mtom: bool) -> None:
    assert refusal(with_parts(mtom).replaced(b"<file-1@test>", b"<file-2@test>")) is Code.MIME_MALFORMED


@pytest.mark.parametrize("mtom", [True, False])
def test_attachment_that_nothing_refers_to_is_refused(mtom: bool) -> None:
    sent = with_parts(mtom)
    boundary = sent.body.split(b"\r\n", 1)[0]
    extra = boundary + b"\r\nContent-ID: <extra@test>\r\n\r\n%PDF\r\n" + boundary + b"--"
    assert refusal(sent.replaced(boundary + b"--", extra)) is Code.ATTACHMENT_UNSIGNED


def test_attachment_beside_a_plain_message_is_refused() -> None:
    built = build_related(golden().body, "text/xml", [NewPart("a@test", "application/pdf", b"a")], mtom=False)
    assert refusal(Sent(built.content_type, built.body)) is Code.ATTACHMENT_UNSIGNED


def test_media_type_of_an_attachment_cannot_make_other_octets_pass() -> None:
    sent = golden_with_parts(b"a\nb", mtom=False)
    assert refusal(sent.replaced(b"application/pdf", b"text/plain")) is Code.SIGNATURE_DIGEST
    text = golden_with_parts(b"a\nb", mtom=False, media_type="text/plain")
    assert refusal(text.replaced(b"a\nb", b"a\nc")) is Code.SIGNATURE_DIGEST


@pytest.mark.parametrize("media_type", ["text/xml", "application/xml", "image/svg+xml"])
def test_xml_attachment_whose_digest_would_not_be_over_its_octets_is_refused(media_type: str) -> None:
    sent = golden_with_parts(b"<a/>", mtom=False)
    assert refusal(sent.replaced(b"application/pdf", media_type.encode())) is Code.MIME_MALFORMED


def signed_twice(digested: bytes) -> Sent:
    """A message whose attachment, `a`, is included in Body and referenced besides, by the digest of these octets."""
    part = NewPart("file-0@test", "application/pdf", b"a")
    payload = letter(SoapVersion.SOAP_11, [part], mtom=True).find(f".//{tag(SERVICE, 'SendLetter')}")
    assert payload is not None

    def over_the_infoset(references: list[Ref]) -> None:
        references[0].octets = references[0].octets.replace(include("file-0@test"), base64.b64encode(b"a"))

    by_hand = ByHand(body=etree.tostring(payload).decode(), change_references=over_the_infoset)
    once = build_related(by_hand.sent().body, "text/xml", [part], mtom=True)
    assert received(Sent(once.content_type, once.body)).included
    transform = f'<ds:Transform Algorithm="{SWA_CONTENT}"/>'
    by_hand.more_references = [Ref("cid:file-0@test", digested, transform)]
    twice = build_related(by_hand.sent().body, "text/xml", [part], mtom=True)
    return Sent(twice.content_type, twice.body)


def test_both_digests_of_an_attachment_that_is_included_and_referenced_must_hold() -> None:
    assert bytes(received(signed_twice(b"a")).attachments["file-0@test"]) == b"a"
    assert refusal(signed_twice(b"b")) is Code.SIGNATURE_DIGEST


def test_attachment_that_is_referenced_twice_is_refused() -> None:
    transform = f'<ds:Transform Algorithm="{SWA_CONTENT}"/>'
    reference = Ref("cid:a@test", b"a", transform)
    octets = ByHand(more_references=[reference, reference]).sent().body
    built = build_related(octets, "text/xml", [NewPart("a@test", "application/pdf", b"a")], mtom=False)
    assert refusal(Sent(built.content_type, built.body)) is Code.ATTACHMENT_UNSIGNED


def include(content_id: str) -> bytes:
    return f'<xop:Include xmlns:xop="{XOP}" href="cid:{content_id}"></xop:Include>'.encode()


@pytest.mark.parametrize(
    ("new", "code"),
    [
        pytest.param(include("file-1@test"), Code.ATTACHMENT_UNSIGNED, id="same_part_twice"),
        pytest.param(include("file-2@test"), Code.MIME_MALFORMED, id="missing_part"),
        pytest.param(include("file-0@test") * 2, Code.MIME_MALFORMED, id="two_in_one_element"),
        pytest.param(b"x" + include("file-0@test"), Code.MIME_MALFORMED, id="text_before"),
        pytest.param(include("file-0@test") + b" ", Code.MIME_MALFORMED, id="space_after"),
        pytest.param(b"<!-- -->" + include("file-0@test"), Code.MIME_MALFORMED, id="comment_before"),
        pytest.param(
            include("file-0@test").replace(b"></xop", b">x</xop"), Code.MIME_MALFORMED, id="text_in_it"
        ),
        pytest.param(
            include("file-0@test").replace(b"></xop", b"><x/></xop"), Code.MIME_MALFORMED, id="element_in_it"
        ),
        pytest.param(
            include("file-0@test").replace(b"></xop", b">" + include("file-1@test") + b"</xop"),
            Code.MIME_MALFORMED,
            id="nested",
        ),
        pytest.param(
            include("file-0@test").replace(b" href", b' x="1" href'),
            Code.MIME_MALFORMED,
            id="further_attribute",
        ),
        pytest.param(include("file-0@test").replace(b"href", b"src"), Code.MIME_MALFORMED, id="no_href"),
        pytest.param(
            include("file-0@test").replace(b"cid:", b"file:///"),
            Code.MIME_MALFORMED,
            id="reference_to_a_file",
        ),
        pytest.param(
            include("file-0@test").replace(b"2004/08/xop", b"2003/12/xop"),
            Code.ATTACHMENT_UNSIGNED,
            id="foreign_namespace",
        ),
        pytest.param(
            base64.encodebytes(b"%PDF-one"), Code.ATTACHMENT_UNSIGNED, id="content_inline_and_beside"
        ),
    ],
)
def test_include_of_another_shape_is_refused(new: bytes, code: Code) -> None:
    assert refusal(with_parts(mtom=True).replaced(include("file-0@test"), new)) is code


def test_include_that_escapes_its_content_id_is_the_same() -> None:
    """RFC 2392 §2: the URL is the escaped form of the Content-ID."""
    sent = with_parts(mtom=True).replaced(b"cid:file-0@test", b"cid:%66ile%2D0%40test")
    assert bytes(received(sent).attachments["file-0@test"]) == b"%PDF-one"


def test_include_outside_the_body_is_refused() -> None:
    sent = with_parts(mtom=True)
    header = b"<soap:Header><x>" + include("file-0@test") + b"</x>"
    assert refusal(sent.replaced(b"<soap:Header>", header)) is Code.MIME_MALFORMED


def with_token_part(token: bytes, body: str = f'<Ping xmlns="{SERVICE}"/>') -> Sent:
    """A message of CXF's with its token as a part."""
    element = der_token(b"").replace("><", f">{include('token@test').decode()}<")
    octets = ByHand(token=element, body=body).sent().body
    part = NewPart("token@test", "application/octet-stream", token)
    built = build_related(octets, "text/xml", [part], mtom=True)
    return Sent(built.content_type, built.body)


def test_token_in_a_part_is_read_as_the_certificate_that_it_must_be() -> None:
    der = development_pki().certificate(SYSTEM).der
    assert received(with_token_part(der)).operation == "Ping"
    other = development_pki().certificate("eksempelby-esdh-2048").der
    assert refusal(with_token_part(other)) is Code.SIGNATURE_VALUE
    assert refusal(with_token_part(der * 100)) is Code.SIGNATURE_SHAPE


def test_part_of_the_token_that_the_body_includes_too_is_refused() -> None:
    body = f'<Ping xmlns="{SERVICE}"><Echo>{include("token@test").decode()}</Echo></Ping>'
    assert refusal(with_token_part(development_pki().certificate(SYSTEM).der, body)) is Code.MIME_MALFORMED


def test_include_elsewhere_in_the_security_header_is_refused() -> None:
    sent = with_token_part(development_pki().certificate(SYSTEM).der)
    value = sent.body.split(b"<ds:SignatureValue>")[1].split(b"</ds:SignatureValue>")[0]
    assert refusal(sent.replaced(value, include("token@test"))) is Code.SIGNATURE_SHAPE


def test_part_that_is_included_without_mtom_and_not_referenced_is_refused() -> None:
    part = NewPart("file-0@test", "application/pdf", b"a")
    tree = letter(SoapVersion.SOAP_11, [part], mtom=True)
    octets = secure(tree, signing_key(SYSTEM), AT, attachments=[part])
    built = build_related(octets, "text/xml", [part], mtom=False)
    assert refusal(Sent(built.content_type, built.body)) is Code.ATTACHMENT_UNSIGNED


def test_include_in_place_of_the_payload_is_refused() -> None:
    payload = etree.fromstring(include("a@test"))
    assert payload.tag == INCLUDE
    octets = ByHand(body=include("a@test").decode()).sent().body
    built = build_related(octets, "text/xml", [NewPart("a@test", "application/pdf", b"a")], mtom=True)
    assert refusal(Sent(built.content_type, built.body)) is Code.MIME_MALFORMED


def test_include_in_a_message_without_parts_is_refused() -> None:
    part = NewPart("file-0@test", "application/pdf", b"a")
    tree = letter(SoapVersion.SOAP_11, [part], mtom=True)
    octets = secure(tree, signing_key(SYSTEM), AT, attachments=[part])
    assert refusal(Sent("text/xml", octets)) is Code.MIME_MALFORMED

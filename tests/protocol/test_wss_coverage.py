"""What a signature must cover, each thing once, and what is handed on of what it covers."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pytest
from lxml import etree

from gateway.crypto.xmldsig import parse_signature
from gateway.domain.catalogue import Code
from gateway.protocol.mime import NewPart, build_related
from gateway.protocol.soap import SoapVersion, unpack
from gateway.protocol.wss_coverage import Coverage, read_coverage
from gateway.protocol.wss_header import read_security_header
from gateway.xmlcore.namespaces import DS, EXC_C14N, SERVICE, WSU, tag
from gateway.xmlcore.shape import index_ids
from tests.crypto.changed import refused
from tests.messages import SWA_CONTENT, ByHand, Ref, Sent, golden_with_parts, letter, received

OF_PART = f'<ds:Transform Algorithm="{SWA_CONTENT}"/>'
ENVELOPED, EXCLUSIVE = (
    f'<ds:Transform Algorithm="{name}"/>' for name in (f"{DS}enveloped-signature", EXC_C14N)
)


def coverage(sent: Sent) -> Coverage:
    """What the references of a message are about."""
    unpacked = unpack(sent.content_type, None, sent.body)
    header = read_security_header(unpacked)
    parsed = parse_signature(header.signature, max_references=32)
    return read_coverage(unpacked, header, parsed, index_ids(unpacked.envelope, [tag(WSU, "Id")]))


def with_parts(by_hand: ByHand, *parts: NewPart, mtom: bool = False) -> Sent:
    built = build_related(by_hand.sent().body, "text/xml", parts, mtom=mtom)
    return Sent(built.content_type, built.body)


def transformed(transforms: str) -> ByHand:
    """A message whose Body is signed with these transforms, and digested as one that is canonicalised."""

    def change(references: list[Ref]) -> None:
        references[0].transforms = transforms

    return ByHand(change_references=change)


@pytest.mark.parametrize("transforms", [EXCLUSIVE, ENVELOPED + EXCLUSIVE])
def test_an_element_is_canonicalised_and_the_signature_in_it_left_out_if_there_is_one(
    transforms: str,
) -> None:
    assert [reference.uri for reference, _ in coverage(transformed(transforms).sent()).elements] == [
        "#B",
        "#TS",
    ]


@pytest.mark.parametrize(
    "transforms",
    [
        pytest.param(ENVELOPED, id="not-canonicalised"),
        pytest.param(OF_PART, id="as-a-part"),
        pytest.param(EXCLUSIVE * 2, id="canonicalised-twice"),
        pytest.param(EXCLUSIVE + ENVELOPED, id="canonicalised-first"),
        pytest.param(OF_PART + EXCLUSIVE, id="as-a-part-first"),
    ],
)
def test_an_element_with_other_transforms_is_refused_though_its_digest_is_right(transforms: str) -> None:
    with refused(Code.SIGNATURE_COVERAGE):
        coverage(transformed(transforms).sent())


ACTION = '<wsa:Action wsu:Id="A">Ping</wsa:Action>'


@pytest.mark.parametrize(
    ("headers", "sign", "code"),
    [
        ("", ("TS",), Code.SIGNATURE_COVERAGE),
        ("", ("B",), Code.SIGNATURE_COVERAGE),
        ("", ("B", "TS", "B"), Code.SIGNATURE_COVERAGE),
        ('<other wsu:Id="O"/>', ("B", "TS", "O"), Code.SIGNATURE_COVERAGE),
        (ACTION, ("B", "TS"), Code.ADDRESSING_UNSIGNED),
        (ACTION, ("A", "TS"), Code.SIGNATURE_COVERAGE),
    ],
)
def test_what_must_be_signed_is_signed_once_and_nothing_else(
    headers: str, sign: Sequence[str], code: Code
) -> None:
    with refused(code):
        coverage(ByHand(headers=headers, sign=sign).sent())


@pytest.mark.parametrize("token", [None, ""])
def test_every_reference_leads_to_an_element(token: str | None) -> None:
    with refused(Code.SIGNATURE_COVERAGE) as refusal:
        coverage(ByHand(token=token, more_references=[Ref("#nowhere", b"")]).sent())
    assert refusal.value.facts["what"] == "a reference leads nowhere"


@pytest.mark.parametrize("sign", [("B", "TS", "A"), ("A", "TS", "B"), ("T", "B", "TS", "A")])
def test_the_references_may_have_any_order_and_the_token_may_be_among_them(sign: Sequence[str]) -> None:
    found = coverage(ByHand(headers=ACTION, sign=sign).sent())
    assert [reference.uri[1:] for reference, _ in found.elements] == list(sign)


def included(*content_ids: str) -> str:
    """A payload that includes these parts."""
    parts = [NewPart(name, "application/pdf", b"a") for name in content_ids]
    payload = letter(SoapVersion.SOAP_11, parts, mtom=True).find(f".//{tag(SERVICE, 'SendLetter')}")
    assert payload is not None
    return etree.tostring(payload).decode()


PART = NewPart("a@test", "application/pdf", b"a")


def test_a_part_may_be_included_once_only() -> None:
    assert coverage(with_parts(ByHand(body=included("a@test")), PART, mtom=True)).includes
    with refused(Code.ATTACHMENT_UNSIGNED):
        coverage(with_parts(ByHand(body=included("a@test", "a@test")), PART, mtom=True))


def test_a_part_may_be_referenced_once_only() -> None:
    reference = Ref("cid:a@test", b"a", OF_PART)
    assert coverage(with_parts(ByHand(more_references=[reference]), PART)).parts
    with refused(Code.ATTACHMENT_UNSIGNED):
        coverage(with_parts(ByHand(more_references=[reference, reference]), PART))


@pytest.mark.parametrize("transforms", [EXCLUSIVE, ENVELOPED + EXCLUSIVE, OF_PART + EXCLUSIVE, OF_PART * 2])
def test_a_part_is_digested_as_a_part_and_not_otherwise(transforms: str) -> None:
    with refused(Code.SIGNATURE_COVERAGE):
        coverage(with_parts(ByHand(more_references=[Ref("cid:a@test", b"a", transforms)]), PART))


@pytest.mark.parametrize("number", [0, 1])
def test_the_digest_of_every_element_is_compared(number: int) -> None:
    def change(references: list[Ref]) -> None:
        references[number].octets += b" "

    with refused(Code.SIGNATURE_DIGEST):
        received(ByHand(change_references=change).sent())


@pytest.mark.parametrize("media_type", ["application/pdf", "application/octet-stream", "image/png"])
def test_the_digest_of_a_part_that_is_signed_as_it_is_is_handed_on(media_type: str) -> None:
    sent = golden_with_parts(b"one\ntwo", mtom=False, media_type=media_type)
    assert received(sent).digests == {"file-0@test": hashlib.sha256(b"one\ntwo").digest()}


@pytest.mark.parametrize("media_type", ["text/plain", "TEXT/plain"])
def test_the_digest_of_a_text_is_not_handed_on_as_it_is_over_other_line_ends(media_type: str) -> None:
    """SwA Profile 1.1.1 §5.4.2: whoever needs the digest of the octets themselves must compute it."""
    sent = golden_with_parts(b"one\ntwo", mtom=False, media_type=media_type)
    assert received(sent).digests == {}

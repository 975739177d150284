"""Messages by a trusted system that signs too little, too much, something else, otherwise, or at another time."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives import hashes, hmac, serialization
from lxml import etree

from gateway.domain.catalogue import Code
from gateway.domain.errors import BropostError
from gateway.xmlcore.namespaces import DS, EXC_C14N, SERVICE
from tests.messages import (
    AT,
    SWA_CONTENT,
    SYSTEM,
    ByHand,
    Ref,
    Sent,
    golden,
    one,
    received,
    refusal,
    refusal_by_hand,
    stamp,
)
from tests.pki import development_pki

# --- what is signed: by a system that signs too little, too much, or something else --------------------


@pytest.mark.parametrize(
    ("otherwise", "code"),
    [
        pytest.param({"sign": ["B"]}, Code.SIGNATURE_COVERAGE, id="timestamp_unsigned"),
        pytest.param({"sign": ["TS"]}, Code.SIGNATURE_COVERAGE, id="body_unsigned"),
        pytest.param({"sign": []}, Code.SIGNATURE_SHAPE, id="nothing_signed"),
        pytest.param({"sign": ["B", "TS", "B"]}, Code.SIGNATURE_COVERAGE, id="body_signed_twice"),
        pytest.param(
            {"headers": "<wsa:Action>Ping</wsa:Action>"}, Code.ADDRESSING_UNSIGNED, id="action_unsigned"
        ),
        pytest.param(
            {"headers": "<wsa:To>https://gateway.example/</wsa:To>"},
            Code.ADDRESSING_UNSIGNED,
            id="to_unsigned",
        ),
        pytest.param(
            {
                "headers": '<wsa:Action wsu:Id="A">Ping</wsa:Action><wsa:RelatesTo>a</wsa:RelatesTo>',
                "sign": ["B", "TS", "A"],
            },
            Code.ADDRESSING_UNSIGNED,
            id="one_of_two_unsigned",
        ),
        pytest.param(
            {"headers": '<x wsu:Id="X"/>', "sign": ["B", "TS", "X"]},
            Code.SIGNATURE_COVERAGE,
            id="unknown_header_signed",
        ),
        pytest.param(
            {"body": f'<Ping xmlns="{SERVICE}" wsu:Id="P"/>', "sign": ["P", "TS"]},
            Code.SIGNATURE_COVERAGE,
            id="payload_signed_in_place_of_body",
        ),
        pytest.param(
            {"body": f'<Ping xmlns="{SERVICE}" wsu:Id="P"/>', "sign": ["B", "P", "TS"]},
            Code.SIGNATURE_COVERAGE,
            id="payload_signed_beside_body",
        ),
        pytest.param({"more_references": [Ref("", b"")]}, Code.SIGNATURE_COVERAGE, id="whole_document"),
        pytest.param(
            {"more_references": [Ref("#nowhere", b"")]}, Code.SIGNATURE_COVERAGE, id="leads_nowhere"
        ),
        pytest.param(
            {"more_references": [Ref("https://a.example/", b"")]}, Code.SIGNATURE_SHAPE, id="leads_out"
        ),
        pytest.param(
            {"more_references": [Ref("file:///etc/passwd", b"")]}, Code.SIGNATURE_SHAPE, id="leads_to_a_file"
        ),
        pytest.param(
            {"more_references": [Ref("#xpointer(id('B'))", b"")]}, Code.SIGNATURE_SHAPE, id="xpointer"
        ),
        pytest.param(
            {"more_references": [Ref("cid:a@test", b"")]}, Code.SIGNATURE_COVERAGE, id="part_canonicalised"
        ),
        pytest.param(
            {"more_references": [Ref("cid:a@test", b"", f'<ds:Transform Algorithm="{SWA_CONTENT}"/>')]},
            Code.MIME_MALFORMED,
            id="part_that_is_not_there",
        ),
        pytest.param(
            {"more_references": [Ref("#B", b"")] * 31}, Code.SIGNATURE_SHAPE, id="thirty_three_references"
        ),
    ],
)
def test_signature_that_covers_something_else_is_refused(otherwise: dict[str, object], code: Code) -> None:
    assert refusal_by_hand(**otherwise) is code


def transforms(*algorithms: str) -> Callable[[list[Ref]], None]:
    """Let the reference to the Body name other transforms."""

    def change(references: list[Ref]) -> None:
        references[0].transforms = "".join(f'<ds:Transform Algorithm="{one}"/>' for one in algorithms)

    return change


def digest_method(algorithm: str) -> Callable[[list[Ref]], None]:
    def change(references: list[Ref]) -> None:
        references[0].digest_method = algorithm

    return change


STR_TRANSFORM = (
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#STR-Transform"
)
COMPLETE = "http://docs.oasis-open.org/wss/oasis-wss-SwAProfile-1.1#Attachment-Complete-Signature-Transform"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        pytest.param(transforms(), Code.SIGNATURE_SHAPE, id="none"),
        pytest.param(transforms(EXC_C14N, EXC_C14N), Code.SIGNATURE_COVERAGE, id="twice"),
        pytest.param(transforms(f"{EXC_C14N}WithComments"), Code.SIGNATURE_ALGORITHM, id="with_comments"),
        pytest.param(
            transforms(EXC_C14N, f"{DS}enveloped-signature"), Code.SIGNATURE_COVERAGE, id="enveloped_last"
        ),
        pytest.param(transforms(f"{DS}enveloped-signature"), Code.SIGNATURE_COVERAGE, id="enveloped_alone"),
        pytest.param(transforms(SWA_CONTENT), Code.SIGNATURE_COVERAGE, id="of_an_attachment"),
        pytest.param(transforms(COMPLETE), Code.SIGNATURE_ALGORITHM, id="attachment_complete"),
        pytest.param(transforms(STR_TRANSFORM), Code.SIGNATURE_ALGORITHM, id="token_reference"),
        pytest.param(transforms(f"{DS}base64"), Code.SIGNATURE_ALGORITHM, id="base64"),
        pytest.param(
            transforms("http://www.w3.org/TR/1999/REC-xpath-19991116"), Code.SIGNATURE_ALGORITHM, id="xpath"
        ),
        pytest.param(
            transforms("http://www.w3.org/2002/06/xmldsig-filter2"), Code.SIGNATURE_ALGORITHM, id="filter"
        ),
        pytest.param(
            transforms("http://www.w3.org/TR/1999/REC-xslt-19991116"), Code.SIGNATURE_ALGORITHM, id="xslt"
        ),
        pytest.param(
            transforms("http://www.w3.org/TR/2001/REC-xml-c14n-20010315"),
            Code.SIGNATURE_ALGORITHM,
            id="inclusive",
        ),
        pytest.param(digest_method(f"{DS}sha1"), Code.SIGNATURE_ALGORITHM, id="sha1"),
        pytest.param(
            digest_method("http://www.w3.org/2001/04/xmldsig-more#md5"), Code.SIGNATURE_ALGORITHM, id="md5"
        ),
        pytest.param(
            digest_method("http://www.w3.org/2001/04/xmlenc#sha512"), Code.SIGNATURE_ALGORITHM, id="sha512"
        ),
    ],
)
def test_reference_with_another_transform_or_digest_is_refused(
    change: Callable[[list[Ref]], None], code: Code
) -> None:
    assert refusal_by_hand(change_references=change) is code


MORE = "http://www.w3.org/2001/04/xmldsig-more#"


@pytest.mark.parametrize(
    "method",
    [
        pytest.param(f"{DS}rsa-sha1", id="rsa_sha1"),
        pytest.param(f"{DS}dsa-sha1", id="dsa_sha1"),
        pytest.param(f"{MORE}rsa-md5", id="rsa_md5"),
        pytest.param(f"{MORE}rsa-sha512", id="rsa_sha512"),
        pytest.param(f"{DS}hmac-sha1", id="hmac_sha1"),
        pytest.param(f"{MORE}hmac-sha256", id="hmac_sha256"),
        pytest.param(f"{MORE}ecdsa-sha256", id="ecdsa_with_an_rsa_key"),
        pytest.param("http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1", id="rsa_pss"),
        pytest.param("", id="none"),
    ],
)
def test_signature_of_another_algorithm_is_refused(method: str) -> None:
    assert refusal_by_hand(method=method or "none") is Code.SIGNATURE_ALGORITHM


def test_hmac_keyed_with_the_public_key_is_refused() -> None:
    """The key of HMAC would be the public key, which everybody has (the class of CVE-2025-48994)."""
    public_key = development_pki().certificate(SYSTEM).x509.public_key()
    pem = public_key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    sent = ByHand(method=f"{MORE}hmac-sha256").sent()
    tree = etree.fromstring(sent.body)
    mac = hmac.HMAC(pem, hashes.SHA256())
    mac.update(etree.tostring(one(tree, "//ds:SignedInfo"), method="c14n", exclusive=True))
    one(tree, "//ds:SignatureValue").text = base64.b64encode(mac.finalize()).decode()
    assert refusal(Sent("text/xml", etree.tostring(tree))) is Code.SIGNATURE_ALGORITHM


def test_rsa_algorithm_with_an_elliptic_key_is_refused() -> None:
    method = f"{MORE}rsa-sha256"
    assert refusal(ByHand(key="eksempelby-esdh-p256", method=method).sent()) is Code.SIGNATURE_ALGORITHM


@pytest.mark.parametrize(
    "value", [bytes(64), bytes(31) + b"\x01" + bytes(32), b"\xff" * 64], ids=["zeros", "zero_s", "large"]
)
def test_elliptic_value_of_zeros_or_out_of_range_is_refused(value: bytes) -> None:
    """The class of CVE-2022-21449: (0, 0) must verify nothing."""
    sent = golden(key="eksempelby-esdh-p256")
    assert received(sent).operation == "Ping"
    tree = etree.fromstring(sent.body)
    one(tree, "//ds:SignatureValue").text = base64.b64encode(value).decode()
    assert refusal(Sent(sent.content_type, etree.tostring(tree))) is Code.SIGNATURE_VALUE


def test_signed_info_canonicalised_otherwise_is_refused() -> None:
    inclusive = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
    assert refusal_by_hand(signed_info_method=inclusive) is Code.SIGNATURE_ALGORITHM


# --- the Timestamp -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "created",
    [
        "",
        "2026-01-01",
        "2026-01-01T12:00:00",
        "2026-01-01T12:00:00+01:00",
        "2026-01-01T12:00:00.0000000000Z",
        "2026-13-01T12:00:00Z",
        "2026-01-01T12:00:60Z",
        " 2026-01-01T12:00:00Z",
        "0000-01-01T00:00:00Z",
        "２０２６-01-01T12:00:00Z",
        "2026-01-01T12:00:00Z<x/>",
    ],
)
def test_time_that_is_not_plain_utc_is_refused(created: str) -> None:
    assert refusal_by_hand(created=created) is Code.SIGNATURE_SHAPE


@pytest.mark.parametrize("year", ["0001", "9999"])
def test_time_at_the_edge_of_the_calendar_is_refused(year: str) -> None:
    assert refusal_by_hand(expires=f"{year}-12-31T23:59:59.999999999Z") is Code.TIMESTAMP_OUTSIDE


def test_timestamp_without_expires_is_refused() -> None:
    no_expiry = (
        '{token}<wsu:Timestamp wsu:Id="TS"><wsu:Created>'
        + stamp(AT)
        + "</wsu:Created></wsu:Timestamp>{signature}"
    )
    assert refusal_by_hand(security=no_expiry) is Code.SIGNATURE_SHAPE


def test_message_kept_back_is_refused_when_it_has_expired() -> None:
    sent = golden()
    assert received(sent, AT + timedelta(minutes=9)).operation == "Ping"
    with pytest.raises(BropostError) as raised:
        received(sent, AT + timedelta(minutes=10))
    assert raised.value.code is Code.TIMESTAMP_OUTSIDE

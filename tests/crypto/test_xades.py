"""The content signature: a document signed here is read back as it was, whoever looks and whenever."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta, timezone

import pytest
from lxml import etree

from gateway.crypto.certificates import Usage
from gateway.crypto.xades import claimed_signing_time, content_digest, seal, sign, verify
from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError, UnavailableError
from gateway.xmlcore.c14n import exclusive
from gateway.xmlcore.namespaces import DS, EVIDENCE, XADES, tag
from gateway.xmlcore.parse import parse
from tests.attacks.wrapping import AT, LETTER, SIGNER, canonical, golden, one, read, resigned
from tests.pki import development_pki, signing_key

SIGNERS = ["eksempelby-kommune", "eksempelby-esdh-2048", "eksempelby-esdh-p256"]


@pytest.mark.parametrize("signer", SIGNERS)
def test_a_signed_document_is_read_as_it_was(signer: str) -> None:
    content = read(golden(signer))
    assert canonical(content.root) == canonical(parse(LETTER))
    assert content.octets == golden(signer)
    assert content.certificate.certificate == development_pki().certificate(signer)
    assert content.certificate.identity.cvr.text == "11111111"
    assert content.signing_time == AT
    assert content.digest == content_digest(parse(LETTER))


def test_sealed_octets_are_the_canonical_document_with_the_signature_as_last_element() -> None:
    sealed = seal(parse(LETTER), signing_key(SIGNER), AT)
    form = exclusive(parse(LETTER))
    begin, end = form.removesuffix(b"</Document>"), b"</ds:Signature></Document>"
    assert sealed.octets.startswith(begin + b"<ds:Signature ")
    assert sealed.octets.endswith(end)
    assert sealed.digest == content_digest(parse(LETTER)) == read(sealed.octets).digest
    assert exclusive(parse(sealed.octets)) == sealed.octets


def test_a_document_is_signed_out_of_a_message_without_touching_it() -> None:
    message = parse(
        b'<s:Body xmlns:s="urn:s" xmlns:d="urn:dk:bropost:document:1"><s:Send>'
        b'<d:Document schemaVersion="1.0"><d:Header>&#230;</d:Header></d:Document>\n</s:Send></s:Body>'
    )
    before = etree.tostring(message)
    content = read(sign(message[0][0], signing_key(SIGNER), AT))
    assert etree.tostring(message) == before
    assert canonical(content.root) == canonical(message[0][0])
    assert "s" not in content.root.nsmap


@pytest.mark.parametrize("document", [b"<a/>", b"<a></a>", b'<a xmlns="urn:a">x</a>', b"<a><b/>\n</a>"])
def test_any_document_can_be_signed(document: bytes) -> None:
    content = read(sign(parse(document), signing_key(SIGNER), AT))
    assert canonical(content.root) == canonical(parse(document))


def test_evidence_is_sealed_and_read_by_the_same_signature() -> None:
    evidence = parse(
        f'<Evidence xmlns="{EVIDENCE}"><EventTime>2026-08-05T09:12:00Z</EventTime></Evidence>'.encode()
    )
    content = read(sign(evidence, signing_key("gateway-seal"), AT), Usage.SEAL)
    assert canonical(content.root) == canonical(evidence)
    assert content.certificate.identity.cvr.text == "66666666"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<Document ", "<?xml version='1.0'?>\n<!-- x -->\n<Document "),
        ("Prøvesen", "Pr<![CDATA[ø]]>vesen"),
        ("Prøvesen", "Pr&#xF8;vesen"),
        ('<Need number="1">', "<Need\n number = '&#49;' >"),
        ("<Need ", "<!-- x --><Need "),
        ("</Document>\n", "</Document>\n<!-- x -->"),
    ],
)
def test_the_digest_is_of_the_content_not_of_its_spelling(old: str, new: str) -> None:
    other = LETTER.decode().replace(old, new, 1).encode()
    assert other != LETTER
    assert content_digest(parse(other)) == content_digest(parse(LETTER))


def test_the_digest_leaves_out_the_signature_and_leaves_the_tree_alone() -> None:
    root = parse(golden())
    assert content_digest(root) == content_digest(parse(LETTER))
    assert root[-1].tag == tag(DS, "Signature")
    assert content_digest(parse(LETTER.replace(b"MENTOR", b"TUTOR"))) != content_digest(parse(LETTER))


def test_a_signed_document_is_not_signed_again() -> None:
    with pytest.raises(InputError) as refused:
        sign(parse(golden()), signing_key(SIGNER), AT)
    assert refused.value.code is Code.DOCUMENT_SIGNATURE_UNEXPECTED


def test_a_document_too_large_to_be_read_back_is_not_signed() -> None:
    document = parse(b"<a>" + b"<b>" + b"x" * 9_000_000 + b"</b>" + b"<b>" + b"x" * 2_999_900 + b"</b></a>")
    with pytest.raises(InputError) as refused:
        sign(document, signing_key(SIGNER), AT)
    assert refused.value.code is Code.XML_TOO_LARGE


def test_the_signing_time_is_written_in_utc() -> None:
    at = AT.astimezone(timezone(timedelta(hours=2)))
    octets = sign(parse(LETTER), signing_key(SIGNER), at)
    assert one(parse(octets), "//xades:SigningTime").text == AT.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize("text", ["{:%Y-%m-%dT%H:%M:%S}.5Z", "{:%Y-%m-%dT%H:%M:%S}.123456789+00:00"])
def test_a_signing_time_with_fractions_or_an_offset_is_read(text: str) -> None:
    octets = resigned(lambda root: setattr(one(root, "//xades:SigningTime"), "text", text.format(AT)))
    assert read(octets).signing_time.replace(microsecond=0) == AT
    assert read(octets).signing_time.tzinfo is UTC


def test_key_info_holds_the_chain_without_the_root() -> None:
    pki = development_pki()
    found = [
        base64.b64decode(element.text or "") for element in parse(golden()).iter(tag(DS, "X509Certificate"))
    ]
    assert found == [pki.certificate(SIGNER).der, pki.certificate("issuing").der]


def test_the_issuer_and_serial_number_may_be_named_if_they_are_right() -> None:
    """ETSI EN 319 132-1 §5.2.2: IssuerSerialV2 is base64 of the DER of IssuerSerial, RFC 5035."""
    certificate = development_pki().certificate(SIGNER).x509
    name = certificate.issuer.public_bytes()
    number = certificate.serial_number.to_bytes(21, "big").lstrip(b"\0")
    number = b"\0" * (number[0] >> 7) + number

    def der(kind: int, content: bytes) -> bytes:
        length = bytes([len(content)]) if len(content) < 128 else bytes([0x81, len(content)])
        return bytes([kind]) + length + content

    right = der(0x30, der(0x30, der(0xA4, name)) + der(0x02, number))

    def naming(octets: bytes) -> bytes:
        def change(root: etree._Element) -> None:
            named = etree.SubElement(one(root, "//xades:Cert"), tag(XADES, "IssuerSerialV2"))
            named.text = base64.b64encode(octets).decode()

        return resigned(change)

    assert read(naming(right)).digest == read(golden()).digest
    with pytest.raises(Exception, match="SIGNATURE_PROPERTIES"):
        read(naming(right[:-1] + bytes([right[-1] ^ 1])))


def test_the_whole_chain_may_be_named() -> None:
    digest = base64.b64encode(bytes.fromhex(development_pki().certificate("issuing").fingerprint)).decode()

    def change(root: etree._Element) -> None:
        certificate = one(root, "//xades:Cert")
        named = etree.fromstring(etree.tostring(certificate))
        one(named, ".//ds:DigestValue").text = digest
        certificate.addnext(named)

    assert read(resigned(change)).digest == read(golden()).digest


def test_without_a_current_revocation_list_the_answer_is_to_try_later() -> None:
    pki = development_pki()
    later: datetime = pki.at + timedelta(hours=25)
    with pytest.raises(UnavailableError) as refused:
        verify(golden(), pki.trust_store(), pki.revocations(), later)
    assert refused.value.code is Code.REVOCATION_UNKNOWN


def test_the_time_a_signer_claims_is_read_before_anybody_vouches_for_it() -> None:
    unsigned = parse(LETTER)
    assert claimed_signing_time(LETTER) is None
    signed = sign(unsigned, signing_key(SIGNER), AT)
    assert claimed_signing_time(signed) == AT.replace(microsecond=0)
    altered = signed.replace(b"<Document", b"<Document ", 1)
    assert claimed_signing_time(altered) == AT.replace(microsecond=0)

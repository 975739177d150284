"""Documents whose signer, signing time or properties do not hold; and what of a good document is passed on."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import timedelta

import pytest
from lxml import etree

from gateway.crypto.certificates import Usage
from gateway.crypto.xades import VerifiedContent, sign, verify
from gateway.domain.catalogue import Code
from gateway.domain.errors import TrustError
from gateway.xmlcore.parse import parse
from tests.attacks.wrapping import (
    AT,
    LETTER,
    SIGNER,
    TO_DOCUMENT,
    Change,
    adding,
    canonical,
    changed,
    golden,
    one,
    read,
    refusal,
    removing,
    resigned,
    setting,
    sign_again,
    texting,
    use_certificate,
)
from tests.pki import development_pki

# --- key and certificate come from policy (R7) -------------------------------------------------------------------


def test_a_certificate_put_in_the_place_of_the_signers_is_refused() -> None:
    other = base64.b64encode(development_pki().certificate("proevelund-kommune").der).decode()
    assert refusal(changed(texting("//ds:X509Certificate[1]", other))).code is Code.SIGNATURE_PROPERTIES


def test_a_signature_by_another_party_names_that_party() -> None:
    read(golden())
    forged = read(golden("proevelund-kommune"))
    assert forged.certificate.identity.cvr.text == "33333333"
    assert forged.digest == read(golden()).digest


@pytest.mark.parametrize(
    ("signer", "code"),
    [
        ("bad-expired", Code.CERTIFICATE_TIME),
        ("bad-not-yet-valid", Code.CERTIFICATE_TIME),
        ("bad-revoked", Code.CERTIFICATE_REVOKED),
        ("bad-wrong-policy", Code.CERTIFICATE_USAGE),
        ("bad-wrong-usage", Code.CERTIFICATE_USAGE),
        ("bad-rsa-1024", Code.SIGNATURE_ALGORITHM),
        ("bad-name-spoof", Code.CERTIFICATE_UNTRUSTED),
        ("bad-self-signed", Code.CERTIFICATE_UNTRUSTED),
        ("bad-issued-by-leaf", Code.CERTIFICATE_UNTRUSTED),
    ],
)
def test_a_document_signed_with_a_bad_certificate_is_refused(signer: str, code: Code) -> None:
    read(golden())
    root = etree.fromstring(golden())
    use_certificate(root, signer)
    sign_again(root, signer)
    assert refusal(etree.tostring(root)).code is code


def test_a_stolen_certificate_without_its_key_is_refused() -> None:
    read(golden())
    root = etree.fromstring(golden())
    use_certificate(root, "proevelund-kommune")
    sign_again(root, SIGNER)
    assert refusal(etree.tostring(root)).code is Code.SIGNATURE_VALUE


# --- signed properties (ETSI EN 319 132-1 §5.2, §6.3); each is signed by a trusted key ------------------------------


def test_a_golden_document_signed_again_by_hand_passes() -> None:
    assert read(resigned(lambda root: None)).digest == read(golden()).digest


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (removing("//xades:SigningTime"), Code.SIGNATURE_PROPERTIES),
        (removing("//xades:SigningCertificateV2"), Code.SIGNATURE_PROPERTIES),
        (removing("//xades:SignedDataObjectProperties"), Code.SIGNATURE_PROPERTIES),
        (removing("//xades:DataObjectFormat"), Code.SIGNATURE_PROPERTIES),
        (removing("//xades:MimeType"), Code.SIGNATURE_PROPERTIES),
        (removing("//xades:Cert"), Code.SIGNATURE_PROPERTIES),
        (texting("//xades:MimeType", "text/html"), Code.SIGNATURE_PROPERTIES),
        (setting("//xades:DataObjectFormat", ObjectReference="#Signature"), Code.SIGNATURE_PROPERTIES),
        (setting("//xades:QualifyingProperties", Target="#Document"), Code.SIGNATURE_PROPERTIES),
        (texting("//xades:SigningTime", "2026-02-30T00:00:00Z"), Code.SIGNATURE_PROPERTIES),
        (texting("//xades:SigningTime", "2026-01-01T00:00:00"), Code.SIGNATURE_PROPERTIES),
        (texting("//xades:SigningTime", "0001-01-01T00:00:00+14:00"), Code.SIGNATURE_PROPERTIES),
        (texting("//xades:SigningTime", "2016-01-01T00:00:00Z"), Code.CERTIFICATE_TIME),
        (texting("//xades:CertDigest/ds:DigestValue", "AAAA"), Code.SIGNATURE_PROPERTIES),
        (
            adding("//xades:Cert", "<xades:IssuerSerialV2>AAAA</xades:IssuerSerialV2>"),
            Code.SIGNATURE_PROPERTIES,
        ),
        (
            adding("//xades:SignedSignatureProperties", "<xades:SignaturePolicyIdentifier/>"),
            Code.SIGNATURE_PROPERTIES,
        ),
        (
            adding("//xades:SignedDataObjectProperties", "<xades:DataObjectFormat/>"),
            Code.SIGNATURE_PROPERTIES,
        ),
        (adding("//ds:Object", "<xades:QualifyingProperties/>"), Code.SIGNATURE_PROPERTIES),
        (adding("//xades:QualifyingProperties", "<xades:SignedProperties/>"), Code.SIGNATURE_PROPERTIES),
        (lambda root: one(root, TO_DOCUMENT).attrib.pop("Id"), Code.SIGNATURE_PROPERTIES),
        (lambda root: one(root, "ds:Signature").attrib.pop("Id"), Code.SIGNATURE_SHAPE),
    ],
)
def test_other_properties_than_those_of_baseline_b_are_refused(change: Change, code: Code) -> None:
    read(golden())
    assert refusal(resigned(change)).code is code


def test_a_signing_time_ahead_of_our_clock_is_refused() -> None:
    key = development_pki().signing_key(SIGNER)
    ahead = AT + timedelta(minutes=5)
    assert read(sign(parse(LETTER), key, ahead)).signing_time == ahead
    error = refusal(sign(parse(LETTER), key, ahead + timedelta(seconds=1)))
    assert error.code is Code.SIGNATURE_PROPERTIES


@pytest.mark.parametrize("usage", Usage)
def test_a_certificate_that_may_not_sign_is_refused_for_every_usage(usage: Usage) -> None:
    pki = development_pki()
    assert read(golden(), usage).digest == read(golden()).digest
    root = etree.fromstring(golden())
    use_certificate(root, "bad-wrong-usage")
    sign_again(root, "bad-wrong-usage")
    with pytest.raises(TrustError) as refused:
        verify(etree.tostring(root), pki.trust_store(), pki.revocations(), AT, usage=usage)
    assert refused.value.code is Code.CERTIFICATE_USAGE


# --- what is passed on was signed (R2, R4) -----------------------------------------------------------------------


def test_comments_and_surroundings_are_not_passed_on() -> None:
    def change(root: etree._Element) -> None:
        root.addprevious(etree.Comment("before"))
        root.addnext(etree.Comment("after"))
        one(root, "doc:SupportNeedLetter").insert(1, etree.Comment("between"))

    content = read(changed(change))
    assert content.digest == read(golden()).digest
    assert canonical(content.root) == canonical(parse(LETTER))
    assert [node.tag for node in content.root.iter()] == [node.tag for node in parse(LETTER).iter()]
    assert content.root.getprevious() is None
    assert content.root.getnext() is None
    assert b"<!--" not in etree.tostring(content.root.getroottree())


def test_unsigned_properties_are_ignored_and_not_passed_on() -> None:
    stamp = "<xades:UnsignedProperties><xades:Anything>x</xades:Anything></xades:UnsignedProperties>"
    content = read(changed(adding("//xades:QualifyingProperties", stamp)))
    assert content.digest == read(golden()).digest
    assert canonical(content.root) == canonical(parse(LETTER))


def test_verified_content_cannot_be_made_elsewhere() -> None:
    content = read(golden())
    with pytest.raises(TypeError):
        VerifiedContent(
            content.root, b"", content.certificate, content.signing_time, content.digest, made_by=object()
        )
    with pytest.raises(ValueError, match="made_by"):
        replace(content, digest=bytes(32))  # type: ignore[call-arg]

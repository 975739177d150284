"""Independent implementations sign what we verify, and verify what we sign: zeep, libxmlsec and signxml."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
import signxml
import xmlsec
import zeep.wsse.signature
import zeep.wsse.utils
from lxml import etree

from gateway.domain.catalogue import Code
from gateway.protocol.mime import NewPart
from gateway.protocol.soap import SoapVersion
from gateway.protocol.wss import secure
from gateway.xmlcore.namespaces import SERVICE, WSU, tag
from tests.messages import (
    AT,
    SYSTEM,
    Sent,
    addressing,
    golden,
    letter,
    one,
    ping,
    received,
    refusal,
    signing_key,
)
from tests.pki import development_pki

RSA, RSA_2048, P256 = SYSTEM, "eksempelby-esdh-2048", "eksempelby-esdh-p256"
KEYS = [RSA, RSA_2048, P256]


METHODS = {
    RSA: xmlsec.constants.TransformRsaSha256,
    RSA_2048: xmlsec.constants.TransformRsaSha256,
    P256: xmlsec.constants.TransformEcdsaSha256,
}


def signed_by_zeep(kind: str, version: SoapVersion, key: str, directory: Path, *, zulu: bool = True) -> Sent:
    """A message as a zeep client sends it: Timestamp by its helpers, then signature by its plug-in."""
    holder = development_pki().holders[key]
    key_file, certificate_file = directory / "key.pem", directory / "certificate.pem"
    key_file.write_bytes(holder.key_pem)
    certificate_file.write_bytes(holder.certificate.pem)
    envelope = etree.fromstring(etree.tostring(ping(version)))
    security = zeep.wsse.utils.get_security_header(envelope)
    timestamp = etree.SubElement(security, tag(WSU, "Timestamp"))
    for name, at in (("Created", AT), ("Expires", AT + datetime.timedelta(minutes=5))):
        element = etree.SubElement(timestamp, tag(WSU, name))
        element.text = zeep.wsse.utils.get_timestamp(at, zulu_timestamp=zulu)
    plug_in = getattr(zeep.wsse.signature, kind)(
        str(key_file),
        str(certificate_file),
        signature_method=METHODS[key],
        digest_method=xmlsec.constants.TransformSha256,
    )
    envelope, _ = plug_in.apply(envelope, {})
    return Sent(version.content_type, etree.tostring(envelope, xml_declaration=True, encoding="utf-8"), '""')


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("version", list(SoapVersion))
@pytest.mark.parametrize("kind", ["BinarySignature", "Signature"])
def test_message_signed_by_zeep_is_verified(
    kind: str, version: SoapVersion, key: str, tmp_path: Path
) -> None:
    verified = received(signed_by_zeep(kind, version, key, tmp_path))
    assert verified.operation == "Ping"
    assert verified.certificate.certificate == development_pki().certificate(key)


def test_message_signed_by_zeep_with_its_own_form_of_time_is_verified(tmp_path: Path) -> None:
    sent = signed_by_zeep("BinarySignature", SoapVersion.SOAP_11, RSA, tmp_path, zulu=False)
    assert b"+00:00</" in sent.body
    assert received(sent).operation == "Ping"


def test_message_signed_by_zeep_and_changed_is_refused(tmp_path: Path) -> None:
    sent = signed_by_zeep("BinarySignature", SoapVersion.SOAP_11, RSA, tmp_path)
    assert refusal(sent.replaced(b">Hej<", b">Nej<")) is Code.SIGNATURE_DIGEST


def test_message_signed_by_zeep_with_its_default_algorithm_is_refused_by_name(tmp_path: Path) -> None:
    sent = signed_by_zeep("BinarySignature", SoapVersion.SOAP_11, RSA, tmp_path)
    sha1 = sent.replaced(
        b"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", b"http://www.w3.org/2000/09/xmldsig#rsa-sha1"
    )
    assert refusal(sha1) is Code.SIGNATURE_ALGORITHM


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("version", list(SoapVersion))
def test_zeep_accepts_what_we_sign(version: SoapVersion, key: str) -> None:
    headers = addressing(MessageID="urn:uuid:1", Action=f"{SERVICE}/PingResponse")
    envelope = etree.fromstring(golden(version, key=key, headers=headers).body)
    holder = development_pki().holders[key]
    plug_in = zeep.wsse.signature.MemorySignature(holder.key_pem, holder.certificate.pem)
    assert plug_in.verify(envelope) is envelope


def verified_by_libxmlsec(octets: bytes, key: str) -> etree._Element:
    """Verify with libxmlsec and nothing but what our profile allows."""
    tree = etree.fromstring(octets)
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(
        development_pki().certificate(key).pem, xmlsec.constants.KeyDataFormatCertPem, None
    )
    for name in ("Body", "Timestamp"):
        context.register_id(one(tree, f"//*[local-name()='{name}']"), "Id", WSU)
    context.enable_signature_transform(METHODS[key])
    for transform in (xmlsec.constants.TransformExclC14N, xmlsec.constants.TransformSha256):
        context.enable_signature_transform(transform)
        context.enable_reference_transform(transform)
    context.verify(one(tree, "//ds:Signature"))
    return tree


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("version", list(SoapVersion))
def test_libxmlsec_accepts_what_we_sign(version: SoapVersion, key: str) -> None:
    octets = golden(version, key=key).body
    assert verified_by_libxmlsec(octets, key).tag == version.tag("Envelope")
    with pytest.raises(xmlsec.Error):
        verified_by_libxmlsec(octets.replace(b">Hej<", b">Nej<"), key)


def test_libxmlsec_accepts_an_mtom_signature_over_the_inline_form() -> None:
    """XOP §1: the receiver rebuilds the original infoset; so does the oracle here, by hand."""
    part = NewPart("file-0@test", "application/pdf", b"%PDF" * 1000)
    tree = letter(SoapVersion.SOAP_12, [part], mtom=True)
    octets = secure(tree, signing_key(RSA), AT, attachments=[part])
    include = etree.tostring(one(etree.fromstring(octets), "//xop:Include"), method="c14n", exclusive=True)
    assert octets.count(include) == 1
    inline = octets.replace(
        include, b"JVBERg==" if part.content == b"%PDF" else b"JVBERiVQREYlUERG" * 333 + b"JVBERg=="
    )
    verified_by_libxmlsec(inline, RSA)


@pytest.mark.parametrize("key", KEYS)
def test_signxml_accepts_what_we_sign(key: str) -> None:
    sent = golden(key=key)
    certificate = development_pki().certificate(key).pem.decode()
    expected = signxml.SignatureConfiguration(expect_references=2, location=".//")
    verifier = signxml.XMLVerifier()
    results = verifier.verify(etree.fromstring(sent.body), x509_cert=certificate, expect_config=expected)
    assert [etree.QName(one.signed_xml).localname for one in results] == ["Timestamp", "Body"]

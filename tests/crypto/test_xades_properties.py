"""The signed properties, one by one: each has one shape, and what they say is read to the letter."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from lxml import etree

from gateway.crypto.certificate import Certificate
from gateway.crypto.xades_properties import (
    CertificateDigest,
    SignedProperties,
    read_signed_properties,
    write_signed_properties,
)
from gateway.domain.catalogue import Code
from gateway.xmlcore.parse import parse
from tests.attacks.wrapping import one
from tests.crypto.changed import refused
from tests.pki import development_pki

AT = development_pki().at
CERTIFICATE = development_pki().certificate("eksempelby-kommune")
Change = Callable[[etree._Element], object]


def properties(change: Change = lambda root: None) -> SignedProperties:
    """What is read of good properties after a change."""
    octets, _ = write_signed_properties("P", CERTIFICATE, AT, "D")
    root = parse(octets)
    change(root)
    return read_signed_properties(parse(etree.tostring(root)))


def renaming(path: str, name: str) -> Change:
    """A change of an element's name in its namespace."""

    def change(root: etree._Element) -> None:
        found = one(root, path)
        found.tag = f"{{{etree.QName(found).namespace}}}{name}"

    return change


def adding(path: str, name: str, text: str = "") -> Change:
    """A change that adds a child of this name, in its parent's namespace."""

    def change(root: etree._Element) -> None:
        parent = one(root, path)
        etree.SubElement(parent, f"{{{etree.QName(parent).namespace}}}{name}").text = text

    return change


def test_what_is_written_is_read() -> None:
    read = properties()
    assert read.signing_time == AT.replace(microsecond=0)
    assert read.object_reference == "#D"
    assert [each.digest for each in read.certificates] == [hashlib.sha256(CERTIFICATE.der).digest()]
    assert [each.issuer_serial for each in read.certificates] == [None]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (adding("/*", "UnsignedProperties"), "SignedProperties"),
        (renaming("//xades:SignedSignatureProperties", "Other"), "SignedProperties"),
        (adding("//xades:SignedSignatureProperties", "SignerRoleV2"), "SignedSignatureProperties"),
        (renaming("//xades:SigningTime", "Time"), "SignedSignatureProperties"),
        (adding("//xades:SignedDataObjectProperties", "DataObjectFormat"), "SignedDataObjectProperties"),
        (renaming("//xades:DataObjectFormat", "Format"), "SignedDataObjectProperties"),
        (renaming("//xades:Cert", "Certificate"), "SigningCertificateV2"),
        (lambda root: one(root, "//xades:SigningCertificateV2").clear(), "SigningCertificateV2"),
        (renaming("//xades:CertDigest", "Digest"), "Cert"),
        (adding("//xades:Cert", "URI"), "Cert"),
        (renaming("//ds:DigestMethod", "Method"), "CertDigest"),
        (renaming("//ds:DigestValue", "Value"), "CertDigest"),
        (adding("//xades:CertDigest", "Other"), "CertDigest"),
        (adding("//ds:DigestMethod", "Parameter"), "CertDigest"),
        (adding("//xades:DataObjectFormat", "ObjectIdentifier"), "DataObjectFormat"),
        (renaming("//xades:MimeType", "Description"), "MimeType"),
        (lambda root: setattr(one(root, "//xades:MimeType"), "text", "application/pdf"), "MimeType"),
        (lambda root: setattr(one(root, "//xades:SigningTime"), "text", "today"), "SigningTime"),
    ],
)
def test_properties_of_another_shape_are_refused_by_the_name_of_what_is_wrong(
    change: Change, what: str
) -> None:
    with refused(Code.SIGNATURE_PROPERTIES) as refusal:
        properties(change)
    assert refusal.value.facts["what"] == what


def test_a_certificate_is_named_by_sha256_only() -> None:
    sha1 = "http://www.w3.org/2000/09/xmldsig#sha1"
    with refused(Code.SIGNATURE_ALGORITHM):
        properties(lambda root: one(root, "//ds:DigestMethod").set("Algorithm", sha1))


def test_a_format_may_say_more_than_the_media_type() -> None:
    def change(root: etree._Element) -> None:
        adding("//xades:DataObjectFormat", "Description", "a letter")(root)
        adding("//xades:DataObjectFormat", "Encoding", "urn:x")(root)

    assert properties(change).object_reference == "#D"


@pytest.mark.parametrize("media_type", ["text/xml", "application/xml"])
def test_a_format_is_xml_by_either_of_its_names(media_type: str) -> None:
    read = properties(lambda root: setattr(one(root, "//xades:MimeType"), "text", media_type))
    assert read.object_reference == "#D"


def test_a_time_with_an_offset_is_read_in_utc() -> None:
    read = properties(
        lambda root: setattr(one(root, "//xades:SigningTime"), "text", "2027-03-04T12:30:00+02:00")
    )
    assert read.signing_time == datetime(2027, 3, 4, 10, 30, tzinfo=UTC)
    assert read.signing_time.tzinfo is UTC


# --- issuer and serial number -----------------------------------------------------------------------------


def issued_by(letters: int) -> Certificate:
    """A certificate whose issuer has a name of so many letters."""
    key = ec.generate_private_key(ec.SECP256R1())
    parts = [(NameOID.COMMON_NAME, "a" * min(60, letters)), (NameOID.ORGANIZATION_NAME, "b" * (letters - 60))]
    parts.append((NameOID.LOCALITY_NAME, "c" * (letters - 120)))
    name = x509.Name([x509.NameAttribute(oid, text) for oid, text in parts if text])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 0xF1, AT, AT + timedelta(days=1))
    return Certificate.from_der(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER))


def der(kind: int, content: bytes) -> bytes:
    """X.690 §8.1.3: a length below 128 in one octet, others after the number of their octets."""
    size = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes([kind]) + (size if len(content) < 128 else bytes([0x80 + len(size)]) + size) + content


def issuer_serial(certificate: Certificate, serial: bytes = b"\x00\xf1") -> bytes:
    """RFC 5035: the issuer as GeneralNames, then the serial number."""
    return der(0x30, der(0x30, der(0xA4, certificate.issuer_der)) + der(2, serial))


def test_the_issuer_may_have_a_name_of_any_length() -> None:
    lengths = set()
    for letters in (1, *range(93, 99), *range(155, 170)):
        certificate = issued_by(letters)
        named = issuer_serial(certificate)
        lengths.add(named[1])
        digest = hashlib.sha256(certificate.der).digest()
        assert CertificateDigest(digest, named).names(certificate)
        assert not CertificateDigest(digest, issuer_serial(certificate, b"\x00\xf2")).names(certificate)
        assert not CertificateDigest(bytes(32), named).names(certificate)
    assert {126, 127, 0x81, 0x82} <= lengths  # in one octet, in the two that follow one, and in the three


def test_a_digest_is_of_the_whole_certificate() -> None:
    digest = base64.b64encode(hashlib.sha256(CERTIFICATE.der[:-1]).digest()).decode()
    read = properties(lambda root: setattr(one(root, "//ds:DigestValue"), "text", digest))
    assert not read.certificates[0].names(CERTIFICATE)

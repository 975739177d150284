"""The signed properties of a XAdES baseline B signature: when, with which certificate, over what kind of data.

Only these are read and written: SigningTime, SigningCertificateV2, DataObjectFormat. Everything else that could be
signed (roles, places, policies, commitments) is refused, since nobody here would look at it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from lxml import etree

from gateway.crypto import algorithms
from gateway.crypto.certificates import Certificate
from gateway.crypto.xmldsig_writer import to_base64
from gateway.domain.catalogue import Code
from gateway.domain.errors import TrustError
from gateway.xmlcore.namespaces import DS, XADES, tag
from gateway.xmlcore.shape import base64_octets, children, required, text

QUALIFYING_PROPERTIES: Final = tag(XADES, "QualifyingProperties")
SIGNED_PROPERTIES: Final = tag(XADES, "SignedProperties")
UNSIGNED_PROPERTIES: Final = tag(XADES, "UnsignedProperties")

MIME_TYPES: Final = frozenset({"text/xml", "application/xml"})

_NAMES: Final = {
    name: tag(XADES, name)
    for name in (
        "SignedSignatureProperties",
        "SignedDataObjectProperties",
        "SigningTime",
        "SigningCertificateV2",
        "Cert",
        "CertDigest",
        "IssuerSerialV2",
        "DataObjectFormat",
        "Description",
        "MimeType",
        "Encoding",
    )
}
_DIGEST: Final = [tag(DS, "DigestMethod"), tag(DS, "DigestValue")]
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)", re.ASCII)


@dataclass(frozen=True)
class CertificateDigest:
    """What SigningCertificateV2 says of one certificate."""

    digest: bytes = field(repr=False)  # SHA-256 of the DER
    issuer_serial: bytes | None = field(repr=False)  # DER of IssuerSerial, RFC 5035 §5.4.1

    def names(self, certificate: Certificate) -> bool:
        """Whether this is said of the certificate."""
        if not hmac.compare_digest(self.digest, hashlib.sha256(certificate.der).digest()):
            return False
        return self.issuer_serial is None or self.issuer_serial == _issuer_serial(certificate)


@dataclass(frozen=True)
class SignedProperties:
    """The signed properties as received; whether they are true is not checked here."""

    signing_time: datetime  # the signer's clock, UTC
    certificates: tuple[CertificateDigest, ...]  # the signer's first
    object_reference: str  # "#" and the id of the reference whose data has the media type text/xml


def read_signed_properties(element: etree._Element) -> SignedProperties:
    """The untrusted SignedProperties as a value, in its one accepted shape.

    TrustError SIGNATURE_SHAPE, SIGNATURE_PROPERTIES, or SIGNATURE_ALGORITHM for a digest other than SHA-256.
    """
    # ETSI EN 319 132-1 §4.3, §6.3
    of_signature, of_data = _exactly(
        element, "SignedProperties", "SignedSignatureProperties", "SignedDataObjectProperties"
    )
    time, certificates = _exactly(
        of_signature, "SignedSignatureProperties", "SigningTime", "SigningCertificateV2"
    )
    (data_format,) = _exactly(of_data, "SignedDataObjectProperties", "DataObjectFormat")
    named = children(certificates)
    if {one.tag for one in named} != {_NAMES["Cert"]}:
        raise wrong("SigningCertificateV2")
    read = tuple(map(_read_certificate, named))
    return SignedProperties(_read_time(text(time)), read, _read_format(data_format))


def write_signed_properties(
    element_id: str, certificate: Certificate, at: datetime, reference_id: str
) -> tuple[bytes, str]:
    """New SignedProperties, in canonical octets and as text to be put where the prefixes are declared already."""
    digest = to_base64(hashlib.sha256(certificate.der).digest())
    time = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def written(xades: str, ds: str) -> str:
        return (
            f'<xades:SignedProperties{xades} Id="{element_id}"><xades:SignedSignatureProperties>'
            f"<xades:SigningTime>{time}</xades:SigningTime><xades:SigningCertificateV2><xades:Cert>"
            f'<xades:CertDigest><ds:DigestMethod{ds} Algorithm="{algorithms.SHA256}"></ds:DigestMethod>'
            f"<ds:DigestValue{ds}>{digest}</ds:DigestValue></xades:CertDigest></xades:Cert>"
            "</xades:SigningCertificateV2></xades:SignedSignatureProperties><xades:SignedDataObjectProperties>"
            f'<xades:DataObjectFormat ObjectReference="#{reference_id}"><xades:MimeType>text/xml</xades:MimeType>'
            "</xades:DataObjectFormat></xades:SignedDataObjectProperties></xades:SignedProperties>"
        )

    return written(f' xmlns:xades="{XADES}"', f' xmlns:ds="{DS}"').encode(), written("", "")


def wrong(what: str) -> TrustError:
    """The error for properties that are not those of baseline B; `what` is a constant, never a value found."""
    return TrustError(Code.SIGNATURE_PROPERTIES, what=what)


def _exactly(element: etree._Element, what: str, *names: str) -> list[etree._Element]:
    """The children, which have just these names in this order."""
    found = children(element, attributes=("Id",))
    if [child.tag for child in found] != [_NAMES[name] for name in names]:
        raise wrong(what)
    return found


def _read_time(value: str) -> datetime:
    try:
        if not _TIME.fullmatch(value):
            raise wrong("SigningTime")
        return datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError):
        raise wrong("SigningTime") from None


def _read_certificate(element: etree._Element) -> CertificateDigest:
    parts = children(element)
    names = [part.tag for part in parts]
    if names not in ([_NAMES["CertDigest"]], [_NAMES["CertDigest"], _NAMES["IssuerSerialV2"]]):
        raise wrong("Cert")
    digest_parts = children(parts[0])
    if [part.tag for part in digest_parts] != _DIGEST:
        raise wrong("CertDigest")
    algorithms.require_digest(required(digest_parts[0], "Algorithm"))
    if children(digest_parts[0], attributes=("Algorithm",)):
        raise wrong("CertDigest")
    issuer_serial = base64_octets(parts[1]) if len(parts) > 1 else None
    return CertificateDigest(base64_octets(digest_parts[1]), issuer_serial)


def _read_format(element: etree._Element) -> str:
    """The reference that the format is said of, if the format is XML."""
    found = {child.tag: text(child) for child in children(element, attributes=("ObjectReference",))}
    if not found.keys() <= {_NAMES["Description"], _NAMES["MimeType"], _NAMES["Encoding"]}:
        raise wrong("DataObjectFormat")
    if found.get(_NAMES["MimeType"]) not in MIME_TYPES:
        raise wrong("MimeType")
    return required(element, "ObjectReference")


def _issuer_serial(certificate: Certificate) -> bytes:
    """The DER of IssuerSerial for this certificate: its issuer's name and its serial number."""
    # GeneralNames is also the content of subjectAltName, RFC 5280 §4.2.1.6
    issuer = x509.SubjectAlternativeName([x509.DirectoryName(certificate.x509.issuer)]).public_bytes()
    serial_number = certificate.x509.serial_number
    serial = serial_number.to_bytes(serial_number.bit_length() // 8 + 1, "big")
    content = issuer + bytes((0x02, len(serial))) + serial  # X.690 §8.3; at most 20 octets
    if len(content) < 0x80:
        return bytes((0x30, len(content))) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes((0x30, 0x80 | len(length))) + length + content

"""Content signatures from the outside: made with libxmlsec, judged with signxml; neither is what the gateway uses.

The profile is XAdES baseline B, enveloped: two references (the document, the signed properties), SHA-256, exclusive
C14N, the signing certificate named by its digest.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    PolicyBuilder,
    Store,
    VerificationError,
)
from lxml import etree
from signxml import DigestAlgorithm, SignatureMethod
from signxml.exceptions import SignXMLException
from signxml.xades import XAdESSignatureConfiguration, XAdESVerifier

from demo.transcript import Broken

DS: Final = "http://www.w3.org/2000/09/xmldsig#"
XADES: Final = "http://uri.etsi.org/01903/v1.3.2#"
DOCUMENT: Final = "urn:dk:bropost:document:1"
CLOCK_SKEW: Final = timedelta(minutes=5)  # that the gateway allows, too
MOST_BEFORE: Final = timedelta(
    days=1
)  # a document is sealed once it is written; this is for clocks that differ
_C14N: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
_SHA256: Final = "http://www.w3.org/2001/04/xmlenc#sha256"
_CERTIFICATES: Final = f"{{{DS}}}Signature/{{{DS}}}KeyInfo/{{{DS}}}X509Data/{{{DS}}}X509Certificate"
# OCES3 certificates have no subjectAltName, which the library's own policy asks of them.
_AUTHORITY: Final = ExtensionPolicy.permit_all().require_present(
    x509.BasicConstraints, Criticality.CRITICAL, None
)
_SIGNING_TIME: Final = f"{{{XADES}}}SignedSignatureProperties/{{{XADES}}}SigningTime"
_TEMPLATE: Final = """
<ds:Signature xmlns:ds="{ds}" xmlns:xades="{xades}" Id="S"><ds:SignedInfo>
<ds:CanonicalizationMethod Algorithm="{c14n}"/>
<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#{method}"/>
<ds:Reference Id="D" URI=""><ds:Transforms>
<ds:Transform Algorithm="{ds}enveloped-signature"/><ds:Transform Algorithm="{c14n}"/>
</ds:Transforms><ds:DigestMethod Algorithm="{sha256}"/><ds:DigestValue/></ds:Reference>
<ds:Reference URI="#P" Type="http://uri.etsi.org/01903#SignedProperties"><ds:Transforms>
<ds:Transform Algorithm="{c14n}"/>
</ds:Transforms><ds:DigestMethod Algorithm="{sha256}"/><ds:DigestValue/></ds:Reference>
</ds:SignedInfo><ds:SignatureValue/><ds:KeyInfo><ds:X509Data>{certificates}</ds:X509Data></ds:KeyInfo>
<ds:Object><xades:QualifyingProperties Target="#S"><xades:SignedProperties Id="P">
<xades:SignedSignatureProperties><xades:SigningTime>{time}</xades:SigningTime>
<xades:SigningCertificateV2><xades:Cert><xades:CertDigest><ds:DigestMethod Algorithm="{sha256}"/>
<ds:DigestValue>{digest}</ds:DigestValue></xades:CertDigest></xades:Cert></xades:SigningCertificateV2>
</xades:SignedSignatureProperties>
<xades:SignedDataObjectProperties><xades:DataObjectFormat ObjectReference="#D">
<xades:MimeType>text/xml</xades:MimeType></xades:DataObjectFormat></xades:SignedDataObjectProperties>
</xades:SignedProperties></xades:QualifyingProperties></ds:Object></ds:Signature>"""


@dataclass(frozen=True)
class Sealed:
    """What a sender sealed, read from what its signature covers; `sealer` is the common name of the certificate."""

    document: etree._Element
    sealer: str

    def text(self, path: str) -> str:
        """Return the text of the first element at a path, "Header/DocumentId". Broken if there is none."""
        text = self.document.findtext("/".join(f"{{{DOCUMENT}}}{name}" for name in path.split("/")))
        if text is None:
            raise Broken(f"it has no {path}")
        return text

    def require_asked(self, document_id: str, party: Mapping[str, str]) -> None:
        """Broken unless it has this id and is to this party: else a genuine document could stand in for another."""
        if self.text("Header/DocumentId") != document_id:
            raise Broken("it is another document than the one asked for")
        if any(self.text(f"Header/Recipient/Party/{name}") != value for name, value in party.items()):
            raise Broken("it is to another party")

    def require_attachments(self, contents: Mapping[int, bytes]) -> None:
        """Broken unless these, by number, are the attachments that the sender listed: no other, and none missing."""
        listed = self.document.iterfind(f"{{{DOCUMENT}}}Attachments/{{{DOCUMENT}}}Attachment")
        digests = {
            int(each.findtext(f"{{{DOCUMENT}}}Number", "0")): each.findtext(f"{{{DOCUMENT}}}Sha256")
            for each in listed
        }
        found = {
            number: base64.b64encode(hashlib.sha256(content).digest()).decode()
            for number, content in contents.items()
        }
        if found != digests:
            raise Broken("its attachments are not those that its sender listed")


def seal(document: etree._Element, key: Path, chain: Path, at: datetime | None = None) -> bytes:
    """Return the octets of a document with its content signature: from here on they must not change by one bit.

    `key` (RSA or P-256) and `chain`, leaf first, are PEM files; `at` is the SigningTime, now unless given.
    """
    certificates = x509.load_pem_x509_certificates(chain.read_bytes())
    is_elliptic = isinstance(certificates[0].public_key(), ec.EllipticCurvePublicKey)
    template = _TEMPLATE.replace("\n", "").format(
        ds=DS,
        xades=XADES,
        c14n=_C14N,
        sha256=_SHA256,
        method="ecdsa-sha256" if is_elliptic else "rsa-sha256",
        certificates="".join(f"<ds:X509Certificate>{_der(one)}</ds:X509Certificate>" for one in certificates),
        time=f"{at or datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        digest=base64.b64encode(certificates[0].fingerprint(SHA256())).decode(),
    )
    root = etree.fromstring(etree.tostring(document))
    signature = etree.fromstring(template)
    root.append(signature)
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_file(str(key), xmlsec.constants.KeyDataFormatPem)
    for properties in signature.iter(f"{{{XADES}}}SignedProperties"):
        context.register_id(properties, "Id")
    context.sign(signature)
    return etree.tostring(root, encoding="UTF-8")


def verify(octets: bytes, signer: Path) -> etree._Element:
    """Return what a content signature covers, read from what was verified: the root without its signature.

    `signer` is the PEM file of the certificate that must have signed; it comes from another place than the document.
    Broken if the signature does not hold or is not in the profile.
    """
    document, _ = _signed_by(octets, x509.load_pem_x509_certificates(signer.read_bytes())[0])
    return document


def verify_sender(octets: bytes, root: Path) -> Sealed:
    """Return what the sender that a document names has sealed.

    `root` is the PEM file of the authority above all certificates that seal; it comes from another place. Broken if the
    signature does not hold, or its certificate was not trusted when it was made, or is of another organisation. That
    time is the signer's word. Revocation is not looked up: the gateway did that when the document came in.
    """
    roots = x509.load_pem_x509_certificates(root.read_bytes())
    try:
        return _verified(octets, roots)
    except Broken:
        raise
    except Exception as error:  # of one of three libraries: it proves nothing, and others wait behind it
        raise Broken("the document does not hold a content signature") from error


def _verified(octets: bytes, roots: list[x509.Certificate]) -> Sealed:
    leaf, *others = _sent_certificates(octets)
    document, signed_at = _signed_by(octets, leaf)
    sealed = Sealed(document, str(leaf.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value))
    _require_time(signed_at, _time(sealed.text("Header/CreatedAt")))
    _require_trusted(leaf, others, roots, signed_at)
    organisations = leaf.subject.get_attributes_for_oid(x509.NameOID.ORGANIZATION_IDENTIFIER)
    if [each.value for each in organisations] != [f"NTRDK-{sealed.text('Header/Sender/Party/Cvr')}"]:
        raise Broken("another organisation than the sender has sealed the document")
    return sealed


def _sent_certificates(octets: bytes) -> list[x509.Certificate]:
    """The certificates that came with a document, that of its signer first; nobody has vouched for them."""
    document = etree.fromstring(octets, etree.XMLParser(resolve_entities=False, no_network=True))
    texts = [each.text or "" for each in document.iterfind(_CERTIFICATES)]
    return [x509.load_der_x509_certificate(base64.b64decode(text)) for text in texts]


def _require_time(signed_at: datetime, created_at: datetime) -> None:
    """SigningTime is the signer's word, so it must at least be possible."""
    if signed_at > datetime.now(UTC) + CLOCK_SKEW:
        raise Broken("the SigningTime of the content signature lies in the future")
    if signed_at < created_at - MOST_BEFORE:
        raise Broken("the SigningTime of the content signature lies before the document was written")


def _require_trusted(
    leaf: x509.Certificate, others: list[x509.Certificate], roots: list[x509.Certificate], at: datetime
) -> None:
    """The certificate leads to a root, and all were valid then."""
    verifier = (
        PolicyBuilder()
        .store(Store(roots))
        .time(at)
        .extension_policies(ca_policy=_AUTHORITY, ee_policy=ExtensionPolicy.permit_all())
        .build_client_verifier()
    )
    try:
        verifier.verify(leaf, others)
    except VerificationError as error:
        raise Broken("the certificate of the content signature was not trusted when it was made") from error


def _signed_by(octets: bytes, certificate: x509.Certificate) -> tuple[etree._Element, datetime]:
    """What a content signature by this certificate covers: the document, and the time at which it says it was made."""
    profile = XAdESSignatureConfiguration(
        expect_references=2,
        location="./",
        signature_methods=frozenset({SignatureMethod.RSA_SHA256, SignatureMethod.ECDSA_SHA256}),
        digest_algorithms=frozenset({DigestAlgorithm.SHA256}),
        # Not now: whether the certificate was valid when it signed is judged by the SigningTime, which is read below.
        verification_time=certificate.not_valid_before_utc,
    )
    try:
        document, properties = XAdESVerifier().verify(octets, x509_cert=certificate, expect_config=profile)
    except (SignXMLException, etree.DocumentInvalid) as error:
        raise Broken(f"the content signature does not hold: {error}") from error
    covered = document.signature_xml.find(f"{{{DS}}}SignedInfo/{{{DS}}}Reference")
    if covered is None or covered.get("URI") != "":
        raise Broken("the content signature does not cover the document")
    time = etree.fromstring(properties.signed_data).findtext(_SIGNING_TIME)
    return etree.fromstring(document.signed_data), _time(time or "")


def _time(text: str) -> datetime:
    """A time with its zone. Broken if it is none."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise Broken(f"{text!r} is no time") from error
    if time.tzinfo is None:
        raise Broken("a time of the document has no zone")
    return time


def _der(certificate: x509.Certificate) -> str:
    return base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()

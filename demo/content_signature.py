"""Content signatures from the outside: made with libxmlsec, judged with signxml; neither is what the gateway uses.

The profile is XAdES baseline B, enveloped: two references (the document, the signed properties), SHA-256, exclusive
C14N, the signing certificate named by its digest.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime
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
_C14N: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
_SHA256: Final = "http://www.w3.org/2001/04/xmlenc#sha256"
_CERTIFICATES: Final = f"{{{DS}}}Signature/{{{DS}}}KeyInfo/{{{DS}}}X509Data/{{{DS}}}X509Certificate"
# OCES3 certificates have no subjectAltName, which the library's own policy asks of them.
_AUTHORITY: Final = ExtensionPolicy.permit_all().require_present(
    x509.BasicConstraints, Criticality.CRITICAL, None
)
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


def seal(document: etree._Element, key: Path, chain: Path) -> bytes:
    """Return the octets of a document with its content signature: from here on they must not change by one bit.

    `key` (RSA or P-256) and `chain`, leaf first, are PEM files.
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
        time=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
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
    return _signed_by(octets, x509.load_pem_x509_certificates(signer.read_bytes())[0])


def verify_sender(octets: bytes, root: Path) -> str:
    """Return the common name of the certificate with which the sender that a document names has sealed it.

    `root` is the PEM file of the authority above all certificates that seal; it comes from another place. Broken if the
    signature does not hold, or its certificate is not trusted now or of another organisation. Revocation is not looked
    up: the gateway did that when the document came in.
    """
    leaf = _trusted(octets, x509.load_pem_x509_certificates(root.read_bytes()))
    document = _signed_by(octets, leaf)
    cvr = document.findtext("{*}Header/{*}Sender/{*}Party/{*}Cvr")
    organisations = leaf.subject.get_attributes_for_oid(x509.NameOID.ORGANIZATION_IDENTIFIER)
    if [each.value for each in organisations] != [f"NTRDK-{cvr}"]:
        raise Broken("another organisation than the sender has sealed the document")
    return str(leaf.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value)


def _trusted(octets: bytes, roots: list[x509.Certificate]) -> x509.Certificate:
    """The certificate that a document says it is sealed with, if it leads to a root."""
    try:
        document = etree.fromstring(octets, etree.XMLParser(resolve_entities=False, no_network=True))
        texts = [each.text or "" for each in document.iterfind(_CERTIFICATES)]
        leaf, *others = [x509.load_der_x509_certificate(base64.b64decode(text)) for text in texts]
    except (ValueError, etree.XMLSyntaxError) as error:
        raise Broken("the document holds no certificate of a content signature") from error
    verifier = (
        PolicyBuilder()
        .store(Store(roots))
        .time(datetime.now(UTC))
        .extension_policies(ca_policy=_AUTHORITY, ee_policy=ExtensionPolicy.permit_all())
        .build_client_verifier()
    )
    try:
        verifier.verify(leaf, others)
    except VerificationError as error:
        raise Broken("the certificate of the content signature is not trusted") from error
    return leaf


def _signed_by(octets: bytes, certificate: x509.Certificate) -> etree._Element:
    profile = XAdESSignatureConfiguration(
        expect_references=2,
        location="./",
        signature_methods=frozenset({SignatureMethod.RSA_SHA256, SignatureMethod.ECDSA_SHA256}),
        digest_algorithms=frozenset({DigestAlgorithm.SHA256}),
    )
    try:
        document, _ = XAdESVerifier().verify(octets, x509_cert=certificate, expect_config=profile)
    except (SignXMLException, etree.DocumentInvalid) as error:
        raise Broken(f"the content signature does not hold: {error}") from error
    covered = document.signature_xml.find(f"{{{DS}}}SignedInfo/{{{DS}}}Reference")
    if covered is None or covered.get("URI") != "":
        raise Broken("the content signature does not cover the document")
    return etree.fromstring(document.signed_data)


def _der(certificate: x509.Certificate) -> str:
    return base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()

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
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from signxml import DigestAlgorithm, SignatureMethod
from signxml.exceptions import SignXMLException
from signxml.xades import XAdESSignatureConfiguration, XAdESVerifier

from demo.transcript import Broken

DS: Final = "http://www.w3.org/2000/09/xmldsig#"
XADES: Final = "http://uri.etsi.org/01903/v1.3.2#"
_C14N: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
_SHA256: Final = "http://www.w3.org/2001/04/xmlenc#sha256"
_TEMPLATE: Final = """
<ds:Signature xmlns:ds="{ds}" xmlns:xades="{xades}" Id="S"><ds:SignedInfo>
<ds:CanonicalizationMethod Algorithm="{c14n}"/>
<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/>
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

    `key` (RSA) and `chain`, leaf first, are PEM files.
    """
    certificates = x509.load_pem_x509_certificates(chain.read_bytes())
    template = _TEMPLATE.replace("\n", "").format(
        ds=DS,
        xades=XADES,
        c14n=_C14N,
        sha256=_SHA256,
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
    certificate = x509.load_pem_x509_certificates(signer.read_bytes())[0]
    profile = XAdESSignatureConfiguration(
        expect_references=2,
        location="./",
        signature_methods=frozenset({SignatureMethod.RSA_SHA256, SignatureMethod.ECDSA_SHA256}),
        digest_algorithms=frozenset({DigestAlgorithm.SHA256}),
    )
    try:
        document, _ = XAdESVerifier().verify(octets, x509_cert=certificate, expect_config=profile)
    except SignXMLException as error:
        raise Broken(f"the content signature does not hold: {error}") from error
    return etree.fromstring(document.signed_data)


def _der(certificate: x509.Certificate) -> str:
    return base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()

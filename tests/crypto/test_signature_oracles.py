"""Two independent XML Signature implementations, signxml and libxmlsec, and ours understand each other's documents."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import xmlsec
from cryptography.hazmat.primitives import serialization
from lxml import etree
from signxml import DigestAlgorithm, SignatureMethod
from signxml.algorithms import CanonicalizationMethod
from signxml.xades import XAdESDataObjectFormat, XAdESSignatureConfiguration, XAdESSigner, XAdESVerifier

from gateway.crypto.xades import VerifiedContent, content_digest, verify
from gateway.domain.catalogue import Code
from gateway.domain.errors import TrustError
from gateway.xmlcore.namespaces import DS, EXC_C14N, XADES, tag
from gateway.xmlcore.parse import parse
from tests.attacks.wrapping import LETTER, NAMES, SIGNED_PROPERTIES_TYPE, canonical, golden, one
from tests.pki import development_pki

SIGNERS = ["eksempelby-esdh-2048", "eksempelby-kommune", "eksempelby-esdh-p256"]  # RSA 2048, RSA 3072, P-256
P256 = SIGNERS[2]
MORE = "http://www.w3.org/2001/04/xmldsig-more#"
C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"

Oracle = Callable[..., bytes]


def read(octets: bytes) -> VerifiedContent:
    """What we read; signxml always signs at the time of the clock, so that is ours here too."""
    pki = development_pki()
    return verify(octets, pki.trust_store(), pki.revocations(), datetime.now(UTC))


# --- they verify what we sign ------------------------------------------------------------------------------------


@pytest.mark.parametrize("signer", SIGNERS)
def test_signxml_verifies_what_we_sign(signer: str) -> None:
    results = XAdESVerifier().verify(
        golden(signer),
        x509_cert=development_pki().certificate(signer).x509,
        expect_config=XAdESSignatureConfiguration(
            expect_references=2,
            location="./",
            signature_methods=frozenset({SignatureMethod.RSA_SHA256, SignatureMethod.ECDSA_SHA256}),
            digest_algorithms=frozenset({DigestAlgorithm.SHA256}),
        ),
    )
    document, properties = results
    assert document.signed_data == canonical(parse(LETTER))
    assert properties.signed_properties.tag == tag(XADES, "SignedSignatureProperties")


def xmlsec_verifies(octets: bytes, signer: str) -> None:
    root = etree.fromstring(octets)
    context = xmlsec.SignatureContext()
    pem = development_pki().certificate(signer).pem
    context.key = xmlsec.Key.from_memory(pem, xmlsec.constants.KeyDataFormatCertPem)
    context.register_id(one(root, "//xades:SignedProperties"), "Id")
    context.verify(one(root, "ds:Signature"))


@pytest.mark.parametrize("signer", SIGNERS)
def test_libxmlsec_verifies_what_we_sign(signer: str) -> None:
    xmlsec_verifies(golden(signer), signer)
    forged = golden(signer).replace("Prøvesen".encode(), b"Eksempelsen")
    with pytest.raises(xmlsec.VerificationError):
        xmlsec_verifies(forged, signer)


# --- we verify what they sign, in our profile --------------------------------------------------------------------


class ProfileSigner(XAdESSigner):  # type: ignore[misc]  # signxml is not typed for us
    """signxml, held to two references, each with its canonicalisation said."""

    def _add_reference_to_signed_info(
        self, sig_root: etree._Element, node_to_reference: etree._Element, **attrs: str
    ) -> None:
        if node_to_reference.tag == tag(DS, "KeyInfo"):
            return
        super()._add_reference_to_signed_info(sig_root, node_to_reference, **attrs)
        reference = sig_root.findall("ds:SignedInfo/ds:Reference", NAMES)[-1]
        transforms = etree.Element(tag(DS, "Transforms"))
        etree.SubElement(transforms, tag(DS, "Transform"), Algorithm=self.c14n_alg.value)
        reference.insert(0, transforms)


def sign_with_signxml(signer: str, **algorithms: object) -> bytes:
    """The letter, signed by signxml."""
    method = SignatureMethod.ECDSA_SHA256 if signer == P256 else SignatureMethod.RSA_SHA256
    chosen = {
        "signature_algorithm": method,
        "digest_algorithm": DigestAlgorithm.SHA256,
        "c14n_algorithm": CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
    } | algorithms
    holder = development_pki().holders[signer]
    signed = ProfileSigner(data_object_format=XAdESDataObjectFormat("A letter", "text/xml"), **chosen).sign(
        etree.fromstring(LETTER),
        key=holder.key_pem,
        cert=[one.x509 for one in holder.chain],
        always_add_key_value=False,
    )
    return etree.tostring(signed)


def sign_with_xmlsec(
    signer: str,
    method: str = "",
    digest: str = "http://www.w3.org/2001/04/xmlenc#sha256",
    c14n: str = EXC_C14N,
    key: xmlsec.Key | None = None,
) -> bytes:
    """The letter, signed by libxmlsec after a template with pretty-printed, prefix-less signature elements."""
    default = MORE + ("ecdsa-sha256" if signer == P256 else "rsa-sha256")
    holder = development_pki().holders[signer]
    certificates = "".join(
        f"<X509Certificate>\n{base64.encodebytes(one.der).decode()}</X509Certificate>"
        for one in holder.chain_below_root
    )
    cert_digest = base64.b64encode(bytes.fromhex(holder.certificate.fingerprint)).decode()
    time = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.123+00:00")
    template = f"""
    <Signature xmlns="{DS}" Id="S">
      <SignedInfo>
        <CanonicalizationMethod Algorithm="{c14n}"/><SignatureMethod Algorithm="{method or default}"/>
        <Reference Type="{SIGNED_PROPERTIES_TYPE}" URI="#P">
          <Transforms><Transform Algorithm="{c14n}"/></Transforms>
          <DigestMethod Algorithm="{digest}"/><DigestValue/>
        </Reference>
        <Reference Id="R" URI="">
          <Transforms><Transform Algorithm="{DS}enveloped-signature"/><Transform Algorithm="{c14n}"/></Transforms>
          <DigestMethod Algorithm="{digest}"/><DigestValue/>
        </Reference>
      </SignedInfo>
      <SignatureValue/>
      <KeyInfo><X509Data>{certificates}</X509Data></KeyInfo>
      <Object><QualifyingProperties xmlns="{XADES}" xmlns:d="{DS}" Target="#S"><SignedProperties Id="P">
        <SignedSignatureProperties><SigningTime>{time}</SigningTime><SigningCertificateV2><Cert><CertDigest>
          <d:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>
          <d:DigestValue>{cert_digest}</d:DigestValue>
        </CertDigest></Cert></SigningCertificateV2></SignedSignatureProperties>
        <SignedDataObjectProperties><DataObjectFormat ObjectReference="#R">
          <MimeType>application/xml</MimeType>
        </DataObjectFormat></SignedDataObjectProperties>
      </SignedProperties></QualifyingProperties></Object>
    </Signature>"""
    root = etree.fromstring(LETTER.replace(b"</Document>", template.encode() + b"</Document>"))
    context = xmlsec.SignatureContext()
    context.key = key or xmlsec.Key.from_memory(holder.key_pem, xmlsec.constants.KeyDataFormatPem)
    context.register_id(one(root, "//xades:SignedProperties"), "Id")
    context.sign(one(root, "ds:Signature"))
    return etree.tostring(root)


@pytest.mark.parametrize("signer", SIGNERS)
@pytest.mark.parametrize("oracle", [sign_with_signxml, sign_with_xmlsec])
def test_we_verify_what_they_sign(oracle: Oracle, signer: str) -> None:
    octets = oracle(signer)
    content = read(octets)
    assert content.certificate.certificate == development_pki().certificate(signer)
    assert abs((datetime.now(UTC) - content.signing_time).total_seconds()) < 60
    assert content.digest == content_digest(content.root) == content_digest(etree.fromstring(octets))
    assert [child.tag for child in content.root] == [child.tag for child in parse(LETTER)]
    forged = octets.replace("Prøvesen".encode(), b"Eksempelsen").replace(b"Pr&#248;vesen", b"Eksempelsen")
    assert forged != octets
    with pytest.raises(TrustError) as refused:
        read(forged)
    assert refused.value.code is Code.SIGNATURE_DIGEST


# --- what else they can make is refused by its name --------------------------------------------------------------


def refused_name(octets: bytes) -> object:
    with pytest.raises(TrustError) as refused:
        read(octets)
    assert refused.value.code is Code.SIGNATURE_ALGORITHM
    return refused.value.facts["algorithm"]


@pytest.mark.parametrize(
    ("signer", "algorithm"),
    [
        (SIGNERS[0], SignatureMethod.RSA_SHA384),
        (SIGNERS[0], SignatureMethod.RSA_SHA512),
        (SIGNERS[0], SignatureMethod.SHA256_RSA_MGF1),
        (SIGNERS[0], SignatureMethod.SHA3_256_RSA_MGF1),
        (P256, SignatureMethod.ECDSA_SHA384),
        (P256, SignatureMethod.ECDSA_SHA512),
    ],
)
def test_other_methods_of_signxml_are_refused_by_name(signer: str, algorithm: SignatureMethod) -> None:
    assert refused_name(sign_with_signxml(signer, signature_algorithm=algorithm)) == algorithm.value


@pytest.mark.parametrize(
    "algorithm", [DigestAlgorithm.SHA384, DigestAlgorithm.SHA512, DigestAlgorithm.SHA3_256]
)
def test_other_digests_of_signxml_are_refused_by_name(algorithm: DigestAlgorithm) -> None:
    assert refused_name(sign_with_signxml(SIGNERS[0], digest_algorithm=algorithm)) == algorithm.value


@pytest.mark.parametrize(
    "algorithm",
    [
        CanonicalizationMethod.CANONICAL_XML_1_0,
        CanonicalizationMethod.CANONICAL_XML_1_0_WITH_COMMENTS,
        CanonicalizationMethod.CANONICAL_XML_1_1,
        CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0_WITH_COMMENTS,
    ],
)
def test_other_canonicalisations_of_signxml_are_refused_by_name(algorithm: CanonicalizationMethod) -> None:
    assert refused_name(sign_with_signxml(SIGNERS[0], c14n_algorithm=algorithm)) == algorithm.value


@pytest.mark.parametrize(
    ("signer", "method"),
    [
        (SIGNERS[0], DS + "rsa-sha1"),
        (SIGNERS[0], MORE + "rsa-sha384"),
        (SIGNERS[0], MORE + "rsa-sha512"),
        (P256, MORE + "ecdsa-sha1"),
        (P256, MORE + "ecdsa-sha512"),
    ],
)
def test_other_methods_of_libxmlsec_are_refused_by_name(signer: str, method: str) -> None:
    assert refused_name(sign_with_xmlsec(signer, method=method)) == method


def test_an_hmac_of_libxmlsec_keyed_with_the_public_key_is_refused_by_name() -> None:
    public_key = development_pki().certificate(SIGNERS[0]).x509.public_key()
    pem = public_key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    key = xmlsec.Key.from_binary_data(xmlsec.constants.KeyDataHmac, pem)
    assert refused_name(sign_with_xmlsec(SIGNERS[0], MORE + "hmac-sha256", key=key)) == MORE + "hmac-sha256"


@pytest.mark.parametrize("digest", [DS + "sha1", MORE + "sha384", "http://www.w3.org/2001/04/xmlenc#sha512"])
def test_other_digests_of_libxmlsec_are_refused_by_name(digest: str) -> None:
    assert refused_name(sign_with_xmlsec(SIGNERS[0], digest=digest)) == digest


@pytest.mark.parametrize("c14n", [C14N, C14N + "#WithComments", EXC_C14N + "WithComments"])
def test_other_canonicalisations_of_libxmlsec_are_refused_by_name(c14n: str) -> None:
    assert refused_name(sign_with_xmlsec(SIGNERS[0], c14n=c14n)) == c14n

"""Signatures by algorithms that are not on the list, and by keys of another kind than the algorithm."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives import serialization
from lxml import etree

from gateway.domain.catalogue import Code
from gateway.xmlcore.namespaces import DS, EXC_C14N
from tests.attacks.door import Case, Door
from tests.attacks.pens import SYSTEM, enclosed, spoken, tampered
from tests.attacks.test_message_coverage import COMPLETE, MORE, STR_TRANSFORM, digest_method, transforms
from tests.attacks.wrapping import TO_DOCUMENT, adding, setting, sign_again, use_certificate
from tests.messages import SWA_CONTENT, canonical, one
from tests.pki import development_pki

METHOD, KEY = "crypto.algorithms:SignatureAlgorithm.from_uri", "crypto.algorithms:SignatureAlgorithm.for_key"
VERIFY = "crypto.algorithms:SignatureAlgorithm.verify"
DIGEST, C14N = "crypto.algorithms:require_digest", "crypto.algorithms:require_canonicalisation"
TRANSFORM, COVERAGE = "crypto.algorithms:require_transform", "protocol.wss_coverage:read_coverage"
INFO, PREFIXES = "crypto.xmldsig:_read_signed_info", "crypto.xmldsig:_read_prefixes"
REFUSED, SHAPE, UNCOVERED = Code.SIGNATURE_ALGORITHM, Code.SIGNATURE_SHAPE, Code.SIGNATURE_COVERAGE
MESSAGE, FIRST = "//ds:SignedInfo/ds:SignatureMethod", "//ds:SignedInfo/ds:Reference[1]"
INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
LISTED = f'<ec:InclusiveNamespaces xmlns:ec="{EXC_C14N}" PrefixList="{{}}"/>'


def _inside(path: str, xml: str) -> Callable[[etree._Element], None]:
    return lambda tree: one(tree, path).append(etree.fromstring(f'<x xmlns:ds="{DS}">{xml}</x>')[0])


def _keyed_with_the_public_key(tree: etree._Element) -> None:
    """Everything that the attacker needs is public."""
    one(tree, "//ds:SignatureMethod").set("Algorithm", f"{MORE}hmac-sha256")
    public_key = development_pki().certificate(SYSTEM).x509.public_key()
    pem = public_key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    value = hmac.digest(pem, canonical(one(tree, "//ds:SignedInfo")), "sha256")
    one(tree, "//ds:SignatureValue").text = base64.b64encode(value).decode()


def _elliptic(value: bytes) -> Callable[[etree._Element], None]:
    """The signed letter carries the certificate of an elliptic key, and this value."""

    def change(root: etree._Element) -> None:
        use_certificate(root, "eksempelby-esdh-p256")
        one(root, "//ds:SignatureMethod").set("Algorithm", f"{MORE}ecdsa-sha256")
        one(root, "//ds:SignatureValue").text = base64.b64encode(value).decode()

    return change


def _stretched(root: etree._Element) -> None:
    """A good elliptic value with one octet more between its halves."""
    signer = "eksempelby-esdh-p256"
    use_certificate(root, signer)
    one(root, "//ds:SignatureMethod").set("Algorithm", f"{MORE}ecdsa-sha256")
    sign_again(root, signer)
    value = base64.b64decode(one(root, "//ds:SignatureValue").text or "")
    one(root, "//ds:SignatureValue").text = base64.b64encode(value[:32] + b"\0" + value[32:]).decode()


METHODS = tuple(
    spoken(f"a message by {name}", METHOD, clause, REFUSED, method=uri)
    for name, clause, uri in (
        ("RSA with SHA-1", "XML Signature 1.1 §6.4.2", f"{DS}rsa-sha1"),
        ("RSA with MD5", "RFC 9231 §2.3.1", f"{MORE}rsa-md5"),
        ("RSA with SHA-512", "RFC 9231 §2.3.4", f"{MORE}rsa-sha512"),
        ("RSASSA-PSS", "RFC 9231 §2.3.10", "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1"),
        ("DSA", "XML Signature 1.1 §6.4.1", f"{DS}dsa-sha1"),
        ("HMAC", "XML Signature 1.1 §6.3.1", f"{MORE}hmac-sha256"),
        ("Ed25519", "RFC 9231 §2.3.12", "http://www.w3.org/2021/04/xmldsig-more#eddsa-ed25519"),
        ("nothing", "XML Signature 1.1 §4.4.2", "none"),
    )
)
TRANSFORMS = tuple(
    spoken(f"a body after {name}", guard, clause, code, change_references=transforms(*uris))
    for name, guard, clause, code, uris in (
        (
            "inclusive canonicalisation",
            TRANSFORM,
            "Exclusive XML Canonicalization 1.0 §1",
            REFUSED,
            (INCLUSIVE,),
        ),
        (
            "canonicalisation with comments",
            TRANSFORM,
            "XML Signature 1.1 §6.5",
            REFUSED,
            (f"{EXC_C14N}WithComments",),
        ),
        (
            "XPath",
            TRANSFORM,
            "XML Signature Best Practices §2.1.2",
            REFUSED,
            ("http://www.w3.org/TR/1999/REC-xpath-19991116",),
        ),
        (
            "an XPath filter",
            TRANSFORM,
            "XML Signature Best Practices §2.1.2",
            REFUSED,
            ("http://www.w3.org/2002/06/xmldsig-filter2",),
        ),
        (
            "XSLT",
            TRANSFORM,
            "XML Signature Best Practices §2.1.1",
            REFUSED,
            ("http://www.w3.org/TR/1999/REC-xslt-19991116",),
        ),
        ("base64", TRANSFORM, "XML Signature 1.1 §6.6.2", REFUSED, (f"{DS}base64",)),
        ("a token's dereferencing", TRANSFORM, "WSS: SOAP Message Security §8.3", REFUSED, (STR_TRANSFORM,)),
        ("the headers of a part", TRANSFORM, "SwA Profile 1.1.1 §5.4.3", REFUSED, (COMPLETE,)),
        ("the content of a part", COVERAGE, "SwA Profile 1.1.1 §5.4.2", UNCOVERED, (SWA_CONTENT,)),
        (
            "leaving out the signature alone",
            COVERAGE,
            "XML Signature 1.1 §6.6.4",
            UNCOVERED,
            (f"{DS}enveloped-signature",),
        ),
        ("two canonicalisations", COVERAGE, "XML Signature 1.1 §4.4.3.4", UNCOVERED, (EXC_C14N, EXC_C14N)),
        ("no transform", "crypto.xmldsig:_read_transforms", "XML Signature 1.1 §4.4.3.4", SHAPE, ()),
        (
            "many transforms",
            "crypto.xmldsig:_read_transforms",
            "XML Signature Best Practices §2.1.4",
            SHAPE,
            (EXC_C14N,) * 4,
        ),
    )
)
OTHERS = (
    spoken(
        "SignedInfo canonicalised inclusively",
        C14N,
        "XML Signature 1.1 §4.4.1",
        REFUSED,
        signed_info_method=INCLUSIVE,
    ),
    spoken(
        "SignedInfo with its comments",
        C14N,
        "XML Signature 1.1 §6.5",
        REFUSED,
        signed_info_method=f"{EXC_C14N}WithComments",
    ),
    spoken(
        "a digest by SHA-1",
        DIGEST,
        "XML Signature 1.1 §6.2.1",
        REFUSED,
        change_references=digest_method(f"{DS}sha1"),
    ),
    spoken(
        "a digest by MD5", DIGEST, "RFC 9231 §2.1.1", REFUSED, change_references=digest_method(f"{MORE}md5")
    ),
    spoken(
        "a digest by SHA-512",
        DIGEST,
        "XML Signature 1.1 §6.2.5",
        REFUSED,
        change_references=digest_method("http://www.w3.org/2001/04/xmlenc#sha512"),
    ),
    spoken(
        "an RSA key by an elliptic algorithm",
        VERIFY,
        "XML Signature 1.1 §6.4.3",
        REFUSED,
        method=f"{MORE}ecdsa-sha256",
    ),
    spoken(
        "an elliptic key by an RSA algorithm",
        VERIFY,
        "XML Signature 1.1 §6.4.2",
        REFUSED,
        key="eksempelby-esdh-p256",
        method=f"{MORE}rsa-sha256",
    ),
    spoken(
        "an RSA key of 1024 bits",
        "crypto.algorithms:_require_rsa",
        "FIPS 186-5 §5.1",
        REFUSED,
        key="bad-rsa-1024",
    ),
    tampered(
        "an HMAC with the public key", METHOD, "XML Signature 1.1 §6.3.1", REFUSED, _keyed_with_the_public_key
    ),
    tampered(
        "an HMAC cut to nothing",
        INFO,
        "XML Signature 1.1 §6.3.1",
        REFUSED,
        _inside(MESSAGE, "<ds:HMACOutputLength>0</ds:HMACOutputLength>"),
    ),
    tampered(
        "parameters of a digest",
        "crypto.xmldsig:_read_reference",
        "XML Signature 1.1 §4.4.3.5",
        SHAPE,
        _inside(f"{FIRST}/ds:DigestMethod", "<ds:a/>"),
    ),
    tampered(
        "parameters of a transform",
        PREFIXES,
        "Exclusive XML Canonicalization 1.0 §4",
        SHAPE,
        _inside(f"{FIRST}//ds:Transform", "<ds:XPath>false()</ds:XPath>"),
    ),
    tampered(
        "two lists of prefixes",
        PREFIXES,
        "Exclusive XML Canonicalization 1.0 §4",
        SHAPE,
        _inside(f"{FIRST}//ds:Transform", "<ds:a/>"),
    ),
    tampered(
        "a list of prefixes with content",
        PREFIXES,
        "Exclusive XML Canonicalization 1.0 §4",
        SHAPE,
        lambda tree: one(tree, f"{FIRST}//ds:Transform").append(
            etree.fromstring(LISTED.format("a").replace("/>", "><x/></ec:InclusiveNamespaces>"))
        ),
    ),
    tampered(
        "many prefixes",
        PREFIXES,
        "XML Signature Best Practices §2.1",
        SHAPE,
        lambda tree: one(tree, f"{FIRST}//ds:Transform").append(etree.fromstring(LISTED.format("a " * 33))),
    ),
    tampered(
        "a prefix that is none",
        PREFIXES,
        "Namespaces in XML 1.0 §3",
        SHAPE,
        lambda tree: one(tree, f"{FIRST}//ds:Transform").append(etree.fromstring(LISTED.format("a:b"))),
    ),
    tampered(
        "a value of zeros",
        VERIFY,
        "XML Signature 1.1 §3.2.2",
        Code.SIGNATURE_VALUE,
        lambda tree: setattr(one(tree, "//ds:SignatureValue"), "text", base64.b64encode(bytes(384)).decode()),
    ),
    tampered(
        "a short value",
        VERIFY,
        "XML Signature 1.1 §4.3",
        Code.SIGNATURE_VALUE,
        lambda tree: setattr(one(tree, "//ds:SignatureValue"), "text", "AAAA"),
    ),
    tampered(
        "no value",
        VERIFY,
        "XML Signature 1.1 §4.3",
        Code.SIGNATURE_VALUE,
        lambda tree: setattr(one(tree, "//ds:SignatureValue"), "text", ""),
    ),
    enclosed(
        "a letter by RSA with SHA-1",
        METHOD,
        "XML Signature 1.1 §6.4.2",
        REFUSED,
        setting("//ds:SignatureMethod", Algorithm=f"{DS}rsa-sha1"),
    ),
    enclosed(
        "a letter canonicalised inclusively",
        C14N,
        "XML Signature 1.1 §4.4.1",
        REFUSED,
        setting("//ds:CanonicalizationMethod", Algorithm=INCLUSIVE),
    ),
    enclosed(
        "a letter after XSLT",
        TRANSFORM,
        "XML Signature Best Practices §2.1.1",
        REFUSED,
        setting(f"{TO_DOCUMENT}//ds:Transform[2]", Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"),
    ),
    enclosed(
        "a letter's digest by SHA-1",
        DIGEST,
        "XML Signature 1.1 §6.2.1",
        REFUSED,
        setting(f"{TO_DOCUMENT}/ds:DigestMethod", Algorithm=f"{DS}sha1"),
    ),
    enclosed(
        "a letter's certificate digest by SHA-1",
        DIGEST,
        "ETSI EN 319 132-1 §5.2.2",
        REFUSED,
        setting("//xades:CertDigest/ds:DigestMethod", Algorithm=f"{DS}sha1"),
    ),
    enclosed(
        "parameters of the enveloped transform",
        "crypto.xmldsig:_read_transforms",
        "XML Signature 1.1 §6.6.4",
        SHAPE,
        adding(f"{TO_DOCUMENT}//ds:Transform[1]", "<ds:XPath>false()</ds:XPath>"),
    ),
    enclosed(
        "something that is no transform",
        "crypto.xmldsig:_read_transforms",
        "XML Signature 1.1 §4.4.3.4",
        SHAPE,
        adding(f"{TO_DOCUMENT}/ds:Transforms", "<ds:a/>"),
    ),
    enclosed(
        "an elliptic value of zeros",
        "crypto.algorithms:ecdsa_der",
        "XML Signature 1.1 §6.4.3",
        Code.SIGNATURE_VALUE,
        _elliptic(bytes(64)),
    ),
    enclosed(
        "an elliptic value with an octet more",
        "crypto.algorithms:ecdsa_der",
        "XML Signature 1.1 §6.4.3",
        Code.SIGNATURE_VALUE,
        _stretched,
    ),
    enclosed(
        "an elliptic value of another length",
        "crypto.algorithms:ecdsa_der",
        "XML Signature 1.1 §6.4.3",
        Code.SIGNATURE_VALUE,
        _elliptic(bytes.fromhex("3006020101020101")),
    ),
)

CASES: tuple[Case, ...] = (*METHODS, *TRANSFORMS, *OTHERS)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_another_algorithm_or_key_is_refused_by_its_name(door: Door, case: Case) -> None:
    door.withstands(case)

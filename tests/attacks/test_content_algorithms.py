"""Documents signed with what is not on the allow-list, or with a value that is none: refused, by name."""

from __future__ import annotations

import base64
import hmac

import pytest
from cryptography.hazmat.primitives import serialization
from lxml import etree

from gateway.domain.catalogue import Code
from gateway.xmlcore.namespaces import DS, EXC_C14N
from tests.attacks.wrapping import (
    SIGNER,
    TO_DOCUMENT,
    adding,
    canonical,
    changed,
    golden,
    one,
    read,
    refusal,
    resigned,
    setting,
    texting,
)
from tests.pki import development_pki

P256 = "eksempelby-esdh-p256"
MORE = "http://www.w3.org/2001/04/xmldsig-more#"

# --- algorithms, refused by their names (XML Signature 1.1 §6.1) ---------------------------------------------------


@pytest.mark.parametrize(
    ("path", "algorithm"),
    [
        *(
            ("//ds:SignatureMethod", uri)
            for uri in (
                DS + "rsa-sha1",
                DS + "dsa-sha1",
                DS + "hmac-sha1",
                MORE + "hmac-sha256",
                MORE + "rsa-md5",
                MORE + "rsa-sha384",
                MORE + "rsa-sha512",
                MORE + "ecdsa-sha1",
                MORE + "ecdsa-sha384",
                "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1",
                "http://www.w3.org/2009/xmldsig11#dsa-sha256",
                "http://www.w3.org/2021/04/xmldsig-more#eddsa-ed25519",
            )
        ),
        *(
            (TO_DOCUMENT + "/ds:DigestMethod", uri)
            for uri in (
                DS + "sha1",
                MORE + "md5",
                MORE + "sha384",
                "http://www.w3.org/2001/04/xmlenc#sha512",
                "http://www.w3.org/2007/05/xmldsig-more#sha3-256",
            )
        ),
        ("//xades:CertDigest/ds:DigestMethod", DS + "sha1"),
        *(
            ("//ds:CanonicalizationMethod", uri)
            for uri in (
                "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
                "http://www.w3.org/2006/12/xml-c14n11",
                EXC_C14N + "WithComments",
                "http://www.w3.org/TR/1999/REC-xslt-19991116",
            )
        ),
        *(
            (TO_DOCUMENT + "//ds:Transform[2]", uri)
            for uri in (
                "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
                EXC_C14N + "WithComments",
                "http://www.w3.org/TR/1999/REC-xpath-19991116",
                "http://www.w3.org/2002/06/xmldsig-filter2",
                "http://www.w3.org/TR/1999/REC-xslt-19991116",
                DS + "base64",
                "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#STR-Transform",
            )
        ),
    ],
)
def test_another_algorithm_is_refused_by_its_name(path: str, algorithm: str) -> None:
    error = refusal(changed(setting(path, Algorithm=algorithm)))
    assert error.code is Code.SIGNATURE_ALGORITHM
    assert error.facts["algorithm"] == algorithm


@pytest.mark.parametrize(
    ("path", "xml", "name"),
    [
        ("//ds:KeyInfo", "<ds:KeyValue/>", "KeyValue"),
        ("//ds:KeyInfo", "<ds:RetrievalMethod URI='http://127.0.0.1/key'/>", "RetrievalMethod"),
        ("//ds:KeyInfo", "<ds:KeyName>root</ds:KeyName>", "KeyName"),
        ("//ds:KeyInfo", "<ds:PGPData/>", "PGPData"),
        ("//ds:Object", "<ds:Manifest/>", "Manifest"),
        ("//ds:Object", "<ds:SignatureProperties/>", "SignatureProperties"),
        ("//ds:SignatureMethod", "<ds:HMACOutputLength>0</ds:HMACOutputLength>", "parameters"),
    ],
)
def test_what_widens_the_signature_is_refused_by_its_name(path: str, xml: str, name: str) -> None:
    error = refusal(changed(adding(path, xml)))
    assert error.code is Code.SIGNATURE_ALGORITHM
    assert error.facts["algorithm"] == name


def test_a_manifest_reference_is_refused_by_its_name() -> None:
    error = refusal(changed(setting(TO_DOCUMENT, Type=DS + "Manifest")))
    assert (error.code, error.facts["algorithm"]) == (Code.SIGNATURE_ALGORITHM, "Manifest")


def test_an_hmac_keyed_with_the_public_key_is_refused() -> None:
    """Everything the attacker needs is public: XML Signature 1.1 §6.3.1 does not bind the key to its kind."""

    def change(root: etree._Element) -> None:
        one(root, "//ds:SignatureMethod").set("Algorithm", MORE + "hmac-sha256")
        public_key = development_pki().certificate(SIGNER).x509.public_key()
        pem = public_key.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        value = hmac.digest(pem, canonical(one(root, "//ds:SignedInfo")), "sha256")
        one(root, "//ds:SignatureValue").text = base64.b64encode(value).decode()

    assert refusal(changed(change)).code is Code.SIGNATURE_ALGORITHM


@pytest.mark.parametrize(("signer", "method"), [(SIGNER, MORE + "ecdsa-sha256"), (P256, MORE + "rsa-sha256")])
def test_a_key_of_another_kind_than_the_method_is_refused(signer: str, method: str) -> None:
    forged = resigned(setting("//ds:SignatureMethod", Algorithm=method), signer)
    assert refusal(forged).code is Code.SIGNATURE_ALGORITHM


# --- the value (XML Signature 1.1 §6.4.3) ------------------------------------------------------------------------

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def with_value(octets: bytes) -> bytes:
    return changed(texting("//ds:SignatureValue", base64.b64encode(octets).decode()), golden(P256))


@pytest.mark.parametrize(
    "value",
    [
        bytes(64),
        bytes(32) + b"\1" * 32,
        b"\1" * 32 + bytes(32),
        P256_ORDER.to_bytes(32, "big") * 2,
        b"\xff" * 64,
        bytes(65),
        b"",
        bytes.fromhex("3006020100020100"),
    ],
)
def test_an_elliptic_value_of_zeros_or_another_length_is_refused(value: bytes) -> None:
    assert refusal(with_value(value)).code is Code.SIGNATURE_VALUE


def test_both_halves_of_the_curve_are_accepted() -> None:
    """WSS4J does not choose the lower of the two valid values, and nothing is keyed on the value."""
    text = one(etree.fromstring(golden(P256)), "//ds:SignatureValue").text
    value = base64.b64decode(text or "")
    other = value[:32] + (P256_ORDER - int.from_bytes(value[32:], "big")).to_bytes(32, "big")
    assert read(with_value(other)).digest == read(golden(P256)).digest

"""The allow-list of algorithms and keys, RFC 9231 and XML Signature 1.1 §6.4."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from hypothesis import given
from hypothesis import strategies as st

from gateway.crypto.algorithms import (
    ATTACHMENT_CONTENT,
    ENVELOPED,
    EXCLUSIVE_C14N,
    SHA256,
    SignatureAlgorithm,
    ecdsa_der,
    ecdsa_value,
    require_canonicalisation,
    require_digest,
    require_transform,
)
from gateway.domain.catalogue import Code
from gateway.domain.errors import TrustError
from tests.pki import development_pki

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # SEC 2 §2.4.2
OCTETS = b"what was signed"
RSA = "eksempelby-esdh-2048"
P256 = "eksempelby-esdh-p256"

OTHER_SIGNATURES = [
    "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
    "http://www.w3.org/2000/09/xmldsig#dsa-sha1",
    "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
    "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-md5",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha1",
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384",
    "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1",
    "http://www.w3.org/2021/04/xmldsig-more#eddsa-ed25519",
    "http://www.w3.org/2001/04/xmldsig-more#RSA-SHA256",
    "",
]


def _refused(code: Code) -> pytest.RaisesExc[TrustError]:
    return pytest.RaisesExc(TrustError, check=lambda error: error.code is code)


@pytest.mark.parametrize("algorithm", SignatureAlgorithm)
def test_each_allowed_signature_algorithm_is_known_by_its_uri(algorithm: SignatureAlgorithm) -> None:
    assert SignatureAlgorithm.from_uri(algorithm.uri) is algorithm


@pytest.mark.parametrize("uri", OTHER_SIGNATURES)
def test_every_other_signature_algorithm_is_refused_by_name(uri: str) -> None:
    with _refused(Code.SIGNATURE_ALGORITHM) as refusal:
        SignatureAlgorithm.from_uri(uri)
    assert refusal.value.facts["algorithm"] == (uri or "(unreadable)")


@pytest.mark.parametrize("name", ["a\nb", "a" * 121, "a\u202eb", "\x1b[2J"])
def test_a_name_that_could_harm_a_log_or_a_fault_is_not_repeated(name: str) -> None:
    with _refused(Code.SIGNATURE_ALGORITHM) as refusal:
        require_digest(name)
    assert refusal.value.facts["algorithm"] == "(unreadable)"


@pytest.mark.parametrize(
    "uri",
    [
        "http://www.w3.org/2000/09/xmldsig#sha1",
        "http://www.w3.org/2001/04/xmldsig-more#md5",
        "http://www.w3.org/2001/04/xmlenc#sha512",
    ],
)
def test_only_sha256_is_a_digest(uri: str) -> None:
    require_digest(SHA256)
    with _refused(Code.SIGNATURE_ALGORITHM):
        require_digest(uri)


@pytest.mark.parametrize(
    "uri",
    [
        EXCLUSIVE_C14N + "WithComments",
        "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
        "http://www.w3.org/2006/12/xml-c14n11",
    ],
)
def test_only_exclusive_canonicalisation_without_comments_is_accepted(uri: str) -> None:
    require_canonicalisation(EXCLUSIVE_C14N)
    with _refused(Code.SIGNATURE_ALGORITHM):
        require_canonicalisation(uri)
    with _refused(Code.SIGNATURE_ALGORITHM):
        require_transform(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "http://www.w3.org/TR/1999/REC-xpath-19991116",
        "http://www.w3.org/2002/06/xmldsig-filter2",
        "http://www.w3.org/TR/1999/REC-xslt-19991116",
        "http://www.w3.org/2000/09/xmldsig#base64",
        "http://docs.oasis-open.org/wss/oasis-wss-SwAProfile-1.1#Attachment-Complete-Signature-Transform",
        "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#STR-Transform",
    ],
)
def test_every_transform_that_is_not_listed_is_refused(uri: str) -> None:
    for allowed in (ENVELOPED, EXCLUSIVE_C14N, ATTACHMENT_CONTENT):
        require_transform(allowed)
    with _refused(Code.SIGNATURE_ALGORITHM):
        require_transform(uri)


@pytest.mark.parametrize("name", [RSA, P256])
def test_a_true_value_verifies_and_one_over_other_octets_does_not(name: str) -> None:
    key = development_pki().signing_key(name)
    public_key = development_pki().certificate(name).public_key
    value = key.sign(OCTETS)
    key.algorithm.verify(public_key, value, OCTETS)
    with _refused(Code.SIGNATURE_VALUE):
        key.algorithm.verify(public_key, value, OCTETS + b".")
    with _refused(Code.SIGNATURE_VALUE):
        key.algorithm.verify(public_key, value[:-1], OCTETS)


@pytest.mark.parametrize(("name", "other"), [(RSA, P256), (P256, RSA)])
def test_a_key_must_be_of_the_kind_that_the_algorithm_names(name: str, other: str) -> None:
    pki = development_pki()
    value = pki.signing_key(name).sign(OCTETS)
    with _refused(Code.SIGNATURE_ALGORITHM):
        pki.signing_key(other).algorithm.verify(pki.certificate(name).public_key, value, OCTETS)


def test_a_pss_value_is_no_value_of_rsa_sha256() -> None:
    private_key = rsa.generate_private_key(65537, 2048)
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
    with _refused(Code.SIGNATURE_VALUE):
        SignatureAlgorithm.RSA_SHA256.verify(
            private_key.public_key(), private_key.sign(OCTETS, pss, hashes.SHA256()), OCTETS
        )


def _rsa_public(exponent: int, bits: int) -> rsa.RSAPublicKey:
    """A key of this size, whether or not anybody could hold its private half."""
    return rsa.RSAPublicNumbers(exponent, (1 << (bits - 1)) | 1).public_key()


@pytest.mark.parametrize("bits", [2048, 3072, 4096, 8192])
def test_rsa_keys_of_a_usual_size_are_allowed(bits: int) -> None:
    assert SignatureAlgorithm.for_key(_rsa_public(65537, bits)) is SignatureAlgorithm.RSA_SHA256


@pytest.mark.parametrize("exponent", [65537, (1 << 31) | 1, (1 << 32) - 1])
def test_rsa_exponents_of_up_to_32_bits_are_allowed(exponent: int) -> None:
    assert SignatureAlgorithm.for_key(_rsa_public(exponent, 2048)) is SignatureAlgorithm.RSA_SHA256


@pytest.mark.parametrize(
    "public_key",
    [
        pytest.param(_rsa_public(65537, 1024), id="rsa-1024"),
        pytest.param(_rsa_public(65537, 2047), id="rsa-2047"),
        pytest.param(_rsa_public(65537, 8193), id="rsa-8193"),
        pytest.param(_rsa_public(3, 2048), id="exponent-3"),
        pytest.param(_rsa_public(65535, 2048), id="exponent-of-16-bits"),
        pytest.param(_rsa_public((1 << 32) | 1, 2048), id="exponent-of-33-bits"),
        pytest.param(_rsa_public((1 << 64) | 1, 2048), id="exponent-of-65-bits"),
        pytest.param(ec.generate_private_key(ec.SECP384R1()).public_key(), id="p-384"),
        pytest.param(ec.generate_private_key(ec.SECP256K1()).public_key(), id="secp256k1"),
        pytest.param(ed25519.Ed25519PrivateKey.generate().public_key(), id="ed25519"),
    ],
)
def test_every_other_key_is_refused(public_key: object) -> None:
    with _refused(Code.SIGNATURE_ALGORITHM):
        SignatureAlgorithm.for_key(public_key)
    with _refused(Code.SIGNATURE_ALGORITHM):
        SignatureAlgorithm.RSA_SHA256.verify(public_key, bytes(256), OCTETS)


def test_an_ecdsa_value_with_a_high_s_is_accepted() -> None:
    # ECDSA has two valid values for every signature; widely used signers send either.
    public_key = development_pki().certificate(P256).public_key
    value = development_pki().signing_key(P256).sign(OCTETS)
    s = int.from_bytes(value[32:], "big")
    other = value[:32] + (P256_ORDER - s).to_bytes(32, "big")
    SignatureAlgorithm.ECDSA_P256_SHA256.verify(public_key, value, OCTETS)
    SignatureAlgorithm.ECDSA_P256_SHA256.verify(public_key, other, OCTETS)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(bytes(64), id="zero-and-zero"),
        pytest.param(bytes(32) + b"\x01" * 32, id="r-zero"),
        pytest.param(b"\x01" * 32 + bytes(32), id="s-zero"),
        pytest.param(P256_ORDER.to_bytes(32, "big") * 2, id="both-the-order"),
        pytest.param(b"\xff" * 64, id="both-above-the-order"),
        pytest.param(b"\x01" * 63, id="too-short"),
        pytest.param(b"\x01" * 65, id="too-long"),
        pytest.param(b"", id="empty"),
    ],
)
def test_an_ecdsa_value_of_another_shape_or_with_a_zero_is_refused(value: bytes) -> None:
    with _refused(Code.SIGNATURE_VALUE):
        SignatureAlgorithm.ECDSA_P256_SHA256.verify(
            development_pki().certificate(P256).public_key, value, OCTETS
        )


@pytest.mark.parametrize(
    "value", [b"\x01" * 63, b"\x01" * 65, bytes(32) + b"\x01" * 32, b"\x01" * 32 + bytes(32)]
)
def test_an_ecdsa_value_of_another_shape_or_with_a_zero_has_no_der_form(value: bytes) -> None:
    with _refused(Code.SIGNATURE_VALUE):
        ecdsa_der(value)


def test_an_ecdsa_value_in_der_is_refused() -> None:
    # XML Signature 1.1 §6.4.3: the value is r||s, not the DER of X.509.
    value = development_pki().signing_key(P256).sign(OCTETS)
    with _refused(Code.SIGNATURE_VALUE):
        SignatureAlgorithm.ECDSA_P256_SHA256.verify(
            development_pki().certificate(P256).public_key, ecdsa_der(value), OCTETS
        )


@given(st.integers(1, P256_ORDER - 1), st.integers(1, P256_ORDER - 1))
def test_both_forms_of_an_ecdsa_value_say_the_same(r: int, s: int) -> None:
    value = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    assert ecdsa_value(ecdsa_der(value)) == value

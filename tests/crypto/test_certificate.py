"""Which octets are a certificate at all."""

from __future__ import annotations

import hashlib
import warnings
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, x25519
from cryptography.x509.oid import ObjectIdentifier

from gateway.crypto import development_issuing as issuing
from gateway.crypto.certificate import Certificate, is_signed_as_allowed
from gateway.domain.catalogue import Code
from tests.crypto.changed import SECOND, issue_changed, leaf_builder, refused
from tests.pki import development_pki


def test_octets_after_the_certificate_are_refused() -> None:
    der = development_pki().certificate("eksempelby-kommune").der
    assert Certificate.from_der(der).der == der
    for wrong in (der + b"\x00", der + der, der[:-1], b"", b"\x30\x00"):
        with refused(Code.CERTIFICATE_MALFORMED):
            Certificate.from_der(wrong)


def test_a_certificate_that_is_ber_but_not_der_is_refused() -> None:
    der = development_pki().certificate("eksempelby-kommune").der
    assert der[:2] == b"\x30\x82"  # a length in two octets, written in three below
    with refused(Code.CERTIFICATE_MALFORMED):
        Certificate.from_der(b"\x30\x83\x00" + der[2:])


def test_a_certificate_whose_rsa_exponent_is_even_is_refused() -> None:
    der = development_pki().certificate("eksempelby-kommune").der
    usual, even = b"\x02\x03\x01\x00\x01", b"\x02\x03\x01\x00\x02"
    assert der.count(usual) == 1
    with refused(Code.CERTIFICATE_MALFORMED):
        Certificate.from_der(der.replace(usual, even))


def test_a_certificate_beyond_any_reasonable_size_is_refused() -> None:
    huge = x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.4.1.99999.1"), bytes(16 * 1024))
    with refused(Code.CERTIFICATE_MALFORMED):
        issue_changed(extra=[(huge, False)])


def test_a_certificate_of_16_kilobytes_can_be_read_and_one_octet_more_cannot() -> None:
    def of(octets: int) -> bytes:
        blank = x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.4.1.99999.1"), bytes(octets))
        builder, issuer = leaf_builder()
        return issuing.sign_builder(builder.add_extension(blank, critical=False), issuer)

    least = 16_384 - (len(of(16_000)) - 16_000)
    assert len(Certificate.from_der(of(least)).der) == 16_384
    assert len(of(least + 1)) == 16_385
    with refused(Code.CERTIFICATE_MALFORMED):
        Certificate.from_der(of(least + 1))


_P256, _UNKNOWN_CURVE = bytes.fromhex("06082a8648ce3d030107"), bytes.fromhex("06082a8648ce3d03017f")
_KEY_IDENTIFIER, _KEY_USAGE = bytes.fromhex("0603551d0e"), bytes.fromhex("0603551d0f")


@pytest.mark.parametrize(
    ("usual", "other"),
    [
        pytest.param(_P256, _UNKNOWN_CURVE, id="a-key-on-an-unknown-curve"),
        pytest.param(bytes.fromhex("a003020102"), bytes.fromhex("a003020103"), id="version-4"),
        pytest.param(bytes.fromhex("a003020102"), bytes.fromhex("a003020101"), id="version-2"),
        pytest.param(_KEY_IDENTIFIER, _KEY_USAGE, id="two-extensions-of-one-kind"),
        pytest.param(b"\x86\x1fhttp", b"\xa3\x1fhttp", id="a-name-of-a-kind-that-is-not-read"),
        pytest.param(bytes.fromhex("020101"), bytes.fromhex("020100"), id="serial-number-0"),
        pytest.param(bytes.fromhex("020101"), bytes.fromhex("0201ff"), id="a-negative-serial-number"),
    ],
)
def test_a_certificate_that_the_library_reads_in_part_is_refused(usual: bytes, other: bytes) -> None:
    der = _with_serial_number(1)
    assert usual in der
    Certificate.from_der(der)
    with refused(Code.CERTIFICATE_MALFORMED):
        Certificate.from_der(der.replace(usual, other, 1))


@pytest.mark.parametrize("serial_number", [1, (1 << 159) - 1])
def test_serial_numbers_up_to_20_octets_can_be_read(serial_number: int) -> None:
    assert Certificate.from_der(_with_serial_number(serial_number)).x509.serial_number == serial_number


def test_a_serial_number_of_21_octets_is_refused() -> None:
    # RFC 5280 §4.1.2.2: "MUST NOT use serialNumber values longer than 20 octets". A first octet of 0x80 or more needs
    # one more before it.
    der = _with_serial_number((1 << 159) - 1)
    position = der.index(b"\x02\x14\x7f" + b"\xff" * 19)
    inner = b"\x02\x15\x00\x80" + der[position + 3 : position + 22]
    longer = bytearray(der[:position] + inner + der[position + 22 :])
    for at in (2, 6):  # the lengths of the certificate and of its signed part, each in two octets
        length = int.from_bytes(longer[at : at + 2], "big") + 1
        longer[at : at + 2] = length.to_bytes(2, "big")
    assert x509.load_der_x509_certificate(bytes(longer)).serial_number.bit_length() == 160
    with refused(Code.CERTIFICATE_MALFORMED):
        Certificate.from_der(bytes(longer))


def _with_serial_number(serial_number: int) -> bytes:
    builder, issuer = leaf_builder(serial_number)
    return issuing.sign_builder(builder, issuer)


@pytest.mark.parametrize("serial_number", ["00", "ff"])
def test_a_serial_number_that_is_not_positive_is_refused_though_the_library_only_warns(
    serial_number: str,
) -> None:
    # RFC 5280 §4.1.2.2: "The serial number MUST be a positive integer".
    der = _with_serial_number(1).replace(bytes.fromhex("020101"), bytes.fromhex("0201" + serial_number), 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with refused(Code.CERTIFICATE_MALFORMED):
            Certificate.from_der(der)


def test_a_certificate_of_version_1_is_refused() -> None:
    der, version = _with_serial_number(1), bytes.fromhex("a003020102")
    without = bytearray(der.replace(version, b"", 1))
    for at in (2, 6):  # the lengths of the certificate and of its signed part, each in two octets
        without[at : at + 2] = (int.from_bytes(without[at : at + 2], "big") - len(version)).to_bytes(2, "big")
    assert x509.load_der_x509_certificate(bytes(without)).version is x509.Version.v1
    with refused(Code.CERTIFICATE_MALFORMED):
        Certificate.from_der(bytes(without))


def test_a_certificate_is_named_by_the_sha256_of_its_octets_in_hexadecimal() -> None:
    der = development_pki().certificate("eksempelby-kommune").der
    assert Certificate.from_der(der).fingerprint == hashlib.sha256(der).hexdigest()


def test_a_file_of_certificates_is_read_in_its_order() -> None:
    chain = development_pki().holders["eksempelby-kommune"].chain
    assert Certificate.all_from_pem(b"".join(one.pem for one in chain)) == chain
    assert Certificate.all_from_pem(b"".join(one.pem for one in chain[::-1])) == chain[::-1]


@pytest.mark.parametrize(
    "pem", [b"", b"no PEM", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_a_file_without_certificates_is_refused(pem: bytes) -> None:
    with refused(Code.CERTIFICATE_MALFORMED):
        Certificate.all_from_pem(pem)


def test_a_certificate_is_current_from_its_first_second_to_its_last() -> None:
    certificate = development_pki().certificate("eksempelby-kommune")
    first, last = certificate.x509.not_valid_before_utc, certificate.x509.not_valid_after_utc
    asked = (first - SECOND, first, first + timedelta(days=1), last, last + SECOND)
    assert [certificate.is_current(at) for at in asked] == [False, True, True, True, False]


def test_a_certificate_may_have_no_key_identifier() -> None:
    # RFC 5280 §4.2.1.2 asks for one in an authority's certificate only.
    with_one, *_ = issue_changed()
    usual = x509.SubjectKeyIdentifier.from_public_key(with_one.x509.public_key())
    without = Certificate.from_der(_self_signed(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256()))
    assert with_one.subject_key == usual.digest
    assert without.subject_key is None


# --- who issued it --------------------------------------------------------------------------------------


def test_a_certificate_is_issued_by_the_key_that_signed_it_and_not_by_its_name() -> None:
    pki = development_pki()
    good, spoof = pki.certificate("eksempelby-kommune"), pki.certificate("bad-name-spoof")
    authority, impostor = pki.certificate("issuing"), pki.certificate("impostor")
    assert authority.subject_der == impostor.subject_der == good.issuer_der == spoof.issuer_der
    assert good.is_issued_by(authority)
    assert spoof.is_issued_by(impostor)
    assert not spoof.is_issued_by(authority)
    assert not good.is_issued_by(impostor)
    assert not good.is_issued_by(pki.certificate("root"))


def _self_signed(key: ec.EllipticCurvePrivateKey | dsa.DSAPrivateKey, digest: hashes.HashAlgorithm) -> bytes:
    pki, name = development_pki(), development_pki().certificate("issuing").x509.subject
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, pki.at, pki.at + timedelta(days=1))
    return builder.sign(key, digest).public_bytes(serialization.Encoding.DER)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("digest", "allowed"),
    [
        (hashes.SHA256(), True),
        (hashes.SHA384(), True),
        (hashes.SHA512(), True),
        (hashes.SHA224(), False),
        (hashes.SHA3_256(), False),
    ],
)
def test_an_authority_signs_with_sha_2_of_at_least_256_bits(
    digest: hashes.HashAlgorithm, allowed: bool
) -> None:
    certificate = Certificate.from_der(_self_signed(ec.generate_private_key(ec.SECP256R1()), digest))
    assert is_signed_as_allowed(certificate.x509) is allowed
    assert certificate.is_issued_by(certificate) is allowed


def test_a_key_that_signs_nothing_has_issued_nothing() -> None:
    name, key = development_pki().certificate("issuing").x509.subject, ec.generate_private_key(ec.SECP256R1())
    agreeing = x25519.X25519PrivateKey.generate().public_key()
    at = development_pki().at
    builder = x509.CertificateBuilder(name, name, agreeing, 1, at, at + timedelta(days=1))
    der = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
    certificate = Certificate.from_der(der)
    assert is_signed_as_allowed(certificate.x509)
    assert not certificate.is_issued_by(certificate)


def test_a_certificate_whose_subject_holds_no_text_where_text_belongs_is_refused() -> None:
    der = _self_signed(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    named = bytes.fromhex("06 03 55 04 03") + b"\x0c"  # commonName as UTF8String
    assert named in der
    with refused(Code.CERTIFICATE_MALFORMED):
        Certificate.from_der(der.replace(named, named[:-1] + b"\x03"))  # as BIT STRING


def test_an_authority_does_not_sign_by_dsa() -> None:
    certificate = x509.load_der_x509_certificate(
        _self_signed(dsa.generate_private_key(1024), hashes.SHA256())
    )
    assert not is_signed_as_allowed(certificate)


def test_a_signature_by_an_unknown_algorithm_is_not_allowed() -> None:
    ecdsa_with_sha256, unknown = bytes.fromhex("2a8648ce3d040302"), bytes.fromhex("2a8648ce3d04037f")
    der = _self_signed(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    assert der.count(ecdsa_with_sha256) == 2
    certificate = Certificate.from_der(der.replace(ecdsa_with_sha256, unknown))
    assert not is_signed_as_allowed(certificate.x509)
    assert not certificate.is_issued_by(certificate)

"""Which octets are a certificate at all."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.x509.oid import ObjectIdentifier

from gateway.crypto import development_issuing as issuing
from gateway.crypto.certificate import Certificate
from gateway.domain.catalogue import Code
from tests.crypto.changed import issue_changed, leaf_builder, refused
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

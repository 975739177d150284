"""Messages signed with a key that does not count, or that name one key and are signed with another.

The rule: KeyInfo only selects; who signed is what a certificate says that leads to a configured root.
"""

from __future__ import annotations

import base64

import pytest

from gateway.crypto.certificates import Certificate
from gateway.domain.catalogue import Code
from gateway.xmlcore.namespaces import SERVICE
from tests.messages import (
    BASE64,
    SYSTEM,
    X509,
    ByHand,
    der_token,
    received,
    refusal_by_hand,
)
from tests.pki import development_pki


def token_of(name: str) -> str:
    return der_token(development_pki().certificate(name).der)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("bad-expired", Code.CERTIFICATE_TIME),
        ("bad-not-yet-valid", Code.CERTIFICATE_TIME),
        ("bad-revoked", Code.CERTIFICATE_REVOKED),
        ("bad-wrong-policy", Code.CERTIFICATE_USAGE),
        ("bad-wrong-usage", Code.CERTIFICATE_USAGE),
        ("bad-rsa-1024", Code.SIGNATURE_ALGORITHM),
        ("bad-name-spoof", Code.CERTIFICATE_UNTRUSTED),
        ("bad-self-signed", Code.CERTIFICATE_UNTRUSTED),
        ("bad-issued-by-leaf", Code.CERTIFICATE_UNTRUSTED),
    ],
)
def test_message_of_a_certificate_that_does_not_hold_is_refused(name: str, code: Code) -> None:
    assert refusal_by_hand(key=name) is code


def test_identity_is_the_certificates_whatever_the_message_claims() -> None:
    claim = f'<Ping xmlns="{SERVICE}"><Echo>CVR 11111111, Eksempelby Kommune</Echo></Ping>'
    verified = received(ByHand(key="bad-wrong-cvr", body=claim).sent())
    assert str(verified.certificate.identity.cvr) == "77777777"


def test_certificate_of_another_system_in_the_token_is_refused() -> None:
    assert refusal_by_hand(token=token_of("proevelund-esdh")) is Code.SIGNATURE_VALUE


def x509_data(*certificates: Certificate, serial: int | None = None) -> str:
    listed = "".join(
        f"<ds:X509Certificate>{base64.b64encode(one.der).decode()}</ds:X509Certificate>"
        for one in certificates
    )
    named = (
        ""
        if serial is None
        else (
            f"<ds:X509IssuerSerial><ds:X509IssuerName>CN=a</ds:X509IssuerName><ds:X509SerialNumber>{serial}"
            "</ds:X509SerialNumber></ds:X509IssuerSerial>"
        )
    )
    return f"<ds:X509Data>{named}{listed}</ds:X509Data>"


def str_of(inner: str) -> str:
    return f"<wsse:SecurityTokenReference>{inner}</wsse:SecurityTokenReference>"


OWN = development_pki().certificate(SYSTEM)
OTHER = development_pki().certificate("proevelund-esdh")
THUMBPRINT = "http://docs.oasis-open.org/wss/oasis-wss-soap-message-security-1.1#ThumbprintSHA1"


@pytest.mark.parametrize(
    ("key_info", "code"),
    [
        pytest.param("", Code.SIGNATURE_SHAPE, id="empty"),
        pytest.param(x509_data(OTHER), Code.SIGNATURE_VALUE, id="certificate_of_another"),
        pytest.param(x509_data(OTHER, OWN), Code.SIGNATURE_VALUE, id="another_first"),
        pytest.param(x509_data(OTHER, serial=OWN.x509.serial_number), Code.SIGNATURE_SHAPE, id="two_named"),
        pytest.param(
            x509_data(serial=OTHER.x509.serial_number), Code.CERTIFICATE_UNTRUSTED, id="serial_of_another"
        ),
        pytest.param(x509_data(*[OWN] * 5), Code.SIGNATURE_SHAPE, id="too_many_certificates"),
        pytest.param(x509_data(OWN) + str_of(x509_data(OWN)), Code.SIGNATURE_SHAPE, id="named_twice"),
        pytest.param("<ds:X509Data/>", Code.SIGNATURE_SHAPE, id="no_certificate"),
        pytest.param(
            "<ds:X509Data><ds:X509SubjectName>CN=a</ds:X509SubjectName></ds:X509Data>",
            Code.SIGNATURE_SHAPE,
            id="name",
        ),
        pytest.param("<ds:KeyName>a</ds:KeyName>", Code.SIGNATURE_ALGORITHM, id="key_name"),
        pytest.param("<ds:KeyValue/>", Code.SIGNATURE_ALGORITHM, id="key_value"),
        pytest.param(
            '<ds:RetrievalMethod URI="https://a.example/"/>', Code.SIGNATURE_ALGORITHM, id="retrieval_method"
        ),
        pytest.param(str_of('<wsse:Reference URI="#B"/>'), Code.SIGNATURE_SHAPE, id="reference_to_the_body"),
        pytest.param(
            str_of('<wsse:Reference URI="https://a.example/"/>'), Code.SIGNATURE_SHAPE, id="reference_out"
        ),
        pytest.param(str_of("<wsse:Embedded/>"), Code.SIGNATURE_SHAPE, id="embedded"),
        pytest.param(
            str_of(f'<wsse:Reference URI="#T" ValueType="{X509}#X509PKIPathv1"/>'),
            Code.SIGNATURE_SHAPE,
            id="value_type",
        ),
        pytest.param(
            str_of(
                f'<wsse:KeyIdentifier EncodingType="{BASE64}" ValueType="{THUMBPRINT}">AAAA</wsse:KeyIdentifier>'
            ),
            Code.CERTIFICATE_UNTRUSTED,
            id="thumbprint_of_nobody",
        ),
        pytest.param(
            str_of("<wsse:KeyIdentifier>AAAA</wsse:KeyIdentifier>"), Code.SIGNATURE_SHAPE, id="no_value_type"
        ),
    ],
)
def test_key_info_that_names_another_key_or_none_is_refused(key_info: str, code: Code) -> None:
    assert refusal_by_hand(key_info=key_info) is code


PATH = f"{X509}#X509PKIPathv1"


@pytest.mark.parametrize(
    ("token", "code"),
    [
        pytest.param(der_token(b""), Code.CERTIFICATE_MALFORMED, id="empty"),
        pytest.param(
            der_token(OWN.der + b"\x00"), Code.CERTIFICATE_MALFORMED, id="octets_after_the_certificate"
        ),
        pytest.param(der_token(OWN.der, "urn:other"), Code.SIGNATURE_SHAPE, id="other_value_type"),
        pytest.param(
            der_token(OWN.der).replace("Base64Binary", "HexBinary"), Code.SIGNATURE_SHAPE, id="other_encoding"
        ),
        pytest.param(der_token(OWN.der).replace("MII", "M*I", 1), Code.SIGNATURE_SHAPE, id="not_base64"),
        pytest.param(der_token(OWN.der, token_id="U"), Code.SIGNATURE_SHAPE, id="other_id"),
    ],
)
def test_token_that_is_not_one_certificate_is_refused(token: str, code: Code) -> None:
    assert refusal_by_hand(token=token) is code


@pytest.mark.parametrize(
    ("octets", "code"),
    [
        pytest.param(b"", Code.SIGNATURE_SHAPE, id="empty"),
        pytest.param(b"\x30\x00", Code.SIGNATURE_SHAPE, id="no_certificate"),
        pytest.param(b"\x30\x80", Code.SIGNATURE_SHAPE, id="indefinite_length"),
        pytest.param(b"\x30\x84\x00\x00\x00\x01", Code.SIGNATURE_SHAPE, id="long_length"),
        pytest.param(b"\x30\x82\x10", Code.SIGNATURE_SHAPE, id="cut_off"),
        pytest.param(b"\x30\x03\x30\x05\x00", Code.SIGNATURE_SHAPE, id="certificate_longer_than_the_path"),
        pytest.param(b"\x30\x02\x04\x00", Code.SIGNATURE_SHAPE, id="something_else_in_it"),
        pytest.param(
            b"\x30\x82" + len(OWN.der).to_bytes(2, "big") + OWN.der + b"\x00",
            Code.SIGNATURE_SHAPE,
            id="octets_after_the_path",
        ),
        pytest.param(b"\x30\x0a" + b"\x30\x00" * 5, Code.SIGNATURE_SHAPE, id="too_many"),
        pytest.param(b"\x30\x02\x30\x00", Code.CERTIFICATE_MALFORMED, id="empty_certificate"),
        pytest.param(
            b"\x30\x82" + (len(OWN.der) + len(OTHER.der)).to_bytes(2, "big") + OWN.der + OTHER.der,
            Code.SIGNATURE_VALUE,
            id="leaf_first",
        ),
    ],
)
def test_certificate_path_of_another_form_is_refused(octets: bytes, code: Code) -> None:
    key_info = str_of(f'<wsse:Reference URI="#T" ValueType="{PATH}"/>')
    assert refusal_by_hand(token=der_token(octets, PATH), key_info=key_info) is code

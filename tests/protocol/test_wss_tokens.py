"""The forms in which a certificate may be named, to the letter; that it is believed is said elsewhere."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import replace

import pytest
from lxml import etree

from gateway.crypto.certificates import Certificate
from gateway.domain.catalogue import Code
from gateway.protocol.wss_tokens import CertificateHint, signing_chain, token_chain
from gateway.xmlcore.namespaces import WSSE_11
from tests.crypto.changed import refused
from tests.messages import BASE64, NAMES, X509, der_token
from tests.pki import development_pki

CHAIN = development_pki().chain("eksempelby-esdh")
LEAF = CHAIN[0]
PATH = f"{X509}#X509PKIPathv1"


def read(xml: str) -> etree._Element:
    names = "".join(f' xmlns:{name}="{NAMES[name]}"' for name in ("wsse", "wsu", "ds"))
    return etree.fromstring(f'<ds:KeyInfo xmlns:wsse11="{WSSE_11}"{names}{xml}</ds:KeyInfo>')


TOKEN = read(f">{der_token(LEAF.der)}")[0]


def chain(xml: str, token: etree._Element | None = TOKEN) -> tuple[Certificate, ...]:
    """What KeyInfo of this content names, beside a token of the id T."""
    return signing_chain(read(xml), token, {"T": TOKEN}, lambda hint: CHAIN if hint.fits(LEAF) else ())


# --- a reference to the token -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "xml",
    [
        pytest.param("><wsse:SecurityTokenReference>{0}</wsse:SecurityTokenReference>", id="plain"),
        pytest.param(
            ' Id="KI-1"><wsse:SecurityTokenReference wsu:Id="STR-1">{0}</wsse:SecurityTokenReference>',
            id="with-ids",
        ),
        pytest.param(
            '><wsse:SecurityTokenReference Id="STR-1">{0}</wsse:SecurityTokenReference>', id="with-plain-id"
        ),
        pytest.param(
            f'><wsse:SecurityTokenReference Usage="urn:signature" wsse11:TokenType="{X509}#X509v3">'
            "{0}</wsse:SecurityTokenReference>",
            id="with-usage-and-type",
        ),
        pytest.param(">{0}", id="without-the-element-around-it"),
    ],
)
@pytest.mark.parametrize("value_type", ["", f' ValueType="{X509}#X509v3"'])
def test_a_reference_to_the_token_names_its_certificate_in_whatever_form_clients_write_it(
    xml: str, value_type: str
) -> None:
    """Ids, Usage, TokenType and ValueType may be given or left out."""
    assert chain(xml.format(f'<wsse:Reference URI="#T"{value_type}/>')) == (LEAF,)


@pytest.mark.parametrize(
    "reference",
    [
        pytest.param("<wsse:Reference/>", id="to-nothing"),
        pytest.param('<wsse:Reference URI=""/>', id="to-the-whole-message"),
        pytest.param('<wsse:Reference URI="T"/>', id="without-the-sign"),
        pytest.param('<wsse:Reference URI="?T"/>', id="with-another-sign"),
        pytest.param('<wsse:Reference URI="#U"/>', id="to-another-element"),
        pytest.param('<wsse:Reference URI="#T"><wsse:Other/></wsse:Reference>', id="with-something-in-it"),
        pytest.param('<wsse:Reference URI="#T">text</wsse:Reference>', id="with-text-in-it"),
        pytest.param('<wsse:Reference URI="#T" Usage="urn:x"/>', id="with-another-attribute"),
        pytest.param('<wsse:Reference URI="#T" ValueType=""/>', id="of-no-type"),
        pytest.param(f'<wsse:Reference URI="#T" ValueType="{PATH}"/>', id="of-another-type"),
    ],
)
def test_a_reference_of_another_form_is_refused(reference: str) -> None:
    with refused(Code.SIGNATURE_SHAPE):
        chain(f"><wsse:SecurityTokenReference>{reference}</wsse:SecurityTokenReference>")


def test_a_reference_leads_to_the_token_of_the_security_header_and_to_no_other() -> None:
    for uri in ("#T", "#nowhere"):
        with refused(Code.SIGNATURE_SHAPE):
            chain(f'><wsse:Reference URI="{uri}"/>', token=None)
    with refused(Code.SIGNATURE_SHAPE):
        chain('><wsse:Reference URI="#T"/>', token=read(f">{der_token(LEAF.der)}")[0])


@pytest.mark.parametrize(
    "name", ["wsse:Embedded", "wsse:BinarySecurityToken", "ds:Other", "ds:KeyIdentifier"]
)
def test_a_certificate_is_named_in_no_other_way_though_it_stands_there(name: str) -> None:
    encoded = base64.b64encode(LEAF.der).decode()
    named = '><{0} ValueType="{1}#X509v3">{2}</{0}>'
    assert chain(named.format("wsse:KeyIdentifier", X509, encoded)) == (LEAF,)
    with refused(Code.SIGNATURE_SHAPE):
        chain(named.format(name, X509, encoded))


OTHER = development_pki().certificate("proevelund-esdh")


def test_a_certificate_is_the_one_that_is_meant_by_all_that_is_said_of_it() -> None:
    said = CertificateHint(LEAF.x509.serial_number, "CN=a", LEAF.subject_key, LEAF.sha1)
    assert said.fits(LEAF)
    for wrong in (replace(said, serial_number=1), replace(said, subject_key=b"x"), replace(said, sha1=b"x")):
        assert not wrong.fits(LEAF)
    for part in (
        CertificateHint(serial_number=LEAF.x509.serial_number),
        CertificateHint(subject_key=LEAF.subject_key),
        CertificateHint(sha1=LEAF.sha1),
    ):
        assert (part.fits(LEAF), part.fits(OTHER)) == (True, False)


# --- issuer and serial number -------------------------------------------------------------------------------------


def issuer_serial(serial: str, issuer: str = "CN=a, O=b") -> str:
    return (
        f"<ds:X509IssuerSerial><ds:X509IssuerName>{issuer}</ds:X509IssuerName>"
        f"<ds:X509SerialNumber>{serial}</ds:X509SerialNumber></ds:X509IssuerSerial>"
    )


SERIAL = str(LEAF.x509.serial_number)


def test_a_serial_number_may_have_white_space_around_it() -> None:
    for serial in (SERIAL, f"\n  {SERIAL}\t "):
        assert chain(f"><ds:X509Data>{issuer_serial(serial)}</ds:X509Data>", token=None) == CHAIN


@pytest.mark.parametrize("serial", ["", "-1", "0x1", "1 2", "1" * 61, "\u0661"])
def test_a_serial_number_is_a_number_of_at_most_60_digits(serial: str) -> None:
    with refused(Code.SIGNATURE_SHAPE):
        chain(f"><ds:X509Data>{issuer_serial(serial)}</ds:X509Data>")


def test_one_certificate_is_named_by_one_serial_number() -> None:
    with refused(Code.SIGNATURE_SHAPE):
        chain(f"><ds:X509Data>{issuer_serial(SERIAL) * 2}</ds:X509Data>")


def test_who_keeps_the_systems_is_asked_for_the_certificate_as_it_was_named() -> None:
    asked: list[CertificateHint] = []

    def registered(hint: CertificateHint) -> Sequence[Certificate]:
        asked.append(hint)
        return CHAIN

    key_info = read(f"><ds:X509Data>{issuer_serial(SERIAL)}</ds:X509Data>")
    assert signing_chain(key_info, None, {}, registered) == CHAIN
    assert asked == [CertificateHint(serial_number=int(SERIAL), issuer="CN=a, O=b")]


ISSUER_NAME = "<ds:X509IssuerName>CN=a</ds:X509IssuerName>"
CARRIED = f"<ds:X509Certificate>{base64.b64encode(LEAF.der).decode()}</ds:X509Certificate>"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(f"<ds:X509IssuerSerial>{ISSUER_NAME}</ds:X509IssuerSerial>", id="no-number"),
        pytest.param(
            f"<ds:X509IssuerSerial>{ISSUER_NAME}<ds:Number>{SERIAL}</ds:Number></ds:X509IssuerSerial>",
            id="something-else-for-a-number",
        ),
        pytest.param(issuer_serial(SERIAL).replace("IssuerSerial", "Digest"), id="something-else"),
        pytest.param(f"{CARRIED}<ds:X509SubjectName>CN=a</ds:X509SubjectName>", id="a-name-beside"),
        pytest.param(issuer_serial("1") + CARRIED, id="another-number-beside"),
    ],
)
def test_a_certificate_is_carried_or_named_by_issuer_and_serial_number_and_by_nothing_else(data: str) -> None:
    assert chain(f"><ds:X509Data>{CARRIED}</ds:X509Data>") == (LEAF,)
    assert chain(f"><ds:X509Data>{issuer_serial(SERIAL)}{CARRIED}</ds:X509Data>") == (LEAF,)
    with refused(Code.SIGNATURE_SHAPE):
        chain(f"><ds:X509Data>{data}</ds:X509Data>")


# --- its octets ---------------------------------------------------------------------------------------------------

ENCODED = f' EncodingType="{BASE64}"'


def key_identifier(attributes: str) -> str:
    """A reference that holds the certificate."""
    encoded = base64.b64encode(LEAF.der).decode()
    inner = f"<wsse:KeyIdentifier {attributes}>{encoded}</wsse:KeyIdentifier>"
    return f"><wsse:SecurityTokenReference>{inner}</wsse:SecurityTokenReference>"


def token(old: str, new: str) -> etree._Element:
    """The token with something in it said otherwise."""
    assert old in der_token(LEAF.der)
    return read(f">{der_token(LEAF.der).replace(old, new)}")[0]


@pytest.mark.parametrize("encoding", ["", ENCODED])
def test_a_certificate_is_read_from_base64_whether_that_is_said_or_not(encoding: str) -> None:
    assert chain(key_identifier(f'ValueType="{X509}#X509v3"{encoding}')) == (LEAF,)
    assert token_chain(token(ENCODED, encoding)) == (LEAF,)


@pytest.mark.parametrize("encoding", [' EncodingType=""', ENCODED.replace("#Base64", "#Hex")])
def test_a_certificate_that_is_said_to_be_in_another_encoding_is_refused(encoding: str) -> None:
    with refused(Code.SIGNATURE_SHAPE):
        chain(key_identifier(f'ValueType="{X509}#X509v3"{encoding}'))
    with refused(Code.SIGNATURE_SHAPE):
        token_chain(token(ENCODED, encoding))


@pytest.mark.parametrize("value_type", ["", ' ValueType=""', f' ValueType="{X509}#X509v1"'])
def test_a_certificate_of_another_type_or_none_is_refused(value_type: str) -> None:
    with refused(Code.SIGNATURE_SHAPE):
        chain(key_identifier(value_type))
    with refused(Code.SIGNATURE_SHAPE):
        token_chain(token(f' ValueType="{X509}#X509v3"', value_type))
    of_a_path = der_token(b"\x30\x82" + len(LEAF.der).to_bytes(2, "big") + LEAF.der, PATH)
    with refused(Code.SIGNATURE_SHAPE):
        token_chain(read(">" + of_a_path.replace(f' ValueType="{PATH}"', value_type))[0])


# --- a path in the token ------------------------------------------------------------------------------------------


def path(octets: bytes) -> tuple[Certificate, ...]:
    """The certificates of a path of these octets."""
    return token_chain(read(f">{der_token(octets, PATH)}")[0])


def test_a_path_is_read_leaf_last() -> None:
    content = CHAIN[1].der + LEAF.der
    assert path(b"\x30\x82" + len(content).to_bytes(2, "big") + content) == CHAIN[:2]


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(b"\x30\x02\x30\x00", id="of-nothing"),
        pytest.param(b"\x30\x7f\x30\x7d" + bytes(125), id="in-the-first-octet"),
        pytest.param(b"\x30\x81\x80\x30\x7e" + bytes(126), id="in-one"),
        pytest.param(b"\x30\x81\x84\x30\x81\x81" + bytes(129), id="in-one-twice"),
        pytest.param(b"\x30\x82\x01\x04\x30\x82\x01\x00" + bytes(256), id="in-two"),
        pytest.param(b"\x30\x83\x01\x00\x03\x30\x82\xff\xff" + bytes(65_535), id="in-three"),
    ],
)
def test_a_path_is_taken_apart_by_lengths_of_up_to_three_octets(octets: bytes) -> None:
    """X.690 §8.1.3. What stands in it is no certificate; that it is asked for tells that it was found."""
    with refused(Code.CERTIFICATE_MALFORMED):
        path(octets)


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(b"\x30", id="cut-off-at-once"),
        pytest.param(b"\x30\x82\x02", id="cut-off"),
        pytest.param(b"\x30\x02\x30\x81", id="certificate-cut-off"),
        pytest.param(b"\x30\x80" + b"\x30\x7e" + bytes(126), id="of-no-stated-length"),
        pytest.param(b"\x30\x84\x00\x00\x00\x02\x30\x00", id="in-four"),
        pytest.param(b"\x30\x84\x00\x00\x02\x00\x30\x00", id="in-four-that-could-be-three"),
        pytest.param(b"\x31\x02\x30\x00", id="a-set"),
        pytest.param(b"\x30\x00", id="empty"),
        pytest.param(b"\x30\x0a" + b"\x30\x00" * 5, id="of-five"),
        pytest.param(b"\x30\x02\x30\x01", id="certificate-longer-than-the-path"),
        pytest.param(b"\x30\x02\x30\x00\x00", id="octets-after-it"),
    ],
)
def test_a_path_of_another_form_is_refused(octets: bytes) -> None:
    with refused(Code.SIGNATURE_SHAPE):
        path(octets)

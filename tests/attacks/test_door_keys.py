"""Messages and letters that name one key and are signed with another, or name none, or one of nobody."""

from __future__ import annotations

import base64
import itertools

import pytest
from lxml import etree

from gateway.crypto.certificates import verdicts
from gateway.domain.catalogue import Code
from tests.attacks.door import Case, Door
from tests.attacks.pens import by_hand, enclosed, spoken
from tests.attacks.test_message_keys import OTHER, OWN, PATH, THUMBPRINT, str_of, token_of, x509_data
from tests.attacks.wrapping import SIGNER, adding, sign_again, texting, use_certificate
from tests.messages import BASE64, X509, der_token
from tests.pki import development_pki

CHAIN, ONLY, FOLLOWED = (
    "protocol.wss_tokens:signing_chain",
    "protocol.wss_tokens:_only",
    "protocol.wss_tokens:_referenced",
)
DATA, SERIAL, IDENTIFIED = (
    "protocol.wss_tokens:_x509_data",
    "protocol.wss_tokens:_issuer_serial",
    "protocol.wss_tokens:_key_identifier",
)
KNOWN, TOKEN, PKI_PATH, SEQUENCE = (
    f"protocol.wss_tokens:{name}" for name in ("_known", "token_chain", "_path", "_sequence")
)
VALUE, NOT_READ = "crypto.algorithms:SignatureAlgorithm.verify", "crypto.xmldsig:_refuse_not_read"
DER, BASE64_GUARD = "crypto.certificate:Certificate.from_der", "xmlcore.shape:base64_octets"
PROFILE, KEY_INFO = "WSS X.509 Token Profile 1.1.1 §3.1", "XML Signature 1.1 §4.5"
SHAPE, REFUSED, UNTRUSTED = Code.SIGNATURE_SHAPE, Code.SIGNATURE_ALGORITHM, Code.CERTIFICATE_UNTRUSTED
BAD_VALUE, MALFORMED = Code.SIGNATURE_VALUE, Code.CERTIFICATE_MALFORMED


def _path(name: str, guard: str, clause: str, code: Code, octets: bytes) -> Case:
    """The token is a path of certificates of another form."""
    key_info = str_of(f'<wsse:Reference URI="#T" ValueType="{PATH}"/>')
    return spoken(name, guard, clause, code, token=der_token(octets, PATH), key_info=key_info)


def _identifier(value_type: str, encoding: str = BASE64) -> str:
    return str_of(
        f'<wsse:KeyIdentifier EncodingType="{encoding}" ValueType="{value_type}">AAAA</wsse:KeyIdentifier>'
    )


def _stolen(root: etree._Element) -> None:
    """The certificate of another party, without its key."""
    use_certificate(root, "proevelund-kommune")
    sign_again(root, SIGNER)


def _serial(text: str) -> str:
    return (
        "<ds:X509Data><ds:X509IssuerSerial><ds:X509IssuerName>CN=a</ds:X509IssuerName>"
        f"<ds:X509SerialNumber>{text}</ds:X509SerialNumber></ds:X509IssuerSerial></ds:X509Data>"
    )


NAMED = (
    spoken("the token of another system", VALUE, PROFILE, BAD_VALUE, token=token_of("proevelund-esdh")),
    spoken("no token and no name", ONLY, KEY_INFO, SHAPE, key_info=""),
    spoken("a certificate of another", VALUE, KEY_INFO, BAD_VALUE, key_info=x509_data(OTHER)),
    spoken(
        "another's certificate before its own",
        VALUE,
        "XML Signature 1.1 §4.5.4",
        BAD_VALUE,
        key_info=x509_data(OTHER, OWN),
    ),
    spoken(
        "its certificate with another's serial number",
        DATA,
        "XML Signature 1.1 §4.5.4",
        SHAPE,
        key_info=x509_data(OTHER, serial=OWN.x509.serial_number),
    ),
    spoken(
        "a serial number of another system",
        VALUE,
        "WSS X.509 Token Profile 1.1.1 §3.2.3",
        BAD_VALUE,
        key_info=x509_data(serial=OTHER.x509.serial_number),
    ),
    spoken(
        "a serial number of nobody",
        KNOWN,
        "WSS X.509 Token Profile 1.1.1 §3.2.3",
        UNTRUSTED,
        key_info=x509_data(serial=1),
    ),
    spoken("five certificates", DATA, "XML Signature 1.1 §4.5.4", SHAPE, key_info=x509_data(*[OWN] * 5)),
    spoken("no certificate in its place", DATA, "XML Signature 1.1 §4.5.4", SHAPE, key_info="<ds:X509Data/>"),
    spoken(
        "a name in place of a certificate",
        DATA,
        "XML Signature 1.1 §4.5.4",
        SHAPE,
        key_info="<ds:X509Data><ds:X509SubjectName>CN=a</ds:X509SubjectName></ds:X509Data>",
    ),
    spoken("two names of a key", ONLY, KEY_INFO, SHAPE, key_info=x509_data(OWN) + str_of(x509_data(OWN))),
    spoken(
        "the name of a key",
        NOT_READ,
        "XML Signature 1.1 §4.5.1",
        REFUSED,
        key_info="<ds:KeyName>a</ds:KeyName>",
    ),
    spoken("the value of a key", NOT_READ, "XML Signature 1.1 §4.5.2", REFUSED, key_info="<ds:KeyValue/>"),
    spoken(
        "a key in the network",
        NOT_READ,
        "XML Signature 1.1 §4.5.3",
        REFUSED,
        key_info='<ds:RetrievalMethod URI="http://127.0.0.1:1/"/>',
    ),
    spoken("a key of PGP", NOT_READ, "XML Signature 1.1 §4.5.5", REFUSED, key_info="<ds:PGPData/>"),
    spoken(
        "a key that is encrypted",
        CHAIN,
        KEY_INFO,
        SHAPE,
        key_info='<EncryptedKey xmlns="http://www.w3.org/2001/04/xmlenc#"/>',
    ),
    spoken(
        "a token in the network",
        FOLLOWED,
        "WSS: SOAP Message Security §7.2",
        SHAPE,
        key_info=str_of('<wsse:Reference URI="http://127.0.0.1:1/"/>'),
    ),
    spoken(
        "the body for a token",
        FOLLOWED,
        "WSS: SOAP Message Security §7.2",
        SHAPE,
        key_info=str_of('<wsse:Reference URI="#B"/>'),
    ),
    spoken(
        "a token of another kind than said",
        FOLLOWED,
        PROFILE,
        SHAPE,
        key_info=str_of(f'<wsse:Reference URI="#T" ValueType="{PATH}"/>'),
    ),
    spoken(
        "a token inside its reference",
        CHAIN,
        "WSS: SOAP Message Security §7.4",
        SHAPE,
        key_info=str_of("<wsse:Embedded/>"),
    ),
    spoken(
        "the thumbprint of nobody",
        KNOWN,
        "WSS X.509 Token Profile 1.1.1 §3.2.1",
        UNTRUSTED,
        key_info=_identifier(THUMBPRINT),
    ),
    spoken(
        "the key identifier of nobody",
        KNOWN,
        "WSS X.509 Token Profile 1.1.1 §3.2.1",
        UNTRUSTED,
        key_info=_identifier(f"{X509}#X509SubjectKeyIdentifier"),
    ),
    spoken(
        "an identifier of another kind",
        IDENTIFIED,
        "WSS: SOAP Message Security §7.3",
        SHAPE,
        key_info=_identifier("urn:x"),
    ),
    spoken(
        "an identifier in hexadecimal",
        IDENTIFIED,
        "WSS: SOAP Message Security §7.3",
        SHAPE,
        key_info=_identifier(THUMBPRINT, "urn:hex"),
    ),
    spoken(
        "a serial number that is none", SERIAL, "XML Signature 1.1 §4.5.4.1", SHAPE, key_info=_serial("-1")
    ),
    spoken(
        "a serial number without issuer",
        SERIAL,
        "XML Signature 1.1 §4.5.4.1",
        SHAPE,
        key_info=_serial("1").replace("<ds:X509IssuerName>CN=a</ds:X509IssuerName>", ""),
    ),
)

TOKENS = (
    spoken("an empty token", DER, "RFC 5280 §4.1", MALFORMED, token=der_token(b"")),
    spoken("octets after the certificate", DER, "X.690 §10.1", MALFORMED, token=der_token(OWN.der + b"\x00")),
    spoken(
        "a certificate of many octets",
        DER,
        "RFC 5280 §4.1",
        MALFORMED,
        token=der_token(OWN.der + bytes(20_000)),
    ),
    spoken("a certificate cut off", DER, "X.690 §10.1", MALFORMED, token=der_token(OWN.der[:-1])),
    spoken(
        "a token of another kind",
        TOKEN,
        PROFILE,
        SHAPE,
        token=der_token(OWN.der, "urn:other"),
        key_info=str_of('<wsse:Reference URI="#T"/>'),
    ),
    spoken(
        "a token in hexadecimal",
        TOKEN,
        "WSS: SOAP Message Security §6.3",
        SHAPE,
        token=der_token(OWN.der).replace("Base64Binary", "HexBinary"),
    ),
    spoken(
        "a token that is no base64",
        BASE64_GUARD,
        "RFC 4648 §3.3",
        SHAPE,
        token=der_token(OWN.der).replace("MII", "M*I", 1),
    ),
    spoken(
        "a token of full-width letters",
        BASE64_GUARD,
        "RFC 4648 §4",
        SHAPE,
        token=der_token(OWN.der).replace("MII", "ＭII", 1),
    ),
    spoken(
        "a token of another id",
        FOLLOWED,
        "WSS: SOAP Message Security §7.2",
        SHAPE,
        token=der_token(OWN.der, token_id="U"),
    ),
    _path("an empty path", SEQUENCE, "X.509 §7.8", SHAPE, b""),
    _path("a path of nobody", PKI_PATH, "X.509 §7.8", SHAPE, b"\x30\x00"),
    _path("a path of no stated length", SEQUENCE, "X.690 §10.1", SHAPE, b"\x30\x80" + OWN.der),
    _path(
        "a path of a huge length",
        SEQUENCE,
        "X.690 §8.1",
        SHAPE,
        b"\x30\x84" + len(OWN.der).to_bytes(4, "big") + OWN.der,
    ),
    _path("a certificate longer than its path", PKI_PATH, "X.690 §8.1", SHAPE, b"\x30\x03\x30\x05\x00"),
    _path("octets after the path", PKI_PATH, "X.690 §8.1", SHAPE, b"\x30\x00\x00"),
    _path("a path of five", PKI_PATH, "RFC 5280 §6.1", SHAPE, b"\x30\x0a" + b"\x30\x00" * 5),
)

LETTERS = (
    enclosed(
        "a letter with another's certificate",
        "crypto.xades:_require_true",
        "ETSI EN 319 132-1 §5.2.2",
        Code.SIGNATURE_PROPERTIES,
        texting(
            "//ds:X509Certificate[1]",
            base64.b64encode(development_pki().certificate("proevelund-kommune").der).decode(),
        ),
    ),
    enclosed("a letter with a stolen certificate", VALUE, "XML Signature 1.1 §3.2.2", BAD_VALUE, _stolen),
    enclosed(
        "a letter with the value of a key",
        NOT_READ,
        "XML Signature 1.1 §4.5.2",
        REFUSED,
        adding("//ds:KeyInfo", "<ds:KeyValue/>"),
    ),
    enclosed(
        "a letter with two lists of certificates",
        "crypto.xades:_read_key_info",
        "XML Signature 1.1 §4.5.4",
        SHAPE,
        adding("//ds:KeyInfo", "<ds:X509Data/>"),
    ),
    enclosed(
        "a letter that names its certificate",
        "crypto.xades:_read_key_info",
        "ETSI EN 319 132-1 §6.3",
        SHAPE,
        adding("//ds:X509Data", "<ds:X509SubjectName>CN=x</ds:X509SubjectName>"),
    ),
    enclosed(
        "a letter with a damaged certificate",
        DER,
        "RFC 5280 §4.1",
        MALFORMED,
        texting("//ds:X509Certificate[1]", "AAAA"),
    ),
)

CASES: tuple[Case, ...] = (*NAMED, *TOKENS, *LETTERS)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_key_that_does_not_count_is_refused(door: Door, case: Case) -> None:
    door.withstands(case)


def test_nobody_fills_the_memory_with_the_certificates_of_others(door: Door) -> None:
    pki = development_pki()
    verdicts.clear()
    door.passes(by_hand(door))
    kept = len(verdicts)
    beside = [pki.certificate(name) for name in ("proeveby-sis", "gateway-seal", "gateway-message", "root")]
    for others in itertools.permutations(beside, 2):
        answer = door.ask(by_hand(door, key_info=x509_data(OTHER, *others)))
        assert answer.error is not None
        assert answer.error.code is BAD_VALUE
    assert len(verdicts) == kept
    for others in itertools.permutations(beside, 2):
        door.passes(by_hand(door, key_info=x509_data(OWN, *others)))
    assert len(verdicts) == kept

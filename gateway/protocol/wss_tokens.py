"""Which certificate a WS-Security signature names: the message only selects it, trust comes from elsewhere.

Real clients use many forms: a BinarySecurityToken (a certificate or a path) that KeyInfo references, a certificate in
KeyInfo, or only an identifier of one that we must know. The result is a candidate chain, leaf first, untrusted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from lxml import etree

from gateway.crypto.certificate import Certificate, sent_certificate
from gateway.crypto.certificates import MOST_SENT
from gateway.domain.catalogue import Code
from gateway.domain.errors import TrustError
from gateway.xmlcore.namespaces import DS, WSSE, WSSE_11, WSU, tag
from gateway.xmlcore.shape import base64_octets, children, malformed, required, text

TOKEN: Final = tag(WSSE, "BinarySecurityToken")
REFERENCE: Final = tag(WSSE, "SecurityTokenReference")

_SOAP_SECURITY = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0"
_X509_PROFILE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0"
BASE64: Final = f"{_SOAP_SECURITY}#Base64Binary"
X509_V3: Final = f"{_X509_PROFILE}#X509v3"
PKI_PATH: Final = f"{_X509_PROFILE}#X509PKIPathv1"
SUBJECT_KEY: Final = f"{_X509_PROFILE}#X509SubjectKeyIdentifier"
THUMBPRINT: Final = "http://docs.oasis-open.org/wss/oasis-wss-soap-message-security-1.1#ThumbprintSHA1"

_SERIAL = re.compile(r"[0-9]{1,60}")
_ID = tag(WSU, "Id")
_ENCODED = ("EncodingType", "ValueType", _ID)


@dataclass(frozen=True)
class CertificateHint:
    """What a message says of a certificate that it may not carry; exactly what is set must fit."""

    serial_number: int | None = None
    issuer: str | None = None  # as the client wrote it; forms differ too much to compare
    subject_key: bytes | None = None
    sha1: bytes | None = None  # of the DER; it only selects, the signature decides

    def fits(self, certificate: Certificate) -> bool:
        """Whether the certificate is one that the hint may mean."""
        return (
            (self.serial_number is None or self.serial_number == certificate.x509.serial_number)
            and (self.subject_key is None or self.subject_key == certificate.subject_key)
            and (self.sha1 is None or self.sha1 == certificate.sha1)
        )


Registered = Callable[[CertificateHint], Sequence[Certificate]]
"""Finds the registered certificates, leaf first, that a hint may mean; empty where there is none."""


def none_registered(_hint: CertificateHint) -> Sequence[Certificate]:
    """Know no certificate: a message must carry its own."""
    return ()


def signing_chain(
    key_info: etree._Element,
    token: etree._Element | None,
    ids: Mapping[str, etree._Element],
    registered: Registered = none_registered,
) -> tuple[Certificate, ...]:
    """Return the certificate that KeyInfo names, with what else of its chain the message carries; leaf first.

    `token` is the BinarySecurityToken of the security header, if any. TrustError SIGNATURE_SHAPE on any form but the
    accepted ones, CERTIFICATE_MALFORMED, or CERTIFICATE_UNTRUSTED if the identified certificate is not known.
    """
    named = _only(children(key_info, attributes=("Id",)))
    if named.tag == REFERENCE:
        named = _only(children(named, attributes=("Id", _ID, "Usage", tag(WSSE_11, "TokenType"))))
    if named.tag == tag(WSSE, "Reference"):
        return _referenced(named, token, ids)
    if named.tag == tag(DS, "X509Data"):
        return _x509_data(named, token, registered)
    if named.tag == tag(WSSE, "KeyIdentifier"):
        return _key_identifier(named, token, registered)
    raise malformed("KeyInfo")


def token_chain(token: etree._Element) -> tuple[Certificate, ...]:
    """Return the certificates of a BinarySecurityToken, leaf first. WSS X.509 Token Profile 1.1.1 §3.1."""
    if token.get("EncodingType", BASE64) != BASE64:
        raise malformed("EncodingType")
    octets = base64_octets(token, attributes=_ENCODED)
    if token.get("ValueType") == X509_V3:
        return (sent_certificate(octets),)
    if token.get("ValueType") == PKI_PATH:
        return tuple(sent_certificate(der) for der in reversed(_path(octets)))
    raise malformed("ValueType")


def _only(found: list[etree._Element]) -> etree._Element:
    if len(found) != 1:
        raise malformed("KeyInfo")
    return found[0]


def _referenced(
    reference: etree._Element, token: etree._Element | None, ids: Mapping[str, etree._Element]
) -> tuple[Certificate, ...]:
    """Follow a direct reference, which must lead to the one token of the security header."""
    uri, inside = required(reference, "URI"), children(reference, attributes=("URI", "ValueType"))
    if token is None or not uri.startswith("#") or ids.get(uri[1:]) is not token or inside:
        raise malformed("token reference")
    if reference.get("ValueType", token.get("ValueType")) != token.get("ValueType"):
        raise malformed("ValueType")
    return token_chain(token)


def _x509_data(
    data: etree._Element, token: etree._Element | None, registered: Registered
) -> tuple[Certificate, ...]:
    """Read X509Data: certificates with the leaf first, or the issuer and serial number of a known one."""
    carried: list[Certificate] = []
    hint = CertificateHint()
    for child in children(data):
        if child.tag == tag(DS, "X509Certificate") and len(carried) < MOST_SENT:
            carried.append(sent_certificate(base64_octets(child)))
        elif child.tag == tag(DS, "X509IssuerSerial") and hint.serial_number is None:
            hint = _issuer_serial(child)
        else:
            raise malformed("X509Data")
    if carried and hint.fits(carried[0]):
        return tuple(carried)
    if carried or hint.serial_number is None:
        raise malformed("X509Data names no certificate, or two")
    return _known(hint, token, registered)


def _issuer_serial(element: etree._Element) -> CertificateHint:
    parts = children(element)
    if [part.tag for part in parts] != [tag(DS, "X509IssuerName"), tag(DS, "X509SerialNumber")]:
        raise malformed("X509IssuerSerial")
    serial = text(parts[1]).strip()
    if not _SERIAL.fullmatch(serial):
        raise malformed("X509IssuerSerial")
    return CertificateHint(serial_number=int(serial), issuer=text(parts[0]))


def _key_identifier(
    element: etree._Element, token: etree._Element | None, registered: Registered
) -> tuple[Certificate, ...]:
    if element.get("EncodingType", BASE64) != BASE64:
        raise malformed("EncodingType")
    value_type, octets = element.get("ValueType"), base64_octets(element, attributes=_ENCODED)
    if value_type == X509_V3:
        return (sent_certificate(octets),)
    if value_type == SUBJECT_KEY:
        return _known(CertificateHint(subject_key=octets), token, registered)
    if value_type == THUMBPRINT:
        return _known(CertificateHint(sha1=octets), token, registered)
    raise malformed("KeyIdentifier")


def _known(
    hint: CertificateHint, token: etree._Element | None, registered: Registered
) -> tuple[Certificate, ...]:
    """Return the certificate that is identified, not given, where it is named: the token's, or a registered one."""
    for chain in (token_chain(token) if token is not None else (), tuple(registered(hint))):
        if chain and hint.fits(chain[0]):
            return chain
    raise TrustError(Code.CERTIFICATE_UNTRUSTED, what="it is identified, but not known")


def _path(octets: bytes) -> list[bytes]:
    """Return the certificates of a PkiPath in its order, leaf last: SEQUENCE OF Certificate, X.509 §7.8."""
    start, end = _sequence(octets, 0)
    if end != len(octets):
        raise malformed("PKIPath")
    found: list[bytes] = []
    while start < end:
        _, following = _sequence(octets, start)
        if following > end or len(found) == MOST_SENT:
            raise malformed("PKIPath")
        found.append(octets[start:following])
        start = following
    if not found:
        raise malformed("PKIPath")
    return found


def _sequence(octets: bytes, at: int) -> tuple[int, int]:
    """Return where the content of the DER SEQUENCE at `at` begins and ends. X.690 §8.1, §10.1."""
    head = octets[at : at + 5]  # no path needs a length of more than three octets
    if len(head) < 2 or head[0] != 0x30 or head[1] == 0x80:
        raise malformed("PKIPath")
    long_form = max(head[1] - 0x80, 0)
    if len(head) < 2 + long_form:
        raise malformed("PKIPath")
    length = int.from_bytes(head[2 : 2 + long_form], "big") if long_form else head[1]
    start = at + 2 + long_form
    return start, start + length

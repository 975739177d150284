"""Signed messages for tests: golden ones made by the product, and ones signed by hand in any shape."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from lxml import etree

from gateway.crypto.certificates import TrustStore, Usage
from gateway.crypto.keys import SigningKey
from gateway.crypto.revocation import Revocations
from gateway.domain.catalogue import Code
from gateway.domain.errors import BropostError
from gateway.protocol.mime import NewPart, build_related
from gateway.protocol.soap import SoapVersion, envelope, unpack
from gateway.protocol.wss import Verified, secure, verify
from gateway.protocol.wss_tokens import Registered, none_registered
from gateway.xmlcore.namespaces import DS, EXC_C14N, SERVICE, SOAP_11, SOAP_12, WSA, WSSE, WSU, XOP, tag
from tests.pki import development_pki

AT = development_pki().at + timedelta(hours=1)
SYSTEM = "eksempelby-esdh"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
ECDSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
SWA_CONTENT = "http://docs.oasis-open.org/wss/oasis-wss-SwAProfile-1.1#Attachment-Content-Signature-Transform"
X509 = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0"
BASE64 = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"
NAMES = {
    "s11": SOAP_11,
    "s12": SOAP_12,
    "wsa": WSA,
    "wsse": WSSE,
    "wsu": WSU,
    "ds": DS,
    "svc": SERVICE,
    "xop": XOP,
}


@dataclass(frozen=True)
class Sent:
    """A message on its way: what HTTP would carry."""

    content_type: str
    body: bytes
    soap_action: str | None = None

    def changed(self, change: Callable[[etree._Element], None]) -> Sent:
        """The same message with its envelope changed, which must not be a multipart message."""
        tree = etree.fromstring(self.body)
        before = etree.tostring(tree)
        change(tree)
        after = etree.tostring(tree)
        assert after != before
        return Sent(self.content_type, after, self.soap_action)

    def replaced(self, old: bytes, new: bytes) -> Sent:
        """The same message with `old`, which must occur, replaced everywhere."""
        assert old in self.body
        return Sent(self.content_type, self.body.replace(old, new), self.soap_action)


def received(
    sent: Sent, at: datetime = AT, *, registered: Registered = none_registered, usage: Usage = Usage.MESSAGE
) -> Verified:
    """What the gateway makes of the message."""
    unpacked = unpack(sent.content_type, sent.soap_action, sent.body)
    return verify(unpacked, *_trust(), at, registered=registered, usage=usage)


@cache
def _trust() -> tuple[TrustStore, Revocations]:
    return development_pki().trust_store(), development_pki().revocations()


def ping(
    version: SoapVersion = SoapVersion.SOAP_11, text: str = "Hej", headers: Sequence[etree._Element] = ()
) -> etree._Element:
    """An unsigned envelope with a small request."""
    payload = etree.Element(tag(SERVICE, "Ping"), nsmap={None: SERVICE})
    etree.SubElement(payload, tag(SERVICE, "Echo")).text = text
    return envelope(version, payload, headers)


def golden(
    version: SoapVersion = SoapVersion.SOAP_11,
    *,
    key: str = SYSTEM,
    at: datetime = AT,
    headers: Sequence[etree._Element] = (),
    lifetime: timedelta = timedelta(minutes=5),
) -> Sent:
    """A valid message without attachments."""
    octets = secure(ping(version, headers=headers), signing_key(key), at, lifetime=lifetime)
    return Sent(version.content_type, octets)


def golden_with_parts(
    *contents: bytes,
    mtom: bool,
    version: SoapVersion = SoapVersion.SOAP_11,
    media_type: str = "application/pdf",
) -> Sent:
    """A valid message with attachments `file-0@test`, `file-1@test` ..."""
    parts = [NewPart(f"file-{number}@test", media_type, content) for number, content in enumerate(contents)]
    octets = secure(letter(version, parts, mtom=mtom), signing_key(SYSTEM), AT, attachments=parts)
    built = build_related(octets, version.media_type, parts, mtom=mtom)
    return Sent(built.content_type, built.body)


def letter(version: SoapVersion, parts: Sequence[NewPart], *, mtom: bool) -> etree._Element:
    """An unsigned envelope that names the parts: by xop:Include with `mtom`, else by their Content-ID."""
    payload = etree.Element(tag(SERVICE, "SendLetter"), nsmap={None: SERVICE})
    for part in parts:
        attachment = etree.SubElement(payload, tag(SERVICE, "Attachment"))
        if mtom:
            content = etree.SubElement(attachment, tag(SERVICE, "Content"))
            etree.SubElement(
                content, tag(XOP, "Include"), {"href": f"cid:{part.content_id}"}, nsmap={"xop": XOP}
            )
        else:
            etree.SubElement(attachment, tag(SERVICE, "ContentId")).text = part.content_id
    return envelope(version, payload)


def addressing(**values: str) -> list[etree._Element]:
    """WS-Addressing headers with these texts."""
    found = []
    for name, text in values.items():
        element = etree.Element(tag(WSA, name), nsmap={"wsa": WSA})
        element.text = text
        found.append(element)
    return found


def canonical(element: etree._Element) -> bytes:
    """Exclusive C14N by lxml itself."""
    return etree.tostring(element, method="c14n", exclusive=True, with_comments=False)


@dataclass
class Ref:
    """A reference as an attacker or another client writes it; the digest is right unless given."""

    uri: str
    octets: bytes
    transforms: str = f'<ds:Transform Algorithm="{EXC_C14N}"/>'
    digest_method: str = SHA256
    attributes: str = ""

    @property
    def xml(self) -> str:
        digest = base64.b64encode(hashlib.sha256(self.octets).digest()).decode()
        return (
            f'<ds:Reference URI="{self.uri}"{self.attributes}><ds:Transforms>{self.transforms}</ds:Transforms>'
            f'<ds:DigestMethod Algorithm="{self.digest_method}"/><ds:DigestValue>{digest}</ds:DigestValue>'
            "</ds:Reference>"
        )


@dataclass
class ByHand:
    """A message signed without the product, in which everything can be said otherwise than it should be.

    The envelope is text with `{token}`, `{timestamp}` and `{signature}`; elements are signed by their wsu:Id.
    """

    key: str = SYSTEM
    version: SoapVersion = SoapVersion.SOAP_11
    body: str = f'<Ping xmlns="{SERVICE}"><Echo>Hej</Echo></Ping>'
    headers: str = ""
    security: str = "{token}{timestamp}{signature}"
    created: str = field(default_factory=lambda: stamp(AT))
    expires: str = field(default_factory=lambda: stamp(AT + timedelta(minutes=5)))
    token: str | None = None
    key_info: str = (
        f'<wsse:SecurityTokenReference><wsse:Reference URI="#T" ValueType="{X509}#X509v3"/>'
        "</wsse:SecurityTokenReference>"
    )
    sign: Sequence[str] = ("B", "TS")
    more_references: Sequence[Ref] = ()
    method: str | None = None
    signed_info_method: str = EXC_C14N
    change_references: Callable[[list[Ref]], None] | None = None

    def sent(self) -> Sent:
        """The signed message."""
        token = (
            self.token if self.token is not None else der_token(development_pki().certificate(self.key).der)
        )
        timestamp = (
            f'<wsu:Timestamp wsu:Id="TS"><wsu:Created>{self.created}</wsu:Created>'
            f"<wsu:Expires>{self.expires}</wsu:Expires></wsu:Timestamp>"
        )
        mark = "<ds:Signature/>"
        security = self.security.format(token=token, timestamp=timestamp, signature=mark)
        names = "".join(f' xmlns:{name}="{NAMES[name]}"' for name in ("wsa", "wsse", "wsu", "ds"))
        text = (
            f'<s:Envelope xmlns:s="{self.version.value}"{names}><s:Header>{self.headers}'
            f'<wsse:Security s:mustUnderstand="1">{security}</wsse:Security></s:Header>'
            f'<s:Body wsu:Id="B">{self.body}</s:Body></s:Envelope>'
        )
        return Sent(self.version.content_type, text.replace(mark, self.signature(text)).encode())

    def signature(self, text: str) -> str:
        """The Signature over the elements of the envelope as it stands."""
        tree = etree.fromstring(text)
        by_id = {str(element.get(tag(WSU, "Id"))): element for element in tree.iter("*")}
        references = [Ref(f"#{name}", canonical(by_id[name])) for name in self.sign]
        references += self.more_references
        if self.change_references is not None:
            self.change_references(references)
        private_key = load_key(self.key)
        method = self.method or (RSA_SHA256 if isinstance(private_key, rsa.RSAPrivateKey) else ECDSA_SHA256)
        signed_info = (
            f'<ds:SignedInfo xmlns:ds="{DS}"><ds:CanonicalizationMethod Algorithm="{self.signed_info_method}"/>'
            f'<ds:SignatureMethod Algorithm="{method}"/>{"".join(one.xml for one in references)}</ds:SignedInfo>'
        )
        value = sign_octets(private_key, canonical(etree.fromstring(signed_info)))
        return (
            f'<ds:Signature xmlns:ds="{DS}">{signed_info}<ds:SignatureValue>{base64.b64encode(value).decode()}'
            f"</ds:SignatureValue><ds:KeyInfo>{self.key_info}</ds:KeyInfo></ds:Signature>"
        )


def refusal(sent: Sent) -> Code:
    """The code with which the message is refused."""
    try:
        received(sent)
    except BropostError as error:
        return error.code
    raise AssertionError("the message was accepted")


def refusal_by_hand(**otherwise: object) -> Code:
    """The code with which a message signed by hand is refused that says one thing otherwise."""
    assert received(ByHand().sent()).operation == "Ping"
    return refusal(replace(ByHand(), **otherwise).sent())  # type: ignore[arg-type]  # names and types of ByHand


def der_token(octets: bytes, value_type: str = f"{X509}#X509v3", token_id: str = "T") -> str:
    """A BinarySecurityToken."""
    encoded = base64.b64encode(octets).decode()
    return (
        f'<wsse:BinarySecurityToken EncodingType="{BASE64}" ValueType="{value_type}" wsu:Id="{token_id}">'
        f"{encoded}</wsse:BinarySecurityToken>"
    )


@cache
def signing_key(name: str) -> SigningKey:
    """The key of a holder of the development PKI, as the product uses it."""
    return development_pki().signing_key(name)


@cache
def load_key(name: str) -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey:
    """The private key of a holder of the development PKI."""
    key = serialization.load_pem_private_key(development_pki().holders[name].key_pem, None)
    assert isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    return key


def sign_octets(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, octets: bytes) -> bytes:
    """An XML-DSig signature value."""
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(octets, padding.PKCS1v15(), hashes.SHA256())
    r, s = utils.decode_dss_signature(key.sign(octets, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def stamp(at: datetime) -> str:
    """A time as it stands in a Timestamp."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def one(tree: etree._Element, path: str) -> etree._Element:
    """The only element at this path."""
    found = tree.xpath(path, namespaces=NAMES)
    assert isinstance(found, list)
    (element,) = found
    assert isinstance(element, etree._Element)
    return element

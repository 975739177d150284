"""One golden signed document, one change at a time, and an attacker's own pen.

Trees here are read and written by lxml alone, not by the product, so that a change is only what it says.
"""

from __future__ import annotations

import base64
import copy
import functools
import hashlib
from collections.abc import Callable
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from lxml import etree

from gateway.crypto.certificates import TrustStore, Usage
from gateway.crypto.revocation import Revocations
from gateway.crypto.xades import VerifiedContent, sign, verify
from gateway.domain.errors import BropostError
from gateway.xmlcore.namespaces import DOCUMENT, DS, XADES, tag
from gateway.xmlcore.parse import parse
from tests.pki import development_pki, private_key, signing_key

AT = development_pki().at + timedelta(minutes=1)
SIGNER = "eksempelby-kommune"
NAMES = {"doc": DOCUMENT, "ds": DS, "xades": XADES}
SIGNED_PROPERTIES_TYPE = "http://uri.etsi.org/01903#SignedProperties"

TO_DOCUMENT = "//ds:Reference[@URI='']"
TO_PROPERTIES = "//ds:Reference[@URI='#SignedProperties']"

LETTER = """\
<Document xmlns="urn:dk:bropost:document:1" schemaVersion="1.0">
  <Header>
    <DocumentId>6e4d6d9c-0e39-4f1c-8f0e-2d8c0ce9e1a1</DocumentId>
    <Sender><Cvr>11111111</Cvr><Name>Eksempelby Kommune</Name></Sender>
    <Recipient><Cvr>22222222</Cvr><Name>Prøveby Erhvervsskole</Name></Recipient>
    <Subject><CprNumber>7403055092</CprNumber><Name>Alma Prøvesen</Name></Subject>
  </Header>
  <SupportNeedLetter>
    <Need number="1"><Code>MENTOR</Code><Note>Møder bedst om formiddagen – aftal fast kontakt.</Note></Need>
    <Need number="2"><Code>QUIET_ROOM</Code><Note>A &amp; B &lt; C</Note></Need>
  </SupportNeedLetter>
</Document>
""".encode()

Change = Callable[[etree._Element], object]


@functools.cache
def golden(signer: str = SIGNER) -> bytes:
    """The letter, signed by the product."""
    return sign(parse(LETTER), signing_key(signer), AT)


def read(octets: bytes, usage: Usage = Usage.CONTENT) -> VerifiedContent:
    """What the product reads out of signed octets; it believes the development PKI."""
    return verify(octets, *_believed(), AT, usage=usage)


@functools.cache
def _believed() -> tuple[TrustStore, Revocations]:
    return development_pki().trust_store(), development_pki().revocations()


def refusal(octets: bytes) -> BropostError:
    """The error with which the product refuses these octets."""
    with pytest.raises(BropostError) as refused:
        read(octets)
    return refused.value


def changed(change: Change, octets: bytes | None = None) -> bytes:
    """The golden document with one change to its tree. It passes without the change."""
    original = golden() if octets is None else octets
    read(original)
    root = etree.fromstring(original)
    before = etree.tostring(root, encoding="utf-8")
    assert read(before)  # reading and writing alone changes nothing that counts
    change(root)
    after = etree.tostring(root.getroottree(), encoding="utf-8")
    assert after != before
    return after


def replaced(old: str, new: str, octets: bytes | None = None) -> bytes:
    """The golden document with one piece of text changed, which stands there exactly once. It passes without."""
    original = golden() if octets is None else octets
    read(original)
    assert original.count(old.encode()) == 1
    return original.replace(old.encode(), new.encode())


def resigned(change: Change, signer: str = SIGNER) -> bytes:
    """The golden document of this signer, changed and then signed again by its key: only the shape is wrong."""
    root = etree.fromstring(golden(signer))
    change(root)
    sign_again(root, signer)
    return etree.tostring(root.getroottree(), encoding="utf-8")


def sign_again(root: etree._Element, signer: str) -> None:
    """Make digests and signature value of the one signature right again, by hand."""
    signature = one(root, "//ds:Signature[not(ancestor::ds:Signature)]")
    for reference in signature.iterfind("ds:SignedInfo/ds:Reference", NAMES):
        digest = hashlib.sha256(_covered(root, signature, reference.get("URI") or "")).digest()
        one(reference, "ds:DigestValue").text = base64.b64encode(digest).decode()
    signed_info = canonical(one(signature, "ds:SignedInfo"))
    value = signature_value(signer, signed_info)
    one(signature, "ds:SignatureValue").text = base64.b64encode(value).decode()


def signature_value(signer: str, octets: bytes) -> bytes:
    """An RSA or ECDSA signature value over the octets; weak keys sign too."""
    key = private_key(signer)
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(octets, padding.PKCS1v15(), hashes.SHA256())
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    r, s = utils.decode_dss_signature(key.sign(octets, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def use_certificate(root: etree._Element, signer: str) -> None:
    """Put the certificate of another signer into KeyInfo and the signed properties."""
    chain = development_pki().chain(signer)
    data = one(root, "//ds:X509Data")
    for old in list(data):
        data.remove(old)
    for certificate in chain:
        etree.SubElement(data, tag(DS, "X509Certificate")).text = base64.b64encode(certificate.der).decode()
    digest = base64.b64encode(bytes.fromhex(chain[0].fingerprint)).decode()
    one(root, "//xades:CertDigest/ds:DigestValue").text = digest


def setting(path: str, **attributes: str) -> Change:
    """A change of attributes of the one element at this path."""

    def change(root: etree._Element) -> None:
        for name, value in attributes.items():
            one(root, path).set(name, value)

    return change


def texting(path: str, text: str) -> Change:
    """A change of the text of the one element at this path."""

    def change(root: etree._Element) -> None:
        one(root, path).text = text

    return change


def adding(path: str, xml: str, *, first: bool = False) -> Change:
    """A change that puts an element into the one at this path, as its last or first child."""

    def change(root: etree._Element) -> None:
        new = etree.fromstring(f'<x xmlns:ds="{DS}" xmlns:xades="{XADES}" xmlns="{DOCUMENT}">{xml}</x>')[0]
        one(root, path).insert(0 if first else len(one(root, path)), new)

    return change


def removing(path: str) -> Change:
    """A change that takes out the one element at this path."""
    return lambda root: without(root, path)


def canonical(element: etree._Element) -> bytes:
    """The exclusive canonical form, by lxml."""
    return etree.tostring(element, method="c14n", exclusive=True, with_comments=False)


def one(element: etree._Element, path: str) -> etree._Element:
    """The one element at this path, with the prefixes doc, ds and xades."""
    found = element.xpath(path, namespaces=NAMES)
    assert isinstance(found, list)
    assert len(found) == 1, (path, len(found))
    assert isinstance(found[0], etree._Element)
    return found[0]


def without(element: etree._Element, path: str) -> etree._Element:
    """Take the one element at this path out of its tree, the text after it stays."""
    taken = one(element, path)
    parent, previous = taken.getparent(), taken.getprevious()
    assert parent is not None
    if previous is None:
        parent.text = (parent.text or "") + (taken.tail or "")
    else:
        previous.tail = (previous.tail or "") + (taken.tail or "")
    parent.remove(taken)
    taken.tail = None
    return taken


def _covered(root: etree._Element, signature: etree._Element, uri: str) -> bytes:
    if uri.startswith("#"):
        return canonical(one(signature, f".//*[@Id='{uri[1:]}']"))
    whole = copy.deepcopy(root.getroottree()).getroot()
    without(whole, "//ds:Signature[not(ancestor::ds:Signature)]")
    return canonical(whole)

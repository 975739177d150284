"""The content signature: XAdES baseline B, enveloped in the document it signs, as its last element.

There is one accepted form: two references, the document without its signature and the signed properties. What
`verify` gives holds nothing that was not signed; nothing else of a signed document may be read.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Mapping
from dataclasses import InitVar, dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from lxml import etree

from gateway.crypto import algorithms
from gateway.crypto.certificate import sent_certificate
from gateway.crypto.certificates import (
    Certificate,
    TrustedCertificate,
    TrustStore,
    Usage,
    keep_verdict,
    verify_certificate,
)
from gateway.crypto.keys import SigningKey
from gateway.crypto.revocation import Revocations
from gateway.crypto.xades_properties import (
    QUALIFYING_PROPERTIES,
    SIGNED_PROPERTIES,
    UNSIGNED_PROPERTIES,
    SignedProperties,
    read_signed_properties,
    write_signed_properties,
    wrong,
)
from gateway.crypto.xmldsig import SIGNATURE, ParsedSignature, check_digest, check_value, parse_signature
from gateway.crypto.xmldsig_values import NewReference, Reference, Transform
from gateway.crypto.xmldsig_writer import to_base64, write_signature
from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError, TrustError
from gateway.xmlcore.c14n import exclusive
from gateway.xmlcore.namespaces import DS, XADES, tag
from gateway.xmlcore.parse import DOCUMENT_LIMITS, parse
from gateway.xmlcore.shape import base64_octets, children, index_ids, malformed, required

SKEW: Final = timedelta(minutes=5)  # how far a signer's clock may be ahead of ours
MOST_CERTIFICATES: Final = 4  # leaf, issuing authority, root, and one to spare
# Nobody reads unsigned properties here, but the recipient gets them. In base64 a time stamp takes about 8 KB, an OCES3
# certificate 3 KB, an answer about one 4 KB: room for what baseline LT adds for a signature and for its time stamp.
MOST_UNSIGNED_OCTETS: Final = 64 * 1024  # in canonical form; ETSI EN 319 132-1 §5.3, §5.4
SIGNED_PROPERTIES_TYPE: Final = "http://uri.etsi.org/01903#SignedProperties"  # ETSI EN 319 132-1 §4.4

_DOCUMENT_TRANSFORMS: Final = (Transform(algorithms.ENVELOPED), Transform(algorithms.EXCLUSIVE_C14N))
_PROPERTIES_TRANSFORMS: Final = (Transform(algorithms.EXCLUSIVE_C14N),)
_SIGNATURE_ID: Final = "Signature"
_DOCUMENT_ID: Final = "Document"
_PROPERTIES_ID: Final = "SignedProperties"
_X509_DATA: Final = tag(DS, "X509Data")
_X509_CERTIFICATE: Final = tag(DS, "X509Certificate")

_MADE_HERE: Final = object()


@dataclass(frozen=True)
class Sealed:
    """A document that was just signed."""

    octets: bytes = field(repr=False)  # UTF-8, canonical, the signature as last element
    digest: bytes  # SHA-256 of the document's canonical form without its signature


@dataclass(frozen=True)
class VerifiedContent:
    """A document whose content signature held; only `verify` makes one."""

    root: etree._Element  # without its signature, comments and surroundings: just what was signed
    octets: bytes = field(repr=False)  # as received
    certificate: TrustedCertificate
    signing_time: datetime  # the signer's clock, UTC
    digest: bytes  # SHA-256 of the document's canonical form without its signature
    made_by: InitVar[object]

    def __post_init__(self, made_by: object) -> None:
        if made_by is not _MADE_HERE:
            raise TypeError("only verify makes VerifiedContent")


def content_digest(root: etree._Element) -> bytes:
    """The SHA-256 of the canonical form of a document without its signature; `root` is left as it is.

    Two documents are the same if this is equal, however they are written and by whomever signed.
    """
    if _last_element_if_signature(root) is not None:
        root = copy.deepcopy(root)
        _take_out(root[-1])
    return hashlib.sha256(exclusive(root)).digest()


def sign(document: etree._Element, key: SigningKey, at: datetime) -> bytes:
    """The octets of the document with a content signature by `key` at the zoned time `at`. Errors as `seal`."""
    return seal(document, key, at).octets


def seal(document: etree._Element, key: SigningKey, at: datetime) -> Sealed:
    """The document with a content signature by `key` at the zoned time `at`, and its digest.

    The document may stand in another tree and is left as it is. It must have come out of `parse`, or have nothing
    in it that `parse` refuses. InputError DOCUMENT_SIGNATURE_UNEXPECTED if it is signed already, XML_TOO_LARGE.
    """
    if next(document.iter(SIGNATURE), None) is not None:
        raise InputError(Code.DOCUMENT_SIGNATURE_UNEXPECTED)
    canonical = exclusive(document)
    digest = hashlib.sha256(canonical).digest()
    properties, properties_text = write_signed_properties(_PROPERTIES_ID, key.chain[0], at, _DOCUMENT_ID)
    signature = write_signature(
        (
            NewReference("", _DOCUMENT_TRANSFORMS, digest, id=_DOCUMENT_ID),
            NewReference(
                f"#{_PROPERTIES_ID}",
                _PROPERTIES_TRANSFORMS,
                hashlib.sha256(properties).digest(),
                type=SIGNED_PROPERTIES_TYPE,
            ),
        ),
        key,
        signature_id=_SIGNATURE_ID,
        key_info=_write_key_info(key.chain),
        objects=(
            f'<ds:Object><xades:QualifyingProperties xmlns:xades="{XADES}" Target="#{_SIGNATURE_ID}">'
            f"{properties_text}</xades:QualifyingProperties></ds:Object>"
        ),
    )
    end = canonical.rindex(b"</")
    octets = b"".join((canonical[:end], signature.encode(), canonical[end:]))
    if len(octets) > DOCUMENT_LIMITS.octets:
        raise InputError(Code.XML_TOO_LARGE, limit=DOCUMENT_LIMITS.octets, what="octets")
    return Sealed(octets, digest)


def verify(
    octets: bytes,
    trust: TrustStore,
    revocations: Revocations,
    at: datetime,
    *,
    usage: Usage = Usage.CONTENT,
) -> VerifiedContent:
    """What was signed in these untrusted octets, judged at the zoned time `at`.

    Evidence is verified by the same, with `usage` SEAL. InputError if it is not the XML that is accepted;
    TrustError says which part of the signature or its certificate does not hold; UnavailableError if that cannot be
    told now.
    """
    root = parse(octets)
    parsed = parse_signature(_only_signature(root), max_references=2)
    properties_element = _only_properties(parsed)
    document, properties = _both_references(parsed, properties_element, index_ids(root, ("Id",)))
    signed = read_signed_properties(properties_element)
    chain = _read_key_info(parsed.key_info)
    _require_true(signed, chain, document, at)

    trusted = verify_certificate(chain, usage, trust, revocations, at)
    check_value(parsed, trusted.certificate)
    check_digest(properties, exclusive(properties_element))
    root = _without_unsigned(root, parsed.element)
    check_digest(document, exclusive(root))
    keep_verdict(trusted)
    return VerifiedContent(root, octets, trusted, signed.signing_time, document.digest, _MADE_HERE)


def claimed_signing_time(octets: bytes) -> datetime | None:
    """The time (UTC) at which these untrusted octets say that they were signed; None without a signature.

    Nobody has vouched for it yet: `verify` with it, and remember that the signer chose it. InputError if it is not the
    XML that is accepted; TrustError if the signature does not have the accepted shape.
    """
    root = parse(octets)
    if next(root.iter(SIGNATURE), None) is None:
        return None
    parsed = parse_signature(_only_signature(root), max_references=2)
    return read_signed_properties(_only_properties(parsed)).signing_time


def _last_element_if_signature(root: etree._Element) -> etree._Element | None:
    return root[-1] if len(root) and root[-1].tag == SIGNATURE else None


def _only_signature(root: etree._Element) -> etree._Element:
    """The document's one signature, which must be the last element of its root."""
    found = list(root.iter(SIGNATURE))
    if len(found) != 1:
        raise malformed("not exactly one signature")
    if found[0] is not _last_element_if_signature(root):
        raise malformed("the signature is not the last element")
    return found[0]


def _only_properties(parsed: ParsedSignature) -> etree._Element:
    """The SignedProperties at their one place; unsigned properties of some size may follow and are ignored.

    What carries an id in them has it alone: `index_ids` sees the whole document.
    """
    # ETSI EN 319 132-1 §4.3.1, §4.4.2: one QualifyingProperties, whose Target is this signature
    if len(parsed.objects) != 1:
        raise malformed("not exactly one Object")
    qualifying = children(parsed.objects[0], attributes=("Id", "MimeType", "Encoding"))
    if [one.tag for one in qualifying] != [QUALIFYING_PROPERTIES]:
        raise wrong("QualifyingProperties")
    if required(qualifying[0], "Target") != f"#{required(parsed.element, 'Id')}":
        raise wrong("Target")
    parts = children(qualifying[0], attributes=("Target", "Id"))
    if [one.tag for one in parts] not in ([SIGNED_PROPERTIES], [SIGNED_PROPERTIES, UNSIGNED_PROPERTIES]):
        raise wrong("children of QualifyingProperties")
    for unsigned in parts[1:]:
        if len(exclusive(unsigned)) > MOST_UNSIGNED_OCTETS:
            raise InputError(Code.UNSIGNED_PROPERTIES_TOO_LARGE, limit=MOST_UNSIGNED_OCTETS)
    return parts[0]


def _both_references(
    parsed: ParsedSignature, properties_element: etree._Element, ids: Mapping[str, etree._Element]
) -> tuple[Reference, Reference]:
    """The reference to the document and that to its signed properties: these two and no other, in any order."""
    of_document = [one for one in parsed.references if one.uri == "" and one.type is None]
    of_properties = [one for one in parsed.references if one.type == SIGNED_PROPERTIES_TYPE]
    if len(parsed.references) != 2 or len(of_document) != 1 or len(of_properties) != 1:
        raise TrustError(Code.SIGNATURE_COVERAGE, what="not the document and the signed properties")
    document, properties = of_document[0], of_properties[0]
    if document.transforms != _DOCUMENT_TRANSFORMS or properties.transforms != _PROPERTIES_TRANSFORMS:
        raise TrustError(Code.SIGNATURE_COVERAGE, what="transforms")
    if not properties.uri.startswith("#") or ids.get(properties.uri[1:]) is not properties_element:
        raise TrustError(Code.SIGNATURE_COVERAGE, what="signed properties at another place")
    return document, properties


def _read_key_info(key_info: etree._Element) -> tuple[Certificate, ...]:
    """The certificates of X509Data, the signer's first; nobody has vouched for them yet."""
    data = children(key_info, attributes=("Id",))
    if [one.tag for one in data] != [_X509_DATA]:
        raise malformed("children of KeyInfo")
    certificates = children(data[0])
    if {one.tag for one in certificates} != {_X509_CERTIFICATE} or len(certificates) > MOST_CERTIFICATES:
        raise malformed("children of X509Data")
    return tuple(sent_certificate(base64_octets(one)) for one in certificates)


def _require_true(
    signed: SignedProperties, chain: tuple[Certificate, ...], document: Reference, at: datetime
) -> None:
    """Refuse properties that contradict the certificates, the reference or the clock."""
    # ETSI EN 319 132-1 §5.2.2: the first is the signer's; others must be found as well
    if len(signed.certificates) > len(chain):
        raise wrong("SigningCertificateV2")
    if not all(named.names(one) for named, one in zip(signed.certificates, chain, strict=False)):
        raise wrong("SigningCertificateV2 is not the certificate of KeyInfo")
    if document.id is None or signed.object_reference != f"#{document.id}":
        raise wrong("ObjectReference")
    if signed.signing_time > at + SKEW:
        raise wrong("SigningTime lies in the future")
    if not chain[0].is_current(signed.signing_time):
        raise TrustError(Code.CERTIFICATE_TIME)


def _without_unsigned(root: etree._Element, signature: etree._Element) -> etree._Element:
    """The root without what no digest covers: the signature, comments, and what stands around the root."""
    _take_out(signature)
    etree.strip_elements(root, etree.Comment, with_tail=False)
    if root.getprevious() is not None or root.getnext() is not None:
        holder = etree.Element("holder")
        holder.append(root)
        holder.remove(root)
    return root


def _take_out(element: etree._Element) -> None:
    """Remove the element but not the text after it, which belongs to its parent."""
    # XML Signature 1.1 §6.6.4
    parent, previous = element.getparent(), element.getprevious()
    assert parent is not None
    if previous is not None:
        previous.tail = (previous.tail or "") + (element.tail or "")
    else:
        parent.text = (parent.text or "") + (element.tail or "")
    parent.remove(element)  # takes its own copy of that text along


@lru_cache(maxsize=256)
def _write_key_info(chain: tuple[Certificate, ...]) -> str:
    """KeyInfo with the signer's certificate and those above it, the root left out."""
    sent = [chain[0], *(one for one in chain[1:] if one.subject_der != one.issuer_der)]
    certificates = "".join(
        f"<ds:X509Certificate>{to_base64(one.der)}</ds:X509Certificate>" for one in sent[:MOST_CERTIFICATES]
    )
    return f"<ds:KeyInfo><ds:X509Data>{certificates}</ds:X509Data></ds:KeyInfo>"

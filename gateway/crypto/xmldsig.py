"""XML Signature, the one strict core: exact shape and allow-lists first, cryptography after.

What a reference covers is resolved by the caller (`xades` for documents, `protocol.wss` for messages). KeyInfo is
handed on unread: it only helps to find a certificate, which is trusted or not by `certificates.verify_certificate`.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Final

from lxml import etree

from gateway.crypto import algorithms
from gateway.crypto.algorithms import SignatureAlgorithm
from gateway.crypto.certificates import Certificate
from gateway.crypto.xmldsig_values import NewReference, ParsedSignature, Reference, Transform
from gateway.crypto.xmldsig_writer import build_signature
from gateway.domain.catalogue import Code
from gateway.domain.errors import TrustError
from gateway.xmlcore.c14n import exclusive
from gateway.xmlcore.namespaces import DS, EXC_C14N, tag
from gateway.xmlcore.shape import NCNAME, base64_octets, children, malformed, required

__all__ = [
    "SIGNATURE",
    "NewReference",
    "ParsedSignature",
    "Reference",
    "Transform",
    "build_signature",
    "check_digest",
    "check_digest_value",
    "check_value",
    "parse_signature",
]

SIGNATURE: Final = tag(DS, "Signature")
OBJECT: Final = tag(DS, "Object")

DIGEST_OCTETS: Final = 32  # SHA-256
MOST_TRANSFORMS: Final = 3
MOST_PREFIXES: Final = 32  # WSS4J lists every prefix in scope
MOST_OBJECTS: Final = 4

_INCLUSIVE_NAMESPACES: Final = tag(EXC_C14N, "InclusiveNamespaces")
_CID: Final = re.compile(r"cid:[!-~]{1,512}")  # RFC 2392 §2
_NOT_READ: Final = {  # what would widen the shape, refused by its name
    tag(DS, name)
    for name in ("KeyName", "KeyValue", "RetrievalMethod", "PGPData", "SPKIData", "MgmtData", "Manifest")
} | {tag(DS, "SignatureProperties"), tag("http://www.w3.org/2009/xmldsig11#", "DEREncodedKeyValue")}


def parse_signature(element: etree._Element, *, max_references: int) -> ParsedSignature:
    """The untrusted ds:Signature as a value, in its one accepted shape.

    Needed: SignedInfo, SignatureValue, KeyInfo, then up to four Objects. TrustError SIGNATURE_SHAPE, or
    SIGNATURE_ALGORITHM naming what is not on the allow-list.
    """
    # XML Signature 1.1 §4.2
    if element.tag != SIGNATURE:
        raise malformed("no ds:Signature")
    if next(element.iter(etree.Comment, etree.ProcessingInstruction, etree.Entity), None) is not None:
        raise malformed("a comment")
    parts = children(element, attributes=("Id",))
    if [part.tag for part in parts[:3]] != [
        tag(DS, "SignedInfo"),
        tag(DS, "SignatureValue"),
        tag(DS, "KeyInfo"),
    ]:
        raise malformed("children of Signature")
    signed_info, value, key_info, *objects = parts
    if len(objects) > MOST_OBJECTS or any(one.tag != OBJECT for one in objects):
        raise malformed("children of Signature")
    for holder in (key_info, *objects):
        _refuse_not_read(holder)
    algorithm, inclusive_prefixes, references = _read_signed_info(signed_info, max_references)
    return ParsedSignature(
        element=element,
        signed_info=signed_info,
        algorithm=algorithm,
        references=references,
        value=base64_octets(value, attributes=("Id",)),
        key_info=key_info,
        objects=tuple(objects),
        inclusive_prefixes=inclusive_prefixes,
    )


def check_digest(reference: Reference, octets: bytes) -> None:
    """Accept `octets` as what the reference covers. TrustError SIGNATURE_DIGEST."""
    check_digest_value(reference, hashlib.sha256(octets).digest())


def check_digest_value(reference: Reference, digest: bytes) -> None:
    """Accept the SHA-256 `digest` of what the reference covers, in constant time. TrustError SIGNATURE_DIGEST."""
    if not hmac.compare_digest(digest, reference.digest):
        within = "an element" if reference.uri.startswith("#") else "an attachment"
        raise TrustError(Code.SIGNATURE_DIGEST, what=within if reference.uri else "the document")


def check_value(parsed: ParsedSignature, certificate: Certificate) -> bytes:
    """The canonical octets of SignedInfo, if the certificate's key signed them. The certificate must be trusted.

    SignedInfo is taken as it stands in its tree. TrustError SIGNATURE_VALUE; SIGNATURE_ALGORITHM if the key is of
    another kind than the algorithm.
    """
    # XML Signature 1.1 §3.2.2
    octets = exclusive(parsed.signed_info, parsed.inclusive_prefixes)
    parsed.algorithm.verify(certificate.public_key, parsed.value, octets)
    return octets


def _read_signed_info(
    signed_info: etree._Element, max_references: int
) -> tuple[SignatureAlgorithm, tuple[str, ...], tuple[Reference, ...]]:
    parts = children(signed_info, attributes=("Id",))
    names = [part.tag for part in parts]
    if names[:2] != [tag(DS, "CanonicalizationMethod"), tag(DS, "SignatureMethod")]:
        raise malformed("children of SignedInfo")
    canonicalisation, method, *references = parts
    if not 1 <= len(references) <= max_references or set(names[2:]) != {tag(DS, "Reference")}:
        raise malformed("references of SignedInfo")
    algorithms.require_canonicalisation(required(canonicalisation, "Algorithm"))
    algorithm = SignatureAlgorithm.from_uri(required(method, "Algorithm"))
    if children(method, attributes=("Algorithm",)):
        raise _not_accepted("parameters", "the signature")  # HMACOutputLength, RSAPSSParams
    prefixes = _read_prefixes(canonicalisation)
    return algorithm, prefixes, tuple(_read_reference(reference) for reference in references)


def _read_reference(element: etree._Element) -> Reference:
    parts = children(element, attributes=("URI", "Type", "Id"))
    if [part.tag for part in parts] != [
        tag(DS, "Transforms"),
        tag(DS, "DigestMethod"),
        tag(DS, "DigestValue"),
    ]:
        raise malformed("children of Reference")
    transforms, method, value = parts
    algorithms.require_digest(required(method, "Algorithm"))
    if children(method, attributes=("Algorithm",)):
        raise malformed("parameters of a digest")
    digest = base64_octets(value)
    if len(digest) != DIGEST_OCTETS:
        raise malformed("length of a digest")
    uri, kind = required(element, "URI"), element.get("Type")
    if uri and not (uri[0] == "#" and NCNAME.fullmatch(uri, 1)) and not _CID.fullmatch(uri):
        raise malformed("URI of a reference")
    if kind == DS + "Manifest":
        raise _not_accepted("Manifest", "a reference")
    return Reference(uri, kind, element.get("Id"), _read_transforms(transforms), digest)


def _read_transforms(element: etree._Element) -> tuple[Transform, ...]:
    found = []
    for one in children(element):
        if one.tag != tag(DS, "Transform"):
            raise malformed("children of Transforms")
        algorithm = required(one, "Algorithm")
        algorithms.require_transform(algorithm)
        if algorithm == algorithms.EXCLUSIVE_C14N:
            found.append(Transform(algorithm, _read_prefixes(one)))
        elif children(one, attributes=("Algorithm",)):
            raise malformed("parameters of a transform")
        else:
            found.append(Transform(algorithm))
    if not 1 <= len(found) <= MOST_TRANSFORMS:
        raise malformed("number of transforms")
    return tuple(found)


def _read_prefixes(canonicalisation: etree._Element) -> tuple[str, ...]:
    """The prefix list of an exclusive canonicalisation; empty if there is none."""
    # Exclusive XML Canonicalization 1.0 §4
    parameters = children(canonicalisation, attributes=("Algorithm",))
    if not parameters:
        return ()
    if len(parameters) > 1 or parameters[0].tag != _INCLUSIVE_NAMESPACES:
        raise malformed("parameters of a canonicalisation")
    if children(parameters[0], attributes=("PrefixList",)):
        raise malformed("children of InclusiveNamespaces")
    prefixes = tuple(required(parameters[0], "PrefixList").split())
    if len(prefixes) > MOST_PREFIXES:
        raise malformed("number of inclusive prefixes")
    if not all(prefix == "#default" or NCNAME.fullmatch(prefix) for prefix in prefixes):
        raise malformed("an inclusive prefix")
    return prefixes


def _refuse_not_read(holder: etree._Element) -> None:
    for child in holder:
        if child.tag in _NOT_READ:
            name = etree.QName(child).localname
            raise _not_accepted(name, "a key" if name != "Manifest" else "a reference")


def _not_accepted(algorithm: str, what: str) -> TrustError:
    return TrustError(Code.SIGNATURE_ALGORITHM, algorithm=algorithm, what=what)

"""Making XML signatures, as canonical text: what is signed is written, not built, read and canonicalised again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import pybase64
from lxml import etree

from gateway.crypto import algorithms
from gateway.crypto.keys import SigningKey
from gateway.crypto.xmldsig_values import NewReference, Transform
from gateway.xmlcore.namespaces import DS, EXC_C14N
from gateway.xmlcore.parse import parse


def build_signature(
    references: Sequence[NewReference],
    key: SigningKey,
    key_info: etree._Element,
    *,
    signature_id: str | None = None,
    objects: Sequence[etree._Element] = (),
) -> etree._Element:
    """A new ds:Signature over these references, not yet in a document; `key_info` and `objects` are moved into it.

    It has the prefix ds and may be put anywhere: exclusive canonicalisation gives SignedInfo the same octets.
    """
    signature = parse(write_signature(references, key, signature_id=signature_id).encode("utf-8"))
    signature.append(key_info)
    signature.extend(objects)
    return signature


def write_signature(
    references: Sequence[NewReference],
    key: SigningKey,
    *,
    signature_id: str | None = None,
    key_info: str = "",
    objects: str = "",
) -> str:
    """The same as canonical text; `key_info` and `objects` are canonical text too, with prefix ds undeclared.

    SignedInfo is written in its canonical form at once, and so need not be read and canonicalised to be signed.
    """
    inner = (
        f'<ds:CanonicalizationMethod Algorithm="{algorithms.EXCLUSIVE_C14N}"></ds:CanonicalizationMethod>'
        f'<ds:SignatureMethod Algorithm="{key.algorithm.uri}"></ds:SignatureMethod>'
        + "".join(map(_write_reference, references))
    )
    value = key.sign(f'<ds:SignedInfo xmlns:ds="{DS}">{inner}</ds:SignedInfo>'.encode())
    return (
        f'<ds:Signature xmlns:ds="{DS}"{_attribute("Id", signature_id)}><ds:SignedInfo>{inner}</ds:SignedInfo>'
        f"<ds:SignatureValue>{to_base64(value)}</ds:SignatureValue>{key_info}{objects}</ds:Signature>"
    )


def to_base64(octets: bytes) -> str:
    """The octets in base64, on one line."""
    return pybase64.b64encode(octets).decode("ascii")


def _write_reference(reference: NewReference) -> str:
    # Canonical XML 1.0 §2.3: attributes stand in the order of their names
    attributes = _attribute("Id", reference.id) + _attribute("Type", reference.type)
    return (
        f"<ds:Reference{attributes}{_attribute('URI', reference.uri)}><ds:Transforms>"
        + "".join(map(_write_transform, reference.transforms))
        + f'</ds:Transforms><ds:DigestMethod Algorithm="{algorithms.SHA256}"></ds:DigestMethod>'
        f"<ds:DigestValue>{to_base64(reference.digest)}</ds:DigestValue></ds:Reference>"
    )


def _write_transform(transform: Transform) -> str:
    inner = ""
    if transform.inclusive_prefixes:
        prefixes = _attribute("PrefixList", " ".join(transform.inclusive_prefixes))
        inner = f'<ec:InclusiveNamespaces xmlns:ec="{EXC_C14N}"{prefixes}></ec:InclusiveNamespaces>'
    return f"<ds:Transform{_attribute('Algorithm', transform.algorithm)}>{inner}</ds:Transform>"


def _attribute(name: str, value: str | None) -> str:
    """An attribute in canonical form, or nothing."""
    if value is None:
        return ""
    if _ESCAPED.search(value):
        value = value.translate(_CANONICAL_ESCAPES)
    return f' {name}="{value}"'


_ESCAPED: Final = re.compile('[&<"\t\n\r]')
_CANONICAL_ESCAPES: Final = {
    ord("&"): "&amp;",
    ord("<"): "&lt;",
    ord('"'): "&quot;",
    ord("\t"): "&#x9;",
    ord("\n"): "&#xA;",
    ord("\r"): "&#xD;",
}

"""What a message signature digests of the attachments beside an envelope, and that each is covered exactly once.

Two ways, by how the part is bound to the envelope: SwA references the part itself; with MTOM the signature covers the
document as it would be with the content inline, as base64.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pybase64
from lxml import etree

from gateway.protocol.mime import malformed, resolve_cid
from gateway.xmlcore.c14n import exclusive
from gateway.xmlcore.namespaces import XOP, tag

INCLUDE: Final = tag(XOP, "Include")

_CHUNK = 3 * 65_536  # in bytes; a multiple of three, so that base64 of the pieces is base64 of the whole


@dataclass(frozen=True)
class Include:
    """An xop:Include in a Body: the element whose content travels as a part, and the Content-ID of that part."""

    holder: etree._Element
    element: etree._Element
    content_id: str


def named_part(uri: str, content_ids: Mapping[str, object]) -> str:
    """Return the Content-ID among `content_ids` that a cid: URI names. InputError MIME_MALFORMED if there is none.

    Some clients escape the Content-ID as well as the URI; such a part is found under its escaped name.
    """
    plain, escaped = resolve_cid(uri), uri[len("cid:") :]
    names = {name for name in (plain, escaped) if name in content_ids}
    if len(names) != 1:
        raise malformed("a cid: URI names no part")
    return names.pop()


def find_includes(body: etree._Element, content_ids: Mapping[str, object]) -> tuple[Include, ...]:
    """Return every xop:Include below `body`, in document order; each must be all that its element holds. XOP §3.2.

    InputError MIME_MALFORMED on any other shape, and if the URI names no part.
    """
    return tuple(_include(element, body, content_ids) for element in body.iter(INCLUDE))


def canonical_pieces(
    body: etree._Element, includes: Sequence[Include], inclusive_prefixes: Sequence[str] = ()
) -> list[bytes]:
    """Return the exclusive canonical form of `body`, cut where each Include stands. The tree is left as it was."""
    mark = secrets.token_hex(16)  # unguessable: no message can hold it
    try:
        for include in includes:
            include.holder.remove(include.element)
            include.holder.text = mark
        return exclusive(body, inclusive_prefixes).split(mark.encode())
    finally:
        for include in includes:
            include.holder.text = None
            include.holder.append(include.element)


def digest_pieces(
    pieces: Sequence[bytes], includes: Sequence[Include], contents: Mapping[str, bytes | memoryview]
) -> bytes:
    """Return the SHA-256 of canonical octets in which the base64 content of each Include stands between two pieces.

    Base64 in its canonical form, without line breaks (XML Schema Part 2 §3.2.16). The content is encoded and hashed
    a little at a time and never stands in a tree.
    """
    digest = hashlib.sha256(pieces[0])
    for include, following in zip(includes, pieces[1:], strict=True):
        content = memoryview(contents[include.content_id])
        for start in range(0, len(content), _CHUNK):
            digest.update(pybase64.b64encode(content[start : start + _CHUNK]))
        digest.update(following)
    return digest.digest()


def digest_content(media_type: str, content: bytes | memoryview) -> bytes:
    """Return the SHA-256 that the Attachment-Content-Signature-Transform gives for a part of this media type.

    Octets as they are; of text, with every line end as CRLF. InputError MIME_MALFORMED for XML, whose digest would
    not be over the octets that are passed on.
    """
    # SwA Profile 1.1.1 §5.4.2
    media_type = media_type.lower()
    if media_type in ("text/xml", "application/xml") or media_type.endswith("+xml"):
        raise malformed("an XML attachment; send it as application/octet-stream")
    if is_text(media_type):
        lines = bytes(content).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return hashlib.sha256(lines.replace(b"\n", b"\r\n")).digest()
    return hashlib.sha256(content).digest()


def is_text(media_type: str) -> bool:
    """Whether a part of this media type is digested with other line ends than it has."""
    return media_type.lower().startswith("text/")


def take_includes(payload: etree._Element, includes: Sequence[Include]) -> dict[etree._Element, str]:
    """Empty the elements of `payload` that hold an Include, and return them with the Content-ID of their content.

    `payload` is a copy of the tree in which `includes` were found, so they stand in the same order.
    """
    holders: dict[etree._Element, str] = {}
    for element, include in zip(list(payload.iter(INCLUDE)), includes, strict=True):
        holder = element.getparent()
        assert holder is not None
        holder.remove(element)
        holders[holder] = include.content_id
    return holders


def _include(element: etree._Element, body: etree._Element, content_ids: Mapping[str, object]) -> Include:
    holder = element.getparent()
    is_alone = holder is not None and holder is not body and len(holder) == 1
    if holder is None or not is_alone or holder.text or element.tail or element.text or len(element):
        raise malformed("an xop:Include that is not all its element holds")
    if element.keys() != ["href"]:
        raise malformed("an xop:Include with other than href")
    return Include(holder, element, named_part(element.get("href", ""), content_ids))

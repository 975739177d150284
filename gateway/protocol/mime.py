"""Multipart messages: a bounded, strict splitter for multipart/related, and the builder of ours.

Both forms in which SOAP travels with attachments are read, MTOM (root application/xop+xml) and SwA (root text/xml or
application/soap+xml). What two readers could split in two ways is refused: lines end in CRLF only, a line that begins
with the boundary is a delimiter or an error, a header stands once. RFC 2046 §5.1, RFC 2387.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError
from gateway.protocol.content_type import ContentType

RELATED: Final = "multipart/related"
XOP: Final = "application/xop+xml"

_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")  # RFC 2046 §5.1.1
_HEADER = re.compile(r"([0-9A-Za-z-]{1,40}):[ \t]*([!-~](?:[ -~\t]*[!-~])?)[ \t]*")
_CONTENT_ID = re.compile(r"<([!-;=?-~]{1,255})>")
_ESCAPES = re.compile(r"(?:[^%]|%[0-9A-Fa-f]{2})*")
_READ = frozenset({"content-type", "content-id", "content-transfer-encoding"})
_IGNORED = frozenset({"content-disposition", "content-description", "mime-version"})
_ENCODINGS = frozenset({"binary", "8bit", "7bit"})  # the identity encodings, RFC 2045 §6.2
_AROUND_OCTETS = 1_000  # the most that may stand before the first and after the last delimiter


@dataclass(frozen=True)
class MessageLimits:
    """How large a message may be. All sizes in bytes."""

    root_octets: int = 12_000_000  # an attachment of 7.4 MB in base64 and the document around it
    parts: int = 100
    part_header_octets: int = 8_192


MESSAGE_LIMITS: Final = MessageLimits()


@dataclass(frozen=True)
class Part:
    """One part of a multipart message; `content` is a view into the message as received, not a copy."""

    content_type: ContentType
    content_id: str  # without its angle brackets; "" on a root part that has none
    content: memoryview


@dataclass(frozen=True)
class Multipart:
    """A multipart message: its root part and, by Content-ID, the parts that belong to it. Nothing is trusted."""

    content_type: ContentType
    root: Part
    parts: Mapping[str, Part]


def split(content_type: str, body: bytes, limits: MessageLimits = MESSAGE_LIMITS) -> Multipart:
    """Return the parts of a multipart/related message, each as a view into `body`.

    The root is the part that `start` names, else the first. Costs one search per part. InputError MIME_MALFORMED,
    MIME_TOO_MANY_PARTS, or XML_TOO_LARGE for a root part above its limit.
    """
    header = ContentType.parse(content_type)
    boundary = header.parameters.get("boundary", "")
    if header.media_type != RELATED or not _BOUNDARY.fullmatch(boundary):
        raise malformed("boundary")
    parts = [_part(body, start, end, limits) for start, end in _sections(body, boundary.encode(), limits)]
    by_id = {part.content_id: part for part in parts}
    if len(by_id) != len(parts):
        raise malformed("Content-ID twice or missing")
    root = _root(header, parts)
    if len(root.content) > limits.root_octets:
        raise InputError(Code.XML_TOO_LARGE, limit=limits.root_octets, what="octets")
    del by_id[root.content_id]
    if "" in by_id:
        raise malformed("Content-ID twice or missing")
    return Multipart(header, root, MappingProxyType(by_id))


def resolve_cid(uri: str) -> str:
    """Return the Content-ID that a cid: URI names, with its escapes undone once. RFC 2392 §2.

    InputError MIME_MALFORMED if it is no cid: URI or no Content-ID comes out.
    """
    scheme, _, escaped = uri.partition(":")
    if scheme.lower() != "cid" or not _ESCAPES.fullmatch(escaped) or not escaped.isascii():
        raise malformed("cid URI")
    content_id = unquote_to_bytes(escaped).decode("latin-1")
    if not _CONTENT_ID.fullmatch(f"<{content_id}>"):
        raise malformed("cid URI")
    return content_id


def cid_uri(content_id: str) -> str:
    """Return the cid: URI of a Content-ID, with every unsafe character escaped. RFC 2392 §2."""
    return "cid:" + quote(content_id, safe="@")


@dataclass(frozen=True)
class NewPart:
    """A part that we send."""

    content_id: str  # without angle brackets
    media_type: str
    content: bytes | memoryview


@dataclass(frozen=True)
class Built:
    """A message to be sent: its Content-Type header and its body in pieces, so that large parts are not copied."""

    content_type: str
    pieces: tuple[bytes | memoryview, ...]

    @property
    def body(self) -> bytes:
        """The whole body, copied together."""
        return b"".join(self.pieces)


def build_related(
    root: bytes,
    root_type: str,
    parts: Sequence[NewPart],
    *,
    mtom: bool,
    parameters: Mapping[str, str] | None = None,
) -> Built:
    """Return a multipart/related message with `root` first.

    `root_type` is the media type of the envelope, text/xml or application/soap+xml. With `mtom` the root is sent as
    application/xop+xml (XOP §4.1), else as itself (SOAP with Attachments). `parameters`, e.g. action, join the type.
    """
    boundary = f"bropost-{secrets.token_hex(16)}"  # 128 random bits: no content can hold it
    extra = "".join(f"; {name}={_quoted(value)}" for name, value in (parameters or {}).items())
    root_id = f"root-{secrets.token_hex(8)}@bropost"
    own_type = (
        f"{XOP}; charset=UTF-8; type={_quoted(root_type + extra)}"
        if mtom
        else f"{root_type}; charset=UTF-8{extra}"
    )
    start_info = f"; start-info={_quoted(root_type + extra)}" if mtom else ""
    pieces: list[bytes | memoryview] = [_part_header(boundary, own_type, root_id, first=True), root]
    for part in parts:
        pieces += [_part_header(boundary, part.media_type, part.content_id, first=False), part.content]
    pieces.append(f"\r\n--{boundary}--\r\n".encode())
    outer = f'{RELATED}; type="{XOP if mtom else root_type}"; boundary="{boundary}"; start="<{root_id}>"{start_info}'
    return Built(outer, tuple(pieces))


def malformed(what: str) -> InputError:
    """Return the error for a multipart message that cannot be split in exactly one way; `what` quotes no content."""
    return InputError(Code.MIME_MALFORMED, what=what)


def _sections(body: bytes, boundary: bytes, limits: MessageLimits) -> list[tuple[int, int]]:
    """Return where each part, headers included, begins and ends."""
    delimiter = b"\n--" + boundary
    if body.startswith(delimiter[1:]):
        position = len(delimiter) - 1
    else:  # a short preamble
        position = _delimiter(body, delimiter, 0, _AROUND_OCTETS + len(delimiter)) + len(delimiter)
    sections: list[tuple[int, int]] = []
    while body[position : position + 2] == b"\r\n":
        if len(sections) == limits.parts:
            raise InputError(Code.MIME_TOO_MANY_PARTS, limit=limits.parts)
        start = position + 2
        end = _delimiter(body, delimiter, start, len(body))
        sections.append((start, end - 1))
        position = end + len(delimiter)
    if body[position : position + 2] != b"--":
        raise malformed("a line that begins with the boundary")
    after = body[position + 2 : position + 3 + _AROUND_OCTETS]
    if len(after) > _AROUND_OCTETS or (after and not after.startswith(b"\r\n")) or b"--" + boundary in after:
        raise malformed("data after the closing delimiter")
    if not sections:
        raise malformed("no part")
    return sections


def _delimiter(body: bytes, delimiter: bytes, start: int, end: int) -> int:
    """Return the position of the next delimiter's line feed, which must follow a carriage return."""
    found = body.find(delimiter, start, end)
    if found < 0:
        raise malformed("a delimiter is missing")
    if found == 0 or body[found - 1] != 0x0D:
        raise malformed("a delimiter after a bare line feed")
    return found


def _part(body: bytes, start: int, end: int, limits: MessageLimits) -> Part:
    """Read the headers of one part."""
    if body.startswith(b"\r\n", start, end):
        split_at, content_at = start, start + 2
    else:
        split_at = body.find(b"\r\n\r\n", start, min(end, start + limits.part_header_octets + 4))
        content_at = split_at + 4
    if split_at < 0:
        raise malformed("part headers")
    headers = _headers(body[start:split_at].decode("latin-1"))
    if headers.get("content-transfer-encoding", "binary").lower() not in _ENCODINGS:
        raise malformed("Content-Transfer-Encoding other than binary, 8bit or 7bit")
    content_id = ""
    if "content-id" in headers:
        bracketed = _CONTENT_ID.fullmatch(headers["content-id"])
        if bracketed is None:
            raise malformed("Content-ID")
        content_id = bracketed[1]
    content_type = ContentType.parse(headers.get("content-type", "application/octet-stream"))
    return Part(content_type, content_id, memoryview(body)[content_at:end])


def _headers(block: str) -> dict[str, str]:
    """Return the headers of a part by name in lower case; only those of the closed list may stand, each once."""
    headers: dict[str, str] = {}
    for line in re.sub(r"\r\n(?=[ \t])", "", block).split("\r\n") if block else []:
        matched = _HEADER.fullmatch(line)
        name = matched[1].lower() if matched else ""
        if matched is None or name in headers or name not in _READ | _IGNORED:
            raise malformed("part headers")
        headers[name] = matched[2]
    return headers


def _root(header: ContentType, parts: Sequence[Part]) -> Part:
    """Return the root part, whose type must be the one that the message announces. RFC 2387 §3."""
    root = parts[0]
    if start := header.parameters.get("start"):
        bracketed = _CONTENT_ID.fullmatch(start)
        content_id = bracketed[1] if bracketed else start
        named = [part for part in parts if part.content_id == content_id]
        if not named:
            raise malformed("start names no part")
        root = named[0]
    announced = header.parameters.get("type")
    if announced and ContentType.parse(announced).media_type != root.content_type.media_type:
        raise malformed("type is not that of the root part")
    return root


def _part_header(boundary: str, content_type: str, content_id: str, *, first: bool) -> bytes:
    line = "" if first else "\r\n"
    return (
        f"{line}--{boundary}\r\nContent-Type: {content_type}\r\nContent-ID: <{content_id}>\r\n"
        "Content-Transfer-Encoding: binary\r\n\r\n"
    ).encode("ascii")


def _quoted(value: str) -> str:
    escaped = re.sub(r'(["\\])', r"\\\1", value)
    return f'"{escaped}"'

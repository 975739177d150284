"""Whether an attachment is the harmless file that it says it is.

Four media types are accepted, each known by its own marks and not by its name: PDF, PNG, JPEG and plain text. A file
with active content, embedded files, encryption or bytes after its end is refused. The check assists the recipient's
virus scanner; it does not replace it.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator
from string import ascii_letters
from typing import Final

from ahocorasick_rs import BytesAhoCorasick, MatchKind

from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError
from gateway.domain.operations import Octets

TEXT_LIMIT: Final = 1_000_000  # bytes of a plain text, which is searched like the texts of a document
INFLATED_LIMIT: Final = (
    16 * 1024 * 1024
)  # bytes of one PDF's object streams; a real one holds some hundred KB
OBJECT_STREAMS_MOST: Final = 20_000  # a stream holds a hundred objects: more than 20 MB of PDF can need
ESCAPED_NAMES_MOST: Final = 100_000  # a tenth of a second's work

# PDF names that start programs, carry files or hide content. ISO 32000-2 §7.11.4, §12.6.4, §12.7.3, §12.7.6, §13.
_ACTIVE_NAMES: Final = tuple(
    b"/" + name
    for name in (
        b"JavaScript",
        b"JS",
        b"Launch",
        b"EmbeddedFile",
        b"EmbeddedFiles",
        b"Filespec",
        b"FileAttachment",
        b"RichMedia",
        b"XFA",
        b"Movie",
        b"Sound",
        b"SubmitForm",
        b"ImportData",
        b"GoToE",
        b"Encrypt",
    )
)
_MARKS: Final = {
    "application/pdf": b"%PDF-",
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff",
}
_REGULAR = rb"[^\x00\t\n\f\r ()<>\[\]{}/%]"  # what a name is made of, ISO 32000-2 §7.2.3
_OBJECT_STREAM: Final = b"/ObjStm"
# What is sought, in one walk: active content and object streams by their names, and the escapes of letters
# (ISO 32000-2 §7.3.5), for a name that hides one of these has such an escape.
_ESCAPED_LETTERS: Final = {
    f"#{ord(letter):{form}}".encode() for letter in ascii_letters for form in ("x", "X")
}
_SOUGHT: Final = (*_ACTIVE_NAMES, _OBJECT_STREAM, *sorted(_ESCAPED_LETTERS))
_SEARCH = BytesAhoCorasick(_SOUGHT, matchkind=MatchKind.LeftmostLongest)
_LONGEST: Final = max(map(len, _SOUGHT))
_ESCAPED_OCTETS: Final = 3 * _LONGEST  # of a name whose letters are all escaped
_WINDOW: Final = 65_536  # octets searched at once, so that what is found in them is bounded too
_GOES_ON = re.compile(_REGULAR)
_NAME = re.compile(rb"/" + _REGULAR + rb"+")
_ESCAPE = re.compile(rb"#([0-9A-Fa-f]{2})")
_NEVER_ESCAPED: Final = frozenset((*_ACTIVE_NAMES, _OBJECT_STREAM))
_STREAM = re.compile(rb"stream\r?\n")
_END_OF_STREAM = re.compile(rb"endstream")
_DICTIONARY_OCTETS: Final = 2048  # from the name /ObjStm to its data; a real dictionary takes a hundred
_TOO_LARGE: Final = "the object streams of the PDF are too large"
_ALLOWED_CONTROLS = b"\t\n\r"


def media_type_of(octets: Octets) -> str:
    """Return the accepted media type that the octets show by their first marks; "" if they show none of them."""
    for media_type in _MARKS:
        if _begins_as(octets, media_type):
            return media_type
    return "text/plain" if _text(octets) is None else ""


def _begins_as(octets: Octets, media_type: str) -> bool:
    mark = _MARKS[media_type]
    return octets[: len(mark)] == mark


def inspect_attachment(number: int, media_type: str, octets: Octets) -> None:
    """Refuse a file that is not what `media_type` says or that holds active content.

    `number` is the attachment's number in the document. Raises InputError ATTACHMENT_TYPE.
    """
    inspect = _INSPECTIONS.get(media_type)
    fault = "the media type is not accepted" if inspect is None else inspect(octets)
    if fault:
        raise InputError(Code.ATTACHMENT_TYPE, number=number, what=fault)


def _pdf(octets: Octets) -> str | None:
    if not _begins_as(octets, "application/pdf"):
        return "it is not a PDF"
    if b"%%EOF" not in bytes(octets[-1024:]):
        return "the PDF is cut off"
    fault, streams = _names(octets)
    return fault or _hidden_in_streams(octets, streams)


def _names(octets: Octets) -> tuple[str | None, list[int]]:
    """Say what active content is named, also with # escapes, or None; and where each name /ObjStm ends."""
    streams: list[int] = []
    escaped = 0
    for sought, start, end in _found(octets):
        if sought.startswith(b"#"):
            escaped += 1
            if escaped > ESCAPED_NAMES_MOST:
                return "the PDF has too many escaped names", streams
            if _unescaped_name(octets, start) in _NEVER_ESCAPED:
                return "the PDF hides active content behind an escaped name", streams
        elif _GOES_ON.match(octets, end):
            continue  # a longer name
        elif sought is not _OBJECT_STREAM:
            return f"the PDF holds {sought.decode()}", streams
        else:
            streams.append(end)
            if len(streams) > OBJECT_STREAMS_MOST:
                return _TOO_LARGE, streams
    return None, streams


def _found(octets: Octets) -> Iterator[tuple[bytes, int, int]]:
    """Give each place where something sought stands, and what it is, in order."""
    view, done = memoryview(octets), 0
    for at in range(0, len(view), _WINDOW):
        for number, start, end in _SEARCH.find_matches_as_indexes(view[at : at + _WINDOW + _LONGEST]):
            if at + start >= done:  # else the end of the window before had it
                done = at + end
                yield _SOUGHT[number], at + start, done


def _unescaped_name(octets: Octets, escape: int) -> bytes:
    """Return the name in which an escape stands, without its escapes; b"" if it stands in none."""
    before = bytes(octets[max(0, escape - _ESCAPED_OCTETS) : escape])
    before = before[before.rfind(b"/") :]
    name = _NAME.match(before + octets[escape : escape + _ESCAPED_OCTETS])
    if name is None or name.end() <= len(before):
        return b""  # it stands in a text
    return _ESCAPE.sub(lambda match: bytes([int(match[1], 16)]), name[0])


def _hidden_in_streams(octets: Octets, names: list[int]) -> str | None:
    """Look into the compressed object streams, where a PDF may keep its dictionaries; `names` end at these places."""
    inflated_left, read_left = INFLATED_LIMIT, 2 * len(octets)
    view, end = memoryview(octets), 0
    for number, start in enumerate(_object_streams(octets, names)):
        if start is None:
            return "an object stream of the PDF cannot be found"
        if end < start:
            found = _END_OF_STREAM.search(octets, start)
            end = found.start() if found else len(octets)
        try:
            plain, read = _inflated(view[start:end], inflated_left)
        except zlib.error:
            return "an object stream of the PDF cannot be read"
        inflated_left -= len(plain)
        read_left -= read  # streams that do not overlap are read once
        if inflated_left < 0 or read_left < 0 or number == OBJECT_STREAMS_MOST:
            return _TOO_LARGE
        if fault := _names(plain)[0]:
            return fault
    return None


def _object_streams(octets: Octets, names: list[int]) -> Iterator[int | None]:
    """Give where the data of each object stream begins, once; None for one that does not. ISO 32000-2 §7.5.7."""
    done = 0
    for name in names:
        stream = _STREAM.search(octets, name, name + _DICTIONARY_OCTETS)
        if stream is None:
            yield None
        elif stream.end() > done:
            done = stream.end()
            yield done


def _inflated(data: memoryview, most: int) -> tuple[bytes, int]:
    """The plain octets, at most one more than `most`, and how many were read for them: never far past the end."""
    inflater, plain, at, step = zlib.decompressobj(), bytearray(), 0, 1024
    while at < len(data) and not inflater.eof and len(plain) <= most:
        plain += inflater.decompress(data[at : at + step], most + 1 - len(plain))
        at, step = at + step, min(2 * step, 65_536)
    return bytes(plain), min(at, len(data)) - len(inflater.unused_data)


def _png(octets: Octets) -> str | None:
    if not _begins_as(octets, "image/png"):
        return "it is not a PNG"
    at = 8
    while at + 12 <= len(octets):  # each chunk: length, type, data, CRC. PNG 3rd edition §5.3
        length = int.from_bytes(octets[at : at + 4], "big")
        kind = octets[at + 4 : at + 8]
        at += 12 + length
        if kind == b"IEND":
            return None if at == len(octets) else "bytes follow the end of the PNG"
    return "the PNG is cut off"


def _jpeg(octets: Octets) -> str | None:
    if not _begins_as(octets, "image/jpeg"):
        return "it is not a JPEG"
    return None if octets[-2:] == b"\xff\xd9" else "the JPEG is cut off or followed by other bytes"


def _text(octets: Octets) -> str | None:
    if len(octets) > TEXT_LIMIT:
        return "the text is too long to be searched; send it as PDF"
    try:
        plain = bytes(octets)
        plain.decode("utf-8")
    except UnicodeDecodeError:
        return "the text is not UTF-8"
    if plain.translate(None, _ALLOWED_CONTROLS) != plain.translate(None, bytes(range(32)) + b"\x7f"):
        return "the text holds control characters"
    return None


_INSPECTIONS: Final[dict[str, Callable[[Octets], str | None]]] = {
    "application/pdf": _pdf,
    "image/png": _png,
    "image/jpeg": _jpeg,
    "text/plain": _text,
}

ACCEPTED_MEDIA_TYPES: Final = frozenset(_INSPECTIONS)

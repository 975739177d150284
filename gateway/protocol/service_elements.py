"""Building blocks of elements in the service namespace, and how values are written in them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import pybase64
from lxml import etree

from gateway.xmlcore.namespaces import SERVICE, tag

_NSMAP: Final[dict[str | None, str]] = {"svc": SERVICE}
_TEXT_MOST: Final = 1_000  # doc:Text1000


def new(name: str) -> etree._Element:
    """Return an element of the service namespace, the root of a tree of its own."""
    return etree.Element(tag(SERVICE, name), nsmap=_NSMAP)


def sub(parent: etree._Element, name: str) -> etree._Element:
    """Append an element of the service namespace and return it."""
    return etree.SubElement(parent, tag(SERVICE, name))


def utc_text(at: datetime) -> str:
    """Return a zoned time as doc:UtcTime: in UTC with Z, to the millisecond below."""
    if at.tzinfo is None:
        raise ValueError("a time without zone")
    moment = at.astimezone(UTC).replace(tzinfo=None)
    return moment.isoformat(timespec="milliseconds" if moment.microsecond else "seconds") + "Z"


def add(parent: etree._Element, name: str, value: object) -> None:
    """Append an element of the service namespace with this value; None appends nothing.

    Text that XML cannot carry is shown as U+FFFD, so that telling of an error never fails itself.
    """
    if value is None:
        return
    sub(parent, name).text = _written(value)


def add_sentence(parent: etree._Element, name: str, sentence: str) -> None:
    """Append a sentence of ours as doc:Text1000, cut if a fact in it was long."""
    short = sentence if len(sentence) <= _TEXT_MOST else sentence[: _TEXT_MOST - 1] + "…"
    add(parent, name, short)


def _written(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return utc_text(value)
    if isinstance(value, bytes | memoryview):
        return pybase64.b64encode_as_string(value)
    text = str(value)
    return text if text.isprintable() else "".join(map(_carried, text))


def _carried(character: str) -> str:
    """The character, or U+FFFD for one that XML 1.0 §2.2 does not have."""
    code = ord(character)
    allowed = code in (9, 10, 13) or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or code > 0xFFFF
    return character if allowed else "�"

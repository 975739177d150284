"""One change to a golden file, and how it is made.

A path names elements as violations do, e.g. "/Document/Header/Purpose[2]". A step without a position stands for every
element of that name; what must be one element is checked to be one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from lxml import etree

from gateway.xmlcore.parse import parse
from tests.golden.loader import golden

_STEP = re.compile(r"([A-Za-z][A-Za-z0-9]*)(?:\[([0-9]+)\])?")


@dataclass(frozen=True)
class SetText:
    """Write this text into one element, or into an attribute ("/Document/@schemaVersion")."""

    path: str
    text: str


@dataclass(frozen=True)
class Substitute:
    """Write `put` for what `find` (a regular expression) matches in the text of one element."""

    path: str
    find: str
    put: str


@dataclass(frozen=True)
class Remove:
    """Leave out every element of this path, or an attribute."""

    path: str


@dataclass(frozen=True)
class Repeat:
    """Let the elements of this path stand so often in all, by copies of the last one."""

    path: str
    times: int


@dataclass(frozen=True)
class Insert:
    """Put XML "before" or "after" one element, or as the "first" or "last" inside it.

    Names without a prefix are of the namespace around them.
    """

    where: str
    path: str
    xml: str


Change = SetText | Substitute | Remove | Repeat | Insert


def with_changes(octets: bytes, *changes: Change) -> bytes:
    """The document with these changes, made in order."""
    root = parse(octets)
    for change in changes:
        _make(root, change)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


def change_from(row: Mapping[str, Any]) -> Change:
    """A change as TOML files write it: {text, at}, {find, put, at}, {remove}, {repeat, times}, {insert, after}."""
    match dict(row):
        case {"remove": path, **rest} if not rest:
            return Remove(path)
        case {"repeat": path, "times": times, **rest} if not rest:
            return Repeat(path, times)
        case {"find": find, "put": put, "at": path, **rest} if not rest:
            return Substitute(path, find, put)
        case {"text": text, "at": path, **rest} if not rest:
            return SetText(path, text_of(text))
        case {"insert": xml, **rest} if len(rest) == 1:
            ((where, path),) = rest.items()
            return Insert(where, path, xml_of(xml))
    raise ValueError(f"no change is written like {sorted(row)}")


def text_of(value: str | Mapping[str, Any]) -> str:
    """A text as TOML files write it: itself, or {repeat, times} for a long one."""
    return value if isinstance(value, str) else str(value["repeat"]) * int(value["times"])


def xml_of(value: str | Mapping[str, str]) -> str:
    """XML as TOML files write it: itself, or {golden, take} for an element of another golden file."""
    if isinstance(value, str):
        return value
    (element,) = select(parse(golden(value["golden"])), value["take"])
    return etree.tostring(element, encoding="unicode", with_tail=False)


def select(root: etree._Element, path: str) -> list[etree._Element]:
    """Every element of this path, in document order."""
    first, *steps = path.removeprefix("/").split("/")
    found = [root] if first == _local(root) else []
    for step in steps:
        matched = _STEP.fullmatch(step)
        if matched is None:
            raise ValueError(f"no step of a path: {step}")
        found = [child for parent in found for child in _children(parent, matched[1], matched[2])]
    return found


def _children(parent: etree._Element, name: str, position: str | None) -> list[etree._Element]:
    alike = [child for child in parent.iterchildren("*") if _local(child) == name]
    return alike if position is None else alike[int(position) - 1 : int(position)]


def _make(root: etree._Element, change: Change) -> None:
    path, _, attribute = change.path.partition("/@")
    found = select(root, path)
    if not found:
        raise LookupError(f"nothing stands at {path}")
    match change:
        case Remove():
            for element in found:
                _remove(element, attribute)
        case Repeat():
            for _ in range(change.times - len(found)):
                found[-1].addnext(deepcopy(found[-1]))
        case _:
            if len(found) > 1:
                raise LookupError(f"several elements stand at {path}")
            _change_one(found[0], change, attribute)


def _change_one(element: etree._Element, change: SetText | Substitute | Insert, attribute: str) -> None:
    match change:
        case SetText() if attribute:
            element.set(attribute, change.text)
        case SetText():
            element.text = change.text
        case Substitute():
            text, count = re.subn(change.find, change.put, element.text or "")
            if not count:
                raise LookupError(f"the text at {change.path} holds no {change.find}")
            element.text = text
        case Insert():
            _insert(element, change)


def _insert(element: etree._Element, change: Insert) -> None:
    around = element if change.where in ("first", "last") else element.getparent()
    namespace = etree.QName(element if around is None else around).namespace
    added = list(parse(f'<x xmlns="{namespace}">{change.xml}</x>'.encode()))
    match change.where:
        case "first":
            element[:0] = added
        case "last":
            element.extend(added)
        case "before":
            for each in added:
                element.addprevious(each)
        case "after":
            for each in reversed(added):
                element.addnext(each)
        case _:
            raise ValueError(f"XML is put before, after, first or last, not {change.where}")


def _remove(element: etree._Element, attribute: str) -> None:
    parent = element.getparent()
    if attribute:
        del element.attrib[attribute]
    elif parent is None:
        raise LookupError("the root cannot be left out")
    else:
        parent.remove(element)


def _local(element: etree._Element) -> str:
    return etree.QName(element).localname

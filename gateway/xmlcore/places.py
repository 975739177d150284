"""Where in a document something is: paths in plain names, from what libxml2 calls a node.

A path names elements without prefixes, and a position where an element has namesakes beside it, e.g.
"/Document/Header/Purpose[2]". Inside a document it starts at "/Document", whatever message carries the document, so
that all violations of a document are told in one way. A name that the schema does not know could hold anything: it is
shown as "*".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from lxml import etree

from gateway.xmlcore.declarations import Declarations, ElementDeclaration
from gateway.xmlcore.namespaces import DOCUMENT, tag

_DOCUMENT: Final = tag(DOCUMENT, "Document")
_STEP = re.compile(r"([^\s\[\]@]+)(?:\[([0-9]+)\])?")


@dataclass(frozen=True)
class Place:
    """An element of a document, and what the schema says of it; nothing where the schema does not know it there."""

    path: str  # from the document down, or from the message where it is outside of a document
    message_path: str  # from the validated element down
    name: str  # the last name of the path, without position
    node: etree._Element
    declaration: ElementDeclaration | None


def place_of(root: etree._Element, libxml2_path: str, declared: Declarations) -> Place:
    """Follow libxml2's node path, e.g. "/*/*[1]/doc:Header", from the validated element down.

    A step that leads to an attribute or to nothing ends the walk at the element before it.
    """
    node, declaration = root, declared.elements.get(str(root.tag))
    name = _shown(root, declared)
    path = message_path = f"/{name}"
    for step in libxml2_path.split("/")[2:]:
        found = _child(node, step)
        if found is None:
            break
        members = declared.members(declaration) if declaration else ()
        node, declaration = found, next((member for member in members if member.name == found.tag), None)
        name, position = _shown(node, declared), _position(node)
        shown = f"/{name}[{position}]" if position else f"/{name}"
        message_path += shown
        path = "/Document" if node.tag == _DOCUMENT else path + shown
    return Place(path, message_path, name, node, declaration)


def _child(node: etree._Element, step: str) -> etree._Element | None:
    matched = _STEP.fullmatch(step)
    if matched is None:
        return None
    name, number = matched[1], int(matched[2] or 1)
    # libxml2 calls an element of a default namespace "*", and then counts all elements.
    alike = [child for child in node.iterchildren("*") if name in ("*", _prefixed_name(child))]
    return alike[number - 1] if number <= len(alike) else None


def _prefixed_name(node: etree._Element) -> str:
    local_name = etree.QName(node).localname
    return f"{node.prefix}:{local_name}" if node.prefix else local_name


def _position(node: etree._Element) -> int:
    """The place of the element among its namesakes, from 1; 0 where it has none."""
    before = sum(1 for sibling in node.itersiblings(preceding=True) if sibling.tag == node.tag)
    after = any(sibling.tag == node.tag for sibling in node.itersiblings())
    return before + 1 if before or after else 0


def _shown(node: etree._Element, declared: Declarations) -> str:
    local_name = etree.QName(node).localname
    return local_name if local_name in declared.local_names else "*"

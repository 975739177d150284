"""Documents between XML and the domain: a verified, schema-valid element becomes a `Document` value."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from lxml import etree

from gateway.domain.catalogue import Code
from gateway.domain.document import Document, document_from_node
from gateway.domain.errors import InputError
from gateway.domain.node import Node, child_paths
from gateway.xmlcore import namespaces as ns

_SIGNATURE = ns.tag(ns.DS, "Signature")
_XSI_ATTRIBUTES: Final = etree.XPath("boolean(descendant-or-self::*/@xsi:*)", namespaces={"xsi": ns.XSI})


def require_no_xsi(root: etree._Element) -> None:
    """Refuse xsi attributes, which every schema lets pass. InputError XML_FORBIDDEN.

    They hold what no rule looks at, or names whose prefix may be declared in the message only.
    """
    if _XSI_ATTRIBUTES(root):
        raise InputError(Code.XML_FORBIDDEN, what="an xsi attribute", line=root.sourceline or 0)


def read_document(root: etree._Element) -> Document:
    """Return the document of a Document element that its schema found valid.

    Raises InputError SCHEMA_INVALID for the few values that a schema lets pass and no calendar holds.
    """
    return document_from_node(node_of(root))


def node_of(root: etree._Element) -> Node:
    """Return the element and all within it as a plain tree, without its signature."""
    name = _local(root)
    return _node(root, name, f"/{name}")


def _node(element: etree._Element, name: str, path: str) -> Node:
    children = _children(element, path) if len(element) else ()
    text = "" if children else element.text or ""
    # As Node(...), in two thirds of the time: a letter has hundreds.
    return tuple.__new__(Node, (name, path, element.sourceline or 0, text, children, tuple(element.items())))


def _children(element: etree._Element, path: str) -> tuple[Node, ...]:
    elements, names = [], []
    for child in element:
        tag = child.tag
        if isinstance(tag, str) and tag != _SIGNATURE:
            elements.append(child)
            names.append(_local_of(tag))
    return tuple(map(_node, elements, names, child_paths(path, tuple(names))))


def _local(element: etree._Element) -> str:
    return _local_of(str(element.tag))


@lru_cache(maxsize=1024)  # the schema has some hundred names
def _local_of(tag: str) -> str:
    return tag.rpartition("}")[2]

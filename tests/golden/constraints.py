"""Everything a schema of ours demands, read from the XSD files themselves, each with a name of its own.

This walks the files with lxml alone and not with the product's reader, so that the two are independent. The names:

    Header/DocumentId required      an element that must be there
    Header/ReplyTo optional         an element that may be left out
    Header/Purpose at most 3        how often an element may stand
    Party one of A|B                of a choice, one must be there
    Header none of A|B              of a choice, none need be there
    Party only one of A|B           of a choice, no two may be there
    Document/@schemaVersion required
    Document/@schemaVersion value   the type of the attribute holds
    Uuid4 pattern                   a facet of a simple type
    Day datatype                    what a simple type's base, or a built-in type that is used, can hold at all
    Role enumeration                no other value than those of the list
    Role value TEACHER              this value of the list is accepted

and, for every schema, what no single declaration says (`GENERAL`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from lxml import etree

from gateway.xmlcore import resources
from gateway.xmlcore.namespaces import XSD, tag
from gateway.xmlcore.parse import parse

SCHEMAS: Final = ("document", "evidence", "service")
_FREE: Final = frozenset({"string"})  # a built-in type that holds every text
_NOT_FACETS: Final = (tag(XSD, "enumeration"), tag(XSD, "annotation"))


GENERAL: Final = (
    "an unknown element",
    "an element of another namespace",
    "the order of elements",
    "an unknown attribute",
    "an attribute of a value",
    "text between elements",
    "an element in a value",
    "a value that is said to be nil",
    "a type that is chosen by the sender",
)


def constraints(schema: str) -> tuple[str, ...]:
    """The name of every constraint of "document", "evidence" or "service", in the order of the files."""
    found = dict.fromkeys(GENERAL)
    for name in sorted(resources.names()):
        if name.startswith(f"{schema}/") and name.endswith(".xsd"):
            found.update(dict.fromkeys(_of_file(parse(resources.read(name)))))
    return tuple(found)


def roots(schema: str) -> frozenset[str]:
    """The elements that a document may begin with."""
    root = parse(resources.read(f"{schema}/{schema}.xsd"))
    return frozenset(str(node.get("name")) for node in root.iterchildren(tag(XSD, "element")))


def _of_file(root: etree._Element) -> Iterator[str]:
    for simple in root.iterchildren(tag(XSD, "simpleType")):
        yield from _of_simple_type(simple)
    for declared in root.iterchildren(tag(XSD, "complexType")):
        yield from _of_complex_type(declared)


def _of_simple_type(simple: etree._Element) -> Iterator[str]:
    name = simple.get("name")
    (restriction,) = simple.iterchildren(tag(XSD, "restriction"))
    values = [node.get("value") for node in restriction.iterchildren(tag(XSD, "enumeration"))]
    yield from (
        f"{name} {etree.QName(facet).localname}"
        for facet in restriction.iterchildren("*")
        if facet.tag not in _NOT_FACETS
    )
    if values:
        yield f"{name} enumeration"
        yield from (f"{name} value {value}" for value in values)
    base = _built_in(restriction.get("base", ""))
    if base and base not in _FREE:
        yield f"{name} datatype"


def _of_complex_type(declared: etree._Element) -> Iterator[str]:
    name = declared.get("name")
    for sequence in declared.iterchildren(tag(XSD, "sequence")):
        for part in sequence.iterchildren(tag(XSD, "element"), tag(XSD, "choice")):
            yield from _of_choice(name, part) if part.tag == tag(XSD, "choice") else _of_element(name, part)
    for attribute in declared.iter(tag(XSD, "attribute")):
        yield f"{name}/@{attribute.get('name')} value"
        if attribute.get("use") == "required":
            yield f"{name}/@{attribute.get('name')} required"


def _of_element(owner: str | None, element: etree._Element, *, chosen: bool = False) -> Iterator[str]:
    name = _name(element)
    if not chosen:
        yield f"{owner}/{name} {'optional' if element.get('minOccurs') == '0' else 'required'}"
    if (most := element.get("maxOccurs", "1")) != "unbounded":
        yield f"{owner}/{name} at most {most}"
    built_in = _built_in(element.get("type", ""))
    if built_in and built_in not in _FREE:
        yield f"{built_in} datatype"


def _of_choice(owner: str | None, choice: etree._Element) -> Iterator[str]:
    members = list(choice.iterchildren(tag(XSD, "element")))
    of = "|".join(map(_name, members))
    yield f"{owner} {'none' if choice.get('minOccurs') == '0' else 'one'} of {of}"
    yield f"{owner} only one of {of}"
    for member in members:
        yield from _of_element(owner, member, chosen=True)


def _name(element: etree._Element) -> str:
    return str(element.get("name") or element.get("ref")).rpartition(":")[2]


def _built_in(qname: str) -> str | None:
    return qname.removeprefix("xs:") if qname.startswith("xs:") else None

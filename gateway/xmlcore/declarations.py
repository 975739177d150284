"""The declarations of our own schemas as values: elements, types, codes, their texts and annotations.

Made for schemas in the house style alone, which `tests/house/test_schema_texts.py` keeps: every type is named, and a
type is a sequence (with choices in it), a restriction of a simple type, or simple content with attributes.
Declarations of other namespaces (a signature) are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from posixpath import dirname, join, normpath

from lxml import etree

from gateway.xmlcore import resources
from gateway.xmlcore.namespaces import ANNOTATION, DOCUMENT, EVIDENCE, SERVICE, XML, XSD, tag
from gateway.xmlcore.parse import parse

_OURS = frozenset({DOCUMENT, EVIDENCE, SERVICE})
_LABEL_END = ": "


@dataclass(frozen=True)
class Texts:
    """What the schema says to people, in Danish and English: "Label: explanation."."""

    danish: str = ""
    english: str = ""

    @property
    def labels(self) -> tuple[str, str]:
        """The short names, Danish first: what stands before the first colon; empty where there is none."""
        danish, english = (text.partition(_LABEL_END) for text in (self.danish, self.english))
        return (danish[0] if danish[1] else "", english[0] if english[1] else "")

    @property
    def explanations(self) -> tuple[str, str]:
        """The texts without their labels, Danish first."""
        danish, english = (text.partition(_LABEL_END) for text in (self.danish, self.english))
        return (danish[2] or self.danish, english[2] or self.english)


@dataclass(frozen=True)
class ElementDeclaration:
    """One element: at the root of a schema, or at its place in a type."""

    name: str  # in Clark's notation: "{namespace}local"
    type_name: str  # likewise
    least: int
    most: int
    texts: Texts
    data: Mapping[str, str] = field(default_factory=dict)  # the attributes of a:data, where it has one

    @property
    def local_name(self) -> str:
        """The name without its namespace."""
        return etree.QName(self.name).localname


@dataclass(frozen=True)
class Value:
    """One value of an enumeration."""

    text: str
    texts: Texts
    data: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class TypeDeclaration:
    """One named type. A complex type has members; a simple type has facets or values."""

    name: str
    texts: Texts
    data: Mapping[str, str] = field(default_factory=dict)
    base: str | None = None
    members: tuple[ElementDeclaration, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)  # name -> name of its type
    attribute_texts: Mapping[str, Texts] = field(default_factory=dict)
    facets: Mapping[str, str] = field(default_factory=dict)
    values: tuple[Value, ...] = ()


@dataclass(frozen=True)
class Declarations:
    """Everything one schema declares, with the schemas it includes and imports."""

    elements: Mapping[str, ElementDeclaration]
    types: Mapping[str, TypeDeclaration]

    def members(self, element: ElementDeclaration) -> tuple[ElementDeclaration, ...]:
        """The elements that may stand inside this one, in schema order; none for a leaf."""
        declared = self.types.get(element.type_name)
        return declared.members if declared else ()

    def values(self, type_name: str) -> tuple[Value, ...]:
        """The values of this type where it is an enumeration; else none."""
        declared = self.types.get(type_name)
        return declared.values if declared else ()

    @cached_property
    def local_names(self) -> frozenset[str]:
        """Every element name the schema knows, without namespaces."""
        members = (member for declared in self.types.values() for member in declared.members)
        return frozenset(element.local_name for element in (*self.elements.values(), *members))

    def bases(self, type_name: str) -> tuple[str, ...]:
        """This type and those it is derived from, the nearest first; the last is a type of XML Schema."""
        found = [type_name]
        while (declared := self.types.get(found[-1])) is not None and declared.base is not None:
            found.append(declared.base)
        return tuple(found)

    def facet(self, type_name: str, facet: str) -> str | None:
        """The facet of this type, from the nearest of its bases that has it."""
        declared = self.types.get(type_name)
        while declared is not None:
            if facet in declared.facets:
                return declared.facets[facet]
            declared = self.types.get(declared.base or "")
        return None


@cache
def declarations(name: str) -> Declarations:
    """The declarations of the packaged schema of this name, e.g. "document/document.xsd"."""
    elements: dict[str, ElementDeclaration] = {}
    types: dict[str, TypeDeclaration] = {}
    roots = list(_schema_documents(name))
    for root in roots:
        for child in root.iterchildren(tag(XSD, "element")):
            declared = _element(child, elements)
            elements[declared.name] = declared
    for root in roots:
        for child in root.iterchildren(tag(XSD, "complexType"), tag(XSD, "simpleType")):
            definition = _type(child, elements)
            types[definition.name] = definition
    return Declarations(elements, types)


@cache
def labels(type_name: str) -> Mapping[str, tuple[str, str]]:
    """The labels, Danish first, of every value of this enumeration of the document schema, e.g. "Role"."""
    values = declarations(resources.DOCUMENT_SCHEMA).values(tag(DOCUMENT, type_name))
    if not values:
        raise LookupError("no enumeration of the document schema has this name")
    return {value.text: value.texts.labels for value in values}


def _schema_documents(name: str) -> Iterator[etree._Element]:
    """The schema of this name and all it includes or imports, each once; standard schemas left out."""
    waiting, seen = [name], {name}
    while waiting:
        current = waiting.pop()
        root = parse(resources.read(current))
        yield root
        for child in root.iterchildren(tag(XSD, "include"), tag(XSD, "import")):
            other = normpath(join(dirname(current), child.get("schemaLocation", "")))
            if other not in seen and not other.startswith("standard/"):
                seen.add(other)
                waiting.append(other)


def _element(node: etree._Element, elements: Mapping[str, ElementDeclaration]) -> ElementDeclaration:
    least, most = int(node.get("minOccurs", "1")), node.get("maxOccurs", "1")
    count = 0 if most == "unbounded" else int(most)
    ref = node.get("ref")
    if ref is not None:
        declared = elements[_clark(node, ref)]
        return ElementDeclaration(
            declared.name, declared.type_name, least, count, _texts(node) or declared.texts, declared.data
        )
    name = tag(_target(node), node.get("name", ""))
    return ElementDeclaration(
        name, _clark(node, node.get("type", "")), least, count, _texts(node) or Texts(), _data(node)
    )


def _type(node: etree._Element, elements: Mapping[str, ElementDeclaration]) -> TypeDeclaration:
    name = tag(_target(node), node.get("name", ""))
    derived = next(node.iter(tag(XSD, "restriction"), tag(XSD, "extension")), None)
    members = tuple(
        _element(child, elements)
        for child in node.iter(tag(XSD, "element"))
        if "ref" not in child.attrib or etree.QName(_clark(child, child.attrib["ref"])).namespace in _OURS
    )
    attributes = {
        child.get("name", ""): _clark(child, child.get("type", ""))
        for child in node.iter(tag(XSD, "attribute"))
    }
    attribute_texts = {
        child.get("name", ""): _texts(child) or Texts() for child in node.iter(tag(XSD, "attribute"))
    }
    facets = {
        etree.QName(child).localname: child.get("value", "")
        for child in (derived if derived is not None and node.tag == tag(XSD, "simpleType") else ())
        if child.tag not in (tag(XSD, "enumeration"), tag(XSD, "annotation"))
    }
    values = tuple(
        Value(child.get("value", ""), _texts(child) or Texts(), _data(child))
        for child in node.iter(tag(XSD, "enumeration"))
    )
    base = _clark(derived, derived.get("base", "")) if derived is not None else None
    return TypeDeclaration(
        name,
        _texts(node) or Texts(),
        _data(node),
        base,
        members,
        attributes,
        attribute_texts,
        facets,
        values,
    )


def _texts(node: etree._Element) -> Texts | None:
    found = {
        child.get(tag(XML, "lang"), ""): " ".join((child.text or "").split())
        for child in node.iterfind(f"{tag(XSD, 'annotation')}/{tag(XSD, 'documentation')}")
    }
    return Texts(found.get("da", ""), found.get("en", "")) if found else None


def _data(node: etree._Element) -> Mapping[str, str]:
    found = node.find(f"{tag(XSD, 'annotation')}/{tag(XSD, 'appinfo')}/{tag(ANNOTATION, 'data')}")
    return {} if found is None else {str(key): str(value) for key, value in found.attrib.items()}


def _target(node: etree._Element) -> str:
    return node.getroottree().getroot().get("targetNamespace", "")


def _clark(node: etree._Element, qname: str) -> str:
    prefix, colon, local = qname.rpartition(":")
    namespace = node.nsmap.get(prefix if colon else None)
    return tag(namespace, local) if namespace else local

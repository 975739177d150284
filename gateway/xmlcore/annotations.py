"""The machine-readable annotations of the document schema, as values of the domain.

Types are shared between kinds whose bases differ, so an annotation may stand in three places, and each of its four
attributes is resolved by itself. For an element the nearest statement counts, in this order:

1. at the element where it is used, e.g. Contact in EducationOrderLetter;
2. at the element's type, e.g. StaffContact;
3. whatever holds for the element around it, by the same order.

So a member of a shared type that says nothing takes its basis from the use in the body; a member that is optional
inside a block says only minimum="-". A value of an enumeration may weigh more than its element, such as a code that
tells of health: what it says replaces the element's annotation wherever that code is written.

What says minimum="S" and may be left out says `when` the law asks for it: `gateway.xmlcore.statutory` reads that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType

from gateway.domain.annotation import Annotation, Annotations, Basis, Category, Certainty, Minimum
from gateway.domain.catalogue import Code
from gateway.domain.errors import InternalError
from gateway.xmlcore.declarations import Declarations, ElementDeclaration, declarations
from gateway.xmlcore.namespaces import DOCUMENT, tag
from gateway.xmlcore.resources import DOCUMENT_SCHEMA


@cache
def document_annotations() -> Annotations:
    """The annotation of every leaf of every kind of document, by its path in the schema."""
    declared = declarations(DOCUMENT_SCHEMA)
    by_path: dict[str, Annotation] = {}
    by_value: dict[tuple[str, str], Annotation] = {}
    root = declared.elements[tag(DOCUMENT, "Document")]
    for path, leaf, data in leaves(declared, root):
        by_path[path] = _annotation(data)
        for value in declared.values(leaf.type_name):
            if value.data:
                by_value[path, value.text] = _annotation({**data, **value.data})
    return Annotations(MappingProxyType(by_path), MappingProxyType(by_value))


def leaves(
    declared: Declarations,
    element: ElementDeclaration,
    around: Mapping[str, str] | None = None,
    above: str = "",
) -> Iterator[tuple[str, ElementDeclaration, Mapping[str, str]]]:
    """Each leaf below this element in schema order: its path, its declaration, and what holds for it."""
    path = f"{above}/{element.local_name}"
    declared_type = declared.types.get(element.type_name)
    of_type = declared_type.data if declared_type else {}
    data = {**(around or {}), **of_type, **element.data}
    members = declared.members(element)
    if not members:
        yield path, element, data
    for member in members:
        yield from leaves(declared, member, data, path)


def _annotation(data: Mapping[str, str]) -> Annotation:
    try:
        return Annotation(
            Category(data["category"]),
            Basis(data["basis"]),
            Minimum(data["minimum"]),
            Certainty(data["certainty"]),
        )
    except (KeyError, ValueError):  # a schema that its own test refuses
        raise InternalError(Code.INTERNAL) from None

"""The statutory minimum of each kind of document, as the schema's annotations say it.

An element is part of it where it, or its type, says minimum="S" itself. What stands inside it follows it: the schema
demands what the element cannot do without. An element that may be left out says `when` the law asks for it; the
values are those of `gateway.domain.minimum.When`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

from gateway.domain.annotation import Annotation, Basis, Category, Certainty, Minimum
from gateway.domain.catalogue import Code
from gateway.domain.errors import InternalError
from gateway.domain.kinds import DocumentKind
from gateway.domain.minimum import StatutoryElement, When
from gateway.xmlcore.declarations import Declarations, ElementDeclaration, declarations
from gateway.xmlcore.namespaces import DOCUMENT, tag
from gateway.xmlcore.resources import DOCUMENT_SCHEMA

_NOTHING: Mapping[str, str] = {}


@cache
def statutory_minimum(kind: DocumentKind) -> tuple[StatutoryElement, ...]:
    """The statutory elements of a kind in schema order, those of the header first; none for a kind without schema."""
    declared = declarations(DOCUMENT_SCHEMA)
    root = declared.elements[tag(DOCUMENT, "Document")]
    parts = [part for part in declared.members(root) if part.local_name in ("Header", kind.value)]
    if len(parts) < 2:
        return ()
    return tuple(element for part in parts for element in _elements(declared, part, _NOTHING, "/Document"))


def _elements(
    declared: Declarations, element: ElementDeclaration, around: Mapping[str, str], above: str
) -> Iterator[StatutoryElement]:
    path = f"{above}/{element.local_name}"
    of_type = declared.types[element.type_name].data if element.type_name in declared.types else _NOTHING
    own = {**of_type, **element.data}
    data = {**around, **own}
    if own.get("minimum") == Minimum.STATUTORY.value:
        yield _statutory(path, element, data, own.get("when"))
    for member in declared.members(element):
        yield from _elements(declared, member, data, path)


def _statutory(
    path: str, element: ElementDeclaration, data: Mapping[str, str], when: str | None
) -> StatutoryElement:
    usual = When.ALWAYS if element.least else When.UNSAID
    try:
        annotation = Annotation(
            Category(data["category"]),
            Basis(data["basis"]),
            Minimum(data["minimum"]),
            Certainty(data["certainty"]),
        )
        found = usual if when is None else When(when)
        return StatutoryElement(path, *element.texts.labels, annotation, found, element.least > 0)
    except (KeyError, ValueError):  # a schema that its own test refuses
        raise InternalError(Code.INTERNAL) from None

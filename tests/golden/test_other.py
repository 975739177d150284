"""Wherever the schema offers "other", some valid document can say it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.domain.annotation import schema_path
from gateway.domain.evaluation import evaluate
from gateway.domain.node import Node
from gateway.domain.rules import refusals
from gateway.xmlcore.declarations import ElementDeclaration, declarations
from gateway.xmlcore.namespaces import DOCUMENT, tag
from gateway.xmlcore.resources import DOCUMENT_SCHEMA
from tests.golden.changes import SetText, with_changes
from tests.golden.judging import context, read
from tests.golden.loader import golden, names

_DECLARED = declarations(DOCUMENT_SCHEMA)


def offering(element: ElementDeclaration, path: str) -> list[str]:
    """The paths of the values below an element that may be OTHER."""
    found = []
    for member in _DECLARED.members(element):
        place = f"{path}/{member.local_name}"
        if any(value.text == "OTHER" for value in _DECLARED.values(member.type_name)):
            found.append(place)
        found += offering(member, place)
    return found


def places(path: str) -> list[tuple[str, str]]:
    """Where the golden documents have this element: file and path."""
    return [
        (name, node.path)
        for name, leaves in LEAVES.items()
        for node in leaves
        if schema_path(node.path) == path
    ]


LEAVES: dict[str, list[Node]] = {name: read(golden(name)).root.leaves() for name in names("documents")}
PATHS = offering(_DECLARED.elements[tag(DOCUMENT, "Document")], "/Document")


def test_the_schema_offers_other_in_many_places() -> None:
    assert len(PATHS) >= 70


@pytest.mark.parametrize("path", PATHS)
def test_other_can_be_sent(path: str) -> None:
    tried = places(path)
    assert tried, "no golden document holds it"
    assert any(
        is_sendable(name, with_changes(golden(name), SetText(place, "OTHER"))) for name, place in tried
    )


def is_sendable(name: str, octets: bytes) -> bool:
    """Whether nothing stops the change of a golden document, if what it answers wished for something else too."""
    document = read(octets)
    known = context(name, document)
    history = [replace(each, actions_wanted=each.actions_wanted | {"OTHER"}) for each in known.history]
    return not refusals(evaluate(document, replace(known, history=tuple(history))), {})

"""The house style of our own schemas: texts for people, and nothing that a WSDL tool stumbles over."""

from __future__ import annotations

import re

import pytest
from lxml import etree

from gateway.xmlcore import resources
from gateway.xmlcore.namespaces import DOCUMENT, EVIDENCE, XML, XSD, tag
from gateway.xmlcore.parse import parse

_OWN = sorted(
    name for name in resources.names() if name.endswith(".xsd") and not name.startswith("standard/")
)
_DESCRIBED = tuple(
    tag(XSD, name) for name in ("element", "complexType", "simpleType", "attribute", "enumeration")
)
_LABEL = re.compile(r"(?P<label>[^:]{1,70}): (?P<explanation>\S.*\.)", re.DOTALL)

each_schema = pytest.mark.parametrize("name", _OWN)


def _texts(node: etree._Element) -> dict[str, str]:
    found = node.findall(f"{tag(XSD, 'annotation')}/{tag(XSD, 'documentation')}")
    return {str(text.get(tag(XML, "lang"))): " ".join((text.text or "").split()) for text in found}


def _described(name: str) -> list[tuple[str, dict[str, str]]]:
    """What must carry texts, with its name and its texts; a reference may leave them to what it refers to."""
    nodes = parse(resources.read(name)).iter(*_DESCRIBED)
    return [
        (node.get("name") or node.get("value") or "reference", _texts(node))
        for node in nodes
        if node.get("ref") is None or _texts(node)
    ]


def _words(text: str) -> str:
    return re.sub(r"[^a-zæøå0-9]", "", text.lower())


def test_the_schemas_of_documents_and_evidence_are_looked_at() -> None:
    assert {"document/document.xsd", "evidence/evidence.xsd"} <= set(_OWN)


@each_schema
def test_everything_is_described_in_danish_and_english(name: str) -> None:
    assert [what for what, texts in _described(name) if set(texts) != {"da", "en"}] == []


@each_schema
def test_no_description_is_empty_or_the_same_in_both_languages(name: str) -> None:
    assert [
        what for what, texts in _described(name) if not all(texts.values()) or len(set(texts.values())) < 2
    ] == []


@each_schema
def test_no_description_is_merely_the_name_again(name: str) -> None:
    assert [
        (what, text)
        for what, texts in _described(name)
        for text in texts.values()
        if _words(text) == _words(what) or len(text.split()) < 2
    ] == []


@each_schema
def test_documents_and_evidence_give_a_label_and_an_explanation(name: str) -> None:
    root = parse(resources.read(name))
    if root.get("targetNamespace") not in (DOCUMENT, EVIDENCE):
        return
    assert [
        (what, text)
        for what, texts in _described(name)
        for text in texts.values()
        if not _LABEL.fullmatch(text)
    ] == []


@each_schema
def test_danish_texts_are_danish_and_english_texts_are_not(name: str) -> None:
    english_with_danish_letters = [
        text
        for what, texts in _described(name)
        for text in [texts["en"].replace("ÅP", "").replace("CØSA", "")]
        if re.search("[æøåÆØÅ]", text)
    ]
    danish = " ".join(texts["da"] for _, texts in _described(name))
    assert english_with_danish_letters == []
    assert not danish or re.search("[æøåÆØÅ]", danish)


@each_schema
def test_a_schema_fits_in_the_head(name: str) -> None:
    assert len(resources.read(name).splitlines()) <= 500


@each_schema
def test_nothing_is_used_that_a_wsdl_tool_stumbles_over(name: str) -> None:
    forbidden = (
        "any",
        "anyAttribute",
        "union",
        "list",
        "all",
        "group",
        "attributeGroup",
        "redefine",
        "key",
        "keyref",
    )
    root = parse(resources.read(name))
    assert [node.tag for node in root.iter(*(tag(XSD, local) for local in forbidden))] == []
    for node in root.iter(tag(XSD, "element"), tag(XSD, "attribute"), tag(XSD, "complexType")):
        unwanted = {
            "default",
            "fixed",
            "substitutionGroup",
            "abstract",
            "nillable",
            "mixed",
            "block",
            "final",
        }
        assert unwanted.isdisjoint(node.attrib), node.get("name")
        assert node.get("type") not in ("xs:ID", "xs:IDREF", "xs:anyType", "xs:anySimpleType", "xs:ENTITY")


@each_schema
def test_every_type_is_named_and_stands_at_the_top(name: str) -> None:
    root = parse(resources.read(name))
    for node in root.iter(tag(XSD, "complexType"), tag(XSD, "simpleType")):
        assert node.get("name")
        assert node.getparent() is root
    for node in root.iter(tag(XSD, "element"), tag(XSD, "attribute")):
        assert (node.get("type") is None) == (node.get("ref") is not None)


@each_schema
def test_no_choice_or_sequence_repeats(name: str) -> None:
    root = parse(resources.read(name))
    assert [
        node.get("maxOccurs")
        for node in root.iter(tag(XSD, "choice"), tag(XSD, "sequence"))
        if node.get("maxOccurs")
    ] == []


@each_schema
def test_elements_are_qualified_and_occur_a_bounded_number_of_times(name: str) -> None:
    root = parse(resources.read(name))
    assert root.get("elementFormDefault") == "qualified"
    if root.get("targetNamespace") in (DOCUMENT, EVIDENCE):
        assert [
            node.get("name")
            for node in root.iter(tag(XSD, "element"))
            if node.get("maxOccurs") == "unbounded"
        ] == []


@each_schema
def test_every_file_a_schema_names_is_packaged(name: str) -> None:
    folder = name.rpartition("/")[0]
    for node in parse(resources.read(name)).iter(tag(XSD, "include"), tag(XSD, "import")):
        location = node.get("schemaLocation", "")
        packaged = location.removeprefix("../") if location.startswith("../") else f"{folder}/{location}"
        assert resources.read(packaged)

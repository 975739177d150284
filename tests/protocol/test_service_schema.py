"""The service schema is one that every toolkit can read, and says what the domain says."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

import pytest
from lxml import etree

from gateway.domain.kinds import DocumentKind
from gateway.domain.mandate import Operation
from gateway.domain.operations import Environment, Service
from gateway.domain.party import Role
from gateway.domain.status import Flag, Standing, State
from gateway.xmlcore import resources
from gateway.xmlcore.namespaces import SERVICE, XML, XSD, tag
from gateway.xmlcore.parse import parse

_FILES = sorted(name for name in resources.names() if name.startswith("service/") and name.endswith(".xsd"))
_LANG = tag(XML, "lang")


def _schemas() -> Iterator[etree._Element]:
    for name in _FILES:
        yield parse(resources.read(name))


def _every(local_name: str) -> Iterator[etree._Element]:
    for schema in _schemas():
        yield from schema.iter(tag(XSD, local_name))


@pytest.mark.parametrize(
    "name", ["union", "list", "any", "anyAttribute", "all", "group", "extension", "attribute"]
)
def test_no_construct_that_toolkits_stumble_over_is_used(name: str) -> None:
    assert not [element.sourceline for element in _every(name)]


def test_no_type_is_anonymous() -> None:
    for kind in ("complexType", "simpleType"):
        for declared in _every(kind):
            parent = declared.getparent()
            assert declared.get("name"), declared.sourceline
            assert parent is not None
            assert parent.tag == tag(XSD, "schema")


def test_no_choice_is_repeated_and_no_default_is_set() -> None:
    assert {choice.get("maxOccurs") for choice in _every("choice")} == {None}
    for element in _every("element"):
        assert not {"default", "fixed", "substitutionGroup", "nillable", "abstract"} & set(element.keys())


def test_every_file_is_qualified_and_of_one_namespace() -> None:
    for schema in _schemas():
        assert schema.get("elementFormDefault") == "qualified"
        assert schema.get("targetNamespace") == SERVICE


@pytest.mark.parametrize("kind", ["element", "complexType", "simpleType", "enumeration", "schema"])
def test_everything_is_explained_in_danish_and_english(kind: str) -> None:
    declared = list(_every(kind))
    assert declared
    for element in declared:
        words = {each.get(_LANG): each.text or "" for each in element.iterfind(f"{tag(XSD, 'annotation')}/*")}
        assert set(words) == {"da", "en"}, element.sourceline
        assert all(text.strip() for text in words.values())
        assert words["da"] != words["en"] or element.get("name") == "Echo", words


def test_every_operation_has_its_two_elements() -> None:
    (service,) = (schema for schema in _schemas() if schema.find(tag(XSD, "element")) is not None)
    declared = {(each.get("name"), each.get("type")) for each in service.iterfind(tag(XSD, "element"))}
    expected = {("BropostFault", "svc:BropostFaultType")}
    for operation in Service.MUNICIPALITY.operations:
        name = operation.value
        expected |= {(name, f"svc:{name}Request"), (f"{name}Response", f"svc:{name}Response")}

    assert declared == expected


@pytest.mark.parametrize(
    ("name", "values"),
    [("StateName", State), ("BasisName", Standing), ("FlagName", Flag), ("EnvironmentName", Environment)],
)
def test_a_closed_list_holds_what_the_domain_holds(name: str, values: type[Enum]) -> None:
    (declared,) = (each for each in _every("simpleType") if each.get("name") == name)
    listed = [each.get("value") for each in declared.iter(tag(XSD, "enumeration"))]

    assert sorted(map(str, listed)) == sorted(value.value for value in values)


def test_every_role_of_the_schema_is_one_of_the_domain() -> None:
    people = parse(resources.read("document/codes-people.xsd"))
    (declared,) = people.iterfind(f"{tag(XSD, 'simpleType')}[@name='Role']")
    listed = {each.get("value") for each in declared.iter(tag(XSD, "enumeration"))}

    assert listed == {role.value for role in Role}


def test_open_lists_take_every_name_of_the_domain() -> None:
    for name, values in (("KindName", DocumentKind), ("OperationName", Operation)):
        schema = etree.XMLSchema(_alone(name))
        for value in values:
            element = etree.Element("value")
            element.text = value.value
            assert schema.validate(element), value


def test_attachments_are_offered_to_toolkits_as_streams() -> None:
    named = {
        str(element.get("name"))
        for element in _every("element")
        if element.get("{http://www.w3.org/2005/05/xmlmime}expectedContentTypes")
        == "application/octet-stream"
    }
    assert named == {"Content", "SignedDocument", "ExactOctets"}


def _alone(name: str) -> etree._Element:
    """A schema of one element `value` of this simple type."""
    (declared,) = (each for each in _every("simpleType") if each.get("name") == name)
    schema = etree.fromstring(
        f'<xs:schema xmlns:xs="{XSD}"><xs:element name="value" type="{name}"/></xs:schema>'
    )
    schema.append(declared)
    return schema

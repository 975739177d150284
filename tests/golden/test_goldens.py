"""The golden files are what they claim to be: valid for two validators and for the rules, complete, and as sent."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Final

import pytest
import xmlschema
from lxml import etree

from gateway.domain.annotation import Annotation, Minimum
from gateway.domain.document import Document
from gateway.domain.kinds import DocumentKind
from gateway.domain.rules import Severity
from gateway.protocol.attachment_files import inspect_attachment, media_type_of
from gateway.xmlcore import resources
from gateway.xmlcore.annotations import document_annotations
from gateway.xmlcore.c14n import exclusive
from gateway.xmlcore.code_lists import institutions_of, municipalities, municipalities_of
from gateway.xmlcore.parse import parse
from gateway.xmlcore.schema import Schema, document_schema, evidence_schema, service_schema
from tests.golden.changes import Remove, select, with_changes
from tests.golden.constraints import SCHEMAS, roots
from tests.golden.judging import judge, read, short, surroundings
from tests.golden.loader import INSTITUTIONS, MUNICIPALITIES, attachment, golden, names

DOCUMENTS: Final = names("documents")
SCHEMA_OF: Final = {"document": document_schema, "evidence": evidence_schema, "service": service_schema}
FOLDER_OF: Final = {"document": "documents", "evidence": "evidence", "service": "service"}
EVERY: Final = [(schema, name) for schema in SCHEMAS for name in names(FOLDER_OF[schema])]

# What the statutory minimum holds besides what the law and the product ask for in every document of the kind.
NEEDED_ANYWAY: Final = {
    "/Document/Header/Subject/BirthDate",  # the number is a replacement number (H06)
    "/Document/Header/SubjectInformation/InformedOn",  # its absence is a warning (H13)
}
# A notice of withdrawal says in its header too what it withdraws (H15).
DUE_BY_KIND: Final = {
    DocumentKind.WITHDRAWAL_NOTICE: {
        f"/Document/Header/Withdraws/{name}" for name in ("DocumentId", "Reason")
    }
}
# Of a contact, one way to be reached is enough (L02).
_ONE_OF_THREE: Final = {
    f"/Document/{kind.value}/Contact/{name}" for kind in DocumentKind for name in ("Name", "Phone", "Email")
}
# Statutory elements that are due in some cases only.
DUE_SOMETIMES: Final = {
    "/Document/Header/GuardianInformation",  # under 18
    "/Document/Header/Subject/RegisteredMunicipality",  # towards a municipality
}

each_document = pytest.mark.parametrize("name", DOCUMENTS)


def schema_of(schema: str) -> Schema:
    """The product's own schema."""
    return SCHEMA_OF[schema]()


@cache
def oracle(schema: str) -> xmlschema.XMLSchema:
    """The same schema for another validator."""
    standard = (resources._xmlschema_package() / "schemas/DSIG/xmldsig-core-schema.xsd").as_uri()
    return xmlschema.XMLSchema(
        str(resources.folder() / schema / f"{schema}.xsd"),
        uri_mapper=lambda uri: standard if uri.endswith("xmldsig-core-schema.xsd") else uri,
    )


def leaves(document: Document) -> set[str]:
    """The paths of the schema that the document uses."""
    return {node.schema_path for node in document.content()}


@pytest.mark.parametrize(("schema", "name"), EVERY)
def test_a_golden_file_is_valid(schema: str, name: str) -> None:
    assert schema_of(schema).validate(parse(golden(name))) == ()


@pytest.mark.parametrize("schema", SCHEMAS)
def test_another_validator_finds_the_golden_files_valid_too(schema: str) -> None:
    validator = oracle(schema)
    assert [name for of, name in EVERY if of == schema and not validator.is_valid(golden(name))] == []


@pytest.mark.parametrize(("schema", "name"), EVERY)
def test_a_golden_file_is_written_for_people(schema: str, name: str) -> None:
    octets = golden(name)
    assert octets.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n<')
    assert octets.endswith(b">\n")
    assert b"\t" not in octets
    assert b"\r" not in octets
    assert max(map(len, octets.decode().splitlines())) <= 260  # one value a line, and no value is longer


@pytest.mark.parametrize("schema", ["evidence", "service"])
def test_there_is_a_golden_file_of_every_root(schema: str) -> None:
    found = {etree.QName(parse(golden(name))).localname for name in names(FOLDER_OF[schema])}
    assert found == roots(schema)


@each_document
def test_the_rules_let_a_golden_document_pass(name: str) -> None:
    findings = judge(name, golden(name))
    assert [short(each) for each in findings if each.severity is not Severity.WARNING] == []
    assert [short(each) for each in findings] == surroundings(name)["warnings"]


@pytest.mark.parametrize("kind", DocumentKind)
def test_every_kind_has_its_golden_documents(kind: DocumentKind) -> None:
    found = {name for name in DOCUMENTS if read(golden(name)).kind is kind}
    stem = min(found, key=len)
    assert {stem, f"{stem}-minimum", f"{stem}-full"} <= found


def test_the_full_documents_use_every_element_that_is_annotated() -> None:
    used: set[str] = set()
    for name in DOCUMENTS:
        if name.endswith("-full"):
            used |= leaves(read(golden(name)))
    assert set(document_annotations().by_path) - used == set()


@pytest.mark.parametrize("name", [name for name in DOCUMENTS if name.endswith("-full")])
def test_a_full_document_uses_every_element_of_its_kind(name: str) -> None:
    document = read(golden(name))
    body = f"/Document/{document.kind.value}/"
    own = {path for path in document_annotations().by_path if path.startswith(body)}
    assert own - leaves(document) == set()


def test_every_value_that_weighs_more_than_its_element_is_in_a_full_document() -> None:
    used = {
        (node.schema_path, node.text)
        for name in DOCUMENTS
        if name.endswith("-full")
        for node in read(golden(name)).content()
    }
    assert set(document_annotations().by_value) - used == set()


def _annotated(document: Document) -> dict[str, Annotation]:
    """The annotations of the header and of the body of this kind."""
    starts = ("/Document/Header/", f"/Document/{document.kind.value}/")
    return {path: found for path, found in document_annotations().by_path.items() if path.startswith(starts)}


@pytest.mark.parametrize("name", [name for name in DOCUMENTS if name.endswith("-minimum")])
def test_the_minimum_holds_all_that_the_law_asks_for(name: str) -> None:
    document = read(golden(name))
    used, annotated = leaves(document), _annotated(document)
    statutory = {path for path, found in annotated.items() if found.minimum is Minimum.STATUTORY}
    assert statutory - used - DUE_SOMETIMES - _ONE_OF_THREE == set()
    assert document.body.has("Contact/Phone") or not statutory & _ONE_OF_THREE
    assert document.subject is not None
    assert bool(document.subject.registered_municipality) == document.recipient.id.is_municipality


@pytest.mark.parametrize("name", [name for name in DOCUMENTS if name.endswith("-minimum")])
def test_the_minimum_holds_nothing_that_could_be_left_out(name: str) -> None:
    document = read(golden(name))
    annotated = _annotated(document)
    optional = {path for path in leaves(document) if annotated[path].minimum is Minimum.OPTIONAL}
    assert optional == NEEDED_ANYWAY | DUE_BY_KIND.get(document.kind, set())
    for node in document.content():
        if annotated[node.schema_path].minimum is not Minimum.STATUTORY:
            shorter = with_changes(golden(name), Remove(node.path))
            by_schema = document_schema().validate(parse(shorter))
            assert by_schema or len(_findings(name, shorter)) > len(_findings(name, golden(name))), node.path


def _findings(name: str, octets: bytes) -> list[str]:
    """What the rules find, a refusal weighing more than a warning."""
    return [short(each) for each in judge(name, octets) for _ in range(1 + (each.severity is Severity.ERROR))]


def test_the_law_asks_only_for_what_is_marked_so() -> None:
    letter = _annotated(read(golden("education-order-letter-minimum")))
    statutory = {path for path, found in letter.items() if found.minimum is Minimum.STATUTORY}
    body = "/Document/EducationOrderLetter"
    assert {
        f"{body}/Order/IssuedOn",
        f"{body}/Education/StartDate",
        f"{body}/Assessment/SupportNeeded",
    } <= statutory
    assert f"{body}/EarlierStarts/Count" not in statutory


@each_document
def test_the_files_listed_are_those_that_are_sent(name: str) -> None:
    files = surroundings(name).get("attachments", [])
    listed = read(golden(name)).attachments
    assert len(listed) == len(files)
    for entry, file_name in zip(listed, files, strict=True):
        octets = attachment(file_name)
        assert media_type_of(octets) == entry.media_type
        inspect_attachment(entry.number, entry.media_type, octets)


@pytest.mark.parametrize(
    ("message", "path"),
    [
        ("service/SendLetter", "/SendLetter/Document"),
        ("service/RetrieveResponse", "/RetrieveResponse/Document"),
    ],
)
def test_the_letter_in_a_message_is_the_golden_letter(message: str, path: str) -> None:
    (letter,) = select(parse(golden(message)), path)
    assert _plain(letter) == _plain(parse(golden("education-order-letter-minimum")))


def _plain(element: etree._Element) -> bytes:
    """The element in canonical form, without the space between elements."""
    for node in element.iter("*"):
        node.tail = None
        if len(node):
            node.text = None
    return exclusive(element)


def test_there_is_a_young_person_under_18_and_one_who_is_protected() -> None:
    young = read(golden("dropout-risk-notice-under-18"))
    assert young.guardian_information == "INFORMED"
    assert young.subject is not None
    assert young.subject.birth_date is not None
    assert young.created_at.year - young.subject.birth_date.year <= 17
    protected = read(golden("education-order-letter-protected")).subject
    assert protected is not None
    assert protected.is_protected


def test_the_test_registers_are_dated_and_share_no_code_with_the_real_one() -> None:
    day, before = date(2026, 8, 5), date(2025, 7, 31)
    fictional = municipalities_of(MUNICIPALITIES.read_bytes())
    schools = institutions_of(INSTITUTIONS.read_bytes())
    assert [entry.code for entry in fictional.in_force(day)] == ["0999", "0998"]
    assert [entry.code for entry in schools.in_force(day)] == ["999001", "999002"]
    assert {entry.code for entry in schools.in_force(before)} == {"999001", "999002", "999003"}
    assert not {entry.code for entry in fictional.entries} & {
        entry.code for entry in municipalities().entries
    }

"""What each simple type of the document schema accepts and refuses, by libxml2 and by the library xmlschema."""

from __future__ import annotations

from typing import Final

import pytest
import xmlschema
from lxml import etree

from gateway.xmlcore import resources
from gateway.xmlcore.declarations import declarations
from gateway.xmlcore.namespaces import DOCUMENT, XSD

# type -> (accepted, refused)
_TABLE: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "SchemaVersion": (("1.0", "1.12"), ("1", "1.", "2.0", "1.123", "1.0 ", "")),
    "Uuid4": (
        ("7d0f2f0a-4b1c-4e2d-9a3b-0c1d2e3f4a5b",),
        (
            "7D0F2F0A-4B1C-4E2D-9A3B-0C1D2E3F4A5B",
            "7d0f2f0a-4b1c-1e2d-9a3b-0c1d2e3f4a5b",
            "7d0f2f0a-4b1c-4e2d-ca3b-0c1d2e3f4a5b",
            "{7d0f2f0a-4b1c-4e2d-9a3b-0c1d2e3f4a5b}",
            " 7d0f2f0a-4b1c-4e2d-9a3b-0c1d2e3f4a5b",
            "",
        ),
    ),
    "UtcTime": (
        ("2026-08-05T09:12:00Z", "2026-08-05T09:12:00.1Z", "2026-08-05T09:12:00.123Z"),
        (
            "2026-08-05T09:12:00",
            "2026-08-05T09:12:00+02:00",
            "2026-08-05T09:12:00.1234Z",
            "2026-08-05T25:12:00Z",
            "2026-08-05",
            "2026-02-30T09:12:00Z",
        ),
    ),
    "Day": (
        ("2026-08-10", "2024-02-29"),
        ("2026-08-10Z", "2026-08-10+01:00", "10.08.2026", "2026-02-29", "26-08-10"),
    ),
    "Cpr": (
        ("7403055092", "740305ABC2", "740305ÆØÅ1"),
        ("740305-5092", "740305509", "74030550922", "740305abc2", ""),
    ),
    "Cvr": (("11111111",), ("1111111", "111111111", "DK11111111", "1111 1111")),
    "PNumber": (("1000000000",), ("100000000", "P100000000")),
    "MunicipalityCode": (("0999", "0101"), ("999", "1999", "00999", "O999")),
    "InstitutionNumber": (("999001", "99900A"), ("99901", "9990011", "99900a")),
    "Line20": (("x", "to ord", "x" * 20), ("", " ", " x", "x ", "x\ty", "x\ny", "x" * 21)),
    "Line40": (("Prøveby studieadministration", "x" * 40), ("x" * 41, " ")),
    "Line60": (("hverdage 8-14",), ("x" * 61,)),
    "Line64": (("2026-004711",), ("x" * 65,)),
    "Line120": (("Prøveby Erhvervsskole", "x" * 120), ("x" * 121,)),
    "Line160": (("x" * 160,), ("x" * 161,)),
    "PersonName": (("Alma Prøvesen", "x" * 140), ("x" * 141, "Alma\nPrøvesen", "")),
    "Text300": (("x", " x\n\ny ", "x" * 300), ("", " ", "\n\t ", "x" * 301)),
    "Text500": (("x" * 500,), ("x" * 501, "   ")),
    "Text1000": (("x" * 1000,), ("x" * 1001,)),
    "Text2000": (("Jeg vil gerne.\nSpørg mig.", "x" * 2000), ("x" * 2001,)),
    "Email": (
        ("mette.eksempel@eksempelby.example", "a+b@x.example", "ø@x.example"),
        (
            "mette",
            "@x.example",
            "mette@",
            "a b@x.example",
            "Mette <m@x.example>",
            "a@b@c.example",
            "x" * 65 + "@x.dk",
        ),
    ),
    "Phone": (
        ("+4500000001", "+1234567"),
        ("4500000001", "+45 00 00 00 01", "+0450000", "+123456", "+" + "1" * 16),
    ),
    "Code": (("UDD", "FGU_SPECIALE", "A1", "A" * 40), ("A", "udd", "1A", "_A", "A-B", "A" * 41)),
    "Provision": (
        ("LAB-30-7-1", "LUNG-12C-2", "A" * 40),
        ("lab-30", "LAB--30", "-LAB", "LAB-", "LAB 30", "A" * 41),
    ),
    "Percent": (("0", "41", "32.5", "100", "100.0"), ("-1", "100.1", "32.55", "32,5", "", "1e1")),
    "Hours": (("0.25", "3", "37", "7.4"), ("0", "0.24", "37.1", "3.333", "3,5")),
    "Count": (("0", "30", "2"), ("-1", "31", "2.5", "to", "")),
    "WorkingDays": (("1", "10"), ("0", "11")),
    "AttachmentNumber": (("1", "10"), ("0", "11")),
    "ItemNumber": (("1", "12"), ("0", "13")),
    "FileSize": (("1", "104857600"), ("0", "104857601", "-5")),
    "Kle": (("15.20.04",), ("15.20", "15.20.4", "15-20-04")),
    "KleFacet": (("G01", "Ø21"), ("g01", "G1", "GG1")),
    "Bytes32": (
        ("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",),
        ("AAEC", "", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gIQ==", "%" * 44),
    ),
    "FileName": (
        ("brev.pdf", "Plan (2), Alma's & co".replace("& ", "+ ") + ".pdf", "a.b.txt", "æøå-1.jpeg"),
        (
            "brev",
            ".pdf",
            "a..pdf",
            "a/b.pdf",
            "a\\b.pdf",
            "a:b.pdf",
            "a.pdf ",
            "a." + "x" * 11,
            "a" * 117 + ".pdf",
            "",
        ),
    ),
    "EducationCodeValue": (("1234", "ÅP", "3010"), ("", "12 34", "ba", "1" * 11)),
    "Role": (("STUDY_COUNSELLOR", "OTHER"), ("GUARDIAN", "SUBJECT", "study_counsellor", "")),
    "GdprArticle6": (("A", "C", "E"), ("B", "F", "e")),
    "MediaType": (("application/pdf", "text/plain"), ("application/zip", "text/html", "application/pdf;q=1")),
    "Purpose": (("RETENTION",), ("SOMETHING",)),
}
_CASES: Final = [
    pytest.param(name, text, accepted, id=f"{name}-{'accepts' if accepted else 'refuses'}-{text[:30]!r}")
    for name, both in _TABLE.items()
    for accepted, texts in ((True, both[0]), (False, both[1]))
    for text in texts
]


def _one_element_of_each_type() -> str:
    elements = "".join(f'<xs:element name="{name}" type="doc:{name}"/>' for name in _TABLE)
    folder = resources.folder().as_uri()
    files = ("types", "codes-people", "codes-header")
    includes = "".join(f'<xs:include schemaLocation="{folder}/document/{file}.xsd"/>' for file in files)
    return (
        f'<xs:schema xmlns:xs="{XSD}" xmlns:doc="{DOCUMENT}" targetNamespace="{DOCUMENT}">'
        f"{includes}{elements}</xs:schema>"
    )


@pytest.fixture(scope="module")
def libxml2() -> etree.XMLSchema:
    return etree.XMLSchema(etree.fromstring(_one_element_of_each_type()))


@pytest.fixture(scope="module")
def oracle() -> xmlschema.XMLSchema:
    return xmlschema.XMLSchema(_one_element_of_each_type())


def _element(name: str, text: str) -> etree._Element:
    element = etree.Element(f"{{{DOCUMENT}}}{name}")
    element.text = text
    return element


@pytest.mark.parametrize(("name", "text", "accepted"), _CASES)
def test_a_simple_type_takes_what_it_should(
    libxml2: etree.XMLSchema, name: str, text: str, accepted: bool
) -> None:
    assert libxml2.validate(_element(name, text)) is accepted


@pytest.mark.parametrize(("name", "text", "accepted"), _CASES)
def test_two_validators_agree_on_a_simple_type(
    oracle: xmlschema.XMLSchema, name: str, text: str, accepted: bool
) -> None:
    assert oracle.is_valid(etree.tostring(_element(name, text))) is accepted


def test_every_patterned_type_is_in_the_table() -> None:
    declared = declarations(resources.DOCUMENT_SCHEMA)
    with_facets = {name.rpartition("}")[2] for name, found in declared.types.items() if found.facets}
    assert with_facets - set(_TABLE) == {"Line", "Text"}  # only bases of those with a length

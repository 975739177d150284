"""A document is read whole: every value, under a label in Danish, the young person's own words first."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date, datetime
from typing import Final

import pytest

from gateway.domain.codes import CodeList, DatedCode
from gateway.domain.node import Node
from gateway.views.readable import PROTECTED, name_for_lists, readable
from gateway.xmlcore.code_lists import municipalities_of
from gateway.xmlcore.declarations import ElementDeclaration, declarations
from gateway.xmlcore.namespaces import DOCUMENT, tag
from gateway.xmlcore.resources import DOCUMENT_SCHEMA
from tests.golden.changes import Remove, SetText, with_changes
from tests.golden.judging import read
from tests.golden.loader import MUNICIPALITIES, golden, names
from tests.views.reading import blocks, entries, told, view_of, with_text

DOCUMENTS: Final = names("documents")
LETTER: Final = "education-order-letter"
FULL: Final = "education-order-letter-full"
DECLARED: Final = declarations(DOCUMENT_SCHEMA)
MONTHS: Final = (
    "januar", "februar", "marts", "april", "maj", "juni",
    "juli", "august", "september", "oktober", "november", "december",
)  # fmt: skip

each_document = pytest.mark.parametrize("name", DOCUMENTS)


def declaration(path: str) -> ElementDeclaration:
    """What the schema says of the element at a path."""
    _, root, *steps = path.split("/")
    found = DECLARED.elements[tag(DOCUMENT, root)]
    for step in steps:
        (found,) = (member for member in DECLARED.members(found) if member.local_name == step)
    return found


def expected(node: Node) -> str:
    """What must be read of a leaf: found out here in another way than the product does."""
    type_name = declaration(node.schema_path).type_name
    for value in DECLARED.values(type_name):
        if value.text == node.text:
            label, _, explanation = value.texts.danish.partition(": ")
            return explanation[1:] if node.name == "Purpose" else label
    if node.text in ("true", "false"):
        return {"true": "ja", "false": "nej"}[node.text]
    if re.fullmatch(r"\d{4}-\d\d-\d\d", node.text):
        day = date.fromisoformat(node.text)
        return f"{day.day}. {MONTHS[day.month - 1]} {day.year}"
    if re.fullmatch(r"\d{4}-\d\d-\d\dT.*Z", node.text):
        return f"{datetime.fromisoformat(node.text).minute:02}"
    if re.fullmatch(r"[0-9]+\.[0-9]+", node.text):
        return node.text.replace(".", ",")
    return f"{node.text[:6]}-{node.text[6:]}" if node.name == "CprNumber" else node.text


@each_document
def test_no_value_is_lost_and_each_stands_under_its_label(name: str) -> None:
    document = read(golden(name))
    due = Counter(declaration(node.schema_path).texts.danish.partition(":")[0] for node in document.content())
    given = Counter(
        dict.fromkeys(due, 0) | Counter(entry.label for entry in entries(view_of(name)) for _ in entry.values)
    )
    assert given - due == Counter({"Skemaets version": 1})
    assert due - given == Counter()
    for node in document.content():
        label = declaration(node.schema_path).texts.danish.partition(":")[0]
        texts = [
            f"{value.text} {value.detail}"
            for entry in entries(view_of(name))
            if entry.label == label
            for value in entry.values
        ]
        assert any(expected(node) in text for text in texts), node.path
        for _, attribute in node.attributes:
            assert any(attribute in text for text in texts), node.path


@each_document
def test_no_name_of_an_element_shows(name: str) -> None:
    document, view = read(golden(name)), view_of(name)
    shown = [view.heading, *(block.heading for block in blocks(view)), *(e.label for e in entries(view))]
    labels = {member.texts.labels[0] for each in DECLARED.types.values() for member in each.members}
    assert [label for label in shown if not label] == []
    for label in shown:
        assert label in labels or label not in DECLARED.local_names
    in_words = re.compile(r"\b[A-Z][a-z]+(?:[A-Z][a-z0-9]+)+\b")
    written = " ".join(node.text for node in document.content())
    assert [
        word
        for text in (*shown, *told(view))
        for word in in_words.findall(text)
        if word in DECLARED.local_names and word not in written
    ] == []


@each_document
def test_no_code_shows_where_the_schema_has_words_for_it(name: str) -> None:
    codes = {value.text for each in DECLARED.types.values() for value in each.values if "_" in value.text}
    words = {word for text in told(view_of(name)) for word in re.findall(r"\b[A-Z_]{3,}\b", text)}
    assert words & codes == set()


@each_document
def test_a_document_is_called_by_its_kind_and_never_titled_by_it(name: str) -> None:
    document, view = read(golden(name)), view_of(name)
    assert view.heading == document.kind.row.danish
    assert view.title == ("Brev i Bropost" if document.kind.is_letter else "Meddelelse i Bropost")


def test_the_young_persons_own_words_come_first_and_then_what_is_told() -> None:
    view = view_of(LETTER)
    assert view.sections[0].heading == "Den unges egne ord"
    assert view.sections[0].entries[0].values[0].text.startswith("Jeg vil gerne være tømrer.")
    assert [section.heading for section in view.sections[1:3]] == ["Uddannelsespålæg", "Uddannelse"]
    assert [section.heading for section in view.sections[-4:]] == [
        "Parter og den unge",
        "Formål og grundlag",
        "Plan og sag",
        "Om dokumentet",
    ]


def test_without_own_words_no_empty_section_is_shown() -> None:
    silent = readable(read(with_changes(golden(LETTER), Remove("/Document/Header/OwnWords"))))
    assert "Den unges egne ord" not in {block.heading for block in blocks(silent)}
    assert [block.heading for block in blocks(silent) if not block.entries and not block.blocks] == []


def test_what_stands_more_than_once_is_counted() -> None:
    headings = [block.heading for block in blocks(view_of(FULL))]
    assert {"Mentor 1 af 2", "Mentor 2 af 2", "Hjemmel 5 af 5", "It-rygsæk"} <= set(headings)


def test_a_provision_is_shown_by_its_rule_and_by_what_it_lets_pass() -> None:
    (text, *_) = [each for each in told(view_of(LETTER)) if "LAB-30-7-1" in each]
    assert text.startswith("Lov om en aktiv beskæftigelsesindsats § 30, stk. 7, 1. pkt. (LAB-30-7-1) ")
    assert text.endswith("øvrige væsentlige oplysninger.")
    unknown = with_text(LETTER, "/Document/Header/LegalBasis[1]/Provision", "NO-SUCH-1")
    assert "NO-SUCH-1 " in told(readable(unknown))


def test_a_purpose_is_a_sentence_and_what_the_young_person_is_told() -> None:
    (why, *_) = [each for each in told(view_of(LETTER)) if "god start" in each]
    assert why == (
        "Så den unge får en god start på uddannelsen. "
        "Den unge får at vide: Vi deler det her, så du får en god start."
    )


@each_document
def test_no_two_sections_have_the_same_heading(name: str) -> None:
    headings = Counter(section.heading for section in view_of(name).sections)
    assert [heading for heading, times in headings.items() if times > 1] == []


def test_a_municipality_is_named_where_the_register_knows_it() -> None:
    document = read(golden(LETTER))
    known = municipalities_of(MUNICIPALITIES.read_bytes())
    assert "Eksempelby (0999) " in told(readable(document, known))
    assert "0999 " in told(readable(document))
    nobody: CodeList[DatedCode] = CodeList("none", ())
    assert "0999 " in told(readable(document, nobody))


def test_a_value_that_no_calendar_holds_stands_as_it_is() -> None:
    path = "/Document/EducationOrderLetter/Education/StartDate"
    assert "2026-02-30 " in told(readable(with_text(LETTER, path, "2026-02-30")))


def test_who_is_protected_is_not_named_over_a_list_and_the_reader_is_told() -> None:
    protected = read(golden("education-order-letter-protected"))
    view = readable(protected)
    name = protected.header.text_of("Subject/Name")
    assert name is not None
    assert name_for_lists(protected) == view.about == PROTECTED
    letterhead = [value.text for entry in view.letterhead for value in entry.values]
    assert name not in " ".join([view.title, view.heading, *letterhead, *view.notices])
    assert "adressebeskyttelse" in view.notices[0]
    assert f"{name} " in told(view)  # who reads the letter must know whom it is about


def test_who_is_not_protected_is_named() -> None:
    view = view_of(LETTER)
    assert (view.about, view.notices) == ("Alma Prøvesen", ())


@pytest.mark.parametrize(
    ("path", "about"),
    [
        ("/Document/Header/Subject", "Ingen enkelt ung"),
        ("/Document/Header/Subject/Name", "En ung uden oplyst navn"),
    ],
)
def test_nobody_is_named_where_the_document_names_nobody(path: str, about: str) -> None:
    assert readable(read(with_changes(golden(LETTER), Remove(path)))).about == about


def test_a_correction_is_told_before_anything_else() -> None:
    assert "retter et tidligere" in view_of(FULL).notices[0]


def test_an_answer_that_is_awaited_stands_in_the_letterhead() -> None:
    letterhead = {entry.label: entry.values[0].text for entry in view_of("dropout-risk-notice").letterhead}
    assert letterhead["Svar ønskes senest"] == "8. oktober 2026"
    assert letterhead["Fra"] == "Prøveby Erhvervsskole"


@pytest.mark.parametrize("text", ["a\u202eb", "a\x85b", "a\u200bb"])
def test_no_text_hides_anything(text: str) -> None:
    document = with_text(LETTER, "/Document/Header/OwnWords/Text", text)
    assert text not in "".join(told(readable(document)))
    assert any("[U+" in each for each in told(readable(document)))


def test_a_view_shows_nothing_of_a_document_in_a_log_line() -> None:
    assert "Alma" not in repr(view_of(LETTER))
    assert "Prøvesen" not in repr(
        readable(
            read(
                with_changes(
                    golden(LETTER), SetText("/Document/EducationOrderLetter/Contact/Name", "Sofie Prøvesen")
                )
            )
        )
    )

"""Each way to break a schema is told in Danish and English, and what was found is never quoted."""

from __future__ import annotations

import re
from typing import Final

import pytest
from lxml import etree

from gateway.xmlcore.declarations import declarations
from gateway.xmlcore.explanations import CODES, OTHER, VALUES_SHOWN, WORDS, Subject, explain
from gateway.xmlcore.parse import parse
from gateway.xmlcore.resources import DOCUMENT_SCHEMA
from gateway.xmlcore.schema import document_schema
from tests.xmlcore.letters import LETTER

_XSI: Final = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
_SECRET: Final = "HEMMELIG"

# code -> (what stands in the letter, what it is changed to, the path told)
_BREAKS: Final = {
    "facet-pattern": ("7403055092", f"{_SECRET}74", "/Document/Header/Subject/CprNumber"),
    "facet-length": ("<Nonce>AAEC", f"<Nonce>{_SECRET}AAEC", "/Document/Header/Nonce"),
    "facet-min-length": (
        "</Order>",
        "<Text></Text></Order>",
        "/Document/EducationOrderLetter/Order/Text",
    ),
    "facet-max-length": ("Alma Prøvesen", _SECRET * 30, "/Document/Header/Subject/Name"),
    "facet-min-inclusive": (">3<", ">0.124578<", "/Document/EducationOrderLetter/Mentor/HoursPerWeek"),
    "facet-max-inclusive": (">3<", ">124578<", "/Document/EducationOrderLetter/Mentor/HoursPerWeek"),
    "facet-fraction-digits": (">3<", ">3.124578<", "/Document/EducationOrderLetter/Mentor/HoursPerWeek"),
    "facet-enumeration": (">APPLIED<", f">{_SECRET}<", "/Document/EducationOrderLetter/Mentor/Status"),
    "datatype": ("2026-06-22", _SECRET, "/Document/EducationOrderLetter/Order/IssuedOn"),
    "element-unexpected": ("<Order>", f"<Order><{_SECRET}/>", "/Document/EducationOrderLetter/Order/*"),
    "element-missing": (
        "<IssuedOn>2026-06-22</IssuedOn>",
        "",
        "/Document/EducationOrderLetter/Order",
    ),
    "element-namespace": (
        "<Order>",
        f'<Order xmlns="urn:{_SECRET}">',
        "/Document/EducationOrderLetter/Order",
    ),
    "element-in-value": (
        ">2026-06-22<",
        f"><{_SECRET}/><",
        "/Document/EducationOrderLetter/Order/IssuedOn",
    ),
    "text-between-elements": ("<Order>", f"<Order>{_SECRET}", "/Document/EducationOrderLetter/Order"),
    "attribute-unexpected": (
        "<Order>",
        f'<Order {_SECRET}="{_SECRET}">',
        "/Document/EducationOrderLetter/Order",
    ),
    "attribute-missing": (
        ' system="UDD"',
        "",
        "/Document/EducationOrderLetter/Education/Code/@system",
    ),
    "nil": (
        "<IssuedOn>",
        f'<IssuedOn {_XSI} xsi:nil="true">',
        "/Document/EducationOrderLetter/Order/IssuedOn",
    ),
    "type-override": (
        "<IssuedOn>",
        f'<IssuedOn {_XSI} xsi:type="{_SECRET}">',
        "/Document/EducationOrderLetter/Order/IssuedOn",
    ),
    "root-unknown": ("<Document ", f"<{_SECRET} ", "/*"),
}


def _broken(before: str, after: str) -> bytes:
    assert before in LETTER
    text = LETTER.replace(before, after, 1)
    return (text.replace("</Document>", f"</{_SECRET}>") if before == "<Document " else text).encode()


@pytest.mark.parametrize("code", _BREAKS)
def test_a_break_is_told_with_its_code_its_path_and_words_in_both_languages(code: str) -> None:
    before, after, path = _BREAKS[code]
    found = document_schema().validate(parse(_broken(before, after)))
    assert (found[0].code, found[0].path) == (code, path)
    assert found[0].danish != found[0].english
    for text in (found[0].danish, found[0].english):
        assert re.fullmatch(r"\S.*\.", text)
        assert not re.search(r"[{}?]|None", text)


@pytest.mark.parametrize("code", _BREAKS)
def test_no_violation_quotes_what_was_found(code: str) -> None:
    before, after, _ = _BREAKS[code]
    for violation in document_schema().validate(parse(_broken(before, after))):
        told = f"{violation.path} {violation.danish} {violation.english}"
        assert _SECRET not in told
        assert "124578" not in told
        assert "7403055092" not in told


def test_every_code_has_words_and_every_word_a_code() -> None:
    made_from_content = {"element-missing", "element-namespace", OTHER}
    assert set(WORDS) == set(CODES.values()) | made_from_content


def test_codes_without_a_break_are_those_that_no_schema_of_ours_can_meet() -> None:
    # exclusive bounds and total digits are facets that no type of ours has; no type of ours is empty
    unmet = {"facet-min-exclusive", "facet-max-exclusive", "facet-total-digits", "content-not-empty", OTHER}
    assert set(WORDS) - set(_BREAKS) == unmet
    facets = {facet for found in declarations(DOCUMENT_SCHEMA).types.values() for facet in found.facets}
    assert facets.isdisjoint({"minExclusive", "maxExclusive", "totalDigits"})


def test_the_names_of_violations_are_those_of_libxml2() -> None:
    known = {name for name in dir(etree.ErrorTypes) if name.startswith("SCHEMAV_")}
    assert set(CODES) <= known


@pytest.mark.parametrize("code", WORDS)
def test_words_can_be_made_for_any_code_even_where_the_schema_knows_nothing(code: str) -> None:
    danish, english = explain(code, Subject("*", None), declarations(DOCUMENT_SCHEMA))
    assert danish.strip()
    assert english.strip()
    assert danish != english


def test_a_text_uses_the_label_of_the_element_and_the_explanation_of_its_type() -> None:
    (violation,) = document_schema().validate(parse(_broken("7403055092", "740305-5092")))
    assert violation.danish.startswith(
        '"CPR-nummer" har ikke den rette form. Her ventes: ti tegn uden bindestreg'
    )
    assert violation.english.startswith('"CPR number" does not have the right form. Expected: ten characters')


def test_a_text_gives_the_limit_of_the_facet() -> None:
    (violation,) = document_schema().validate(parse(_broken("Alma Prøvesen", "x" * 141)))
    assert "140" in violation.danish
    assert "140" in violation.english


def test_a_text_lists_the_codes_that_may_be_chosen() -> None:
    (violation,) = document_schema().validate(parse(_broken(">APPLIED<", ">SOON<")))
    assert "GRANTED, APPLIED, MAY_APPLY, ENDED, NONE" in violation.danish


def test_a_long_list_is_cut() -> None:
    declared = declarations(DOCUMENT_SCHEMA)
    names = tuple(f"N{number}" for number in range(VALUES_SHOWN + 1))
    danish, _ = explain("element-missing", Subject("Order", None), declared, names)
    assert f"N{VALUES_SHOWN - 1}, ..." in danish
    assert f"N{VALUES_SHOWN}," not in danish

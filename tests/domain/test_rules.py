"""The table of rules, and who decides what a finding does."""

from __future__ import annotations

import re

import pytest

from gateway.domain.rules import Finding, Place, Rule, Severity, Words, overridden, refusals, warnings

SEVERITIES = {
    "E": "H01 H02 H03 H04 H05 H08 H09 H10 H11 H12 H14 H15 H16 H17 H18 H19 D01 D02 D03 D04 D10 L02 L05 L06 N02 N04 "
    "A01 X01 X09 X11 X12",
    "W": "H07 H20 L01 L03 N01 N03 A03 S01 X07 X08 X10",
    "O": "X02 X03 X06",
    "E/W": "H06 H13 L04 A02",
    "E/O": "X04 X05",
}
FINDINGS = {
    Severity.ERROR: Finding(Rule.X01, Severity.ERROR, "/Document", 1),
    Severity.OVERRIDABLE: Finding(Rule.X02, Severity.OVERRIDABLE, "/Document", 2),
    Severity.WARNING: Finding(Rule.X08, Severity.WARNING, "/Document", 3),
}
ALL = tuple(FINDINGS.values())


def test_every_rule_strikes_as_it_is_specified() -> None:
    specified = {
        name: {Severity(letter) for letter in severities.split("/")}
        for severities, names in SEVERITIES.items()
        for name in names.split()
    }
    assert {rule.name: set(rule.row.severities) for rule in Rule} == specified


@pytest.mark.parametrize("rule", Rule)
def test_the_words_of_a_rule_hold_the_same_places_in_both_languages(rule: Rule) -> None:
    assert re.findall(r"\{\w+\}", rule.row.danish) == re.findall(r"\{\w+\}", rule.row.english)
    assert rule.row.danish.endswith((".", ".)"))
    assert rule.row.english.endswith(".")


def test_rules_that_nothing_here_can_break_say_where_they_are_kept() -> None:
    elsewhere = {rule.name: rule.row.place for rule in Rule if rule.row.place is not Place.DOCUMENT}
    assert elsewhere == {
        "X11": Place.CARRIER,
        "X12": Place.REPOSITORY,
    }


def test_the_words_of_a_finding_are_filled_in_each_language() -> None:
    words = (("category", Words("helbred", "health")),)
    found = Finding(Rule.H11, Severity.ERROR, "/Document/Header", 4, words)
    assert found.danish == "Samtykket dækker ikke helbred."
    assert found.english == "The consent does not cover health."
    assert (found.violation.path, found.violation.line, found.violation.code) == (
        "/Document/Header",
        4,
        "RULE_H11",
    )
    assert found.violation.danish == found.danish


def test_a_rule_never_strikes_otherwise_than_it_may() -> None:
    with pytest.raises(ValueError, match="X01 never strikes as W"):
        Finding(Rule.X01, Severity.WARNING, "/Document", 1)


def test_without_override_errors_and_overridable_findings_stop_the_document() -> None:
    assert refusals(ALL, {}) == (FINDINGS[Severity.ERROR], FINDINGS[Severity.OVERRIDABLE])
    assert warnings(ALL) == (FINDINGS[Severity.WARNING],)
    assert overridden(ALL, {}) == ()


def test_a_reason_overrides_only_the_rule_it_names_and_only_where_that_yields() -> None:
    reasons = {"RULE_X01": "skal sendes", "RULE_X02": "Den unge ønsker det selv.", "RULE_X08": "enig"}
    assert refusals(ALL, reasons) == (FINDINGS[Severity.ERROR],)
    assert overridden(ALL, reasons) == (FINDINGS[Severity.OVERRIDABLE],)
    assert refusals(ALL, {"RULE_X03": "noget andet"}) == refusals(ALL, {})


@pytest.mark.parametrize("reason", ["", " ", "\n\t"])
def test_a_reason_without_words_overrides_nothing(reason: str) -> None:
    assert refusals(ALL, {"RULE_X02": reason}) == refusals(ALL, {})

"""Every business rule has a broken file for each way it strikes: it strikes there, at that path, and no other does."""

from __future__ import annotations

import pytest

from gateway.domain.rules import Severity, overridden, refusals, warnings
from tests.golden.changes import SetText
from tests.golden.judging import short
from tests.golden.rule_cases import RuleCase, due, passing, striking


def test_every_rule_on_documents_has_a_broken_file_for_each_way_it_strikes() -> None:
    judged = {(case.rule, case.severity) for case in striking()}
    assert [
        f"{rule.name} {severity.value}" for rule, severity in due() if (rule, severity) not in judged
    ] == []


@pytest.mark.parametrize("case", striking(), ids=str)
def test_a_broken_file_breaks_its_rule_and_no_other(case: RuleCase) -> None:
    findings = case.judged()
    refused = {short(each) for each in refusals(findings, {})}
    warned = {short(each) for each in warnings(findings)}
    if case.severity is Severity.WARNING:
        assert refused == case.also
        assert warned == case.usual_warnings | {case.finding}
    else:
        assert refused == {case.finding} | case.also
        assert warned == case.usual_warnings
    assert [each.severity for each in findings if short(each) == case.finding] == [case.severity]


@pytest.mark.parametrize("case", passing(), ids=str)
def test_a_file_that_only_comes_close_passes(case: RuleCase) -> None:
    assert {short(each) for each in case.judged()} == case.usual_warnings


@pytest.mark.parametrize(
    "case", [case for case in striking() if case.severity is not Severity.WARNING], ids=str
)
def test_only_a_rule_that_yields_yields_to_the_senders_reason(case: RuleCase) -> None:
    findings = case.judged()
    reasons = {case.rule.code: "Det er navnet på et kursus."}
    yields = case.severity is Severity.OVERRIDABLE
    assert (case.finding in {short(each) for each in refusals(findings, reasons)}) is not yields
    assert (case.finding in {short(each) for each in overridden(findings, reasons)}) is yields
    assert case.finding in {short(each) for each in refusals(findings, {case.rule.code: "  "})}


@pytest.mark.parametrize("case", striking(), ids=str)
def test_what_is_told_never_quotes_the_value(case: RuleCase) -> None:
    written = [change.text for change in case.changes if isinstance(change, SetText)]
    values = [text for text in written if not text.isalpha()]  # a category is a word of our own
    for finding in case.judged():
        for text in (finding.danish, finding.english):
            assert not any(value in text for value in values)
            assert "{" not in text

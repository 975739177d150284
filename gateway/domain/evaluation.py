"""The one door to the rules: every finding on a document."""

from __future__ import annotations

from gateway.domain.document import Document
from gateway.domain.lint import lint, lint_attachments
from gateway.domain.rule_checks_answers import check_answer
from gateway.domain.rule_checks_basis import check_basis
from gateway.domain.rule_checks_body import check_body
from gateway.domain.rule_checks_header import check_header
from gateway.domain.rule_checks_minimum import check_minimum
from gateway.domain.rule_checks_times import check_times
from gateway.domain.rule_context import Case, RuleContext
from gateway.domain.rules import Finding


def evaluate(document: Document, context: RuleContext) -> tuple[Finding, ...]:
    """Every finding on a document; `gateway.domain.rules.refusals` tells which of them stop it."""
    return evaluate_case(Case(document, context))


def evaluate_case(case: Case) -> tuple[Finding, ...]:
    """The same for one who goes on to ask what the gate let pass: what was judged is judged once."""
    document, context = case.document, case.context
    return (
        *check_header(case),
        *check_basis(case),
        *check_minimum(case),
        *check_body(case),
        *check_answer(case),
        *check_times(case),
        *lint(document, context.words),
        *lint_attachments(document, {each.number: each.text for each in context.attachments}, context.words),
    )

"""The rule on the statutory minimum (S01): what the law asks for and the schema lets be left out."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.domain.annotation import Certainty
from gateway.domain.minimum import Presence, judge_minimum
from gateway.domain.rule_context import Case
from gateway.domain.rules import Finding, Rule, Severity, Words


def check_minimum(case: Case) -> Iterator[Finding]:
    """A warning for each element that is missing, where the law was read in a published source.

    Nothing else is told to a sender as law. The finding names the block that lacks the element.
    """
    if not case.context.statutory:
        return
    for found in judge_minimum(case.document, case.context.statutory):
        element = found.element
        if found.presence is Presence.MISSING and element.annotation.certainty is Certainty.SOURCE:
            field = Words(element.danish, element.english)
            block = found.block
            yield Finding(Rule.S01, Severity.WARNING, block.path, block.line, (("field", field),))

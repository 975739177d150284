"""What people read in an attachment is searched like the texts of the document itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.domain.evaluation import evaluate
from gateway.domain.rules import Rule, refusals
from tests.golden.judging import context, read, short
from tests.golden.loader import golden

LETTER = "education-order-letter-with-attachment"


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("Kontaktlæreren møder hende mandag.", None),
        ("Elevens nummer er 740305-5092.", Rule.X01),
        ("Hun bor Prøvevej 12, 9999 Prøveby.", Rule.X04),
        ("Han er i behandling for en psykose.", Rule.X02),
    ],
)
def test_the_text_of_an_attachment_is_searched(text: str, rule: Rule | None) -> None:
    document = read(golden(LETTER))
    around = context(LETTER, document)
    (first, *others) = around.attachments
    findings = evaluate(document, replace(around, attachments=(replace(first, text=text), *others)))
    stopping = [short(finding) for finding in refusals(findings, {})]
    place = document.attachments[0].node.path
    assert stopping == ([f"{rule.name} {place}"] if rule else [])

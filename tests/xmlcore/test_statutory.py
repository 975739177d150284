"""The schema says when the law asks for what it lets be left out, in words that the product knows."""

from __future__ import annotations

from gateway.domain.kinds import DocumentKind
from gateway.domain.minimum import When
from gateway.xmlcore.declarations import declarations
from gateway.xmlcore.resources import DOCUMENT_SCHEMA
from gateway.xmlcore.statutory import statutory_minimum

DECLARED = declarations(DOCUMENT_SCHEMA)
HEADER = "/Document/Header"


def test_when_is_said_of_statutory_elements_that_may_be_left_out_and_of_no_other() -> None:
    said = [member for each in DECLARED.types.values() for member in each.members if "when" in member.data]
    assert {member.data["when"] for member in said} <= {
        when.value for when in When if when is not When.UNSAID
    }
    assert [member.name for member in said if member.least or member.data.get("minimum") != "S"] == []
    assert [each.name for each in DECLARED.types.values() if "when" in each.data] == []


def test_the_header_asks_the_same_of_every_kind() -> None:
    minimum = {
        kind: [each for each in statutory_minimum(kind) if each.path.startswith(HEADER)]
        for kind in DocumentKind
    }
    (first, *others) = minimum.values()
    assert all(other == first for other in others)
    assert [(each.name, each.when, each.demanded) for each in first] == [
        ("CprNumber", When.ALWAYS, True),
        ("Name", When.ALWAYS, False),
        ("RegisteredMunicipality", When.FROM_INSTITUTION, False),
        ("GuardianInformation", When.UNDER_18, False),
    ]


def test_a_block_that_the_law_asks_for_stands_for_all_within_it() -> None:
    letter = statutory_minimum(DocumentKind.EDUCATION_ORDER_LETTER)
    paths = [each.path for each in letter]
    assert "/Document/EducationOrderLetter/Contact" in paths
    assert not any(path.startswith("/Document/EducationOrderLetter/Contact/") for path in paths)
    assert [each.danish for each in letter if each.name == "SupportNeed"] == ["Støttebehov"]

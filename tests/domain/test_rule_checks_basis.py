"""How the findings on legal bases are told: once for a block where it all fails alike, and in whose words."""

from __future__ import annotations

import pytest

from tests.domain.documents import LETTER, Change, after, claim, consent, drop, findings, inside, struck, text
from tests.domain.test_policy import ORDER, TEST_RESULT, refused
from tests.domain.test_rule_checks import MANIFEST, PDF

WISH = "Header/SubjectInformation/WithheldOnWish"


def told(rule: str, *changes: Change, attachments: bool = False) -> set[tuple[str, str]]:
    """The Danish and English sentences of this rule's findings."""
    found = findings(LETTER, *changes, attachments=(PDF,) if attachments else ())
    return {(each.danish, each.english) for each in found if each.rule.name == rule}


# --- once for a block -----------------------------------------------------------------------------------


def test_a_block_whose_elements_fail_alike_is_named_once_whatever_else_is_said_of_them() -> None:
    found = refused(claim("BEKDG-44-2", "DBL-11-1"))  # carries no contacts, of which the law asks for some
    place = f"{ORDER}/RiskContact"
    assert {path for _, path in found if path.startswith(place)} == {place}
    assert ("H10", place) in found


def test_a_block_whose_elements_fail_for_different_categories_is_named_element_by_element() -> None:
    found = refused(claim("LUNG-12D"))  # is about statistics
    names = ("CprNumber", "Name", "BirthDate", "ProtectedNameAndAddress", "RegisteredMunicipality")
    place = "Header/Subject"
    assert {each for each in found if each[1].startswith(place + "/") or each[1] == place} == {
        ("H10", f"{place}/{name}") for name in names
    }


def test_a_block_that_fails_for_different_reasons_is_named_element_by_element() -> None:
    changes = (drop("Header/LegalBasis/Necessity"), text(WISH, "plan"))
    found = {each for each in refused(*changes) if each[1].startswith(f"{ORDER}/Order")}
    place = f"{ORDER}/Order/WishReason"
    assert found == {("H12", place), ("H14", place)}


def test_an_empty_element_says_nothing_and_its_block_is_named_all_the_same() -> None:
    empty = inside(f"{ORDER}/Mentor", "<Tasks> </Tasks>")
    found = findings(LETTER, drop("Header/LegalBasis/Necessity"), empty, valid=False)
    places = {each.path for each in found if each.rule.name == "H12"}
    assert f"/Document/{ORDER}/Mentor" in places
    assert not [path for path in places if path.startswith(f"/Document/{ORDER}/Mentor/")]


def test_a_block_of_which_a_part_may_be_sent_is_not_named_as_a_whole() -> None:
    found = refused(drop("Header/LegalBasis/Necessity"))
    assert {path for _, path in found if path.startswith(f"{ORDER}/Order")} == {f"{ORDER}/Order/WishReason"}


# --- the words ------------------------------------------------------------------------------------------


def test_what_no_claim_carries_is_told_by_its_path() -> None:
    ((danish, english),) = told("H10", drop("Header/LegalBasis[3]"))
    assert "/Document/Header/Subject/CprNumber" in danish
    assert "/Document/Header/Subject/CprNumber" in english


def test_a_consent_that_does_not_hold_is_told_of_the_document() -> None:
    expired = consent("test", until="2026-08-04")
    assert told("H11", expired) == {
        ("Samtykket dækker ikke dette dokument.", "The consent does not cover this document.")
    }


def test_a_category_is_told_in_small_letters_and_a_short_form_as_it_is() -> None:
    add = after(f"{ORDER}/Measure[last()]", TEST_RESULT)
    assert told("H11", add, consent("social")) == {
        ("Samtykket dækker ikke testudfald.", "The consent does not cover test outcome.")
    }
    attach = after(ORDER, MANIFEST.format(category="officialid"))
    assert told("H14", attach, text(WISH, "officialid"), attachments=True) == {
        ("Den unge har bedt om, at CPR udelades.", "The person asked to leave out official id.")
    }


# --- the target group -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "given", "passes"),
    [
        ("READY", (), False),
        ("READY", (consent("social"),), True),
        ("ACTIVITY_READY", (consent("social", "health"),), False),
        ("ACTIVITY_READY", (consent("health", article_9="A"),), False),
        ("ACTIVITY_READY", (consent("social", "health", article_9="A"),), True),
    ],
)
def test_the_target_group_has_a_rule_of_its_own_and_no_other_finding(
    value: str, given: tuple[Change, ...], passes: bool
) -> None:
    add = after(f"{ORDER}/Measure[last()]", f"<TargetGroup>{value}</TargetGroup>")
    assert struck(findings(LETTER, add, drop(WISH), *given)) == (set() if passes else {"L05 E"})


def test_a_letter_without_a_target_group_breaks_no_rule_on_it() -> None:
    assert struck(findings(LETTER)) == set()

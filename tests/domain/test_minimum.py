"""The statutory minimum: what the law asks for is found missing where it is asked for, and nowhere else."""

from __future__ import annotations

import pytest

from gateway.domain.annotation import Certainty
from gateway.domain.kinds import DocumentKind
from gateway.domain.minimum import MinimumFinding, Presence, StatutoryElement, When, judge_minimum
from gateway.xmlcore.statutory import statutory_minimum
from tests.golden.changes import Change, Remove, SetText, with_changes
from tests.golden.judging import judge, read
from tests.golden.loader import golden

LETTER, NOTICE = "education-order-letter", "dropout-risk-notice"
SUBJECT = "/Document/Header/Subject"
ASSESSMENT = "/Document/EducationOrderLetter/Assessment"


def judged(name: str, *changes: Change) -> dict[str, Presence]:
    """How each statutory element stands in a golden document with these changes, by the last step of its path."""
    document = read(with_changes(golden(name), *changes))
    found = judge_minimum(document, statutory_minimum(document.kind))
    return {each.element.name: each.presence for each in found}


def test_a_letter_that_holds_everything_lacks_nothing() -> None:
    assert set(judged("education-order-letter-full").values()) == {Presence.PRESENT}


@pytest.mark.parametrize(
    ("name", "change", "element", "presence"),
    [
        (LETTER, Remove(f"{SUBJECT}/Name"), "Name", Presence.MISSING),
        (NOTICE, Remove(f"{SUBJECT}/RegisteredMunicipality"), "RegisteredMunicipality", Presence.MISSING),
        (LETTER, Remove(f"{SUBJECT}/RegisteredMunicipality"), "RegisteredMunicipality", Presence.NOT_ASKED),
        (LETTER, Remove(f"{ASSESSMENT}/SupportNeed"), "SupportNeed", Presence.MISSING),
        (
            f"{NOTICE}-under-18",
            Remove("/Document/Header/GuardianInformation"),
            "GuardianInformation",
            Presence.MISSING,
        ),
        (
            "education-order-letter-full",
            Remove("/Document/Header/GuardianInformation"),
            "GuardianInformation",
            Presence.NOT_ASKED,
        ),
        (LETTER, Remove(SUBJECT), "CprNumber", Presence.UNKNOWN),
    ],
)
def test_an_absent_element_is_missing_where_the_law_asks_for_it(
    name: str, change: Change, element: str, presence: Presence
) -> None:
    assert judged(name)[element] in (Presence.PRESENT, Presence.NOT_ASKED)
    assert judged(name, change)[element] is presence


def test_no_need_of_support_is_no_lack() -> None:
    changes = (SetText(f"{ASSESSMENT}/SupportNeeded", "false"), Remove(f"{ASSESSMENT}/SupportNeed"))
    assert judged(LETTER, *changes)["SupportNeed"] is Presence.NOT_ASKED


def test_each_block_that_can_hold_an_element_is_judged() -> None:
    document = read(golden("education-order-letter-full"))
    (contact,) = (each for each in statutory_minimum(document.kind) if each.name == "Contact")
    note = StatutoryElement(
        "/Document/EducationOrderLetter/Measure/Note", "Note", "Note", contact.annotation, When.ALWAYS
    )
    unsaid = StatutoryElement(note.path, "Note", "Note", contact.annotation, When.UNSAID)
    found = judge_minimum(document, (note, unsaid))
    assert [(each.presence, each.block.path) for each in found] == [
        (Presence.PRESENT, "/Document/EducationOrderLetter/Measure[1]"),
        (Presence.MISSING, "/Document/EducationOrderLetter/Measure[2]"),
        (Presence.PRESENT, "/Document/EducationOrderLetter/Measure[1]"),
        (Presence.UNKNOWN, "/Document/EducationOrderLetter/Measure[2]"),
    ]


def test_only_what_was_read_in_a_source_is_told_to_the_sender() -> None:
    """Information to the holder of custody is general knowledge: its absence is reported, and no warning."""
    name = "education-order-letter-minimum"
    young = with_changes(
        golden(name),
        SetText(f"{SUBJECT}/CprNumber", "7403105092"),
        SetText(f"{SUBJECT}/BirthDate", "2010-03-14"),
    )
    document = read(young)
    (guardian,) = (each for each in _missing(young) if each.element.name == "GuardianInformation")
    assert document.subject is not None
    assert guardian.element.annotation.certainty is Certainty.KNOWLEDGE
    assert "S01" not in {finding.rule.name for finding in judge(name, young)}


def _missing(octets: bytes) -> list[MinimumFinding]:
    document = read(octets)
    found = judge_minimum(document, statutory_minimum(document.kind))
    return [each for each in found if each.presence is Presence.MISSING]


@pytest.mark.parametrize("kind", DocumentKind)
def test_the_minimum_of_every_kind_has_labels_and_begins_with_the_young_person(kind: DocumentKind) -> None:
    elements = statutory_minimum(kind)
    assert elements[0].path == f"{SUBJECT}/CprNumber"
    assert all(each.danish and each.english for each in elements)
    assert {each.path.split("/")[2] for each in elements} <= {"Header", kind.value}


def test_the_law_asks_something_of_every_kind() -> None:
    assert [kind for kind in DocumentKind if not statutory_minimum(kind)] == []


@pytest.mark.parametrize("when", When)
def test_every_circumstance_has_words(when: When) -> None:
    assert when.danish != when.english

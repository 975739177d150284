"""What carries a letter of support without an order, a transition and a handover: the matrix of legal bases."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.domain.annotation import Basis, Category
from gateway.domain.document import Document
from gateway.domain.lint import PROSE
from gateway.domain.policy import Gate, Verdict
from gateway.xmlcore.annotations import document_annotations
from gateway.xmlcore.parse import parse
from gateway.xmlcore.schema import document_schema
from tests.domain.documents import policy
from tests.golden.changes import Change, Insert, Remove, SetText, with_changes
from tests.golden.judging import read
from tests.golden.loader import golden

SUPPORT = "SupportNeedLetter"
BASES = "/Document/Header/LegalBasis"
FREE = {
    "AdmissionDocumentId",
    "Education",
    "Assessment/SupportNeed",
    "Contact",
    "RiskContact",
}
WITH_A_REASON = {
    "WishReason",
    "Assessment/ParticularDifficulty",
    "Mentor",
    "ItBackpack",
    "EarlierStarts",
    "Measure",
    "MunicipalHelp",
    "MessageTo",
}
WITH_CONSENT = {"TestResult", "TargetGroup", "HealthRelatedNeed"}
TRANSITION_COOPERATION = {
    "TransitionKind",
    "CurrentEducation",
    "PlannedEnd",
    "NextStep",
    "Internship",
    "EmploymentSideInvolvedFrom",
    "SubjectTookPart",
    "FamilyTookPart",
    "MessageTo",
}


def made(name: str, *changes: Change) -> Document:
    """A golden document with these changes."""
    return read(with_changes(golden(name), *changes))


def verdicts(document: Document, *, decided: bool = False) -> dict[str, set[Verdict]]:
    """The verdicts on each block of the body, the members of an assessment each by itself."""
    found: dict[str, set[Verdict]] = {}
    body = f"/Document/{document.kind.value}/"
    for node, judged in Gate(document, replace(policy(), cooperation_decided=decided)).judgements:
        if node.path.startswith(body):
            steps = node.schema_path.removeprefix(body).split("/")
            depth = 2 if steps[0] == "Assessment" else 1
            found.setdefault("/".join(steps[:depth]), set()).add(judged.verdict)
    return found


def blocks(found: dict[str, set[Verdict]], verdict: Verdict) -> set[str]:
    """The blocks of which every element has this verdict."""
    return {block for block, given in found.items() if given == {verdict}}


def without_claims(*kept: str) -> tuple[Change, ...]:
    """The changes that leave the full letter of support with the first claim, without consents."""
    return (
        Remove(f"{BASES}[3]"),
        Remove(f"{BASES}[2]"),
        Remove("/Document/Header/Consent"),
        *map(Remove, kept),
    )


def test_every_block_of_the_full_letter_of_support_is_in_the_matrix() -> None:
    assert set(verdicts(made("support-need-letter-full"))) == FREE | WITH_A_REASON | WITH_CONSENT


def test_without_an_order_the_need_goes_free_and_all_else_waits_for_a_reason_or_consent() -> None:
    found = verdicts(made("support-need-letter-full", *without_claims(f"{BASES}[1]/Necessity")))
    assert blocks(found, Verdict.ALLOWED) == FREE
    assert blocks(found, Verdict.NO_NECESSITY) == WITH_A_REASON
    assert blocks(found, Verdict.NO_BASIS) == WITH_CONSENT


def test_a_reason_carries_what_is_essential_and_nothing_that_needs_consent() -> None:
    found = verdicts(made("support-need-letter-full", *without_claims()))
    assert blocks(found, Verdict.ALLOWED) == FREE | WITH_A_REASON
    assert blocks(found, Verdict.NO_BASIS) == WITH_CONSENT


@pytest.mark.parametrize("provision", ["LAB-30-7-1", "BEKDG-44-2"])
def test_what_is_about_those_with_an_order_carries_no_letter_without_one(provision: str) -> None:
    found = verdicts(made("support-need-letter-minimum", SetText(f"{BASES}[1]/Provision", provision)))
    assert blocks(found, Verdict.NO_BASIS) == set(found)


def test_an_order_cannot_even_be_written_in_a_letter_without_one() -> None:
    order = "<Order><IssuedOn>2026-06-22</IssuedOn></Order>"
    written = with_changes(golden("support-need-letter"), Insert("first", f"/Document/{SUPPORT}", order))
    assert document_schema().validate(parse(written)) != ()
    said = [
        annotation
        for path, annotation in document_annotations().by_path.items()
        if path.startswith(f"/Document/{SUPPORT}/")
    ]
    assert Category.ORDER not in {each.category for each in said}
    assert not {Basis.ORDER, Basis.MEASURE} & {each.basis for each in said}


def test_health_of_a_young_person_without_an_order_needs_explicit_consent() -> None:
    not_explicit = made("support-need-letter-full", Remove(f"{BASES}[3]/GdprArticle9"))
    assert verdicts(not_explicit)["HealthRelatedNeed"] == {Verdict.NO_CONSENT}
    assert verdicts(made("support-need-letter-full"))["HealthRelatedNeed"] == {Verdict.ALLOWED}


# --- transitions ---------------------------------------------------------------------------------------


def test_a_transition_has_the_same_body_both_ways() -> None:
    bodies = [
        {
            path.removeprefix(start): annotation
            for path, annotation in document_annotations().by_path.items()
            if path.startswith(start)
        }
        for start in ("/Document/TransitionLetter/", "/Document/TransitionNotice/")
    ]
    assert bodies[0] == bodies[1] != {}


@pytest.mark.parametrize("name", ["transition-letter-full", "transition-notice-full"])
def test_consent_carries_a_whole_transition(name: str) -> None:
    found = verdicts(made(name))
    assert blocks(found, Verdict.ALLOWED) == set(found)


@pytest.mark.parametrize("name", ["transition-letter-full", "transition-notice-full"])
@pytest.mark.parametrize("decided", [True, False], ids=["decided", "not decided"])
def test_a_decision_carries_what_is_cooperation_and_no_need_of_support(name: str, decided: bool) -> None:
    found = verdicts(made(name, Remove(f"{BASES}[2]"), Remove("/Document/Header/Consent")), decided=decided)
    assert blocks(found, Verdict.ALLOWED if decided else Verdict.NO_BASIS) >= TRANSITION_COOPERATION
    assert found["SupportNeed"] == {Verdict.NO_BASIS}
    assert found["Contact"] == {Verdict.ALLOWED}


def test_whom_to_call_goes_with_cooperation_but_that_a_guardian_takes_part_does_not() -> None:
    document = made("transition-notice-full", Remove(f"{BASES}[2]"), Remove("/Document/Header/Consent"))
    judged = {node.path: each.verdict for node, each in Gate(document, policy()).judgements}
    involved = "/Document/TransitionNotice/Involved"
    assert judged[f"{involved}[1]/Role"] is judged[f"{involved}[1]/Contact/Phone"] is Verdict.ALLOWED
    assert judged[f"{involved}[2]/Role"] is Verdict.NO_BASIS


@pytest.mark.parametrize("provision", ["EUD-30-2", "AVU-12-1"])
def test_the_duty_of_a_school_to_cooperate_carries_its_notice_and_no_letter(provision: str) -> None:
    claim = SetText(f"{BASES}[1]/Provision", provision)
    notice = verdicts(made("transition-notice-minimum", claim), decided=True)
    letter = verdicts(made("transition-letter-minimum", claim), decided=True)
    assert notice["NextStep"] == {Verdict.ALLOWED}
    assert letter["NextStep"] == {Verdict.NO_BASIS}


# --- the handover ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("provision", "carries"),
    [
        ("LUNG-12C-1", True),
        ("LUNG-12C-2", True),
        ("LUNG-15D-2-1", False),
        ("LUNG-12A", False),
        ("CONSENT-GDPR", False),
    ],
)
def test_a_handover_rests_on_the_rule_that_names_the_municipality_of_residence(
    provision: str, carries: bool
) -> None:
    found = verdicts(made("handover-notice-minimum", SetText(f"{BASES}[1]/Provision", provision)))
    assert blocks(found, Verdict.ALLOWED if carries else Verdict.NO_BASIS) == set(found)


def test_no_text_of_a_letter_has_a_place_in_a_handover() -> None:
    names = {
        path.rpartition("/")[2]
        for path in document_annotations().by_path
        if path.startswith("/Document/HandoverNotice/")
    }
    assert names & PROSE == set()


def test_the_log_of_a_handover_says_what_the_kinds_of_its_conversations_tell() -> None:
    said = Gate(made("handover-notice"), policy()).disclosure()
    more = Gate(made("handover-notice-full"), policy()).disclosure()
    assert "risk" in said.categories
    assert not {"order", "support", "absence", "plan"} & set(said.categories)
    assert {"order", "support", "absence", "plan", "risk"} <= set(more.categories)
    assert not said.special

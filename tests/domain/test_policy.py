"""The legal-basis gate: which element passes on which claim, what the log says, and that unknown is not allowed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.domain.annotation import Basis, Category
from gateway.domain.codes import CodeList
from gateway.domain.policy import Gate, Policy, Verdict
from tests.domain.documents import (
    LETTER,
    NOTICE,
    Change,
    after,
    claim,
    consent,
    document,
    drop,
    findings,
    inside,
    policy,
    struck,
    text,
)
from tests.domain.test_rule_checks import MANIFEST, PDF

ORDER = "EducationOrderLetter"
ALL_OF_LETTER = ("LAB-30-7-1", "BEKDG-44-2", "DBL-11-1")
HEALTH_NEED = "<HealthRelatedNeed><Text>Har brug for en pause hver time.</Text></HealthRelatedNeed>"
TEST_RESULT = (
    "<TestResult><Kind>READING</Kind><TakenOn>2026-05-05</TakenOn><Outcome>NO_NEED</Outcome></TestResult>"
)


def gate(xml: str, *changes: Change, by: Policy | None = None) -> Gate:
    return Gate(document(xml, *changes), by or policy())


def verdicts(judged: Gate, start: str) -> set[Verdict]:
    return {
        each.verdict for node, each in judged.judgements if node.schema_path.startswith(f"/Document/{start}")
    }


def refused(*changes: Change, base: str = LETTER) -> set[tuple[str, str]]:
    """What strikes and where, without the warning on the fictional number."""
    return {(each.rule.name, each.path.removeprefix("/Document/")) for each in findings(base, *changes)} - {
        ("H06", "Header/Subject/CprNumber")
    }


@pytest.mark.parametrize("base", [LETTER, NOTICE])
def test_every_element_of_a_full_document_is_judged_and_allowed(base: str) -> None:
    judged = gate(base)
    assert {each.verdict for _, each in judged.judgements} == {Verdict.ALLOWED}
    leaves = [node for node in judged.document.root.leaves() if node.text.strip()]
    assert [node for node, _ in judged.judgements] == leaves


@pytest.mark.parametrize("base", [LETTER, NOTICE])
def test_nothing_is_allowed_on_no_claim_but_the_persons_own_words(base: str) -> None:
    nothing = replace(policy(), provisions=CodeList("none", ()))
    allowed = {
        node.schema_path
        for node, each in gate(base, by=nothing).judgements
        if each.verdict is Verdict.ALLOWED
    }
    own = {f"/Document/Header/OwnWords/{name}" for name in ("Text", "Form", "GivenOn")}
    assert allowed - {"/Document/DropoutRiskNotice/BestWayToReach"} == own


def test_the_rule_on_numbers_alone_carries_the_number_and_nothing_else() -> None:
    judged = gate(LETTER, claim("DBL-11-1"))
    assert verdicts(judged, "Header/Subject/CprNumber") == {Verdict.ALLOWED}
    assert verdicts(judged, "Header/Subject/Name") == {Verdict.NO_BASIS}


def test_the_number_needs_a_rule_of_its_own() -> None:
    assert refused(drop("Header/LegalBasis[3]")) == {("H10", "Header/Subject/CprNumber")}


def test_a_claim_of_the_other_way_carries_nothing() -> None:
    assert verdicts(gate(LETTER, claim("LAB-30-8-2", "DBL-11-1")), "Header/Purpose") == {Verdict.NO_BASIS}


def test_a_rule_on_statistics_carries_no_document() -> None:
    assert verdicts(gate(LETTER, claim("LUNG-12D", "DBL-11-1")), "Header/Purpose") == {Verdict.NO_BASIS}


def test_the_sentence_on_those_without_an_order_carries_no_letter_on_an_order() -> None:
    judged = gate(LETTER, claim("LAB-30-7-2", "BEKDG-44-2", "DBL-11-1"))
    assert verdicts(judged, f"{ORDER}/Assessment/SupportNeed/") == {Verdict.NO_BASIS}
    assert verdicts(judged, f"{ORDER}/Order/IssuedOn") == {Verdict.ALLOWED}


def test_what_is_essential_needs_a_reason_in_words_and_the_block_is_named_once() -> None:
    found = refused(drop("Header/LegalBasis/Necessity"))
    blocks = {"Mentor", "ItBackpack", "EarlierStarts", "MunicipalHelp", "MessageTo", "Order/WishReason"}
    assert found == {("H12", f"{ORDER}/{block}") for block in blocks} | {("H12", "Header/PlanReference")}


def test_a_reason_of_blanks_is_none() -> None:
    # The schema refuses blanks; the gate does not rely on it.
    read = document(LETTER, text("Header/LegalBasis/Necessity", " \n "), valid=False)
    assert verdicts(Gate(read, policy()), f"{ORDER}/Mentor") == {Verdict.NO_NECESSITY}


def test_consent_for_the_category_stands_in_for_the_reason() -> None:
    changes = (drop("Header/LegalBasis/Necessity"), consent("support", "history", "plan", "freetext"))
    assert refused(*changes) == set()


def test_measures_need_the_order_on_data_or_consent() -> None:
    assert {rule for rule, _ in refused(claim("LAB-30-7-1", "DBL-11-1"))} == {"H10", "H12"}
    assert verdicts(
        gate(LETTER, claim("LAB-30-7-1", "DBL-11-1"), consent("measure")), f"{ORDER}/Measure"
    ) == {Verdict.ALLOWED}


def test_a_measure_that_ended_before_the_first_order_needs_consent() -> None:
    early = (text(f"{ORDER}/Measure/From", "2025-01-01"), text(f"{ORDER}/Measure/To", "2025-11-02"))
    assert refused(*early) == {("L06", f"{ORDER}/Measure[1]")}
    assert refused(*early, consent("measure")) == set()
    assert refused(early[0], text(f"{ORDER}/Measure/To", "2025-11-03")) == set()


def test_without_a_first_order_named_the_order_itself_is_the_limit() -> None:
    assert refused(drop(f"{ORDER}/Order/FirstOrderOn")) == {("L06", f"{ORDER}/Measure[1]")}


def test_tests_need_consent_whose_scope_holds_them() -> None:
    add = after(f"{ORDER}/Measure[last()]", TEST_RESULT)
    assert refused(add) == {("H10", f"{ORDER}/TestResult")}
    assert refused(add, consent("test")) == set()
    assert refused(add, consent("social")) == {("H11", f"{ORDER}/TestResult")}


def test_what_a_consent_lacks_is_named_by_its_category() -> None:
    add = after(f"{ORDER}/Measure[last()]", TEST_RESULT)
    (found,) = [each for each in findings(LETTER, add, consent("social")) if each.rule.name == "H11"]
    assert found.danish == "Samtykket dækker ikke testudfald."


@pytest.mark.parametrize(
    ("changes", "holds"),
    [
        ((consent("test", given="2026-08-05", until="2026-08-05"),), True),
        ((consent("test", given="2026-08-06"),), False),
        ((consent("test", until="2026-08-04"),), False),
        ((consent("test"), drop("Header/Consent")), False),
        ((consent("test"), drop("Header/LegalBasis[last()]/ConsentId")), False),
    ],
)
def test_a_consent_that_is_claimed_is_there_and_in_force(changes: tuple[Change, ...], holds: bool) -> None:
    found = refused(*changes)
    assert found == (set() if holds else {("H11", "Header/LegalBasis[4]")})


def test_health_needs_explicit_consent_with_health_in_its_scope() -> None:
    add = after(f"{ORDER}/Measure[last()]", HEALTH_NEED)
    place = f"{ORDER}/HealthRelatedNeed"
    assert refused(add) == {("H10", place)}
    assert refused(add, consent("health")) == {("H11", place)}
    assert refused(add, consent("support", article_9="A")) == {("H11", place)}
    assert refused(add, consent("health", article_9="G")) == {("H11", place)}
    assert refused(add, consent("health", article_9="A")) == set()


@pytest.mark.parametrize(
    ("value", "given", "passes"),
    [
        ("READY", (), False),
        ("READY", (consent("test"),), False),
        ("READY", (consent("social"),), True),
        ("ACTIVITY_READY", (consent("social"),), False),
        ("ACTIVITY_READY", (consent("social", "health"),), False),
        ("ACTIVITY_READY", (consent("health", article_9="A"),), False),
        ("ACTIVITY_READY", (consent("social", "health", article_9="A"),), True),
    ],
)
def test_the_target_group_needs_consent_and_one_value_of_it_explicit_consent(
    value: str, given: tuple[Change, ...], passes: bool
) -> None:
    add = after(f"{ORDER}/Measure[last()]", f"<TargetGroup>{value}</TargetGroup>")
    without_wish = drop("Header/SubjectInformation/WithheldOnWish")
    place = {("L05", f"{ORDER}/TargetGroup")}
    assert refused(add, without_wish, *given) == (set() if passes else place)


def test_a_sign_of_private_life_needs_consent_where_other_signs_do_not() -> None:
    sign = text("DropoutRiskNotice/RiskSign/Code", "HOME_OR_MONEY")
    assert refused(sign, base=NOTICE) == {("H10", "DropoutRiskNotice/RiskSign[1]/Code")}
    assert refused(sign, consent("social"), base=NOTICE) == set()


def test_the_persons_own_phone_needs_consent() -> None:
    phone = inside("Header/Subject", "<Phone>+4500000003</Phone>")
    assert refused(phone) == {("H10", "Header/Subject/Phone")}
    assert refused(phone, consent("reach")) == set()


def test_own_words_and_the_best_way_rest_on_the_recorded_wish() -> None:
    assert refused(drop("Header/OwnWords"), base=NOTICE) == {("H10", "DropoutRiskNotice/BestWayToReach")}


def test_what_the_person_asked_to_leave_out_is_refused_unless_a_law_demands_it() -> None:
    history = text("Header/SubjectInformation/WithheldOnWish", "history")
    assert refused(history) == {("H14", f"{ORDER}/EarlierStarts")}
    support = {path for rule, path in refused(text("Header/SubjectInformation/WithheldOnWish", "support"))}
    assert f"{ORDER}/Mentor" in support
    assert not any(path.startswith(f"{ORDER}/Assessment") for path in support)


def test_the_category_asked_to_be_left_out_is_told_in_words() -> None:
    withheld = text("Header/SubjectInformation/WithheldOnWish", "officialid")
    assert "H14 E" not in struck(findings(LETTER, withheld))  # a law demands the number
    withheld = text("Header/SubjectInformation/WithheldOnWish", "history")
    (found,) = [each for each in findings(LETTER, withheld) if each.rule.name == "H14"]
    assert found.danish == "Den unge har bedt om, at tidligere forløb udelades."


@pytest.mark.parametrize(
    ("category", "changes", "strikes"),
    [
        ("support", (), set()),
        ("measure", (), set()),
        ("test", (), {"H10 E"}),
        ("test", (consent("test"),), set()),
        ("test", (consent("social"),), {"H11 E"}),
        ("history", (drop("Header/LegalBasis/Necessity"),), {"H12 E"}),
        ("absence", (), {"H10 E"}),
        ("identity", (), set()),
        ("health", (consent("health"),), {"H19 E"}),
    ],
)
def test_an_attachment_goes_where_an_element_of_its_category_may(
    category: str, changes: tuple[Change, ...], strikes: set[str]
) -> None:
    attach = after(ORDER, MANIFEST.format(category=category))
    assert struck(findings(LETTER, attach, *changes, attachments=(PDF,))) == strikes


def test_an_attachment_of_a_category_that_the_kind_never_holds_is_refused() -> None:
    attach = after("DropoutRiskNotice", MANIFEST.format(category="test"))
    assert struck(findings(NOTICE, attach, consent("test"), attachments=(PDF,))) == {"H10 E"}


def test_an_attachment_asked_to_be_left_out_is_refused() -> None:
    attach = after(ORDER, MANIFEST.format(category="social"))
    assert "H14 E" in struck(findings(LETTER, attach, consent("social"), attachments=(PDF,)))


def test_an_element_the_schema_does_not_know_is_not_allowed() -> None:
    read = document(LETTER, inside(ORDER, "<Secret>x</Secret>"), valid=False)
    (judged,) = [each for node, each in Gate(read, policy()).judgements if node.name == "Secret"]
    assert (judged.verdict, judged.annotation) == (Verdict.NO_BASIS, None)
    unknown = inside(ORDER, "<Secret>x</Secret>")
    assert struck(findings(LETTER, unknown, valid=False)) == {"H10 E"}


def test_an_empty_manifest_says_nothing() -> None:
    assert struck(findings(LETTER, after(ORDER, "<Attachments/>"))) == set()


def test_the_log_names_what_was_sent_and_what_was_left_out() -> None:
    said = gate(LETTER).disclosure()
    assert "/Document/Header/Subject/CprNumber" in said.fields_sent
    assert "/Document/EducationOrderLetter/Measure/Code" in said.fields_sent
    assert len(said.fields_sent) == len(set(said.fields_sent))
    assert said.fields_withheld == ("/Document/EducationOrderLetter/TargetGroup",)
    assert {"officialid", "support", "measure", "ownwords"} <= set(said.categories)
    assert list(said.categories) == sorted(said.categories)
    assert not said.special


def test_what_is_left_out_is_of_this_kind_and_not_sent() -> None:
    said = gate(
        NOTICE, inside("Header/SubjectInformation", "<WithheldOnWish>absence</WithheldOnWish>")
    ).disclosure()
    assert said.fields_withheld == ()  # sent all the same: H14 refuses the document
    left_out = gate(
        NOTICE,
        inside("Header/SubjectInformation", "<WithheldOnWish>absence</WithheldOnWish>"),
        drop("DropoutRiskNotice/AbsencePercent"),
    ).disclosure()
    assert left_out.fields_withheld == ("/Document/DropoutRiskNotice/AbsencePercent",)


@pytest.mark.parametrize(
    "change",
    [
        after(f"{ORDER}/Measure[last()]", HEALTH_NEED),
        after(f"{ORDER}/Measure[last()]", "<TargetGroup>ACTIVITY_READY</TargetGroup>"),
        after(ORDER, MANIFEST.format(category="health")),
    ],
)
def test_data_of_article_9_are_flagged_for_the_log(change: Change) -> None:
    said = gate(LETTER, change).disclosure()
    assert said.special
    assert "health" in said.categories


def test_cooperation_carries_only_by_the_decision_of_the_sender() -> None:
    changes = (claim("LUNG-12A", "DBL-11-1"),)
    assert not gate(NOTICE, *changes).is_carried(Basis.COOP, Category.RISK)
    assert gate(NOTICE, *changes, by=policy(cooperation_decided=True)).is_carried(Basis.COOP, Category.RISK)

"""Whether a claim carries: for people of which age, in which kind of document, and for whom nothing was decided."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import pytest

from gateway.domain.annotation import Basis, BasisSet, Category
from gateway.domain.document import Document
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
    inside,
    policy,
    text,
)
from tests.domain.test_policy import ORDER, gate, verdicts
from tests.domain.test_rule_checks import MANIFEST
from tests.golden.judging import read
from tests.golden.loader import golden

RISK = "DropoutRiskNotice"
UNDER_25 = claim("LUNG-12C-2", "DBL-11-1")  # of one event, which was on 2026-10-06
SEVERAL = claim("LUNG-12C-2", "LAB-30-8-2", "DBL-11-1")  # the second is about every age


def born(day: str) -> Change:
    """Let the young person be born on this day."""
    return text("Header/Subject/BirthDate", day)


AGED_24, AGED_25 = born("2001-10-07"), born("2001-10-06")


# --- ages -----------------------------------------------------------------------------------------------


def test_a_rule_on_those_under_25_carries_nothing_about_somebody_of_25() -> None:
    too_old = gate(NOTICE, AGED_25, UNDER_25)
    assert verdicts(too_old, f"{RISK}/RiskSign") == {Verdict.TOO_OLD}
    assert verdicts(too_old, "Header/Purpose") == {Verdict.TOO_OLD}
    assert verdicts(too_old, "Header/Subject/CprNumber") == {Verdict.ALLOWED}
    assert too_old.is_stopped_by_age


def test_a_rule_on_those_under_25_carries_what_is_about_somebody_of_24() -> None:
    young = gate(NOTICE, AGED_24, UNDER_25)
    assert {each.verdict for _, each in young.judgements} == {Verdict.ALLOWED}
    assert not young.is_stopped_by_age


def test_beside_a_rule_on_every_age_one_on_the_young_stops_nothing() -> None:
    judged = gate(NOTICE, AGED_25, SEVERAL)
    assert {each.verdict for _, each in judged.judgements} == {Verdict.ALLOWED}
    assert not judged.is_stopped_by_age


def test_what_no_claim_carries_is_not_told_as_a_matter_of_age() -> None:
    judged = gate(NOTICE, AGED_25, claim("LUNG-12A", "DBL-11-1"))
    assert verdicts(judged, f"{RISK}/RiskSign") == {Verdict.NO_BASIS}
    assert not judged.is_stopped_by_age


def test_of_whom_no_day_of_birth_is_known_nobody_says_that_he_is_too_old() -> None:
    unknown = (text("Header/Subject/CprNumber", "740305ABC1"), drop("Header/Subject/BirthDate"))
    assert verdicts(gate(NOTICE, *unknown, UNDER_25), f"{RISK}/RiskSign") == {Verdict.ALLOWED}


# --- kinds of documents ---------------------------------------------------------------------------------


def test_a_warning_of_a_risk_that_is_not_imminent_rests_on_consent_or_cooperation() -> None:
    early = text(f"{RISK}/Imminent", "false")
    assert gate(NOTICE).is_carried(Basis.RISK, Category.RISK)
    assert not gate(NOTICE, early).is_carried(Basis.RISK, Category.RISK)
    assert gate(NOTICE, early).is_carried(Basis.CONTACT, Category.STAFF)
    assert gate(NOTICE, early, consent("risk")).is_carried(Basis.RISK, Category.RISK)


def test_only_a_notice_of_risk_says_whether_the_risk_is_imminent() -> None:
    assert gate(LETTER, claim("LUNG-15D-2-2")).is_carried(Basis.RISK, Category.RISK)


def note(*provisions: str) -> Document:
    """A note of a municipality that claims only these."""
    made = read(golden("note-notice"))
    claims = document(LETTER, claim(*provisions)).legal_bases
    return replace(made, legal_bases=claims)


def test_a_note_in_an_open_conversation_may_rest_on_what_carries_answers() -> None:
    answering = note("LAB-30-9")
    assert answering.direction.value == "M -> I"
    in_open = Gate(answering, policy(), in_open_conversation=True)
    assert in_open.is_carried(Basis.COOP, Category.FREE_TEXT)
    assert not in_open.is_carried(Basis.CONSENT, Category.FREE_TEXT)
    assert not in_open.is_carried(Basis.NEED, Category.SUPPORT)
    decided = Gate(note("LUNG-12A"), policy(cooperation_decided=True), in_open_conversation=True)
    assert decided.is_carried(Basis.COOP, Category.FREE_TEXT)


def test_a_note_of_which_no_conversation_is_known_to_be_open_may_not() -> None:
    assert not Gate(note("LAB-30-9"), policy()).is_carried(Basis.COOP, Category.FREE_TEXT)


def test_no_other_kind_rests_on_what_carries_answers() -> None:
    letter = Gate(document(LETTER), policy(), in_open_conversation=True)
    assert not letter.is_carried(Basis.COOP, Category.FREE_TEXT)
    assert letter.is_carried(Basis.FOLLOW, Category.FREE_TEXT)


@pytest.mark.parametrize("about_an_order", ["BEKDG-44-2", "LAB-30-7-1"])
def test_a_rule_on_those_with_an_order_carries_nothing_about_those_without(about_an_order: str) -> None:
    of_order = claim(about_an_order, "DBL-11-1")
    without = replace(read(golden("support-need-letter")), legal_bases=document(LETTER, of_order).legal_bases)
    assert verdicts(Gate(without, policy()), "Header/Purpose") == {Verdict.NO_BASIS}
    assert verdicts(gate(LETTER, of_order), "Header/Purpose") == {Verdict.ALLOWED}


@pytest.mark.parametrize("missing", [f"{ORDER}/Order", f"{ORDER}/Order/IssuedOn"])
def test_where_no_order_is_named_nothing_that_ended_is_known_to_be_since_it(missing: str) -> None:
    # The schema demands an order; the gate does not rely on it.
    read = document(LETTER, drop(f"{ORDER}/Order/FirstOrderOn"), drop(missing), valid=False)
    judged = Gate(read, policy())
    (ended, ongoing) = (
        {each.verdict for node, each in judged.judgements if node.path.startswith(start)}
        for start in (f"/Document/{ORDER}/Measure[{number}]/" for number in (1, 2))
    )
    assert ended == {Verdict.BEFORE_ORDER}
    assert ongoing == {Verdict.ALLOWED}


def test_a_measure_that_ended_since_the_only_order_named_needs_no_consent() -> None:
    only = drop(f"{ORDER}/Order/FirstOrderOn")
    for ended_on, verdict in (("2026-06-22", Verdict.ALLOWED), ("2026-06-21", Verdict.BEFORE_ORDER)):
        judged = gate(LETTER, only, text(f"{ORDER}/Measure/To", ended_on))
        assert verdicts(judged, f"{ORDER}/Measure/To") == {verdict}


# --- what is not said -----------------------------------------------------------------------------------


def test_without_a_decision_of_the_sender_cooperation_carries_nothing() -> None:
    known = policy()
    undecided = Policy(known.annotations, known.basis_sets, known.provisions)
    judged = gate(NOTICE, claim("LUNG-12A", "DBL-11-1"), by=undecided)
    assert not judged.is_carried(Basis.COOP, Category.RISK)


def test_a_basis_set_of_which_nothing_is_said_is_carried_by_nothing() -> None:
    known = policy()
    sets = MappingProxyType({**known.basis_sets, Basis.NEED: BasisSet(Basis.NEED, "Intet", "Nothing")})
    changed = gate(LETTER, by=replace(known, basis_sets=sets))
    assert verdicts(gate(LETTER), f"{ORDER}/Assessment/SupportNeed/") == {Verdict.ALLOWED}
    assert verdicts(changed, f"{ORDER}/Assessment/SupportNeed/") == {Verdict.NO_BASIS}


def test_a_wish_to_leave_out_what_nobody_knows_leaves_out_nothing() -> None:
    wish = text("Header/SubjectInformation/WithheldOnWish", "weather")
    judged = Gate(document(LETTER, wish, valid=False), policy())
    assert {(each.verdict, each.withheld) for _, each in judged.judgements} == {(Verdict.ALLOWED, False)}
    assert judged.disclosure().fields_withheld == ()


# --- attachments, and the log ---------------------------------------------------------------------------


def test_an_attachment_on_health_may_go_with_explicit_consent_in_a_kind_that_holds_no_such_element() -> None:
    attach = after(RISK, MANIFEST.format(category="health"))
    explicit = consent("health", article_9="A")
    for changes, verdict in (((), Verdict.NO_BASIS), ((explicit,), Verdict.ALLOWED)):
        *_, (node, judged) = gate(NOTICE, attach, *changes).judgements
        assert (node.path, judged.verdict) == ("/Document/Attachments/Attachment/Category", verdict)


def test_the_log_names_also_what_the_schema_does_not_know() -> None:
    read = document(LETTER, inside(ORDER, "<Secret>x</Secret>"), valid=False)
    said, usual = Gate(read, policy()).disclosure(), gate(LETTER).disclosure()
    assert set(said.fields_sent) - set(usual.fields_sent) == {f"/Document/{ORDER}/Secret"}
    assert said.categories == usual.categories


def test_the_log_names_what_was_left_out_of_the_header() -> None:
    wish = text("Header/SubjectInformation/WithheldOnWish", "reach")
    said = gate(LETTER, wish).disclosure()
    assert said.fields_withheld == ("/Document/Header/Subject/Phone", "/Document/Header/Subject/Email")


def test_one_value_of_an_element_may_weigh_more_than_the_rest_of_it() -> None:
    annotations = policy().annotations
    path = f"/Document/{ORDER}/TargetGroup"
    assert annotations.of(path).category is Category.SOCIAL
    assert annotations.of(path, "READY") == annotations.of(path)
    assert annotations.of(path, "ACTIVITY_READY").category is Category.HEALTH

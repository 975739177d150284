"""`bropost party change` sets what a party receives and what its officer decided, and the party's log tells."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.app import open_installation
from gateway.domain.catalogue import Code
from gateway.domain.identifiers import PartyId
from gateway.domain.kinds import DocumentKind
from gateway.domain.party import Party
from gateway.services import parties
from gateway.settings import load_settings
from tests.cli.test_commands import SCHOOL, Operator
from tests.development import make_installation


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    """An operator of an installation with a school."""
    operator = Operator(make_installation(tmp_path / "gateway"))
    operator("party", "add", "Prøveby Erhvervsskole", SCHOOL)
    return operator


def party(operator: Operator) -> Party:
    """What is known of the school."""
    installation = open_installation(load_settings(operator.settings))
    found = parties.find(installation, PartyId.parse(SCHOOL))
    installation.database.close()
    return found


def test_a_party_changes_what_it_receives_and_its_log_tells(operator: Operator) -> None:
    kinds = ("--kind", "SupportNeedLetter", "--kind", "AnswerNotice")
    assert operator("party", "change", SCHOOL, *kinds).splitlines() == [
        "receives     AnswerNotice SupportNeedLetter",
        "cooperation  not decided",
    ]
    operator("party", "change", SCHOOL, "--no-kinds")
    operator("party", "change", SCHOOL, "--all-kinds")
    assert operator.told(SCHOOL)[1:-1] == [
        ("CONFIG", ("RECEIVES_SET", "AnswerNotice", "SupportNeedLetter")),
        ("CONFIG", ("RECEIVES_SET",)),
    ]
    known = party(operator)
    assert operator.told(SCHOOL)[-1] == (
        "CONFIG",
        ("RECEIVES_SET", *sorted(kind.value for kind in known.receives)),
    )
    assert DocumentKind.EDUCATION_ORDER_LETTER in known.receives
    assert DocumentKind.DROPOUT_RISK_NOTICE not in known.receives


def test_that_the_rules_of_cooperation_may_carry_is_decided_and_taken_back(operator: Operator) -> None:
    before = party(operator)
    assert operator("party", "change", SCHOOL, "--cooperation").endswith("cooperation  decided\n")
    assert party(operator) == replace(before, cooperation_decided=True)
    operator("party", "change", SCHOOL, "--no-cooperation", "--kind", "NoteNotice")
    assert party(operator).cooperation_decided is False
    assert operator.told(SCHOOL)[1:] == [
        ("CONFIG", ("COOPERATION_DECIDED",)),
        ("CONFIG", ("RECEIVES_SET", "NoteNotice", "COOPERATION_NOT_DECIDED")),
    ]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "nothing to change"),
        (("--no-kinds", "--kind", "NoteNotice"), "--kind, --all-kinds and --no-kinds"),
        (("--kind", "AdmissionNotice"), "AdmissionNotice"),
    ],
    ids=["nothing", "both", "a kind that goes the other way"],
)
def test_a_change_that_makes_no_sense_changes_nothing(
    operator: Operator, arguments: tuple[str, ...], told: str
) -> None:
    before = operator.told(SCHOOL)
    refused = operator.refused("party", "change", SCHOOL, *arguments)
    assert refused.code is Code.ARGUMENT_INVALID
    assert told in refused.english
    assert operator.told(SCHOOL) == before


def test_nobody_changes_who_is_not_registered(operator: Operator) -> None:
    assert operator.refused("party", "change", "33333333-0998", "--cooperation").code is Code.NOT_FOUND

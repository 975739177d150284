"""The dated code lists, as the product ships them."""

from __future__ import annotations

import re
from datetime import date
from itertools import pairwise

import pytest

from gateway.domain.annotation import Basis, Category, Certainty, Condition
from gateway.domain.codes import CodeList, DatedCode
from gateway.domain.kinds import Direction
from gateway.xmlcore.code_lists import (
    basis_sets,
    data_categories,
    education_code_systems,
    municipalities,
    municipalities_of,
    provisions,
    purposes,
)
from gateway.xmlcore.declarations import labels

_DAY = date(2026, 8, 5)


def test_there_are_98_municipalities() -> None:
    in_force = municipalities().in_force(_DAY)
    assert len(in_force) == 98
    assert len({entry.code for entry in in_force}) == 98
    assert len({entry.danish for entry in in_force}) == 98
    assert all(re.fullmatch("0[0-9]{3}", entry.code) for entry in in_force)


def test_municipalities_are_found_by_code_and_day() -> None:
    found = municipalities().find("0751", _DAY)
    assert found is not None
    assert found.danish == "Aarhus"
    assert municipalities().find("0751", date(2006, 12, 31)) is None


@pytest.mark.parametrize("code", ["0999", "0411", "751"])
def test_the_product_list_holds_no_fictional_or_other_codes(code: str) -> None:
    assert municipalities().find(code, _DAY) is None


def test_a_list_of_fictional_municipalities_can_be_read() -> None:
    octets = b'validFrom = 2026-01-01\n[[municipality]]\ncode = "0999"\nname = "Eksempelby"\n'
    found = municipalities_of(octets).find("0999", _DAY)
    assert found is not None
    assert found.danish == "Eksempelby"


def test_an_entry_holds_on_its_first_and_last_day_and_not_outside() -> None:
    entry = DatedCode("A1", "en", "one", date(2026, 1, 1), date(2026, 12, 31))
    assert [
        entry.is_valid_on(date(y, m, d))
        for y, m, d in ((2025, 12, 31), (2026, 1, 1), (2026, 12, 31), (2027, 1, 1))
    ] == [
        False,
        True,
        True,
        False,
    ]


def test_a_code_that_changed_is_found_as_it_was_on_the_day() -> None:
    old = DatedCode("A1", "før", "before", date(2025, 1, 1), date(2025, 12, 31))
    new = DatedCode("A1", "efter", "after", date(2026, 1, 1))
    both = CodeList("test", (old, new))
    assert both.find("A1", date(2025, 6, 1)) == old
    assert both.find("A1", date(2026, 6, 1)) == new
    assert both.find("A1", date(2024, 6, 1)) is None


def test_no_entry_of_a_code_overlaps_another() -> None:
    for code_list in (municipalities(), provisions(), education_code_systems()):
        entries = sorted(code_list.entries, key=lambda entry: (entry.code, entry.valid_from))
        for earlier, later in pairwise(entries):
            if earlier.code == later.code:
                assert earlier.valid_to is not None
                assert earlier.valid_to < later.valid_from


def test_the_provisions_are_those_that_a_document_may_claim() -> None:
    assert {entry.code for entry in provisions().in_force(_DAY)} == {
        *("LAB-30-7-1", "LAB-30-7-2", "LAB-30-8-1", "LAB-30-8-2", "LAB-30-9"),
        *("LUNG-12A", "LUNG-12C-1", "LUNG-12C-2", "LUNG-12D", "LUNG-15D-2-1", "LUNG-15D-2-2"),
        *("CONSENT-LUNG-15D", "CONSENT-GDPR", "BEKDG-44-2", "EUD-30-2", "AVU-12-1", "DBL-11-1", "DBL-11-2"),
    }


def test_every_provision_says_its_rule_in_both_languages_and_a_direction() -> None:
    for provision in provisions().entries:
        assert provision.rule
        assert provision.danish != provision.english
        assert provision.directions
        assert re.fullmatch("[A-Z0-9]+(-[A-Z0-9]+)*", provision.code)
        assert provision.is_consent == provision.code.startswith("CONSENT-")


def test_the_yearly_meeting_never_carries_a_document() -> None:
    assert [entry.code for entry in provisions().entries if not entry.carries_documents] == ["LUNG-12D"]
    assert all("LUNG-12D" not in basis_set.provisions for basis_set in basis_sets().values())


def test_a_provision_knows_its_way_and_how_sure_it_is() -> None:
    found = provisions().find("LAB-30-8-2", _DAY)
    assert found is not None
    assert found.directions == {Direction.INSTITUTION_TO_MUNICIPALITY}
    assert found.certainty is Certainty.SOURCE


def test_no_rule_that_is_not_read_in_a_source_is_told_as_law() -> None:
    unsure = {entry.code for entry in provisions().entries if entry.certainty is not Certainty.SOURCE}
    assert {"LAB-30-9", "BEKDG-44-2", "CONSENT-GDPR"} <= unsure


def test_essential_data_need_a_reason_or_a_consent() -> None:
    conditions = {carrier.condition for carrier in basis_sets()[Basis.ESSENTIAL].carriers}
    assert conditions == {Condition.NECESSITY, Condition.CONSENT}


def test_health_passes_by_explicit_consent_alone() -> None:
    carriers = basis_sets()[Basis.SPECIAL].carriers
    assert [carrier.condition for carrier in carriers] == [Condition.EXPLICIT_HEALTH_CONSENT]
    assert all(code.startswith("CONSENT-") for code in basis_sets()[Basis.SPECIAL].provisions)


def test_only_identification_follows_any_claim_and_only_the_own_wish_needs_none() -> None:
    assert [basis for basis, found in basis_sets().items() if found.carried_by_any] == [Basis.ANY]
    assert [basis for basis, found in basis_sets().items() if found.carried_by_wish] == [Basis.OWN]


def test_every_category_has_its_place_under_the_gdpr() -> None:
    found = data_categories()
    assert set(found) == set(Category)
    assert [category for category, row in found.items() if row.gdpr == "SPECIAL"] == [Category.HEALTH]
    assert found[Category.OFFICIAL_ID].gdpr == "NATIONAL_ID"
    assert {row.gdpr for row in found.values()} == {
        "NONE",
        "ORDINARY",
        "NATIONAL_ID",
        "CONFIDENTIAL",
        "SPECIAL",
    }
    assert all(term.startswith("pd:") for row in found.values() for term in row.dpv)


def test_every_purpose_of_the_schema_has_words_for_the_young_person() -> None:
    assert set(purposes()) == set(labels("Purpose"))
    assert purposes()["START_SUPPORT"].danish == "så du får en god start"


def test_every_system_of_education_codes_has_an_owner_and_a_shape() -> None:
    examples = {"UDD": "1234", "UDEL": "51", "COSA": "3009", "FGU_SPECIALE": "2", "SCHOOL_PERIOD": "ÅP"}
    systems = education_code_systems()
    assert {entry.code for entry in systems.entries} == set(examples)
    for code, example in examples.items():
        found = systems.find(code, _DAY)
        assert found is not None
        assert found.owner
        assert re.fullmatch(found.pattern, example)


def test_the_labels_of_a_code_come_from_the_schema() -> None:
    assert labels("Role")["STUDY_COUNSELLOR"] == ("Studievejleder", "Study counsellor")
    with pytest.raises(LookupError):
        labels("Uuid4")

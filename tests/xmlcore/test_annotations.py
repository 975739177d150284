"""Every element of every kind says which data it holds and what lets it be shared."""

from __future__ import annotations

import pytest

from gateway.domain.annotation import Annotation, Basis, Category, Certainty, Minimum
from gateway.domain.kinds import DocumentKind
from gateway.xmlcore.annotations import document_annotations, leaves
from gateway.xmlcore.code_lists import basis_sets, provisions
from gateway.xmlcore.declarations import declarations, labels
from gateway.xmlcore.namespaces import DOCUMENT, tag
from gateway.xmlcore.resources import DOCUMENT_SCHEMA

_LETTER = "/Document/EducationOrderLetter"
_SUPPORT = "/Document/SupportNeedLetter"
_NOTICE = "/Document/DropoutRiskNotice"


def test_every_leaf_of_every_kind_resolves_to_exactly_one_annotation() -> None:
    declared = declarations(DOCUMENT_SCHEMA)
    paths = [path for path, _, _ in leaves(declared, declared.elements[tag(DOCUMENT, "Document")])]
    assert len(paths) == len(set(paths))
    assert set(document_annotations().by_path) == set(paths)
    assert len(paths) > 150


def test_every_kind_is_annotated_and_nothing_else() -> None:
    bodies = {path.split("/")[2] for path in document_annotations().by_path} - {"Header", "Attachments"}
    assert bodies == {kind.value for kind in DocumentKind}


def test_every_category_and_basis_is_one_of_the_known_sets() -> None:
    assert {category.value for category in Category} == set(labels("DataCategory"))
    assert set(basis_sets()) == set(Basis)


def test_every_provision_of_a_basis_set_is_in_the_list_of_provisions() -> None:
    known = {provision.code for provision in provisions().entries}
    assert {code for basis_set in basis_sets().values() for code in basis_set.provisions} <= known


def test_every_basis_set_is_carried_by_something() -> None:
    for basis_set in basis_sets().values():
        assert basis_set.carriers or basis_set.carried_by_any or basis_set.carried_by_wish


@pytest.mark.parametrize(
    ("path", "annotation"),
    [
        ("/Document/Header/Subject/CprNumber", (Category.OFFICIAL_ID, Basis.CPR, Minimum.STATUTORY)),
        ("/Document/Header/Subject/Phone", (Category.REACH, Basis.CONSENT, Minimum.OPTIONAL)),
        ("/Document/Header/OwnWords/Text", (Category.OWN_WORDS, Basis.OWN, Minimum.OPTIONAL)),
        ("/Document/Header/PlanReference/Goal", (Category.PLAN, Basis.ESSENTIAL, Minimum.OPTIONAL)),
        (f"{_LETTER}/Order/IssuedOn", (Category.ORDER, Basis.ORDER, Minimum.STATUTORY)),
        (f"{_LETTER}/Order/WishReason", (Category.PLAN, Basis.ESSENTIAL, Minimum.OPTIONAL)),
        (f"{_LETTER}/Assessment/SupportNeed/Text", (Category.SUPPORT, Basis.NEED, Minimum.STATUTORY)),
        (f"{_LETTER}/Assessment/ParticularDifficulty", (Category.RISK, Basis.ORDER, Minimum.OPTIONAL)),
        (f"{_LETTER}/EarlierStarts/Count", (Category.HISTORY, Basis.ESSENTIAL, Minimum.OPTIONAL)),
        (f"{_LETTER}/Measure/Code", (Category.MEASURE, Basis.MEASURE, Minimum.OPTIONAL)),
        (f"{_LETTER}/HealthRelatedNeed/Text", (Category.HEALTH, Basis.SPECIAL, Minimum.OPTIONAL)),
        (f"{_LETTER}/RiskContact/AnswerWithinWorkingDays", (Category.STAFF, Basis.CONTACT, Minimum.PRODUCT)),
        (f"{_NOTICE}/Imminent", (Category.RISK, Basis.RISK, Minimum.STATUTORY)),
        (f"{_NOTICE}/AbsencePercent", (Category.ABSENCE, Basis.RISK, Minimum.OPTIONAL)),
        (f"{_NOTICE}/BestWayToReach", (Category.REACH, Basis.OWN, Minimum.OPTIONAL)),
    ],
)
def test_an_element_says_what_the_field_tables_say(
    path: str, annotation: tuple[Category, Basis, Minimum]
) -> None:
    found = document_annotations().of(path)
    assert (found.category, found.basis, found.minimum) == annotation


def test_a_shared_block_takes_its_basis_from_where_it_is_used() -> None:
    of = document_annotations().of
    assert of(f"{_LETTER}/Education/Name").basis is Basis.ORDER
    assert of(f"{_NOTICE}/Education/Name").basis is Basis.RISK
    assert of(f"{_LETTER}/MessageTo/Text").basis is Basis.ESSENTIAL
    assert of(f"{_NOTICE}/MessageTo/Text").basis is Basis.RISK


def test_the_use_of_a_block_wins_over_what_its_type_says() -> None:
    of = document_annotations().of
    assert of("/Document/Header/Sender/Author/Name").basis is Basis.ANY
    assert of(f"{_LETTER}/Contact/Name").basis is Basis.CONTACT
    assert of(f"{_LETTER}/Contact/Name").minimum is Minimum.STATUTORY
    assert of(f"{_NOTICE}/Contact/Name").minimum is Minimum.PRODUCT


def test_what_a_member_says_itself_wins_over_its_block() -> None:
    assert document_annotations().of(f"{_LETTER}/Education/Level").minimum is Minimum.STATUTORY
    assert document_annotations().of(f"{_LETTER}/Education/Site").minimum is Minimum.OPTIONAL


def test_a_code_that_tells_more_than_its_element_has_an_annotation_of_its_own() -> None:
    of = document_annotations().of
    path = f"{_LETTER}/TargetGroup"
    assert of(path, "READY") == of(path)
    assert of(path, "ACTIVITY_READY") == Annotation(
        Category.HEALTH, Basis.SPECIAL, Minimum.OPTIONAL, Certainty.SOURCE
    )
    assert of(f"{_NOTICE}/RiskSign[3]/Code", "HOME_OR_MONEY").basis is Basis.CONSENT


def test_positions_in_a_path_are_passed_over() -> None:
    of = document_annotations().of
    assert of("/Document/Header/LegalBasis[2]/Necessity") == of("/Document/Header/LegalBasis/Necessity")


def test_an_unknown_path_has_no_annotation() -> None:
    with pytest.raises(KeyError):
        document_annotations().of("/Document/Header/Address")


def test_health_is_annotated_in_two_places_of_the_letters_of_support_only() -> None:
    found = document_annotations()
    assert [path for path, said in found.by_path.items() if said.category is Category.HEALTH] == [
        f"{letter}/HealthRelatedNeed/Text" for letter in (_LETTER, _SUPPORT)
    ]
    assert [key for key, said in found.by_value.items() if said.category is Category.HEALTH] == [
        (f"{letter}/TargetGroup", "ACTIVITY_READY") for letter in (_LETTER, _SUPPORT)
    ]

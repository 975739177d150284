"""The code lists of transitions and handovers repeat other lists, since a schema of ours has no unions."""

from __future__ import annotations

import pytest

from gateway.domain.annotation import Annotation, Basis, Category, Minimum
from gateway.domain.kinds import DocumentKind
from gateway.domain.party import Role
from gateway.xmlcore.annotations import document_annotations
from gateway.xmlcore.declarations import labels

_SUPPORT = "/Document/SupportNeedLetter"
_TRANSITION = "/Document/TransitionNotice"
_HANDOVER = "/Document/HandoverNotice"


def test_in_a_transition_a_guardian_may_take_part_besides_all_other_roles() -> None:
    assert set(labels("InvolvedRole")) == {role.value for role in Role} | {"GUARDIAN"}
    ordinary = {code: words for code, words in labels("InvolvedRole").items() if code in labels("Role")}
    assert {code for code, words in ordinary.items() if words != labels("Role")[code]} == {"OTHER"}


def test_the_last_document_of_a_conversation_may_be_of_any_kind_and_is_called_what_it_is() -> None:
    assert labels("LastDocumentKind") == {
        kind.value: (kind.row.danish, kind.row.english) for kind in DocumentKind
    }


@pytest.mark.parametrize(
    ("path", "annotation"),
    [
        (f"{_SUPPORT}/AdmissionDocumentId", (Category.TECHNICAL, Basis.ANY, Minimum.OPTIONAL)),
        (f"{_SUPPORT}/WishReason", (Category.PLAN, Basis.ESSENTIAL, Minimum.OPTIONAL)),
        (f"{_SUPPORT}/Education/StartDate", (Category.EDUCATION, Basis.NEED, Minimum.STATUTORY)),
        (f"{_SUPPORT}/Assessment/SupportNeed/Text", (Category.SUPPORT, Basis.NEED, Minimum.STATUTORY)),
        (f"{_SUPPORT}/Assessment/ParticularDifficulty", (Category.RISK, Basis.ESSENTIAL, Minimum.OPTIONAL)),
        (f"{_SUPPORT}/Measure/Code", (Category.MEASURE, Basis.ESSENTIAL, Minimum.OPTIONAL)),
        (f"{_SUPPORT}/Contact/Phone", (Category.STAFF, Basis.CONTACT, Minimum.STATUTORY)),
        (f"{_TRANSITION}/TransitionKind", (Category.EDUCATION, Basis.COOP, Minimum.PRODUCT)),
        (f"{_TRANSITION}/CurrentEducation/Name", (Category.EDUCATION, Basis.COOP, Minimum.PRODUCT)),
        (f"{_TRANSITION}/NextStep/Code", (Category.PLAN, Basis.COOP, Minimum.PRODUCT)),
        (f"{_TRANSITION}/NextStep/Text", (Category.PLAN, Basis.COOP, Minimum.OPTIONAL)),
        (f"{_TRANSITION}/Internship/Purpose", (Category.MEASURE, Basis.COOP, Minimum.OPTIONAL)),
        (f"{_TRANSITION}/Involved/Organisation", (Category.STAFF, Basis.CONTACT, Minimum.PRODUCT)),
        (f"{_TRANSITION}/Involved/Contact/Name", (Category.STAFF, Basis.CONTACT, Minimum.OPTIONAL)),
        (f"{_TRANSITION}/SubjectTookPart", (Category.RELATION, Basis.COOP, Minimum.PRODUCT)),
        (f"{_TRANSITION}/SupportNeed/Text", (Category.SUPPORT, Basis.CONSENT, Minimum.OPTIONAL)),
        (f"{_TRANSITION}/MessageTo/Text", (Category.FREE_TEXT, Basis.COOP, Minimum.OPTIONAL)),
        (f"{_HANDOVER}/FromMunicipality", (Category.TECHNICAL, Basis.MOVE, Minimum.PRODUCT)),
        (f"{_HANDOVER}/MovedOn", (Category.IDENTITY, Basis.MOVE, Minimum.PRODUCT)),
        (f"{_HANDOVER}/Contact/Name", (Category.STAFF, Basis.CONTACT, Minimum.PRODUCT)),
        (f"{_HANDOVER}/OpenConversation/ConversationId", (Category.TECHNICAL, Basis.MOVE, Minimum.OPTIONAL)),
        (f"{_HANDOVER}/OpenConversation/Counterpart/Cvr", (Category.EDUCATION, Basis.MOVE, Minimum.OPTIONAL)),
    ],
)
def test_an_element_says_what_the_field_tables_say(
    path: str, annotation: tuple[Category, Basis, Minimum]
) -> None:
    found = document_annotations().of(path)
    assert (found.category, found.basis, found.minimum) == annotation


def test_the_kind_of_a_document_may_tell_more_than_that_there_is_a_conversation() -> None:
    path = f"{_HANDOVER}/OpenConversation/LastKind"
    told: dict[str, Annotation] = {
        value: said for (of, value), said in document_annotations().by_value.items() if of == path
    }
    assert {value: said.category for value, said in told.items()} == {
        "EducationOrderLetter": Category.ORDER,
        "SupportNeedLetter": Category.SUPPORT,
        "TransitionLetter": Category.PLAN,
        "AbsenceNotice": Category.ABSENCE,
        "DropoutRiskNotice": Category.RISK,
        "TransitionNotice": Category.PLAN,
    }
    assert [value for value, said in told.items() if said.basis is not Basis.MOVE] == ["DropoutRiskNotice"]

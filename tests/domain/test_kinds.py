"""The kinds of documents: ways, labels and waits."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.domain.calendar import Calendar
from gateway.domain.kinds import KINDS, Direction, DocumentKind, Urgency, WorkingSpan

LETTERS = {"EducationOrderLetter", "SupportNeedLetter", "TransitionLetter"}
BOTH_WAYS = {"AgreementNotice", "NoteNotice", "ContactChangeNotice"}
BETWEEN_MUNICIPALITIES_TOO = {"AnswerNotice", "WithdrawalNotice"}


def test_sixteen_kinds_each_have_their_row_and_their_own_labels() -> None:
    assert set(KINDS) == set(DocumentKind)
    assert len(KINDS) == 16
    assert len({kind.row.danish for kind in DocumentKind}) == 16
    assert len({kind.row.english for kind in DocumentKind}) == 16


@pytest.mark.parametrize("kind", DocumentKind)
def test_letters_go_to_institutions_and_notices_to_municipalities(kind: DocumentKind) -> None:
    out, back = Direction.MUNICIPALITY_TO_INSTITUTION, Direction.INSTITUTION_TO_MUNICIPALITY
    assert kind.is_letter == (kind.value in LETTERS)
    if kind is DocumentKind.HANDOVER_NOTICE:
        assert kind.row.directions == {Direction.MUNICIPALITY_TO_MUNICIPALITY}
    elif kind.value in BETWEEN_MUNICIPALITIES_TOO:
        assert kind.row.directions == {out, back, Direction.MUNICIPALITY_TO_MUNICIPALITY}
    elif kind.value in BOTH_WAYS:
        assert kind.row.directions == {out, back}
    else:
        assert kind.row.directions == ({out} if kind.is_letter else {back})


@pytest.mark.parametrize(
    ("sender", "recipient", "direction"),
    [(True, False, "M -> I"), (False, True, "I -> M"), (True, True, "M -> M"), (False, False, "I -> I")],
)
def test_the_direction_follows_the_sorts_of_parties(sender: bool, recipient: bool, direction: str) -> None:
    assert Direction.between(sender, recipient) is Direction(direction)


def test_the_more_urgent_a_risk_the_sooner_it_is_read_and_answered() -> None:
    start, calendar = datetime(2026, 10, 6, 7, tzinfo=UTC), Calendar()
    waits = [DocumentKind.DROPOUT_RISK_NOTICE.waits(urgency) for urgency in Urgency]
    reads = [each.read.after(start, calendar) for each in waits]
    answers = [each.answer.after(start, calendar) for each in waits if each.answer]
    assert reads == sorted(set(reads))
    assert answers == sorted(set(answers))
    assert len(answers) == 3
    assert DocumentKind.DROPOUT_RISK_NOTICE.waits() == waits[-1]


def test_a_span_is_of_days_or_of_hours() -> None:
    for days, hours in ((0, 0), (1, 1), (-1, 0)):
        with pytest.raises(ValueError, match="not both"):
            WorkingSpan(days, hours)

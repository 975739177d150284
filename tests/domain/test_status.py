"""The status as a projection: order, negatives, what comes late, what contradicts, and what is only inferred."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.evidence import EventReason, ReasonCode
from gateway.domain.identifiers import Uuid4
from gateway.domain.status import (
    MISSES,
    ORDER,
    AnswerCode,
    Flag,
    Marks,
    Standing,
    State,
    Status,
    StatusEvent,
    project,
)

START = datetime(2026, 8, 5, 9, 12, tzinfo=UTC)
NEGATIVES = tuple(MISSES)
REASON = (EventReason(ReasonCode.NOT_READ),)


def event(state: State, minute: int = 0, answer: AnswerCode = AnswerCode.ACCEPTED) -> StatusEvent:
    return StatusEvent(
        event_id=Uuid4.new(),
        state=state,
        at=START + timedelta(minutes=minute),
        issuer="gateway.prøveby.example",
        standing=Standing.ASSERTED if state is State.READ else Standing.EVIDENCE,
        reasons=REASON if state.is_negative else (),
        answer=answer if state is State.ANSWERED else None,
    )


def status(*states: State, local: bool = True) -> Status:
    return project([event(state, minute) for minute, state in enumerate(states)], local=local)


def flags_of(result: Status) -> list[tuple[State, set[Flag]]]:
    return [(entry.state, set(entry.flags)) for entry in result.timeline if entry.flags]


UP_TO_AVAILABLE = (State.RECEIVED, State.SEALED, State.ACCEPTED, State.DISPATCHED, State.AVAILABLE)


def test_nothing_has_happened_before_the_first_event() -> None:
    assert status() == Status(None, None, None, (), ())
    assert not status().reached(State.RECEIVED)


def test_a_local_document_passes_every_state_but_relayed() -> None:
    result = status(*UP_TO_AVAILABLE, State.HANDED_OVER, State.READ, State.ANSWERED)
    assert result.state is State.ANSWERED
    assert [entry.state for entry in result.timeline] == [
        state for state in ORDER if state is not State.RELAYED
    ]
    assert all(entry.event is not None for entry in result.timeline)
    assert not result.flags


def test_reading_implies_hand_over_as_inferred_and_never_as_evidence() -> None:
    result = status(*UP_TO_AVAILABLE, State.READ)
    inferred = [entry for entry in result.timeline if entry.standing is Standing.INFERRED]
    assert [entry.state for entry in inferred] == [State.HANDED_OVER]
    assert inferred[0].event is None
    assert [entry.state for entry in result.timeline][-2:] == [State.HANDED_OVER, State.READ]


@pytest.mark.parametrize("local", [True, False])
def test_relayed_is_inferred_only_between_two_installations(local: bool) -> None:
    result = status(*UP_TO_AVAILABLE, local=local)
    assert (State.RELAYED in [entry.state for entry in result.timeline]) is not local


def test_what_arrives_later_is_not_inferred_as_well() -> None:
    result = status(State.ACCEPTED, State.DISPATCHED, State.READ, State.AVAILABLE, State.HANDED_OVER)
    assert result.state is State.READ
    assert all(entry.standing is not Standing.INFERRED for entry in result.timeline)


@pytest.mark.parametrize("negative", [negative for negative in NEGATIVES if negative is not State.FAILED])
def test_silence_stands_until_what_it_missed_arrives_late(negative: State) -> None:
    missed = MISSES[negative]
    before = ORDER[: ORDER.index(missed)]
    assert status(*before, negative).state is negative
    late = status(*before, negative, missed)
    assert late.state is missed
    assert late.negatives == ()
    assert flags_of(late) == [(missed, {Flag.LATE})]
    assert [entry.state for entry in late.timeline][-2:] == [negative, missed]


def test_a_later_positive_also_ends_an_earlier_silence() -> None:
    result = status(*UP_TO_AVAILABLE, State.UNREAD, State.ANSWERED)
    assert result.state is State.ANSWERED
    assert flags_of(result) == [(State.ANSWERED, {Flag.LATE})]


@pytest.mark.parametrize("negative", NEGATIVES)
def test_a_negative_after_what_it_denies_is_a_conflict_and_changes_nothing(negative: State) -> None:
    result = status(*UP_TO_AVAILABLE, State.HANDED_OVER, State.READ, State.ANSWERED, negative)
    assert result.state is State.ANSWERED
    assert flags_of(result) == [(negative, {Flag.CONFLICT})]


def test_a_stated_failure_is_contradicted_by_what_arrives_after_all() -> None:
    result = status(State.ACCEPTED, State.DISPATCHED, State.FAILED, State.AVAILABLE)
    assert result.state is State.AVAILABLE
    assert flags_of(result) == [(State.AVAILABLE, {Flag.CONFLICT})]


def test_of_several_negatives_the_cause_is_shown() -> None:
    result = status(*UP_TO_AVAILABLE, State.UNANSWERED, State.UNREAD, State.UNDELIVERED)
    assert result.state is State.UNDELIVERED
    assert result.negatives == (State.UNDELIVERED, State.UNREAD, State.UNANSWERED)


def test_a_withdrawal_shows_above_all_and_late_reading_is_kept() -> None:
    result = status(*UP_TO_AVAILABLE, State.HANDED_OVER, State.WITHDRAWN, State.READ)
    assert result.state is State.WITHDRAWN
    assert result.is_withdrawn
    assert result.progress is State.READ
    assert flags_of(result) == [(State.READ, {Flag.LATE})]


def test_the_answer_to_a_withdrawal_is_not_late_and_its_absence_no_conflict() -> None:
    states = (*UP_TO_AVAILABLE, State.HANDED_OVER, State.READ, State.ANSWERED, State.WITHDRAWN)
    before = [event(state, minute) for minute, state in enumerate(states)]
    answer = replace(event(State.ANSWERED, 20), related=Uuid4.new())
    assert answer.related is not None
    confirming = Marks(confirming=frozenset({answer.related}))
    assert flags_of(project([*before, answer], local=True, marks=confirming)) == []
    assert flags_of(project([*before, answer], local=True)) == [(State.ANSWERED, {Flag.LATE})]
    silent = project([*before, event(State.UNANSWERED, 19), answer], local=True, marks=confirming)
    assert flags_of(silent) == [(State.ANSWERED, {Flag.LATE})]
    assert silent.state is State.WITHDRAWN


def test_an_answer_that_lapsed_says_nothing_any_more() -> None:
    answer = replace(event(State.ANSWERED, 9), related=Uuid4.new())
    events = [*(event(state, minute) for minute, state in enumerate(UP_TO_AVAILABLE)), answer]
    assert answer.related is not None
    lapsed = Marks(lapsed=frozenset({answer.related}))
    result = project(events, local=True, marks=lapsed)
    assert (result.state, result.answer, result.verdict) == (State.AVAILABLE, None, None)
    assert [entry.event for entry in result.timeline] == events  # it stays, and nothing is inferred from it
    silent = project([*events, event(State.UNANSWERED, 10)], local=True, marks=lapsed)
    assert (silent.state, flags_of(silent)) == (State.UNANSWERED, [])
    assert project(events, local=True).state is State.ANSWERED


def test_a_question_after_an_answer_is_the_latest_and_no_verdict() -> None:
    events = [event(State.ANSWERED, 3, AnswerCode.OFFER), event(State.ANSWERED, 9, AnswerCode.NEED_MORE)]
    result = project(events, local=True)
    assert (result.answer, result.verdict) == (AnswerCode.NEED_MORE, AnswerCode.OFFER)


@pytest.mark.parametrize(
    "minutes", [(3, 9), (9, 3)], ids=["by a right clock", "by a clock that was put back"]
)
def test_the_answer_that_was_recorded_last_counts(minutes: tuple[int, int]) -> None:
    first, last = minutes
    events = [
        event(State.ANSWERED, first, AnswerCode.DECLINED),
        event(State.ANSWERED, last, AnswerCode.OFFER),
    ]
    result = project(events, local=True)
    assert (result.answer, result.verdict) == (AnswerCode.OFFER, AnswerCode.OFFER)


def test_a_question_in_place_of_an_answer_leaves_the_silence_standing() -> None:
    question = event(State.ANSWERED, 9, AnswerCode.NEED_MORE)
    silence, answer = event(State.UNANSWERED, 10), event(State.ANSWERED, 11, AnswerCode.OFFER)
    asked = project([question], local=True)
    assert (asked.state, asked.answer) == (State.ANSWERED, AnswerCode.NEED_MORE)
    silent = project([question, silence], local=True)
    assert (silent.state, flags_of(silent)) == (State.UNANSWERED, [])
    late = project([silence, question], local=True)
    assert (late.state, flags_of(late)) == (State.UNANSWERED, [(State.ANSWERED, {Flag.LATE})])
    final = project([question, silence, answer], local=True)
    assert (final.state, final.negatives) == (State.ANSWERED, ())
    assert flags_of(final) == [(State.ANSWERED, {Flag.LATE})]


def test_an_event_says_what_its_state_demands() -> None:
    good = event(State.READ)
    with pytest.raises(ValueError, match="inferred"):
        StatusEvent(good.event_id, State.READ, good.at, good.issuer, Standing.INFERRED)
    with pytest.raises(ValueError, match="reason"):
        StatusEvent(good.event_id, State.UNREAD, good.at, good.issuer, Standing.EVIDENCE)
    with pytest.raises(ValueError, match="answer code"):
        StatusEvent(good.event_id, State.ANSWERED, good.at, good.issuer, Standing.EVIDENCE)
    with pytest.raises(ValueError, match="answer code"):
        StatusEvent(
            good.event_id, State.READ, good.at, good.issuer, Standing.ASSERTED, answer=AnswerCode.OFFER
        )


@given(st.lists(st.sampled_from(State), max_size=8), st.randoms(use_true_random=False))
def test_the_state_does_not_depend_on_the_order_of_arrival(states: Sequence[State], random: object) -> None:
    events = [event(state, minute) for minute, state in enumerate(states)]
    shuffled = list(events)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = project(events, local=False), project(shuffled, local=False)
    assert (one.state, one.progress, one.answer, one.negatives) == (
        other.state,
        other.progress,
        other.answer,
        other.negatives,
    )


@given(st.lists(st.sampled_from(State), max_size=10))
def test_no_event_is_ever_dropped_and_progress_never_falls(states: Sequence[State]) -> None:
    events = [event(state, minute) for minute, state in enumerate(states)]
    assert [entry.event for entry in project(events, local=True).timeline if entry.event] == events
    for state in ORDER:
        seen = [project(events[:count], local=True).reached(state) for count in range(len(events) + 1)]
        assert seen == sorted(seen)

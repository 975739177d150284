"""Deadlines: which waits a state opens, when each falls due, what its silence becomes, and who is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from gateway.domain.calendar import Calendar
from gateway.domain.deadlines import (
    FIRINGS,
    Deadline,
    DeadlineKind,
    Situation,
    Told,
    Waiting,
    begun_anew,
    hastened,
    opened_by,
    resumed,
    told_of,
    warned_of,
)
from gateway.domain.evidence import EvidenceEvent
from gateway.domain.identifiers import Uuid4
from gateway.domain.kinds import DocumentKind, Urgency
from gateway.domain.status import MISSES, AnswerCode, Standing, State, StatusEvent, project

CALENDAR = Calendar()
TUESDAY = datetime(2026, 10, 6, 9, 0, tzinfo=UTC)  # 11:00 in Copenhagen; offices close at 14:00 UTC
RISK = Waiting(Uuid4.new(), DocumentKind.DROPOUT_RISK_NOTICE, local=True, urgency=Urgency.TWO_DAYS)
LETTER = Waiting(Uuid4.new(), DocumentKind.EDUCATION_ORDER_LETTER, local=False)


def opened(state: State, waiting: Waiting = RISK, at: datetime = TUESDAY) -> dict[DeadlineKind, Deadline]:
    return {deadline.kind: deadline for deadline in opened_by(state, at, waiting, CALENDAR)}


def utc(day: int, hour: int, minute: int = 0, month: int = 10) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


def test_a_local_document_waits_for_delivery_from_dispatch_and_never_for_a_relay() -> None:
    assert set(opened(State.DISPATCHED)) == {DeadlineKind.DELIVERY}
    assert set(opened(State.RELAYED)) == set()


def test_between_two_installations_the_relay_is_waited_for_first() -> None:
    assert set(opened(State.DISPATCHED, LETTER)) == {DeadlineKind.RELAY}
    assert set(opened(State.RELAYED, LETTER)) == {DeadlineKind.DELIVERY}


@pytest.mark.parametrize("waiting", [RISK, LETTER])
def test_what_is_available_waits_for_hand_over_and_reading(waiting: Waiting) -> None:
    assert set(opened(State.AVAILABLE, waiting)) == {DeadlineKind.HANDOVER, DeadlineKind.READ}


@pytest.mark.parametrize("state", [State.RECEIVED, State.SEALED, State.HANDED_OVER, State.READ, State.UNREAD])
def test_other_states_open_nothing(state: State) -> None:
    assert opened(state) == {}


def test_an_answer_is_waited_for_from_acceptance_where_one_is_asked_for() -> None:
    assert set(opened(State.ACCEPTED)) == {DeadlineKind.ANSWER}
    assert opened(State.ACCEPTED, LETTER) == {}
    wished = opened(State.ACCEPTED, replace(LETTER, reply_due=date(2026, 10, 20)))
    assert wished[DeadlineKind.ANSWER].due_at == utc(20, 14)


def test_a_document_that_wishes_for_an_answer_waits_ten_working_days_unless_a_day_is_named() -> None:
    wishing = replace(LETTER, kind=DocumentKind.ADMISSION_NOTICE, wishes_answer=True)
    assert opened(State.ACCEPTED, wishing)[DeadlineKind.ANSWER].due_at == utc(20, 14)
    sooner = replace(wishing, reply_due=date(2026, 10, 9))
    assert opened(State.ACCEPTED, sooner)[DeadlineKind.ANSWER].due_at == utc(9, 14)
    assert opened(State.ACCEPTED, replace(wishing, wishes_answer=False)) == {}


@pytest.mark.parametrize(
    ("urgency", "read", "answer"),
    [
        (Urgency.TODAY, utc(6, 11), utc(7, 9)),
        (Urgency.TWO_DAYS, utc(7, 9), utc(8, 14)),
        (Urgency.ONE_WEEK, utc(8, 14), utc(13, 14)),
    ],
)
def test_the_urgency_of_a_risk_sets_reading_and_answer(
    urgency: Urgency, read: datetime, answer: datetime
) -> None:
    waiting = replace(RISK, urgency=urgency)
    assert opened(State.AVAILABLE, waiting)[DeadlineKind.READ].due_at == read
    assert opened(State.ACCEPTED, waiting)[DeadlineKind.ANSWER].due_at == answer


def test_the_earlier_of_urgency_and_wish_counts() -> None:
    later, sooner = replace(RISK, reply_due=date(2026, 10, 30)), replace(RISK, reply_due=date(2026, 10, 7))
    assert opened(State.ACCEPTED, later)[DeadlineKind.ANSWER].due_at == utc(8, 14)
    assert opened(State.ACCEPTED, sooner)[DeadlineKind.ANSWER].due_at == utc(7, 14)


@pytest.mark.parametrize(
    ("wish", "at", "due"),
    [
        (date(2026, 10, 6), TUESDAY, utc(7, 14)),  # today: the next working day
        (date(2026, 10, 6), utc(6, 17), utc(7, 14)),  # after closing time too
        (date(2026, 10, 5), TUESDAY, utc(7, 14)),  # it was for yesterday, when the document was made
        (
            date(2026, 10, 10),
            datetime(2026, 10, 10, 9, tzinfo=UTC),
            utc(12, 14),
        ),  # on a Saturday, for that day
        (date(2026, 10, 10), TUESDAY, utc(12, 14)),  # a Saturday: the Monday
    ],
)
def test_a_wish_is_never_due_before_somebody_could_work(wish: date, at: datetime, due: datetime) -> None:
    assert opened(State.ACCEPTED, replace(LETTER, reply_due=wish), at)[DeadlineKind.ANSWER].due_at == due


def test_no_machine_takes_longer_than_a_person_has_to_read() -> None:
    urgent = replace(RISK, urgency=Urgency.TODAY, local=False)
    for state in (State.DISPATCHED, State.RELAYED, State.AVAILABLE):
        assert {deadline.due_at for deadline in opened(state, urgent).values()} == {utc(6, 11)}


def test_a_letter_has_the_default_times_of_transport() -> None:
    relay = opened(State.DISPATCHED, LETTER)[DeadlineKind.RELAY]
    assert (relay.warn_at, relay.due_at) == (utc(6, 10), utc(7, 13))
    delivery = opened(State.RELAYED, LETTER)[DeadlineKind.DELIVERY]
    assert delivery.due_at == utc(8, 14)


@pytest.mark.parametrize("state", [State.ACCEPTED, State.DISPATCHED, State.AVAILABLE])
def test_a_warning_comes_before_the_deadline_and_after_its_opening(state: State) -> None:
    for deadline in opened(state).values():
        assert deadline.opened_at < deadline.warn_at < deadline.due_at


def test_closing_days_of_the_recipient_move_the_deadline() -> None:
    closed = Calendar(closing_days=frozenset({date(2026, 10, 7), date(2026, 10, 8)}))
    (answer,) = opened_by(State.ACCEPTED, TUESDAY, RISK, closed)
    assert answer.due_at == utc(12, 14)


def test_every_silence_has_its_state_its_evidence_its_reason_and_somebody_who_is_told() -> None:
    assert set(FIRINGS) == set(DeadlineKind) - {DeadlineKind.FOLLOW_UP}
    for kind, firing in FIRINGS.items():
        assert MISSES[firing.state].value in (kind.value, "HANDED_OVER", "ANSWERED")
        assert firing.evidence.is_negative
        assert Told.SENDER in firing.told  # the sender stays responsible
        assert firing.warned


@pytest.mark.parametrize(
    ("kind", "state", "evidence"),
    [
        (DeadlineKind.RELAY, State.RELAY_FAILED, EvidenceEvent.RELAY_FAILURE),
        (DeadlineKind.DELIVERY, State.UNDELIVERED, EvidenceEvent.CONTENT_CONSIGNMENT_FAILURE),
        (DeadlineKind.HANDOVER, State.UNDELIVERED, EvidenceEvent.CONTENT_HANDOVER_FAILURE),
        (DeadlineKind.READ, State.UNREAD, EvidenceEvent.READ_EXPIRY),
        (DeadlineKind.ANSWER, State.UNANSWERED, EvidenceEvent.ANSWER_EXPIRY),
        (DeadlineKind.DELETION, State.UNANSWERED, EvidenceEvent.ANSWER_EXPIRY),
    ],
)
def test_silence_becomes_the_negative_that_names_it(
    kind: DeadlineKind, state: State, evidence: EvidenceEvent
) -> None:
    assert (FIRINGS[kind].state, FIRINGS[kind].evidence) == (state, evidence)


def test_a_follow_up_comes_when_its_day_opens_and_is_told_of_a_working_day_before() -> None:
    monday = replace(LETTER, kind=DocumentKind.AGREEMENT_NOTICE, follow_up_on=date(2026, 11, 2))
    follow_up = opened(State.AVAILABLE, monday)[DeadlineKind.FOLLOW_UP]
    assert follow_up.warn_at == datetime(2026, 10, 30, 7, tzinfo=UTC)  # Friday at eight
    assert follow_up.due_at == datetime(2026, 11, 2, 7, tzinfo=UTC)
    assert (
        warned_of(DeadlineKind.FOLLOW_UP) == told_of(DeadlineKind.FOLLOW_UP) == (Told.SENDER, Told.ATTENTION)
    )
    assert DeadlineKind.FOLLOW_UP not in opened(State.AVAILABLE, LETTER)


@pytest.mark.parametrize(
    ("day", "due"),
    [
        (date(2026, 10, 1), TUESDAY),  # it has been
        (date(2026, 10, 6), TUESDAY),  # today, and the doors are open
        (date(2026, 10, 10), datetime(2026, 10, 12, 6, tzinfo=UTC)),  # a Saturday
    ],
)
def test_a_follow_up_is_never_before_now_nor_on_a_day_when_nobody_works(day: date, due: datetime) -> None:
    waiting = replace(LETTER, kind=DocumentKind.AGREEMENT_NOTICE, follow_up_on=day)
    follow_up = opened(State.AVAILABLE, waiting)[DeadlineKind.FOLLOW_UP]
    assert follow_up.due_at == due
    assert TUESDAY <= follow_up.warn_at <= due


def test_a_wish_for_a_day_far_away_is_due_on_that_day() -> None:
    far = opened(State.ACCEPTED, replace(LETTER, reply_due=date(2027, 11, 1)))[DeadlineKind.ANSWER]
    assert far.due_at == datetime(2027, 11, 1, 15, tzinfo=UTC)
    waiting = replace(LETTER, kind=DocumentKind.AGREEMENT_NOTICE, follow_up_on=date(2027, 11, 1))
    follow_up = opened(State.AVAILABLE, waiting)[DeadlineKind.FOLLOW_UP]
    assert follow_up.due_at == datetime(2027, 11, 1, 7, tzinfo=UTC)


def test_the_wait_after_a_question_is_as_long_as_the_one_before() -> None:
    calendar = Calendar()
    (first,) = opened_by(State.ACCEPTED, TUESDAY, RISK, calendar)
    later = first.due_at - timedelta(hours=1)
    anew = begun_anew(first, later, calendar)
    assert calendar.working_time_between(later, anew.due_at) == calendar.working_time_between(
        TUESDAY, first.due_at
    )
    assert (anew.kind, anew.opened_at) == (DeadlineKind.ANSWER, later)
    assert later < anew.warn_at < anew.due_at


@pytest.mark.parametrize(
    "at",
    [
        pytest.param(datetime(2026, 10, 9, 10, tzinfo=UTC), id="before a week-end"),
        pytest.param(datetime(2026, 4, 1, 14, 30, tzinfo=UTC), id="after hours, before Easter"),
        pytest.param(datetime(2026, 12, 23, 13, tzinfo=UTC), id="before Christmas"),
    ],
)
@pytest.mark.parametrize("kind", [DeadlineKind.RELAY, DeadlineKind.READ, DeadlineKind.ANSWER])
def test_a_wait_that_begins_anew_lasts_as_much_working_time_whenever_that_is(
    at: datetime, kind: DeadlineKind
) -> None:
    states = {DeadlineKind.RELAY: State.DISPATCHED, DeadlineKind.READ: State.AVAILABLE}
    waiting = LETTER if kind is DeadlineKind.RELAY else RISK
    first = opened(states.get(kind, State.ACCEPTED), waiting)[kind]
    anew = begun_anew(first, at, CALENDAR)
    for moment, then in ((first.warn_at, anew.warn_at), (first.due_at, anew.due_at)):
        assert CALENDAR.working_time_between(at, then) == CALENDAR.working_time_between(TUESDAY, moment)
    assert (anew.kind, anew.opened_at) == (kind, at)


def test_a_wait_without_working_time_does_not_begin_anew_with_no_time_at_all() -> None:
    (first,) = opened_by(State.ACCEPTED, TUESDAY, RISK, CALENDAR)
    closed = Calendar(frozenset(TUESDAY.date() + timedelta(days=each) for each in range(10)))
    at = TUESDAY + timedelta(days=20)
    usual = CALENDAR.working_time_between(TUESDAY, first.due_at)
    assert closed.working_time_between(TUESDAY, first.due_at) == timedelta(0)
    assert closed.working_time_between(at, begun_anew(first, at, closed).due_at) == usual
    saturday = datetime(2026, 10, 10, 8, tzinfo=UTC)
    by_the_clock = replace(first, opened_at=saturday, warn_at=saturday, due_at=saturday + timedelta(days=1))
    assert begun_anew(by_the_clock, at, CALENDAR).due_at == at + timedelta(days=1)


def test_a_wait_whose_times_are_in_no_order_does_not_begin_anew() -> None:
    (first,) = opened_by(State.ACCEPTED, TUESDAY, RISK, CALENDAR)
    with pytest.raises(ValueError, match="backwards"):
        begun_anew(replace(first, due_at=TUESDAY - timedelta(hours=1)), TUESDAY, CALENDAR)


def test_a_wait_that_goes_on_has_the_working_time_that_was_left() -> None:
    (answer,) = opened_by(State.ACCEPTED, TUESDAY, RISK, CALENDAR)
    ended = utc(7, 9)
    goes_on = resumed(answer, ended, utc(16, 9), CALENDAR)
    left = CALENDAR.working_time_between(ended, answer.due_at)
    assert CALENDAR.working_time_between(utc(16, 9), goes_on.due_at) == left
    assert utc(16, 9) < goes_on.warn_at < goes_on.due_at
    overdue = resumed(answer, answer.due_at + timedelta(days=1), utc(16, 9), CALENDAR)
    assert overdue.due_at == utc(16, 9)


def test_a_clock_that_was_wrong_when_a_wait_ended_takes_no_more_of_it_than_has_passed() -> None:
    (answer,) = opened_by(State.ACCEPTED, TUESDAY, RISK, CALENDAR)
    at = utc(7, 9)
    used = CALENDAR.working_time_between(answer.opened_at, at)
    whole = CALENDAR.working_time_between(answer.opened_at, answer.due_at)
    for ended_by_a_clock_ahead in (utc(7, 12), answer.due_at, at + timedelta(days=365)):
        goes_on = resumed(answer, ended_by_a_clock_ahead, at, CALENDAR)
        assert CALENDAR.working_time_between(at, goes_on.due_at) == whole - used
        assert at < goes_on.warn_at < goes_on.due_at
    for taken_up in (at, TUESDAY - timedelta(days=1)):  # by a clock behind, nobody wins time
        goes_on = resumed(answer, TUESDAY - timedelta(days=7), taken_up, CALENDAR)
        assert CALENDAR.working_time_between(taken_up, goes_on.due_at) == whole


def test_a_follow_up_that_goes_on_keeps_its_day() -> None:
    waiting = replace(LETTER, kind=DocumentKind.AGREEMENT_NOTICE, follow_up_on=date(2026, 11, 2))
    follow_up = opened(State.AVAILABLE, waiting)[DeadlineKind.FOLLOW_UP]
    assert resumed(follow_up, utc(7, 9), utc(16, 9), CALENDAR) == replace(follow_up, opened_at=utc(16, 9))
    late = datetime(2026, 11, 9, 9, tzinfo=UTC)
    assert resumed(follow_up, utc(7, 9), late, CALENDAR).due_at == late


def test_a_correction_waits_no_longer_than_what_it_corrects() -> None:
    own = opened(State.AVAILABLE, LETTER, utc(7, 9))[DeadlineKind.READ]
    earlier = opened(State.AVAILABLE, LETTER, TUESDAY)[DeadlineKind.READ]
    sooner = hastened(own, earlier, utc(7, 9), CALENDAR)
    assert sooner.due_at == earlier.due_at < own.due_at
    assert utc(7, 9) < sooner.warn_at < sooner.due_at
    assert hastened(earlier, own, utc(7, 9), CALENDAR) == earlier


def _situation(*states: State, answer: AnswerCode = AnswerCode.ACCEPTED) -> Situation:
    events = [
        StatusEvent(
            Uuid4.new(),
            state,
            TUESDAY,
            "gateway",
            Standing.EVIDENCE,
            answer=answer if state is State.ANSWERED else None,
        )
        for state in states
    ]
    return Situation(project(events, local=True))


def _waited_for(situation: Situation) -> set[DeadlineKind]:
    return {kind for kind in DeadlineKind if situation.waits_for(kind)}


OF_DOCUMENT = {DeadlineKind.HANDOVER, DeadlineKind.READ, DeadlineKind.ANSWER, DeadlineKind.FOLLOW_UP}


@pytest.mark.parametrize(
    ("situation", "expected"),
    [
        (_situation(State.AVAILABLE), OF_DOCUMENT),
        (_situation(State.HANDED_OVER), OF_DOCUMENT - {DeadlineKind.HANDOVER}),
        (_situation(State.READ), {DeadlineKind.ANSWER, DeadlineKind.FOLLOW_UP}),
        (_situation(State.ANSWERED), {DeadlineKind.FOLLOW_UP}),
        (_situation(State.ANSWERED, answer=AnswerCode.DECLINED), set()),
        (
            _situation(State.ANSWERED, answer=AnswerCode.NEED_MORE),
            {DeadlineKind.ANSWER, DeadlineKind.FOLLOW_UP},
        ),
        (replace(_situation(State.AVAILABLE), is_replaced=True), {DeadlineKind.FOLLOW_UP}),
        (replace(_situation(State.AVAILABLE), has_come=True), OF_DOCUMENT - {DeadlineKind.ANSWER}),
        (replace(_situation(State.AVAILABLE), is_superseded=True), OF_DOCUMENT - {DeadlineKind.FOLLOW_UP}),
        (replace(_situation(State.AVAILABLE), is_given_up=True), set()),
        (_situation(State.AVAILABLE, State.WITHDRAWN), {DeadlineKind.DELETION}),
        (replace(_situation(State.AVAILABLE, State.WITHDRAWN), is_deletion_answered=True), set()),
    ],
)
def test_what_a_document_waits_for_follows_from_what_has_happened(
    situation: Situation, expected: set[DeadlineKind]
) -> None:
    assert _waited_for(situation) == expected

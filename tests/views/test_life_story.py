"""What an operator is told of a document is Danish for every state, wait and sort of event, and steers no terminal."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.domain.deadlines import DeadlineKind
from gateway.domain.evidence import EventReason, ReasonCode
from gateway.domain.identifiers import Cvr, PartyId, Uuid4
from gateway.domain.kinds import DocumentKind
from gateway.domain.party import Role
from gateway.domain.status import AnswerCode, Flag, Standing, State, StatusEvent, project
from gateway.services import deadlines as sweeping
from gateway.services.timeline import CORRECTED, DELETION_ANSWERED, LAPSED, REVIVED
from gateway.views.life import End, Happening, Life, Obstacle, Receiver, Task, Wait
from gateway.views.life_story import WAITS, event_in_words, next_act, story, wrong

AT = datetime(2026, 8, 5, 9, 12, tzinfo=UTC)
CITY, SCHOOL = PartyId(Cvr("11111111"), "0999"), PartyId(Cvr("22222222"), "999001")
NEWER = Uuid4("0f8fad5b-d9cb-469f-a165-70867728950e")


def event(state: State, answer: AnswerCode | None = None) -> StatusEvent:
    """That a state was reached now."""
    reasons = (EventReason(ReasonCode.NOT_READ),) if state.is_negative else ()
    return StatusEvent(Uuid4.new(), state, AT, "Bropost", Standing.RECORDED, reasons, answer=answer)


def life(*states: State | StatusEvent) -> Life:
    """A letter that went through these states."""
    events = [each if isinstance(each, StatusEvent) else event(each) for each in (State.ACCEPTED, *states)]
    return Life(
        now=AT,
        document_id=Uuid4("7d0f3c4e-1a2b-4c5d-8e9f-0a1b2c3d4e5f"),
        conversation_id=NEWER,
        kind=DocumentKind.EDUCATION_ORDER_LETTER,
        sender=End(CITY, "Eksempelby Kommune"),
        recipient=End(SCHOOL, "Prøveby Erhvervsskole"),
        roles=(Role.STUDY_COUNSELLOR,),
        accepted_at=AT,
        status=project(events, local=True),
        happenings=tuple(Happening(each.state.value, each.standing, each.at, each.issuer) for each in events),
        waits=(),
        task=None,
        corrected_by=None,
        content_removed=False,
        withdrawn_for=None,
        receivers=(Receiver("SIS", None),),
        own_troubles=(),
    )


def waiting(base: Life, kind: DeadlineKind, due: timedelta = timedelta(days=1)) -> Life:
    """The same letter with an open wait."""
    return replace(base, waits=(*base.waits, Wait(kind, AT + due, None, None)))


# --- words ---------------------------------------------------------------------------------------------


def test_every_wait_has_danish_words() -> None:
    assert [kind.name for kind in DeadlineKind if kind.name not in WAITS] == []


@pytest.mark.parametrize("kind", [*State, *DeadlineKind], ids=lambda kind: kind.name)
def test_every_event_that_is_recorded_has_danish_words(kind: State | DeadlineKind) -> None:
    names = [kind.value] if isinstance(kind, State) else [sweeping.warning_kind(kind)]
    for name in names:
        words = event_in_words(name)
        assert words != name
        assert words.endswith(".")


@pytest.mark.parametrize("name", [CORRECTED, DELETION_ANSWERED, LAPSED, REVIVED, "FOLLOW_UP_DUE"])
def test_events_that_are_no_states_have_danish_words(name: str) -> None:
    assert event_in_words(name) not in {name, ""}


def test_an_event_that_is_not_known_yet_is_told_by_its_code() -> None:
    assert event_in_words("SOMETHING_NEW") == "SOMETHING_NEW"


# --- the next act --------------------------------------------------------------------------------------


def test_a_delivery_that_was_given_up_is_the_senders_to_make_good() -> None:
    failed = life(State.FAILED)
    assert next_act(failed).startswith("Eksempelby Kommune (11111111-0999) skal give modtageren besked")
    assert any("Kunne ikke gennemføres." in line for line in wrong(failed))


def test_a_letter_that_nobody_delivers_though_it_is_not_delivered_is_for_the_operator() -> None:
    assert "bropost check" in next_act(life())


def test_a_question_is_answered_before_the_answer_is() -> None:
    asked = life(State.AVAILABLE, State.READ, event(State.ANSWERED, AnswerCode.NEED_MORE))
    told = next_act(waiting(asked, DeadlineKind.ANSWER))
    assert told.startswith(
        "Eksempelby Kommune (11111111-0999) skal svare på modtagerens spørgsmål; derefter: Prøveby"
    )
    assert told.endswith("skal svare, senest 6. august 2026 kl. 11.12.")


def test_an_agreement_is_followed_up_by_both() -> None:
    agreed = waiting(life(State.AVAILABLE, State.READ), DeadlineKind.FOLLOW_UP)
    assert next_act(agreed) == "Begge parter skal følge op på aftalen, senest 6. august 2026 kl. 11.12."


def test_an_answer_that_never_came_is_for_the_sender() -> None:
    silent = life(State.AVAILABLE, State.READ, State.UNANSWERED)
    assert next_act(silent).startswith("Eksempelby Kommune (11111111-0999) skal tage kontakt til Prøveby")


def test_a_delivery_that_is_tried_again_tells_when() -> None:
    task = Task(AT + timedelta(minutes=5), 3, None, "STORE_UNAVAILABLE")
    trying = replace(life(State.DISPATCHED), task=task)
    assert next_act(trying) == "Gatewayen leverer selv; næste forsøg 5. august 2026 kl. 11.17."
    (told,) = wrong(trying)
    assert "forsøgt 3 gange uden held (STORE_UNAVAILABLE)" in told


def test_a_copy_of_a_withdrawn_letter_is_to_be_deleted() -> None:
    withdrawn = waiting(life(State.AVAILABLE, State.HANDED_OVER, State.WITHDRAWN), DeadlineKind.DELETION)
    assert next_act(withdrawn).startswith("Prøveby Erhvervsskole (22222222-999001) skal slette sin kopi")
    assert next_act(replace(withdrawn, waits=())) == "Intet: dokumentet er kaldt tilbage."


def test_a_correction_is_followed_instead() -> None:
    corrected = replace(life(State.AVAILABLE), corrected_by=NEWER)
    assert str(NEWER) in next_act(corrected)


# --- what is wrong -------------------------------------------------------------------------------------


@pytest.mark.parametrize("obstacle", Obstacle)
def test_a_system_that_cannot_receive_is_named(obstacle: Obstacle) -> None:
    blocked = replace(life(State.AVAILABLE), receivers=(Receiver("SIS", obstacle), Receiver("Andet", None)))
    assert list(wrong(blocked)) == [f"Modtagerens fagsystem SIS {obstacle.value}."]


def test_a_recipient_without_any_system_is_told_until_it_has_stored_the_letter() -> None:
    lonely = replace(life(State.AVAILABLE), receivers=())
    assert any("Intet fagsystem kan tage imod" in line for line in wrong(lonely))
    stored = replace(life(State.AVAILABLE, State.HANDED_OVER), receivers=())
    assert list(wrong(stored)) == []


def test_a_wait_that_passed_unnoticed_is_told() -> None:
    late = waiting(life(State.AVAILABLE), DeadlineKind.READ, timedelta(minutes=-6))
    assert list(wrong(late)) == [
        "Fristen for læsning er passeret, og ingen har fået det at vide. Se `bropost check`."
    ]
    assert any(line.endswith("PASSERET") for line in story(late))


def test_what_came_late_is_told() -> None:
    late = life(State.AVAILABLE, State.UNREAD, State.READ)
    assert list(wrong(late)) == ["En hændelse er mærket KOM FOR SENT: se forløbet."]
    flagged = replace(
        late, happenings=(Happening("READ", Standing.ASSERTED, AT, flags=frozenset({Flag.LATE})),)
    )
    assert "KOM FOR SENT." in list(story(flagged))[-1]


def test_reasons_answers_and_other_documents_stand_in_their_line() -> None:
    line = Happening(
        "ANSWERED",
        Standing.EVIDENCE,
        AT,
        "Bropost",
        reasons=(ReasonCode.DECLINED,),
        answer=AnswerCode.DECLINED,
        related=NEWER,
    )
    told = list(story(replace(life(), happenings=(line,))))[-1]
    assert "Svar: Afslag." in told
    assert ReasonCode.DECLINED.words.danish in told
    assert f"Andet dokument: {NEWER}." in told


def test_no_name_steers_a_terminal() -> None:
    hostile = replace(
        life(State.AVAILABLE),
        sender=End(CITY, "Eksempel\x1b[31mby"),
        receivers=(Receiver("S\u202eIS", Obstacle.NO_RIGHT),),
    )
    text = "\n".join(story(hostile))
    assert "\x1b" not in text
    assert "\u202e" not in text

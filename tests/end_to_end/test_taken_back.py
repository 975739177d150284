"""What had ended a wait is taken back or put right: it counts no more, everybody is told, and the wait goes on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import text

from gateway.domain.calendar import Calendar
from gateway.domain.identifiers import PartyId, Uuid4
from gateway.domain.kinds import DocumentKind
from gateway.protocol.documents import read_document
from gateway.services.answers import document_answered, prepare_answer, record_answer
from gateway.services.parked import abandon
from gateway.storage import documents
from tests.end_to_end.conversing import (
    ASKS,
    DECLINES,
    REPLY_TO,
    correcting,
    due,
    go_to,
    hold_up,
    made,
    reply,
    risk,
    sent,
    status,
    submitted,
    told,
    waits,
    withdraw,
)
from tests.end_to_end.store_checks import require_whole
from tests.end_to_end.withdrawing import evidence_of, hand_over, require_verified
from tests.golden.changes import Change, Insert, SetText
from tests.installation import (
    INSTITUTION,
    MUNICIPALITY,
    OTHER_INSTITUTION,
    OTHER_MUNICIPALITY,
    TestInstallation,
)
from tests.services.papers import between, inbox, read

BOTH = (MUNICIPALITY, INSTITUTION)
OFFICE = Calendar()


def letter(house: TestInstallation, conversation: Uuid4, *changes: Change) -> str:
    """The municipality writes; the id of its letter, which is delivered."""
    return sent(house, made(house, "education-order-letter", conversation, *changes))


def wishing(house: TestInstallation, days: int) -> Change:
    """The wish for an answer within so many days."""
    day = f"{house.clock() + timedelta(days=days):%Y-%m-%d}"
    return Insert("before", "/Document/Header/CreatedAt", f"<ReplyDue>{day}</ReplyDue>")


def forward(house: TestInstallation, **span: float) -> None:
    """Let time pass, and do what is due."""
    house.clock.forward(**span)
    house.renew_lists()
    house.work()


def corrected_by(house: TestInstallation, document_id: str, party: PartyId = INSTITUTION) -> list[str]:
    """The document that a party is shown in place of this one."""
    return status(house, party, document_id).texts("CorrectedBy")


# --- corrections ------------------------------------------------------------------------------------------


def test_when_a_correction_is_withdrawn_the_first_letter_waits_again(house: TestInstallation) -> None:
    conversation = Uuid4.new()
    first = letter(house, conversation)
    until = due(house, MUNICIPALITY, first, "READ")
    second = letter(house, conversation, correcting(first))
    assert waits(house, MUNICIPALITY, first) == []
    assert withdraw(house, second).text("ContentRemoved") == "true"
    assert waits(house, MUNICIPALITY, first) == ["HANDOVER", "READ"]
    assert due(house, MUNICIPALITY, first, "READ") == until  # no time has passed
    for party in BOTH:
        assert corrected_by(house, first, party) == []
        assert told(house, party, first)[-2:] == ["CORRECTED", "LAPSED"]
    go_to(house, until)
    assert "UNREAD" in told(house, MUNICIPALITY, first)
    require_whole(house.installation)
    require_verified(house)


def test_the_clock_stood_still_while_the_correction_waited(house: TestInstallation) -> None:
    conversation = Uuid4.new()
    first = letter(house, conversation)
    until, at = due(house, MUNICIPALITY, first, "READ"), house.clock()
    second = letter(house, conversation, correcting(first))
    forward(house, days=1)
    withdraw(house, second)
    left = OFFICE.working_time_between(at, until)
    assert due(house, MUNICIPALITY, first, "READ") == OFFICE.add_working_time(house.clock(), left)


def test_an_answer_that_the_first_letter_asks_for_is_awaited_of_its_correction(
    house: TestInstallation,
) -> None:
    conversation = Uuid4.new()
    first = letter(house, conversation, wishing(house, 5))
    until = due(house, MUNICIPALITY, first, "ANSWER")
    second = letter(house, conversation, correcting(first))
    assert waits(house, MUNICIPALITY, first) == []
    assert waits(house, MUNICIPALITY, second) == ["ANSWER", "HANDOVER", "READ"]
    assert due(house, MUNICIPALITY, second, "ANSWER") == until
    withdraw(house, second)
    assert waits(house, MUNICIPALITY, first) == ["ANSWER", "HANDOVER", "READ"]


def test_no_chain_of_corrections_puts_a_wait_off(house: TestInstallation) -> None:
    conversation = Uuid4.new()
    newest = risk(house, conversation)
    ends = {kind: due(house, INSTITUTION, newest, kind) for kind in ("HANDOVER", "READ", "ANSWER")}
    go_to(house, OFFICE.add_working_time(house.clock(), timedelta()))
    for _ in range(3):
        forward(house, minutes=50)
        newest = risk(house, conversation, correcting(newest))
        assert {kind: due(house, INSTITUTION, newest, kind) for kind in ends} == ends
    go_to(house, ends["READ"])
    assert "UNREAD" in told(house, INSTITUTION, newest)


def test_of_what_was_read_its_correction_has_all_the_time_that_its_kind_gives(
    house: TestInstallation,
) -> None:
    conversation = Uuid4.new()
    first = letter(house, conversation)
    assert read(house.sis, first, house.clock()).fault_code is None
    forward(house, days=1)
    second = letter(house, conversation, correcting(first))
    assert due(house, MUNICIPALITY, second, "READ") == OFFICE.add_working_days(house.clock(), 2)


def test_a_correction_that_was_corrected_itself_may_go_without_waking_the_first_letter(
    house: TestInstallation,
) -> None:
    conversation = Uuid4.new()
    first = letter(house, conversation)
    second = letter(house, conversation, correcting(first))
    third = letter(house, conversation, correcting(second))
    withdraw(house, second)
    assert waits(house, MUNICIPALITY, first) == []
    assert waits(house, MUNICIPALITY, third) == ["HANDOVER", "READ"]
    withdraw(house, third)
    assert waits(house, MUNICIPALITY, first) == ["HANDOVER", "READ"]


def test_a_correction_withdrawn_before_the_first_letter_came_is_told_the_sender_alone(
    house: TestInstallation,
) -> None:
    conversation = Uuid4.new()
    first = submitted(house, made(house, "education-order-letter", conversation))
    hold_up(house)
    second = letter(house, conversation, correcting(first))
    withdraw(house, second)
    forward(house, seconds=61)
    assert told(house, INSTITUTION, first) == ["AVAILABLE"]
    both = [kind for kind in told(house, MUNICIPALITY, first) if kind in ("CORRECTED", "LAPSED")]
    assert both == ["CORRECTED", "LAPSED"]
    assert waits(house, MUNICIPALITY, first) == ["HANDOVER", "READ"]


def test_the_newest_correction_is_the_one_that_was_accepted_last(house: TestInstallation) -> None:
    conversation = Uuid4.new()
    first = letter(house, conversation)
    second = submitted(house, made(house, "education-order-letter", conversation, correcting(first)))
    hold_up(house)
    third = letter(house, conversation, correcting(first))
    forward(house, seconds=61)
    assert second in inbox(house.sis)
    assert corrected_by(house, first) == [third]
    withdraw(house, third)
    assert corrected_by(house, first) == [second]


def test_both_sides_can_prove_that_a_document_was_corrected(house: TestInstallation) -> None:
    conversation = Uuid4.new()
    first = letter(house, conversation)
    second = letter(house, conversation, correcting(first))
    octets = []
    for party in BOTH:
        (found,) = [each for each in evidence_of(house, party, first) if each["Event"] == "Correction"]
        assert (found["DocumentId"], found["Reasons/Reason/Code"]) == (first, "REPLACED")
        octets.append(found["EvidenceIdentifier"])
        with house.installation.database.read() as connection:
            query = "SELECT sealed_digest FROM document WHERE document_id = :document_id"
            digest = connection.execute(text(query), {"document_id": second}).scalar_one()
        assert found.octets("BasedOn") == digest
    assert octets[0] == octets[1]
    require_whole(house.installation)


def test_a_letter_that_the_operator_gave_up_waits_for_nothing_again(house: TestInstallation) -> None:
    conversation = Uuid4.new()
    first = submitted(house, made(house, "education-order-letter", conversation, wishing(house, 5)))
    with house.installation.database.alone() as connection:
        connection.exec_driver_sql("DELETE FROM data_key")
    house.work()
    abandon(house.installation, Uuid4(first), "Nøglen er gået tabt.")
    withdraw(house, letter(house, conversation, correcting(first)))
    assert told(house, MUNICIPALITY, first)[-1] == "LAPSED"
    assert waits(house, MUNICIPALITY, first) == []


# --- answers ----------------------------------------------------------------------------------------------


def test_when_an_answer_is_withdrawn_the_notice_waits_for_one_again(house: TestInstallation) -> None:
    conversation = Uuid4.new()
    notice = risk(house, conversation)
    until = {kind: due(house, INSTITUTION, notice, kind) for kind in ("ANSWER", "HANDOVER", "READ")}
    answer = sent(house, reply(house, notice, conversation))
    assert waits(house, INSTITUTION, notice) == []
    withdraw(house, answer)
    assert {kind: due(house, INSTITUTION, notice, kind) for kind in until} == until
    for party in BOTH:
        shown = status(house, party, notice)
        assert shown.text("State") == "AVAILABLE"
        assert shown.texts("Event/Kind")[-2:] == ["ANSWERED", "LAPSED"]
        assert shown.texts("Event/RelatedDocumentId") == [answer, answer]
    go_to(house, until["ANSWER"])
    shown = status(house, INSTITUTION, notice)
    assert ("UNANSWERED" in shown.texts("Event/Kind"), shown.texts("Event/Flag")) == (True, [])
    late = sent(house, reply(house, notice, conversation))
    shown = status(house, INSTITUTION, notice)
    assert (shown.text("State"), shown.texts("Event/Flag")) == ("ANSWERED", ["LATE"])
    assert shown.texts("Event/RelatedDocumentId")[-1] == late
    require_whole(house.installation)


def test_nobody_wins_time_by_answering_and_taking_it_back(house: TestInstallation) -> None:
    conversation = Uuid4.new()
    notice = risk(house, conversation)
    first = due(house, INSTITUTION, notice, "ANSWER")
    left = OFFICE.working_time_between(house.clock(), first)
    for _ in range(3):
        answer = sent(house, reply(house, notice, conversation))
        forward(house, days=1)
        withdraw(house, answer)
        again = due(house, INSTITUTION, notice, "ANSWER")
        assert OFFICE.working_time_between(house.clock(), again) == left


def test_after_silence_was_told_a_withdrawn_answer_leaves_it_standing(house: TestInstallation) -> None:
    conversation = Uuid4.new()
    notice = risk(house, conversation)
    go_to(house, due(house, INSTITUTION, notice, "ANSWER"))
    answer = sent(house, reply(house, notice, conversation))
    assert status(house, INSTITUTION, notice).text("State") == "ANSWERED"
    withdraw(house, answer)
    assert "UNANSWERED" in status(house, INSTITUTION, notice).texts("Event/Kind")
    assert status(house, INSTITUTION, notice).text("State") == "UNDELIVERED"
    assert told(house, INSTITUTION, notice).count("UNANSWERED") == 1


def test_an_answer_that_is_corrected_to_a_question_answers_no_more(house: TestInstallation) -> None:
    conversation = Uuid4.new()
    notice = risk(house, conversation)
    answer = sent(house, reply(house, notice, conversation))
    question = sent(house, reply(house, notice, conversation, correcting(answer), *ASKS))
    shown = status(house, INSTITUTION, notice)
    assert shown.texts("Event/AnswerCode") == ["OFFER", "NEED_MORE"]
    assert waits(house, INSTITUTION, notice) == ["ANSWER"]
    withdraw(house, question)  # then the answer stands as it was given
    assert told(house, INSTITUTION, notice)[-4:] == ["ANSWERED", "LAPSED", "LAPSED", "REVIVED"]
    assert waits(house, INSTITUTION, notice) == []
    require_whole(house.installation)


def test_an_answer_that_was_overtaken_by_its_correction_answers_nothing(house: TestInstallation) -> None:
    conversation = Uuid4.new()
    notice = risk(house, conversation)
    answer = submitted(house, reply(house, notice, conversation))
    hold_up(house)
    sent(house, reply(house, notice, conversation, correcting(answer), *DECLINES))
    forward(house, seconds=61)
    shown = status(house, INSTITUTION, notice)
    assert shown.texts("Event/AnswerCode") == ["DECLINED", "OFFER"]
    assert told(house, INSTITUTION, notice)[-1] == "LAPSED"
    assert waits(house, INSTITUTION, notice) == []


def test_only_who_was_asked_answers_and_only_who_asked_is_answered(house: TestInstallation) -> None:
    """The rules refuse any other answer; on its way, it is taken for none either."""
    conversation = Uuid4.new()
    notice = risk(house, conversation)
    submitted(house, reply(house, notice, conversation))
    with house.installation.database.read() as connection:
        asked = documents.find_delivered(connection, MUNICIPALITY, Uuid4(notice))
        (answer,) = documents.conversation_documents(
            connection, MUNICIPALITY, conversation, DocumentKind.ANSWER_NOTICE
        )
        assert document_answered(connection, answer) == asked
        assert document_answered(connection, replace(answer, recipient=OTHER_INSTITUTION)) is None
        assert document_answered(connection, replace(answer, sender=OTHER_MUNICIPALITY)) is None


def test_an_answer_in_hand_when_what_it_answers_is_removed_answers_nothing(house: TestInstallation) -> None:
    """The worker has signed, and the sender of the notice is faster."""
    conversation = Uuid4.new()
    notice = risk(house, conversation)
    document = reply(house, notice, conversation)
    submitted(house, document)
    with house.installation.database.read() as connection:
        asked = documents.find_delivered(connection, MUNICIPALITY, Uuid4(notice))
        (answer,) = documents.conversation_documents(
            connection, MUNICIPALITY, conversation, DocumentKind.ANSWER_NOTICE
        )
    assert asked is not None
    answering = prepare_answer(house.installation, asked, answer, read_document(document), house.clock())
    withdraw(house, notice, INSTITUTION)
    with house.installation.database.transaction(MUNICIPALITY, INSTITUTION) as connection:
        record_answer(house.installation, connection, answering)
    assert told(house, INSTITUTION, notice)[-1] == "WITHDRAWN"


# --- a letter that was awaited -------------------------------------------------------------------------------


def test_when_an_awaited_letter_is_withdrawn_the_school_waits_for_one_again(house: TestInstallation) -> None:
    conversation = Uuid4.new()
    notice = sent(house, made(house, "admission-notice", conversation), INSTITUTION)
    until = due(house, INSTITUTION, notice, "ANSWER")
    awaited = letter(house, conversation)
    assert "ANSWER" not in waits(house, INSTITUTION, notice)
    withdraw(house, awaited)
    assert due(house, INSTITUTION, notice, "ANSWER") == until
    letter(house, conversation)
    assert "ANSWER" not in waits(house, INSTITUTION, notice)


def test_a_letter_that_came_before_the_notice_is_not_the_one_it_awaits(house: TestInstallation) -> None:
    conversation = Uuid4.new()
    before = letter(house, conversation)
    notice = sent(house, made(house, "admission-notice", conversation), INSTITUTION)
    hand_over(house, before)
    assert "ANSWER" in waits(house, INSTITUTION, notice)


# --- versions of an agreement --------------------------------------------------------------------------------


def agreement(house: TestInstallation, conversation: Uuid4, name: str, *changes: Change) -> str:
    """A version of an agreement, delivered; its id."""
    return sent(house, made(house, name, conversation, *changes))


def agreed(house: TestInstallation, version: str, conversation: Uuid4, *changes: Change) -> str:
    """The school's answer to a version; its id."""
    return sent(
        house,
        made(house, "answer-notice-institution", conversation, SetText(REPLY_TO, version), *changes),
        INSTITUTION,
    )


def followed(house: TestInstallation, *versions: str) -> list[bool]:
    """Whether each version is to be followed up."""
    return ["FOLLOW_UP" in waits(house, INSTITUTION, each) for each in versions]


def test_a_new_version_is_followed_up_in_place_of_the_old_one_once_it_binds(house: TestInstallation) -> None:
    conversation = Uuid4.new()
    first = agreement(house, conversation, "agreement-notice")
    other = agreement(house, conversation, "agreement-notice-minimum")  # another agreement
    agreed(house, first, conversation)
    second = agreement(house, conversation, "agreement-notice-full")
    assert followed(house, first, second, other) == [True, True, True]
    yes = agreed(house, second, conversation)
    assert followed(house, first, second, other) == [False, True, True]
    withdraw_of_school = withdraw(house, yes, INSTITUTION)
    assert withdraw_of_school.text("State") == "WITHDRAWN"
    assert followed(house, first, second, other) == [True, True, True]
    agreed(house, second, conversation)
    withdraw(house, second)
    assert followed(house, first, second, other) == [True, False, True]
    require_whole(house.installation)


def test_a_new_version_that_is_declined_leaves_the_old_one_in_force(house: TestInstallation) -> None:
    conversation = Uuid4.new()
    first = agreement(house, conversation, "agreement-notice")
    agreed(house, first, conversation)
    second = agreement(house, conversation, "agreement-notice-full")
    agreed(house, second, conversation, *DECLINES)
    assert followed(house, first, second) == [True, False]


def test_of_two_versions_that_cross_the_one_accepted_first_is_not_followed_up(
    house: TestInstallation,
) -> None:
    conversation = Uuid4.new()
    first = submitted(house, made(house, "agreement-notice", conversation))
    hold_up(house)
    second = agreement(house, conversation, "agreement-notice-full")
    agreed(house, second, conversation)
    forward(house, seconds=61)  # only now does the older version come
    assert followed(house, first, second) == [False, True]


def test_an_agreement_of_the_same_id_with_somebody_else_is_another_one(house: TestInstallation) -> None:
    conversation = Uuid4.new()
    elsewhere = made(house, "agreement-notice", conversation, *between(MUNICIPALITY, OTHER_INSTITUTION))
    first = sent(house, elsewhere)
    second = agreement(house, conversation, "agreement-notice-full")
    agreed(house, second, conversation)
    assert "FOLLOW_UP" in waits(house, MUNICIPALITY, first)

"""Who was given what was taken back says whether its copy is deleted; no other way ends the wait for that."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy import text

from gateway.domain.disclosure import EntryKind
from gateway.domain.identifiers import Uuid4
from gateway.domain.operations import Service
from gateway.services.explaining import explain
from tests.end_to_end.conversing import (
    ASKS,
    DECLINES,
    KIND,
    correcting,
    due,
    go_to,
    made,
    of_deletion,
    reply,
    risk,
    sent,
    status,
    submitted,
    taking_back,
    told,
    waits,
    withdraw,
)
from tests.end_to_end.store_checks import require_whole
from tests.end_to_end.withdrawing import (
    entries,
    evidence_of,
    hand_over,
    openings_of,
    require_verified,
    store,
)
from tests.golden.changes import Change, SetText
from tests.installation import INSTITUTION, MUNICIPALITY, Answered, TestInstallation
from tests.services.papers import (
    accepted,
    b64,
    confirm,
    deliver_letter,
    read,
    request,
    retrieve,
    sending,
)

DELETION_WANTED = "/Document/WithdrawalNotice/DeletionWanted"


def _stored_risk(house: TestInstallation) -> tuple[str, Uuid4]:
    """A notice of risk that the municipality's system has stored, and its conversation."""
    conversation = Uuid4.new()
    notice = risk(house, conversation)
    store(house, notice)
    return notice, conversation


# --- what does not end it -------------------------------------------------------------------------------


def test_the_right_letter_does_not_say_that_the_wrong_one_is_deleted(house: TestInstallation) -> None:
    conversation = Uuid4.new()
    wrong = sent(house, made(house, "education-order-letter", conversation))
    hand_over(house, wrong)
    withdraw(house, wrong)
    right = sent(house, made(house, "education-order-letter", conversation, correcting(wrong)))
    assert waits(house, MUNICIPALITY, wrong) == ["DELETION"]
    assert waits(house, MUNICIPALITY, right) == ["HANDOVER", "READ"]
    go_to(house, due(house, MUNICIPALITY, wrong, "DELETION"))
    assert told(house, MUNICIPALITY, wrong)[-1] == "UNANSWERED"


def test_a_letter_that_was_awaited_does_not_say_that_the_withdrawn_notice_is_deleted(
    house: TestInstallation,
) -> None:
    conversation = Uuid4.new()
    admission = sent(house, made(house, "admission-notice", conversation), INSTITUTION)
    store(house, admission)
    withdraw(house, admission, INSTITUTION)
    sent(house, made(house, "education-order-letter", conversation))
    assert waits(house, INSTITUTION, admission) == ["DELETION"]


def test_an_answer_that_was_given_before_says_nothing_of_the_deletion(house: TestInstallation) -> None:
    notice, conversation = _stored_risk(house)
    submitted(house, reply(house, notice, conversation, SetText(KIND, "ACCEPTED")))
    withdraw(house, notice, INSTITUTION)
    house.work()
    assert told(house, INSTITUTION, notice)[-2:] == ["WITHDRAWN", "ANSWERED"]
    assert status(house, INSTITUTION, notice).texts("Event/Flag") == ["LATE"]
    assert waits(house, INSTITUTION, notice) == ["DELETION"]
    require_whole(house.installation)


@pytest.mark.parametrize(
    ("changes", "ends"),
    [
        ((SetText(KIND, "ACCEPTED"),), True),
        (DECLINES, True),
        ((SetText(KIND, "AGREEMENT"),), False),
        (ASKS, False),
    ],
    ids=["yes", "no", "an agreement", "a question"],
)
def test_yes_and_no_say_what_became_of_the_copy_and_nothing_else_does(
    house: TestInstallation, changes: tuple[Change, ...], ends: bool
) -> None:
    notice, conversation = _stored_risk(house)
    withdraw(house, notice, INSTITUTION)
    first = due(house, INSTITUTION, notice, "DELETION")
    house.clock.forward(hours=26)
    house.renew_lists()
    sent(house, of_deletion(house, notice, conversation, *changes))
    assert waits(house, INSTITUTION, notice) == ([] if ends else ["DELETION"])
    assert told(house, INSTITUTION, notice).count("DELETION_ANSWERED") == int(ends)
    assert ends or due(house, INSTITUTION, notice, "DELETION") == first  # a question wins no time


def test_a_notice_of_withdrawal_that_is_taken_back_leaves_the_wait(house: TestInstallation) -> None:
    notice, conversation = _stored_risk(house)
    taken = sent(house, taking_back(house, notice, conversation), INSTITUTION)
    assert withdraw(house, taken, INSTITUTION).text("ContentRemoved") == "true"
    assert waits(house, INSTITUTION, notice) == ["DELETION"]
    assert withdraw(house, notice, INSTITUTION).text("Repeated") == "true"
    assert waits(house, INSTITUTION, notice) == ["DELETION"]


def test_the_word_that_it_is_deleted_may_be_taken_back_too(house: TestInstallation) -> None:
    notice, conversation = _stored_risk(house)
    withdraw(house, notice, INSTITUTION)
    word = sent(house, of_deletion(house, notice, conversation))
    assert waits(house, INSTITUTION, notice) == []
    withdraw(house, word)
    assert waits(house, INSTITUTION, notice) == ["DELETION"]
    assert told(house, INSTITUTION, notice)[-3:] == ["DELETION_ANSWERED", "ANSWERED", "LAPSED"]
    sent(house, of_deletion(house, notice, conversation))
    assert waits(house, INSTITUTION, notice) == []


# --- when there is one ----------------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["operation", "notice"])
@pytest.mark.parametrize("answers", ["document", "notice"])
def test_taken_back_both_ways_it_is_waited_for_once(
    house: TestInstallation, first: str, answers: str
) -> None:
    notice, conversation = _stored_risk(house)
    if first == "operation":
        withdraw(house, notice, INSTITUTION)
    taken = sent(house, taking_back(house, notice, conversation), INSTITUTION)
    if first == "notice":
        withdraw(house, notice, INSTITUTION)
    assert waits(house, INSTITUTION, notice) == ["DELETION"]
    assert waits(house, INSTITUTION, taken) == ["HANDOVER", "READ"]
    sent(house, of_deletion(house, notice if answers == "document" else taken, conversation))
    assert waits(house, INSTITUTION, notice) == []
    require_whole(house.installation)


@pytest.mark.parametrize("wanted", [True, False])
def test_whether_the_copy_is_to_be_deleted_is_for_the_notice_to_say(
    house: TestInstallation, wanted: bool
) -> None:
    notice, conversation = _stored_risk(house)
    says = SetText(DELETION_WANTED, str(wanted).lower())
    sent(house, taking_back(house, notice, conversation, says), INSTITUTION)
    assert waits(house, INSTITUTION, notice) == (["DELETION"] if wanted else [])
    withdraw(house, notice, INSTITUTION)  # which always wants it
    assert waits(house, INSTITUTION, notice) == ["DELETION"]


@pytest.mark.parametrize("second", ["operation", "notice"])
def test_who_asks_for_the_deletion_afterwards_tells_it_as_a_withdrawal(
    house: TestInstallation, second: str
) -> None:
    notice, conversation = _stored_risk(house)
    keeps = SetText(DELETION_WANTED, "false")
    first = sent(house, taking_back(house, notice, conversation, keeps), INSTITUTION)
    early = submitted(house, of_deletion(house, first, conversation))  # written before anybody asked for it
    before = {party: len(entries(house, party)) for party in (MUNICIPALITY, INSTITUTION)}
    if second == "operation":
        answer = withdraw(house, notice, INSTITUTION, "WRONG_SUBJECT")
        assert answer.text("Repeated") == "false"
        again = withdraw(house, notice, INSTITUTION, "WRONG_SUBJECT")
        assert (again.text("Repeated"), again.text("Withdrawal")) == ("true", answer.text("Withdrawal"))
        newest = {party: entries(house, party)[before[party] :] for party in before}
    else:
        taken = submitted(house, taking_back(house, notice, conversation), INSTITUTION)
        assert status(house, INSTITUTION, notice).texts("Event/RelatedDocumentId") == [first, taken]
        newest = {party: entries(house, party)[-1:] for party in before}
    for party, (entry,) in newest.items():
        assert (entry.kind, entry.event) == (EntryKind.CORRECT, "Withdrawal")
        assert told(house, party, notice).count("WITHDRAWN") == 2
        evidence = [each["Event"] for each in evidence_of(house, party, notice)]
        assert evidence.count("Withdrawal") == 2
    house.work()
    assert status(house, MUNICIPALITY, early).text("State") == "AVAILABLE"
    assert waits(house, INSTITUTION, notice) == ["DELETION"]
    require_whole(house.installation)
    go_to(house, due(house, INSTITUTION, notice, "DELETION"))
    assert told(house, MUNICIPALITY, notice)[-1] == "UNANSWERED"
    assert "CONFLICT" not in status(house, MUNICIPALITY, notice).texts("Event/Flag")
    require_verified(house)


@pytest.mark.parametrize("second", ["operation", "notice"])
def test_the_operator_is_told_which_system_took_it_back_each_time(
    house: TestInstallation, second: str
) -> None:
    notice, conversation = _stored_risk(house)
    keeps = SetText(DELETION_WANTED, "false")
    sent(house, taking_back(house, notice, conversation, keeps), INSTITUTION)
    house.mandate("leverandoer-esdh", INSTITUTION)
    vendor = house.caller("leverandoer-esdh", Service.INSTITUTION)
    if second == "operation":
        reason = {"DocumentId": notice, "Reason": "WRONG_SUBJECT"}
        accepted(vendor, request("WithdrawDocument", INSTITUTION, **reason))
    else:
        taken = taking_back(house, notice, conversation)
        accepted(vendor, sending(taken, by=INSTITUTION, operation="SendNotice"))
    life = explain(house.installation, Uuid4(notice), "mette")
    told_of = [each.system for each in life.happenings if each.kind == "WITHDRAWN"]
    assert told_of == ["proeveby-sis", "leverandoer-esdh"]


def test_of_what_nobody_has_no_deletion_is_asked_for_afterwards(house: TestInstallation) -> None:
    conversation = Uuid4.new()
    notice = risk(house, conversation)
    sent(house, taking_back(house, notice, conversation, SetText(DELETION_WANTED, "false")), INSTITUTION)
    assert withdraw(house, notice, INSTITUTION).text("Repeated") == "true"
    assert waits(house, INSTITUTION, notice) == []
    assert told(house, MUNICIPALITY, notice).count("WITHDRAWN") == 1


def test_a_fetched_notice_that_a_notice_takes_back_is_to_be_deleted(house: TestInstallation) -> None:
    conversation = Uuid4.new()
    notice = risk(house, conversation)
    accepted(house.esdh, request("Retrieve", MUNICIPALITY, DocumentId=notice))
    taken = sent(house, taking_back(house, notice, conversation), INSTITUTION)
    assert waits(house, INSTITUTION, notice) == ["DELETION"]
    sent(house, of_deletion(house, taken, conversation))
    assert waits(house, INSTITUTION, notice) == []


# --- what was fetched and not confirmed -------------------------------------------------------------------


def test_what_was_fetched_is_removed_here_and_must_be_deleted_there(house: TestInstallation) -> None:
    letter = deliver_letter(house)
    octets = retrieve(house, letter)
    answer = withdraw(house, letter)
    assert (answer.text("ContentRemoved"), answer.texts("Fetched")) == ("true", ["true"])
    assert withdraw(house, letter).texts("Fetched") == ["true"]  # asked again
    assert waits(house, MUNICIPALITY, letter) == ["DELETION"]
    (came,) = (leaf for leaf in entries(house, INSTITUTION) if leaf.kind is EntryKind.RECEIVE)
    assert openings_of(house, came.entry_id)
    assert EntryKind.ERASE not in {leaf.kind for leaf in entries(house, INSTITUTION)}
    require_whole(house.installation)

    late = confirm(house.sis, letter, octets)
    assert late.fault_code is None
    shown = status(house, MUNICIPALITY, letter)
    assert (shown.texts("Event/Kind")[-1], shown.texts("Event/Flag")) == ("HANDED_OVER", ["LATE"])
    assert evidence_of(house, MUNICIPALITY, letter)[-1]["Event"] == "ContentHandover"
    assert waits(house, MUNICIPALITY, letter) == ["DELETION"]
    assert read(house.sis, letter, house.clock()).fault_code == "STATE_CONFLICT"
    require_whole(house.installation)
    require_verified(house)


def test_what_nobody_fetched_leaves_nothing_to_delete(house: TestInstallation) -> None:
    letter = deliver_letter(house)
    answer = withdraw(house, letter)
    assert (answer.text("ContentRemoved"), answer.texts("Fetched")) == ("true", [])
    assert waits(house, MUNICIPALITY, letter) == []


# --- what was removed ---------------------------------------------------------------------------------------


def test_what_was_removed_is_neither_answered_read_nor_stored(house: TestInstallation) -> None:
    conversation = Uuid4.new()
    notice = risk(house, conversation)
    with house.installation.database.read() as connection:
        query = "SELECT sealed_digest FROM document WHERE document_id = :document_id"
        digest = connection.execute(text(query), {"document_id": notice}).scalar_one()
    withdraw(house, notice, INSTITUTION)
    refused: list[Answered] = [
        house.esdh.call(sending(of_deletion(house, notice, conversation), operation="SendNotice")),
        read(house.esdh, notice, house.clock(), MUNICIPALITY, "CASEWORKER"),
        house.esdh.call(
            request("ConfirmHandover", MUNICIPALITY, DocumentId=notice, ContentDigest=b64(digest))
        ),
    ]
    assert [each.fault_code for each in refused] == ["STATE_CONFLICT"] * 3
    assert told(house, INSTITUTION, notice)[-1] == "WITHDRAWN"


def test_an_answer_on_its_way_to_what_was_removed_answers_nothing(house: TestInstallation) -> None:
    conversation = Uuid4.new()
    notice = risk(house, conversation)
    answer = submitted(house, reply(house, notice, conversation))
    withdraw(house, notice, INSTITUTION)
    house.work()
    assert told(house, INSTITUTION, notice)[-1] == "WITHDRAWN"
    assert status(house, INSTITUTION, answer).text("State") == "AVAILABLE"  # it was sent, and came
    assert "BusinessAcceptance" not in [each["Event"] for each in evidence_of(house, INSTITUTION, notice)]
    require_whole(house.installation)


def test_silence_on_a_deletion_is_evidenced_with_its_own_reason(house: TestInstallation) -> None:
    letter = deliver_letter(house)
    hand_over(house, letter)
    withdraw(house, letter)
    shown = status(house, INSTITUTION, letter)
    go_to(house, datetime.fromisoformat(shown.text("Deadline/Due")))
    assert told(house, INSTITUTION, letter)[-1] == "UNANSWERED"
    expiry = evidence_of(house, MUNICIPALITY, letter)[-1]
    assert expiry["Reasons/Reason/Code"] == "DELETION_NOT_CONFIRMED"

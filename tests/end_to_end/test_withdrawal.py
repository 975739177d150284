"""A sender takes a document back: what is left of it, who is told, who must answer, and what no withdrawal undoes."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import replace
from datetime import datetime

import pytest

from gateway.domain.catalogue import Code
from gateway.domain.disclosure import CommittedField, EntryKind
from gateway.domain.errors import InputError
from gateway.domain.identifiers import Uuid4
from gateway.services.content import read_kept
from gateway.services.delivery import deliver_next
from gateway.storage import documents
from tests.end_to_end.store_checks import require_whole
from tests.end_to_end.withdrawing import (
    ONE_LARGE,
    answer_to,
    entries,
    evidence_of,
    files,
    hand_over,
    openings_of,
    require_verified,
    risk_notice,
    rows,
    status,
    stream,
    waits,
    withdraw,
)
from tests.golden.changes import Insert
from tests.installation import (
    INSTITUTION,
    MUNICIPALITY,
    Answered,
    TestInstallation,
)
from tests.services.papers import (
    accepted,
    confirm,
    deliver_letter,
    evidence,
    id_of,
    inbox,
    listing,
    paper,
    read,
    request,
    retrieve,
    send_letter,
    sending,
)


def test_a_letter_taken_back_before_its_delivery_never_existed_for_the_school(
    house: TestInstallation,
) -> None:
    letter = paper(house.clock(), listing(ONE_LARGE))
    accepted(house.esdh, sending(letter, attachments=[ONE_LARGE[2]]))
    document_id = id_of(letter)
    assert len(files(house)) == 2  # the attachment, and the signed request that held it
    taken = withdraw(house, document_id)
    assert (taken.text("State"), taken.text("Repeated"), taken.text("ContentRemoved")) == (
        "WITHDRAWN",
        "false",
        "true",
    )
    house.work()
    assert rows(house, "SELECT count(*) FROM outbox") == 0
    assert inbox(house.sis) == []
    assert stream(house, INSTITUTION, document_id) == []
    asked = house.sis.call(request("GetStatus", INSTITUTION, DocumentId=document_id))
    assert asked.fault_code == "NOT_FOUND"
    known = status(house, MUNICIPALITY, document_id)
    assert known.texts("Event/Kind")[-1] == "WITHDRAWN"
    assert known.texts("Event/Reason/Code") == ["WRONG_RECIPIENT"]
    assert waits(known) == []
    assert {leaf.kind for leaf in entries(house, INSTITUTION)} == {EntryKind.CONFIG, EntryKind.KEY}
    require_verified(house)
    require_whole(house.installation)


def test_nothing_of_the_content_is_left_to_decrypt(house: TestInstallation) -> None:
    letter = paper(house.clock(), listing(ONE_LARGE))
    accepted(house.esdh, sending(letter, attachments=[ONE_LARGE[2]]))
    house.work()
    assert rows(house, "SELECT count(*) FROM data_key") == 2
    withdraw(house, id_of(letter))
    assert rows(house, "SELECT count(*) FROM data_key") == 0
    assert rows(house, "SELECT count(*) FROM blob") == 1  # the request that withdrew
    assert files(house) == []
    assert rows(house, "SELECT count(*) FROM document") == 1
    assert rows(house, "SELECT count(*) FROM evidence") == 3


def test_nobody_reads_it_in_the_store_either(house: TestInstallation) -> None:
    document_id = deliver_letter(house)
    withdraw(house, document_id)
    with house.installation.database.read() as connection:
        row = documents.find_own(connection, MUNICIPALITY, Uuid4(document_id))
        assert row is not None
        for party in (MUNICIPALITY, INSTITUTION):
            with pytest.raises(InputError) as refused:
                read_kept(house.installation, connection, row, party, attachments=True)
            assert refused.value.code is Code.STATE_CONFLICT


def test_a_letter_taken_back_from_the_inbox_is_neither_listed_nor_given_out(house: TestInstallation) -> None:
    document_id = deliver_letter(house)
    octets = _sealed_octets(house, document_id)
    assert withdraw(house, document_id).text("ContentRemoved") == "true"
    assert inbox(house.sis) == inbox(house.sis, UnreadOnly="true") == []
    for refused in (
        house.sis.call(request("Retrieve", INSTITUTION, DocumentId=document_id)),
        confirm(house.sis, document_id, octets),
        read(house.sis, document_id, house.clock()),
    ):
        assert refused.fault_code == "STATE_CONFLICT"
        assert "WITHDRAWN" in refused.http.body.decode()
    assert stream(house, INSTITUTION, document_id) == ["AVAILABLE", "WITHDRAWN"]
    assert status(house, INSTITUTION, document_id).text("State") == "WITHDRAWN"
    assert [each["Event"] for each in evidence_of(house, INSTITUTION, document_id)] == [
        "ContentConsignment",
        "Withdrawal",
    ]


def _sealed_octets(house: TestInstallation, document_id: str) -> bytes:
    """What the school would be given, though none of its systems has asked for it."""
    with house.installation.database.read() as connection:
        row = documents.find_own(connection, MUNICIPALITY, Uuid4(document_id))
        assert row is not None
        return read_kept(house.installation, connection, row, MUNICIPALITY, attachments=False).octets


def test_a_withdrawn_letter_does_not_hold_up_the_inbox(house: TestInstallation) -> None:
    first, second, third = (deliver_letter(house) for _ in range(3))
    withdraw(house, first)
    hand_over(house, second)
    assert inbox(house.sis) == [third]
    mark = "SELECT through_seq FROM inbox_mark"
    assert rows(house, mark) == rows(house, "SELECT max(inbox_seq) FROM delivery") - 1


def test_no_wait_of_a_withdrawn_letter_ever_passes(house: TestInstallation) -> None:
    document_id = deliver_letter(
        house,
        Insert("before", "/Document/Header/CreatedAt", f"<ReplyDue>{house.clock():%Y-%m-%d}</ReplyDue>"),
    )
    assert {kind for kind, _ in waits(status(house, MUNICIPALITY, document_id))} == {
        "ANSWER",
        "HANDOVER",
        "READ",
    }
    withdraw(house, document_id)
    house.renew_lists()
    house.clock.forward(days=20)
    house.renew_lists()
    house.work()
    assert stream(house, MUNICIPALITY, document_id)[-1] == "WITHDRAWN"


def test_the_evidence_rests_on_the_signed_request_which_is_kept(house: TestInstallation) -> None:
    document_id = send_letter(house)
    body = request("WithdrawDocument", MUNICIPALITY, DocumentId=document_id, Reason="SUBJECT_OBJECTED")
    octets = house.esdh.message(body)
    answer = house.esdh.send(octets)
    found = evidence(house, answer.text("Withdrawal"))
    assert (found["Event"], found["DocumentId"], found["Reasons/Reason/Code"]) == (
        "Withdrawal",
        document_id,
        "SUBJECT_OBJECTED",
    )
    assert found.octets("BasedOn") == hashlib.sha256(octets).digest()
    assert found.has("AssertedBySystem")
    with house.installation.database.read() as connection:
        wrapped, blob = connection.exec_driver_sql("SELECT wrapped_key, request_blob FROM withdrawal").one()
        key = house.installation.keys.key_encryption_key(MUNICIPALITY).unwrap(wrapped, document_id.encode())
        assert key.decrypt(house.installation.blobs.get(connection, blob), document_id.encode()) == octets


def test_both_logs_tell_that_what_they_told_was_taken_back(house: TestInstallation) -> None:
    document_id = deliver_letter(house)
    withdraw(house, document_id, "OTHER", Note="Sendt ved en fejl i fagsystemet.")
    ours, theirs = entries(house, MUNICIPALITY), entries(house, INSTITUTION)
    (shared,) = (leaf for leaf in ours if leaf.kind is EntryKind.DISCLOSE)
    (came,) = (leaf for leaf in theirs if leaf.kind is EntryKind.RECEIVE)
    assert (ours[-1].kind, ours[-1].corrects, ours[-1].reasons, ours[-1].details) == (
        EntryKind.CORRECT,
        shared.entry_id,
        ("OTHER",),
        ("CONTENT_REMOVED",),
    )
    assert CommittedField.DECISION in ours[-1].commitments()
    correction, erasure = theirs[-2:]
    assert (correction.kind, correction.corrects) == (EntryKind.CORRECT, came.entry_id)
    assert CommittedField.DECISION not in correction.commitments()  # the note is the sender's own
    assert (erasure.kind, erasure.erases, erasure.outcome) == (EntryKind.ERASE, (came.entry_id,), "ERASED")
    assert not openings_of(house, came.entry_id)
    assert openings_of(house, shared.entry_id)
    require_verified(house)
    require_whole(house.installation)


def test_what_the_school_has_stored_it_is_told_of_and_must_answer(house: TestInstallation) -> None:
    document_id = deliver_letter(house)
    hand_over(house, document_id)
    assert withdraw(house, document_id).text("ContentRemoved") == "false"
    assert stream(house, INSTITUTION, document_id)[-1] == "WITHDRAWN"
    refused = house.sis.call(request("Retrieve", INSTITUTION, DocumentId=document_id))
    assert refused.fault_code == "STATE_CONFLICT"  # no new copy is given out
    known = status(house, INSTITUTION, document_id)
    assert waits(known) == [("DELETION", "false")]
    assert (entries(house, INSTITUTION)[-1].kind, entries(house, INSTITUTION)[-1].details) == (
        EntryKind.CORRECT,
        (),
    )
    require_whole(house.installation)
    house.clock.now = datetime.fromisoformat(known.text("Deadline/Due"))
    house.renew_lists()
    house.work()
    house.work()
    assert stream(house, MUNICIPALITY, document_id)[-1] == "UNANSWERED"
    assert status(house, MUNICIPALITY, document_id).text("State") == "WITHDRAWN"
    expiry = evidence_of(house, INSTITUTION, document_id)[-1]
    assert (expiry["Event"], expiry["Reasons/Reason/Code"]) == ("AnswerExpiry", "DELETION_NOT_CONFIRMED")


def test_a_reading_that_comes_after_the_withdrawal_is_kept_and_flagged(house: TestInstallation) -> None:
    document_id = deliver_letter(house)
    hand_over(house, document_id)
    withdraw(house, document_id)
    assert read(house.sis, document_id, house.clock()).fault_code is None
    known = status(house, MUNICIPALITY, document_id)
    assert (known.text("State"), known.texts("Event/Flag")) == ("WITHDRAWN", ["LATE"])
    assert waits(known) == [("DELETION", "false")]


def test_the_answer_to_a_withdrawn_notice_ends_the_wait(house: TestInstallation) -> None:
    told = risk_notice(house)
    body = request("WithdrawDocument", INSTITUTION, DocumentId=id_of(told), Reason="WRONG_SUBJECT")
    assert accepted(house.sis, body).text("ContentRemoved") == "false"
    assert waits(status(house, INSTITUTION, id_of(told))) == [("DELETION", "false")]
    accepted(
        house.esdh, sending(answer_to(house, told, id_of(told)), by=MUNICIPALITY, operation="SendNotice")
    )
    house.work()
    known = status(house, INSTITUTION, id_of(told))
    assert known.text("State") == "WITHDRAWN"
    assert list(zip(known.texts("Event/Kind"), known.texts("Event/Basis"), strict=True))[-2:] == [
        ("DELETION_ANSWERED", "RECORDED"),
        ("ANSWERED", "EVIDENCE"),
    ]
    assert known.texts("Event/AnswerCode") == ["ACCEPTED", "ACCEPTED"]
    assert stream(house, INSTITUTION, id_of(told)).count("DELETION_ANSWERED") == 1
    assert waits(known) == []
    assert known.texts("Event/Flag") == []
    require_verified(house)


def test_a_document_that_never_was_a_foreign_one_and_what_one_received_cannot_be_taken_back(
    house: TestInstallation,
) -> None:
    document_id = deliver_letter(house)
    for asked in (document_id, Uuid4.new().text):
        body = request("WithdrawDocument", INSTITUTION, DocumentId=asked, Reason="NO_BASIS")
        assert house.sis.call(body).fault_code == "NOT_FOUND"
    assert status(house, MUNICIPALITY, document_id).text("State") == "AVAILABLE"


@pytest.mark.parametrize("handed_over", [False, True])
def test_withdrawn_again_it_gives_the_first_evidence_again(
    house: TestInstallation, handed_over: bool
) -> None:
    document_id = deliver_letter(house)
    if handed_over:
        hand_over(house, document_id)
    first = withdraw(house, document_id, "WRONG_CONTENT")
    house.clock.forward(minutes=1)
    again = withdraw(house, document_id, "OBSOLETE")
    assert (first.text("Repeated"), again.text("Repeated")) == ("false", "true")
    assert again.text("Withdrawal") == first.text("Withdrawal")
    assert again.text("ContentRemoved") == first.text("ContentRemoved") == str(not handed_over).lower()
    assert stream(house, INSTITUTION, document_id).count("WITHDRAWN") == 1
    assert rows(house, "SELECT count(*) FROM evidence WHERE event = 'Withdrawal'") == 1


def test_the_letter_sent_again_gets_its_first_answer_and_stays_withdrawn(house: TestInstallation) -> None:
    letter = paper(house.clock())
    first = accepted(house.esdh, sending(letter))
    withdraw(house, id_of(letter))
    again = accepted(house.esdh, sending(letter))
    assert (again.text("Repeated"), again.text("SubmissionAcceptance")) == (
        "true",
        first.text("SubmissionAcceptance"),
    )
    house.work()
    assert inbox(house.sis) == []


def test_a_withdrawal_while_the_worker_has_the_letter_in_hand_wins(house: TestInstallation) -> None:
    """The worker has taken the task, and the letter is withdrawn before it looks at it."""
    document_id = send_letter(house)
    calls: list[Answered] = []

    def clock_of_the_worker() -> datetime:
        if len(ticks) == 1:
            calls.append(withdraw(house, document_id))
        ticks.append(house.clock())
        return house.clock()

    ticks: list[datetime] = []
    assert deliver_next(replace(house.installation, clock=clock_of_the_worker), "slow", 60)
    assert [each.text("ContentRemoved") for each in calls] == ["true"]
    assert stream(house, MUNICIPALITY, document_id)[-2:] == ["DISPATCHED", "WITHDRAWN"]
    house.work()
    assert inbox(house.sis) == []
    assert rows(house, "SELECT count(*) FROM outbox") == 0
    require_whole(house.installation)


@pytest.mark.parametrize("number", range(6))
def test_of_a_delivery_and_a_withdrawal_at_once_each_is_whole(house: TestInstallation, number: int) -> None:
    document_id = send_letter(house)
    worker = threading.Thread(target=house.work)
    worker.start()
    taken = withdraw(house, document_id)
    worker.join()
    house.work()
    was_delivered = "AVAILABLE" in stream(house, MUNICIPALITY, document_id)
    assert taken.text("ContentRemoved") == "true"
    assert stream(house, INSTITUTION, document_id) == (["AVAILABLE", "WITHDRAWN"] if was_delivered else [])
    assert inbox(house.sis) == []
    assert rows(house, "SELECT count(*) FROM data_key") == 0
    require_whole(house.installation)


@pytest.mark.parametrize("number", range(6))
def test_of_a_hand_over_and_a_withdrawal_at_once_one_is_first(house: TestInstallation, number: int) -> None:
    document_id = deliver_letter(house)
    octets = retrieve(house, document_id)
    answers: list[Answered] = []
    school = threading.Thread(target=lambda: answers.append(confirm(house.sis, document_id, octets)))
    school.start()
    taken = withdraw(house, document_id)
    school.join()
    (confirmed,) = answers
    was_removed = taken.text("ContentRemoved") == "true"
    assert confirmed.fault_code is None  # first or last, it says that there is a copy
    assert rows(house, "SELECT count(*) FROM data_key") == (0 if was_removed else 2)
    known = status(house, MUNICIPALITY, document_id)
    assert waits(known) == [("DELETION", "false")]
    assert known.texts("Event/Flag") == (["LATE"] if was_removed else [])
    require_whole(house.installation)

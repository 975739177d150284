"""What happened is told to each party as far as it concerns it: in a document's timeline, its evidence, its events."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest

from gateway.domain.errors import TrustError
from gateway.domain.identifiers import PartyId, Uuid4
from gateway.services import disclosure_log
from gateway.storage import log
from gateway.translog.checkpoint import LogKey
from gateway.translog.proof import parse_proof
from tests.installation import INSTITUTION, MUNICIPALITY, Answered, Caller, TestInstallation
from tests.services.papers import (
    accepted,
    confirm,
    deliver_letter,
    evidence,
    read,
    request,
    retrieve,
    row_counts,
    send_letter,
)


def _status(caller: Caller, party: PartyId, document_id: str) -> Answered:
    return accepted(caller, request("GetStatus", party, DocumentId=document_id))


def _events(caller: Caller, party: PartyId, **texts: str) -> Answered:
    return accepted(caller, request("ListEvents", party, **texts))


def _kinds(answer: Answered) -> list[str]:
    return answer.texts("Event/TimelineEvent/Kind")


def _live(house: TestInstallation) -> str:
    """A letter through its whole life; its id."""
    document_id = deliver_letter(house)
    confirm(house.sis, document_id, retrieve(house, document_id))
    read(house.sis, document_id, house.clock())
    return document_id


# --- GetStatus -----------------------------------------------------------------------------------------


def test_the_sender_sees_the_whole_way_and_what_each_step_rests_on(house: TestInstallation) -> None:
    status = _status(house.esdh, MUNICIPALITY, _live(house))
    assert status.text("State") == "READ"
    steps = list(zip(status.texts("Event/Kind"), status.texts("Event/Basis"), strict=True))
    assert steps == [
        ("RECEIVED", "RECORDED"),
        ("SEALED", "RECORDED"),
        ("ACCEPTED", "EVIDENCE"),
        ("DISPATCHED", "RECORDED"),
        ("AVAILABLE", "EVIDENCE"),
        ("HANDED_OVER", "ASSERTED"),
        ("READ", "ASSERTED"),
    ]
    assert set(status.texts("Event/Issuer/Name")) == {"Bropost Eksempeldrift"}


def test_the_state_follows_the_letter(house: TestInstallation) -> None:
    document_id = send_letter(house)
    assert _status(house.esdh, MUNICIPALITY, document_id).text("State") == "ACCEPTED"
    house.work()
    assert _status(house.esdh, MUNICIPALITY, document_id).text("State") == "AVAILABLE"
    confirm(house.sis, document_id, retrieve(house, document_id))
    assert _status(house.esdh, MUNICIPALITY, document_id).text("State") == "HANDED_OVER"
    assert _status(house.sis, INSTITUTION, document_id).text("State") == "HANDED_OVER"


def test_the_recipient_sees_the_letter_from_its_arrival_on(house: TestInstallation) -> None:
    status = _status(house.sis, INSTITUTION, _live(house))
    known = [
        kind
        for kind, basis in zip(status.texts("Event/Kind"), status.texts("Event/Basis"), strict=True)
        if basis != "INFERRED"
    ]
    assert known == ["AVAILABLE", "HANDED_OVER", "READ"]


def test_open_deadlines_are_shown_until_they_are_met(house: TestInstallation) -> None:
    document_id = deliver_letter(house)
    assert set(_status(house.esdh, MUNICIPALITY, document_id).texts("Deadline/Kind")) == {"HANDOVER", "READ"}
    confirm(house.sis, document_id, retrieve(house, document_id))
    assert _status(house.esdh, MUNICIPALITY, document_id).texts("Deadline/Kind") == ["READ"]
    read(house.sis, document_id, house.clock())
    assert _status(house.esdh, MUNICIPALITY, document_id).texts("Deadline/Kind") == []


# --- GetEvidence ---------------------------------------------------------------------------------------


def test_each_party_gets_the_evidence_that_concerns_it_and_all_of_it_holds(house: TestInstallation) -> None:
    document_id = _live(house)
    sender = accepted(house.esdh, request("GetEvidence", MUNICIPALITY, DocumentId=document_id))
    recipient = accepted(house.sis, request("GetEvidence", INSTITUTION, DocumentId=document_id))
    later = ["ContentConsignment", "ContentHandover", "ContentAccessTracking"]
    assert sender.texts("Evidence/Event") == ["SubmissionAcceptance", *later]
    assert recipient.texts("Evidence/Event") == later
    assert recipient.texts("Evidence/Content") == sender.texts("Evidence/Content")[1:]
    read_evidence = [evidence(house, octets) for octets in sender.texts("Evidence/Content")]
    acceptance = read_evidence[0]["EvidenceIdentifier"]
    assert [each["PreviousEvidence"] for each in read_evidence[1:]] == [acceptance] * 3
    assert {each["SealedDigest"] for each in read_evidence} == {read_evidence[0]["SealedDigest"]}


def test_a_proof_comes_with_the_checkpoint_and_shows_the_entry_in_the_partys_own_log(
    house: TestInstallation,
) -> None:
    document_id = send_letter(house)
    ask = request("GetEvidence", MUNICIPALITY, DocumentId=document_id)
    assert accepted(house.esdh, ask).texts("Evidence/LogProof") == []
    house.work()
    answer = accepted(house.esdh, ask)
    (proof,) = answer.texts("Evidence/LogProof")  # the consignment is proved in the recipient's log
    acceptance = evidence(house, answer.texts("Evidence/Content")[0])
    with house.installation.database.read() as connection:
        entry = log.find_entry(connection, MUNICIPALITY, Uuid4(acceptance["LogEntryId"]))
    assert entry is not None
    key = disclosure_log.log_key(house.installation, MUNICIPALITY)
    checkpoint = parse_proof(proof).verify(entry.octets, [key], acceptance["LogOrigin"])
    assert checkpoint.size > entry.seq
    other = disclosure_log.log_key(house.installation, INSTITUTION)
    with pytest.raises(TrustError, match="LOG_"):
        parse_proof(proof).verify(entry.octets, [LogKey.parse(str(other))], acceptance["LogOrigin"])
    with pytest.raises(TrustError, match="LOG_PROOF_UNTRUSTED"):
        parse_proof(proof).verify(
            entry.octets.replace(b"DISCLOSE", b"RECEIVED"), [key], acceptance["LogOrigin"]
        )


def test_a_proof_holds_over_many_entries(house: TestInstallation) -> None:
    sent = [send_letter(house) for _ in range(12)]
    house.work()
    key = disclosure_log.log_key(house.installation, MUNICIPALITY)
    for document_id in sent:
        answer = accepted(house.esdh, request("GetEvidence", MUNICIPALITY, DocumentId=document_id))
        acceptance = evidence(house, answer.texts("Evidence/Content")[0])
        with house.installation.database.read() as connection:
            entry = log.find_entry(connection, MUNICIPALITY, Uuid4(acceptance["LogEntryId"]))
        assert entry is not None
        parse_proof(answer.texts("Evidence/LogProof")[0]).verify(entry.octets, [key], acceptance["LogOrigin"])


# --- ListEvents ----------------------------------------------------------------------------------------


def test_everything_that_happened_is_listed_in_a_stable_order_with_the_state_after_it(
    house: TestInstallation,
) -> None:
    document_id = _live(house)
    answer = _events(house.esdh, MUNICIPALITY)
    assert list(zip(_kinds(answer), answer.texts("Event/State"), strict=True)) == [
        (state, state)
        for state in ("RECEIVED", "SEALED", "ACCEPTED", "DISPATCHED", "AVAILABLE", "HANDED_OVER", "READ")
    ]
    assert set(answer.texts("Event/DocumentId")) == {document_id}
    again = _events(house.esdh, MUNICIPALITY)
    assert again.texts("Event/TimelineEvent/EventId") == answer.texts("Event/TimelineEvent/EventId")


def test_the_recipient_is_told_nothing_before_the_letter_is_there(house: TestInstallation) -> None:
    send_letter(house)
    assert _kinds(_events(house.sis, INSTITUTION)) == []
    house.work()
    assert _kinds(_events(house.sis, INSTITUTION)) == ["AVAILABLE"]


def test_one_fact_has_one_id_whoever_is_told(house: TestInstallation) -> None:
    _live(house)
    sender = _events(house.esdh, MUNICIPALITY).texts("Event/TimelineEvent/EventId")
    recipient = _events(house.sis, INSTITUTION).texts("Event/TimelineEvent/EventId")
    assert sender[-3:] == recipient


def test_events_are_paged_and_a_cursor_leads_to_what_comes_later(house: TestInstallation) -> None:
    for _ in range(4):
        deliver_letter(house)
    whole = _events(house.esdh, MUNICIPALITY)
    pages, cursor, more = [], "", True
    while more:
        page = _events(house.esdh, MUNICIPALITY, **({"Cursor": cursor} if cursor else {}), PageSize="7")
        pages.append(page.texts("Event/TimelineEvent/EventId"))
        cursor, more = page.text("NextCursor"), page.text("More") == "true"
    assert [len(page) for page in pages] == [7, 7, 6]
    assert [event for page in pages for event in page] == whole.texts("Event/TimelineEvent/EventId")
    assert _kinds(_events(house.esdh, MUNICIPALITY, Cursor=cursor)) == []
    house.clock.forward(seconds=1)
    send_letter(house)
    assert _kinds(_events(house.esdh, MUNICIPALITY, Cursor=cursor)) == ["RECEIVED", "SEALED", "ACCEPTED"]


def test_an_event_is_listed_again_until_the_system_asks_with_its_cursor(house: TestInstallation) -> None:
    send_letter(house)
    first = _events(house.esdh, MUNICIPALITY)
    assert _kinds(_events(house.esdh, MUNICIPALITY)) == _kinds(first)
    assert _kinds(_events(house.esdh, MUNICIPALITY, Cursor=first.text("NextCursor"))) == []


def test_reading_what_happened_leaves_nothing_but_the_memory_of_the_message(house: TestInstallation) -> None:
    document_id = _live(house)
    before = row_counts(house)
    _status(house.esdh, MUNICIPALITY, document_id)
    _events(house.esdh, MUNICIPALITY)
    accepted(house.esdh, request("GetEvidence", MUNICIPALITY, DocumentId=document_id))
    after = row_counts(house)
    assert after == {**before, "replay": before["replay"] + 3}


def test_evidence_is_dated_by_when_it_was_observed(house: TestInstallation) -> None:
    document_id = send_letter(house)
    sent_at = house.clock()
    house.clock.forward(minutes=10)
    house.work()
    answer = accepted(house.esdh, request("GetEvidence", MUNICIPALITY, DocumentId=document_id))
    acceptance, consignment = (evidence(house, octets) for octets in answer.texts("Evidence/Content"))
    stamp = "%Y-%m-%dT%H:%M:%S.000Z"
    assert acceptance["EventTime"] == sent_at.strftime(stamp)
    assert consignment["EventTime"] == (sent_at + timedelta(minutes=10)).strftime(stamp)
    assert consignment["SubmissionTime"] == acceptance["EventTime"]
    assert base64.b64decode(answer.texts("Evidence/Content")[0]).startswith(b"<Evidence")

"""The recipient's system says that it stored a letter, and that a person opened it; each is evidenced once, to both."""

from __future__ import annotations

import base64
import hashlib
from datetime import timedelta

import pytest

from gateway.domain.disclosure import Actor
from gateway.domain.operations import Service
from gateway.domain.party import Route
from gateway.services import parties
from gateway.storage import log
from gateway.translog.leaf import parse_leaf
from tests.installation import INSTITUTION, MUNICIPALITY, Caller, TestInstallation
from tests.services.papers import (
    accepted,
    confirm,
    deliver_letter,
    evidence,
    grown,
    inbox,
    read,
    request,
    retrieve,
    row_counts,
    send_letter,
)

VENDOR = "leverandoer-esdh"


def _another_system(house: TestInstallation) -> Caller:
    """A system that may act for the school too, by mandate."""
    house.mandate(VENDOR, INSTITUTION)
    return house.caller(VENDOR, Service.INSTITUTION)


def _send_all_to(house: TestInstallation, system: str) -> None:
    """Let the school's routes send every document to this system alone."""
    parties.set_routes(house.installation, INSTITUTION, (Route(house.systems[system].id),))


def test_a_hand_over_is_evidenced_with_what_was_stored_and_who_said_so(house: TestInstallation) -> None:
    document_id = deliver_letter(house)
    octets = retrieve(house, document_id)
    answer = confirm(house.sis, document_id, octets)
    assert (answer.text("State"), answer.text("Repeated")) == ("HANDED_OVER", "false")
    handover = evidence(house, answer.text("ContentHandover"))
    assert handover["Event"] == "ContentHandover"
    assert handover["DocumentId"] == document_id
    assert handover.octets("SealedDigest") == hashlib.sha256(octets).digest()
    assert handover["AssertedBySystem/SystemId"] == house.systems["proeveby-sis"].id.text
    assert handover["RequestDigest"] == answer.text("Answer/RequestDigest")
    assert handover["LogOrigin"].endswith(str(INSTITUTION))


def test_both_logs_name_the_system_that_says_it_stored_the_document(house: TestInstallation) -> None:
    document_id = deliver_letter(house)
    assert confirm(house.sis, document_id, retrieve(house, document_id)).fault_code is None
    for party in (MUNICIPALITY, INSTITUTION):
        with house.installation.database.read() as connection:
            leaves = [parse_leaf(each.octets) for each in log.entries(connection, party, 0, 1000)]
        (entry,) = (leaf for leaf in leaves if leaf.event == "ContentHandover")
        assert entry.actor == Actor("SYSTEM", system=house.systems["proeveby-sis"].id.text)


def test_a_system_that_stored_other_octets_has_stored_nothing(house: TestInstallation) -> None:
    document_id = deliver_letter(house)
    before = row_counts(house)
    answer = confirm(house.sis, document_id, retrieve(house, document_id) + b"\n")
    assert answer.fault_code == "CONTENT_DIGEST_DIFFERENT"
    assert "handover" not in grown(before, row_counts(house))
    assert inbox(house.sis) == [document_id]


def test_a_hand_over_confirmed_again_gives_the_first_evidence(house: TestInstallation) -> None:
    document_id = deliver_letter(house)
    first = confirm(house.sis, document_id, retrieve(house, document_id))
    before = row_counts(house)
    house.clock.forward(minutes=5)
    second = confirm(house.sis, document_id, retrieve(house, document_id))
    assert second.text("Repeated") == "true"
    assert second.text("ContentHandover") == first.text("ContentHandover")
    assert grown(before, row_counts(house)) == {"replay": 2, "log_entry": 1, "opening": 1}  # one retrieval


def test_a_reading_is_evidenced_by_role_and_the_readers_name_stays_at_home(house: TestInstallation) -> None:
    document_id = deliver_letter(house)
    answer = read(house.sis, document_id, house.clock(), ReaderName="Sofie Eksempelsen")
    assert (answer.text("State"), answer.text("Repeated")) == ("READ", "false")
    receipt = evidence(house, answer.text("ContentAccessTracking"))
    assert receipt["Event"] == "ContentAccessTracking"
    assert receipt["AssertedBySystem/Role"] == "STUDY_COUNSELLOR"
    told = accepted(house.esdh, request("GetEvidence", MUNICIPALITY, DocumentId=document_id))
    assert answer.text("ContentAccessTracking") in told.texts("Evidence/Content")
    everything = told.http.body + b"".join(map(base64.b64decode, told.texts("Evidence/Content")))
    assert b"Sofie" not in everything


def test_a_reading_registered_again_gives_the_first_receipt_and_another_role_its_own(
    house: TestInstallation,
) -> None:
    document_id = deliver_letter(house)
    first = read(house.sis, document_id, house.clock())
    house.clock.forward(hours=1)
    again = read(house.sis, document_id, house.clock())
    teacher = read(house.sis, document_id, house.clock(), role="CONTACT_TEACHER")
    assert (again.text("Repeated"), teacher.text("Repeated")) == ("true", "false")
    assert again.text("ContentAccessTracking") == first.text("ContentAccessTracking")
    assert teacher.text("ContentAccessTracking") != first.text("ContentAccessTracking")


@pytest.mark.parametrize(
    ("span", "code"),
    [
        (timedelta(minutes=6), "READ_TIME"),
        (timedelta(minutes=4), None),
        (timedelta(hours=-1), None),
        (timedelta(hours=-3), "READ_TIME"),
    ],
    ids=["future", "skew", "after it was there", "before it was there"],
)
def test_a_reading_lies_between_the_delivery_and_now(
    house: TestInstallation, span: timedelta, code: str | None
) -> None:
    document_id = deliver_letter(house)
    house.clock.forward(hours=2)
    assert read(house.sis, document_id, house.clock() + span).fault_code == code


def test_the_read_receipt_says_when_it_was_read_and_when_that_was_told(house: TestInstallation) -> None:
    document_id = deliver_letter(house)
    read_at = house.clock()
    house.clock.forward(hours=2)
    receipt = evidence(house, read(house.sis, document_id, read_at).text("ContentAccessTracking"))
    assert receipt["AssertedBySystem/At"] == f"{read_at:%Y-%m-%dT%H:%M:%S}.000Z"
    assert receipt["EventTime"] == f"{house.clock():%Y-%m-%dT%H:%M:%S}.000Z"


def test_a_reading_implies_a_hand_over_but_is_not_evidence_of_it(house: TestInstallation) -> None:
    document_id = deliver_letter(house)
    read(house.sis, document_id, house.clock())
    status = accepted(house.esdh, request("GetStatus", MUNICIPALITY, DocumentId=document_id))
    steps = dict(zip(status.texts("Event/Kind"), status.texts("Event/Basis"), strict=True))
    assert steps["HANDED_OVER"] == "INFERRED"
    assert steps["READ"] == "ASSERTED"


def test_the_sender_cannot_confirm_or_read_for_the_recipient(house: TestInstallation) -> None:
    document_id = deliver_letter(house)
    octets = retrieve(house, document_id)
    assert confirm(house.esdh, document_id, octets, MUNICIPALITY).fault_code == "NOT_FOUND"
    assert read(house.esdh, document_id, house.clock(), MUNICIPALITY).fault_code == "NOT_FOUND"


def test_a_letter_that_is_not_delivered_is_not_there_for_its_recipient(house: TestInstallation) -> None:
    document_id = send_letter(house)
    for operation in ("Retrieve", "GetStatus", "GetEvidence"):
        body = request(operation, INSTITUTION, DocumentId=document_id)
        assert house.sis.call(body).fault_code == "NOT_FOUND"
    assert confirm(house.sis, document_id, b"").fault_code == "NOT_FOUND"
    assert read(house.sis, document_id, house.clock()).fault_code == "NOT_FOUND"


# --- routes --------------------------------------------------------------------------------------------


def test_a_system_to_which_no_route_leads_hands_nothing_over(house: TestInstallation) -> None:
    other = _another_system(house)
    _send_all_to(house, "proeveby-sis")
    document_id = deliver_letter(house)
    octets = retrieve(house, document_id)
    before = row_counts(house)
    answer = confirm(other, document_id, octets)
    assert (answer.fault_code, answer.is_signed) == ("NOT_ROUTED", True)
    assert grown(before, row_counts(house)) == {"refusal": 1, "replay": 1}
    status = accepted(house.esdh, request("GetStatus", MUNICIPALITY, DocumentId=document_id))
    assert status.text("State") == "AVAILABLE"
    assert "HANDOVER" in status.texts("Deadline/Kind")
    assert confirm(house.sis, document_id, octets).text("Repeated") == "false"


def test_a_system_to_which_no_route_leads_may_still_fetch_and_register_a_reading(
    house: TestInstallation,
) -> None:
    other = _another_system(house)
    _send_all_to(house, "proeveby-sis")
    document_id = deliver_letter(house)
    accepted(other, request("Retrieve", INSTITUTION, DocumentId=document_id))
    assert read(other, document_id, house.clock()).text("State") == "READ"


def test_the_routes_of_the_moment_decide_who_hands_over(house: TestInstallation) -> None:
    other = _another_system(house)
    _send_all_to(house, "proeveby-sis")
    document_id = deliver_letter(house)
    octets = retrieve(house, document_id)
    _send_all_to(house, VENDOR)
    assert confirm(house.sis, document_id, octets).fault_code == "NOT_ROUTED"
    assert confirm(other, document_id, octets).text("State") == "HANDED_OVER"


def test_a_hand_over_may_be_repeated_after_the_routes_have_changed(house: TestInstallation) -> None:
    _another_system(house)
    document_id = deliver_letter(house)
    octets = retrieve(house, document_id)
    first = confirm(house.sis, document_id, octets)
    _send_all_to(house, VENDOR)
    again = confirm(house.sis, document_id, octets)
    assert again.text("Repeated") == "true"
    assert again.text("ContentHandover") == first.text("ContentHandover")

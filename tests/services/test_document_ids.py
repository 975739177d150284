"""To each party a document id names one document, whichever way it went."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway.domain.identifiers import PartyId, Uuid4
from gateway.domain.operations import Service
from tests.golden.changes import Change, Remove
from tests.installation import (
    INSTITUTION,
    OTHER_INSTITUTION,
    OTHER_MUNICIPALITY,
    Answered,
    Caller,
    TestInstallation,
)
from tests.services.papers import (
    SEALED_BY_SYSTEM,
    accepted,
    between,
    confirm,
    grown,
    id_of,
    listing,
    notice,
    paper,
    retrieve,
    row_counts,
    sealed,
    sending,
)

LARGE_TEXT = b"Alma er i gang med forl\xc3\xb8bet.\n" * 12_000  # above what is kept in the database


@pytest.mark.parametrize("is_delivered", [True, False], ids=["delivered", "on its way"])
def test_a_party_cannot_send_under_the_id_of_a_document_it_was_sent(
    house: TestInstallation, is_delivered: bool
) -> None:
    letter = paper(house.clock())
    accepted(house.esdh, sending(letter))
    if is_delivered:
        house.work()
    before = row_counts(house)
    answer = house.sis.call(sending(notice(house.clock(), document_id=id_of(letter)), by=INSTITUTION))
    assert (answer.fault_code, answer.is_signed) == ("DOCUMENT_ID_TAKEN", True)
    assert grown(before, row_counts(house)) == {"refusal": 1, "replay": 1, "log_entry": 1, "opening": 1}
    house.work()
    assert id_of(letter).encode() in retrieve(house, id_of(letter))
    assert confirm(house.sis, id_of(letter), retrieve(house, id_of(letter))).fault_code is None


@pytest.mark.parametrize("sender_is_school", [True, False], ids=["sent", "was sent"])
def test_a_party_is_never_sent_a_second_document_of_an_id_it_knows(
    house: TestInstallation, sender_is_school: bool
) -> None:
    if sender_is_school:
        known = notice(house.clock())
        accepted(house.sis, sending(known, by=INSTITUTION))
    else:
        known = paper(house.clock())
        accepted(house.esdh, sending(known))
    answer = _from_the_other_municipality(house, id_of(known))
    assert answer.fault_code == "DOCUMENT_ID_TAKEN"


def test_a_letter_whose_id_is_taken_leaves_no_file(house: TestInstallation) -> None:
    known = notice(house.clock())
    accepted(house.sis, sending(known, by=INSTITUTION))
    before = sorted((house.folder / "blobs").rglob("*"))
    large = listing(("forloeb.txt", "text/plain", LARGE_TEXT))
    letter = paper(house.clock(), large, document_id=id_of(known))
    answer = house.esdh.call(sending(letter, attachments=[LARGE_TEXT]))
    assert answer.fault_code == "DOCUMENT_ID_TAKEN"
    assert sorted((house.folder / "blobs").rglob("*")) == before


def test_parties_that_share_no_document_may_use_the_same_id(house: TestInstallation) -> None:
    letter = paper(house.clock())
    accepted(house.esdh, sending(letter))
    assert _from_the_other_municipality(house, id_of(letter), OTHER_INSTITUTION).fault_code is None


def test_that_an_id_is_taken_is_told_only_of_a_document_that_could_be_sent(house: TestInstallation) -> None:
    letter = paper(house.clock())
    accepted(house.esdh, sending(letter))
    unlawful = Remove("/Document/Header/LegalBasis")
    asked = _from_the_other_municipality(house, id_of(letter), INSTITUTION, unlawful)
    unknown = _from_the_other_municipality(house, Uuid4.new().text, INSTITUTION, unlawful)
    assert asked.fault_code == unknown.fault_code != "DOCUMENT_ID_TAKEN"


def test_of_two_documents_of_one_id_that_cross_one_is_accepted(house: TestInstallation) -> None:
    letter = paper(house.clock())
    told = notice(house.clock(), document_id=id_of(letter))
    start = threading.Barrier(2)

    def send(caller: Caller, message: bytes) -> str | None:
        start.wait()
        return caller.send(message).fault_code

    with ThreadPoolExecutor(1) as municipality, ThreadPoolExecutor(1) as school:
        # A thread's first document takes longer than the race that is wanted.
        municipality.submit(accepted, house.esdh, sending(paper(house.clock()))).result()
        school.submit(accepted, house.sis, sending(notice(house.clock()), by=INSTITUTION)).result()
        crossing = [
            municipality.submit(send, house.esdh, house.esdh.message(sending(letter))),
            school.submit(send, house.sis, house.sis.message(sending(told, by=INSTITUTION))),
        ]
    assert {answer.result() for answer in crossing} == {None, "DOCUMENT_ID_TAKEN"}


def _from_the_other_municipality(
    house: TestInstallation, document_id: str, recipient: PartyId = INSTITUTION, *changes: Change
) -> Answered:
    """A letter under this id of a municipality that has no part in the others' documents."""
    changes = (SEALED_BY_SYSTEM, *between(OTHER_MUNICIPALITY, recipient), *changes)
    letter = paper(house.clock(), *changes, document_id=document_id)
    octets = sealed(letter, "proevelund-kommune", house.clock())
    return house.caller("proevelund-esdh", Service.MUNICIPALITY).call(sending(octets, by=OTHER_MUNICIPALITY))

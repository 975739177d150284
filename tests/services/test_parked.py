"""A delivery that was set aside leaves nobody in the dark: the sender is told in time, a person retries or gives up."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from sqlalchemy import text

from gateway.domain.catalogue import Code
from gateway.domain.disclosure import CommittedField, EntryKind, Leaf
from gateway.domain.errors import InputError
from gateway.domain.identifiers import PartyId, Uuid4
from gateway.domain.operations import Service
from gateway.services import parked
from gateway.storage import log, openings, outbox
from gateway.translog.commitment import parse_opening
from gateway.translog.leaf import parse_leaf
from tests.golden.changes import Insert
from tests.installation import (
    INSTITUTION,
    MUNICIPALITY,
    OTHER_INSTITUTION,
    OTHER_MUNICIPALITY,
    TestInstallation,
)
from tests.services.papers import (
    SEALED_BY_SYSTEM,
    accepted,
    between,
    evidence,
    grown,
    id_of,
    inbox,
    paper,
    request,
    row_counts,
    sealed,
    send_letter,
    sending,
)

WHY = "Skolen er nedlagt; kommunen har ringet til den nye."


@pytest.fixture
def broken(house: TestInstallation) -> Generator[TestInstallation]:
    """The installation with a defect: the recipient's key is gone."""
    other = house.reopened()
    _key(other).rename(other.folder / "kek")
    yield other
    other.close()


def _key(house: TestInstallation) -> Path:
    return house.folder / "keys" / f"{INSTITUTION}.kek"


def _mend(house: TestInstallation) -> None:
    (house.folder / "kek").rename(_key(house))


def _parked_letter(house: TestInstallation) -> str:
    day = f"{house.clock():%Y-%m-%d}"
    wish = Insert("before", "/Document/Header/CreatedAt", f"<ReplyDue>{day}</ReplyDue>")
    document_id = send_letter(house, wish)
    house.work()
    return document_id


def _abandon(house: TestInstallation, document_id: str) -> parked.GivenUp:
    return parked.abandon(house.installation, Uuid4(document_id), WHY)


def _leaves(house: TestInstallation) -> list[Leaf]:
    with house.installation.database.read() as connection:
        return [parse_leaf(each.octets) for each in log.entries(connection, MUNICIPALITY, 0, 1000)]


def _waits(house: TestInstallation, document_id: str) -> dict[str, str]:
    status = accepted(house.esdh, request("GetStatus", MUNICIPALITY, DocumentId=document_id))
    return dict(zip(status.texts("Deadline/Kind"), status.texts("Deadline/Fired"), strict=True))


# --- told in time --------------------------------------------------------------------------------------


def _set_closing_days(house: TestInstallation, days: str, *parties: PartyId) -> None:
    """With "no-day" a party cannot be read."""
    with house.installation.database.alone() as connection:
        harm = text("UPDATE party SET closing_days = :days WHERE party = :party")
        for party in parties or (INSTITUTION,):
            connection.execute(harm, {"days": days, "party": str(party)})


def test_the_sender_is_told_of_a_delivery_that_failed_before_it_was_dispatched(
    house: TestInstallation,
) -> None:
    document_id = send_letter(house)
    _set_closing_days(house, "no-day")  # so that the recipient cannot be read, nor its working time be known
    house.work()
    with house.installation.database.read() as connection:
        assert [each.row.attempts for each in outbox.parked(connection)] == [1]
    assert _waits(house, document_id) == {"DELIVERY": "false"}
    house.clock.forward(days=2)
    house.renew_lists()
    house.work()
    status = accepted(house.esdh, request("GetStatus", MUNICIPALITY, DocumentId=document_id))
    assert status.text("State") == "UNDELIVERED"
    assert "DISPATCHED" not in status.texts("Event/Kind")


def test_the_wait_of_a_failed_delivery_is_opened_once(house: TestInstallation) -> None:
    document_id = send_letter(house)
    _set_closing_days(house, "no-day")
    house.work()
    assert parked.retry(house.installation) == 1
    house.work()
    _set_closing_days(house, "")
    assert parked.retry(house.installation) == 1
    house.work()
    assert inbox(house.sis) == [document_id]
    with house.installation.database.read() as connection:
        query = text("SELECT count(*) FROM deadline WHERE kind = 'DELIVERY'")
        assert connection.execute(query).scalar_one() == 1


# --- tried again ---------------------------------------------------------------------------------------


def test_what_was_set_aside_is_delivered_when_the_cause_is_mended(broken: TestInstallation) -> None:
    first, second = _parked_letter(broken), _parked_letter(broken)
    _mend(broken)
    assert parked.retry(broken.installation, Uuid4(second)) == 1
    broken.work()
    assert inbox(broken.sis) == [second]
    assert parked.retry(broken.installation) == 1
    broken.work()
    assert inbox(broken.sis) == [second, first]
    assert parked.retry(broken.installation) == 0


@pytest.mark.parametrize("code", [Code.STORE_BEHIND, Code.STORE_RESTORED])
def test_what_a_restore_set_aside_is_tried_again_by_its_id_alone(
    broken: TestInstallation, code: Code
) -> None:
    parked_letter = _parked_letter(broken)
    _mend(broken)
    restored = send_letter(broken)
    with broken.installation.database.alone() as connection:
        # What was set aside before the backup may have been taken up after it: that too only by its id.
        assert outbox.park_all(connection, broken.clock(), code) == 2
    assert parked.retry(broken.installation) == 0
    for number, document_id in enumerate((parked_letter, restored), start=1):
        assert parked.retry(broken.installation, Uuid4(document_id)) == 1
        broken.work()
        assert inbox(broken.sis) == [parked_letter, restored][:number]


# --- given up ------------------------------------------------------------------------------------------


def test_a_delivery_that_is_given_up_is_evidenced_told_and_logged(broken: TestInstallation) -> None:
    document_id = _parked_letter(broken)
    before = row_counts(broken)
    assert _abandon(broken, document_id) == parked.GivenUp(MUNICIPALITY, repeated=False)
    assert grown(before, row_counts(broken)) == {
        "outbox": -1, "evidence": 1, "event": 1, "log_entry": 1, "opening": 1,
    }  # fmt: skip
    status = accepted(broken.esdh, request("GetStatus", MUNICIPALITY, DocumentId=document_id))
    assert status.text("State") == "UNDELIVERED"
    told = accepted(broken.esdh, request("ListEvents", MUNICIPALITY))
    assert told.texts("Event/TimelineEvent/Kind")[-1] == "UNDELIVERED"
    answer = accepted(broken.esdh, request("GetEvidence", MUNICIPALITY, DocumentId=document_id))
    given = evidence(broken, answer.texts("Evidence/Content")[-1])
    assert given["Event"] == "ContentConsignmentFailure"
    assert given["IssuedOnAbsence"] == "false"
    assert given["Reasons/Reason/Code"] == "DELIVERY_ABANDONED"
    assert given["Reasons/Reason/Detail"] == Code.KEY_MISSING.name
    entry = _leaves(broken)[-1]
    assert (entry.kind, entry.event, entry.outcome) == (
        EntryKind.EVIDENCE,
        "ContentConsignmentFailure",
        "FAILED",
    )
    assert entry.actor is not None
    assert entry.actor.role == "OPERATOR"
    assert _decision(broken, entry) == WHY


def _decision(house: TestInstallation, entry: Leaf) -> str:
    """Why somebody decided, as the entry's opening says."""
    with house.installation.database.read() as connection:
        kept = openings.find_opening(connection, entry.entry_id)
    assert kept is not None
    name = entry.entry_id.text.encode()
    key = house.installation.keys.key_encryption_key(MUNICIPALITY).unwrap(kept.wrapped_key, name)
    found = [parse_opening(line) for line in key.decrypt(kept.ciphertext, name).splitlines()]
    (decision,) = [each.value for each in found if each.field is CommittedField.DECISION]
    return decision


def test_a_letter_that_was_given_up_is_not_said_to_be_accepted_when_it_is_sent_again(
    house: TestInstallation,
) -> None:
    letter = paper(house.clock())
    accepted(house.esdh, sending(letter))
    _set_closing_days(house, "no-day")
    house.work()
    _set_closing_days(house, "")
    _abandon(house, id_of(letter))
    again = accepted(house.esdh, sending(letter))
    assert (again.text("State"), again.text("Repeated")) == ("UNDELIVERED", "true")
    house.work()
    assert inbox(house.sis) == []


def test_given_up_once_more_changes_nothing(broken: TestInstallation) -> None:
    document_id = _parked_letter(broken)
    _abandon(broken, document_id)
    before = row_counts(broken)
    assert _abandon(broken, document_id) == parked.GivenUp(MUNICIPALITY, repeated=True)
    assert row_counts(broken) == before


def test_nobody_waits_any_more_for_what_was_given_up(broken: TestInstallation) -> None:
    document_id = _parked_letter(broken)
    assert set(_waits(broken, document_id)) == {"DELIVERY", "ANSWER"}
    _abandon(broken, document_id)
    _mend(broken)
    broken.clock.forward(days=60)
    broken.renew_lists()
    broken.work()
    told = accepted(broken.esdh, request("ListEvents", MUNICIPALITY)).texts("Event/TimelineEvent/Kind")
    assert told[-1] == "UNDELIVERED"
    assert "UNANSWERED" not in told
    assert inbox(broken.sis) == []


def test_what_is_not_set_aside_is_not_given_up(house: TestInstallation) -> None:
    document_id = send_letter(house)
    for known in (document_id, Uuid4.new().text):
        with pytest.raises(InputError) as refused:
            _abandon(house, known)
        assert refused.value.code is Code.NOT_FOUND
    house.work()
    assert inbox(house.sis) == [document_id]


def _two_of_one_id(house: TestInstallation) -> str:
    """Two letters of this id between parties that have nothing to do with each other, both set aside."""
    ours = send_letter(house)
    changes = (SEALED_BY_SYSTEM, *between(OTHER_MUNICIPALITY, OTHER_INSTITUTION))
    octets = sealed(paper(house.clock(), *changes, document_id=ours), "proevelund-kommune", house.clock())
    accepted(house.caller("proevelund-esdh", Service.MUNICIPALITY), sending(octets, by=OTHER_MUNICIPALITY))
    _set_closing_days(house, "no-day", INSTITUTION, OTHER_INSTITUTION)
    house.work()
    _set_closing_days(house, "", INSTITUTION, OTHER_INSTITUTION)
    return ours


def test_a_command_said_again_gives_up_no_other_partys_letter_of_the_same_id(house: TestInstallation) -> None:
    ours = _two_of_one_id(house)
    first = parked.abandon(house.installation, Uuid4(ours), WHY, MUNICIPALITY)
    assert first == parked.GivenUp(MUNICIPALITY, repeated=False)
    before = row_counts(house)
    with pytest.raises(InputError) as refused:
        _abandon(house, ours)
    assert refused.value.code is Code.ARGUMENT_INVALID
    assert row_counts(house) == before
    assert parked.abandon(house.installation, Uuid4(ours), WHY, MUNICIPALITY).repeated
    assert not parked.abandon(house.installation, Uuid4(ours), WHY, OTHER_MUNICIPALITY).repeated
    with pytest.raises(InputError) as refused:
        _abandon(house, ours)
    assert refused.value.code is Code.ARGUMENT_INVALID


def test_of_two_documents_of_one_id_the_sender_tells_which_is_given_up(house: TestInstallation) -> None:
    ours = _two_of_one_id(house)
    with pytest.raises(InputError) as refused:
        _abandon(house, ours)
    assert refused.value.code is Code.ARGUMENT_INVALID
    given_up = parked.abandon(house.installation, Uuid4(ours), WHY, OTHER_MUNICIPALITY)
    assert given_up == parked.GivenUp(OTHER_MUNICIPALITY, repeated=False)
    assert parked.retry(house.installation) == 1
    house.work()
    assert inbox(house.sis) == [ours]


def test_of_two_documents_of_one_id_the_sender_tells_which_is_tried_again(house: TestInstallation) -> None:
    ours = _two_of_one_id(house)
    before = row_counts(house)
    with pytest.raises(InputError) as refused:
        parked.retry(house.installation, Uuid4(ours))
    assert refused.value.code is Code.ARGUMENT_INVALID
    assert "name --party" in str(refused.value)
    assert row_counts(house) == before
    house.work()
    assert inbox(house.sis) == []
    assert parked.retry(house.installation, Uuid4(ours), INSTITUTION) == 0
    assert parked.retry(house.installation, Uuid4(ours), OTHER_MUNICIPALITY) == 1
    house.work()
    assert inbox(house.sis) == []
    assert parked.retry(house.installation, Uuid4(ours)) == 1  # one alone is set aside now
    house.work()
    assert inbox(house.sis) == [ours]

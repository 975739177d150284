"""What was accepted is delivered once, whatever becomes of a worker; what cannot be delivered holds up nothing else."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import structlog
from sqlalchemy import text

from gateway.domain.catalogue import Code
from gateway.domain.deadlines import DeadlineKind
from gateway.domain.disclosure import EntryKind
from gateway.domain.identifiers import PartyId
from gateway.interfaces.worker import Worker
from gateway.services import delivery
from gateway.storage import deadlines, log, outbox
from gateway.storage.blobs import ORPHAN_AGE
from gateway.storage.outbox import OutboxRow
from gateway.translog.leaf import parse_leaf
from tests.installation import INSTITUTION, MUNICIPALITY, TestInstallation
from tests.services.papers import accepted, grown, request, row_counts, send_letter

LEASE_SECONDS = 60


def _inbox(house: TestInstallation) -> list[str]:
    return accepted(house.sis, request("ListInbox", INSTITUTION)).texts("Item/DocumentId")


def _tasks(house: TestInstallation) -> list[OutboxRow]:
    """The tasks that are open, parked ones too."""
    with house.installation.database.read() as connection:
        rows = connection.exec_driver_sql("SELECT id FROM outbox ORDER BY id").all()
        parked = {each.row.id: each.row for each in outbox.parked(connection)}
    return [parked[key] for (key,) in rows if key in parked]


def _waiting(house: TestInstallation) -> list[tuple[int, str | None]]:
    """Attempts and last failure of each open task that is not parked."""
    with house.installation.database.read() as connection:
        query = "SELECT attempts, last_code FROM outbox WHERE parked_at IS NULL ORDER BY id"
        return [(attempts, code) for attempts, code in connection.exec_driver_sql(query).all()]


def _worker(house: TestInstallation) -> Worker:
    return Worker(house.installation, poll_seconds=0.01, lease_seconds=LEASE_SECONDS, checkpoint_seconds=1)


def _log(house: TestInstallation, party: PartyId) -> list[EntryKind]:
    with house.installation.database.read() as connection:
        head = log.log_head(connection, party)
        assert head is not None
        return [parse_leaf(each.octets).kind for each in log.entries(connection, party, 0, head.size)]


def test_a_delivery_is_one_inbox_row_one_evidence_and_an_entry_in_both_logs(house: TestInstallation) -> None:
    house.work()
    send_letter(house)
    before = row_counts(house)
    house.work()
    assert grown(before, row_counts(house)) == {
        "outbox": -1,
        "delivery": 1,
        "data_key": 1,
        "evidence": 1,
        "event": 3,  # DISPATCHED to the sender, AVAILABLE to both
        "deadline": 3,  # DELIVERY, then HANDOVER and READ
        "log_entry": 2,
        "opening": 2,
    }
    assert _log(house, MUNICIPALITY)[-2:] == [EntryKind.DISCLOSE, EntryKind.EVIDENCE]
    assert _log(house, INSTITUTION)[-1] is EntryKind.RECEIVE


def test_letters_are_delivered_in_the_order_of_acceptance(house: TestInstallation) -> None:
    sent = [send_letter(house) for _ in range(5)]
    house.work()
    assert _inbox(house) == sent


def test_an_idle_worker_writes_nothing(house: TestInstallation) -> None:
    worker = _worker(house)
    while worker.turn():
        pass
    before = row_counts(house)
    assert not worker.turn()
    assert row_counts(house) == before


# --- more than one worker ------------------------------------------------------------------------------


def test_a_worker_that_ended_in_the_middle_is_followed_by_another(house: TestInstallation) -> None:
    document_id = send_letter(house)
    with house.installation.database.alone() as connection:
        assert outbox.claim(connection, "worker-that-ended", house.clock(), LEASE_SECONDS)
    house.work()
    assert _inbox(house) == []
    house.clock.forward(seconds=LEASE_SECONDS)
    house.work()
    assert _inbox(house) == [document_id]


@dataclass
class _Interrupted:
    """A clock that lets something happen at the n-th time it is asked."""

    clock: Callable[[], datetime]
    number: int
    happening: Callable[[], object]
    asked: int = 0

    def __call__(self) -> datetime:
        self.asked += 1
        if self.asked == self.number:
            self.happening()
        return self.clock()


def test_a_worker_that_was_overtaken_delivers_nothing_a_second_time(house: TestInstallation) -> None:
    document_id = send_letter(house)

    def overtake() -> None:
        assert _waiting(house) == [(1, None)]  # the slow worker holds the task
        house.clock.forward(seconds=LEASE_SECONDS + 1)
        house.work()
        assert _inbox(house) == [document_id]

    slow = replace(house.installation, clock=_Interrupted(house.clock, 2, overtake))
    before = row_counts(house)
    assert delivery.deliver_next(slow, "slow", LEASE_SECONDS)
    changes = grown(before, row_counts(house))
    assert (changes["delivery"], changes["evidence"], changes["event"]) == (1, 1, 3)
    status = accepted(house.esdh, request("GetStatus", MUNICIPALITY, DocumentId=document_id))
    assert status.texts("Event/Kind").count("DISPATCHED") == 1


def test_two_workers_at_once_deliver_each_letter_once(house: TestInstallation) -> None:
    sent = [send_letter(house) for _ in range(12)]
    before = row_counts(house)

    def work() -> None:
        worker = _worker(house)
        while worker.turn():
            pass

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    house.work()
    assert sorted(_inbox(house)) == sorted(sent)
    changes = grown(before, row_counts(house))
    assert (changes["delivery"], changes["evidence"], changes["event"]) == (12, 12, 36)


def test_a_worker_works_until_it_is_told_to_stop(house: TestInstallation) -> None:
    document_id = send_letter(house)
    done = threading.Event()
    house.installation.database.on_commit.append(lambda _: done.set() if _delivered(house) else None)
    worker = _worker(house)
    thread = threading.Thread(target=worker.run)
    thread.start()
    assert done.wait(timeout=20)
    worker.stop()
    thread.join(timeout=20)
    assert not thread.is_alive()
    assert _inbox(house) == [document_id]


def _delivered(house: TestInstallation) -> bool:
    return row_counts(house)["delivery"] > 0


# --- what cannot be delivered --------------------------------------------------------------------------


def _key(house: TestInstallation) -> Path:
    """The file of the recipient's key."""
    return house.folder / "keys" / f"{INSTITUTION}.kek"


@pytest.fixture
def away(house: TestInstallation) -> TestInstallation:
    """The installation after a restart, with the recipient's key away: a folder stands in its place."""
    other = house.reopened()
    _key(other).rename(other.folder / "kek")
    _key(other).mkdir(mode=0o700)
    return other


def _back(house: TestInstallation) -> None:
    _key(house).rmdir()
    (house.folder / "kek").rename(_key(house))


def test_a_failure_that_may_pass_is_tried_again_later_and_later(away: TestInstallation) -> None:
    document_id = send_letter(away)
    for number, pause in enumerate(delivery.PAUSES[:4], start=1):
        away.work()
        assert _waiting(away) == [(number, Code.STORE_UNAVAILABLE.name)]
        away.clock.forward(seconds=pause.total_seconds() - 0.1)
        away.work()
        assert _waiting(away)[0][0] == number
        away.clock.forward(seconds=0.1)
    _back(away)
    away.work()
    assert _inbox(away) == [document_id]
    assert _waiting(away) == []
    away.close()


def test_after_about_a_day_of_attempts_a_person_looks_before_the_sender_is_told(
    away: TestInstallation,
) -> None:
    send_letter(away)
    began, attempts = away.clock(), 0
    away.work()
    while not _tasks(away):
        away.clock.forward(seconds=delivery.PAUSES[min(attempts, len(delivery.PAUSES) - 1)].total_seconds())
        attempts += 1
        away.work()
    (task,) = _tasks(away)
    with away.installation.database.read() as connection:
        (wait,) = deadlines.deadlines_of(connection, task.document_key)
    assert timedelta(hours=22) < away.clock() - began < timedelta(hours=24)
    assert wait.kind is DeadlineKind.DELIVERY
    assert away.clock() < wait.due_at
    away.close()


def test_a_failure_that_does_not_pass_is_set_aside_for_a_person_and_alarms(away: TestInstallation) -> None:
    send_letter(away)
    with structlog.testing.capture_logs() as logs:
        for number in range(delivery.ATTEMPTS_MOST):
            away.work()
            away.clock.forward(seconds=delivery.PAUSES[min(number, 6)].total_seconds())
    (task,) = _tasks(away)
    assert (task.attempts, task.last_code) == (delivery.ATTEMPTS_MOST, Code.STORE_UNAVAILABLE.name)
    alarms = [each for each in logs if each["log_level"] == "error"]
    assert [each["event"] for each in alarms] == ["delivery parked"]
    away.close()


def test_a_defect_is_set_aside_at_once_and_the_sender_is_told_in_time(house: TestInstallation) -> None:
    other = house.reopened()
    _key(other).unlink()
    document_id = send_letter(other)
    with structlog.testing.capture_logs() as logs:
        other.work()
    (task,) = _tasks(other)
    assert (task.attempts, task.last_code) == (1, Code.KEY_MISSING.name)
    assert [each["event"] for each in logs if each["log_level"] == "error"] == ["delivery parked"]
    other.clock.forward(days=10)
    other.renew_lists()
    other.work()
    status = accepted(other.esdh, request("GetStatus", MUNICIPALITY, DocumentId=document_id))
    assert status.text("State") == "UNDELIVERED"
    other.close()


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE document SET kind = 'NoSuchKind' WHERE key = :key",
        "UPDATE document SET attention = 'NO_SUCH_ROLE' WHERE key = :key",
        "DELETE FROM data_key WHERE document_key = :key",
        "UPDATE blob SET octets = (SELECT sealed_digest FROM document WHERE key = :key)"
        " WHERE name = (SELECT sealed_blob FROM document WHERE key = :key)",
    ],
    ids=["kind", "attention", "key", "content"],
)
def test_a_task_that_cannot_be_read_holds_up_no_other(house: TestInstallation, harm: str) -> None:
    send_letter(house)
    with house.installation.database.alone() as connection:
        (key,) = connection.exec_driver_sql("SELECT key FROM document").one()
        connection.execute(text(harm), {"key": key})
    later = [send_letter(house) for _ in range(2)]
    house.work()
    assert _inbox(house) == later
    assert [task.document_key for task in _tasks(house)] == [key]


def test_a_task_that_ended_its_worker_again_and_again_is_set_aside(house: TestInstallation) -> None:
    send_letter(house)
    for _ in range(delivery.ATTEMPTS_MOST):
        with house.installation.database.alone() as connection:
            assert outbox.claim(connection, "worker-that-ended", house.clock(), LEASE_SECONDS)
        house.clock.forward(seconds=LEASE_SECONDS)
    house.work()
    (task,) = _tasks(house)
    assert task.attempts == delivery.ATTEMPTS_MOST + 1
    assert _inbox(house) == []


def test_what_fails_in_one_duty_keeps_no_other_from_its_turn(house: TestInstallation) -> None:
    document_id = send_letter(house)
    house.work()
    send_letter(house)
    with house.installation.database.alone() as connection:
        connection.execute(text("ALTER TABLE outbox RENAME TO stuck"))
    house.clock.forward(days=10)
    house.renew_lists()
    with structlog.testing.capture_logs() as logs:
        house.work()
    assert [each for each in logs if each["event"] == "worker failed"]
    status = accepted(house.esdh, request("GetStatus", MUNICIPALITY, DocumentId=document_id))
    assert "UNREAD" in status.texts("Event/Kind")
    with house.installation.database.read() as connection:
        head, latest = log.log_head(connection, MUNICIPALITY), log.latest_checkpoint(connection, MUNICIPALITY)
    assert head is not None
    assert latest is not None
    assert latest.size == head.size


# --- what is left behind -------------------------------------------------------------------------------


def test_a_file_that_a_crash_left_behind_is_removed_and_others_stay(house: TestInstallation) -> None:
    orphan = house.folder / "blobs" / "ab" / "ab" / ("ab" * 32)
    orphan.parent.mkdir(parents=True)
    orphan.write_bytes(b"half a letter")
    house.work()
    assert orphan.exists()
    house.clock.forward(seconds=(ORPHAN_AGE + timedelta(days=1)).total_seconds())
    house.work()
    assert not orphan.exists()

"""A wait that cannot be told of is put off and alarms; it holds up no other, and is told once that can be."""

from __future__ import annotations

from datetime import timedelta

import pytest
import structlog
from sqlalchemy import text

from gateway.domain.catalogue import Code
from gateway.domain.deadlines import DeadlineKind
from gateway.services import deadlines as sweeping
from gateway.storage.gauges import read_gauges
from tests.installation import INSTITUTION, MUNICIPALITY, TestInstallation
from tests.services.papers import deliver_letter
from tests.services.test_deadlines import key_of, status_of, undelivered, wait_row


def test_a_wait_that_cannot_be_evidenced_alarms_and_holds_up_no_other(house: TestInstallation) -> None:
    first, second = deliver_letter(house), deliver_letter(house)
    key = key_of(house, first)
    with house.installation.database.alone() as connection:
        connection.execute(text("UPDATE document SET kind = 'NoSuchKind' WHERE key = :key"), {"key": key})
    house.clock.now = wait_row(house, second, DeadlineKind.READ).due_at + timedelta(hours=1)
    house.renew_lists()
    with structlog.testing.capture_logs() as logs:
        house.work()
    assert {each["event"] for each in logs if each["log_level"] == "error"} == {"deadline failed"}
    status = status_of((house.esdh, MUNICIPALITY), second)
    assert {"UNREAD", "UNDELIVERED"} <= set(status.texts("Event/Kind"))
    with house.installation.database.alone() as connection:
        mended = text("UPDATE document SET kind = 'EducationOrderLetter' WHERE key = :key")
        connection.execute(mended, {"key": key})
    house.work()
    assert "UNREAD" not in status_of((house.esdh, MUNICIPALITY), first).texts("Event/Kind")
    house.clock.forward(seconds=sweeping.DEFECT_PAUSE.total_seconds())
    house.work()
    assert "UNREAD" in status_of((house.esdh, MUNICIPALITY), first).texts("Event/Kind")


@pytest.mark.parametrize(
    ("harm", "mend"),
    [
        ("kind = 'NEXT_YEARS'", "kind = 'READ'"),
        ("warned_at = 9000000000000000000", "warned_at = NULL"),
    ],
    ids=["a kind that a later version wrote", "a time that is none"],
)
def test_a_wait_that_cannot_be_read_alarms_and_holds_up_no_other(
    house: TestInstallation, harm: str, mend: str
) -> None:
    first, second = deliver_letter(house), deliver_letter(house)
    wait = wait_row(house, first, DeadlineKind.READ)
    _change(house, wait.id, harm)
    house.clock.now = wait_row(house, second, DeadlineKind.READ).due_at + timedelta(hours=1)
    house.renew_lists()
    with structlog.testing.capture_logs() as logs:
        house.work()
    (told,) = [each for each in logs if each["log_level"] == "error"]
    assert (told["event"], told["deadline"]) == ("deadline failed", wait.id)
    assert told["code"] == Code.STORED_DATA_ALTERED.name
    assert told["kind"] in ("KeyError", "OverflowError")
    assert "UNREAD" in status_of((house.esdh, MUNICIPALITY), second).texts("Event/Kind")
    assert _put_off(house) == 1
    _change(house, wait.id, mend)
    house.work()
    assert "UNREAD" not in status_of((house.esdh, MUNICIPALITY), first).texts("Event/Kind")
    house.clock.forward(seconds=sweeping.DEFECT_PAUSE.total_seconds())
    house.work()
    assert "UNREAD" in status_of((house.esdh, MUNICIPALITY), first).texts("Event/Kind")
    assert _put_off(house) == 0


def _change(house: TestInstallation, wait: int, change: str) -> None:
    with house.installation.database.alone() as connection:
        connection.execute(text(f"UPDATE deadline SET {change} WHERE id = :id"), {"id": wait})


def _put_off(house: TestInstallation) -> int:
    with house.installation.database.read() as connection:
        return read_gauges(connection, house.clock()).put_off


def test_a_wait_whose_partys_key_is_away_holds_up_no_other(house: TestInstallation) -> None:
    first = deliver_letter(house)
    wait = wait_row(house, first, DeadlineKind.READ)
    _change(house, wait.id, "next_at = 1")  # looked at before all others
    second = undelivered(house)
    key, aside = house.folder / "keys" / f"{INSTITUTION}.kek", house.folder / "kek"
    house.clock.now = wait_row(house, second, DeadlineKind.DELIVERY).due_at + timedelta(days=30)
    house.renew_lists()
    house = house.reopened()
    key.rename(aside)
    key.mkdir(mode=0o700)  # so that it cannot be read
    with structlog.testing.capture_logs() as logs:
        house.work()
    failed = [(each.get("duty"), each.get("code")) for each in logs if each["event"] == "worker failed"]
    assert set(failed) == {("sweep", Code.STORE_UNAVAILABLE.name)}
    assert "UNDELIVERED" in status_of((house.esdh, MUNICIPALITY), second).texts("Event/Kind")
    assert "UNREAD" not in status_of((house.esdh, MUNICIPALITY), first).texts("Event/Kind")
    assert _put_off(house) >= 1
    key.rmdir()
    aside.rename(key)
    house.clock.forward(seconds=sweeping.AWAY_PAUSE.total_seconds())
    house.work()
    assert "UNREAD" in status_of((house.esdh, MUNICIPALITY), first).texts("Event/Kind")
    assert _put_off(house) == 0
    house.close()

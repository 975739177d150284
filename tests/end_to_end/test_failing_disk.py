"""A disk that is full, or cannot say that it keeps what it took: nothing acknowledged is lost, nothing happens twice.

A process whose disk fails from a moment on is told so by the kernel: see failing_disk.py. It refuses, and goes on
refusing; then the gateway starts again on a disk that is well, and the systems ask again.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from gateway.domain.catalogue import Code
from gateway.domain.evidence import EvidenceEvent
from gateway.domain.identifiers import Uuid4
from gateway.services import parked
from tests.end_to_end import failing_child
from tests.end_to_end.failing_child import FIRST, LARGE, NEXT, sent
from tests.end_to_end.failing_disk import Fault
from tests.end_to_end.store_checks import evidence_octets, facts, orphans, require_whole
from tests.end_to_end.test_killed import newest_checkpoints, require_verified
from tests.installation import (
    INSTITUTION,
    MUNICIPALITY,
    TestInstallation,
    copy_installation,
    open_test_installation,
)

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def seed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation with a letter that waits to be delivered."""
    folder = tmp_path_factory.mktemp("seed")
    test = open_test_installation(folder)
    test.work()
    assert sent(test, FIRST) is None
    test.close()
    return folder


def suffered(seed: Path, folder: Path, fault: Fault, act: str) -> list[str | None]:
    """Let a process act on a copy of the installation while the disk fails; what it was answered."""
    copy_installation(seed, folder)
    command = [sys.executable, "-m", failing_child.__name__, str(folder), fault.value, act]
    ran = subprocess.run(command, cwd=HERE.parents[1], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    answers: list[str | None] = json.loads(ran.stdout.splitlines()[-1])
    return answers


@contextmanager
def mended(folder: Path) -> Generator[TestInstallation]:
    """The installation after its restart on a disk that is well."""
    test = open_test_installation(folder, registered=False)
    try:
        require_whole(test.installation)
        yield test
    finally:
        test.close()


def acceptance(test: TestInstallation, letter: Uuid4) -> list[bytes]:
    """The acceptance of a letter as it is stored, or none."""
    return evidence_octets(test.installation, letter, EvidenceEvent.SUBMISSION_ACCEPTANCE)


def require_everything_once(test: TestInstallation, letters: int) -> None:
    """Let everything be done that is due, and assert that it happened once to each of these letters."""
    anchors = newest_checkpoints(test)
    test.clock.forward(minutes=2)
    test.work()
    require_whole(test.installation)
    told = facts(test.installation)
    assert told["documents"] == {f"{MUNICIPALITY} {INSTITUTION}": letters}
    assert told["deliveries"] == {str(INSTITUTION): letters}
    assert told["evidence"] == {"SubmissionAcceptance": letters, "ContentConsignment": letters}
    assert told["tasks"] == {}
    assert {
        told["events"][f"{MUNICIPALITY} {state}"] for state in ("ACCEPTED", "DISPATCHED", "AVAILABLE")
    } == {letters}
    require_verified(test, anchors)


@pytest.mark.parametrize("act", ["send", "send-large"])
@pytest.mark.parametrize("fault", list(Fault), ids=lambda fault: fault.value)
def test_a_letter_that_cannot_be_kept_is_refused_until_the_disk_is_well(
    seed: Path, tmp_path: Path, fault: Fault, act: str
) -> None:
    answers = suffered(seed, tmp_path / "life", fault, act)
    assert set(answers) == {Code.STORE_UNAVAILABLE.name}
    with mended(tmp_path / "life") as test:
        given = {letter: acceptance(test, letter) for letter in (FIRST, NEXT, LARGE)}
        assert len(given[FIRST]) == 1
        for letter in given:
            assert sent(test, letter) is None  # asked again, in a fresh message
        assert all(octets in ([], acceptance(test, letter)) for letter, octets in given.items())
        require_everything_once(test, 3)


@pytest.mark.parametrize("fault", list(Fault), ids=lambda fault: fault.value)
def test_a_gateway_that_keeps_nothing_is_not_ready_and_says_so(
    seed: Path, tmp_path: Path, fault: Fault
) -> None:
    answers = suffered(seed, tmp_path / "life", fault, "look")
    told = ["503", "ready", "store_writable", "StoreUnwritable"]
    assert answers == ["200", Code.STORE_UNAVAILABLE.name, *told, *told]
    with mended(tmp_path / "life") as test:
        assert test.installation.database.may_write()


@pytest.mark.parametrize("fault", list(Fault), ids=lambda fault: fault.value)
def test_what_cannot_be_delivered_now_is_delivered_once_the_disk_is_well(
    seed: Path, tmp_path: Path, fault: Fault
) -> None:
    suffered(seed, tmp_path / "life", fault, "deliver")
    with mended(tmp_path / "life") as test:
        require_everything_once(test, 1)


@pytest.mark.parametrize("fault", list(Fault), ids=lambda fault: fault.value)
def test_a_delivery_is_given_up_once_though_the_disk_failed_meanwhile(
    seed: Path, tmp_path: Path, fault: Fault
) -> None:
    copy_installation(seed, tmp_path / "parked")
    with mended(tmp_path / "parked") as test, test.installation.database.alone() as connection:
        connection.execute(text("UPDATE outbox SET parked_at = 0, last_code = 'INTERNAL'"))
    answers = suffered(tmp_path / "parked", tmp_path / "life", fault, "abandon")
    assert answers == [Code.STORE_UNAVAILABLE.name]
    with mended(tmp_path / "life") as test:
        for _ in range(2):
            parked.abandon(test.installation, FIRST, "Skolen er nedlagt.")
        told = facts(test.installation)
        assert told["evidence"] == {"SubmissionAcceptance": 1, "ContentConsignmentFailure": 1}
        assert told["events"][f"{MUNICIPALITY} UNDELIVERED"] == 1
        require_whole(test.installation)


def test_an_attachment_for_which_there_is_no_room_leaves_nothing_behind(seed: Path, tmp_path: Path) -> None:
    suffered(seed, tmp_path / "life", Fault.FULL, "send-large")
    with mended(tmp_path / "life") as test:
        assert orphans(test.installation, tmp_path / "life" / "blobs") == []


def test_a_letter_whose_attachment_was_swept_away_before_its_commit_is_refused(
    seed: Path, tmp_path: Path
) -> None:
    copy_installation(seed, tmp_path / "life")
    with mended(tmp_path / "life") as test:
        blobs = test.installation.blobs

        def sweep(moment: str) -> None:
            if moment == "after":
                for path in blobs.files():
                    path.unlink()

        blobs.on_rename.append(sweep)
        assert sent(test, LARGE) == Code.STORE_UNAVAILABLE.name
        blobs.on_rename.remove(sweep)
        assert acceptance(test, LARGE) == []
        assert sent(test, LARGE) is None
        require_everything_once(test, 2)


def test_a_full_database_goes_on_by_itself_once_there_is_room(seed: Path, tmp_path: Path) -> None:
    copy_installation(seed, tmp_path / "life")
    with mended(tmp_path / "life") as test:
        with test.installation.database.alone() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 1")  # what it has now, and no page more
        refused = [sent(test, letter) for letter in (NEXT, LARGE)]
        assert set(refused) == {Code.STORE_UNAVAILABLE.name}
        with test.installation.database.alone() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
        assert [sent(test, letter) for letter in (NEXT, LARGE)] == [None, None]
        require_everything_once(test, 3)

"""Two workers at once, on one store: each promise is kept once, each wait warns once and fires once.

Threads on every kind of database; two processes, one of them killed, are in test_two_processes.py and test_killed.py.
"""

from __future__ import annotations

import threading
from collections.abc import Generator
from pathlib import Path

import pytest

from gateway.interfaces.worker import Worker
from gateway.services.store_check import check_store
from tests import postgres
from tests.end_to_end.store_checks import facts
from tests.end_to_end.test_killed import newest_checkpoints, require_verified
from tests.installation import (
    INSTITUTION,
    MUNICIPALITY,
    TestInstallation,
    open_test_installation,
    remove_database,
)
from tests.services.papers import send_letter

LETTERS = 6


@pytest.fixture(params=postgres.kinds())
def house(tmp_path: Path, request: pytest.FixtureRequest) -> Generator[TestInstallation]:
    """An installation with a municipality and a school, its logs under their checkpoints."""
    opened = open_test_installation(tmp_path, kind=request.param)
    opened.work()
    yield opened
    opened.close()
    remove_database(tmp_path)


def _work_at_once(house: TestInstallation) -> None:
    """Let two workers do everything that is due, side by side."""
    started = threading.Barrier(2)

    def work() -> None:
        worker = Worker(house.installation, poll_seconds=1, lease_seconds=60, checkpoint_seconds=1)
        started.wait()
        while worker.turn():
            pass

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    house.work()


def test_two_workers_at_once_do_everything_once(house: TestInstallation) -> None:
    anchors = newest_checkpoints(house)
    for _ in range(LETTERS):
        send_letter(house)
    _work_at_once(house)
    for days in (1, 3, 30):  # past warnings and ends
        house.clock.forward(days=days)
        house.renew_lists()
        _work_at_once(house)
    told = facts(house.installation)
    assert told["deliveries"] == {str(INSTITUTION): LETTERS}
    assert told["waits"] == {
        "DELIVERY cancelled": LETTERS,
        "HANDOVER fired": LETTERS,
        "READ fired": LETTERS,
    }
    assert told["evidence"] == {
        "SubmissionAcceptance": LETTERS,
        "ContentConsignment": LETTERS,
        "ContentHandoverFailure": LETTERS,
        "ReadExpiry": LETTERS,
    }
    assert {count for kind, count in told["events"].items() if kind.startswith(str(MUNICIPALITY))} == {
        LETTERS
    }
    assert told["tasks"] == {}
    with house.installation.database.read() as connection:
        assert check_store(house.installation, connection).evidence == 4 * LETTERS
    require_verified(house, anchors)

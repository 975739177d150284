"""Two gateways on one database lose nothing and do nothing twice, also when one of them is killed.

Each has systems that send to it and a worker of its own, which take from the same outbox and write the same two logs.
One is ended by SIGKILL in the middle; the other goes on as if nothing had been.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Generator
from dataclasses import asdict
from pathlib import Path

import pytest

from gateway.domain.evidence import EvidenceEvent
from tests import postgres
from tests.end_to_end import killed_child
from tests.end_to_end.killed_child import CROWD, Order, read_journal
from tests.end_to_end.letter_life import Kind, send_letter
from tests.end_to_end.store_checks import evidence_octets, facts, orphans, require_whole
from tests.end_to_end.test_killed import HERE, newest_checkpoints, require_verified, started_again
from tests.installation import (
    INSTITUTION,
    MUNICIPALITY,
    TestInstallation,
    copy_installation,
    open_test_installation,
    remove_database,
)

ON_A_SERVER = [kind for kind in postgres.kinds() if kind == "postgresql"]
MINE, OTHERS = CROWD[0::2], CROWD[1::2]


@pytest.fixture(scope="module", params=ON_A_SERVER)
def seed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Generator[Path]:
    """An installation whose logs have their first checkpoints."""
    folder = tmp_path_factory.mktemp("seed")
    test = open_test_installation(folder, kind=request.param)
    test.work()
    test.close()
    yield folder
    remove_database(folder)


@pytest.fixture
def gateways() -> Generator[list[subprocess.Popen[str]]]:
    """Two processes that wait for their orders."""
    command = [sys.executable, "-m", killed_child.__name__]
    made = [
        subprocess.Popen(
            command, cwd=HERE.parents[1], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    yield made
    for each in made:
        each.communicate()


def run(gateways: list[subprocess.Popen[str]], orders: list[Order]) -> list[int]:
    """Let the processes carry out their orders at the same time; give how each ended."""
    for gateway, order in zip(gateways, orders, strict=True):
        assert gateway.stdin is not None
        gateway.stdin.write(json.dumps(asdict(order)) + "\n")
        gateway.stdin.flush()
    return [int(gateway.stdout.readline()) for gateway in gateways if gateway.stdout is not None]


@pytest.mark.parametrize("killed", [None, ("commit before", 2), ("commit after", 3)], ids=str)
def test_two_gateways_on_one_database(
    seed: Path, gateways: list[subprocess.Popen[str]], tmp_path: Path, killed: tuple[str, int] | None
) -> None:
    folder = tmp_path / "life"
    copy_installation(seed, folder)
    journals = [tmp_path / "first.journal", tmp_path / "second.journal"]
    moment, answered = killed or ("never", 0)
    ended = run(
        gateways,
        [
            Order(str(folder), str(journals[0]), crowd=moment, moment=answered, place=0, step=2),
            Order(str(folder), str(journals[1]), crowd="never", place=1, step=2),
        ],
    )
    assert ended == [-signal.SIGKILL if killed else 0, 0]
    first, second = (
        {each.name: each.octets for each in read_journal(journal) if each.kind is Kind.ANSWERED}
        for journal in journals
    )
    assert second.keys() == {letter.text for letter in OTHERS}
    assert answered <= len(first) <= len(MINE)
    with started_again(folder, read_journal(journals[1])[-1].at) as test:
        anchors = newest_checkpoints(test)
        require_whole(test.installation)
        acknowledged = first | second
        assert {
            letter.text: acceptances(test, letter.text) for letter in CROWD if letter.text in acknowledged
        } == {name: [octets] for name, octets in acknowledged.items()}
        for letter in CROWD:
            was_accepted = bool(acceptances(test, letter.text))
            answer = test.esdh.call(send_letter(large=False, document_id=letter.text).encode())
            assert answer.text("Repeated") == ("true" if was_accepted else "false")
        test.clock.forward(minutes=2)  # past the lease of the worker that was killed
        test.work()
        require_whole(test.installation)
        require_once(test)
        require_verified(test, anchors)
        assert orphans(test.installation, folder / "blobs") == []
    remove_database(folder)
    shutil.rmtree(folder)


def acceptances(test: TestInstallation, letter: str) -> list[bytes]:
    """The acceptance of a letter as it is stored, or none."""
    (found,) = (each for each in CROWD if each.text == letter)
    return evidence_octets(test.installation, found, EvidenceEvent.SUBMISSION_ACCEPTANCE)


def require_once(test: TestInstallation) -> None:
    """Assert that everything happened to every letter, once."""
    found = facts(test.installation)
    count = len(CROWD)
    assert {name: found[name] for name in ("documents", "deliveries", "events", "evidence", "tasks")} == {
        "documents": {f"{MUNICIPALITY} {INSTITUTION}": count},
        "deliveries": {str(INSTITUTION): count},
        "events": {
            **{
                f"{MUNICIPALITY} {state}": count
                for state in ("RECEIVED", "SEALED", "ACCEPTED", "DISPATCHED", "AVAILABLE")
            },
            f"{INSTITUTION} AVAILABLE": count,
        },
        "evidence": {"SubmissionAcceptance": count, "ContentConsignment": count},
        "tasks": {},
    }

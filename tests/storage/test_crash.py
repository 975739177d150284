"""A process that is killed at any moment leaves a store in which everything or nothing of a document is there."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.storage import leftovers, log
from gateway.storage.blobs import ORPHAN_AGE, Blobs
from gateway.storage.database import Database
from tests import postgres
from tests.storage import crash_child
from tests.storage.samples import MUNICIPALITY

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _commits_wait_for_the_disk(url: str) -> Generator[None]:
    """A file's always do; the tests' server is told to."""
    with nullcontext() if url.startswith("sqlite") else postgres.server().durable():
        yield


def _die(url: str, tmp_path: Path, moment: str) -> None:
    """Let a child accept one document in the test's store and be killed at this moment."""
    command = [sys.executable, "-m", crash_child.__name__, url, str(tmp_path / "blobs"), moment]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()


@pytest.mark.parametrize(
    ("moment", "accepted", "files"),
    [
        ("rename before", 0, 1),  # an unfinished file
        ("rename after", 0, 1),  # a whole file that no row knows
        ("commit before", 0, 1),
        ("commit after", 1, 1),
    ],
)
def test_a_killed_process_leaves_all_or_nothing(
    url: str, tmp_path: Path, moment: str, accepted: int, files: int
) -> None:
    _die(url, tmp_path, moment)
    again = Database.open(url, busy_seconds=1)
    blobs = Blobs(tmp_path / "blobs")
    with again.read() as connection:
        counts = [
            connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()
            for table in ("document", "part", "blob", "outbox", "log_entry", "replay")
        ]
        assert counts == [accepted] * 6
        head = log.log_head(connection, MUNICIPALITY)
        assert head is not None
        assert head.size == accepted
        assert len([each for each in (tmp_path / "blobs").rglob("*") if each.is_file()]) == files
        later = datetime.now(UTC) + ORPHAN_AGE + timedelta(seconds=5)
        for names in leftovers.walk(blobs, later):
            leftovers.set_aside(connection, blobs, names, later)
        assert len(list(blobs.unfinished())) == 0
        assert len(list(blobs.files())) == accepted
        if accepted:
            assert blobs.get(connection, crash_child.NAME) == crash_child.CIPHERTEXT
        if url.startswith("sqlite"):
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"
    with again.alone() as connection:
        crash_child.accept(connection, blobs, crash_child.CIPHERTEXT + b"another")
    again.close()

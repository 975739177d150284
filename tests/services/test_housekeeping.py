"""Housekeeping takes small steps, removes nothing that a row knows, and nothing at once."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import structlog
from sqlalchemy import text

from gateway.services.housekeeping import WALK_EVERY, Housekeeping
from gateway.storage import leftovers
from gateway.storage.blobs import INLINE_OCTETS, ORPHAN_AGE, Blobs
from gateway.storage.leftovers import KEPT_ASIDE
from tests.installation import TestInstallation, now

LARGE = b"l" * (INLINE_OCTETS + 1)
LATER = ORPHAN_AGE + timedelta(minutes=1)


def everything(housekeeping: Housekeeping) -> int:
    """Do all that is due; gives how many steps it took."""
    steps = 0
    while housekeeping.step():
        steps += 1
    return steps


def in_place(house: TestInstallation) -> list[str]:
    """The names of the files that are where contents are."""
    return sorted(path.name for path in house.installation.blobs.files())


def aside(house: TestInstallation) -> list[str]:
    """The names of the files that were set aside."""
    return sorted(path.name for path in house.installation.blobs.aside.iterdir())


def keep(house: TestInstallation, octets: bytes) -> str:
    """Put a large content into the store."""
    staged = house.installation.blobs.stage([octets])
    with house.installation.database.transaction() as connection:
        house.installation.blobs.record(connection, staged)
    return staged.name


def forget_rows(house: TestInstallation) -> None:
    """Let the database know no content, as an older one does."""
    with house.installation.database.transaction() as connection:
        connection.execute(text("DELETE FROM blob"))


@pytest.fixture
def at(house: TestInstallation) -> datetime:
    """The time of this machine, by which files are dated, also as the installation's."""
    house.clock.now = now()
    return house.clock.now


def test_what_a_process_wrote_in_vain_is_set_aside_after_an_hour(
    house: TestInstallation, at: datetime
) -> None:
    known = keep(house, LARGE)
    vain = house.installation.blobs.stage([LARGE, b"in vain"]).name
    housekeeping = Housekeeping(house.installation)
    everything(housekeeping)
    assert in_place(house) == sorted([known, vain])
    house.clock.now = at + LATER
    with structlog.testing.capture_logs() as logs:
        everything(housekeeping)  # without a walk: there was one an hour ago
    assert [(each["event"], each["files"]) for each in logs] == [("files without rows set aside", 1)]
    assert (in_place(house), aside(house)) == ([known], [vain])


def test_what_a_crash_left_is_found_within_a_day(house: TestInstallation, at: datetime) -> None:
    housekeeping = Housekeeping(house.installation)
    everything(housekeeping)
    folder = Path(house.folder) / "blobs"
    left = Blobs(folder).stage([LARGE]).name  # by a process that is gone
    half = folder / "unfinished-0"
    half.write_bytes(b"half")
    house.clock.now = at + LATER
    everything(housekeeping)
    assert (in_place(house), half.exists()) == ([left], True)
    house.clock.now = at + WALK_EVERY
    everything(housekeeping)
    assert (in_place(house), aside(house), half.exists()) == ([], [left], False)


def test_a_gateway_that_serves_an_older_database_deletes_nothing_at_once(
    house: TestInstallation, at: datetime
) -> None:
    contents = {keep(house, each): each for each in (LARGE + bytes([number]) for number in range(3))}
    names = sorted(contents)
    with house.installation.database.read() as connection:
        rows = connection.execute(text("SELECT name, size FROM blob")).all()
    forget_rows(house)
    house.clock.now = at + LATER
    everything(Housekeeping(house.installation))
    assert (in_place(house), aside(house)) == ([], names)
    with house.installation.database.transaction() as connection:  # the right database is served again
        for name, size in rows:
            connection.execute(
                text("INSERT INTO blob (name, size) VALUES (:name, :size)"), {"name": name, "size": size}
            )
    with house.installation.database.read() as connection:
        assert house.installation.blobs.get(connection, names[0]) == contents[names[0]]
    assert in_place(house) == names[:1]  # whoever asks for one gets it back; the next walk finds the others
    house.clock.forward(days=8)
    everything(Housekeeping(house.installation))
    assert (in_place(house), aside(house)) == (names, [])


def test_what_lay_aside_for_a_week_is_deleted(house: TestInstallation, at: datetime) -> None:
    keep(house, LARGE)
    forget_rows(house)
    house.clock.now = at + LATER
    housekeeping = Housekeeping(house.installation)
    everything(housekeeping)
    house.clock.now = at + LATER + KEPT_ASIDE - timedelta(minutes=1)
    everything(housekeeping)
    assert len(aside(house)) == 1
    house.clock.now = at + LATER + KEPT_ASIDE + WALK_EVERY
    everything(housekeeping)
    assert aside(house) == []


def test_a_walk_through_many_files_takes_steps_between_which_a_worker_delivers(
    house: TestInstallation, at: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leftovers, "BATCH", 2)
    for number in range(5):
        keep(house, LARGE + bytes([number]))
    house.installation.blobs.staged.clear()
    house.clock.now = at + LATER
    housekeeping = Housekeeping(house.installation)
    assert everything(housekeeping) >= 3
    assert len(in_place(house)) == 5
    assert everything(housekeeping) == 0


def test_replay_keys_are_forgotten_some_at_a_time(house: TestInstallation) -> None:
    with house.installation.database.transaction() as connection:
        connection.execute(
            text("INSERT INTO replay (key, expires_at) VALUES (:key, 1)"),
            [{"key": os.urandom(32)} for _ in range(2500)],
        )

    def left() -> int:
        with house.installation.database.read() as connection:
            return int(connection.execute(text("SELECT count(*) FROM replay")).scalar_one())

    housekeeping, seen = Housekeeping(house.installation), [left()]
    while housekeeping.step():
        seen.append(left())
    assert list(dict.fromkeys(seen)) == [2500, 1500, 500, 0]


def test_housekeeping_is_done_anew_if_the_clock_was_put_back(house: TestInstallation, at: datetime) -> None:
    keep(house, LARGE)
    housekeeping = Housekeeping(house.installation)
    everything(housekeeping)
    assert not housekeeping.step()
    house.clock.now = at - timedelta(days=400)
    assert housekeeping.step()

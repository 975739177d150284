"""Whatever a gateway was doing when it was killed, it is done once in the end, and what was acknowledged stands.

Each scene of killed_scenes.py is played by a process that is ended by SIGKILL before or after each of its commits and
renames, as many as kill-points.toml says. Then the gateway starts again on what is left, and whoever acted acts again.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Generator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError
from gateway.storage.configuration import moved_to
from gateway.storage.database import Database
from tests import postgres
from tests.end_to_end.killed_scenes import MOVE, OF_THE_STORE, SCENES, moved_address, play, prepare
from tests.end_to_end.letter_life import LEASE_SECONDS, Kind, Phase, Record
from tests.end_to_end.store_checks import facts, orphans, require_whole
from tests.end_to_end.test_killed import (
    COUNTED,
    Doomed,
    newest_checkpoints,
    require_verified,
    serving,
    started_again,
)
from tests.installation import (
    INSTITUTION,
    MUNICIPALITY,
    TestInstallation,
    database_address,
    move_to,
    open_test_installation,
    remove_database,
)

Facts = dict[str, dict[str, int]]
_SAMPLE: Final = ("answer", "abandonment")  # on a server, which sees nothing new in the others
STAGES: Final = [
    (kind, name)
    for kind in postgres.kinds()
    for name in SCENES
    if name not in OF_THE_STORE and (kind == "sqlite" or name in _SAMPLE)
]
MOMENTS: Final = [
    pytest.param((kind, name), moment, id=f"{kind}-{name}-{moment}")
    for kind, name in STAGES
    for moment in range(1, 2 * sum(COUNTED[name].values()) + 1)
]


@dataclass(frozen=True)
class Stage:
    """A scene that is set, the processes that play it, and what the store tells of it when nobody was killed."""

    name: str
    doomed: Doomed
    facts: Facts
    moments: list[str]


SetUp = Callable[[tuple[str, str]], Stage]


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Generator[SetUp]:
    """Sets a scene on a kind of database when it is first asked for; one stands at a time."""
    standing: dict[tuple[str, str], tuple[Stage, Generator[Stage]]] = {}

    def clear() -> None:
        for _, ending in standing.values():
            ending.close()
        standing.clear()

    def stage(key: tuple[str, str]) -> Stage:
        if key not in standing:
            clear()
            beginning = _stage(*key, tmp_path_factory.mktemp("stage"))
            standing[key] = next(beginning), beginning
        return standing[key][0]

    yield stage
    clear()


def _stage(kind: str, name: str, folder: Path) -> Generator[Stage]:
    seed = folder / "seed"
    test = open_test_installation(seed, kind=kind)
    prepare(name, test)
    test.close()
    with serving(seed) as doomed:
        journal = doomed.live(folder / "life", scene=name)
        with started_again(folder / "life", journal[-1].at) as whole:
            told = _ended(whole)
        remove_database(folder / "life")
        yield Stage(name, doomed, told, _moments(journal))
    remove_database(seed)
    shutil.rmtree(folder)


def _moments(journal: list[Record]) -> list[str]:
    return [each.name for each in journal if each.kind is Kind.MOMENT]


def _ended(test: TestInstallation) -> Facts:
    """Let everything be done that is due, assert that the store is whole, and give what it tells."""
    test.clock.forward(seconds=LEASE_SECONDS + 2)
    test.work()
    require_whole(test.installation)
    assert orphans(test.installation, test.folder / "blobs") == []
    return facts(test.installation)


def require_counted(name: str, moments: list[str], record_property: Callable[[str, object], None]) -> None:
    """Assert that the moments of a scene are as many as are written down, and tell how many."""
    record_property("counted", f"moments at which one can be killed ({name}): {len(moments)}")
    found = {f"{what}s": moments.count(f"{what} after") for what in ("rename", "commit")}
    assert found == COUNTED[name]


@pytest.mark.parametrize("key", STAGES, ids="-".join)
def test_the_moments_of_each_operation_are_those_that_are_written_down(
    stages: SetUp, key: tuple[str, str], record_property: Callable[[str, object], None]
) -> None:
    require_counted(key[1], stages(key).moments, record_property)


@pytest.mark.parametrize(("key", "moment"), MOMENTS)
def test_an_operation_that_was_killed_is_done_once_and_nothing_acknowledged_is_lost(
    stages: SetUp, tmp_path: Path, key: tuple[str, str], moment: int
) -> None:
    stage = stages(key)
    folder = tmp_path / "life"
    before = stage.doomed.live(folder, at=(Phase.SUBMISSION.value, moment), scene=stage.name)
    with started_again(folder, before[-1].at) as test:
        anchors = newest_checkpoints(test)
        require_whole(test.installation)
        first, again = play(stage.name, test), play(stage.name, test)
        assert first == again  # evidence, octet for octet
        assert _ended(test) == stage.facts
        require_verified(test, anchors)
    remove_database(folder)
    shutil.rmtree(folder)


# --- the store itself --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def moving(tmp_path_factory: pytest.TempPathFactory) -> Generator[Doomed]:
    """An installation with a letter under way, and the processes that move its store."""
    seed = tmp_path_factory.mktemp("seed")
    test = open_test_installation(seed)
    prepare(MOVE, test)
    test.close()
    with serving(seed) as doomed:
        yield doomed


def test_the_moments_of_a_move_are_those_that_are_written_down(
    moving: Doomed, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    require_counted(MOVE, _moments(moving.live(tmp_path / "life", scene=MOVE)), record_property)


@pytest.mark.parametrize("moment", range(1, 2 * sum(COUNTED[MOVE].values()) + 1))
def test_a_store_whose_move_was_killed_lives_once_at_most_and_moves_when_asked_again(
    moving: Doomed, tmp_path: Path, moment: int
) -> None:
    folder = tmp_path / "life"
    before = moving.live(folder, at=(Phase.SUBMISSION.value, moment), scene=MOVE)
    homes = (database_address(folder), moved_address(folder))
    assert sum(map(_serves, homes)) <= 1
    _require_no_empty_gateway(folder, homes[0])
    test = open_test_installation(folder, registered=False, alone=True)
    play(MOVE, test)
    test.close()
    assert list(map(_serves, homes)) == [False, True]
    move_to(folder, homes[1])
    with started_again(folder, before[-1].at) as moved:
        told = _ended(moved)
        assert (told["documents"], told["deliveries"], told["tasks"]) == (
            {f"{MUNICIPALITY} {INSTITUTION}": 1},
            {str(INSTITUTION): 1},
            {},
        )
        require_verified(moved, newest_checkpoints(moved))


def _require_no_empty_gateway(folder: Path, old: str) -> None:
    """Assert that a gateway which is set to the new address too soon is refused, unless the old one still serves."""
    if _serves(old):
        return
    move_to(folder, moved_address(folder))
    is_there = _serves(moved_address(folder))
    with nullcontext() if is_there else pytest.raises(InputError) as refused:
        open_test_installation(folder, registered=False).close()
    assert refused is None or refused.value.code is Code.STORE_UNFINISHED
    move_to(folder, old)


def _serves(address: str) -> bool:
    """Whether a gateway would serve the store at this address: one lives there, and did not move away."""
    database = Database.open(address, busy_seconds=5)
    try:
        database.migrate()
        with database.read() as connection:
            lives = connection.exec_driver_sql("SELECT count(*) FROM party").scalar_one() > 0
            return lives and moved_to(connection) is None
    finally:
        database.close()


def test_the_store_that_moved_is_refused(moving: Doomed, tmp_path: Path) -> None:
    moving.live(tmp_path / "life", scene=MOVE)
    with pytest.raises(InputError) as refused:
        open_test_installation(tmp_path / "life", registered=False)
    assert refused.value.code is Code.STORE_MOVED

"""A command on the store itself that was killed leaves the store as it was, or done; and what is half a copy is none.

`bropost store backup`, `bropost restore check` and `bropost restore accept` are ended by SIGKILL before and after each
of their commits and renames, as many as kill-points.toml says. Then the operator gives the command again.
`bropost store copy` is killed in test_killed_scenes.py.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Final

import pytest

from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError
from gateway.domain.identifiers import Uuid4
from gateway.services.backup import DATABASE
from gateway.services.store_check import check_store
from gateway.storage.configuration import SetAside, note_set_aside, set_aside
from tests import postgres
from tests.end_to_end.killed_scenes import ACCEPTANCE, BACKUP, BACKUPS, CHECKS, play, prepare
from tests.end_to_end.letter_life import Kind, Phase, Record
from tests.end_to_end.store_checks import facts, require_whole, rows
from tests.end_to_end.test_killed import COUNTED, Doomed, serving
from tests.end_to_end.test_killed_scenes import require_counted
from tests.installation import TestInstallation, open_test_installation, remove_database

STAGES: Final = [
    *(("sqlite", name) for name in BACKUPS),
    *((kind, name) for kind in postgres.kinds() for name in (*CHECKS, ACCEPTANCE)),
]
Told = dict[str, dict[str, int]]
SetUp = Callable[[str, str], Doomed]


def _moments(*names: str) -> list[object]:
    return [
        pytest.param(kind, name, moment, id=f"{kind}-{name}-{moment}")
        for kind, name in STAGES
        if name in names
        for moment in range(1, 2 * sum(COUNTED[name].values()) + 1)
    ]


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Generator[SetUp]:
    """Sets a scene on a kind of database when it is first asked for."""
    standing: dict[tuple[str, str], tuple[Doomed, Generator[Doomed]]] = {}

    def stage(kind: str, name: str) -> Doomed:
        if (kind, name) not in standing:
            beginning = _stage(kind, name, tmp_path_factory.mktemp("stage") / "seed")
            standing[kind, name] = next(beginning), beginning
        return standing[kind, name][0]

    yield stage
    for _, ending in standing.values():
        ending.close()


def _stage(kind: str, name: str, seed: Path) -> Generator[Doomed]:
    test = open_test_installation(seed, kind=kind)
    prepare(name, test)
    test.close()
    with serving(seed) as doomed:
        yield doomed
    remove_database(seed)


def _killed(stages: SetUp, folder: Path, kind: str, name: str, moment: int) -> list[Record]:
    return stages(kind, name).live(folder, at=(Phase.SUBMISSION.value, moment), scene=name)


@pytest.mark.parametrize(("kind", "name"), STAGES)
def test_the_moments_of_each_command_are_those_that_are_written_down(
    stages: SetUp, tmp_path: Path, kind: str, name: str, record_property: Callable[[str, object], None]
) -> None:
    journal = stages(kind, name).live(tmp_path / "life", scene=name)
    require_counted(name, [each.name for each in journal if each.kind is Kind.MOMENT], record_property)
    remove_database(tmp_path / "life")


# --- backups -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "name", "moment"), _moments(*BACKUPS))
def test_a_backup_that_was_killed_never_passes_for_a_whole_one(
    stages: SetUp, tmp_path: Path, kind: str, name: str, moment: int
) -> None:
    life = tmp_path / "life"
    _killed(stages, life, kind, name, moment)
    backup = life / BACKUP
    if name == "next-backup":
        assert _restored_letters(life, tmp_path / "first") in (1, 2)  # the earlier one, or this one
    elif (backup / DATABASE).exists():
        assert _restored_letters(life, tmp_path / "first") == 2
    test = open_test_installation(life, registered=False)
    play(name, test)
    test.close()
    left = [path.name for path in backup.rglob("*unfinished*")]
    assert left == []
    assert _restored_letters(life, tmp_path / "second") == 2


def _restored_letters(life: Path, folder: Path) -> int:
    """How many letters are in the store that is restored from the backup, which is whole and is not served."""
    shutil.copytree(life / "keys", folder / "keys")
    shutil.copytree(life / BACKUP, folder, dirs_exist_ok=True)
    with pytest.raises(InputError) as refused:
        open_test_installation(folder, registered=False)
    assert refused.value.code is Code.STORE_RESTORED
    test = open_test_installation(folder, registered=False, alone=True)
    with test.installation.database.alone() as connection:
        note_set_aside(connection, None)  # as a check does
    test.close()
    test = open_test_installation(folder, registered=False)
    require_whole(test.installation)
    told = facts(test.installation)
    test.close()
    assert sum(told["documents"].values()) == sum(told["deliveries"].values())
    return sum(told["documents"].values())


# --- what is restored from them ----------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "name", "moment"), _moments(*CHECKS))
def test_a_check_that_was_killed_ends_the_same_when_it_is_made_again(
    stages: SetUp, tmp_path: Path, kind: str, name: str, moment: int
) -> None:
    folder = tmp_path / "life"
    _killed(stages, folder, kind, name, moment)
    test = open_test_installation(folder, registered=False, alone=True)
    before, told = _set_aside(test), _told(test)
    end = None if name == "check" else SetAside.BEHIND
    assert before in (SetAside.RESTORED, end)
    first, again = play(name, test), play(name, test)
    assert first == again
    assert _set_aside(test) is end
    after = _told(test)
    for what in ("entries", "events"):  # nothing was added to a log, or told
        assert after[what] == told[what]
    test.close()
    remove_database(folder)


def _set_aside(test: TestInstallation) -> SetAside | None:
    with test.installation.database.alone() as connection:
        return set_aside(connection)


@pytest.mark.parametrize(("kind", "name", "moment"), _moments(ACCEPTANCE))
def test_a_store_is_continued_once_whenever_that_was_killed(
    stages: SetUp, tmp_path: Path, kind: str, name: str, moment: int
) -> None:
    whole, folder = tmp_path / "whole", tmp_path / "life"
    journal = stages(kind, name).live(whole, scene=name)
    _killed(stages, folder, kind, name, moment)
    with pytest.raises(InputError):
        open_test_installation(folder, registered=False)  # whoever would serve it as it was
    assert _continued(folder, _accepted_again(folder)) == _continued(whole, Uuid4(_result(journal)))
    remove_database(folder)
    remove_database(whole)


def _result(journal: list[Record]) -> str:
    (given,) = [each.octets for each in journal if each.kind is Kind.ANSWERED]
    return given.decode()


def _accepted_again(folder: Path) -> Uuid4:
    """As which installation the store goes on, by what the command says that is given again."""
    try:
        test = open_test_installation(folder, registered=False, alone=True)
    except InputError as refused:
        what = str(refused.facts["what"])
        assert "restore accept" in what
        return Uuid4(what.split()[6])
    given = play(ACCEPTANCE, test).decode()
    test.close()
    return Uuid4(given)


def _continued(folder: Path, installation: Uuid4) -> Told:
    """What a continued store tells, which serves and is sound."""
    open_test_installation(folder, registered=False, installation_id=installation).close()
    test = open_test_installation(folder, registered=False, alone=True, installation_id=installation)
    with test.installation.database.alone(unhurried=True) as connection:
        assert check_store(test.installation, connection).unjudged == 0
        (parked,) = rows(connection, "SELECT count(*) FROM outbox WHERE parked_at IS NOT NULL")
        (logs,) = rows(connection, "SELECT count(*) FROM log")
    told = _told(test) | {"all": {"parked": parked[0], "logs": logs[0]}}
    test.close()
    assert told["all"]["parked"] == 1
    return told


def _told(test: TestInstallation) -> Told:
    with test.installation.database.alone() as connection:
        entries = rows(
            connection,
            "SELECT party, count(*) FROM log JOIN log_entry ON log.key = log_entry.log_key"
            " WHERE party <> origin GROUP BY party",
        )
        events = rows(connection, "SELECT kind, count(*) FROM event GROUP BY kind")
        waits = rows(connection, "SELECT kind, count(*) FROM deadline GROUP BY kind")
    return {
        "entries": dict(map(tuple, entries)),
        "events": dict(map(tuple, events)),
        "waits": dict(map(tuple, waits)),
    }

"""A gateway of the version before goes on beside one of this version, on the database that this one has upgraded.

It lasts from the start of the first new process to the stop of the last old one: an old worker must not fail in it.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final
from uuid import uuid4

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from gateway.storage import database as storage
from gateway.storage.database import Database
from tests import postgres
from tests.storage import recorded_writes

_SCRIPTS: Final = Path(storage.__file__).parent / "migrations"
_RELEASED: Final = "0002"  # the oldest version whose processes may still run


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.set_main_option("path_separator", "os")
    return config


def _revisions() -> list[str]:
    """The released revisions and those after them, the oldest first."""
    known = [each.revision for each in ScriptDirectory.from_config(_config()).walk_revisions()][::-1]
    return known[known.index(_RELEASED) :]


@dataclass(frozen=True)
class _Column:
    kind: str
    is_nullable: bool
    default: str | None


@dataclass(frozen=True)
class _Table:
    columns: dict[str, _Column]
    key: tuple[str, ...]
    unique: frozenset[tuple[str, ...]]
    foreign: frozenset[tuple[tuple[str, ...], str]]
    checks: int


def _tables(connection: Connection) -> dict[str, _Table]:
    found = inspect(connection)
    return {
        name: _Table(
            columns={
                each["name"]: _Column(str(each["type"]), each["nullable"], each["default"])
                for each in found.get_columns(name)
            },
            key=tuple(found.get_pk_constraint(name)["constrained_columns"]),
            unique=frozenset(
                [tuple(each["column_names"]) for each in found.get_unique_constraints(name)]
                + [
                    tuple(map(str, each["column_names"]))
                    for each in found.get_indexes(name)
                    if each["unique"]
                ]
            ),
            foreign=frozenset(
                (tuple(each["constrained_columns"]), each["referred_table"])
                for each in found.get_foreign_keys(name)
            ),
            checks=len(found.get_check_constraints(name)),
        )
        for name in found.get_table_names()
    }


@pytest.fixture(params=postgres.kinds())
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Database]:
    """A database without tables."""
    name = f"upgrade_{uuid4().hex}"
    is_served = request.param == "postgresql"
    url = postgres.server().create(name) if is_served else f"sqlite:///{tmp_path / 'bropost.db'}"
    opened = Database.open(url, busy_seconds=5)
    yield opened
    opened.close()
    if is_served:
        postgres.server().drop(name)


def test_a_migration_only_adds_what_an_older_process_need_not_know(empty: Database) -> None:
    """It takes nothing away, and asks nothing of a row that an older process writes."""
    config = _config()
    with empty.alone() as connection:
        config.attributes["connection"] = connection
        made: list[dict[str, _Table]] = []
        for revision in _revisions():
            command.upgrade(config, revision)
            made.append(_tables(connection))
    assert len(made) > 1
    for before, after in pairwise(made):
        assert before.keys() <= after.keys()
        for name, old in before.items():
            new = after[name]
            assert old.columns.items() <= new.columns.items(), name
            assert (old.key, old.unique, old.foreign, old.checks) == (
                new.key,
                new.unique,
                new.foreign,
                new.checks,
            ), name
            for column in new.columns.keys() - old.columns.keys():
                row = new.columns[column]
                assert row.is_nullable or row.default is not None, f"{name}.{column}"


def test_the_writes_of_the_version_before_are_at_hand() -> None:
    assert [path.stem for path in sorted(recorded_writes.FOLDER.glob("*.json"))] == [_RELEASED]


def test_what_the_version_before_writes_the_upgraded_database_takes(empty: Database) -> None:
    """The same statements, in the same order, leave the same number of rows in each table."""
    recorded = recorded_writes.load(recorded_writes.FOLDER / f"{_RELEASED}.json")
    config = _config()
    with empty.alone() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, _RELEASED)
    empty.migrate()
    assert len(recorded.statements) > 300
    with empty.alone() as connection:
        for statement in recorded.in_words_of(connection.dialect.name):
            connection.exec_driver_sql(statement.replace("%", "%%"))
        rows = {
            name: connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one()
            for name in recorded.rows
        }
    assert rows == recorded.rows


def test_a_recording_holds_what_a_life_writes(tmp_path: Path) -> None:
    """The program that will record this version when it is superseded still works."""
    revision, recorded = recorded_writes.record(tmp_path)
    assert revision == _revisions()[-1]
    written = {name for name, count in recorded.rows.items() if count}
    assert {
        "document",
        "delivery",
        "handover",
        "reading",
        "withdrawal",
        "refusal",
        "log_checkpoint",
    } <= written

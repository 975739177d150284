"""What the version before left as a wait for an answer to a withdrawn document is the wait for its deletion."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config

from gateway.domain.deadlines import DeadlineKind
from gateway.storage import database as storage
from gateway.storage import deadlines
from gateway.storage.database import Database


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(storage.__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    return config


def test_a_wait_that_was_opened_by_a_withdrawal_becomes_one_for_the_deletion(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path / 'bropost.db'}", busy_seconds=5)
    config = _config()
    with database.alone() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        for key in (1, 2, 3):
            names = [row[1] for row in connection.exec_driver_sql("PRAGMA table_info(document)")]
            values = ", ".join(f"'{name}{key}'" if name != "key" else str(key) for name in names)
            connection.exec_driver_sql(f"INSERT INTO document ({', '.join(names)}) VALUES ({values})")
        withdrawal = "INSERT INTO withdrawal VALUES (?, 500, 'OTHER', 0, ?, 'system', NULL, NULL)"
        connection.exec_driver_sql(withdrawal, (1, "e1"))
        connection.exec_driver_sql(withdrawal, (2, "e2"))
        wait = (
            "INSERT INTO deadline (document_key, kind, opened_at, warn_at, due_at, next_at, cancelled_at)"
            " VALUES (?, 'ANSWER', ?, 600, 700, ?, ?)"
        )
        connection.exec_driver_sql(wait, (1, 100, None, 500))  # what the withdrawal ended
        connection.exec_driver_sql(wait, (1, 500, 600, None))  # what it opened
        connection.exec_driver_sql(wait, (2, 500, None, 550))  # opened, and answered since
        connection.exec_driver_sql(wait, (3, 500, 600, None))  # of a document that was not withdrawn
    database.migrate()
    with database.read() as connection:
        kinds = {key: [each.kind for each in deadlines.deadlines_of(connection, key)] for key in (1, 2, 3)}
    database.close()
    assert kinds == {
        1: [DeadlineKind.ANSWER, DeadlineKind.DELETION],
        2: [DeadlineKind.ANSWER],
        3: [DeadlineKind.ANSWER],
    }

"""The database knows whether it keeps what is written, and a connection whose commit failed serves again."""

from __future__ import annotations

import sqlite3
from uuid import uuid4

import psycopg
import pytest

from gateway.domain.catalogue import Code
from gateway.domain.errors import InternalError, UnavailableError
from gateway.storage import configuration
from gateway.storage.database import Database
from tests import postgres

_ORPHAN = (
    "CREATE TABLE parent (id INTEGER PRIMARY KEY)",
    "CREATE TABLE child (id INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED)",
    "INSERT INTO child VALUES (7)",
)


def _full(database: Database) -> Exception:
    """What the driver says of a full disk."""
    if database.is_shared:
        return psycopg.errors.DiskFull("no space left on device")
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorname = "SQLITE_FULL"
    return error


def _fail(database: Database, error: Exception) -> None:
    with pytest.raises(UnavailableError) as away, database.transaction():
        raise error
    assert away.value.code is Code.STORE_UNAVAILABLE


def test_a_database_that_was_not_written_yet_may_be_written(database: Database) -> None:
    assert database.may_write()


def test_after_a_full_disk_it_is_tried_whether_a_write_is_kept_again(database: Database) -> None:
    def fill(moment: str) -> None:
        if moment == "before":
            raise _full(database)

    _fail(database, _full(database))
    database.on_commit.append(fill)
    assert [database.may_write() for _ in range(2)] == [False, False]
    database.on_commit.clear()
    assert database.may_write()
    with database.alone() as connection:
        configuration.set_value(connection, "name", "kept")


def test_a_write_that_is_kept_tells_it_too(database: Database) -> None:
    tried: list[str] = []
    _fail(database, _full(database))
    with database.alone() as connection:
        configuration.set_value(connection, "name", "kept")
    database.on_commit.append(tried.append)
    assert database.may_write()
    assert tried == []  # for whoever asks often


def test_a_file_of_which_nobody_knows_what_is_on_disk_may_not_be_written_before_a_restart(
    sqlite_url: str,
) -> None:
    database = Database.open(sqlite_url, busy_seconds=5)
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorname = "SQLITE_IOERR_FSYNC"
    _fail(database, error)
    assert [database.may_write() for _ in range(2)] == [False, False]
    database.close()
    again = Database.open(sqlite_url, busy_seconds=5)
    assert again.may_write()
    again.close()


@pytest.mark.parametrize("kind", [each for each in postgres.kinds() if each == "postgresql"])
def test_a_server_that_follows_another_can_be_read_and_not_written(kind: str) -> None:
    name = f"followed_{uuid4().hex}"
    followed = Database.open(postgres.server().create(name), busy_seconds=5)
    followed.migrate()
    assert followed.may_write()
    followed.close()
    with postgres.standby() as server:
        following = Database.open(server.url(name), busy_seconds=5)
        with following.read() as connection:
            assert configuration.find_value(connection, "name") is None, kind
        assert not following.may_write()
        following.close()
    postgres.server().drop(name)


def _orphan(database: Database) -> None:
    with database.alone() as connection:
        for statement in _ORPHAN:
            connection.exec_driver_sql(statement)


def test_a_connection_whose_commit_failed_can_be_used_again(database: Database) -> None:
    with pytest.raises(InternalError):
        _orphan(database)
    with database.alone() as connection:
        connection.exec_driver_sql(_ORPHAN[0])  # nothing was kept, and it is no error
    assert database.may_write()

"""The database keeps what it committed, undoes what it did not, and says so in our words."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, insert

import gateway.storage.tables_documents
import gateway.storage.tables_log  # noqa: F401  (fills METADATA)
from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError, InternalError, UnavailableError
from gateway.domain.identifiers import Uuid4
from gateway.storage import configuration
from gateway.storage.database import Database
from gateway.storage.tables import METADATA
from gateway.storage.tables import configuration as table


def _reopened(database: Database, *, busy_seconds: int = 5) -> Database:
    with database.read() as connection:
        path = connection.exec_driver_sql("PRAGMA database_list").one()[2]
    return Database.open(f"sqlite:///{path}", busy_seconds=busy_seconds)


def _value(database: Database, name: str = "name") -> str | None:
    with database.read() as connection:
        return configuration.find_value(connection, name)


def test_what_was_committed_is_there_after_a_restart(database: Database) -> None:
    with database.transaction() as connection:
        configuration.set_value(connection, "name", "kept")
    database.close()
    again = _reopened(database)
    assert _value(again) == "kept"
    again.close()


def test_an_error_undoes_the_whole_transaction(database: Database) -> None:
    def fail_after_writing() -> None:
        with database.transaction() as connection:
            configuration.set_value(connection, "name", "lost")
            raise InputError(Code.NOT_FOUND)

    with pytest.raises(InputError):
        fail_after_writing()
    assert _value(database) is None


def test_every_transaction_is_durable_and_erases_what_it_deletes(database: Database) -> None:
    with database.transaction() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        }
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1}


def test_a_reader_sees_one_state_whatever_others_commit(database: Database) -> None:
    with database.read() as reader:
        assert configuration.find_value(reader, "name") is None
        with database.transaction() as writer:
            configuration.set_value(writer, "name", "new")
        assert configuration.find_value(reader, "name") is None
    assert _value(database) == "new"


def test_a_reader_cannot_write(database: Database) -> None:
    with pytest.raises(UnavailableError) as refused, database.read() as reader:
        configuration.set_value(reader, "name", "written")
    assert refused.value.code is Code.STORE_UNAVAILABLE
    assert _value(database) is None


def test_writers_of_one_process_take_turns(database: Database) -> None:
    with database.transaction() as connection:
        configuration.set_value(connection, "count", "0")

    def count() -> None:
        for _ in range(25):
            with database.transaction() as connection:
                seen = configuration.find_value(connection, "count")
                configuration.set_value(connection, "count", str(int(seen or 0) + 1))

    threads = [threading.Thread(target=count) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert _value(database, "count") == "50"


def test_a_writer_that_waits_too_long_is_told_to_come_back(database: Database) -> None:
    impatient = _reopened(database, busy_seconds=0)
    caught: list[UnavailableError] = []

    def write() -> None:
        try:
            with impatient.transaction():
                pass
        except UnavailableError as error:
            caught.append(error)

    with impatient.transaction():  # another thread of this process has the turn
        thread = threading.Thread(target=write)
        thread.start()
        thread.join()
    with database.transaction():  # another process has the file
        write()
    assert [error.code for error in caught] == [Code.BUSY, Code.BUSY]
    impatient.close()


def test_a_transaction_inside_another_is_our_mistake(database: Database) -> None:
    with database.transaction(), pytest.raises(AssertionError), database.transaction():
        pass


def test_a_full_disk_is_told_and_is_no_reason_to_stop(database: Database) -> None:
    def fill() -> None:
        with database.transaction() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
            configuration.set_value(connection, "name", "x" * 100_000)

    with pytest.raises(UnavailableError) as full:
        fill()
    assert full.value.code is Code.STORE_UNAVAILABLE
    with database.transaction() as connection:
        configuration.set_value(connection, "name", "small")
    assert _value(database) == "small"


def test_after_a_failed_write_to_disk_nothing_more_is_accepted(database: Database) -> None:
    with database.read() as connection:
        path = connection.exec_driver_sql("PRAGMA database_list").one()[2]
    script = """
import resource, sys
from gateway.domain.errors import UnavailableError
from gateway.storage import configuration
from gateway.storage.database import Database
database = Database.open(f"sqlite:///{sys.argv[1]}", busy_seconds=1)
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
def write(octets):
    try:
        with database.transaction() as connection:
            configuration.set_value(connection, "name", "x" * octets)
    except UnavailableError as error:
        return error.code.name
    return "written"
resource.setrlimit(resource.RLIMIT_FSIZE, (65536, hard))
first = write(200000)
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
print(first, write(1))
"""
    told = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["STORE_UNAVAILABLE", "STORE_UNAVAILABLE"]
    assert _value(database) is None


def test_a_broken_rule_of_the_database_is_our_mistake(database: Database) -> None:
    statement = insert(table).values(name="twice", value="secret value")

    def insert_twice() -> None:
        with database.transaction() as connection:
            connection.execute(statement)
            connection.execute(statement)

    with pytest.raises(InternalError) as caught:
        insert_twice()
    assert "secret value" not in str(caught.value.__cause__)


def test_listeners_stand_on_both_sides_of_a_commit(database: Database) -> None:
    heard: list[tuple[str, str | None]] = []
    database.on_commit.append(lambda moment: heard.append((moment, _value(database))))
    with database.transaction() as connection:
        configuration.set_value(connection, "name", "new")
    assert heard == [("before", None), ("after", "new")]


def test_only_the_owner_may_read_the_database(tmp_path: Path) -> None:
    made = Database.open(f"sqlite:///{tmp_path}/new/bropost.db", busy_seconds=1)
    made.migrate()
    with made.transaction():
        modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "new").iterdir()}
    assert modes == {0o600}
    made.close()


@pytest.mark.parametrize(
    "url", ["postgresql://localhost/bropost", "sqlite://", "sqlite:///:memory:", "bropost.db"]
)
def test_an_address_that_is_no_sqlite_file_is_refused(url: str) -> None:
    with pytest.raises(InputError) as refused:
        Database.open(url, busy_seconds=1)
    assert refused.value.code is Code.SETTINGS_INVALID


def test_migrations_lead_to_the_tables_of_the_code(database: Database, tmp_path: Path) -> None:
    """Also in what Alembic does not compare: constraints, partial indexes, tables without row ids."""
    made = create_engine(f"sqlite:///{tmp_path}/made.db")
    METADATA.create_all(made)
    query = "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'alembic%' AND name NOT LIKE 'sqlite%'"
    with database.read() as migrated, made.connect() as created:
        assert compare_metadata(MigrationContext.configure(migrated), METADATA) == []
        tables = [
            {name: sorted(line.strip(" \t,") for line in sql.splitlines()) for name, sql in rows}
            for rows in (migrated.exec_driver_sql(query), created.exec_driver_sql(query))
        ]
    made.dispose()
    assert tables[0] == tables[1]


def test_migrating_twice_changes_nothing(database: Database) -> None:
    with database.transaction() as connection:
        configuration.set_value(connection, "name", "kept")
    database.migrate()
    assert _value(database) == "kept"


def test_a_database_of_a_newer_version_is_refused(database: Database) -> None:
    with database.transaction() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(InputError) as refused:
        database.migrate()
    assert refused.value.code is Code.SETTINGS_INVALID


def test_a_database_serves_one_installation(database: Database) -> None:
    ours = Uuid4.new()
    with database.transaction() as connection:
        configuration.claim_installation(connection, ours)
        configuration.claim_installation(connection, ours)
        with pytest.raises(InputError) as refused:
            configuration.claim_installation(connection, Uuid4.new())
    assert refused.value.code is Code.SETTINGS_INVALID

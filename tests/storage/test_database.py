"""The database keeps what it committed, undoes what it did not, and says so in our words."""

from __future__ import annotations

import re
import threading

import pytest
from sqlalchemy import insert
from structlog.testing import capture_logs

from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError, InternalError, UnavailableError
from gateway.domain.identifiers import Uuid4
from gateway.storage import configuration
from gateway.storage.database import Database
from gateway.storage.tables import configuration as table


def _value(database: Database, name: str = "name") -> str | None:
    with database.read() as connection:
        return configuration.find_value(connection, name)


def test_what_was_committed_is_there_after_a_restart(database: Database, url: str) -> None:
    with database.alone() as connection:
        configuration.set_value(connection, "name", "kept")
    database.close()
    again = Database.open(url, busy_seconds=5)
    assert _value(again) == "kept"
    again.close()


def test_an_error_undoes_the_whole_transaction(database: Database) -> None:
    def fail_after_writing() -> None:
        with database.alone() as connection:
            configuration.set_value(connection, "name", "lost")
            raise InputError(Code.NOT_FOUND)

    with pytest.raises(InputError):
        fail_after_writing()
    assert _value(database) is None


def test_a_reader_sees_one_state_whatever_others_commit(database: Database) -> None:
    with database.read() as reader:
        assert configuration.find_value(reader, "name") is None
        with database.alone() as writer:
            configuration.set_value(writer, "name", "new")
        assert configuration.find_value(reader, "name") is None
    assert _value(database) == "new"


def test_a_reader_cannot_write(database: Database) -> None:
    with pytest.raises(UnavailableError) as refused, database.read() as reader:
        configuration.set_value(reader, "name", "written")
    assert refused.value.code is Code.STORE_UNAVAILABLE
    assert _value(database) is None


def test_writers_of_one_process_take_turns(database: Database) -> None:
    with database.alone() as connection:
        configuration.set_value(connection, "count", "0")

    def count() -> None:
        for _ in range(25):
            with database.alone() as connection:
                seen = configuration.find_value(connection, "count")
                configuration.set_value(connection, "count", str(int(seen or 0) + 1))

    threads = [threading.Thread(target=count) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert _value(database, "count") == "50"


def test_a_writer_that_waits_too_long_is_told_to_come_back(database: Database, url: str) -> None:
    impatient = Database.open(url, busy_seconds=0)
    caught: list[UnavailableError] = []

    def write() -> None:
        try:
            with impatient.alone():
                pass
        except UnavailableError as error:
            caught.append(error)

    with impatient.alone():  # another thread of this process has the turn
        thread = threading.Thread(target=write)
        thread.start()
        thread.join()
    with database.alone():  # another process has the file
        write()
    assert [error.code for error in caught] == [Code.BUSY, Code.BUSY]
    impatient.close()


def test_a_transaction_inside_another_is_our_mistake(database: Database) -> None:
    with database.alone(), pytest.raises(AssertionError), database.alone():
        pass


def test_a_broken_rule_of_the_database_is_our_mistake(database: Database) -> None:
    statement = insert(table).values(name="twice", value="secret value")

    def insert_twice() -> None:
        with database.alone() as connection:
            connection.execute(statement)
            connection.execute(statement)

    with pytest.raises(InternalError) as caught:
        insert_twice()
    assert "secret value" not in str(caught.value.__cause__)


def test_what_the_database_fails_with_is_told_once_by_its_name_and_its_place(database: Database) -> None:
    def set_twice() -> None:
        with database.transaction() as connection:
            configuration.set_value(connection, "name", "secret value")
            connection.execute(insert(table).values(name="name", value="secret value"))

    def set_nothing() -> None:
        with database.transaction() as connection:
            configuration.set_value(connection, "name", None)  # type: ignore[arg-type]

    with capture_logs() as told:
        for fail in (set_twice, set_nothing):
            with pytest.raises(InternalError):
                fail()
    assert [(each["event"], each["log_level"], each["code"]) for each in told] == [
        ("database failed", "error", "INTERNAL")
    ] * 2
    assert {each["error"] for each in told} in (
        {"23505", "23502"},
        {"SQLITE_CONSTRAINT_PRIMARYKEY", "SQLITE_CONSTRAINT_NOTNULL"},
    )
    assert re.fullmatch(r"storage/configuration\.py:\d+", told[1]["place"])
    assert "secret value" not in repr(told)


def test_listeners_stand_on_both_sides_of_a_commit(database: Database) -> None:
    heard: list[tuple[str, str | None]] = []
    database.on_commit.append(lambda moment: heard.append((moment, _value(database))))
    with database.alone() as connection:
        configuration.set_value(connection, "name", "new")
    assert heard == [("before", None), ("after", "new")]


@pytest.mark.parametrize(
    "address",
    [
        "mysql://localhost/bropost",
        "postgresql://localhost/bropost",
        "sqlite://",
        "sqlite:///:memory:",
        "x.db",
    ],
)
def test_an_address_of_another_kind_is_refused(address: str) -> None:
    with pytest.raises(InputError) as refused:
        Database.open(address, busy_seconds=1)
    assert refused.value.code is Code.SETTINGS_INVALID


def test_migrating_twice_changes_nothing(database: Database) -> None:
    with database.alone() as connection:
        configuration.set_value(connection, "name", "kept")
    database.migrate()
    assert _value(database) == "kept"


def test_a_database_of_this_version_is_opened_without_writing(database: Database) -> None:
    commits: list[str] = []
    database.on_commit.append(commits.append)
    database.migrate()
    assert commits == []


def test_a_look_at_a_database_of_an_older_version_leaves_it_as_it_is(database: Database) -> None:
    with database.alone() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    with pytest.raises(InputError) as refused:
        database.migrate(upgrade=False)
    assert refused.value.code is Code.SETTINGS_INVALID
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one() == "0001"


def test_a_database_of_a_newer_version_is_refused(database: Database) -> None:
    with database.alone() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(InputError) as refused:
        database.migrate()
    assert refused.value.code is Code.SETTINGS_INVALID


def test_a_database_serves_one_installation(database: Database) -> None:
    ours = Uuid4.new()
    with database.alone() as connection:
        configuration.claim_installation(connection, ours)
        configuration.claim_installation(connection, ours)
        with pytest.raises(InputError) as refused:
            configuration.claim_installation(connection, Uuid4.new())
    assert refused.value.code is Code.SETTINGS_INVALID

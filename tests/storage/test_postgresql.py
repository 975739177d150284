"""What holds of a PostgreSQL server: a safe way to it, the same tables, and our words when it goes away."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator
from pathlib import Path
from uuid import uuid4

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine
from sqlalchemy.exc import IntegrityError

import gateway.storage.tables_documents
import gateway.storage.tables_log  # noqa: F401  (fills METADATA)
from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError, InternalError, UnavailableError
from gateway.storage import configuration
from gateway.storage.database import Database
from gateway.storage.postgresql import driver
from gateway.storage.tables import METADATA
from gateway.storage.tables import configuration as table
from tests import postgres

ON_A_SERVER = [kind for kind in postgres.kinds() if kind == "postgresql"]
_CONSTRAINTS = (
    "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
    " WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text !~ '^alembic'"
)
_INDEXES = (
    "SELECT tablename, indexname, indexdef FROM pg_indexes"
    " WHERE schemaname = 'public' AND tablename !~ '^alembic'"
)
_COLUMNS = (
    "SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns"
    " WHERE table_schema = 'public' AND table_name !~ '^alembic'"
)


@pytest.fixture(params=ON_A_SERVER)
def served(postgresql_url: str) -> Generator[Database]:
    """A database of the server, of its own for each test."""
    opened = Database.open(postgresql_url, busy_seconds=5)
    yield opened
    opened.close()


def test_migrations_lead_to_the_tables_of_the_code_on_a_server(served: Database) -> None:
    name = f"made_{uuid4().hex}"
    made = create_engine(postgres.server().create(name))
    METADATA.create_all(made)
    with served.read() as migrated, made.connect() as created:
        assert compare_metadata(MigrationContext.configure(migrated), METADATA) == []
        for query in (_CONSTRAINTS, _INDEXES, _COLUMNS):
            found = [sorted(map(str, each.exec_driver_sql(query))) for each in (migrated, created)]
            assert found[0] == found[1] != []
    made.dispose()
    postgres.server().drop(name)


def test_a_server_that_is_away_is_told(served: Database) -> None:
    nowhere = Database.open("postgresql+psycopg://bropost@/bropost?host=/nowhere", busy_seconds=1)
    for use in (nowhere.read, nowhere.transaction):
        with pytest.raises(UnavailableError) as away, use():
            pass
        assert away.value.code is Code.STORE_UNAVAILABLE
    nothing = Database.open(postgres.server().url("no_such"), busy_seconds=1)
    with pytest.raises(UnavailableError), nothing.alone():
        pass


def test_a_connection_that_is_lost_between_transactions_is_replaced(served: Database) -> None:
    for _ in range(2):
        with served.alone() as connection:
            configuration.set_value(connection, "name", "kept")
        with served.read() as connection:
            assert configuration.find_value(connection, "name") == "kept"
        _end_connections()


def test_a_connection_that_is_lost_within_a_transaction_undoes_it(served: Database) -> None:
    def lose() -> None:
        with served.alone() as connection:
            configuration.set_value(connection, "name", "lost")
            _end_connections()
            configuration.set_value(connection, "name", "lost again")

    with pytest.raises(UnavailableError) as lost:
        lose()
    assert lost.value.code is Code.STORE_UNAVAILABLE
    with served.read() as connection:
        assert configuration.find_value(connection, "name") is None


def test_an_error_that_is_passed_over_is_never_called_a_commit(served: Database) -> None:
    def pass_over() -> None:
        with served.alone() as connection:
            configuration.set_value(connection, "name", "first")
            with pytest.raises(IntegrityError):
                connection.execute(table.insert().values(name="name", value="second"))

    with pytest.raises(InternalError):
        pass_over()
    with served.read() as connection:
        assert configuration.find_value(connection, "name") is None


def test_every_transaction_waits_for_the_disk_whatever_the_server_says(served: Database) -> None:
    with served.alone() as connection:
        name = connection.exec_driver_sql("SELECT current_database()").scalar_one()
    postgres.server().do(f"ALTER DATABASE {name} SET synchronous_commit = off")
    served.close()
    with served.alone() as connection:
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar_one() == "on"


@pytest.mark.parametrize("kind", ON_A_SERVER)
@pytest.mark.parametrize("made", ["LOCALE 'C' ENCODING 'SQL_ASCII'", "LOCALE_PROVIDER icu ICU_LOCALE 'da'"])
def test_a_database_whose_text_is_otherwise_is_refused(kind: str, made: str) -> None:
    name = f"otherwise_{uuid4().hex}"
    postgres.server().do(f"CREATE DATABASE {name} TEMPLATE template0 {made}")
    database = Database.open(postgres.server().url(name), busy_seconds=1)
    with pytest.raises(InputError) as refused:
        database.migrate()
    assert refused.value.code is Code.SETTINGS_INVALID
    database.close()
    postgres.server().drop(name)


AT = "postgresql+psycopg://bropost@db.example/bropost"


@pytest.mark.parametrize(
    ("address", "is_safe"),
    [
        ("postgresql+psycopg://bropost@/bropost?host=/run/postgresql", True),
        ("postgresql+psycopg://localhost/bropost", True),
        ("postgresql+psycopg:///bropost", False),
        ("postgresql+psycopg:///bropost?host=", False),
        (AT, False),
        (f"{AT}?sslmode=require", False),
        (f"{AT}?sslmode=verify-full&sslmode=disable", False),
        ("postgresql+psycopg:///bropost?host=/run/postgresql,db.example", False),
        ("postgresql+psycopg:///bropost?host=/run/postgresql&host=db.example", False),
        ("postgresql+psycopg://localhost/bropost?hostaddr=192.0.2.1", False),
        (f"{AT}?sslmode=verify-full", True),
        (f"{AT}?sslmode=verify-full&hostaddr=192.0.2.1&passfile=/etc/bropost/pgpass", True),
    ],
)
def test_another_machine_must_prove_who_it_is(address: str, is_safe: bool) -> None:
    if is_safe:
        Database.open(address, busy_seconds=1).close()
    else:
        assert "database" in _refused(address)


@pytest.mark.parametrize("told", ["service=prod", "options=-c%20search_path%3Dother", "dbname=other"])
def test_an_address_says_nothing_that_leads_elsewhere(told: str) -> None:
    assert told.partition("=")[0] in _refused(f"{AT}?sslmode=verify-full&{told}")


@pytest.mark.parametrize(
    "address",
    [
        AT.replace("bropost@", "bropost:hemmeligt@") + "?sslmode=verify-full",
        f"{AT}?sslmode=verify-full&password=hemmeligt",
    ],
)
def test_an_address_holds_no_password_and_the_refusal_says_where_to_put_it(address: str) -> None:
    told = _refused(address)
    assert "passfile" in told
    assert "hemmeligt" not in told


@pytest.mark.parametrize("kind", ON_A_SERVER)
def test_the_environment_leads_nowhere_else(
    kind: str, postgresql_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody answers at 192.0.2.1. An environment variable counts where an address says nothing."""
    services = tmp_path / "services"
    services.write_text("[elsewhere]\nhost=192.0.2.1\nhostaddr=192.0.2.1\nsslmode=disable\n")
    for name, value in {
        "PGSERVICEFILE": str(services),
        "PGSERVICE": "elsewhere",
        "PGHOST": "192.0.2.1",
        "PGHOSTADDR": "192.0.2.1",
        "PGSSLMODE": "disable",
    }.items():
        monkeypatch.setenv(name, value)
    opened = Database.open(postgresql_url, busy_seconds=1)
    with opened.transaction() as connection:
        told = driver(connection).info
        assert told.host == str(postgres.server().folder)
        assert told.get_parameters().get("sslmode") != "disable"
    opened.close()


def test_a_statement_that_takes_too_long_is_cut_off_unless_it_may_take_its_time(served: Database) -> None:
    for begin in (served.read, served.transaction):
        with begin() as connection:
            assert connection.exec_driver_sql("SHOW statement_timeout").scalar_one() == "15s"
    with served.alone(unhurried=True) as connection:
        assert connection.exec_driver_sql("SHOW statement_timeout").scalar_one() == "0"
        assert driver(connection).silence_seconds is None
    with served.transaction() as connection:
        assert connection.exec_driver_sql("SHOW statement_timeout").scalar_one() == "15s"
        assert driver(connection).silence_seconds == 30


def test_a_statement_that_was_cut_off_tells_that_the_store_is_away(served: Database) -> None:
    def ask() -> None:
        with served.transaction() as connection:
            connection.exec_driver_sql("SET LOCAL statement_timeout = 1")
            connection.exec_driver_sql("SELECT pg_sleep(60)")

    with pytest.raises(UnavailableError) as cut:
        ask()
    assert cut.value.code is Code.STORE_UNAVAILABLE


def test_a_server_that_hangs_holds_nobody_for_long(served: Database) -> None:
    def ask() -> None:
        with served.transaction() as connection:
            hanging = driver(connection).info.backend_pid
            driver(connection).silence_seconds = 0.2
            os.kill(hanging, signal.SIGSTOP)  # a process of this test's own server
            try:
                configuration.find_value(connection, "name")
            finally:
                os.kill(hanging, signal.SIGCONT)
                assert driver(connection).closed  # it is not even asked to undo

    with pytest.raises(UnavailableError) as silent:
        ask()
    assert silent.value.code is Code.STORE_UNAVAILABLE
    with served.transaction() as connection:
        configuration.set_value(connection, "name", "on a connection of its own")


def test_a_dead_host_is_noticed(served: Database) -> None:
    with served.read() as connection:
        told = driver(connection).info.get_parameters()
    assert {name: told[name] for name in ("keepalives", "keepalives_idle", "tcp_user_timeout")} == {
        "keepalives": "1",
        "keepalives_idle": "30",
        "tcp_user_timeout": "60000",
    }


def _refused(address: str) -> str:
    """What is said of an address that is refused."""
    with pytest.raises(InputError) as refused:
        Database.open(address, busy_seconds=1)
    assert refused.value.code is Code.SETTINGS_INVALID
    return refused.value.english


def _end_connections() -> None:
    """Let the server end every connection but this one, as its restart does."""
    postgres.server().do(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname LIKE 'test%'"
    )

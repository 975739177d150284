"""What holds of a database file: it is durable, private and overwritten, and tells when the disk fails."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

import gateway.storage.tables_documents
import gateway.storage.tables_log  # noqa: F401  (fills METADATA)
from gateway.domain.catalogue import Code
from gateway.domain.errors import UnavailableError
from gateway.storage import configuration
from gateway.storage.database import Database
from gateway.storage.tables import METADATA


def _value(database: Database) -> str | None:
    with database.read() as connection:
        return configuration.find_value(connection, "name")


def test_every_transaction_is_durable_and_erases_what_it_deletes(sqlite: Database) -> None:
    with sqlite.alone() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        }
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1}


def test_a_full_disk_is_told_and_is_no_reason_to_stop(sqlite: Database) -> None:
    def fill() -> None:
        with sqlite.alone() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
            configuration.set_value(connection, "name", "x" * 100_000)

    with pytest.raises(UnavailableError) as full:
        fill()
    assert full.value.code is Code.STORE_UNAVAILABLE
    with sqlite.alone() as connection:
        configuration.set_value(connection, "name", "small")
    assert _value(sqlite) == "small"


def test_after_a_failed_write_to_disk_nothing_more_is_accepted(sqlite: Database) -> None:
    with sqlite.read() as connection:
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
        with database.alone() as connection:
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
    assert told.stdout.splitlines()[-1] == "STORE_UNAVAILABLE STORE_UNAVAILABLE"
    assert _value(sqlite) is None


def test_only_the_owner_may_read_the_database(tmp_path: Path) -> None:
    made = Database.open(f"sqlite:///{tmp_path}/new/bropost.db", busy_seconds=1)
    made.migrate()
    with made.alone():
        modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "new").iterdir()}
    assert modes == {0o600}
    made.close()


def test_migrations_lead_to_the_tables_of_the_code(sqlite: Database, tmp_path: Path) -> None:
    """Also in what Alembic does not compare: constraints, partial indexes, tables without row ids."""
    made = create_engine(f"sqlite:///{tmp_path}/made.db")
    METADATA.create_all(made)
    query = "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'alembic%' AND name NOT LIKE 'sqlite%'"
    with sqlite.read() as migrated, made.connect() as created:
        assert compare_metadata(MigrationContext.configure(migrated), METADATA) == []
        tables = [
            {name: sorted(filter(None, map(str.strip, re.split(r"[,\n]", sql)))) for name, sql in rows}
            for rows in (migrated.exec_driver_sql(query), created.exec_driver_sql(query))
        ]
    made.dispose()
    assert tables[0] == tables[1]

"""A whole store from one database into another: every row as it is, under the same keys, and proved to be the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Final

from sqlalchemy import Connection, Table, cast, func, insert, select, text
from sqlalchemy.dialects.postgresql import REGCLASS

import gateway.storage.tables_documents
import gateway.storage.tables_log  # noqa: F401  (fills METADATA)
from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError, InternalError
from gateway.storage.prepared import Prepared, Values
from gateway.storage.tables import METADATA

_BATCH: Final = 50  # rows at a time; a row may hold a quarter of a megabyte


def copy_rows(source: Connection, target: Connection) -> dict[str, int]:
    """Copy every table into an empty database of the same version; give how many rows each has.

    Both connections are in an unhurried transaction, for each waits while the other is read: the source's so that
    nobody writes meanwhile, the target's so that all of it is there or nothing. InputError ARGUMENT_INVALID if the
    target holds anything, InternalError STORED_DATA_ALTERED if what arrived is not what was there.
    """
    tables = METADATA.sorted_tables  # those first that others refer to
    require_empty(target)
    counts = {}
    for table in tables:
        put = Prepared(insert(table), *(column.name for column in table.columns))
        for rows in _rows(source, table):
            put.run_many(target, rows)
        _go_on_counting(source, target, table)
        counts[table.name] = _count(target, table)
        if counts[table.name] != _count(source, table) or _digest(source, table) != _digest(target, table):
            raise InternalError(Code.STORED_DATA_ALTERED)
    return counts


def require_empty(connection: Connection) -> None:
    """Refuse a database that holds anything. InputError ARGUMENT_INVALID."""
    if any(_count(connection, table) for table in METADATA.sorted_tables):
        raise InputError(Code.ARGUMENT_INVALID, what="the database to copy into is not empty")


def skip_ahead(connection: Connection, by: int) -> None:
    """Let the next keys be higher by this number: those that were given after a backup are not given again.

    Clients hold cursors that are such keys, and would pass by what comes under a number that they have seen.
    """
    for table in METADATA.sorted_tables:
        key = table.autoincrement_column
        if key is None or not table.dialect_options["sqlite"]["autoincrement"]:
            continue  # nobody outside holds it
        if connection.dialect.name == "postgresql":
            counter = func.pg_get_serial_sequence(table.name, key.name)
            connection.execute(select(func.setval(counter, func.nextval(counter) + by)))
        else:
            _count_on_from(connection, table, _counted(connection, table) + by)


def _rows(connection: Connection, table: Table) -> Iterator[Sequence[Values]]:
    """The rows of a table in the order of their keys, a few at a time."""
    query = select(table).order_by(*table.primary_key.columns).execution_options(yield_per=_BATCH)
    for rows in connection.execute(query).partitions():
        yield [tuple(row) for row in rows]


def _digest(connection: Connection, table: Table) -> bytes:
    digest = hashlib.sha256()
    for rows in _rows(connection, table):
        for row in rows:
            digest.update(repr(row).encode())
    return digest.digest()


def _count(connection: Connection, table: Table) -> int:
    return connection.execute(select(func.count()).select_from(table)).scalar_one()


def _go_on_counting(source: Connection, target: Connection, table: Table) -> None:
    """Let the next key be higher than any that was ever given: clients hold cursors that are such keys."""
    key = table.autoincrement_column
    if key is None:
        return
    highest = source.execute(select(func.coalesce(func.max(key), 0))).scalar_one()
    if source.dialect.name == "postgresql":
        counter = func.pg_get_serial_sequence(table.name, key.name)
        given = source.execute(select(func.pg_sequence_last_value(cast(counter, REGCLASS)))).scalar()
        highest = max(highest, given or 0)
    elif table.dialect_options["sqlite"]["autoincrement"]:
        highest = max(highest, _counted(source, table))
    if target.dialect.name == "postgresql":
        counter = func.pg_get_serial_sequence(table.name, key.name)
        target.execute(select(func.setval(counter, max(highest, 1), highest > 0)))
    elif table.dialect_options["sqlite"]["autoincrement"]:
        _count_on_from(target, table, highest)


def _counted(connection: Connection, table: Table) -> int:
    """The highest key that SQLite ever gave in a table that gives none twice."""
    found = connection.execute(
        text("SELECT seq FROM sqlite_sequence WHERE name = :name"), {"name": table.name}
    )
    return found.scalar() or 0


def _count_on_from(connection: Connection, table: Table, highest: int) -> None:
    """Let SQLite give higher keys only."""
    given = {"name": table.name, "highest": highest}
    connection.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), given)
    connection.execute(text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :highest)"), given)

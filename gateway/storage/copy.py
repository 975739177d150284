"""A whole store from one database into another: every row as it is, under the same keys, and proved to be the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Final

from sqlalchemy import Connection, Table, func, insert, select, text

import gateway.storage.tables_documents
import gateway.storage.tables_log  # noqa: F401  (fills METADATA)
from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError, InternalError
from gateway.storage.prepared import Prepared, Values
from gateway.storage.tables import METADATA

_BATCH: Final = 50  # rows at a time; a row may hold a quarter of a megabyte


def copy_rows(source: Connection, target: Connection) -> dict[str, int]:
    """Copy every table into an empty database of the same version; give how many rows each has.

    Both connections are in a transaction: the source's so that nobody writes meanwhile, the target's so that all of it
    is there or nothing. InputError ARGUMENT_INVALID if the target holds anything, InternalError STORED_DATA_ALTERED if
    what arrived is not what was there.
    """
    for connection in (source, target):
        if connection.dialect.name == "postgresql":  # each waits while the other is read
            connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
    tables = METADATA.sorted_tables  # those first that others refer to
    if any(_count(target, table) for table in tables):
        raise InputError(Code.ARGUMENT_INVALID, what="the database to copy into is not empty")
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
    if key is None or target.dialect.name != "postgresql":
        return  # SQLite remembers the highest key that it was given
    highest = source.execute(select(func.coalesce(func.max(key), 0))).scalar_one()
    if source.dialect.name == "sqlite" and table.dialect_options["sqlite"]["autoincrement"]:
        given = source.execute(
            text("SELECT seq FROM sqlite_sequence WHERE name = :name"), {"name": table.name}
        )
        highest = max(highest, given.scalar() or 0)
    counter = func.pg_get_serial_sequence(table.name, key.name)
    target.execute(select(func.setval(counter, max(highest, 1), highest > 0)))

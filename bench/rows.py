"""The rows that a workflow writes: found by comparing every table before and after, and written again by the raw
driver under fresh names."""

from __future__ import annotations

import re
import secrets
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from sqlalchemy import select

from bench.installation import Bench
from gateway.domain.identifiers import Uuid4
from gateway.storage.tables import METADATA

# As gateway.storage.database sets them: the same durability, the same erasure.
PRAGMAS: Final = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "secure_delete=ON",
    "trusted_schema=OFF",
    "cache_size=-16384",
)
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NAME: Final = re.compile(r"[0-9a-f]{64}")
# Keys that the database gives.
_GIVEN: Final = frozenset(
    {
        "document.key",
        "evidence.key",
        "log_entry.key",
        "event.seq",
        "deadline.id",
        "outbox.id",
        "delivery.inbox_seq",
    }
)

Cell = str | int | bytes | None
Row = dict[str, Any]
Statement = tuple[str, list[tuple[Cell, ...]]]
_Rows = dict[str, dict[tuple[Cell, ...], Row]]


@dataclass(frozen=True)
class Written:
    """What a workflow on one document wrote, table by table in an order that foreign keys allow."""

    inserted: Mapping[str, tuple[Row, ...]]
    changed: Mapping[str, tuple[Row, ...]]  # as they are afterwards
    known: frozenset[Cell]  # identifiers that stay: those of systems

    @property
    def count(self) -> int:
        """How many rows were written."""
        return sum(map(len, (*self.inserted.values(), *self.changed.values())))

    def again(self, number: int) -> dict[str, list[Row]]:
        """The rows to insert to write the same once more, the `number`th time (from 1), with fresh unique values."""
        fresh = {value: make() for value, make in self._names.items()}
        key = int(self.inserted["document"][0]["key"]) + number
        return {
            table: [
                {
                    name: key if name == "document_key" else fresh.get(value, value)
                    for name, value in row.items()
                }
                | ({"seq": row["seq"] + number} if table == "log_entry" else {})
                for row in rows
            ]
            for table, rows in self._templates.items()
        }

    @cached_property
    def _templates(self) -> dict[str, list[Row]]:
        """The rows without the keys that the database gives."""
        return {
            table: [
                {name: value for name, value in row.items() if f"{table}.{name}" not in _GIVEN}
                for row in rows
            ]
            for table, rows in self.inserted.items()
        }

    @cached_property
    def _names(self) -> dict[Cell, Callable[[], Cell]]:
        """The names and digests that must be others each time, with what makes them."""
        cells = {value for rows in self._templates.values() for row in rows for value in row.values()}
        makers = {value: _maker(value) for value in cells - self.known}
        return {value: make for value, make in makers.items() if make is not None}

    def grown(self, number: int) -> Row:
        """The columns that change in the log of a submission, with its key."""
        (after,) = self.changed["log"]
        return {"size": after["size"] + number, "frontier": after["frontier"], "key": after["key"]}

    def statements(self, number: int) -> list[Statement]:
        """A submission once more, as statements for the raw driver."""
        grown = tuple(self.grown(number).values())
        update: Statement = ("UPDATE log SET size=?, frontier=? WHERE key=?", [grown])
        return [*(insertion(table, rows) for table, rows in self.again(number).items()), update]


def _maker(value: Cell) -> Callable[[], Cell] | None:
    """What makes another value of the same shape, where the value is a name or a digest."""
    if isinstance(value, bytes) and len(value) == 32:
        return lambda: secrets.token_bytes(32)
    if isinstance(value, str) and _UUID.fullmatch(value):
        return lambda: Uuid4.new().text
    if isinstance(value, str) and _NAME.fullmatch(value):
        return lambda: secrets.token_hex(32)
    return None


def record(bench: Bench, workflow: Callable[[], object]) -> Written:
    """Run a workflow on one new document and return what it wrote."""
    before = _all_rows(bench)
    workflow()
    after = _all_rows(bench)
    inserted = {
        name: tuple(row for key, row in rows.items() if key not in before[name])
        for name, rows in after.items()
    }
    changed = {
        name: tuple(row for key, row in rows.items() if before[name].get(key, row) != row)
        for name, rows in after.items()
    }
    systems = frozenset(row["system_id"] for row in after["system"].values())
    return Written(_filled(inserted), _filled(changed), systems)


def _filled(rows: dict[str, tuple[Row, ...]]) -> dict[str, tuple[Row, ...]]:
    return {name: found for name, found in rows.items() if found}


def _all_rows(bench: Bench) -> _Rows:
    with bench.installation.database.read() as connection:
        return {
            table.name: {
                tuple(row[column.name] for column in table.primary_key): dict(row)
                for row in connection.execute(select(table)).mappings()
            }
            for table in METADATA.sorted_tables
        }


def copy_database(source: Path, target: Path) -> sqlite3.Connection:
    """A copy of a database as it is now, open by the raw driver."""
    original = sqlite3.connect(source)
    connection = sqlite3.connect(target, isolation_level=None)
    original.backup(connection)
    original.close()
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    return connection


def insertion(table: str, rows: list[Row]) -> Statement:
    """The statement that inserts rows with the same columns."""
    names, marks = ",".join(rows[0]), ",".join("?" * len(rows[0]))
    return f"INSERT INTO {table} ({names}) VALUES ({marks})", [tuple(row.values()) for row in rows]


def write(connection: sqlite3.Connection, statements: list[Statement]) -> None:
    """One durable commit of these rows."""
    connection.execute("BEGIN IMMEDIATE")
    for sql, rows in statements:
        if len(rows) == 1:
            connection.execute(sql, rows[0])
        else:
            connection.executemany(sql, rows)
    connection.execute("COMMIT")

"""The rows that one submission writes: found by comparing every table before and after, and written again by the
raw driver under fresh names."""

from __future__ import annotations

import re
import secrets
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
_GIVEN: Final = {"document.key", "evidence.key", "log_entry.key", "event.seq", "deadline.id", "outbox.id"}

Row = dict[str, Any]
Statement = tuple[str, list[tuple[Any, ...]]]
_Rows = dict[str, dict[tuple[Any, ...], Row]]


@dataclass(frozen=True)
class Written:
    """What one submission inserted, and what it changed, table by table in an order that foreign keys allow."""

    inserted: Mapping[str, tuple[Row, ...]]
    log_size: int  # of the log that grew, afterwards
    log_key: int
    frontier: bytes
    document_key: int

    @property
    def count(self) -> int:
        """How many rows were written."""
        return sum(map(len, self.inserted.values())) + 1

    def again(self, number: int) -> dict[str, list[Row]]:
        """The rows to insert to write the same once more, the `number`th time (from 1), with fresh unique values."""
        memo: dict[str | bytes, str | bytes] = {}
        return {
            table: [
                {
                    name: self._fresh(table, name, value, number, memo)
                    for name, value in row.items()
                    if f"{table}.{name}" not in _GIVEN
                }
                for row in rows
            ]
            for table, rows in self.inserted.items()
        }

    def grown(self, number: int) -> Row:
        """The columns of the log that change with them."""
        return {"size": self.log_size + number, "frontier": self.frontier}

    def statements(self, number: int) -> list[Statement]:
        """The same as statements for the raw driver."""
        found: list[Statement] = []
        for table, rows in self.again(number).items():
            names, marks = ",".join(rows[0]), ",".join("?" * len(rows[0]))
            found.append((f"INSERT INTO {table} ({names}) VALUES ({marks})", [tuple(row.values()) for row in rows]))
        grown = (*self.grown(number).values(), self.log_key)
        return [*found, ("UPDATE log SET size=?, frontier=? WHERE key=?", [grown])]

    def _fresh(
        self, table: str, name: str, value: Any, number: int, memo: dict[str | bytes, str | bytes]
    ) -> Any:
        if name == "document_key":
            return self.document_key + number
        if table == "log_entry" and name == "seq":
            return self.log_size - 1 + number
        make = _maker(value)
        if make is None:
            return value
        if value not in memo:
            memo[value] = make()
        return memo[value]


def _maker(value: object) -> Callable[[], str | bytes] | None:
    """What makes another value of the same shape, where the value is a name or a digest."""
    if isinstance(value, bytes) and len(value) == 32:
        return lambda: secrets.token_bytes(32)
    if isinstance(value, str) and _UUID.fullmatch(value):
        return lambda: Uuid4.new().text
    if isinstance(value, str) and _NAME.fullmatch(value):
        return lambda: secrets.token_hex(32)
    return None


def record(bench: Bench) -> Written:
    """Send one letter and return what it wrote; one before it leaves what is kept once for all."""
    bench.call(bench.letters(1)[0])
    before = _all_rows(bench)
    bench.call(bench.letters(1)[0])
    after = _all_rows(bench)
    inserted: dict[str, tuple[Row, ...]] = {}
    for name, rows in after.items():
        fresh = tuple(row for key, row in rows.items() if key not in before[name])
        if fresh:
            inserted[name] = fresh
    changed = {
        name: [key for key, row in rows.items() if before[name].get(key, row) != row]
        for name, rows in after.items()
    }
    assert {name for name, keys in changed.items() if keys} == {"log"}, "a submission changes its log alone"
    grown = after["log"][changed["log"][0]]
    document_key = inserted["document"][0]["key"]
    return Written(inserted, grown["size"], grown["key"], grown["frontier"], document_key)


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


def write(connection: sqlite3.Connection, statements: list[Statement]) -> None:
    """One durable commit of these rows."""
    connection.execute("BEGIN IMMEDIATE")
    for sql, rows in statements:
        if len(rows) == 1:
            connection.execute(sql, rows[0])
        else:
            connection.executemany(sql, rows)
    connection.execute("COMMIT")

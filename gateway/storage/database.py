"""The database: one writer at a time, read snapshots, migrations, and its errors in our words.

What only SQLite needs stands in this file. Another database needs here: its engine, how a transaction excludes other
writers (the order of `event.seq` and `delivery.inbox_seq` is the order of commits), and its error names.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import QueuePool

from gateway.domain.catalogue import Code
from gateway.domain.errors import BropostError, InputError, InternalError, UnavailableError

CommitListener = Callable[[str], None]

# What every connection sets. FULL: a commit answers after its fsync; secure_delete: what is erased is overwritten.
_PRAGMAS: Final = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "secure_delete=ON",
    "trusted_schema=OFF",
    "cache_size=-16384",  # KiB; holds the upper pages of the indexes of a million documents
)
_MIGRATIONS: Final = Path(__file__).parent / "migrations"


class Database:
    """A database file that this process writes, one transaction at a time."""

    def __init__(self, writer: Engine, reader: Engine, busy_seconds: int) -> None:
        """Use `Database.open`."""
        self.on_commit: list[CommitListener] = []
        """Called with "before" and "after" at every commit, so that a test can end the process there."""
        self._writer = writer
        self._reader = reader
        self._busy_seconds = busy_seconds
        self._turn = threading.Lock()
        self._holder: int | None = None
        self._failed = False

    @staticmethod
    def open(url: str, *, busy_seconds: int) -> Database:
        """The database of an address "sqlite:///path", created empty if there is none; see `migrate`.

        A writer waits at most `busy_seconds` for its turn. InputError SETTINGS_INVALID for another kind of address.
        """
        path = _path_of(url)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        except OSError as error:
            raise UnavailableError(Code.STORE_UNAVAILABLE) from error
        writer = _engine(path, busy_seconds, begin="BEGIN IMMEDIATE", pragmas=_PRAGMAS, pool_size=1)
        reader = _engine(path, busy_seconds, begin="BEGIN", pragmas=(*_PRAGMAS, "query_only=ON"), pool_size=8)
        return Database(writer, reader, busy_seconds)

    def migrate(self) -> None:
        """Bring the tables to the form of this version, or create them; all of it or nothing.

        InputError SETTINGS_INVALID if a newer version made the database.
        """
        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        with self.transaction() as connection:
            config.attributes["connection"] = connection
            try:
                command.upgrade(config, "head")
            except CommandError as error:
                what = "the database was made by another version of the gateway"
                raise InputError(Code.SETTINGS_INVALID, what=what) from error

    @contextmanager
    def read(self) -> Generator[Connection]:
        """A connection that sees one state of the database, whatever others commit; it cannot write."""
        with self._translated(), self._reader.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def transaction(self) -> Generator[Connection]:
        """A connection that alone may write: committed to disk at the end of the block, undone by an error.

        UnavailableError BUSY if other writers take too long, STORE_UNAVAILABLE if the disk is full or fails.
        """
        me = threading.get_ident()
        assert self._holder != me, "this thread has a transaction open already"
        if not self._turn.acquire(timeout=self._busy_seconds):
            raise UnavailableError(Code.BUSY, seconds=self._busy_seconds)
        self._holder = me
        try:
            if self._failed:
                raise UnavailableError(Code.STORE_UNAVAILABLE)
            with self._translated(), self._writer.connect() as connection:
                with connection.begin():
                    yield connection
                    self._tell("before")
                self._tell("after")
        finally:
            self._holder = None
            self._turn.release()

    def close(self) -> None:
        """Give back every connection; the last one writes the journal into the database file."""
        self._reader.dispose()
        self._writer.dispose()

    def _tell(self, moment: str) -> None:
        for listener in self.on_commit:
            listener(moment)

    @contextmanager
    def _translated(self) -> Generator[None]:
        try:
            yield
        except DBAPIError as error:
            raise self._ours(error) from error

    def _ours(self, error: DBAPIError) -> BropostError:
        """The library's error in the words of the catalogue."""
        name: str = getattr(error.orig, "sqlite_errorname", "")
        if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            return UnavailableError(Code.BUSY, seconds=self._busy_seconds)
        if name.startswith("SQLITE_IOERR"):
            # After a failed fsync nobody knows what is on disk: write no more until a restart has recovered the file.
            self._failed = True
            return UnavailableError(Code.STORE_UNAVAILABLE)
        if name.startswith(("SQLITE_FULL", "SQLITE_CANTOPEN", "SQLITE_READONLY")):
            return UnavailableError(Code.STORE_UNAVAILABLE)
        return InternalError(Code.INTERNAL)


def _path_of(url: str) -> Path:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise InputError(Code.SETTINGS_INVALID, what="store.database is not an address") from None
    if parsed.drivername != "sqlite" or not parsed.database or parsed.database == ":memory:":
        raise InputError(Code.SETTINGS_INVALID, what="store.database is not the address of an SQLite file")
    return Path(parsed.database)


def _engine(path: Path, busy_seconds: int, *, begin: str, pragmas: tuple[str, ...], pool_size: int) -> Engine:
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        connect_args={"timeout": busy_seconds, "check_same_thread": False},
        poolclass=QueuePool,
        pool_size=pool_size,
        max_overflow=0 if pool_size == 1 else -1,
        hide_parameters=True,
    )

    @event.listens_for(engine, "connect")
    def set_up(driver_connection: sqlite3.Connection, _record: object) -> None:
        driver_connection.isolation_level = None  # BEGIN is ours, below
        for pragma in pragmas:
            driver_connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def start(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine

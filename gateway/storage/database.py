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
from sqlalchemy.pool import NullPool

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
    "cache_size=-16384",  # KiB a connection; the default of 2000 holds too little of the indexes of large stores
)
_MIGRATIONS: Final = Path(__file__).parent / "migrations"


class Database:
    """A database file that this process writes, one transaction at a time.

    Connections are held open, and BEGIN and COMMIT go straight to the driver: an empty transaction of SQLAlchemy's own
    was measured at seven times the CPU time of the driver's.
    """

    def __init__(self, path: Path, busy_seconds: int) -> None:
        """Use `Database.open`."""
        self.on_commit: list[CommitListener] = []
        """Called with "before" and "after" at every commit, so that a test can end the process there."""
        self._busy_seconds = busy_seconds
        self._engine = _engine(path, busy_seconds, _PRAGMAS)
        self._reading = _engine(path, busy_seconds, (*_PRAGMAS, "query_only=ON"))
        self._writer: Connection | None = None
        self._readers: list[Connection] = []  # those that nobody uses
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
        return Database(path, busy_seconds)

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
        try:
            connection = self._idle_reader()
            try:
                _driver(connection).execute("BEGIN")
                yield connection
            finally:
                _end(connection, keep=False)
                self._readers.append(connection)
        except (DBAPIError, sqlite3.Error) as error:
            raise self._ours(error) from error

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
            connection = self._writer = self._writer or self._engine.connect()
            try:
                _driver(connection).execute("BEGIN IMMEDIATE")
                yield connection
                self._tell("before")
                _end(connection, keep=True)
            except BaseException:
                _end(connection, keep=False)
                raise
            self._tell("after")
        except (DBAPIError, sqlite3.Error) as error:
            raise self._ours(error) from error
        finally:
            self._holder = None
            self._turn.release()

    def close(self) -> None:
        """Give back every connection; the last one writes the journal into the database file."""
        for connection in (*self._readers, *([self._writer] if self._writer else [])):
            connection.close()
        self._readers.clear()
        self._writer = None
        self._reading.dispose()
        self._engine.dispose()

    def _idle_reader(self) -> Connection:
        try:
            return self._readers.pop()
        except IndexError:
            return self._reading.connect()

    def _tell(self, moment: str) -> None:
        for listener in self.on_commit:
            listener(moment)

    def _ours(self, error: DBAPIError | sqlite3.Error) -> BropostError:
        """The library's error in the words of the catalogue."""
        name: str = getattr(error.orig if isinstance(error, DBAPIError) else error, "sqlite_errorname", "")
        if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            return UnavailableError(Code.BUSY, seconds=self._busy_seconds)
        if name.startswith("SQLITE_IOERR"):
            # After a failed fsync nobody knows what is on disk: write no more until a restart has recovered the file.
            self._failed = True
            return UnavailableError(Code.STORE_UNAVAILABLE)
        if name.startswith(("SQLITE_FULL", "SQLITE_CANTOPEN", "SQLITE_READONLY")):
            return UnavailableError(Code.STORE_UNAVAILABLE)
        return InternalError(Code.INTERNAL)


def _driver(connection: Connection) -> sqlite3.Connection:
    driver = connection.connection.dbapi_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver


def _end(connection: Connection, *, keep: bool) -> None:
    """Commit or undo, also where SQLAlchemy has noticed that a transaction is open."""
    ending = connection if connection.in_transaction() else _driver(connection)
    if keep:
        ending.commit()
    else:
        ending.rollback()


def _path_of(url: str) -> Path:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise InputError(Code.SETTINGS_INVALID, what="store.database is not an address") from None
    if parsed.drivername != "sqlite" or not parsed.database or parsed.database == ":memory:":
        raise InputError(Code.SETTINGS_INVALID, what="store.database is not the address of an SQLite file")
    return Path(parsed.database)


def _engine(path: Path, busy_seconds: int, pragmas: tuple[str, ...]) -> Engine:
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        connect_args={"timeout": busy_seconds, "check_same_thread": False},
        poolclass=NullPool,
        hide_parameters=True,
    )

    @event.listens_for(engine, "connect")
    def set_up(driver_connection: sqlite3.Connection, _record: object) -> None:
        driver_connection.isolation_level = None  # BEGIN is ours
        for pragma in pragmas:
            driver_connection.execute(f"PRAGMA {pragma}")

    return engine

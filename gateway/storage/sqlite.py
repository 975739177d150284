"""What only SQLite needs: its engine, its one writer, and its error names."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Generator, Iterable
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from gateway.domain.catalogue import Code
from gateway.domain.errors import BropostError, InputError, InternalError, UnavailableError
from gateway.domain.identifiers import PartyId
from gateway.storage.exclusion import Scope, enter

# What every connection sets. FULL: a commit answers after its fsync; secure_delete: what is erased is overwritten.
_PRAGMAS: Final = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "secure_delete=ON",
    "trusted_schema=OFF",
    "cache_size=-16384",  # KiB a connection; the default of 2000 holds too little of the indexes of large stores
)


class Sqlite:
    """A database file, one writer at a time."""

    errors: Final = (DBAPIError, sqlite3.Error)

    is_shared: Final = False  # a file has one process

    def __init__(self, url: URL, busy_seconds: int, *, exclusively: bool = False) -> None:
        """Make the file if there is none. InputError SETTINGS_INVALID if the address names no file.

        `exclusively`: the first connection locks the file against everybody else, as long as it is there.
        """
        if not url.database or url.database == ":memory:":
            raise InputError(
                Code.SETTINGS_INVALID, what="store.database is not the address of an SQLite file"
            )
        path = Path(url.database)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        except OSError as error:
            raise UnavailableError(Code.STORE_UNAVAILABLE) from error
        self._path = path
        self._busy_seconds = busy_seconds
        self._is_exclusive = exclusively
        pragmas = ("locking_mode=EXCLUSIVE", *_PRAGMAS) if exclusively else _PRAGMAS
        self._writing = _engine(path, 0 if exclusively else busy_seconds, pragmas)
        self._reading = _engine(path, busy_seconds, (*_PRAGMAS, "query_only=ON"))
        self._turn = threading.Lock()
        self._failed = False

    def connect(self, *, to_write: bool) -> Connection:
        """A new connection."""
        return (self._writing if to_write else self._reading).connect()

    @contextmanager
    def turn(self) -> Generator[None]:
        """The time in which the caller is the one writer of this process."""
        if not self._turn.acquire(timeout=self._busy_seconds):
            raise UnavailableError(Code.BUSY, seconds=self._busy_seconds)
        try:
            if self._failed:
                raise UnavailableError(Code.STORE_UNAVAILABLE)
            yield
        finally:
            self._turn.release()

    def begin_reading(self, connection: Connection) -> None:
        """Begin to see one state."""
        driver(connection).execute("BEGIN")

    def begin_writing(self, connection: Connection, parties: Iterable[PartyId] | None) -> None:
        """Begin to write, alone in the file. The parties are only noted, so that a missing one shows here too."""
        driver(connection).execute("BEGIN IMMEDIATE")
        enter(connection, Scope(None if parties is None else set(parties), has_rivals=False))

    def take_time(self, connection: Connection) -> None:
        """Let the statements of this transaction take as long as they need: nothing here cuts them off."""

    def end(self, connection: Connection, *, keep: bool) -> None:
        """Commit or undo, also where SQLAlchemy has noticed that a transaction is open."""
        ending = connection if connection.in_transaction() else driver(connection)
        if keep:
            ending.commit()
            return
        ending.rollback()
        failed = connection.get_transaction()
        if failed is not None:  # its commit failed: SQLAlchemy would let nobody use the connection any more
            failed.rollback()

    def takes_writes(self, connection: Connection) -> bool:
        """Whether a write is tried at all: not after one of which nobody knows whether it is on disk."""
        return not self._failed

    def write_nothing(self, connection: Connection) -> None:
        """Write the first page as it is."""
        connection.exec_driver_sql("PRAGMA user_version = 0")  # nobody sets another

    def is_lost(self, connection: Connection) -> bool:
        """Whether the connection can no longer be used: a file does not go away."""
        return False

    def require_usable(self, connection: Connection) -> None:
        """Refuse a database that was not set up as it must be; a file cannot be."""

    def is_used_by_others(self, connection: Connection) -> bool:
        """Whether anybody else may have the file open: nobody can, if it is locked against them."""
        return not self._is_exclusive

    def copy_to(self, path: Path) -> None:
        """Write the file as it is at one moment to another path, while others go on."""
        with closing(sqlite3.connect(self._path)) as source, closing(sqlite3.connect(path)) as target:
            source.backup(target)

    def name_of(self, error: Exception) -> str | None:
        """The name that SQLite has for an error, or None if it is the library's own."""
        return getattr(error.orig if isinstance(error, DBAPIError) else error, "sqlite_errorname", None)

    def ours(self, error: Exception) -> BropostError:
        """The library's error in the words of the catalogue."""
        name = self.name_of(error) or ""
        if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            if self._is_exclusive:
                return InputError(Code.DATABASE_IN_USE)
            return UnavailableError(Code.BUSY, seconds=self._busy_seconds)
        if name.startswith("SQLITE_IOERR"):
            # After a failed fsync nobody knows what is on disk: write no more until a restart has recovered the file.
            self._failed = True
            return UnavailableError(Code.STORE_UNAVAILABLE)
        if name.startswith(("SQLITE_FULL", "SQLITE_CANTOPEN", "SQLITE_READONLY")):
            return UnavailableError(Code.STORE_UNAVAILABLE)
        return InternalError(Code.INTERNAL)


def driver(connection: Connection) -> sqlite3.Connection:
    """The driver's own connection."""
    found = connection.connection.dbapi_connection
    assert isinstance(found, sqlite3.Connection)
    return found


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

"""The database: transactions that are alone with what they write, read snapshots, migrations, errors in our words.

It is an SQLite file of one process, or a PostgreSQL server for several processes and hosts; what is special to each
stands in `sqlite` and `postgresql`, and who may write at the same time in `exclusion`.
"""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Callable, Generator, Iterable
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Final, Protocol

import structlog
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from gateway.domain.catalogue import Code
from gateway.domain.errors import BropostError, InputError, UnavailableError
from gateway.domain.identifiers import PartyId
from gateway.storage import prepared
from gateway.storage.postgresql import Postgresql
from gateway.storage.sqlite import Sqlite

CommitListener = Callable[[str], None]

_log = structlog.get_logger(__name__)

_PACKAGE: Final = Path(__file__).parents[1]
_PASSED_THROUGH: Final = (__file__, prepared.__file__)  # every error comes this way
_MIGRATIONS: Final = Path(__file__).parent / "migrations"


class Backend(Protocol):
    """What each kind of database does in its own way."""

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """What the driver raises, itself or by SQLAlchemy."""

    @property
    def is_shared(self) -> bool:
        """Whether several processes may write in it."""

    def connect(self, *, to_write: bool) -> Connection:
        """A new connection."""

    def turn(self) -> AbstractContextManager[None]:
        """The time in which the caller may write."""

    def begin_reading(self, connection: Connection) -> None:
        """Begin to see one state."""

    def begin_writing(self, connection: Connection, parties: Iterable[PartyId] | None) -> None:
        """Begin to write, alone among those that write of these parties, or (None) altogether."""

    def take_time(self, connection: Connection) -> None:
        """Let the statements of this transaction take as long as they need."""

    def end(self, connection: Connection, *, keep: bool) -> None:
        """Commit or undo."""

    def takes_writes(self, connection: Connection) -> bool:
        """Whether a write is tried at all, as a reader sees it."""

    def write_nothing(self, connection: Connection) -> None:
        """Write what changes nothing, so that a commit shows whether it can be kept."""

    def is_lost(self, connection: Connection) -> bool:
        """Whether the connection can no longer be used."""

    def require_usable(self, connection: Connection) -> None:
        """Refuse a database that was not set up as it must be."""

    def copy_to(self, path: Path) -> None:
        """Write the database, as it is at one moment, to a new file."""

    def is_used_by_others(self, connection: Connection) -> bool:
        """Whether anybody else may use the database; asked in a transaction that is alone."""

    def name_of(self, error: Exception) -> str | None:
        """The database's own name for an error: SQLSTATE, or SQLite's; None if it has none."""

    def ours(self, error: Exception) -> BropostError:
        """The library's error in the words of the catalogue."""


class Database:
    """The database of an installation.

    Connections are held open, and BEGIN and COMMIT go straight to the driver: an empty transaction of SQLAlchemy's own
    was measured at seven times the CPU time of the driver's.
    """

    def __init__(self, backend: Backend, *, is_exclusive: bool) -> None:
        """Use `Database.open`."""
        self.on_commit: list[CommitListener] = []
        """Called with "before" and "after" at every commit, so that a test can end the process there."""
        self._backend = backend
        self._is_exclusive = is_exclusive
        self._idle: dict[bool, list[Connection]] = {True: [], False: []}  # by whether they are to write
        self._mine = threading.local()
        self._last_write_failed = False

    @staticmethod
    def open(url: str, *, busy_seconds: int, exclusively: bool = False) -> Database:
        """The database of an address "sqlite:///path", created empty if there is none, or "postgresql+psycopg://...".

        A writer waits at most `busy_seconds` for its turn; see `migrate`. InputError SETTINGS_INVALID for another kind
        of address, or another machine's without TLS. `exclusively` is for who wants to be the only one: a file is
        locked from the first connection on (InputError DATABASE_IN_USE if another has it open); see `require_unused`.
        """
        try:
            parsed = make_url(url)
        except ArgumentError:
            raise InputError(Code.SETTINGS_INVALID, what="store.database is not an address") from None
        if parsed.drivername == "sqlite":
            sqlite = Sqlite(parsed, busy_seconds, exclusively=exclusively)
            return Database(sqlite, is_exclusive=exclusively)
        if parsed.drivername == "postgresql+psycopg":
            return Database(Postgresql(parsed, busy_seconds), is_exclusive=exclusively)
        what = "store.database is the address of neither an SQLite file nor a PostgreSQL database"
        raise InputError(Code.SETTINGS_INVALID, what=what)

    def migrate(self, *, upgrade: bool = True) -> None:
        """Bring the tables to the form of this version, or create them; all of it or nothing.

        Where they have it already, nothing is written and nobody waits. InputError SETTINGS_INVALID if a newer version
        made the database, or if it was not set up as it must be; or an older one, without `upgrade`.
        """
        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        if not self._is_exclusive:  # else there can be no other connection than the one that writes
            with self.read() as connection:
                version = MigrationContext.configure(connection).get_current_revision()
            if version == ScriptDirectory.from_config(config).get_current_head():
                return
            if version is not None and not upgrade:
                what = (
                    "the database is of another version of the gateway: the next start brings it up to date"
                )
                raise InputError(Code.SETTINGS_INVALID, what=what)
        with self.alone(unhurried=True) as connection:
            self._backend.require_usable(connection)
            config.attributes["connection"] = connection
            try:
                command.upgrade(config, "head")
            except CommandError as error:
                what = (
                    "a newer version of the gateway has brought the database up to date: start that version"
                )
                raise InputError(Code.SETTINGS_INVALID, what=what) from error

    @property
    def is_shared(self) -> bool:
        """Whether several processes may write in it: a server's database, not a file."""
        return self._backend.is_shared

    def copy_to(self, path: Path) -> None:
        """Write a file database, as it is at one moment, to a new file. InputError ARGUMENT_INVALID for a server's."""
        try:
            self._backend.copy_to(path)
        except self._backend.errors as error:
            raise self._ours(error) from error

    def require_unused(self, connection: Connection) -> None:
        """Refuse a database that a gateway or a command uses beside this one, which was opened `exclusively`.

        InputError DATABASE_IN_USE. `connection` is one of `alone`: nobody begins to write while it is held.
        """
        if self._backend.is_used_by_others(connection):
            raise InputError(Code.DATABASE_IN_USE)

    @contextmanager
    def read(self) -> Generator[Connection]:
        """A connection that sees one state of the database, whatever others commit; it cannot write."""
        try:
            connection = self._begun(self._backend.begin_reading, to_write=False)
            try:
                yield connection
            finally:
                self._undo(connection)
                self._give_back(connection, to_write=False)
        except self._backend.errors as error:
            raise self._ours(error) from error

    @contextmanager
    def transaction(self, *parties: PartyId) -> Generator[Connection]:
        """A connection that alone may write of these parties: committed to disk at the end of the block, or undone.

        It sees what all transactions before it committed. Without parties it writes nothing that is a party's, but for
        what it makes its own later (`exclusion.take_one`, `exclusion.try_alone`). UnavailableError BUSY if other
        writers take too long, STORE_UNAVAILABLE if the disk is full or fails, or the server is away.
        """
        with self._writing(parties) as connection:
            yield connection

    @contextmanager
    def alone(self, *, unhurried: bool = False) -> Generator[Connection]:
        """A transaction that is alone altogether: on a server everybody else waits, so it is for commands, and short.

        `unhurried` lets its statements take as long as they need: for a command that goes through everything.
        """
        with self._writing(None) as connection:
            if unhurried:
                self._backend.take_time(connection)
            yield connection

    def may_write(self) -> bool:
        """Whether writes are kept now: not on a standby, nor since a write failed, until one that tries it is kept.

        Where nothing was written since a disk was filled or a server turned into one that only reads its files, nobody
        knows of it yet.
        """
        try:
            with self.read() as connection:
                if not self._backend.takes_writes(connection):
                    return False
            if self._last_write_failed:
                with self.transaction() as connection:
                    self._backend.write_nothing(connection)
        except BropostError:
            return False
        return True

    def close(self) -> None:
        """Give back every connection; the last one of an SQLite file writes the journal into it."""
        for idle in self._idle.values():
            while idle:
                idle.pop().close()

    @contextmanager
    def _writing(self, parties: tuple[PartyId, ...] | None) -> Generator[Connection]:
        assert not getattr(self._mine, "is_writing", False), "this thread has a transaction open already"
        self._mine.is_writing = True
        try:
            with self._backend.turn():
                connection = self._begun(
                    lambda each: self._backend.begin_writing(each, parties), to_write=True
                )
                try:
                    yield connection
                    self._tell("before")
                    self._backend.end(connection, keep=True)
                except BaseException:
                    self._undo(connection)
                    raise
                finally:
                    self._give_back(connection, to_write=True)
                self._last_write_failed = False
                self._tell("after")
        except self._backend.errors as error:
            ours = self._ours(error)
            if ours.code is Code.STORE_UNAVAILABLE:
                self._last_write_failed = True
            raise ours from error
        finally:
            self._mine.is_writing = False

    def _begun(self, begin: Callable[[Connection], None], *, to_write: bool) -> Connection:
        """A connection on which a transaction has begun; one that was held and is lost meanwhile is replaced."""
        while True:
            try:
                connection, is_new = self._idle[to_write].pop(), False
            except IndexError:
                connection, is_new = self._backend.connect(to_write=to_write), True
            try:
                begin(connection)
            except self._backend.errors:
                self._undo(connection)
                is_lost = self._is_lost(connection)
                self._give_back(connection, to_write=to_write)
                if is_new or not is_lost:
                    raise
            else:
                return connection

    def _undo(self, connection: Connection) -> None:
        """Undo a transaction; where that fails, the end of the connection does it."""
        try:
            self._backend.end(connection, keep=False)
        except self._backend.errors:
            with suppress(*self._backend.errors):
                connection.invalidate()

    def _give_back(self, connection: Connection, *, to_write: bool) -> None:
        if self._is_lost(connection):
            with suppress(*self._backend.errors):
                connection.invalidate()
            connection.close()
        else:
            self._idle[to_write].append(connection)

    def _ours(self, error: Exception) -> BropostError:
        """The error in the words of the catalogue, and told in the log: by its name and the line of ours it came from.

        What the database itself says of it may quote what was stored.
        """
        ours = self._backend.ours(error)
        _log.log(
            logging.WARNING if isinstance(ours, UnavailableError) else logging.ERROR,
            "database failed",
            code=ours.code.name,
            error=self._backend.name_of(error),
            kind=type(error).__name__,
            place=_place(error),
        )
        return ours

    def _is_lost(self, connection: Connection) -> bool:
        return connection.invalidated or self._backend.is_lost(connection)

    def _tell(self, moment: str) -> None:
        for listener in self.on_commit:
            listener(moment)


def _place(error: Exception) -> str | None:
    """The file and line of ours in which an error arose: "storage/events.py:88"."""
    frames = reversed(traceback.extract_tb(error.__traceback__))
    ours = (each for each in frames if each.filename not in _PASSED_THROUGH)
    for each in ours:
        if Path(each.filename).is_relative_to(_PACKAGE):
            return f"{Path(each.filename).relative_to(_PACKAGE)}:{each.lineno}"
    return None

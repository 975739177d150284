"""What only PostgreSQL needs: its engine, how its writers keep out of each other's way, and its error names."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg.abc import RV, PQGen
from psycopg.pq import TransactionStatus
from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from gateway.domain.catalogue import Code
from gateway.domain.errors import BropostError, InputError, InternalError, UnavailableError
from gateway.domain.identifiers import PartyId
from gateway.storage.exclusion import Scope, enter, lock_statements

# A state that is read in several statements is one state; a transaction that writes sees, after it got its locks, all
# that others committed before. Nothing that is locked can change under it: so no write ever fails to be serialised.
_BEGIN_READING: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_BEGIN_WRITING: Final = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
_CONNECT_SECONDS: Final = 5
_ABANDONED_SECONDS: Final = 30  # no transaction of ours waits for anything but the database
_STATEMENT_SECONDS: Final = 10  # beside its wait for a lock; those of requests take milliseconds
_LOCKS_MOST: Final = 3  # that one message waits for: the installation's and two parties'
_SLACK_SECONDS: Final = 5  # in which a server that answers at all says that it gave up
_LIVENESS: Final = {  # for a host that is gone: the first question after 30 silent seconds, the last a minute later
    "keepalives": 1,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 6,
    "tcp_user_timeout": 60_000,  # milliseconds until what was sent must have arrived
}
_TAKE_TIME: Final = "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0"
_HERE: Final = ("localhost", "127.0.0.1", "::1")
_TOLD: Final = (
    frozenset(  # what an address may say: whatever else libpq knows leads elsewhere, or weakens the way
        {
            "application_name",
            "channel_binding",
            "gssencmode",
            "host",
            "hostaddr",
            "krbsrvname",
            "passfile",
            "port",
            "require_auth",
            "requirepeer",
            "sslcert",
            "sslcrl",
            "sslcrldir",
            "sslkey",
            "sslmode",
            "sslrootcert",
            "target_session_attrs",
        }
    )
)
_SETTINGS: Final = (
    "SELECT pg_encoding_to_char(encoding), 'a' > 'B' FROM pg_database WHERE datname = current_database()"
)

_OTHERS: Final = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
)


class Postgresql:
    """A database of a server, which several processes and hosts may write."""

    errors: Final = (DBAPIError, psycopg.Error)

    is_shared: Final = True  # a server may have several

    def __init__(self, url: URL, busy_seconds: int) -> None:
        """Connect to nothing yet. InputError SETTINGS_INVALID if the way to the server is not safe."""
        _require_safe_way(url)
        self._busy_seconds = busy_seconds
        patience = max(1, busy_seconds * 1000)  # 0 would mean for ever
        options = {
            "client_encoding": "UTF8",
            "lock_timeout": f"{patience}ms",
            "statement_timeout": f"{patience + _STATEMENT_SECONDS * 1000}ms",
            # Lists walk along an index to their limit. Where tables grew since they were analysed, a bitmap looks
            # cheaper, and reads all that lies behind.
            "enable_bitmapscan": "off",
        }
        self._silence_seconds = _LOCKS_MOST * busy_seconds + _STATEMENT_SECONDS + _SLACK_SECONDS
        self._reading = self._engine(url, options)
        # Nobody must wait for ever for a writer whose host is gone; who only reads holds up nobody.
        abandoned = {"idle_in_transaction_session_timeout": f"{_ABANDONED_SECONDS}s"}
        self._writing = self._engine(url, options | abandoned)

    def connect(self, *, to_write: bool) -> Connection:
        """A new connection."""
        return (self._writing if to_write else self._reading).connect()

    @contextmanager
    def turn(self) -> Generator[None]:
        """No turns: the locks of `begin_writing` keep writers apart, in this process as between processes."""
        yield

    def begin_reading(self, connection: Connection) -> None:
        """Begin to see one state."""
        self._driver(connection).execute(_BEGIN_READING, prepare=False)

    def begin_writing(self, connection: Connection, parties: Iterable[PartyId] | None) -> None:
        """Begin to write, alone among those that write of these parties, or (None) altogether."""
        named = None if parties is None else set(parties)
        # One way to the server and back; the locks are taken in their order.
        begin = f"{_BEGIN_WRITING}; {lock_statements(named)}"
        self._driver(connection).execute(begin.encode(), prepare=False)
        enter(connection, Scope(named, has_rivals=named is not None))

    def take_time(self, connection: Connection) -> None:
        """Let the statements of this transaction take as long as they need."""
        driver(connection).silence_seconds = None
        driver(connection).execute(_TAKE_TIME, prepare=False)

    def end(self, connection: Connection, *, keep: bool) -> None:
        """Commit or undo, also where SQLAlchemy has noticed that a transaction is open."""
        if keep and driver(connection).info.transaction_status is TransactionStatus.INERROR:
            # The server would undo it and call that a commit.
            raise psycopg.errors.InFailedSqlTransaction("an error in the transaction was passed over")
        ending = connection if connection.in_transaction() else driver(connection)
        if keep:
            ending.commit()
            return
        ending.rollback()
        failed = connection.get_transaction()
        if failed is not None:  # its commit failed: SQLAlchemy would let nobody use the connection any more
            failed.rollback()

    def takes_writes(self, connection: Connection) -> bool:
        """Whether a write is tried at all: not by a standby, which only follows another server."""
        return not connection.exec_driver_sql("SELECT pg_is_in_recovery()").scalar_one()

    def write_nothing(self, connection: Connection) -> None:
        """Make the transaction one that the server must note in its log."""
        connection.exec_driver_sql("SELECT pg_current_xact_id()")

    def is_lost(self, connection: Connection) -> bool:
        """Whether the connection can no longer be used."""
        return driver(connection).closed

    def require_usable(self, connection: Connection) -> None:
        """Refuse a database in which text is not Unicode, or is not ordered by it. InputError SETTINGS_INVALID."""
        encoding, by_code_point = connection.exec_driver_sql(_SETTINGS).one()
        if encoding != "UTF8" or not by_code_point:
            what = "the database must be made with ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0"
            raise InputError(Code.SETTINGS_INVALID, what=what)

    def is_used_by_others(self, connection: Connection) -> bool:
        """Whether anybody else is connected; asked by one who is alone, so that nobody begins to write."""
        return bool(connection.exec_driver_sql(_OTHERS).scalar_one())

    def copy_to(self, path: Path) -> None:
        """Refuse: a server has backups of its own."""
        raise InputError(Code.ARGUMENT_INVALID, what="the database is a server's: back it up with pg_dump")

    def name_of(self, error: Exception) -> str | None:
        """The SQLSTATE of an error, or None if it is the library's own."""
        return getattr(error.orig if isinstance(error, DBAPIError) else error, "sqlstate", None)

    def ours(self, error: Exception) -> BropostError:
        """The library's error in the words of the catalogue, by its class of SQLSTATE."""
        state = self.name_of(error)
        if state is None:  # the library's own: mostly that the server cannot be reached, or went away
            cause = error.orig if isinstance(error, DBAPIError) else error
            is_away = isinstance(cause, psycopg.OperationalError)
            return UnavailableError(Code.STORE_UNAVAILABLE) if is_away else InternalError(Code.INTERNAL)
        if state in _BUSY:
            return UnavailableError(Code.BUSY, seconds=self._busy_seconds)
        if state.startswith(_UNAVAILABLE):
            return UnavailableError(Code.STORE_UNAVAILABLE)
        return InternalError(Code.INTERNAL)

    def _driver(self, connection: Connection) -> _Connection:
        """The driver's own connection, for a transaction that begins: it waits no longer than for a request."""
        found = driver(connection)
        found.silence_seconds = self._silence_seconds
        return found

    def _engine(self, url: URL, options: dict[str, str]) -> Engine:
        engine = create_engine(
            url,
            connect_args={
                **_explicit(url),
                **_LIVENESS,
                "connect_timeout": _CONNECT_SECONDS,
                "options": " ".join(f"-c {name}={value}" for name, value in options.items()),
            },
            poolclass=NullPool,
            hide_parameters=True,
            use_native_hstore=False,
        )
        event.listen(engine, "do_connect", _connect)
        event.listen(engine, "connect", _set_up)
        return engine


class _Connection(psycopg.Connection[Any]):
    """A connection that gives up a server which says nothing, such as one whose host hangs."""

    silence_seconds: float | None = None

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """Wait for an answer; what comes after that time, nobody hears."""
        try:
            return super().wait(gen, interval, self.silence_seconds if timeout is None else timeout)
        except psycopg.OperationalError as error:
            if error.sqlstate is None:  # the library's own: nobody knows what the server would say next
                self.close()
            raise


_BUSY: Final = ("55P03", "40001", "40P01")  # lock_not_available; the others cannot be, and may be tried again
_UNAVAILABLE: Final = (
    "08",  # connection exception
    "25P03",  # idle_in_transaction_session_timeout
    "25006",  # read_only_sql_transaction: a standby, or a reader that writes
    "28",  # invalid authorization: a password or certificate that was changed
    "3D000",  # invalid_catalog_name: no such database
    "53",  # insufficient resources: disk full, out of memory, too many connections
    "57",  # operator intervention: shutdown, crash, starting up
    "58",  # system error: of the disk
)


def driver(connection: Connection) -> _Connection:
    """The driver's own connection."""
    found = connection.connection.dbapi_connection
    assert isinstance(found, _Connection)
    return found


def _connect(_dialect: object, _record: object, positional: list[Any], named: dict[str, Any]) -> _Connection:
    return _Connection.connect(*positional, **named)


def _set_up(connection: psycopg.Connection[Any], _record: object) -> None:
    connection.autocommit = True  # BEGIN is ours
    # An answer means that it is on disk, whatever the server says of other databases.
    connection.execute(
        "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
    )


def _require_safe_way(url: URL) -> None:
    """Refuse an address that names no server, holds a secret, or leads to another machine that need not prove itself.

    What it does not say, libpq would take from the environment and from service files.
    """
    told = set(url.query)
    if url.password is not None or "password" in told:
        what = "the address of the database holds a password; name a file by ?passfile= instead (mode 0600)"
        raise InputError(Code.SETTINGS_INVALID, what=what)
    if not told <= _TOLD:
        what = f"the address of the database says {min(told - _TOLD)}, which is not for it to say"
        raise InputError(Code.SETTINGS_INVALID, what=what)
    hosts = [
        host for text in (url.host or "", *_texts(url.query.get("host", ()))) for host in text.split(",")
    ]
    if not any(hosts):
        what = "the address of the database names no host and no folder of a socket (?host=)"
        raise InputError(Code.SETTINGS_INVALID, what=what)
    away = [host for host in hosts if host and not host.startswith("/") and host not in _HERE]
    if (away or url.query.get("hostaddr")) and url.query.get("sslmode") != "verify-full":
        what = "the address of the database names another machine without ?sslmode=verify-full"
        raise InputError(Code.SETTINGS_INVALID, what=what)


def _explicit(url: URL) -> dict[str, str]:
    """What the way is safe by, said where the address does not: else the environment could say it."""
    return {
        name: default for name, default in (("hostaddr", ""), ("sslmode", "prefer")) if name not in url.query
    }


def _texts(value: str | tuple[str, ...]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value

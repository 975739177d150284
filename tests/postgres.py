"""A PostgreSQL server of the tests' own: a cluster in a temporary folder, on a socket that nobody else may use.

It ends with the process that started it. Run by root, the server runs as `nobody`: PostgreSQL refuses to run as root.
"""

from __future__ import annotations

import atexit
import functools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import threading
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg
from sqlalchemy.engine import make_url

_PROGRAMS: Final = ("initdb", "postgres")
_SETTINGS: Final = {
    "listen_addresses": "",
    "max_connections": "100",
    "shared_buffers": "16MB",
    "autovacuum": "off",
    "log_checkpoints": "off",
}
_READY: Final = ("ready to accept connections", "ready to accept read-only connections")


@dataclass(frozen=True)
class Server:
    """A running server; its databases are reached by a socket in its folder."""

    folder: Path
    process: subprocess.Popen[str]
    reader: threading.Thread  # of what the server tells, which must not pile up

    def url(self, database: str) -> str:
        """The address of a database, as settings give it."""
        return f"postgresql+psycopg://bropost@/{database}?host={self.folder}"

    def do(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Run a statement as the server's administrator; give its rows, if it has any."""
        with psycopg.connect(
            host=str(self.folder), user="bropost", dbname=database, autocommit=True
        ) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def create(self, database: str, template: str = "template0") -> str:
        """Make a database, empty or a copy of one that nobody uses now, and give its address."""
        ((version,),) = self.do("SHOW server_version_num")
        # Of the two ways that there are since version 15 this is the cheaper one here.
        strategy = " STRATEGY file_copy" if int(str(version)) >= 150_000 else ""
        self.do(f"CREATE DATABASE {database} TEMPLATE {template}{strategy}")
        return self.url(database)

    def drop(self, database: str) -> None:
        """Remove a database, whoever is connected."""
        self.do(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")

    def files(self, database: str) -> list[Path]:
        """The files that hold a database, brought up to date."""
        self.do("CHECKPOINT")
        ((oid,),) = self.do(f"SELECT oid FROM pg_database WHERE datname = '{database}'")
        return [path for path in (self.folder / "data" / "base" / str(oid)).iterdir() if path.is_file()]

    @contextmanager
    def durable(self) -> Generator[None]:
        """Let every commit of the block wait for the disk, as in production; elsewhere tests do without."""
        self._set_fsync("on")
        try:
            yield
        finally:
            self._set_fsync("off")

    def _set_fsync(self, value: str) -> None:
        self.do(f"ALTER SYSTEM SET fsync = {value}")
        self.do("SELECT pg_reload_conf()")

    def stop(self) -> None:
        """End the server and remove its folder."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)  # at once, without waiting for clients
            self.process.wait()
        self.reader.join()
        assert self.process.stderr is not None
        self.process.stderr.close()
        shutil.rmtree(self.folder, ignore_errors=True)


@functools.cache
def programs() -> Path | None:
    """The folder of the newest server on this machine, or None if there is none."""
    places = [Path(each).resolve().parent for each in map(shutil.which, _PROGRAMS) if each]
    places += sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda place: int(place.parent.name), reverse=True
    )
    return next((place for place in places if all((place / each).is_file() for each in _PROGRAMS)), None)


def kinds() -> list[str]:
    """The kinds of databases that tests run on here; with CI=true a machine without PostgreSQL is an error."""
    if programs() is not None:
        return ["sqlite", "postgresql"]
    assert os.environ.get("CI") != "true", "with CI=true the tests run on PostgreSQL too: install postgresql"
    return ["sqlite"]


def files_of(url: str) -> list[Path]:
    """The files of the database at an address of this server; none for a database that is a file."""
    parsed = make_url(url)
    return server().files(parsed.database or "") if parsed.drivername.startswith("postgresql") else []


@functools.cache
def server() -> Server:
    """The server of this process, started when it is first asked for."""
    place = programs()
    assert place is not None
    folder = Path(tempfile.mkdtemp(prefix="bropost-postgresql-"))
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    data = folder / "data"
    made: list[str | Path] = [
        place / "initdb",
        "-D",
        data,
        "-U",
        "bropost",
        "--auth=trust",
        "--encoding=UTF8",
        "--locale=C",
        "--no-sync",
    ]
    subprocess.run([*_as_nobody(), *made], check=True, capture_output=True, cwd=folder)
    with (data / "postgresql.auto.conf").open("a") as settings:
        settings.write("fsync = off\n")
    started = _started(place, folder)
    atexit.register(started.stop)
    return started


@contextmanager
def standby() -> Generator[Server]:
    """A server that has what the one of this process has now, and only follows, during the block."""
    place = programs()
    assert place is not None
    folder = Path(tempfile.mkdtemp(prefix="bropost-postgresql-standby-"))
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    source: list[str | Path] = ["-h", server().folder, "-U", "bropost", "--checkpoint=fast", "--no-sync"]
    copy = [*_as_nobody(), place / "pg_basebackup", *source, "-D", folder / "data"]
    subprocess.run(copy, check=True, capture_output=True, cwd=folder)
    subprocess.run([*_as_nobody(), "touch", folder / "data" / "standby.signal"], check=True, cwd=folder)
    started = _started(place, folder)
    try:
        yield started
    finally:
        started.stop()


def _started(place: Path, folder: Path) -> Server:
    """A server on the cluster in this folder, once it takes connections."""
    data = folder / "data"
    options = [part for name, value in _SETTINGS.items() for part in ("-c", f"{name}={value}")]
    process = subprocess.Popen(
        [*_as_nobody(), "--pdeathsig=INT", place / "postgres", "-D", data, "-k", folder, *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
    )
    assert process.stderr is not None
    told: deque[str] = deque(maxlen=50)
    for line in process.stderr:
        told.append(line)
        if any(each in line for each in _READY):
            break
    else:
        raise AssertionError("".join(told))
    reader = threading.Thread(target=told.extend, args=(process.stderr,), daemon=True)
    reader.start()
    return Server(folder, process, reader)


def _as_nobody() -> list[str]:
    """What runs a command as an ordinary user."""
    rights = ["--reuid=nobody", "--regid=nogroup", "--clear-groups"] if os.geteuid() == 0 else []
    return ["setpriv", *rights]

"""A database with its tables, fresh for each test, of each kind that this machine has."""

from __future__ import annotations

import functools
from collections.abc import Generator
from pathlib import Path
from uuid import uuid4

import pytest

from gateway.storage.database import Database
from tests import postgres

EMPTY = "empty"


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with every table and nothing in it."""
    path = tmp_path_factory.mktemp("empty") / "bropost.db"
    _make_tables(f"sqlite:///{path}")
    return path


@functools.cache
def _empty_database() -> str:
    """The name of a database of the server with every table and nothing in it."""
    _make_tables(postgres.server().create(EMPTY))
    return EMPTY


def _make_tables(url: str) -> None:
    made = Database.open(url, busy_seconds=5)
    made.migrate()
    made.close()


@pytest.fixture
def sqlite_url(tmp_path: Path, empty_file: Path) -> str:
    """The address of a database file of its own for each test."""
    path = tmp_path / "bropost.db"
    path.write_bytes(empty_file.read_bytes())
    return f"sqlite:///{path}"


@pytest.fixture
def postgresql_url() -> Generator[str]:
    """The address of a database of the server, of its own for each test."""
    name = f"test_{uuid4().hex}"
    yield postgres.server().create(name, _empty_database())
    postgres.server().drop(name)


@pytest.fixture(params=postgres.kinds())
def url(request: pytest.FixtureRequest) -> str:
    """The address of a database of its own for each test, of each kind."""
    address: str = request.getfixturevalue(f"{request.param}_url")
    return address


@pytest.fixture
def database(url: str) -> Generator[Database]:
    """A database of its own for each test, of each kind."""
    opened = Database.open(url, busy_seconds=5)
    yield opened
    opened.close()


@pytest.fixture
def sqlite(sqlite_url: str) -> Generator[Database]:
    """A database file of its own for each test."""
    opened = Database.open(sqlite_url, busy_seconds=5)
    yield opened
    opened.close()

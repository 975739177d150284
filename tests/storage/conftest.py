"""A database with its tables, fresh for each test."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from gateway.storage.database import Database


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with every table and nothing in it."""
    path = tmp_path_factory.mktemp("empty") / "bropost.db"
    made = Database.open(f"sqlite:///{path}", busy_seconds=5)
    made.migrate()
    made.close()
    return path


@pytest.fixture
def database(tmp_path: Path, empty_file: Path) -> Generator[Database]:
    """A database of its own for each test, on disk."""
    path = tmp_path / "bropost.db"
    path.write_bytes(empty_file.read_bytes())
    opened = Database.open(f"sqlite:///{path}", busy_seconds=5)
    yield opened
    opened.close()

"""An installation of its own for each test of the workflows, on each kind of database that this machine has."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from tests import postgres
from tests.installation import TestInstallation, open_test_installation, remove_database


@pytest.fixture(params=postgres.kinds())
def house(tmp_path: Path, request: pytest.FixtureRequest) -> Generator[TestInstallation]:
    """An installation with two parties, two foreign ones, and their systems, on each kind of database."""
    opened = open_test_installation(tmp_path, kind=request.param)
    yield opened
    opened.close()
    remove_database(tmp_path)

"""An installation of its own for each test of a life, on each kind of database that this machine has."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from tests import postgres
from tests.installation import TestInstallation, open_test_installation, remove_database


@pytest.fixture(params=postgres.kinds())
def house(tmp_path: Path, request: pytest.FixtureRequest) -> Generator[TestInstallation]:
    """An installation with a municipality and a school."""
    opened = open_test_installation(tmp_path, kind=request.param)
    yield opened
    opened.close()
    remove_database(tmp_path)

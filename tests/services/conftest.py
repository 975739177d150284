"""An installation of its own for each test of the workflows."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from tests.installation import TestInstallation, open_test_installation


@pytest.fixture
def house(tmp_path: Path) -> Generator[TestInstallation]:
    """An installation with two parties, two foreign ones, and their systems."""
    opened = open_test_installation(tmp_path)
    yield opened
    opened.close()

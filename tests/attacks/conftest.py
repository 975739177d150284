"""An installation for each file of attacks, so that they follow each other on one store."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from tests.attacks.door import Door
from tests.installation import open_test_installation


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Generator[Door]:
    """A whole installation to be attacked."""
    house = open_test_installation(tmp_path_factory.mktemp("door"))
    yield Door(house)
    house.close()

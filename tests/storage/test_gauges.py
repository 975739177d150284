"""The gauges of a store are read by index, so that a reading costs the same in a store of any size."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy.dialects import sqlite

from gateway.storage import gauges
from gateway.storage.prepared import Prepared
from tests.installation import open_test_installation

GROWING = {"document", "event", "evidence", "log_entry", "deadline", "delivery"}
STATEMENTS = {
    name: value
    for name, value in vars(gauges).items()
    if isinstance(value, Prepared) and name.startswith("_")
}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database of an installation."""
    folder = tmp_path_factory.mktemp("gauges")
    open_test_installation(folder).close()
    return folder / "bropost.db"


@pytest.mark.parametrize("name", sorted(STATEMENTS))
def test_no_gauge_walks_through_a_table_that_grows(name: str, file: Path) -> None:
    text = STATEMENTS[name]._text(sqlite.dialect())
    connection = sqlite3.connect(file)
    plan = connection.execute(
        f"EXPLAIN QUERY PLAN {text.sql}", text.arrange((0,) * len(STATEMENTS[name]._names))
    ).fetchall()
    connection.close()
    steps = [row[3] for row in plan]
    assert steps
    ordered = " LIMIT " in f" {text.sql.upper()} ".replace(
        "\n", " "
    )  # the first row of a key is found at once
    walked = {table for step in steps for table in re.findall(r"^SCAN (\w+)", step)}
    by_index = {
        table for step in steps for table in re.findall(r"^SCAN (\w+) USING (?:COVERING )?INDEX", step)
    }
    assert (walked - by_index) & GROWING <= ({"event", "log_entry"} if ordered else set())

"""An old gateway goes on with its worker while a newer version brings its database up to date beside it.

The old one is `bropost serve`, used over HTTPS; letters flow before, during and after. Once it is stopped, it does not
start again on the newer database, and says what to do.
"""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final
from uuid import uuid4

import pytest
from sqlalchemy import inspect

from demo.server import free_port
from gateway.domain.catalogue import Code
from gateway.settings import load_settings
from gateway.storage.database import Database
from tests import postgres
from tests.development import COMMAND, change_settings, make_installation
from tests.end_to_end import upgrading_child
from tests.end_to_end.test_two_servers import (
    GIVE_UP_SECONDS,
    Pair,
    collect,
    register,
    require_delivered_once,
    send,
    served,
)
from tests.pki import development_pki

LETTERS: Final = 24
LATER: Final = 2  # that are sent for certain after it
UPGRADED_AFTER: Final = 6  # letters that were answered
ROOT: Final = Path(__file__).parents[2]


@pytest.fixture(params=postgres.kinds())
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Path]:
    """The settings of an installation on a database of its own, in which nobody is registered."""
    made = make_installation(tmp_path / "gateway", free_port())
    change_settings(made, "worker", "lease_seconds = 10", "poll_seconds = 0.1", "checkpoint_seconds = 1")
    name = f"beside_{uuid4().hex}"
    if request.param == "postgresql":
        address = postgres.server().create(name)
        made.write_text(made.read_text("utf-8").replace("sqlite:///bropost.db", address), "utf-8")
    yield made
    if request.param == "postgresql":
        postgres.server().drop(name)


def upgrade_beside(settings: Path) -> None:
    """Let a process of the next version bring the database up to date."""
    command: list[str | Path] = [
        sys.executable,
        "-m",
        upgrading_child.__name__,
        _address(settings),
        settings.parent / "migrations",
    ]
    subprocess.run(command, cwd=ROOT, check=True, timeout=60)


def _address(settings: Path) -> str:
    return load_settings(settings).store.database


def test_an_old_gateway_goes_on_through_an_upgrade_beside_it(settings: Path) -> None:
    anchors, port = register(settings), load_settings(settings).server.port
    root, issuing = (development_pki().certificate(each).pem.decode() for each in ("root", "issuing"))
    tls = ssl.create_default_context(cadata=root + issuing)
    with served(settings, port) as old, ThreadPoolExecutor(3) as systems:
        pair = Pair((settings, settings), [old, old], tls, anchors)
        collecting = systems.submit(collect, pair, LETTERS + LATER)
        sent = [systems.submit(send, pair, number) for number in range(LETTERS)]
        for _ in range(UPGRADED_AFTER):
            assert pair.answered.acquire(timeout=GIVE_UP_SECONDS)
        still = [each for each in sent if not each.done()]
        assert still  # so that some are sent in the middle of it
        upgrade_beside(settings)
        acknowledged = dict(each.result() for each in sent)
        acknowledged |= dict(send(pair, number) for number in range(LATER))
        assert collecting.result() == set(acknowledged)
        assert old.is_running
        assert _version(settings) == upgrading_child.NEXT
        assert old.stop() == 0
    told = map(json.loads, settings.with_suffix(".log").read_text("utf-8").splitlines())
    assert [each for each in told if each["level"] == "error" or each["event"] == "worker failed"] == []
    refused = subprocess.run(
        [COMMAND, "serve", "--settings", settings], capture_output=True, text=True, timeout=60, check=False
    )
    assert refused.returncode != 0
    assert Code.SETTINGS_INVALID.name in refused.stderr
    assert "start that version" in refused.stderr
    _say_version(settings, upgrading_child.head())  # so that this version may look at what it did
    require_delivered_once(settings, acknowledged, anchors)


def _version(settings: Path) -> str:
    database = Database.open(_address(settings), busy_seconds=5)
    try:
        with database.read() as connection:
            found = inspect(connection)
            assert found.has_table("of_next_version")
            assert "of_next_version" in {each["name"] for each in found.get_columns("document")}
            version: str = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one()
            return version
    finally:
        database.close()


def _say_version(settings: Path, version: str) -> None:
    database = Database.open(_address(settings), busy_seconds=5)
    with database.alone() as connection:
        connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{version}'")
    database.close()

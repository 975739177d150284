"""What the page of operations says of backups and restores is what an operator can do: each of its commands is run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from uuid import uuid4

import pytest

from gateway.domain.catalogue import Code
from gateway.domain.errors import BropostError
from tests import postgres
from tests.cli.test_restore import Gateway, inbox, made

ROOT = Path(__file__).parents[2]
_PAGE = (ROOT / "docs" / "operations.md").read_text("utf-8")
_DATABASE = "bropost"  # the name that the page has for a database of a server


def blocks(section: str) -> list[list[str]]:
    """The commands of each shell block of a section, in their order."""
    (text,) = re.findall(rf"^#+ {section}\n(.*?)(?=^#|\Z)", _PAGE, re.DOTALL | re.MULTILINE)
    found = re.findall(r"^ *```sh\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)
    return [[line.strip() for line in block.splitlines()] for block in found]


class Operator:
    """Somebody who does what the page says, in a folder of the test's."""

    def __init__(self, gateway: Gateway, folder: Path, database: str = "") -> None:
        self.gateway = gateway
        self._folder = folder
        self._database = database
        for name in ("backup", "backup-keys", "outside"):
            (folder / name).mkdir()

    def __call__(self, commands: list[str]) -> str:
        """Run commands of the page, each of which must succeed; what they print."""
        return "".join(map(self._run, commands))

    def _run(self, command: str) -> str:
        places = {"/var/lib/bropost": self.gateway.settings.parent, "/backup": self._folder / "backup"}
        places |= {"/backup-keys": self._folder / "backup-keys", "/outside": self._folder / "outside"}
        for place in sorted(places, key=len, reverse=True):
            command = re.sub(rf"(?<![\w/]){place}\b(?!-)", str(places[place]), command)
        if self._database:
            command = re.sub(rf"(?<= ){_DATABASE}$|(?<=--dbname=){_DATABASE}\b", self._database, command)
        ran = subprocess.run(
            command, shell=True, env=self._environment(), capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, f"{command}: {ran.stdout}{ran.stderr}"
        return ran.stdout

    def _environment(self) -> dict[str, str]:
        places = [Path(sys.executable).parent, *filter(None, [postgres.programs()])]
        path = os.pathsep.join([*map(str, places), os.environ["PATH"]])
        server = {"PGHOST": str(postgres.server().folder), "PGUSER": "bropost"} if self._database else {}
        return os.environ | server | {"PATH": path, "BROPOST_SETTINGS": str(self.gateway.settings)}


def lose(gateway: Gateway) -> None:
    """Lose the store and the keys."""
    home = gateway.settings.parent
    for left in home.glob("bropost.db*"):
        left.unlink()
    for name in ("blobs", "keys"):
        shutil.rmtree(home / name)


def test_a_store_comes_back_as_the_page_says(tmp_path: Path) -> None:
    gateway = made(tmp_path / "gateway")
    operator = Operator(gateway, tmp_path)
    here, _ = blocks("Backups")
    operator(here)
    lose(gateway)
    put_back, _, compare = blocks("Restore")
    operator(put_back)
    assert gateway.refused() is Code.STORE_RESTORED
    assert "All that the checkpoints tell of is here." in operator(compare[:1])
    with gateway.running() as installation:
        assert inbox(installation) == gateway.sent


@pytest.fixture(params=[kind for kind in postgres.kinds() if kind == "postgresql"])
def name() -> Generator[str]:
    """The name of a database of the tests' server."""
    made_up = f"page_{uuid4().hex}"
    postgres.server().create(made_up)
    yield made_up
    postgres.server().drop(made_up)


def test_a_store_on_a_server_comes_back_as_the_page_says(name: str, tmp_path: Path) -> None:
    gateway = made(tmp_path / "gateway", postgres.server().url(name))
    operator = Operator(gateway, tmp_path, name)
    (_, outside, keys), dump = blocks("Backups")
    operator([*dump, outside, keys])
    lose(gateway)
    postgres.server().drop(name)
    postgres.server().create(name)
    here, from_dump, compare = blocks("Restore")
    operator([*from_dump, here[-1]])
    assert gateway.refused() is Code.STORE_RESTORED
    assert "All that the checkpoints tell of is here." in operator(compare[:1])
    with gateway.running() as installation:
        assert inbox(installation) == gateway.sent


def test_a_store_that_is_behind_goes_on_as_the_page_says(tmp_path: Path) -> None:
    gateway = made(tmp_path / "gateway")
    operator = Operator(gateway, tmp_path)
    (backup, outside, keys), _ = blocks("Backups")
    letter = gateway.send(deliver=False)
    operator([backup, keys])
    gateway.send()
    operator([outside])
    lose(gateway)
    operator(blocks("Restore")[0])
    assert gateway.ended("restore", "check", tmp_path / "outside")[0] == 3
    accept, (key, export) = blocks("Going on knowingly")
    old = re.findall(r'^installation = "(.*)"$', gateway.settings.read_text("utf-8"), re.MULTILINE)[0]
    given = operator(accept).splitlines()[-1]
    settings = gateway.settings.read_text("utf-8").replace(f'installation = "{old}"', given)
    gateway.settings.write_text(settings, encoding="utf-8")
    assert operator([key]).startswith("bropost/")
    closed = export.replace("closed.zip", str(tmp_path / "closed.zip")).replace("OLD-INSTALLATION", old)
    assert operator([closed]).startswith(f"bropost/{old}/")
    (aside,) = blocks("What was set aside")
    listed, everything, retry_all, retry, abandon = (line.replace("DOCUMENT-ID", letter) for line in aside)
    assert letter in operator([listed])
    assert "is given up" in operator([abandon])
    assert operator([listed, everything, retry_all]) == "0\n"
    with pytest.raises(BropostError) as refused:
        gateway(*retry.split()[1:])
    assert refused.value.code is Code.NOT_FOUND  # it is set aside no more
    with gateway.running() as installation:
        assert inbox(installation) == gateway.sent[:1]

"""What the commands tell of a store from a backup that lacks nothing, and of one of which nothing is known."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gateway.domain.catalogue import Code
from gateway.domain.errors import BropostError
from gateway.storage.configuration import SetAside, note_set_aside
from gateway.storage.database import Database
from tests.cli.test_restore import Gateway, accept, inbox, made, work


@pytest.fixture(scope="module")
def seed(tmp_path_factory: pytest.TempPathFactory) -> Gateway:
    """An installation with a letter that was delivered, all its logs under their checkpoints."""
    gateway = made(tmp_path_factory.mktemp("seed") / "gateway")
    with gateway.running() as installation:
        work(installation)
    return gateway


@pytest.fixture
def gateway(seed: Gateway, tmp_path: Path) -> Gateway:
    """A copy of it."""
    shutil.copytree(seed.settings.parent, tmp_path / "gateway")
    return Gateway(tmp_path / "gateway" / seed.settings.name, list(seed.sent))


def home(gateway: Gateway) -> Path:
    """Where the store of a gateway is."""
    return gateway.settings.parent


def test_a_check_tells_what_may_have_been_done_after_the_backup(gateway: Gateway) -> None:
    under_way = gateway.send(deliver=False)
    backup, outside = gateway.back_up(), gateway.checkpoints()
    with gateway.running() as installation:
        work(installation)
        assert inbox(installation) == gateway.sent
    gateway.restore(backup)
    told = gateway("restore", "check", outside).splitlines()
    assert "1 deliveries are set aside: see bropost outbox list" in told
    assert "2 waits begin anew: who met one after the backup must say so again" in told
    assert f"{Code.STORE_RESTORED.name}" in gateway("outbox", "list")
    assert gateway("outbox", "retry") == "0\n"
    with gateway.running() as installation:
        work(installation)
        assert inbox(installation) == gateway.sent[:1]
    assert gateway("outbox", "retry", under_way) == "1\n"
    assert "begin anew" not in gateway("restore", "check", outside)  # it is a store like any other now


def test_a_file_that_was_copied_by_itself_is_doubted_if_that_is_said(gateway: Gateway) -> None:
    gateway.send(deliver=False)
    outside = gateway.checkpoints()
    assert "set aside" not in gateway("restore", "check", outside)
    assert "1 deliveries are set aside" in gateway("restore", "check", outside, "--restored")
    with gateway.running() as installation:
        work(installation)
        assert inbox(installation) == gateway.sent[:1]


def test_a_folder_without_checkpoints_is_no_success(gateway: Gateway, tmp_path: Path) -> None:
    gateway.restore(gateway.back_up())
    (tmp_path / "empty").mkdir()
    code, printed = gateway.ended("restore", "check", tmp_path / "empty")
    assert code == 1
    assert "Not all logs were compared" in printed
    assert gateway.refused() is Code.STORE_RESTORED


def test_a_store_of_which_nobody_keeps_a_checkpoint_goes_on_knowingly(
    gateway: Gateway, tmp_path: Path
) -> None:
    gateway.restore(gateway.back_up())
    assert gateway.refused() is Code.STORE_RESTORED
    (tmp_path / "empty").mkdir()
    gateway.ended("restore", "check", tmp_path / "empty")
    assert "0 deliveries are set aside" in accept(gateway)
    with gateway.running() as installation:
        assert inbox(installation) == gateway.sent
    gateway.send()
    with gateway.running() as installation:
        assert inbox(installation) == gateway.sent


def test_a_store_that_is_half_copied_is_not_checked_and_arrives_when_the_copy_is_given_again(
    gateway: Gateway, tmp_path: Path
) -> None:
    outside, address = gateway.checkpoints(), f"sqlite:///{tmp_path / 'target' / 'bropost.db'}"
    target = Database.open(address, busy_seconds=5)
    target.migrate()
    with target.alone() as connection:
        note_set_aside(connection, SetAside.UNFINISHED)  # as a copy that was killed leaves it
    target.close()
    before = gateway.settings.read_text("utf-8")
    moved = gateway.settings.with_name("moved.toml")
    moved.write_text(before.replace("sqlite:///bropost.db", address), encoding="utf-8")
    there = Gateway(moved)
    for words in (("check", outside), ("accept", "--approved-by", "Mette Eksempel", "--reason", "Flyttet.")):
        with pytest.raises(BropostError) as refused:
            there("restore", *words)
        assert refused.value.code is Code.STORE_UNFINISHED
    assert there.refused() is Code.STORE_UNFINISHED
    assert gateway("store", "copy", "--to", address).splitlines()[-1].startswith("Done.")
    assert "All that the checkpoints tell of is here." in there("restore", "check", outside)
    with there.running() as installation:
        assert inbox(installation) == gateway.sent


def test_a_lost_content_is_told_by_the_backup(gateway: Gateway) -> None:
    lost, *_ = sorted((home(gateway) / "blobs").glob("??/??/*"))
    lost.unlink()
    code, printed = gateway.ended("store", "backup", home(gateway).parent / "backup")
    assert code == 1
    assert f"lost: blobs/{lost.relative_to(home(gateway) / 'blobs')} " in printed
    assert "0 are gone" in printed
    assert "Take these files from an earlier backup." in printed

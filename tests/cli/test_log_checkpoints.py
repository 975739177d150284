"""What lies outside is what a cut log is found by: nothing takes its place but what goes on from it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gateway.domain.catalogue import Code
from gateway.domain.disclosure import LogOrigin
from gateway.domain.errors import BropostError
from gateway.domain.identifiers import Uuid4
from gateway.storage import log
from gateway.translog.checkpoint import Checkpoint, parse_checkpoint, sign_checkpoint
from tests.cli.test_restore import Gateway, made, work
from tests.development import make_installation
from tests.installation import MUNICIPALITY


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


def kept(outside: Path) -> Path:
    """The file of the municipality's log."""
    return outside / f"{MUNICIPALITY}.checkpoint"


def refusal(gateway: Gateway) -> BropostError:
    """Why the checkpoints are not written."""
    with pytest.raises(BropostError) as refused:
        gateway.checkpoints()
    return refused.value


def forge(gateway: Gateway, outside: Path, entries: int) -> Checkpoint:
    """Put another history of this many entries in the place of what lies outside, signed with the log's own key."""
    with gateway.running() as installation:
        other = Checkpoint(str(installation.origin(MUNICIPALITY)), entries, bytes(32))
        kept(outside).write_text(sign_checkpoint(other, installation.checkpoint_key))
    return other


def test_a_log_that_grew_takes_the_place_of_its_beginning(gateway: Gateway) -> None:
    outside = gateway.checkpoints()
    before = parse_checkpoint(kept(outside).read_text()).claimed
    assert gateway("log", "checkpoints", outside) == "2 checkpoints\n"
    assert parse_checkpoint(kept(outside).read_text()).claimed == before
    gateway.send()
    gateway.checkpoints()
    assert parse_checkpoint(kept(outside).read_text()).claimed.size > before.size


def test_a_store_that_lost_entries_does_not_write_over_what_tells_of_them(gateway: Gateway) -> None:
    snapshot = shutil.copytree(gateway.settings.parent, gateway.settings.parent.parent / "snapshot")
    gateway.send()
    outside = gateway.checkpoints()
    told = {file.name: file.read_bytes() for file in outside.iterdir()}
    shutil.rmtree(gateway.settings.parent)
    shutil.copytree(snapshot, gateway.settings.parent)
    refused = refusal(gateway)
    assert refused.code is Code.LOG_CHECKPOINT_AHEAD
    assert "`bropost restore check`" in refused.english
    assert "`bropost restore check`" in refused.danish
    assert {file.name: file.read_bytes() for file in outside.iterdir()} == told
    exit_code, printed = gateway.ended("restore", "check", outside)
    assert exit_code == 3
    assert f"MISSING  {MUNICIPALITY}" in printed


def test_a_store_that_lost_entries_and_grew_on_does_not_either(gateway: Gateway) -> None:
    snapshot = shutil.copytree(gateway.settings.parent, gateway.settings.parent.parent / "snapshot")
    gateway.send(deliver=False)
    outside = gateway.checkpoints()
    told = kept(outside).read_bytes()
    shutil.rmtree(gateway.settings.parent)
    shutil.copytree(snapshot, gateway.settings.parent)
    gateway.send()
    gateway.send()
    with gateway.running() as installation, installation.database.read() as connection:
        head = log.log_head(connection, MUNICIPALITY)
    assert head is not None
    assert head.size > parse_checkpoint(told.decode()).claimed.size
    assert refusal(gateway).code is Code.LOG_CHECKPOINT_AHEAD
    assert kept(outside).read_bytes() == told


def test_another_history_of_equal_length_is_not_written_over(gateway: Gateway) -> None:
    outside = gateway.checkpoints()
    other = forge(gateway, outside, parse_checkpoint(kept(outside).read_text()).claimed.size)
    assert refusal(gateway).code is Code.LOG_CHECKPOINT_AHEAD
    assert parse_checkpoint(kept(outside).read_text()).claimed == other


def test_one_log_that_is_behind_keeps_all_files_as_they_are(gateway: Gateway) -> None:
    outside = gateway.checkpoints()
    told = {file.name: file.read_bytes() for file in outside.iterdir() if file != kept(outside)}
    gateway.send()
    forge(gateway, outside, 10_000)
    refusal(gateway)
    assert {name: (outside / name).read_bytes() for name in told} == told


def test_a_checkpoint_of_another_log_is_not_written_over(gateway: Gateway) -> None:
    outside = gateway.checkpoints()
    with gateway.running() as installation:
        other = Checkpoint(str(LogOrigin(Uuid4.new(), MUNICIPALITY)), 1, bytes(32))
        note = sign_checkpoint(other, installation.checkpoint_key)
    for text in (note, "no checkpoint\n", ""):
        kept(outside).write_text(text)
        refused = refusal(gateway)
        assert refused.code is Code.ARGUMENT_INVALID
        assert f"{MUNICIPALITY}.checkpoint" in refused.english
        assert kept(outside).read_text() == text


def test_a_log_that_nobody_signed_yet_is_told(tmp_path: Path) -> None:
    gateway = Gateway(make_installation(tmp_path / "gateway"))
    outside = tmp_path / "outside"
    assert gateway.ended("log", "checkpoints", outside) == (0, "0 checkpoints\n")
    gateway("party", "add", "Eksempelby Kommune", str(MUNICIPALITY))
    exit_code, printed = gateway.ended("log", "checkpoints", outside)
    assert exit_code == 1
    assert printed.startswith(f"{MUNICIPALITY}: 1 entries, and no checkpoint yet")
    with gateway.running() as installation:
        work(installation)
    assert gateway.ended("log", "checkpoints", outside) == (0, "1 checkpoints\n")

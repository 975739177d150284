"""A store from a backup serves only once it was held against what is known outside, or continued knowingly."""

from __future__ import annotations

import base64
import shutil
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from gateway.app import open_installation
from gateway.cli.main import application
from gateway.domain.calendar import Calendar
from gateway.domain.catalogue import Code
from gateway.domain.disclosure import CommittedField, EntryKind, LogOrigin
from gateway.domain.errors import BropostError
from gateway.domain.identifiers import PartyId
from gateway.domain.operations import Service
from gateway.interfaces.metrics import Metrics
from gateway.interfaces.soap_endpoint import SoapEndpoint
from gateway.interfaces.worker import Worker
from gateway.services import disclosure_log, restoring
from gateway.services.installation import Installation
from gateway.services.store_check import check_store
from gateway.settings import load_settings
from gateway.storage import log
from gateway.storage.columns import instant
from gateway.translog.checkpoint import Checkpoint, LogKey, parse_checkpoint, sign_checkpoint
from gateway.translog.leaf import parse_leaf
from gateway.translog.report import Verdict
from gateway.translog.verifier import verify_bundle
from tests.development import COMMAND, make_installation, pki_folder, run
from tests.installation import INSTITUTION, MUNICIPALITY, Caller, Clock, now
from tests.pki import signing_key
from tests.services.papers import accepted, id_of, listing, paper, request, sending

LARGE = b"Linje i en lang plan.\n" * 20_000  # so large that it is a file


@dataclass
class Gateway:
    """An installation as its operator sees it: settings, commands, and the systems of both parties."""

    settings: Path
    sent: list[str] = field(default_factory=list)

    def __call__(self, *arguments: str | Path) -> str:
        """Run a command that must succeed; what it prints."""
        return run(*arguments, "--settings", self.settings)

    def ended(self, *arguments: str | Path) -> tuple[int, str]:
        """How a command ended that raised nothing, and what it printed."""
        words = [str(argument) for argument in (*arguments, "--settings", self.settings)]
        result = CliRunner().invoke(application, words)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result.exit_code, result.output

    def refused(self) -> Code:
        """Why it does not serve."""
        with pytest.raises(BropostError) as refused:
            open_installation(load_settings(self.settings))
        return refused.value.code

    @contextmanager
    def running(self) -> Generator[Installation]:
        """The installation, for the block."""
        installation = open_installation(load_settings(self.settings))
        try:
            yield installation
        finally:
            installation.database.close()

    def send(self, *, deliver: bool = True) -> str:
        """Send a letter with a large attachment; its id."""
        with self.running() as installation:
            letter = paper(installation.clock(), listing(("plan.txt", "text/plain", LARGE)))
            accepted(caller(installation, Service.MUNICIPALITY), sending(letter, attachments=[LARGE]))
            if deliver:
                work(installation)
            else:
                disclosure_log.make_checkpoints(installation, timedelta())
        self.sent.append(id_of(letter))
        return id_of(letter)

    def back_up(self) -> Path:
        """Make a backup beside the installation."""
        folder = self.settings.parent.parent / "backup"
        self("store", "backup", folder)
        return folder

    def checkpoints(self) -> Path:
        """Keep the newest checkpoint of every log outside."""
        folder = self.settings.parent.parent / "outside"
        self("log", "checkpoints", folder)
        return folder

    def restore(self, backup: Path) -> None:
        """Lose the store, and put the backup in its place."""
        home = self.settings.parent
        for left in home.glob("bropost.db*"):
            left.unlink()
        shutil.rmtree(home / "blobs")
        shutil.copy(backup / "bropost.db", home / "bropost.db")
        shutil.copytree(backup / "blobs", home / "blobs")


def caller(installation: Installation, service: Service) -> Caller:
    """A system of the municipality or the school."""
    clock = Clock()
    clock.now = now()
    name = "eksempelby-esdh" if service is Service.MUNICIPALITY else "proeveby-sis"
    endpoint = SoapEndpoint(service, "https://localhost:8443", installation, Metrics())
    return Caller(endpoint, signing_key(name), clock)


def work(installation: Installation) -> None:
    """Do everything that is due."""
    worker = Worker(installation, poll_seconds=1, lease_seconds=60, checkpoint_seconds=0)
    while worker.turn():
        pass


@pytest.fixture(scope="module")
def seed(tmp_path_factory: pytest.TempPathFactory) -> Gateway:
    """An installation with a letter that was delivered."""
    return made(tmp_path_factory.mktemp("seed") / "gateway")


def made(folder: Path, database: str | None = None) -> Gateway:
    """Make an installation in a folder, perhaps with a database elsewhere, and let a letter be delivered."""
    gateway = Gateway(make_installation(folder))
    if database is not None:
        settings = gateway.settings.read_text("utf-8").replace("sqlite:///bropost.db", database)
        gateway.settings.write_text(settings, encoding="utf-8")
    gateway("party", "add", "Eksempelby Kommune", str(MUNICIPALITY))
    gateway("party", "add", "Prøveby Erhvervsskole", str(INSTITUTION))
    for party, name in ((MUNICIPALITY, "eksempelby-kommune"), (INSTITUTION, "proeveby-erhvervsskole")):
        seal = pki_folder() / name
        gateway("party", "seal", str(party), "--key", f"{seal}.key.pem", "--chain", f"{seal}.chain.pem")
    for name in ("eksempelby-esdh", "proeveby-sis"):
        gateway("system", "add", name, "--certificate", pki_folder() / f"{name}.chain.pem")
    gateway.send()
    return gateway


@pytest.fixture
def gateway(seed: Gateway, tmp_path: Path) -> Gateway:
    """A copy of it."""
    shutil.copytree(seed.settings.parent, tmp_path / "gateway")
    return Gateway(tmp_path / "gateway" / seed.settings.name, list(seed.sent))


def inbox(installation: Installation) -> list[str]:
    """What waits for the school."""
    told = accepted(caller(installation, Service.INSTITUTION), request("ListInbox", INSTITUTION))
    return told.texts("Item/DocumentId")


def require_verified(installation: Installation, party: PartyId) -> None:
    """Assert that an auditor finds the party's log whole."""
    bundle = BytesIO()
    note = disclosure_log.export(installation, party, bundle)
    key = str(disclosure_log.log_key(installation, party))
    assert verify_bundle(bundle, log_key=key, known_checkpoint=note).verdict is Verdict.OK


# --- backup --------------------------------------------------------------------------------------------


def test_a_backup_that_was_restored_is_whole(gateway: Gateway) -> None:
    backup, outside = gateway.back_up(), gateway.checkpoints()
    gateway.restore(backup)
    gateway("restore", "check", outside)
    with gateway.running() as installation:
        assert inbox(installation) == gateway.sent
        with installation.database.read() as connection:
            assert check_store(installation, connection).unjudged == 0
        answer = accepted(
            caller(installation, Service.INSTITUTION),
            request("Retrieve", INSTITUTION, DocumentId=gateway.sent[0]),
        )
        assert [base64.b64decode(each) for each in answer.texts("Attachment/Content")] == [LARGE]
        require_verified(installation, MUNICIPALITY)


def test_a_backup_is_made_while_the_gateway_goes_on(gateway: Gateway) -> None:
    with gateway.running() as installation, installation.database.read() as connection:
        assert log.log_heads(connection)
        printed = gateway("store", "backup", gateway.settings.parent.parent / "backup")
    assert f"{MUNICIPALITY}: a log of" in printed
    assert "2 files of contents were copied, 0 are gone" in printed


def test_the_next_backup_copies_only_what_is_new(gateway: Gateway) -> None:
    gateway.back_up()
    gateway.send()
    printed = gateway("store", "backup", gateway.settings.parent.parent / "backup")
    assert "2 files of contents were copied" in printed


def test_a_backup_holds_no_key_and_serves_its_owner_alone(gateway: Gateway) -> None:
    backup = gateway.back_up()
    assert {path.name for path in backup.iterdir()} == {"bropost.db", "blobs"}
    assert (backup / "bropost.db").stat().st_mode & 0o077 == 0
    keys = [path.read_bytes() for path in (gateway.settings.parent / "keys").glob("*") if path.is_file()]
    assert keys
    assert not any(key in (backup / "bropost.db").read_bytes() for key in keys)


def test_a_backup_never_replaces_a_store(gateway: Gateway) -> None:
    home, before = gateway.settings.parent, (gateway.settings.parent / "bropost.db").stat().st_ino
    elsewhere = home.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "blobs").symlink_to(home / "blobs")
    for folder in (home, elsewhere):
        with pytest.raises(BropostError) as refused:
            gateway("store", "backup", folder)
        assert refused.value.code is Code.ARGUMENT_INVALID
    assert (home / "bropost.db").stat().st_ino == before
    gateway.send()
    gateway.back_up()
    gateway("store", "backup", home.parent / "backup")  # an earlier backup is replaced


def test_a_damaged_file_is_told_and_does_not_pass_for_its_content(gateway: Gateway) -> None:
    damaged, *_ = sorted((gateway.settings.parent / "blobs").glob("??/??/*"))
    damaged.write_bytes(b"x" + damaged.read_bytes()[1:])
    backup = gateway.settings.parent.parent / "backup"
    code, printed = gateway.ended("store", "backup", backup)
    assert (code, f"damaged: blobs/{damaged.relative_to(gateway.settings.parent / 'blobs')} " in printed) == (
        1,
        True,
    )
    kept = {path.name for path in (backup / "blobs").glob("??/??/*")}
    assert kept == {path.name for path in (gateway.settings.parent / "blobs").glob("??/??/*")} - {
        damaged.name
    }


def test_a_backup_serves_nobody_before_it_was_checked(gateway: Gateway) -> None:
    gateway.restore(gateway.back_up())
    assert gateway.refused() is Code.STORE_RESTORED


def test_a_cursor_from_after_the_backup_passes_nothing_by(gateway: Gateway) -> None:
    outside, backup = gateway.checkpoints(), gateway.back_up()
    gateway.send()  # no checkpoint of it went outside
    with gateway.running() as installation:
        events, listed = _cursors(installation)
    gateway.restore(backup)
    gateway("restore", "check", outside)
    new = gateway.send()
    with gateway.running() as installation:
        told = accepted(
            caller(installation, Service.MUNICIPALITY), request("ListEvents", MUNICIPALITY, Cursor=events)
        )
        assert {"ACCEPTED", "AVAILABLE"} <= set(told.texts("Event/TimelineEvent/Kind"))
        told = accepted(
            caller(installation, Service.INSTITUTION), request("ListInbox", INSTITUTION, Cursor=listed)
        )
        assert told.texts("Item/DocumentId") == [new]


def _cursors(installation: Installation) -> tuple[str, str]:
    """How far a system of each party has read: events, and inbox."""
    events = accepted(caller(installation, Service.MUNICIPALITY), request("ListEvents", MUNICIPALITY))
    listed = accepted(caller(installation, Service.INSTITUTION), request("ListInbox", INSTITUTION))
    return events.text("NextCursor"), listed.text("NextCursor")


# --- check ---------------------------------------------------------------------------------------------


def test_a_log_without_a_checkpoint_is_told_and_the_store_does_not_serve_yet(gateway: Gateway) -> None:
    backup, outside = gateway.back_up(), gateway.checkpoints()
    gateway.restore(backup)
    code, printed = gateway.ended("restore", "check", outside / f"{MUNICIPALITY}.checkpoint")
    assert code == 1
    assert [line.split()[0] for line in printed.splitlines()[:2]] == ["HERE", "UNKNOWN"]
    assert gateway.refused() is Code.STORE_RESTORED


@pytest.mark.parametrize("deliver", [True, False], ids=["delivered", "accepted"])
def test_a_store_that_lacks_what_is_known_outside_never_serves(gateway: Gateway, deliver: bool) -> None:
    backup, older = gateway.back_up(), gateway.checkpoints().rename(gateway.settings.parent.parent / "older")
    gateway.send(deliver=deliver)
    outside = gateway.checkpoints()
    gateway.restore(backup)
    before = _entries(gateway.settings)
    code, printed = gateway.ended("restore", "check", outside)
    assert code == 3
    assert f"MISSING  {MUNICIPALITY}" in printed
    assert "Is there a newer backup" in printed
    assert gateway.refused() is Code.STORE_BEHIND
    assert gateway.ended("restore", "check", older)[0] == 3  # what was known once stays known
    with pytest.raises(BropostError):
        gateway("log", "export", str(MUNICIPALITY), gateway.settings.parent / "x.zip")
    assert _entries(gateway.settings) == before  # nothing was appended to a log that others know the end of


def _entries(settings: Path) -> list[bytes]:
    """The entries of all logs, whatever the store says of itself."""
    installation = open_installation(load_settings(settings), alone=True)
    with installation.database.alone() as connection:
        found = connection.execute(text("SELECT octets FROM log_entry ORDER BY key")).scalars().all()
    installation.database.close()
    return list(found)


def test_a_store_with_another_history_never_serves(gateway: Gateway) -> None:
    outside = gateway.checkpoints()
    with gateway.running() as installation:
        with installation.database.read() as connection:
            size = log.log_heads(connection)[0].size
        forged = Checkpoint(str(installation.origin(MUNICIPALITY)), size, b"\x00" * 32)
        note = sign_checkpoint(forged, installation.checkpoint_key)
    (outside / f"{MUNICIPALITY}.checkpoint").write_text(note)
    code, printed = gateway.ended("restore", "check", outside)
    assert code == 3
    assert f"OTHER    {MUNICIPALITY}" in printed
    assert gateway.refused() is Code.STORE_BEHIND


def test_only_checkpoints_that_the_log_signed_count(gateway: Gateway) -> None:
    outside = gateway.checkpoints()
    path = outside / f"{MUNICIPALITY}.checkpoint"
    path.write_text(path.read_text().replace("\n", "\n9", 1))  # a larger size, which nobody signed
    installation = open_installation(load_settings(gateway.settings), alone=True)
    with pytest.raises(BropostError) as refused:
        restoring.compare(installation, [path.read_text()])
    installation.database.close()
    assert refused.value.code is Code.LOG_CHECKPOINT_UNTRUSTED
    with gateway.running() as installation:
        assert inbox(installation) == gateway.sent


def test_a_checkpoint_that_cannot_be_read_does_not_pass_for_a_lost_entry(gateway: Gateway) -> None:
    words = ("restore", "check", gateway.settings.parent / "no.checkpoint", "--settings", gateway.settings)
    ended = subprocess.run([COMMAND, *words], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("ARGUMENT_INVALID\n")
    with gateway.running() as installation:
        assert inbox(installation) == gateway.sent


def test_the_store_of_a_running_gateway_is_not_judged(gateway: Gateway) -> None:
    outside = gateway.checkpoints()
    with gateway.running(), pytest.raises(BropostError) as refused:
        gateway("restore", "check", outside)
    assert refused.value.code is Code.DATABASE_IN_USE


# --- going on knowingly --------------------------------------------------------------------------------


@pytest.fixture
def behind(gateway: Gateway) -> Gateway:
    """A store restored from a backup from before a letter was delivered, with the letter in its outbox."""
    gateway.send(deliver=False)
    backup = gateway.back_up()
    with gateway.running() as installation:
        work(installation)
        assert inbox(installation) == gateway.sent
    outside = gateway.checkpoints()
    gateway.restore(backup)
    assert gateway.ended("restore", "check", outside)[0] == 3
    return gateway


def accept(gateway: Gateway) -> str:
    """Go on, and write the new installation into the settings; what the command printed."""
    printed = gateway("restore", "accept", "--approved-by", "Mette Eksempel", "--reason", "Disken er tabt.")
    given = printed.splitlines()[-1]
    lines = gateway.settings.read_text("utf-8").splitlines()
    changed = [given if line.startswith("installation = ") else line for line in lines]
    gateway.settings.write_text("\n".join(changed), encoding="utf-8")
    return printed


def test_a_store_that_is_continued_sends_nothing_a_second_time_unseen(behind: Gateway) -> None:
    printed = accept(behind)
    assert "1 deliveries are set aside" in printed
    with behind.running() as installation:
        work(installation)
        assert inbox(installation) == behind.sent[:1]
    listed = behind("outbox", "list")
    assert behind.sent[1] in listed
    assert Code.STORE_BEHIND.name in listed
    behind("outbox", "retry", behind.sent[1])
    with behind.running() as installation:
        work(installation)
        assert inbox(installation) == behind.sent


def test_a_log_that_is_continued_says_where_the_old_one_ends_and_what_is_known_of_it(behind: Gateway) -> None:
    outside = (behind.settings.parent.parent / "outside" / f"{MUNICIPALITY}.checkpoint").read_text()
    known = parse_checkpoint(outside).claimed
    closed = LogOrigin.parse(known.origin)
    accept(behind)
    with behind.running() as installation:
        with installation.database.read() as connection:
            (first, *_) = log.entries(connection, MUNICIPALITY, 0, 10)
            ended = log.latest_checkpoint(connection, closed)
        assert ended is not None
        here = parse_checkpoint(ended.note).claimed
        leaf = parse_leaf(first.octets)
        assert leaf.kind is EntryKind.CONFIG
        assert leaf.details == (
            restoring.CONTINUED, here.root.hex(), str(here.size), known.root.hex(), str(known.size)
        )  # fmt: skip
        assert here.size < known.size
        assert leaf.log.installation == installation.id != closed.installation
        assert CommittedField.DECISION in leaf.commitments()


def test_old_and_new_log_of_a_continued_store_hold(behind: Gateway) -> None:
    outside = (behind.settings.parent.parent / "outside" / f"{MUNICIPALITY}.checkpoint").read_text()
    closed = LogOrigin.parse(parse_checkpoint(outside).claimed.origin)
    accept(behind)
    bundle = behind.settings.parent / "closed.zip"
    note = behind("log", "export", str(MUNICIPALITY), bundle, "--closed", str(closed))
    with behind.running() as installation:
        require_verified(installation, MUNICIPALITY)
        key = str(LogKey.of(closed, installation.checkpoint_key))
        assert verify_bundle(bundle, log_key=key, known_checkpoint=note).verdict is Verdict.OK
        # Who holds a proof of what was lost finds that the closed log lacks it.
        assert verify_bundle(bundle, log_key=key, known_checkpoint=outside).verdict is Verdict.INVALID
        with installation.database.read() as connection:
            assert check_store(installation, connection).unjudged == 0
        esdh = caller(installation, Service.MUNICIPALITY)
        told = accepted(esdh, request("GetEvidence", MUNICIPALITY, DocumentId=behind.sent[0]))
        proofs = told.texts("Evidence/LogProof")
        assert proofs
        assert all(str(closed) in proof for proof in proofs)


def test_the_sender_of_a_letter_under_way_is_told_if_nobody_looks(behind: Gateway) -> None:
    accept(behind)
    with behind.running() as installation, installation.database.read() as connection:
        waits = connection.execute(text(_WAITS), {"document": behind.sent[1]}).scalars().all()
    assert "DELIVERY" in waits


_WAITS = """SELECT deadline.kind FROM deadline JOIN document ON document.key = deadline.document_key
    WHERE document_id = :document AND next_at IS NOT NULL"""


def test_a_continued_store_accuses_nobody_of_a_silence_that_may_be_lost(behind: Gateway) -> None:
    waits = "SELECT opened_at, warn_at, due_at, next_at FROM deadline WHERE next_at IS NOT NULL ORDER BY id"
    installation = open_installation(load_settings(behind.settings), alone=True)
    began = installation.clock()
    with installation.database.alone() as connection:
        before = connection.execute(text(waits)).all()
    installation.database.close()
    assert f"{len(before)} waits begin anew" in accept(behind)
    with behind.running() as installation, installation.database.read() as connection:
        anew = connection.execute(text(waits)).all()[: len(before)]
    for (opened, warned, due, _), (opened_anew, warn_anew, due_anew, looked_at) in zip(
        before, anew, strict=True
    ):
        assert opened_anew >= began.timestamp() * 1000 - 1
        assert _working_time(opened_anew, warn_anew) == _working_time(opened, warned)
        assert _working_time(opened_anew, due_anew) == _working_time(opened, due)
        assert looked_at == warn_anew


def _working_time(start: int, end: int) -> timedelta:
    """How much working time lies between two columns."""
    return Calendar().working_time_between(instant(start), instant(end))


def test_a_cursor_from_before_the_loss_passes_nothing_by(behind: Gateway) -> None:
    accept(behind)
    with behind.running() as installation, installation.database.read() as connection:
        seen = connection.execute(text("SELECT max(seq) FROM event")).scalar_one()
    behind.send()
    with behind.running() as installation, installation.database.read() as connection:
        new = connection.execute(
            text("SELECT min(seq) FROM event WHERE seq > :seen"), {"seen": seen}
        ).scalar_one()
    assert new > seen + restoring.KEYS_SKIPPED


def test_a_store_that_can_serve_is_not_continued(gateway: Gateway) -> None:
    with pytest.raises(BropostError) as refused:
        gateway("restore", "accept", "--approved-by", "x", "--reason", "x")
    assert refused.value.code is Code.ARGUMENT_INVALID
    assert gateway.ended("check")[0] in (0, 1)

"""The demonstration holds, says the same at every run, believes nothing that was tampered with, and serves on."""

from __future__ import annotations

import ast
import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from demo import checks, content_signature, log_checks
from demo.log_checks import Entry
from demo.server import free_port, is_free
from demo.transcript import Broken

ROOT: Final = Path(__file__).parents[2]
GOLDEN: Final = ROOT / "tests" / "golden" / "demo-transcript.json"
_MOST_SECONDS: Final = 180  # it takes 20 on an idle machine
_ENVIRONMENT: Final = {**os.environ, "PYTHONUTF8": "1"}
_EVENTS: Final = ("SubmissionAcceptance", "ContentConsignment", "ContentHandover", "ContentAccessTracking")


@dataclass(frozen=True)
class Kept:
    """A demonstration that ran, with what it left in its folder."""

    folder: Path
    transcript: dict[str, Any]

    def paper(self, name: str) -> bytes:
        """The octets of a document or of evidence, as they were fetched."""
        return (self.folder / "papers" / name).read_bytes()

    @property
    def seal(self) -> Path:
        """The gateway's seal certificate."""
        return self.folder / "pki" / "gateway-seal.chain.pem"

    @property
    def entries(self) -> dict[str, Entry]:
        """The entries of the municipality's log, by their id."""
        return {entry.id: entry for entry in log_checks.entries_of(self.folder / "log-11111111-0999.zip")}


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    folder = tmp_path_factory.mktemp("demo") / "kept"
    command = [sys.executable, "-m", "demo", "--json", "--keep", str(folder)]
    ran = subprocess.run(
        command, cwd=ROOT, capture_output=True, encoding="utf-8", timeout=_MOST_SECONDS, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return Kept(folder, json.loads(ran.stdout))


def test_the_story_is_the_same_at_every_run(kept: Kept) -> None:
    """The golden transcript is what `python -m demo --json` prints, without what changes at every run."""
    golden = json.loads(GOLDEN.read_text("utf-8"))
    assert kept.transcript["steps"] == golden["steps"]
    assert set(kept.transcript["changing"]) == {step["step"] for step in golden["steps"]}


def test_the_demonstration_takes_nothing_from_the_product_that_it_checks() -> None:
    imported = set()
    for path in (ROOT / "demo").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add(str(node.module).partition(".")[0])
    assert "demo" in imported
    assert imported & {"gateway", "tests"} == set()


# --- what was tampered with is not believed ----------------------------------------------------------------------


@pytest.mark.parametrize("event", _EVENTS)
def test_evidence_is_believed_only_as_it_was_sealed(kept: Kept, event: str) -> None:
    octets = kept.paper(f"letter-{event}.xml")
    evidence = checks.read_evidence(octets, kept.seal)
    assert evidence.event == event
    altered = octets.replace(b"<IssuedOnAbsence>false", b"<IssuedOnAbsence>true ")
    assert altered != octets
    with pytest.raises(Broken, match="signature does not hold"):
        checks.read_evidence(altered, kept.seal)
    with pytest.raises(Broken, match="signature does not hold"):
        checks.read_evidence(octets, kept.folder / "pki" / "gateway-message.chain.pem")


def test_a_document_is_no_evidence(kept: Kept) -> None:
    seal = kept.folder / "pki" / "eksempelby-kommune.chain.pem"
    with pytest.raises(Broken, match="covers a Document"):
        checks.read_evidence(kept.paper("letter.xml"), seal)


def test_evidence_of_one_document_does_not_serve_for_another(kept: Kept) -> None:
    evidence = checks.read_evidence(kept.paper("letter-ContentHandover.xml"), kept.seal)
    checks.require_about(evidence, kept.paper("letter.xml"))
    with pytest.raises(Broken, match="DocumentId"):
        checks.require_about(evidence, kept.paper("notice.xml"))
    other_octets = kept.paper("letter.xml").replace(b"STRUCTURE", b"PRACTICAL")
    with pytest.raises(Broken, match="Digest"):
        checks.require_about(evidence, other_octets)


def test_evidence_must_lead_back_to_the_acceptance_of_its_own_document(kept: Kept) -> None:
    letter, notice = (
        [checks.read_evidence(kept.paper(f"{label}-{event}.xml"), kept.seal) for event in _EVENTS]
        for label in ("letter", "notice")
    )
    checks.require_chain(letter)
    with pytest.raises(Broken, match="does not lead back"):
        checks.require_chain([*letter, notice[-1]])
    with pytest.raises(Broken, match="no acceptance"):
        checks.require_chain(letter[1:])


def test_a_letter_is_believed_only_as_its_sender_sealed_it(kept: Kept) -> None:
    octets = kept.paper("letter.xml")
    municipality = kept.folder / "pki" / "eksempelby-kommune.chain.pem"
    assert content_signature.verify(octets, municipality).findtext("{*}Header/{*}SealedBy") == "GATEWAY"
    with pytest.raises(Broken, match="signature does not hold"):
        content_signature.verify(octets.replace(b"STRUCTURE", b"PRACTICAL"), municipality)
    with pytest.raises(Broken, match="signature does not hold"):
        content_signature.verify(octets, kept.folder / "pki" / "proeveby-erhvervsskole.chain.pem")


def test_a_log_proof_serves_for_its_own_entry_and_log_alone(kept: Kept) -> None:
    evidence = checks.read_evidence(kept.paper("letter-SubmissionAcceptance.xml"), kept.seal)
    proof = kept.paper("letter-SubmissionAcceptance.tlog-proof").decode()
    entry = kept.entries[evidence.text("LogEntryId")]
    exported = kept.folder / "log-11111111-0999.zip"
    key = json.loads(_manifest(exported))["keys"][0]
    log_checks.require_included(proof, entry, key)
    with pytest.raises(Broken, match="not under the signed root"):
        log_checks.require_included(proof, Entry(entry.index, entry.octets + b" "), key)
    with pytest.raises(Broken, match="not one for entry"):
        log_checks.require_included(proof, Entry(entry.index + 1, entry.octets), key)
    other = json.loads(_manifest(kept.folder / "log-22222222-999001.zip"))["keys"][0]
    with pytest.raises(Broken, match="not signed with the pinned log key"):
        log_checks.require_included(proof, entry, other)


def _manifest(bundle: Path) -> bytes:
    """What a bundle says of itself; ZIP without compression."""
    octets = bundle.read_bytes()
    start = octets.index(b'{"format"')
    return octets[start : octets.index(b"}", start) + 1]


def test_a_command_that_fails_ends_the_demonstration_and_is_named() -> None:
    """The interpreter stands in for a `bropost` that cannot do what it is asked."""
    code = (
        "import sys; from pathlib import Path; from demo import commands; from demo.__main__ import main;"
        "commands.COMMAND = Path(sys.executable); sys.exit(main(['--json']))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, encoding="utf-8", timeout=60, check=False
    )
    assert ran.returncode == 1
    assert ran.stdout == ""
    assert "✗ keys made `bropost pki dev" in ran.stderr


# --- make serve --------------------------------------------------------------------------------------------------


@contextmanager
def serving(port: int) -> Generator[tuple[subprocess.Popen[str], list[str]]]:
    """A demonstration that keeps serving, and what it said until it was ready."""
    with subprocess.Popen(
        [sys.executable, "-m", "demo", "--serve", "--port", str(port)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        env=_ENVIRONMENT,
    ) as process:
        assert process.stdout is not None
        said: list[str] = []
        try:
            for line in process.stdout:
                said.append(line.rstrip())
                if "Ctrl-C stops it" in line:
                    break
            yield process, said
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)


def test_what_it_prints_to_connect_with_works_until_it_is_stopped() -> None:
    port = free_port()
    with serving(port) as (process, said):
        command = next(line for line in said if line.startswith("PYTHONPATH=. ")).split()
        ran = subprocess.run(
            command[1:],
            cwd=ROOT,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            env={**_ENVIRONMENT, "PYTHONPATH": "."},
            check=False,
        )
        assert "'Echo': 'Er der hul igennem?'" in ran.stdout, ran.stderr
        assert not is_free(port)
        file = Path(command[-1])
        assert (file.parent / "pki" / "root.chain.pem").is_file()
    assert process.returncode == 0
    assert is_free(port)
    assert not file.exists()

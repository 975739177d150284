"""The disclosure log: its share of SendLetter, and the cost of verifying a bundle."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from bench.installation import MUNICIPALITY, ROOT, Bench, Keys, open_bench
from bench.letter import letter_subject
from bench.measure import FULL, Sample, Subject, effort, interleaved, ratio
from bench.profiles import profiled
from bench.report import Part, Result, table
from gateway.domain.disclosure import CommittedField, EntryKind, Leaf, LogOrigin
from gateway.domain.evidence import EvidenceEvent
from gateway.domain.identifiers import Uuid4
from gateway.domain.policy import Gate
from gateway.services import log_entries
from gateway.services.content import document_of, read_kept
from gateway.services.sealing import Sealed, seal_document_evidence
from gateway.storage import documents
from gateway.translog.bundle import ENTRIES, Manifest, write_bundle
from gateway.translog.checkpoint import Checkpoint, LogKey, sign_checkpoint
from gateway.translog.commitment import Committer
from gateway.translog.leaf import compose, parse_leaf
from gateway.translog.merkle import Frontier, leaf_hash
from gateway.translog.report import Verdict
from gateway.translog.verifier import verify_bundle

_ALONE: Final = Path(__file__).parent / "verify_alone.py"
_CHECKPOINT_EVERY: Final = 1_000  # entries
_FIELDS: Final = (
    CommittedField.SUBJECT,
    CommittedField.DOCUMENT,
    CommittedField.CONTENT,
    CommittedField.CONVERSATION,
)


class Entries:
    """The log entry of a letter, made again and again."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        message = bench.letters(1)[0]
        bench.call(message)
        installation = bench.installation
        with installation.database.read() as connection:
            row = documents.find_own(connection, MUNICIPALITY, message.document_id)
            assert row is not None
            kept = read_kept(installation, connection, row, MUNICIPALITY, attachments=False)
        self._row, self._document = row, document_of(kept)
        policy = installation.knowledge.policy(cooperation_decided=False)
        self._disclosure = Gate(self._document, policy).disclosure()
        self._leaf = parse_leaf(self._prepared(self._evidence()).octets)
        self._frontier = Frontier()

    def _evidence(self) -> Sealed:
        event, row = EvidenceEvent.SUBMISSION_ACCEPTANCE, self._row
        return seal_document_evidence(self._bench.installation, event, row, row.sender, datetime.now(UTC))

    def _prepared(self, evidence: Sealed) -> log_entries.PreparedEntry:
        installation, row = self._bench.installation, self._row
        return log_entries.sharing_entry(
            installation, EntryKind.DISCLOSE, row.sender, self._document, row, self._disclosure, evidence
        )

    @property
    def leaf(self) -> Leaf:
        """The entry as a value."""
        return self._leaf

    def evidence(self, count: int) -> Sequence[Sealed]:
        """What entries tell of."""
        return [self._evidence() for _ in range(count)]

    def write(self, leaf: Leaf) -> None:
        """Leaf, tree and checkpoint, one for each entry."""
        committer = Committer(leaf.entry_id)
        for field in _FIELDS:
            committer.commit(field, "7403055092")
        self._frontier, _ = self._frontier.append(leaf_hash(compose(leaf)))
        checkpoint = Checkpoint(str(leaf.log), self._frontier.size, self._frontier.root())
        sign_checkpoint(checkpoint, self._bench.installation.checkpoint_key)

    def append(self, evidence: Sealed) -> None:
        """An entry, its openings, and their rows, in a transaction of their own, which in the product they share."""
        entry = self._prepared(evidence)
        with self._bench.installation.database.alone() as connection:
            log_entries.append(connection, entry)

    def commit_other_rows(self, _evidence: Sealed) -> None:
        """A transaction with one other row, to be taken off."""
        with self._bench.installation.database.alone() as connection:
            connection.exec_driver_sql("UPDATE log SET checkpoint_at = checkpoint_at + 1 WHERE key = 1")


def share_of_letter(folder: Path) -> Part:
    """What the log takes of SendLetter, without and with its rows."""
    bench = open_bench(folder, Keys.RSA_2048)
    entries = Entries(bench)
    subjects: dict[str, Subject[Any]] = {
        "SendLetter": letter_subject(bench),
        "leaf, tree and checkpoint": Subject(lambda count: [entries.leaf] * count, entries.write),
        "entry, openings and rows, in a transaction": Subject(entries.evidence, entries.append),
        "a transaction with one row": Subject(entries.evidence, entries.commit_other_rows),
    }
    samples = interleaved(subjects, rounds=effort(15, 2), calls=effort(30, 3))
    bench.installation.database.close()
    letter, leaf, rows, commit = (samples[name].median for name in subjects)
    results = [
        Result("log CPU: leaf, tree, checkpoint, of SendLetter", 100 * leaf / letter, 3, unit="%"),
        Result(
            "log CPU with its rows, of SendLetter",
            100 * (leaf + max(rows - commit, 0)) / letter,
            20,
            unit="%",
        ),
    ]
    cells = [[name, f"{sample.milliseconds:.3f}", f"{sample.spread:.0%}"] for name, sample in samples.items()]
    note = (
        "A checkpoint is signed here for every entry; the product signs one a minute for all of a log's entries. "
        "With its rows, what they add to a transaction is added to that, so the leaf counts twice."
    )
    return Part("The log", results, f"{note}\n\n{table(['CPU time of a call', 'ms', '±'], cells)}")


@dataclass(frozen=True)
class Anchored:
    """A bundle with what an auditor brings along."""

    bundle: Path
    log_key: str
    checkpoint: str

    def verify(self) -> None:
        """Verify the bundle; it holds."""
        report = verify_bundle(self.bundle, log_key=self.log_key, known_checkpoint=self.checkpoint)
        if report.verdict is not Verdict.OK:
            raise AssertionError(str(report))

    def read_and_hash(self) -> None:
        """Read each entry as JSON, and hash it: the same octets."""
        with zipfile.ZipFile(self.bundle) as archive, archive.open(ENTRIES) as lines:
            for line in lines:
                json.loads(line)
                hashlib.sha256(b"\x00" + line[:-1]).digest()


def verifying(folder: Path) -> Part:
    """The verifier against reading JSON and hashing, and the memory it takes."""
    count = 1_000_000 if FULL else effort(100_000, 2_000)
    bench = open_bench(folder, Keys.RSA_2048)
    anchored = make_bundle(bench, folder, count)
    bench.installation.database.close()
    subjects: dict[str, Subject[Any]] = {
        "verifier": Subject(lambda n: [anchored] * n, Anchored.verify),
        "JSON and SHA-256": Subject(lambda n: [anchored] * n, Anchored.read_and_hash),
    }
    samples = interleaved(subjects, rounds=effort(3, 1), calls=1)
    memory = memory_of(anchored)
    found = ratio(samples, "verifier", "JSON and SHA-256")
    results = [
        Result(f"verifier, {count:,} entries, of JSON and SHA-256", found, 1.5),
        Result(f"verifier's memory, {count:,} entries", memory, 100, unit="MB"),
    ]
    profile = profiled("the verifier", Anchored.verify, [anchored]) if found > results[0].goal else ""
    rows = [_per_entry(name, sample, count) for name, sample in samples.items()]
    detail = table(["CPU time an entry", "µs", "±"], rows)
    return Part("The verifier", results, "\n\n".join(filter(None, (detail, profile))))


def _per_entry(name: str, sample: Sample, count: int) -> list[str]:
    return [name, f"{sample.median / count * 1e6:.2f}", f"{sample.spread:.0%}"]


def make_bundle(bench: Bench, folder: Path, count: int) -> Anchored:
    """A bundle of so many entries, all of them entries of letters, with a checkpoint for every thousand."""
    leaf, signer = Entries(bench).leaf, bench.installation.checkpoint_key
    log_key, octets = LogKey.of(leaf.log, signer), compose(leaf)
    frontier, notes, hashes = Frontier(), [], bytearray()
    leaves = folder / "leaves"
    with leaves.open("wb") as file:
        for number, line in enumerate(_leaves(octets, leaf.entry_id, count), start=1):
            file.write(line + b"\n")
            hashed = leaf_hash(line)
            hashes += hashed
            frontier, _ = frontier.append(hashed)
            if number % _CHECKPOINT_EVERY == 0 or number == count:
                notes.append(sign_checkpoint(Checkpoint(str(leaf.log), number, frontier.root()), signer))
    bundle = folder / "bundle.zip"
    with bundle.open("w+b") as target, leaves.open("rb") as lines:
        write_bundle(
            target,
            _manifest(leaf.log, count, log_key),
            checkpoints=notes,
            leaves=(line[:-1] for line in lines),
            hashes=(bytes(hashes[at : at + 32]) for at in range(0, len(hashes), 32)),
        )
    leaves.unlink()
    return Anchored(bundle, str(log_key), notes[len(notes) // 2])


def _manifest(log: LogOrigin, count: int, key: LogKey) -> Manifest:
    return Manifest(str(log), count, (key,))


def _leaves(octets: bytes, entry_id: Uuid4, count: int) -> Iterator[bytes]:
    """The same entry under other identifiers."""
    for _ in range(count):
        yield octets.replace(entry_id.text.encode(), Uuid4.new().text.encode())


def memory_of(anchored: Anchored) -> float:
    """The largest resident memory of a process that verifies the bundle, in MB."""
    command = [sys.executable, str(_ALONE), str(anchored.bundle), anchored.log_key, anchored.checkpoint]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return int(done.stdout) / 1e3

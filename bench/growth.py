"""Whether a document costs more when the store holds many: SendLetter, ListInbox and GetStatus at two sizes.

The store is filled with the rows that one letter leaves behind when it has been sent, delivered, handed over and read,
under fresh names. Contents are cut short: no look-up reads them, and whole ones would only fill the disk.
"""

from __future__ import annotations

import random
import sqlite3
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pybase64

from bench.installation import Bench, Keys, Message, open_bench
from bench.measure import FULL, Sample, Subject, effort, interleaved
from bench.profiles import profiled
from bench.report import Part, Result, table
from bench.rows import Row, Written, insertion, record, write
from gateway.domain.operations import Service
from gateway.services import disclosure_log
from gateway.translog.merkle import Frontier, leaf_hash

GOAL: Final = 1.2
_SMALL: Final = 1_000
_BATCH: Final = 1_000
WAITING: Final = 50  # letters in the inbox that is listed
_REPLAYS: Final = 2_000  # documents of the last half hour, whose messages are still remembered
_KEPT_OCTETS: Final = 256
_CUT: Final = (("blob", "octets"), ("evidence", "octets"), ("opening", "ciphertext"), ("log_entry", "octets"))


@dataclass(frozen=True)
class Store:
    """An installation whose store holds so many documents; `ids` are some of them."""

    bench: Bench
    size: int
    ids: Sequence[str]

    def status(self, count: int) -> list[Message]:
        """Messages that ask for the status of documents anywhere in the store."""
        asked = random.sample(self.ids, count)
        return [
            self.bench.message(_ask("GetStatus", _MUNICIPALITY, each), "eksempelby-esdh") for each in asked
        ]

    def inbox(self, count: int) -> list[Message]:
        """Messages that list the school's inbox."""
        return [self.bench.message(_ask("ListInbox", _INSTITUTION), "proeveby-sis") for _ in range(count)]

    def call_institution(self, message: Message) -> object:
        """Ask the institution service."""
        return self.bench.call(message, Service.INSTITUTION)


_MUNICIPALITY: Final = "<Cvr>11111111</Cvr><MunicipalityCode>0999</MunicipalityCode>"
_INSTITUTION: Final = "<Cvr>22222222</Cvr><InstitutionNumber>999001</InstitutionNumber>"


def _ask(operation: str, acting: str, document_id: str | None = None) -> str:
    of_document = "" if document_id is None else f"<DocumentId>{document_id}</DocumentId>"
    return (
        f'<{operation} xmlns="urn:dk:bropost:service:1"><OnBehalfOf>{acting}</OnBehalfOf>'
        f"{of_document}</{operation}>"
    )


def whole_life(bench: Bench) -> None:
    """One letter, sent, delivered, handed over and read."""
    letter = bench.letters(1)[0]
    bench.call(letter)
    bench.work()
    with bench.installation.database.read() as connection:
        query = "SELECT sealed_digest FROM document WHERE document_id = ?"
        digest = connection.exec_driver_sql(query, (letter.document_id.text,)).scalar_one()
    identifier = letter.document_id.text
    read_at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    stored = f"<ContentDigest>{pybase64.b64encode_as_string(digest)}</ContentDigest>"
    opened = f"<ReaderRole>STUDY_COUNSELLOR</ReaderRole><ReadAt>{read_at}</ReadAt>"
    for operation, inside in (("ConfirmHandover", stored), ("RegisterRead", opened)):
        payload = _ask(operation, _INSTITUTION, identifier).replace(
            f"</{operation}>", f"{inside}</{operation}>"
        )
        bench.call(bench.message(payload, "proeveby-sis"), Service.INSTITUTION)


def open_store(folder: Path, size: int, keys: Keys = Keys.RSA_2048) -> Store:
    """An installation with so many documents, and some letters that wait in the inbox."""
    bench = open_bench(folder, keys)
    whole_life(bench)
    written = record(bench, lambda: whole_life(bench))
    # As a system does that lives beside the store: its list has passed what it was handed over, and is remembered.
    bench.call(bench.message(_ask("ListInbox", _INSTITUTION), "proeveby-sis"), Service.INSTITUTION)
    bench.installation.database.close()
    ids = _fill(folder / "bropost.db", written, size)
    disclosure_log.make_checkpoints(bench.installation, timedelta(0))
    for letter in bench.letters(effort(WAITING, 3)):
        bench.call(letter)
    bench.work()
    return Store(bench, size, random.sample(ids, min(len(ids), 10_000)))


def _cut(rows: dict[str, list[Row]]) -> dict[str, list[Row]]:
    for table_name, column in _CUT:
        for row in rows.get(table_name, ()):
            row[column] = row[column][:_KEPT_OCTETS]
    return rows


def _fill(path: Path, written: Written, size: int) -> list[str]:
    """Write the rows of so many documents, quickly and without a journal; give the documents' identifiers."""
    raw = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-1048576"):
        raw.execute(f"PRAGMA {pragma}")
    logs = {
        row["key"]: Log(row["key"], Frontier(row["size"], row["frontier"])) for row in written.changed["log"]
    }
    ids: list[str] = []
    for first in range(1, size + 1, _BATCH):
        numbers = range(first, min(first + _BATCH, size + 1))
        batch = [_cut(written.again(number)) for number in numbers]
        ids += [str(rows["document"][0]["document_id"]) for rows in batch]
        remembered = numbers[-1] > size - _REPLAYS
        joined = {name: [row for rows in batch for row in rows[name]] for name in batch[0]}
        joined["log_node"] = [
            node for row in joined["log_entry"] for node in logs[row["log_key"]].append(row)
        ]
        kept = {name: rows for name, rows in joined.items() if rows and (name != "replay" or remembered)}
        write(raw, [insertion(name, rows) for name, rows in kept.items()])
    for each in logs.values():
        grown = (each.frontier.size, each.frontier.octets, each.key)
        raw.execute("UPDATE log SET size = ?, frontier = ? WHERE key = ?", grown)
    marks = raw.execute("UPDATE inbox_mark SET through_seq = (SELECT max(inbox_seq) FROM delivery)")
    assert marks.rowcount == 1, "the school's system has listed its inbox"
    raw.execute("PRAGMA journal_mode=WAL")
    raw.close()
    return ids


@dataclass
class Log:
    """A log that grows beside its store."""

    key: int
    frontier: Frontier

    def append(self, row: Row) -> list[Row]:
        """Give an entry its place and its hash; the rows of the nodes that it completes."""
        row["seq"], row["leaf_hash"] = self.frontier.size, leaf_hash(row["octets"])
        self.frontier, completed = self.frontier.append(row["leaf_hash"])
        return [
            {"log_key": self.key, "level": node.level, "place": node.index, "octets": node.octets}
            for node in completed
        ]


def at_two_sizes(folder: Path) -> Part:
    """What a document costs at both sizes."""
    large_size = 1_000_000 if FULL else effort(100_000, 3_000)
    start = time.monotonic()
    small, large = open_store(folder / "small", _SMALL), open_store(folder / "large", large_size)
    filled = time.monotonic() - start
    subjects: dict[str, Subject[Any]] = {}
    for store in (small, large):
        calls: dict[str, tuple[Callable[[int], list[Message]], Callable[[Message], object]]] = {
            "SendLetter": (store.bench.letters, store.bench.call),
            "ListInbox": (store.inbox, store.call_institution),
            "GetStatus": (store.status, store.bench.call),
        }
        for name, (prepare, call) in calls.items():
            subjects[f"{name} {store.size}"] = Subject(prepare, call)
    samples = interleaved(subjects, rounds=effort(15, 2), calls=effort(25, 2))
    names = ("SendLetter", "ListInbox", "GetStatus")
    factor = _factor(samples, names, large.size)
    what = f"cost per document, {large.size:,} against {_SMALL:,} in the store"
    result = Result(what, factor, GOAL)
    rows = [_row(samples, name, large.size) for name in names]
    profile = ""
    if not result.is_met:
        profile = profiled(
            f"SendLetter at {large.size:,}", large.bench.call, large.bench.letters(effort(300, 5))
        )
    for store in (small, large):
        store.bench.installation.database.close()
    megabytes = (folder / "large" / "bropost.db").stat().st_size / 1e6
    note = (
        f"The large store has {megabytes:,.0f} MB with contents cut to {_KEPT_OCTETS} octets (filled in "
        f"{filled:.0f} s). Status is asked of documents anywhere in it; {WAITING} letters wait in the inbox."
    )
    heading = ["CPU time of a call", f"{_SMALL:,}, ms", f"{large.size:,}, ms", "ratio"]
    return Part("Growth", [result], "\n\n".join(filter(None, (note, table(heading, rows), profile))))


def _factor(samples: dict[str, Sample], names: Sequence[str], size: int) -> float:
    """The ratio of what the three calls take together, round by round."""
    rounds = len(samples[f"{names[0]} {size}"].seconds)
    sums = {
        each: [sum(samples[f"{name} {each}"].seconds[number] for name in names) for number in range(rounds)]
        for each in (_SMALL, size)
    }
    return statistics.median(b / a for a, b in zip(sums[_SMALL], sums[size], strict=True))


def _row(samples: dict[str, Sample], name: str, size: int) -> list[str]:
    small, large = samples[f"{name} {_SMALL}"], samples[f"{name} {size}"]
    ratio = large.median / small.median
    return [name, f"{small.milliseconds:.2f}", f"{large.milliseconds:.2f}", f"{ratio:.2f}"]

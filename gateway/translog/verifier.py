"""Verifies a log bundle offline, trusting nobody but the anchors that the auditor brings along.

The anchors come from outside the bundle: the log key (pinned at contract time) and a checkpoint kept from an earlier
audit. Without both the verdict is never OK. The bundle is read once, front to back, in little memory.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from hashlib import sha256
from itertools import chain, zip_longest
from pathlib import Path
from typing import BinaryIO

from gateway.domain.catalogue import Code
from gateway.domain.disclosure import ERASED, EntryKind, LogOrigin
from gateway.domain.errors import InputError, TrustError
from gateway.translog.bundle import BundleReader
from gateway.translog.checkpoint import GREATEST_SIZE, Checkpoint, LogKey, SignedCheckpoint, parse_checkpoint
from gateway.translog.checks import MOST_RESULTS, OpeningsCheck, Trail
from gateway.translog.findings import Finding
from gateway.translog.leaf import MOST_OCTETS, grammar, kind_of
from gateway.translog.ledger import Difference, History, Marks
from gateway.translog.merkle import HASH_OCTETS
from gateway.translog.report import (
    ENTRY_ID,
    Counts,
    Judgement,
    OpeningResult,
    OpeningStatus,
    Outcome,
    Report,
    StepName,
)  # fmt: skip


def verify_bundle(
    bundle: str | Path | BinaryIO, *, log_key: str | None, known_checkpoint: str | None
) -> Report:
    """The report on a bundle of untrusted origin: a file, or a stream that can seek.

    `log_key` is the pinned key in its text form; after a change of keys, all of them, one a line. `known_checkpoint` is
    a signed note kept from an earlier audit. InputError LOG_KEY_MALFORMED or LOG_CHECKPOINT_MALFORMED if the auditor's
    own anchors cannot be read; whatever is wrong with the bundle stands in the report.
    """
    pinned = (
        [LogKey.parse(line) for line in log_key.split("\n") if line.strip()] if log_key is not None else []
    )
    if log_key is not None and not pinned:
        raise InputError(Code.LOG_KEY_MALFORMED, what="empty")
    known = parse_checkpoint(known_checkpoint) if known_checkpoint is not None else None
    if isinstance(bundle, str | Path):
        with Path(bundle).open("rb") as stream:
            return _verify(stream, pinned, known)
    return _verify(bundle, pinned, known)


def _verify(stream: BinaryIO, pinned: Sequence[LogKey], known: SignedCheckpoint | None) -> Report:
    judgement = Judgement()
    try:
        audit = _Audit(BundleReader(stream), judgement, pinned, known)
        audit.run()
    except InputError as error:
        judgement.fail(StepName.ARCHIVE, Finding.ARCHIVE_BROKEN, english=error.english, danish=error.danish)
        return judgement.report(Counts(), (), None, None)
    return audit.report()


class _Audit:
    """One reading of a bundle."""

    def __init__(
        self,
        reader: BundleReader,
        judgement: Judgement,
        pinned: Sequence[LogKey],
        known: SignedCheckpoint | None,
    ) -> None:
        self._reader = reader
        self._judgement = judgement
        self._pinned = pinned
        self._origin = reader.manifest.origin
        self._keys = pinned or reader.manifest.keys
        self._trail = Trail(reader.checkpoints(), self._origin, self._keys, judgement)
        self._openings = OpeningsCheck(reader.openings(), judgement)
        self._claimed = History()  # what the tiles say
        self._actual = self._claimed  # what the entries say: the same, until they differ
        self._difference: Difference | None = None
        self._known = self._anchor(known)
        self._known_met: bool | None = None  # None: not reached
        self._entries = 0
        self._kinds: Counter[EntryKind] = Counter()
        self._ids = Marks()
        self._erased = Marks()
        self._erasures: list[OpeningResult] = []
        self._malformed: tuple[int, bytes] | None = None  # the first entry that matches no grammar
        self._patterns = self._grammars()

    def run(self) -> None:
        """Read the bundle to its end and judge each step."""
        self._claimed.take(b"", self._trail.due(0))
        for block, tile in zip_longest(self._reader.leaves(), self._reader.tiles()):
            self._take(block or [], tile or b"")
        beyond = self._trail.due(GREATEST_SIZE)
        for history in self._histories():
            history.take(b"", beyond)
        self._judgement.set(StepName.ARCHIVE, Outcome.PASS, Finding.ARCHIVE_READ, entries=self._entries)
        self._judge_key()
        self._judge_signatures()
        self._judge_tiles()  # before their form: that one was put there says more than that it is malformed
        self._judge_roots()
        self._judge_entries()
        self._judge_known()
        self._judge_openings()

    def report(self) -> Report:
        """The report after `run`."""
        counts = Counts(
            self._entries,
            self._trail.count,
            self._openings.valid,
            self._openings.invalid,
            self._ids.common(self._erased),
            {
                kind.value: number
                for kind, number in sorted(self._kinds.items(), key=lambda item: item[0].value)
            },
        )
        openings = tuple((self._openings.results + self._erasures)[:MOST_RESULTS])
        return self._judgement.report(counts, openings, self._trail.newest, self._trail.newest_note)

    def _grammars(self) -> dict[EntryKind | None, re.Pattern[bytes]]:
        try:
            log = LogOrigin.parse(self._origin)
        except ValueError:
            return {}  # every entry will be found malformed: they cannot belong to such a log
        return {kind: grammar(kind, log) for kind in EntryKind}

    def _anchor(self, known: SignedCheckpoint | None) -> Checkpoint | None:
        """The auditor's own checkpoint, if it holds anything fast."""
        step = StepName.KNOWN_CHECKPOINT
        if known is None:
            self._judgement.set(step, Outcome.NOT_CHECKED, Finding.KNOWN_MISSING)
            return None
        try:
            checkpoint = known.verify(self._keys, self._origin)
        except TrustError as error:
            self._judgement.fail(step, Finding.KNOWN_UNTRUSTED, english=error.english, danish=error.danish)
            return None
        if not checkpoint.size:
            self._judgement.set(step, Outcome.NOT_CHECKED, Finding.KNOWN_EMPTY)
            return None
        return checkpoint

    def _take(self, block: Sequence[bytes], tile: bytes) -> None:
        """One run of entries with the tile that claims their leaf hashes; only at the end may one be shorter."""
        start = self._entries
        self._read_entries(block)
        hashes = b"".join([sha256(b"\x00" + line).digest() for line in block])  # RFC 9162 §2.1.1
        if self._difference is not None:
            self._difference.complete(hashes, tile)
        elif hashes != tile:
            self._difference = Difference.between(start, block, hashes, tile)
            self._actual = self._claimed.copy()
        due = self._trail.due(self._claimed.frontier.size + len(tile) // HASH_OCTETS)
        for history, grown in zip(self._histories(), (tile, hashes), strict=False):
            self._meet_known(history, grown)
            history.take(grown, due)

    def _histories(self) -> tuple[History, ...]:
        """What the tiles say, and what the entries say where they differ."""
        return (self._claimed,) if self._difference is None else (self._claimed, self._actual)

    def _meet_known(self, history: History, hashes: bytes) -> None:
        """Compare with the auditor's checkpoint when one of the histories reaches its size."""
        known, frontier = self._known, history.frontier
        if known and frontier.size < known.size <= frontier.size + len(hashes) // HASH_OCTETS:
            octets = (known.size - frontier.size) * HASH_OCTETS
            self._known_met = self._known_met or frontier.extend(hashes[:octets]).root() == known.root

    def _read_entries(self, block: Sequence[bytes]) -> None:
        """Check the form of each entry and remember its id."""
        start = self._entries
        patterns, kinds, add = self._patterns, self._kinds, self._ids.add
        ids: list[bytes | None] = []
        for line in block:
            kind = kind_of(line)
            match = patterns[kind].fullmatch(line) if kind in patterns and len(line) <= MOST_OCTETS else None
            if kind is None or match is None:
                self._malformed = self._malformed or (start + len(ids), line)
                ids.append(None)
                continue
            ids.append(match[1])
            add(hash(match[1]))
            kinds[kind] += 1
            if kind is EntryKind.ERASE:
                self._read_erasure(start + len(ids) - 1, line)
        self._entries = start + len(block)
        self._openings.take(start, block, ids)

    def _read_erasure(self, index: int, line: bytes) -> None:
        entry = json.loads(line)
        if entry["outcome"] == ERASED:
            for entry_id in entry["erases"]:
                self._erased.add(hash(entry_id.encode()))
                if len(self._erasures) < MOST_RESULTS:
                    self._erasures.append(OpeningResult(entry_id, None, OpeningStatus.ERASED, index))

    def _judge_key(self) -> None:
        if not self._pinned:
            self._judgement.set(StepName.LOG_KEY, Outcome.NOT_CHECKED, Finding.KEY_MISSING)
        elif not set(self._reader.manifest.keys) <= set(self._pinned):
            self._judgement.fail(StepName.LOG_KEY, Finding.KEY_OTHER)
        else:
            self._judgement.set(StepName.LOG_KEY, Outcome.PASS, Finding.KEY_PINNED)

    def _judge_signatures(self) -> None:
        step, count = StepName.SIGNATURES, self._trail.count
        if not count:
            self._judgement.fail(step, Finding.CHECKPOINT_MISSING)
        elif self._pinned:
            self._judgement.set(step, Outcome.PASS, Finding.CHECKPOINTS_SIGNED, checkpoints=count)
        else:
            self._judgement.set(step, Outcome.NOT_CHECKED, Finding.CHECKPOINTS_SELF_SIGNED, checkpoints=count)

    def _judge_entries(self) -> None:
        if self._malformed is not None:
            index, line = self._malformed
            told = self._judgement.fail(StepName.ENTRIES, Finding.ENTRY_MALFORMED, index=index)
            self._judgement.blame(told, index, None, line)
        twice = self._ids.twice()
        if twice:
            self._find_twice(twice)
        self._judgement.set(StepName.ENTRIES, Outcome.PASS, Finding.ENTRIES_READ, entries=self._entries)

    def _find_twice(self, marks: frozenset[int]) -> None:
        """Read the entries again to name the first one whose id stood before."""
        seen: set[bytes] = set()
        for index, line in enumerate(chain.from_iterable(self._reader.leaves())):
            found = ENTRY_ID.search(line)
            if found is None or hash(found[1]) not in marks:
                continue
            if found[1] in seen:
                told = self._judgement.fail(StepName.ENTRIES, Finding.ENTRY_ID_TWICE, index=index)
                self._judgement.blame(told, index, None, line)
                return
            seen.add(found[1])

    def _judge_tiles(self) -> None:
        difference = self._difference
        if difference is None:
            self._judgement.set(StepName.TILES, Outcome.PASS, Finding.TILES_MATCH)
            return
        finding = difference.finding()
        if self._actual.missed is None and self._claimed.missed is not None:
            finding = Finding.TILE_CHANGED
        first = difference.index
        last = self._claimed.frontier.size - 1 if finding is Finding.ENTRIES_CUT else first
        told = self._judgement.fail(StepName.TILES, finding, index=first, last=last)
        if self._is_exact():
            self._judgement.blame(told, first, last, difference.line)

    def _is_exact(self) -> bool:
        """Whether entries and tiles differ and one of them is right: then the place is known for sure."""
        return self._difference is not None and None in (self._actual.missed, self._claimed.missed)

    def _judge_roots(self) -> None:
        newest, missed, good = self._trail.newest, self._actual.missed, self._actual.good
        size = self._actual.frontier.size
        if newest is None:
            self._judgement.set(StepName.ROOTS, Outcome.NOT_CHECKED, Finding.ROOTS_NOT_COMPARED)
        elif missed is not None and missed.size == good:
            self._judgement.fail(StepName.ROOTS, Finding.CHECKPOINTS_CONTRADICT, size=good)
        elif missed is not None and size == good:
            self._blame(StepName.ROOTS, Finding.ENTRIES_CUT, size, newest.size - 1)
        elif missed is not None:
            self._blame(
                StepName.ROOTS, Finding.HISTORY_CHANGED, good, missed.size - 1, size=missed.size, good=good
            )
        elif newest.size < size:
            self._blame(StepName.ROOTS, Finding.ENTRIES_UNSIGNED, newest.size, size - 1)
        else:
            count = self._trail.count
            self._judgement.set(StepName.ROOTS, Outcome.PASS, Finding.ROOTS_MATCH, checkpoints=count)

    def _judge_known(self) -> None:
        known, size = self._known, self._claimed.frontier.size
        step = StepName.KNOWN_CHECKPOINT
        if known is None:
            return
        if self._known_met and self._judgement.failed(StepName.TILES):
            self._judgement.set(step, Outcome.NOT_CHECKED, Finding.KNOWN_BY_TILES, size=known.size)
        elif self._known_met:
            self._judgement.set(step, Outcome.PASS, Finding.KNOWN_HOLDS, size=known.size)
        elif self._known_met is None:
            self._blame(step, Finding.KNOWN_CUT, size, known.size - 1, size=known.size)
        else:
            self._blame(step, Finding.KNOWN_FORKED, 0, known.size - 1, size=known.size)

    def _blame(self, step: StepName, finding: Finding, first: int, last: int, **facts: int) -> None:
        """Fail the step and name the entries from `first` to `last`, unless the one entry is known."""
        told = self._judgement.fail(step, finding, index=first, last=last, **facts)
        if not self._is_exact():
            self._judgement.blame(told, first, last)

    def _judge_openings(self) -> None:
        self._openings.finish()
        erased = self._ids.common(self._erased)
        yet_open = self._openings.opened.common(self._erased)
        if yet_open:
            self._judgement.fail(StepName.OPENINGS, Finding.OPENING_OF_ERASED, erased_yet_open=yet_open)
        elif self._reader.has_openings:
            facts = {"openings": self._openings.valid, "erased": erased}
            self._judgement.set(StepName.OPENINGS, Outcome.PASS, Finding.OPENINGS_HOLD, **facts)
        else:
            self._judgement.set(StepName.OPENINGS, Outcome.NOT_CHECKED, Finding.OPENINGS_NONE, erased=erased)

"""The parts of a bundle that are checked as they come: its checkpoints and its openings."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Final

from gateway.domain.disclosure import Commitment, CommittedField
from gateway.domain.errors import InputError, TrustError
from gateway.translog.checkpoint import Checkpoint, LogKey, parse_checkpoint
from gateway.translog.commitment import Opening, parse_opening, verify_opening
from gateway.translog.findings import Finding
from gateway.translog.ledger import Marks
from gateway.translog.report import Judgement, OpeningResult, OpeningStatus, StepName

MOST_RESULTS: Final = 1000


class Trail:
    """The checkpoints of the bundle as they come, each verified; a bad one is reported and passed over."""

    def __init__(
        self, notes: Iterator[str], origin: str, keys: Sequence[LogKey], judgement: Judgement
    ) -> None:
        self._notes = notes
        self._origin = origin
        self._keys = keys
        self._judgement = judgement
        self.count = 0
        self.newest: Checkpoint | None = None
        self.newest_note: str | None = None
        self._next = self._read()

    def due(self, size: int) -> list[Checkpoint]:
        """The checkpoints that come next and cover at most `size` entries."""
        found = []
        while self._next is not None and self._next.size <= size:
            found.append(self._next)
            self._next = self._read()
        return found

    def _read(self) -> Checkpoint | None:
        for note in self._notes:
            self.count += 1
            try:
                checkpoint = parse_checkpoint(note).verify(self._keys, self._origin)
            except (InputError, TrustError) as error:
                self._judgement.fail(
                    StepName.SIGNATURES,
                    Finding.CHECKPOINT_BROKEN,
                    number=self.count,
                    english=error.english,
                    danish=error.danish,
                )
                continue
            if self.newest and checkpoint.size < self.newest.size:
                self._judgement.fail(StepName.SIGNATURES, Finding.CHECKPOINT_ORDER, number=self.count)
                continue
            self.newest, self.newest_note = checkpoint, note
            return checkpoint
        return None


class OpeningsCheck:
    """The openings of the bundle, met in the order of their entries."""

    def __init__(self, lines: Iterator[bytes], judgement: Judgement) -> None:
        self._lines = lines
        self._judgement = judgement
        self._number = 0
        self.valid = 0
        self.invalid = 0
        self.results: list[OpeningResult] = []
        self.opened = Marks()
        self._next = self._read()

    def take(self, start: int, block: Sequence[bytes], ids: Sequence[bytes | None]) -> None:
        """Check the openings that belong to these entries, of which the first has index `start`."""
        if self._next is None:
            return
        places = {entry_id: place for place, entry_id in enumerate(ids) if entry_id is not None}
        at = 0
        while self._next is not None:
            place = places.get(self._next.entry_id.text.encode(), -1)
            if place < at:  # of a later block, or out of order: then it is never met
                return
            at = place
            self._check(self._next, start + place, block[place])
            self._next = self._read()

    def finish(self) -> None:
        """Report the first opening whose entry never came."""
        if self._next is not None:
            self._judgement.fail(StepName.OPENINGS, Finding.OPENING_LOST, number=self._number)

    def _check(self, opening: Opening, index: int, line: bytes) -> None:
        commitment = _commitment(line, opening.field)
        if commitment is not None and verify_opening(opening, commitment):
            self.valid += 1
            status = OpeningStatus.VALID
            self.opened.add(hash(opening.entry_id.text.encode()))
        else:
            self.invalid += 1
            status = OpeningStatus.INVALID
            if not self._judgement.failed(StepName.OPENINGS):
                told = self._judgement.fail(
                    StepName.OPENINGS, Finding.OPENING_FALSE, field=opening.field.value, index=index
                )
                self._judgement.blame(told, index, None, line)
        if len(self.results) < MOST_RESULTS:
            self.results.append(OpeningResult(opening.entry_id.text, opening.field, status, index))

    def _read(self) -> Opening | None:
        line = next(self._lines, None)
        self._number += 1
        if line is None:
            return None
        try:
            return parse_opening(line)
        except InputError:
            self._judgement.fail(StepName.OPENINGS, Finding.OPENING_LOST, number=self._number)
            return None


def _commitment(line: bytes, field: CommittedField) -> Commitment | None:
    """The commitment that the entry in this line holds for a field."""
    entry = json.loads(line)
    value = entry.get("actor", {}).get("person") if field is CommittedField.ACTOR else entry.get(field.value)
    return Commitment(value) if value else None

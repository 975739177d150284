"""What an auditor is told of a bundle: a verdict, a sentence for each step, and the first bad entry by its index."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, unique
from typing import Final

from gateway.domain.disclosure import UUID4, CommittedField
from gateway.domain.errors import Fact
from gateway.translog.canonical import Json
from gateway.translog.checkpoint import Checkpoint
from gateway.translog.findings import Finding, Told, tell

ENTRY_ID: Final = re.compile(rf'"entry_id":"({UUID4})"'.encode())
"""Finds the id that a line claims, even where the rest of it is broken."""


@unique
class Verdict(Enum):
    """The result of the whole; the value is the exit code of the command."""

    OK = 0  # nothing is wrong, and both anchors came from outside the bundle and hold
    INVALID = 1  # something is wrong
    UNANCHORED = 2  # nothing is wrong within the bundle, but whoever made it may have made all of it up


@unique
class Outcome(Enum):
    """The result of one step."""

    PASS = "PASS"  # noqa: S105 - the word of test reports
    FAIL = "FAIL"
    NOT_CHECKED = "NOT_CHECKED"


@unique
class StepName(Enum):
    """The steps in their order."""

    ARCHIVE = "ARCHIVE"
    LOG_KEY = "LOG_KEY"
    SIGNATURES = "SIGNATURES"
    ENTRIES = "ENTRIES"
    TILES = "TILES"
    ROOTS = "ROOTS"
    KNOWN_CHECKPOINT = "KNOWN_CHECKPOINT"
    OPENINGS = "OPENINGS"


@dataclass(frozen=True)
class Step:
    """One step with its outcome and the sentence for it."""

    name: StepName
    outcome: Outcome
    told: Told


@dataclass(frozen=True)
class BadEntry:
    """The first bad entry: its index, or the range in which it is (`first` to `last`, both included).

    `entry_id` is what the bundle's line at `first` claims, where one exact line is meant and can be read.
    """

    first: int
    last: int
    told: Told
    entry_id: str | None = None


@unique
class OpeningStatus(Enum):
    """What became of the opening of a commitment."""

    VALID = "VALID"
    INVALID = "INVALID"
    ERASED = "ERASED"


@dataclass(frozen=True)
class OpeningResult:
    """One opening checked, or one entry whose openings were erased (`field` is None, `index` is the ERASE entry's)."""

    entry_id: str
    field: CommittedField | None
    status: OpeningStatus
    index: int


@dataclass(frozen=True)
class Counts:
    """How many of each the bundle holds."""

    entries: int = 0
    checkpoints: int = 0
    openings_valid: int = 0
    openings_invalid: int = 0
    erased: int = 0
    kinds: Mapping[str, int] | None = None


@dataclass(frozen=True)
class Report:
    """The result of verifying a bundle.

    `newest` is the newest checkpoint as a signed note: the auditor keeps it as the anchor of the next audit.
    `openings` are the first 1,000 results; the counts are of all.
    """

    verdict: Verdict
    steps: tuple[Step, ...]
    bad: BadEntry | None
    counts: Counts
    openings: tuple[OpeningResult, ...]
    checkpoint: Checkpoint | None
    newest: str | None

    def step(self, name: StepName) -> Step:
        """The step of this name."""
        return next(step for step in self.steps if step.name is name)

    def as_json(self) -> Json:
        """The report as JSON values, for machines."""
        checkpoint = self.checkpoint
        return {
            "verdict": self.verdict.name,
            "origin": checkpoint.origin if checkpoint else None,
            "size": checkpoint.size if checkpoint else None,
            "root": checkpoint.root.hex() if checkpoint else None,
            "steps": [
                {"step": step.name.value, "outcome": step.outcome.value, **_words(step.told)}
                for step in self.steps
            ],
            "bad": {
                "first": self.bad.first,
                "last": self.bad.last,
                "entry_id": self.bad.entry_id,
                **_words(self.bad.told),
            }
            if self.bad
            else None,
            "counts": {
                "entries": self.counts.entries,
                "checkpoints": self.counts.checkpoints,
                "openings_valid": self.counts.openings_valid,
                "openings_invalid": self.counts.openings_invalid,
                "erased": self.counts.erased,
                "kinds": dict(self.counts.kinds or {}),
            },
            "openings": [
                {
                    "entry_id": result.entry_id,
                    "field": result.field.value if result.field else None,
                    "status": result.status.value,
                    "index": result.index,
                }
                for result in self.openings
            ],
        }


class Judgement:
    """The outcome of each step so far, and the candidates for the first bad entry."""

    def __init__(self) -> None:
        not_reached = tell(Finding.NOT_REACHED)
        self.steps = {name: Step(name, Outcome.NOT_CHECKED, not_reached) for name in StepName}
        self.bad: list[BadEntry] = []

    def set(self, name: StepName, outcome: Outcome, finding: Finding, **facts: Fact) -> Told:
        """Give the step its outcome; the first failure of a step stands."""
        told = tell(finding, **facts)
        if self.steps[name].outcome is not Outcome.FAIL:
            self.steps[name] = Step(name, outcome, told)
        return told

    def fail(self, name: StepName, finding: Finding, **facts: Fact) -> Told:
        """Fail the step."""
        return self.set(name, Outcome.FAIL, finding, **facts)

    def failed(self, name: StepName) -> bool:
        """Whether the step failed."""
        return self.steps[name].outcome is Outcome.FAIL

    def blame(self, told: Told, first: int, last: int | None = None, line: bytes | None = None) -> None:
        """Name an entry, or the range in which it is; `line` is what stands there."""
        found = ENTRY_ID.search(line) if line else None
        last = first if last is None else last
        self.bad.append(BadEntry(first, last, told, found[1].decode() if found else None))

    def report(
        self,
        counts: Counts,
        openings: tuple[OpeningResult, ...],
        checkpoint: Checkpoint | None,
        newest: str | None,
    ) -> Report:
        """The report with its verdict. The first bad entry is the one of which it is clear soonest: least `last`."""
        anchors = (self.steps[StepName.LOG_KEY], self.steps[StepName.KNOWN_CHECKPOINT])
        verdict = Verdict.UNANCHORED
        if any(map(self.failed, StepName)):
            verdict = Verdict.INVALID
        elif all(step.outcome is Outcome.PASS for step in anchors):
            verdict = Verdict.OK
        bad = min(self.bad, key=lambda entry: (entry.last, -entry.first), default=None)
        return Report(verdict, tuple(self.steps.values()), bad, counts, openings, checkpoint, newest)


def _words(told: Told) -> dict[str, Json]:
    return {"finding": told.finding.name, "english": told.english, "danish": told.danish}

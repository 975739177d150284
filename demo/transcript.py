"""What happened, for machines: the steps with their facts, and apart from them what is new at every run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Fact = str | int | bool | None | Sequence["Fact"] | Mapping[str, "Fact"]


class Broken(Exception):
    """A promise of the product does not hold; the text says which and what was found instead."""


@dataclass
class Step:
    """One step that succeeded: its chapter, its name, and what was found."""

    chapter: str
    name: str
    sentence: str
    facts: dict[str, Fact] = field(default_factory=dict)
    changing: dict[str, Fact] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def found(self, **facts: Fact) -> None:
        """Record facts that are the same at every run."""
        self.facts.update(facts)

    def noted(self, **facts: Fact) -> None:
        """Record facts that are others at every run: identifiers, times, digests."""
        self.changing.update(facts)

    def say(self, *lines: str) -> None:
        """Tell a person more; machines read the facts."""
        self.lines.extend(lines)

    def check(self, what: str, found: Fact, wanted: Fact) -> None:
        """Record a fact that must be as wanted. Broken, which names both, if it is not."""
        if found != wanted:
            raise Broken(f"{what}: {found!r} and not {wanted!r}")
        self.facts[what] = found


@dataclass
class Transcript:
    """All steps of one run, in order."""

    steps: list[Step] = field(default_factory=list)

    def as_json(self) -> dict[str, Fact]:
        """Give the same keys and values at every run, but for what stands under `changing`."""
        return {
            "steps": [
                {"chapter": step.chapter, "step": step.name, "facts": step.facts} for step in self.steps
            ],
            "changing": {
                step.name: {**step.changing, "seconds": f"{step.seconds:.2f}"} for step in self.steps
            },
        }

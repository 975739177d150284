"""What was measured against which goal, and the page that tells it."""

from __future__ import annotations

import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bench.installation import ROOT
from bench.measure import FULL, QUICK

PAGE: Final = ROOT / "docs" / "performance.md"
_BEGIN: Final = "<!-- measured: begin -->"
_END: Final = "<!-- measured: end -->"


@dataclass(frozen=True)
class Result:
    """One figure and its goal. `at_least`: larger is better."""

    what: str
    measured: float
    goal: float
    at_least: bool = False
    unit: str = "x"
    detail: str = ""

    @property
    def factor(self) -> float:
        """How far from the goal: 1 or less meets it."""
        return self.goal / self.measured if self.at_least else self.measured / self.goal

    @property
    def is_met(self) -> bool:
        """Whether the goal is met."""
        return self.factor <= 1

    def row(self) -> str:
        """The figure as a row of the table of goals."""
        sign = "≥" if self.at_least else "≤"
        verdict = "met" if self.is_met else f"missed: {self.factor:.2f} times the goal"
        measured = f"{self.measured:.2f} {self.unit}".replace(" x", "x")
        goal = f"{sign} {self.goal:g} {self.unit}".replace(" x", "x")
        return f"| {self.what} | {measured} | {goal} | {verdict} |"


@dataclass(frozen=True)
class Part:
    """What one part of the bench found: results with goals, and text that shows what they are made of."""

    title: str
    results: Sequence[Result]
    detail: str = ""


def table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of the page."""
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def machine() -> str:
    """The machine in general terms."""
    cores = Path("/proc/cpuinfo").read_text("utf-8")
    model = re.search(r"model name\s*: (.+)", cores)
    family = re.search(r"cpu family\s*: (.+)", cores)
    memory = re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text("utf-8"))
    return (
        f"{model[1] if model else platform.machine()} (family {family[1] if family else '?'}), "
        f"{len(re.findall('^processor', cores, re.MULTILINE))} cores, "
        f"{round(int(memory[1]) / 2**20) if memory else '?'} GB, {platform.system()}, "
        f"Python {platform.python_version()}"
    )


def page_of(parts: Sequence[Part]) -> str:
    """What stands between the markers."""
    effort = "a short run: not to be compared" if QUICK else "a full run" if FULL else "a usual run"
    results = [result.row() for part in parts for result in part.results]
    lines = [
        f"Measured {datetime.now(UTC):%Y-%m-%d} on {machine()}; {effort}.",
        "",
        "| what | measured | goal | |\n|---|---|---|---|",
        *results,
    ]
    text = "\n".join(lines)
    for part in parts:
        if part.detail:
            text += f"\n\n### {part.title}\n\n{part.detail}"
    return text


def write_page(parts: Sequence[Part], page: Path = PAGE) -> None:
    """Put the figures between the markers of the page; what people wrote around them stays."""
    text = page.read_text("utf-8")
    before, _, rest = text.partition(_BEGIN)
    _, marker, after = rest.partition(_END)
    if not marker:
        raise SystemExit(f"{page} lacks its markers")
    page.write_text(f"{before}{_BEGIN}\n{page_of(parts)}\n{_END}{after}", "utf-8")

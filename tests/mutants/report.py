"""What became of the mutants, as figures and as a page, and whether the list of survivors is right."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from pathlib import Path
from typing import Final

from tests.mutants.running import Fate, Outcome

LEAST_KILLED: Final = 0.90


class Reason(Enum):
    """Why a mutant may survive."""

    EQUIVALENT = "equivalent"  # nobody can tell it from the product
    SPEED = "speed"  # it only takes longer, or more memory
    WORDING = "wording"  # it only says it otherwise
    DEPTH = "depth"  # another guard refuses the same: what it would let pass does not get there


_MEANING: Final = {
    Reason.EQUIVALENT: "nobody can tell it from the product",
    Reason.SPEED: "it only takes longer, or more memory",
    Reason.WORDING: "it only says the same in other words",
    Reason.DEPTH: "another guard stands before or behind it, and refuses the same",
}


@dataclass(frozen=True)
class Survivor:
    """A mutant that is known to survive."""

    change: str
    reason: Reason
    why: str


@dataclass(frozen=True)
class Listed:
    """The list of survivors, by id."""

    survivors: Mapping[str, Survivor]

    @staticmethod
    def read(path: Path) -> Listed:
        """The list in a file; ValueError or KeyError if a row is not whole."""
        table: dict[str, dict[str, str]] = tomllib.loads(path.read_text("utf-8"))
        return Listed(
            {name: Survivor(row["change"], Reason(row["reason"]), row["why"]) for name, row in table.items()}
        )


def wrong_in(outcomes: Sequence[Outcome], listed: Listed, *, is_whole: bool) -> list[str]:
    """What is not as it must be, one sentence each; `is_whole` if every mutant was tried."""
    return list(_wrong(outcomes, listed, is_whole=is_whole))


def _wrong(outcomes: Sequence[Outcome], listed: Listed, *, is_whole: bool) -> Iterator[str]:
    known = listed.survivors
    for each in outcomes:
        row = known.get(each.mutant.id)
        if row is None:
            if each.fate is Fate.SURVIVED:
                yield f"survives, and is not listed: {each.mutant.id}: {each.mutant.change}"
        elif row.change != each.mutant.change:
            yield f"is listed as another change: {each.mutant.id}: {each.mutant.change}"
        elif each.fate is not Fate.SURVIVED:
            yield f"is listed, but was killed: {each.mutant.id} by {each.by}"
    if is_whole:
        for name in known.keys() - {each.mutant.id for each in outcomes}:
            yield f"is listed, but is no mutant any more: {name}"
        if _share(outcomes) < LEAST_KILLED:
            yield f"only {_share(outcomes):.1%} were killed"


def figures(outcomes: Sequence[Outcome]) -> str:
    """A table, a row for each file."""
    rows = ["| file | mutants | killed | hanged | survived | share killed |", "|---|---|---|---|---|---|"]
    for file in dict.fromkeys(each.file for each in outcomes):
        rows.append(_row(f"`{file}`", [each for each in outcomes if each.file == file]))
    return "\n".join([*rows, _row("**all**", outcomes)])


def _row(title: str, outcomes: Sequence[Outcome]) -> str:
    fates = Counter(each.fate for each in outcomes)
    cells = (title, str(len(outcomes)), *(str(fates[fate]) for fate in Fate), f"{_share(outcomes):.1%}")
    return "| " + " | ".join(cells) + " |"


def _share(outcomes: Sequence[Outcome]) -> float:
    return sum(each.fate is not Fate.SURVIVED for each in outcomes) / max(1, len(outcomes))


def page(outcomes: Sequence[Outcome], listed: Listed, on: date) -> str:
    """The page of figures and survivors."""
    reasons = Counter(each.reason for each in listed.survivors.values())
    meanings = "\n".join(f"| {each.value} | {reasons[each]} | {_MEANING[each]} |" for each in Reason)
    return f"""# Mutants

<!-- Made by `make mutants`. Change the code, its tests or tests/mutants/survivors.toml, not this page. -->

A mutant is the product with one small change: a comparison turned, a guard left out, a limit one higher. Each must
make a test fail; one that does not is a fact about the product that nobody states. `make mutants` changes the code that
decides who may, whose signature holds, what may be shared and what was seen before. On {on}:

{figures(outcomes)}

*Hanged* is a mutant with which a test does not end; it counts as killed. Survivors are not excused in these figures.
Each stands in `tests/mutants/survivors.toml` with its reason; a survivor that is not listed, or a listed one that is
killed, fails the run. [Why the tool is our own](decisions/0028-mutants.md).

| reason | survivors | meaning |
|---|---|---|
{meanings}
"""

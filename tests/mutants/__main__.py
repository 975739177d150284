"""`make mutants`: change the code that decides in small ways, and see that a test notices each change."""

from __future__ import annotations

import argparse
import hashlib
import sys
import time
import tomllib
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from tests.mutants.report import Listed, figures, page, wrong_in
from tests.mutants.running import Fate, Laboratory, Outcome

HERE: Final = Path(__file__).parent
TESTS: Final = HERE.parent
PAGE: Final = TESTS.parent / "docs" / "mutants.md"
SAMPLE: Final = 10  # one of how many is tried


def main() -> int:
    """Try the mutants that were asked for; 1 if not all is as it must be, 2 if the tests fail without any."""
    asked = _asked()
    table = tomllib.loads((HERE / "targets.toml").read_text("utf-8"))
    only = tuple(asked.only or ("",))
    files = [
        file
        for file in table["targets"]
        if any(each.startswith(file) or file.startswith(each) for each in only)
    ]
    named = asked.tests or table["tests"]
    tests = [str(path) for name in named for path in sorted(TESTS.glob(name)) or [TESTS / name]]
    without = [f"--ignore={TESTS / name}" for name in table["without"]]

    def wanted(mutant: str) -> bool:
        chosen = hashlib.sha256(f"{asked.sample} {mutant}".encode()).digest()
        is_chosen = not asked.sample or int.from_bytes(chosen, "big") % SAMPLE == 0
        return is_chosen and mutant.startswith(only)

    began = time.monotonic()
    laboratory = Laboratory(files, asked.jobs, wanted, partial(_tell, loud=asked.loud))
    options = ["-s", "-q", "--no-header", "--hypothesis-profile=ci"]  # "ci": the same examples each time
    status = pytest.main([*options, *without, *tests], plugins=[laboratory])
    if laboratory.baseline.failed or status != pytest.ExitCode.OK:
        print("without any mutant, these tests fail:", *laboratory.baseline.failed, sep="\n")
        return 2
    seconds = time.monotonic() - began
    is_whole = not (asked.only or asked.sample or asked.tests)
    print(figures(laboratory.outcomes))
    print(f"{len(laboratory.outcomes)} mutants, {len(laboratory.items)} tests, {seconds / 60:.0f} minutes")
    listed = Listed.read(HERE / "survivors.toml")
    if is_whole:
        PAGE.write_text(page(laboratory.outcomes, listed, datetime.now(UTC).date()), encoding="utf-8")
    wrong = wrong_in(laboratory.outcomes, listed, is_whole=is_whole)
    print(*wrong, sep="\n")
    return 1 if wrong else 0


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.mutants", description=__doc__)
    parser.add_argument("--jobs", type=int, default=2, help="how many processes at once")
    parser.add_argument("--sample", metavar="DATE", help="try a tenth, another one for each date")
    parser.add_argument("--only", nargs="+", metavar="ID", help="try those whose ids begin so")
    parser.add_argument("--loud", action="store_true", help="tell of every mutant, and what noticed it")
    parser.add_argument("--tests", nargs="+", metavar="FILE", help="use these tests")
    return parser.parse_args()


def _tell(outcome: Outcome, *, loud: bool) -> None:
    if loud or outcome.fate is not Fate.KILLED:
        mutant, how = outcome.mutant, f"{outcome.by}; {outcome.seconds:.1f} s"
        print(f"{outcome.fate.name:8} {mutant.id} line {mutant.line}: {mutant.change} ({how})", flush=True)


if __name__ == "__main__":
    sys.exit(main())

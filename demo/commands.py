"""The installed command `bropost`, run as an operator or an auditor would run it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from demo.transcript import Broken

COMMAND: Final = Path(sys.executable).with_name("bropost")
_MOST_SECONDS: Final = 120
_AT_ONCE: Final = os.cpu_count() or 2

Argument = str | Path


@dataclass(frozen=True)
class Ran:
    """A command that ended; `output` is what it printed on standard output."""

    status: int
    output: str

    @property
    def line(self) -> str:
        """The one line of its output."""
        return self.output.strip()


def run(*arguments: Argument, statuses: Collection[int] = (0,)) -> Ran:
    """Run a command that must end with one of these statuses. Broken, with what it said, if it does not."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BROPOST_")}
    ended = subprocess.run(
        [str(COMMAND), *map(str, arguments)],
        capture_output=True,
        encoding="utf-8",
        timeout=_MOST_SECONDS,
        check=False,
        env={**environment, "PYTHONUTF8": "1"},
    )
    if ended.returncode not in statuses:
        said = f"{ended.stdout}{ended.stderr}".strip()
        raise Broken(f"`bropost {' '.join(map(str, arguments))}` ended with {ended.returncode}: {said}")
    return Ran(ended.returncode, ended.stdout)


def at_once(commands: Sequence[Sequence[Argument]], *, statuses: Collection[int] = (0,)) -> list[Ran]:
    """Run commands that do not depend on each other side by side; the results are in the order of the commands."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(lambda command: run(*command, statuses=statuses), commands))

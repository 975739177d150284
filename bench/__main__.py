"""`make bench`: measures everything and writes docs/performance.md.

    python -m bench                 all parts, the page written
    python -m bench letter growth   these parts only, printed
    QUICK=1                         few repetitions: to see that it runs
    FULL=1                          a million documents, and a million log entries

Takes about a quarter of an hour on two cores that do nothing else.
"""

from __future__ import annotations

import gc
import logging
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import structlog

from bench import attachments, databases, growth, letter, log, server
from bench.measure import QUICK
from bench.report import Part, page_of, write_page

PARTS: Final[dict[str, Callable[[Path], Part]]] = {
    "letter": letter.against_primitives,
    "server": server.at_sixteen_connections,
    "databases": databases.side_by_side,
    "stacks": letter.against_stacks,
    "attachments": attachments.against_its_cipher,
    "memory": server.memory_of_attachments,
    "log": log.share_of_letter,
    "growth": growth.at_two_sizes,
    "verifier": log.verifying,
}


def run(names: Sequence[str]) -> list[Part]:
    """Measure these parts, each in a folder of its own that is gone afterwards."""
    found = []
    for name in names:
        start = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="bropost-bench-") as folder:
            part = PARTS[name](Path(folder))
        gc.collect()
        found.append(part)
        for result in part.results:
            sys.stderr.write(result.row() + "\n")
        sys.stderr.write(f"{name}: {time.monotonic() - start:.0f} s\n")
    return found


def main(names: Sequence[str]) -> None:
    """Measure, and write the page or, for single parts and short runs, print what would stand there."""
    unknown = set(names) - PARTS.keys()
    if unknown:
        raise SystemExit(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING)
    )  # as `bropost serve`
    parts = run(names or list(PARTS))
    if names or QUICK:
        sys.stdout.write(page_of(parts) + "\n")
    else:
        write_page(parts)


if __name__ == "__main__":
    main(sys.argv[1:])

"""Where the time of a missed goal goes: a profile by the product's own rooms."""

from __future__ import annotations

import cProfile
import pstats
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import gateway
from bench.report import table

_PACKAGE: Final = Path(gateway.__file__).parent
_SHOWN: Final = 24
_LEAST_SHARE: Final = 0.02

Argument = TypeVar("Argument")


def profiled(title: str, call: Callable[[Argument], object], arguments: Sequence[Argument]) -> str:
    """A profile of the call: own time by room, and the functions with the largest share."""
    profile = cProfile.Profile(time.process_time)
    for argument in arguments:
        profile.runcall(call, argument)
    stats: dict[Any, Any] = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    total = sum(own for _, _, own, _, _ in stats.values())
    rooms: Counter[str] = Counter()
    functions: list[tuple[float, str]] = []
    for (file, _, name), (_, _, own, cumulative, callers) in stats.items():
        room = _room(file)
        if room is not None:
            rooms[room] += own
            functions.append((cumulative / total, f"`{_short(file)}` {name}"))
        else:  # a library's work counts for whoever called it
            for caller, share in callers.items():
                rooms[_room(caller[0]) or "libraries"] += share[2]
    by_room = [[f"`gateway/{room}`" if room != "libraries" else room, f"{own / total:.0%}"]
               for room, own in rooms.most_common() if own / total >= _LEAST_SHARE]  # fmt: skip
    largest = [
        [name, f"{share:.0%}"]
        for share, name in sorted(functions, reverse=True)
        if share < 1 and "<" not in name
    ][:_SHOWN]
    return (
        f"Profile of {title}: {len(arguments)} calls, CPU time under the profiler, which weighs Python's own calls "
        f"too heavily.\n\n{table(['room, with the libraries it calls', 'share'], by_room)}\n\n"
        f"{table(['function, with all it calls', 'share'], largest)}"
    )


def _room(file: str) -> str | None:
    path = Path(file)
    return path.relative_to(_PACKAGE).parts[0] if path.is_relative_to(_PACKAGE) else None


def _short(file: str) -> str:
    return f"gateway/{Path(file).relative_to(_PACKAGE)}"

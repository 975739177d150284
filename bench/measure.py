"""Interleaved measuring: every subject gets its turn in every round, so that what disturbs one disturbs all."""

from __future__ import annotations

import gc
import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

Argument = TypeVar("Argument")

QUICK: Final = bool(os.environ.get("QUICK"))
FULL: Final = bool(os.environ.get("FULL"))


def effort(usual: int, quick: int) -> int:
    """How often to repeat something: `quick` where the environment has QUICK."""
    return quick if QUICK else usual


@dataclass(frozen=True)
class Sample:
    """CPU seconds per call, one figure a round."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The figure that counts."""
        return statistics.median(self.seconds)

    @property
    def spread(self) -> float:
        """Half the range between the quartiles, as a share of the median."""
        if len(self.seconds) < 4:
            return (max(self.seconds) - min(self.seconds)) / 2 / self.median
        low, _, high = statistics.quantiles(self.seconds, n=4)
        return (high - low) / 2 / self.median

    @property
    def milliseconds(self) -> float:
        """The median in milliseconds."""
        return self.median * 1e3


@dataclass(frozen=True)
class Subject(Generic[Argument]):
    """Something to measure: `prepare` makes the arguments of one round, untimed; `call` takes one of them."""

    prepare: Callable[[int], Sequence[Argument]]
    call: Callable[[Argument], object]


def interleaved(subjects: Mapping[str, Subject[Any]], *, rounds: int, calls: int) -> dict[str, Sample]:
    """The CPU time of each subject's call, by A, B, C, A, B, C ...; the first round only warms up."""
    found: dict[str, list[float]] = {name: [] for name in subjects}
    for number in range(rounds + 1):
        for name, subject in subjects.items():
            arguments = subject.prepare(calls)
            seconds = cpu_seconds(subject.call, arguments)
            if number:
                found[name].append(seconds / len(arguments))
    return {name: Sample(tuple(seconds)) for name, seconds in found.items()}


def cpu_seconds(call: Callable[[Argument], object], arguments: Sequence[Argument]) -> float:
    """The CPU time of this process, all threads, for one call with each argument."""
    gc.collect()
    start = time.process_time()
    for argument in arguments:
        call(argument)
    return time.process_time() - start


def ratio(samples: Mapping[str, Sample], of: str, to: str) -> float:
    """How many times the cost of `to` is that of `of`: the median of the rounds' own ratios."""
    return statistics.median(a / b for a, b in zip(samples[of].seconds, samples[to].seconds, strict=True))

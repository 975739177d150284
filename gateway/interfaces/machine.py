"""The machine under the gateway, as readings: room on its disks, and whether its clock can be believed."""

from __future__ import annotations

import ctypes
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from gateway.domain.gauges import Gauge, Reading

_TIMEX_OCTETS: Final = 512  # struct timex has 208 on 64-bit Linux; all zeros ask and change nothing
_NOT_SYNCHRONISED: Final = 5  # TIME_ERROR of adjtimex(2)
# What has passed, whatever the clock is set to; on Linux also while the machine slept.
_PASSING: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


@dataclass(frozen=True)
class Disks:
    """The folders that the gateway writes, by the names that their readings have."""

    folders: Mapping[str, Path]

    def readings(self) -> Iterator[Reading]:
        """The room that is left for us; none in a folder that is away."""
        for name, folder in self.folders.items():
            try:
                free = shutil.disk_usage(folder).free
            except OSError:
                free = 0
            yield Reading(Gauge.DISK_FREE_BYTES, free, name)


def _ahead() -> float:
    """By how many seconds the clock is ahead of what has passed, counted from some fixed moment."""
    return time.time() - time.clock_gettime(_PASSING)


@dataclass(frozen=True)
class ClockWatch:
    """Notices that the clock was set after this was made."""

    ahead: Callable[[], float] = _ahead
    began: float = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "began", self.ahead())

    def readings(self) -> Iterator[Reading]:
        """By how much the clock was set, either way."""
        yield Reading(Gauge.CLOCK_SET_SECONDS, abs(self.ahead() - self.began))


def synchronised() -> Iterator[Reading]:
    """Whether a time service keeps the kernel's clock right; nothing where the kernel does not tell."""
    state = _adjtimex()
    if state >= 0:
        yield Reading(Gauge.CLOCK_SYNCHRONISED, int(state != _NOT_SYNCHRONISED))


def _adjtimex() -> int:
    """The state of the clock by adjtimex(2); -1 where there is none, or we may not ask."""
    try:
        state: int = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_OCTETS))
    except (OSError, AttributeError):
        return -1
    return state

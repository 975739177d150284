"""The worker: does what the gateway has promised, again and again, until it is told to stop.

Every task is a row, so it does not matter who works or when a worker ends. An error of one task never ends the loop.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import structlog

from gateway.domain.errors import BropostError
from gateway.domain.gauges import Gauge, Reading
from gateway.domain.identifiers import Uuid4
from gateway.interfaces.logs import place_of
from gateway.interfaces.metrics import Metrics
from gateway.interfaces.turns import Turns
from gateway.services import deadlines, delivery, disclosure_log
from gateway.services.housekeeping import Housekeeping
from gateway.services.installation import Installation

_log = structlog.get_logger(__name__)

DUTIES: Final = ("own_keys_hold", "deliver", "sweep", "checkpoint", "tidy")
"""What a worker does in its turn, by the names that log and metrics have for it."""


@dataclass
class Worker:
    """Delivers, fires deadlines and signs checkpoints. Times in seconds."""

    installation: Installation
    poll_seconds: float
    lease_seconds: int
    checkpoint_seconds: int
    turns: Turns = field(default_factory=Turns)
    metrics: Metrics = field(default_factory=Metrics)
    name: str = field(default_factory=lambda: f"worker-{Uuid4.new()}")
    _turned_at: float = field(default_factory=time.monotonic)
    _stop: threading.Event = field(default_factory=threading.Event)
    _housekeeping: Housekeeping = field(init=False)

    def __post_init__(self) -> None:
        self._housekeeping = Housekeeping(self.installation)
        self.metrics.worker_begins(DUTIES)

    def readings(self) -> Iterator[Reading]:
        """How long ago it ended a turn: a worker that hangs or has died ends none."""
        yield Reading(Gauge.WORKER_IDLE_SECONDS, time.monotonic() - self._turned_at)

    def run(self) -> None:
        """Work until `stop` is called; the task in hand is finished first."""
        while not self._stop.is_set():
            if not self.turn():
                self._stop.wait(self.poll_seconds)

    def stop(self) -> None:
        """Let `run` end after what it is doing."""
        self._stop.set()

    def turn(self) -> bool:
        """Do what is due now; return whether there may be more."""
        did = False
        if self._guarded(self._own_keys_hold):  # else what is due waits as it is: all of it needs the seal
            did = self._guarded(self._deliver)
            did |= self._guarded(self._sweep)
        self._guarded(self._checkpoint)
        did |= self._guarded(self._tidy)
        self._turned_at = time.monotonic()
        return did

    def _own_keys_hold(self) -> bool:
        """Whether evidence can be sealed. Looks at both keys, so that a change is told though nobody asks."""
        at = self.installation.clock()
        self.installation.message_key.trouble(at)
        return self.installation.seal_key.trouble(at) is None

    def _deliver(self) -> bool:
        return delivery.deliver_next(self.installation, self.name, self.lease_seconds)

    def _sweep(self) -> bool:
        return deadlines.sweep(self.installation) > 0

    def _checkpoint(self) -> bool:
        oldest = timedelta(seconds=self.checkpoint_seconds)
        return disclosure_log.make_checkpoints(self.installation, oldest) > 0

    def _tidy(self) -> bool:
        return self._housekeeping.step()

    def _guarded(self, duty: Callable[[], bool]) -> bool:
        """Do one duty; what goes wrong in it is told, and keeps no other duty from its turn."""
        try:
            with self.turns.one():
                return duty()
        except BropostError as error:
            _log.warning("worker failed", duty=_name(duty), code=error.code.name)
        except Exception as error:
            _log.error("worker failed", duty=_name(duty), kind=type(error).__name__, place=place_of(error))
        self.metrics.worker_failed(_name(duty))
        return False


def _name(duty: Callable[[], bool]) -> str:
    return duty.__name__.removeprefix("_")

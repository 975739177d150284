"""The worker: does what the gateway has promised, again and again, until it is told to stop.

Every task is a row, so it does not matter who works or when a worker ends. An error of one task never ends the loop.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from gateway.domain.errors import BropostError
from gateway.domain.identifiers import Uuid4
from gateway.services import deadlines, delivery, disclosure_log, housekeeping
from gateway.services.installation import Installation

_log = structlog.get_logger(__name__)


@dataclass
class Worker:
    """Delivers, fires deadlines and signs checkpoints. Times in seconds."""

    installation: Installation
    poll_seconds: float
    lease_seconds: int
    checkpoint_seconds: int
    name: str = field(default_factory=lambda: f"worker-{Uuid4.new()}")
    _stop: threading.Event = field(default_factory=threading.Event)

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
        try:
            did = delivery.deliver_next(self.installation, self.name, self.lease_seconds)
            did |= deadlines.sweep(self.installation) > 0
            disclosure_log.make_checkpoints(self.installation, timedelta(seconds=self.checkpoint_seconds))
            housekeeping.tidy(self.installation)
        except BropostError as error:
            _log.warning("worker failed", code=error.code.name)
            return False
        except Exception as error:
            _log.error("worker failed", kind=type(error).__name__)
            return False
        return did

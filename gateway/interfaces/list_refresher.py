"""The refresher: fetches revocation lists when they are due, beside everything else, until it is told to stop.

A thread of its own, for a server that does not answer takes as long as it is given, and letters must not wait for it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from gateway.transport.revocation_fetch import RevocationFetch

_log = structlog.get_logger(__name__)


@dataclass
class ListRefresher:
    """Looks every `poll_seconds` at which addresses are due by `clock` (zoned UTC)."""

    fetch: RevocationFetch
    clock: Callable[[], datetime]
    poll_seconds: float = 10.0  # failures are tried again after a minute
    _stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Refresh until `stop` is called."""
        while not self._stop.is_set():
            self.turn()
            self._stop.wait(self.poll_seconds)

    def stop(self) -> None:
        """Let `run` end after what it is doing."""
        self._stop.set()

    def turn(self) -> None:
        """Fetch what is due now; what fails is told in the log, and never ends the loop."""
        try:
            self.fetch.refresh(self.clock())
        except Exception as error:
            _log.error("refresher failed", kind=type(error).__name__)

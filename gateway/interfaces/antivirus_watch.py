"""The watch: asks the antivirus whether it is there, beside everything else, until it is told to stop.

One thread asks for all: health pages and metrics tell what it heard, and never wait themselves.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Final

from gateway.transport.antivirus import Clamd

ASK_SECONDS: Final = 5.0  # with the time for an answer, well within what is remembered


@dataclass
class AntivirusWatch:
    """Asks every `ASK_SECONDS`."""

    antivirus: Clamd
    _stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Ask until `stop` is called."""
        while not self._stop.wait(ASK_SECONDS):
            self.antivirus.ask()

    def stop(self) -> None:
        """Let `run` end after what it is doing."""
        self._stop.set()

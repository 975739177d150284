"""What time makes superfluous: replay keys that could match nothing any more, files that no document knows.

It is done in small steps, between which a worker does what is more urgent, and may stop.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from gateway.services.installation import Installation
from gateway.storage import leftovers, replay

_log = structlog.get_logger(__name__)

TIDY_EVERY: Final = timedelta(minutes=5)
WALK_EVERY: Final = timedelta(days=1)  # through every file: only what a crash left is not found without
_NEVER: Final = datetime.min.replace(tzinfo=UTC)


@dataclass
class Housekeeping:
    """How far one worker has come with it."""

    installation: Installation
    _steps: Iterator[None] = field(default_factory=lambda: iter(()))
    _tidied_at: datetime = _NEVER
    _walked_at: datetime = _NEVER

    def step(self) -> bool:
        """Do one step of what is due, some milliseconds of work; False if nothing is left to do now."""
        if self._is_left():
            return True
        now = self.installation.clock()
        if _is_recent(self._tidied_at, now, TIDY_EVERY):
            return False
        self._tidied_at = now
        self._steps = self._all(now)
        return self._is_left()

    def _is_left(self) -> bool:
        """Do the next step; False if there is none."""
        return any(True for _ in self._steps)

    def _all(self, now: datetime) -> Iterator[None]:
        """Each `next` is one step."""
        while self._forget_replays(now):
            yield
        blobs = self.installation.blobs
        while names := leftovers.staged(blobs, now):
            self._look_at(names, now)
            yield
        if _is_recent(self._walked_at, now, WALK_EVERY):
            return
        for names in leftovers.walk(blobs, now):
            self._look_at(names, now)
            yield
        for names in leftovers.aside(blobs):
            with self.installation.database.read() as connection:
                leftovers.look_aside(connection, blobs, names, now)
            yield
        self._walked_at = now

    def _forget_replays(self, now: datetime) -> bool:
        """Forget some replay keys whose time is over; False if there are none."""
        with self.installation.database.read() as connection:
            if not replay.has_expired(connection, now):
                return False
        with self.installation.database.transaction() as connection:
            return replay.forget_expired(connection, now) > 0

    def _look_at(self, names: Sequence[str], now: datetime) -> None:
        """Set files aside that no row knows, and tell: more than a few are a sign of the wrong database."""
        with self.installation.database.read() as connection:
            moved = leftovers.set_aside(connection, self.installation.blobs, names, now)
        if moved:
            _log.warning("files without rows set aside", files=moved)


def _is_recent(done_at: datetime, now: datetime, every: timedelta) -> bool:
    """Whether it need not be done again yet; if the clock was put back, it must."""
    return done_at <= now < done_at + every

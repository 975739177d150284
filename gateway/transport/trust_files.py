"""The trusted certificates and the revocation lists of an installation, read from files.

Another program may replace a revocation list while the gateway runs; a changed file is read again at the next look. A
list that cannot be read or does not verify is left out, and the one before it stays until it is too old to be used.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import structlog

from gateway.crypto.certificate import Certificate
from gateway.crypto.certificates import TrustStore
from gateway.crypto.revocation import Revocations
from gateway.domain.catalogue import Code
from gateway.domain.errors import BropostError, InputError

LOOK_SECONDS: Final = 1.0  # a look takes as long as verifying a signature, and a letter asks six times

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Trust:
    """Whom we trust now: the store of roots, and what their lists say."""

    store: TrustStore
    revocations: Revocations


class TrustFiles:
    """Gives the trust of an installation; reads a revocation list again when its file has changed."""

    def __init__(
        self, store: TrustStore, revocation_lists: Sequence[Path], *, look_seconds: float = LOOK_SECONDS
    ) -> None:
        """Look at the files at most every `look_seconds`."""
        self._store = store
        self._look_seconds = look_seconds
        self._looked = -math.inf  # by the monotonic clock
        self._paths = tuple(revocation_lists)
        self._seen: dict[Path, tuple[int, int]] = {}
        self._told: dict[Path, str] = {}  # of files that cannot be used: why, as the log was told
        self._revocations = Revocations()
        self._lock = threading.Lock()

    def current(self, at: datetime) -> Trust:
        """Return the trust to judge by at the time `at` (our own clock, UTC)."""
        with self._lock:
            now = time.monotonic()
            if now - self._looked >= self._look_seconds:
                self._looked = now
                for path in self._paths:
                    self._read_if_changed(path, at)
            return Trust(self._store, self._revocations)

    def _read_if_changed(self, path: Path, at: datetime) -> None:
        try:
            found = path.stat()
            mark = (found.st_mtime_ns, found.st_size)
            if self._seen.get(path) == mark:
                return
            issuers = (*self._store.roots, *self._store.intermediates)
            renewed = self._revocations.with_list(path.read_bytes(), issuers)
        except (OSError, BropostError) as error:
            self._tell(path, error)
            return
        self._told.pop(path, None)
        self._revocations = renewed.without_older_than(at)
        self._seen[path] = mark

    def _tell(self, path: Path, error: Exception) -> None:
        """Tell the log that a file cannot be used, once: it is looked at again and again."""
        code = error.code.name if isinstance(error, BropostError) else None
        why = code or type(error).__name__
        if self._told.get(path) != why:
            self._told[path] = why
            _log.warning("revocation list not read", file=path.name, code=code, kind=type(error).__name__)


def read_trust_store(
    roots: Sequence[Path], intermediates: Sequence[Path], policies: Sequence[str], environment: str
) -> TrustStore:
    """Return the trust store of these DER files.

    Raises InputError SETTINGS_INVALID if a file cannot be read, and what `TrustStore.build` raises.
    """
    return TrustStore.build(_read(roots), _read(intermediates), policies, environment=environment)


def _read(paths: Sequence[Path]) -> tuple[Certificate, ...]:
    try:
        return tuple(Certificate.from_der(path.read_bytes()) for path in paths)
    except OSError as error:
        raise InputError(Code.SETTINGS_INVALID, what=f"{error.filename} cannot be read") from error

"""Revocation lists fetched from the addresses in the settings, and from nowhere else.

Plain http is normal: the list is signed. What came is kept only if it verifies with its issuer, is of now and is not
older than the list at hand; then it takes that one's file at once. There is one file an issuer, so no list ever takes
the place of another authority's. Whatever fails leaves everything as it is, to be tried again after a growing pause.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Final

import structlog

from gateway.crypto.certificate import Certificate
from gateway.crypto.certificates import TrustStore
from gateway.crypto.revocation import MOST_AGE, SKEW, RevocationList
from gateway.domain.catalogue import Code
from gateway.domain.errors import BropostError, TrustError, UnavailableError
from gateway.transport.http_get import HttpLimits, failed, get

FIRST_PAUSE: Final = timedelta(minutes=1)  # after the first failure; doubled after each further one
LEAST_PAUSE: Final = timedelta(minutes=5)  # however soon the list at hand ends, its authority is not pressed

_log = structlog.get_logger(__name__)


class Outcome(Enum):
    """What came of a fetch."""

    RENEWED = "renewed"
    UNCHANGED = "unchanged"
    FAILED = "failed"


@dataclass(frozen=True)
class Fetched:
    """What came of one address; `error` says why it failed."""

    url: str
    outcome: Outcome
    error: BropostError | None = None


@dataclass
class _Source:
    """One address, and what is remembered of it while the process runs."""

    url: str
    asked_at: datetime | None = None
    next_at: datetime | None = None
    failures: int = 0  # in a row
    etag: str | None = None
    last_modified: str | None = None
    file: Path | None = None  # where its list lies
    digest: bytes = b""  # of that list: what the two marks above are about

    def is_due(self, at: datetime) -> bool:
        """Whether to ask now; also if the clock was set back behind the last time."""
        return self.asked_at is None or self.next_at is None or not self.asked_at <= at < self.next_at

    def conditions(self) -> dict[str, str]:
        """The headers that ask for another list than the one at hand. RFC 9110 §13.1."""
        if self.file is None or _digest(_octets(self.file)) != self.digest:
            return {}
        marks = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: mark for name, mark in marks.items() if mark}


def list_files(folder: Path, store: TrustStore) -> tuple[Path, ...]:
    """Where the fetched lists of each trusted issuer lie, or will lie."""
    return tuple(_file(folder, issuer) for issuer in (*store.roots, *store.intermediates))


class RevocationFetch:
    """Fetches the lists of an installation; several processes may share the folder."""

    def __init__(
        self, urls: Sequence[str], folder: Path, store: TrustStore, limits: HttpLimits, every: timedelta
    ) -> None:
        """Ask each address at least `every` so often. UnavailableError STORE_UNAVAILABLE without the folder."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UnavailableError(Code.STORE_UNAVAILABLE) from error
        self._folder = folder
        self._issuers = (*store.roots, *store.intermediates)
        self._limits = limits
        self._every = every
        self._sources = tuple(_Source(url) for url in urls)
        self._lock = threading.Lock()

    @property
    def has_asked(self) -> bool:
        """Whether any address was asked since the process began."""
        return any(source.asked_at is not None for source in self._sources)

    @property
    def failures(self) -> int:
        """How many times in a row the worst address has failed."""
        return max((source.failures for source in self._sources), default=0)

    def refresh(self, at: datetime, *, all_of_them: bool = False) -> tuple[Fetched, ...]:
        """Ask the addresses that are due at `at`, or all; return what came of each. Takes as long as servers take."""
        with self._lock:
            due = [source for source in self._sources if all_of_them or source.is_due(at)]
            return tuple(self._refreshed(source, at) for source in due)

    def _refreshed(self, source: _Source, at: datetime) -> Fetched:
        source.asked_at = at
        try:
            outcome, current = self._fetched(source, at)
        except BropostError as error:
            return self._failed(source, at, error)
        except Exception as error:  # whatever one address does must not end the fetching from the others
            return self._failed(source, at, failed(source.url, type(error).__name__))
        source.failures = 0
        serves_until = min(current.next_update, current.this_update + MOST_AGE)
        source.next_at = at + min(self._every, max(LEAST_PAUSE, (serves_until - at) / 2))
        if outcome is Outcome.RENEWED:
            _log.info("revocation list renewed", url=source.url, issuer=current.issuer.fingerprint)
        return Fetched(source.url, outcome)

    def _failed(self, source: _Source, at: datetime, error: BropostError) -> Fetched:
        """Count a failure of this source, and tell of it."""
        source.failures += 1
        source.next_at = at + min(self._every, FIRST_PAUSE * 2 ** min(source.failures - 1, 16))
        facts = {"code": error.code.name, "what": error.facts.get("what"), "failures": source.failures}
        _log.warning("revocation list not fetched", url=source.url, **facts)
        return Fetched(source.url, Outcome.FAILED, error)

    def _fetched(self, source: _Source, at: datetime) -> tuple[Outcome, RevocationList]:
        conditions = source.conditions()
        reply = get(source.url, conditions, self._limits)
        octets = reply.body
        if reply.status == 304:
            if not conditions or source.file is None:
                raise UnavailableError(Code.FETCH_FAILED, url=source.url, what="HTTP status 304")
            octets = _octets(source.file)
        found = RevocationList.all_from_der(octets, self._issuers)
        with self._alone():
            renewed = [self._kept(each, at) for each in found]
        source.file, source.digest = _file(self._folder, found[0].issuer), _digest(octets)
        if reply.status == 200:
            source.etag, source.last_modified = reply.etag, reply.last_modified
        return Outcome.RENEWED if any(renewed) else Outcome.UNCHANGED, found[0]

    def _kept(self, fresh: RevocationList, at: datetime) -> bool:
        """Put a list in the place of its issuer's last one; False if that is the same."""
        if fresh.this_update > at + SKEW:
            raise TrustError(Code.REVOCATION_LIST_UNTRUSTED, what="a time that lies ahead")
        file = _file(self._folder, fresh.issuer)
        held = _held(file, fresh.issuer)
        if held is not None and held.der == fresh.der:
            return False
        if held is not None and fresh.is_older_than(held):
            raise TrustError(Code.REVOCATION_LIST_UNTRUSTED, what="older than the list at hand")
        _replace(file, fresh.der)
        return True

    @contextmanager
    def _alone(self) -> Generator[None]:
        """Keep other processes from replacing files meanwhile: the one that looks last must not have the older list."""
        try:
            with (self._folder / ".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
        except OSError as error:
            raise UnavailableError(Code.STORE_UNAVAILABLE) from error


def _file(folder: Path, issuer: Certificate) -> Path:
    return folder / f"{issuer.fingerprint[:16]}.crl"


def _held(file: Path, issuer: Certificate) -> RevocationList | None:
    """The list in this file, if it is the issuer's."""
    try:
        return RevocationList.from_der(_octets(file), issuer)
    except TrustError:
        return None


def _octets(file: Path) -> bytes:
    """What stands in the file; nothing if it is not there."""
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise UnavailableError(Code.STORE_UNAVAILABLE) from error


def _digest(octets: bytes) -> bytes:
    return hashlib.sha256(octets).digest()


def _replace(file: Path, octets: bytes) -> None:
    """Write a whole file or none."""
    unfinished = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    try:
        with unfinished.open("xb") as written:
            written.write(octets)
            written.flush()
            os.fsync(written.fileno())
        unfinished.rename(file)
    finally:
        unfinished.unlink(missing_ok=True)

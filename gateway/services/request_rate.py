"""The rate at which requests come with each certificate: a bucket of tokens a certificate, in memory, a process.

A bucket holds as many requests as a minute may bring, and fills evenly. It is asked only after a message signature has
held, so nobody can empty the bucket of another.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from gateway.domain.catalogue import Code
from gateway.domain.errors import UnavailableError

BUCKETS_KEPT: Final = 10_000  # the certificates that came last; each bucket takes some 300 bytes
LIMIT_STANDS: Final = timedelta(minutes=1)  # then a limit is asked for anew, so that a changed one counts


@dataclass
class _Bucket:
    tokens: float
    filled_at: datetime
    limit: int
    limit_at: datetime


class RequestRate:
    """The buckets of one process. Times are the installation's, zoned UTC."""

    def __init__(self) -> None:
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, fingerprint: str, at: datetime, limit_of: Callable[[], int]) -> None:
        """Take one request out of a certificate's bucket; `limit_of` finds how many a minute may bring.

        UnavailableError RATE_LIMITED, with the seconds to wait, if none is left.
        """
        limit = self._known_limit(fingerprint, at)
        if limit is None:
            limit = limit_of()  # asks the store, so nobody is kept waiting meanwhile
            self._set_limit(fingerprint, at, limit)
        with self._lock:
            bucket = self._buckets.get(fingerprint) or _Bucket(limit, at, limit, at)
            passed = max(0.0, (at - bucket.filled_at).total_seconds())  # the clock may have been set back
            bucket.tokens = min(bucket.limit, bucket.tokens + passed * bucket.limit / 60)
            bucket.filled_at = at
            if bucket.tokens < 1:
                wait = math.ceil((1 - bucket.tokens) * 60 / bucket.limit)
                raise UnavailableError(Code.RATE_LIMITED, limit=bucket.limit, seconds=max(1, wait))
            bucket.tokens -= 1

    def _known_limit(self, fingerprint: str, at: datetime) -> int | None:
        with self._lock:
            bucket = self._buckets.get(fingerprint)
            if bucket is None or not bucket.limit_at <= at < bucket.limit_at + LIMIT_STANDS:
                return None
            self._buckets.move_to_end(fingerprint)
            return bucket.limit

    def _set_limit(self, fingerprint: str, at: datetime, limit: int) -> None:
        """Note a limit; a new bucket is full, and one that held the whole of a smaller limit grows with it."""
        with self._lock:
            bucket = self._buckets.get(fingerprint)
            if bucket is None:
                self._buckets[fingerprint] = _Bucket(limit, at, limit, at)
                if len(self._buckets) > BUCKETS_KEPT:
                    self._buckets.popitem(last=False)
            else:
                bucket.limit, bucket.limit_at = limit, at

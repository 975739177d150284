"""Verdicts that certificates are good, kept so that the signatures on certificates are verified once, not per message.

Anybody can send anybody's certificate: a verdict is kept only when the certificate's key has signed something that
holds, so that strangers can neither fill the room nor drive out those who come every day.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final

from gateway.crypto.certificate import Certificate
from gateway.crypto.identity import Identity
from gateway.crypto.trust import TrustStore

VERDICTS_KEPT: Final = 1024  # systems and parties of one installation
OCTETS_KEPT: Final = (
    8_000_000  # of DER; an OCES3 certificate has 2,000, and in memory each takes about three times that
)


class Usage(Enum):
    """What a certificate's key has signed."""

    __hash__ = object.__hash__  # each stands once; the hash of an Enum is computed in Python

    MESSAGE = "a system signs messages"
    CONTENT = "a party signs documents"
    SEAL = "a gateway seals evidence and answers"


@dataclass(frozen=True)
class Verdict:
    """What holds of a certificate as long as those on its path are current and not revoked."""

    path: tuple[Certificate, ...]  # leaf first, root last
    identity: Identity
    usage: Usage
    trust: TrustStore

    def holds(self, chain: Sequence[Certificate], at: datetime) -> bool:
        """Whether it is the verdict on this untrusted chain at the zoned time `at`: its path could be found anew."""
        between = self.path[1:-1]
        return all(one in self.trust.intermediates or one in chain for one in between) and all(
            one.is_current(at) for one in self.path
        )

    @property
    def octets(self) -> int:
        """How much it holds that the trust store does not."""
        ours = (*self.trust.intermediates, *self.trust.roots)
        return sum(len(one.der) for one in self.path if one not in ours)


class Verdicts:
    """The verdicts last used, one for each certificate, usage and trust store.

    Time and revocation are no part of them.
    """

    def __init__(self, most: int = VERDICTS_KEPT, most_octets: int = OCTETS_KEPT) -> None:
        self._kept: OrderedDict[tuple[str, Usage, TrustStore], Verdict] = OrderedDict()
        self._octets = 0
        self._most, self._most_octets = most, most_octets
        self._lock = threading.Lock()

    def find(
        self, chain: Sequence[Certificate], usage: Usage, trust: TrustStore, at: datetime
    ) -> Verdict | None:
        """The kept verdict on the first certificate of the untrusted `chain`, if it holds at the zoned time `at`."""
        key = (chain[0].fingerprint, usage, trust)
        with self._lock:
            known = self._kept.get(key)
            if known is None or not known.holds(chain, at):
                return None
            self._kept.move_to_end(key)
            return known

    def keep(self, verdict: Verdict) -> None:
        """Keep a good verdict in place of an earlier one, and let go those that were used least lately."""
        key = (verdict.path[0].fingerprint, verdict.usage, verdict.trust)
        with self._lock:
            if self._kept.get(key) is verdict:  # found here, and so the last
                return
            before = self._kept.pop(key, None)  # so that it comes to stand last
            self._octets += verdict.octets - (before.octets if before else 0)
            self._kept[key] = verdict
            while len(self._kept) > self._most or self._octets > self._most_octets:
                self._octets -= self._kept.popitem(last=False)[1].octets

    def clear(self) -> None:
        """Forget every verdict."""
        with self._lock:
            self._kept.clear()
            self._octets = 0

    def __len__(self) -> int:
        return len(self._kept)

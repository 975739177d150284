"""Places: how many connections there may be, and how many of one peer. Used by the event loop alone.

A connection has its place from the moment it is accepted, so one that never ends its TLS handshake counts too.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from gateway.interfaces.peers import Peers

SHARE: Final = 8  # a peer may have this part of the places: eight strangers are needed to take them all
LEAST_SHARE: Final = 16  # and always so many, which a system with several processes may need
LAST_PLACES: Final = 8  # beyond the others, for asking whether the gateway is well
LAST_OF_ONE: Final = 2  # of these a peer may have so many: one asks while the other ends. docs/decisions/0029


class Places:
    """`most` places for everybody, and `LAST_PLACES` more in which only some pages are answered."""

    def __init__(self, most: int, peers: Peers) -> None:
        """Nobody is there yet."""
        self._peers = peers
        self._share = max(LEAST_SHARE, most // SHARE)
        self._ordinary = _Kind(most)
        self._last = _Kind(LAST_PLACES)

    def take(self, host: str) -> Place | None:
        """Return a place for a connection from this address, or None if there is none, or it has its share.

        The last ones are for who has less than half its share of the others, so that those who took these must be many
        more to take the last ones too.
        """
        peer = self._peers.counted_as(host)
        held, held_last = self._ordinary.held_by(peer), self._last.held_by(peer)
        if self._ordinary.free:
            kind = self._ordinary if held < self._share else None
        else:
            kind = self._last if held_last < LAST_OF_ONE and held < self._share // 2 else None
        if kind is None or not kind.free:
            return None
        kind.count(peer, 1)
        return Place(kind, peer, is_last=kind is self._last)


class _Kind:
    """Places of one kind: how many are free, and who has the others."""

    def __init__(self, most: int) -> None:
        self.free = most
        self._of_peer: Counter[str] = Counter()  # those that have one now

    def held_by(self, peer: str | None) -> int:
        """How many this peer has; None, who counts for nobody, has none."""
        return 0 if peer is None else self._of_peer[peer]

    def count(self, peer: str | None, change: int) -> None:
        """Note that a peer took one (1) or left one (-1)."""
        self.free -= change
        if peer is not None:
            self._of_peer[peer] += change
            if not self._of_peer[peer]:
                del self._of_peer[peer]


class Place:
    """What a connection holds from its beginning to its end. `is_last`: only for the pages that are kept for then."""

    def __init__(self, kind: _Kind, peer: str | None, *, is_last: bool) -> None:
        """Use `Places.take`."""
        self.is_last = is_last
        self._kind = kind
        self._peer = peer
        self._is_left = False

    def leave(self) -> None:
        """Give the place back; once, however often it is said."""
        if not self._is_left:
            self._is_left = True
            self._kind.count(self._peer, -1)

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


class Places:
    """`most` places for everybody, and `LAST_PLACES` more in which only some pages are answered."""

    def __init__(self, most: int, peers: Peers) -> None:
        """Nobody is there yet."""
        self._most = most
        self._most_of_one = max(LEAST_SHARE, most // SHARE)
        self._peers = peers
        self._taken = 0
        self._of_peer: Counter[str] = Counter()  # those that have a place now

    def take(self, host: str) -> Place | None:
        """Return a place for a connection from this address, or None if there is none, or it has its share."""
        peer = self._peers.counted_as(host)
        if self._taken >= self._most + LAST_PLACES:
            return None
        if peer is not None and self._of_peer[peer] >= self._most_of_one:
            return None
        place = Place(self, peer, is_last=self._taken >= self._most)
        self._count(peer, 1)
        return place

    def give_back(self, place: Place) -> None:
        """Let somebody else have this place."""
        self._count(place.peer, -1)

    def _count(self, peer: str | None, change: int) -> None:
        self._taken += change
        if peer is not None:
            self._of_peer[peer] += change
            if not self._of_peer[peer]:
                del self._of_peer[peer]


class Place:
    """What a connection holds from its beginning to its end. `is_last`: only for the pages that are kept for then."""

    def __init__(self, places: Places, peer: str | None, *, is_last: bool) -> None:
        """Use `Places.take`."""
        self.peer = peer
        self.is_last = is_last
        self._places = places
        self._is_left = False

    def leave(self) -> None:
        """Give the place back; once, however often it is said."""
        if not self._is_left:
            self._is_left = True
            self._places.give_back(self)

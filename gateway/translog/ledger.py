"""What the verifier keeps while it reads a log once from front to back: histories of hashes, and marks of entry ids.

All of it stays small: the frontiers of two trees, and eight octets for an entry.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from gateway.translog.checkpoint import Checkpoint
from gateway.translog.findings import Finding
from gateway.translog.merkle import HASH_OCTETS, Frontier

_BUCKETS = 64


@dataclass
class History:
    """One account of a log's leaf hashes, held against the checkpoints as it grows."""

    frontier: Frontier = field(default_factory=Frontier)
    good: int = 0
    """The size of the greatest checkpoint whose root was met before any was missed."""
    missed: Checkpoint | None = None
    """The first checkpoint whose root was not met."""

    def take(self, hashes: bytes, due: Iterable[Checkpoint]) -> None:
        """Grow by these leaf hashes, and compare with the checkpoints that are due within them, in order of size."""
        for checkpoint in due:
            octets = (checkpoint.size - self.frontier.size) * HASH_OCTETS
            self.frontier = self.frontier.extend(hashes[:octets])
            hashes = hashes[octets:]
            if self.missed is None and self.meets(checkpoint):
                self.good = checkpoint.size
            elif self.missed is None:
                self.missed = checkpoint
        self.frontier = self.frontier.extend(hashes)

    def meets(self, checkpoint: Checkpoint) -> bool:
        """Whether the history is now what the checkpoint says."""
        return self.frontier.size == checkpoint.size and self.frontier.root() == checkpoint.root

    def copy(self) -> History:
        """A history that goes its own way from here."""
        return replace(self)


@dataclass
class Difference:
    """The first place where entries and tiles differ, and what stands there and one further on, on both sides."""

    index: int
    line: bytes | None
    entries: bytes
    tiles: bytes

    def complete(self, hashes: bytes, tile: bytes) -> None:
        """Take what is still lacking from the leaf hashes that come next on either side."""
        self.entries += hashes[: 2 * HASH_OCTETS - len(self.entries)]
        self.tiles += tile[: 2 * HASH_OCTETS - len(self.tiles)]

    def finding(self) -> Finding:
        """What most likely happened to the entries, told from the two leaf hashes on either side."""
        here, following = self.entries[:HASH_OCTETS], self.entries[HASH_OCTETS:]
        wanted, wanted_next = self.tiles[:HASH_OCTETS], self.tiles[HASH_OCTETS:]
        if not here:
            return Finding.ENTRIES_CUT
        if not wanted:
            return Finding.ENTRIES_ADDED
        if here == wanted_next:
            return Finding.ENTRIES_SWAPPED if following == wanted else Finding.ENTRY_REMOVED
        return Finding.ENTRY_INSERTED if following == wanted else Finding.ENTRY_CHANGED

    @staticmethod
    def between(start: int, lines: Sequence[bytes], hashes: bytes, tile: bytes) -> Difference:
        """The first difference of two unequal runs of leaf hashes that begin at entry `start`."""
        at = 0
        while hashes[at : at + HASH_OCTETS] == tile[at : at + HASH_OCTETS]:
            at += HASH_OCTETS
        place = at // HASH_OCTETS
        line = lines[place] if place < len(lines) else None
        return Difference(
            start + place, line, hashes[at : at + 2 * HASH_OCTETS], tile[at : at + 2 * HASH_OCTETS]
        )


class Marks:
    """A multiset of entry ids at eight octets each: tells whether two ids may be equal.

    Different ids get the same mark about once in 2**64 / n**2 logs of n entries, and nobody can choose ids to that
    end: the marks are Python's keyed hashes, new in each process.
    """

    def __init__(self) -> None:
        self._buckets = [array("q") for _ in range(_BUCKETS)]

    def add(self, mark: int) -> None:
        """Add the mark of an entry id, which is `hash` of its octets."""
        self._buckets[mark % _BUCKETS].append(mark)

    def twice(self) -> frozenset[int]:
        """The marks that were added more than once."""
        found: set[int] = set()
        for bucket in self._buckets:
            if len(set(bucket)) != len(bucket):
                found.update(mark for mark, times in Counter(bucket).items() if times > 1)
        return frozenset(found)

    def common(self, other: Marks) -> int:
        """How many marks are in both."""
        pairs = zip(self._buckets, other._buckets, strict=True)
        return sum(len(set(one).intersection(two)) for one, two in pairs if two)

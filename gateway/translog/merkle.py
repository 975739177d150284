"""The Merkle tree of a log, RFC 9162 §2.1 with SHA-256: growing it, its root, and proofs made and verified.

The tree is never held whole. It grows by its frontier, the roots of the few complete subtrees that make it up; proofs
are made from tiles of 256 hashes, C2SP tlog-tiles.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Final

HASH_OCTETS: Final = 32
EMPTY_ROOT: Final = sha256(b"").digest()  # RFC 9162 §2.1.1
TILE_HEIGHT: Final = 8
TILE_WIDTH: Final = 1 << TILE_HEIGHT
MOST_PROOF_HASHES: Final = 63

TileSource = Callable[[int, int], bytes]
"""Gives the hashes of the tile (level, index): hash i of level l is the root of 256**l leaves. A tile at the right
edge may hold fewer than 256 hashes, or more than the tree that is asked about has."""


def leaf_hash(octets: bytes) -> bytes:
    """The hash of an entry's octets."""
    return sha256(b"\x00" + octets).digest()  # RFC 9162 §2.1.1


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of the node above two subtrees."""
    return sha256(b"\x01" + left + right).digest()  # RFC 9162 §2.1.1


def complete_root(hashes: bytes) -> bytes:
    """The root over these hashes, one after the other in `hashes`; their number is a power of two."""
    while len(hashes) > HASH_OCTETS:
        pairs = range(0, len(hashes), 2 * HASH_OCTETS)
        hashes = b"".join([sha256(b"\x01" + hashes[at : at + 2 * HASH_OCTETS]).digest() for at in pairs])
    return hashes


@dataclass(frozen=True)
class Node:
    """The root of 256**level leaves, beginning with leaf `index * 256**level`: what a store keeps to make proofs."""

    level: int
    index: int
    octets: bytes


@dataclass(frozen=True)
class Frontier:
    """A tree of `size` leaves by the roots of its complete subtrees, the largest and leftmost first.

    `octets` is those roots one after the other: with `size`, all that has to be stored to go on appending.
    """

    size: int = 0
    octets: bytes = b""

    def __post_init__(self) -> None:
        if self.size < 0 or len(self.octets) != self.size.bit_count() * HASH_OCTETS:
            raise ValueError("not the frontier of a tree of this size")

    def append(self, hash_octets: bytes) -> tuple[Frontier, tuple[Node, ...]]:
        """The frontier with one more leaf, given by its leaf hash, and the nodes it completes (one time in 256)."""
        nodes: list[Node] = []
        return self._append(hash_octets, 0, nodes), tuple(nodes)

    def extend(self, hashes: bytes) -> Frontier:
        """The frontier with more leaves, given by their leaf hashes one after the other. ValueError on half a hash."""
        if len(hashes) % HASH_OCTETS:
            raise ValueError("not whole hashes")
        frontier = self
        at = 0
        while at < len(hashes):
            # The largest complete subtree that comes next: as high as its place and what is left allow.
            place = (frontier.size & -frontier.size or TILE_WIDTH).bit_length() - 1
            height = min(TILE_HEIGHT, place, ((len(hashes) - at) // HASH_OCTETS).bit_length() - 1)
            end = at + (HASH_OCTETS << height)
            frontier = frontier._append(complete_root(hashes[at:end]), height, [])
            at = end
        return frontier

    def root(self) -> bytes:
        """The root of the tree."""
        if not self.size:
            return EMPTY_ROOT
        hashes = split(self.octets)
        root = hashes.pop()
        while hashes:
            root = node_hash(hashes.pop(), root)
        return root

    def _append(self, subtree: bytes, height: int, nodes: list[Node]) -> Frontier:
        """With a complete subtree of this height, whose place the size fits; adds completed nodes to `nodes`."""
        size = self.size + (1 << height)
        octets = self.octets
        while self.size >> height & 1:
            subtree = node_hash(octets[-HASH_OCTETS:], subtree)
            octets = octets[:-HASH_OCTETS]
            height += 1
            if height % TILE_HEIGHT == 0:
                nodes.append(Node(height // TILE_HEIGHT, (size >> height) - 1, subtree))
        return Frontier(size, octets + subtree)


def split(hashes: bytes) -> list[bytes]:
    """The single hashes of a tile or frontier."""
    return [hashes[at : at + HASH_OCTETS] for at in range(0, len(hashes), HASH_OCTETS)]


def inclusion_proof(index: int, size: int, tiles: TileSource) -> tuple[bytes, ...]:
    """The proof that leaf `index` is in the tree of `size` leaves, from its sibling up. RFC 9162 §2.1.3.1.

    ValueError if there is no such leaf or a tile holds too little.
    """
    if not 0 <= index < size:
        raise ValueError("no such leaf in this tree")
    subtrees = _Subtrees(tiles)
    start, end = 0, size
    proof = []
    while end - start > 1:
        middle = start + _greatest_power_below(end - start)
        if index < middle:
            proof.append(subtrees.root(middle, end))
            end = middle
        else:
            proof.append(subtrees.root(start, middle))
            start = middle
    return tuple(reversed(proof))


def consistency_proof(first: int, second: int, tiles: TileSource) -> tuple[bytes, ...]:
    """The proof that the tree of `second` leaves goes on from the tree of `first`. RFC 9162 §2.1.4.1.

    Empty where the trees are equal or the first one is empty. ValueError if `first` is greater than `second`.
    """
    if not 0 <= first <= second:
        raise ValueError("the first tree is not the smaller one")
    if first in (0, second):
        return ()
    subtrees = _Subtrees(tiles)
    start, end = 0, second
    proof = []
    while first != end:
        middle = start + _greatest_power_below(end - start)
        if first <= middle:
            proof.append(subtrees.root(middle, end))
            end = middle
        else:
            proof.append(subtrees.root(start, middle))
            start = middle
    if start:  # else the verifier knows this root: it is that of the first tree
        proof.append(subtrees.root(start, end))
    return tuple(reversed(proof))


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether the leaf with this leaf hash is number `index` in the tree of this size and root. Proof untrusted."""
    if not 0 <= index < size or not _is_proof(proof):
        return False
    first, last = index, size - 1  # RFC 9162 §2.1.3.2: fn and sn
    hashed = leaf
    for sibling in proof:
        if last == 0:
            return False
        if first & 1 or first == last:
            hashed = node_hash(sibling, hashed)
            first, last = _skip(first, last)
        else:
            hashed = node_hash(hashed, sibling)
        first, last = first >> 1, last >> 1
    return last == 0 and hmac.compare_digest(hashed, root)


def verify_consistency(
    first: int, first_root: bytes, second: int, second_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Whether the second tree has the first as its beginning. The proof is untrusted."""
    if not 0 <= first <= second or not _is_proof(proof):
        return False
    if first in (0, second):
        expected = EMPTY_ROOT if first == 0 else second_root
        return not proof and hmac.compare_digest(first_root, expected)
    path = list(proof) if first & (first - 1) else [first_root, *proof]
    if not path:
        return False
    one, other = first - 1, second - 1  # RFC 9162 §2.1.4.2: fn and sn
    while one & 1:
        one, other = one >> 1, other >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if other == 0:
            return False
        if one & 1 or one == other:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            one, other = _skip(one, other)
        else:
            new = node_hash(new, sibling)
        one, other = one >> 1, other >> 1
    return other == 0 and hmac.compare_digest(old, first_root) and hmac.compare_digest(new, second_root)


def tiles_of(hashes: bytes) -> TileSource:
    """The tiles of a log whose leaf hashes, one after the other, are all at hand: for small logs."""

    @cache
    def level_hashes(level: int) -> bytes:
        if level == 0:
            return hashes
        below = level_hashes(level - 1)
        step = TILE_WIDTH * HASH_OCTETS
        return b"".join(complete_root(below[at : at + step]) for at in range(0, len(below) - step + 1, step))

    def tile(level: int, index: int) -> bytes:
        step = TILE_WIDTH * HASH_OCTETS
        return level_hashes(level)[index * step : (index + 1) * step]

    return tile


class _Subtrees:
    """The roots of ranges of leaves as the recursion of RFC 9162 meets them, each tile asked for once."""

    def __init__(self, tiles: TileSource) -> None:
        self._tile = cache(tiles)

    def root(self, start: int, end: int) -> bytes:
        """The root over the leaves from `start` up to, not with, `end`; complete subtrees in it are aligned."""
        if end - start == 1 << (end - start).bit_length() - 1:
            return self._complete(start, (end - start).bit_length() - 1)
        middle = start + _greatest_power_below(end - start)
        return node_hash(self.root(start, middle), self.root(middle, end))

    def _complete(self, start: int, height: int) -> bytes:
        level, within = divmod(height, TILE_HEIGHT)
        tile, place = divmod(start >> TILE_HEIGHT * level, TILE_WIDTH)
        width = HASH_OCTETS << within
        hashes = self._tile(level, tile)[place * HASH_OCTETS : place * HASH_OCTETS + width]
        if len(hashes) != width:
            raise ValueError("a tile holds fewer hashes than the tree needs")
        return complete_root(hashes)


def _greatest_power_below(number: int) -> int:
    """The greatest power of two smaller than `number`, which is at least 2. RFC 9162 §2.1.1."""
    return 1 << (number - 1).bit_length() - 1


def _skip(first: int, last: int) -> tuple[int, int]:
    """Up over the levels where the right edge has no sibling. RFC 9162 §2.1.3.2, step 4.b.ii."""
    while not first & 1 and first:
        first, last = first >> 1, last >> 1
    return first, last


def _is_proof(proof: Sequence[bytes]) -> bool:
    return len(proof) <= MOST_PROOF_HASHES and all(len(item) == HASH_OCTETS for item in proof)

"""The Merkle tree against the definitions of RFC 9162, written down once more in the plainest way."""

from __future__ import annotations

from functools import cache
from hashlib import sha256

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.translog.merkle import (
    Frontier,
    complete_root,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    split,
    tiles_of,
    verify_consistency,
    verify_inclusion,
)

MOST = 70_000  # three levels of tiles
HASHES = [leaf_hash(str(number).encode()) for number in range(MOST)]
TILES = tiles_of(b"".join(HASHES))
SIZES = st.one_of(
    st.integers(1, 40),
    st.integers(1, MOST),
    st.builds(
        lambda power, off: min(MOST, max(1, (1 << power) + off)), st.integers(0, 16), st.integers(-2, 2)
    ),
)

UNHURRIED = settings(deadline=None)  # the first large tree of a run costs more than all the rest


@cache
def defined_root(start: int, end: int) -> bytes:
    """MTH(D[start:end]) word for word from RFC 9162 §2.1.1, over leaf hashes."""
    if end == start:
        return sha256(b"").digest()
    if end - start == 1:
        return HASHES[start]
    k = 1
    while 2 * k < end - start:
        k *= 2
    return sha256(b"\x01" + defined_root(start, start + k) + defined_root(start + k, end)).digest()


@UNHURRIED
@given(SIZES)
def test_root_is_the_one_that_the_standard_defines(size: int) -> None:
    assert Frontier().extend(b"".join(HASHES[:size])).root() == defined_root(0, size)


@UNHURRIED
@given(st.integers(0, 1200), st.lists(st.integers(0, 700), max_size=4))
def test_tree_grows_to_the_same_frontier_in_any_steps(start: int, steps: list[int]) -> None:
    frontier = Frontier().extend(b"".join(HASHES[:start]))
    one_by_one = frontier
    for step in steps:
        added = HASHES[frontier.size : frontier.size + step]
        frontier = frontier.extend(b"".join(added))
        for hashed in added:
            one_by_one, _ = one_by_one.append(hashed)
    assert frontier == one_by_one == Frontier().extend(b"".join(HASHES[: start + sum(steps)]))


def test_appending_gives_each_node_of_the_higher_tiles_once() -> None:
    frontier = Frontier()
    found: dict[int, list[bytes]] = {1: [], 2: []}
    for hashed in HASHES:
        frontier, nodes = frontier.append(hashed)
        for node in nodes:
            assert node.index == len(found[node.level])
            found[node.level].append(node.octets)
    assert found[1] == [complete_root(b"".join(HASHES[at : at + 256])) for at in range(0, MOST - 255, 256)]
    assert found[2] == [defined_root(0, 65_536)]
    assert b"".join(found[1][:256]) == TILES(1, 0)


@UNHURRIED
@given(SIZES, st.data())
def test_inclusion_proof_verifies_for_its_leaf_only(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(index, size, TILES)
    root = defined_root(0, size)
    assert verify_inclusion(HASHES[index], index, size, proof, root)
    for other in {index - 1, index + 1, index ^ 1} & set(range(size)) - {index}:
        assert not verify_inclusion(HASHES[other], index, size, proof, root)
        assert not verify_inclusion(HASHES[index], other, size, proof, root)


@UNHURRIED
@given(SIZES, st.data())
def test_inclusion_proof_with_a_changed_bit_fails(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    octets = HASHES[index] + defined_root(0, size) + b"".join(inclusion_proof(index, size, TILES))
    bit = data.draw(st.integers(0, len(octets) * 8 - 1))
    changed = bytearray(octets)
    changed[bit // 8] ^= 1 << bit % 8
    leaf, root, *proof = split(bytes(changed))
    assert not verify_inclusion(leaf, index, size, proof, root)


@UNHURRIED
@given(SIZES, st.data())
def test_inclusion_proof_of_another_length_fails(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(index, size, TILES)
    root = defined_root(0, size)
    assert not verify_inclusion(HASHES[index], index, size, (*proof, HASHES[0]), root)
    assert not proof or not verify_inclusion(HASHES[index], index, size, proof[:-1], root)


@UNHURRIED
@given(SIZES, st.data())
def test_consistency_proof_verifies_and_no_changed_bit_does(second: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(1, second))
    proof = consistency_proof(first, second, TILES)
    roots = defined_root(0, first), defined_root(0, second)
    assert verify_consistency(first, roots[0], second, roots[1], proof)
    octets = roots[0] + roots[1] + b"".join(proof)
    bit = data.draw(st.integers(0, len(octets) * 8 - 1))
    changed = bytearray(octets)
    changed[bit // 8] ^= 1 << bit % 8
    old, new, *hashes = split(bytes(changed))
    assert not verify_consistency(first, old, second, new, hashes)
    assert not verify_consistency(first, roots[0], second, roots[1], (*proof, HASHES[0]))

"""The Merkle tree against the values that are published with Certificate Transparency."""

from __future__ import annotations

import pytest

from gateway.translog.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    tiles_of,
    verify_consistency,
    verify_inclusion,
)

# The eight entries, roots and paths that RFC 6962 implementations test themselves with.
ENTRIES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
INCLUSION = [
    (0, 1, []),
    (0, 8, [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ]),
    (5, 8, [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]),
    (2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
    (1, 5, [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ]),
]  # fmt: skip
CONSISTENCY = [
    (1, 1, []),
    (1, 8, [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ]),
    (6, 8, [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]),
    (2, 5, [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ]),
]  # fmt: skip
HASHES = b"".join(map(leaf_hash, ENTRIES))


@pytest.mark.parametrize("size", range(9))
def test_roots_are_the_published_ones(size: int) -> None:
    assert Frontier().extend(HASHES[: 32 * size]).root().hex() == ROOTS[size]


@pytest.mark.parametrize(("index", "size", "path"), INCLUSION)
def test_inclusion_proofs_are_the_published_ones(index: int, size: int, path: list[str]) -> None:
    proof = inclusion_proof(index, size, tiles_of(HASHES))
    assert [hashed.hex() for hashed in proof] == path
    assert verify_inclusion(leaf_hash(ENTRIES[index]), index, size, proof, bytes.fromhex(ROOTS[size]))


@pytest.mark.parametrize(("first", "second", "path"), CONSISTENCY)
def test_consistency_proofs_are_the_published_ones(first: int, second: int, path: list[str]) -> None:
    proof = consistency_proof(first, second, tiles_of(HASHES))
    assert [hashed.hex() for hashed in proof] == path
    roots = bytes.fromhex(ROOTS[first]), bytes.fromhex(ROOTS[second])
    assert verify_consistency(first, roots[0], second, roots[1], proof)


def test_every_tree_goes_on_from_the_empty_one_and_from_itself() -> None:
    root = bytes.fromhex(ROOTS[8])
    assert verify_consistency(0, EMPTY_ROOT, 8, root, ())
    assert verify_consistency(8, root, 8, root, ())
    assert not verify_consistency(0, root, 8, root, ())
    assert not verify_consistency(8, root, 8, bytes.fromhex(ROOTS[7]), ())
    assert not verify_consistency(8, root, 7, bytes.fromhex(ROOTS[7]), ())


def test_consistency_proof_for_another_size_fails() -> None:
    proof = consistency_proof(6, 8, tiles_of(HASHES))
    roots = bytes.fromhex(ROOTS[6]), bytes.fromhex(ROOTS[8])
    assert not verify_consistency(6, roots[0], 16, roots[1], proof)
    assert not verify_consistency(5, roots[0], 8, roots[1], proof)
    assert not verify_consistency(6, roots[0], 8, roots[1], ())
    assert not verify_consistency(6, roots[0], 8, roots[1], (b"short", *proof[1:]))


def test_proof_for_a_leaf_outside_the_tree_is_refused() -> None:
    with pytest.raises(ValueError, match="no such leaf"):
        inclusion_proof(8, 8, tiles_of(HASHES))
    assert not verify_inclusion(leaf_hash(b""), 1, 1, (), bytes.fromhex(ROOTS[1]))


def test_tile_that_is_too_short_gives_no_proof() -> None:
    with pytest.raises(ValueError, match="fewer hashes"):
        inclusion_proof(0, 8, tiles_of(HASHES[:-32]))


def test_frontier_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="frontier"):
        Frontier(3, HASHES[:32])

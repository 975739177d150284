"""Proofs for single entries, as text files that verify without the log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from gateway.domain.errors import InputError, TrustError
from gateway.translog.checkpoint import LogKey
from gateway.translog.merkle import inclusion_proof, leaf_hash, tiles_of
from gateway.translog.proof import Proof, parse_proof
from tests.translog.logs import ORIGIN, OTHER_ORIGIN, sample_log

LOG = sample_log(20, [13])
TILES = tiles_of(b"".join(map(leaf_hash, LOG.leaves)))
KEYS = [LogKey.parse(LOG.log_key)]
PROOF = Proof(5, inclusion_proof(5, 13, TILES), LOG.checkpoint(13))
TEXT = str(PROOF)


def test_proof_has_the_lines_of_the_specification() -> None:
    lines = TEXT.split("\n")
    assert lines[:2] == ["c2sp.org/tlog-proof@v1", "index 5"]
    assert [len(line) for line in lines[2:6]] == [44] * 4
    assert TEXT.endswith(f"\n\n{LOG.checkpoint(13)}")


def test_proof_reads_back_from_its_text() -> None:
    assert parse_proof(TEXT) == PROOF
    with_extra = replace(PROOF, extra=b"for the application")
    assert parse_proof(str(with_extra)) == with_extra


@pytest.mark.parametrize("index", range(13))
def test_proof_shows_that_its_entry_is_in_the_log(index: int) -> None:
    proof = parse_proof(str(Proof(index, inclusion_proof(index, 13, TILES), LOG.checkpoint(13))))
    assert proof.verify(LOG.leaves[index], KEYS, str(ORIGIN)).size == 13


def test_proof_of_a_log_with_one_entry_has_no_hashes() -> None:
    proof = parse_proof(str(Proof(0, (), LOG.checkpoint(1))))
    assert proof.verify(LOG.leaves[0], KEYS, str(ORIGIN)).size == 1


def test_proof_shows_nothing_for_another_entry() -> None:
    with pytest.raises(TrustError, match="entry 5"):
        PROOF.verify(LOG.leaves[6], KEYS, str(ORIGIN))
    with pytest.raises(TrustError, match="entry 4"):
        replace(PROOF, index=4).verify(LOG.leaves[5], KEYS, str(ORIGIN))
    with pytest.raises(TrustError, match="entry 13"):
        replace(PROOF, index=13).verify(LOG.leaves[13], KEYS, str(ORIGIN))


def test_proof_under_another_key_or_log_shows_nothing() -> None:
    other = sample_log(20, [13])
    with pytest.raises(TrustError, match="no known key"):
        PROOF.verify(LOG.leaves[5], [LogKey.parse(other.log_key)], str(ORIGIN))
    with pytest.raises(TrustError, match="another log"):
        PROOF.verify(LOG.leaves[5], KEYS, str(OTHER_ORIGIN))


CHANGES: list[tuple[str, Callable[[str], str]]] = [
    ("nothing", lambda text: ""),
    ("later version", lambda text: text.replace("@v1", "@v2")),
    ("no index", lambda text: text.replace("index 5\n", "")),
    ("leading zero", lambda text: text.replace("index 5", "index 05")),
    ("index beyond all trees", lambda text: text.replace("index 5", "index 9999999999999999")),
    ("two indexes", lambda text: text.replace("index 5\n", "index 5\nindex 5\n")),
    ("short hash", lambda text: text.replace("index 5\n", "index 5\nAAAA\n")),
    ("too many hashes", lambda text: text.replace("index 5\n", "index 5\n" + f"{'A' * 43}=\n" * 60)),
    ("empty extra", lambda text: text.replace("index", "extra \nindex")),
    ("extra that is no base64", lambda text: text.replace("index", "extra ???\nindex")),
    ("no blank line", lambda text: text.replace("\n\n", "\n")),
    ("carriage returns", lambda text: text.replace("\n", "\r\n")),
    ("endless", lambda text: text + "x" * 300_000),
]


@pytest.mark.parametrize("change", [row[1] for row in CHANGES], ids=[row[0] for row in CHANGES])
def test_text_in_another_form_is_refused(change: Callable[[str], str]) -> None:
    with pytest.raises(InputError, match="LOG_PROOF_MALFORMED"):
        parse_proof(change(TEXT))

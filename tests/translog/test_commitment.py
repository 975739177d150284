"""Salted commitments: what they bind, what they hide, and the lines of their openings."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import pytest

from gateway.domain.disclosure import Commitment, CommittedField
from gateway.domain.errors import InputError
from gateway.domain.identifiers import Uuid4
from gateway.translog.commitment import Committer, Opening, compose_opening, parse_opening, verify_opening
from tests.translog.logs import ENTRY_ID

SALT = bytes(range(32))
OPENING = Opening(ENTRY_ID, CommittedField.SUBJECT, SALT, "7403055092")


def test_commitment_hashes_tag_entry_field_salt_and_value_in_this_order() -> None:
    octets = b"bropost/commitment/1\x00" + str(ENTRY_ID).encode() + b"\x00subject\x00" + SALT + b"7403055092"
    assert OPENING.commitment() == Commitment(sha256(octets).hexdigest())
    assert OPENING.commitment().hex == "c8715b050b5c1f2843071d9a226c78f1e5f19238f7706f7f10f5cb8b4a79b78d"


def test_opening_opens_its_own_commitment_and_no_other() -> None:
    commitment = OPENING.commitment()
    assert verify_opening(OPENING, commitment)
    for other in (
        replace(OPENING, entry_id=Uuid4.new()),
        replace(OPENING, field=CommittedField.ACTOR),
        replace(OPENING, salt=SALT[::-1]),
        replace(OPENING, value="7403055093"),
    ):
        assert not verify_opening(other, commitment)


def test_equal_values_have_unlike_commitments() -> None:
    committer = Committer(ENTRY_ID)
    first = committer.commit(CommittedField.SUBJECT, "7403055092")
    second = committer.commit(CommittedField.SUBJECT, "7403055092")
    assert first != second
    assert [opening.commitment() for opening in committer.openings] == [first, second]


def test_opening_reads_back_from_its_line() -> None:
    opening = replace(OPENING, value='Sofie "Æ" \n Eksempelsen')
    assert b"\n" not in compose_opening(opening)
    assert parse_opening(compose_opening(opening)) == opening


def test_opening_never_shows_its_value_or_salt_by_accident() -> None:
    assert "7403055092" not in repr(OPENING)
    assert SALT.hex() not in repr(OPENING)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"field"', b'"other"'),
        (b"subject", b"weight"),
        (b"0001", b"01"),
        (b"0a0b", b"0A0B"),
        (b'"7403055092"', b"7403055092"),
        (b'"salt"', b'"more":1,"salt"'),
        (b":", b": "),
        (b"7d0f", b"7D0F"),
    ],
)
def test_line_that_is_not_exactly_an_opening_is_refused_without_quoting_it(old: bytes, new: bytes) -> None:
    octets = compose_opening(OPENING)
    assert old in octets
    with pytest.raises(InputError, match="LOG_OPENING_MALFORMED") as caught:
        parse_opening(octets.replace(old, new))
    assert "7403055092" not in str(caught.value)


def test_salt_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="32 octets"):
        replace(OPENING, salt=b"short")

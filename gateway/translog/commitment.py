"""Salted commitments: what an entry holds in place of an identifier, and the openings that can show it.

Who has only the commitment learns nothing, not even by trying all CPR numbers, because the salt is 32 random octets.
Who gets the opening can check the value. Erasing the opening leaves the log and every proof as they were.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gateway.domain.catalogue import Code
from gateway.domain.disclosure import Commitment, CommittedField
from gateway.domain.errors import InputError
from gateway.domain.identifiers import Uuid4
from gateway.translog.canonical import canonical, read_canonical

SALT_OCTETS: Final = 32
_TAG: Final = b"bropost/commitment/1\x00"
_MEMBERS: Final = {"entry_id", "field", "salt", "value"}


@dataclass(frozen=True)
class Opening:
    """What opens one commitment. Secret and personal: store it encrypted, log it nowhere."""

    entry_id: Uuid4
    field: CommittedField
    salt: bytes
    value: str

    def __post_init__(self) -> None:
        if len(self.salt) != SALT_OCTETS:
            raise ValueError(f"a salt is {SALT_OCTETS} octets")

    def __repr__(self) -> str:
        return f"Opening({self.entry_id}, {self.field.value})"

    def commitment(self) -> Commitment:
        """The commitment that this opens."""
        # Entry id and field hold no 0x00 and the salt has a fixed length, so no two openings hash the same octets.
        name = f"{self.entry_id}\x00{self.field.value}\x00".encode()
        return Commitment(hashlib.sha256(_TAG + name + self.salt + self.value.encode()).hexdigest())


class Committer:
    """Makes the commitments of one entry and keeps their openings for the side table."""

    def __init__(self, entry_id: Uuid4, random: Callable[[int], bytes] = secrets.token_bytes) -> None:
        """`random` gives as many unpredictable octets as asked."""
        self._entry_id = entry_id
        self._random = random
        self._openings: list[Opening] = []

    def commit(self, field: CommittedField, value: str) -> Commitment:
        """The commitment to `value` for this field of the entry, under a fresh salt."""
        opening = Opening(self._entry_id, field, self._random(SALT_OCTETS), value)
        self._openings.append(opening)
        return opening.commitment()

    @property
    def openings(self) -> tuple[Opening, ...]:
        """The openings of everything committed so far, in order."""
        return tuple(self._openings)


def verify_opening(opening: Opening, commitment: Commitment) -> bool:
    """Whether the opening opens this commitment; in constant time."""
    return hmac.compare_digest(opening.commitment().hex, commitment.hex)


def compose_opening(opening: Opening) -> bytes:
    """The opening as a line of canonical JSON, without its line end: for the side table (encrypted) and for bundles."""
    return canonical(
        {
            "entry_id": str(opening.entry_id),
            "field": opening.field.value,
            "salt": opening.salt.hex(),
            "value": opening.value,
        }
    )


def parse_opening(octets: bytes) -> Opening:
    """The opening in this line. InputError LOG_OPENING_MALFORMED if it is not exactly in the form above."""
    try:
        members = read_canonical(octets)
        if not isinstance(members, dict) or members.keys() != _MEMBERS:
            raise ValueError("other members than an opening has")
        if not all(isinstance(member, str) for member in members.values()):
            raise ValueError("a member that is not text")
        salt = bytes.fromhex(members["salt"])
        if salt.hex() != members["salt"]:
            raise ValueError("a salt in another spelling")
        return Opening(Uuid4(members["entry_id"]), CommittedField(members["field"]), salt, members["value"])
    except ValueError:
        # Never tell more: the library's words may quote the value.
        raise InputError(Code.LOG_OPENING_MALFORMED, what="not one in canonical form") from None

"""The proof that one entry is in a log, as the text file of C2SP tlog-proof: checked offline, without the log."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError, TrustError
from gateway.translog.checkpoint import (
    GREATEST_SIZE,
    MOST_NOTE_OCTETS,
    Checkpoint,
    LogKey,
    decode_base64,
    parse_checkpoint,
)
from gateway.translog.merkle import HASH_OCTETS, MOST_PROOF_HASHES, leaf_hash, verify_inclusion

FIRST_LINE: Final = "c2sp.org/tlog-proof@v1"
FILE_SUFFIX: Final = ".tlog-proof"
MOST_OCTETS: Final = MOST_NOTE_OCTETS + 65_536
_INDEX: Final = re.compile(r"index (0|[1-9][0-9]{0,15})")


@dataclass(frozen=True)
class Proof:
    """An entry's index, the hashes from its sibling up to below the root, and the signed checkpoint they lead to.

    `extra` is for applications and proves nothing. C2SP tlog-proof, Format.
    """

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: str
    extra: bytes = b""

    def __str__(self) -> str:
        lines = [FIRST_LINE]
        if self.extra:
            lines.append(f"extra {base64.b64encode(self.extra).decode()}")
        lines.append(f"index {self.index}")
        lines.extend(base64.b64encode(hashed).decode() for hashed in self.hashes)
        return "\n".join(lines) + f"\n\n{self.checkpoint}"

    def verify(self, octets: bytes, keys: Sequence[LogKey], origin: str) -> Checkpoint:
        """The checkpoint under which the entry of these octets stands in the log, if the proof shows that it does.

        `keys` and `origin` come from where the proof does not. TrustError LOG_PROOF_UNTRUSTED or
        LOG_CHECKPOINT_UNTRUSTED, InputError LOG_CHECKPOINT_MALFORMED if it does not show it.
        """
        checkpoint = parse_checkpoint(self.checkpoint).verify(keys, origin)
        if not verify_inclusion(leaf_hash(octets), self.index, checkpoint.size, self.hashes, checkpoint.root):
            raise TrustError(Code.LOG_PROOF_UNTRUSTED, index=self.index)
        return checkpoint


def parse_proof(text: str) -> Proof:
    """The proof in this text of untrusted origin. InputError LOG_PROOF_MALFORMED if it is none."""
    head, blank, checkpoint = text.partition("\n\n")
    lines = head.split("\n")
    if len(text) > MOST_OCTETS or not blank or lines.pop(0) != FIRST_LINE:
        raise InputError(Code.LOG_PROOF_MALFORMED, what="first line or blank line")
    extra: bytes | None = b""
    if lines and lines[0].startswith("extra "):
        extra = decode_base64(lines.pop(0).removeprefix("extra ")) or None
    index = _INDEX.fullmatch(lines.pop(0)) if lines else None
    if not index or int(index[1]) > GREATEST_SIZE or extra is None or len(lines) > MOST_PROOF_HASHES:
        raise InputError(Code.LOG_PROOF_MALFORMED, what="extra line, index line or number of hashes")
    hashes = [decode_base64(line) for line in lines]
    proof = tuple(hashed for hashed in hashes if hashed is not None and len(hashed) == HASH_OCTETS)
    if len(proof) != len(hashes):
        raise InputError(Code.LOG_PROOF_MALFORMED, what="a hash")
    return Proof(int(index[1]), proof, checkpoint, extra)

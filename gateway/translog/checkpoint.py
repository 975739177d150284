"""Checkpoints: what a log's size and root were, as C2SP signed notes, and the keys that sign and verify them.

A checkpoint that was read is a `SignedCheckpoint`, which says nothing yet; only `verify` makes a `Checkpoint` of it.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Final, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gateway.domain.catalogue import Code
from gateway.domain.disclosure import LogOrigin
from gateway.domain.errors import InputError, TrustError
from gateway.translog.merkle import HASH_OCTETS

MOST_NOTE_OCTETS: Final = 131_072
MOST_SIGNATURES: Final = 32  # C2SP signed-note: at least 16 must be accepted
GREATEST_SIZE: Final = 2**53 - 1
ED25519: Final = b"\x01"  # C2SP signed-note, signature types
_KEY_ID_OCTETS: Final = 4
_SIGNATURE_LINE: Final = re.compile(r"— ([^\s+]{1,200}) ([A-Za-z0-9+/]{8,8192}={0,2})")
_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,15}")


class CheckpointSigner(Protocol):
    """What signs checkpoints: the log's Ed25519 key, which stays where it is."""

    @property
    def public_key_octets(self) -> bytes:
        """The public key, 32 octets, RFC 8032 §5.1.5."""

    def sign(self, octets: bytes) -> bytes:
        """The Ed25519 signature over `octets`, 64 octets."""


@dataclass(frozen=True)
class LogKey:
    """A log's public key with the name it signs under, which is the log's origin: what an auditor pins."""

    name: str
    public_key: bytes

    def __post_init__(self) -> None:
        if len(self.public_key) != 32:
            raise ValueError("an Ed25519 public key is 32 octets")

    @property
    def key_id(self) -> bytes:
        """Four octets that say, with the name, which key made a signature. C2SP signed-note, Ed25519 signatures."""
        return sha256(self.name.encode() + b"\n" + ED25519 + self.public_key).digest()[:_KEY_ID_OCTETS]

    def __str__(self) -> str:
        key = base64.b64encode(ED25519 + self.public_key).decode()
        return f"{self.name}+{self.key_id.hex()}+{key}"

    @staticmethod
    def of(origin: LogOrigin, signer: CheckpointSigner) -> LogKey:
        """The public key of the signer, named for this log."""
        return LogKey(str(origin), signer.public_key_octets)

    @staticmethod
    def parse(text: str) -> LogKey:
        """Read the form that `str` gives, "name+keyid+key". InputError LOG_KEY_MALFORMED on anything else."""
        parts = text.strip().split("+", 2)
        if len(parts) != 3 or not re.fullmatch(r"[^\s+]{1,200}", parts[0]):
            raise InputError(Code.LOG_KEY_MALFORMED, what="not three parts joined by +")
        octets = decode_base64(parts[2])
        if octets is None or len(octets) != 33 or octets[:1] != ED25519:
            raise InputError(Code.LOG_KEY_MALFORMED, what="not an Ed25519 key")
        key = LogKey(parts[0], octets[1:])
        if parts[1] != key.key_id.hex():
            raise InputError(Code.LOG_KEY_MALFORMED, what="the key id is that of another key")
        return key


@dataclass(frozen=True)
class Checkpoint:
    """What a log was at one time: its origin, its number of entries, and the root over them."""

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        if not 0 <= self.size <= GREATEST_SIZE or len(self.root) != HASH_OCTETS:
            raise ValueError("not the size and root of a tree")

    def text(self) -> str:
        """The note text that is signed: three lines. C2SP tlog-checkpoint, note text."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


@dataclass(frozen=True)
class Signature:
    """One signature line of a note: who signed, by name and key id, and the signature itself."""

    name: str
    key_id: bytes
    octets: bytes


@dataclass(frozen=True)
class SignedCheckpoint:
    """A checkpoint as it was read, with its signatures: not to be believed before `verify`."""

    claimed: Checkpoint
    signatures: tuple[Signature, ...]

    def verify(self, keys: Sequence[LogKey], origin: str) -> Checkpoint:
        """The checkpoint, if it is of this log and one of these keys signed it.

        TrustError LOG_CHECKPOINT_UNTRUSTED if not. Signatures of other keys are ignored, but one that names a key given
        here must hold. C2SP signed-note, Signatures.
        """
        if self.claimed.origin != origin:
            raise TrustError(Code.LOG_CHECKPOINT_UNTRUSTED, what="it belongs to another log")
        known = {(key.name, key.key_id): key for key in keys if key.name == origin}
        verified = 0
        for signature in self.signatures:
            key = known.get((signature.name, signature.key_id))
            if key is not None:
                _verify(key, signature.octets, self.claimed.text().encode())
                verified += 1
        if not verified:
            raise TrustError(Code.LOG_CHECKPOINT_UNTRUSTED, what="no known key signed it")
        return self.claimed


def sign_checkpoint(checkpoint: Checkpoint, signer: CheckpointSigner) -> str:
    """The checkpoint as a signed note, signed under the name of its origin: keep and hand on this text as it is."""
    key = LogKey(checkpoint.origin, signer.public_key_octets)
    signature = base64.b64encode(key.key_id + signer.sign(checkpoint.text().encode())).decode()
    return f"{checkpoint.text()}\n— {checkpoint.origin} {signature}\n"


def parse_checkpoint(text: str) -> SignedCheckpoint:
    """The checkpoint in a signed note of untrusted origin. InputError LOG_CHECKPOINT_MALFORMED if it is none.

    Notes with extension lines are refused: our logs write none.
    """
    lines = text.split("\n")
    if len(text) > MOST_NOTE_OCTETS or not 6 <= len(lines) <= 5 + MOST_SIGNATURES or lines[3] or lines[-1]:
        raise InputError(Code.LOG_CHECKPOINT_MALFORMED, what="not three lines, a blank line and signatures")
    origin, size, root_text = lines[:3]
    root = decode_base64(root_text)
    if not origin or not origin.isprintable() or not _SIZE.fullmatch(size) or root is None:
        raise InputError(Code.LOG_CHECKPOINT_MALFORMED, what="origin, size or root")
    signatures = []
    for line in lines[4:-1]:
        match = _SIGNATURE_LINE.fullmatch(line)
        octets = decode_base64(match[2]) if match else None
        if match is None or octets is None or len(octets) <= _KEY_ID_OCTETS:
            raise InputError(Code.LOG_CHECKPOINT_MALFORMED, what="a signature line")
        signatures.append(Signature(match[1], octets[:_KEY_ID_OCTETS], octets[_KEY_ID_OCTETS:]))
    try:
        return SignedCheckpoint(Checkpoint(origin, int(size), root), tuple(signatures))
    except ValueError:
        raise InputError(Code.LOG_CHECKPOINT_MALFORMED, what="size or root") from None


def decode_base64(text: str) -> bytes | None:
    """The octets of standard base64 with padding, RFC 4648 §4; None if this is not their one spelling."""
    try:
        octets = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    return octets if base64.b64encode(octets).decode() == text else None


@lru_cache(maxsize=64)
def _public_key(octets: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(octets)


def _verify(key: LogKey, signature: bytes, octets: bytes) -> None:
    try:
        _public_key(key.public_key).verify(signature, octets)
    except (InvalidSignature, ValueError):  # ValueError: the 32 octets are no point of the curve
        raise TrustError(Code.LOG_CHECKPOINT_UNTRUSTED, what="its signature does not verify") from None

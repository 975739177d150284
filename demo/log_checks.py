"""The disclosure log from the outside: inclusion proofs after RFC 9162, signed notes after C2SP, a byte altered."""

from __future__ import annotations

import base64
import hashlib
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from demo.transcript import Broken

ENTRIES: Final = "entries.jsonl"


@dataclass(frozen=True)
class Entry:
    """One entry of an exported log: its place, its exact octets, and what it says."""

    index: int
    octets: bytes

    @property
    def id(self) -> str:
        """The entry's identifier."""
        return str(json.loads(self.octets)["entry_id"])

    @property
    def kind(self) -> str:
        """What the entry is about: a disclosure, evidence, an access ..."""
        return str(json.loads(self.octets)["kind"])


def entries_of(bundle: Path) -> list[Entry]:
    """Return the entries of an exported bundle."""
    with zipfile.ZipFile(bundle) as archive:
        lines = archive.read(ENTRIES).splitlines()
    return [Entry(index, octets) for index, octets in enumerate(lines)]


def checkpoint_of(proof: str) -> str:
    """Return the signed checkpoint that a log proof ends with. C2SP tlog-proof."""
    return proof.partition("\n\n")[2]


def require_included(proof: str, entry: Entry, log_key: str) -> None:
    """Broken unless the proof leads from this entry to a checkpoint that the pinned key signed."""
    head, _, note = proof.partition("\n\n")
    format_line, index_line, *hashes = head.split("\n")
    if format_line != "c2sp.org/tlog-proof@v1" or index_line != f"index {entry.index}":
        raise Broken(f"the log proof is not one for entry {entry.index}")
    size, root = _signed_root(note, log_key)
    path = [base64.b64decode(each) for each in hashes]
    leaf = hashlib.sha256(b"\x00" + entry.octets).digest()  # RFC 9162 §2.1.1
    if _root(leaf, entry.index, size, path) != root:
        raise Broken(f"entry {entry.index} is not under the signed root of {size} entries")


def _root(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root that an inclusion path leads to. RFC 9162 §2.1.3.2."""
    if index >= size:
        return None
    at, last, found = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return None
        if at & 1 or at == last:
            found = hashlib.sha256(b"\x01" + sibling + found).digest()
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = hashlib.sha256(b"\x01" + found + sibling).digest()
        at, last = at >> 1, last >> 1
    return found if last == 0 else None


def _signed_root(note: str, log_key: str) -> tuple[int, bytes]:
    """Size and root of a checkpoint, if the pinned key signed it. C2SP signed-note, tlog-checkpoint."""
    name, key_id, key = log_key.split("+", 2)
    text, _, signatures = note.partition("\n\n")
    origin, size, root = text.split("\n")
    public_key = Ed25519PublicKey.from_public_bytes(base64.b64decode(key)[1:])
    for line in signatures.splitlines():
        _, signer, encoded = line.split(" ")
        octets = base64.b64decode(encoded)
        if (origin, signer, octets[:4].hex()) != (name, name, key_id):
            continue
        try:
            public_key.verify(octets[4:], f"{text}\n".encode())
        except InvalidSignature:
            break
        return int(size), base64.b64decode(root)
    raise Broken("the checkpoint is not signed with the pinned log key")


def alter_one_byte(bundle: Path, copy: Path, entry: Entry, old: bytes, new: bytes) -> None:
    """Write a copy of a bundle in which one byte of an entry is another, and nothing else."""
    octets = bundle.read_bytes()
    at = octets.index(entry.octets) + entry.octets.index(old)
    altered = octets[:at] + new + octets[at + len(old) :]
    if sum(one != other for one, other in zip(octets, altered, strict=True)) != 1:
        raise ValueError("not one byte")
    copy.write_bytes(altered)

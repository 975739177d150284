"""The disclosure log of each party: checkpoints, proofs, and the bundle that an auditor verifies alone.

Entries are composed in `log_entries` and appended in the transaction of what they tell of. A checkpoint is made of
what is committed; it is kept for ever, and a copy outside is what a cut tail is found by.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import BinaryIO

from sqlalchemy import Connection

from gateway.domain.catalogue import Code
from gateway.domain.disclosure import EntryKind, LogOrigin
from gateway.domain.errors import InputError
from gateway.domain.identifiers import PartyId, Uuid4
from gateway.services import log_entries
from gateway.services.installation import Installation
from gateway.storage import log
from gateway.storage.log import LogHead
from gateway.translog.bundle import Manifest, write_bundle
from gateway.translog.checkpoint import Checkpoint, LogKey, parse_checkpoint, sign_checkpoint
from gateway.translog.merkle import consistency_proof, inclusion_proof, split, verify_consistency
from gateway.translog.proof import Proof


def log_key(installation: Installation, party: PartyId) -> LogKey:
    """Return the public key of a party's log, which an auditor pins when the contract is signed."""
    return LogKey.of(installation.origin(party), installation.checkpoint_key)


def make_checkpoints(installation: Installation, oldest: timedelta) -> int:
    """Sign a checkpoint of every log that grew and whose last one is at least `oldest` ago; return how many."""
    now = installation.clock()
    with installation.database.read() as connection:
        heads = log.heads_to_checkpoint(connection, now - oldest, now)
    for head in heads:
        _checkpoint(installation, head, now)
    return len(heads)


def _checkpoint(installation: Installation, head: LogHead, now: datetime) -> None:
    note = sign_checkpoint(
        Checkpoint(str(head.origin), head.size, head.frontier.root()), installation.checkpoint_key
    )
    with installation.database.transaction(head.party) as connection:
        latest = log.latest_checkpoint(connection, head.party)
        if latest is None or latest.size < head.size:
            log.add_checkpoint(connection, head.party, head.size, note, now)


def proof_of(connection: Connection, party: PartyId, entry_id: Uuid4) -> str | None:
    """Return the proof that an entry is in its log, or None until a checkpoint covers it. C2SP tlog-proof.

    It may be in a log of the party that was closed.
    """
    name: log.Name = party
    entry = log.find_entry(connection, name, entry_id)
    if entry is None:
        for name in log.closed_logs(connection, party):
            if (entry := log.find_entry(connection, name, entry_id)) is not None:
                break
    latest = log.latest_checkpoint(connection, name)
    if entry is None or latest is None or latest.size <= entry.seq:
        return None
    tiles = partial(log.tile, connection, name)
    return str(Proof(entry.seq, inclusion_proof(entry.seq, latest.size, tiles), latest.note))


def export(installation: Installation, party: PartyId, target: BinaryIO) -> str:
    """Write the party's whole log as a bundle, and return the checkpoint that covers it.

    The export itself is an entry of the bundle: the last one, unless others were made meanwhile. Raises InputError
    NOT_FOUND if the party has no log.
    """
    now = installation.clock()
    entry = log_entries.administration_entry(installation, EntryKind.EXPORT, party, (), now)
    with installation.database.transaction(party) as connection:
        if log.log_head(connection, party) is None:
            raise InputError(Code.NOT_FOUND)
        log_entries.append(connection, entry)
        head = log.log_head(connection, party)
        assert head is not None
    _checkpoint(installation, head, now)
    return _write(installation, head, target)


def export_closed(installation: Installation, origin: LogOrigin, target: BinaryIO) -> str:
    """Write a log that was closed as a bundle, and return its last checkpoint; nothing is added to it.

    InputError NOT_FOUND if no log of this origin was closed, or it has no entries.
    """
    with installation.database.read() as connection:
        heads = [head for head in log.all_heads(connection) if head.is_closed and head.origin == origin]
    if not heads or not heads[0].size:
        raise InputError(Code.NOT_FOUND)
    return _write(installation, heads[0], target)


def _write(installation: Installation, head: LogHead, target: BinaryIO) -> str:
    """Write the bundle of a log up to its last checkpoint, which is returned."""
    key = LogKey.of(head.origin, installation.checkpoint_key)
    with installation.database.read() as connection:
        kept = log.all_checkpoints(connection, head.name)
        size = kept[-1].size  # a running gateway may have made a later checkpoint than ours
        write_bundle(
            target,
            Manifest(str(head.origin), size, (key,)),
            checkpoints=[row.note for row in kept],
            leaves=(each.octets for each in log.entries(connection, head.name, 0, size)),
            hashes=_hashes(connection, head.name, size),
        )
    return kept[-1].note


@dataclass(frozen=True)
class Newest:
    """The newest checkpoint of one log, for keeping outside."""

    party: PartyId
    entries: int  # in the log
    note: str | None  # none until the first is signed
    is_newer: bool  # than what is kept outside until now


def newest_checkpoints(
    installation: Installation, outside: Callable[[PartyId], str | None]
) -> tuple[Newest, ...]:
    """Return the newest checkpoint of each log; nothing is written.

    `outside` gives what is kept outside of a party's log until now. That is not verified, only held against the log:
    whoever altered it can have it refused, and have nothing replaced that would be missed. InputError
    LOG_CHECKPOINT_AHEAD if the log does not go on from it, ARGUMENT_INVALID if it is of no log or of another one.
    """
    with installation.database.read() as connection:
        return tuple(_newest(connection, head, outside(head.party)) for head in log.log_heads(connection))


def _newest(connection: Connection, head: LogHead, outside: str | None) -> Newest:
    latest = log.latest_checkpoint(connection, head.name)
    known = 0 if outside is None else _size_outside(connection, head, outside)
    is_newer = latest is not None and (outside is None or latest.size > known)
    return Newest(head.party, head.size, latest.note if latest else None, is_newer)


def _size_outside(connection: Connection, head: LogHead, note: str) -> int:
    """How many entries a checkpoint tells of from which the log goes on."""
    try:
        known = parse_checkpoint(note).claimed
    except InputError as error:
        raise InputError(Code.ARGUMENT_INVALID, what=f"{head.party}.checkpoint is no checkpoint") from error
    if known.origin != str(head.origin):
        raise InputError(
            Code.ARGUMENT_INVALID, what=f"{head.party}.checkpoint is of another log: keep it apart"
        )
    if known.size > head.size or not _goes_on_from(connection, head, known):
        raise InputError(Code.LOG_CHECKPOINT_AHEAD, party=str(head.party))
    return known.size


def _goes_on_from(connection: Connection, head: LogHead, known: Checkpoint) -> bool:
    proof = consistency_proof(known.size, head.size, partial(log.tile, connection, head.name))
    return verify_consistency(known.size, known.root, head.size, head.frontier.root(), proof)


def _hashes(connection: Connection, name: log.Name, size: int) -> Iterator[bytes]:
    for start in range(0, size, 256):
        yield from split(log.leaf_hashes(connection, name, start, min(256, size - start)))

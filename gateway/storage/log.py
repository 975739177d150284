"""The disclosure logs: one a party, append-only, with the hashes and checkpoints that prove it.

An append is part of the transaction that changes the business state, and costs the same in a log of any length.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Text, bindparam, insert, select, update

from gateway.domain.catalogue import Code
from gateway.domain.disclosure import LogOrigin
from gateway.domain.errors import InternalError
from gateway.domain.identifiers import PartyId, Uuid4
from gateway.storage.columns import instant, millis, party_id
from gateway.storage.exclusion import require_alone
from gateway.storage.prepared import Prepared, Values
from gateway.storage.tables_log import log, log_checkpoint, log_entry, log_node
from gateway.translog.merkle import TILE_WIDTH, Frontier, leaf_hash


@dataclass(frozen=True, slots=True)
class LogHead:
    """A log as it stands: how long it is, and what is needed to go on."""

    party: PartyId
    origin: LogOrigin
    frontier: Frontier

    @property
    def size(self) -> int:
        """The number of its entries."""
        return self.frontier.size


@dataclass(frozen=True, slots=True)
class NewEntry:
    """An entry to append: its chosen identifier, and its octets, which are stored and hashed as they are."""

    entry_id: Uuid4
    octets: bytes


@dataclass(frozen=True, slots=True)
class LogEntry:
    """An entry and its place, counted from 0."""

    seq: int
    entry_id: Uuid4
    octets: bytes


@dataclass(frozen=True, slots=True)
class CheckpointRow:
    """A signed checkpoint, as it was signed; `at` is zoned UTC."""

    size: int
    note: str
    at: datetime


_BATCH: Final = 500
_PARTY: Final = bindparam("party", type_=Text)
_HEAD = (log.c.party, log.c.origin, log.c.size, log.c.frontier)
_CHECKPOINT = (log_checkpoint.c.size, log_checkpoint.c.note, log_checkpoint.c.at)

_OPEN = Prepared(insert(log), "party", "origin", "size", "frontier", "checkpoint_size", "checkpoint_at")
_HEAD_OF = Prepared(select(*_HEAD).where(log.c.party == _PARTY), "party")
_STATE = Prepared(select(log.c.key, log.c.size, log.c.frontier).where(log.c.party == _PARTY), "party")
_HEADS = Prepared(select(*_HEAD).order_by(log.c.party))
_INSERT_ENTRY = Prepared(insert(log_entry), "log_key", "seq", "entry_id", "leaf_hash", "octets")
_INSERT_NODE = Prepared(insert(log_node), "log_key", "level", "place", "octets")
_GROW = Prepared(
    update(log)
    .where(log.c.key == bindparam("this_log"))
    .values(size=bindparam("new_size"), frontier=bindparam("new_frontier")),
    "new_size",
    "new_frontier",
    "this_log",
)
_ENTRIES = Prepared(
    select(log_entry.c.seq, log_entry.c.entry_id, log_entry.c.octets)
    .join_from(log, log_entry, log_entry.c.log_key == log.c.key)
    .where(log.c.party == _PARTY, log_entry.c.seq >= bindparam("start"), log_entry.c.seq < bindparam("stop"))
    .order_by(log_entry.c.seq),
    "party",
    "start",
    "stop",
)
_LEAF_HASHES = Prepared(
    select(log_entry.c.leaf_hash)
    .join_from(log, log_entry, log_entry.c.log_key == log.c.key)
    .where(log.c.party == _PARTY, log_entry.c.seq >= bindparam("start"), log_entry.c.seq < bindparam("stop"))
    .order_by(log_entry.c.seq),
    "party",
    "start",
    "stop",
)
_NODES = Prepared(
    select(log_node.c.octets)
    .join_from(log, log_node, log_node.c.log_key == log.c.key)
    .where(
        log.c.party == _PARTY,
        log_node.c.level == bindparam("level"),
        log_node.c.place >= bindparam("start"),
        log_node.c.place < bindparam("stop"),
    )
    .order_by(log_node.c.place),
    "party",
    "level",
    "start",
    "stop",
)
_FIND_ENTRY = Prepared(
    select(log_entry.c.seq, log_entry.c.entry_id, log_entry.c.octets)
    .join_from(log_entry, log, log_entry.c.log_key == log.c.key)
    .where(log_entry.c.entry_id == bindparam("entry_id"), log.c.party == _PARTY),
    "party",
    "entry_id",
)
_LOG_KEY = Prepared(select(log.c.key).where(log.c.party == _PARTY), "party")
_INSERT_CHECKPOINT = Prepared(insert(log_checkpoint), "log_key", "size", "note", "at")
_NOTE_CHECKPOINT = Prepared(
    update(log)
    .where(log.c.key == bindparam("this_log"))
    .values(checkpoint_size=bindparam("new_size"), checkpoint_at=bindparam("new_at")),
    "new_size",
    "new_at",
    "this_log",
)
_CHECKPOINTS = Prepared(
    select(*_CHECKPOINT)
    .join_from(log, log_checkpoint, log_checkpoint.c.log_key == log.c.key)
    .where(log.c.party == _PARTY)
    .order_by(log_checkpoint.c.size),
    "party",
)
_LATEST_CHECKPOINT = Prepared(
    select(*_CHECKPOINT)
    .join_from(log, log_checkpoint, log_checkpoint.c.log_key == log.c.key)
    .where(log.c.party == _PARTY)
    .order_by(log_checkpoint.c.size.desc())
    .limit(1),
    "party",
)
_TO_CHECKPOINT = Prepared(
    select(*_HEAD)
    .where(log.c.size > log.c.checkpoint_size, log.c.checkpoint_at <= bindparam("before"))
    .order_by(log.c.checkpoint_at, log.c.key),
    "before",
)


def open_log(connection: Connection, origin: LogOrigin) -> None:
    """Begin the empty log of the party that the origin names."""
    _OPEN.run(connection, str(origin.party), str(origin), 0, b"", 0, 0)


def log_head(connection: Connection, party: PartyId) -> LogHead | None:
    """The log of this party as it stands, or None if it was never opened."""
    row = _HEAD_OF.one(connection, str(party))
    return None if row is None else _head(row)


def log_heads(connection: Connection) -> tuple[LogHead, ...]:
    """All logs of the installation, by party."""
    return tuple(map(_head, _HEADS.all(connection)))


def append(connection: Connection, party: PartyId, *entries: NewEntry) -> int:
    """Append entries to a party's log and give the place of the first. InternalError INTERNAL if there is no log.

    The transaction must be alone with the party: else two would read the same place.
    """
    require_alone(connection, party)
    state = _STATE.one(connection, str(party))
    if state is None:
        raise InternalError(Code.INTERNAL)
    key, first, octets = state
    frontier = Frontier(first, octets)
    rows = []
    for seq, entry in enumerate(entries, start=first):
        hashed = leaf_hash(entry.octets)
        rows.append((key, seq, entry.entry_id.text, hashed, entry.octets))
        frontier, completed = frontier.append(hashed)
        _INSERT_NODE.run_many(connection, [(key, node.level, node.index, node.octets) for node in completed])
    _INSERT_ENTRY.run_many(connection, rows)
    _GROW.run(connection, frontier.size, frontier.octets, key)
    place: int = first
    return place


def entries(connection: Connection, party: PartyId, start: int, count: int) -> Iterator[LogEntry]:
    """The entries of a log from place `start` on, at most `count`, read in batches."""
    for at in range(start, start + count, _BATCH):
        rows = _ENTRIES.all(connection, str(party), at, min(at + _BATCH, start + count))
        yield from (LogEntry(seq, Uuid4(entry_id), octets) for seq, entry_id, octets in rows)
        if not rows:
            return


def leaf_hashes(connection: Connection, party: PartyId, start: int, count: int) -> bytes:
    """The leaf hashes from place `start` on, at most `count`, one after the other."""
    return b"".join(row[0] for row in _LEAF_HASHES.all(connection, str(party), start, start + count))


def tile(connection: Connection, party: PartyId, level: int, index: int) -> bytes:
    """The hashes of one tile, one after the other, as proofs are made from: bind connection and party to a TileSource.

    At the right edge a tile holds fewer than 256 hashes.
    """
    start = index * TILE_WIDTH
    if level == 0:
        return leaf_hashes(connection, party, start, TILE_WIDTH)
    return b"".join(row[0] for row in _NODES.all(connection, str(party), level, start, start + TILE_WIDTH))


def find_entry(connection: Connection, party: PartyId, entry_id: Uuid4) -> LogEntry | None:
    """The entry of this identifier in the party's log, or None."""
    row = _FIND_ENTRY.one(connection, str(party), entry_id.text)
    return None if row is None else LogEntry(row[0], entry_id, row[2])


def add_checkpoint(connection: Connection, party: PartyId, size: int, note: str, at: datetime) -> None:
    """Keep a signed checkpoint for ever. InternalError INTERNAL if there is no log."""
    require_alone(connection, party)
    row = _LOG_KEY.one(connection, str(party))
    if row is None:
        raise InternalError(Code.INTERNAL)
    _INSERT_CHECKPOINT.run(connection, row[0], size, note, millis(at))
    _NOTE_CHECKPOINT.run(connection, size, millis(at), row[0])


def latest_checkpoint(connection: Connection, party: PartyId) -> CheckpointRow | None:
    """The checkpoint over the most entries, or None before the first."""
    row = _LATEST_CHECKPOINT.one(connection, str(party))
    return None if row is None else _checkpoint(row)


def all_checkpoints(connection: Connection, party: PartyId) -> tuple[CheckpointRow, ...]:
    """Every checkpoint of a log, by size."""
    return tuple(map(_checkpoint, _CHECKPOINTS.all(connection, str(party))))


def heads_to_checkpoint(connection: Connection, before: datetime) -> Sequence[LogHead]:
    """The logs that grew since a last checkpoint of `before` or earlier; the longest waiting first."""
    return tuple(map(_head, _TO_CHECKPOINT.all(connection, millis(before))))


def _head(row: Values) -> LogHead:
    party, origin, size, frontier = row
    return LogHead(party_id(party), LogOrigin.parse(origin), Frontier(size, frontier))


def _checkpoint(row: Values) -> CheckpointRow:
    size, note, at = row
    return CheckpointRow(size, note, instant(at))

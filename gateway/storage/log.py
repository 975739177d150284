"""The disclosure logs: one a party, append-only, with the hashes and checkpoints that prove it.

An append is part of the transaction that changes the business state, and costs the same in a log of any length.

A party has one log that grows. One that was closed, because a restored store could not go on with it, stays for
reading: its row has its origin in the place of the party, and by its origin it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Text, bindparam, insert, or_, select, update

from gateway.domain.catalogue import Code
from gateway.domain.disclosure import LogOrigin
from gateway.domain.errors import InternalError
from gateway.domain.identifiers import PartyId, Uuid4
from gateway.storage.columns import instant, millis
from gateway.storage.exclusion import require_alone
from gateway.storage.prepared import Prepared, Values
from gateway.storage.tables_log import log, log_checkpoint, log_entry, log_node
from gateway.translog.merkle import TILE_WIDTH, Frontier, leaf_hash

Name = PartyId | LogOrigin
"""By what a log is asked for: the party whose log grows, or the origin of one that was closed."""


@dataclass(frozen=True, slots=True)
class LogHead:
    """A log as it stands: how long it is, and what is needed to go on."""

    party: PartyId
    origin: LogOrigin
    frontier: Frontier
    is_closed: bool = False

    @property
    def name(self) -> Name:
        """By what it is asked for."""
        return self.origin if self.is_closed else self.party

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
_IS_OPEN = log.c.party != log.c.origin
_HEADS = Prepared(select(*_HEAD).where(_IS_OPEN).order_by(log.c.party))
_ALL_HEADS = Prepared(select(*_HEAD).order_by(log.c.key))
_CLOSE = Prepared(
    update(log).where(log.c.party == bindparam("this_party")).values(party=log.c.origin), "this_party"
)
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
    .where(
        _IS_OPEN,
        log.c.size > log.c.checkpoint_size,
        or_(log.c.checkpoint_at <= bindparam("before"), log.c.checkpoint_at > bindparam("now")),
    )
    .order_by(log.c.checkpoint_at, log.c.key),
    "before",
    "now",
)


def open_log(connection: Connection, origin: LogOrigin) -> None:
    """Begin the empty log of the party that the origin names."""
    _OPEN.run(connection, str(origin.party), str(origin), 0, b"", 0, 0)


def log_head(connection: Connection, party: PartyId) -> LogHead | None:
    """The log of this party as it stands, or None if it was never opened."""
    row = _HEAD_OF.one(connection, str(party))
    return None if row is None else _head(row)


def log_heads(connection: Connection) -> tuple[LogHead, ...]:
    """The logs of the installation that grow, by party."""
    return tuple(map(_head, _HEADS.all(connection)))


def all_heads(connection: Connection) -> tuple[LogHead, ...]:
    """All logs of the installation, those that were closed as well, in the order they were opened."""
    return tuple(map(_head, _ALL_HEADS.all(connection)))


def closed_logs(connection: Connection, party: PartyId) -> tuple[LogOrigin, ...]:
    """The logs of a party that were closed, in the order they were opened."""
    return tuple(head.origin for head in all_heads(connection) if head.is_closed and head.party == party)


def close_log(connection: Connection, party: PartyId) -> None:
    """End a party's log, which stays as it is; `open_log` gives the party another one, of another origin."""
    require_alone(connection, party)
    _CLOSE.run(connection, str(party))


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


def entries(connection: Connection, name: Name, start: int, count: int) -> Iterator[LogEntry]:
    """The entries of a log from place `start` on, at most `count`, read in batches."""
    for at in range(start, start + count, _BATCH):
        rows = _ENTRIES.all(connection, str(name), at, min(at + _BATCH, start + count))
        yield from (LogEntry(seq, Uuid4(entry_id), octets) for seq, entry_id, octets in rows)
        if not rows:
            return


def leaf_hashes(connection: Connection, name: Name, start: int, count: int) -> bytes:
    """The leaf hashes from place `start` on, at most `count`, one after the other."""
    return b"".join(row[0] for row in _LEAF_HASHES.all(connection, str(name), start, start + count))


def tile(connection: Connection, name: Name, level: int, index: int) -> bytes:
    """The hashes of one tile, one after the other, as proofs are made from: bind connection and name to a TileSource.

    At the right edge a tile holds fewer than 256 hashes.
    """
    start = index * TILE_WIDTH
    if level == 0:
        return leaf_hashes(connection, name, start, TILE_WIDTH)
    return b"".join(row[0] for row in _NODES.all(connection, str(name), level, start, start + TILE_WIDTH))


def find_entry(connection: Connection, name: Name, entry_id: Uuid4) -> LogEntry | None:
    """The entry of this identifier in a log, or None."""
    row = _FIND_ENTRY.one(connection, str(name), entry_id.text)
    return None if row is None else LogEntry(row[0], entry_id, row[2])


def add_checkpoint(connection: Connection, party: PartyId, size: int, note: str, at: datetime) -> None:
    """Keep a signed checkpoint for ever. InternalError INTERNAL if there is no log."""
    require_alone(connection, party)
    row = _LOG_KEY.one(connection, str(party))
    if row is None:
        raise InternalError(Code.INTERNAL)
    _INSERT_CHECKPOINT.run(connection, row[0], size, note, millis(at))
    _NOTE_CHECKPOINT.run(connection, size, millis(at), row[0])


def latest_checkpoint(connection: Connection, name: Name) -> CheckpointRow | None:
    """The checkpoint over the most entries, or None before the first."""
    row = _LATEST_CHECKPOINT.one(connection, str(name))
    return None if row is None else _checkpoint(row)


def all_checkpoints(connection: Connection, name: Name) -> tuple[CheckpointRow, ...]:
    """Every checkpoint of a log, by size."""
    return tuple(map(_checkpoint, _CHECKPOINTS.all(connection, str(name))))


def heads_to_checkpoint(connection: Connection, before: datetime, now: datetime) -> Sequence[LogHead]:
    """The logs that grew since a last checkpoint of `before` or earlier; the longest waiting first.

    One from after `now` was made by a clock that was wrong, and holds the next one up no longer.
    """
    return tuple(map(_head, _TO_CHECKPOINT.all(connection, millis(before), millis(now))))


def _head(row: Values) -> LogHead:
    party, origin, size, frontier = row
    of = LogOrigin.parse(origin)
    return LogHead(of.party, of, Frontier(size, frontier), is_closed=party == origin)


def _checkpoint(row: Values) -> CheckpointRow:
    size, note, at = row
    return CheckpointRow(size, note, instant(at))

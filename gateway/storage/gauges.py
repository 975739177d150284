"""What the store tells of how the installation keeps up: a few look-ups that cost the same in a store of any size."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, case, func, select

from gateway.domain.identifiers import PartyId
from gateway.storage.columns import instant, instant_or_none, millis, party_id
from gateway.storage.deadlines import LONGEST_PAUSE
from gateway.storage.prepared import Prepared
from gateway.storage.tables import party
from gateway.storage.tables_documents import deadline, document, event, outbox
from gateway.storage.tables_log import log, log_entry
from gateway.translog.leaf import parse_leaf


@dataclass(frozen=True, slots=True)
class StoreGauges:
    """What waits in the store since when, and how late it is there. Times are zoned UTC; None: nothing waits."""

    accepted_at: datetime | None  # of the oldest document that is not delivered
    due_at: datetime | None  # of the delivery that waits longest, without those set aside
    parked: int
    next_deadline_at: datetime | None
    put_off: int  # waits that could not be told of when they should
    uncovered_at: datetime | None  # of the oldest log entry that no checkpoint covers
    newest_at: datetime | None  # the latest time that was written
    sealing: tuple[PartyId, ...]  # the parties for which the gateway should seal


# Tasks are numbered in the order of acceptance.
_UNDELIVERED = Prepared(
    select(document.c.accepted_at)
    .join_from(outbox, document, outbox.c.document_key == document.c.key)
    .order_by(outbox.c.id)
    .limit(1)
)
_DUE = Prepared(select(func.min(outbox.c.due_at)).where(outbox.c.parked_at.is_(None)))
_PARKED = Prepared(select(func.count()).select_from(outbox).where(outbox.c.parked_at.is_not(None)))
_NEXT_DEADLINE = Prepared(select(func.min(deadline.c.next_at)).where(deadline.c.next_at.is_not(None)))
# What was put off comes again soon, so only those are looked at that come so soon.
_PUT_OFF = Prepared(
    select(func.count())
    .select_from(deadline)
    .where(
        deadline.c.next_at.is_not(None),
        deadline.c.next_at <= bindparam("until"),
        deadline.c.next_at
        > case((deadline.c.warned_at.is_(None), deadline.c.warn_at), else_=deadline.c.due_at),
    ),
    "until",
)
# Not ordered by the database, which might walk through all entries for that. A closed log has its origin as party.
_UNCOVERED = Prepared(
    select(log_entry.c.key, log_entry.c.octets)
    .join_from(log, log_entry, log_entry.c.log_key == log.c.key)
    .where(
        log.c.size > log.c.checkpoint_size,
        log_entry.c.seq == log.c.checkpoint_size,
        log.c.party != log.c.origin,
    )
)
_LAST_ENTRY = Prepared(select(log_entry.c.octets).order_by(log_entry.c.key.desc()).limit(1))
_LAST_EVENT = Prepared(select(event.c.at).order_by(event.c.seq.desc()).limit(1))
_LAST_CHECKPOINT = Prepared(select(func.max(log.c.checkpoint_at)))
_SEALING = Prepared(select(party.c.party).where(party.c.gateway_may_seal == 1).order_by(party.c.party))


def read_gauges(connection: Connection, at: datetime) -> StoreGauges:
    """Read them all, in one state of the store, at this time."""
    undelivered, due = _UNDELIVERED.one(connection), _DUE.one(connection)
    parked, next_deadline = _PARKED.one(connection), _NEXT_DEADLINE.one(connection)
    uncovered, put_off = _UNCOVERED.all(connection), _PUT_OFF.one(connection, millis(at + LONGEST_PAUSE))
    return StoreGauges(
        accepted_at=None if undelivered is None else instant(undelivered[0]),
        due_at=None if due is None else instant_or_none(due[0]),
        parked=0 if parked is None else parked[0],
        next_deadline_at=None if next_deadline is None else instant_or_none(next_deadline[0]),
        put_off=0 if put_off is None else put_off[0],
        uncovered_at=parse_leaf(min(uncovered)[1]).time if uncovered else None,
        newest_at=_newest(connection),
        sealing=tuple(party_id(row[0]) for row in _SEALING.all(connection)),
    )


def _newest(connection: Connection) -> datetime | None:
    """The latest of the last times written by each sort of act, which a later one may have put behind it."""
    entry, last = _LAST_ENTRY.one(connection), _LAST_EVENT.one(connection)
    checkpoint = _LAST_CHECKPOINT.one(connection)
    times = [
        None if entry is None else parse_leaf(entry[0]).time,
        None if last is None else instant(last[0]),
        None if checkpoint is None else instant_or_none(checkpoint[0]),
    ]
    return max((each for each in times if each is not None), default=None)

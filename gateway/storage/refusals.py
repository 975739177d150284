"""Refusals: the one record that is kept of a request whose signature held, but which was not accepted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Integer, bindparam, insert, select

from gateway.domain.catalogue import Code
from gateway.domain.identifiers import PartyId, Uuid4
from gateway.storage.columns import instant, millis, party_id, text_or_none
from gateway.storage.prepared import Prepared, Values
from gateway.storage.tables_log import refusal


@dataclass(frozen=True, slots=True)
class RefusalRow:
    """One refusal; `at` is zoned UTC. Nothing of the document is kept."""

    refusal_id: Uuid4
    at: datetime
    system_id: Uuid4
    party: PartyId | None  # for whom the system acted; None if it had no right to
    message_id: str | None
    request_digest: bytes
    code: Code
    evidence: bytes | None  # the signed SubmissionRejection


_COLUMNS: Final = (
    "refusal_id",
    "at",
    "system_id",
    "party",
    "message_id",
    "request_digest",
    "code",
    "evidence",
)
_CELLS = tuple(refusal.c[name] for name in _COLUMNS)

_INSERT = Prepared(insert(refusal), *_COLUMNS)
_FIND = Prepared(select(*_CELLS).where(refusal.c.refusal_id == bindparam("refusal_id")), "refusal_id")
_LATEST = Prepared(
    select(*_CELLS).order_by(refusal.c.key.desc()).limit(bindparam("limit", type_=Integer)), "limit"
)

_BATCH: Final = 500
_EVIDENCE_AFTER = Prepared(
    select(refusal.c.key, refusal.c.refusal_id, refusal.c.evidence)
    .where(refusal.c.key > bindparam("after"), refusal.c.evidence.is_not(None))
    .order_by(refusal.c.key)
    .limit(_BATCH),
    "after",
)


def insert_refusal(connection: Connection, row: RefusalRow) -> None:
    """Keep the record of a refusal."""
    _INSERT.run(
        connection,
        row.refusal_id.text,
        millis(row.at),
        row.system_id.text,
        text_or_none(row.party),
        row.message_id,
        row.request_digest,
        row.code.name,
        row.evidence,
    )


def find_refusal(connection: Connection, refusal_id: Uuid4) -> RefusalRow | None:
    """The refusal of this identifier, or None."""
    row = _FIND.one(connection, refusal_id.text)
    return None if row is None else _refusal(row)


def latest_refusals(connection: Connection, limit: int) -> tuple[RefusalRow, ...]:
    """The last refusals, the newest first; for the operator."""
    return tuple(_refusal(row) for row in _LATEST.all(connection, limit))


def all_evidence(connection: Connection) -> Iterator[tuple[Uuid4, bytes]]:
    """The signed evidence of every refusal that has one, by the refusal's identifier, fetched in batches."""
    after = 0
    while rows := _EVIDENCE_AFTER.all(connection, after):
        yield from ((Uuid4(refusal_id), octets) for _, refusal_id, octets in rows)
        after = rows[-1][0]


def _refusal(row: Values) -> RefusalRow:
    refusal_id, at, system_id, party, message_id, request_digest, code, evidence = row
    return RefusalRow(
        Uuid4(refusal_id),
        instant(at),
        Uuid4(system_id),
        None if party is None else party_id(party),
        message_id,
        request_digest,
        Code[code],
        evidence,
    )

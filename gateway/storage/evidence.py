"""Evidence: the signed statements as they were issued or received, octet for octet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Integer, bindparam, func, insert, select

from gateway.domain.evidence import EvidenceEvent
from gateway.domain.identifiers import PartyId, Uuid4
from gateway.storage.columns import instant, instant_or_none, millis, party_id
from gateway.storage.prepared import Prepared, Values
from gateway.storage.tables_documents import evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvidence:
    """One piece of evidence that is about to be stored; `at` is zoned UTC."""

    evidence_id: Uuid4
    event: EvidenceEvent
    at: datetime
    octets: bytes
    log_party: PartyId  # in whose log its entry stands
    log_entry_id: Uuid4


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRow(NewEvidence):
    """One piece of evidence as stored."""

    document_key: int | None  # None: evidence of a refusal


_BATCH: Final = 500
_COLUMNS: Final = ("evidence_id", "document_key", "event", "at", "octets", "log_party", "log_entry_id")
_CELLS = tuple(evidence.c[name] for name in _COLUMNS)

_INSERT = Prepared(insert(evidence), *_COLUMNS)
_OF_DOCUMENT = Prepared(
    select(*_CELLS).where(evidence.c.document_key == bindparam("document_key")).order_by(evidence.c.key),
    "document_key",
)
_AFTER = Prepared(
    select(evidence.c.key, *_CELLS)
    .where(evidence.c.key > bindparam("after"))
    .order_by(evidence.c.key)
    .limit(bindparam("batch", type_=Integer)),
    "after",
    "batch",
)
_LATEST = Prepared(
    select(func.max(evidence.c.at)).where(evidence.c.document_key == bindparam("document_key")),
    "document_key",
)
_FIND = Prepared(select(*_CELLS).where(evidence.c.evidence_id == bindparam("evidence_id")), "evidence_id")


def insert_evidence(connection: Connection, document_key: int | None, *new: NewEvidence) -> None:
    """Store evidence of a document, or (None) of a refusal, in the transaction of what it states."""
    _INSERT.run_many(
        connection,
        [
            (
                row.evidence_id.text,
                document_key,
                row.event.value,
                millis(row.at),
                row.octets,
                str(row.log_party),
                row.log_entry_id.text,
            )
            for row in new
        ],
    )


def evidence_of(connection: Connection, document_key: int) -> tuple[EvidenceRow, ...]:
    """The evidence of a document, in the order it was stored. Whose document it is was decided by who found it."""
    return tuple(_evidence(row) for row in _OF_DOCUMENT.all(connection, document_key))


def latest_at(connection: Connection, document_key: int) -> datetime | None:
    """The latest time that evidence of a document states; None without evidence."""
    row = _LATEST.one(connection, document_key)
    return None if row is None else instant_or_none(row[0])


def all_evidence(connection: Connection) -> Iterator[EvidenceRow]:
    """All evidence of the store, in the order it was stored, fetched in batches."""
    after = 0
    while rows := _AFTER.all(connection, after, _BATCH):
        yield from (_evidence(row[1:]) for row in rows)
        after = rows[-1][0]


def find_evidence(connection: Connection, evidence_id: Uuid4) -> EvidenceRow | None:
    """The evidence of this identifier, or None. For our own use: whose it is, the caller must know."""
    row = _FIND.one(connection, evidence_id.text)
    return None if row is None else _evidence(row)


def _evidence(row: Values) -> EvidenceRow:
    evidence_id, document_key, event, at, octets, log_party, log_entry_id = row
    return EvidenceRow(
        evidence_id=Uuid4(evidence_id),
        document_key=document_key,
        event=EvidenceEvent(event),
        at=instant(at),
        octets=octets,
        log_party=party_id(log_party),
        log_entry_id=Uuid4(log_entry_id),
    )

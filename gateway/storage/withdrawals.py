"""Withdrawals: that a sender took its document back, a row each, and the signed request that says so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, bindparam, insert, select, update

from gateway.domain.evidence import ReasonCode
from gateway.domain.identifiers import Uuid4
from gateway.storage.columns import instant, millis
from gateway.storage.prepared import Prepared, Values
from gateway.storage.tables_documents import withdrawal


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalRow:
    """That a document was withdrawn; `at` is zoned UTC."""

    at: datetime
    reason: ReasonCode
    content_removed: bool  # no system of the recipient had stored it: nothing of it is left here
    evidence_id: Uuid4
    system_id: Uuid4
    request_blob: str | None  # the encrypted signed request; None: kept with the document that withdrew it
    wrapped_key: bytes | None  # the key of that request, wrapped for the sender
    deletion_wanted: bool = True  # whether the recipient is to delete its copy, and say so


_COLUMNS: Final = (
    "at",
    "reason",
    "content_removed",
    "evidence_id",
    "system_id",
    "request_blob",
    "wrapped_key",
    "deletion_wanted",
)
_INSERT = Prepared(insert(withdrawal), "document_key", *_COLUMNS)
_FIND = Prepared(
    select(*(withdrawal.c[name] for name in _COLUMNS)).where(
        withdrawal.c.document_key == bindparam("of_document")
    ),
    "of_document",
)
_REPLACE = Prepared(
    update(withdrawal)
    .where(withdrawal.c.document_key == bindparam("of_document"))
    .values({name: bindparam(f"new_{name}") for name in _COLUMNS}),
    "of_document",
    *(f"new_{name}" for name in _COLUMNS),
)


def insert_withdrawal(connection: Connection, document_key: int, new: WithdrawalRow) -> None:
    """Note a withdrawal; ask `find_withdrawal` first, in the same transaction: a document is withdrawn once."""
    _INSERT.run(connection, document_key, *_cells(new))


def replace_withdrawal(connection: Connection, document_key: int, new: WithdrawalRow) -> None:
    """Note that the sender said more of a withdrawal; the document that said it first keeps its own request."""
    _REPLACE.run(connection, document_key, *_cells(new))


def _cells(row: WithdrawalRow) -> Values:
    return (
        millis(row.at),
        row.reason.name,
        int(row.content_removed),
        row.evidence_id.text,
        row.system_id.text,
        row.request_blob,
        row.wrapped_key,
        int(row.deletion_wanted),
    )


def find_withdrawal(connection: Connection, document_key: int) -> WithdrawalRow | None:
    """The withdrawal of a document, or None."""
    row = _FIND.one(connection, document_key)
    if row is None:
        return None
    at, reason, content_removed, evidence_id, system_id, request_blob, wrapped_key, deletion_wanted = row
    return WithdrawalRow(
        at=instant(at),
        reason=ReasonCode[reason],
        content_removed=bool(content_removed),
        evidence_id=Uuid4(evidence_id),
        system_id=Uuid4(system_id),
        request_blob=request_blob,
        wrapped_key=wrapped_key,
        deletion_wanted=deletion_wanted != 0,
    )

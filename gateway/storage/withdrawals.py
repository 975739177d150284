"""Withdrawals: that a sender took its document back, a row each, and the signed request that says so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, bindparam, insert, select, update

from gateway.domain.evidence import ReasonCode
from gateway.domain.identifiers import Uuid4
from gateway.storage.columns import instant, millis
from gateway.storage.prepared import Prepared
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
_WANT = Prepared(
    update(withdrawal).where(withdrawal.c.document_key == bindparam("of_document")).values(deletion_wanted=1),
    "of_document",
)


def insert_withdrawal(connection: Connection, document_key: int, new: WithdrawalRow) -> None:
    """Note a withdrawal; ask `find_withdrawal` first, in the same transaction: a document is withdrawn once."""
    _INSERT.run(
        connection,
        document_key,
        millis(new.at),
        new.reason.name,
        int(new.content_removed),
        new.evidence_id.text,
        new.system_id.text,
        new.request_blob,
        new.wrapped_key,
        int(new.deletion_wanted),
    )


def want_deletion(connection: Connection, document_key: int) -> None:
    """Note that the sender wants the copy deleted after all of a document that it withdrew without saying so."""
    _WANT.run(connection, document_key)


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

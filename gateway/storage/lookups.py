"""What an operator looks up by a document's id alone, for whichever party it is. Never for a caller."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, bindparam, or_, select

from gateway.domain.identifiers import Uuid4
from gateway.storage.columns import instant, instant_or_none, millis
from gateway.storage.documents import DocumentRow, document_by_key
from gateway.storage.prepared import Prepared
from gateway.storage.tables import system_certificate
from gateway.storage.tables_documents import document, outbox


@dataclass(frozen=True, slots=True)
class TaskRow:
    """How it stands with a delivery that is promised; times are zoned UTC."""

    due_at: datetime
    attempts: int
    parked_at: datetime | None
    last_code: str | None  # the catalogue code of the last failure


_OF_ID = Prepared(
    select(document.c.key).where(document.c.document_id == bindparam("document_id")).order_by(document.c.key),
    "document_id",
)
_TASK = Prepared(
    select(outbox.c.due_at, outbox.c.attempts, outbox.c.parked_at, outbox.c.last_code)
    .where(outbox.c.document_key == bindparam("document_key"))
    .order_by(outbox.c.id)
    .limit(1),
    "document_key",
)
_CERTIFICATES = Prepared(
    select(system_certificate.c.der).where(
        and_(
            system_certificate.c.system_id == bindparam("system_id"),
            system_certificate.c.valid_from <= bindparam("at"),
            or_(
                system_certificate.c.valid_until.is_(None),
                system_certificate.c.valid_until > bindparam("at"),
            ),
        )
    ),
    "system_id",
    "at",
)


def documents_of_id(connection: Connection, document_id: Uuid4) -> tuple[DocumentRow, ...]:
    """The documents of this id, in the order of their acceptance: more than one only if none of them shares a party."""
    found = (document_by_key(connection, key) for (key,) in _OF_ID.all(connection, document_id.text))
    return tuple(row for row in found if row is not None)


def task_of(connection: Connection, document_key: int) -> TaskRow | None:
    """The promise to deliver a document, or None if it is delivered or will not be."""
    row = _TASK.one(connection, document_key)
    if row is None:
        return None
    due_at, attempts, parked_at, last_code = row
    return TaskRow(instant(due_at), attempts, instant_or_none(parked_at), last_code)


def certificates_of(connection: Connection, system_id: Uuid4, at: datetime) -> tuple[bytes, ...]:
    """The DER of every certificate by which a system is known at this time."""
    return tuple(row[0] for row in _CERTIFICATES.all(connection, system_id.text, millis(at)))

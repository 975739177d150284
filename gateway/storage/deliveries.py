"""Deliveries: what lies in a party's inbox, which system has fetched it, and who has read it.

The inbox keeps the order of acceptance. A document waits for a system until that system confirms the hand-over.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import (
    BigInteger,
    Connection,
    Text,
    bindparam,
    insert,
    select,
    update,
)

from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError
from gateway.domain.identifiers import PartyId, Uuid4
from gateway.domain.party import Role
from gateway.storage.columns import instant, instant_or_none, millis, party_id
from gateway.storage.exclusion import require_alone
from gateway.storage.prepared import Prepared, PreparedInsert, Values
from gateway.storage.tables_documents import delivery, handover, reading


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """A document in its recipient's inbox; times are zoned UTC."""

    document_key: int
    recipient: PartyId
    available_at: datetime
    inbox_seq: int  # increases over the whole installation
    handed_over_at: datetime | None  # to the first system
    read_at: datetime | None  # by the first person
    fetched_at: datetime | None = None  # by the first who was given it, a system or a person


@dataclass(frozen=True, slots=True)
class HandoverRow:
    """That a system confirmed to have stored the document."""

    system_id: Uuid4
    at: datetime
    evidence_id: Uuid4  # of the evidence that it got


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingRow:
    """That a person in this role opened the document, as a system asserts; its signed request is kept."""

    role: Role
    at: datetime
    system_id: Uuid4
    reader_name: bytes | None  # encrypted; None: the system gave none
    request_digest: bytes
    request_blob: str | None
    evidence_id: Uuid4  # of the read receipt


_PARTY: Final = bindparam("party", type_=Text)
_SYSTEM: Final = bindparam("system_id", type_=Text)
_KEY: Final = bindparam("of_document", type_=BigInteger)
_ADD = PreparedInsert(delivery, "inbox_seq", "document_key", "recipient", "available_at")
_FIND = Prepared(
    select(
        delivery.c.document_key,
        delivery.c.recipient,
        delivery.c.available_at,
        delivery.c.inbox_seq,
        delivery.c.handed_over_at,
        delivery.c.read_at,
        delivery.c.fetched_at,
    ).where(delivery.c.document_key == _KEY, delivery.c.recipient == _PARTY),
    "party",
    "of_document",
)
_INSERT_HANDOVER = Prepared(insert(handover), "document_key", "system_id", "at", "evidence_id")
_FIND_HANDOVER = Prepared(
    select(handover.c.system_id, handover.c.at, handover.c.evidence_id).where(
        handover.c.document_key == _KEY, handover.c.system_id == _SYSTEM
    ),
    "of_document",
    "system_id",
)
_HANDOVERS = Prepared(
    select(handover.c.system_id, handover.c.at, handover.c.evidence_id)
    .where(handover.c.document_key == _KEY)
    .order_by(handover.c.at, handover.c.system_id),
    "of_document",
)
_FIRST_HANDOVER = Prepared(
    update(delivery)
    .where(delivery.c.document_key == _KEY, delivery.c.handed_over_at.is_(None))
    .values(handed_over_at=bindparam("new_at")),
    "of_document",
    "new_at",
)
_FIRST_FETCHING = Prepared(
    update(delivery)
    .where(delivery.c.document_key == _KEY, delivery.c.fetched_at.is_(None))
    .values(fetched_at=bindparam("new_at")),
    "of_document",
    "new_at",
)
_INSERT_READING = Prepared(
    insert(reading),
    "document_key",
    "role",
    "at",
    "system_id",
    "reader_name",
    "request_digest",
    "request_blob",
    "evidence_id",
)
_READING_CELLS = (
    reading.c.role,
    reading.c.at,
    reading.c.system_id,
    reading.c.reader_name,
    reading.c.request_digest,
    reading.c.request_blob,
    reading.c.evidence_id,
)
_READINGS = Prepared(
    select(*_READING_CELLS).where(reading.c.document_key == _KEY).order_by(reading.c.at, reading.c.role),
    "of_document",
)
_FIND_READING = Prepared(
    select(*_READING_CELLS).where(reading.c.document_key == _KEY, reading.c.role == bindparam("role")),
    "of_document",
    "role",
)
_FIRST_READING = Prepared(
    update(delivery)
    .where(delivery.c.document_key == _KEY, delivery.c.read_at.is_(None))
    .values(read_at=bindparam("new_at")),
    "of_document",
    "new_at",
)


def add_delivery(
    connection: Connection, document_key: int, recipient: PartyId, available_at: datetime
) -> int:
    """Put a document into its recipient's inbox and give its place there: from now on the recipient can see it."""
    require_alone(connection, recipient)
    return _ADD.key_of_new(connection, document_key, str(recipient), millis(available_at))


def find_delivery(connection: Connection, party: PartyId, document_key: int) -> DeliveryRow | None:
    """The delivery of a document to this party, or None."""
    row = _FIND.one(connection, str(party), document_key)
    if row is None:
        return None
    _, recipient, available_at, inbox_seq, handed_over_at, read_at, fetched_at = row
    return DeliveryRow(
        document_key,
        party_id(recipient),
        instant(available_at),
        inbox_seq,
        instant_or_none(handed_over_at),
        instant_or_none(read_at),
        instant_or_none(fetched_at),
    )


def mark_fetched(connection: Connection, party: PartyId, document_key: int, at: datetime) -> None:
    """Note that the party was given the document, by a system or on a page, so that a copy of it may exist; once."""
    require_alone(connection, party)
    _FIRST_FETCHING.run(connection, document_key, millis(at))


def record_handover(connection: Connection, party: PartyId, document_key: int, new: HandoverRow) -> bool:
    """Note that a system of the party stored the document. False if this system had said so before.

    InputError NOT_FOUND if the document was not delivered to this party.
    """
    require_alone(connection, party)
    _require_delivery(connection, party, document_key)
    if find_handover(connection, document_key, new.system_id) is not None:
        return False
    at = millis(new.at)
    _INSERT_HANDOVER.run(connection, document_key, new.system_id.text, at, new.evidence_id.text)
    _FIRST_HANDOVER.run(connection, document_key, at)
    return True


def find_handover(connection: Connection, document_key: int, system_id: Uuid4) -> HandoverRow | None:
    """That this system stored the document, or None."""
    row = _FIND_HANDOVER.one(connection, document_key, system_id.text)
    return None if row is None else _handover(row)


def handed_over_to(connection: Connection, document_key: int) -> tuple[HandoverRow, ...]:
    """The systems that stored the document, the first one first."""
    return tuple(map(_handover, _HANDOVERS.all(connection, document_key)))


def record_read(connection: Connection, party: PartyId, document_key: int, read: ReadingRow) -> bool:
    """Note that a person of the party opened the document. False if one in this role had before.

    InputError NOT_FOUND if the document was not delivered to this party.
    """
    require_alone(connection, party)
    _require_delivery(connection, party, document_key)
    if find_reading(connection, document_key, read.role) is not None:
        return False
    _INSERT_READING.run(
        connection,
        document_key,
        read.role.value,
        millis(read.at),
        read.system_id.text,
        read.reader_name,
        read.request_digest,
        read.request_blob,
        read.evidence_id.text,
    )
    _FIRST_READING.run(connection, document_key, millis(read.at))
    return True


def find_reading(connection: Connection, document_key: int, role: Role) -> ReadingRow | None:
    """That a person in this role opened the document, or None."""
    row = _FIND_READING.one(connection, document_key, role.value)
    return None if row is None else _reading(row)


def readings_of(connection: Connection, document_key: int) -> tuple[ReadingRow, ...]:
    """Who opened the document, a row for each role, the first one first."""
    return tuple(map(_reading, _READINGS.all(connection, document_key)))


def _handover(row: Values) -> HandoverRow:
    system_id, at, evidence_id = row
    return HandoverRow(Uuid4(system_id), instant(at), Uuid4(evidence_id))


def _reading(row: Values) -> ReadingRow:
    role, at, system_id, reader_name, request_digest, request_blob, evidence_id = row
    return ReadingRow(
        role=Role(role),
        at=instant(at),
        system_id=Uuid4(system_id),
        reader_name=reader_name,
        request_digest=request_digest,
        request_blob=request_blob,
        evidence_id=Uuid4(evidence_id),
    )


def _require_delivery(connection: Connection, party: PartyId, document_key: int) -> None:
    if _FIND.one(connection, str(party), document_key) is None:
        raise InputError(Code.NOT_FOUND)

"""Deliveries: what lies in a party's inbox, which system has fetched it, and who has read it.

The inbox keeps the order of acceptance. A document waits for a system until that system confirms the hand-over.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    Select,
    Text,
    and_,
    bindparam,
    exists,
    func,
    insert,
    select,
    update,
)

from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError
from gateway.domain.identifiers import PartyId, Uuid4
from gateway.domain.kinds import DocumentKind
from gateway.domain.operations import InboxAttention
from gateway.domain.party import Role, receiving_systems
from gateway.storage.columns import attention_of, day_or_none, instant, instant_or_none, millis, party_id
from gateway.storage.exclusion import require_alone
from gateway.storage.parties import routes_of
from gateway.storage.prepared import Prepared, PreparedInsert, Values
from gateway.storage.tables_documents import delivery, document, handover, inbox_mark, reading, withdrawal


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """A document in its recipient's inbox; times are zoned UTC."""

    document_key: int
    recipient: PartyId
    available_at: datetime
    inbox_seq: int  # increases over the whole installation
    handed_over_at: datetime | None  # to the first system
    read_at: datetime | None  # by the first person


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxRow:
    """A line of an inbox as one system sees it. It names no young person."""

    inbox_seq: int
    document_key: int
    document_id: Uuid4
    conversation_id: Uuid4
    kind: DocumentKind
    sender: PartyId
    attention: tuple[InboxAttention, ...]
    available_at: datetime
    attachment_count: int
    reply_due: date | None
    subject_protected: bool
    handed_over_at: datetime | None  # to this system
    read_at: datetime | None


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


_BATCH: Final = 200
_PARTY: Final = bindparam("party", type_=Text)
_SYSTEM: Final = bindparam("system_id", type_=Text)
_KEY: Final = bindparam("of_document", type_=BigInteger)
_IS_WITHDRAWN: Final = exists().where(withdrawal.c.document_key == delivery.c.document_key)


def _inbox_query(*, unread_only: bool, waiting_only: bool) -> Prepared:
    """The next deliveries to a party that were not withdrawn, with the hand-over to one system."""
    query: Select[Any] = (
        select(
            delivery.c.inbox_seq,
            delivery.c.document_key,
            document.c.document_id,
            document.c.conversation_id,
            document.c.kind,
            document.c.sender,
            document.c.attention,
            delivery.c.available_at,
            document.c.attachment_count,
            document.c.reply_due,
            document.c.subject_protected,
            handover.c.at,
            delivery.c.read_at,
        )
        .join_from(delivery, document, delivery.c.document_key == document.c.key)
        .outerjoin(
            handover,
            and_(handover.c.document_key == delivery.c.document_key, handover.c.system_id == _SYSTEM),
        )
        .where(delivery.c.recipient == _PARTY, delivery.c.inbox_seq > bindparam("after"), ~_IS_WITHDRAWN)
        .order_by(delivery.c.inbox_seq)
        .limit(bindparam("batch", type_=Integer))
    )
    if unread_only:
        query = query.where(delivery.c.read_at.is_(None))
    if waiting_only:
        query = query.where(handover.c.at.is_(None))
    return Prepared(query, "party", "system_id", "after", "batch")


_INBOX: Final = {
    (unread, waiting): _inbox_query(unread_only=unread, waiting_only=waiting)
    for unread in (True, False)
    for waiting in (True, False)
}
_ADD = PreparedInsert(delivery, "inbox_seq", "document_key", "recipient", "available_at")
_FIND = Prepared(
    select(
        delivery.c.document_key,
        delivery.c.recipient,
        delivery.c.available_at,
        delivery.c.inbox_seq,
        delivery.c.handed_over_at,
        delivery.c.read_at,
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
_FIND_MARK = Prepared(
    select(inbox_mark.c.through_seq).where(inbox_mark.c.party == _PARTY, inbox_mark.c.system_id == _SYSTEM),
    "party",
    "system_id",
)
_INSERT_MARK = Prepared(insert(inbox_mark), "through_seq", "party", "system_id")
_MOVE_MARK = Prepared(
    update(inbox_mark)
    .where(inbox_mark.c.party == _PARTY, inbox_mark.c.system_id == _SYSTEM)
    .values(through_seq=bindparam("new_seq")),
    "new_seq",
    "party",
    "system_id",
)
_FIRST_WAITING = Prepared(
    select(delivery.c.inbox_seq)
    .where(
        delivery.c.recipient == _PARTY,
        delivery.c.inbox_seq > bindparam("after"),
        ~exists().where(handover.c.document_key == delivery.c.document_key, handover.c.system_id == _SYSTEM),
        ~_IS_WITHDRAWN,
    )
    .order_by(delivery.c.inbox_seq)
    .limit(1),
    "party",
    "system_id",
    "after",
)
_LAST_SEQ = Prepared(select(func.max(delivery.c.inbox_seq)).where(delivery.c.recipient == _PARTY), "party")
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
    _, recipient, available_at, inbox_seq, handed_over_at, read_at = row
    return DeliveryRow(
        document_key,
        party_id(recipient),
        instant(available_at),
        inbox_seq,
        instant_or_none(handed_over_at),
        instant_or_none(read_at),
    )


def inbox_page(
    connection: Connection,
    party: PartyId,
    *,
    system_id: Uuid4,
    systems: frozenset[Uuid4],
    limit: int,
    after_seq: int = 0,
    role: Role | None = None,
    kind: DocumentKind | None = None,
    unread_only: bool = False,
    waiting_only: bool = True,
) -> tuple[InboxRow, ...]:
    """What a party's inbox holds for one of its systems after place `after_seq`, the oldest first, at most `limit`.

    What its sender withdrew is in no inbox any more. `systems` are those that act for the party now
    (`systems_of_party`): the party's routes say which of them receives what. `role` and `kind` narrow the list; with
    `waiting_only`, what this system was handed over is left out.
    """
    routes = routes_of(connection, party)
    receivers: dict[tuple[DocumentKind, tuple[InboxAttention, ...]], frozenset[Uuid4]] = {}
    page: list[InboxRow] = []
    after = max(after_seq, _mark(connection, party, system_id)) if waiting_only else after_seq
    for row in _after(_INBOX[unread_only, waiting_only], connection, party, system_id, after):
        address = row.kind, row.attention
        roles = [each.role for each in row.attention]
        if address not in receivers:
            receivers[address] = receiving_systems(routes, systems, row.kind, roles)
        if system_id in receivers[address] and kind in (None, row.kind) and role in (None, *roles):
            page.append(row)
            if len(page) == limit:
                break
    return tuple(page)


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
    _move_mark(connection, party, new.system_id)
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


def _mark(connection: Connection, party: PartyId, system_id: Uuid4) -> int:
    row = _FIND_MARK.one(connection, str(party), system_id.text)
    return 0 if row is None else row[0]


def _move_mark(connection: Connection, party: PartyId, system_id: Uuid4) -> None:
    """Set the mark before the first delivery that this system has not stored, so that no list reads over the old ones.

    Each delivery is passed once, so the cost of a hand-over does not grow with the inbox.
    """
    names = str(party), system_id.text
    before = _FIND_MARK.one(connection, *names)
    first = _FIRST_WAITING.one(connection, *names, 0 if before is None else before[0])
    if first is not None:
        through = first[0] - 1
    else:
        last = _LAST_SEQ.one(connection, str(party))
        assert last is not None
        through = last[0]
    (_INSERT_MARK if before is None else _MOVE_MARK).run(connection, through, *names)


def _after(
    query: Prepared, connection: Connection, party: PartyId, system_id: Uuid4, after: int
) -> Iterator[InboxRow]:
    """The rows of an inbox query to its end, fetched in batches."""
    while True:
        rows = query.all(connection, str(party), system_id.text, after, _BATCH)
        yield from map(_inbox_row, rows)
        if len(rows) < _BATCH:
            return
        after = rows[-1][0]


def _inbox_row(row: Values) -> InboxRow:
    return InboxRow(
        inbox_seq=row[0],
        document_key=row[1],
        document_id=Uuid4(row[2]),
        conversation_id=Uuid4(row[3]),
        kind=DocumentKind(row[4]),
        sender=party_id(row[5]),
        attention=attention_of(row[6]),
        available_at=instant(row[7]),
        attachment_count=row[8],
        reply_due=day_or_none(row[9]),
        subject_protected=bool(row[10]),
        handed_over_at=instant_or_none(row[11]),
        read_at=instant_or_none(row[12]),
    )

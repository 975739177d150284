"""Documents as they were accepted, their parts, and the keys under which each party holds them.

A document is found by its sender, and by its recipient once it is delivered. To any other party it does not exist.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import Connection, Text, and_, bindparam, delete, exists, insert, or_, select

from gateway.domain.catalogue import Code
from gateway.domain.document import SealedBy
from gateway.domain.errors import InputError
from gateway.domain.identifiers import PartyId, Uuid4
from gateway.domain.kinds import DocumentKind
from gateway.domain.operations import InboxAttention
from gateway.storage.columns import (
    attention_of,
    attention_text,
    day_or_none,
    instant,
    millis,
    party_id,
    text_or_none,
    uuid_or_none,
    words,
)
from gateway.storage.exclusion import require_alone
from gateway.storage.prepared import Prepared, PreparedInsert, Values
from gateway.storage.tables_documents import data_key, delivery, document
from gateway.storage.tables_documents import part as part_table


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDocument:
    """A document that is about to be accepted. Times are zoned UTC, digests SHA-256."""

    document_id: Uuid4
    sender: PartyId
    recipient: PartyId
    conversation_id: Uuid4
    kind: DocumentKind
    content_digest: bytes  # without its signature, with the attachments' digests: the idempotency digest
    sealed_digest: bytes  # of the exact sealed octets
    sealed_blob: str
    wrapped_key: bytes | None  # the data key, wrapped for the party that asks; None: it holds none
    sealed_by: SealedBy
    reply_to: Uuid4 | None
    reply_due: date | None
    subject_protected: bool
    attention: tuple[InboxAttention, ...]
    attachment_count: int
    accepted_at: datetime
    acceptance_evidence_id: Uuid4
    system_id: Uuid4
    request_digest: bytes
    request_blob: str | None  # the encrypted signed request of a typed document
    certificate_names: tuple[str, ...]  # of the chain, leaf first, in `validation_material`
    revocation_names: tuple[str, ...]  # of the lists, likewise
    agreement_id: Uuid4 | None = None  # of an agreement: what its versions share


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRow(NewDocument):
    """A document that was accepted. `key` names it inside this installation and never leaves it."""

    key: int


@dataclass(frozen=True, slots=True)
class PartRow:
    """One attachment of a document; `size` and `sha256` are those of its octets before encryption."""

    number: int  # 1-based, as in the manifest
    blob: str
    size: int
    sha256: bytes


_COLUMNS: Final = (
    "document_id",
    "sender",
    "recipient",
    "conversation_id",
    "kind",
    "content_digest",
    "sealed_digest",
    "sealed_blob",
    "sealed_by",
    "reply_to",
    "reply_due",
    "subject_protected",
    "attention",
    "attachment_count",
    "accepted_at",
    "acceptance_evidence_id",
    "system_id",
    "request_digest",
    "request_blob",
    "certificate_names",
    "revocation_names",
    "agreement_id",
)
_PARTY: Final = bindparam("party", type_=Text)
_IS_SENDER = document.c.sender == _PARTY
_IS_RECIPIENT = and_(
    document.c.recipient == _PARTY,
    exists().where(delivery.c.document_key == document.c.key, delivery.c.recipient == _PARTY),
)
_HELD_KEY = and_(data_key.c.document_key == document.c.key, data_key.c.party == _PARTY)
_SENDER_KEY = and_(data_key.c.document_key == document.c.key, data_key.c.party == document.c.sender)
_CELLS = (document.c.key, data_key.c.wrapped_key, *(document.c[name] for name in _COLUMNS))
_HELD = select(*_CELLS).select_from(document.outerjoin(data_key, _HELD_KEY))

_INSERT = PreparedInsert(document, "key", *_COLUMNS)
_INSERT_PART = Prepared(insert(part_table), "document_key", "number", "blob", "size", "sha256")
_INSERT_KEY = Prepared(insert(data_key), "document_key", "party", "wrapped_key")
_REMOVE_KEYS = Prepared(
    delete(data_key).where(data_key.c.document_key == bindparam("of_document")), "of_document"
)
_FIND_OWN = Prepared(
    _HELD.where(document.c.document_id == bindparam("document_id"), _IS_SENDER), "party", "document_id"
)
_FIND_VISIBLE = Prepared(
    _HELD.where(document.c.document_id == bindparam("document_id"), or_(_IS_SENDER, _IS_RECIPIENT)),
    "party",
    "document_id",
)
_FIND_DELIVERED = Prepared(
    _HELD.where(document.c.document_id == bindparam("document_id"), _IS_RECIPIENT), "party", "document_id"
)
_TAKEN = Prepared(
    select(document.c.key).where(
        document.c.document_id == bindparam("document_id"),
        document.c.sender != bindparam("new_sender"),
        or_(
            document.c.sender == bindparam("new_recipient"),
            document.c.recipient.in_([bindparam("new_sender"), bindparam("new_recipient")]),
        ),
    ),
    "document_id",
    "new_sender",
    "new_recipient",
)
_CONVERSATION_QUERY = _HELD.where(
    document.c.conversation_id == bindparam("conversation_id"), or_(_IS_SENDER, _IS_RECIPIENT)
).order_by(document.c.key)
_CONVERSATION = Prepared(_CONVERSATION_QUERY, "party", "conversation_id")
_CONVERSATION_OF_KIND = Prepared(
    _CONVERSATION_QUERY.where(document.c.kind == bindparam("kind")), "party", "conversation_id", "kind"
)
_BY_KEY = Prepared(
    select(*_CELLS)
    .select_from(document.outerjoin(data_key, _SENDER_KEY))
    .where(document.c.key == bindparam("document_key")),
    "document_key",
)
_PARTS = Prepared(
    select(part_table.c.number, part_table.c.blob, part_table.c.size, part_table.c.sha256)
    .where(part_table.c.document_key == bindparam("document_key"))
    .order_by(part_table.c.number),
    "document_key",
)
_KEY_OF = Prepared(
    select(data_key.c.wrapped_key).where(
        data_key.c.document_key == bindparam("document_key"), data_key.c.party == _PARTY
    ),
    "document_key",
    "party",
)


def insert_document(connection: Connection, new: NewDocument, parts: Sequence[PartRow]) -> int:
    """Store an accepted document with its parts, and give its key.

    Ask `find_own` first, in the same transaction: a second document with the same sender and id is refused here as an
    error of ours. The blobs it names are recorded by `Blobs`. Raises what `require_free_id` does.
    """
    require_alone(connection, new.sender, new.recipient)  # so that no other of this id is stored meanwhile
    require_free_id(connection, new.document_id, new.sender, new.recipient)
    key = _INSERT.key_of_new(
        connection,
        new.document_id.text,
        str(new.sender),
        str(new.recipient),
        new.conversation_id.text,
        new.kind.value,
        new.content_digest,
        new.sealed_digest,
        new.sealed_blob,
        new.sealed_by.value,
        text_or_none(new.reply_to),
        text_or_none(new.reply_due),
        int(new.subject_protected),
        attention_text(new.attention),
        new.attachment_count,
        millis(new.accepted_at),
        new.acceptance_evidence_id.text,
        new.system_id.text,
        new.request_digest,
        new.request_blob,
        words(new.certificate_names),
        words(new.revocation_names),
        text_or_none(new.agreement_id),
    )
    _INSERT_PART.run_many(connection, [(key, p.number, p.blob, p.size, p.sha256) for p in parts])
    if new.wrapped_key is not None:
        add_data_key(connection, key, new.sender, new.wrapped_key)
    return key


def require_free_id(connection: Connection, document_id: Uuid4, sender: PartyId, recipient: PartyId) -> None:
    """Return if a document of this id may go from this sender to this recipient; `find_own` finds the sender's own.

    No party ever has two documents of one id, whichever way they went and whether they are delivered yet, so that an
    id names one document to each. InputError DOCUMENT_ID_TAKEN, which says no more than that.
    """
    if _TAKEN.one(connection, document_id.text, str(sender), str(recipient)) is not None:
        raise InputError(Code.DOCUMENT_ID_TAKEN)


def add_data_key(connection: Connection, document_key: int, party: PartyId, wrapped_key: bytes) -> None:
    """Let a party hold the document: its data key, wrapped by that party's key encryption key."""
    _INSERT_KEY.run(connection, document_key, str(party), wrapped_key)


def remove_data_keys(connection: Connection, document_key: int) -> None:
    """Let nobody hold the document any more: what its data key encrypted can never be read again."""
    _REMOVE_KEYS.run(connection, document_key)


def wrapped_key_of(connection: Connection, document_key: int, party: PartyId) -> bytes | None:
    """The document's data key as wrapped for this party, or None if the party does not hold it."""
    row = _KEY_OF.one(connection, document_key, str(party))
    return None if row is None else row[0]


def find_own(connection: Connection, party: PartyId, document_id: Uuid4) -> DocumentRow | None:
    """The document that this party sent under this id, or None."""
    row = _FIND_OWN.one(connection, str(party), document_id.text)
    return None if row is None else _document(row)


def find_visible(connection: Connection, party: PartyId, document_id: Uuid4) -> DocumentRow | None:
    """The document of this id that the party sent or was delivered, or None: whose else it may be does not show.

    At most one fits: `require_free_id`.
    """
    row = _FIND_VISIBLE.one(connection, str(party), document_id.text)
    return None if row is None else _document(row)


def find_delivered(connection: Connection, party: PartyId, document_id: Uuid4) -> DocumentRow | None:
    """The document of this id that was delivered to the party, or None."""
    row = _FIND_DELIVERED.one(connection, str(party), document_id.text)
    return None if row is None else _document(row)


def conversation_documents(
    connection: Connection, party: PartyId, conversation_id: Uuid4, kind: DocumentKind | None = None
) -> tuple[DocumentRow, ...]:
    """The documents of a conversation that the party sent or was delivered, in the order of their acceptance.

    Of one kind, if it is given: a conversation lasts for years.
    """
    if kind is None:
        rows = _CONVERSATION.all(connection, str(party), conversation_id.text)
    else:
        rows = _CONVERSATION_OF_KIND.all(connection, str(party), conversation_id.text, kind.value)
    return tuple(_document(row) for row in rows)


def document_by_key(connection: Connection, document_key: int) -> DocumentRow | None:
    """The document of an outbox or deadline row, with the sender's key. For our own workers, never for a caller."""
    row = _BY_KEY.one(connection, document_key)
    return None if row is None else _document(row)


def parts_of(connection: Connection, document_key: int) -> tuple[PartRow, ...]:
    """The attachments of a document, in the order of their numbers."""
    return tuple(PartRow(*row) for row in _PARTS.all(connection, document_key))


def _document(row: Values) -> DocumentRow:
    key, wrapped_key, *cells = row
    cell = dict(zip(_COLUMNS, cells, strict=True))
    return DocumentRow(
        key=key,
        wrapped_key=wrapped_key,
        document_id=Uuid4(cell["document_id"]),
        sender=party_id(cell["sender"]),
        recipient=party_id(cell["recipient"]),
        conversation_id=Uuid4(cell["conversation_id"]),
        kind=DocumentKind(cell["kind"]),
        content_digest=cell["content_digest"],
        sealed_digest=cell["sealed_digest"],
        sealed_blob=cell["sealed_blob"],
        sealed_by=SealedBy(cell["sealed_by"]),
        reply_to=uuid_or_none(cell["reply_to"]),
        reply_due=day_or_none(cell["reply_due"]),
        subject_protected=bool(cell["subject_protected"]),
        attention=attention_of(cell["attention"]),
        attachment_count=cell["attachment_count"],
        accepted_at=instant(cell["accepted_at"]),
        acceptance_evidence_id=Uuid4(cell["acceptance_evidence_id"]),
        system_id=Uuid4(cell["system_id"]),
        request_digest=cell["request_digest"],
        request_blob=cell["request_blob"],
        certificate_names=tuple(cell["certificate_names"].split()),
        revocation_names=tuple(cell["revocation_names"].split()),
        agreement_id=uuid_or_none(cell["agreement_id"]),
    )

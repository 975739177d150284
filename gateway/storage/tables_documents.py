"""The tables of documents and of what happens to them: content, delivery, events, evidence, and what is still to do."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from gateway.storage.tables import METADATA, increasing_key

document = Table(
    "document",
    METADATA,
    increasing_key("key"),
    Column("document_id", Text, nullable=False),
    Column("sender", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("conversation_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("content_digest", LargeBinary, nullable=False),  # the idempotency digest
    Column("sealed_digest", LargeBinary, nullable=False),
    Column("sealed_blob", Text, nullable=False),
    Column("sealed_by", Text, nullable=False),
    Column("reply_to", Text),
    Column("reply_due", Text),  # a day, ISO 8601
    Column("subject_protected", Integer, nullable=False),  # 1: yes
    Column("attention", Text, nullable=False),  # roles and units
    Column("attachment_count", Integer, nullable=False),
    Column("accepted_at", BigInteger, nullable=False),
    Column("acceptance_evidence_id", Text, nullable=False),
    Column("system_id", Text, nullable=False),
    Column("request_digest", LargeBinary, nullable=False),
    Column("request_blob", Text),  # the encrypted signed request of a typed document
    Column("certificate_names", Text, nullable=False),  # names of validation_material, leaf first
    Column("revocation_names", Text, nullable=False),
    Column("agreement_id", Text),  # of an agreement: what its versions share
    UniqueConstraint("document_id", "sender"),
    Index("ix_document_conversation_id", "conversation_id"),
    sqlite_autoincrement=True,
)

part = Table(
    "part",
    METADATA,
    Column("document_key", BigInteger, ForeignKey("document.key"), primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("blob", Text, nullable=False),
    Column("size", BigInteger, nullable=False),  # octets before encryption
    Column("sha256", LargeBinary, nullable=False),  # of the octets before encryption
    sqlite_with_rowid=False,
)

# One data key a document, wrapped for each party that holds the document.
data_key = Table(
    "data_key",
    METADATA,
    Column("document_key", BigInteger, ForeignKey("document.key"), primary_key=True, autoincrement=False),
    Column("party", Text, primary_key=True),
    Column("wrapped_key", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

# Certificates and revocation lists by the SHA-256 of their octets, each kept once for as long as documents need them.
validation_material = Table(
    "validation_material",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("octets", LargeBinary, nullable=False),
)

# Ciphertexts; a large one has no octets here but a file.
blob = Table(
    "blob",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("octets", LargeBinary),
)

delivery = Table(
    "delivery",
    METADATA,
    increasing_key("inbox_seq"),
    Column("document_key", BigInteger, ForeignKey("document.key"), nullable=False, unique=True),
    Column("recipient", Text, nullable=False),
    Column("available_at", BigInteger, nullable=False),
    Column("handed_over_at", BigInteger),  # to the first system
    Column("read_at", BigInteger),  # by the first person
    Column("fetched_at", BigInteger),  # by the first system that retrieved it
    Index("ix_delivery_recipient", "recipient", "inbox_seq"),
    Index(
        "ix_delivery_unread",
        "recipient",
        "inbox_seq",
        sqlite_where=text("read_at IS NULL"),
        postgresql_where=text("read_at IS NULL"),
    ),
    sqlite_autoincrement=True,
)

handover = Table(
    "handover",
    METADATA,
    Column("document_key", BigInteger, ForeignKey("document.key"), primary_key=True, autoincrement=False),
    Column("system_id", Text, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("evidence_id", Text, nullable=False),
    sqlite_with_rowid=False,
)

# Of the deliveries to the party up to through_seq none waits for the system: its list need not look there again.
inbox_mark = Table(
    "inbox_mark",
    METADATA,
    Column("party", Text, primary_key=True),
    Column("system_id", Text, primary_key=True),
    Column("through_seq", BigInteger, nullable=False),
    Column("routing", LargeBinary),  # digest of the routes for which that holds; NULL: for any
    sqlite_with_rowid=False,
)

reading = Table(
    "reading",
    METADATA,
    Column("document_key", BigInteger, ForeignKey("document.key"), primary_key=True, autoincrement=False),
    Column("role", Text, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("system_id", Text, nullable=False),
    Column("reader_name", LargeBinary),  # encrypted; only if the system gave it
    Column("request_digest", LargeBinary, nullable=False),
    Column("request_blob", Text),  # the encrypted signed request
    Column("evidence_id", Text, nullable=False),
    sqlite_with_rowid=False,
)

# That the sender took a document back, once for each. The signed request is kept under a key of its own, since that of
# the document may be destroyed; of a withdrawal by a document, that document keeps it.
withdrawal = Table(
    "withdrawal",
    METADATA,
    Column("document_key", BigInteger, ForeignKey("document.key"), primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("content_removed", Integer, nullable=False),  # 1: yes
    Column("evidence_id", Text, nullable=False),
    Column("system_id", Text, nullable=False),
    Column("request_blob", Text),  # the encrypted signed request
    Column("wrapped_key", LargeBinary),  # its key, wrapped for the sender
    Column("deletion_wanted", Integer),  # 0: the recipient may keep its copy
    sqlite_with_rowid=False,
)

event = Table(
    "event",
    METADATA,
    increasing_key("seq"),
    Column("event_id", Text, nullable=False),
    Column("document_key", BigInteger, ForeignKey("document.key"), nullable=False),
    Column("party", Text, nullable=False),  # whose stream shows it; one row a party
    Column("kind", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("standing", Text, nullable=False),
    Column("issuer", Text, nullable=False),
    Column("evidence_id", Text),
    Column("reasons", Text, nullable=False),  # codes, each with its detail after "="
    Column("answer", Text),
    Column("related_document_id", Text),  # the document that it points to, such as the one that corrects
    Index(
        "ix_event_document_key", "document_key", "party"
    ),  # with party, or the index below is taken for its order
    Index("ix_event_party", "party", "seq"),
    Index(
        "ix_event_related_document_id",
        "related_document_id",
        sqlite_where=text("related_document_id IS NOT NULL"),
        postgresql_where=text("related_document_id IS NOT NULL"),
    ),
    sqlite_autoincrement=True,
)

evidence = Table(
    "evidence",
    METADATA,
    increasing_key("key"),
    Column("evidence_id", Text, nullable=False, unique=True),
    Column("document_key", BigInteger, ForeignKey("document.key")),
    Column("event", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("octets", LargeBinary, nullable=False),
    Column("log_party", Text, nullable=False),
    Column("log_entry_id", Text, nullable=False),
    Index("ix_evidence_document_key", "document_key"),
)

outbox = Table(
    "outbox",
    METADATA,
    increasing_key("id"),
    Column("task", Text, nullable=False),
    Column("document_key", BigInteger, ForeignKey("document.key"), nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("leased_until", BigInteger),
    Column("leased_by", Text),
    Column("parked_at", BigInteger),
    Column("last_code", Text),
    Index(
        "ix_outbox_due_at",
        "due_at",
        sqlite_where=text("parked_at IS NULL"),
        postgresql_where=text("parked_at IS NULL"),
    ),
    sqlite_autoincrement=True,
)

deadline = Table(
    "deadline",
    METADATA,
    increasing_key("id"),
    Column("document_key", BigInteger, ForeignKey("document.key"), nullable=False),
    Column("kind", Text, nullable=False),  # DELETION is written as an ANSWER with the mark below
    Column("opened_at", BigInteger, nullable=False),
    Column("warn_at", BigInteger, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("next_at", BigInteger),  # when to look at it next: warn_at, then due_at; NULL: never again
    Column("warned_at", BigInteger),
    Column("fired_at", BigInteger),
    Column("cancelled_at", BigInteger),
    Column("of_deletion", Integer),  # 1: the answer that is waited for says whether a copy was deleted
    Index("ix_deadline_document_key", "document_key"),
    Index(
        "ix_deadline_next_at",
        "next_at",
        sqlite_where=text("next_at IS NOT NULL"),
        postgresql_where=text("next_at IS NOT NULL"),
    ),
)

"""The first form of the database: every table.

This file is history: it is never changed once it has been released, even when the tables are.
"""

from __future__ import annotations

from typing import Final

from alembic import op
from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Text,
    UniqueConstraint,
    text,
)

revision: Final = "0001"
down_revision: Final = None

_KEY: Final = BigInteger().with_variant(Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables, those first that others refer to."""
    _create_parties()
    _create_systems()
    _create_documents()
    _create_contents()
    _create_deliveries()
    _create_events()
    _create_tasks()
    _create_logs()
    _create_requests()


def _create_parties() -> None:
    """Who takes part."""
    op.create_table(
        "configuration",
        Column("name", Text, nullable=False),
        Column("value", Text, nullable=False),
        PrimaryKeyConstraint("name", name="pk_configuration"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "party",
        Column("party", Text, nullable=False),
        Column("cvr", Text, nullable=False),
        Column("unit", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("folded_name", Text, nullable=False),
        Column("p_number", Text),
        Column("receives", Text, nullable=False),
        Column("gateway_may_seal", Integer, nullable=False),
        Column("cooperation_decided", Integer, nullable=False),
        Column("closing_days", Text, nullable=False),
        PrimaryKeyConstraint("party", name="pk_party"),
    )
    op.create_index("ix_party_cvr", "party", ["cvr"])
    op.create_table(
        "contact",
        Column("key", _KEY, nullable=False),
        Column("party", Text, nullable=False),
        Column("role", Text, nullable=False),
        Column("name", Text),
        Column("unit", Text),
        Column("phone", Text),
        Column("email", Text),
        Column("valid_from", Text),
        Column("valid_to", Text),
        ForeignKeyConstraint(["party"], ["party.party"], name="fk_contact_party"),
        PrimaryKeyConstraint("key", name="pk_contact"),
    )
    op.create_index("ix_contact_party", "contact", ["party"])


def _create_systems() -> None:
    """Through which systems."""
    op.create_table(
        "system",
        Column("system_id", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("vendor_cvr", Text, nullable=False),
        PrimaryKeyConstraint("system_id", name="pk_system"),
    )
    op.create_index("ix_system_vendor_cvr", "system", ["vendor_cvr"])
    op.create_table(
        "system_certificate",
        Column("fingerprint", Text, nullable=False),
        Column("system_id", Text, nullable=False),
        Column("der", LargeBinary, nullable=False),
        Column("valid_from", BigInteger, nullable=False),
        Column("valid_until", BigInteger),
        ForeignKeyConstraint(["system_id"], ["system.system_id"], name="fk_system_certificate_system_id"),
        PrimaryKeyConstraint("fingerprint", name="pk_system_certificate"),
    )
    op.create_index("ix_system_certificate_system_id", "system_certificate", ["system_id"])
    op.create_table(
        "route",
        Column("key", _KEY, nullable=False),
        Column("party", Text, nullable=False),
        Column("system_id", Text, nullable=False),
        Column("kind", Text),
        Column("role", Text),
        ForeignKeyConstraint(["party"], ["party.party"], name="fk_route_party"),
        ForeignKeyConstraint(["system_id"], ["system.system_id"], name="fk_route_system_id"),
        PrimaryKeyConstraint("key", name="pk_route"),
    )
    op.create_index("ix_route_party", "route", ["party"])
    op.create_table(
        "mandate",
        Column("mandate_id", Text, nullable=False),
        Column("system_id", Text, nullable=False),
        Column("party", Text, nullable=False),
        Column("operations", Text, nullable=False),
        Column("kinds", Text, nullable=False),
        Column("valid_from", BigInteger, nullable=False),
        Column("valid_until", BigInteger),
        Column("approved_by", Text, nullable=False),
        ForeignKeyConstraint(["party"], ["party.party"], name="fk_mandate_party"),
        ForeignKeyConstraint(["system_id"], ["system.system_id"], name="fk_mandate_system_id"),
        PrimaryKeyConstraint("mandate_id", name="pk_mandate"),
    )
    op.create_index("ix_mandate_party", "mandate", ["party"])
    op.create_index("ix_mandate_system_id", "mandate", ["system_id", "party"])


def _create_documents() -> None:
    """What was accepted."""
    op.create_table(
        "document",
        Column("key", _KEY, nullable=False),
        Column("document_id", Text, nullable=False),
        Column("sender", Text, nullable=False),
        Column("recipient", Text, nullable=False),
        Column("conversation_id", Text, nullable=False),
        Column("kind", Text, nullable=False),
        Column("content_digest", LargeBinary, nullable=False),
        Column("sealed_digest", LargeBinary, nullable=False),
        Column("sealed_blob", Text, nullable=False),
        Column("sealed_by", Text, nullable=False),
        Column("reply_to", Text),
        Column("reply_due", Text),
        Column("subject_protected", Integer, nullable=False),
        Column("attention", Text, nullable=False),
        Column("attachment_count", Integer, nullable=False),
        Column("accepted_at", BigInteger, nullable=False),
        Column("acceptance_evidence_id", Text, nullable=False),
        Column("system_id", Text, nullable=False),
        Column("request_digest", LargeBinary, nullable=False),
        Column("request_blob", Text),
        Column("certificate_names", Text, nullable=False),
        Column("revocation_names", Text, nullable=False),
        PrimaryKeyConstraint("key", name="pk_document"),
        UniqueConstraint("document_id", "sender", name="uq_document_document_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_document_conversation_id", "document", ["conversation_id"])
    op.create_table(
        "part",
        Column("document_key", BigInteger, autoincrement=False, nullable=False),
        Column("number", Integer, autoincrement=False, nullable=False),
        Column("blob", Text, nullable=False),
        Column("size", BigInteger, nullable=False),
        Column("sha256", LargeBinary, nullable=False),
        ForeignKeyConstraint(["document_key"], ["document.key"], name="fk_part_document_key"),
        PrimaryKeyConstraint("document_key", "number", name="pk_part"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "data_key",
        Column("document_key", BigInteger, autoincrement=False, nullable=False),
        Column("party", Text, nullable=False),
        Column("wrapped_key", LargeBinary, nullable=False),
        ForeignKeyConstraint(["document_key"], ["document.key"], name="fk_data_key_document_key"),
        PrimaryKeyConstraint("document_key", "party", name="pk_data_key"),
        sqlite_with_rowid=False,
    )


def _create_contents() -> None:
    """Certificates, revocation lists and ciphertexts."""
    op.create_table(
        "validation_material",
        Column("name", Text, nullable=False),
        Column("octets", LargeBinary, nullable=False),
        PrimaryKeyConstraint("name", name="pk_validation_material"),
    )
    op.create_table(
        "blob",
        Column("name", Text, nullable=False),
        Column("size", BigInteger, nullable=False),
        Column("octets", LargeBinary),
        PrimaryKeyConstraint("name", name="pk_blob"),
    )


def _create_deliveries() -> None:
    """What lies in the inboxes."""
    op.create_table(
        "delivery",
        Column("inbox_seq", _KEY, nullable=False),
        Column("document_key", BigInteger, nullable=False),
        Column("recipient", Text, nullable=False),
        Column("available_at", BigInteger, nullable=False),
        Column("handed_over_at", BigInteger),
        Column("read_at", BigInteger),
        ForeignKeyConstraint(["document_key"], ["document.key"], name="fk_delivery_document_key"),
        PrimaryKeyConstraint("inbox_seq", name="pk_delivery"),
        UniqueConstraint("document_key", name="uq_delivery_document_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_delivery_recipient", "delivery", ["recipient", "inbox_seq"])
    op.create_index(
        "ix_delivery_unread",
        "delivery",
        ["recipient", "inbox_seq"],
        sqlite_where=text("read_at IS NULL"),
        postgresql_where=text("read_at IS NULL"),
    )
    op.create_table(
        "handover",
        Column("document_key", BigInteger, autoincrement=False, nullable=False),
        Column("system_id", Text, nullable=False),
        Column("at", BigInteger, nullable=False),
        Column("evidence_id", Text, nullable=False),
        ForeignKeyConstraint(["document_key"], ["document.key"], name="fk_handover_document_key"),
        PrimaryKeyConstraint("document_key", "system_id", name="pk_handover"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "inbox_mark",
        Column("party", Text, nullable=False),
        Column("system_id", Text, nullable=False),
        Column("through_seq", BigInteger, nullable=False),
        PrimaryKeyConstraint("party", "system_id", name="pk_inbox_mark"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "reading",
        Column("document_key", BigInteger, autoincrement=False, nullable=False),
        Column("role", Text, nullable=False),
        Column("at", BigInteger, nullable=False),
        Column("system_id", Text, nullable=False),
        Column("reader_name", LargeBinary),
        Column("request_digest", LargeBinary, nullable=False),
        Column("request_blob", Text),
        Column("evidence_id", Text, nullable=False),
        ForeignKeyConstraint(["document_key"], ["document.key"], name="fk_reading_document_key"),
        PrimaryKeyConstraint("document_key", "role", name="pk_reading"),
        sqlite_with_rowid=False,
    )


def _create_events() -> None:
    """What happened, and its evidence."""
    op.create_table(
        "event",
        Column("seq", _KEY, nullable=False),
        Column("event_id", Text, nullable=False),
        Column("document_key", BigInteger, nullable=False),
        Column("party", Text, nullable=False),
        Column("kind", Text, nullable=False),
        Column("at", BigInteger, nullable=False),
        Column("standing", Text, nullable=False),
        Column("issuer", Text, nullable=False),
        Column("evidence_id", Text),
        Column("reasons", Text, nullable=False),
        Column("answer", Text),
        ForeignKeyConstraint(["document_key"], ["document.key"], name="fk_event_document_key"),
        PrimaryKeyConstraint("seq", name="pk_event"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_event_document_key", "event", ["document_key", "party"])
    op.create_index("ix_event_party", "event", ["party", "seq"])
    op.create_table(
        "evidence",
        Column("key", _KEY, nullable=False),
        Column("evidence_id", Text, nullable=False),
        Column("document_key", BigInteger),
        Column("event", Text, nullable=False),
        Column("at", BigInteger, nullable=False),
        Column("octets", LargeBinary, nullable=False),
        Column("log_party", Text, nullable=False),
        Column("log_entry_id", Text, nullable=False),
        ForeignKeyConstraint(["document_key"], ["document.key"], name="fk_evidence_document_key"),
        PrimaryKeyConstraint("key", name="pk_evidence"),
        UniqueConstraint("evidence_id", name="uq_evidence_evidence_id"),
    )
    op.create_index("ix_evidence_document_key", "evidence", ["document_key"])


def _create_tasks() -> None:
    """What is still to do."""
    op.create_table(
        "outbox",
        Column("id", _KEY, nullable=False),
        Column("task", Text, nullable=False),
        Column("document_key", BigInteger, nullable=False),
        Column("due_at", BigInteger, nullable=False),
        Column("attempts", Integer, nullable=False),
        Column("leased_until", BigInteger),
        Column("leased_by", Text),
        Column("parked_at", BigInteger),
        Column("last_code", Text),
        ForeignKeyConstraint(["document_key"], ["document.key"], name="fk_outbox_document_key"),
        PrimaryKeyConstraint("id", name="pk_outbox"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_outbox_due_at",
        "outbox",
        ["due_at"],
        sqlite_where=text("parked_at IS NULL"),
        postgresql_where=text("parked_at IS NULL"),
    )
    op.create_table(
        "deadline",
        Column("id", _KEY, nullable=False),
        Column("document_key", BigInteger, nullable=False),
        Column("kind", Text, nullable=False),
        Column("opened_at", BigInteger, nullable=False),
        Column("warn_at", BigInteger, nullable=False),
        Column("due_at", BigInteger, nullable=False),
        Column("next_at", BigInteger),
        Column("warned_at", BigInteger),
        Column("fired_at", BigInteger),
        Column("cancelled_at", BigInteger),
        ForeignKeyConstraint(["document_key"], ["document.key"], name="fk_deadline_document_key"),
        PrimaryKeyConstraint("id", name="pk_deadline"),
    )
    op.create_index("ix_deadline_document_key", "deadline", ["document_key"])
    op.create_index(
        "ix_deadline_next_at",
        "deadline",
        ["next_at"],
        sqlite_where=text("next_at IS NOT NULL"),
        postgresql_where=text("next_at IS NOT NULL"),
    )


def _create_logs() -> None:
    """The disclosure logs."""
    op.create_table(
        "log",
        Column("key", _KEY, nullable=False),
        Column("party", Text, nullable=False),
        Column("origin", Text, nullable=False),
        Column("size", BigInteger, nullable=False),
        Column("frontier", LargeBinary, nullable=False),
        Column("checkpoint_size", BigInteger, nullable=False),
        Column("checkpoint_at", BigInteger, nullable=False),
        PrimaryKeyConstraint("key", name="pk_log"),
        UniqueConstraint("origin", name="uq_log_origin"),
        UniqueConstraint("party", name="uq_log_party"),
    )
    op.create_table(
        "log_entry",
        Column("key", _KEY, nullable=False),
        Column("log_key", BigInteger, nullable=False),
        Column("seq", BigInteger, nullable=False),
        Column("entry_id", Text, nullable=False),
        Column("leaf_hash", LargeBinary, nullable=False),
        Column("octets", LargeBinary, nullable=False),
        ForeignKeyConstraint(["log_key"], ["log.key"], name="fk_log_entry_log_key"),
        PrimaryKeyConstraint("key", name="pk_log_entry"),
        UniqueConstraint("entry_id", name="uq_log_entry_entry_id"),
        UniqueConstraint("log_key", "seq", name="uq_log_entry_log_key"),
    )
    op.create_table(
        "log_node",
        Column("log_key", BigInteger, autoincrement=False, nullable=False),
        Column("level", Integer, autoincrement=False, nullable=False),
        Column("place", BigInteger, autoincrement=False, nullable=False),
        Column("octets", LargeBinary, nullable=False),
        ForeignKeyConstraint(["log_key"], ["log.key"], name="fk_log_node_log_key"),
        PrimaryKeyConstraint("log_key", "level", "place", name="pk_log_node"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "log_checkpoint",
        Column("log_key", BigInteger, autoincrement=False, nullable=False),
        Column("size", BigInteger, autoincrement=False, nullable=False),
        Column("note", Text, nullable=False),
        Column("at", BigInteger, nullable=False),
        ForeignKeyConstraint(["log_key"], ["log.key"], name="fk_log_checkpoint_log_key"),
        PrimaryKeyConstraint("log_key", "size", name="pk_log_checkpoint"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "opening",
        Column("entry_id", Text, nullable=False),
        Column("wrapped_key", LargeBinary, nullable=False),
        Column("ciphertext", LargeBinary, nullable=False),
        PrimaryKeyConstraint("entry_id", name="pk_opening"),
    )


def _create_requests() -> None:
    """What is kept of requests."""
    op.create_table(
        "replay",
        Column("key", LargeBinary, nullable=False),
        Column("expires_at", BigInteger, nullable=False),
        PrimaryKeyConstraint("key", name="pk_replay"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_replay_expires_at", "replay", ["expires_at"])
    op.create_table(
        "refusal",
        Column("key", _KEY, nullable=False),
        Column("refusal_id", Text, nullable=False),
        Column("at", BigInteger, nullable=False),
        Column("system_id", Text, nullable=False),
        Column("party", Text),
        Column("message_id", Text),
        Column("request_digest", LargeBinary, nullable=False),
        Column("code", Text, nullable=False),
        Column("evidence", LargeBinary),
        PrimaryKeyConstraint("key", name="pk_refusal"),
        UniqueConstraint("refusal_id", name="uq_refusal_refusal_id"),
    )

"""Withdrawals, and events that point to another document.

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
)

revision: Final = "0002"
down_revision: Final = "0001"


def upgrade() -> None:
    """Create the table of withdrawals, and give events a column."""
    op.create_table(
        "withdrawal",
        Column("document_key", BigInteger, nullable=False),
        Column("at", BigInteger, nullable=False),
        Column("reason", Text, nullable=False),
        Column("content_removed", Integer, nullable=False),
        Column("evidence_id", Text, nullable=False),
        Column("system_id", Text, nullable=False),
        Column("request_blob", Text),
        Column("wrapped_key", LargeBinary),
        PrimaryKeyConstraint("document_key", name="pk_withdrawal"),
        ForeignKeyConstraint(["document_key"], ["document.key"], name="fk_withdrawal_document_key"),
        sqlite_with_rowid=False,
    )
    op.add_column("event", Column("related_document_id", Text))

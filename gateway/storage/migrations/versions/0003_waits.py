"""What waits need to know: who fetched, what a withdrawal wants, which agreement, and which events point to a document.

Columns and an index are added, and nothing else changes its meaning: a process of the version before may go on beside.
What it reads as a wait for an answer is, of a withdrawn document, the wait for the word that its copy is deleted.

This file is history: it is never changed once it has been released, even when the tables are.
"""

from __future__ import annotations

from typing import Final

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, Text, text

revision: Final = "0003"
down_revision: Final = "0002"


def upgrade() -> None:
    """Add the columns and the index, and mark the waits that are about a deletion."""
    op.add_column("document", Column("agreement_id", Text))
    op.add_column("delivery", Column("fetched_at", BigInteger))
    op.add_column("withdrawal", Column("deletion_wanted", Integer))
    op.add_column("deadline", Column("of_deletion", Integer))
    is_given = text("related_document_id IS NOT NULL")
    op.create_index(
        "ix_event_related_document_id",
        "event",
        ["related_document_id"],
        sqlite_where=is_given,
        postgresql_where=is_given,
    )
    op.execute(
        "UPDATE deadline SET of_deletion = 1 WHERE kind = 'ANSWER' AND cancelled_at IS NULL AND opened_at >="
        " (SELECT at FROM withdrawal WHERE withdrawal.document_key = deadline.document_key)"
    )

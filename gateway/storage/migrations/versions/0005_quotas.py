"""Quotas of systems, and what each has sent in a day.

Additive: a gateway of the version before goes on beside; what it accepts is not counted.

This file is history: it is never changed once it has been released, even when the tables are.
"""

from __future__ import annotations

from typing import Final

from alembic import op
from sqlalchemy import BigInteger, Column, ForeignKeyConstraint, PrimaryKeyConstraint, Text

revision: Final = "0005"
down_revision: Final = "0003"


def upgrade() -> None:
    """Create both tables."""
    op.create_table(
        "system_quota",
        Column("system_id", Text, nullable=False),
        Column("requests_per_minute", BigInteger),
        Column("documents_per_day", BigInteger),
        Column("megabytes_per_day", BigInteger),
        PrimaryKeyConstraint("system_id", name="pk_system_quota"),
        ForeignKeyConstraint(["system_id"], ["system.system_id"], name="fk_system_quota_system_id"),
    )
    op.create_table(
        "sent",
        Column("system_id", Text, nullable=False),
        Column("day", Text, nullable=False),
        Column("party", Text, nullable=False),
        Column("documents", BigInteger, nullable=False),
        Column("octets", BigInteger, nullable=False),
        PrimaryKeyConstraint("system_id", "day", "party", name="pk_sent"),
        sqlite_with_rowid=False,
    )

"""The tables: what all of them share, and those of parties, systems and mandates.

Times are milliseconds since 1970 UTC, days and identifiers are text, digests are octets: see `columns`.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, MetaData, Table, Text

METADATA: Final = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)


def increasing_key(name: str) -> Column[int]:
    """A key that the database gives, increasing with every row. With `sqlite_autoincrement` never given twice."""
    return Column(name, BigInteger().with_variant(Integer, "sqlite"), primary_key=True)


# What holds for the whole installation.
configuration = Table(
    "configuration",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    sqlite_with_rowid=False,
)

party = Table(
    "party",
    METADATA,
    Column("party", Text, primary_key=True),
    Column("cvr", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("folded_name", Text, nullable=False),  # for searching in any case
    Column("p_number", Text),
    Column("receives", Text, nullable=False),  # kinds
    Column("gateway_may_seal", Integer, nullable=False),  # 1: yes
    Column("cooperation_decided", Integer, nullable=False),  # 1: yes
    Column("closing_days", Text, nullable=False),  # days, ISO 8601
    Index("ix_party_cvr", "cvr"),
)

contact = Table(
    "contact",
    METADATA,
    increasing_key("key"),
    Column("party", Text, ForeignKey("party.party"), nullable=False),
    Column("role", Text, nullable=False),
    Column("name", Text),
    Column("unit", Text),
    Column("phone", Text),
    Column("email", Text),
    Column("valid_from", Text),  # days, ISO 8601
    Column("valid_to", Text),
    Index("ix_contact_party", "party"),
)

system = Table(
    "system",
    METADATA,
    Column("system_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("vendor_cvr", Text, nullable=False),
    Index("ix_system_vendor_cvr", "vendor_cvr"),
)

system_certificate = Table(
    "system_certificate",
    METADATA,
    Column("fingerprint", Text, primary_key=True),  # so that a certificate names one system
    Column("system_id", Text, ForeignKey("system.system_id"), nullable=False),
    Column("der", LargeBinary, nullable=False),
    Column("valid_from", BigInteger, nullable=False),
    Column("valid_until", BigInteger),
    # What a message may name it by that does not carry it.
    Column("serial_number", Text),  # hexadecimal
    Column("subject_key", LargeBinary),  # identifier; NULL: it has none
    Column("sha1", LargeBinary),  # of the DER
    Index("ix_system_certificate_system_id", "system_id"),
    Index("ix_system_certificate_serial_number", "serial_number"),
    Index("ix_system_certificate_subject_key", "subject_key"),
    Index("ix_system_certificate_sha1", "sha1"),
)

# What the operator has set for one system; NULL: what the settings say.
system_quota = Table(
    "system_quota",
    METADATA,
    Column("system_id", Text, ForeignKey("system.system_id"), primary_key=True),
    Column("requests_per_minute", BigInteger),
    Column("documents_per_day", BigInteger),
    Column("megabytes_per_day", BigInteger),
)

# What a system has sent for a party on a day, counted against its quota; days that are over go.
sent = Table(
    "sent",
    METADATA,
    Column("system_id", Text, primary_key=True),
    Column("day", Text, primary_key=True),  # Danish, ISO 8601
    Column("party", Text, primary_key=True),
    Column("documents", BigInteger, nullable=False),
    Column("octets", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

route = Table(
    "route",
    METADATA,
    increasing_key("key"),
    Column("party", Text, ForeignKey("party.party"), nullable=False),
    Column("system_id", Text, ForeignKey("system.system_id"), nullable=False),
    Column("kind", Text),  # NULL: every kind
    Column("role", Text),  # NULL: every role
    Index("ix_route_party", "party"),
)

mandate = Table(
    "mandate",
    METADATA,
    Column("mandate_id", Text, primary_key=True),
    Column("system_id", Text, ForeignKey("system.system_id"), nullable=False),
    Column("party", Text, ForeignKey("party.party"), nullable=False),
    Column("operations", Text, nullable=False),
    Column("kinds", Text, nullable=False),
    Column("valid_from", BigInteger, nullable=False),
    Column("valid_until", BigInteger),
    Column("approved_by", Text, nullable=False),
    Index("ix_mandate_system_id", "system_id", "party"),
    Index("ix_mandate_party", "party"),
)

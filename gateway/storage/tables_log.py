"""The tables of the disclosure log, of replay protection and of refusals: what is written for every request."""

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
)

from gateway.storage.tables import METADATA, increasing_key

# One log a party, with what an append and the next checkpoint need to know of it.
log = Table(
    "log",
    METADATA,
    increasing_key("key"),
    Column("party", Text, nullable=False, unique=True),
    Column("origin", Text, nullable=False, unique=True),
    Column("size", BigInteger, nullable=False),
    Column("frontier", LargeBinary, nullable=False),  # the roots of the complete subtrees, 32 octets each
    Column("checkpoint_size", BigInteger, nullable=False),  # of the latest checkpoint; 0: none yet
    Column("checkpoint_at", BigInteger, nullable=False),
)

log_entry = Table(
    "log_entry",
    METADATA,
    increasing_key("key"),
    Column("log_key", BigInteger, ForeignKey("log.key"), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("entry_id", Text, nullable=False, unique=True),
    Column("leaf_hash", LargeBinary, nullable=False),
    Column("octets", LargeBinary, nullable=False),
    UniqueConstraint("log_key", "seq"),
)

# The roots of complete subtrees of 256**level leaves, from which proofs are made. Level 0 is log_entry.leaf_hash.
log_node = Table(
    "log_node",
    METADATA,
    Column("log_key", BigInteger, ForeignKey("log.key"), primary_key=True, autoincrement=False),
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("place", BigInteger, primary_key=True, autoincrement=False),
    Column("octets", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

log_checkpoint = Table(
    "log_checkpoint",
    METADATA,
    Column("log_key", BigInteger, ForeignKey("log.key"), primary_key=True, autoincrement=False),
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("note", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# What a log entry commits to; erased with its key, while the entry stays.
opening = Table(
    "opening",
    METADATA,
    Column("entry_id", Text, primary_key=True),
    Column("wrapped_key", LargeBinary, nullable=False),
    Column("ciphertext", LargeBinary, nullable=False),
)

replay = Table(
    "replay",
    METADATA,
    Column("key", LargeBinary, primary_key=True),
    Column("expires_at", BigInteger, nullable=False),
    Index("ix_replay_expires_at", "expires_at"),
    sqlite_with_rowid=False,
)

refusal = Table(
    "refusal",
    METADATA,
    increasing_key("key"),
    Column("refusal_id", Text, nullable=False, unique=True),
    Column("at", BigInteger, nullable=False),
    Column("system_id", Text, nullable=False),
    Column("party", Text),
    Column("message_id", Text),
    Column("request_digest", LargeBinary, nullable=False),
    Column("code", Text, nullable=False),
    Column("evidence", LargeBinary),
)

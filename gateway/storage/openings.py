"""Openings: what log entries commit to, encrypted, a key each, and erasable while the entries stay."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, insert, select

from gateway.domain.identifiers import Uuid4
from gateway.storage.prepared import Prepared
from gateway.storage.tables_log import opening


@dataclass(frozen=True, slots=True)
class Opening:
    """The encrypted salts and values of one entry, and their key, wrapped for the party of the log."""

    entry_id: Uuid4
    wrapped_key: bytes
    ciphertext: bytes


_PUT = Prepared(insert(opening), "entry_id", "wrapped_key", "ciphertext")
_FIND = Prepared(
    select(opening.c.wrapped_key, opening.c.ciphertext).where(opening.c.entry_id == bindparam("entry_id")),
    "entry_id",
)

_ERASE = Prepared(delete(opening).where(opening.c.entry_id == bindparam("entry_id")), "entry_id")


def put_openings(connection: Connection, *openings: Opening) -> None:
    """Store openings, in the transaction that appends their entries."""
    _PUT.run_many(connection, [(each.entry_id.text, each.wrapped_key, each.ciphertext) for each in openings])


def find_opening(connection: Connection, entry_id: Uuid4) -> Opening | None:
    """The opening of an entry, or None if it has none or was erased."""
    row = _FIND.one(connection, entry_id.text)
    return None if row is None else Opening(entry_id, row[0], row[1])


def erase_opening(connection: Connection, entry_id: Uuid4) -> None:
    """Forget what an entry commits to, in the transaction that appends the ERASE entry which names it."""
    _ERASE.run(connection, entry_id.text)

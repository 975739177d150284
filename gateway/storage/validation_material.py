"""Certificates and revocation lists of a time, kept once each, so that signatures can be judged years later."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from typing import cast

from sqlalchemy import Connection, bindparam, insert, select

from gateway.domain.catalogue import Code
from gateway.domain.errors import InternalError
from gateway.storage.exclusion import wait_for
from gateway.storage.prepared import Prepared
from gateway.storage.tables_documents import validation_material as table

_KEEP = Prepared(insert(table), "name", "octets")
_IS_KEPT = Prepared(select(table.c.name).where(table.c.name == bindparam("name")), "name")
_OCTETS = Prepared(select(table.c.octets).where(table.c.name == bindparam("name")), "name")


@lru_cache(maxsize=32)  # a large list is hashed once, and not for every document
def name_of(octets: bytes) -> str:
    """The name that certificates and revocation lists are kept under: the SHA-256 of their DER in hexadecimal."""
    return hashlib.sha256(octets).hexdigest()


def keep(connection: Connection, octets: bytes) -> str:
    """Keep a certificate or revocation list (DER) unless it is kept already, and give its name."""
    name = name_of(octets)
    if _IS_KEPT.one(connection, name) is None:
        wait_for(connection, table.name)  # documents of all parties share what is kept
        if _IS_KEPT.one(connection, name) is None:
            _KEEP.run(connection, name, octets)
    return name


def kept(connection: Connection, names: Sequence[str]) -> tuple[bytes, ...]:
    """The octets (DER) of these names, in their order. InternalError STORED_DATA_ALTERED if one is missing."""
    found = [_OCTETS.one(connection, name) for name in names]
    if None in found:
        raise InternalError(Code.STORED_DATA_ALTERED)
    return tuple(cast(tuple[bytes], row)[0] for row in found)

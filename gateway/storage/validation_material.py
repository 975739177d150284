"""Certificates and revocation lists of a time, kept once each, so that signatures can be judged years later."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from functools import cache, lru_cache
from typing import cast

from sqlalchemy import Connection, bindparam, insert, select

from gateway.domain.catalogue import Code
from gateway.domain.errors import InternalError
from gateway.storage.exclusion import wait_for
from gateway.storage.prepared import Prepared
from gateway.storage.tables_documents import validation_material as table

_KEEP = Prepared(insert(table), "name", "octets")
_OCTETS = Prepared(select(table.c.octets).where(table.c.name == bindparam("name")), "name")


@lru_cache(maxsize=32)  # a large list is hashed once, and not for every document
def name_of(octets: bytes) -> str:
    """The name that certificates and revocation lists are kept under: the SHA-256 of their DER in hexadecimal."""
    return hashlib.sha256(octets).hexdigest()


def keep(connection: Connection, material: Sequence[bytes]) -> None:
    """Keep certificates and revocation lists (DER), those that are not kept already."""
    by_name = {name_of(octets): octets for octets in material}
    if by_name and _missing(connection, by_name):
        wait_for(connection, table.name)  # documents of all parties share what is kept
        _KEEP.run_many(connection, [(name, by_name[name]) for name in _missing(connection, by_name)])


def _missing(connection: Connection, names: Collection[str]) -> list[str]:
    kept_names = {name for (name,) in _are_kept(len(names)).all(connection, *names)}
    return [name for name in names if name not in kept_names]


@cache  # a document rests on a handful
def _are_kept(count: int) -> Prepared:
    names = [f"name_{number}" for number in range(count)]
    return Prepared(select(table.c.name).where(table.c.name.in_(map(bindparam, names))), *names)


def kept(connection: Connection, names: Sequence[str]) -> tuple[bytes, ...]:
    """The octets (DER) of these names, in their order. InternalError STORED_DATA_ALTERED if one is missing."""
    found = [_OCTETS.one(connection, name) for name in names]
    if None in found:
        raise InternalError(Code.STORED_DATA_ALTERED)
    return tuple(cast(tuple[bytes], row)[0] for row in found)

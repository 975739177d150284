"""Moving a store into another database: copied whole, proved sound there, and ended where it was."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError
from gateway.services.installation import Installation
from gateway.services.store_check import Checked, check_store
from gateway.storage.configuration import (
    SetAside,
    forget_unfinished,
    moved_to,
    note_moved,
    note_set_aside,
    set_aside,
)
from gateway.storage.copy import copy_rows, require_empty
from gateway.storage.database import Database


@dataclass(frozen=True)
class Moved:
    """What arrived."""

    rows: int
    tables: int
    checked: Checked


def move_store(installation: Installation, target: Database, address: str) -> Moved:
    """Copy the installation's database into an empty one at this address, which it is refused for from then on.

    All of it arrives, or nothing, and until it has, the new one is refused too (STORE_UNFINISHED). The old one is
    committed first: whoever is killed in between has a store that lives nowhere until the same is done again, and
    never one that lives twice. Errors as `copy_rows` and `check_store`; InputError DATABASE_IN_USE if others use the
    old one, STORE_MOVED if it went elsewhere.
    """
    source = installation.database
    with source.alone() as old, target.alone() as new:
        _require_here(old, address)
        forget_unfinished(new)
        require_empty(new)
        note_set_aside(new, SetAside.UNFINISHED)
    with target.alone(unhurried=True) as new, source.alone(unhurried=True) as old:
        source.require_unused(old)
        _require_here(old, address)
        forget_unfinished(new)
        counts = copy_rows(old, new)
        note_moved(new, None)
        note_set_aside(new, set_aside(old))
        checked = check_store(installation, new)
        source.require_unused(old)  # nor has anybody begun meanwhile, who would go on writing here
        note_moved(old, address)
    return Moved(sum(counts.values()), len(counts), checked)


def _require_here(connection: Connection, address: str) -> None:
    """Refuse a store that lives elsewhere than at the address that it is to be moved to."""
    elsewhere = moved_to(connection)
    if elsewhere not in (None, address):
        raise InputError(Code.STORE_MOVED, address=elsewhere)

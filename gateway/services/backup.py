"""A backup of the store: the database as it is at one moment, and the contents that are files. The keys go apart.

What is restored from it refuses to serve until it was held against what is known outside: see `restoring`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.domain.catalogue import Code
from gateway.domain.errors import BropostError, InputError, UnavailableError
from gateway.services.installation import Installation
from gateway.storage.blobs import Copied
from gateway.storage.configuration import SetAside, note_set_aside, set_aside
from gateway.storage.database import Database
from gateway.storage.log import log_heads

DATABASE: Final = "bropost.db"
BLOBS: Final = "blobs"


@dataclass(frozen=True)
class BackedUp:
    """What a backup holds."""

    logs: dict[str, int]  # the size of each log, by party
    contents: Copied
    lost: tuple[str, ...]  # of the contents that are missing, those that the store knows still


def back_up(installation: Installation, folder: Path) -> BackedUp:
    """Write a backup of the store into a folder, while the gateway goes on; an earlier one there is replaced.

    The database comes first: a file that only a later document knows is harmless. One that is missing was removed
    meanwhile, or it is lost: then the store itself, which is asked last, knows it still. InputError ARGUMENT_INVALID if
    the database is a server's, or if a store that is no backup is in the folder: that may be the one in use.
    UnavailableError STORE_UNAVAILABLE if the folder cannot be written.
    """
    unfinished, finished = folder / f"unfinished-{DATABASE}", folder / DATABASE
    try:
        _require_no_store(installation, folder)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for left in folder.glob(f"{unfinished.name}*"):  # by a backup that was killed
            left.unlink()
        unfinished.touch(mode=0o600)
        installation.database.copy_to(unfinished)
        copied = Database.open(f"sqlite:///{unfinished}", busy_seconds=0)
        copied.on_commit = installation.database.on_commit
        try:
            with copied.alone() as connection:
                note_set_aside(connection, SetAside.RESTORED)
                logs = {str(head.party): head.size for head in log_heads(connection)}
            with copied.alone() as connection:
                contents = installation.blobs.copy_to(connection, folder / BLOBS)
        finally:
            copied.close()
        installation.blobs.name_copy(unfinished, finished)
    except OSError as error:
        raise UnavailableError(Code.STORE_UNAVAILABLE) from error
    with installation.database.read() as connection:
        lost = installation.blobs.known(connection, contents.missing)
    return BackedUp(logs, contents, lost)


def _require_no_store(installation: Installation, folder: Path) -> None:
    """Refuse a folder in which a store lives: neither its database nor its contents may be written over."""
    database, contents = folder / DATABASE, folder / BLOBS
    if database.exists() and not _is_backup(database):
        raise InputError(Code.ARGUMENT_INVALID, what="a store that is no backup is in the folder")
    if installation.blobs.is_in(contents):
        raise InputError(Code.ARGUMENT_INVALID, what="a store that is no backup is in the folder")


def _is_backup(database: Path) -> bool:
    """Whether the file is a database that a backup left: it says that it comes from one."""
    opened = Database.open(f"sqlite:///{database}", busy_seconds=0)
    try:
        with opened.read() as connection:
            return set_aside(connection) is SetAside.RESTORED
    except BropostError:
        return False  # whatever it is, it is not ours to replace
    finally:
        opened.close()

"""A backup of the store: the database as it is at one moment, and the contents that are files. The keys go apart.

What is restored from it refuses to serve until it was held against what is known outside: see `restoring`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.domain.catalogue import Code
from gateway.domain.errors import UnavailableError
from gateway.services.installation import Installation
from gateway.storage.blobs import Copied, sync_folder
from gateway.storage.configuration import SetAside, note_set_aside
from gateway.storage.database import Database
from gateway.storage.log import log_heads

DATABASE: Final = "bropost.db"
BLOBS: Final = "blobs"


@dataclass(frozen=True)
class BackedUp:
    """What a backup holds."""

    logs: dict[str, int]  # the size of each log, by party
    contents: Copied


def back_up(installation: Installation, folder: Path) -> BackedUp:
    """Write a backup of the store into a folder, while the gateway goes on; an earlier one there is replaced.

    The database comes first: a file that only a later document knows is harmless. InputError ARGUMENT_INVALID if the
    database is a server's, UnavailableError STORE_UNAVAILABLE if the folder cannot be written.
    """
    unfinished, finished = folder / f"unfinished-{DATABASE}", folder / DATABASE
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for left in folder.glob(f"{unfinished.name}*"):  # by a backup that was killed
            left.unlink()
        unfinished.touch(mode=0o600)
        installation.database.copy_to(unfinished)
        copied = Database.open(f"sqlite:///{unfinished}", busy_seconds=0)
        try:
            with copied.alone() as connection:
                note_set_aside(connection, SetAside.RESTORED)
                logs = {str(head.party): head.size for head in log_heads(connection)}
            with copied.alone() as connection:
                contents = installation.blobs.copy_to(connection, folder / BLOBS)
        finally:
            copied.close()
        unfinished.rename(finished)
        sync_folder(folder)
    except OSError as error:
        raise UnavailableError(Code.STORE_UNAVAILABLE) from error
    return BackedUp(logs, contents)

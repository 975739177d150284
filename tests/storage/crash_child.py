"""A process that accepts one document and kills itself at a given moment: see test_crash."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Final

from blake3 import blake3
from sqlalchemy import Connection

from gateway.domain.disclosure import LogOrigin
from gateway.domain.identifiers import Uuid4
from gateway.storage import documents, log, outbox, replay
from gateway.storage.blobs import INLINE_OCTETS, Blobs
from gateway.storage.database import Database
from gateway.storage.documents import PartRow
from tests.storage.samples import MINUTE, MUNICIPALITY, NOON, digest, new_document

CIPHERTEXT: Final = b"c" * (INLINE_OCTETS + 1)
NAME: Final = blake3(CIPHERTEXT).hexdigest()


def accept(connection: Connection, blobs: Blobs, ciphertext: bytes) -> None:
    """Write a document with all that belongs to it."""
    name = blobs.put(connection, ciphertext)
    key = documents.insert_document(
        connection, replace(new_document(), sealed_blob=name), [PartRow(1, name, 1, digest("part"))]
    )
    outbox.enqueue(connection, "DISPATCH", [key], NOON)
    replay.remember(connection, [digest(name)], NOON + 30 * MINUTE)
    log.append(connection, MUNICIPALITY, log.NewEntry(Uuid4.new(), b"{}"))


def main() -> None:
    """Open a log, then accept a document and die on the way."""
    url, folder, moment = sys.argv[1:]
    event, when = moment.split()
    database = Database.open(url, busy_seconds=1)
    blobs = Blobs(Path(folder))
    with database.alone() as connection:
        log.open_log(connection, LogOrigin(Uuid4.new(), MUNICIPALITY))

    def die(now: str) -> None:
        if now == when:
            os.kill(os.getpid(), signal.SIGKILL)

    (blobs.on_rename if event == "rename" else database.on_commit).append(die)
    with database.alone() as connection:
        accept(connection, blobs, CIPHERTEXT)


if __name__ == "__main__":
    main()

"""Files of contents that no row knows, which a crash or an undone transaction left: found bit by bit, and set aside.

Set aside, not deleted: a gateway that by mistake serves an older database finds every newer file unknown. For a week
they lie in a folder of their own, from which whoever asks for one by its row gets it back; then they are deleted.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, select

from gateway.storage.blobs import ORPHAN_AGE, Blobs
from gateway.storage.tables_documents import blob

KEPT_ASIDE: Final = timedelta(days=7)  # long enough to notice that the wrong database is served
BATCH: Final = 500  # files in one look, which takes some milliseconds


def staged(blobs: Blobs, now: datetime) -> list[str]:
    """The next contents that this process put on disk an hour ago: most have their rows since."""
    names: list[str] = []
    while blobs.staged and len(names) < BATCH:
        written = _written_at(blobs.path(blobs.staged[0]))
        if written is not None and written >= now - ORPHAN_AGE:
            break  # and those behind it are younger
        names.append(blobs.staged.popleft())
    return names


def walk(blobs: Blobs, now: datetime) -> Iterator[list[str]]:
    """All contents on disk that are older than an hour, some at a time; half-written files are deleted on the way."""
    for path in blobs.unfinished():
        if _is_older(path, now - ORPHAN_AGE):
            path.unlink(missing_ok=True)
    for paths in _batches(blobs.files()):
        yield [path.name for path in paths if _is_older(path, now - ORPHAN_AGE)]


def set_aside(connection: Connection, blobs: Blobs, names: Sequence[str], now: datetime) -> int:
    """Set those aside that no row knows; gives how many."""
    unknown = set(names) - _known(connection, names)
    for name in unknown:
        with suppress(FileNotFoundError):  # another process was faster
            aside = blobs.aside / name
            blobs.path(name).rename(aside)
            os.utime(aside, (now.timestamp(), now.timestamp()))
    return len(unknown)


def aside(blobs: Blobs) -> Iterator[list[str]]:
    """All files that were set aside, some at a time."""
    for paths in _batches(blobs.aside.iterdir()):
        yield [path.name for path in paths]


def look_aside(connection: Connection, blobs: Blobs, names: Sequence[str], now: datetime) -> None:
    """Put back what a row knows after all, and delete what has lain aside for a week."""
    known = _known(connection, names)
    for name in names:
        if name in known:
            blobs.put_back(name)
        elif _is_older(blobs.aside / name, now - KEPT_ASIDE):
            (blobs.aside / name).unlink(missing_ok=True)


def _batches(paths: Iterator[Path]) -> Iterator[Sequence[Path]]:
    while batch := list(islice(paths, BATCH)):
        yield batch


def _known(connection: Connection, names: Sequence[str]) -> set[str]:
    return set(connection.execute(select(blob.c.name).where(blob.c.name.in_(names))).scalars())


def _is_older(path: Path, than: datetime) -> bool:
    written = _written_at(path)
    return written is not None and written < than


def _written_at(path: Path) -> datetime | None:
    """When a file was last written, or None: it was discarded, or got its name, meanwhile."""
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except FileNotFoundError:
        return None

"""Ciphertexts: small ones in the database, large ones as files, named by the BLAKE3 digest of the ciphertext.

A file is on disk, with its name, before the row that says so can be committed. A crash in between leaves a file that
no row knows; `leftovers` finds it.
"""

from __future__ import annotations

import os
import secrets
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from pathlib import Path
from typing import Final

from blake3 import blake3
from sqlalchemy import Connection, bindparam, delete, insert, select

from gateway.domain.catalogue import Code
from gateway.domain.errors import InternalError, UnavailableError
from gateway.storage.prepared import Prepared
from gateway.storage.tables_documents import blob

INLINE_OCTETS: Final = 256 * 1024  # a 5 MB blob costs 1.6 times its file in SQLite
_UNFINISHED: Final = "unfinished-"
ORPHAN_AGE: Final = timedelta(hours=1)  # far longer than any transaction

_INSERT = Prepared(insert(blob), "name", "size", "octets")
_FIND = Prepared(select(blob.c.octets).where(blob.c.name == bindparam("name")), "name")
_REMOVE = Prepared(delete(blob).where(blob.c.name == bindparam("of_name")), "of_name")
_IN_FILES = Prepared(select(blob.c.name).where(blob.c.octets.is_(None)).order_by(blob.c.name))


@dataclass(frozen=True, slots=True)
class StagedBlob:
    """A ciphertext that is ready to be recorded: large ones are on disk already."""

    name: str
    size: int
    octets: bytes | None  # None: in a file


@dataclass(frozen=True, slots=True)
class Copied:
    """What a copy of the files has done."""

    files: int  # that were not there before
    missing: tuple[str, ...]  # names of files that are known and not there: removed meanwhile, or lost
    damaged: tuple[str, ...] = ()  # names of files that hold something else than what they stand for


class Blobs:
    """The ciphertexts of an installation: a table, and a folder for the large ones."""

    def __init__(self, folder: Path) -> None:
        """`folder` is made if there is none. UnavailableError STORE_UNAVAILABLE if it cannot be."""
        self.on_rename: list[Callable[[str], None]] = []
        """Called with "before" and "after" when a file gets its name, so that a test can end the process there."""
        self.staged: deque[str] = deque()
        """The files that this process wrote, the oldest first, until `leftovers.staged` takes them."""
        self.aside = folder / "removed"
        """Where `leftovers` puts the files that no row knows."""
        self._folder = folder
        try:
            self.aside.mkdir(mode=0o700, parents=True, exist_ok=True)
            sync_folder(folder.parent)
        except OSError as error:
            raise UnavailableError(Code.STORE_UNAVAILABLE) from error

    def stage(self, ciphertext: Iterable[bytes]) -> StagedBlob:
        """Make a ciphertext ready, before the transaction opens: a large one is written and synced to disk.

        It comes in pieces, of which a large one never has more than a few in memory. UnavailableError
        STORE_UNAVAILABLE if it cannot be written.
        """
        pieces, held, size = iter(ciphertext), list[bytes](), 0
        for piece in pieces:
            held.append(piece)
            size += len(piece)
            if size > INLINE_OCTETS:
                try:
                    return self._write(chain(held, pieces))
                except OSError as error:
                    raise UnavailableError(Code.STORE_UNAVAILABLE) from error
        octets = b"".join(held)
        return StagedBlob(blake3(octets).hexdigest(), size, octets)

    def record(self, connection: Connection, *staged: StagedBlob) -> None:
        """Make staged blobs part of the transaction.

        UnavailableError STORE_UNAVAILABLE if a file is gone: swept since it was staged, by a clock that ran ahead.
        """
        if not all(each.octets is not None or self._is_there(each.name) for each in staged):
            raise UnavailableError(Code.STORE_UNAVAILABLE)
        _INSERT.run_many(connection, [(each.name, each.size, each.octets) for each in staged])

    def put(self, connection: Connection, ciphertext: bytes) -> str:
        """Stage and record a ciphertext, and give its name; for large ones, `stage` before the transaction."""
        staged = self.stage([ciphertext])
        self.record(connection, staged)
        return staged.name

    def get(self, connection: Connection, name: str) -> bytes:
        """The ciphertext of this name.

        InternalError STORED_DATA_ALTERED if it is missing or not what was put, UnavailableError STORE_UNAVAILABLE if
        it cannot be read now.
        """
        row = _FIND.one(connection, name)
        if row is None:
            raise InternalError(Code.STORED_DATA_ALTERED)
        octets: bytes | None = row[0]
        if octets is None:
            octets = self._read(name)
        if blake3(octets).hexdigest() != name:
            raise InternalError(Code.STORED_DATA_ALTERED)
        return octets

    def remove(self, connection: Connection, names: Sequence[str]) -> None:
        """Take blobs out of the store, as part of the transaction; once it is committed, `discard` their files."""
        _REMOVE.run_many(connection, [(name,) for name in names])

    def discard(self, names: Iterable[str]) -> None:
        """Delete the files of removed blobs. One that cannot be deleted now `leftovers` finds later."""
        for name in names:
            with suppress(OSError):
                self.path(name).unlink(missing_ok=True)

    def files(self) -> Iterator[Path]:
        """The files of all contents, one after the other; what comes or goes meanwhile may be among them."""
        return self._folder.glob("??/??/*")

    def unfinished(self) -> Iterator[Path]:
        """The files that have no name yet, and those that a crash left so."""
        return self._folder.glob(f"{_UNFINISHED}*")

    def path(self, name: str) -> Path:
        """Where the file of a name is."""
        return self._folder / name[:2] / name[2:4] / name

    def put_back(self, name: str) -> bool:
        """Take a file back that was set aside. False if it was not."""
        try:
            (self.aside / name).rename(self.path(name))
        except FileNotFoundError:
            return False
        return True

    def known(self, connection: Connection, names: Iterable[str]) -> tuple[str, ...]:
        """Those of these names that the database knows, in their order."""
        return tuple(name for name in names if _FIND.one(connection, name) is not None)

    def is_in(self, folder: Path) -> bool:
        """Whether the files are in this folder."""
        return folder.exists() and folder.samefile(self._folder)

    def name_copy(self, unfinished: Path, finished: Path) -> None:
        """Give what was copied whole its name, on disk. OSError if that fails."""
        self._tell("before")
        unfinished.rename(finished)
        sync_folder(finished.parent)
        self._tell("after")

    def copy_to(self, connection: Connection, folder: Path) -> Copied:
        """Copy the files of all blobs that the database knows into another folder, those that are not there yet.

        The others stay there as they are: a name stands for one content. What a copy that was killed had begun there is
        removed. UnavailableError STORE_UNAVAILABLE if a file cannot be read or written.
        """
        there, copied = Blobs(folder), 0
        missing: list[str] = []
        damaged: list[str] = []
        there.on_rename = self.on_rename
        for left in there.unfinished():
            left.unlink(missing_ok=True)
        for (name,) in _IN_FILES.all(connection):
            try:
                if not self._is_there(name):
                    missing.append(name)
                elif there.path(name).exists():
                    continue
                elif blake3(octets := self.path(name).read_bytes()).hexdigest() == name:
                    there._write([octets])
                    copied += 1
                else:
                    damaged.append(name)
            except FileNotFoundError:  # removed at this moment
                missing.append(name)
            except OSError as error:
                raise UnavailableError(Code.STORE_UNAVAILABLE) from error
        return Copied(copied, tuple(missing), tuple(damaged))

    def _read(self, name: str) -> bytes:
        try:
            return self.path(name).read_bytes()
        except FileNotFoundError as error:
            if self.put_back(name):
                return self._read(name)
            raise InternalError(Code.STORED_DATA_ALTERED) from error
        except OSError as error:
            raise UnavailableError(Code.STORE_UNAVAILABLE) from error

    def _is_there(self, name: str) -> bool:
        """Whether the file of a name is there, or was until it was set aside."""
        return self.path(name).exists() or self.put_back(name)

    def _write(self, pieces: Iterable[bytes]) -> StagedBlob:
        """Write under another name, sync, rename, and sync the folders: the name never stands for half a file."""
        unfinished = self._folder / f"{_UNFINISHED}{secrets.token_hex(8)}"
        try:
            name, size = _write_file(unfinished, pieces)
            path = self.path(name)
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._tell("before")
            unfinished.rename(path)
        except OSError:
            unfinished.unlink(missing_ok=True)
            raise
        for folder in (
            path.parent,
            path.parent.parent,
            self._folder,
        ):  # the way to a new file is as durable as it
            sync_folder(folder)
        self._tell("after")
        self.staged.append(name)
        return StagedBlob(name, size, None)

    def _tell(self, moment: str) -> None:
        for listener in self.on_rename:
            listener(moment)


def _write_file(path: Path, pieces: Iterable[bytes]) -> tuple[str, int]:
    """Write the pieces to a new file, synced; give the digest that is its name and its size in octets."""
    digest, size = blake3(), 0
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb", buffering=0) as file:
        for piece in pieces:
            digest.update(piece)
            size += len(piece)
            view = memoryview(piece)
            while view:
                view = view[file.write(view) or 0 :]
        os.fsync(descriptor)
    return digest.hexdigest(), size


def sync_folder(folder: Path) -> None:
    """Let the names in a folder be on disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

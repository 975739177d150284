"""Blobs come back as they were put, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from blake3 import blake3
from sqlalchemy import update

from gateway.domain.catalogue import Code
from gateway.domain.errors import InternalError, UnavailableError
from gateway.storage.blobs import INLINE_OCTETS, Blobs
from gateway.storage.database import Database
from gateway.storage.tables_documents import blob

SMALL = b"s" * INLINE_OCTETS
LARGE = b"l" * (INLINE_OCTETS + 1)


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("ciphertext", [b"", SMALL, LARGE], ids=["empty", "small", "large"])
def test_a_blob_comes_back_under_the_digest_of_its_ciphertext(
    database: Database, tmp_path: Path, ciphertext: bytes
) -> None:
    blobs = Blobs(tmp_path / "blobs")
    with database.alone() as connection:
        name = blobs.put(connection, ciphertext)
    assert name == blake3(ciphertext).hexdigest()
    with database.read() as connection:
        assert blobs.get(connection, name) == ciphertext


def test_only_large_blobs_become_files_that_only_the_owner_may_read(
    database: Database, tmp_path: Path
) -> None:
    blobs = Blobs(tmp_path / "blobs")
    with database.alone() as connection:
        blobs.put(connection, SMALL)
        assert _files(tmp_path / "blobs") == []
        name = blobs.put(connection, LARGE)
    (file,) = _files(tmp_path / "blobs")
    assert file == tmp_path / "blobs" / name[:2] / name[2:4] / name
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_blob_that_was_never_recorded_is_not_there(database: Database, tmp_path: Path) -> None:
    blobs = Blobs(tmp_path / "blobs")
    staged = blobs.stage([LARGE])
    with database.read() as connection, pytest.raises(InternalError) as missing:
        blobs.get(connection, staged.name)
    assert missing.value.code is Code.STORED_DATA_ALTERED


@pytest.mark.parametrize("harm", ["altered", "missing"])
def test_a_harmed_file_is_not_given_out(database: Database, tmp_path: Path, harm: str) -> None:
    blobs = Blobs(tmp_path / "blobs")
    with database.alone() as connection:
        name = blobs.put(connection, LARGE)
    (file,) = _files(tmp_path / "blobs")
    if harm == "altered":
        file.write_bytes(LARGE[:-1] + b"x")
    else:
        file.unlink()
    with database.read() as connection, pytest.raises(InternalError) as harmed:
        blobs.get(connection, name)
    assert harmed.value.code is Code.STORED_DATA_ALTERED


def test_a_harmed_row_is_not_given_out(database: Database, tmp_path: Path) -> None:
    blobs = Blobs(tmp_path / "blobs")
    with database.alone() as connection:
        name = blobs.put(connection, SMALL)
        connection.execute(update(blob).values(octets=b"x"))
        with pytest.raises(InternalError):
            blobs.get(connection, name)


def test_a_file_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path / "blobs")
    name = blake3(LARGE).hexdigest()
    (tmp_path / "blobs" / name[:2] / name[2:4] / name).mkdir(parents=True)
    with pytest.raises(UnavailableError) as refused:
        blobs.stage([LARGE])
    assert refused.value.code is Code.STORE_UNAVAILABLE
    assert _files(tmp_path / "blobs") == []


def test_a_large_blob_has_its_name_only_when_it_is_whole(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path / "blobs")
    seen: list[tuple[str, list[int], bool]] = []

    def look(moment: str) -> None:
        files = _files(tmp_path / "blobs")
        seen.append(
            (moment, [file.stat().st_size for file in files], files[0].name == blake3(LARGE).hexdigest())
        )

    blobs.on_rename.append(look)
    blobs.stage([LARGE])
    assert seen == [("before", [len(LARGE)], False), ("after", [len(LARGE)], True)]

"""Bundles: the same octets for the same log, and nothing read that is not built in just this way."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from itertools import chain

import pytest

from gateway.domain.errors import InputError
from gateway.translog.bundle import (
    CHECKPOINTS,
    ENTRIES,
    MANIFEST,
    OPENINGS,
    BundleReader,
    Manifest,
    tile_path,
    write_bundle,
)
from gateway.translog.checkpoint import LogKey
from gateway.translog.commitment import compose_opening
from gateway.translog.leaf import MOST_OCTETS
from gateway.translog.merkle import leaf_hash
from tests.translog.logs import ORIGIN, packed, sample_log, unpacked

LOG = sample_log(600, [0, 100, 600], openings=2)
BUNDLE = LOG.bundle()


def read(bundle: bytes) -> BundleReader:
    return BundleReader(io.BytesIO(bundle))


def test_bundle_reads_back_as_it_was_written() -> None:
    reader = read(BUNDLE)
    assert reader.manifest == Manifest(str(ORIGIN), 600, (LogKey.parse(LOG.log_key),))
    assert [len(block) for block in reader.leaves()] == [256, 256, 88]
    assert list(chain.from_iterable(reader.leaves())) == LOG.leaves
    assert b"".join(reader.tiles()) == b"".join(map(leaf_hash, LOG.leaves))
    assert list(reader.checkpoints()) == [LOG.checkpoint(size) for size in (0, 100, 600)]
    assert list(reader.openings()) == [compose_opening(opening) for opening in LOG.openings]


def test_same_log_gives_the_same_octets() -> None:
    assert LOG.bundle() == BUNDLE
    assert packed(unpacked(BUNDLE)) != BUNDLE  # file modes differ: the way of writing is part of the octets
    with zipfile.ZipFile(io.BytesIO(BUNDLE)) as archive:
        assert archive.testzip() is None
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_headers_of_large_members_are_the_same_with_every_release_of_python() -> None:
    """Zipfile before 3.11.4 repeats the sizes beside the ZIP64 field, which our reader refuses."""
    with zipfile.ZipFile(io.BytesIO(BUNDLE)) as archive:
        infos = {name: archive.getinfo(name) for name in (ENTRIES, OPENINGS)}
    for name, info in infos.items():
        header = BUNDLE[info.header_offset :][: 30 + len(name) + 20]
        assert header == b"".join((
            b"PK\x03\x04", b"\x2d\0", bytes(4), b"\0\0\x21\0", info.CRC.to_bytes(4, "little"), b"\xff" * 8,
            len(name).to_bytes(2, "little"), b"\x14\0", name.encode(),
            b"\x01\0\x10\0", info.file_size.to_bytes(8, "little") * 2,
        ))  # fmt: skip
        assert (info.create_version, info.extract_version) == (45, 45)


def test_members_have_the_names_of_the_format() -> None:
    assert list(unpacked(BUNDLE)) == [
        MANIFEST, CHECKPOINTS, ENTRIES, "tile/0/000", "tile/0/001", "tile/0/002.p/88", OPENINGS,
    ]  # fmt: skip


def test_tiles_lie_at_the_paths_of_the_specification() -> None:
    assert tile_path(0) == "tile/0/000"
    assert tile_path(999, 1) == "tile/0/999.p/1"
    assert tile_path(1_234_067) == "tile/0/x001/x234/067"
    assert tile_path(273, 112) == "tile/0/273.p/112"


def test_empty_log_makes_a_bundle_without_tiles() -> None:
    log = sample_log(0, [0])
    reader = read(log.bundle())
    assert [*reader.leaves(), *reader.tiles(), *reader.openings()] == []
    assert list(reader.checkpoints()) == [log.checkpoint(0)]


def test_bundle_with_fewer_entries_than_claimed_is_not_made() -> None:
    manifest = Manifest(str(ORIGIN), 2, (LogKey.parse(LOG.log_key),))
    with pytest.raises(ValueError, match="as many entries"):
        write_bundle(
            io.BytesIO(), manifest, checkpoints=[], leaves=LOG.leaves[:1], hashes=[bytes(32)], openings=[]
        )


def test_line_longer_than_any_entry_comes_cut_but_still_too_long() -> None:
    members = unpacked(BUNDLE)
    members[ENTRIES] = b"x" * 5_000_000 + b"\n" + members[ENTRIES]
    first = next(read(packed(members)).leaves())
    assert MOST_OCTETS < len(first[0]) < 2_000_000
    assert first[1] == LOG.leaves[0]


def changed(**names: Callable[[bytes], bytes]) -> bytes:
    members = unpacked(BUNDLE)
    for name, change in names.items():
        members[name] = change(members[name])
    return packed(members)


def renamed(old: str, new: str) -> bytes:
    return packed({new if name == old else name: octets for name, octets in unpacked(BUNDLE).items()})


def without(name: str) -> bytes:
    return packed({found: octets for found, octets in unpacked(BUNDLE).items() if found != name})


def with_member(name: str) -> bytes:
    return packed(unpacked(BUNDLE) | {name: b"x"})


def manifest(old: bytes, new: bytes) -> Callable[[], bytes]:
    return lambda: changed(**{MANIFEST: lambda octets: octets.replace(old, new)})


def written(**options: int) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", **options) as archive:  # type: ignore[call-overload]
        for name, octets in unpacked(BUNDLE).items():
            archive.writestr(name, octets)
    return target.getvalue()


def twice() -> bytes:
    target = io.BytesIO(packed(unpacked(BUNDLE)))
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(target, "a") as archive:
        archive.writestr(MANIFEST, b"{}")
    return target.getvalue()


def with_comment() -> bytes:
    target = io.BytesIO(BUNDLE)
    with zipfile.ZipFile(target, "a") as archive:
        archive.comment = b"more"
    return target.getvalue()


def with_gap() -> bytes:
    """A member that the directory does not name: other tools do not show it, some show it alone."""
    target = io.BytesIO(BUNDLE)
    with zipfile.ZipFile(target, "a") as archive:
        archive.writestr("hidden", b"x")
        archive.filelist.pop()
    return target.getvalue()


def with_other_local_name() -> bytes:
    at = BUNDLE.index(b"tile/0/000")
    return BUNDLE[:at] + b"tile/0/009" + BUNDLE[at + 10 :]


def with_other_local_size() -> bytes:
    at = BUNDLE.index(b"tile/0/000") - 12
    return BUNDLE[:at] + b"\x01" + BUNDLE[at + 1 :]


def with_huge_directory() -> bytes:
    return BUNDLE[:-10] + (1 << 30).to_bytes(4, "little") + BUNDLE[-6:]


def of_a_stream() -> bytes:
    class Stream(io.RawIOBase):
        """Cannot seek, so that lengths come after the contents."""

        def __init__(self) -> None:
            self.octets = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, octets: object) -> int:
            added = bytes(octets)  # type: ignore[call-overload]
            self.octets += added
            return len(added)

    stream = Stream()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, octets in unpacked(BUNDLE).items():
            archive.writestr(name, octets)
    return bytes(stream.octets)


BAD: list[tuple[str, Callable[[], bytes], str]] = [
    ("nothing", lambda: b"", "not a ZIP file"),
    ("no ZIP file", lambda: b"x" * 1000, "not a ZIP file"),
    ("cut off at the end", lambda: BUNDLE[:-1], "not a ZIP file"),
    ("cut off at the beginning", lambda: BUNDLE[10:], "not a ZIP file|octets"),
    ("octets before it", lambda: b"#!/bin/sh\n" + BUNDLE, "octets"),
    ("octets after it", lambda: BUNDLE + b"\x00" * 22, "not a ZIP file"),
    ("comment", with_comment, "comment"),
    ("member that the directory hides", with_gap, "octets that belong to no"),
    ("compressed", lambda: written(compression=zipfile.ZIP_DEFLATED), "compressed"),
    ("lengths after the contents", of_a_stream, "of unknown length"),
    ("two manifests", twice, "stand twice"),
    ("header of another name", with_other_local_name, "header says something else"),
    ("header of another size", with_other_local_size, "header says something else"),
    ("huge directory", with_huge_directory, "too large"),
    ("path upwards", lambda: with_member("../evil"), "unexpected name"),
    ("absolute path", lambda: with_member("/etc/passwd"), "unexpected name"),
    ("path in a tile", lambda: with_member("tile/0/../000"), "unexpected name"),
    ("folder", lambda: with_member("tile/0/"), "unexpected name"),
    ("other letter case", lambda: renamed(MANIFEST, "Manifest.json"), "unexpected name"),
    ("tile of a higher level", lambda: with_member("tile/1/000"), "unexpected name"),
    ("one tile too many", lambda: with_member("tile/0/003"), "4 tiles for 600"),
    ("one tile too few", lambda: without("tile/0/001"), "2 tiles for 600"),
    ("tile in another place", lambda: renamed("tile/0/001", "tile/0/007"), "tile/0/001"),
    ("partial tile of another width", lambda: renamed("tile/0/002.p/88", "tile/0/002.p/87"), "tile/0/002.p/88"),
    ("short tile", lambda: changed(**{"tile/0/001": lambda it: it[:-32]}), "tile/0/001"),
    ("long tile", lambda: changed(**{"tile/0/002.p/88": lambda it: it + bytes(32)}), "tile/0/002.p/88"),
    ("no entries", lambda: without(ENTRIES), "without entries"),
    ("no checkpoints", lambda: without(CHECKPOINTS), "without entries, checkpoints"),
    ("no manifest", lambda: without(MANIFEST), "manifest.json"),
    ("manifest not canonical", lambda: changed(**{MANIFEST: lambda it: it + b"\n"}), "canonical"),
    ("manifest with more", lambda: changed(**{MANIFEST: lambda it: b'{"a":1,' + it[1:]}), "member"),
    ("manifest of another format", manifest(b"e/1", b"e/2"), "format"),
    ("manifest of all trees", manifest(b"600", b"9" * 15), "tiles for"),
    ("manifest with true as size", manifest(b"600", b"true"), "format|member"),
    ("key of another log", manifest(b"11111111-0999+", b"22222222-0999+"), "key"),
    ("endless manifest", lambda: changed(**{MANIFEST: lambda it: b'"' + b"x" * 70_000 + b'"'}), "too long"),
]  # fmt: skip


@pytest.mark.parametrize(("bad", "said"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_bundle_built_in_another_way_is_refused(bad: Callable[[], bytes], said: str) -> None:
    with pytest.raises(InputError, match=rf"BUNDLE_MALFORMED.*({said})"):
        read(bad())


@pytest.mark.parametrize(
    "note", [b"x\n" * 100, b"x" * 200_000 + b"\n\nx\n", b"\xff\n"], ids=["lines", "octets", "not UTF-8"]
)
def test_checkpoint_that_never_ends_is_refused(note: bytes) -> None:
    with pytest.raises(InputError, match="BUNDLE_MALFORMED"):
        list(read(changed(**{CHECKPOINTS: lambda _: note})).checkpoints())

"""Log bundles: all entries of a log up to a checkpoint, in one ZIP file that an auditor can verify offline.

Nothing in it is compressed: so the same log gives the same octets everywhere, a bundle cannot unpack to more than it
is, and entries are read at the speed of the disk. `docs/log-format.md` lists the members.

    manifest.json       what the bundle claims to hold
    checkpoints.txt     every checkpoint kept, oldest first, with a blank line between two
    entries.jsonl       the octets of every entry, one a line, in the order of the log
    tile/0/...          the leaf hashes, 256 a tile, at the paths of C2SP tlog-tiles
    openings.jsonl      the openings disclosed to this auditor, in the order of their entries; may be missing
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import BinaryIO, Final

from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError
from gateway.translog.canonical import canonical, read_canonical
from gateway.translog.checkpoint import GREATEST_SIZE, MOST_NOTE_OCTETS, LogKey
from gateway.translog.leaf import MOST_OCTETS
from gateway.translog.merkle import HASH_OCTETS, TILE_WIDTH

FORMAT: Final = "bropost/log-bundle/1"
MANIFEST: Final = "manifest.json"
CHECKPOINTS: Final = "checkpoints.txt"
ENTRIES: Final = "entries.jsonl"
OPENINGS: Final = "openings.jsonl"
TILE_OCTETS: Final = TILE_WIDTH * HASH_OCTETS

_TILE: Final = re.compile(r"tile/0/(?:x[0-9]{3}/)*[0-9]{3}(?:\.p/[1-9][0-9]{0,2})?")
_MOST_MANIFEST_OCTETS: Final = 65_536
_MOST_DIRECTORY_OCTETS: Final = 64 * 1024 * 1024  # about 100 octets a tile: 170 million entries
_MOST_KEYS: Final = 100
_CHUNK: Final = 1 << 20
_EARLIEST: Final = (1980, 1, 1, 0, 0, 0)  # what ZIP calls its first moment: the bundle tells no time
_MODE: Final = 0o100644 << 16
_UNIX: Final = 3
_WIDE_VERSION: Final = 45  # 4.5, the version of ZIP that can read ZIP64
_WIDE_SIZES: Final = b"\xff" * 8  # the ZIP64 field tells them: APPNOTE §4.5.3


@dataclass(frozen=True)
class Manifest:
    """What a bundle claims: the log, its number of entries, the keys that signed it. A claim only: not signed."""

    origin: str
    size: int
    keys: tuple[LogKey, ...]

    def octets(self) -> bytes:
        """The manifest as canonical JSON."""
        return canonical(
            {
                "format": FORMAT,
                "keys": [str(key) for key in self.keys],
                "origin": self.origin,
                "size": self.size,
            }
        )

    @staticmethod
    def parse(octets: bytes) -> Manifest:
        """Read what `octets` gives. InputError BUNDLE_MALFORMED on anything else."""
        try:
            value = read_canonical(octets)
        except ValueError:
            raise _malformed(f"{MANIFEST}: not canonical JSON") from None
        match value:
            case {"format": str(name), "keys": list(texts), "origin": str(origin), "size": int(size), **rest}:
                pass
            case _:
                raise _malformed(f"{MANIFEST}: other members than expected")
        if rest or name != FORMAT or isinstance(size, bool) or not 0 <= size <= GREATEST_SIZE:
            raise _malformed(f"{MANIFEST}: format, size or a member too many")
        try:
            keys = tuple(LogKey.parse(str(text)) for text in texts[: _MOST_KEYS + 1])
        except InputError:
            raise _malformed(f"{MANIFEST}: a key") from None
        if not 1 <= len(keys) <= _MOST_KEYS or any(key.name != origin for key in keys):
            raise _malformed(f"{MANIFEST}: keys of another log, none or too many")
        return Manifest(origin, size, keys)


def tile_path(index: int, width: int = TILE_WIDTH) -> str:
    """Where level-0 tile `index` with this many hashes lies. C2SP tlog-tiles, Merkle Tree."""
    parts = [f"{index % 1000:03d}"]
    while index := index // 1000:
        parts.append(f"x{index % 1000:03d}")
    partial = "" if width == TILE_WIDTH else f".p/{width}"
    return f"tile/0/{'/'.join(reversed(parts))}{partial}"


def write_bundle(
    target: BinaryIO,
    manifest: Manifest,
    *,
    checkpoints: Iterable[str],
    leaves: Iterable[bytes],
    hashes: Iterable[bytes],
    openings: Iterable[bytes] = (),
) -> None:
    """Write a bundle to `target`, which can seek and is empty; each iterable is read once, in the order named.

    `leaves` and `hashes` are the octets and the leaf hashes of all `manifest.size` entries, `checkpoints` the signed
    notes as kept, oldest first, the last one for `manifest.size`. Nothing is verified here: a log that was tampered
    with is exported as it is, for the verifier to say so. ValueError if there are more or fewer entries than claimed.
    """
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        _write(archive, MANIFEST, [manifest.octets()])
        _write(
            archive,
            CHECKPOINTS,
            (("\n" * bool(number) + note).encode() for number, note in enumerate(checkpoints)),
        )
        written = _write_wide(archive, target, ENTRIES, (octets + b"\n" for octets in leaves))
        first = next(opened := iter(openings), None)
        count = 0
        for tile in _tiles(hashes):
            width = len(tile) // HASH_OCTETS
            _write(archive, tile_path(count // TILE_WIDTH, width), [tile])
            count += width
        if first is not None:
            _write_wide(archive, target, OPENINGS, (octets + b"\n" for octets in chain([first], opened)))
    if not written == count == manifest.size:
        raise ValueError("the bundle does not hold as many entries and hashes as its manifest says")


class BundleReader:
    """Reads a bundle of untrusted origin front to back, in little memory, whatever its size.

    InputError BUNDLE_MALFORMED from every method if the bundle is not built as described. The checksums of the ZIP
    format are not looked at: they protect nothing that the tree does not protect better.
    """

    def __init__(self, source: BinaryIO) -> None:
        """Read the directory and manifest of the bundle in `source`, which can seek and stays open and at rest."""
        self._source = source
        self._members = _directory(source)
        self.manifest = Manifest.parse(self._octets(MANIFEST, _MOST_MANIFEST_OCTETS))
        self._check_tiles()

    @property
    def has_openings(self) -> bool:
        """Whether openings were disclosed."""
        return OPENINGS in self._members

    def leaves(self) -> Iterator[list[bytes]]:
        """The octets of the entries, up to 256 at a time; one too long comes cut off, but still too long."""
        block: list[bytes] = []
        for lines in self._lines(ENTRIES):
            block.extend(lines)
            for at in range(0, len(block) - TILE_WIDTH + 1, TILE_WIDTH):
                yield block[at : at + TILE_WIDTH]
            del block[: len(block) - len(block) % TILE_WIDTH]
        if block:
            yield block

    def tiles(self) -> Iterator[bytes]:
        """The leaf hashes, up to 256 at a time."""
        for index, width in _tile_widths(self.manifest.size):
            yield self._octets(tile_path(index, width), TILE_OCTETS)

    def checkpoints(self) -> Iterator[str]:
        """The signed notes, oldest first."""
        note: list[bytes] = []
        signed = False
        for line in chain.from_iterable(self._lines(CHECKPOINTS)):
            if not line and signed:
                yield self._note(note)
                note, signed = [], False
                continue
            signed = signed or (bool(note) and not note[-1])
            note.append(line)
            if len(note) > 64:
                raise _malformed(f"{CHECKPOINTS}: a note that is too long")
        if note:
            yield self._note(note)

    def openings(self) -> Iterator[bytes]:
        """The lines of the openings; none if none were disclosed."""
        if self.has_openings:
            yield from chain.from_iterable(self._lines(OPENINGS))

    def _note(self, lines: list[bytes]) -> str:
        octets = b"\n".join(lines) + b"\n"
        if len(octets) > MOST_NOTE_OCTETS:
            raise _malformed(f"{CHECKPOINTS}: a note that is too long")
        try:
            return octets.decode()
        except UnicodeDecodeError:
            raise _malformed(f"{CHECKPOINTS}: not UTF-8") from None

    def _check_tiles(self) -> None:
        """Exactly the tiles that a tree of the claimed size has, each of its exact length."""
        required = {MANIFEST, CHECKPOINTS, ENTRIES}
        if not required <= self._members.keys():
            raise _malformed("without entries, checkpoints or manifest")
        size = self.manifest.size
        present = len(self._members) - len(required) - self.has_openings
        if present != -(-size // TILE_WIDTH):
            raise _malformed(f"{present} tiles for {size} entries")
        for index, width in _tile_widths(size):
            member = self._members.get(tile_path(index, width))
            if member is None or member.octets != width * HASH_OCTETS:
                raise _malformed(f"{tile_path(index, width)}: missing or of another length")

    def _octets(self, name: str, most: int) -> bytes:
        member = self._members.get(name)
        if member is None or member.octets > most:
            raise _malformed(f"{name}: missing or too long")
        return self._read(name, member, 0, member.octets)

    def _read(self, name: str, member: _Member, at: int, octets: int) -> bytes:
        self._source.seek(member.offset + at)
        found = self._source.read(octets)
        if len(found) != octets:
            raise _malformed(f"{name}: cut off")
        return found

    def _lines(self, name: str) -> Iterator[list[bytes]]:
        """The lines of a member, many at a time, without their line ends; one too long is cut but stays too long."""
        member = self._members[name]
        rest = b""
        for at in range(0, member.octets, _CHUNK):
            chunk = self._read(name, member, at, min(_CHUNK, member.octets - at))
            lines = (rest + chunk).split(b"\n")
            rest = lines.pop()[: MOST_OCTETS + 1]
            yield lines
        if rest:
            yield [rest + b"\n"]  # without an end: with one inside it, nothing takes the line for one of ours


@dataclass(frozen=True)
class _Member:
    """Where the content of a member lies in the file."""

    offset: int
    octets: int


def _directory(source: BinaryIO) -> Mapping[str, _Member]:
    """The members of the archive, if it is one as we write it: known names, stored, one after the other."""
    _check_directory_size(source)
    try:
        with zipfile.ZipFile(source) as archive:
            infos = archive.infolist()
            end = archive.start_dir
            comment = archive.comment
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError, OverflowError) as error:
        raise _malformed("not a ZIP file that can be read") from error
    members: dict[str, _Member] = {}
    at = 0
    for info in infos:
        _check_member(info)
        if info.header_offset != at or info.filename in members:
            raise _malformed("members that stand twice, or octets that belong to none")
        offset = _content_offset(source, info)
        members[info.filename] = _Member(offset, info.file_size)
        at = offset + info.file_size
    if at != end or comment:
        raise _malformed("octets that belong to no member")
    return members


def _check_directory_size(source: BinaryIO) -> None:
    """Before anything is read into memory: how large the directory at the end of the file says it is."""
    end = source.seek(0, 2)
    source.seek(
        max(0, end - 98)
    )  # end record 22, its ZIP64 locator 20 and record 56 octets: APPNOTE §4.3.14 to 16
    tail = source.read(98)
    if len(tail) < 22 or tail[-22:-18] != b"PK\x05\x06" or tail[-2:] != b"\x00\x00":
        raise _malformed("not a ZIP file without comment")
    sizes = [int.from_bytes(tail[-10:-6], "little")]
    if tail[-42:-38] == b"PK\x06\x07":
        if tail[-98:-94] != b"PK\x06\x06":
            raise _malformed("a ZIP64 record in another place than before its locator")
        sizes.append(int.from_bytes(tail[-58:-50], "little"))
    if max(sizes) > _MOST_DIRECTORY_OCTETS:
        raise _malformed("a directory that is too large")


def _check_member(info: zipfile.ZipInfo) -> None:
    known = info.filename in (MANIFEST, CHECKPOINTS, ENTRIES, OPENINGS) or _TILE.fullmatch(info.filename)
    if not known or info.orig_filename != info.filename:
        raise _malformed("a member with an unexpected name")
    if info.compress_type != zipfile.ZIP_STORED or info.flag_bits or info.compress_size != info.file_size:
        raise _malformed(f"{info.filename}: compressed, encrypted or of unknown length")


def _content_offset(source: BinaryIO, info: zipfile.ZipInfo) -> int:
    """Where the member's content begins: after its own header, which must say the same as the directory."""
    source.seek(info.header_offset)
    header = source.read(30)  # APPNOTE §4.3.7
    name_octets = int.from_bytes(header[26:28], "little")
    extra_octets = int.from_bytes(header[28:30], "little")
    name = source.read(name_octets)
    sizes = header[18:26]
    if sizes == _WIDE_SIZES:
        extra = source.read(extra_octets)
        wide = len(extra) == 20 and extra[:4] == b"\x01\x00\x10\x00"
        agree = wide and extra[4:] == info.file_size.to_bytes(8, "little") * 2
    else:
        both = (int.from_bytes(sizes[:4], "little"), int.from_bytes(sizes[4:], "little"))
        agree = not extra_octets and both == (info.file_size, info.file_size)
    if header[:4] != b"PK\x03\x04" or header[6:10] != bytes(4) or name != info.filename.encode() or not agree:
        raise _malformed(f"{info.filename}: its header says something else than the directory")
    return info.header_offset + 30 + name_octets + extra_octets


def _tile_widths(size: int) -> Iterator[tuple[int, int]]:
    """Index and width of each level-0 tile of a tree of this size."""
    for index in range(-(-size // TILE_WIDTH)):
        yield index, min(TILE_WIDTH, size - index * TILE_WIDTH)


def _tiles(hashes: Iterable[bytes]) -> Iterator[bytes]:
    tile = bytearray()
    for hashed in hashes:
        tile += hashed
        if len(tile) == TILE_OCTETS:
            yield bytes(tile)
            tile.clear()
    if tile:
        yield bytes(tile)


def _write(archive: zipfile.ZipFile, name: str, parts: Iterable[bytes]) -> None:
    """Write one member that is not large."""
    with archive.open(_member_info(name), "w") as member:
        for part in parts:
            member.write(part)


def _write_wide(archive: zipfile.ZipFile, target: BinaryIO, name: str, parts: Iterable[bytes]) -> int:
    """Write one member that may grow past 4 GiB while it is written; returns the number of parts.

    Its header leaves both sizes to the ZIP64 field alone, as APPNOTE §4.5.3 wants it: zipfile before Python 3.11.4
    repeats them in the header.
    """
    info = _member_info(name)
    info.create_version = info.extract_version = _WIDE_VERSION
    count = 0
    with archive.open(info, "w", force_zip64=True) as member:
        for part in parts:
            member.write(part)
            count += 1
    end = target.tell()
    target.seek(info.header_offset + 18)  # APPNOTE §4.3.7
    target.write(_WIDE_SIZES)
    target.seek(end)
    return count


def _member_info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _EARLIEST)
    info.external_attr = _MODE
    info.create_system = _UNIX
    return info


def _malformed(what: str) -> InputError:
    return InputError(Code.BUNDLE_MALFORMED, what=what)

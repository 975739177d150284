"""A large attachment as a MIME part: what it adds to a letter, against its SHA-256 and its encryption.

What the wire and the document ask to be digested is counted: by SwA one SHA-256 of the octets serves message signature
and attachment list alike; with MTOM the signature is over the base64, a pass of its own. The search for active content
and the name of the ciphertext are the product's own and not in the reference.

Writing the ciphertext durably is the kernel's work, whoever asks for it, and no part of the goal: as many octets are
written to a file and synced beside, in pieces of the same size, and that is taken off. Both go to a file system in
memory where there is one: what a disk does at a moment would move the figure more than the product does.
"""

from __future__ import annotations

import hashlib
import os
import random
import secrets
import statistics
import tempfile
from pathlib import Path
from typing import Any, Final

import pybase64
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bench.installation import Attached, Bench, Keys, open_bench
from bench.letter import letter_subject
from bench.measure import Sample, Subject, effort, interleaved
from bench.profiles import profiled
from bench.report import Part, Result, table

SIZES: Final = (5_000_000, 20_000_000)  # the goal is for the first
GOAL: Final = 1.5
_IN_MEMORY: Final = Path("/dev/shm")
_CHUNK: Final = 3 * 65_536
_PIECE: Final = 128 * 1024  # as gateway/crypto/keys.py encrypts


def pdf(size: int) -> bytes:
    """A PDF of this size that does not compress, as one of pictures."""
    start, end = b"%PDF-1.7\n", b"\n%%EOF\n"
    return start + random.Random(5).randbytes(size - len(start) - len(end)) + end


def against_its_cipher(folder: Path) -> Part:
    """The CPU time that an attachment adds, by SwA and by MTOM."""
    parts = []
    for size in SIZES:
        with tempfile.TemporaryDirectory(dir=_IN_MEMORY if _IN_MEMORY.is_dir() else folder) as files:
            bench = open_bench(folder / str(size), Keys.RSA_2048, blobs=Path(files) / "blobs")
            parts.append(_measured(bench, Path(files), size if effort(1, 0) else size // 10))
            bench.installation.database.close()
    return Part("Attachments", parts[0].results, "\n\n".join(part.detail for part in parts))


def _measured(bench: Bench, files: Path, size: int) -> Part:
    octets = pdf(size)
    ways = {name: Attached(octets, "application/pdf", mtom=name == "MTOM") for name in ("SwA", "MTOM")}
    subjects: dict[str, Subject[Any]] = {
        "letter": letter_subject(bench),
        _least("SwA"): Subject(lambda count: _copies(octets, count), _by_swa),
        _least("MTOM"): Subject(lambda count: _copies(octets, count), _by_mtom),
        "durable write": Subject(
            lambda count: _targets(files, count), lambda path: _write(path, memoryview(octets))
        ),
    }
    for name, attached in ways.items():
        subjects[name] = Subject(lambda count, attached=attached: bench.letters(count, attached), bench.call)  # type: ignore[misc]
    samples = interleaved(subjects, rounds=effort(15, 2), calls=max(1, effort(8 * SIZES[0] // size, 1)))
    results, profile, found = [], "", []
    for name, attached in ways.items():
        added = _added(samples, name, _least(name))
        found.append(f"{added:.2f} by {name}")
        results.append(Result(f"{size / 1e6:g} MB attachment by {name}", added, GOAL))
        if added > GOAL and not profile and size == SIZES[0]:
            letters = bench.letters(effort(20, 2), attached)
            profile = profiled(f"a letter with an attachment by {name}", bench.call, letters)
    rows = [[name, f"{sample.milliseconds:.2f}", f"{sample.spread:.0%}"] for name, sample in samples.items()]
    note = (
        f"With {size / 1e6:g} MB: {' and '.join(found)}. The ratio is what the attachment adds to the letter, without "
        "its durable write, over its SHA-256 - with MTOM that of the octets and that of their base64 - and one "
        f"AES-256-GCM. Over one SHA-256 and one AES-256-GCM, MTOM costs {_added(samples, 'MTOM', _least('SwA')):.2f}."
    )
    text = table(["CPU time of a call", "ms", "±"], rows)
    return Part("Attachments", results, "\n\n".join(filter(None, (note, text, profile))))


def _copies(octets: bytes, count: int) -> list[bytes]:
    """The octets as often as asked, each time at another place of memory, as those of messages are."""
    return [bytes(bytearray(octets)) for _ in range(count)]


def _least(name: str) -> str:
    return f"SHA-256 and AES-256-GCM by {name}"


def _by_swa(octets: bytes) -> bytes:
    hashlib.sha256(octets).digest()
    return AESGCM(os.urandom(32)).encrypt(os.urandom(12), octets, b"name")


def _by_mtom(octets: bytes) -> None:
    _by_swa(octets)
    digest, view = hashlib.sha256(), memoryview(octets)
    for start in range(0, len(view), _CHUNK):
        digest.update(pybase64.b64encode(view[start : start + _CHUNK]))


def _targets(folder: Path, count: int) -> list[Path]:
    names = [secrets.token_hex(32) for _ in range(count)]
    return [folder / "written" / name[:2] / name[2:4] / name for name in names]


def _write(path: Path, octets: memoryview) -> None:
    """The file, its name and the way to it on disk: what gateway/storage/blobs.py promises."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    with unfinished.open("xb", buffering=0) as file:
        for start in range(0, len(octets), _PIECE):
            file.write(octets[start : start + _PIECE])
        os.fsync(file.fileno())
    unfinished.rename(path)
    for folder in path.parents[:3]:
        descriptor = os.open(folder, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)


def _added(samples: dict[str, Sample], name: str, reference: str) -> float:
    """What the attachment adds but for its durable write, over the reference; the median of the rounds."""
    return statistics.median(
        (with_it - without - write) / least
        for with_it, without, write, least in zip(
            samples[name].seconds,
            samples["letter"].seconds,
            samples["durable write"].seconds,
            samples[reference].seconds,
            strict=True,
        )
    )

"""A 5 MB attachment as a MIME part: what it adds to a letter, against one SHA-256 and its encryption, as the goal says.

Told beside it: the same against what the call cannot do without, one AES-256-GCM and each digest that something asks
for. By SwA the SHA-256 of the octets serves message signature and attachment list alike; with MTOM the signature is
over the base64, a pass of its own. The ciphertext is named by a BLAKE3 digest.

Writing the ciphertext durably is the kernel's work, whoever asks for it, and no part of the goal: as many octets are
written to a file and synced beside, in pieces of the same size, and that is taken off.
"""

from __future__ import annotations

import hashlib
import os
import random
import secrets
import statistics
from pathlib import Path
from typing import Any, Final

import pybase64
from blake3 import blake3
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bench.installation import Attached, Keys, open_bench
from bench.letter import letter_subject
from bench.measure import Sample, Subject, effort, interleaved
from bench.profiles import profiled
from bench.report import Part, Result, table

SIZE: Final = 5_000_000
GOAL: Final = 1.5
_CHUNK: Final = 3 * 65_536
_PIECE: Final = 128 * 1024  # as gateway/crypto/keys.py encrypts


def pdf(size: int) -> bytes:
    """A PDF of this size that does not compress, as one of pictures."""
    start, end = b"%PDF-1.7\n", b"\n%%EOF\n"
    return start + random.Random(5).randbytes(size - len(start) - len(end)) + end


def against_its_cipher(folder: Path) -> Part:
    """The CPU time that an attachment adds, by SwA and by MTOM."""
    bench = open_bench(folder, Keys.RSA_2048)
    octets = pdf(SIZE if effort(1, 0) else SIZE // 10)
    ways = {name: Attached(octets, "application/pdf", mtom=name == "MTOM") for name in ("SwA", "MTOM")}
    subjects: dict[str, Subject[Any]] = {
        "letter": letter_subject(bench),
        "one SHA-256 and AES-256-GCM": Subject(lambda count: [octets] * count, _hash_and_encrypt),
        "digests and encryption by SwA": Subject(lambda count: [octets] * count, _by_swa),
        "digests and encryption by MTOM": Subject(lambda count: [octets] * count, _by_mtom),
        "durable write": Subject(
            lambda count: _targets(folder, count), lambda path: _write(path, memoryview(octets))
        ),
    }
    for name, attached in ways.items():
        subjects[name] = Subject(lambda count, attached=attached: bench.letters(count, attached), bench.call)  # type: ignore[misc]
    samples = interleaved(subjects, rounds=effort(15, 2), calls=effort(8, 1))
    results, profile, alone = [], "", []
    for name, attached in ways.items():
        added = _added(samples, name, "one SHA-256 and AES-256-GCM")
        results.append(Result(f"{len(octets) / 1e6:g} MB attachment by {name}", added, GOAL))
        alone.append(f"{_added(samples, name, f'digests and encryption by {name}'):.2f} by {name}")
        if added > GOAL and not profile:
            letters = bench.letters(effort(20, 2), attached)
            profile = profiled(f"a letter with an attachment by {name}", bench.call, letters)
    bench.installation.database.close()
    rows = [[name, f"{sample.milliseconds:.2f}", f"{sample.spread:.0%}"] for name, sample in samples.items()]
    text = table(["CPU time of a call", "ms", "±"], rows)
    note = (
        "The ratio is what the attachment adds to the letter, without its durable write, over one SHA-256 and one "
        "AES-256-GCM of its octets. Over what it cannot do without - by SwA one SHA-256, one AES-256-GCM and the "
        "BLAKE3 that names the ciphertext, by MTOM also the base64 and the SHA-256 that the signature is over - it is "
        f"{' and '.join(alone)}."
    )
    return Part("Attachments", results, "\n\n".join(filter(None, (note, text, profile))))


def _hash_and_encrypt(octets: bytes) -> bytes:
    hashlib.sha256(octets).digest()
    return AESGCM(os.urandom(32)).encrypt(os.urandom(12), octets, b"name")


def _by_swa(octets: bytes) -> None:
    blake3(_hash_and_encrypt(octets)).digest()


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

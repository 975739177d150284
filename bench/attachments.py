"""A 5 MB attachment as a MIME part: what it adds to a letter, against its SHA-256 and encryption alone.

Writing the ciphertext durably is the kernel's work, whoever asks for it, and no part of the goal: the same octets are
written to a file and synced beside, as the product must, and that is taken off.
"""

from __future__ import annotations

import hashlib
import os
import random
import secrets
import statistics
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bench.installation import Attached, Keys, open_bench
from bench.letter import letter_subject
from bench.measure import Sample, Subject, effort, interleaved
from bench.profiles import profiled
from bench.report import Part, Result, table

SIZE: Final = 5_000_000
GOAL: Final = 1.5


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
        "SHA-256 and AES-256-GCM": Subject(lambda count: [octets] * count, _hash_and_encrypt),
        "durable write": Subject(lambda count: _targets(folder, count), lambda path: _write(path, octets)),
    }
    for name, attached in ways.items():
        subjects[name] = Subject(lambda count, attached=attached: bench.letters(count, attached), bench.call)  # type: ignore[misc]
    samples = interleaved(subjects, rounds=effort(15, 2), calls=effort(8, 1))
    results, profile = [], ""
    for name, attached in ways.items():
        added = _added(samples, name)
        results.append(Result(f"{len(octets) / 1e6:g} MB attachment by {name}", added, GOAL))
        if added > GOAL and not profile:
            letters = bench.letters(effort(20, 2), attached)
            profile = profiled(f"a letter with an attachment by {name}", bench.call, letters)
    bench.installation.database.close()
    rows = [[name, f"{sample.milliseconds:.2f}", f"{sample.spread:.0%}"] for name, sample in samples.items()]
    text = table(["CPU time of a call", "ms", "±"], rows)
    note = (
        "The ratio is what the attachment adds to the letter, without its durable write, over one SHA-256 and one "
        "AES-256-GCM of its octets. Nine tenths of that are the SHA-256, and the product cannot do with one: the "
        "ciphertext gets its name by a second, and with MTOM the message signature asks for a third, over the base64. "
        "Besides it finds the parts and looks into the PDF for active content."
    )
    return Part("Attachments", results, "\n\n".join(filter(None, (note, text, profile))))


def _hash_and_encrypt(octets: bytes) -> None:
    hashlib.sha256(octets).digest()
    AESGCM(os.urandom(32)).encrypt(os.urandom(12), octets, b"name")


def _targets(folder: Path, count: int) -> list[Path]:
    names = [secrets.token_hex(32) for _ in range(count)]
    return [folder / "written" / name[:2] / name[2:4] / name for name in names]


def _write(path: Path, octets: bytes) -> None:
    """The file, its name and the way to it on disk: what gateway/storage/blobs.py promises."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    with unfinished.open("xb", buffering=0) as file:
        file.write(octets)
        os.fsync(file.fileno())
    unfinished.rename(path)
    for folder in path.parents[:3]:
        descriptor = os.open(folder, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)


def _added(samples: dict[str, Sample], name: str) -> float:
    """What the attachment adds but for its durable write, as the median of the rounds."""
    return statistics.median(
        (with_it - without - write) / cipher
        for with_it, without, write, cipher in zip(
            samples[name].seconds,
            samples["letter"].seconds,
            samples["durable write"].seconds,
            samples["SHA-256 and AES-256-GCM"].seconds,
            strict=True,
        )
    )

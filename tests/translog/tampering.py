"""Ways to tamper with the entries of a log: each takes the lines of a bundle and the index to begin at."""

from __future__ import annotations

from collections.abc import Callable

from gateway.domain.identifiers import Uuid4
from gateway.translog.leaf import compose
from tests.translog import logs

Tampering = Callable[[list[bytes], int], list[bytes]]


def edit(line: bytes) -> bytes:
    """Another event in an entry's place."""
    return line.replace(b"ContentHandover", b"ContentConsignment")


def change(lines: list[bytes], index: int) -> list[bytes]:
    """The lines with entry `index` changed."""
    return [*lines[:index], edit(lines[index]), *lines[index + 1 :]]


def remove(lines: list[bytes], index: int) -> list[bytes]:
    """The lines without entry `index`."""
    return lines[:index] + lines[index + 1 :]


def insert(lines: list[bytes], index: int) -> list[bytes]:
    """The lines with a new entry at `index`."""
    return [*lines[:index], compose(logs.evidence(Uuid4.new(), 5000)) + b"\n", *lines[index:]]


def swap(lines: list[bytes], index: int) -> list[bytes]:
    """The lines with entry `index` and the next one swapped."""
    return [*lines[:index], lines[index + 1], lines[index], *lines[index + 2 :]]


def move(lines: list[bytes], index: int) -> list[bytes]:
    """The lines with the last entry moved to `index`."""
    return [*lines[:index], lines[-1], *lines[index:-1]]


def exchange(lines: list[bytes], index: int) -> list[bytes]:
    """The lines with entry `index` and the last one exchanged."""
    return [*lines[:index], lines[-1], *lines[index + 1 : -1], lines[index]]


def repeat(lines: list[bytes], index: int) -> list[bytes]:
    """The lines with the entry before `index` standing twice."""
    return [*lines[:index], lines[index - 1], *lines[index:]]

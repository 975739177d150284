"""Golden documents as people read them, and all the texts of such a view."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.domain.document import Document
from gateway.protocol.documents import read_document
from gateway.views.readable import Block, Entry, View, readable
from gateway.xmlcore.parse import parse
from tests.golden.changes import select
from tests.golden.judging import read
from tests.golden.loader import golden


def view_of(name: str) -> View:
    """The golden document of this name as people read it."""
    return readable(read(golden(name)))


def with_text(name: str, path: str, text: str) -> Document:
    """The golden document with this text at a path, even such a text as the parser would not let in."""
    root = parse(golden(name))
    (element,) = select(root, path)
    element.text = text
    return read_document(root)


def blocks(view: View) -> Iterator[Block]:
    """Every block, in the order in which they are read."""
    waiting = list(view.sections[::-1])
    while waiting:
        block = waiting.pop()
        yield block
        waiting += block.blocks[::-1]


def entries(view: View) -> Iterator[Entry]:
    """Every entry below the letterhead, in the order in which they are read."""
    for block in blocks(view):
        yield from block.entries


def told(view: View) -> list[str]:
    """Every value below the letterhead, with its detail."""
    return [f"{value.text} {value.detail}" for entry in entries(view) for value in entry.values]

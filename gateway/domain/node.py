"""A document as a plain tree: what is left of XML once it has been verified and found valid by its schema."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import Final, NamedTuple

from gateway.domain.annotation import schema_path

_USUAL_CHILDREN: Final = 32  # whose paths are kept; more would let a sender fill the memory


class Node(NamedTuple):
    """One element: its name without prefix, where it stands, its text, and its child elements in order.

    `path` is that of the document as received, with a position where siblings share a name:
    "/Document/Header/LegalBasis[2]/Provision". `line` is 1-based, 0 where there is none.
    A letter has hundreds: a named tuple is made in a third of the time of a frozen dataclass.
    """

    name: str
    path: str
    line: int
    text: str = ""  # empty for an element that holds elements
    children: tuple[Node, ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        return f"Node({self.path}, line {self.line})"

    @property
    def schema_path(self) -> str:
        """The path without positions: the name of the element in the schema."""
        return schema_path(self.path)

    def find(self, steps: str) -> Node | None:
        """The first element at this relative path ("Subject/CprNumber"), or None."""
        step, _, deeper = steps.partition("/")
        for child in self.children:
            if child.name == step:
                found = child.find(deeper) if deeper else child
                if found is not None:
                    return found
        return None

    def find_all(self, steps: str) -> tuple[Node, ...]:
        """Every element at this relative path, in document order."""
        step, _, deeper = steps.partition("/")
        found = [child for child in self.children if child.name == step]
        if deeper:
            return tuple([node for child in found for node in child.find_all(deeper)])
        return tuple(found)

    def text_of(self, steps: str) -> str | None:
        """The text of the first element at this relative path, or None if it is absent."""
        node = self.find(steps)
        return None if node is None else node.text

    def has(self, steps: str) -> bool:
        """Whether there is an element at this relative path."""
        return self.find(steps) is not None

    def blocks(self) -> list[Node]:
        """This element and those within it that hold elements, in document order."""
        found: list[Node] = []
        if self.children:
            _gather_blocks(self, found)
        return found

    def leaves(self) -> list[Node]:
        """The elements within it that hold values, in document order; itself if it is one."""
        if not self.children:
            return [self]
        found: list[Node] = []
        _gather_leaves(self, found)
        return found

    def attribute(self, name: str) -> str | None:
        """The value of an attribute, or None."""
        return dict(self.attributes).get(name)


def _gather_blocks(block: Node, found: list[Node]) -> None:
    found.append(block)
    for child in block.children:
        if child.children:
            _gather_blocks(child, found)


def _gather_leaves(block: Node, found: list[Node]) -> None:
    for child in block.children:
        if child.children:
            _gather_leaves(child, found)
        else:
            found.append(child)


def child_paths(parent: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """The paths of the children with these names, in order: numbered from 1 where a name is shared."""
    return _usual_paths(parent, names) if len(names) <= _USUAL_CHILDREN else _paths(parent, names)


@lru_cache(maxsize=4096)  # nearly every block of a kind has the same children
def _usual_paths(parent: str, names: tuple[str, ...]) -> tuple[str, ...]:
    return _paths(parent, names)


def _paths(parent: str, names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) == len(names):
        return tuple([f"{parent}/{name}" for name in names])
    totals = Counter(names)
    seen = dict.fromkeys(names, 0)
    paths = []
    for name in names:
        seen[name] += 1
        paths.append(f"{parent}/{name}[{seen[name]}]" if totals[name] > 1 else f"{parent}/{name}")
    return tuple(paths)

"""A document as people read it: sections, labels and values in plain Danish, the young person's own words first.

Labels come from the schema and values from their types, so a new kind of document is readable once its schema is
there. What the header holds is the same in every kind: it is grouped here, and what no group names stands last.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final

from gateway.domain.codes import CodeList, DatedCode
from gateway.domain.document import Document
from gateway.domain.node import Node
from gateway.views.danish import day_in_words, time_in_words, visible
from gateway.views.values import Value, Wording
from gateway.xmlcore.code_lists import municipalities as real_municipalities
from gateway.xmlcore.declarations import ElementDeclaration, declarations
from gateway.xmlcore.namespaces import DOCUMENT, tag
from gateway.xmlcore.resources import DOCUMENT_SCHEMA

PROTECTED: Final = "En ung med navne- og adressebeskyttelse"
_PROTECTION: Final = (
    "Den unge har navne- og adressebeskyttelse. Vis ikke navnet i lister, "
    "og giv ikke oplysninger om opholdssted videre."
)
_CORRECTS: Final = "Dette dokument retter et tidligere. Begrundelsen står sidst, under Rettelse af."
_WITHDRAWS: Final = (
    "Dette dokument kalder et tidligere tilbage. Begrundelsen står sidst, under Tilbagekaldelse af."
)
_GROUPS: Final = (
    ("Parter og den unge", ("Sender", "Recipient", "Subject", "GuardianInformation")),
    ("Formål og grundlag", ("Purpose", "LegalBasis", "Consent", "SubjectInformation")),
    ("Plan og sag", ("PlanReference", "CaseReference")),
)
_REST: Final = "Om dokumentet"
_OWN_WORDS: Final = "OwnWords"


@dataclass(frozen=True)
class Entry:
    """One label with its values: as many as the document holds of that element in one place."""

    label: str
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Block:
    """What belongs together under a heading: first what is said directly, then blocks within it."""

    heading: str
    entries: tuple[Entry, ...] = ()
    blocks: tuple[Block, ...] = ()


@dataclass(frozen=True)
class View:
    """A document to be read. `title` may stand in a list, on a tab or on paper: it is made of our own words only."""

    title: str
    heading: str  # the kind of the document
    about: str = field(
        repr=False
    )  # whom it is about, as may be shown over a list: no name of a protected person
    letterhead: tuple[Entry, ...]
    notices: tuple[str, ...]  # what to heed before reading on
    sections: tuple[Block, ...]


def readable(document: Document, municipalities: CodeList[DatedCode] | None = None) -> View:
    """The document as people read it; nothing that it says is left out.

    `document` must be valid by the schema. `municipalities` is the register of the installation, where it has its own.
    """
    reader = _Reader(
        Wording(
            declarations(DOCUMENT_SCHEMA),
            municipalities or real_municipalities(),
            document.created_on,
        )
    )
    return View(
        title=f"{'Brev' if document.kind.is_letter else 'Meddelelse'} i Bropost",
        heading=reader.label(document.body),
        about=name_for_lists(document),
        letterhead=_letterhead(document),
        notices=tuple(_notices(document)),
        sections=tuple(reader.sections(document)),
    )


def name_for_lists(document: Document) -> str:
    """Whom the document is about, as a list may show it: a protected person is not named."""
    if document.subject is None:
        return "Ingen enkelt ung"
    if document.subject.is_protected:
        return PROTECTED
    return visible(document.subject.name or "En ung uden oplyst navn")


def _notices(document: Document) -> Iterator[str]:
    if document.subject is not None and document.subject.is_protected:
        yield _PROTECTION
    if document.corrects is not None:
        yield _CORRECTS
    if document.withdraws is not None:
        yield _WITHDRAWS


def _letterhead(document: Document) -> tuple[Entry, ...]:
    lines = [
        ("Fra", visible(document.sender.name)),
        ("Til", visible(document.recipient.name)),
        ("Om", name_for_lists(document)),
        ("Dato", time_in_words(document.created_at)),
    ]
    if document.reply_due is not None:
        lines.append(("Svar ønskes senest", day_in_words(document.reply_due)))
    return tuple(Entry(label, (Value(text),)) for label, text in lines)


@dataclass(frozen=True)
class _Reader:
    """Turns elements into blocks and entries, by what the schema says of them."""

    wording: Wording

    def label(self, node: Node) -> str:
        """The label of an element of this document."""
        return self._declaration(node).texts.labels[0]

    def sections(self, document: Document) -> Iterator[Block]:
        """The sections in the order in which they are read."""
        header, body = document.header, document.body
        named = {name for _, names in _GROUPS for name in names} | {_OWN_WORDS}
        yield from self._blocks([each for each in header.children if each.name == _OWN_WORDS])
        content = self._block(body, self.label(body))
        if content.entries:
            yield Block(content.heading, content.entries)
        yield from content.blocks
        for group in _GROUPS:
            yield from self._group(header, *group)
        beside = [each for each in document.root.children if each is not header and each is not body]
        yield from self._blocks([each for each in beside if each.children])
        yield from self._group(
            header,
            _REST,
            tuple(dict.fromkeys(each.name for each in header.children if each.name not in named)),
            (Entry("Skemaets version", (Value(visible(document.schema_version)),)),),
        )

    def _group(
        self, header: Node, heading: str, names: tuple[str, ...], more: tuple[Entry, ...] = ()
    ) -> Iterator[Block]:
        chosen = [each for name in names for each in header.children if each.name == name]
        entries, blocks = tuple(self._entries(chosen)), tuple(self._blocks(chosen))
        if entries or blocks or more:
            yield Block(heading, (*entries, *more), blocks)

    def _block(self, node: Node, heading: str) -> Block:
        return Block(heading, tuple(self._entries(node.children)), tuple(self._blocks(node.children)))

    def _entries(self, children: Iterable[Node]) -> Iterator[Entry]:
        """What is said directly; an element without a value says nothing."""
        leaves = [each for each in children if not each.children and each.text.strip()]
        for _, alike in groupby(leaves, key=lambda each: each.name):
            nodes = list(alike)
            declared = self._declaration(nodes[0])
            values = tuple(self.wording.value(node, declared) for node in nodes)
            yield Entry(declared.texts.labels[0], values)

    def _blocks(self, children: Iterable[Node]) -> Iterator[Block]:
        """The blocks among these, numbered where one stands more than once."""
        for _, alike in groupby((each for each in children if each.children), key=lambda each: each.name):
            nodes = list(alike)
            label = self.label(nodes[0])
            for number, node in enumerate(nodes, start=1):
                yield self._block(node, f"{label} {number} af {len(nodes)}" if len(nodes) > 1 else label)

    def _declaration(self, node: Node) -> ElementDeclaration:
        """What the schema says of an element at its place. KeyError where it knows none there."""
        declared = self.wording.declared
        _, root, *steps = node.schema_path.split("/")
        found = declared.elements[tag(DOCUMENT, root)]
        for step in steps:
            found = {member.local_name: member for member in declared.members(found)}[step]
        return found

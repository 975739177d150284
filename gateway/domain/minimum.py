"""The statutory minimum: the elements that a rule of law asks for in a kind of document, and whether they are there.

Which they are follows from the schema's annotations (`gateway.xmlcore.statutory` reads them). Where the schema lets
such an element be left out, it says when the law asks for it; where it does not say so, a document alone cannot tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, unique
from functools import cached_property

from gateway.domain.annotation import Annotation
from gateway.domain.cpr import age
from gateway.domain.document import Document, is_true
from gateway.domain.kinds import Direction
from gateway.domain.node import Node

ADULT_YEARS = 18


@unique
class When(Enum):
    """When the law asks for an element; the values are those of the schema's annotations."""

    ALWAYS = "always"
    UNDER_18 = "under-18"
    FROM_INSTITUTION = "from-institution"  # an institution tells a municipality
    SUPPORT_NEEDED = "support-needed"  # the block around it says that support is needed
    UNSAID = "unsaid"  # in some cases, which the schema cannot tell

    @property
    def danish(self) -> str:
        """The circumstance in Danish: "kræves ..."."""
        return _DANISH[self]

    @property
    def english(self) -> str:
        """The circumstance in English, after "asked for"."""
        return _ENGLISH[self]


_DANISH = {
    When.ALWAYS: "kræves altid",
    When.UNDER_18: "kræves, når den unge er under 18 år",
    When.FROM_INSTITUTION: "kræves, når en institution underretter en kommune",
    When.SUPPORT_NEEDED: "kræves, når der er behov for støtte",
    When.UNSAID: "kræves i nogle tilfælde, som ikke kan ses af dokumentet alene",
}
_ENGLISH = {
    When.ALWAYS: "always",
    When.UNDER_18: "where the young person is under 18",
    When.FROM_INSTITUTION: "where an institution tells a municipality",
    When.SUPPORT_NEEDED: "where support is needed",
    When.UNSAID: "in some cases, which the document alone cannot tell",
}


@dataclass(frozen=True)
class StatutoryElement:
    """One element that a rule of law asks for, alone or with all that it must hold by the schema."""

    path: str  # of the schema, e.g. "/Document/Header/Subject/Name"
    danish: str  # its label
    english: str
    annotation: Annotation
    when: When
    demanded: bool = False  # whether the schema demands it in the block it stands in

    @cached_property
    def parent(self) -> str:
        """The path of the block it stands in, from the root's children down; empty for the root."""
        return self.path.rpartition("/")[0].removeprefix("/Document").removeprefix("/")

    @cached_property
    def name(self) -> str:
        """The last name of its path."""
        return self.path.rpartition("/")[2]


@unique
class Presence(Enum):
    """How a statutory element stands in one document."""

    PRESENT = "PRESENT"
    MISSING = "MISSING"  # the law asks for it here
    NOT_ASKED = "NOT_ASKED"  # absent, and the law does not ask for it here
    UNKNOWN = "UNKNOWN"  # absent, and the document alone does not tell whether the law asks for it


@dataclass(frozen=True)
class MinimumFinding:
    """One statutory element, how it stands in one document, and the block in which it stands or should."""

    element: StatutoryElement
    presence: Presence
    block: Node


def judge_minimum(document: Document, elements: tuple[StatutoryElement, ...]) -> tuple[MinimumFinding, ...]:
    """How each of these elements stands in the document, for every block that can hold it, in schema order.

    `elements` are those of the document's kind. Within a block that is not there nothing can be judged: whether the
    block must be there, the rules say.
    """
    found = []
    for element in elements:
        blocks = document.root.find_all(element.parent) if element.parent else (document.root,)
        if not blocks:
            found.append(MinimumFinding(element, Presence.UNKNOWN, document.root))
        found += [MinimumFinding(element, _presence(document, element, block), block) for block in blocks]
    return tuple(found)


def _presence(document: Document, element: StatutoryElement, block: Node) -> Presence:
    if block.has(element.name):
        return Presence.PRESENT
    asked = _is_asked_for(document, element.when, block)
    if asked is None:
        return Presence.UNKNOWN
    return Presence.MISSING if asked else Presence.NOT_ASKED


def _is_asked_for(document: Document, when: When, block: Node) -> bool | None:
    """Whether the circumstance is that of the document; None where it does not tell."""
    match when:
        case When.ALWAYS:
            return True
        case When.FROM_INSTITUTION:
            return document.direction is Direction.INSTITUTION_TO_MUNICIPALITY
        case When.SUPPORT_NEEDED:
            return is_true(block.find("SupportNeeded"))
        case When.UNDER_18:
            birth = document.subject.birth_date if document.subject else None
            day = document.event_date or document.created_on
            return None if birth is None else age(birth, day) < ADULT_YEARS
        case When.UNSAID:
            return None

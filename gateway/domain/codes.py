"""Codes that change without us: each entry of a list holds for a span of days, and is asked for by day.

Days are Danish days. An entry without `valid_to` holds until it is replaced.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Generic, TypeVar

from gateway.domain.annotation import Category, Certainty
from gateway.domain.kinds import Direction


@dataclass(frozen=True)
class DatedCode:
    """One code with its words and the days it holds, both included."""

    code: str
    danish: str
    english: str
    valid_from: date
    valid_to: date | None = None

    def is_valid_on(self, day: date) -> bool:
        """Whether the code holds on this day."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True)
class Provision(DatedCode):
    """A rule of law that a document may claim; `danish` and `english` say what it lets pass."""

    rule: str = ""  # as a lawyer cites it, in Danish
    directions: frozenset[Direction] = frozenset()
    certainty: Certainty = Certainty.KNOWLEDGE
    is_consent: bool = False  # it holds only with a consent of the young person
    carries_documents: bool = True  # False: the rule covers statistics, never a document about a person
    under: int | None = None  # years: it carries nothing about whoever is as old as this or older


@dataclass(frozen=True)
class EducationCodeSystem(DatedCode):
    """A list of education codes kept by someone else: known here by its owner and the shape of its codes."""

    owner: str = ""
    pattern: str = ""


Entry = TypeVar("Entry", bound=DatedCode)


@dataclass(frozen=True)
class CodeList(Generic[Entry]):
    """A dated list. A code may stand in it several times, for spans of days that do not overlap."""

    name: str
    entries: tuple[Entry, ...]

    def find(self, code: str, on: date) -> Entry | None:
        """The entry of this code on this day; None where the list has none in force."""
        for entry in self._by_code.get(code, ()):
            if entry.is_valid_on(on):
                return entry
        return None

    def in_force(self, on: date) -> tuple[Entry, ...]:
        """The entries that hold on this day, in the order of the list."""
        return tuple(entry for entry in self.entries if entry.is_valid_on(on))

    @cached_property
    def _by_code(self) -> Mapping[str, tuple[Entry, ...]]:
        found: dict[str, tuple[Entry, ...]] = {}
        for entry in self.entries:
            found[entry.code] = (*found.get(entry.code, ()), entry)
        return found


@dataclass(frozen=True)
class DataCategory:
    """One category of data: its words, how the GDPR sees it, and its terms in the Data Privacy Vocabulary."""

    category: Category
    danish: str
    english: str
    gdpr: str  # NONE, ORDINARY, NATIONAL_ID (article 87), CONFIDENTIAL or SPECIAL (article 9)
    dpv: tuple[str, ...]  # DPV 2.0 terms, e.g. "pd:Health"


@dataclass(frozen=True)
class PurposeText:
    """What a young person is told about a purpose: a half-sentence that follows "We share this"."""

    code: str
    danish: str
    english: str

"""The errors of the product: five families that say who must act, and what each error carries.

The words stand in the catalogue (`gateway.domain.catalogue`); an error carries a code and facts. A fact is a number, a
name, or a phrase of `gateway.domain.phrases`, written in English. Facts and violations hold no personal data and no
secrets: a document is named by its identifier, a field by its path.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from gateway.domain.catalogue import Code, Family
from gateway.domain.phrases import in_danish

Fact = str | int


@dataclass(frozen=True)
class Violation:
    """One thing that is wrong at one place of a document; never quotes the value found there."""

    path: str  # XPath of the element, in document prefixes, e.g. "/Document/Header/Subject/CprNumber"
    line: int  # line of the document as received, 1-based; 0 where there is none
    code: str  # a schema constraint ("facet-pattern") or a business rule ("RULE_H05")
    danish: str
    english: str


class BropostError(Exception):
    """What every error of the product is: a code of the catalogue, facts, and violations where they help."""

    family: ClassVar[Family]

    def __init__(self, code: Code, *, violations: tuple[Violation, ...] = (), **facts: Fact) -> None:
        if code.row.family is not self.family:
            raise AssertionError(f"{code.name} belongs to {code.row.family.name}, not {self.family.name}")
        super().__init__(code.name)
        self.code = code
        self.facts: Mapping[str, Fact] = facts
        self.violations = violations

    @property
    def english(self) -> str:
        """What happened, where, and what to do, in English."""
        return self.code.row.english.format_map(_Facts(self.facts))

    @property
    def danish(self) -> str:
        """What happened, where, and what to do, in Danish."""
        facts = {
            name: in_danish(fact) if isinstance(fact, str) else fact for name, fact in self.facts.items()
        }
        return self.code.row.danish.format_map(_Facts(facts))

    def __str__(self) -> str:
        return f"{self.code.name}: {self.english}"


class InputError(BropostError):
    """The caller must act: what was sent cannot be accepted as it is."""

    family = Family.INPUT


class TrustError(BropostError):
    """Security must act: a signature, a certificate, a time or a right does not hold."""

    family = Family.TRUST


class PeerError(BropostError):
    """The other gateway must act: what it sent contradicts what was agreed."""

    family = Family.PEER


class UnavailableError(BropostError):
    """Try again later: something needed is away for now. The only family that is retried."""

    family = Family.UNAVAILABLE


class InternalError(BropostError):
    """We must act: something that cannot happen has happened."""

    family = Family.INTERNAL


class _Facts(dict[str, Fact]):
    """Facts for a text; a missing one shows as "?" so that telling of an error never fails itself."""

    def __init__(self, facts: Mapping[str, Fact]) -> None:
        super().__init__(facts)

    def __missing__(self, key: str) -> Fact:
        return "?"

"""The broken files of the business rules: each a golden document with a change that one rule does not let pass.

They stand in `rules/*.toml`, which also hold changes that come close and pass. README.md tells how to read these.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from gateway.domain.rules import Finding, Place, Rule, Severity
from tests.golden.changes import Change, change_from, with_changes
from tests.golden.judging import Circumstances, judge, surroundings
from tests.golden.loader import FOLDER, golden


@dataclass(frozen=True)
class RuleCase:
    """One document, and the rule that strikes at one path; without a severity, a document that passes."""

    rule: Rule
    severity: Severity | None
    what: str
    golden: str
    path: str
    changes: tuple[Change, ...] = field(repr=False)
    circumstances: Circumstances
    also: frozenset[str] = frozenset()  # findings that come with it, because nothing breaks the rule alone
    gone: frozenset[str] = frozenset()  # warnings of the golden document that the change takes away

    @property
    def octets(self) -> bytes:
        """The document."""
        return with_changes(golden(self.golden), *self.changes)

    @property
    def finding(self) -> str:
        """What is found, in short."""
        return f"{self.rule.name} {self.path}"

    @property
    def usual_warnings(self) -> frozenset[str]:
        """The warnings that the document gives whatever the rule does."""
        return frozenset(surroundings(self.golden).get("warnings", ())) - self.gone

    def judged(self) -> tuple[Finding, ...]:
        """Every finding on the document."""
        return judge(self.golden, self.octets, self.circumstances)

    def __str__(self) -> str:
        return f"{self.rule.name} {self.severity.value if self.severity else 'passes'}: {self.what}"


def due() -> tuple[tuple[Rule, Severity], ...]:
    """Every rule that a document can break, with each way in which it strikes."""
    kept = [rule for rule in Rule if rule.row.place is Place.DOCUMENT]
    return tuple(
        (rule, severity) for rule in kept for severity in Severity if severity in rule.row.severities
    )


@cache
def striking() -> tuple[RuleCase, ...]:
    """The cases in which a rule strikes."""
    return tuple(_read("case"))


@cache
def passing() -> tuple[RuleCase, ...]:
    """The cases in which none does."""
    return tuple(_read("passes"))


def _read(table: str) -> Iterator[RuleCase]:
    for path in sorted((FOLDER / "rules").glob("*.toml")):
        for row in tomllib.loads(path.read_text(encoding="utf-8"))[table]:
            yield _case(row)


def _case(row: Mapping[str, Any]) -> RuleCase:
    return RuleCase(
        rule=Rule[row["rule"]],
        severity=Severity(row["strikes"]) if "strikes" in row else None,
        what=row["what"],
        golden=row["golden"],
        path=row.get("path", ""),
        changes=tuple(change_from(each) for each in row.get("change", ())),
        circumstances=_circumstances(row),
        also=frozenset(row.get("also", ())),
        gone=frozenset(row.get("gone", ())),
    )


def _circumstances(row: Mapping[str, Any]) -> Circumstances:
    return Circumstances(
        now=row.get("now"),
        certificate=row.get("certificate"),
        replacement_numbers=row.get("replacementNumbers", True),
        cooperation=row.get("cooperation"),
        history=_names(row, "history"),
        attachments=_names(row, "attachments"),
        kle=_names(row, "kle"),
        extensions=_names(row, "extensions"),
    )


def _names(row: Mapping[str, Any], key: str) -> tuple[str, ...] | None:
    return tuple(row[key]) if key in row else None

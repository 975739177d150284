"""The broken files of the schemas: each a golden file with one change, and what must be told of it.

They stand in `broken/*-elements*.toml`, `broken/*-values*.toml` and `broken/*-general.toml`; README.md tells how these
are written. A case names the constraint it breaks as `constraints.py` does.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from tests.golden.changes import (
    Change,
    Insert,
    Remove,
    Repeat,
    SetText,
    change_from,
    text_of,
    with_changes,
    xml_of,
)
from tests.golden.loader import FOLDER, golden


@dataclass(frozen=True)
class Base:
    """What a case starts from: a golden file, made ready where it lacks what is to be broken."""

    schema: str
    name: str
    prepared: tuple[Change, ...] = ()

    def octets(self, *changes: Change) -> bytes:
        """The file with these changes made."""
        octets = golden(self.name)
        return with_changes(octets, *self.prepared, *changes) if self.prepared or changes else octets


@dataclass(frozen=True)
class Broken:
    """One broken file: it breaks this constraint alone, and is told so with this code at this path."""

    breaks: str
    base: Base
    changes: tuple[Change, ...] = field(repr=False)
    code: str
    path: str

    @property
    def octets(self) -> bytes:
        """The broken file."""
        return self.base.octets(*self.changes)

    def __str__(self) -> str:
        return f"{self.base.schema}: {self.breaks}"


@dataclass(frozen=True)
class Whole:
    """One file beside the broken ones: it goes as far as a constraint lets it, or uses a value of a list."""

    uses: str
    base: Base
    changes: tuple[Change, ...] = field(repr=False)

    @property
    def octets(self) -> bytes:
        """The file, which its schema accepts."""
        return self.base.octets(*self.changes)

    def __str__(self) -> str:
        return f"{self.base.schema}: {self.uses}"


@cache
def schema_cases() -> tuple[Broken | Whole, ...]:
    """Every case of every schema."""
    return tuple(case for path in sorted((FOLDER / "broken").glob("*.toml")) for case in _read(path.stem))


def broken() -> tuple[Broken, ...]:
    """The cases that break something."""
    return tuple(case for case in schema_cases() if isinstance(case, Broken))


def whole() -> tuple[Whole, ...]:
    """The cases that break nothing."""
    return tuple(case for case in schema_cases() if isinstance(case, Whole))


def _read(stem: str) -> Iterator[Broken | Whole]:
    table = tomllib.loads((FOLDER / "broken" / f"{stem}.toml").read_text(encoding="utf-8"))
    schema = stem.partition("-")[0]
    for row in table.get("type", ()):
        yield from _of_type(_base(schema, row), row)
    for row in table.get("value", ()):
        yield from _of_value(_base(schema, {"golden": table.get("golden"), **row}), row)
    for row in table.get("general", ()):
        base = _base(schema, {"golden": table.get("golden"), **row})
        yield Broken(row["breaks"], base, (change_from(row["change"]),), row["told"], row["path"])


def _base(schema: str, row: Mapping[str, Any]) -> Base:
    return Base(schema, row["golden"], tuple(change_from(each) for each in row.get("prepared", ())))


def _of_type(base: Base, row: Mapping[str, Any]) -> Iterator[Broken | Whole]:
    owner, at = row["name"], row["at"]
    for name, told in row.get("required", {}).items():
        yield Broken(f"{owner}/{name} required", base, (Remove(f"{at}/{name}"),), *_told(at, told))
    for name in row.get("optional", ()):
        yield Whole(f"{owner}/{name} optional", base, (Remove(f"{at}/{name}"),))
    for name, most in row.get("most", {}).items():
        path, about = f"{at}/{name}", f"{owner}/{name} at most {most}"
        yield Whole(about, base, (Repeat(path, most),))
        yield Broken(about, base, (Repeat(path, most + 1),), "element-unexpected", f"{path}[{most + 1}]")
    for choice in row.get("choice", ()):
        first, names = choice["of"][0], "|".join(choice["of"])
        without = (Remove(f"{at}/{first}"),)
        if choice["neither"] == "accepted":
            yield Whole(f"{owner} none of {names}", base, without)
        else:
            yield Broken(f"{owner} one of {names}", base, without, *_told(at, choice["neither"]))
        insert = Insert("after", f"{at}/{first}", xml_of(choice["second"]))
        yield Broken(f"{owner} only one of {names}", base, (insert,), *_told(at, choice["both"]))


def _of_value(base: Base, row: Mapping[str, Any]) -> Iterator[Broken | Whole]:
    at, breaks = row["at"], row["breaks"]
    if "wrong" in row:
        yield Broken(breaks, base, (SetText(at, text_of(row["wrong"])),), row["told"], at)
    else:
        yield Broken(breaks, base, (Remove(at),), row["told"], at)
    for right in row.get("right", ()):
        uses = f"{breaks.removesuffix(' enumeration')} value {right}" if breaks.endswith("ation") else breaks
        yield Whole(uses, base, (SetText(at, text_of(right)),))


def _told(at: str, told: str) -> tuple[str, str]:
    """What is told, and where: "element-missing ." at the element itself, "element-unexpected Name" below it."""
    code, _, where = told.partition(" ")
    return code, at if where == "." else f"{at}/{where}"

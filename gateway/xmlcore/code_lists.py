"""The dated code lists of `xsd/codes` as values of the domain.

They change without us, so they are data: an entry holds from `validFrom` to `validTo`, both included.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from types import MappingProxyType
from typing import Any

from gateway.domain.annotation import Basis, BasisSet, Carrier, Category, Certainty, Condition
from gateway.domain.codes import (
    CodeList,
    DataCategory,
    DatedCode,
    EducationCodeSystem,
    Provision,
    PurposeText,
)
from gateway.domain.kinds import Direction
from gateway.xmlcore import resources
from gateway.xmlcore.declarations import labels


@cache
def municipalities() -> CodeList[DatedCode]:
    """The municipalities of Denmark by their four-digit codes; both texts are the name."""
    return municipalities_of(resources.read("codes/municipalities.toml"))


def municipalities_of(octets: bytes) -> CodeList[DatedCode]:
    """A list in the form of `municipalities.toml`, such as one with fictional municipalities."""
    return _register("municipalities", octets, "municipality")


def institutions_of(octets: bytes) -> CodeList[DatedCode]:
    """A register of institutions by their numbers, in the same form, under `[[institution]]`.

    The product ships none: the register belongs to the ministry, and an installation loads its own copy.
    """
    return _register("institutions", octets, "institution")


@cache
def provisions() -> CodeList[Provision]:
    """The rules of law that a document may claim."""
    rows = _table(resources.read("codes/provisions.toml"))["provision"]
    return CodeList("provisions", tuple(_provision(row) for row in rows))


@cache
def basis_sets() -> Mapping[Basis, BasisSet]:
    """What each basis set is carried by."""
    rows = _table(resources.read("codes/basis-sets.toml"))["basisSet"]
    return MappingProxyType({Basis(row["basis"]): _basis_set(row) for row in rows})


@cache
def data_categories() -> Mapping[Category, DataCategory]:
    """How each data category is called, and how it stands under the GDPR."""
    rows = _table(resources.read("codes/data-categories.toml"))["category"]
    words = labels("DataCategory")
    return MappingProxyType(
        {
            Category(code): DataCategory(Category(code), *words[code], row["gdpr"], tuple(row["dpv"]))
            for code, row in rows.items()
        }
    )


@cache
def purposes() -> Mapping[str, PurposeText]:
    """What a young person is told about each purpose."""
    rows = _table(resources.read("codes/purposes.toml"))["purpose"]
    return MappingProxyType(
        {code: PurposeText(code, row["danish"], row["english"]) for code, row in rows.items()}
    )


@cache
def education_code_systems() -> CodeList[EducationCodeSystem]:
    """The lists of education codes that a document may name, each with the shape of its codes."""
    rows = _table(resources.read("codes/education-code-systems.toml"))["system"]
    return CodeList(
        "education-code-systems",
        tuple(EducationCodeSystem(*_dated(row), owner=row["owner"], pattern=row["pattern"]) for row in rows),
    )


def _table(octets: bytes) -> Mapping[str, Any]:
    return tomllib.loads(octets.decode("utf-8"))


def _register(name: str, octets: bytes, entry: str) -> CodeList[DatedCode]:
    """Entries of code and name. `validFrom` of the file holds for those that have none of their own."""
    table = _table(octets)
    since = table["validFrom"]
    entries = tuple(
        DatedCode(row["code"], row["name"], row["name"], row.get("validFrom", since), row.get("validTo"))
        for row in table[entry]
    )
    return CodeList(name, entries)


def _dated(row: Mapping[str, Any]) -> tuple[str, str, str, date, date | None]:
    return row["code"], row["danish"], row["english"], row["validFrom"], row.get("validTo")


def _provision(row: Mapping[str, Any]) -> Provision:
    return Provision(
        *_dated(row),
        rule=row["rule"],
        directions=frozenset(Direction(text) for text in row["directions"]),
        certainty=Certainty(row["certainty"]),
        is_consent=row.get("isConsent", False),
        carries_documents=row.get("carriesDocuments", True),
        under=row.get("under"),
    )


def _basis_set(row: Mapping[str, Any]) -> BasisSet:
    carriers: Sequence[Mapping[str, Any]] = row.get("carrier", ())
    return BasisSet(
        Basis(row["basis"]),
        row["danish"],
        row["english"],
        tuple(
            Carrier(frozenset(carrier["provisions"]), Condition(carrier.get("condition", "NONE")))
            for carrier in carriers
        ),
        carried_by_any=row.get("carriedByAny", False),
        carried_by_wish=row.get("carriedByWish", False),
    )

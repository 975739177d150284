"""Every guard is attacked, and every guard counts: turned off, its attacks pass, or are refused for another reason."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from gateway.domain.catalogue import Code
from tests.attacks import (
    test_door_access,
    test_door_algorithms,
    test_door_attachments,
    test_door_certificates,
    test_door_dtd,
    test_door_encodings,
    test_door_http,
    test_door_keys,
    test_door_letter_properties,
    test_door_letter_wrapping,
    test_door_mime,
    test_door_namespaces,
    test_door_parser,
    test_door_quotas,
    test_door_replay,
    test_door_revocation,
    test_door_values,
    test_door_wrapping,
)
from tests.attacks.door import Case, Door
from tests.attacks.guards import Guard, listed, refusing, turned_off
from tests.attacks.pens import letter
from tests.attacks.wire import Wire, WireCase
from tests.installation import open_test_installation

LEAST_PAIRS: Final = 150
CLASSES: Final = (
    test_door_access,
    test_door_algorithms,
    test_door_attachments,
    test_door_certificates,
    test_door_dtd,
    test_door_encodings,
    test_door_http,
    test_door_keys,
    test_door_letter_properties,
    test_door_letter_wrapping,
    test_door_mime,
    test_door_namespaces,
    test_door_parser,
    test_door_quotas,
    test_door_replay,
    test_door_revocation,
    test_door_values,
    test_door_wrapping,
)
ATTACKS: Final[dict[str, tuple[Case | WireCase, ...]]] = {
    **{module.__name__.rpartition("test_door_")[2]: module.CASES for module in CLASSES},
    "wire": test_door_http.WIRE_CASES,
}
CASES: Final = {f"{kind}: {case.name}": case for kind, cases in ATTACKS.items() for case in cases}
ON: Final = {name: guard for name, guard in listed().items() if guard.off}
ROOT: Final = Path(__file__).parents[2]


def test_every_function_that_refuses_is_attacked_or_excused() -> None:
    assert sorted(refusing() - set(listed())) == []
    assert [name for name, guard in listed().items() if bool(guard.off) == bool(guard.excuse)] == []
    assert [name for name, guard in ON.items() if not guard.cases] == []


def test_every_case_stands_with_the_guard_that_refuses_it() -> None:
    assert len(CASES) == sum(map(len, ATTACKS.values())), "two cases of one name"
    ours = {name: case for name, case in CASES.items() if case.guard}  # else the HTTP parser refuses it
    assert [name for name, case in ours.items() if name not in listed()[case.guard].refused] == []
    assert [name for guard in listed().values() for name in guard.refused if name not in CASES] == []
    assert [name for name, guard in listed().items() if len(set(guard.refused)) < len(guard.refused)] == []


def test_there_are_many_different_attacks(record_property: Callable[[str, object], None]) -> None:
    pairs = {(guard.name, rule_of(CASES[name].clause)) for guard in ON.values() for name in guard.cases}
    record_property("counted", f"{len(CASES)} attacks at the door, {len(pairs)} pairs of guard and clause")
    assert len(pairs) >= LEAST_PAIRS


def test_every_clause_can_be_looked_up() -> None:
    assert sorted({rule_of(case.clause) for case in CASES.values()} - clauses() - threats()) == []


def rule_of(clause: str) -> str:
    """The clause of a standard, or the kind of threat, without the words that tell one case of it from another."""
    if clause.startswith("threat model, "):
        return ", ".join(clause.split(", ")[:3]).partition(":")[0]
    return clause.partition(", ")[0]


def clauses() -> set[str]:
    """Every clause that docs/standards.toml lists."""
    standards = tomllib.loads((ROOT / "docs" / "standards.toml").read_text("utf-8"))
    return {f"{name} §{each}" for name, entry in standards.items() for each in entry.get("clauses", {})}


def threats() -> set[str]:
    """Every kind of threat of each part of the threat model, as cases name it: "threat model, SOAP services, D"."""
    found, part = set(), ""
    for line in (ROOT / "docs" / "threat-model.md").read_text("utf-8").splitlines():
        part = line.removeprefix("### ") if line.startswith("### ") else part
        if kind := re.match(r"\| ([STRIDE]) \|", line):
            found.add(f"threat model, {part}, {kind[1]}")
    return found


@pytest.mark.parametrize("guard", ON.values(), ids=ON)
def test_a_guard_that_is_turned_off_no_longer_refuses_its_attacks(guard: Guard, tmp_path: Path) -> None:
    house = open_test_installation(tmp_path)
    door = Door(house)
    door.passes(letter(door))
    with turned_off(guard.name, guard.off):
        found = {name: refusal(door, CASES[name]) for name in guard.refused}
    house.close()
    held_up = {name for name, code in found.items() if code in (CASES[name].code, Code.INTERNAL)}
    assert held_up == set(guard.doubled), (
        "whether an attack gets further without the guard is otherwise than listed"
    )


def refusal(door: Door, case: Case | WireCase) -> Code | None:
    """With what an attack is refused."""
    if isinstance(case, Case):
        return door.refusal(case)
    with Wire(door) as wire:
        return wire.refusal(case)

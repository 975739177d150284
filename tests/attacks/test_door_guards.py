"""Every guard is attacked, and every guard counts: turned off, one of its attacks is no longer refused by its code."""

from __future__ import annotations

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
    assert [name for name, case in ours.items() if name not in listed()[case.guard].cases] == []
    assert [name for guard in ON.values() for name in guard.cases if name not in CASES] == []


def test_there_are_many_different_attacks(record_property: Callable[[str, object], None]) -> None:
    pairs = {(guard.name, CASES[name].clause) for guard in ON.values() for name in guard.cases}
    record_property("counted", f"{len(CASES)} attacks at the door, {len(pairs)} pairs of guard and clause")
    assert len(pairs) >= LEAST_PAIRS


def test_every_clause_can_be_looked_up() -> None:
    standards = tomllib.loads((ROOT / "docs" / "standards.toml").read_text("utf-8"))
    model = (ROOT / "docs" / "threat-model.md").read_text("utf-8")
    unknown = [
        case.clause
        for case in CASES.values()
        if not any(case.clause.startswith(f"{name} §") for name in standards)
        and not (case.clause.startswith("threat model, ") and f"### {case.clause.split(', ')[1]}\n" in model)
    ]
    assert unknown == []


@pytest.mark.parametrize("guard", ON.values(), ids=ON)
def test_a_guard_that_is_turned_off_lets_an_attack_pass(guard: Guard, tmp_path: Path) -> None:
    house = open_test_installation(tmp_path)
    door = Door(house)
    door.passes(letter(door))
    with turned_off(guard.name, guard.off):
        attacks = [CASES[name] for name in guard.cases]
        passed = any(refusal(door, attack) is not attack.code for attack in attacks)
    house.close()
    assert passed, "without the guard, each of its attacks is still refused with the same code"


def refusal(door: Door, case: Case | WireCase) -> Code | None:
    """With what an attack is refused."""
    if isinstance(case, Case):
        return door.refusal(case)
    with Wire(door) as wire:
        return wire.refusal(case)

"""Mutants are tried for real: those that a test notices are killed, and nothing else is."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

from tests.mutants.operators import Mutant, mutants
from tests.mutants.report import Listed, Reason, Survivor, figures, wrong_in
from tests.mutants.running import Fate, Outcome, is_attack_on

ROOT = Path(__file__).parents[2]


def tried(*arguments: str) -> list[str]:
    """The lines that a run prints."""
    command = [sys.executable, "-m", "tests.mutants", "--jobs", "1", "--loud", *arguments]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode in (0, 1), ran.stdout + ran.stderr
    return ran.stdout.splitlines()


def test_what_a_test_states_kills_mutants_of_functions_and_tables() -> None:
    lines = tried("--only", "domain/mandate.py", "--tests", "domain/test_mandate.py")
    killed = "\n".join(line for line in lines if line.startswith("KILLED"))
    for name in ("decide:compare", "PERMISSIONS:element", "_may:return", "_may:default"):
        assert f"domain/mandate.py:{name}:0" in killed


def test_what_no_test_looks_at_survives() -> None:
    lines = tried("--only", "domain/mandate.py", "--tests", "domain/test_cpr.py")
    assert [line for line in lines if line.startswith(("KILLED", "HANGED"))] == []
    assert [line for line in lines if line.startswith("SURVIVED")] != []


def test_the_attacks_on_a_guard_are_known_by_their_ids() -> None:
    path, case = "tests/attacks/test_door_access.py::test", "a certificate of no registered system"
    guard = "services/access.py", "identify"
    assert is_attack_on(*guard, f"{path}[{case}]")
    assert not is_attack_on(*guard, f"{path}[not {case}]")
    assert not is_attack_on(*guard, f"{path.replace('access', 'keys')}[{case}]")
    assert not is_attack_on("services/access.py", "remember", f"{path}[{case}]")


def test_every_pattern_of_targets_names_tests_and_every_target_is_there() -> None:
    table = tomllib.loads((Path(__file__).parent / "targets.toml").read_text("utf-8"))
    assert [name for name in table["tests"] + table["without"] if not list((ROOT / "tests").glob(name))] == []
    assert [name for name in table["targets"] if not (ROOT / "gateway" / name).exists()] == []


# --- the list of survivors ------------------------------------------------------------------------------

(ONE, TWO, *_) = mutants(ast.parse("A = 1\nB = 2\n"), "file.py")


def outcomes(**fates: Fate) -> list[Outcome]:
    named: dict[str, Mutant] = {"one": ONE, "two": TWO}
    return [Outcome("file.py", named[name], fate, "a test", 0.0) for name, fate in fates.items()]


def listed(*ids: str, change: str = ONE.change) -> Listed:
    return Listed({name: Survivor(change, Reason.SPEED, "why") for name in ids})


def test_a_survivor_must_be_listed_with_its_change() -> None:
    fates = outcomes(one=Fate.SURVIVED, two=Fate.KILLED)
    assert wrong_in(fates, listed(ONE.id), is_whole=False) == []
    assert "is not listed" in wrong_in(fates, listed(), is_whole=False)[0]
    assert "another change" in wrong_in(fates, listed(ONE.id, change="1 -> 0"), is_whole=False)[0]


def test_a_listed_mutant_that_is_killed_or_gone_must_leave_the_list() -> None:
    fates = outcomes(one=Fate.HANGED)
    assert "was killed" in wrong_in(fates, listed(ONE.id), is_whole=True)[0]
    assert "no mutant any more" in wrong_in(fates, listed("file.py:C:constant:0"), is_whole=True)[0]
    assert wrong_in(fates, listed("file.py:C:constant:0"), is_whole=False) == []


def test_nine_of_ten_must_be_killed_listed_or_not() -> None:
    fates = outcomes(one=Fate.SURVIVED, two=Fate.KILLED)
    assert wrong_in(fates, listed(ONE.id), is_whole=True) == ["only 50.0% were killed"]
    assert figures(fates).splitlines()[-1] == "| **all** | 2 | 1 | 0 | 1 | 50.0% |"


def test_every_listed_survivor_has_a_reason() -> None:
    known = Listed.read(Path(__file__).parent / "survivors.toml").survivors
    assert [name for name, row in known.items() if not row.why.strip()] == []

"""The shape of the code: small files, small functions, docstrings, imports that point down, tests that assert."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILE_LINES = 500
FUNCTION_LINES = 60
_MIGRATIONS = ROOT / "gateway" / "storage" / "migrations"  # what was released there is never changed again

Function = ast.FunctionDef | ast.AsyncFunctionDef


def modules(*folders: str) -> list[Path]:
    """Every module in these folders."""
    found = (path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return sorted(path for path in found if "node_modules" not in path.parts)


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions(node: ast.AST) -> Iterator[Function]:
    return (each for each in ast.walk(node) if isinstance(each, Function))


def test_no_file_is_too_long_to_fit_in_the_head() -> None:
    lengths = {
        name_of(path): len(path.read_text("utf-8").splitlines())
        for path in modules("gateway", "tests", "demo", "bench", "docs")
    }
    assert {name: lines for name, lines in lengths.items() if lines > FILE_LINES} == {}


def test_the_middle_file_of_the_product_is_short() -> None:
    lengths = sorted(
        len(path.read_text("utf-8").splitlines()) for path in modules("gateway") if path.name != "__init__.py"
    )
    assert lengths[len(lengths) // 2] <= 150


def test_no_function_does_more_than_one_thing() -> None:
    long = [
        f"{name_of(path)}: {node.name}"
        for path in modules("gateway", "demo", "bench", "docs")
        if _MIGRATIONS not in path.parents
        for node in functions(tree(path))
        if (node.end_lineno or 0) - node.lineno + 1 > FUNCTION_LINES
    ]
    assert long == []


def undocumented(path: Path) -> Iterator[str]:
    """What is public in a module and has no docstring: itself, its functions, its classes and their methods."""
    module = tree(path)
    if module.body and not ast.get_docstring(module):
        yield name_of(path)
    for node in module.body:
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            if not ast.get_docstring(node):
                yield f"{name_of(path)}: {node.name}"
            members = node.body if isinstance(node, ast.ClassDef) else []
            for member in members:
                if (
                    isinstance(member, Function)
                    and not member.name.startswith("_")
                    and not ast.get_docstring(member)
                ):
                    yield f"{name_of(path)}: {node.name}.{member.name}"


def test_everything_public_says_what_it_gives() -> None:
    assert [missing for path in modules("gateway", "demo", "docs") for missing in undocumented(path)] == []


def test_no_module_is_a_drawer_for_everything() -> None:
    drawers = {"utils", "util", "helpers", "common", "misc"}
    assert [name_of(path) for path in modules("gateway", "demo", "bench") if path.stem in drawers] == []


def imports(path: Path, modules_known: frozenset[str]) -> set[str]:
    """The modules of the product that a module imports, wherever in it the import stands, for types too."""
    found = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            named = {alias.name: f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in modules_known else node.module for name in named.values()}
    return found & modules_known


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """A circle for each module from which one is found."""
    found = []
    for start in graph:
        waiting, seen = [(start, [start])], {start}
        while waiting:
            module, way = waiting.pop()
            for imported in sorted(graph[module]):
                if imported == start:
                    found.append(way)
                    waiting.clear()
                    break
                if imported not in seen:
                    seen.add(imported)
                    waiting.append((imported, [*way, imported]))
    return found


def test_no_import_goes_in_a_circle() -> None:
    paths = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in modules("gateway")}
    named = {name.removesuffix(".__init__"): path for name, path in paths.items()}
    graph = {name: imports(path, frozenset(named)) - {name} for name, path in named.items()}
    assert "gateway.domain.catalogue" in graph["gateway.domain.errors"]
    assert circles({"a": {"b"}, "b": {"a"}}) != []
    assert circles(graph) == []


def test_imports_point_down_the_floors() -> None:
    ran = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--no-logo"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout
    assert "4 kept, 0 broken" in ran.stdout


def test_every_room_is_on_a_floor() -> None:
    """The contract names every package of the product: a new one must be given its place."""
    contract = (ROOT / "pyproject.toml").read_text("utf-8").partition("[[tool.importlinter.contracts]]")[2]
    rooms = [path.parent.name for path in (ROOT / "gateway").glob("*/__init__.py")]
    assert [room for room in sorted(rooms) if f"gateway.{room}" not in contract] == []


_STATED_BY_NOT_RAISING = re.compile("accepted|all_the_same|are_no_|too_much")


def stating(functions_of_tests: list[Function]) -> frozenset[str]:
    """The names of test functions and helpers that state something, themselves or by calling one that does."""
    found = {"RaisesExc", "RaisesGroup", "fail", "raises", "warns"}
    grown = True
    while grown:
        more = {node.name for node in functions_of_tests if node.name not in found and states(node, found)}
        found, grown = found | more, bool(more)
    return frozenset(found)


def states(function: Function, stating_names: set[str]) -> bool:
    """Whether a function asserts, or calls by its name one that does."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in stating_names:
            return True
    return False


def test_every_test_states_something() -> None:
    """That something is accepted may be stated by not raising, if the name says so."""
    every = {path: list(functions(tree(path))) for path in modules("tests")}
    known = stating([node for found in every.values() for node in found])
    silent = [
        f"{name_of(path)}: {node.name}"
        for path, found in every.items()
        for node in found
        if node.name.startswith("test_")
        and node.name not in known
        and not _STATED_BY_NOT_RAISING.search(node.name)
    ]
    assert silent == []


@pytest.mark.parametrize("forbidden", ["unittest.mock", "mock", "time.sleep"])
def test_no_test_mocks_our_own_code_or_sleeps(forbidden: str) -> None:
    users = [
        name_of(path)
        for path in modules("tests")
        if path != Path(__file__)
        for node in ast.walk(tree(path))
        if (isinstance(node, ast.ImportFrom) and node.module == forbidden)
        or (isinstance(node, ast.Import) and forbidden in {alias.name for alias in node.names})
        or (isinstance(node, ast.Call) and ast.unparse(node.func) == forbidden)
    ]
    assert users == []

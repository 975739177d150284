"""The guards: every function that refuses what comes in, and how to turn one off for a while.

A guard is turned off in its own code, so that everybody who imported it meets it so.
"""

from __future__ import annotations

import ast
import functools
import importlib
import tomllib
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, Final

from gateway.crypto import certificate, certificates
from tests.attacks.lax import LAX

GATEWAY: Final = Path(__file__).parents[2] / "gateway"
LOOKED_AT: Final = ("xmlcore/*.py", "crypto/*.py", "protocol/*.py", "interfaces/*.py", "services/access.py")
_REFUSALS: Final = frozenset({"TrustError", "InputError"})


@dataclass(frozen=True)
class Guard:
    """What guards.toml says of a function."""

    name: str  # "module:qualified name" below gateway
    off: str  # how it is turned off; "" where it is excused
    cases: Sequence[str]  # each passes, or is refused for another reason, once the guard is off
    doubled: Sequence[str]  # it refuses these too, but without it they would come no further
    excuse: str

    @property
    def refused(self) -> tuple[str, ...]:
        """Every attack that it refuses."""
        return (*self.cases, *self.doubled)


@functools.cache
def listed() -> Mapping[str, Guard]:
    """The guards of guards.toml by name."""
    table: dict[str, dict[str, Any]] = tomllib.loads(
        (Path(__file__).parent / "guards.toml").read_text("utf-8")
    )
    return {
        name: Guard(
            name, row.get("off", ""), row.get("cases", ()), row.get("doubled", ()), row.get("excuse", "")
        )
        for name, row in table.items()
    }


def refusing() -> frozenset[str]:
    """Every function, on the floors that meet what comes in, that raises a TrustError or an InputError."""
    trees = {path: ast.parse(path.read_text("utf-8")) for each in LOOKED_AT for path in GATEWAY.glob(each)}
    makers = {
        node.name
        for tree in trees.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.returns and ast.unparse(node.returns) in _REFUSALS
    }
    return frozenset(
        f"{_module(path)}:{name}"
        for path, tree in trees.items()
        for name, function in _functions(tree)
        if any(_refuses(node, _REFUSALS | makers) for node in ast.walk(function))
    )


def _refuses(node: ast.AST, makers: frozenset[str]) -> bool:
    return (
        isinstance(node, ast.Raise)
        and isinstance(node.exc, ast.Call)
        and ast.unparse(node.exc.func).rpartition(".")[2] in makers
    )


def _module(path: Path) -> str:
    return ".".join(path.relative_to(GATEWAY).with_suffix("").parts)


def _functions(tree: ast.Module | ast.ClassDef, above: str = "") -> Iterator[tuple[str, ast.AST]]:
    """The functions and methods with their qualified names; those within functions belong to these."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield above + node.name, node
        elif isinstance(node, ast.ClassDef):
            yield from _functions(node, f"{above}{node.name}.")


# --- turning off ---------------------------------------------------------------------------------------


def _none(*_arguments: object, **_named: object) -> None:
    """Accept without a word."""


def _true(*_arguments: object, **_named: object) -> bool:
    """Say yes to everything."""
    return True


def _argument(*arguments: object, **_named: object) -> object:
    """Give back what it was given."""
    return arguments[0]


class _WithoutRefusing(ast.NodeTransformer):
    """Leaves out every refusal, and keeps what is done besides."""

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        """Do nothing instead."""
        return ast.copy_location(ast.Pass(), node)


def _without_refusing(function: FunctionType) -> CodeType:
    path = Path(function.__code__.co_filename)
    tree = ast.parse(path.read_text("utf-8"))
    for name, node in _functions(tree):
        if name == function.__qualname__:
            _WithoutRefusing().visit(node)
    return next(
        code
        for code in _codes(compile(ast.fix_missing_locations(tree), str(path), "exec"))
        if code.co_qualname == function.__qualname__
    )


def _codes(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _codes(constant)


def _stand_in(*arguments: object, **named: object) -> object:
    """Do what the stand-in does that is in place now; itself it can refer to nothing around it."""
    from tests.attacks import guards  # its code runs in the guard's module

    return guards.in_place[-1](*arguments, **named)


in_place: list[Callable[..., object]] = []


WAYS: Final[Mapping[str, Callable[[FunctionType], CodeType]]] = {
    "return_none": lambda _: _none.__code__,
    "return_true": lambda _: _true.__code__,
    "return_argument": lambda _: _argument.__code__,
    "without_refusing": _without_refusing,
    "lax": lambda _: _stand_in.__code__,
}


def function_of(name: str) -> FunctionType:
    """The function of this name."""
    module, _, qualified = name.partition(":")
    found: Any = importlib.import_module(f"gateway.{module}")
    for step in qualified.split("."):
        found = vars(found)[step]
    found = getattr(found, "__func__", found)
    found = getattr(found, "__wrapped__", found)
    assert isinstance(found, FunctionType)
    return found


@contextmanager
def turned_off(name: str, way: str) -> Generator[None]:
    """Let a guard accept everything in the block."""
    function = function_of(name)
    code = function.__code__
    if way == "lax":
        in_place.append(LAX[name])
    function.__code__ = WAYS[way](function)
    _forget()
    try:
        yield
    finally:
        function.__code__ = code
        in_place.clear()
        _forget()


def _forget() -> None:
    """Forget what was found good while a guard was off."""
    certificate.sent_certificate.cache_clear()
    certificates.verdicts.clear()

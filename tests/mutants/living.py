"""Putting a mutant into the product as it lives in this process: for good, so only in a process made for it.

Functions are changed in their own code, so that everybody who imported them meets the mutant. What was computed from
what changed - other constants, defaults - is computed again; what was remembered of it is forgotten.
"""

from __future__ import annotations

import ast
import functools
import gc
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any, Final, TypeAlias

from tests.mutants.operators import Mutant, constant_name

ROOT: Final = Path(__file__).parents[2]
Cache: TypeAlias = "functools._lru_cache_wrapper[Any]"
_APART: Final = ("gateway.crypto.development_pki",)  # it remembers keys, which take long to read
_BELOW: Final = ("gateway.xmlcore.", "gateway.domain.")  # floors on which nothing knows of those above


class NotImportable(Exception):
    """With the change, the module could not even be imported."""


class Module:
    """A module of the product that is to be changed: its tree, and its functions in this process."""

    def __init__(self, file: str) -> None:
        """`file` is a path below gateway; the module is imported already."""
        self.file = file
        self.path = ROOT / "gateway" / file
        self.name = "gateway." + file.removesuffix(".py").replace("/", ".")
        self.module: ModuleType = sys.modules[self.name]
        self.tree = ast.parse(self.path.read_text("utf-8"))
        self.functions = [
            each
            for each in gc.get_objects()
            if isinstance(each, FunctionType) and each.__code__.co_filename == str(self.path)
        ]

    def put_in(self, mutant: Mutant) -> None:
        """Change the module as the mutant says."""
        mutant.put_in()
        changed = {mutant.name.partition(".")[0]}
        if isinstance(mutant.statement, ast.FunctionDef | ast.ClassDef):
            self._renew_code(mutant.name)
            self._renew_defaults({mutant.name})
            self._renew_fields(mutant)
        else:
            changed = set()
        for statement in self.tree.body:
            name = constant_name(statement)
            if name and (statement is mutant.statement or changed & _names(statement)):
                changed.add(name)
                self._renew_constant(name, statement)
        self._renew_defaults(changed | {mutant.name})

    def _renew_code(self, name: str) -> None:
        codes = {
            (code.co_qualname, code.co_firstlineno): code
            for code in _codes(compile(self.tree, str(self.path), "exec", dont_inherit=True))
        }
        for function in self.functions:
            code = function.__code__
            if code.co_qualname == name and (code.co_qualname, code.co_firstlineno) in codes:
                function.__code__ = codes[code.co_qualname, code.co_firstlineno]

    def _renew_constant(self, name: str, statement: ast.stmt) -> None:
        """Compute a constant again, for everybody who imported it."""
        assert isinstance(statement, ast.Assign | ast.AnnAssign)
        before, after = vars(self.module)[name], self._value(statement.value)
        for known in [
            each for title, each in sys.modules.items() if title.startswith(("gateway.", "tests."))
        ]:
            if vars(known).get(name, self) is before:
                setattr(known, name, after)

    def _renew_defaults(self, changed: set[str]) -> None:
        """Compute those defaults of parameters again that were changed or that name what was."""
        for name, node in _functions(self.tree):
            if not (name in changed or any(changed & _names(each) for each in _defaults(node))):
                continue
            for function in self.functions:
                if function.__qualname__ == name:
                    function.__defaults__ = tuple(map(self._value, node.args.defaults)) or None
                    for keyword, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True):
                        if default is not None and function.__kwdefaults__:
                            function.__kwdefaults__[keyword.arg] = self._value(default)

    def _renew_fields(self, mutant: Mutant) -> None:
        """Compute the default of a field again, in its class and in what makes instances."""
        owner, _, field = mutant.name.partition(".")
        members = mutant.statement.body if isinstance(mutant.statement, ast.ClassDef) else []
        for member in members:
            if isinstance(member, ast.AnnAssign) and ast.unparse(member.target) == field:
                made: Any = vars(self.module)[owner]
                maker: Callable[..., Any] = made.__new__ if issubclass(made, tuple) else made.__init__
                assert isinstance(maker, FunctionType)
                value = self._value(member.value)
                defaults = dict(
                    zip(reversed(_parameters(maker)), reversed(maker.__defaults__ or ()), strict=False)
                )
                defaults[field] = value
                maker.__defaults__ = tuple(defaults[each] for each in _parameters(maker) if each in defaults)
                if not issubclass(made, tuple):
                    setattr(made, field, value)

    def _value(self, expression: ast.expr | None) -> object:
        assert expression is not None
        try:
            code = compile(ast.Expression(expression), str(self.path), "eval", dont_inherit=True)
            return eval(code, vars(self.module))
        except Exception as error:
            raise NotImportable(repr(error)) from error

    def forget(self, caches: Iterable[Cache]) -> None:
        """Empty every cache of the product that could know what the changed code gave."""
        kept = _APART if self.name.startswith("gateway.domain.") else (*_BELOW, *_APART)
        for each in caches:
            if not each.__module__.startswith(kept):
                each.cache_clear()


def caches(*packages: str) -> list[Cache]:
    """The caches of functions in these packages."""
    found = [each for each in gc.get_objects() if isinstance(each, functools._lru_cache_wrapper)]
    return [each for each in found if each.__module__.startswith(packages)]


def forget_properties() -> None:
    """Forget what the product's objects keep of what was computed of them."""
    for each in gc.get_objects():
        if str(type(each).__module__).startswith("gateway."):
            for name, value in vars(type(each)).items():
                if isinstance(value, functools.cached_property):
                    vars(each).pop(name, None)


def users(names: Iterable[str], tree: ast.Module) -> tuple[set[int], set[int]]:
    """The lines of functions that name one of these, and those that run when a guard among them strikes."""
    wanted, lines, beyond = set(names), set[int](), set[int]()
    for _, function in _functions(tree):
        for inner in ast.walk(function):
            if isinstance(inner, ast.stmt) and wanted & _names(inner):
                lines.update(range(inner.lineno, (inner.end_lineno or inner.lineno) + 1))
                if isinstance(inner, ast.If) and wanted & _names(inner.test):
                    beyond.add(inner.body[0].lineno)
    return lines, beyond


def dependents(mutant: Mutant, tree: ast.Module) -> set[str]:
    """The names of the constants that are computed again for this mutant."""
    is_constant = not isinstance(mutant.statement, ast.FunctionDef | ast.ClassDef)
    changed, found = {mutant.name.partition(".")[0]}, {mutant.name} if is_constant else set()
    for statement in tree.body:
        name = constant_name(statement)
        if name and (name in found or changed & _names(statement)):
            changed.add(name)
            found.add(name)
    return found


def _names(node: ast.AST) -> set[str]:
    return {
        each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load)
    } | {each.attr for each in ast.walk(node) if isinstance(each, ast.Attribute)}


def _functions(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef]]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, node
        elif isinstance(node, ast.ClassDef):
            for member in node.body:
                if isinstance(member, ast.FunctionDef):
                    yield f"{node.name}.{member.name}", member


def _defaults(node: ast.FunctionDef) -> list[ast.expr]:
    return [*node.args.defaults, *(each for each in node.args.kw_defaults if each is not None)]


def _parameters(function: FunctionType) -> list[str]:
    return list(function.__code__.co_varnames[: function.__code__.co_argcount])


def _codes(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _codes(constant)

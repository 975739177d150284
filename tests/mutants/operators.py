"""What a mutant is: one small change of the product's code, under a name that does not move with the lines.

Left alone, because a change there says nothing: docstrings, annotations, asserts, the words of errors, the values of
enums, `__all__`.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeVar

Item = TypeVar("Item")
Statement = ast.FunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign


class Change(NamedTuple):
    """A node that takes another's place, by which operator, and what both look like."""

    operator: str
    node: ast.AST
    before: ast.AST
    after: ast.AST | str


@dataclass(frozen=True)
class Mutant:
    """One change in a tree, not yet made."""

    id: str  # file:function:operator:number among the function's mutants of this operator
    change: str  # "before -> after"
    line: int
    lines: frozenset[int]  # those that must run for it to matter; empty outside functions
    beyond: frozenset[int]  # of a guard: those that run when it strikes
    name: str  # the function, method, field or constant that it changes
    statement: Statement  # of the module, in which it stands
    put_in: Callable[[], None]  # makes the change in the tree


def mutants(tree: ast.Module, file: str) -> list[Mutant]:
    """Every mutant of a module, in the order of the code; ids begin with `file`."""
    found: list[Mutant] = []
    numbers: Counter[tuple[str, str]] = Counter()
    for name, statement, node in _owners(tree):
        for site in _sites(node):
            for change in _changes(site):
                operator = "default" if site.is_default else change.operator
                number = numbers[name, operator]
                numbers[name, operator] += 1
                found.append(_mutant(f"{file}:{name}:{operator}:{number}", change, site, statement))
    return found


# --- where ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Site:
    """A node, the place it stands at, and the statement it belongs to."""

    node: ast.AST
    put: Callable[[ast.AST], None]
    statement: ast.AST
    above: tuple[ast.AST, ...]  # what it stands in, the owner first

    @property
    def lines(self) -> frozenset[int]:
        """The lines of the statement without those of the statements in it; empty outside functions."""
        owner = self.above[0]
        if not isinstance(owner, ast.FunctionDef):
            return frozenset()
        if isinstance(self.statement, ast.arguments):  # a default matters to the whole function
            return frozenset(range(owner.lineno, _end(owner) + 1))
        return _lines(self.statement)

    @property
    def beyond(self) -> frozenset[int]:
        """The first line that runs when a guard strikes."""
        return frozenset({self.statement.body[0].lineno} if isinstance(self.statement, ast.If) else ())

    @property
    def is_default(self) -> bool:
        """Whether it stands in the default of a parameter or a field."""
        is_field = isinstance(self.above[0], ast.AnnAssign) and not constant_name(self.above[0])
        return is_field or any(isinstance(each, ast.arguments) for each in self.above[:2])

    @property
    def is_in_constant(self) -> bool:
        """Whether it stands in a constant of the module."""
        return not isinstance(self.above[0], ast.FunctionDef)

    @property
    def is_word_of_error(self) -> bool:
        """Whether it is text in what is raised, or in a function that makes what is raised."""
        return any(
            isinstance(each, ast.Raise)
            or (isinstance(each, ast.FunctionDef) and _returns(each).endswith("Error"))
            for each in self.above
        )


def _returns(function: ast.FunctionDef) -> str:
    return ast.unparse(function.returns) if function.returns else ""


def _owners(tree: ast.Module) -> Iterator[tuple[str, Statement, ast.AST]]:
    """What has mutants: functions, methods, fields with a default, and constants."""
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef):
            yield statement.name, statement, statement
        elif isinstance(statement, ast.ClassDef):
            is_enum = any("Enum" in ast.unparse(base) for base in statement.bases)
            for member in statement.body:
                if isinstance(member, ast.FunctionDef):
                    yield f"{statement.name}.{member.name}", statement, member
                elif isinstance(member, ast.AnnAssign) and _is_default(member.value) and not is_enum:
                    yield f"{statement.name}.{ast.unparse(member.target)}", statement, member
        elif (name := constant_name(statement)) and isinstance(statement, ast.Assign | ast.AnnAssign):
            yield name, statement, statement


def constant_name(statement: ast.stmt) -> str:
    """The name of the constant that a statement of a module makes, or nothing."""
    if isinstance(statement, ast.AnnAssign) and statement.value is not None:
        name = ast.unparse(statement.target)
    elif isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        name = ast.unparse(statement.targets[0])
    else:
        return ""
    return name if name.isupper() and name.isidentifier() else ""


def _is_default(value: ast.expr | None) -> bool:
    return value is not None and not (isinstance(value, ast.Call) and ast.unparse(value.func) == "field")


_LEFT_ALONE: Final = {"annotation", "returns", "decorator_list", "targets", "target", "format_spec"}


def _sites(
    owner: ast.AST, statement: ast.AST | None = None, above: tuple[ast.AST, ...] = ()
) -> Iterator[_Site]:
    """The nodes of a function or constant that may be changed, outer ones first."""
    above = (*above, owner)
    for field, value in ast.iter_fields(owner):
        if field in _LEFT_ALONE:
            continue
        for place, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if not isinstance(child, ast.AST) or _says_nothing(child):
                continue
            is_statement = isinstance(child, ast.stmt | ast.ExceptHandler | ast.match_case | ast.arguments)
            within = child if is_statement else statement or owner
            yield _Site(child, _putter(owner, field, place), within, above)
            yield from _sites(child, within, above)


def _says_nothing(node: ast.AST) -> bool:
    is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return is_text or isinstance(
        node, ast.Assert | ast.expr_context | ast.operator | ast.Import | ast.ImportFrom
    )


def _putter(parent: ast.AST, field: str, place: int | None) -> Callable[[ast.AST], None]:
    def put(node: ast.AST) -> None:
        if place is None:
            setattr(parent, field, node)
        else:
            getattr(parent, field)[place] = node

    return put


def _lines(node: ast.AST) -> frozenset[int]:
    if isinstance(node, ast.ExceptHandler | ast.match_case):
        return _lines(node.body[0])
    if not isinstance(node, ast.stmt):
        return frozenset()
    body: list[ast.stmt] | list[ast.match_case] = getattr(node, "body", None) or getattr(node, "cases", [])
    if not body:
        return frozenset(range(node.lineno, _end(node) + 1))
    first = body[0].pattern.lineno if isinstance(body[0], ast.match_case) else body[0].lineno
    return frozenset(range(node.lineno, max(node.lineno + 1, first)))


def _end(node: ast.stmt) -> int:
    return node.end_lineno or node.lineno


def _mutant(name: str, change: Change, site: _Site, statement: Statement) -> Mutant:
    _, owner, _, _ = name.split(":")
    after = change.after if isinstance(change.after, str) else ast.unparse(change.after)
    text = " ".join(f"{ast.unparse(change.before)} -> {after}".split())
    line = getattr(site.node, "lineno", min(site.lines, default=statement.lineno))

    def put_in() -> None:
        site.put(ast.fix_missing_locations(ast.copy_location(change.node, site.node)))

    return Mutant(name, text, line, site.lines, site.beyond, owner, statement, put_in)


# --- what -----------------------------------------------------------------------------------------------

_COMPARISONS: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_ARITHMETIC: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
}
_OPPOSITES: Final = {"any": "all", "all": "any", "min": "max", "max": "min"}


def _changes(site: _Site) -> Iterator[Change]:
    node, around = site.node, site.above[-1]
    if site.is_in_constant and isinstance(node, ast.Set | ast.Tuple | ast.List | ast.Dict):
        yield from _without_an_element(node)
    if isinstance(node, ast.Constant) and (
        (isinstance(node.value, str) and site.is_word_of_error)
        or (site.is_in_constant and _is_element(node, around))  # which is left out already
    ):
        return
    if isinstance(node, ast.Raise) and isinstance(around, ast.If) and _only_refuses(around):
        return  # its If is passed over already
    for kind, operator in _OPERATORS:
        if isinstance(node, kind):
            yield from operator(node)
    if isinstance(node, ast.Return):
        function = next(each for each in reversed(site.above) if isinstance(each, ast.FunctionDef))
        yield from _returned(node, _returns(function))


def _is_element(node: ast.Constant, around: ast.AST) -> bool:
    if isinstance(around, ast.Dict):
        return node in around.keys
    return isinstance(around, ast.Set | ast.Tuple | ast.List)


def _only_refuses(node: ast.If) -> bool:
    return len(node.body) == 1 and isinstance(node.body[0], ast.Raise) and not node.orelse


def _without_an_element(node: ast.Set | ast.Tuple | ast.List | ast.Dict) -> Iterator[Change]:
    places: list[ast.expr] = [
        each for each in (node.keys if isinstance(node, ast.Dict) else node.elts) if each
    ]
    for number, each in enumerate(places):
        fewer: ast.expr
        if isinstance(node, ast.Dict):
            fewer = ast.Dict(_without(node.keys, number), _without(node.values, number))
        elif isinstance(node, ast.Set):
            left = _without(node.elts, number)
            fewer = ast.Set(left) if left else ast.Call(ast.Name("set", ast.Load()), [], [])
        else:
            fewer = type(node)(_without(node.elts, number), ast.Load())
        yield Change("element", fewer, each, "left out")


def _without(items: Iterable[Item], number: int) -> list[Item]:
    return [each for place, each in enumerate(items) if place != number]


def _compared(node: ast.Compare) -> Iterator[Change]:
    for number, operator in enumerate(node.ops):
        other = _COMPARISONS[type(operator)]()
        ops = [other if place == number else each for place, each in enumerate(node.ops)]
        changed = ast.Compare(node.left, ops, node.comparators)
        yield Change("compare", changed, node, changed)


def _joined(node: ast.BoolOp) -> Iterator[Change]:
    swapped = ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
    yield Change("boolean", swapped, node, swapped)
    for number in range(len(node.values)):
        left = _without(node.values, number)
        fewer = left[0] if len(left) == 1 else ast.BoolOp(node.op, left)
        yield Change("operand", fewer, node, fewer)


def _negated(node: ast.UnaryOp) -> Iterator[Change]:
    if isinstance(node.op, ast.Not):
        yield Change("boolean", node.operand, node, node.operand)


def _calculated(node: ast.BinOp) -> Iterator[Change]:
    if isinstance(node.op, ast.BitOr):  # a union, of sets or of types
        for side in (node.left, node.right):
            yield Change("operand", side, node, side)
    elif type(node.op) in _ARITHMETIC:
        changed = ast.BinOp(node.left, _ARITHMETIC[type(node.op)](), node.right)
        yield Change("arithmetic", changed, node, changed)


def _constant(node: ast.Constant) -> Iterator[Change]:
    value = node.value
    changed: object
    if isinstance(value, bool):
        changed = not value
    elif isinstance(value, int | float):
        changed = value + 1
    elif isinstance(value, str):
        changed = f"{value}x"
    elif isinstance(value, bytes):
        changed = value + b"x"
    else:
        return
    yield Change("constant", ast.Constant(changed), node, repr(changed))


def _guarded(node: ast.If) -> Iterator[Change]:
    for taken in (False,) if _only_refuses(node) else (False, True):
        test = ast.copy_location(ast.Constant(taken), node.test)
        yield Change("if", ast.If(test, node.body, node.orelse), node.test, repr(taken))


def _chosen(node: ast.IfExp) -> Iterator[Change]:
    for side in (node.body, node.orelse):
        yield Change("if", side, node, side)


def _repeated(node: ast.While) -> Iterator[Change]:
    yield Change("loop", ast.While(ast.Constant(False), node.body, node.orelse), node.test, "False")


def _iterated(node: ast.For) -> Iterator[Change]:
    nothing = ast.copy_location(ast.Tuple([], ast.Load()), node.iter)
    yield Change("loop", ast.For(node.target, nothing, node.body, node.orelse), node.iter, "nothing")


def _filtered(node: ast.comprehension) -> Iterator[Change]:
    for number, test in enumerate(node.ifs):
        fewer = ast.comprehension(node.target, node.iter, _without(node.ifs, number), node.is_async)
        yield Change("filter", fewer, test, "left out")


def _called(node: ast.Call) -> Iterator[Change]:
    function = node.func
    if isinstance(function, ast.Name) and function.id in _OPPOSITES:
        changed = ast.Call(ast.Name(_OPPOSITES[function.id], ast.Load()), node.args, node.keywords)
        yield Change("opposite", changed, node, changed)
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Call):  # a().b() becomes a()
        shorter = ast.copy_location(ast.Attribute(ast.Name("_", ast.Load()), function.attr), node)
        yield Change("link", function.value, shorter, "left out")


def _handled(node: ast.ExceptHandler) -> Iterator[Change]:
    again = ast.copy_location(ast.Raise(), node.body[0])
    yield Change("handler", ast.ExceptHandler(node.type, node.name, [again]), node.type or node, "passed on")


def _matched(node: ast.match_case) -> Iterator[Change]:
    never = ast.copy_location(ast.Constant(False), node.body[0])
    yield Change("case", ast.match_case(node.pattern, never, node.body), node.pattern, "never")


def _left_out(node: ast.stmt) -> Iterator[Change]:
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name | ast.Tuple | ast.List):
        return  # the next line would not know the name
    yield Change("statement", ast.Pass(), node, "left out")


def _returned(node: ast.Return, returns: str) -> Iterator[Change]:
    if node.value is None or isinstance(node.value, ast.Constant):
        return
    for value in (False, True) if returns == "bool" else (None,):
        changed = ast.Return(ast.copy_location(ast.Constant(value), node.value))
        yield Change("return", changed, node, changed)


_OPERATORS: Final[tuple[tuple[type | tuple[type, ...], Callable[..., Iterator[Change]]], ...]] = (
    (ast.Compare, _compared),
    (ast.BoolOp, _joined),
    (ast.UnaryOp, _negated),
    (ast.BinOp, _calculated),
    (ast.Constant, _constant),
    (ast.If, _guarded),
    (ast.IfExp, _chosen),
    (ast.While, _repeated),
    (ast.For, _iterated),
    (ast.comprehension, _filtered),
    (ast.Call, _called),
    (ast.ExceptHandler, _handled),
    (ast.match_case, _matched),
    ((ast.Expr, ast.Raise, ast.AugAssign, ast.Assign, ast.Delete, ast.Continue, ast.Break), _left_out),
)

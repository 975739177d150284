"""What counts as a mutant, and that its name stays when lines move."""

from __future__ import annotations

import ast
import textwrap

import pytest

from tests.mutants.operators import Mutant, mutants


def made_of(source: str) -> list[Mutant]:
    return mutants(ast.parse(textwrap.dedent(source)), "file.py")


def changes(source: str) -> set[str]:
    return {f"{each.id.split(':')[2]}: {each.change}" for each in made_of(source)}


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("return a < b", {"compare: a < b -> a <= b"}),
        ("return a in b", {"compare: a in b -> a not in b"}),
        ("return a < b == c", {"compare: a < b == c -> a <= b == c", "compare: a < b == c -> a < b != c"}),
        ("x = a and b", {"boolean: a and b -> a or b", "operand: a and b -> b", "operand: a and b -> a"}),
        ("x = not a", {"boolean: not a -> a"}),
        ("x = a - 3", {"arithmetic: a - 3 -> a + 3", "constant: 3 -> 4"}),
        ("x = isinstance(a, B | C)", {"operand: B | C -> B", "operand: B | C -> C"}),
        (
            "x = b'' if a else c",
            {"if: b'' if a else c -> b''", "if: b'' if a else c -> c", "constant: b'' -> b'x'"},
        ),
        ("x = any(a)", {"opposite: any(a) -> all(a)"}),
        ("x = [a for a in b if c]", {"filter: c -> left out"}),
        ("x = a().b()", {"link: _.b -> left out"}),
        ("a.b = c", {"statement: a.b = c -> left out"}),
        ("a(b)", {"statement: a(b) -> left out"}),
        ("for a in b: a()", {"loop: b -> nothing", "statement: a() -> left out"}),
        ("while a: a()", {"loop: a -> False", "statement: a() -> left out"}),
        ("return a", {"return: return a -> return None"}),
    ],
)
def test_an_operator_makes_just_these_changes(statement: str, expected: set[str]) -> None:
    assert expected <= changes(f"def f():\n    {statement}\n")
    assert changes(f"def f():\n    {statement}\n") - expected <= {"return: " + statement + " -> return None"}


def test_a_guard_that_only_refuses_is_left_out_once() -> None:
    source = """
    def f(a):
        if a:
            raise TrustError("these words are not changed")
    """
    assert changes(source) == {"if: a -> False"}


def test_a_question_is_answered_both_ways() -> None:
    source = "def f() -> bool:\n    return a()\n"
    assert changes(source) == {"return: return a() -> return False", "return: return a() -> return True"}


def test_errors_pass_a_handler_and_a_case_never_matches() -> None:
    source = """
    def f(a):
        try:
            a()
        except ValueError:
            b()
        match a:
            case int():
                c()
    """
    assert {"handler: ValueError -> passed on", "case: int() -> never"} <= changes(source)


def test_constants_defaults_and_tables_are_changed_as_well() -> None:
    source = """
    MOST = 3
    TABLE = {A: "a", B: "b"}
    class Value:
        count: int = 0
        shown: bool = field(repr=False)
    def f(a=True): pass
    """
    assert changes(source) == {
        "constant: 3 -> 4",
        "element: A -> left out",
        "element: B -> left out",
        "constant: 'a' -> 'ax'",
        "constant: 'b' -> 'bx'",
        "default: 0 -> 1",
        "default: True -> False",
    }


def test_what_says_nothing_is_left_alone() -> None:
    source = '''
    """A module."""
    __all__ = ["f"]
    class Word(Enum):
        FIRST = "first"
    def f(a: int | None) -> int | None:
        """Give it."""
        assert a > 3
    '''
    assert changes(source) == set()


def test_names_do_not_move_with_the_lines() -> None:
    source = "def f():\n    return a < b\n\n\ndef g():\n    return a < b\n"
    moved = "import os\n\n\n" + source.replace("    return", "    # why\n    return", 1)
    assert [each.id for each in made_of(source)] == [each.id for each in made_of(moved)]
    assert [each.line for each in made_of(source)] != [each.line for each in made_of(moved)]


def test_a_mutant_knows_the_lines_that_must_run() -> None:
    (compared, *_) = (
        each for each in made_of("def f():\n    x = 1\n    return (a <\n        b)\n") if "compare" in each.id
    )
    assert compared.lines == {3, 4}


def test_a_mutant_is_put_into_its_tree() -> None:
    tree = ast.parse("def f():\n    return a < b\n")
    (first, *_) = (each for each in mutants(tree, "file.py") if "compare" in each.id)
    first.put_in()
    assert ast.unparse(tree) == "def f():\n    return a <= b"

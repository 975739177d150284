"""Every constraint of every schema has a broken file that breaks it alone and is told so at the right place."""

from __future__ import annotations

import re

import pytest

from gateway.xmlcore.parse import parse
from tests.golden.constraints import SCHEMAS, constraints
from tests.golden.schema_cases import Base, Broken, Whole, broken, whole
from tests.golden.test_goldens import oracle, schema_of


@pytest.mark.parametrize("schema", SCHEMAS)
def test_every_constraint_has_a_broken_file_and_every_freedom_a_whole_one(schema: str) -> None:
    breaks = {case.breaks for case in broken() if case.base.schema == schema}
    uses = {case.uses for case in whole() if case.base.schema == schema}
    due = constraints(schema)
    assert [name for name in due if name not in (uses if _lets(name) else breaks)] == []


@pytest.mark.parametrize("schema", SCHEMAS)
def test_every_case_is_about_a_constraint_that_there_is(schema: str) -> None:
    named = {case.breaks for case in broken() if case.base.schema == schema}
    named |= {case.uses for case in whole() if case.base.schema == schema}
    assert named - set(constraints(schema)) == set()


@pytest.mark.parametrize("case", broken(), ids=str)
def test_a_broken_file_is_told_what_is_wrong_and_where_and_nothing_else(case: Broken) -> None:
    found = schema_of(case.base.schema).validate(parse(case.octets))
    assert [(violation.code, violation.path) for violation in found] == [(case.code, case.path)]


@pytest.mark.parametrize("case", whole(), ids=str)
def test_a_file_that_goes_as_far_as_it_may_is_accepted(case: Whole) -> None:
    assert schema_of(case.base.schema).validate(parse(case.octets)) == ()


@pytest.mark.parametrize(
    "base", sorted({case.base for case in broken()}, key=repr), ids=lambda base: base.name
)
def test_what_the_broken_files_start_from_is_whole(base: Base) -> None:
    assert schema_of(base.schema).validate(parse(base.octets())) == ()


@pytest.mark.parametrize("schema", SCHEMAS)
def test_another_validator_agrees_on_what_is_broken_and_what_is_whole(schema: str) -> None:
    validator = oracle(schema)
    accepted = [
        str(case) for case in broken() if case.base.schema == schema and validator.is_valid(case.octets)
    ]
    refused = [
        str(case) for case in whole() if case.base.schema == schema and not validator.is_valid(case.octets)
    ]
    assert (accepted, refused) == ([], [])


def _lets(name: str) -> bool:
    """Whether the constraint is one that lets something be, and so can be broken by no file."""
    return re.fullmatch(r"\w+ value \S+|\S+ optional|\w+ none of \S+", name) is not None

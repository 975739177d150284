"""Print what has no broken file yet, for who writes one: `python -m tests.golden.missing`."""

from __future__ import annotations

from collections.abc import Iterator

from tests.golden.constraints import SCHEMAS, constraints
from tests.golden.rule_cases import due, striking
from tests.golden.schema_cases import broken, whole


def missing() -> Iterator[str]:
    """The name of each constraint and rule without a case, one a line."""
    for schema in SCHEMAS:
        have = {case.breaks for case in broken() if case.base.schema == schema}
        have |= {case.uses for case in whole() if case.base.schema == schema}
        yield from (f"{schema}: {name}" for name in constraints(schema) if name not in have)
    judged = {(case.rule, case.severity) for case in striking()}
    yield from (
        f"rule: {rule.name} {severity.value}" for rule, severity in due() if (rule, severity) not in judged
    )


if __name__ == "__main__":
    print("\n".join(missing()) or "nothing is missing")

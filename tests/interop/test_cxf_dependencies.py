"""The CXF sample runs with exactly the jars that its list names."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.interop.stacks import SAMPLES, Stack

_PROJECT: Final = SAMPLES / "cxf"


def test_every_jar_that_maven_puts_on_the_class_path_is_the_one_listed(
    stack_of: Callable[[str], Stack],
) -> None:
    stack_of("cxf")
    jars = [Path(jar) for jar in (_PROJECT / "target" / "class-path").read_text("utf-8").split(":")]
    found = {f"{hashlib.sha256(jar.read_bytes()).hexdigest()}  {_within_repository(jar)}" for jar in jars}

    listed = (_PROJECT / "dependencies.sha256").read_text("utf-8").splitlines()

    assert listed == sorted(listed, key=lambda line: line.split()[1])
    assert sorted(found) == sorted(listed), "say in the list what changed, once you know why"


def _within_repository(jar: Path) -> str:
    """A jar's path below Maven's local repository: group, artifact, version."""
    (start,) = [number for number, part in enumerate(jar.parts) if part == "repository"]
    return "/".join(jar.parts[start + 1 :])

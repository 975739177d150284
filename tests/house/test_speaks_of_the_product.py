"""What is in the repository speaks of the product: not of how it was written, of secrets or of real people."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def either(*words: tuple[str, ...]) -> str:
    """A pattern for any of these words, each given in parts, so that none of them stands in this file."""
    return "|".join("".join(parts) for parts in words)


FORBIDDEN = {
    "a path of a workplace": either(("/wo", "rk/"), ("/ho", "me/[a-z]"), ("/ro", "ot/")),
    "a page that is not here": either(
        ("desi", r"gn\.md"), ("sty", r"le\.md"), ("security ru", r"le R\d"), ("evidence mo", "del §")
    ),
    "an issue by its number": either(
        (r"(?i:\b(?:iss", "ue|tick", r"et|mile", r"stone)s? #?\d+\b)"), (r"(?<![\w&#/\"'`])#\d{1,5}\b(?!;)",)
    ),
    "a writing tool": either(
        ("(?i:cla", "ude)"),
        ("(?i:anth", "ropic)"),
        ("(?i:copi", "lot)"),
        ("(?i:chat", "gpt)"),
        ("(?i:open", "ai)"),
    ),
    "how the work was shared out": either(
        ("(?i:orchest", "rator)"), ("(?i:other hel", "per)"), ("(?i:sub", "agent)"), ("(?i:this ses", "sion)")
    ),
    "what is left for later": either(("TO", "DO"), ("FIX", "ME"), ("XX", "X:"), ("HA", "CK:")),
    "a private key": either(("-----BEGIN [A-Z ]*PRI", "VATE KEY-----\\n[A-Za-z0-9+/]")),
}
_NO_TEXT = frozenset({".pdf", ".png", ".jpg", ".ico", ".zip"})


@cache
def tracked() -> list[Path]:
    """Every file of the repository, and those that would be added to it."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    names = listed.stdout.split("\0") if listed.returncode == 0 else []
    found = [ROOT / name for name in names if name] or [
        path for path in ROOT.rglob("*") if not {".venv", "node_modules", ".git"} & set(path.parts)
    ]
    return sorted(path for path in found if path.is_file())


@cache
def texts() -> dict[str, str]:
    """The files that hold text, by their path."""
    return {
        str(path.relative_to(ROOT)): path.read_text("utf-8", "replace")
        for path in tracked()
        if path.suffix not in _NO_TEXT and path.name not in {"package-lock.json", "LICENSE"}
    }


def found(pattern: str, *, beside: tuple[str, ...] = ()) -> list[str]:
    """Every place where a pattern stands, but in files whose path begins so."""
    places = []
    for name, text in texts().items():
        for match in re.finditer(pattern, text):
            if not name.startswith(beside or ("//",)):
                places.append(f"{name}:{text.count(chr(10), 0, match.start()) + 1}: {match[0]}")
    return places


def test_the_repository_is_looked_at() -> None:
    assert {"README.md", "Makefile", "gateway/app.py", "tests/house/test_docs.py"} <= set(texts())


@pytest.mark.parametrize("what", sorted(FORBIDDEN))
def test_no_file_speaks_of(what: str) -> None:
    # A locked package's name or hash may look like anything; it is nobody's sentence.
    assert found(FORBIDDEN[what], beside=("requirements/",)) == []


@pytest.mark.parametrize(
    ("what", "parts"),
    [
        ("a path of a workplace", ("see /wo", "rk/main")),
        ("a page that is not here", ("see desi", "gn.md")),
        ("an issue by its number", ("mends iss", "ue 12")),
        ("an issue by its number", ("(", "#", "12)")),
        ("a writing tool", ("by Cla", "ude")),
        ("what is left for later", ("# TO", "DO: write")),
        ("a private key", ("-----BEGIN PRI", "VATE KEY-----\nMII")),
    ],
)
def test_what_is_forbidden_would_be_found(what: str, parts: tuple[str, ...]) -> None:
    assert re.search(FORBIDDEN[what], "".join(parts))


def test_no_secret_and_no_database_is_in_the_repository() -> None:
    unwanted = {".pem", ".key", ".p12", ".pfx", ".db", ".sqlite", ".crl", ".cer", ".der"}
    assert [str(path) for path in tracked() if path.suffix in unwanted] == []

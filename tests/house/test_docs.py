"""The pages are true: links lead somewhere, commands exist, what is named is there, what is generated is fresh."""

from __future__ import annotations

import ast
import itertools
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer

from docs import generate
from gateway.cli.main import application
from gateway.domain.catalogue import Code
from gateway.domain.rules import Rule
from gateway.settings import Settings

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
_FOLDERS = ("certificates", "demo", "docs", "gateway", "tests", "xsd", "bench")
_LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^```(\S*) ?(\S*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
_INDENTED_FENCE = re.compile(r"^( +)```.*?^\1```", re.DOTALL | re.MULTILINE)
_SPAN = re.compile(r"`([^`\n]+)`")
_FILE = re.compile(r"(?:gateway|tests|xsd|docs|demo|certificates|bench|requirements)/[\w./-]*")
_CALL = re.compile(r"(?:(\w+)\.)?(\w+)\(\)")


def pages() -> list[Path]:
    """Every page of ours, in the root and in our folders."""
    found = itertools.chain(ROOT.glob("*.md"), *((ROOT / name).rglob("*.md") for name in _FOLDERS))
    return sorted(page for page in found if "node_modules" not in page.parts)


PAGES = pages()
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return _FENCE.sub("", _INDENTED_FENCE.sub("", page.read_text("utf-8")))


@cache
def anchors(page: Path) -> frozenset[str]:
    """What a link may name in a page: its headings, in the form that links take."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return frozenset(re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings)


def test_there_are_pages_for_everybody() -> None:
    names = {str(page.relative_to(ROOT)) for page in PAGES}
    assert {"README.md", "CONTRIBUTING.md", "docs/life-of-a-letter.md", "docs/clients/README.md"} <= names


@each_page
def test_every_link_leads_to_a_file_and_to_a_heading(page: Path) -> None:
    broken = []
    for link in _LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", link):
            continue
        target, _, anchor = link.partition("#")
        found = (page.parent / target).resolve() if target else page
        if not found.exists() or (anchor and anchor not in anchors(found)):
            broken.append(link)
    assert broken == []


@each_page
def test_every_file_a_page_names_exists(page: Path) -> None:
    named = {text for span in _SPAN.findall(prose(page)) for text in _FILE.findall(span)}
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


# --- generated pages ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(generate.PAGES))
def test_a_generated_page_is_what_the_code_says_now(name: str) -> None:
    assert (ROOT / "docs" / name).read_text("utf-8") == generate.PAGES[name](), "run `make docs`"


def test_every_code_of_the_catalogue_and_every_rule_is_documented() -> None:
    page = (ROOT / "docs" / "errors.md").read_text("utf-8")
    assert [code.name for code in Code if f"| `{code.name}`" not in page] == []
    assert [rule.code for rule in Rule if f"| `{rule.code}`" not in page] == []


def test_every_setting_is_documented_with_a_sentence() -> None:
    page = (ROOT / "docs" / "settings.md").read_text("utf-8")
    sections = [Settings, *(field.annotation for field in Settings.model_fields.values())]
    for section in sections:
        for name, field in getattr(section, "model_fields", {}).items():
            if not hasattr(field.annotation, "model_fields"):
                assert f"| `{name}` |" in page
                assert (field.description or "").endswith("."), f"{name} has no sentence"


def test_the_states_that_are_said_not_to_be_set_are_not_set() -> None:
    services = "".join(path.read_text("utf-8") for path in (ROOT / "gateway" / "services").glob("*.py"))
    assert [
        state.name for state in generate.NOT_SET if f"event_rows(installation, State.{state.name}" in services
    ] == []


# --- commands -------------------------------------------------------------------------------------------


def commands(page: Path) -> Iterator[tuple[str, bool]]:
    """Every command in the shell blocks of a page, and whether its block is marked as checked."""
    for language, mark, block in _FENCE.findall(
        re.sub(r"^ {2,}", "", page.read_text("utf-8"), flags=re.MULTILINE)
    ):
        if language == "sh":
            for line in block.replace("\\\n", " ").splitlines():
                if line.strip() and not line.startswith("#"):
                    yield line, mark == "checked"


def require_command(words: list[str]) -> None:
    """Fail unless these words of `bropost` name a command, and only options that it has."""
    command = typer.main.get_command(application)
    rest = list(words)
    while rest and not rest[0].startswith("-") and (subcommands := getattr(command, "commands", None)):
        command = subcommands[rest.pop(0)]
    known = {name for parameter in command.params for name in parameter.opts}
    unknown = [word for word in rest if word.startswith("--") and word not in known | {"--help"}]
    assert unknown == [], f"{command.name} has no {unknown}"


@each_page
def test_every_command_on_a_page_is_one_that_exists(page: Path) -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    for line, _ in commands(page):
        program, *words = shlex.split(line, comments=True)
        if program == "bropost":
            require_command(words)
        elif program == "make":
            assert [word for word in words if not word.startswith("-") and word not in targets] == []


@each_page
def test_every_make_target_and_command_in_the_text_exists(page: Path) -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    for span in _SPAN.findall(prose(page)):
        if (made := re.fullmatch(r"make ([a-z]+)", span)) is not None:
            assert made[1] in targets
        elif span.startswith("bropost "):
            require_command(shlex.split(span)[1:])


@each_page
def test_every_checked_command_runs(page: Path, tmp_path: Path) -> None:
    for line in [line for line, is_checked in commands(page) if is_checked]:
        program, *words = shlex.split(line, comments=True)
        where = [str(BIN / program), *words] if program == "bropost" else [program, *words]
        folder = ROOT if program == "make" else tmp_path
        ran = subprocess.run(where, cwd=folder, capture_output=True, text=True, check=False, timeout=60)
        assert ran.returncode == 0, f"{line}: {ran.stdout}{ran.stderr}"


# --- the letter's walk ----------------------------------------------------------------------------------


@cache
def definitions(path: Path) -> frozenset[tuple[str, str]]:
    """Every function of a file, with its class or ""."""
    found = set()
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            found.add(("", node.name))
        elif isinstance(node, ast.ClassDef):
            found |= {(node.name, each.name) for each in node.body if isinstance(each, ast.FunctionDef)}
    return frozenset(found)


def unknown_calls(page: Path) -> list[str]:
    """The functions a page names that are in none of the files named in the same section."""
    unknown = []
    for section in re.split(r"^## ", prose(page), flags=re.MULTILINE):
        spans = _SPAN.findall(section)
        files = [ROOT / span for span in spans if span.endswith(".py") and (ROOT / span).is_file()]
        methods = {each for path in files for each in definitions(path)}
        names = {name for _, name in methods}
        for call in filter(None, map(_CALL.fullmatch, spans)):
            if (call[1], call[2]) not in methods if call[1] else call[2] not in names:
                unknown.append(f"{section.splitlines()[0]}: {call[0]}")
    return unknown


@each_page
def test_every_function_a_page_names_is_in_a_file_named_beside_it(page: Path) -> None:
    if page.parts[-2:] != ("dev", "README.md") and page.name != "log-format.md":  # these name functions alone
        assert unknown_calls(page) == []


def test_the_walk_passes_every_service_and_every_aggregate_on_the_way() -> None:
    walk = (ROOT / "docs" / "life-of-a-letter.md").read_text("utf-8")
    services = {path.stem for path in (ROOT / "gateway" / "services").glob("*.py")}
    # What the others use, and what looks at a whole store that was moved or restored.
    beside = {
        "__init__",
        "cursors",
        "installation",
        "recording",
        "store_check",
        "moving",
        "backup",
        "restoring",
        "vitals",
    }
    assert [name for name in sorted(services - beside) if f"gateway/services/{name}.py" not in walk] == []


def test_the_letter_in_the_readme_is_the_golden_one() -> None:
    golden = (
        (ROOT / "tests" / "golden" / "documents" / "education-order-letter.xml")
        .read_text("utf-8")
        .splitlines()
    )
    (excerpt,) = [
        block
        for language, _, block in _FENCE.findall((ROOT / "README.md").read_text("utf-8"))
        if language == "xml"
    ]
    assert [line for line in excerpt.splitlines() if line.strip() != "..." and line not in golden] == []


# --- standards ------------------------------------------------------------------------------------------

_CITED = re.compile(r"(?P<before>[^§\n]*?)[ ,(]*§(?P<clauses>[\w.]+(?:(?:, | and | to )§[\w.]+)*)")
_NUMBERED = re.compile(
    r"\bRFC [0-9]{3,5}\b|\bC2SP (?:signed-note|tlog-[a-z]+)|\bETSI EN [0-9]{3} [0-9]{3}(?:-[0-9])?"
)


@cache
def standards() -> Mapping[str, Mapping[str, Any]]:
    found: dict[str, dict[str, Any]] = tomllib.loads((ROOT / "docs" / "standards.toml").read_text("utf-8"))
    return found


def sources() -> list[Path]:
    """What may cite: our code and its tests, and the pages of departures."""
    found = [path for name in ("gateway", "tests", "demo", "bench") for path in (ROOT / name).rglob("*.py")]
    return [*(path for path in found if "node_modules" not in path.parts), ROOT / "docs" / "divergences.md"]


def test_every_clause_is_cited_by_the_short_name_of_a_known_standard() -> None:
    wrong = []
    for path in sources():
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
            for cited in _CITED.finditer(line):
                before = cited["before"].rstrip(" ,(")
                if path != Path(__file__) and not any(before.endswith(name) for name in standards()):
                    wrong.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()}")
    assert wrong == []


def cited_clauses() -> frozenset[tuple[str, str]]:
    """Every standard and clause that is cited."""
    found = set()
    for path in sources():
        for cited in _CITED.finditer(path.read_text("utf-8")):
            before = cited["before"].rstrip(" ,(")
            name = max((each for each in standards() if before.endswith(each)), key=len, default="")
            found |= {
                (name, clause) for clause in re.findall(r"[0-9](?:[\w.]*\w)?", cited["clauses"]) if name
            }
    return frozenset(found)


def test_every_clause_that_is_cited_is_one_that_its_standard_has() -> None:
    listed = {(name, clause) for name, entry in standards().items() for clause in entry.get("clauses", {})}
    assert sorted(cited_clauses() - listed) == []
    assert sorted(listed - cited_clauses()) == []


def test_every_numbered_standard_that_is_named_is_listed() -> None:
    wrong = {
        name
        for path in sources()
        if path != Path(__file__)
        for name in _NUMBERED.findall(path.read_text("utf-8"))
        if not any(known.startswith(name) or name.startswith(known) for known in standards())
    }
    assert wrong == set()


def test_every_listed_standard_is_cited_and_described() -> None:
    everything = "".join(path.read_text("utf-8") for path in sources())
    assert [name for name in sorted(standards()) if name not in everything] == []
    for entry in standards().values():
        assert set(entry) - {"clauses"} == {"title", "publisher", "use"}

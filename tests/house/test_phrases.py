"""No Danish sentence gets an English phrase: whatever an error fills in is a phrase that has Danish, or a name."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError, TrustError
from gateway.domain.identifiers import PartyId, Uuid4
from gateway.domain.kinds import DocumentKind
from gateway.domain.party import Role
from gateway.domain.phrases import ONLY_IN_ENGLISH, PHRASES, in_danish
from gateway.settings import load_settings
from tests.development import make_installation

_GATEWAY: Final = Path(__file__).parents[2] / "gateway"
_ERRORS: Final = {"InputError", "TrustError", "PeerError", "UnavailableError", "InternalError"}
_WORDED: Final = {
    "what",
    "which",
    "algorithm",
}  # facts that may be phrases; others are names, numbers and codes
_NAME: Final = "Navn-1"  # stands for what a raiser fills into a phrase
# Functions whose answers or ValueErrors become such facts.
_ANSWERING: Final = {
    "protocol/attachment_files.py": ("_pdf", "_names", "_hidden_in_streams", "_png", "_jpeg", "_text"),
    "translog/leaf.py": ("_explain",),
    "domain/disclosure.py": ("_check_together",),
    "domain/identifiers.py": ("__post_init__",),
}
# Made in other ways: by pydantic, by Python of a value that an enum does not know, of identifiers (see the last tests).
_MADE_OTHERWISE: Final = {
    "Field required",
    "Extra inputs are not permitted",
    "{*} is not a valid {}",
    "not a CVR number of eight digits",
    "not a UUID version 4 in lower case",
}

Function = ast.FunctionDef


@cache
def _modules() -> dict[str, ast.Module]:
    files = sorted(_GATEWAY.rglob("*.py"))
    return {str(path.relative_to(_GATEWAY)): ast.parse(path.read_text("utf-8")) for path in files}


def _functions(name: str) -> list[Function]:
    return [node for node in ast.walk(_modules()[name]) if isinstance(node, Function)]


def _texts(node: ast.AST | None) -> Iterator[str]:
    """The texts that an expression can be, with a name for whatever is filled in."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=parts):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else _NAME for part in parts)
        case ast.IfExp():
            yield from [*_texts(node.body), *_texts(node.orelse)]
        case ast.Tuple(elts=[first, *_]):
            yield from _texts(first)


def _given(call: ast.Call, helpers: dict[str, Function]) -> Iterator[tuple[str, ast.expr]]:
    """The facts in words that a call gives to an error or to a function that raises one with them."""
    called = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    if called in helpers:
        yield from zip([each.arg for each in helpers[called].args.args], call.args, strict=False)
    if called in helpers or called in _ERRORS:
        yield from ((each.arg, each.value) for each in call.keywords if each.arg)


def _sources(function: Function, helpers: dict[str, Function]) -> Iterator[ast.expr]:
    """The expressions that become facts in words within a function, variables resolved."""
    for call in (node for node in ast.walk(function) if isinstance(node, ast.Call)):
        for fact, value in _given(call, helpers):
            if fact in _WORDED:
                yield value
                names = {node.id for node in ast.walk(value) if isinstance(node, ast.Name)}
                yield from (
                    node.value
                    for node in ast.walk(function)
                    if isinstance(node, ast.Assign)
                    and any(isinstance(each, ast.Name) and each.id in names for each in node.targets)
                )


@cache
def _helpers() -> dict[str, Function]:
    """The functions that raise an error, or give one, with words they were given."""
    found: dict[str, Function] = {}
    for _ in range(3):  # as deep as helpers call one another
        for name in _modules():
            for function in _functions(name):
                used = {
                    node.id
                    for source in _sources(function, found)
                    for node in ast.walk(source)
                    if isinstance(node, ast.Name)
                }
                if used & _WORDED & {each.arg for each in function.args.args}:
                    found[function.name] = function
    return found


def _answers(name: str) -> Iterator[str]:
    for function in _functions(name):
        if function.name in _ANSWERING[name]:
            for node in ast.walk(function):
                if isinstance(node, ast.Return):
                    yield from _texts(node.value)
                elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "ValueError":
                    yield from _texts(node.args[0])


def _constants(name: str) -> Iterator[str]:
    """Texts that a module that answers keeps under a name."""
    for node in _modules()[name].body:
        if isinstance(node, ast.AnnAssign | ast.Assign):
            yield from (text for text in _texts(node.value) if " " in text)


@cache
def _facts() -> dict[str, str]:
    """Every text that can be a fact in words, with the module that gives it."""
    found = {
        text: name
        for name in _modules()
        for function in _functions(name)
        for source in _sources(function, _helpers())
        for text in _texts(source)
    }
    return found | {
        text: name for name in _ANSWERING for text in (*_answers(name), *_constants(name)) if text
    }


def _is_name(text: str) -> bool:
    """Whether a text is a name of a standard or of ours, the same in both languages."""
    return text.startswith("--") or (" " not in text and text != text.lower()) or ":" in text


def _pattern(danish: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{\\?\*?\\\}", ".+", re.escape(danish)))


def test_the_raisers_are_found() -> None:
    assert {"too_large", "malformed", "_malformed", "_uncovered", "_refusal"} <= _helpers().keys()
    assert {
        "octets",
        "text between elements",
        f"the PDF holds {_NAME}",
        "a key of another kind",
    } <= _facts().keys()


def test_every_phrase_that_an_error_fills_in_has_danish() -> None:
    wanting = {
        text: name
        for text, name in _facts().items()
        if in_danish(text).removeprefix(f"{_NAME}: ") == ONLY_IN_ENGLISH
        or (in_danish(text) == text and not _is_name(text))
    }
    assert wanting == {}


def test_other_facts_are_names_and_numbers() -> None:
    phrases = [
        (name, text)
        for name in _modules()
        for function in _functions(name)
        for call in ast.walk(function)
        if isinstance(call, ast.Call)
        for fact, value in _given(call, {})
        if fact not in _WORDED
        for text in _texts(value)
        if " " in text
    ]
    assert phrases == []


def test_no_phrase_is_kept_that_no_error_fills_in() -> None:
    filled = {text.removeprefix(f"{_NAME}: ") for text in _facts()}
    plain = {phrase for phrase in PHRASES if "{" not in phrase and phrase not in filled}
    told = {in_danish(text) for text in _facts()}
    open_ones = {
        phrase
        for phrase, danish in PHRASES.items()
        if "{" in phrase and not any(_pattern(danish).fullmatch(each) for each in told)
    }
    assert (plain | open_ones) - _MADE_OTHERWISE == set()


def test_the_danish_is_another_than_the_english() -> None:
    same = [english for english, danish in PHRASES.items() if english == danish]
    assert [english for english in same if not english.startswith("--")] == []


@pytest.mark.parametrize(
    ("error", "danish"),
    [
        (
            InputError(Code.XML_TOO_LARGE, limit=64, what="attributes of one element"),
            "XML-dokumentet overskrider grænsen på 64 for attributter i ét element. Send et mindre dokument.",
        ),
        (
            InputError(Code.XML_FORBIDDEN, what="the hidden character U+202E", line=6),
            "XML-dokumentet indeholder det skjulte tegn U+202E i linje 6, som ikke modtages. Fjern det.",
        ),
        (
            TrustError(Code.SIGNATURE_ALGORITHM, algorithm="RSA with 1024 bits", what="the key"),
            "Algoritmen RSA med 1024 bit kan ikke bruges til nøglen. Brug rsa-sha256 (mindst 2048 bit) eller "
            "ecdsa-sha256 med P-256, SHA-256 og eksklusiv kanonisering.",
        ),
        (
            InputError(Code.BUNDLE_MALFORMED, what="manifest.json: not canonical JSON"),
            "Logpakken kan ikke læses (manifest.json: ikke kanonisk JSON). Eksportér den igen.",
        ),
    ],
)
def test_a_danish_sentence_gets_the_danish_phrase(error: InputError | TrustError, danish: str) -> None:
    assert error.danish == danish


def test_a_name_stands_as_it_is_and_unknown_words_are_left_to_the_english_sentence() -> None:
    assert in_danish("11111111-0999") == "11111111-0999"
    assert (
        in_danish("/srv/min mappe/bropost.toml does not exist") == "/srv/min mappe/bropost.toml findes ikke"
    )
    assert in_danish("server.port: Input should be less") == f"server.port: {ONLY_IN_ENGLISH}"
    assert in_danish("some words of a library") == ONLY_IN_ENGLISH


@pytest.mark.parametrize(
    "read",
    [
        lambda: PartyId.parse("1111-0999"),
        lambda: PartyId.parse("11111111-09"),
        lambda: Uuid4("7D0F"),
        lambda: DocumentKind("LoveLetter"),
        lambda: Role("KING OF ALL"),
    ],
)
def test_what_is_wrong_with_an_argument_is_told_in_danish(read: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"\w") as refused:
        read()
    assert ONLY_IN_ENGLISH not in in_danish(str(refused.value))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("[keys]", "[noegler]", "keys: mangler."),
        ("[store]", "[store]\nfolder = 1", "store.folder: kendes ikke."),
    ],
)
def test_a_setting_that_is_missing_or_unknown_is_told_in_danish(
    old: str, new: str, told: str, tmp_path: Path
) -> None:
    settings = make_installation(tmp_path)
    settings.write_text(settings.read_text("utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(InputError) as refused:
        load_settings(settings)
    assert told in refused.value.danish

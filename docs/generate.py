"""Writes the pages that are made from the code. `make docs` runs it; a test compares.

What stands in them is changed where it comes from, never in the pages.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Final, TypeGuard

from annotated_types import Ge, Gt, Le, MinLen
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from docs.generate_alerts import alert_rules, metrics_page
from gateway.domain.annotation import Certainty
from gateway.domain.catalogue import Code, Family
from gateway.domain.deadlines import CONFIRMED_WITHIN, FIRINGS
from gateway.domain.errors import (
    BropostError,
    InputError,
    InternalError,
    PeerError,
    TrustError,
    UnavailableError,
)
from gateway.domain.kinds import WAITS_OF_URGENCY, WISHED_ANSWER, DocumentKind, Waits, WorkingSpan
from gateway.domain.minimum import StatutoryElement
from gateway.domain.rules import Place, Rule, Severity
from gateway.domain.status import MISSES, ORDER, State
from gateway.protocol.documents import read_document
from gateway.protocol.soap import fault_code
from gateway.settings import Settings
from gateway.views.page import html_page
from gateway.views.readable import readable
from gateway.xmlcore.code_lists import basis_sets, municipalities_of
from gateway.xmlcore.explanations import CODES
from gateway.xmlcore.parse import parse
from gateway.xmlcore.statutory import statutory_minimum

FOLDER: Final = Path(__file__).parent
_GOLDEN: Final = FOLDER.parent / "tests" / "golden"
_MARK: Final = "<!-- Made by `make docs`. Change {source}, not this page. -->"
_ERRORS: Final[Mapping[Family, type[BropostError]]] = {
    each.family: each for each in (InputError, TrustError, PeerError, UnavailableError, InternalError)
}
NOT_SET: Final = (State.RELAYED, State.RELAY_FAILED, State.FAILED)
"""The states that no workflow of this version records."""
_CERTAINTY: Final = {
    Certainty.SOURCE: "source",
    Certainty.KNOWLEDGE: "knowledge",
    Certainty.DEDUCTION: "deduction",
}
_SEVERITIES: Final = {
    Severity.ERROR: "refused",
    Severity.OVERRIDABLE: "stopped, unless overridden with a reason",
    Severity.WARNING: "accepted, with a warning",
}


def main() -> None:
    """Write every page."""
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), encoding="utf-8")


def errors_page() -> str:
    """The page of errors, business rules and schema violations."""
    parts = [
        "# Errors",
        _MARK.format(source="`gateway/domain/catalogue.py` or `gateway/domain/rules.py`"),
        "Every fault carries one `BropostFault` with a code of this page. `{names}` are filled in with facts: numbers, "
        "codes, places; never personal data. A code is stable: it is never renamed and never used again for something "
        "else.",
        "A code marked **hidden** stays in the operations log; the caller is told `MESSAGE_NOT_TRUSTED`, for the "
        "reason would help an attacker. The correlation id in the fault leads to the line in the log.",
    ]
    for family in Family:
        codes = [code for code in Code if code.row.family is family]
        parts += [
            f"## {family.name}: {family.value} must act",
            _family(family, codes),
            *([_table(("Code", "English", "Danish"), map(_error, codes))] if codes else []),
        ]
    parts += [
        "## Business rules",
        "A fault `RULES_BROKEN` carries the code of its first broken rule, and one `Violation` for each finding, with "
        "path, line and words. Warnings come with the answer. Some rules strike differently by circumstance.",
    ]
    for place in Place:
        rules = [rule for rule in Rule if rule.row.place is place]
        parts += [
            f"### Rules on {place.value}",
            _table(("Code", "Strikes as", "English", "Danish"), map(_rule, rules)),
        ]
    parts += [
        "## Schema violations",
        "A fault `SCHEMA_INVALID` carries one `Violation` for each place. Its words name the element and what is "
        "expected there, from the schema's own labels. Its code is one of:",
        ", ".join(f"`{code}`" for code in sorted({*CODES.values(), "element-missing", "element-namespace"}))
        + ".",
    ]
    return _page(parts)


def settings_page() -> str:
    """The page of settings."""
    parts = [
        "# Settings",
        _MARK.format(source="`gateway/settings.py`"),
        "One TOML file, read at the start. Relative paths count from the folder of the file. An unknown key, a missing "
        "one or a value out of range stops the start with `SETTINGS_INVALID`. Nothing here can weaken signatures, "
        "revocation or the log. `bropost pki init` writes a file for development; [operations](operations.md) tells "
        "what to put where.",
        "## At the top of the file",
        _settings_table(Settings),
    ]
    for name, field in Settings.model_fields.items():
        if _is_section(field.annotation):
            words = " ".join((field.annotation.__doc__ or "").split())
            parts += [f"## [{name}]", words, _settings_table(field.annotation)]
    return _page(parts)


def states_page() -> str:
    """The page of states, deadlines and kinds."""
    return _page(
        [
            "# States, deadlines and kinds",
            _MARK.format(source="`gateway/domain/status.py`, `deadlines.py` or `kinds.py`"),
            "The state of a document is computed from its events and stored nowhere. It shows the furthest positive "
            "state; a negative one is shown until what it missed arrives, and then the arrival is flagged as late.",
            "```mermaid\n" + "\n".join(_diagram()) + "\n```",
            "RELAYED occurs between two installations only. WITHDRAWN wins over all others. In this version nothing "
            f"sets {', '.join(state.name for state in NOT_SET)}: see "
            "[what is not there yet](../README.md#what-is-not-there-yet).",
            "## What silence becomes",
            "Each wait has a warning and an end, counted in Danish working time. At the end the gateway makes signed "
            "evidence of the silence.",
            _table(
                ("Waiting for", "Becomes", "Evidence", "Reason", "English", "Danish"),
                (
                    (
                        kind.value,
                        firing.state.name,
                        firing.evidence.value,
                        f"`{firing.reason.code.name}`",
                        firing.reason.code.words.english,
                        firing.reason.code.words.danish,
                    )
                    for kind, firing in FIRINGS.items()
                ),
            ),
            "A question (ANSWERED with the code NEED_MORE) ends no wait for an answer: it begins anew. An agreement "
            "has a wait that nobody can miss, FOLLOW_UP: when its day opens, both parties are told FOLLOW_UP_DUE.",
            "What a system of the recipient was given before it was withdrawn waits for the word that the copy is "
            f"deleted: {_span(CONFIRMED_WITHIN)} from the withdrawal. DELETION_ANSWERED tells it with the answer code "
            "ACCEPTED, or DECLINED where the copy is kept.",
            "What ended a wait may be taken back. When an answer is withdrawn or corrected, or a correction withdrawn, "
            "the event LAPSED says so of the document that it had touched, and points to it; REVIVED says that it "
            "counts again. The wait then goes on with the working time that was left, unless silence was told before.",
            "## Kinds of documents",
            "M is a municipality, I an institution.",
            _table(
                ("Kind", "Way", "Danish", "English", "Read within", "Answered within"),
                map(_kind, DocumentKind),
            ),
            "A notice of dropout risk says how urgent it is:",
            _table(
                ("Urgency", "Read within", "Answered within"),
                ((f"`{urgency.value}`", *_spans(waits)) for urgency, waits in WAITS_OF_URGENCY.items()),
            ),
            "A document that itself says that its sender waits for something (`LetterWanted`, `AnswerWanted`, "
            f"`ConfirmationWanted`) is answered within {_span(WISHED_ANSWER)}; `ReplyDue` may ask for it sooner, of "
            "any kind.",
        ]
    )


def statutory_page() -> str:
    """The page of what the law asks for in each kind of document."""
    kinds = [(kind, statutory_minimum(kind)) for kind in DocumentKind if statutory_minimum(kind)]
    common = [each for each in kinds[0][1] if each.path.startswith("/Document/Header/")]
    used = dict.fromkeys(each.annotation.basis for _, elements in kinds for each in elements)
    parts = [
        "# The statutory minimum",
        _MARK.format(source="the annotations in `xsd/document/`"),
        "What a rule of law asks for in each kind of document, as the annotations of the schema say it "
        '(`minimum="S"`). Everything else is asked for by the product, or may be left out. Below an element that is '
        "listed stands what it cannot do without; the schema demands that.",
        "Where the schema demands an element, no document without it is accepted. Where it does not, its absence is "
        "told to the sender as the warning `RULE_S01`, if the law asks for it in this very document and its rule was "
        "read in a published source; nothing less certain is told as law. `bropost document show` reports all of it.",
        "**Certainty:** *source* was read in a published source; *knowledge* is general knowledge that nobody "
        "confirmed; *deduction* is our own reasoning. Only *source* is law to rely on, and no lawyer has read this "
        "page.",
        "## Every kind",
        _minimum_table(common),
    ]
    for kind, elements in kinds:
        own = [each for each in elements if each not in common]
        words = f"{kind.row.danish}. {kind.row.english}."
        told = _minimum_table(own) if own else "Nothing beside what every kind holds."
        parts += [f"## {kind.value}", words, told]
    parts += [
        "## Basis sets",
        _table(
            ("Basis set", "English", "Danish"),
            ((f"`{each.value}`", basis_sets()[each].english, basis_sets()[each].danish) for each in used),
        ),
    ]
    return _page(parts)


def letter_page() -> str:
    """The readable view of the golden letter, as `bropost document show --html` writes it."""
    document = read_document(parse((_GOLDEN / "documents" / "education-order-letter.xml").read_bytes()))
    register = municipalities_of((_GOLDEN / "codes" / "municipalities.toml").read_bytes())
    return html_page(readable(document, register)).decode("utf-8")


PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "errors.md": errors_page,
    "settings.md": settings_page,
    "states.md": states_page,
    "statutory-minimum.md": statutory_page,
    "letter.html": letter_page,
    "metrics.md": metrics_page,
    "alerts.yml": alert_rules,
}
"""Every generated page, by its file name in this folder."""


def _family(family: Family, codes: list[Code]) -> str:
    """Whom SOAP blames in this family, and whether trying again helps."""
    if not codes:
        return "No code of this family yet: it is for what another gateway does."
    code = fault_code(_ERRORS[family](codes[0]))
    again = "Retryable." if family is Family.UNAVAILABLE else "Not retryable as it stands."
    return f"SOAP blames `{code.value[0]}` (1.1) or `{code.value[1]}` (1.2). {again}"


def _error(code: Code) -> tuple[str, ...]:
    hidden = "" if code.row.disclosed else " **hidden**"
    return f"`{code.name}`{hidden}", code.row.english, code.row.danish


def _rule(rule: Rule) -> tuple[str, ...]:
    strikes = "; ".join(_SEVERITIES[each] for each in Severity if each in rule.row.severities)
    return f"`{rule.code}`", strikes, rule.row.english, rule.row.danish


def _minimum_table(elements: Iterable[StatutoryElement]) -> str:
    return _table(
        ("Element", "Danish label", "Asked for", "Schema demands it", "Basis set", "Certainty"),
        (
            (
                f"`{each.path.removeprefix('/Document/')}`",
                each.danish,
                each.when.english,
                "yes" if each.demanded else "no",
                f"`{each.annotation.basis.value}`",
                _CERTAINTY[each.annotation.certainty],
            )
            for each in elements
        ),
    )


def _settings_table(section: type[BaseModel]) -> str:
    rows = [
        (f"`{name}`", _default(field), _allowed(field), field.description or "")
        for name, field in section.model_fields.items()
        if not _is_section(field.annotation)
    ]
    return _table(("Setting", "Default", "Allowed", "What it does"), rows)


def _is_section(annotation: object) -> TypeGuard[type[BaseModel]]:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    value = field.get_default()
    return "none" if value is None else f"`{value}`"


def _allowed(field: FieldInfo) -> str:
    """The bounds of a setting in words; empty where its type says all."""
    bounds = []
    for each in field.metadata:
        match each:
            case Ge(ge=least):
                bounds.append(f"from {least}")
            case Gt(gt=least):
                bounds.append(f"more than {least}")
            case Le(le=most):
                bounds.append(f"to {most}")
            case MinLen():
                bounds.append("at least one")
    choices = re.findall(r"'([^']+)'", str(field.annotation)) if "Literal" in str(field.annotation) else []
    return ", ".join(f"`{choice}`" for choice in choices) or " ".join(bounds)


def _diagram() -> Iterable[str]:
    yield "stateDiagram-v2"
    yield f"    [*] --> {ORDER[0].name}"
    for state, following in pairwise(ORDER):
        yield f"    {state.name} --> {following.name}"
    relayed = ORDER.index(State.RELAYED)
    yield f"    {ORDER[relayed - 1].name} --> {ORDER[relayed + 1].name}: same installation"
    for negative, missed in MISSES.items():
        yield f"    {ORDER[ORDER.index(missed) - 1].name} --> {negative.name}"
        yield f"    {negative.name} --> {missed.name}: late"
    yield f"    {State.ACCEPTED.name} --> {State.WITHDRAWN.name}: at any time after"


def _kind(kind: DocumentKind) -> tuple[str, ...]:
    ways = ", ".join(sorted(way.value for way in kind.row.directions))
    return f"`{kind.value}`", ways, kind.row.danish, kind.row.english, *_spans(kind.row.waits)


def _spans(waits: Waits) -> tuple[str, str]:
    return _span(waits.read), _span(waits.answer) if waits.answer else "-"


def _span(span: WorkingSpan) -> str:
    return f"{span.days} working days" if span.days else f"{span.hours} working hours"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _page(parts: Iterable[str]) -> str:
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    main()

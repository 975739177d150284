"""The lint: what must never be in a document, sought in every text, name, reference and file name.

It tells where and which rule, never the text found. The patterns know shapes, not meaning, and err both ways.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from gateway.domain.document import Document
from gateway.domain.lint_words import Lexicon, WordLists
from gateway.domain.node import Node
from gateway.domain.rules import Finding, Rule, Severity

PROSE: Final = frozenset(
    {
        "FileName", "Goal", "How", "Necessity", "Note", "Purpose", "Question", "Reason", "SchoolMust", "Tasks", "Text",
        "Title", "Value", "What", "WishReason",
    }
)  # fmt: skip
"""The elements in which people write sentences."""

LINES: Final = frozenset(
    {
        "CaseNumber", "Email", "Hours", "Id", "Name", "Organisation", "Period", "PersonName", "Place", "Site",
        "Speciality", "System", "Unit", "Version",
    }
)  # fmt: skip
"""The other elements that hold what somebody wrote: names and references. All else is a code, a day or a number."""

_WRITTEN: Final = PROSE | LINES

_CPR: Final = re.compile(
    r"(?<![\d+])(?P<day>\d\d)(?P<gap>[ ./\u2010-\u2015\u2212-]?)(?P<month>\d\d)(?P=gap)\d\d"
    r"[ ./\u2010-\u2015\u2212-]{0,3}(?:\d{4}(?!\d)|(?i:[a-zæøå]{3}\d)(?![^\W_]))"
)
_DIGIT: Final = re.compile(r"\d")
_UNPRINTABLE: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\uffff\ue000-\uf8ff\U000e0000-\U000e0fff\U000f0000-\U0010ffff]"
)
_MARKUP: Final = re.compile(r"<[A-Za-z/!?]|&(?:#\d{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z]{2,8});")
_LINK: Final = re.compile(
    r"(?i)\b(?!https://)[a-z][a-z0-9+.-]{1,20}://|\b(?:javascript|vbscript|mailto|file|tel):"
)
# What a link, or the word for a password, cannot do without, in lower case.
_OF_LINKS: Final = ("://", "script:", "mailto:", "file:", "tel:")
_OF_PASSWORDS: Final = ("kode", "password")
_PASSWORD: Final = re.compile(r"(?i)\b(?:password|adgangskode|kodeord|pin-?kode)n?\s*(?:er\s|:|=)")
_ADDRESS: Final = re.compile(
    r"(?<!\w)(?!(?:Uge|Side|Kl|Kapitel|Lokale)\b)[A-ZÆØÅ][\w.'-]{1,40}(?: [\w.'-]{1,40}){0,3} \d{1,3} ?[A-Za-z]?"
    r"(?:,? (?:st|kl|\d{1,2})\.?(?:,? ?(?:tv|th|mf|\d{1,3})\.?)?)?,?\s{1,3}(?:DK-)?\d{4} [A-ZÆØÅ]"
)
_ACCOUNT: Final = re.compile(
    r"(?i:\b(?:konto|reg\.? ?nr|registreringsnummer|kort)\w{0,10}\D{0,20})\d{4}[ -]?\d{4,12}"
    r"|(?<!\d)\d{4}[ -]\d{10}(?!\d)|(?<!\w)[A-Z]{2}\d{2}(?: ?\d{4}){3,6}(?: ?\d{1,3})?(?!\w)"
)
_CARD: Final = re.compile(r"(?<!\d)\d{4}(?:[ -]?\d{4}){3}(?!\d)")
_AMOUNT: Final = re.compile(r"(?i)\d\s?(?:kr\b|kroner\b|dkk\b|euro\b|€|,-)|(?:\bkr\.?|\bdkk|€)\s?\d")
_PHONE: Final = re.compile(r"(?<![\w+.-])(?:\+\d{8,15}|(?:\+45 ?)?\d\d ?\d\d ?\d\d ?\d\d)(?![\w.-]*\d)")
_EMAIL: Final = re.compile(r"[^\s@<>]{1,64}@[^\s@<>]{1,190}\.[^\W\d_]{2,}")
_MARKS: Final = re.compile(
    r"(?i)\bkarakter(?:en|er|erne|gennemsnit|snit)?\b[^.\n]{0,30}?(?<!\d)(?:-3|00|02|4|7|10|12)(?!\d)"
    r"|\bfik (?:-3|00|02|4|7|10|12) i\b|\b(?:score\w{0,5}|testresultat\w{0,5})\W{1,3}(?:på |var |er )?\d"
)
_BY_WORDS: Final = (Rule.X02, Rule.X03, Rule.X06)  # what a list alone tells
_PASTED: Final = 240  # characters: 80 % of the shortest text (300)


class LintText(NamedTuple):
    """One text with where it stands, in the form in which it is searched (Unicode NFKC)."""

    path: str
    line: int
    name: str
    text: str

    def __repr__(self) -> str:
        return f"LintText({self.path}, line {self.line})"

    @property
    def is_prose(self) -> bool:
        """Whether it holds sentences, and not a name or a reference."""
        return self.name in PROSE


def lint(document: Document, words: WordLists) -> tuple[Finding, ...]:
    """The findings of rules X01 to X10, in document order; word lists as of the day the document was made."""
    protected = document.subject is not None and document.subject.is_protected
    texts = tuple(texts_of(document))
    return (
        *lint_texts(texts, words.on(document.created_on), protected=protected),
        *_pasted(texts),
    )


def texts_of(document: Document) -> Iterator[LintText]:
    """Every text, name, reference and file name of a document, also those in attributes."""
    for node in document.content():
        if node.name in _WRITTEN:
            yield _lint_text(node, node.path, node.text)
        for name, value in node.attributes:
            yield _lint_text(node, f"{node.path}/@{name}", value)


def lint_attachments(document: Document, texts: Mapping[int, str], words: WordLists) -> tuple[Finding, ...]:
    """The findings in what people read in the attachments, told at their lines of the manifest; texts by number."""
    lexicon = words.on(document.created_on)
    protected = document.subject is not None and document.subject.is_protected
    layers = [
        LintText(entry.node.path, entry.node.line, "Text", unicodedata.normalize("NFKC", text))
        for entry in document.attachments
        if (text := texts.get(entry.number, ""))
    ]
    return lint_texts(layers, lexicon, protected=protected)


def lint_texts(texts: Iterable[LintText], lexicon: Lexicon, *, protected: bool) -> tuple[Finding, ...]:
    """The findings on each text by itself; also for the text layer of an attachment.

    `protected`: the young person has name and address protection, so that an address cannot be overridden.
    """
    texts = tuple(texts)
    if not _holds_anything(texts, lexicon):
        return ()
    return tuple(
        Finding(rule, severity, text.path, text.line)
        for text in texts
        for rule, severity in _found(text, lexicon, protected)
    )


def _holds_anything(texts: Iterable[LintText], lexicon: Lexicon) -> bool:
    """Whether a search of all texts at once finds something; most documents are clean, and one search is cheap.

    What is found in a text is found in all of them together: no search asks for the end of a text, and none can lose
    what it seeks to a match that begins in another text, for those that look on after a match pass no line end.
    """
    sorts: dict[tuple[str, bool], list[str]] = {}  # what is searched alike: few texts have digits
    for each in texts:
        sort = ("Text" if each.name in PROSE else "Name", _DIGIT.search(each.text) is not None)
        sorts.setdefault(sort, []).append(each.text)
    together = [LintText("", 0, name, "\n".join(some)) for (name, _), some in sorts.items()]
    return any(True for text in together for _ in _found(text, lexicon, protected=False))


def _found(text: LintText, lexicon: Lexicon, protected: bool) -> Iterator[tuple[Rule, Severity]]:
    """Each search is made only in a text that has what it cannot do without: a digit, a colon, a bracket."""
    has_digits = _DIGIT.search(text.text) is not None
    folded = text.text.casefold()
    if has_digits and holds_cpr(text.text):
        yield Rule.X01, Severity.ERROR
    if has_digits and _ADDRESS.search(text.text):
        yield Rule.X04, Severity.ERROR if protected else Severity.OVERRIDABLE
    if _holds_signs(text.text, folded):
        yield Rule.X09, Severity.ERROR
    if text.is_prose:
        yield from _found_in_prose(text.text, lexicon.rules_found(text.text), has_digits)


def _found_in_prose(
    text: str, by_words: frozenset[Rule], has_digits: bool
) -> Iterator[tuple[Rule, Severity]]:
    for rule in _BY_WORDS:
        if rule in by_words:
            yield rule, Severity.OVERRIDABLE
    if has_digits and _holds_account(text):
        yield Rule.X05, Severity.ERROR
    elif Rule.X05 in by_words or (has_digits and _AMOUNT.search(text)):
        yield Rule.X05, Severity.OVERRIDABLE
    if ("@" in text and _EMAIL.search(text)) or (has_digits and _PHONE.search(text)):
        yield Rule.X07, Severity.WARNING
    if Rule.X08 in by_words:
        yield Rule.X08, Severity.WARNING
    if has_digits and _MARKS.search(text):
        yield Rule.X10, Severity.WARNING


def _holds_signs(text: str, folded: str) -> bool:
    """Whether a text holds signs nobody sees, markup, script, a password, or a link that is no https."""
    return (
        (not text.replace("\n", "").isprintable() and _UNPRINTABLE.search(text) is not None)
        or (("<" in text or "&" in text) and _MARKUP.search(text) is not None)
        or (":" in text and _has_one_of(folded, _OF_LINKS) and _LINK.search(text) is not None)
        or (_has_one_of(folded, _OF_PASSWORDS) and _PASSWORD.search(text) is not None)
    )


def _has_one_of(folded: str, words: tuple[str, ...]) -> bool:
    return any(word in folded for word in words)


def holds_cpr(text: str) -> bool:
    """Whether a text holds what may be a CPR number or replacement number, in any usual way of writing it."""
    return any(
        (1 <= int(found["day"]) <= 31 or 61 <= int(found["day"]) <= 91) and 1 <= int(found["month"]) <= 12
        for found in _CPR.finditer(text)
    )


def _holds_account(text: str) -> bool:
    """Whether a text holds an account number or a card number; a card number is known by its check digit."""
    if _ACCOUNT.search(text):
        return True
    return any(_fits_luhn(re.sub(r"\D", "", found[0])) for found in _CARD.finditer(text))


def _fits_luhn(digits: str) -> bool:
    doubled = (int(digit) * (2 - index % 2) for index, digit in enumerate(digits))
    return sum(value - 9 * (value > 9) for value in doubled) % 10 == 0


def _pasted(texts: Iterable[LintText]) -> Iterator[Finding]:
    """A long text that stands in several fields was pasted, most likely from a journal."""
    seen: set[str] = set()
    for text in texts:
        if not text.is_prose or len(text.text) < _PASTED:
            continue
        plain = " ".join(text.text.casefold().split())
        if plain in seen:
            yield Finding(Rule.X10, Severity.WARNING, text.path, text.line)
        seen.add(plain)


def _lint_text(node: Node, path: str, text: str) -> LintText:
    return LintText(path, node.line, node.name, unicodedata.normalize("NFKC", text))

"""The glossary decides the Danish words too: where an English text uses one of its words, the Danish beside it does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from gateway.domain.catalogue import Code
from gateway.domain.evidence import ReasonCode
from gateway.domain.kinds import DocumentKind
from gateway.domain.rules import Rule
from gateway.translog.findings import Finding
from gateway.xmlcore import resources
from gateway.xmlcore.explanations import WORDS
from gateway.xmlcore.namespaces import XML, XSD, tag
from gateway.xmlcore.parse import parse

_GLOSSARY: Final = Path(__file__).parents[2] / "docs" / "glossary.md"

# Forms of a word that are not made by s or es.
_ENGLISH: Final = {
    "category": r"categor(?:y|ies)",
    "entry": r"entr(?:y|ies)",
    "evidence": r"evidenced?",
    "hand-over": r"hand-overs?|handed over",
    "municipality": r"municipalit(?:y|ies)",
    "party": r"part(?:y|ies)",
    "override": r"overrid\w+",
    "seal": r"seal(?:s|ed|ing)?",
    "withdrawal": r"withdr[ae]w\w*",
}
# How a label reads inside a sentence, where that is more than the label and an ending.
_DANISH: Final = {
    "aflevering": r"aflever",
    "datakategori": r"kategori",
    "dokument": r"dokument|brev",  # a text for people may say letter where only a letter is meant
    "fravigelse": r"fravig",
    "forretningsregel": r"reg(?:el|l)",
    "hjemmel": r"hjem(?:mel|l)",
    "logpakke": r"pakke",
    "logpost": r"post",
    "lovpligtigt minimum": r"lovpligtig[te] minimum",
    "tilbagekaldelse": r"tilbagekald|kald\w* (?:\w+ )?tilbage",
    "videregivelseslog": r"log",
}
# Everyday English in which a word of the glossary means something else.
_OTHER_SENSES: Final = re.compile(
    r"the letter of article|capital letters?|letters, digits|with a letter"
    r"|further notice|^Notice: |Statutory notice"
    r"|subject line|subjects? at HF|single subjects"
    r"|(?:by|in) the system(?: that holds it)?\.|in the system that holds it|in that system|digital systems"
    r"|waits? (?:for|before|until)|to wait|is waited"
    r"|it is stated|^State |states that|party: as the document states it"
    r"|entr(?:y|ies) of the document's attachment list"
    r"|\{\w+\}|\b[A-Z][a-z]+[A-Z]\w+"  # a fact, or the name of an element
)
# The word of the glossary only where it is about documents; other things have kinds too.
_ONLY_HERE: Final = {
    "kind": r"kinds? of document|documents of this kind|the same kind|Name of a kind|the kind \{"
}


class Pair(NamedTuple):
    """One text in both languages."""

    where: str
    english: str
    danish: str


def _schema_texts() -> list[Pair]:
    found = []
    for name in resources.names():
        if name.startswith("standard/") or not name.endswith((".xsd", ".wsdl")):
            continue
        for node in parse(resources.read(name)).iter():
            texts = {
                text.get(tag(XML, "lang")): " ".join((text.text or "").split())
                for text in node.findall(tag(XSD, "documentation"))
            }
            if {"en", "da"} <= texts.keys():
                found.append(Pair(name, texts["en"], texts["da"]))
    return found


def _pairs() -> list[Pair]:
    """Every text for people that stands in both languages."""
    return [
        *_schema_texts(),
        *(Pair(code.name, code.row.english, code.row.danish) for code in Code),
        *(Pair(rule.name, rule.row.english, rule.row.danish) for rule in Rule),
        *(Pair(reason.name, reason.words.english, reason.words.danish) for reason in ReasonCode),
        *(Pair(kind.name, kind.row.english, kind.row.danish) for kind in DocumentKind),
        *(Pair(finding.name, finding.english, finding.danish) for finding in Finding),
        *(Pair(code, english, danish) for code, (danish, english) in WORDS.items()),
    ]


def _labels() -> dict[str, str]:
    """Each English word of the glossary with its Danish label."""
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in _GLOSSARY.read_text("utf-8").splitlines()
        if line.startswith("|")
    ][2:]
    return {word.strip(): row[2] for row in rows if row[2] != "-" for word in row[0].split(",")}


_PAIRS: Final = _pairs()
_LABELS: Final = _labels()


def _uses(word: str, pair: Pair) -> bool:
    if word in _ONLY_HERE:
        return re.search(_ONLY_HERE[word], pair.english) is not None
    english = _OTHER_SENSES.sub(" ", pair.english)
    return re.search(rf"\b(?:{_ENGLISH.get(word, f'{word}(?:s|es)?')})\b", english, re.IGNORECASE) is not None


@pytest.mark.parametrize("word", _LABELS)
def test_a_word_of_the_glossary_has_one_danish_word_everywhere(word: str) -> None:
    label = _LABELS[word]
    danish = re.compile(_DANISH.get(label, re.escape(label.removesuffix("."))), re.IGNORECASE)
    assert [pair for pair in _PAIRS if _uses(word, pair) and not danish.search(pair.danish)] == []


def test_what_this_page_says_of_words_is_said_of_words_of_the_glossary() -> None:
    assert {*_ENGLISH, *_ONLY_HERE} - _LABELS.keys() == set()
    assert _DANISH.keys() - set(_LABELS.values()) == set()


def test_enough_texts_use_the_words_for_this_to_mean_something() -> None:
    used = {word for word in _LABELS if any(_uses(word, pair) for pair in _PAIRS)}
    assert len(used) > 30
    assert {"withdrawal", "hand-over", "override", "provision", "mandate", "evidence", "kind"} <= used

"""Values of documents in Danish words: codes by their labels, provisions by their rules, days and times as people say.

What a value is follows from its type in the schema; nothing here knows a kind of document.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Final

from gateway.domain.codes import CodeList, DatedCode
from gateway.domain.node import Node
from gateway.views.danish import day_in_words, number_in_words, time_in_words, visible
from gateway.xmlcore.code_lists import education_code_systems, provisions, purposes
from gateway.xmlcore.declarations import Declarations, ElementDeclaration
from gateway.xmlcore.namespaces import DOCUMENT, XSD, tag


@dataclass(frozen=True)
class Value:
    """What stands in one element, and what is to be known of it: both for people, in Danish."""

    text: str = field(repr=False)
    detail: str = field(default="", repr=False)


@dataclass(frozen=True)
class Wording:
    """How the values of one document are said. Code lists are asked as of the day the document was made."""

    declared: Declarations
    municipalities: CodeList[DatedCode]
    on: date  # a day in Copenhagen

    def value(self, node: Node, element: ElementDeclaration) -> Value:
        """What this leaf holds."""
        said = self._say(node.text, element.type_name)
        details = [said.detail, *(self._attribute(element, *each) for each in node.attributes)]
        return Value(said.text, "; ".join(filter(None, details)))

    def _say(self, text: str, type_name: str) -> Value:
        bases = self.declared.bases(type_name)
        for base in bases:
            for code in self.declared.values(base):
                if code.text == text.strip():
                    if type_name == _PURPOSE:
                        return _purpose(code.text, code.texts.explanations[0])
                    return self._code(type_name, code.texts.labels[0] or text, code.texts.explanations[0])
        for base in bases:
            if base in self._by_type:
                return self._formatted(self._by_type[base], text)
        return Value(visible(text))

    def _formatted(self, formatter: Callable[[str], Value], text: str) -> Value:
        try:
            return formatter(text)
        except (ValueError, ArithmeticError):  # what a schema lets pass and no calendar holds
            return Value(visible(text))

    def _code(self, type_name: str, label: str, explanation: str) -> Value:
        """A code by its label; of those whose label says little, the explanation too."""
        return Value(visible(label), visible(explanation) if type_name in _EXPLAINED else "")

    def _attribute(self, element: ElementDeclaration, name: str, text: str) -> str:
        declared = self.declared.types.get(element.type_name)
        texts = declared.attribute_texts.get(name) if declared else None
        label = texts.labels[0] if texts else ""
        system = education_code_systems().find(text, on=self.on) if name == "system" else None
        said = f"{system.danish} ({text})" if system else text
        return visible(f"{label}: {said}" if label else said)

    @cached_property
    def _by_type(self) -> Mapping[str, Callable[[str], Value]]:
        return {
            tag(DOCUMENT, "Provision"): self._provision,
            tag(DOCUMENT, "MunicipalityCode"): self._municipality,
            **_BY_TYPE,
        }

    def _provision(self, code: str) -> Value:
        entries = provisions()
        known = entries.find(code, on=self.on) or next((e for e in entries.entries if e.code == code), None)
        if known is None:
            return Value(visible(code))
        return Value(f"{known.rule} ({code})", known.danish)

    def _municipality(self, code: str) -> Value:
        known = self.municipalities.find(code, on=self.on)
        return Value(visible(f"{known.danish} ({code})" if known else code))


def _purpose(code: str, explanation: str) -> Value:
    """Why, in a sentence for who reads the document, and in the words that the young person is told."""
    sentence = visible(explanation[:1].upper() + explanation[1:])
    return Value(sentence, f"Den unge får at vide: Vi deler det her, {visible(purposes()[code].danish)}.")


def _cpr(text: str) -> Value:
    return Value(f"{text[:6]}-{text[6:]}")


def _boolean(text: str) -> Value:
    return Value("ja" if text.strip() in ("true", "1") else "nej")


def _day(text: str) -> Value:
    return Value(day_in_words(date.fromisoformat(text.strip())))


def _time(text: str) -> Value:
    return Value(time_in_words(datetime.fromisoformat(text.strip())))


def _decimal(text: str) -> Value:
    return Value(number_in_words(Decimal(text.strip())))


def _percent(text: str) -> Value:
    return Value(f"{_decimal(text).text} %")


def _size(text: str) -> Value:
    return Value(f"{number_in_words(int(text.strip()))} bytes")


_PURPOSE: Final = tag(DOCUMENT, "Purpose")
_EXPLAINED: Final = frozenset(
    tag(DOCUMENT, name) for name in ("GdprArticle6", "GdprArticle9", "DataCategory")
)
_BY_TYPE: Final[Mapping[str, Callable[[str], Value]]] = {
    tag(DOCUMENT, "Cpr"): _cpr,
    tag(DOCUMENT, "Percent"): _percent,
    tag(DOCUMENT, "FileSize"): _size,
    tag(XSD, "boolean"): _boolean,
    tag(XSD, "date"): _day,
    tag(XSD, "dateTime"): _time,
    tag(XSD, "decimal"): _decimal,
}

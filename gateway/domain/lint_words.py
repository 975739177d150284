"""The dated word lists of the lint, and how a text is searched for them.

The lists are data, read by a data protection officer; they err both ways and assist a person. Danish writes compounds
as one word, and each part of one may tell ("angstdiagnose"): so a listed beginning counts wherever it stands in a word.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum, unique
from functools import cached_property, lru_cache
from typing import Final

from gateway.domain.rules import Rule

_KEY: Final = 3  # letters by which beginnings and endings are looked up: none is shorter
_PART: Final = 6  # letters: what is shorter stands in other words by chance ("autis*" in "nautisk")
_SHAPE: Final = re.compile(r"[^\W\d_][\w -]*|[\w -]{3,}\*|\*[\w-]{3,}")
_WORD: Final = re.compile(r"\w+(?:-\w+)*")
# A name after a word: "mor Mette", "søster, Sofie", "kæresten hedder Jonas".
_NAME_AFTER: Final = r"(?:,|\s+hedder)?\s+[A-ZÆØÅ][a-zæøåé]+"


@unique
class Match(Enum):
    """When a word of a list counts."""

    WORD = "WORD"  # wherever it stands
    BEFORE_NAME = "BEFORE_NAME"  # where a name follows it


@dataclass(frozen=True, eq=False)  # each is loaded once and told apart by that: a hash of its words is slow
class WordList:
    """One list for one rule and the days it holds (both included). Words are lower case; "*" opens an end.

    A beginning of six letters or more counts within a word too: "diagnos*" in "angstdiagnose".
    """

    rule: Rule
    name: str
    match: Match
    words: tuple[str, ...]
    valid_from: date
    valid_to: date | None = None

    def is_valid_on(self, day: date) -> bool:
        """Whether the list is in use on this day."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)

    @cached_property
    def before_name(self) -> re.Pattern[str]:
        """What finds one of the words where a name follows it."""
        return re.compile(rf"(?<!\w)(?i:{'|'.join(map(_pattern, self.words))}){_NAME_AFTER}")


@dataclass(frozen=True)
class Lexicon:
    """Word lists made ready for searching. A text is taken apart once, and each word looked up."""

    exact: Mapping[str, frozenset[WordList]]
    beginnings: Mapping[str, tuple[tuple[str, WordList], ...]]  # short ones, by their first letters
    # Longer ones, sought in words too: by their first six.
    parts: Mapping[str, tuple[tuple[str, WordList], ...]]
    endings: Mapping[str, tuple[tuple[str, WordList], ...]]  # by their last letters
    phrases: Mapping[frozenset[str], tuple[tuple[re.Pattern[str], WordList], ...]]  # by their whole words

    def rules_found(self, text: str) -> frozenset[Rule]:
        """The rules whose lists have a word in the text."""
        folded = text.casefold()
        words = _words_of(folded)
        found: set[WordList] = set()
        for word in self.exact.keys() & words:
            found |= self.exact[word]
        for whole in self.phrases:
            if whole <= words:
                found.update(each for phrase, each in self.phrases[whole] if phrase.search(folded))
        for key in self.beginnings.keys() & {word[:_KEY] for word in words}:
            found.update(
                each
                for start, each in self.beginnings[key]
                if start in folded and any(word.startswith(start) for word in words)
            )
        for key in self.endings.keys() & {word[-_KEY:] for word in words}:
            found.update(
                each
                for end, each in self.endings[key]
                if end in folded and any(word.endswith(end) for word in words)
            )
        within = {word[at : at + _PART] for word in words for at in range(len(word) - _PART + 1)}
        for key in self.parts.keys() & within:
            found.update(each for part, each in self.parts[key] if part in folded)
        if not found:
            return frozenset()
        return frozenset(
            each.rule
            for each in found
            if each.match is Match.WORD or each.before_name.search(text) is not None
        )


@dataclass(frozen=True)
class WordLists:
    """All word lists, and which data protection officer read them last (None: nobody yet)."""

    lists: tuple[WordList, ...]
    reviewed_by: str | None = None
    reviewed_on: date | None = None

    def on(self, day: date) -> Lexicon:
        """The lists in use on this day, ready for searching."""
        return _lexicon(tuple(each for each in self.lists if each.is_valid_on(day)))

    @staticmethod
    def from_mapping(data: Mapping[str, object]) -> WordLists:
        """The lists as `lint_words.toml` holds them. ValueError on anything that does not fit."""
        lists = data.get("list")
        if not isinstance(lists, list) or not lists:
            raise ValueError("no word lists")
        reviewed_on = data.get("reviewedOn") or None
        if reviewed_on is not None and not isinstance(reviewed_on, date):
            raise ValueError("reviewedOn is not a day")
        reviewed_by = data.get("reviewedBy") or None
        return WordLists(
            tuple(_word_list(each) for each in lists),
            None if reviewed_by is None else str(reviewed_by),
            reviewed_on,
        )


def _words_of(folded: str) -> frozenset[str]:
    """The words of a text in lower case; a word with a hyphen counts whole and in its parts."""
    words = frozenset(_WORD.findall(folded))
    if "-" not in folded:
        return words
    return words.union(*(word.split("-") for word in words if "-" in word))


@lru_cache(maxsize=8)
def _lexicon(lists: tuple[WordList, ...]) -> Lexicon:
    exact: dict[str, frozenset[WordList]] = {}
    beginnings: dict[str, tuple[tuple[str, WordList], ...]] = {}
    parts: dict[str, tuple[tuple[str, WordList], ...]] = {}
    endings: dict[str, tuple[tuple[str, WordList], ...]] = {}
    phrases: dict[frozenset[str], tuple[tuple[re.Pattern[str], WordList], ...]] = {}
    for each in lists:
        for word in each.words:
            if " " in word:
                phrase = re.compile(rf"(?<!\w){_pattern(word)}(?!\w)")
                whole = frozenset(p for part in word.split() if "*" not in part for p in part.split("-") if p)
                phrases[whole] = (*phrases.get(whole, ()), (phrase, each))
            elif word.startswith("*"):
                _add(endings, word[-_KEY:], word[1:], each)
            elif not word.endswith("*"):
                exact[word] = exact.get(word, frozenset()) | {each}
            elif len(word) > _PART:
                _add(parts, word[:_PART], word[:-1], each)
            else:
                _add(beginnings, word[:_KEY], word[:-1], each)
    return Lexicon(exact, beginnings, parts, endings, phrases)


def _add(found: dict[str, tuple[tuple[str, WordList], ...]], key: str, part: str, each: WordList) -> None:
    found[key] = (*found.get(key, ()), (part, each))


def _pattern(word: str) -> str:
    return re.escape(word).replace("\\*", r"\w*").replace("\\ ", r"\s+")


def _word_list(data: object) -> WordList:
    if not isinstance(data, Mapping):
        raise ValueError("a word list is a table")
    words, valid_from, valid_to = data.get("words"), data.get("validFrom"), data.get("validTo")
    if not isinstance(words, Sequence) or isinstance(words, str) or not all(_is_word(word) for word in words):
        raise ValueError("words are lower-case texts")
    if not isinstance(valid_from, date) or not (valid_to is None or isinstance(valid_to, date)):
        raise ValueError("a word list has validFrom, and validTo if it has ended")
    try:
        rule = Rule[str(data.get("rule"))]
    except KeyError:
        raise ValueError("a word list names a rule") from None
    return WordList(rule, str(data.get("name")), Match(data.get("match")), tuple(words), valid_from, valid_to)


def _is_word(word: object) -> bool:
    """A word or phrase; its end or its beginning may be open if at least three letters are given."""
    return isinstance(word, str) and word == word.casefold() and _SHAPE.fullmatch(word) is not None

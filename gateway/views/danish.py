"""Danish for people: days, times, numbers, and texts in which nothing hides."""

from __future__ import annotations

import unicodedata
from datetime import UTC, date, datetime
from decimal import Decimal

from gateway.domain.calendar import COPENHAGEN

_MONTHS = (
    "januar", "februar", "marts", "april", "maj", "juni",
    "juli", "august", "september", "oktober", "november", "december",
)  # fmt: skip
# Control, format, surrogate, private, unassigned; separators of lines and paragraphs.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def day_in_words(day: date) -> str:
    """The day in Danish: "5. august 2026"."""
    return f"{day.day}. {_MONTHS[day.month - 1]} {day.year}"


def time_in_words(at: datetime) -> str:
    """The zoned instant in Danish time: "5. august 2026 kl. 11.12"; seconds only where there are any."""
    local = at.astimezone(UTC).astimezone(COPENHAGEN)
    seconds = ""
    if local.second or local.microsecond:
        seconds = f".{local.second:02}"
    if local.microsecond:
        seconds += f",{local.microsecond // 1000:03}"
    return f"{day_in_words(local.date())} kl. {local:%H.%M}{seconds}"


def number_in_words(number: Decimal | int) -> str:
    """The number with Danish separators: "1.234,5"."""
    return f"{number:,}".translate(str.maketrans(",.", ".,"))


def visible(text: str) -> str:
    """The untrusted text with every character that a reader does not see, but for line breaks, shown by its number.

    Neither a terminal nor a page is steered by what this gives, and no text runs the other way unseen.
    """
    text = text.replace("\r\n", "\n")
    if text.isprintable():
        return text
    return "".join(map(_visible, text))


def _visible(character: str) -> str:
    if character == "\n":
        return character
    if character == "\t":
        return " "
    if unicodedata.category(character) in _UNSEEN:
        return f"[U+{ord(character):04X}]"
    return character

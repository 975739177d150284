"""Days, times and numbers are said as Danes say them, and nothing in a text hides or steers."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from gateway.views.danish import day_in_words, number_in_words, time_in_words, visible


def test_a_day_is_said_with_its_month() -> None:
    assert day_in_words(date(2026, 8, 5)) == "5. august 2026"
    assert day_in_words(date(2027, 12, 31)) == "31. december 2027"


@pytest.mark.parametrize(
    ("at", "said"),
    [
        (datetime(2026, 8, 5, 9, 12, tzinfo=UTC), "5. august 2026 kl. 11.12"),
        (datetime(2026, 1, 5, 9, 12, tzinfo=UTC), "5. januar 2026 kl. 10.12"),
        (datetime(2026, 8, 5, 22, 30, tzinfo=UTC), "6. august 2026 kl. 00.30"),
        (datetime(2026, 8, 5, 9, 12, 7, tzinfo=UTC), "5. august 2026 kl. 11.12.07"),
        (datetime(2026, 8, 5, 9, 12, 7, 40_000, tzinfo=UTC), "5. august 2026 kl. 11.12.07,040"),
        (datetime(2026, 8, 5, 9, 12, 0, 40_000, tzinfo=UTC), "5. august 2026 kl. 11.12.00,040"),
    ],
)
def test_a_time_is_that_of_copenhagen(at: datetime, said: str) -> None:
    assert time_in_words(at) == said


def test_a_number_has_danish_separators() -> None:
    assert number_in_words(Decimal("41.5")) == "41,5"
    assert number_in_words(1234567) == "1.234.567"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Rød grød med fløde", "Rød grød med fløde"),
        ("to\r\nlinjer\nog en\ttabulator", "to\nlinjer\nog en tabulator"),
        ("a\u202eb", "a[U+202E]b"),
        ("a\u200bb\u00adc", "a[U+200B]b[U+00AD]c"),
        ("\x1b[31mrød\x07", "[U+001B][31mrød[U+0007]"),
        ("a\u2028b\rc\x85d", "a[U+2028]b[U+000D]c[U+0085]d"),
        ("\ue000\U000e0041", "[U+E000][U+E0041]"),
    ],
)
def test_what_nobody_sees_is_shown_by_its_number(text: str, shown: str) -> None:
    assert visible(text) == shown

"""The CPR number as a value: its shape, what its digits tell, and a form that never shows it by accident.

Whether a number is refused is decided by the rules (H05 to H08): a number that fails modulus 11 may be right.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Final

_SHAPE: Final = re.compile(r"[0-9]{6}(?:[0-9]{4}|[A-ZÆØÅ]{3}[0-9])")
_WEIGHTS: Final = (4, 3, 2, 7, 6, 5, 4, 3, 2, 1)
_REPLACEMENT_DAYS: Final = 60  # a replacement number holds the day of birth plus sixty


@dataclass(frozen=True, repr=False)
class Cpr:
    """A CPR number or replacement number of ten characters, without hyphen. ValueError on another shape."""

    digits: str
    """The number itself. Write it only into documents and answers, never into logs, errors or texts."""

    def __post_init__(self) -> None:
        if not _SHAPE.fullmatch(self.digits):
            raise ValueError("not a CPR number of ten characters")

    def __repr__(self) -> str:
        return "Cpr(******)"

    __str__ = __repr__

    @property
    def is_replacement(self) -> bool:
        """Whether it is a replacement number (day plus sixty, or letters), which CPR does not know."""
        return self._day_as_written > _REPLACEMENT_DAYS or not self.digits.isdigit()

    @property
    def holds_valid_date(self) -> bool:
        """Whether day and month are a day of the year; with letters the century, so the leap year, is open."""
        if self.digits.isdigit():
            return self.birth_date is not None
        # Year 2000 was a leap year: 29 February is given the benefit of the doubt.
        return _date(2000, self._month, self._day) is not None

    @property
    def birth_date(self) -> date | None:
        """The day of birth the number tells, or None if it holds no date or no century."""
        if not self.digits.isdigit():
            return None
        return _date(self._century + int(self.digits[4:6]), self._month, self._day)

    @property
    def fits_modulus_11(self) -> bool:
        """Whether the check digit fits. A number without it is still valid: such are given out since 2007."""
        if not self.digits.isdigit():
            return False
        return sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, self.digits, strict=True)) % 11 == 0

    def age_on(self, day: date) -> int | None:
        """Whole years of age on this day, or None if the number tells no day of birth."""
        return None if self.birth_date is None else age(self.birth_date, day)

    @property
    def _day_as_written(self) -> int:
        return int(self.digits[0:2])

    @property
    def _day(self) -> int:
        written = self._day_as_written
        return written - _REPLACEMENT_DAYS if written > _REPLACEMENT_DAYS else written

    @property
    def _month(self) -> int:
        return int(self.digits[2:4])

    @property
    def _century(self) -> int:
        """By the seventh digit and the year: the table of the CPR office."""
        seventh, year = int(self.digits[6]), int(self.digits[4:6])
        if seventh <= 3:
            return 1900
        if seventh in (4, 9):
            return 2000 if year <= 36 else 1900
        return 2000 if year <= 57 else 1800


def age(birth_date: date, day: date) -> int:
    """Whole years between a birth and a day; who is born on 29 February ages on 1 March."""
    return day.year - birth_date.year - ((day.month, day.day) < (birth_date.month, birth_date.day))


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None

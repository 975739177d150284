"""Danish working time: when a deadline that counts working hours or working days falls due.

All instants are zoned UTC; days and opening hours are those of Europe/Copenhagen. Holidays are computed for the
years 1990 to 2100, each kind with the years in which it was one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

COPENHAGEN: Final = ZoneInfo("Europe/Copenhagen")
FIRST_YEAR: Final = 1990
LAST_YEAR: Final = 2100
_LAST_DAY: Final = date(LAST_YEAR, 12, 31)
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True)
class Holiday:
    """A day on which public offices are closed: fixed in the year, or counted from Easter Sunday."""

    danish: str
    english: str
    after_easter: int | None = None  # days; None for a fixed day
    month: int = 0
    day: int = 0
    first_year: int = FIRST_YEAR
    last_year: int = LAST_YEAR

    def day_in(self, year: int) -> date | None:
        """The day it falls on in this year, or None in a year in which it was no holiday."""
        if not self.first_year <= year <= self.last_year:
            return None
        if self.after_easter is None:
            return date(year, self.month, self.day)
        return easter_sunday(year) + timedelta(days=self.after_easter)


# The holidays of the Danish national church, which the law counts as public holidays.
PUBLIC_HOLIDAYS: Final = (
    Holiday("Nytårsdag", "New Year's Day", month=1, day=1),
    Holiday("Skærtorsdag", "Maundy Thursday", after_easter=-3),
    Holiday("Langfredag", "Good Friday", after_easter=-2),
    Holiday("Påskedag", "Easter Sunday", after_easter=0),
    Holiday("2. påskedag", "Easter Monday", after_easter=1),
    Holiday(
        "Store bededag", "Great Prayer Day", after_easter=26, last_year=2023
    ),  # Lov nr. 214 af 06/03/2023
    Holiday("Kristi himmelfartsdag", "Ascension Day", after_easter=39),
    Holiday("Pinsedag", "Whit Sunday", after_easter=49),
    Holiday("2. pinsedag", "Whit Monday", after_easter=50),
    Holiday("Juledag", "Christmas Day", month=12, day=25),
    Holiday("2. juledag", "Second Day of Christmas", month=12, day=26),
)

# No public holidays, but public offices are closed. 1 May is not here: offices are open, some only until noon;
# an institution that closes on it says so among its own closing days.
AUTHORITY_CLOSING_DAYS: Final = (
    Holiday("Grundlovsdag", "Constitution Day", month=6, day=5),
    Holiday("Juleaftensdag", "Christmas Eve", month=12, day=24),
    Holiday("Nytårsaftensdag", "New Year's Eve", month=12, day=31),
)


def easter_sunday(year: int) -> date:
    """The day of Easter in the Gregorian calendar: the anonymous computus, as printed by Meeus."""
    golden = year % 19
    century, of_century = divmod(year, 100)
    leap_centuries, century_rest = divmod(century, 4)
    correction = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - leap_centuries - correction + 15) % 30
    leap_years, year_rest = divmod(of_century, 4)
    weekday = (32 + 2 * century_rest + 2 * leap_years - epact - year_rest) % 7
    late = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * late + 114, 31)
    return date(year, month, day + 1)


@lru_cache(maxsize=256)
def closed_days(year: int, holidays: tuple[Holiday, ...]) -> frozenset[date]:
    """The days of these holidays in one year."""
    return frozenset(day for holiday in holidays if (day := holiday.day_in(year)) is not None)


def local_day(at: datetime) -> date:
    """The day in Copenhagen at this instant (zoned UTC)."""
    return _utc(at).astimezone(COPENHAGEN).date()


@dataclass(frozen=True)
class Calendar:
    """When one party works: opening hours on days that are no weekend, holiday or closing day of its own.

    Methods raise ValueError for an instant that is not UTC and for a day outside 1990 to 2100.
    """

    closing_days: frozenset[date] = frozenset()
    opens: time = time(8)  # local
    closes: time = time(16)  # local, later the same day
    holidays: tuple[Holiday, ...] = field(default=PUBLIC_HOLIDAYS + AUTHORITY_CLOSING_DAYS, repr=False)

    def __post_init__(self) -> None:
        if not self.opens < self.closes:
            raise ValueError("a working day opens before it closes")

    def is_working_day(self, day: date) -> bool:
        """Whether work is done on this day in Copenhagen."""
        if not FIRST_YEAR <= day.year <= LAST_YEAR:
            raise ValueError(f"holidays are known from {FIRST_YEAR} to {LAST_YEAR}")
        return (
            day.weekday() < 5
            and day not in self.closing_days
            and day not in closed_days(day.year, self.holidays)
        )

    def add_working_time(self, start: datetime, duration: timedelta) -> datetime:
        """The instant at which this much working time has passed since `start`.

        Time outside opening hours does not count; an end that meets closing time stays on that day.
        """
        _not_negative(duration)
        for day in self._working_days_from(local_day(start)):
            opening, closing = self._window(day)
            begin = max(_utc(start), opening)
            if begin <= closing and duration <= closing - begin:
                return begin + duration
            duration -= max(closing - begin, timedelta())
        raise ValueError(f"no working time is left before {LAST_YEAR + 1}")

    def add_working_days(self, start: datetime, days: int) -> datetime:
        """Closing time of the n-th working day after the day of `start`, which is not counted (n >= 1)."""
        if days < 1:
            raise ValueError("count at least one working day")
        for number, day in enumerate(self._working_days_from(local_day(start) + _DAY), start=1):
            if number == days:
                return self._window(day)[1]
        raise ValueError(f"no working time is left before {LAST_YEAR + 1}")

    def open_of(self, day: date) -> datetime:
        """Opening time on this day, or on the next working day if none is done on it."""
        for working_day in self._working_days_from(day):
            return self._window(working_day)[0]
        raise ValueError(f"no working time is left before {LAST_YEAR + 1}")

    def close_of(self, day: date) -> datetime:
        """Closing time on this day, or on the next working day if none is done on it."""
        for working_day in self._working_days_from(day):
            return self._window(working_day)[1]
        raise ValueError(f"no working time is left before {LAST_YEAR + 1}")

    def working_time_between(self, start: datetime, end: datetime) -> timedelta:
        """How much working time lies between two instants; `end` must not lie before `start`."""
        _not_negative(_utc(end) - _utc(start))
        total = timedelta()
        last = local_day(end)
        for day in self._working_days_from(local_day(start)):
            if day > last:
                break
            opening, closing = self._window(day)
            total += max(min(end, closing) - max(start, opening), timedelta())
        return total

    def _working_days_from(self, day: date) -> Iterator[date]:
        while True:
            if self.is_working_day(day):
                yield day
            if day >= _LAST_DAY:
                return
            day += _DAY

    def _window(self, day: date) -> tuple[datetime, datetime]:
        """Opening and closing in UTC; the clock changes on Sundays at night, never within a window."""
        opening = datetime.combine(day, self.opens, COPENHAGEN)
        closing = datetime.combine(day, self.closes, COPENHAGEN)
        return opening.astimezone(UTC), closing.astimezone(UTC)


def _utc(at: datetime) -> datetime:
    if at.utcoffset() != timedelta():
        raise ValueError("an instant must be zoned UTC")
    return at


def _not_negative(duration: timedelta) -> None:
    if duration < timedelta():
        raise ValueError("time must not run backwards")

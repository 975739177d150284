"""Danish working time: holidays against an independent table, spans across weekends, holidays and clock changes."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.calendar import Calendar, closed_days, easter_sunday, local_day

CALENDAR = Calendar()
HOUR = timedelta(hours=1)

# Easter Sundays as (month, day), from published almanacs, not computed here.
EASTER = {
    2000: (4, 23), 2001: (4, 15), 2002: (3, 31), 2003: (4, 20), 2004: (4, 11), 2005: (3, 27), 2006: (4, 16),
    2007: (4, 8), 2008: (3, 23), 2009: (4, 12), 2010: (4, 4), 2011: (4, 24), 2012: (4, 8), 2013: (3, 31),
    2014: (4, 20), 2015: (4, 5), 2016: (3, 27), 2017: (4, 16), 2018: (4, 1), 2019: (4, 21), 2020: (4, 12),
    2021: (4, 4), 2022: (4, 17), 2023: (4, 9), 2024: (3, 31), 2025: (4, 20), 2026: (4, 5), 2027: (3, 28),
    2028: (4, 16), 2029: (4, 1), 2030: (4, 21), 2031: (4, 13), 2032: (3, 28), 2033: (4, 17), 2034: (4, 9),
    2035: (3, 25), 2036: (4, 13), 2037: (4, 5), 2038: (4, 25), 2039: (4, 10), 2040: (4, 1), 2041: (4, 21),
    2042: (4, 6), 2043: (3, 29), 2044: (4, 17), 2045: (4, 9), 2046: (3, 25), 2047: (4, 14), 2048: (4, 5),
    2049: (4, 18), 2050: (4, 10), 2051: (4, 2), 2052: (4, 21), 2053: (4, 6), 2054: (3, 29), 2055: (4, 18),
    2056: (4, 2), 2057: (4, 22), 2058: (4, 14), 2059: (3, 30), 2060: (4, 18),
}  # fmt: skip


def gauss(year: int) -> date:
    """Easter by Gauss, with his two exceptions: another way to the same day."""
    a, b, c = year % 19, year % 4, year % 7
    k = year // 100
    m = (15 - (13 + 8 * k) // 25 + k - k // 4) % 30
    n = (4 + k - k // 4) % 7
    d = (19 * a + m) % 30
    e = (2 * b + 4 * c + 6 * d + n) % 7
    if d == 29 and e == 6:
        return date(year, 4, 19)
    if d == 28 and e == 6 and (11 * m + 11) % 30 < 19:
        return date(year, 4, 18)
    return date(year, 3, 22) + timedelta(days=d + e)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize("year", EASTER)
def test_easter_falls_where_the_almanac_says(year: int) -> None:
    assert easter_sunday(year) == date(year, *EASTER[year])


@pytest.mark.parametrize("year", range(1990, 2101))
def test_two_algorithms_agree_on_easter(year: int) -> None:
    assert easter_sunday(year) == gauss(year)


@pytest.mark.parametrize("year", EASTER)
def test_the_offices_are_closed_on_exactly_these_days_of_a_year(year: int) -> None:
    easter = date(year, *EASTER[year])
    moving = [-3, -2, 0, 1, 39, 49, 50] + ([26] if year <= 2023 else [])
    fixed = [(1, 1), (6, 5), (12, 24), (12, 25), (12, 26), (12, 31)]
    expected = {easter + timedelta(days=days) for days in moving} | {date(year, *day) for day in fixed}
    assert closed_days(year, CALENDAR.holidays) == expected
    days = [
        date(year, 1, 1) + timedelta(days=n) for n in range((date(year + 1, 1, 1) - date(year, 1, 1)).days)
    ]
    working = {day for day in days if CALENDAR.is_working_day(day)}
    assert working == {day for day in days if day.isoweekday() <= 5 and day not in expected}


def test_the_first_year_of_the_calendar_has_its_holidays() -> None:
    assert len(closed_days(1990, CALENDAR.holidays)) == 14
    assert closed_days(1989, CALENDAR.holidays) == frozenset()


def test_great_prayer_day_was_a_holiday_until_2023() -> None:
    assert not CALENDAR.is_working_day(date(2023, 5, 5))
    assert CALENDAR.is_working_day(date(2024, 4, 26))


def test_first_of_may_is_a_working_day_unless_the_institution_says_otherwise() -> None:
    assert CALENDAR.is_working_day(date(2026, 5, 1))
    assert not Calendar(closing_days=frozenset({date(2026, 5, 1)})).is_working_day(date(2026, 5, 1))


def test_hours_run_on_over_a_weekend() -> None:
    # Friday 15:00 in Copenhagen in summer is 13:00 UTC: one hour is left of the day, three are of Monday.
    assert CALENDAR.add_working_time(utc("2026-08-07T13:00"), 4 * HOUR) == utc("2026-08-10T09:00")


def test_an_end_that_meets_closing_time_stays_on_that_day() -> None:
    assert CALENDAR.add_working_time(utc("2026-08-07T13:00"), HOUR) == utc("2026-08-07T14:00")


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-03-27T14:00", "2026-03-30T07:00"),  # the clock goes forward on Sunday 29 March
        ("2026-10-23T13:00", "2026-10-26T08:00"),  # the clock goes back on Sunday 25 October
    ],
)
def test_two_hours_across_a_change_of_the_clock_are_two_working_hours(start: str, end: str) -> None:
    assert CALENDAR.add_working_time(utc(start), 2 * HOUR) == utc(end)
    assert CALENDAR.working_time_between(utc(start), utc(end)) == 2 * HOUR


def test_the_easter_holidays_do_not_count() -> None:
    # Wednesday before Maundy Thursday 2026 to Tuesday after Easter Monday.
    assert CALENDAR.add_working_days(utc("2026-04-01T10:00"), 1) == utc("2026-04-07T14:00")
    assert CALENDAR.working_time_between(utc("2026-04-01T14:00"), utc("2026-04-07T06:00")) == timedelta()


def test_working_days_count_from_the_day_after_and_end_at_closing_time() -> None:
    assert CALENDAR.add_working_days(utc("2026-10-06T09:12"), 2) == utc("2026-10-08T14:00")
    assert CALENDAR.add_working_days(utc("2026-10-10T20:00"), 1) == utc("2026-10-12T14:00")


def test_closing_days_of_an_institution_are_passed_over() -> None:
    autumn = frozenset(date(2026, 10, day) for day in range(12, 17))
    calendar = Calendar(closing_days=autumn)
    assert calendar.add_working_days(utc("2026-10-09T10:00"), 1) == utc("2026-10-19T14:00")
    assert calendar.close_of(date(2026, 10, 12)) == utc("2026-10-19T14:00")


def test_the_day_of_an_instant_is_the_day_in_copenhagen() -> None:
    assert local_day(utc("2026-07-31T22:30")) == date(2026, 8, 1)
    assert local_day(utc("2026-12-31T22:30")) == date(2026, 12, 31)


def test_other_opening_hours_are_obeyed() -> None:
    calendar = Calendar(opens=time(10), closes=time(12))
    assert calendar.add_working_time(utc("2026-08-10T00:00"), 3 * HOUR) == utc("2026-08-11T09:00")


def test_what_no_calendar_can_answer_is_refused() -> None:
    with pytest.raises(ValueError, match="opens before"):
        Calendar(opens=time(16), closes=time(16))
    with pytest.raises(ValueError, match="1990 to 2100"):
        CALENDAR.is_working_day(date(2101, 1, 3))
    with pytest.raises(ValueError, match="1990 to 2100"):
        CALENDAR.is_working_day(date(1989, 12, 29))
    assert CALENDAR.is_working_day(date(1990, 1, 2))
    assert CALENDAR.is_working_day(date(2100, 12, 30))
    with pytest.raises(ValueError, match="zoned UTC"):
        CALENDAR.add_working_time(datetime(2026, 8, 7, 13), HOUR)  # noqa: DTZ001
    with pytest.raises(ValueError, match="backwards"):
        CALENDAR.add_working_time(utc("2026-08-07T13:00"), -HOUR)
    with pytest.raises(ValueError, match="backwards"):
        CALENDAR.working_time_between(utc("2026-08-07T13:00"), utc("2026-08-07T12:00"))
    with pytest.raises(ValueError, match="at least one"):
        CALENDAR.add_working_days(utc("2026-08-07T13:00"), 0)


@pytest.mark.parametrize("days", [1, 2])
def test_no_working_time_is_left_at_the_end_of_the_calendar(days: int) -> None:
    with pytest.raises(ValueError, match="no working time"):
        CALENDAR.add_working_days(utc("2100-12-30T15:00"), days)
    with pytest.raises(ValueError, match="no working time"):
        CALENDAR.add_working_time(utc("2100-12-30T15:00"), days * HOUR)
    with pytest.raises(ValueError, match="no working time"):
        CALENDAR.close_of(date(2100, 12, 31))
    with pytest.raises(ValueError, match="no working time is left"):
        CALENDAR.open_of(date(2100, 12, 31))


instants = st.datetimes(datetime(2000, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
durations = st.timedeltas(timedelta(), timedelta(hours=100))


@given(instants, durations, durations)
def test_working_time_is_additive(start: datetime, first: timedelta, second: timedelta) -> None:
    at_once = CALENDAR.add_working_time(start, first + second)
    assert CALENDAR.add_working_time(CALENDAR.add_working_time(start, first), second) == at_once


@given(instants, durations)
def test_the_working_time_up_to_a_due_time_is_what_was_added(start: datetime, duration: timedelta) -> None:
    due = CALENDAR.add_working_time(start, duration)
    assert due >= start
    assert CALENDAR.working_time_between(start, due) == duration


@given(instants, instants, durations)
def test_who_starts_later_is_never_due_earlier(one: datetime, other: datetime, duration: timedelta) -> None:
    first, last = sorted((one, other))
    assert CALENDAR.add_working_time(first, duration) <= CALENDAR.add_working_time(last, duration)
    assert CALENDAR.add_working_days(first, 3) <= CALENDAR.add_working_days(last, 3)


@given(instants, st.integers(1, 10), st.integers(1, 10))
def test_working_days_are_additive(start: datetime, first: int, second: int) -> None:
    at_once = CALENDAR.add_working_days(start, first + second)
    assert CALENDAR.add_working_days(CALENDAR.add_working_days(start, first), second) == at_once

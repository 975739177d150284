"""CPR numbers: what their digits tell, and that they never show. Every number here is fictional."""

from __future__ import annotations

from datetime import date

import pytest

from gateway.domain.cpr import Cpr, age

FICTIONAL = "7403055092"  # born 14 March 2005


@pytest.mark.parametrize(
    "text", ["740305509", "74030550922", "740305-5092", "74030A5092", "", "740305ABCD", "٧٤٠٣٠٥٥٠٩٢"]
)
def test_another_shape_is_no_cpr_number(text: str) -> None:
    with pytest.raises(ValueError, match="not a CPR number"):
        Cpr(text)


def test_a_number_never_shows_itself() -> None:
    cpr = Cpr(FICTIONAL)
    for shown in (repr(cpr), str(cpr), f"{cpr}", repr([cpr])):
        assert FICTIONAL[:6] not in shown
        assert FICTIONAL[6:] not in shown


def test_day_plus_sixty_or_letters_make_a_replacement_number() -> None:
    assert Cpr(FICTIONAL).is_replacement
    assert Cpr("740305ABC1").is_replacement
    assert Cpr("140305ABC1").is_replacement
    assert not Cpr("4403055092").is_replacement


@pytest.mark.parametrize(
    ("digits", "born"),
    [
        (FICTIONAL, date(2005, 3, 14)),
        ("6101360000", date(1936, 1, 1)),
        ("6101363999", date(1936, 1, 1)),
        ("6101364000", date(2036, 1, 1)),
        ("6101374000", date(1937, 1, 1)),
        ("6101575000", date(2057, 1, 1)),
        ("6101585000", date(1858, 1, 1)),
        ("6101008999", date(2000, 1, 1)),
        ("6101369999", date(2036, 1, 1)),
        ("6101379999", date(1937, 1, 1)),
        ("8902045000", date(2004, 2, 29)),
        ("9112995000", date(1899, 12, 31)),
    ],
)
def test_the_seventh_digit_tells_the_century(digits: str, born: date) -> None:
    assert Cpr(digits).birth_date == born
    assert Cpr(digits).holds_valid_date


@pytest.mark.parametrize(
    "digits", ["6013055092", "9203055092", "3203055092", "7413055092", "7400055092", "8902055000"]
)
def test_a_day_that_no_month_has_is_no_valid_date(digits: str) -> None:
    assert not Cpr(digits).holds_valid_date
    assert Cpr(digits).birth_date is None
    assert Cpr(digits).age_on(date(2026, 8, 5)) is None


def test_letters_leave_the_century_open_but_not_the_day() -> None:
    assert Cpr("8902ABC123"[:4] + "05ABC1").holds_valid_date  # 29 February of an unknown century
    assert not Cpr("740005ABC1").holds_valid_date
    assert Cpr("740305ABC1").birth_date is None


def test_modulus_11_is_told_and_decides_nothing() -> None:
    assert not Cpr(FICTIONAL).fits_modulus_11
    assert not Cpr("740305ABC1").fits_modulus_11
    # 7*4 + 0*3 + 0*2 + 1*7 + 0*6 + 0*5 + 4*4 + 0*3 + 1*2 + 2*1 = 55
    assert Cpr("7001004012").fits_modulus_11
    assert not Cpr("7001004013").fits_modulus_11


def test_age_counts_whole_years() -> None:
    cpr = Cpr(FICTIONAL)
    assert cpr.age_on(date(2026, 3, 13)) == 20
    assert cpr.age_on(date(2026, 3, 14)) == 21
    assert age(date(2004, 2, 29), date(2022, 2, 28)) == 17
    assert age(date(2004, 2, 29), date(2022, 3, 1)) == 18

"""Canonical JSON against the examples of RFC 8785."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.translog.canonical import Json, canonical, read_canonical

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_canonical_octets_read_back_as_the_same_value(value: Json) -> None:
    assert read_canonical(canonical(value)) == value


def test_text_is_escaped_as_the_standard_shows() -> None:
    # The string of RFC 8785 §3.2.2.2, and characters that its rules name.
    assert canonical('\u20ac$\x0f\nA\'B"\\\\"/') == rb'''"''' + "€$".encode() + rb'''\u000f\nA'B\"\\\\\"/"'''
    assert canonical("\b\t\n\f\r\x1f\x7f\u2028<æ") == rb'"\b\t\n\f\r\u001f' + '\x7f\u2028<æ"'.encode()


def test_keys_are_sorted_as_the_standard_shows() -> None:
    # RFC 8785 §3.2.3: by UTF-16 code units, so that an emoji (a surrogate pair) comes before U+FB33.
    keys = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    ordered = ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]
    assert read_canonical(canonical(dict.fromkeys(keys))) == dict.fromkeys(ordered)
    assert canonical(dict.fromkeys(keys)).decode().index("\U0001f600") < canonical(
        dict.fromkeys(keys)
    ).decode().index("\ufb33")


@pytest.mark.parametrize(
    "value", [1.0, float("nan"), 2**53, -(2**53), {1: 2}, b"octets", {"a": {1}}, "\ud800", {"\ud800": 1}]
)
def test_what_canonical_json_here_does_not_hold_is_refused(value: object) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - one type for all
        canonical(value)  # type: ignore[arg-type]


def test_value_nested_deeper_than_any_of_ours_is_refused() -> None:
    value: Json = []
    for _ in range(20):
        value = [value]
    with pytest.raises(ValueError, match="list"):
        canonical(value)


@pytest.mark.parametrize(
    "octets",
    [b' {"a":1}', b'{"a": 1}', b'{"b":1,"a":2}', b'{"a":1,"a":1}', b"1.0", b"1e2", b"-0", b"NaN", b"9007199254740992",
     b'"\\u0041"', b'"\\/"', b"", b"\xff", b"[" * 100_000, b'"\\ud800"', b'\xef\xbb\xbf{}', b"1" * 5000],
)  # fmt: skip
def test_octets_in_any_other_spelling_are_refused(octets: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - one type for all
        read_canonical(octets)

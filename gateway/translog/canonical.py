"""Canonical JSON as RFC 8785 writes it, for the values a log holds: no floats, no integer beyond 2^53 - 1."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final, NoReturn

Json = None | bool | int | str | Sequence["Json"] | Mapping[str, "Json"]
"""A value of JSON; a sequence is a list or a tuple."""

GREATEST_INTEGER: Final = 2**53 - 1  # RFC 8785 §3.2.2.3, by way of I-JSON, RFC 7493 §2.2
_LISTS: Final = (list, tuple)
_OBJECTS: Final = (dict, Mapping)  # nearly always the first, which is found at once
DEEPEST: Final = 16  # our values nest four deep

_ENCODER: Final = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, allow_nan=False, separators=(",", ":")
)


def canonical(value: Json) -> bytes:
    """The one sequence of octets that stands for `value`: UTF-8, sorted keys, no white space.

    ValueError on a float, an integer beyond 2^53 - 1, a key that is not text, a lone surrogate, or anything else that
    is not JSON.
    """
    # Python's writer escapes exactly what RFC 8785 §3.2.2.2 wants escaped, once it may leave non-ASCII as it is.
    return _ENCODER.encode(_ordered(value, DEEPEST)).encode("utf-8")


def read_canonical(octets: bytes) -> Json:
    """The value that these octets are the canonical form of. ValueError if they are the canonical form of none."""
    try:
        value: Json = json.loads(octets.decode("utf-8"), parse_float=_refuse, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deep") from None
    if canonical(value) != octets:  # also catches a key that stands twice
        raise ValueError("not in canonical form")
    return value


def _ordered(value: object, depth: int) -> Json:
    if isinstance(value, str) or value is None or value is True or value is False:
        return value
    if isinstance(value, int) and abs(value) <= GREATEST_INTEGER:
        return value
    if isinstance(value, _LISTS) and depth:
        return [_ordered(item, depth - 1) for item in value]
    if isinstance(value, _OBJECTS) and depth and all(isinstance(key, str) for key in value):
        # RFC 8785 §3.2.3: keys are sorted by their UTF-16 code units.
        keys = sorted(value) if "".join(value).isascii() else sorted(value, key=_utf_16)
        return {key: _ordered(value[key], depth - 1) for key in keys}
    raise ValueError(f"a {type(value).__name__} that canonical JSON here does not hold")


def _utf_16(text: str) -> bytes:
    return text.encode("utf-16-be")


def _refuse(_text: str) -> NoReturn:
    raise ValueError("a number that is not a small integer")

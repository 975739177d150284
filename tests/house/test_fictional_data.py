"""No file of the repository holds data that could be somebody's: numbers, phones and mail are fictional by their form.

The convention: the first digit of the day in a CPR number is raised by six; CVR numbers fail the CVR check;
municipality codes and institution numbers are in no register; phones begin with +4500, for no Danish number begins
with 0; mail ends in `.example`.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]

MUNICIPALITIES: Final = {"0996", "0997", "0998", "0999"}  # no register holds them
INSTITUTIONS: Final = re.compile(r"9990[0-9A-Z]{2}")  # likewise

# What may stand where it stands, and why; written in two parts, so that this file does not hold it.
ALLOWED: Final = {
    (
        "tests/xmlcore/test_simple_types.py",
        "phone",
        "+123" + "4567",
    ): "the shortest the type takes; nobody has it",
    (
        "tests/domain/test_cpr.py",
        "CPR",
        "140305" + "ABC1",
    ): "letters make it no CPR number; the day is not raised on purpose",
}

_CPR: Final = re.compile(r"(?<![0-9A-Za-z])(\d\d)(\d\d)\d\d[ -]?(?:\d{4}|[A-ZÆØÅ]{3}\d)(?![0-9A-Za-z])")
_PHONE: Final = re.compile(
    r"(?<![0-9A-Za-z.+-])(?:\+45 ?(\d\d ?\d\d ?\d\d ?\d\d)|(\d\d \d\d \d\d \d\d)|\+([1-9]\d{6,14}))(?![0-9A-Za-z])"
)
_MAIL: Final = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.([A-Za-z]+)(?![A-Za-z0-9-])")
_CVR: Final = (
    re.compile(r"(?i)cvr\W{0,10}(\d{8})(?!\d)"),
    re.compile(r"NTRDK-(\d{8})(?!\d)"),
    re.compile(r"(?<![0-9A-Za-z.-])(\d{8})-(?:0\d{3}|[0-9A-Z]{6})(?![0-9A-Za-z-])"),
)
_CVR_WEIGHTS: Final = (2, 7, 6, 5, 4, 3, 2, 1)
_UNIT: Final = (
    re.compile(r"(?:MunicipalityCode|RegisteredMunicipality|InstitutionNumber)>\s*([0-9A-Z]+)\s*<"),
    re.compile(r"(?<![0-9A-Za-z.-])\d{8}-(0\d{3}|[0-9A-Z]{6})(?![0-9A-Za-z-])"),
    re.compile(r'Cvr\(\s*"\d{8}"\s*\),\s*"([0-9A-Z]+)"'),
)


def possible_cpr_numbers(text: str) -> Iterator[str]:
    """Numbers of a day that there is: the CPR register could have given them out."""
    for found in _CPR.finditer(text):
        try:
            date(2000, int(found[2]), int(found[1]))
        except ValueError:
            continue
        yield found[0]


def possible_phones(text: str) -> Iterator[str]:
    """Phone numbers that do not begin with 0 after the Danish country code."""
    for found in _PHONE.finditer(text):
        danish = found[1] or found[2] or found[3].removeprefix("45")
        if not danish.startswith("0"):
            yield found[0]


def possible_mail(text: str) -> Iterator[str]:
    """Addresses outside the domain that is kept for examples, RFC 2606 §2."""
    return (found[0] for found in _MAIL.finditer(text) if found[1] != "example")


def possible_cvr_numbers(text: str) -> Iterator[str]:
    """Numbers called CVR that fit the check."""
    for pattern in _CVR:
        for found in pattern.finditer(text):
            weighted = (int(digit) * weight for digit, weight in zip(found[1], _CVR_WEIGHTS, strict=True))
            if sum(weighted) % 11 == 0:
                yield found[1]


def possible_units(text: str) -> Iterator[str]:
    """Municipality codes and institution numbers that a register may hold, where a party is named by them."""
    for pattern in _UNIT:
        for found in pattern.finditer(text):
            if found[1] not in MUNICIPALITIES and not INSTITUTIONS.fullmatch(found[1]):
                yield found[1]


SOUGHT: Final[dict[str, Callable[[str], Iterator[str]]]] = {
    "CPR": possible_cpr_numbers,
    "phone": possible_phones,
    "mail": possible_mail,
    "CVR": possible_cvr_numbers,
    "unit": possible_units,
}


def text_files() -> Iterator[tuple[str, str]]:
    """Every text file of the repository with its name, also those that are not committed yet."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in sorted(filter(None, listed.stdout.decode().split("\0"))):
        path = ROOT / name
        if path.is_file() and b"\0" not in (octets := path.read_bytes()):
            yield name, octets.decode("utf-8", errors="replace")


@pytest.mark.parametrize("kind", SOUGHT)
def test_no_file_holds_what_could_be_somebodys(kind: str) -> None:
    found = {(name, kind, value) for name, text in text_files() for value in SOUGHT[kind](text)}
    assert sorted(found - set(ALLOWED)) == []


def test_what_is_allowed_is_still_there() -> None:
    texts = dict(text_files())
    assert [
        entry for entry in ALLOWED if entry[2] not in set(SOUGHT[entry[1]](texts.get(entry[0], "")))
    ] == []


def test_the_golden_files_are_looked_at() -> None:
    names = {name for name, _ in text_files()}
    assert {
        "tests/golden/documents/education-order-letter.xml",
        "tests/golden/attachments/skema.pdf",
    } <= names


# The samples are put together here, so that this file holds none of them.
@pytest.mark.parametrize(
    ("kind", "sample"),
    [
        ("CPR", "1403" + "05-5092"),
        ("CPR", "nummer " + "310199" + "0000."),
        ("CPR", "2902" + "04 " + "5092"),
        ("CPR", "140305" + "ÆÅK2"),
        ("phone", "+45 " + "70 10" + " 20 30"),
        ("phone", "+45" + "70102030"),
        ("phone", "tlf. " + "70 10" + " 20 30"),
        ("phone", "+46" + "701020304"),
        ("mail", "skriv til mette.eksempel" + "@" + "kommune.dk"),
        ("mail", "mette" + "@" + "eksempelby.example.com"),
        ("CVR", "<Cvr>" + "10" + "172748</Cvr>"),
        ("CVR", 'Cvr("' + "10" + '172748")'),
        ("CVR", "NTRDK-" + "10" + "172748"),
        ("unit", "<MunicipalityCode>" + "0101</MunicipalityCode>"),
        ("unit", "11111111-" + "0751"),
        ("unit", 'PartyId(Cvr("11111111"), "' + '280051")'),
    ],
)
def test_what_could_be_somebodys_is_found(kind: str, sample: str) -> None:
    assert list(SOUGHT[kind](sample))


@pytest.mark.parametrize(
    "sample",
    [
        "7403055092 og 740305-5092",
        "+4500000001 og 00 00 00 01",
        "mette.eksempel@eksempelby.example",
        "<Cvr>11111111</Cvr><MunicipalityCode>0999</MunicipalityCode>",
        'PartyId(Cvr("22222222"), "999001") er 22222222-999001',
        "2026-08-05T09:12:00Z, 4a1c0b2d-1203-4f5e-8a9b-140305509212, @pytest.mark",
        "digest 0000000241 00000 n, 300205ÆÅK2 og 7413055092",
    ],
)
def test_what_follows_the_convention_is_not_found(sample: str) -> None:
    assert [value for find in SOUGHT.values() for value in find(sample)] == []

"""A registered system that floods the gateway, or sends what infects, is refused; it costs the others nothing."""

from __future__ import annotations

import atexit
from collections.abc import Generator
from contextlib import ExitStack
from dataclasses import replace
from typing import Final

import pytest

from gateway.domain.catalogue import Code, Family
from gateway.domain.quota import USUAL
from gateway.interfaces.http import HttpRequest
from gateway.services.request_rate import RequestRate
from gateway.transport.antivirus import Clamd
from tests.attacks.door import Case, Door, Left, guard_of
from tests.attacks.pens import letter, with_parts
from tests.clamd import MARK, FakeClamd, clamd
from tests.services.papers import row_counts

RATE, ROOM, CLEAN = (
    "services.request_rate:RequestRate.take",
    "services.quotas:require_room",
    "services.scanning:require_clean",
)
SERVICES, ATTACHMENTS = "threat model, SOAP services, D", "threat model, Documents and attachments, T"


def _limited(door: Door, **limits: int) -> None:
    house = door.house
    quota = replace(USUAL, **limits)
    house.installation = replace(house.installation, quota=quota, request_rate=RequestRate())


def _too_fast(door: Door) -> HttpRequest:
    """The second request of a system that may send one a minute."""
    _limited(door, requests_per_minute=1)
    door.passes(letter(door))
    return letter(door)


def _too_many(door: Door) -> HttpRequest:
    """One document more than the system may send."""
    _limited(door, documents_per_day=1)
    door.ask(letter(door))
    return letter(door)


def _too_much(door: Door) -> HttpRequest:
    """More octets beside the envelope than the system may send."""
    _limited(door, megabytes_per_day=1)
    return with_parts(door, mtom=False, contents=[b"A" * 1_100_000], media_type="text/plain")


def _with_antivirus(door: Door) -> FakeClamd:
    """Let the installation have an antivirus, which lives as long as the door."""
    fake = _RUNNING.enter_context(clamd())
    door.house.installation = replace(door.house.installation, antivirus=Clamd(fake.address, 5))
    return fake


def _infected(door: Door) -> HttpRequest:
    """A letter with the test file that every antivirus finds."""
    _with_antivirus(door)
    return with_parts(door, mtom=False, contents=[b"Skema " + MARK], media_type="text/plain")


def _unscanned(door: Door) -> HttpRequest:
    """The same while the antivirus says nothing that can be understood."""
    _with_antivirus(door).says = b"stream: nothing to say ERROR\0"
    return with_parts(door, mtom=False, contents=[b"Skema " + MARK], media_type="text/plain")


_RUNNING: Final = ExitStack()
atexit.register(_RUNNING.close)
CASES: Final = (
    Case("requests without end", RATE, SERVICES, Code.RATE_LIMITED, letter, _too_fast, Left.ANSWER),
    Case("letters without end", ROOM, SERVICES, Code.QUOTA_EXCEEDED, letter, _too_many, Left.ANSWER),
    Case("octets without end", ROOM, SERVICES, Code.QUOTA_EXCEEDED, letter, _too_much, Left.ANSWER),
    Case("an infected file", CLEAN, ATTACHMENTS, Code.ATTACHMENT_INFECTED, letter, _infected, Left.EVIDENCE),
    Case(
        "an infected file while the antivirus is away",
        CLEAN,
        ATTACHMENTS,
        Code.ANTIVIRUS_UNAVAILABLE,
        letter,
        _unscanned,
        Left.ANSWER,
        seen_by="transport.antivirus:Clamd._found",
    ),
)


@pytest.fixture(autouse=True)
def _as_before(door: Door) -> Generator[None]:
    """Give the installation back its usual quotas, and no antivirus."""
    before = door.house.installation
    yield
    door.house.installation = before
    _RUNNING.close()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_system_that_takes_too_much_or_infects_is_refused(door: Door, case: Case) -> None:
    if case.code.row.family is Family.INPUT:
        case.bad(door)  # the antivirus is there for the good message too
        door.withstands(case)
        return
    request = case.bad(door)
    before = row_counts(door.house)
    answer = door.ask(request)
    assert answer.error is not None, "the attack passed"
    assert (answer.error.code, guard_of(answer.error)) == (case.code, case.seen_by or case.guard)
    assert (answer.is_signed, answer.text("Code"), answer.text("Retryable")) == (True, case.code.name, "true")
    assert row_counts(door.house) == before

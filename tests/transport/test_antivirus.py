"""clamd is asked as it wants to be asked, and nothing but its clear word counts as clean."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gateway.domain.catalogue import Code
from gateway.domain.errors import UnavailableError
from gateway.transport import antivirus
from gateway.transport.antivirus import SEAT_SECONDS, Clamd
from tests.clamd import FOUND, MARK, clamd


def _why(address: str, octets: bytes = b"brev", seconds: float = 5) -> object:
    with pytest.raises(UnavailableError) as unavailable:
        Clamd(address, seconds).find(octets)
    assert unavailable.value.code is Code.ANTIVIRUS_UNAVAILABLE
    return unavailable.value.facts["what"]


@pytest.mark.parametrize("by_socket", [True, False], ids=["unix", "tcp"])
def test_every_octet_reaches_clamd(tmp_path: Path, by_socket: bool) -> None:
    octets = bytes(range(256)) * 2000
    with clamd(tmp_path if by_socket else None) as fake:
        scanner = Clamd(fake.address, 5)
        assert scanner.find(memoryview(octets)) is None
        assert scanner.find(b"") is None
        assert scanner.find(octets + MARK) == FOUND
        assert scanner.is_answering()
    assert fake.streams == [octets, b"", octets + MARK]
    assert fake.commands == [b"zINSTREAM"] * 3 + [b"zPING"]


@pytest.mark.parametrize(
    "says",
    [
        b"",
        b"stream: OK",  # cut off
        b"stream: OK, I think\0",
        b"OK\0",
        b"stream: Can't allocate memory ERROR\0",
        b"COMMAND READ TIMED OUT\0",
        b"x" * 5000,
        b"stream:  FOUND\0",
    ],
)
def test_whatever_is_not_clear_is_no_verdict(says: bytes) -> None:
    with clamd() as fake:
        fake.says = says
        assert _why(fake.address) == "no verdict"
        assert not Clamd(fake.address, 5).is_answering()


@pytest.mark.parametrize("name", ["Win.Test\r\nX", "Æ", "a b", "x" * 101])
def test_a_name_that_could_be_anything_is_not_passed_on(name: str) -> None:
    with clamd() as fake:
        fake.says = f"stream: {name} FOUND\0".encode()
        assert Clamd(fake.address, 5).find(b"brev") == "?"


def test_what_is_too_large_for_clamd_is_not_clean() -> None:
    with clamd() as fake:
        fake.stream_max = 100_000
        assert _why(fake.address, bytes(20_000_000)) == "it takes less at once"


def test_a_clamd_that_never_answers_is_waited_for_only_so_long() -> None:
    with clamd() as fake:
        fake.silent.set()
        began = time.monotonic()
        assert _why(fake.address, seconds=0.3) == "no whole answer in time"
        assert not Clamd(fake.address, 0.3).is_answering()
        assert time.monotonic() - began < 3


@pytest.mark.parametrize(
    "address", ["tcp://127.0.0.1:1", "unix:/nowhere/clamd.sock", "tcp://127.0.0.1:99999"]
)
def test_a_clamd_that_is_not_there_is_no_verdict(address: str) -> None:
    assert _why(address) == "no connection"
    assert not Clamd(address, 5).is_answering()


def test_its_last_answer_is_remembered_and_asked_for_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    with clamd() as fake:
        scanner = Clamd(fake.address, 5)
        assert [scanner.is_answering() for _ in range(5)] == [True] * 5
        assert fake.commands == [b"zPING"]
        assert scanner.ask()
        assert len(fake.commands) == 2
    assert scanner.is_answering()
    assert not scanner.ask()
    assert not scanner.is_answering()
    with clamd() as fake:
        scanner = Clamd(fake.address, 5)
        monkeypatch.setattr(antivirus, "REMEMBERED_SECONDS", 0)
        assert [scanner.is_answering() for _ in range(3)] == [True] * 3
        assert len(fake.commands) == 3


def test_nobody_waits_for_the_question_of_another() -> None:
    with clamd() as fake, ThreadPoolExecutor(1) as pool:
        fake.silent.set()
        scanner = Clamd(fake.address, 5)
        asking = pool.submit(scanner.ask)
        while not fake.commands:
            threading.Event().wait(0.001)
        began = time.monotonic()
        assert not scanner.is_answering()
        assert time.monotonic() - began < 1
        assert not asking.done()
        fake.ended.set()
        assert not asking.result()


def test_no_more_ask_at_once_than_may() -> None:
    with clamd() as fake:
        scanner = Clamd(fake.address, 5, at_once=2)
        with scanner.sitting() as look, scanner.sitting() as other:
            assert look(b"brev") is None
            assert other(MARK) == FOUND
            with pytest.raises(UnavailableError) as none:
                scanner.find(b"brev")
        assert none.value.facts["what"] == "as many scans as may be are under way"
        assert scanner.find(b"brev") is None


def test_who_finds_nothing_free_waits_for_those_before_who_are_quick() -> None:
    with clamd() as fake, ThreadPoolExecutor(8) as pool:
        fake.seconds = 0.02
        scanner = Clamd(fake.address, 5, at_once=2)
        assert list(pool.map(scanner.find, [b"brev"] * 24)) == [None] * 24


def test_a_seat_is_given_to_who_has_waited_longest_though_others_come_back_at_once() -> None:
    scanner = Clamd("unix:/nowhere", 5, at_once=2)

    def scans(times: int) -> int:
        for _ in range(times):
            with scanner.sitting():
                threading.Event().wait(0.05)  # so long a scan takes
        return times

    with ThreadPoolExecutor(8) as pool:  # with 2 seats, in order, each waits for three scans
        assert sum(pool.map(scans, [20] * 8)) == 160


def test_nobody_waits_for_those_who_have_not_moved_for_a_while() -> None:
    with clamd() as fake:
        scanner = Clamd(fake.address, 5)
        with scanner.sitting():
            began = time.monotonic()
            with pytest.raises(UnavailableError):
                scanner.find(b"brev")
            assert SEAT_SECONDS <= time.monotonic() - began < SEAT_SECONDS + 1
            began = time.monotonic()
            for _ in range(20):
                with pytest.raises(UnavailableError):
                    scanner.find(b"brev")
            assert time.monotonic() - began < SEAT_SECONDS
    assert fake.streams == []


def test_nobody_waits_longer_than_a_second_though_others_come_and_go() -> None:
    with clamd() as fake, ThreadPoolExecutor(3) as pool:
        fake.seconds = 0.6 * SEAT_SECONDS
        scanner = Clamd(fake.address, 30)
        asked = [pool.submit(scanner.find, b"brev") for _ in range(3)]
        refused = [each for each in asked if each.exception() is not None]
        assert len(refused) == 1  # the second waited 0.6 seconds, the third would have waited 1.2
    assert len(fake.streams) == 2

"""No attachment is accepted or stored before the antivirus has found it clean; without its word nothing is accepted."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import pytest
import structlog

from gateway.domain.operations import AttachmentContent
from gateway.interfaces.health import Readiness
from gateway.interfaces.http import HttpRequest
from gateway.interfaces.turns import Turns
from gateway.services.scanning import require_clean
from gateway.transport.antivirus import Clamd
from gateway.xmlcore.namespaces import SERVICE, tag
from tests.clamd import FOUND, MARK, FakeClamd, clamd
from tests.installation import Answered, TestInstallation
from tests.services.papers import accepted, grown, listing, paper, row_counts, sending

CLEAN, INFECTED = b"Skema", b"Skema " + MARK


@contextmanager
def scanned(house: TestInstallation, seconds: float = 5) -> Generator[FakeClamd]:
    """Let the installation have an antivirus for the block."""
    with clamd() as fake:
        house.installation = replace(house.installation, antivirus=Clamd(fake.address, seconds))
        yield fake


def send(house: TestInstallation, *contents: bytes) -> Answered:
    files = [(f"skema-{number}.txt", "text/plain", each) for number, each in enumerate(contents)]
    letter = paper(house.clock(), *([listing(*files)] if files else []))
    return house.esdh.call(sending(letter, attachments=contents))


def english(answer: Answered) -> str:
    return answer.payload.findtext(f".//{tag(SERVICE, 'English')}") or ""


def test_every_attachment_is_scanned_and_then_accepted(house: TestInstallation) -> None:
    with scanned(house) as fake:
        assert send(house, CLEAN, b"Plan").fault_code is None
    assert fake.streams == [CLEAN, b"Plan"]


def test_an_infected_attachment_is_refused_by_its_number_and_nothing_is_stored(
    house: TestInstallation,
) -> None:
    before = row_counts(house)
    with scanned(house):
        answer = send(house, CLEAN, INFECTED)
    assert (answer.fault_code, answer.is_signed) == ("ATTACHMENT_INFECTED", True)
    assert f"{FOUND} in attachment 2" in english(answer)
    assert "skema-1" not in english(answer)
    assert grown(before, row_counts(house)) == {"refusal": 1, "replay": 1, "log_entry": 1, "opening": 1}
    assert not [path for path in (house.folder / "blobs").rglob("*") if path.is_file()]


@pytest.mark.parametrize("how", ["away", "silent", "unclear"])
def test_without_a_verdict_nothing_is_accepted_and_the_same_message_may_come_again(
    house: TestInstallation, how: str
) -> None:
    letter = paper(house.clock(), listing(("skema.txt", "text/plain", CLEAN)))
    message = house.esdh.message(sending(letter, attachments=[CLEAN]))
    before = row_counts(house)
    with scanned(house, 0.3) as fake, structlog.testing.capture_logs() as logs:
        if how == "silent":
            fake.silent.set()
        if how == "unclear":
            fake.says = b"stream: Can't open file ERROR\0"
        if how == "away":
            house.installation = replace(house.installation, antivirus=Clamd("tcp://127.0.0.1:1", 1))
        answer = house.esdh.send(message)
    assert (answer.fault_code, answer.is_signed) == ("ANTIVIRUS_UNAVAILABLE", True)
    assert answer.payload.findtext(f".//{tag(SERVICE, 'Retryable')}") == "true"
    assert next(each["event"] for each in logs) == "antivirus gives no verdict"
    assert grown(before, row_counts(house)) == {}
    with scanned(house):
        assert house.esdh.send(message).fault_code is None


def test_a_letter_without_attachments_needs_no_antivirus(house: TestInstallation) -> None:
    house.installation = replace(house.installation, antivirus=Clamd("tcp://127.0.0.1:1", 1))
    assert send(house).fault_code is None


def test_a_letter_that_is_repeated_is_not_scanned_again(house: TestInstallation) -> None:
    letter = sending(paper(house.clock(), listing(("a.txt", "text/plain", CLEAN))), attachments=[CLEAN])
    with scanned(house) as fake:
        accepted(house.esdh, letter)
        assert accepted(house.esdh, letter).text("Repeated") == "true"
    assert fake.streams == [CLEAN]


def test_readiness_tells_of_an_antivirus_that_is_away(house: TestInstallation) -> None:
    ask = HttpRequest("GET", "/health/ready", "", {}, b"")
    with scanned(house):
        assert json.loads(Readiness(house.installation).ready(ask).body)["antivirus"] is True
    house.installation = replace(house.installation, antivirus=Clamd("tcp://127.0.0.1:1", 1))
    answer = Readiness(house.installation).ready(ask)
    assert (answer.status, json.loads(answer.body)["antivirus"]) == (503, False)


def test_who_finds_no_room_to_scan_is_told_soon_and_others_go_on(house: TestInstallation) -> None:
    with scanned(house, seconds=20) as fake, ThreadPoolExecutor(1) as pool:
        fake.silent.set()
        first = pool.submit(send, house, CLEAN)
        while not fake.streams:
            threading.Event().wait(0.001)
        before = row_counts(house)
        answer = send(house, CLEAN)
        assert (answer.fault_code, answer.is_signed) == ("ANTIVIRUS_UNAVAILABLE", True)
        assert "as many scans as may be" in english(answer)
        assert grown(before, row_counts(house)) == {}
        assert send(house).fault_code is None
        assert not first.done()
        fake.silent.clear()
        fake.ended.set()
        first.result()
    with scanned(house):
        assert send(house, CLEAN).fault_code is None


def test_who_waits_to_compute_again_leaves_its_room_to_others(house: TestInstallation) -> None:
    turns = Turns()
    with scanned(house) as fake, ThreadPoolExecutor(1) as pool:  # which takes one at a time
        house.installation = replace(house.installation, aside=turns.aside)

        def look(content: bytes) -> None:
            with turns.one():
                require_clean(house.installation, [AttachmentContent(1, content)])

        fake.seconds = 60
        first = pool.submit(look, CLEAN)
        while not fake.streams:
            threading.Event().wait(0.001)
        with turns.one():
            fake.ended.set()
            while not turns.waiting:
                threading.Event().wait(0.001)
            require_clean(house.installation, [AttachmentContent(1, b"Plan")])
        first.result()
    assert fake.streams == [CLEAN, b"Plan"]


def test_all_attachments_of_a_document_have_one_time_together(house: TestInstallation) -> None:
    with scanned(house, seconds=1) as fake:
        fake.seconds = 0.4
        began = time.monotonic()
        assert (
            send(house, *[b"Skema %d" % number for number in range(8)]).fault_code == "ANTIVIRUS_UNAVAILABLE"
        )
        assert time.monotonic() - began < 3
    assert 1 < len(fake.streams) < 5

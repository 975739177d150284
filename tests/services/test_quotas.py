"""A system that asks or sends too much is told to wait; others are not, and in a day nothing but sending is refused."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from lxml import etree

from gateway.domain.calendar import COPENHAGEN
from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError, UnavailableError
from gateway.domain.identifiers import Uuid4
from gateway.domain.quota import USUAL, USUALLY, QuotaChange, Usage
from gateway.services import quotas
from gateway.services.request_rate import BUCKETS_KEPT, RequestRate
from gateway.xmlcore.namespaces import SERVICE, tag
from tests.installation import INSTITUTION, MUNICIPALITY, Answered, TestInstallation
from tests.services.papers import (
    accepted,
    confirm,
    deliver_letter,
    grown,
    listing,
    paper,
    read,
    request,
    retrieve,
    row_counts,
    sending,
)

AT = datetime(2026, 3, 2, 12, tzinfo=COPENHAGEN)


def told(answer: Answered, name: str) -> str | None:
    return answer.payload.findtext(f".//{tag(SERVICE, name)}")


def letter(house: TestInstallation) -> etree._Element:
    return sending(paper(house.clock()))


def limited(house: TestInstallation, **limits: int) -> None:
    """Let every system have a smaller quota."""
    house.installation = replace(house.installation, quota=replace(USUAL, **limits))


# --- the rate ----------------------------------------------------------------------------------------------------


def test_a_certificate_that_brings_too_many_requests_is_told_how_long_to_wait(
    house: TestInstallation,
) -> None:
    limited(house, requests_per_minute=3)
    for _ in range(3):
        accepted(house.esdh, request("Ping", None))
    message = house.esdh.message(request("Ping", None))
    before = row_counts(house)
    answer = house.esdh.send(message)
    assert (answer.fault_code, answer.is_signed, told(answer, "Retryable")) == ("RATE_LIMITED", True, "true")
    assert told(answer, "RetryAfterSeconds") == "20"
    assert grown(before, row_counts(house)) == {}
    accepted(house.sis, request("ListInbox", INSTITUTION))  # others are not kept waiting
    house.clock.forward(seconds=20)
    assert house.esdh.send(message).fault_code is None  # it was not taken, so it is no replay


def test_nobody_can_use_up_the_rate_of_another(house: TestInstallation) -> None:
    limited(house, requests_per_minute=1)
    message = house.esdh.message(request("Ping", None))
    for _ in range(5):
        assert house.esdh.send(message.replace(b"Ping", b"Pong")).fault_code != "RATE_LIMITED"
    assert house.esdh.send(message).fault_code is None


def test_a_bucket_fills_evenly_and_never_beyond_a_minute() -> None:
    rate, at = RequestRate(), AT

    def allowed(at: datetime) -> int:
        for count in range(1000):
            with suppress(UnavailableError):
                rate.take("a", at, lambda: 60)
                continue
            return count
        return 1000

    assert allowed(at) == 60
    assert allowed(at + timedelta(seconds=10)) == 10
    assert allowed(at + timedelta(days=1)) == 60
    assert (
        allowed(at - timedelta(days=1)) == 0
    )  # a clock that is set back gives nothing, and takes nothing for ever
    assert allowed(at - timedelta(days=1) + timedelta(seconds=5)) == 5


def test_the_memory_of_rates_has_an_end() -> None:
    rate = RequestRate()
    for number in range(BUCKETS_KEPT + 100):
        rate.take(str(number), AT, lambda: 1)
    with pytest.raises(UnavailableError):
        rate.take(str(BUCKETS_KEPT), AT, lambda: 1)
    assert len(rate._buckets) == BUCKETS_KEPT


# --- the day -----------------------------------------------------------------------------------------------------


def test_a_system_that_has_sent_its_documents_of_the_day_sends_again_the_next(
    house: TestInstallation,
) -> None:
    limited(house, documents_per_day=2)
    accepted(house.esdh, letter(house))
    accepted(house.esdh, letter(house))
    message = house.esdh.message(letter(house))
    before = row_counts(house)
    answer = house.esdh.send(message)
    assert (answer.fault_code, answer.is_signed, told(answer, "Retryable")) == (
        "QUOTA_EXCEEDED",
        True,
        "true",
    )
    assert grown(before, row_counts(house)) == {}
    wait = int(told(answer, "RetryAfterSeconds") or 0)
    local = (house.clock() + timedelta(seconds=wait)).astimezone(COPENHAGEN)
    assert (local.hour, local.minute, wait <= 25 * 3600) == (0, 0, True)
    house.clock.forward(seconds=wait)
    house.renew_lists()
    accepted(house.esdh, letter(house))


def test_the_quota_counts_octets_of_envelope_and_attachments(house: TestInstallation) -> None:
    limited(house, megabytes_per_day=1)
    accepted(house.esdh, letter(house))
    usage = used(house)
    assert usage.documents == 1
    assert usage.octets > len(etree.tostring(letter(house)))
    content = b"A" * (1024 * 1024)
    large = paper(house.clock(), listing(("a.txt", "text/plain", content)))
    answer = house.esdh.call(sending(large, attachments=[content]))
    assert answer.fault_code == "QUOTA_EXCEEDED"
    assert "1 megabytes" in (told(answer, "English") or "")
    assert "1 megabyte" in (told(answer, "Danish") or "")


def used(house: TestInstallation, system: str = "eksempelby-esdh") -> Usage:
    return quotas.quota_of(house.installation, house.systems[system].id)[1]


def test_an_exhausted_quota_refuses_nothing_but_sending(house: TestInstallation) -> None:
    document_id = deliver_letter(house)
    limited(house, documents_per_day=1)
    assert house.esdh.call(letter(house)).fault_code == "QUOTA_EXCEEDED"
    for each in (
        request("GetStatus", MUNICIPALITY, DocumentId=document_id),
        request("GetEvidence", MUNICIPALITY, DocumentId=document_id),
        request("ListEvents", MUNICIPALITY),
    ):
        accepted(house.esdh, each)
    octets = retrieve(house, document_id)
    assert confirm(house.sis, document_id, octets).fault_code is None
    assert read(house.sis, document_id, house.clock()).fault_code is None
    withdrawn = request("WithdrawDocument", MUNICIPALITY, DocumentId=document_id, Reason="WRONG_SUBJECT")
    assert house.esdh.call(withdrawn).fault_code is None


def test_a_document_that_is_repeated_or_refused_counts_nothing(house: TestInstallation) -> None:
    limited(house, documents_per_day=1)
    first = letter(house)
    accepted(house.esdh, first)
    assert accepted(house.esdh, first).text("Repeated") == "true"
    assert house.esdh.call(sending(b"no XML")).fault_code != "QUOTA_EXCEEDED"
    assert used(house).documents == 1


def test_all_processes_count_together(house: TestInstallation) -> None:
    limited(house, documents_per_day=1)
    accepted(house.esdh, letter(house))
    other = house.reopened()
    limited(other, documents_per_day=1)
    assert other.esdh.call(letter(other)).fault_code == "QUOTA_EXCEEDED"


def test_the_count_of_a_day_goes_when_the_next_has_begun(house: TestInstallation) -> None:
    for _ in range(3):
        accepted(house.esdh, letter(house))
        house.clock.forward(days=1)
        house.renew_lists()
    accepted(house.esdh, letter(house))
    assert row_counts(house)["sent"] == 1


# --- other figures for one system ----------------------------------------------------------------------------------


def test_one_system_may_have_a_quota_of_its_own(house: TestInstallation) -> None:
    limited(house, documents_per_day=1, requests_per_minute=2)
    before = row_counts(house)
    change = QuotaChange(requests_per_minute=50, documents_per_day=3)
    quotas.set_quota(house.installation, house.systems["eksempelby-esdh"].id, change)
    assert grown(before, row_counts(house)) == {"system_quota": 1, "log_entry": 1}
    for _ in range(3):
        accepted(house.esdh, letter(house))
    assert house.esdh.call(letter(house)).fault_code == "QUOTA_EXCEEDED"
    quotas.set_quota(house.installation, house.systems["eksempelby-esdh"].id, QuotaChange(USUALLY, USUALLY))
    assert row_counts(house)["system_quota"] == 0
    house.clock.forward(minutes=2)
    assert house.esdh.call(letter(house)).fault_code == "QUOTA_EXCEEDED"


def test_only_what_is_named_is_changed(house: TestInstallation) -> None:
    limited(house, documents_per_day=1)
    system = house.systems["eksempelby-esdh"].id
    quotas.set_quota(house.installation, system, QuotaChange(requests_per_minute=50, documents_per_day=3))
    quotas.set_quota(house.installation, system, QuotaChange(requests_per_minute=10))
    allowed, _ = quotas.quota_of(house.installation, system)
    assert (allowed.requests_per_minute, allowed.documents_per_day) == (10, 3)
    quotas.set_quota(house.installation, system, QuotaChange(documents_per_day=USUALLY))
    allowed, _ = quotas.quota_of(house.installation, system)
    assert (allowed.requests_per_minute, allowed.documents_per_day) == (10, 1)


def test_a_changed_rate_counts_within_a_minute(house: TestInstallation) -> None:
    limited(house, requests_per_minute=1)
    accepted(house.esdh, request("Ping", None))
    assert house.esdh.call(request("Ping", None)).fault_code == "RATE_LIMITED"
    quotas.set_quota(
        house.installation, house.systems["eksempelby-esdh"].id, QuotaChange(requests_per_minute=600)
    )
    house.clock.forward(minutes=1)
    for _ in range(10):
        accepted(house.esdh, request("Ping", None))


def test_a_system_that_is_not_there_has_no_quota(house: TestInstallation) -> None:
    for act in (
        lambda: quotas.set_quota(house.installation, Uuid4.new(), QuotaChange(documents_per_day=1)),
        lambda: quotas.quota_of(house.installation, Uuid4.new()),
    ):
        with pytest.raises(InputError) as unknown:
            act()
        assert unknown.value.code is Code.NOT_FOUND

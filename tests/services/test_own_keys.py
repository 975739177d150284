"""The gateway signs nothing with a certificate of its own that has expired or was revoked, and tells so once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
import structlog
from lxml import etree

from gateway.crypto.certificates import Usage
from gateway.crypto.keys import SigningKey
from gateway.interfaces.http import HttpRequest
from gateway.services.own_keys import OwnKey
from gateway.xmlcore.namespaces import SERVICE, tag
from tests.installation import INSTITUTION, MUNICIPALITY, Answered, TestInstallation
from tests.pki import gateway_key
from tests.services.papers import (
    accepted,
    confirm,
    deliver_letter,
    grown,
    paper,
    request,
    retrieve,
    row_counts,
    send_letter,
    sending,
)

UNUSABLE = "OWN_CERTIFICATE_UNUSABLE"


def sealing_with(house: TestInstallation, key: SigningKey) -> TestInstallation:
    """The same installation with another seal."""
    seal = OwnKey("seal", key, Usage.SEAL, house.installation.trust)
    return replace(house, installation=replace(house.installation, seal_key=seal))


def expire(house: TestInstallation) -> TestInstallation:
    """An installation whose seal has just expired."""
    sealing = sealing_with(house, gateway_key(house.pki, days=2))
    house.clock.now = house.pki.at + timedelta(days=2, seconds=1)
    house.renew_lists()
    return sealing


def revoke(house: TestInstallation) -> TestInstallation:
    """An installation whose seal has just been revoked."""
    house.clock.forward(minutes=1)
    house.renew_lists("gateway-seal")
    return house


each_end = pytest.mark.parametrize(
    ("end", "why"), [(expire, "CERTIFICATE_TIME"), (revoke, "CERTIFICATE_REVOKED")]
)
End = Callable[[TestInstallation], TestInstallation]


def _retryable(answer: Answered) -> str | None:
    return answer.payload.findtext(f".//{tag(SERVICE, 'Retryable')}")


@each_end
def test_nothing_is_accepted_with_a_seal_that_does_not_hold(
    house: TestInstallation, end: End, why: str
) -> None:
    ended = end(house)
    message = ended.esdh.message(sending(paper(ended.clock())))
    before = row_counts(ended)
    answer = ended.esdh.send(message)
    assert (answer.fault_code, answer.is_signed, _retryable(answer)) == (UNUSABLE, True, "true")
    assert why in (answer.payload.findtext(f".//{tag(SERVICE, 'English')}") or "")
    assert grown(before, row_counts(ended)) == {}
    mended = sealing_with(ended, gateway_key(ended.pki, days=90))
    assert mended.esdh.send(message).fault_code is None  # it was not taken, so it is no replay


def test_a_seal_holds_until_the_end_of_its_certificate(house: TestInstallation) -> None:
    sealing = sealing_with(house, gateway_key(house.pki, days=2))
    house.clock.now = house.pki.at + timedelta(days=2)
    house.renew_lists()
    accepted(sealing.esdh, sending(paper(house.clock())))


@each_end
def test_what_needs_no_seal_goes_on_without_one(house: TestInstallation, end: End, why: str) -> None:
    document_id = deliver_letter(house)
    ended = end(house)
    octets = retrieve(ended, document_id)
    accepted(ended.esdh, request("ListEvents", MUNICIPALITY))
    assert confirm(ended.sis, document_id, octets).fault_code == UNUSABLE
    trouble = ended.installation.seal_key.trouble(ended.clock())
    assert trouble is not None
    assert trouble.name == why


def test_a_refusal_that_would_need_evidence_waits_for_the_seal(house: TestInstallation) -> None:
    revoke(house)
    before = row_counts(house)
    assert house.esdh.call(sending(b"no XML")).fault_code == UNUSABLE
    assert grown(before, row_counts(house)) == {}


@each_end
def test_the_worker_keeps_what_was_promised_until_there_is_a_seal_again(
    house: TestInstallation, end: End, why: str
) -> None:
    document_id = send_letter(house)
    ended = end(house)
    before = row_counts(ended)
    with structlog.testing.capture_logs() as logs:
        for _ in range(50):
            ended.worker.turn()
    told = [(each["event"], each["log_level"], each.get("which"), each.get("code")) for each in logs]
    assert told == [("own certificate unusable", "error", "seal", why)]
    assert {"outbox", "event", "evidence", "log_entry"}.isdisjoint(grown(before, row_counts(ended)))
    mended = sealing_with(ended, gateway_key(ended.pki, days=90))
    mended.work()
    assert accepted(mended.sis, request("ListInbox", INSTITUTION)).texts("Item/DocumentId") == [document_id]


def test_a_revoked_seal_does_not_come_back_when_the_lists_fall_silent(house: TestInstallation) -> None:
    revoke(house)
    seal = house.installation.seal_key
    assert seal.trouble(house.clock()) is not None
    house.clock.forward(days=8)
    assert seal.trouble(house.clock()) is not None


def test_a_good_seal_goes_on_while_the_lists_are_silent(house: TestInstallation) -> None:
    document_id = send_letter(house)
    house.clock.forward(days=8)
    house.work()
    house.renew_lists()
    assert accepted(house.sis, request("ListInbox", INSTITUTION)).texts("Item/DocumentId") == [document_id]


def test_each_change_of_a_certificate_is_told_once(house: TestInstallation) -> None:
    key = gateway_key(house.pki, days=2)
    seal = OwnKey("seal", key, Usage.SEAL, house.installation.trust)
    ended = house.pki.at + timedelta(days=2, seconds=1)
    with structlog.testing.capture_logs() as logs:
        for at in (house.clock(), house.clock(), ended, ended, house.clock(), house.clock()):
            seal.trouble(at)
    assert [each["event"] for each in logs] == ["own certificate unusable", "own certificate usable again"]


def test_nobody_is_answered_with_a_message_certificate_that_does_not_hold(house: TestInstallation) -> None:
    house.clock.forward(minutes=1)
    message = house.esdh.message(sending(paper(house.clock())))
    house.renew_lists("gateway-message")
    before = row_counts(house)
    with structlog.testing.capture_logs() as logs:
        answers = [house.esdh.send(message) for _ in range(2)]
    assert [(each.fault_code, each.is_signed, _retryable(each)) for each in answers] == [
        (UNUSABLE, False, "true")
    ] * 2
    assert [each["event"] for each in logs].count("own certificate unusable") == 1
    assert grown(before, row_counts(house)) == {}


def test_a_message_certificate_that_does_not_hold_stops_no_delivery(house: TestInstallation) -> None:
    send_letter(house)
    house.clock.forward(minutes=1)
    house.renew_lists("gateway-message")
    with structlog.testing.capture_logs() as logs:
        house.work()
    assert [(each["event"], each["which"]) for each in logs] == [("own certificate unusable", "message")]
    assert row_counts(house)["outbox"] == 0


def test_the_wsdl_is_served_whatever_the_certificates_are(house: TestInstallation) -> None:
    house.renew_lists("gateway-message", "gateway-seal")
    served = house.esdh.endpoint.serve(_wsdl())
    assert served.status == 200
    assert etree.fromstring(served.body) is not None


def _wsdl() -> HttpRequest:
    return HttpRequest("GET", "/municipality/1", "wsdl", {}, b"")

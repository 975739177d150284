"""Trust is judged at the time that counts; where it cannot be judged, nothing new is accepted, but all can be read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace

import pytest
import structlog
from lxml import etree

from gateway.crypto.certificates import Usage
from gateway.domain.mandate import Operation
from gateway.interfaces.health import Readiness
from gateway.interfaces.http import HttpRequest
from gateway.services.own_keys import OwnKey
from gateway.xmlcore.namespaces import SERVICE, tag
from tests.installation import INSTITUTION, MUNICIPALITY, Answered, TestInstallation
from tests.pki import gateway_key
from tests.services.papers import (
    SEALED_BY_SYSTEM,
    SEALS,
    accepted,
    b64,
    deliver_letter,
    grown,
    notice,
    paper,
    request,
    retrieve,
    row_counts,
    sealed,
    sending,
)

READING = frozenset(
    {
        Operation.GET_STATUS,
        Operation.GET_EVIDENCE,
        Operation.LIST_EVENTS,
        Operation.LIST_INBOX,
        Operation.RETRIEVE,
        Operation.FIND_PARTY,
        Operation.PING,
    }
)
"""What changes nothing but the list of what was answered."""


def _typed(house: TestInstallation) -> etree._Element:
    return sending(paper(house.clock()))


def _signed(house: TestInstallation) -> etree._Element:
    return sending(sealed(paper(house.clock(), SEALED_BY_SYSTEM), SEALS[MUNICIPALITY], house.clock()))


def _retryable(answer: Answered) -> str | None:
    return answer.payload.findtext(f".//{tag(SERVICE, 'Retryable')}")


@pytest.mark.parametrize("body", [_typed, _signed], ids=["typed", "signed"])
def test_nothing_new_is_accepted_while_the_revocation_list_is_too_old(
    house: TestInstallation, body: Callable[[TestInstallation], etree._Element]
) -> None:
    house.clock.forward(hours=23)
    assert house.esdh.call(body(house)).fault_code is None
    house.clock.forward(hours=2)
    message = house.esdh.message(body(house))
    before = row_counts(house)
    answer = house.esdh.send(message)
    assert (answer.fault_code, _retryable(answer)) == ("REVOCATION_UNKNOWN", "true")
    assert answer.is_signed
    assert grown(before, row_counts(house)) == {}
    house.renew_lists()
    assert house.esdh.send(message).fault_code is None  # it was not taken, so it is no replay


def _asked(house: TestInstallation, operation: Operation, document_id: str, octets: bytes) -> Answered:
    """The answer to an operation that would succeed on a delivered letter."""
    if operation is Operation.SEND_LETTER:
        return house.esdh.call(_typed(house))
    if operation is Operation.SEND_NOTICE:
        return house.sis.call(sending(notice(house.clock()), by=INSTITUTION))
    named = {"DocumentId": document_id}
    if operation is Operation.WITHDRAW_DOCUMENT:
        return house.esdh.call(request(operation.value, MUNICIPALITY, **named, Reason="OBSOLETE"))
    reading = {"ReaderRole": "TEACHER", "ReadAt": f"{house.clock():%Y-%m-%dT%H:%M:%SZ}"}
    texts = {
        Operation.CONFIRM_HANDOVER: {**named, "ContentDigest": b64(hashlib.sha256(octets).digest())},
        Operation.REGISTER_READ: {**named, **reading},
        Operation.GET_STATUS: named,
        Operation.GET_EVIDENCE: named,
        Operation.RETRIEVE: named,
        Operation.FIND_PARTY: {"Name": "Eksempelby"},
    }
    return house.sis.call(request(operation.value, INSTITUTION, **texts.get(operation, {})))


@pytest.mark.parametrize("operation", Operation, ids=lambda each: each.value)
def test_while_the_list_is_too_old_what_is_there_can_be_read_and_nothing_changes(
    house: TestInstallation, operation: Operation
) -> None:
    document_id = deliver_letter(house)
    octets = retrieve(house, document_id)
    house.clock.forward(hours=25)
    before = row_counts(house)
    answer = _asked(house, operation, document_id, octets)
    if operation in READING:
        assert answer.fault_code is None
        return
    assert (answer.fault_code, _retryable(answer)) == ("REVOCATION_UNKNOWN", "true")
    assert grown(before, row_counts(house)) == {}
    house.renew_lists()
    assert _asked(house, operation, document_id, octets).fault_code is None


def test_nothing_at_all_is_answered_after_a_week_without_a_list(house: TestInstallation) -> None:
    house.clock.forward(days=7, minutes=1)
    answer = house.esdh.send(house.esdh.message(request("Ping", None)))
    assert (answer.fault_code, answer.is_signed) == ("REVOCATION_UNKNOWN", False)


def test_readiness_tells_of_a_list_that_is_too_old(house: TestInstallation) -> None:
    ask, ready = HttpRequest("GET", "/health/ready", "", {}, b""), Readiness(house.installation)
    assert ready.ready(ask).status == 200
    house.clock.forward(hours=25)
    answer = ready.ready(ask)
    assert answer.status == 503
    assert b'"revocation_lists": false' in answer.body


def test_a_system_is_refused_from_the_moment_its_certificate_is_revoked(house: TestInstallation) -> None:
    accepted(house.esdh, request("Ping", None))
    house.clock.forward(minutes=10)
    house.renew_lists("eksempelby-esdh")
    before = row_counts(house)
    with structlog.testing.capture_logs() as logs:
        answer = house.esdh.call(request("Ping", None))
    assert (answer.fault_code, answer.is_signed) == ("MESSAGE_NOT_TRUSTED", False)
    assert [each["code"] for each in logs] == ["CERTIFICATE_REVOKED"]
    assert grown(before, row_counts(house)) == {}


def test_a_party_whose_seal_is_revoked_sends_nothing_more_with_it(house: TestInstallation) -> None:
    house.clock.forward(minutes=10)
    house.renew_lists("eksempelby-kommune")
    typed = house.esdh.call(_typed(house))
    assert typed.fault_code == "SEAL_UNUSABLE"  # ours to mend: so it is told
    assert "CERTIFICATE_REVOKED" in (typed.payload.findtext(f".//{tag(SERVICE, 'English')}") or "")
    assert house.esdh.call(_signed(house)).fault_code == "MESSAGE_NOT_TRUSTED"


def test_a_letter_stays_readable_after_its_seal_was_revoked(house: TestInstallation) -> None:
    document_id = deliver_letter(house)
    house.clock.forward(minutes=10)
    house.renew_lists("eksempelby-kommune")
    assert retrieve(house, document_id)


def test_the_certificates_and_lists_of_the_time_are_kept_with_the_letter(house: TestInstallation) -> None:
    accepted(house.esdh, _typed(house))
    with house.installation.database.read() as connection:
        rows = connection.exec_driver_sql("SELECT octets FROM validation_material").all()
    kept = {octets for (octets,) in rows}
    assert {house.pki.lists["root"], house.pki.lists["issuing"]} <= kept
    assert house.pki.certificate("eksempelby-kommune").der in kept
    assert house.pki.certificate("issuing").der in kept


def test_a_system_whose_certificate_expired_is_refused(house: TestInstallation) -> None:
    house.clock.forward(days=1096)
    house.renew_lists()
    answering = OwnKey("message", gateway_key(house.pki, 3), Usage.MESSAGE, house.installation.trust)
    house.installation = replace(house.installation, message_key=answering)
    with structlog.testing.capture_logs() as logs:
        http = house.esdh.endpoint.serve(
            HttpRequest(
                "POST",
                "/municipality/1",
                "",
                {"content-type": house.esdh.version.content_type},
                house.esdh.message(request("ListInbox", INSTITUTION)),
            )
        )
    assert http.status == 500
    assert b"MESSAGE_NOT_TRUSTED" in http.body
    assert [each["code"] for each in logs] == ["CERTIFICATE_TIME"]

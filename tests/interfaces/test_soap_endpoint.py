"""Whatever happens in a service, its caller gets one whole answer, signed if we know who asks, and no word of ours."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import pytest
import structlog
from lxml import etree

from gateway.interfaces.http import HttpRequest
from gateway.protocol import soap, wss
from gateway.protocol.soap import SoapVersion
from gateway.services.installation import Installation
from gateway.xmlcore.namespaces import SERVICE, WSA, tag
from tests.installation import MUNICIPALITY, Answered, Caller, TestInstallation, open_test_installation
from tests.messages import addressing
from tests.services.papers import PERSONAL, grown, paper, request, row_counts, send_letter, sending


@pytest.fixture
def house(tmp_path: Path) -> Generator[TestInstallation]:
    """An installation with two parties and their systems."""
    opened = open_test_installation(tmp_path)
    yield opened
    opened.close()


def _broken(house: TestInstallation, **parts: None) -> Caller:
    """The municipality's system at a gateway of which a part is missing: a defect of ours."""
    installation: Installation = replace(house.installation, **parts)  # type: ignore[arg-type]  # the defect
    return replace(house.esdh, endpoint=replace(house.esdh.endpoint, installation=installation))


def test_an_error_of_ours_is_answered_signed_and_leaves_nothing(house: TestInstallation) -> None:
    before = row_counts(house)
    with structlog.testing.capture_logs() as logs:
        answer = _broken(house, knowledge=None).call(sending(paper(house.clock())))
    assert (answer.fault_code, answer.is_signed, answer.http.status) == ("INTERNAL", True, 500)
    assert row_counts(house) == before
    (unexpected,) = (each for each in logs if each["event"] == "unexpected")
    assert unexpected["kind"] == "AttributeError"
    assert unexpected["place"].partition(":")[0].endswith(".py")
    assert unexpected["correlation"] == answer.payload.findtext(f".//{tag(SERVICE, 'CorrelationId')}")
    told = answer.http.body.decode() + repr(logs)
    assert [secret for secret in (*PERSONAL, "NoneType") if secret in told] == []


def test_the_same_message_may_be_sent_again_after_an_error_of_ours(house: TestInstallation) -> None:
    message = house.esdh.message(sending(paper(house.clock())))
    assert _broken(house, knowledge=None).send(message).fault_code == "INTERNAL"
    assert house.esdh.send(message).fault_code is None


def test_an_error_while_a_refusal_is_recorded_is_answered_signed(house: TestInstallation) -> None:
    answer = _broken(house, seal_key=None).call(sending(b"no XML"))
    assert (answer.fault_code, answer.is_signed) == ("INTERNAL", True)


@pytest.mark.parametrize("part", ["trust", "clock"])
def test_an_error_before_the_message_is_verified_is_answered_unsigned(
    house: TestInstallation, part: str
) -> None:
    answer = _broken(house, **{part: None}).call(request("Ping", None))
    assert (answer.fault_code, answer.is_signed, answer.http.status) == ("INTERNAL", False, 500)


@pytest.mark.parametrize("version", SoapVersion)
def test_answers_and_faults_are_in_the_version_that_was_asked(
    house: TestInstallation, version: SoapVersion
) -> None:
    system = replace(house.esdh, version=version)
    for body in (request("Ping", None), request("ListInbox", MUNICIPALITY, Cursor="AAAA")):
        answer = system.call(body)
        assert answer.http.content_type == version.content_type
        assert etree.fromstring(answer.http.body).tag == version.tag("Envelope")
    unsigned = system.send(etree.tostring(soap.envelope(version, request("Ping", None))))
    assert unsigned.http.content_type == version.content_type
    assert not unsigned.is_signed


def test_an_answer_relates_to_the_message_that_was_asked_with(house: TestInstallation) -> None:
    def headers(body: etree._Element) -> dict[str, str]:
        named = addressing(
            MessageID="urn:uuid:8b1f2a52-6c1e-4c39-9a0b-0d9f6f5a7c11", To=house.esdh.endpoint.address
        )
        octets = wss.secure(soap.envelope(SoapVersion.SOAP_11, body, named), house.esdh.key, house.clock())
        root = etree.fromstring(house.esdh.send(octets).http.body)
        return {etree.QName(each).localname: each.text or "" for each in root.iter(f"{{{WSA}}}*")}

    answered = headers(request("Ping", None))
    assert answered["RelatesTo"] == "urn:uuid:8b1f2a52-6c1e-4c39-9a0b-0d9f6f5a7c11"
    assert answered["Action"] == f"{SERVICE}/PingResponse"
    assert answered["MessageID"].startswith("urn:uuid:")
    assert headers(request("Ping", None))["Action"] == f"{SERVICE}/Ping/Fault"  # the same MessageID again


def _addressed(house: TestInstallation, to: str, body: etree._Element | None = None) -> Answered:
    """The answer to a message of the municipality's system that is addressed to this address."""
    body = request("Ping", None, Echo="Hej") if body is None else body
    named = soap.envelope(SoapVersion.SOAP_11, body, addressing(To=to))
    return house.esdh.send(wss.secure(named, house.esdh.key, house.clock()))


@pytest.mark.parametrize(
    "to",
    [
        "https://localhost:8443/municipality/1",
        "HTTPS://LocalHost:8443/municipality/1",
        " https://localhost:8443/municipality/1\n",
        f"{WSA}/anonymous",
    ],
)
def test_a_message_addressed_to_this_service_is_answered(house: TestInstallation, to: str) -> None:
    assert _addressed(house, to).text("Echo") == "Hej"


@pytest.mark.parametrize(
    "to",
    [
        "https://other.example:8443/municipality/1",
        "https://localhost:8443/institution/1",
        "https://localhost/municipality/1",
        "",
    ],
    ids=["another installation", "the other service", "another port", "nobody"],
)
def test_a_message_signed_for_another_service_does_nothing_here(house: TestInstallation, to: str) -> None:
    before = row_counts(house)
    answer = _addressed(house, to, sending(paper(house.clock())))
    assert (answer.fault_code, answer.is_signed) == ("ADDRESSING_OTHER_SERVICE", True)
    assert grown(before, row_counts(house)) == {"refusal": 1, "replay": 1, "log_entry": 1, "opening": 1}


def test_no_answer_carries_addressing_that_was_not_asked_for(house: TestInstallation) -> None:
    assert WSA.encode() not in house.esdh.call(request("Ping", None)).http.body


def test_a_message_without_content_type_is_refused(house: TestInstallation) -> None:
    answer = house.esdh.endpoint.serve(HttpRequest("POST", "/municipality/1", "", {}, b"<a/>"))
    assert answer.status == 415


def test_every_answer_has_its_own_correlation(house: TestInstallation) -> None:
    found = {house.esdh.call(request("Ping", None)).text("Answer/CorrelationId") for _ in range(3)}
    assert len(found) == 3


def test_a_development_installation_says_so_in_every_answer_and_fault(house: TestInstallation) -> None:
    send_letter(house)
    answered = house.esdh.call(request("Ping", None))
    fault = house.esdh.call(request("ListInbox", MUNICIPALITY, Cursor="AAAA"))
    for answer in (answered, fault):
        assert answer.payload.findtext(f".//{tag(SERVICE, 'Environment')}") == "DEVELOPMENT"

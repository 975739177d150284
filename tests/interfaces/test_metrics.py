"""Metrics count and measure, name nobody, and are shown to the programs that settings name alone."""

from __future__ import annotations

import os
import re
from collections.abc import Generator
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest
import structlog
from lxml import etree

from gateway.domain.alerts import Alert, judge
from gateway.domain.catalogue import Code
from gateway.domain.gauges import Gauge, Reading
from gateway.domain.mandate import Operation
from gateway.domain.operations import Service
from gateway.interfaces.http import HttpRequest
from gateway.interfaces.metrics import Metrics, MetricsPage
from gateway.interfaces.worker import Worker
from gateway.protocol import soap, wss
from gateway.protocol.soap import SoapVersion
from tests.installation import MUNICIPALITY, TestInstallation, now, open_test_installation
from tests.interfaces.site import MUNICIPALITY as ADDRESS
from tests.interfaces.site import Site, serving
from tests.interfaces.test_https import SOAP_11
from tests.pki import development_pki, signing_key
from tests.services.papers import PERSONAL, notice, paper, request, send_letter, sending

LOOPBACK = 'metrics_readers = ["127.0.0.1", "::1"]'
_SAMPLE = re.compile(r"(?P<name>bropost_[a-z_]+)(?:\{(?P<labels>[^}]*)\})? (?P<value>[0-9.e+-]+|[+-]Inf)")
_LABEL = re.compile(r'([a-z]+)="([^"]*)"')


def samples(exposition: bytes) -> dict[tuple[str, ...], float]:
    """Each sample by its name and its labels' values, in the order of their names."""
    found = {}
    for line in exposition.decode().splitlines():
        if not line.startswith("#"):
            sample = _SAMPLE.fullmatch(line)
            assert sample is not None, line
            labels = sorted(_LABEL.findall(sample["labels"] or ""))
            found[sample["name"], *(value for _, value in labels)] = float(sample["value"])
    return found


# --- over HTTPS ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Generator[Site]:
    """A server that shows its metrics on this machine."""
    with serving(tmp_path_factory.mktemp("site") / "gateway", LOOPBACK) as served:
        yield served


def _metrics(site: Site) -> bytes:
    answer, body = site.ask("GET", "/metrics")
    assert answer.status == 200
    assert answer.getheader("Content-Type") == "text/plain; version=0.0.4; charset=utf-8"
    return body


def _letter() -> etree._Element:
    return soap.envelope(SoapVersion.SOAP_11, sending(paper(now())))


def _signed() -> bytes:
    return wss.secure(_letter(), signing_key("eksempelby-esdh"), now())


def _unsigned() -> bytes:
    return etree.tostring(_letter())


def _forged() -> bytes:
    return _signed().replace("Prøvesen".encode(), b"Eksempel")


@pytest.mark.parametrize(
    ("message", "code"), [(_unsigned, "SECURITY_MISSING"), (_forged, "SIGNATURE_DIGEST")], ids=lambda each: ""
)
def test_a_message_that_nobody_vouches_for_moves_its_counter_and_leaves_nothing_of_itself(
    site: Site, message: object, code: str
) -> None:
    assert callable(message)
    name = ("bropost_refused_unverified_total", code, "municipality")
    before = samples(_metrics(site)).get(name, 0)
    answer, _ = site.ask("POST", ADDRESS, message(), SOAP_11)
    assert answer.status == 500
    exposition = _metrics(site)
    assert samples(exposition)[name] == before + 1
    assert ("bropost_refused_total", code, "municipality") not in samples(exposition)
    told = exposition.decode()
    assert [secret for secret in (*PERSONAL, "11111111", "Eksempelby", "mette") if secret in told] == []


def test_what_is_refused_before_it_is_read_is_counted_at_its_service(site: Site) -> None:
    name = ("bropost_refused_unverified_total", "HTTP_CONTENT_ENCODING", "institution")
    answer, _ = site.ask("POST", "/institution/1", b"x", SOAP_11 | {"Content-Encoding": "gzip"})
    assert answer.status == 415
    assert samples(_metrics(site))[name] == 1


def test_a_forwarding_header_makes_nobody_a_reader(tmp_path: Path) -> None:
    with serving(tmp_path / "gateway", 'metrics_readers = ["192.0.2.1"]') as site:
        for headers in ({}, {"X-Forwarded-For": "192.0.2.1"}, {"Forwarded": "for=192.0.2.1"}):
            answer, body = site.ask("GET", "/metrics", None, headers)
            nowhere, nothing = site.ask("GET", "/nowhere")
            assert (answer.status, body) == (nowhere.status, nothing) == (404, b"Not Found.\n")
            assert answer.getheader("Content-Type") == nowhere.getheader("Content-Type")


def test_everything_that_is_measured_is_shown_with_its_words(site: Site) -> None:
    exposition = _metrics(site)
    shown = {name for name, *_ in samples(exposition)}
    depends = {
        Gauge.CLOCK_SYNCHRONISED,
        Gauge.ANTIVIRUS_UP,
        Gauge.REVOCATION_FETCH_FAILURES,
    }  # on where it runs
    assert {each.value.name for each in set(Gauge) - depends} <= shown
    for gauge in Gauge:
        if gauge.value.name in shown:
            assert f"# HELP {gauge.value.name} {gauge.value.help}\n" in exposition.decode()
            assert f"# TYPE {gauge.value.name} gauge\n" in exposition.decode()


def test_a_gateway_that_just_began_raises_no_alarm(site: Site) -> None:
    every = samples(_metrics(site))
    found = [
        Reading(gauge, value, name[1] if len(name) > 1 else "")
        for gauge in Gauge
        for name, value in every.items()
        if name[0] == gauge.value.name
    ]
    sounding = {each.alert for each in judge(found) if each.sounds}
    assert sounding <= {Alert.CLOCK_UNSYNCHRONISED}  # where the tests run, a time service may be missing


def test_what_tells_readings_apart_is_a_closed_list_or_an_authority(site: Site) -> None:
    every = samples(_metrics(site))
    closed = {"tls", "seal", "message", "party_seal", "blobs", "database"}
    authorities = {development_pki().certificate(name).fingerprint[:16] for name in ("root", "issuing")}
    labels = {
        value for name, *values in every for value in values if name in {each.value.name for each in Gauge}
    }
    assert labels <= closed | authorities
    assert authorities <= labels


def test_who_may_not_read_lets_nothing_be_measured() -> None:
    measured: list[Reading] = []

    def measure() -> list[Reading]:
        measured.append(Reading(Gauge.STORE_UP, 1))
        return measured

    metrics = Metrics()
    metrics.watch(measure)
    page = MetricsPage(metrics, [ip_network("192.0.2.1")])
    assert page.serve(replace(HttpRequest("GET", "/metrics", "", {}, b""), peer="192.0.2.2")).status == 404
    assert measured == []
    shown = page.serve(replace(HttpRequest("GET", "/metrics", "", {}, b""), peer="192.0.2.1"))
    assert samples(shown.body)[("bropost_store_up",)] == 1


# --- the worker ----------------------------------------------------------------------------------------


def test_a_duty_of_the_worker_that_fails_is_counted_and_told_where(house: TestInstallation) -> None:
    worker = Worker(house.installation, 1, 60, 1, metrics=house.metrics)
    assert samples(house.metrics.exposition())["bropost_worker_failed_total", "checkpoint"] == 0
    send_letter(house)
    while worker.turn():
        pass
    house.clock.forward(hours=1)
    with house.installation.database.alone() as connection:
        connection.exec_driver_sql("UPDATE log SET frontier = x'00', checkpoint_size = 0")
    with structlog.testing.capture_logs() as logs:
        worker.turn()
    failed = {name[1]: value for name, value in _counted(house).items() if "worker" in name[0]}
    assert failed == {"checkpoint": 1}
    (line,) = logs
    assert (line["event"], line["duty"], line["kind"]) == ("worker failed", "checkpoint", "ValueError")
    assert line["place"].startswith("merkle.py:")


def test_a_worker_tells_how_long_ago_it_ended_a_turn(house: TestInstallation) -> None:
    (before,) = house.worker.readings()
    assert (before.gauge, before.value < 60) == (Gauge.WORKER_IDLE_SECONDS, True)
    worker = house.worker
    worker._turned_at -= 1000
    assert next(worker.readings()).value >= 1000
    worker.turn()
    assert next(worker.readings()).value < 60


def test_a_clock_that_was_put_back_does_not_keep_the_worker_from_tidying(house: TestInstallation) -> None:
    worker, orphan = house.worker, house.folder / "blobs" / "unfinished-0123456789abcdef"
    house.clock.forward(days=365)
    worker.turn()
    house.clock.forward(days=-365)
    orphan.write_bytes(b"half a letter")
    os.utime(orphan, (0, 0))
    worker.turn()
    assert not orphan.exists()


# --- what is counted -----------------------------------------------------------------------------------


@pytest.fixture
def house(tmp_path: Path) -> Generator[TestInstallation]:
    """An installation with two parties and their systems."""
    opened = open_test_installation(tmp_path)
    yield opened
    opened.close()


def _counted(house: TestInstallation) -> dict[tuple[str, ...], float]:
    """What was counted, without times of creation and of requests, and without what only might be."""
    every = samples(house.metrics.exposition())
    return {name: value for name, value in every.items() if name[0].endswith("_total") and value}


def test_answers_are_counted_by_service_and_operation(house: TestInstallation) -> None:
    house.esdh.call(sending(paper(house.clock())))
    house.esdh.call(request("ListEvents", MUNICIPALITY))
    house.esdh.call(request("ListEvents", MUNICIPALITY))
    house.sis.call(request("Ping", None))
    assert _counted(house) == {
        ("bropost_answered_total", "SendLetter", "municipality"): 1,
        ("bropost_answered_total", "ListEvents", "municipality"): 2,
        ("bropost_answered_total", "Ping", "institution"): 1,
    }


def test_signed_refusals_are_counted_by_the_code_that_is_true(house: TestInstallation) -> None:
    message = house.esdh.message(request("Ping", None))
    house.esdh.send(message)
    house.esdh.send(message)
    house.esdh.call(sending(notice(house.clock())))
    house.esdh.call(etree.Element("Alma740305-5092"))
    assert _counted(house) == {
        ("bropost_answered_total", "Ping", "municipality"): 1,
        ("bropost_refused_total", "MESSAGE_REPLAYED", "municipality"): 1,
        ("bropost_refused_total", "KIND_NOT_ACCEPTED", "municipality"): 1,
        ("bropost_refused_total", "OPERATION_UNKNOWN", "municipality"): 1,
    }


def test_every_request_is_timed_and_the_wsdl_is_none(house: TestInstallation) -> None:
    house.esdh.call(request("Ping", None))
    house.esdh.send(b"no XML")
    house.esdh.endpoint.serve(HttpRequest("GET", ADDRESS, "wsdl", {}, b""))
    every = samples(house.metrics.exposition())
    assert every["bropost_request_seconds_count", "municipality"] == 2
    assert every["bropost_request_seconds_bucket", "+Inf", "municipality"] == 2
    assert 0 < every["bropost_request_seconds_sum", "municipality"] < 60


def test_every_label_is_from_a_closed_list(house: TestInstallation) -> None:
    closed = {each.value for each in (*Service, *Operation)} | {each.name for each in Code}
    for body in (
        request("Ping", None),
        etree.Element("Alma"),
        sending(b"Alma"),
        request("ListInbox", MUNICIPALITY),
    ):
        house.esdh.call(body)
        house.esdh.send(etree.tostring(soap.envelope(SoapVersion.SOAP_11, body)))
    labels = {value for name in _counted(house) for value in name[1:]}
    assert len(labels) > 4
    assert labels <= closed


def test_two_installations_count_apart() -> None:
    first, second = Metrics(), Metrics()
    first.answered(Service.MUNICIPALITY, Operation.PING)
    assert ("bropost_answered_total", "Ping", "municipality") in samples(first.exposition())
    assert ("bropost_answered_total", "Ping", "municipality") not in samples(second.exposition())


# --- who may read --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("readers", "peer", "status"),
    [
        ((), "127.0.0.1", 404),
        (("127.0.0.0/8",), "127.0.0.1", 200),
        (("127.0.0.0/8",), "::ffff:127.0.0.1", 200),
        (("127.0.0.0/8",), "::1", 404),
        (("::1",), "::1", 200),
        (("192.0.2.0/28",), "192.0.2.15", 200),
        (("192.0.2.0/28",), "192.0.2.16", 404),
        (("0.0.0.0/0", "::/0"), "", 404),
        (("0.0.0.0/0", "::/0"), "localhost", 404),
    ],
)
def test_only_named_addresses_may_read(readers: tuple[str, ...], peer: str, status: int) -> None:
    page = MetricsPage(Metrics(), [ip_network(each) for each in readers])
    ask = replace(HttpRequest("GET", "/metrics", "", {}, b""), peer=peer)
    assert page.serve(ask).status == status

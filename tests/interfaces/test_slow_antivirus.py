"""A served gateway whose antivirus is slow goes on answering everybody else, and tells how it is."""

from __future__ import annotations

import http.client
import json
import ssl
import threading
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from lxml import etree

from demo.server import Server, free_port
from gateway.app import SERVICE_PATHS
from gateway.domain.operations import Service
from gateway.protocol import soap, wss
from gateway.protocol.soap import SoapVersion
from gateway.xmlcore.namespaces import SERVICE, tag
from gateway.xmlcore.parse import parse
from tests.clamd import FakeClamd, clamd
from tests.development import change_settings, make_installation
from tests.end_to_end.test_two_servers import register, served
from tests.installation import INSTITUTION, now
from tests.pki import development_pki, signing_key
from tests.services.papers import listing, paper, request, sending

CONTENT = b"Skema"
LETTERS = 6  # more than the four threads of the settings
BURST = 8  # twice as many as these threads
SOON = 5.0  # seconds; the antivirus would hold a request for ten


@dataclass(frozen=True)
class Gateway:
    """A gateway that serves, and its antivirus."""

    server: Server
    antivirus: FakeClamd

    def ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        """The status and body of an answer over HTTPS."""
        pem = development_pki().certificate("root").pem + development_pki().certificate("issuing").pem
        tls = ssl.create_default_context(cadata=pem.decode())
        connection = http.client.HTTPSConnection("localhost", self.server.port, timeout=30, context=tls)
        try:
            connection.request(method, path, body, {"Content-Type": SoapVersion.SOAP_11.content_type})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def call(self, system: str, service: Service, body: etree._Element) -> str | None:
        """The code of the fault that a signed request gets, or None for an answer."""
        message = wss.secure(soap.envelope(SoapVersion.SOAP_11, body), signing_key(system), now())
        octets = self.ask("POST", SERVICE_PATHS[service], message)[1]
        return parse(octets).findtext(f".//{tag(SERVICE, 'BropostFault')}/{tag(SERVICE, 'Code')}")

    def letter(self) -> str | None:
        """Send a letter with an attachment."""
        letter = paper(now(), listing(("skema.txt", "text/plain", CONTENT)))
        return self.call("eksempelby-esdh", Service.MUNICIPALITY, sending(letter, attachments=[CONTENT]))

    def inbox(self) -> str | None:
        """Ask for a school's inbox."""
        return self.call("proeveby-sis", Service.INSTITUTION, request("ListInbox", INSTITUTION))


@pytest.fixture
def gateway(tmp_path: Path) -> Generator[Gateway]:
    """With an antivirus that answers until it is told to be silent."""
    port = free_port()
    settings = make_installation(tmp_path / "gateway", port)
    with clamd() as fake:
        change_settings(settings, "antivirus", f'address = "{fake.address}"', "seconds = 60")
        register(settings)
        with served(settings, port) as server:
            yield Gateway(server, fake)


def test_others_are_answered_while_letters_wait_for_the_antivirus(gateway: Gateway) -> None:
    assert gateway.letter() is None
    gateway.antivirus.silent.set()
    gateway.antivirus.streams.clear()
    began = time.monotonic()
    with ThreadPoolExecutor(LETTERS) as pool:
        letters = [pool.submit(gateway.letter) for _ in range(LETTERS)]
        while len(gateway.antivirus.streams) < 2:
            threading.Event().wait(0.01)
        assert gateway.inbox() is None  # though the other threads wait for a moment too
        while sum(each.done() for each in letters) < LETTERS - 2:
            threading.Event().wait(0.01)
        assert gateway.inbox() is None
        assert gateway.ask("GET", "/health/live")[0] == 200
        assert time.monotonic() - began < SOON
        waiting = [each for each in letters if not each.done()]
        assert len(waiting) == 2  # half the threads
        assert {each.result() for each in letters if each not in waiting} == {"ANTIVIRUS_UNAVAILABLE"}
        gateway.antivirus.ended.set()


def test_a_burst_of_letters_is_accepted_by_an_antivirus_that_takes_its_usual_time(gateway: Gateway) -> None:
    gateway.antivirus.seconds = 0.02
    with ThreadPoolExecutor(BURST) as pool:
        letters = [pool.submit(gateway.letter) for _ in range(BURST)]
        assert [each.result() for each in letters] == [None] * BURST
    assert len(gateway.antivirus.streams) == BURST


def test_asking_for_health_holds_nobody_and_the_antivirus_is_asked_once_in_a_while(gateway: Gateway) -> None:
    asked = len(gateway.antivirus.commands)
    gateway.antivirus.silent.set()
    with ThreadPoolExecutor(20) as pool:
        began = time.monotonic()
        pages = [pool.submit(gateway.ask, "GET", "/health/ready") for _ in range(20)]
        assert gateway.inbox() is None
        assert {each.result()[0] for each in pages} <= {200, 503}
        assert time.monotonic() - began < SOON
    assert len(gateway.antivirus.commands) - asked <= 2
    while json.loads(gateway.ask("GET", "/health/ready")[1])["antivirus"]:  # until it is noticed
        threading.Event().wait(0.1)

"""Two servers on one PostgreSQL database, used over HTTPS by several systems at once, while one of them is killed.

Each is `bropost serve` with its worker, as on two hosts. A system whose request is not answered sends the same document
again, in a fresh message, to whichever server it likes. Nothing acknowledged is lost, and nothing happens twice.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import os
import signal
import ssl
import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Final
from uuid import uuid4

import pytest
from lxml import etree

from demo.server import Server, free_port
from gateway.app import SERVICE_PATHS, open_installation
from gateway.crypto.certificates import Usage
from gateway.domain.evidence import EvidenceEvent
from gateway.domain.identifiers import Uuid4
from gateway.domain.operations import Service
from gateway.protocol import soap, wss
from gateway.protocol.soap import SoapVersion
from gateway.services import disclosure_log
from gateway.settings import load_settings
from gateway.translog.report import Verdict
from gateway.translog.verifier import verify_bundle
from gateway.xmlcore.namespaces import SERVICE, tag
from tests import postgres
from tests.development import COMMAND, change_settings, make_installation, pki_folder, run
from tests.end_to_end.store_checks import evidence_octets, facts, require_whole
from tests.installation import INSTITUTION, MUNICIPALITY, now
from tests.pki import development_pki, signing_key
from tests.services.papers import id_of, paper, request, sending

ON_A_SERVER = [kind for kind in postgres.kinds() if kind == "postgresql"]
LETTERS: Final = 24
SENDERS: Final = 4
KILLED_AFTER: Final = 8  # letters that were answered
GIVE_UP_SECONDS: Final = 20  # for one request, over all attempts
_PARTIES = {"11111111-0999": "eksempelby-kommune", "22222222-999001": "proeveby-erhvervsskole"}
SYSTEMS = ("eksempelby-esdh", "proeveby-sis")


@dataclass
class Pair:
    """Two servers, the settings of each, and what tells that they have answered so many letters."""

    settings: tuple[Path, Path]
    servers: list[Server]
    tls: ssl.SSLContext
    anchors: dict[str, str]  # a checkpoint of each log, from before
    answered: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def call(self, system: str, service: Service, body: etree._Element, first: int) -> etree._Element:
        """The signed answer to a request, from the first server or else the other, until one gives it."""
        for attempt in range(first, first + 200):
            message = wss.secure(soap.envelope(SoapVersion.SOAP_11, body), signing_key(system), now())
            answer = self._post(self.servers[attempt % 2].port, SERVICE_PATHS[service], message)
            if answer is not None:
                return answer
        raise AssertionError("neither server answers")

    def _post(self, port: int, path: str, message: bytes) -> etree._Element | None:
        """The answer, checked to be the gateway's; None if there is none, or it says to come back."""
        connection = http.client.HTTPSConnection("localhost", port, timeout=GIVE_UP_SECONDS, context=self.tls)
        try:
            connection.request("POST", path, message, {"Content-Type": SoapVersion.SOAP_11.content_type})
            heard = connection.getresponse()
            octets = heard.read()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()
        unpacked = soap.unpack(heard.getheader("Content-Type", ""), None, octets)
        pki = development_pki()
        verified = wss.verify(
            unpacked, pki.trust_store(), pki.revocations().for_reading(), now(), usage=Usage.MESSAGE
        )
        fault = verified.payload.find(f".//{tag(SERVICE, 'BropostFault')}")
        if fault is None:
            return verified.payload
        assert fault.findtext(tag(SERVICE, "Retryable")) == "true", etree.tostring(fault)
        return None


@contextmanager
def served(settings: Path, port: int) -> Generator[Server]:
    """`bropost serve` with these settings, ready, for the block."""
    authorities = settings.parent / "authorities.pem"
    authorities.write_bytes(development_pki().certificate("root").pem)
    command = [str(COMMAND), "serve", "--settings", str(settings)]
    with Server(command, port, authorities, settings.with_suffix(".log")) as server:
        server.wait_until_ready()
        yield server


@pytest.fixture(params=ON_A_SERVER)
def pair(tmp_path: Path) -> Generator[Pair]:
    """Two servers of one installation on a database of its own."""
    name, ports = f"pair_{uuid4().hex}", (free_port(), free_port())
    first = make_installation(tmp_path / "gateway", ports[0])
    text = first.read_text("utf-8").replace('"sqlite:///bropost.db"', f'"{postgres.server().create(name)}"')
    first.write_text(text, "utf-8")
    change_settings(first, "worker", "lease_seconds = 10", "poll_seconds = 0.1", "checkpoint_seconds = 1")
    second = first.with_name("second.toml")
    second.write_text(first.read_text("utf-8").replace(str(ports[0]), str(ports[1])), "utf-8")
    anchors = register(first)
    root, issuing = (development_pki().certificate(each).pem.decode() for each in ("root", "issuing"))
    with ExitStack() as stack:
        servers = [stack.enter_context(served(*each)) for each in zip((first, second), ports, strict=True)]
        yield Pair((first, second), servers, ssl.create_default_context(cadata=root + issuing), anchors)
    postgres.server().drop(name)


def register(settings: Path) -> dict[str, str]:
    """Register who takes part; give a checkpoint of each party's log."""
    chosen = ("--settings", settings)
    for party, key in _PARTIES.items():
        run("party", "add", party, party, *chosen)
        seal = pki_folder() / key
        run("party", "seal", party, "--key", f"{seal}.key.pem", "--chain", f"{seal}.chain.pem", *chosen)
    for system in SYSTEMS:
        run("system", "add", system, "--certificate", pki_folder() / f"{system}.chain.pem", *chosen)
    return {party: run("log", "export", party, settings.parent / "log.zip", *chosen) for party in _PARTIES}


def send(pair: Pair, number: int) -> tuple[str, bytes]:
    """Send a letter; its id, and the acceptance that the case system keeps."""
    letter = paper(now())
    answer = pair.call(SYSTEMS[0], Service.MUNICIPALITY, sending(letter), first=number)
    pair.answered.release()
    evidence = answer.findtext(tag(SERVICE, EvidenceEvent.SUBMISSION_ACCEPTANCE.value))
    assert evidence is not None
    return id_of(letter), base64.b64decode(evidence)


def collect(pair: Pair, letters: int = LETTERS) -> set[str]:
    """Fetch and store letters as a school does, until it has so many."""

    def ask(operation: str, turn: int, **texts: str) -> etree._Element:
        return pair.call(SYSTEMS[1], Service.INSTITUTION, request(operation, INSTITUTION, **texts), turn)

    stored, turn = set[str](), 0
    while len(stored) < letters:
        turn += 1
        listed = ask("ListInbox", turn).iterfind(f"{tag(SERVICE, 'Item')}/{tag(SERVICE, 'DocumentId')}")
        for document_id in [each.text or "" for each in listed]:
            octets = ask("Retrieve", turn, DocumentId=document_id).findtext(tag(SERVICE, "ExactOctets"))
            assert octets is not None
            digest = base64.b64encode(hashlib.sha256(base64.b64decode(octets)).digest()).decode()
            ask("ConfirmHandover", turn, DocumentId=document_id, ContentDigest=digest)
            stored.add(document_id)
    return stored


def test_two_servers_of_which_one_is_killed_lose_nothing_and_do_nothing_twice(
    pair: Pair, tmp_path: Path
) -> None:
    with ThreadPoolExecutor(SENDERS + 1) as systems, ExitStack() as stack:
        collecting = systems.submit(collect, pair)
        sent = [systems.submit(send, pair, number) for number in range(LETTERS)]
        for _ in range(KILLED_AFTER):
            assert pair.answered.acquire(timeout=GIVE_UP_SECONDS)
        os.kill(pair.servers[0].process_id, signal.SIGKILL)
        pair.servers[0].stop()
        pair.servers[0] = stack.enter_context(served(pair.settings[0], pair.servers[0].port))
        acknowledged = dict(each.result() for each in sent)
        assert collecting.result() == set(acknowledged)
        for server in pair.servers:
            assert server.stop() == 0
    require_delivered_once(pair.settings[1], acknowledged, pair.anchors)


def require_delivered_once(settings: Path, acknowledged: dict[str, bytes], anchors: dict[str, str]) -> None:
    """Assert that just these letters were accepted, delivered and handed over, once each, as the logs prove."""
    count = len(acknowledged)
    installation = open_installation(load_settings(settings))
    try:
        found = facts(installation)
        assert {name: found[name] for name in ("documents", "deliveries", "handovers", "tasks")} == {
            "documents": {f"{MUNICIPALITY} {INSTITUTION}": count},
            "deliveries": {str(INSTITUTION): count},
            "handovers": {SYSTEMS[1]: count},
            "tasks": {},
        }
        states = {f"{MUNICIPALITY} {state}": count for state in _STATES_OF_SENDER}
        states |= {f"{INSTITUTION} {state}": count for state in ("AVAILABLE", "HANDED_OVER")}
        assert found["events"] == states
        for document_id, octets in acknowledged.items():
            kept = evidence_octets(installation, Uuid4(document_id), EvidenceEvent.SUBMISSION_ACCEPTANCE)
            assert kept == [octets]
        require_whole(installation)
        for party in (MUNICIPALITY, INSTITUTION):
            bundle = BytesIO()
            disclosure_log.export(installation, party, bundle)
            key = str(disclosure_log.log_key(installation, party))
            report = verify_bundle(bundle, log_key=key, known_checkpoint=anchors[str(party)])
            assert report.verdict is Verdict.OK, report.as_json()
    finally:
        installation.database.close()


_STATES_OF_SENDER = ("RECEIVED", "SEALED", "ACCEPTED", "DISPATCHED", "AVAILABLE", "HANDED_OVER")

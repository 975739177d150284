"""A whole day of a gateway over HTTPS, with all that goes wrong in it: the log at its most talkative names nobody.

Every golden document is sent, accepted or refused, and what is accepted lives on to its end. Then every word that stood
in them, and everything else that was said to the gateway, is looked for in what it logged.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import re
import socket
import sqlite3
import ssl
from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from lxml import etree

from demo.server import Server, free_port
from gateway.domain.document import SealedBy
from gateway.domain.identifiers import PartyId
from gateway.protocol import soap, wss
from gateway.protocol.soap import SoapVersion
from gateway.xmlcore.namespaces import DOCUMENT, SERVICE, tag
from gateway.xmlcore.parse import parse
from tests.development import COMMAND, change_settings, make_installation, pki_folder, run
from tests.golden.changes import Change, SetText, with_changes
from tests.golden.fresh import fresh
from tests.golden.loader import FOLDER, golden
from tests.installation import INSTITUTION, MUNICIPALITY, NAMES, OTHER_MUNICIPALITY, now
from tests.pki import development_pki, signing_key
from tests.services.papers import b64, id_of, request, sending, text_of

SYSTEMS: Final = {
    MUNICIPALITY: "eksempelby-esdh",
    INSTITUTION: "proeveby-sis",
    OTHER_MUNICIPALITY: "proevelund-esdh",
}
SEALS: Final = {MUNICIPALITY: "eksempelby-kommune", INSTITUTION: "proeveby-erhvervsskole"}
PATHS: Final = {True: "/municipality/1", False: "/institution/1"}
CPR: Final = "7403055092"
SAID: Final = ("Alma Prøvesen", CPR, "740305-5092", "Sofie Eksempelsen", "+4500000009", "alma@ung.example")
"""What is said beside the documents."""
NAMES_ALONE: Final = ("Alma", "Prøvesen", "Sofie", "Eksempelsen")
KINDS: Final = {path.stem for path in (FOLDER / "documents").glob("*.xml")}
_CODE: Final = re.compile(
    r"[A-Z0-9_.:/-]+|[0-9a-f-]{36}|[0-9TZ:.+-]+|[A-Za-z0-9+/]{40,}={0,2}|[a-z]+/[a-z]+|true|false"
)
_KEYS: Final = ["timestamp", "level", "logger", "event"]


@dataclass
class Day:
    """A gateway that serves, its store, and every word that was said to it."""

    server: Server
    store: Path
    log: Path
    words: set[str] = field(default_factory=lambda: set(SAID))
    accepted: dict[str, etree._Element] = field(default_factory=dict)  # by the name of the golden document
    codes: list[str] = field(default_factory=list)

    def post(self, party: PartyId, octets: bytes, headers: dict[str, str] | None = None) -> etree._Element:
        """Send octets to a party's service; the payload of the answer."""
        path = PATHS[party.is_municipality]
        given = {"Content-Type": SoapVersion.SOAP_11.content_type} | (headers or {})
        answer = self.ask("POST", path, octets, given)
        payload = soap.unpack(SoapVersion.SOAP_11.content_type, None, answer).payload
        code = payload.findtext(f".//{tag(SERVICE, 'BropostFault')}/{tag(SERVICE, 'Code')}")
        if code is not None:
            self.codes.append(code)
        return payload

    def call(self, party: PartyId, body: etree._Element) -> etree._Element:
        """Let the system of a party send a request, signed now."""
        self._remember(body)
        envelope = soap.envelope(SoapVersion.SOAP_11, parse(etree.tostring(body)))
        return self.post(party, wss.secure(envelope, signing_key(SYSTEMS[party]), now()))

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> bytes:
        """Ask on a connection of its own."""
        connection = http.client.HTTPSConnection(
            "localhost", self.server.port, timeout=20, context=self.tls()
        )
        try:
            connection.request(method, path, body, headers or {})
            return connection.getresponse().read()
        finally:
            connection.close()

    def tls(self) -> ssl.SSLContext:
        """Believes the development root alone."""
        pki = development_pki()
        return ssl.create_default_context(
            cadata=(pki.certificate("root").pem + pki.certificate("issuing").pem).decode()
        )

    def send(self, name: str, *changes: Change) -> bool:
        """Send a golden document as if it were written now; whether it was accepted."""
        octets = with_changes(fresh(golden(name), now(), sealed_by=SealedBy.GATEWAY), *changes)
        document = parse(octets)
        kind = etree.QName(document[1]).localname
        operation = "SendLetter" if kind.endswith("Letter") else "SendNotice"
        sender = _end(document, "Sender")
        answer = self.call(sender, sending(document, by=sender, operation=operation))
        if etree.QName(answer).localname == "Fault":
            return False
        self.accepted[name] = document
        return True

    def alter(self, statement: str, *values: str) -> None:
        """Change the store behind the gateway's back."""
        with sqlite3.connect(self.store, timeout=20) as connection:
            connection.execute(statement, values)
        connection.close()

    def lines(self) -> list[dict[str, Any]]:
        """The log so far."""
        return [json.loads(line) for line in self.log.read_text("utf-8").splitlines()]

    def wait_for(self, event: str, **facts: str) -> None:
        """Return once such a line is in the log: asking for the gateway's health passes the time."""
        give_up = now() + timedelta(seconds=20)
        while now() < give_up:
            if any(facts.items() <= line.items() and line["event"] == event for line in self.lines()):
                return
            self.ask("GET", "/health/ready")
        raise AssertionError(f"no line tells {event}")

    def _remember(self, body: etree._Element) -> None:
        for element in body.iter("*"):
            text = (element.text or "").strip()
            if len(text) > 4 and not len(element) and not _CODE.fullmatch(text):
                self.words.add(text)
            if etree.QName(element).localname == "CprNumber" and text:
                self.words |= {text, f"{text[:6]}-{text[6:]}"}


def _end(document: etree._Element, end: str) -> PartyId:
    cvr = text_of(document, f"{end}/Party/Cvr")
    party = document.find("/".join(tag(DOCUMENT, step) for step in ("Header", end, "Party")))
    assert party is not None
    return PartyId.parse(f"{cvr}-{party[1].text}")


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Generator[Day]:
    """A gateway that serves three parties and logs all it can."""
    folder = tmp_path_factory.mktemp("day")
    port = free_port()
    settings = make_installation(folder, port)
    change_settings(settings, "worker", "poll_seconds = 0.05", "checkpoint_seconds = 1")
    for party, name in SYSTEMS.items():
        run("party", "add", NAMES[party], str(party), "--settings", settings)
        contact = ("--role", "CASEWORKER", "--name", SAID[3], "--phone", SAID[4], "--email", SAID[5])
        run("party", "contact", str(party), *contact, "--settings", settings)
        run(
            "system", "add", name, "--certificate", pki_folder() / f"{name}.chain.pem", "--settings", settings
        )
    for party, name in SEALS.items():
        pair = ("--key", pki_folder() / f"{name}.key.pem", "--chain", pki_folder() / f"{name}.chain.pem")
        run("party", "seal", str(party), *pair, "--settings", settings)
    authorities = folder / "authorities.pem"
    authorities.write_bytes(development_pki().certificate("root").pem)
    log = folder / "log.txt"
    command = [str(COMMAND), "serve", "--debug", "--settings", str(settings)]
    with Server(command, port, authorities, log) as server:
        server.wait_until_ready()
        (store,) = folder.rglob("bropost.db")
        lived = Day(server, store, log)
        _live(lived, folder)
        assert server.stop() == 0
        yield lived


def _live(day: Day, folder: Path) -> None:
    """All that happens in the day."""
    (folder / "keys" / f"{OTHER_MUNICIPALITY}.kek").unlink()  # what is delivered there fails
    for name in sorted(KINDS):
        day.send(name)
    _answer_and_withdraw(day)
    _read_everything(day)
    _say_nonsense(day)
    day.wait_for("delivery parked")
    _break_the_store(day)


def _answer_and_withdraw(day: Day) -> None:
    """What points to an earlier document is about the same young person and in the same conversation."""
    for name, pointers, earlier in (
        ("answer-notice", ("Header/ReplyTo",), "dropout-risk-notice"),
        ("note-notice-minimum", (), "education-order-letter"),
        (
            "withdrawal-notice-minimum",
            ("Header/Withdraws/DocumentId", "WithdrawalNotice/WithdrawnDocumentId"),
            "dropout-risk-notice",
        ),
    ):
        document = day.accepted[earlier]
        same = ("ConversationId", "Subject/CprNumber", "Subject/BirthDate")
        changes = [SetText(f"/Document/Header/{each}", text_of(document, each)) for each in same]
        changes += [SetText(f"/Document/{pointer}", id_of(document)) for pointer in pointers]
        assert day.send(name, *changes), day.codes[-1]


def _read_everything(day: Day) -> None:
    """Every operation, on a letter and by its sender and recipient."""
    letter = day.accepted["education-order-letter"]
    number = id_of(letter)
    for party in (MUNICIPALITY, INSTITUTION):
        for operation in ("ListEvents", "ListInbox"):
            day.call(party, request(operation, party))
        for operation in ("GetStatus", "GetEvidence"):
            day.call(party, request(operation, party, DocumentId=number))
        day.call(party, request("FindParty", party, Name=SAID[0]))
    answer = day.call(INSTITUTION, request("Retrieve", INSTITUTION, DocumentId=number))
    octets = base64.b64decode(answer.findtext(f".//{tag(SERVICE, 'ExactOctets')}") or "")
    digest = b64(hashlib.sha256(octets).digest())
    day.call(INSTITUTION, request("ConfirmHandover", INSTITUTION, DocumentId=number, ContentDigest=digest))
    reader = {
        "ReaderRole": "STUDY_COUNSELLOR",
        "ReaderName": SAID[3],
        "ReadAt": f"{now():%Y-%m-%dT%H:%M:%SZ}",
    }
    day.call(INSTITUTION, request("RegisterRead", INSTITUTION, DocumentId=number, **reader))
    other = id_of(day.accepted["support-need-letter"])
    words = {"Reason": "WRONG_RECIPIENT", "Text": f"Brevet om {SAID[0]} skulle til en anden skole."}
    day.call(MUNICIPALITY, request("WithdrawDocument", MUNICIPALITY, DocumentId=other, **words))
    day.call(MUNICIPALITY, request("Ping", None, Echo=SAID[0]))


def _say_nonsense(day: Day) -> None:
    """What is no request, with names in every place that a name can stand in."""
    letter = etree.tostring(
        soap.envelope(SoapVersion.SOAP_11, sending(day.accepted["education-order-letter"]))
    )
    signed = wss.secure(
        soap.envelope(SoapVersion.SOAP_11, request("Ping", None, Echo=SAID[0])),
        signing_key("eksempelby-esdh"),
        now(),
    )
    for octets in (
        letter,
        signed.replace(b"Ping", f"Alma{CPR}".encode()),
        signed,
        signed,
        f"<Alma cpr='{CPR}'>{SAID[0]}".encode(),
        SAID[0].encode("latin-1"),
    ):
        day.post(MUNICIPALITY, octets)
    day.post(MUNICIPALITY, signed, {"SOAPAction": f'"{CPR}"', "X-Name": "alma@ung.example"})
    day.post(MUNICIPALITY, signed, {"Content-Type": f"text/xml; name={CPR}"})
    day.call(MUNICIPALITY, etree.Element(f"Alma{CPR}"))
    day.call(MUNICIPALITY, request("GetStatus", MUNICIPALITY, DocumentId=SAID[0]))
    day.ask("GET", f"/{CPR}?name={CPR}")
    day.ask("DELETE", f"/municipality/1/{CPR}")
    for said in (
        f"{CPR} / HTTP/9\r\n\r\n",
        f"GET / HTTP/1.1\r\n{CPR}\r\n\r\n",
        f"POST /municipality/1 {CPR}",
    ):
        with (
            suppress(OSError),
            day.tls().wrap_socket(_connected(day), server_hostname="localhost") as connection,
        ):
            connection.sendall(said.encode())
            connection.recv(65_536)
    with _connected(day) as plain:
        plain.sendall(f"GET /{CPR} HTTP/1.1\r\n\r\n".encode())


def _connected(day: Day) -> socket.socket:
    return socket.create_connection(("localhost", day.server.port), timeout=3)


def _break_the_store(day: Day) -> None:
    """Let the store hold what quotes itself in the errors of those who read it."""
    day.alter("UPDATE event SET standing = ? WHERE party = ?", " ".join(SAID), str(MUNICIPALITY))
    day.call(MUNICIPALITY, request("ListEvents", MUNICIPALITY))
    day.alter("UPDATE deadline SET kind = ?, next_at = 1 WHERE id = (SELECT max(id) FROM deadline)", SAID[0])
    day.wait_for("deadline failed")
    origin = "UPDATE log SET origin = ?, checkpoint_size = 0, checkpoint_at = 0 WHERE party = ?"
    day.alter(origin, " ".join(SAID), str(MUNICIPALITY))
    day.wait_for("worker failed", duty="checkpoint")


# --- what was logged -----------------------------------------------------------------------------------


def test_every_kind_of_document_was_accepted_and_much_was_refused(day: Day) -> None:
    kinds = {etree.QName(document[1]).localname for document in day.accepted.values()}
    assert kinds == {etree.QName(parse(golden(name))[1]).localname for name in KINDS}
    assert {"MESSAGE_NOT_TRUSTED", "MESSAGE_REPLAYED", "INTERNAL", "XML_MALFORMED"} <= set(day.codes)
    assert [code for code in day.codes if code.startswith("RULE")]


def test_every_line_is_an_object_of_the_same_keys(day: Day) -> None:
    lines = day.lines()
    assert len(lines) > 50
    for line in lines:
        assert list(line)[:4] == _KEYS
        assert datetime.fromisoformat(line["timestamp"]).utcoffset() == timedelta(0)
        assert line["level"] in {"debug", "info", "warning", "error", "critical"}
        assert all(value is None or isinstance(value, str | int) for value in line.values())


def test_everything_was_told_that_an_operator_must_know(day: Day) -> None:
    told = {line["event"] for line in day.lines()}
    assert {
        "answered",
        "refused",
        "unexpected",
        "delivery parked",
        "deadline failed",
        "worker failed",
    } <= told
    assert {"library", "Invalid HTTP request received."} <= told
    (parked, *_) = (line for line in day.lines() if line["event"] == "delivery parked")
    assert (parked["level"], parked["code"]) == ("error", "KEY_MISSING")
    (failed, *_) = (line for line in day.lines() if line["event"] == "worker failed")
    assert (failed["level"], failed["duty"], failed["kind"]) == ("error", "checkpoint", "ValueError")
    assert re.fullmatch(r"[a-z_]+\.py:[0-9]+", failed["place"])


def test_nothing_that_was_said_is_in_the_log(day: Day) -> None:
    text = day.log.read_text("utf-8")
    assert len(day.words) > 200
    forms = {
        word: (word, json.dumps(word)[1:-1], word.encode().decode("latin-1"))
        for word in (*day.words, *NAMES_ALONE)
    }
    assert [word for word, each in forms.items() if any(_holds(text, form) for form in each)] == []


def _holds(text: str, word: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) is not None


def test_no_number_of_ten_digits_like_a_cpr_number_is_in_the_log(day: Day) -> None:
    assert re.findall(r"(?<![0-9a-f.-])[0-9]{6}-?[0-9]{4}(?![0-9a-f-])", day.log.read_text("utf-8")) == []

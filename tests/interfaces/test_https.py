"""The real server over TLS: what it refuses before a message is looked at, what it serves, and how it stops."""

from __future__ import annotations

import os
import signal
import socket
import ssl
from collections.abc import Generator
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
from lxml import etree

from gateway.crypto.certificates import Usage
from gateway.interfaces.connections import HEAD_OCTETS
from gateway.protocol import soap, wss
from gateway.protocol.mime import MESSAGE_LIMITS
from gateway.protocol.soap import SoapVersion
from gateway.xmlcore.namespaces import SERVICE, tag
from gateway.xmlcore.parse import parse
from tests.installation import now
from tests.interfaces.site import MUNICIPALITY, Site, serving
from tests.pki import development_pki, signing_key
from tests.services.papers import request

LIMIT = MESSAGE_LIMITS.root_octets + 400  # an envelope, and as base64 what attachments may have here
SOAP_11 = {"Content-Type": "text/xml; charset=utf-8"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Generator[Site]:
    """One server for the tests that leave it as it was."""
    with serving(tmp_path_factory.mktemp("site") / "gateway") as served:
        yield served


def _ping(
    version: SoapVersion = SoapVersion.SOAP_11, echo: str = "Hej", key: str = "eksempelby-esdh"
) -> bytes:
    return wss.secure(soap.envelope(version, request("Ping", None, Echo=echo)), signing_key(key), now())


def _fault(body: bytes) -> str | None:
    return parse(body).findtext(f".//{tag(SERVICE, 'Code')}")


# --- answers -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", SoapVersion)
def test_a_signed_message_gets_a_signed_answer_in_its_own_version(site: Site, version: SoapVersion) -> None:
    headers = {"Content-Type": version.content_type, "SOAPAction": '""'}
    answer, body = site.ask("POST", MUNICIPALITY, _ping(version), headers)
    assert answer.status == 200
    assert answer.getheader("Content-Type") == version.content_type
    unpacked = soap.unpack(version.content_type, None, body)
    pki = development_pki()
    verified = wss.verify(unpacked, pki.trust_store(), pki.revocations(), now(), usage=Usage.MESSAGE)
    assert verified.payload.findtext(tag(SERVICE, "Echo")) == "Hej"
    assert verified.certificate.certificate == pki.certificate("gateway-message")


@pytest.mark.parametrize("version", SoapVersion)
def test_a_fault_that_blames_the_caller_has_the_only_status_that_every_stack_reads(
    site: Site, version: SoapVersion
) -> None:
    message = _ping(version, key="proeveby-sis")  # of no system that is registered here
    answer, body = site.ask("POST", MUNICIPALITY, message, {"Content-Type": version.content_type})
    assert (answer.status, _fault(body)) == (500, "SYSTEM_UNKNOWN")


def test_two_requests_travel_on_one_connection(site: Site) -> None:
    connection = site.connection()
    for echo in ("en", "to"):
        connection.request("POST", MUNICIPALITY, _ping(echo=echo), SOAP_11)
        answer = connection.getresponse()
        assert answer.status == 200
        assert f"<svc:Echo>{echo}</svc:Echo>".encode() in answer.read()
    connection.close()


def test_every_answer_forbids_caching_guessing_and_plain_http(site: Site) -> None:
    for path in (f"{MUNICIPALITY}?wsdl", "/health/live", "/nowhere", MUNICIPALITY):
        answer, _ = site.ask("GET", path)
        assert answer.getheader("Cache-Control") == "no-store"
        assert answer.getheader("X-Content-Type-Options") == "nosniff"
        assert answer.getheader("Strict-Transport-Security") == "max-age=31536000"
        assert answer.getheader("Server") is None


# --- WSDL, schemas, health -----------------------------------------------------------------------------


@pytest.mark.parametrize("service", ["municipality", "institution"])
def test_the_wsdl_and_everything_it_imports_are_served(site: Site, service: str) -> None:
    address = f"/{service}/1"
    answer, body = site.ask("GET", f"{address}?wsdl")
    assert answer.status == 200
    assert f'location="https://localhost:{site.server.port}{address}"'.encode() in body
    base, waiting, seen = f"https://localhost:{site.server.port}{address}", [(f"{address}?wsdl", body)], set()
    while waiting:
        path, octets = waiting.pop()
        for reference in etree.fromstring(octets).iter("{*}import", "{*}include"):
            location = reference.get("schemaLocation") or reference.get("location")
            if location is None:
                continue
            following = _joined(base, path, location)
            if following not in seen:
                seen.add(following)
                found, content = site.ask("GET", following)
                assert found.status == 200, following
                waiting.append((following, content))
    assert len(seen) > 5


def _joined(base: str, path: str, location: str) -> str:
    return urlsplit(urljoin(urljoin(base, path), location)).path


def test_health_pages_tell_that_it_lives_and_is_ready(site: Site) -> None:
    answer, body = site.ask("GET", "/health/live")
    assert (answer.status, body) == (200, b'{"live": true}\n')
    answer, body = site.ask("GET", "/health/ready")
    assert answer.status == 200
    assert b'"ready": true' in body


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/nowhere",
        "/municipality",
        "/municipality/2",
        "/municipality/1/xsd/../../../pyproject.toml",
        "/xsd/x",
    ],
)
def test_an_unknown_path_is_not_found(site: Site, path: str) -> None:
    answer, body = site.ask("GET", path)
    assert answer.status == 404
    assert len(body) < 100


# --- what is refused before the message is looked at ---------------------------------------------------


def test_a_body_that_says_it_is_too_large_is_refused_before_it_is_sent(site: Site) -> None:
    head = (
        f"POST {MUNICIPALITY} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\n"
        f"Content-Length: {LIMIT + 1}\r\nConnection: close\r\n\r\n"
    )
    answer = site.say(head.encode(), b"<")
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"MESSAGE_TOO_LARGE" in answer


def test_a_body_that_grows_too_large_is_refused(site: Site) -> None:
    head = (
        f"POST {MUNICIPALITY} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\n"
        "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    )
    chunk = b"100000\r\n" + bytes(0x100000) + b"\r\n"
    with site.raw() as connection:
        connection.sendall(head.encode())
        for _ in range(13):
            connection.sendall(chunk)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 413 ")


def test_a_body_within_the_limit_is_looked_at(site: Site) -> None:
    answer, body = site.ask("POST", MUNICIPALITY, b"x" * MESSAGE_LIMITS.root_octets, SOAP_11)
    assert (answer.status, _fault(body)) == (500, "XML_MALFORMED")


def test_a_body_that_comes_too_slowly_is_refused(site: Site) -> None:
    head = (
        f"POST {MUNICIPALITY} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\n"
        "Content-Length: 1000\r\nConnection: close\r\n\r\n<"
    )
    answer = site.say(head.encode())
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"HTTP_BODY_SLOW" in answer


@pytest.mark.parametrize(
    "header",
    ["Content-Type: text/xml", "Host: localhost", 'SOAPAction: "a"\r\nSOAPAction: "b"', "Content-Length: 2"],
    ids=["content type", "host", "action", "length"],
)
def test_a_header_that_counts_may_stand_once(site: Site, header: str) -> None:
    head = (
        f"POST {MUNICIPALITY} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\nContent-Length: 3\r\n"
        f"{header}\r\nConnection: close\r\n\r\n<a>"
    )
    assert site.say(head.encode()).startswith(b"HTTP/1.1 400 ")


def test_a_length_beside_chunks_is_refused(site: Site) -> None:
    head = (
        f"POST {MUNICIPALITY} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\nContent-Length: 3\r\n"
        "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\n<a>\r\n0\r\n\r\n"
    )
    assert site.say(head.encode()).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("encoding", ["gzip", "identity, gzip", "br"])
def test_a_compressed_body_is_refused(site: Site, encoding: str) -> None:
    answer, body = site.ask("POST", MUNICIPALITY, _ping(), {**SOAP_11, "Content-Encoding": encoding})
    assert (answer.status, _fault(body)) == (415, "HTTP_CONTENT_ENCODING")


@pytest.mark.parametrize("media_type", ["application/json", "text/html", ""])
def test_a_content_type_that_is_none_of_ours_is_refused(site: Site, media_type: str) -> None:
    answer, body = site.ask("POST", MUNICIPALITY, _ping(), {"Content-Type": media_type})
    assert (answer.status, _fault(body)) == (415, "HTTP_CONTENT_TYPE")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_a_method_that_is_none_of_ours_is_refused_with_those_that_are(site: Site, method: str) -> None:
    answer, body = site.ask(method, MUNICIPALITY)
    assert (answer.status, answer.getheader("Allow")) == (405, "GET, POST")
    assert _fault(body) == "HTTP_METHOD"


def test_what_is_no_http_is_refused(site: Site) -> None:
    assert site.say(b"HELLO\r\n\r\n").startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("pieces", [1, 50])
def test_a_head_without_end_is_refused(site: Site, pieces: int) -> None:
    """RFC 9110 §5.4: a server that receives a header section larger than it wishes to process MUST refuse it."""
    with site.raw() as connection:
        connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nX-Long: ")
        for _ in range(pieces):
            connection.sendall(b"a" * (HEAD_OCTETS // pieces + 1))
        assert connection.recv(65_536).startswith(b"HTTP/1.1 400 ")


def test_connections_that_ask_nothing_lose_their_places(tmp_path: Path) -> None:
    request_line = b"GET /health/live HTTP/1.1\r\nHost: "
    said = [b"", request_line, request_line + b"x\r\n\r\nGET "]
    with serving(tmp_path / "gateway", "head_seconds = 2") as site, ExitStack() as held:
        connections = [held.enter_context(site.raw()) for _ in said]
        for connection, octets in zip(connections, said, strict=True):
            connection.settimeout(8)  # the default bound is longer; then TimeoutError
            connection.sendall(octets)
        received = [_until_it_ends(connection) for connection in connections]
    assert [octets.count(b"HTTP/1.1 200 ") for octets in received] == [0, 0, 1]


def _until_it_ends(connection: ssl.SSLSocket) -> bytes:
    """What the server says before it closes."""
    received = b""
    with suppress(ConnectionError, ssl.SSLEOFError):
        while piece := connection.recv(65_536):
            received += piece
    return received


# --- the end -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
def test_a_server_that_is_told_to_stop_answers_what_is_open_and_closes_its_store(
    tmp_path: Path, told: signal.Signals
) -> None:
    with serving(tmp_path / "gateway") as site:
        message = _ping()
        head = (
            f"POST {MUNICIPALITY} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\n"
            f"Content-Length: {len(message)}\r\n\r\n"
        )
        with site.raw() as connection:
            connection.sendall(head.encode() + message[:100])
            site.ask("GET", "/health/live")  # so that the server has read what was sent before
            os.kill(site.server.process_id, told)
            _wait_until_nobody_listens(site)
            connection.sendall(message[100:])
            assert connection.recv(65_536).startswith(b"HTTP/1.1 200 ")
        assert site.server.stop() == 0
        assert not (tmp_path / "gateway" / "bropost.db-wal").exists()
        assert (tmp_path / "gateway" / "log.txt").read_bytes() == b""


def _wait_until_nobody_listens(site: Site) -> None:
    while True:
        try:
            socket.create_connection(("localhost", site.server.port), timeout=5).close()
        except ConnectionError:  # refused, or reset while the door closes
            return

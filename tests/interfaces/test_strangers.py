"""Strangers with many connections, or who hold one for nothing, take no places from others."""

from __future__ import annotations

import http.client
import os
import resource
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from demo.server import free_port
from gateway.interfaces.places import LAST_OF_ONE, LAST_PLACES, LEAST_SHARE
from tests.development import COMMAND, make_installation
from tests.interfaces.site import MUNICIPALITY, Site, serving

LARGE = "document/header.xsd"
ENDED = (ConnectionError, ssl.SSLError)  # how a client hears that there is no place for it


def test_who_takes_answers_octet_by_octet_loses_its_place(tmp_path: Path) -> None:
    question = f"GET {MUNICIPALITY}/xsd/{LARGE} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    with serving(tmp_path / "gateway", "head_seconds = 1") as site, site.raw(taking=4096) as connection:
        connection.sendall(question * 100)
        ended = _ended(site)
        until = time.monotonic() + 15
        while not ended() and time.monotonic() < until:
            connection.recv(1)
            threading.Event().wait(0.1)
        assert time.monotonic() < until


def _ended(site: Site) -> Callable[[], bool]:
    """Tells whether the server has ended the one connection that it had when this was asked."""
    files = Path(f"/proc/{site.server.process_id}/fd")

    def sockets() -> set[str]:
        found = set()
        for each in files.iterdir():
            with suppress(OSError):
                found.add(os.readlink(each))
        return {each for each in found if each.startswith("socket:")}

    before = sockets()
    return lambda: len(sockets()) < len(before)


def test_who_takes_a_large_answer_in_time_gets_all_of_it(tmp_path: Path) -> None:
    question = f"GET {MUNICIPALITY}/xsd/{LARGE} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    with serving(tmp_path / "gateway", "head_seconds = 1") as site:
        answer, body = site.ask("GET", f"{MUNICIPALITY}/xsd/{LARGE}")
        assert answer.status == 200
        with site.raw(taking=4096) as connection:
            connection.sendall(question * 20)
            received = 0
            while received < 20 * len(body) and (piece := connection.recv(16_384)):
                received += len(piece)
                threading.Event().wait(
                    0.02
                )  # slower than it is written, and longer than `head_seconds` in all
            assert received > 20 * len(body)


def test_who_begins_no_handshake_is_sent_away(tmp_path: Path) -> None:
    with (
        serving(tmp_path / "gateway", "head_seconds = 1") as site,
        socket.create_connection(("localhost", site.server.port), timeout=20) as silent,
    ):
        assert silent.recv(1) == b""


def test_one_address_takes_no_more_than_its_share_and_nobody_elses_connection_ends(tmp_path: Path) -> None:
    with serving(tmp_path / "gateway", "connections = 40", "head_seconds = 20") as site, ExitStack() as held:
        vendor = http.client.HTTPSConnection(
            "localhost", site.server.port, timeout=20, context=site.tls, source_address=("127.0.0.2", 0)
        )
        held.callback(vendor.close)
        kept = [held.enter_context(site.raw()) for _ in range(LEAST_SHARE - 2)]
        silent = [held.enter_context(_tcp(site, "127.0.0.1")) for _ in range(2)]  # in their handshake
        for _ in range(5):
            with pytest.raises(ENDED), site.raw():
                pass
            vendor.request("GET", "/health/live")  # on one connection, all the time
            assert vendor.getresponse().read() == b'{"live": true}\n'
        kept.pop().close()
        silent.pop().close()
        assert _soon(lambda: site.status("/health/live", "127.0.0.1") == 200)


def test_where_all_places_are_taken_health_still_answers_and_who_has_a_place_keeps_it(tmp_path: Path) -> None:
    with serving(tmp_path / "gateway", "connections = 32", "head_seconds = 20") as site, ExitStack() as held:
        strangers = ["127.0.0.3"] * LEAST_SHARE + ["127.0.0.4"] * (32 - LEAST_SHARE)
        connections = [held.enter_context(site.raw(source)) for source in strangers]
        assert site.status(f"{MUNICIPALITY}?wsdl", "127.0.0.5") == 503
        assert site.status("/health/live", "127.0.0.5") == 200
        assert site.status("/health/ready", "127.0.0.5") == 200
        connections[0].sendall(f"GET {MUNICIPALITY}?wsdl HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        assert connections[0].recv(65_536).startswith(b"HTTP/1.1 200 ")
        for _ in range(LAST_PLACES):  # by one address, which gets few of them
            held.enter_context(_tcp(site, "127.0.0.6"))
        assert site.status("/health/live", "127.0.0.5") == 200
        others = [f"127.0.0.{7 + number}" for number in range(LAST_PLACES // LAST_OF_ONE - 1)]
        last = [held.enter_context(_tcp(site, other)) for other in others for _ in range(LAST_OF_ONE)]
        with pytest.raises(ENDED), site.raw("127.0.0.5"):
            pass
        last.pop().close()
        assert _soon(lambda: site.status("/health/live", "127.0.0.5") == 200)


def test_a_proxy_of_ones_own_may_have_all_places(tmp_path: Path) -> None:
    proxies = ("connections = 40", 'proxies = ["127.0.0.1"]')
    with serving(tmp_path / "gateway", *proxies) as site, ExitStack() as held:
        for _ in range(LEAST_SHARE + 10):
            held.enter_context(site.raw())
        assert site.ask("GET", "/health/live")[0].status == 200


def _tcp(site: Site, source: str) -> socket.socket:
    """A connection on which not even TLS is spoken."""
    return socket.create_connection(("127.0.0.1", site.server.port), timeout=20, source_address=(source, 0))


def _soon(is_so: Callable[[], bool]) -> bool:
    """Whether something is so within some seconds; a connection that is ended means that it is not yet."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        with suppress(OSError):
            if is_so():
                return True
    return False


def test_many_silent_connections_leave_room_for_a_request(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (128, before[1]))  # what the server is started with
    try:
        started = serving(tmp_path / "gateway", 'proxies = ["127.0.0.1"]')
        site = started.__enter__()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    with ExitStack() as stack:
        stack.push(started)
        for _ in range(200):
            stack.enter_context(socket.create_connection(("localhost", site.server.port), timeout=20))
        assert site.ask("GET", "/health/live")[0].status == 200


def test_a_start_with_too_few_open_files_is_refused_and_says_how_many(tmp_path: Path) -> None:
    settings = make_installation(tmp_path / "gateway", free_port())
    command = f"ulimit -n 300 && exec {COMMAND} serve --settings {settings}"
    ended = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert "server.connections 256 needs 520 open files, and the system allows 300" in ended.stderr

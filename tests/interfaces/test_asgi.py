"""The HTTP front holds no more at once than it has room for, and gives no stranger all of it."""

from __future__ import annotations

import asyncio
import threading
from ipaddress import ip_network
from typing import Any

import pytest

from gateway.domain.errors import BropostError
from gateway.interfaces import asgi
from gateway.interfaces.asgi import BODIES_A_THREAD, PIECE_OCTETS, ROOM_A_PEER, SMALL_OCTETS, Front
from gateway.interfaces.http import HttpAnswer, HttpRequest
from gateway.interfaces.peers import NO_PROXIES, Peers

LIMIT = 16 * SMALL_OCTETS
PLAIN = "text/plain"
THREADS = 4
OF_ONE = int(BODIES_A_THREAD * THREADS * ROOM_A_PEER)  # whole bodies that one address may hold


def _size(request: HttpRequest) -> HttpAnswer:
    return HttpAnswer(200, PLAIN, str(len(request.body)).encode())


def _code(_request: HttpRequest, error: BropostError) -> HttpAnswer:
    return HttpAnswer(503, PLAIN, error.code.name.encode())


def _front(peers: Peers = NO_PROXIES) -> Front:
    served = {"/": _size, "/page": _size}
    return Front(served, _code, body_limit=LIMIT, body_seconds=60, threads=THREADS, peers=peers)


async def _ask(
    front: Front,
    octets: int = 1,
    rest: asyncio.Event | None = None,
    peer: str = "192.0.2.1",
    path: str = "/page",
    method: str = "POST",
) -> tuple[int, str]:
    """Post a body of this size, whose last octet comes after `rest`; the answer's status and body."""
    sent: list[Any] = []
    pieces = [octets - 1, 1]

    async def receive() -> dict[str, Any]:
        if len(pieces) == 1 and rest is not None:
            await rest.wait()
        body = bytes(pieces.pop(0))
        return {"type": "http.request", "body": body, "more_body": bool(pieces)}

    async def send(message: Any) -> None:  # noqa: ANN401  as ASGI has it
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": []}
    await front({**scope, "client": (peer, 1)}, receive, send)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent).decode()


def test_large_bodies_wait_for_room_and_small_ones_need_none() -> None:
    front = _front()

    async def many() -> None:
        rest = asyncio.Event()
        peers = [f"192.0.2.{number // OF_ONE}" for number in range(BODIES_A_THREAD * THREADS)]
        held = [asyncio.create_task(_ask(front, LIMIT, rest, peer)) for peer in peers]
        await asyncio.sleep(0)  # they take their room
        assert await _ask(front, LIMIT, peer="198.51.100.1") == (503, "BUSY")
        assert await _ask(front, SMALL_OCTETS, peer="198.51.100.1") == (200, str(SMALL_OCTETS))
        rest.set()
        assert await asyncio.gather(*held) == [(200, str(LIMIT))] * len(peers)
        assert await _ask(front, LIMIT) == (200, str(LIMIT))

    asyncio.run(many())


def test_one_address_cannot_take_the_room_of_the_others() -> None:
    front = _front()

    async def many() -> None:
        rest = asyncio.Event()
        held = [asyncio.create_task(_ask(front, LIMIT, rest)) for _ in range(OF_ONE)]
        await asyncio.sleep(0)
        assert await _ask(front, LIMIT) == (503, "BUSY")
        assert await _ask(front, LIMIT, peer="192.0.2.2") == (200, str(LIMIT))
        rest.set()
        await asyncio.gather(*held)
        assert await _ask(front, LIMIT) == (200, str(LIMIT))

    asyncio.run(many())


def test_behind_a_proxy_of_ones_own_all_room_is_for_all() -> None:
    front = _front(Peers((ip_network("192.0.2.1"),)))

    async def many() -> None:
        rest = asyncio.Event()
        held = [asyncio.create_task(_ask(front, LIMIT, rest)) for _ in range(BODIES_A_THREAD * THREADS)]
        await asyncio.sleep(0)
        assert await _ask(front, LIMIT) == (503, "BUSY")
        rest.set()
        assert await asyncio.gather(*held) == [(200, str(LIMIT))] * len(held)

    asyncio.run(many())


def test_one_network_of_the_newer_addresses_is_one_peer() -> None:
    front = _front()

    async def many() -> None:
        rest = asyncio.Event()
        peers = [f"2001:db8::{number}" for number in range(OF_ONE)]
        held = [asyncio.create_task(_ask(front, LIMIT, rest, peer)) for peer in peers]
        await asyncio.sleep(0)
        assert await _ask(front, LIMIT, peer="2001:db8::ffff") == (503, "BUSY")
        assert await _ask(front, LIMIT, peer="2001:db8:0:1::1") == (200, str(LIMIT))
        rest.set()
        await asyncio.gather(*held)

    asyncio.run(many())


def test_a_page_beside_is_answered_while_all_threads_work() -> None:
    done = threading.Event()

    def work(_request: HttpRequest) -> HttpAnswer:
        return HttpAnswer(200 if done.wait(20) else 500, PLAIN, b"")

    front = Front(
        {"/page": work}, _code, body_limit=LIMIT, body_seconds=60, threads=THREADS, beside={"/health": _size}
    )

    async def many() -> None:
        working = [asyncio.create_task(_ask(front)) for _ in range(2 * THREADS)]
        await asyncio.sleep(0)
        assert await asyncio.wait_for(_ask(front, path="/health"), 10) == (200, "1")
        done.set()
        assert await asyncio.gather(*working) == [(200, "")] * len(working)

    asyncio.run(many())


@pytest.mark.parametrize("octets", [0, 1, PIECE_OCTETS, PIECE_OCTETS + 1, 5 * PIECE_OCTETS])
def test_an_answer_arrives_whole_in_pieces_that_have_a_bound(octets: int) -> None:
    written = bytes(range(256)) * (octets // 256) + b"x" * (octets % 256)
    front = Front(
        {"/page": lambda _: HttpAnswer(200, PLAIN, written)},
        _code,
        body_limit=LIMIT,
        body_seconds=60,
        threads=1,
    )
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:  # noqa: ANN401  as ASGI has it
        sent.append(message)

    scope: dict[str, Any] = {
        "type": "http",
        "method": "GET",
        "path": "/page",
        "query_string": b"",
        "headers": [],
        "client": None,
    }
    asyncio.run(front(scope, receive, send))
    pieces = sent[1:]
    assert b"".join(each["body"] for each in pieces) == written
    assert [each["more_body"] for each in pieces] == [True] * (len(pieces) - 1) + [False]
    assert max(len(each["body"]) for each in pieces) <= PIECE_OCTETS


def test_a_body_that_stands_still_is_given_up_long_before_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asgi, "STILL_SECONDS", 0.01)
    assert asyncio.run(_ask(_front(), LIMIT, asyncio.Event())) == (503, "HTTP_BODY_SLOW")


def test_a_path_ending_in_a_slash_serves_what_is_below_it_and_no_other() -> None:
    front = Front({"/page": _size, "/xsd/": _size}, _code, body_limit=LIMIT, body_seconds=60, threads=1)
    assert asyncio.run(_ask(front, path="/page")) == (200, "1")
    assert asyncio.run(_ask(front, path="/xsd/a.xsd")) == (200, "1")
    for path in ("/page/", "/xsd", "/", "/pag"):
        assert asyncio.run(_ask(front, path=path)) == (404, "Not Found.\n")
    assert asyncio.run(_ask(front, method="TRACE")) == (405, "Method Not Allowed.\n")

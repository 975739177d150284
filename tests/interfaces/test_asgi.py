"""The HTTP front holds no more at once than it has room for."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.applications import Starlette

from gateway.domain.errors import BropostError
from gateway.interfaces.asgi import BODIES_A_THREAD, SMALL_OCTETS, application
from gateway.interfaces.http import HttpAnswer, HttpRequest

LIMIT = 4 * SMALL_OCTETS
PLAIN = "text/plain"


def _size(request: HttpRequest) -> HttpAnswer:
    return HttpAnswer(200, PLAIN, str(len(request.body)).encode())


def _code(_request: HttpRequest, error: BropostError) -> HttpAnswer:
    return HttpAnswer(503, PLAIN, error.code.name.encode())


async def _ask(front: Starlette, octets: int, rest: asyncio.Event | None = None) -> str:
    """Post a body of this size, whose last octet comes after `rest`; the answer's body."""
    sent: list[bytes] = []
    pieces = [octets - 1, 1]

    async def receive() -> dict[str, Any]:
        if len(pieces) == 1 and rest is not None:
            await rest.wait()
        body = bytes(pieces.pop(0))
        return {"type": "http.request", "body": body, "more_body": bool(pieces)}

    async def send(message: Any) -> None:  # noqa: ANN401  as ASGI has it
        sent.append(message.get("body", b""))

    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": []}
    await front(scope, receive, send)
    return b"".join(sent).decode()


def test_large_bodies_wait_for_room_and_small_ones_need_none() -> None:
    front = application({"/": _size}, _code, body_limit=LIMIT, body_seconds=60, threads=1)

    async def many() -> None:
        rest = asyncio.Event()
        held = [asyncio.create_task(_ask(front, LIMIT, rest)) for _ in range(BODIES_A_THREAD)]
        await asyncio.sleep(0)  # they take their room
        assert await _ask(front, LIMIT) == "BUSY"
        assert await _ask(front, SMALL_OCTETS) == str(SMALL_OCTETS)
        rest.set()
        assert await asyncio.gather(*held) == [str(LIMIT)] * BODIES_A_THREAD
        assert await _ask(front, LIMIT) == str(LIMIT)

    asyncio.run(many())

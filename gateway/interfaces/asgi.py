"""The HTTP front: reads a bounded request, hands it to an endpoint on a thread, writes the answer.

The only asynchronous file. It decides nothing: sizes, repeated headers and encodings are refused here so that the
endpoints see whole, plain values; everything else is theirs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.domain.catalogue import Code
from gateway.domain.errors import BropostError, InputError, UnavailableError
from gateway.interfaces.http import HttpAnswer, HttpRequest

Endpoint = Callable[[HttpRequest], HttpAnswer]
Refusal = Callable[[HttpRequest, BropostError], HttpAnswer]

# Headers of which two could be read as two different messages. RFC 9112 §6.3.
_SINGLE = frozenset(
    {"content-type", "content-length", "content-encoding", "transfer-encoding", "soapaction", "host"}
)

# Of each body, what counts as nothing: a letter without attachments always finds room.
SMALL_OCTETS: Final = 256 * 1024
# How many of the largest bodies may be held at once, for each thread: one worked on, one read meanwhile.
BODIES_A_THREAD: Final = 2

_FIXED_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Strict-Transport-Security": "max-age=31536000",
}


def application(
    endpoints: Mapping[str, Endpoint], refuse: Refusal, *, body_limit: int, body_seconds: float, threads: int
) -> Starlette:
    """Return the ASGI application that serves each endpoint at its path.

    `refuse` words what is wrong before an endpoint is reached. `body_limit` is in bytes, counted while reading;
    `body_seconds` is how long reading may take.
    `threads` is how many requests are worked on at once; further ones wait.
    """
    pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="request")
    room = _Room(BODIES_A_THREAD * threads * body_limit)

    def route(path: str, endpoint: Endpoint) -> Route:
        async def serve(request: Request) -> Response:
            with room.share() as share:
                return await _serve(request, endpoint, refuse, body_limit, body_seconds, pool, share)

        return Route(path, serve, methods=["GET", "POST", "PUT", "DELETE", "PATCH"])

    return Starlette(
        routes=[route(path, endpoint) for path, endpoint in endpoints.items()],
        exception_handlers={HTTPException: _no_endpoint},
    )


class _Room:
    """The memory that bodies may take together, so that strangers with many connections cannot take all there is.

    Used by the event loop alone.
    """

    def __init__(self, octets: int) -> None:
        self.left = octets

    @contextmanager
    def share(self) -> Generator[_Share]:
        """Give one request a share, which grows with its body, until it is answered."""
        share = _Share(self)
        try:
            yield share
        finally:
            self.left += share.octets


@dataclass
class _Share:
    """What one request takes of the room."""

    room: _Room
    octets: int = 0

    def grow_to(self, body_octets: int) -> None:
        """Take room for a body of this size. UnavailableError BUSY if there is none left."""
        more = max(0, body_octets - SMALL_OCTETS) - self.octets
        if more > self.room.left:
            raise UnavailableError(Code.BUSY, seconds=1)
        self.room.left -= more
        self.octets += more


async def _no_endpoint(_request: Request, error: Exception) -> Response:
    """Answer for a path or a method that no endpoint has."""
    assert isinstance(error, HTTPException)
    headers = {**_FIXED_HEADERS, **(error.headers or {})}
    return Response(f"{error.detail}.\n", error.status_code, headers, media_type="text/plain")


async def _serve(
    request: Request,
    endpoint: Endpoint,
    refuse: Refusal,
    body_limit: int,
    body_seconds: float,
    pool: ThreadPoolExecutor,
    share: _Share,
) -> Response:
    """Read, dispatch and answer one request."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    peer = request.client.host if request.client else ""
    plain = HttpRequest(request.method, request.url.path, request.url.query, headers, b"", peer)
    try:
        _require_plain_headers(request)
        async with asyncio.timeout(body_seconds):
            body = await _read(request, body_limit, share)
    except ClientDisconnect:
        return Response(status_code=400)
    except TimeoutError:
        return _response(refuse(plain, InputError(Code.HTTP_BODY_SLOW, seconds=int(body_seconds))))
    except BropostError as error:
        return _response(refuse(plain, error))
    whole = replace(plain, body=body)
    answer = await asyncio.get_running_loop().run_in_executor(pool, endpoint, whole)
    return _response(answer)


def _require_plain_headers(request: Request) -> None:
    """Refuse a repeated header that matters, and any content encoding."""
    names = [name.decode("latin-1").lower() for name, _ in request.headers.raw]
    for name in _SINGLE:
        if names.count(name) > 1:
            raise InputError(Code.HTTP_HEADER_REPEATED, header=name)
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise InputError(Code.HTTP_CONTENT_ENCODING)


async def _read(request: Request, limit: int, share: _Share) -> bytes:
    """Return the whole body, or refuse as soon as it is known to exceed the limit or the room that is left."""
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced) > limit:
        raise InputError(Code.MESSAGE_TOO_LARGE, limit=limit)
    received = bytearray()
    async for chunk in request.stream():
        if len(received) + len(chunk) > limit:
            raise InputError(Code.MESSAGE_TOO_LARGE, limit=limit)
        share.grow_to(len(received) + len(chunk))
        received += chunk
    return bytes(received)


def _response(answer: HttpAnswer) -> Response:
    headers: dict[str, Any] = {**_FIXED_HEADERS, **answer.headers}
    return Response(answer.body, answer.status, headers, media_type=answer.content_type)

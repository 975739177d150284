"""The HTTP front: reads a bounded request, hands it to an endpoint on a thread, writes the answer.

The only asynchronous file. It decides nothing: sizes, repeated headers and encodings are refused here so that the
endpoints see whole, plain values; everything else is theirs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.domain.catalogue import Code
from gateway.domain.errors import BropostError, InputError
from gateway.interfaces.http import HttpAnswer, HttpRequest

Endpoint = Callable[[HttpRequest], HttpAnswer]
Refusal = Callable[[HttpRequest, BropostError], HttpAnswer]

# Headers of which two could be read as two different messages. RFC 9112 §6.3.
_SINGLE = frozenset(
    {"content-type", "content-length", "content-encoding", "transfer-encoding", "soapaction", "host"}
)

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

    def route(path: str, endpoint: Endpoint) -> Route:
        async def serve(request: Request) -> Response:
            return await _serve(request, endpoint, refuse, body_limit, body_seconds, pool)

        return Route(path, serve, methods=["GET", "POST", "PUT", "DELETE", "PATCH"])

    return Starlette(
        routes=[route(path, endpoint) for path, endpoint in endpoints.items()],
        exception_handlers={HTTPException: _no_endpoint},
    )


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
) -> Response:
    """Read, dispatch and answer one request."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    plain = HttpRequest(request.method, request.url.path, request.url.query, headers, b"")
    try:
        _require_plain_headers(request)
        async with asyncio.timeout(body_seconds):
            body = await _read(request, body_limit)
    except ClientDisconnect:
        return Response(status_code=400)
    except TimeoutError:
        return _response(refuse(plain, InputError(Code.HTTP_BODY_SLOW, seconds=int(body_seconds))))
    except BropostError as error:
        return _response(refuse(plain, error))
    whole = HttpRequest(plain.method, plain.path, plain.query, headers, body)
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


async def _read(request: Request, limit: int) -> bytes:
    """Return the whole body, or refuse as soon as it is known to exceed the limit."""
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced) > limit:
        raise InputError(Code.MESSAGE_TOO_LARGE, limit=limit)
    received = bytearray()
    async for chunk in request.stream():
        if len(received) + len(chunk) > limit:
            raise InputError(Code.MESSAGE_TOO_LARGE, limit=limit)
        received += chunk
    return bytes(received)


def _response(answer: HttpAnswer) -> Response:
    headers: dict[str, Any] = {**_FIXED_HEADERS, **answer.headers}
    return Response(answer.body, answer.status, headers, media_type=answer.content_type)

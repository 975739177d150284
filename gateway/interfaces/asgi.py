"""The HTTP front: reads a bounded request, hands it to an endpoint on a thread, writes the answer.

Asynchronous, as nothing behind it is; plain ASGI 3.0, for two events in and two out need no framework. It decides
nothing: sizes, repeated headers and encodings are refused here so that the endpoints see whole, plain values;
everything else is theirs.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

from gateway.domain.catalogue import Code
from gateway.domain.errors import BropostError, InputError, UnavailableError
from gateway.interfaces.http import HttpAnswer, HttpRequest
from gateway.interfaces.peers import NO_PROXIES, Peers

Endpoint = Callable[[HttpRequest], HttpAnswer]
Refusal = Callable[[HttpRequest, BropostError], HttpAnswer]
Event = Mapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]

# Headers of which two could be read as two different messages. RFC 9112 §6.3.
_SINGLE: Final = frozenset(
    {b"content-type", b"content-length", b"content-encoding", b"transfer-encoding", b"soapaction", b"host"}
)
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"})  # which of them, endpoints say

# Of each body, what counts as nothing: a letter without attachments always finds room.
SMALL_OCTETS: Final = 256 * 1024
# How many of the largest bodies may be held at once, for each thread: one worked on, one read meanwhile.
BODIES_A_THREAD: Final = 2
# What part of all that room one peer may take, so that one stranger cannot take it from everybody.
ROOM_A_PEER: Final = 0.25
# How long a body may stand still while it is read, in seconds: who sends holds room for no longer than that in vain.
STILL_SECONDS: Final = 5.0
# How much of an answer is written at once; the next piece waits until the client has taken what was written.
PIECE_OCTETS: Final = 65_536

_FIXED_HEADERS: Final = [
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"strict-transport-security", b"max-age=31536000"),
]
_NO_ENDPOINT: Final = HttpAnswer(404, "text/plain; charset=utf-8", b"Not Found.\n")
_NO_METHOD: Final = HttpAnswer(405, "text/plain; charset=utf-8", b"Method Not Allowed.\n")


class Front:
    """The ASGI application that serves each endpoint at its path; a path that ends in "/" stands for all below it.

    `refuse` words what is wrong before an endpoint is reached. `body_limit` is in bytes, counted while reading;
    `body_seconds` is how long reading may take.
    `threads` is how many requests are worked on at once; further ones wait. The paths of `beside` have a thread of
    their own each, for they tell how it is with the others. `peers` tells for whom a body counts.
    """

    def __init__(
        self,
        endpoints: Mapping[str, Endpoint],
        refuse: Refusal,
        *,
        body_limit: int,
        body_seconds: float,
        threads: int,
        beside: Mapping[str, Endpoint] = MappingProxyType({}),
        peers: Peers = NO_PROXIES,
    ) -> None:
        pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="request")
        served = {path: _Served(endpoint, pool) for path, endpoint in endpoints.items()}
        for path, endpoint in beside.items():
            served[path] = _Served(endpoint, ThreadPoolExecutor(max_workers=1, thread_name_prefix=path))
        self._exact = {path: each for path, each in served.items() if not path.endswith("/")}
        self._below = tuple((path, each) for path, each in served.items() if path.endswith("/"))
        self._refuse = refuse
        self._body_limit = body_limit
        self._body_seconds = body_seconds
        self._peers = peers
        room = BODIES_A_THREAD * threads * body_limit
        self._room = _Room(room, max(body_limit, int(room * ROOM_A_PEER)))

    async def __call__(self, scope: Event, receive: Receive, send: Send) -> None:
        """Read one request, dispatch and answer it."""
        served = self._served(scope["path"])
        if served is None or scope["method"] not in _METHODS:
            return await _answer(send, _NO_ENDPOINT if served is None else _NO_METHOD)
        plain = _plain(scope)
        with self._room.share(self._peers.counted_as(plain.peer)) as share:
            try:
                _require_plain_headers(scope)
                body = await self._read(receive, plain, share)
            except BropostError as error:
                return await _answer(send, self._refuse(plain, error))
            if body is not None:
                loop = asyncio.get_running_loop()
                asked = replace(plain, body=body)
                await _answer(send, await loop.run_in_executor(served.pool, served.endpoint, asked))
        return None

    async def _read(self, receive: Receive, plain: HttpRequest, share: _Share) -> bytes | None:
        """Return the whole body, or None if the client went away before its end.

        Refuses as soon as it is known to exceed the limit, the room that is left or the time.
        """
        announced = plain.headers.get("content-length", "0")
        if announced.isdecimal() and int(announced) > self._body_limit:
            raise InputError(Code.MESSAGE_TOO_LARGE, limit=self._body_limit)
        received = bytearray()
        until = asyncio.get_running_loop().time() + self._body_seconds
        try:
            async with asyncio.timeout_at(until) as patience:
                while True:
                    event = await receive()
                    if event["type"] == "http.disconnect":
                        return None
                    chunk = event.get("body", b"")
                    if len(received) + len(chunk) > self._body_limit:
                        raise InputError(Code.MESSAGE_TOO_LARGE, limit=self._body_limit)
                    share.grow_to(len(received) + len(chunk))
                    received += chunk
                    if not event.get("more_body", False):
                        return bytes(received)
                    patience.reschedule(min(until, asyncio.get_running_loop().time() + STILL_SECONDS))
        except TimeoutError as error:
            seconds, pause = int(self._body_seconds), int(STILL_SECONDS)
            raise InputError(Code.HTTP_BODY_SLOW, seconds=seconds, pause=pause) from error

    def _served(self, path: str) -> _Served | None:
        found = self._exact.get(path)
        if found is None:
            found = next((each for prefix, each in self._below if path.startswith(prefix)), None)
        return found


@dataclass(frozen=True)
class _Served:
    """An endpoint, and whose threads work for it."""

    endpoint: Endpoint
    pool: ThreadPoolExecutor


class _Room:
    """The memory that bodies may take together, so that strangers with many connections cannot take all there is.

    Used by the event loop alone.
    """

    def __init__(self, octets: int, most_of_one: int) -> None:
        self._left = octets
        self._most_of_one = most_of_one
        self._of_peer: Counter[str] = Counter()  # peers that hold room now, and how much

    @contextmanager
    def share(self, peer: str | None) -> Generator[_Share]:
        """Give one request of this peer a share, which grows with its body, until it is answered; None: of many."""
        share = _Share(self, peer)
        try:
            yield share
        finally:
            self.take(peer, -share.octets)

    def take(self, peer: str | None, octets: int) -> None:
        """Take or (negative) give back room. UnavailableError BUSY if there is none left for this peer."""
        of_peer = self._left if peer is None else self._most_of_one - self._of_peer[peer]
        if octets > min(self._left, of_peer):
            raise UnavailableError(Code.BUSY, seconds=1)
        self._left -= octets
        if peer is None:
            return
        self._of_peer[peer] += octets
        if not self._of_peer[peer]:
            del self._of_peer[peer]


@dataclass
class _Share:
    """What one request takes of the room."""

    room: _Room
    peer: str | None
    octets: int = 0

    def grow_to(self, body_octets: int) -> None:
        """Take room for a body of this size. UnavailableError BUSY if there is none left."""
        more = max(0, body_octets - SMALL_OCTETS) - self.octets
        if more > 0:
            self.room.take(self.peer, more)
            self.octets += more


def _plain(scope: Event) -> HttpRequest:
    """The head of a request as plain values; ASGI gives header names in lower case."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    peer = scope.get("client")
    query = scope["query_string"].decode("latin-1")
    return HttpRequest(scope["method"], scope["path"], query, headers, b"", peer[0] if peer else "")


def _require_plain_headers(scope: Event) -> None:
    """Refuse a repeated header that matters, and any content encoding."""
    seen = set()
    for name, value in scope["headers"]:
        if name not in _SINGLE:
            continue
        if name in seen:
            raise InputError(Code.HTTP_HEADER_REPEATED, header=name.decode("ascii"))
        seen.add(name)
        if name == b"content-encoding" and value.lower() != b"identity":
            raise InputError(Code.HTTP_CONTENT_ENCODING)


async def _answer(send: Send, answer: HttpAnswer) -> None:
    """Write an answer, in pieces if it is large."""
    headers = [
        (b"content-type", answer.content_type.encode("latin-1")),
        (b"content-length", str(len(answer.body)).encode("ascii")),
        *_FIXED_HEADERS,
    ]
    for name, value in answer.headers.items():
        headers.append((name.lower().encode("latin-1"), value.encode("latin-1")))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    body = memoryview(answer.body)
    for start in range(0, max(1, len(body)), PIECE_OCTETS):
        end = start + PIECE_OCTETS
        piece = bytes(body[start:end])
        await send({"type": "http.response.body", "body": piece, "more_body": end < len(body)})

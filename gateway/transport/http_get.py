"""The one HTTP client: a GET of an address that stands in the settings, bounded in size and time.

The standard library's client, which decides nothing by itself: no proxy from the environment, no cookies, no
decompression, no redirect but within the same host. docs/decisions/0026.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urljoin, urlsplit

from gateway.domain.catalogue import Code
from gateway.domain.errors import UnavailableError

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_REDIRECTS_MOST: Final = 2
_CHUNK: Final = 65_536


@dataclass(frozen=True)
class HttpLimits:
    """How large an answer may be, in bytes, and how long it may take, in seconds, from the first octet to the last."""

    most_octets: int
    seconds: float


@dataclass(frozen=True)
class HttpReply:
    """What a server answered: 200 with a body, or 304 without. Untrusted."""

    status: int
    body: bytes
    etag: str | None
    last_modified: str | None


def get(url: str, headers: Mapping[str, str], limits: HttpLimits) -> HttpReply:
    """Return the answer to a GET of an http or https address.

    UnavailableError FETCH_FAILED if the server does not answer whole, in time, within the size, with 200 or 304.
    """
    here = url
    for _ in range(_REDIRECTS_MOST + 1):
        try:
            where = urlsplit(here)
            reply, location = _ask(url, where, headers, limits)
            if reply is not None:
                return reply
            target = urlsplit(urljoin(here, location))
        except (OSError, http.client.HTTPException, ValueError) as error:  # the last: no address
            raise failed(url, f"{type(error).__name__}") from error
        if (target.scheme, target.netloc) != (where.scheme, where.netloc):
            raise failed(url, "a redirect to another host")
        here = target.geturl()
    raise failed(url, "too many redirects")


def failed(url: str, what: str) -> UnavailableError:
    """The error for an address that gave nothing."""
    return UnavailableError(Code.FETCH_FAILED, url=url, what=what)


def _ask(
    url: str, where: SplitResult, headers: Mapping[str, str], limits: HttpLimits
) -> tuple[HttpReply | None, str]:
    """One request: the reply, or None and where the server sends us."""
    connection = _connection(where, limits.seconds)
    deadline = _Deadline(connection)
    timer = threading.Timer(limits.seconds, deadline.pass_)
    timer.daemon = True
    timer.start()
    try:
        connection.connect()
        deadline.held = connection.sock
        path = (where.path or "/") + (f"?{where.query}" if where.query else "")
        connection.request("GET", path, headers={"User-Agent": "bropost", "Connection": "close", **headers})
        with connection.getresponse() as response:
            if response.status in _REDIRECTS:
                return None, response.getheader("Location") or ""
            reply = _reply(url, response, limits.most_octets)
    except (OSError, http.client.HTTPException, ValueError):
        if deadline.is_past:
            raise failed(url, "no whole answer in time") from None
        raise
    finally:
        timer.cancel()
        connection.close()
    if deadline.is_past:  # without a length, a connection that was cut looks like the end
        raise failed(url, "no whole answer in time")
    return reply, ""


class _Deadline:
    """Cuts the connection, for a server that sends octet by octet never exceeds the time for one of them."""

    def __init__(self, connection: http.client.HTTPConnection) -> None:
        self._connection = connection
        self.held: socket.socket | None = None  # the connection lets go of it while its answer is still read
        self.is_past = False

    def pass_(self) -> None:
        """End whatever the connection waits for."""
        self.is_past = True
        held = self.held or self._connection.sock
        if held is not None:
            with suppress(OSError):
                held.shutdown(socket.SHUT_RDWR)


def _connection(where: SplitResult, seconds: float) -> http.client.HTTPConnection:
    host = where.hostname or ""
    if where.scheme == "https":
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(host, where.port, timeout=seconds, context=context)
    return http.client.HTTPConnection(host, where.port, timeout=seconds)


def _reply(url: str, response: http.client.HTTPResponse, most_octets: int) -> HttpReply:
    if response.status not in (200, 304):
        raise failed(url, f"HTTP status {response.status}")
    if response.getheader("Content-Encoding", "identity").lower() != "identity":
        raise failed(url, "a compressed answer")
    body = bytearray()
    if response.length is not None and response.length > most_octets:
        raise failed(url, "an answer that is too large")
    while chunk := response.read1(_CHUNK):
        body += chunk
        if len(body) > most_octets:
            raise failed(url, "an answer that is too large")
    if response.length:  # read1 does not say that the body is cut off
        raise failed(url, "an answer that is cut off")
    etag, modified = response.getheader("ETag"), response.getheader("Last-Modified")
    return HttpReply(response.status, bytes(body), etag, modified)

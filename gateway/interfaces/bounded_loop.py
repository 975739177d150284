"""The event loop of the server: it accepts a connection only if there is a place, and bounds its TLS handshake.

The loop's own servers would make the handshake before anybody is asked: strangers who never end it would cost an open
file each, and count for nothing.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import Any, Final

import uvloop

from gateway.interfaces.connections import BoundedConnection
from gateway.interfaces.places import Place, Places

_AT_ONCE: Final = 64  # accepted before anything else has its turn
_PAUSE_SECONDS: Final = 1.0  # after the system had no file left to open


class BoundedLoop(uvloop.Loop):
    """An event loop whose servers have these places, and end a TLS handshake longer than `handshake_seconds`."""

    places: Places
    handshake_seconds: float

    async def create_server(  # type: ignore[override]
        self,
        protocol_factory: Callable[[], BoundedConnection],
        host: str | None = None,
        port: int | None = None,
        *,
        sock: socket.socket | None = None,
        ssl: ssl.SSLContext | None = None,
        backlog: int = 100,
    ) -> Door:
        """Serve at this address, or at a socket that is bound already."""
        found = [sock] if sock is not None else _bound(host, port)
        door = Door(self, found, protocol_factory, ssl)
        for each in found:
            each.setblocking(False)
            each.listen(backlog)
            self.add_reader(each.fileno(), door.accept, each)
        return door


def bounded_loop(handshake_seconds: float, places: Places) -> BoundedLoop:
    """Return an event loop that gives connections these places, and waits this long for a TLS handshake."""
    loop = BoundedLoop()
    loop.handshake_seconds, loop.places = handshake_seconds, places
    return loop


class Door:
    """Listening sockets, and what becomes of who comes to them."""

    def __init__(
        self,
        loop: BoundedLoop,
        sockets: list[socket.socket],
        protocol_factory: Callable[[], BoundedConnection],
        tls: ssl.SSLContext | None,
    ) -> None:
        """Use `BoundedLoop.create_server`."""
        self.sockets = sockets
        self._loop = loop
        self._factory = protocol_factory
        self._tls = tls
        self._coming: set[asyncio.Task[None]] = set()

    def accept(self, listening: socket.socket) -> None:
        """Let in who waits before a listening socket, and send away at once for whom there is no place."""
        for _ in range(_AT_ONCE):
            try:
                connected, address = listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError:  # no file left to open: who waits goes on waiting
                self._loop.remove_reader(listening.fileno())
                self._loop.call_later(_PAUSE_SECONDS, self._listen_again, listening)
                return
            place = self._loop.places.take(address[0] if isinstance(address, tuple) else "")
            if place is None:
                connected.close()
                continue
            connected.setblocking(False)
            task = self._loop.create_task(self._let_in(connected, place))
            self._coming.add(task)
            task.add_done_callback(self._coming.discard)

    async def _let_in(self, connected: socket.socket, place: Place) -> None:
        """Make the handshake; then the connection holds its place itself."""
        connection = self._factory()
        connection.place = place
        tls: dict[str, Any] = {}
        if self._tls is not None:
            tls = {"ssl": self._tls, "ssl_handshake_timeout": self._loop.handshake_seconds}
        try:
            await self._loop.connect_accepted_socket(lambda: connection, connected, **tls)
        except OSError:  # no TLS, not in time, or gone: a stranger's matter
            pass
        finally:
            if connection.transport is None:
                place.leave()

    def _listen_again(self, listening: socket.socket) -> None:
        if listening.fileno() >= 0:  # not closed meanwhile
            self._loop.add_reader(listening.fileno(), self.accept, listening)

    def close(self) -> None:
        """Listen no more, and give up the handshakes that go on."""
        for each in self.sockets:
            if each.fileno() >= 0:
                self._loop.remove_reader(each.fileno())
                each.close()
        for task in self._coming:
            task.cancel()

    async def wait_closed(self) -> None:
        """Wait for the handshakes that were given up."""
        await asyncio.gather(*self._coming, return_exceptions=True)


def _bound(host: str | None, port: int | None) -> list[socket.socket]:
    """Sockets at every address that a name has. OSError if one is taken."""
    found: list[socket.socket] = []
    kind, flags = socket.SOCK_STREAM, socket.AI_PASSIVE
    try:
        for family, _, _, _, address in dict.fromkeys(socket.getaddrinfo(host, port, type=kind, flags=flags)):
            each = socket.socket(family, kind)
            found.append(each)
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                each.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            each.bind(address)
    except OSError:
        for each in found:
            each.close()
        raise
    return found

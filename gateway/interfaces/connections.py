"""One HTTP connection: ended when it asks nothing, asks without end, or takes no answer.

The server limits how many connections there are, so one that is held for nothing takes a place from somebody else.
"""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar, Final

import uvloop
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

HEAD_OCTETS: Final = 32_768  # request line and headers; SOAP stacks send less than 2,000


class BoundedConnection(HttpToolsProtocol):
    """Gives a client `head_seconds` and `HEAD_OCTETS` for the head of each request; the body has limits of its own.

    An answer may take any time, as long as the client goes on taking it. `bounded_connection` says how many seconds.
    """

    head_seconds: ClassVar[float]

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._in_head = True
        self._head_octets = 0
        self._unsent = 0
        self._patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Refuse a head that has no end."""
        was_in_head = self._in_head
        super().data_received(data)
        if was_in_head and self._in_head:
            self._head_octets += len(data)
            if self._head_octets > HEAD_OCTETS and not self.transport.is_closing():
                self.send_400_response("Invalid HTTP request received.")

    def on_headers_complete(self) -> None:
        """Leave the rest of the request to the limits of its body."""
        self._in_head = False
        self._stop_waiting()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Count anew for the next request."""
        self._in_head, self._head_octets = True, 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Wait for the next request, unless it is here already."""
        super().on_response_complete()
        if self._is_idle():
            self._wait()

    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _wait(self) -> None:
        self._stop_waiting()
        self._patience = self.loop.call_later(self.head_seconds, self._lose_patience)

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _lose_patience(self) -> None:
        """End the connection, unless the client still takes the last answer."""
        unsent, before = self.transport.get_write_buffer_size(), self._unsent
        self._unsent = unsent
        if unsent and (not before or unsent < before):
            self._wait()
        elif self._is_idle():
            self.transport.abort()


def bounded_connection(head_seconds: float) -> type[BoundedConnection]:
    """Return the connections of a server that waits this long for the whole head of a request."""
    return type("ServedConnection", (BoundedConnection,), {"head_seconds": head_seconds})


class BoundedLoop(uvloop.Loop):
    """An event loop whose servers end a TLS handshake that takes longer than `handshake_seconds`."""

    handshake_seconds: ClassVar[float]

    async def create_server(self, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401  uvloop's server
        """Serve as usual, with the bound where TLS is spoken."""
        if options.get("ssl") is not None:
            options["ssl_handshake_timeout"] = self.handshake_seconds
        return await super().create_server(*arguments, **options)


def bounded_loop(handshake_seconds: float) -> BoundedLoop:
    """Return an event loop that waits this long for a TLS handshake."""
    kind: type[BoundedLoop] = type("ServingLoop", (BoundedLoop,), {"handshake_seconds": handshake_seconds})
    return kind()

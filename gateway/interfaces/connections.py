"""One HTTP connection: ended when it asks nothing, asks without end, or takes no answer.

The server has so many places for connections, so one that is held for nothing takes a place from somebody else.
"""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar, Final

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from gateway.interfaces.places import Place

HEAD_OCTETS: Final = 32_768  # request line and headers; SOAP stacks send less than 2,000
UNSENT_OCTETS: Final = 65_536  # of an answer, written and not taken; the rest waits until less is left
KEPT_PAGES: Final = (b"/health/", b"/metrics")  # answered in the last places too


class BoundedConnection(HttpToolsProtocol):
    """Gives a client `head_seconds` and `HEAD_OCTETS` for the head of each request; the body has limits of its own.

    Each time that `UNSENT_OCTETS` of an answer wait, it has `head_seconds` to take most of them, and as long again for
    the end: so an answer lasts no longer than its size allows. `bounded_connection` says how many seconds.
    """

    head_seconds: ClassVar[float]
    place: Place | None = None
    """What it gives back at its end; the server puts it here."""

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
        self._patience: asyncio.TimerHandle | None = None
        self._until_taken: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=UNSENT_OCTETS)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more, and leave its place to others."""
        self._stop_waiting()
        self._is_taken()
        if self.place is not None:
            self.place.leave()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Begin to wait for the client to take what is written."""
        super().pause_writing()
        self._is_taken()
        self._until_taken = self.loop.call_later(self.head_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """Write on: the client has taken most of it."""
        self._is_taken()
        super().resume_writing()

    def data_received(self, data: bytes) -> None:
        """Refuse a head that has no end."""
        was_in_head = self._in_head
        super().data_received(data)
        if was_in_head and self._in_head:
            self._head_octets += len(data)
            if self._head_octets > HEAD_OCTETS and not self.transport.is_closing():
                self.send_400_response("Invalid HTTP request received.")

    def on_headers_complete(self) -> None:
        """Leave the rest of the request to the limits of its body; in a last place, answer the kept pages alone."""
        self._in_head = False
        self._stop_waiting()
        is_last = self.place is not None and self.place.is_last
        self.limit_concurrency = (
            0 if is_last and not self.url.startswith(KEPT_PAGES) else None
        )  # 0: always 503
        super().on_headers_complete()
        if is_last:
            self.cycle.keep_alive = False

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

    def _is_taken(self) -> None:
        if self._until_taken is not None:
            self._until_taken.cancel()
            self._until_taken = None

    def _lose_patience(self) -> None:
        """End the connection, unless a request came meanwhile."""
        if self._is_idle():
            self.transport.abort()


def bounded_connection(head_seconds: float) -> type[BoundedConnection]:
    """Return the connections of a server that waits this long for the whole head of a request."""
    return type("ServedConnection", (BoundedConnection,), {"head_seconds": head_seconds})

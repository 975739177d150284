"""The door as it hangs in the wall: the HTTP server of the product on a socket, to which any octets can be said."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Final

import uvicorn

from gateway.app import SERVICE_PATHS
from gateway.domain.catalogue import Code
from gateway.domain.operations import Service
from gateway.interfaces.asgi import Front
from gateway.interfaces.connections import bounded_connection
from gateway.interfaces.http import HttpRequest
from gateway.xmlcore.namespaces import SERVICE, tag
from gateway.xmlcore.parse import parse
from tests.attacks.door import Cost, Door
from tests.attacks.pens import letter
from tests.services.papers import grown, row_counts

BODY_LIMIT: Final = 200_000
SECONDS: Final = 2.0  # how long a body may take here
PATH: Final = SERVICE_PATHS[Service.MUNICIPALITY]


@dataclass(frozen=True)
class WireCase:
    """One attack in octets, and how it must be refused: by our code, or before us by the HTTP parser (None)."""

    name: str
    guard: str  # "" where the HTTP parser refuses
    clause: str
    code: Code | None
    status: int
    bad: Callable[[Door], bytes]

    def __str__(self) -> str:
        return self.name


class Wire:
    """A server before an installation, for a block."""

    def __init__(self, door: Door) -> None:
        self.door = door
        services = {path: door.endpoint(path) for path in SERVICE_PATHS.values()}
        front = Front(
            {path: service.serve for path, service in services.items()},
            lambda request, error: services.get(request.path, services[PATH]).refuse(request, error),
            body_limit=BODY_LIMIT,
            body_seconds=SECONDS,
            threads=1,
        )
        self._socket = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(
            front,
            http=bounded_connection(SECONDS),
            loop="uvloop",
            lifespan="off",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            log_config=None,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]})

    def __enter__(self) -> Wire:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()

    def say(self, octets: bytes) -> bytes:
        """Everything that the server says to these octets until it closes."""
        received = b""
        with (
            socket.create_connection(self._socket.getsockname(), timeout=20) as connection,
            suppress(OSError),
        ):
            connection.sendall(octets)
            while piece := connection.recv(65_536):
                received += piece
        return received

    def passes(self) -> None:
        """State that a letter is accepted."""
        assert self.say(written(letter(self.door))).startswith(b"HTTP/1.1 200 ")

    def withstands(self, case: WireCase) -> None:
        """State everything that a case states."""
        self.passes()
        octets = case.bad(self.door)
        before = row_counts(self.door.house)
        self.door.heard.clear()
        with Cost(len(octets)):
            answer = self.say(octets)
        assert answer.count(b"HTTP/1.1 ") == 1, answer
        assert answer.startswith(b"HTTP/1.1 %d " % case.status), answer
        assert told(answer) == (case.code and case.code.name)
        assert [error.code for error in self.door.heard] == ([case.code] if case.code else [])
        assert grown(before, row_counts(self.door.house)) == {}
        self.passes()

    def refusal(self, case: WireCase) -> Code | None:
        """With what our code refuses an attack, INTERNAL if there is no answer; nothing is stated."""
        self.door.heard.clear()
        answer = self.say(case.bad(self.door))
        if self.door.heard:
            return self.door.heard[-1].code
        return None if answer.startswith(b"HTTP/1.1 200 ") else Code.INTERNAL


def told(answer: bytes) -> str | None:
    """The code of the fault in an answer."""
    body = answer.partition(b"\r\n\r\n")[2]
    return parse(body).findtext(f".//{tag(SERVICE, 'Code')}") if body.startswith(b"<") else None


def written(request: HttpRequest, *more: str, length: bool = True, line: str = "") -> bytes:
    """The octets of a request, with further header lines, on a connection that ends with it."""
    head = [
        line or f"{request.method} {request.path} HTTP/1.1",
        "Host: localhost",
        "Connection: close",
        *(f"{name}: {value}" for name, value in request.headers.items()),
        *([f"Content-Length: {len(request.body)}"] if length else []),
        *more,
    ]
    return "\r\n".join([*head, "", ""]).encode("latin-1") + request.body


def without_body(request: HttpRequest) -> HttpRequest:
    """The request with a body to be written otherwise."""
    return replace(request, body=b"")

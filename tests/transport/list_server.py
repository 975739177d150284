"""A web server on this machine that answers what a test says, and remembers what it was asked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class ListServer:
    """Serves `body` at every path, with an ETag of its own, unless `answer` says otherwise."""

    port: int = 0
    body: bytes = b""
    etag: str | None = '"1"'
    answer: Answer | None = None
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)  # path and headers

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}/issuing.crl"

    def handle(self, request: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        self.asked.append((request.path, dict(request.headers)))
        if self.answer is not None:
            self.answer(request)
            return
        if self.etag is not None and request.headers.get("If-None-Match") == self.etag:
            request.send_response(304)
            request.end_headers()
            return
        request.send_response(200)
        if self.etag is not None:
            request.send_header("ETag", self.etag)
        request.send_header("Content-Length", str(len(self.body)))
        request.end_headers()
        request.wfile.write(self.body)


@contextmanager
def serving() -> Generator[ListServer]:
    """Serve during the block."""
    served = ListServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.handle(self)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  as the library names it
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    served.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def says(status: int, body: bytes = b"", **headers: str) -> Answer:
    """An answer with this status, body and headers ("_" stands for "-"), and no length unless it is given."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(body)

    return answer


def drips(*, head: bool) -> Answer:
    """An answer that comes octet by octet and never ends: in its headers, or in its body."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        never = threading.Event()
        if not head:
            request.send_response(200)
            request.end_headers()
        try:
            while not never.wait(0.05):
                request.wfile.write(b"H" if head else b"\0")
                request.wfile.flush()
        except OSError:
            return

    return answer

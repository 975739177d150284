"""A real HTTP server on the loopback that serves the WSDLs and schemas as the product words them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from gateway.domain.operations import Service
from gateway.protocol.wsdl import MEDIA_TYPE, RESOURCE_FOLDER, resource, wsdl


@contextmanager
def serving_wsdls() -> Iterator[dict[Service, str]]:
    """Give the address of each service; ADDRESS?wsdl is its WSDL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield {service: f"http://127.0.0.1:{server.server_port}/{service.value}/1" for service in Service}
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, ThreadingHTTPServer)
        port = self.server.server_port
        for service in Service:
            path = f"/{service.value}/1"
            folder = f"{path}/{RESOURCE_FOLDER}/"
            if self.path == f"{path}?wsdl":
                return self._answer(wsdl(service, f"http://127.0.0.1:{port}{path}"))
            if self.path.startswith(folder):
                return self._answer(resource(self.path.removeprefix(folder)))
        return self.send_error(404)

    def _answer(self, octets: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", MEDIA_TYPE)
        self.send_header("Content-Length", str(len(octets)))
        self.end_headers()
        self.wfile.write(octets)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing: the tests say what is wrong."""

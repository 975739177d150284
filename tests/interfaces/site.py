"""A gateway that serves on a port of this machine, to be asked over HTTPS or told anything."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from demo.server import Server, free_port
from tests.development import COMMAND, change_settings, make_installation, pki_folder, run
from tests.pki import development_pki

MUNICIPALITY = "/municipality/1"


@dataclass(frozen=True)
class Site:
    """A gateway that serves, and its settings."""

    server: Server
    settings: Path

    @property
    def tls(self) -> ssl.SSLContext:
        """Believes the development root alone."""
        pem = development_pki().certificate("root").pem + development_pki().certificate("issuing").pem
        return ssl.create_default_context(cadata=pem.decode())

    def connection(self) -> http.client.HTTPSConnection:
        """A connection over TLS."""
        return http.client.HTTPSConnection("localhost", self.server.port, timeout=20, context=self.tls)

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[http.client.HTTPResponse, bytes]:
        """Ask once, on a connection of its own."""
        connection = self.connection()
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer, answer.read()
        finally:
            connection.close()

    def raw(self, source: str = "127.0.0.1", *, taking: int | None = None) -> ssl.SSLSocket:
        """A connection on which anything can be said; `taking`: so many octets wait at the client."""
        plain = socket.socket()
        plain.settimeout(20)
        if taking is not None:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, taking)
        plain.bind((source, 0))
        plain.connect(("127.0.0.1", self.server.port))
        return self.tls.wrap_socket(plain, server_hostname="localhost")

    def status(self, path: str, source: str) -> int:
        """The status of an answer to a client at this address."""
        with self.raw(source) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            return int(connection.recv(65_536).split()[1])

    def say(self, *pieces: bytes) -> bytes:
        """The whole answer to these octets, after which the server closes."""
        with self.raw() as connection:
            for piece in pieces:
                connection.sendall(piece)
            received = b""
            while piece := connection.recv(65_536):
                received += piece
            return received


@contextmanager
def serving(folder: Path, *server_lines: str) -> Generator[Site]:
    """`bropost serve` for the block, with these lines in the settings of the server; a case system is registered."""
    port = free_port()
    settings = make_installation(folder, port)
    change_settings(settings, "limits", "attachments_bytes = 300")
    change_settings(
        settings, "server", "body_seconds = 2", "shutdown_seconds = 20", "threads = 2", *server_lines
    )
    run("party", "add", "Eksempelby Kommune", "11111111-0999", "--settings", settings)
    chain = pki_folder() / "eksempelby-esdh.chain.pem"
    run("system", "add", "ESDH", "--certificate", chain, "--settings", settings)
    authorities = folder / "authorities.pem"
    authorities.write_bytes(development_pki().certificate("root").pem)
    command = [str(COMMAND), "serve", "--settings", str(settings)]
    with Server(command, port, authorities, folder / "log.txt") as server:
        server.wait_until_ready()
        yield Site(server, settings)

"""Somebody on the way to the gateway who writes into its answers where no signature forbids it: into the header."""

from __future__ import annotations

import base64
import hashlib
import http.client
import ssl
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

from lxml import etree

DS: Final = "{http://www.w3.org/2000/09/xmldsig#}"
SERVICE: Final = "urn:dk:bropost:service:1"
CODE: Final = "NOT_FOUND"


@contextmanager
def forging(real: str, authorities: Path, certificate: Path, key: Path) -> Generator[str]:
    """Stand before the gateway at this address (https://host:port), and give the address to ask instead."""
    host, port = real.removeprefix("https://").split(":")
    trusted = ssl.create_default_context(cafile=authorities)

    class Forger(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._pass_on(None)

        def do_POST(self) -> None:
            self._pass_on(self._body())

        def _body(self) -> bytes:
            """The body, of an announced length or in chunks."""
            if "Content-Length" in self.headers:
                return self.rfile.read(int(self.headers["Content-Length"]))
            pieces = []
            while size := int(self.rfile.readline(), 16):
                pieces.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(pieces)

        def _pass_on(self, asked: bytes | None) -> None:
            connection = http.client.HTTPSConnection(host, int(port), context=trusted, timeout=30)
            kept = {
                name: value
                for name, value in self.headers.items()
                if name.lower() in ("content-type", "soapaction")
            }
            connection.request(self.command, self.path, asked, kept)
            answer = connection.getresponse()
            octets = answer.read()
            connection.close()
            octets = octets.replace(real.encode(), own.encode()) if asked is None else _forged(octets, asked)
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.headers["Content-Type"])
            self.send_header("Content-Length", str(len(octets)))
            self.end_headers()
            self.wfile.write(octets)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Forger)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    own = f"https://localhost:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield own
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _forged(answer: bytes, asked: bytes) -> bytes:
    """The answer with a refusal in its header, which names the request as a true one would."""
    (signed_info,) = etree.fromstring(asked).iter(f"{DS}SignedInfo")
    digest = hashlib.sha256(etree.tostring(signed_info, method="c14n", exclusive=True)).digest()
    refusal = (
        f'<svc:BropostFault xmlns:svc="{SERVICE}"><svc:Code>{CODE}</svc:Code><svc:Retryable>false</svc:Retryable>'
        f"<svc:RequestDigest>{base64.b64encode(digest).decode()}</svc:RequestDigest>"
        "<svc:Danish>Forfalsket.</svc:Danish></svc:BropostFault>"
    )
    root = etree.fromstring(answer)
    root[0].append(etree.fromstring(refusal))
    return etree.tostring(root)

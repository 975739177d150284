"""Somebody before the gateway who changes its answers: where no signature forbids it, or with the gateway's own key."""

from __future__ import annotations

import base64
import email.message
import hashlib
import http.client
import ssl
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final, TypeAlias

import xmlsec
from lxml import etree

from demo.message_signature import WSSE, WSU

DS: Final = "{http://www.w3.org/2000/09/xmldsig#}"
SERVICE: Final = "urn:dk:bropost:service:1"
CODE: Final = "NOT_FOUND"
_INCLUDE: Final = "{http://www.w3.org/2004/08/xop/include}Include"

Answer: TypeAlias = tuple[str, bytes]
"""A media type and the octets of that type."""
Forge: TypeAlias = Callable[[Answer, bytes], Answer]
"""What becomes of an answer to the request with these octets."""
Alter: TypeAlias = Callable[[etree._Element], None]
"""Changes a RetrieveResponse in its place."""


@contextmanager
def forging(real: str, authorities: Path, certificate: Path, key: Path, forge: Forge) -> Generator[str]:
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
            media_type = answer.headers["Content-Type"]
            if asked is None:
                octets = octets.replace(real.encode(), own.encode())
            else:
                media_type, octets = forge((media_type, octets), asked)
            self.send_response(answer.status)
            self.send_header("Content-Type", media_type)
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


def with_refusal_in_header(answer: Answer, asked: bytes) -> Answer:
    """The answer with a refusal in its header, which names the request as a true one would."""
    (signed_info,) = etree.fromstring(asked).iter(f"{DS}SignedInfo")
    digest = hashlib.sha256(etree.tostring(signed_info, method="c14n", exclusive=True)).digest()
    refusal = (
        f'<svc:BropostFault xmlns:svc="{SERVICE}"><svc:Code>{CODE}</svc:Code><svc:Retryable>false</svc:Retryable>'
        f"<svc:RequestDigest>{base64.b64encode(digest).decode()}</svc:RequestDigest>"
        "<svc:Danish>Forfalsket.</svc:Danish></svc:BropostFault>"
    )
    media_type, octets = answer
    root = etree.fromstring(octets)
    root[0].append(etree.fromstring(refusal))
    return media_type, etree.tostring(root)


def altering(altered: Mapping[str, Alter], gateway_key: Path) -> Forge:
    """A gateway that alters the documents of these ids where it hands them out, and signs that as its own answer."""

    def forge(answer: Answer, _: bytes) -> Answer:
        media_type, envelope = _inline(answer)
        found = envelope.find(f"{{*}}Body/{{{SERVICE}}}RetrieveResponse")
        alter = None if found is None else altered.get(found.findtext(f"{{{SERVICE}}}DocumentId") or "")
        if found is None or alter is None:
            return answer
        alter(found)
        _sign(envelope, gateway_key)
        return media_type, etree.tostring(envelope)

    return forge


def _inline(answer: Answer) -> tuple[str, etree._Element]:
    """The envelope with its MTOM parts where they belong, and the media type that it has without them."""
    media_type, octets = answer
    if not media_type.startswith("multipart/"):
        return media_type, etree.fromstring(octets)
    whole = email.message_from_bytes(f"Content-Type: {media_type}\r\n\r\n".encode() + octets)
    parts = [part for part in whole.walk() if not part.is_multipart()]
    contents = {(part["Content-ID"] or "").strip("<>"): _octets(part) for part in parts}
    envelope = etree.fromstring(_octets(parts[0]))
    for include in list(envelope.iter(_INCLUDE)):
        holder = include.getparent()
        assert holder is not None
        holder.text = base64.b64encode(contents[include.get("href", "").removeprefix("cid:")]).decode()
        holder.remove(include)
    is_12 = etree.QName(envelope).namespace == "http://www.w3.org/2003/05/soap-envelope"
    return "application/soap+xml" if is_12 else "text/xml", envelope


def _octets(part: email.message.Message) -> bytes:
    octets = part.get_payload(decode=True)
    assert isinstance(octets, bytes)
    return octets


def _sign(envelope: etree._Element, key: Path) -> None:
    """Make the signature of an answer anew, over what stands there now."""
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_file(str(key), xmlsec.constants.KeyDataFormatPem)
    for element in envelope.iter("*"):
        if element.get(f"{{{WSU}}}Id") is not None:
            context.register_id(element, "Id", WSU)
    signature = envelope.find(f"{{*}}Header/{{{WSSE}}}Security/{DS}Signature")
    assert signature is not None
    context.sign(signature)

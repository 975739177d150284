"""A clamd for tests: speaks its protocol as clamd(8) says, finds one mark, and misbehaves when told to."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

MARK = (
    b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-" + b"ANTIVIRUS-TEST-FILE!$H+H*"
)  # harmless, by agreement
FOUND = "Test.Eicar"


@dataclass
class FakeClamd:
    """What it was asked, and how it answers: by what it finds, unless `says` or `silent` is set."""

    address: str
    stream_max: int = 25 * 1024 * 1024
    says: bytes | None = None
    seconds: float = 0  # what it takes its time for
    silent: threading.Event = field(default_factory=threading.Event)  # set: it hears and never answers
    ended: threading.Event = field(default_factory=threading.Event)
    commands: list[bytes] = field(default_factory=list)
    streams: list[bytes] = field(default_factory=list)


@contextmanager
def clamd(where: Path | None = None) -> Generator[FakeClamd]:
    """A clamd at a socket in this folder, or at a port of this machine, during the block."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            command = _until_nul(self)
            fake.commands.append(command)
            answer = b"PONG" if command == b"zPING" else b"UNKNOWN COMMAND"
            if command == b"zINSTREAM":
                answer = _scan(self, fake)
            fake.ended.wait(fake.seconds)
            if fake.silent.is_set():
                fake.ended.wait(10)
            else:
                self.wfile.write(answer + b"\0" if fake.says is None else fake.says)

    server: socketserver.BaseServer
    if where is None:
        tcp = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        server, fake = tcp, FakeClamd(f"tcp://127.0.0.1:{tcp.server_address[1]}")
    else:
        path = str(where / "clamd.sock")
        server, fake = socketserver.ThreadingUnixStreamServer(path, Handler), FakeClamd(f"unix:{path}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        fake.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _until_nul(handler: socketserver.StreamRequestHandler) -> bytes:
    said = b""
    while octet := handler.rfile.read(1):
        if octet == b"\0":
            break
        said += octet
    return said


def _scan(handler: socketserver.StreamRequestHandler, fake: FakeClamd) -> bytes:
    octets = b""
    while length := int.from_bytes(handler.rfile.read(4), "big"):
        octets += handler.rfile.read(length)
        if len(octets) > fake.stream_max:
            return b"INSTREAM size limit exceeded. ERROR"
    fake.streams.append(octets)
    return f"stream: {FOUND} FOUND".encode() if MARK in octets else b"stream: OK"

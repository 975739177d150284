"""The whole server: `bropost serve` as a process of its own, asked over HTTPS on 16 connections."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.attachments import SIZES, pdf
from bench.installation import CODES, Attached, Keys, Message, letter_message, open_bench, pki_of, register
from bench.measure import cpu_seconds, effort
from bench.primitives import Primitives
from bench.report import Part, Result, table
from gateway.app import SERVICE_PATHS, open_installation
from gateway.crypto.development_pki import files
from gateway.domain.operations import Service
from gateway.settings import load_settings

CONNECTIONS: Final = 16
GOALS: Final = {Keys.RSA_2048: 2.0, Keys.P_256: 3.0}
_START_SECONDS: Final = 30
_MEMORY_MB: Final = 64
_BROPOST: Final = Path(sys.executable).with_name("bropost")


@dataclass(frozen=True)
class Server:
    """A running server: its process, port, and the threads that do no request."""

    process: subprocess.Popen[bytes]
    port: int
    authorities: Path
    worker: frozenset[str] = frozenset()  # thread ids

    def threads(self) -> dict[str, float]:
        """CPU seconds of each thread so far."""
        found = {}
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            found[task.name] = int((task / "schedstat").read_text("ascii").split()[0]) / 1e9
        return found

    def cpu(self) -> tuple[float, float]:
        """CPU seconds so far: of the threads that serve requests, and of the worker."""
        threads = self.threads()
        working = sum(seconds for name, seconds in threads.items() if name in self.worker)
        return sum(threads.values()) - working, working

    def memory(self, name: str) -> int:
        """A figure of the process's memory, in KB: VmRSS now, VmHWM the most since `forget_peak`."""
        status = Path(f"/proc/{self.process.pid}/status").read_text("ascii")
        found = re.search(rf"{name}:\s*(\d+)", status)
        assert found is not None
        return int(found[1])

    def forget_peak(self) -> None:
        """Let VmHWM begin anew."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5", "ascii")


@contextmanager
def serving(folder: Path, keys: Keys) -> Generator[Server]:
    """A server with a fresh installation on SQLite, up for the block."""
    with serving_together(folder, keys, "sqlite:///bropost.db", 1) as (server,):
        yield server


@contextmanager
def serving_together(folder: Path, keys: Keys, database: str, processes: int) -> Generator[list[Server]]:
    """So many server processes of one fresh installation, whose database is at this address, up for the block."""
    pki = folder / "pki"
    pki.mkdir(parents=True)
    for name, octets in files(pki_of(keys)).items():
        (pki / name).write_bytes(octets)
        (pki / name).chmod(0o600)
    ports = [_free_port() for _ in range(processes)]
    command = [str(_BROPOST), "pki", "init", str(folder), "--pki", str(pki), "--port", str(ports[0])]
    for register_name in ("municipalities", "institutions"):
        command += [f"--{register_name}", str(CODES / f"{register_name}.toml")]
    subprocess.run(command, check=True, capture_output=True)
    written = (folder / "bropost.toml").read_text("utf-8")
    settings = [folder / f"bropost-{port}.toml" for port in ports]
    for path, port in zip(settings, ports, strict=True):
        own = written.replace(f"port = {ports[0]}", f"port = {port}")
        path.write_text(own.replace("sqlite:///bropost.db", database), "utf-8")
    installation = open_installation(load_settings(settings[0]))
    register(installation, pki_of(keys))
    installation.database.close()
    with ExitStack() as stack:
        yield [stack.enter_context(_up(path, port)) for path, port in zip(settings, ports, strict=True)]


@contextmanager
def _up(settings: Path, port: int) -> Generator[Server]:
    """A server process with these settings."""
    with settings.with_suffix(".log").open("wb") as log:
        process = subprocess.Popen(
            [str(_BROPOST), "serve", "--settings", str(settings)], stdout=log, stderr=log
        )
    try:
        server = Server(process, port, settings.parent / "pki" / "root.cer")
        _wait_until_up(server)
        # Before the first request there are the main thread, which does the input and output, and the worker.
        idle = frozenset(server.threads()) - {str(process.pid)}
        yield Server(process, port, server.authorities, idle)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _wait_until_up(server: Server) -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until and server.process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", server.port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("the server did not start")


def send(server: Server, messages: Sequence[Message]) -> list[float]:
    """Send the messages over 16 connections that are kept alive; the seconds that each took."""
    return asyncio.run(_send([server], messages))


def send_in_turn(servers: Sequence[Server], messages: Sequence[Message]) -> list[float]:
    """The same, the connections shared out among several servers."""
    return asyncio.run(_send(servers, messages))


async def _send(servers: Sequence[Server], messages: Sequence[Message]) -> list[float]:
    trusted = ssl.create_default_context(cadata=servers[0].authorities.read_bytes())
    trusted.verify_flags &= ~ssl.VERIFY_X509_STRICT
    waiting, times = list(messages), []

    async def connection(server: Server) -> None:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", server.port, ssl=trusted, server_hostname="localhost"
        )
        while waiting:
            message = waiting.pop()
            start = time.perf_counter()
            writer.write(_head(message) + message.body)
            await writer.drain()
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
            assert length is not None
            body = await reader.readexactly(int(length[1]))
            times.append(time.perf_counter() - start)
            if not head.startswith(b"HTTP/1.1 200"):
                raise AssertionError(body[-2000:].decode(errors="replace"))
        writer.close()
        await writer.wait_closed()

    numbers = range(min(CONNECTIONS, len(messages)))
    await asyncio.gather(*(connection(servers[number % len(servers)]) for number in numbers))
    return times


def _head(message: Message) -> bytes:
    return (
        f"POST {SERVICE_PATHS[Service.MUNICIPALITY]} HTTP/1.1\r\nHost: localhost\r\n"
        f"Content-Type: {message.content_type}\r\nContent-Length: {len(message.body)}\r\n\r\n"
    ).encode("ascii")


def settled(server: Server) -> None:
    """Wait until the worker has delivered everything."""
    before = -1.0
    while server.cpu()[1] - before > 0.05:
        before = server.cpu()[1]
        time.sleep(1)


def at_sixteen_connections(folder: Path) -> Part:
    """CPU time of a request in the server, and how long clients wait."""
    results, rows = [], []
    for keys in Keys:
        measured = _measure(folder / keys.value, keys)
        cost = measured.requests / measured.primitives
        if keys in GOALS:
            results.append(Result(f"whole server, CPU per request, {keys.label}", cost, GOALS[keys]))
            results.append(
                Result(f"whole server, p99 over p50, {keys.label}", measured.p99 / measured.p50, 3)
            )
        rows.append(
            [keys.label]
            + [
                f"{seconds * 1e3:.2f}"
                for seconds in (measured.requests, measured.worker, measured.primitives)
            ]
            + [f"{cost:.2f}"]
            + [f"{measured.p50 * 1e3:.0f}", f"{measured.p99 * 1e3:.0f}", f"{measured.per_second:.0f}"]
        )
    heading = ["keys", "request, ms CPU", "delivery by the worker, ms CPU", "primitives, ms CPU", "ratio"]
    note = (
        "One process with TLS, HTTP, the request threads and the worker; the client runs on the same cores. The goal "
        "is for the request; the worker delivers each letter beside it - its own evidence, seal, three log entries "
        "and commits - and is shown apart. Times in wall-clock time include the wait for a request thread."
    )
    return Part(
        "The whole server",
        results,
        f"{note}\n\n{table([*heading, 'p50, ms', 'p99, ms', 'letters a second'], rows)}",
    )


@dataclass(frozen=True)
class _Measured:
    """Seconds a request, medians of the rounds."""

    requests: float
    worker: float
    primitives: float
    p50: float
    p99: float
    per_second: float


def _measure(folder: Path, keys: Keys) -> _Measured:
    key = pki_of(keys).signing_key("eksempelby-esdh")
    bench = open_bench(folder / "primitives", keys)
    primitives = Primitives(bench, folder / "primitives")
    requests, worker, least, times, speed = [], [], [], [], []
    count = effort(320, 16)
    with serving(folder / "server", keys) as server:
        send(server, [letter_message(key) for _ in range(effort(160, 16))])
        settled(server)
        for _ in range(effort(6, 1)):
            messages = [letter_message(key) for _ in range(count)]
            before, start = server.cpu(), time.perf_counter()
            times += send(server, messages)
            speed.append(count / (time.perf_counter() - start))
            requests.append((server.cpu()[0] - before[0]) / count)
            settled(server)
            worker.append((server.cpu()[1] - before[1]) / count)
            calls = primitives.prepare(effort(60, 3))
            least.append(cpu_seconds(primitives.submit, calls) / len(calls))
    bench.installation.database.close()
    ordered = sorted(times)
    return _Measured(
        statistics.median(requests),
        statistics.median(worker),
        statistics.median(least),
        statistics.median(ordered),
        ordered[int(len(ordered) * 0.99)],
        statistics.median(speed),
    )


def memory_of_attachments(folder: Path) -> Part:
    """The most memory above idle that a request with a large attachment takes."""
    key = pki_of(Keys.RSA_2048).signing_key("eksempelby-esdh")
    results, rows = [], []
    with serving(folder, Keys.RSA_2048) as server:
        send(server, [letter_message(key) for _ in range(32)])
        settled(server)
        idle = server.memory("VmRSS")
        for size, name in ((size, name) for size in SIZES for name in ("SwA", "MTOM")):
            attached = Attached(pdf(size), "application/pdf", mtom=name == "MTOM")
            found = []
            for _ in range(effort(5, 2)):
                message = letter_message(key, attached)
                server.forget_peak()
                send(server, [message])
                found.append((server.memory("VmHWM") - idle) / 1e3)
            if size == SIZES[0]:
                what = f"memory of a request with {size / 1e6:g} MB by {name}"
                results.append(Result(what, max(found), _MEMORY_MB, unit="MB"))
            rows.append([f"{size / 1e6:g} MB by {name}", f"{max(found):.1f}"])
    return Part("Memory", results, table(["attachment", "MB above idle, at most"], rows))

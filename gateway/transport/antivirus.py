"""clamd, the daemon of ClamAV: octets in, clean or what was found out. Anything else is no verdict.

Its protocol in the few commands that are needed, clamd(8): PING, and INSTREAM with the octets in chunks, each after its
length in four octets, and an empty one at the end.
"""

from __future__ import annotations

import re
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from gateway.domain.catalogue import Code
from gateway.domain.errors import UnavailableError

PING_SECONDS: Final = 2.0  # a clamd that lives answers at once
# How long somebody waits for a seat, and for how long none may have been taken or left before nobody waits at all:
# one scan takes far less where clamd is well. docs/decisions/0029
SEAT_SECONDS: Final = 1.0
REMEMBERED_SECONDS: Final = 15.0  # how long its last answer to PING counts; who watches asks more often
Look = Callable[[bytes | memoryview], str | None]
_CHUNK: Final = 65_536
_ANSWER_MOST: Final = 1024  # a name and a few words
_FOUND: Final = re.compile(rb"stream: (.+) FOUND", re.DOTALL)
_NAME: Final = re.compile(r"[A-Za-z0-9._/:()-]{1,100}")


class Clamd:
    """A clamd at "unix:/path" or "tcp://host:port", whom no more than some ask at once, so that others can go on."""

    def __init__(self, address: str, seconds: float, at_once: int = 1) -> None:
        """Give it `seconds` for everything that one asks in a sitting; `at_once` is how many sittings there may be."""
        self.address = address
        self.seconds = seconds
        self._seats = _Seats(at_once)
        self._asking = threading.Lock()
        self._heard: tuple[float, bool] | None = None  # when, monotonic, and whether it answered

    @contextmanager
    def sitting(self) -> Generator[Look]:
        """What looks for the block, as `find` does, at all that it is shown.

        UnavailableError ANTIVIRUS_UNAVAILABLE if as many as may are looking already, and none of them ends within
        `SEAT_SECONDS`; at once if none has for that long.
        """
        if not self._seats.take():
            raise UnavailableError(Code.ANTIVIRUS_UNAVAILABLE, what="as many scans as may be are under way")
        until = time.monotonic() + self.seconds
        try:
            yield lambda octets: self._found(octets, until)
        finally:
            self._seats.leave()

    def find(self, octets: bytes | memoryview) -> str | None:
        """Return the name of what clamd finds in the octets, or None where it says that they are clean.

        UnavailableError ANTIVIRUS_UNAVAILABLE if it says neither, or nothing in time.
        """
        with self.sitting() as look:
            return look(octets)

    def _found(self, octets: bytes | memoryview, until: float) -> str | None:
        """What `find` returns, asked until the monotonic time `until`."""
        with self._conversation(until) as clamd:
            answer = clamd.stream(memoryview(octets))
        if answer == b"stream: OK":
            return None
        if found := _FOUND.fullmatch(answer):
            name = found[1].decode("ascii", "replace")
            return name if _NAME.fullmatch(name) else "?"
        what = "it takes less at once" if b"size limit exceeded" in answer else "no verdict"
        raise UnavailableError(Code.ANTIVIRUS_UNAVAILABLE, what=what)

    def is_answering(self) -> bool:
        """Whether clamd answered when it was asked last; it is asked now if nobody has asked for a while.

        Nobody waits for another's question: while one is under way and the last answer is old, there is none.
        """
        heard = self._heard
        if heard is not None and time.monotonic() - heard[0] < REMEMBERED_SECONDS:
            return heard[1]
        if not self._asking.acquire(blocking=False):
            return False
        try:
            return self._asked()
        finally:
            self._asking.release()

    def ask(self) -> bool:
        """Whether clamd is there: asked now, for `is_answering` to remember."""
        with self._asking:
            return self._asked()

    def _asked(self) -> bool:
        try:
            with self._conversation(time.monotonic() + min(self.seconds, PING_SECONDS)) as clamd:
                answers = clamd.ask(b"PING") == b"PONG"
        except UnavailableError:
            answers = False
        self._heard = time.monotonic(), answers
        return answers

    @contextmanager
    def _conversation(self, until: float) -> Generator[_Conversation]:
        """One connection, for one question; whatever goes wrong with it is no answer."""
        try:
            seconds = until - time.monotonic()
            if seconds <= 0:
                raise TimeoutError
            with self._connected(seconds) as connected:
                yield _Conversation(connected, until)
        except TimeoutError as error:
            raise UnavailableError(Code.ANTIVIRUS_UNAVAILABLE, what="no whole answer in time") from error
        except (OSError, ValueError) as error:
            raise UnavailableError(Code.ANTIVIRUS_UNAVAILABLE, what="no connection") from error

    def _connected(self, seconds: float) -> socket.socket:
        if self.address.startswith("unix:"):
            connected = socket.socket(socket.AF_UNIX)
            connected.settimeout(seconds)
            try:
                connected.connect(self.address.removeprefix("unix:"))
            except OSError:
                connected.close()
                raise
            return connected
        where = urlsplit(self.address)
        return socket.create_connection((where.hostname, where.port), timeout=seconds)


class _Seats:
    """So many seats; who finds none waits a little, as long as those before come and go."""

    def __init__(self, seats: int) -> None:
        self._free = seats  # while one is, nobody waits
        self._moved = 0.0  # when one was last taken or left, monotonic
        self._waiting: deque[threading.Event] = (
            deque()
        )  # each is set when its seat is given, the longest first
        self._changing = threading.Lock()

    def take(self) -> bool:
        """Whether a seat was free, or was given soon enough. `leave` it then."""
        given, until = threading.Event(), time.monotonic() + SEAT_SECONDS
        with self._changing:
            if self._free:
                self._free -= 1
                self._moved = time.monotonic()
                return True
            self._waiting.append(given)
        while not given.wait(max(0.0, self._left(until))):
            with self._changing:
                if not given.is_set() and self._left(until) <= 0:
                    self._waiting.remove(given)
                    return False
        return True

    def leave(self) -> None:
        """Let who has waited longest have the seat."""
        with self._changing:
            self._moved = time.monotonic()
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._free += 1

    def _left(self, until: float) -> float:
        return min(until, self._moved + SEAT_SECONDS) - time.monotonic()


@dataclass(frozen=True)
class _Conversation:
    """One question to clamd over a connection that is open until the monotonic time `until`."""

    connected: socket.socket
    until: float

    def ask(self, command: bytes) -> bytes:
        """The answer to a command."""
        self._send(b"z" + command + b"\0")
        return self._answer()

    def stream(self, octets: memoryview) -> bytes:
        """The answer to INSTREAM with these octets."""
        try:
            self._send(b"zINSTREAM\0")
            for start in range(0, len(octets), _CHUNK):
                chunk = octets[start : start + _CHUNK]
                self._send(len(chunk).to_bytes(4, "big"))
                self._send(chunk)
            self._send(bytes(4))
        except (BrokenPipeError, ConnectionResetError):
            pass  # it answers before the end what it does not take
        return self._answer()

    def _send(self, octets: bytes | memoryview) -> None:
        self._require_time()
        self.connected.sendall(octets)

    def _answer(self) -> bytes:
        """What clamd says up to its NUL; cut off, it is no answer."""
        said = bytearray()
        while not said.endswith(b"\0"):
            self._require_time()
            more = self.connected.recv(_ANSWER_MOST)
            said += more
            if not more or len(said) > _ANSWER_MOST:
                return b""
        return bytes(said[:-1])

    def _require_time(self) -> None:
        """Give the next step what is left of the time."""
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self.connected.settimeout(left)

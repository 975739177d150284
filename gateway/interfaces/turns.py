"""Turns at the interpreter: so many threads compute at once, the others wait instead of struggling for it.

One Python interpreter runs one thread at a time. Threads that compute at once hand it over at every call that lets go
of it (each digest, parse and signature), which was measured at a third more CPU time for each request.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TypeVar

Asked = TypeVar("Asked")
Given = TypeVar("Given")


class Turns:
    """Gives `at_once` threads a turn at a time, in the order in which they asked."""

    def __init__(self, at_once: int = 1) -> None:
        self._free = at_once
        self._waiting: deque[threading.Lock] = deque()  # each held until its thread has its turn
        self._changing = threading.Lock()
        self._mine = threading.local()

    @property
    def waiting(self) -> int:
        """How many threads wait for a turn."""
        return len(self._waiting)

    @contextmanager
    def one(self) -> Generator[None]:
        """A turn of this thread, for the block."""
        self._take()
        try:
            yield
        finally:
            self._pass_on()

    @contextmanager
    def aside(self) -> Generator[None]:
        """Let others compute while this thread waits for something outside, such as the network."""
        if not getattr(self._mine, "is_held", False):
            yield
            return
        self._pass_on()
        try:
            yield
        finally:
            self._take()

    def taking(self, work: Callable[[Asked], Given]) -> Callable[[Asked], Given]:
        """The same work, done in a turn."""

        def in_turn(asked: Asked) -> Given:
            with self.one():
                return work(asked)

        return in_turn

    def _take(self) -> None:
        with self._changing:
            if self._free:
                self._free -= 1
                wait = None
            else:
                wait = threading.Lock()
                wait.acquire()
                self._waiting.append(wait)
        if wait is not None:
            wait.acquire()  # given by whoever passes its turn on
        self._mine.is_held = True

    def _pass_on(self) -> None:
        """Hand the turn to who has waited longest: who comes by meanwhile must not take it from them."""
        self._mine.is_held = False
        with self._changing:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._free += 1

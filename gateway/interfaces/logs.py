"""The operations log: one JSON object a line on standard error, whoever writes it, and nothing that an error quotes.

Our own lines hold codes and identifiers. What a library says may quote a message or a name, and so may the text of an
error; so of their lines only the place remains, and of an error its kind and where it was raised.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
import warnings
from collections.abc import MutableMapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import PurePath
from types import TracebackType
from typing import Any, Final, TextIO

import structlog

_OURS: Final = "gateway"
_SERVER: Final = (
    "uvicorn"  # its texts are constants: what comes in stands in their arguments, which are left out
)
_LIBRARY: Final = "library"
Fact = str | int | float | bool | None


class _Sink:
    """Where lines go, each in one piece."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def tell(self, level: str, logger: str, event: str, **facts: object) -> None:
        """Write one line."""
        self.write(_line(level, logger, event, facts))

    def write(self, line: str) -> None:
        """Write a line. A log that cannot be written stops nothing: what must be kept is in the store."""
        with self._lock, suppress(OSError, ValueError):
            self._stream.write(line + "\n")
            self._stream.flush()


class _Logger:
    """What structlog writes the lines of one module to."""

    def __init__(self, sink: _Sink, name: str) -> None:
        self.name = name
        self.debug = self.info = self.warning = self.error = self.critical = self.exception = sink.write


class _FromLibraries(logging.Handler):
    """What is written by way of the standard library."""

    def __init__(self, sink: _Sink) -> None:
        super().__init__()
        self._sink = sink

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line, without what stands in it from outside."""
        level, facts = record.levelname.lower(), _facts_of(record)
        self._sink.tell(level, record.name, _event_of(record), **facts)


def configure(level: int, stream: TextIO) -> None:
    """Let everything that this process logs, warns of and fails with go to `stream`, from `level` on."""
    sink = _Sink(stream)

    def logger(*names: str) -> _Logger:
        return _Logger(sink, names[0] if names else _OURS)

    structlog.configure(
        processors=[_render],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=logger,
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=level, handlers=[_FromLibraries(sink)], force=True)
    _tell_of_the_unforeseen(sink)


def place_of(error: BaseException | None) -> str:
    """Return file and line where an error was raised, without the folders above."""
    trace = error.__traceback__ if error is not None else None
    return _innermost(trace)


def _tell_of_the_unforeseen(sink: _Sink) -> None:
    """Warnings, and errors that nobody caught: their kind and place."""

    def uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            return
        sink.tell("critical", _OURS, "unhandled", kind=kind.__name__, place=_innermost(trace))

    def uncaught_in_thread(told: threading.ExceptHookArgs) -> None:
        place = _innermost(told.exc_traceback)
        sink.tell("critical", _OURS, "unhandled", kind=told.exc_type.__name__, place=place)

    def ignored(told: sys.UnraisableHookArgs) -> None:
        place = _innermost(told.exc_traceback)
        sink.tell("error", _OURS, "unhandled", kind=told.exc_type.__name__, place=place)

    def warned(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        place = f"{PurePath(filename).name}:{lineno}"
        sink.tell("warning", _OURS, "warning", kind=category.__name__, place=place)

    sys.excepthook, threading.excepthook, sys.unraisablehook = uncaught, uncaught_in_thread, ignored
    warnings.showwarning = warned


def _render(logger: _Logger, method: str, told: MutableMapping[str, Any]) -> str:
    """A line of our own, from what structlog gives."""
    event = told.pop("event", "")
    return _line(method, logger.name, event, told)


def _line(level: str, logger: str, event: object, facts: MutableMapping[str, Any]) -> str:
    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    head = {"timestamp": at, "level": level, "logger": logger, "event": str(event)}
    return json.dumps({**facts, **head} if head.keys() & facts.keys() else {**head, **facts}, default=_kind)


def _kind(value: object) -> str:
    """What stands for a value that is no plain one: an error given as a fact must not be quoted either."""
    return type(value).__name__


def _event_of(record: logging.LogRecord) -> str:
    """What a line of a library says: of the server's the text before it was filled in, of others nothing."""
    if record.name.partition(".")[0] == _OURS:
        return record.getMessage()
    if record.name.partition(".")[0] == _SERVER and isinstance(record.msg, str):
        return record.msg.partition("\n")[0]
    return _LIBRARY


def _facts_of(record: logging.LogRecord) -> dict[str, Fact]:
    facts: dict[str, Fact] = {}
    error = record.exc_info[1] if record.exc_info else record.msg
    if isinstance(error, BaseException):
        facts["kind"] = type(error).__name__
        if isinstance(error, OSError):
            facts["errno"] = error.errno
    raised = place_of(error) if isinstance(error, BaseException) else ""
    facts["place"] = raised or f"{record.filename}:{record.lineno}"
    return facts


def _innermost(trace: TracebackType | None) -> str:
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{PurePath(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else ""

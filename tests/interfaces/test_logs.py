"""Whoever writes to the operations log: a line is one JSON object of the same keys, and quotes no error or library."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

SECRET: Final = "Alma Prøvesen 740305-5092"
_ROOT: Final = Path(__file__).parents[2]


def written(script: str, level: str = "DEBUG") -> list[dict[str, Any]]:
    """What a process of its own writes to its log in which this runs."""
    begin = f"""
        import asyncio, logging, sys, threading, warnings
        import structlog
        from gateway.interfaces import logs
        SECRET = {SECRET!r}
        logs.configure(logging.{level}, sys.stderr)
    """
    text = textwrap.dedent(begin) + textwrap.dedent(script)
    ran = subprocess.run(
        [sys.executable, "-W", "default", "-c", text],
        cwd=_ROOT,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert ran.stdout == ""
    lines = [json.loads(line) for line in ran.stderr.splitlines()]
    for line in lines:
        assert list(line)[:4] == ["timestamp", "level", "logger", "event"]
        assert datetime.fromisoformat(line["timestamp"]).utcoffset() == timedelta(0)
    for secret in (SECRET, "Alma", "5092"):
        assert secret not in ran.stderr
    return lines


def told(line: dict[str, Any]) -> dict[str, Any]:
    """A line without its time and without the number of a line of code."""
    place = str(line.get("place", "")).partition(":")[0]
    return {key: value for key, value in line.items() if key not in {"timestamp", "place"}} | (
        {"place": place} if place else {}
    )


def test_a_line_of_ours_holds_its_facts() -> None:
    script = "structlog.get_logger('gateway.services.delivery').warning('refused', code='BUSY', count=2)"
    (line,) = written(script)
    assert told(line) == {
        "level": "warning",
        "logger": "gateway.services.delivery",
        "event": "refused",
        "code": "BUSY",
        "count": 2,
    }


def test_a_line_of_ours_by_the_standard_library_is_written_as_it_is() -> None:
    script = "logging.getLogger('gateway.interfaces.asgi').warning('a thread of %s ended', 'ours')"
    (line,) = written(script)
    assert (line["level"], line["event"]) == ("warning", "a thread of ours ended")


def test_an_error_that_is_given_as_a_fact_is_told_by_its_kind() -> None:
    (line,) = written("structlog.get_logger('gateway').error('bad', error=ValueError(SECRET))")
    assert line["error"] == "ValueError"


@pytest.mark.parametrize(
    "say",
    [
        "logging.getLogger('sqlalchemy.engine').info(SECRET)",
        "logging.getLogger('xmlschema').debug('found %s', SECRET)",
        "logging.getLogger('asyncio').error('Exception in callback ' + SECRET)",
    ],
)
def test_of_what_a_library_says_only_the_place_remains(say: str) -> None:
    (line,) = written(say)
    assert (line["event"], line["place"]) == ("library", "<string>:7")


def test_what_the_server_says_is_kept_without_what_is_filled_in() -> None:
    (line,) = written("logging.getLogger('uvicorn.error').info('Uvicorn running on %s', SECRET)")
    assert line["event"] == "Uvicorn running on %s"


def test_an_error_that_the_server_catches_is_told_by_its_kind_and_place() -> None:
    script = """
        try:
            raise KeyError(SECRET)
        except KeyError as error:
            logging.getLogger('uvicorn.error').error('Exception in ASGI application\\n', exc_info=error)
    """
    (line,) = written(script)
    assert (line["event"], line["kind"], line["place"]) == (
        "Exception in ASGI application",
        "KeyError",
        "<string>:9",
    )


def test_an_error_in_place_of_a_text_is_told_by_its_kind_and_number() -> None:
    (line,) = written("logging.getLogger('uvicorn.error').error(OSError(98, SECRET))")
    assert (line["event"], line["kind"], line["errno"]) == ("library", "OSError", 98)


@pytest.mark.parametrize(
    ("script", "event", "kind"),
    [
        ("raise ValueError(SECRET)", "unhandled", "ValueError"),
        (
            """
            def work():
                raise LookupError(SECRET)
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
            """,
            "unhandled",
            "LookupError",
        ),
        (
            """
            class Bad:
                def __del__(self):
                    raise TypeError(SECRET)
            Bad()
            """,
            "unhandled",
            "TypeError",
        ),
        ("warnings.warn(SECRET, UserWarning)", "warning", "UserWarning"),
        (
            """
            def fail():
                raise ArithmeticError(SECRET)
            async def main():
                asyncio.get_running_loop().call_soon(fail)
                await asyncio.sleep(0)
            asyncio.run(main())
            """,
            "library",
            "ArithmeticError",
        ),
    ],
    ids=["main thread", "other thread", "destructor", "warning", "event loop"],
)
def test_what_nobody_caught_is_told_by_its_kind_and_place(script: str, event: str, kind: str) -> None:
    lines = [each for each in written(script) if each.get("kind")]
    assert [(each["event"], each["kind"]) for each in lines] == [(event, kind)]
    assert lines[0]["place"].startswith("<string>:")


def test_below_its_level_nothing_is_written() -> None:
    script = """
        structlog.get_logger('gateway').info('answered')
        logging.getLogger('uvicorn').info('Shutting down')
        structlog.get_logger('gateway').warning('refused')
    """
    assert [line["event"] for line in written(script, "WARNING")] == ["refused"]


def test_a_log_that_cannot_be_written_stops_nothing() -> None:
    script = """
        import os
        os.close(2)
        structlog.get_logger('gateway').error('lost')
        logging.getLogger('uvicorn').error('lost')
        os._exit(0)
    """
    assert written(script) == []

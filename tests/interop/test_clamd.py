"""A real clamd finds what is to be found in what we stream to it, and answers as we understand."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Generator
from pathlib import Path
from threading import Event
from typing import Final

import pytest

from gateway.domain.catalogue import Code
from gateway.domain.errors import UnavailableError
from gateway.transport.antivirus import Clamd
from tests.clamd import MARK

STREAM_MAX: Final = 25 * 1024 * 1024
START_SECONDS: Final = 60
# A database of one signature, so that nothing is fetched: the harmless test file of EICAR, at any place of any file.
SIGNATURE: Final = f"Test.Eicar:0:*:{MARK.hex()}\n"


@pytest.fixture(scope="module")
def scanner(tmp_path_factory: pytest.TempPathFactory) -> Generator[Clamd]:
    """A clamd of this machine, run for these tests."""
    program = shutil.which("clamd", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    assert program is not None, "clamd is not installed: tests/interop/install"
    folder = tmp_path_factory.mktemp("clamd")
    (folder / "signatures").mkdir()
    (folder / "signatures" / "test.ndb").write_text(SIGNATURE)
    settings = {
        "LocalSocket": folder / "clamd.sock",
        "DatabaseDirectory": folder / "signatures",
        "TemporaryDirectory": folder,
        "LogFile": folder / "clamd.log",
        "Foreground": "yes",
        "StreamMaxLength": STREAM_MAX,
    }
    file = folder / "clamd.conf"
    file.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    clamd = Clamd(f"unix:{folder / 'clamd.sock'}", 30)
    with subprocess.Popen([program, "--config-file", file], stdout=subprocess.DEVNULL) as process:
        try:
            _wait_for(clamd, process, folder / "clamd.log")
            yield clamd
        finally:
            process.terminate()


def _wait_for(clamd: Clamd, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(START_SECONDS * 10):
        if clamd.is_answering():
            return
        assert process.poll() is None, log.read_text() if log.exists() else "clamd ended at once"
        Event().wait(0.1)
    raise AssertionError("clamd does not answer")


def test_what_is_harmless_is_clean(scanner: Clamd, record_property: Callable[[str, object], None]) -> None:
    with socket.socket(socket.AF_UNIX) as asked:
        asked.connect(scanner.address.removeprefix("unix:"))
        asked.sendall(b"zVERSION\0")
        record_property("counted", f"antivirus asked: {asked.recv(1000).rstrip(bytes(1)).decode()}")
    assert scanner.find(b"Skema") is None
    assert scanner.find(b"") is None
    assert scanner.find(memoryview(bytes(20 * 1024 * 1024))) is None


def test_what_is_to_be_found_is_found_by_its_name_wherever_it_stands(scanner: Clamd) -> None:
    for octets in (MARK, b"Skema " * 50_000 + MARK + b" Slut" * 50_000):
        assert scanner.find(octets) == "Test.Eicar.UNOFFICIAL"


def test_what_clamd_does_not_take_is_no_verdict(scanner: Clamd) -> None:
    with pytest.raises(UnavailableError) as unavailable:
        scanner.find(bytes(STREAM_MAX + 1))
    assert unavailable.value.code is Code.ANTIVIRUS_UNAVAILABLE
    assert unavailable.value.facts["what"] == "it takes less at once"

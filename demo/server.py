"""The gateway as a child process: started, waited for, and stopped by its process id, whatever happens."""

from __future__ import annotations

import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final

from demo.transcript import Broken

START_SECONDS: Final = 20
STOP_SECONDS: Final = 25  # the gateway gives open requests 20
_PAUSE: Final = 0.1


def free_port() -> int:
    """Return a TCP port of the loopback address that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def is_free(port: int) -> bool:
    """Return whether nobody listens on this TCP port of the loopback address."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


class Server:
    """Runs a command that serves HTTPS on localhost, with its output in a file."""

    def __init__(self, command: Sequence[str], port: int, authorities: Path, log: Path) -> None:
        self.port = port
        self._command = list(command)
        self._log = log
        self._tls = ssl.create_default_context(cafile=str(authorities))
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Server:
        with self._log.open("wb") as log:
            # A session of its own: Ctrl-C reaches us alone, and we stop it.
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def process_id(self) -> int:
        """The id of the process."""
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process has not ended."""
        return self._process is not None and self._process.poll() is None

    def wait_until_ready(self) -> None:
        """Return once it answers over HTTPS. Broken if it ends instead, or takes too long."""
        assert self._process is not None
        give_up = time.monotonic() + START_SECONDS
        while time.monotonic() < give_up:
            if self._process.poll() is not None:
                raise Broken(f"the gateway ended with status {self._process.returncode} instead of serving")
            if self._answers():
                return
            time.sleep(_PAUSE)
        raise Broken(f"the gateway does not answer after {START_SECONDS} seconds")

    def _answers(self) -> bool:
        address = f"https://localhost:{self.port}/health/ready"
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=self._tls)
        )
        try:
            with opener.open(address, timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def stop(self) -> int:
        """Tell it to stop, wait, and return its exit status; one that does not stop in time is killed."""
        process = self._process
        if process is None:
            return 0
        if process.poll() is None:
            process.terminate()
        try:
            return process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def last_log_lines(self, count: int = 15) -> list[str]:
        """Return the last lines that it wrote."""
        if not self._log.exists():
            return []
        return self._log.read_text("utf-8", errors="replace").splitlines()[-count:]

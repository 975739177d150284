"""The whole story: an installation made, a letter there, a notice back, its answer, refusals, evidence, and the log."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from demo.chapters import answer, connection, evidence, letter, log, notice, refusals
from demo.installation import Installation, make_installation
from demo.server import Server, free_port
from demo.stage import Stage, connect
from demo.terminal import Teller

_STOP_SECONDS: Final = 10  # it has nothing to finish


class Story:
    """Plays the story in a folder; `log_lines` tell of the gateway when it ends badly."""

    def __init__(self, teller: Teller, folder: Path) -> None:
        self._teller = teller
        self._folder = folder
        self._server: Server | None = None

    def log_lines(self) -> list[str]:
        """The last lines that the gateway logged."""
        return self._server.last_log_lines() if self._server else []

    def set_up(self, port: int | None = None) -> tuple[Installation, Server]:
        """Make the installation and its server, which the caller starts."""
        self._teller.chapter(
            "installation",
            "The installation",
            "set up with an operator's commands, served over HTTPS",
        )
        installation = make_installation(self._folder, port or free_port(), self._teller)
        self._server = installation.server()
        return installation, self._server

    def start(self, server: Server) -> None:
        """Wait until the server that was started answers."""
        with self._teller.step("gateway started", "... and starts the gateway: `bropost serve`") as step:
            server.wait_until_ready()
            step.say(f"https://localhost:{server.port}, process {server.process_id}")

    def play(self) -> None:
        """Tell everything. Any error ends it; the gateway is stopped in any case."""
        installation, server = self.set_up()
        with server:
            self.start(server)
            self._tell(connect(installation, self._teller))
            self._teller.chapter(
                "end", "The end", "stopped in order, without waiting for connections that are kept open"
            )
            with self._teller.step("gateway stopped", "The operator stops the gateway") as step:
                started = time.monotonic()
                step.check("exit_status", server.stop(), 0)
                step.check("at_once", time.monotonic() - started < _STOP_SECONDS, True)

    def _tell(self, stage: Stage) -> None:
        connection.tell(stage)
        sent_letter = letter.tell(stage)
        sent_notice = notice.tell(stage, sent_letter)
        sent_answer = answer.tell(stage, sent_notice)
        refusals.tell(stage)
        proofs = evidence.tell(stage, sent_letter, sent_notice, sent_answer)
        log.tell(stage, proofs)

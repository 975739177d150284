"""A gateway whose disk fails under its hands: run as a program, it tells in JSON what its systems were answered."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from gateway.domain.alerts import judge
from gateway.domain.errors import BropostError
from gateway.domain.identifiers import Uuid4
from gateway.interfaces.health import Readiness
from gateway.interfaces.http import HttpRequest
from gateway.services import parked
from gateway.services.vitals import Vitals
from tests.end_to_end.failing_disk import Fault, fail
from tests.end_to_end.killed_child import CROWD
from tests.end_to_end.letter_life import send_letter
from tests.installation import TestInstallation, open_test_installation

FIRST, NEXT, LARGE = CROWD[:3]
"""A letter that was accepted before, and two that are sent while the disk fails; the last has a large attachment."""


def sent(test: TestInstallation, letter: Uuid4) -> str | None:
    """Send a letter; the code of the fault, or None if it was accepted."""
    body = send_letter(large=letter == LARGE, document_id=letter.text)
    return test.esdh.call(body.encode()).fault_code


def _send(test: TestInstallation) -> list[str | None]:
    return [sent(test, NEXT), sent(test, LARGE), sent(test, NEXT)]


def _send_large(test: TestInstallation) -> list[str | None]:
    return [sent(test, LARGE), sent(test, NEXT)]


def _deliver(test: TestInstallation) -> list[str | None]:
    test.worker.turn()
    return []


def _look(test: TestInstallation) -> list[str | None]:
    """What health and alerts say before and after a letter was refused."""
    tls = test.pki.certificate("localhost")

    def told() -> list[str | None]:
        ready = Readiness(test.installation).ready(HttpRequest("GET", "/health/ready", "", {}, b""))
        wrong = [name for name, good in json.loads(ready.body).items() if not good]
        verdicts = judge(Vitals(test.installation, tls, checkpoint_seconds=60).readings())
        return [str(ready.status), *wrong, *(each.alert.title for each in verdicts if each.sounds)]

    return [*told(), sent(test, NEXT), *told(), *told()]


def _abandon(test: TestInstallation) -> list[str | None]:
    try:
        parked.abandon(test.installation, FIRST, "Skolen er nedlagt.")
    except BropostError as error:
        return [error.code.name]
    return [None]


ACTS: Final[Mapping[str, Callable[[TestInstallation], list[str | None]]]] = {
    "send": _send,
    "send-large": _send_large,
    "deliver": _deliver,
    "abandon": _abandon,
    "look": _look,
}


def main(folder: str, fault: str, act: str) -> None:
    """Let the disk fail, and act."""
    test = open_test_installation(Path(folder), registered=False)
    fail(Fault(fault))
    print(json.dumps(ACTS[act](test)))


if __name__ == "__main__":
    main(*sys.argv[1:])

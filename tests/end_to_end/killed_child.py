"""A process that lives a letter's life in an installation and kills itself at a chosen moment.

Run as a program it takes orders, a line of JSON each, and answers each with the exit code of the process that carried
it out: a fork of itself, since starting Python anew costs a second.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Never

from gateway.domain.identifiers import Uuid4
from gateway.interfaces.worker import Worker
from gateway.storage.database import Database
from gateway.xmlcore.schema import document_schema, evidence_schema, service_schema
from tests.end_to_end import killed_scenes
from tests.end_to_end.letter_life import LEASE_SECONDS, Journal, Kind, Life, Phase, Record, send_letter
from tests.installation import TestInstallation, open_test_installation
from tests.pki import signing_key

CROWD: Final = tuple(Uuid4(f"6f0c1d2e-3a4b-4c5d-8e6f-{number:012d}") for number in range(12))
"""The letters that the crowd sends."""
_THREADS: Final = 4


@dataclass(frozen=True)
class Order:
    """Where to live, what to write a journal into, and when to die."""

    folder: str
    journal: str
    phase: str | None = None  # a phase, and its moment counted from 1; None: live to the end
    moment: int = 0
    crowd: str | None = (
        None  # many letters at once: the first such moment ("commit after") once `moment` are answered
    )
    withdraws: bool = False  # the letter of the folder is withdrawn, and nothing else
    scene: str | None = None  # the act of this scene of killed_scenes is played, and nothing else
    place: int = 0  # of the crowd's letters, this process sends those from here on
    step: int = 1  # and each after so many: several processes share them


class WrittenJournal(Journal):
    """A journal of which each record is on disk before the life goes on, and which ends it at its moment."""

    def __init__(self, test: TestInstallation, order: Order) -> None:
        super().__init__(test.clock)
        self._order = order
        self._file = os.open(order.journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._lock = threading.Lock()
        self.listen(test.installation.database)
        test.installation.blobs.on_rename.append(self._listener("rename"))

    def listen(self, database: Database) -> None:
        """Let each commit of a database be a moment."""
        database.on_commit.append(self._listener("commit"))

    def note(self, kind: Kind, name: str, octets: bytes = b"") -> None:
        """Write down what happened, on disk."""
        with self._lock:
            super().note(kind, name, octets)
            os.write(self._file, _line(self.records[-1]))
            os.fsync(self._file)

    def _listener(self, what: str) -> Callable[[str], None]:
        def moment(side: str) -> None:
            self.note(Kind.MOMENT, f"{what} {side}")
            if self._is_the_last(f"{what} {side}"):
                os.kill(os.getpid(), signal.SIGKILL)

        return moment

    def _is_the_last(self, name: str) -> bool:
        if self._order.crowd is not None:
            answered = sum(each.kind is Kind.ANSWERED for each in self.records)
            return name == self._order.crowd and answered >= self._order.moment
        here = [each for each in self.records if each.kind is Kind.MOMENT and each.phase is self.phase]
        return self.phase.value == self._order.phase and len(here) == self._order.moment


def read_journal(path: Path) -> list[Record]:
    """What a process wrote down before it ended."""
    return [_record(json.loads(line)) for line in path.read_bytes().splitlines()]


def _line(record: Record) -> bytes:
    values = asdict(record) | {
        "kind": record.kind.value,
        "phase": record.phase.value,
        "at": record.at.isoformat(),
        "octets": base64.b64encode(record.octets).decode(),
    }
    return json.dumps(values).encode() + b"\n"


def _record(values: dict[str, str]) -> Record:
    at, octets = datetime.fromisoformat(values["at"]), base64.b64decode(values["octets"])
    return Record(Kind(values["kind"]), Phase(values["phase"]), values["name"], at, octets)


def live(order: Order) -> None:
    """Live as ordered, to the end or to the moment."""
    is_alone = order.scene in killed_scenes.ALONE
    test = open_test_installation(Path(order.folder), registered=False, alone=is_alone)
    journal = WrittenJournal(test, order)
    if order.scene is not None:
        result = killed_scenes.play(order.scene, test, journal.listen)
        journal.note(Kind.ANSWERED, order.scene, result)
    elif order.withdraws:
        Life(test, journal).withdraw()
    elif order.crowd is None:
        Life(test, journal).play()
    else:
        _crowd(test, journal, CROWD[order.place :: order.step])
    test.installation.database.close()


def _crowd(test: TestInstallation, journal: Journal, letters: tuple[Uuid4, ...]) -> None:
    """Threads that send letters all at once while another delivers them."""
    senders = [
        threading.Thread(target=_send, args=(test, journal, letters[n::_THREADS])) for n in range(_THREADS)
    ]
    worker = Worker(test.installation, poll_seconds=0.001, lease_seconds=LEASE_SECONDS, checkpoint_seconds=0)
    delivering = threading.Thread(target=worker.run, daemon=True)
    for thread in (delivering, *senders):
        thread.start()
    for thread in senders:
        thread.join()


def _send(test: TestInstallation, journal: Journal, letters: tuple[Uuid4, ...]) -> None:
    esdh = test.esdh
    for letter in letters:
        answer = esdh.call(send_letter(large=False, document_id=letter.text).encode())
        assert answer.fault_code is None, answer.fault_code
        journal.note(Kind.ANSWERED, letter.text, base64.b64decode(answer.text("SubmissionAcceptance")))


def _be_the_one(order: Order) -> Never:
    """The forked process: what goes wrong in it is told on stderr, and it ends here."""
    code = 1
    try:
        os.dup2(2, 1)  # the answers on stdout are the server's
        live(order)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def serve() -> None:
    """Carry out orders until there are no more."""
    for prepared in (document_schema, service_schema, evidence_schema):
        prepared()
    for name in ("gateway-seal", "gateway-message", "eksempelby-esdh", "proeveby-sis"):
        signing_key(name)
    for line in sys.stdin:
        order = Order(**json.loads(line))
        child = os.fork()
        if child == 0:
            _be_the_one(order)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    serve()

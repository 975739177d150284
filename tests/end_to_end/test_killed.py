"""A gateway that is killed at any moment has lost nothing that it answered, and does nothing twice.

A process lives a letter's life - submission with a small attachment and one of 324 KB, delivery, retrieval, hand-over,
reading, checkpoints, and a wait that ends in silence - and is ended by SIGKILL at one of its 36 moments: before and
after each of 16 commits and 2 renames of files. Then the gateway starts again on what is left, and the systems ask
again, as systems do that were not answered. The moments are written down in kill-points.toml. What a killed process
had written the kernel keeps; that a commit also waits for the disk is proved in tests/storage.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Final

import pytest

from gateway.domain.catalogue import Code
from gateway.domain.evidence import EvidenceEvent
from gateway.domain.identifiers import Uuid4
from gateway.domain.mandate import Operation
from gateway.services import disclosure_log
from gateway.storage import log
from gateway.translog.report import Verdict
from gateway.translog.verifier import verify_bundle
from tests import postgres
from tests.domain.documents import LETTER_ID
from tests.end_to_end import killed_child
from tests.end_to_end.killed_child import CROWD, Order, read_journal
from tests.end_to_end.letter_life import EVIDENCE, Journal, Kind, Life, Phase, Record, send_letter
from tests.end_to_end.store_checks import evidence_octets, facts, orphans, require_whole, rows
from tests.installation import (
    INSTITUTION,
    MUNICIPALITY,
    TestInstallation,
    copy_installation,
    open_test_installation,
    remove_database,
)

HERE: Final = Path(__file__).parent
COUNTED: Final[dict[str, dict[str, int]]] = tomllib.loads((HERE / "kill-points.toml").read_text())
KILL_POINTS: Final = {phase.value: COUNTED[phase.value] for phase in Phase}
POINTS: Final = [
    (phase, moment)
    for phase, counted in KILL_POINTS.items()
    for moment in range(1, 2 * sum(counted.values()) + 1)
]
ONCE: Final = {
    "documents": {f"{MUNICIPALITY} {INSTITUTION}": 1},
    "parts": {"1": 1, "2": 1},
    "holders": {str(MUNICIPALITY): 1, str(INSTITUTION): 1},
    # Rows: the letter, the small attachment, the request to read. Files: the large attachment, the request to send.
    "blobs": {"row": 3, "file": 2},
    "deliveries": {str(INSTITUTION): 1},
    "handovers": {"proeveby-sis": 1},
    "readings": {"STUDY_COUNSELLOR": 1},
    "events": {
        **{f"{MUNICIPALITY} {state}": 1 for state in ("RECEIVED", "SEALED", "ACCEPTED", "DISPATCHED")},
        **{
            f"{party} {event}": 1
            for party in (MUNICIPALITY, INSTITUTION)
            for event in ("AVAILABLE", "HANDED_OVER", "READ", "ANSWER_DUE_SOON", "UNANSWERED")
        },
    },
    "evidence": {
        "SubmissionAcceptance": 1,
        "ContentConsignment": 1,
        "ContentHandover": 1,
        "ContentAccessTracking": 1,
        "AnswerExpiry": 1,
    },
    "waits": {"ANSWER fired": 1, "DELIVERY cancelled": 1, "HANDOVER cancelled": 1, "READ cancelled": 1},
    "tasks": {},
    "refusals": {},
    "log": {
        f"{MUNICIPALITY} DISCLOSE SubmissionAcceptance": 1,
        f"{MUNICIPALITY} EVIDENCE ContentConsignment": 1,
        f"{INSTITUTION} RECEIVE ContentConsignment": 1,
        **{
            f"{party} EVIDENCE {event}": 1
            for party in (MUNICIPALITY, INSTITUTION)
            for event in ("ContentHandover", "ContentAccessTracking", "AnswerExpiry")
        },
    },
}
"""What the store tells of the whole life, once each."""


class Doomed:
    """Lets processes live and die on copies of one installation."""

    def __init__(self, seed: Path, server: subprocess.Popen[str]) -> None:
        self._seed = seed
        self._server = server

    def live(
        self,
        folder: Path,
        *,
        at: tuple[str, int] | None = None,
        crowd: str | None = None,
        withdraws: bool = False,
        scene: str | None = None,
    ) -> list[Record]:
        """Live in a fresh copy of the installation, to the end or to a moment; give what was written down."""
        copy_installation(self._seed, folder)
        journal = folder.with_suffix(".journal")
        phase, moment = at or (None, 0)
        order = Order(str(folder), str(journal), phase, moment, crowd, withdraws, scene)
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps(asdict(order)) + "\n")
        self._server.stdin.flush()
        ended = int(self._server.stdout.readline())
        assert ended == (-signal.SIGKILL if at or crowd else 0)
        return read_journal(journal)


@pytest.fixture(scope="module", params=postgres.kinds())
def doomed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Generator[Doomed]:
    """An installation whose logs have their first checkpoints, and the server of processes that may die on it."""
    seed = tmp_path_factory.mktemp("seed")
    test = open_test_installation(seed, kind=request.param)
    test.work()
    test.installation.database.close()
    with serving(seed) as served:
        yield served
    remove_database(seed)


@contextmanager
def serving(seed: Path) -> Iterator[Doomed]:
    """The server of processes that may die on copies of this installation."""
    command = [sys.executable, "-m", killed_child.__name__]
    with subprocess.Popen(
        command, cwd=HERE.parents[1], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        yield Doomed(seed, server)
        assert server.stdin is not None
        server.stdin.close()


@contextmanager
def started_again(folder: Path, at: datetime) -> Iterator[TestInstallation]:
    """The installation as it was left, at this time."""
    test = open_test_installation(folder, registered=False)
    test.clock.now = at
    try:
        yield test
    finally:
        test.installation.database.close()


def test_the_moments_of_a_life_are_those_that_are_written_down(
    doomed: Doomed, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    journal = doomed.live(tmp_path / "life")
    found = {
        phase.value: {
            f"{what}s": sum((each.phase, each.name) == (phase, f"{what} after") for each in moments)
            for what in ("rename", "commit")
        }
        for phase in Phase
        for moments in ([each for each in journal if each.kind is Kind.MOMENT],)
    }
    told = ", ".join(f"{phase} {2 * sum(counted.values())}" for phase, counted in found.items())
    record_property(
        "counted", f"moments at which a letter's life can be killed: {told}; in all {len(POINTS)}"
    )
    assert found == KILL_POINTS
    assert all(counted["commits"] >= 1 for counted in found.values())
    assert found["submission"]["renames"] >= 2  # the large attachment, and the signed request that held it
    assert __doc__ is not None
    assert f"one of its {len(POINTS)} moments" in __doc__
    with started_again(tmp_path / "life", journal[-1].at) as test:
        require_whole(test.installation)
        assert facts(test.installation) == ONCE
        assert orphans(test.installation, tmp_path / "life" / "blobs") == []


@pytest.mark.parametrize(("phase", "moment"), POINTS, ids=[f"{phase}-{moment}" for phase, moment in POINTS])
def test_a_gateway_that_is_killed_loses_nothing_and_does_nothing_twice(
    doomed: Doomed, tmp_path: Path, phase: str, moment: int
) -> None:
    folder = tmp_path / "life"
    before = doomed.live(folder, at=(phase, moment))
    with started_again(folder, before[-1].at) as test:
        anchors = newest_checkpoints(test)
        require_whole(test.installation)
        require_acknowledged(test, before)
        left = orphans(test.installation, folder / "blobs")
        assert len(left) == files_left(before)
        journal = Journal(test.clock)
        life = Life(test, journal)
        if phase != Phase.SILENCE.value:
            ask_in_the_same_messages(life, before)
            life.play(each for each in Phase if each is not Phase.SILENCE)
            assert set(left) <= set(orphans(test.installation, folder / "blobs"))  # too young to be swept
        life.play([Phase.SILENCE])
        test.work()  # and so is what the killed process left behind swept
        require_same_results(before, journal.records)
        require_whole(test.installation)
        assert facts(test.installation) == ONCE
        assert accesses(test) == times_fetched(before, journal.records)
        assert orphans(test.installation, folder / "blobs") == []
        require_verified(test, anchors)
    remove_database(folder)
    shutil.rmtree(folder)


@pytest.mark.parametrize(("moment", "answered"), [("commit before", 4), ("commit after", 7)])
def test_a_gateway_that_is_killed_in_a_crowd_loses_nothing(
    doomed: Doomed, tmp_path: Path, moment: str, answered: int
) -> None:
    folder = tmp_path / "life"
    before = doomed.live(folder, at=("crowd", answered), crowd=moment)
    acknowledged = {each.name: each.octets for each in before if each.kind is Kind.ANSWERED}
    assert answered <= len(acknowledged) < len(CROWD)
    with started_again(folder, before[-1].at) as test:
        anchors = newest_checkpoints(test)
        require_whole(test.installation)
        accepted = {each.text: acceptances(test, each) for each in CROWD}
        assert {name: accepted[name] for name in acknowledged} == {
            name: [octets] for name, octets in acknowledged.items()
        }
        for letter in CROWD:
            answer = test.esdh.call(send_letter(large=False, document_id=letter.text).encode())
            assert answer.text("Repeated") == ("true" if accepted[letter.text] else "false")
            assert accepted[letter.text] in ([], acceptances(test, letter))
        test.clock.forward(minutes=2)  # past the lease of the worker that was killed
        test.work()
        require_whole(test.installation)
        every = {
            key: facts(test.installation)[key] for key in ("documents", "deliveries", "evidence", "tasks")
        }
        assert every == {
            "documents": {f"{MUNICIPALITY} {INSTITUTION}": len(CROWD)},
            "deliveries": {str(INSTITUTION): len(CROWD)},
            "evidence": {"SubmissionAcceptance": len(CROWD), "ContentConsignment": len(CROWD)},
            "tasks": {},
        }
        require_verified(test, anchors)
    remove_database(folder)
    shutil.rmtree(folder)


def acceptances(test: TestInstallation, letter: Uuid4) -> list[bytes]:
    """The acceptance of a letter as it is stored, or none."""
    return evidence_octets(test.installation, letter, EvidenceEvent.SUBMISSION_ACCEPTANCE)


def require_acknowledged(test: TestInstallation, before: list[Record]) -> None:
    """Assert that evidence is in the store, octet for octet as it was given, and no other of its event.

    Where the answer was not given any more, it is there exactly if the request's transaction was over.
    """
    for operation, event in EVIDENCE.items():
        given = [each.octets for each in before if is_answer(each, operation)]
        stored = evidence_octets(test.installation, LETTER_ID, event)
        assert len(stored) == int(was_committed(before, operation))
        assert given in (stored, [])


def ask_in_the_same_messages(life: Life, before: list[Record]) -> None:
    """Send again, octet for octet, what was sent: a message that was heard is refused, one that was not is accepted."""
    for sent in (each for each in before if each.kind is Kind.SENT):
        operation = Operation(sent.name)
        answer = life.caller(operation).send(sent.octets)
        if was_committed(before, operation):
            assert answer.fault_code == Code.MESSAGE_REPLAYED.name
        else:
            life.answered(operation, answer)


def require_same_results(before: list[Record], after: list[Record]) -> None:
    """Assert that every answer gave the same evidence and the same document, before the kill and ever after."""
    for operation in (*EVIDENCE, Operation.RETRIEVE):
        given = {each.octets for each in (*before, *after) if is_answer(each, operation)}
        assert len(given) == 1


def was_committed(before: list[Record], operation: Operation) -> bool:
    """Whether the one transaction of this request was over: it was answered, or killed before the answer was given."""
    if any(is_answer(each, operation) for each in before):
        return True
    moments = [each.name for each in before if each.kind is Kind.MOMENT]
    sent = [each.name for each in before if each.kind is Kind.SENT]
    return sent[-1:] == [operation.value] and moments[-1] == "commit after"


def files_left(before: list[Record]) -> int:
    """How many files the killed process had begun that no row tells of."""
    here = Counter(
        each.name for each in before if each.kind is Kind.MOMENT and each.phase is before[-1].phase
    )
    return 0 if here["commit after"] else here["rename before"]


def is_answer(record: Record, operation: Operation) -> bool:
    """Whether a system got the answer to this operation."""
    return record.kind is Kind.ANSWERED and record.name == operation.value


def times_fetched(before: list[Record], after: list[Record]) -> int:
    """How often the letter left the gateway, or was about to when it was killed."""
    answers = [each for each in (*before, *after) if is_answer(each, Operation.RETRIEVE)]
    unheard = not any(is_answer(each, Operation.RETRIEVE) for each in before)
    return len(answers) + (unheard and was_committed(before, Operation.RETRIEVE))


def accesses(test: TestInstallation) -> int:
    """How often the school's log says that the letter was fetched."""
    with test.installation.database.read() as connection:
        found = rows(
            connection,
            "SELECT octets FROM log_entry JOIN log ON log.key = log_entry.log_key"
            f" WHERE party = '{INSTITUTION}'",
        )
    return sum(b'"kind":"ACCESS"' in octets for (octets,) in found)


def newest_checkpoints(test: TestInstallation) -> dict[str, str]:
    """What an auditor has kept of the logs outside, by party."""
    with test.installation.database.read() as connection:
        newest = {party: log.latest_checkpoint(connection, party) for party in (MUNICIPALITY, INSTITUTION)}
    return {str(party): row.note for party, row in newest.items() if row is not None}


def require_verified(test: TestInstallation, anchors: dict[str, str]) -> None:
    """Assert that an auditor, with the key and a checkpoint from before, finds nothing wrong with the logs."""
    for party in (MUNICIPALITY, INSTITUTION):
        bundle = BytesIO()
        disclosure_log.export(test.installation, party, bundle)
        key = str(disclosure_log.log_key(test.installation, party))
        report = verify_bundle(bundle, log_key=key, known_checkpoint=anchors[str(party)])
        assert report.verdict is Verdict.OK, report.as_json()

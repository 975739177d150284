"""One letter's life as its systems live it: sent, delivered, fetched, stored, read, and left unanswered.

The same steps serve the process that is killed and the systems that come back after it: a system that does not know
whether its request was heard asks again, in a fresh message, and takes what it gets. What it sends and is answered
goes into a journal.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, unique
from typing import Final

from gateway.domain.evidence import EvidenceEvent
from gateway.domain.mandate import Operation
from gateway.interfaces.worker import Worker
from gateway.storage import deadlines
from gateway.storage.deadlines import DeadlineRow
from gateway.xmlcore.namespaces import SERVICE
from tests.domain.documents import CONVERSATION_ID, LETTER, LETTER_ID
from tests.installation import Answered, Caller, Clock, TestInstallation

LEASE_SECONDS: Final = 60
SMALL: Final = "Læringsmål for grundforløbet.\n".encode()
LARGE: Final = b"".join(
    b"Linje %06d i en lang plan.\n" % line for line in range(12_000)
)  # 324 KB, so it is a file
_MUNICIPALITY: Final = "<OnBehalfOf><Cvr>11111111</Cvr><MunicipalityCode>0999</MunicipalityCode></OnBehalfOf>"
_SCHOOL: Final = "<OnBehalfOf><Cvr>22222222</Cvr><InstitutionNumber>999001</InstitutionNumber></OnBehalfOf>"


@unique
class Phase(Enum):
    """The parts of the life, in their order."""

    SUBMISSION = "submission"
    DELIVERY = "delivery"
    RETRIEVAL = "retrieval"
    HANDOVER = "handover"
    READING = "reading"
    CHECKPOINT = "checkpoint"
    SILENCE = "silence"


@unique
class Kind(Enum):
    """What a record tells."""

    SENT = "sent"  # a system is about to send these octets
    ANSWERED = "answered"  # it has the answer: its result is what the system relies on from now on
    MOMENT = "moment"  # the process may be killed here


@dataclass(frozen=True)
class Record:
    """One thing that happened, at this time of the installation's clock, in this phase."""

    kind: Kind
    phase: Phase
    name: str  # an operation, or a moment such as "commit before"
    at: datetime
    octets: bytes = b""


@dataclass
class Journal:
    """What happened, in its order."""

    clock: Clock
    phase: Phase = Phase.SUBMISSION
    records: list[Record] = field(default_factory=list)

    def note(self, kind: Kind, name: str, octets: bytes = b"") -> None:
        """Write down what happened now."""
        self.records.append(Record(kind, self.phase, name, self.clock(), octets))

    def results(self) -> dict[str, bytes]:
        """What was answered, by operation."""
        return {each.name: each.octets for each in self.records if each.kind is Kind.ANSWERED}


class Life:
    """The two systems and the worker, for one letter in an installation."""

    def __init__(self, test: TestInstallation, journal: Journal) -> None:
        self.test = test
        self.journal = journal
        self.worker = Worker(
            test.installation, poll_seconds=1, lease_seconds=LEASE_SECONDS, checkpoint_seconds=1
        )
        self._callers = {Operation.SEND_LETTER: test.esdh, Operation.WITHDRAW_DOCUMENT: test.esdh}
        self._sis = test.sis

    def caller(self, operation: Operation) -> Caller:
        """The system that does this operation here."""
        return self._callers.get(operation, self._sis)

    def play(self, phases: Iterable[Phase] = Phase) -> None:
        """Live these parts of the life, in their order."""
        steps = {
            Phase.SUBMISSION: self._submit,
            Phase.DELIVERY: self._deliver,
            Phase.RETRIEVAL: self._retrieve,
            Phase.HANDOVER: self._hand_over,
            Phase.READING: self._read,
            Phase.CHECKPOINT: self._checkpoint,
            Phase.SILENCE: self._silence,
        }
        for phase in phases:
            self.journal.phase = phase
            steps[phase]()

    def withdraw(self) -> None:
        """The municipality takes the letter back: no part of the life above, which goes on without it."""
        reason = f"{_id()}<Reason>WRONG_RECIPIENT</Reason>"
        body = f'<WithdrawDocument xmlns="{SERVICE}">{_MUNICIPALITY}{reason}</WithdrawDocument>'
        self.ask(Operation.WITHDRAW_DOCUMENT, body)

    def ask(self, operation: Operation, body: str) -> Answered:
        """Ask in a fresh message, as a system does that was not answered, and keep the answer."""
        octets = self.caller(operation).message(body.encode())
        self.journal.note(Kind.SENT, operation.value, octets)
        return self.answered(operation, self.caller(operation).send(octets))

    def answered(self, operation: Operation, answer: Answered) -> Answered:
        """Keep what a good answer gives."""
        assert answer.is_signed
        assert answer.fault_code is None, answer.fault_code
        self.journal.note(Kind.ANSWERED, operation.value, _result(operation, answer))
        return answer

    def _submit(self) -> None:
        self.ask(Operation.SEND_LETTER, send_letter())

    def _deliver(self) -> None:
        self.test.clock.forward(
            seconds=LEASE_SECONDS + 1
        )  # a worker that was killed holds its task no longer
        self.worker.turn()

    def _retrieve(self) -> None:
        self.ask(Operation.LIST_INBOX, _request(Operation.LIST_INBOX, ""))
        answer = self.ask(Operation.RETRIEVE, _request(Operation.RETRIEVE, _id()))
        assert [base64.b64decode(text) for text in answer.texts("Attachment/Content")] == [SMALL, LARGE]

    def _hand_over(self) -> None:
        digest = hashlib.sha256(self.journal.results()[Operation.RETRIEVE.value]).digest()
        content = f"<ContentDigest>{base64.b64encode(digest).decode()}</ContentDigest>"
        self.ask(Operation.CONFIRM_HANDOVER, _request(Operation.CONFIRM_HANDOVER, _id() + content))

    def _read(self) -> None:
        reader = "<ReaderRole>STUDY_COUNSELLOR</ReaderRole><ReaderName>Sofie Eksempelsen</ReaderName>"
        read_at = f"<ReadAt>{_time(self.test.clock())}</ReadAt>"
        self.ask(Operation.REGISTER_READ, _request(Operation.REGISTER_READ, _id() + reader + read_at))

    def _checkpoint(self) -> None:
        self.test.clock.forward(seconds=2)
        self.worker.turn()

    def _silence(self) -> None:
        """Nobody answers: first both are warned, then the wait ends as an event of its own."""
        for _ in range(2):
            with self.test.installation.database.read() as connection:
                waits = deadlines.due(connection, self.test.clock() + timedelta(days=30), 10)
            for wait in waits:
                assert isinstance(wait, DeadlineRow)
                at = wait.due_at if wait.warned_at else wait.warn_at
                self.test.clock.now = max(self.test.clock.now, at)
            self.worker.turn()


def send_letter(*, large: bool = True, document_id: str | None = None) -> str:
    """A SendLetter with a typed letter that the gateway is to seal, the same octets each time.

    It wishes for an answer within three days and carries a small attachment and, with `large`, one of 324 KB.
    """
    start = Clock().now
    contents = (SMALL, LARGE) if large else (SMALL,)
    letter = LETTER.replace("2026-08-05T09:12:00Z", _time(start)).replace(
        "<CreatedAt>", f"<ReplyDue>{start + timedelta(days=3):%Y-%m-%d}</ReplyDue><CreatedAt>"
    )
    if document_id is not None:  # a letter of another conversation
        letter = letter.replace(LETTER_ID.text, document_id).replace(CONVERSATION_ID.text, document_id)
    manifest = "".join(_manifest_entry(number, content) for number, content in enumerate(contents, start=1))
    letter = letter.replace("</Document>", f"<Attachments>{manifest}</Attachments></Document>")
    attachments = "".join(
        f"<Attachment><Number>{number}</Number><Content>{base64.b64encode(content).decode()}</Content></Attachment>"
        for number, content in enumerate(contents, start=1)
    )
    return f'<SendLetter xmlns="{SERVICE}">{_MUNICIPALITY}{letter}{attachments}</SendLetter>'


def _manifest_entry(number: int, content: bytes) -> str:
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    return (
        f"<Attachment><Number>{number}</Number><FileName>plan-{number}.txt</FileName>"
        f"<MediaType>text/plain</MediaType><Size>{len(content)}</Size><Sha256>{digest}</Sha256>"
        f"<Title>Plan {number}</Title><Category>support</Category></Attachment>"
    )


def _request(operation: Operation, content: str) -> str:
    return f'<{operation.value} xmlns="{SERVICE}">{_SCHOOL}{content}</{operation.value}>'


def _id() -> str:
    return f"<DocumentId>{LETTER_ID}</DocumentId>"


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def _result(operation: Operation, answer: Answered) -> bytes:
    """What a system relies on after the answer: evidence octet for octet, or the document."""
    path = _RESULTS.get(operation)
    return base64.b64decode(answer.text(path)) if path else b""


EVIDENCE: Final = {
    Operation.SEND_LETTER: EvidenceEvent.SUBMISSION_ACCEPTANCE,
    Operation.CONFIRM_HANDOVER: EvidenceEvent.CONTENT_HANDOVER,
    Operation.REGISTER_READ: EvidenceEvent.CONTENT_ACCESS_TRACKING,
}
"""The operations whose answer is evidence."""

_RESULTS: Final = {
    Operation.RETRIEVE: "ExactOctets",
    Operation.WITHDRAW_DOCUMENT: "Withdrawal",
    **{operation: event.value for operation, event in EVIDENCE.items()},
}

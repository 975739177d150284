"""Answers: a document is answered once an answer to it is available to the one who asked.

The answer is a document of its own, with its own evidence. What it says of the document it answers is recorded there
too, in the transaction that delivers it: ANSWERED with the answer code for both parties, evidence on the side of who
answers, wrapping the sealed answer, an entry in each log, and the end of the waits. A question (NEED_MORE) accepts and
declines nothing: it is told, and the wait for an answer begins anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from gateway.domain.calendar import Calendar
from gateway.domain.deadlines import Deadline, DeadlineKind, answer_anew
from gateway.domain.document import Document
from gateway.domain.evidence import EventReason, EvidenceEvent, ReasonCode
from gateway.domain.kinds import DocumentKind
from gateway.domain.status import AnswerCode, Standing, State
from gateway.services import log_entries
from gateway.services.installation import Installation
from gateway.services.recording import event_rows
from gateway.services.sealing import Sealed, seal_document_evidence
from gateway.services.timeline import status_of
from gateway.storage import deadlines, documents, events
from gateway.storage import evidence as evidence_rows
from gateway.storage.documents import DocumentRow
from gateway.storage.events import NewEvent

ENDED_BY_ANSWERING: Final = (DeadlineKind.HANDOVER, DeadlineKind.READ, DeadlineKind.ANSWER)
"""Who answers a document has it and has read it."""


@dataclass(frozen=True)
class Answering:
    """A document that is being answered, with what will be stored of that."""

    asked: DocumentRow
    code: AnswerCode
    at: datetime  # when the answer is available, zoned UTC
    calendar: Calendar  # of who answers
    events: tuple[NewEvent, ...]
    evidence: Sealed | None  # None for a question
    entries: tuple[log_entries.PreparedEntry, ...]


def prepare_answer(
    installation: Installation,
    asked: DocumentRow,
    row: DocumentRow,
    answer: Document,
    calendar: Calendar,
    at: datetime,
) -> Answering:
    """Return what the delivery of an answer at `at` says of the document that it answers, signed and not yet stored.

    `calendar` is that of who answers. UnavailableError if the gateway's seal cannot be used.
    """
    code = AnswerCode(answer.body.text_of("AnswerKind") or "")
    reasons = _reasons(code, answer)
    sealed = None
    if code.is_final:
        event = EvidenceEvent.BUSINESS_REJECTION if reasons else EvidenceEvent.BUSINESS_ACCEPTANCE
        sealed = seal_document_evidence(
            installation,
            event,
            asked,
            asked.recipient,
            at,
            reasons=reasons,
            based_on=(row.sealed_digest,),
        )
    both = (asked.sender, asked.recipient)
    return Answering(
        asked=asked,
        code=code,
        at=at,
        calendar=calendar,
        events=tuple(
            event_rows(
                installation,
                State.ANSWERED,
                at,
                Standing.EVIDENCE if sealed else Standing.RECORDED,
                both,
                sealed,
                reasons,
                answer=code,
                related=row.document_id,
            )
        ),
        evidence=sealed,
        entries=tuple(
            log_entries.evidence_entry(installation, party, asked, sealed) for party in both if sealed
        ),
    )


def record_answer(connection: Connection, answering: Answering) -> None:
    """Store it, in the transaction that makes the answer available."""
    asked, at = answering.asked, answering.at
    anew = _wait_anew(connection, answering)
    if answering.evidence is not None:
        evidence_rows.insert_evidence(connection, asked.key, answering.evidence.row())
    events.append_events(connection, asked.key, answering.events)
    deadlines.cancel(connection, asked.key, ENDED_BY_ANSWERING, at)
    if anew is not None:
        deadlines.open_deadlines(connection, asked.key, [anew])
    if answering.code is AnswerCode.DECLINED:
        deadlines.cancel(connection, asked.key, (DeadlineKind.FOLLOW_UP,), at)
    log_entries.append(connection, *answering.entries)


def document_answered(connection: Connection, row: DocumentRow) -> DocumentRow | None:
    """Return the document that an answer on its way answers: one that its sender was delivered by its recipient."""
    if row.kind is not DocumentKind.ANSWER_NOTICE or row.reply_to is None:
        return None
    asked = documents.find_delivered(connection, row.sender, row.reply_to)
    return asked if asked is not None and asked.sender == row.recipient else None


def _reasons(code: AnswerCode, answer: Document) -> tuple[EventReason, ...]:
    """Why the answer is no: a code of the answer's own list, never its words."""
    if code is not AnswerCode.DECLINED:
        return ()
    return (EventReason(ReasonCode.DECLINED, answer.body.text_of("DeclineReason")),)


def _wait_anew(connection: Connection, answering: Answering) -> Deadline | None:
    """The wait that goes on after a question; None if nobody waits, or a final answer was given before."""
    if answering.code.is_final:
        return None
    asked = answering.asked
    waits = [
        wait
        for wait in deadlines.deadlines_of(connection, asked.key)
        if wait.kind is DeadlineKind.ANSWER and wait.cancelled_at is None
    ]
    is_overdue = State.UNANSWERED in status_of(connection, asked.key, asked.sender).negatives
    if not waits or (waits[-1].fired_at is not None and not is_overdue):
        return None
    last = waits[-1]
    earlier = Deadline(asked.document_id, DeadlineKind.ANSWER, last.opened_at, last.warn_at, last.due_at)
    return answer_anew(earlier, answering.at, answering.calendar)

"""Answers: a document is answered once an answer to it is available to the one who asked.

The answer is a document of its own, with its own evidence. What it says of the document it answers is recorded there
too, in the transaction that delivers it: ANSWERED with the answer code for both parties, evidence on the side of who
answers, wrapping the sealed answer, an entry in each log, and the end of the waits. A question (NEED_MORE) accepts and
declines nothing: it is told, and the wait for an answer begins anew.

Who was asked to delete a withdrawn document answers that document, or the notice that withdrew it. Only ACCEPTED and
DECLINED say what became of the copy, and only in an answer that was accepted after the withdrawal.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from gateway.domain.catalogue import Code
from gateway.domain.deadlines import DeadlineKind
from gateway.domain.document import Document
from gateway.domain.errors import InputError
from gateway.domain.evidence import EventReason, EvidenceEvent, ReasonCode
from gateway.domain.kinds import DocumentKind
from gateway.domain.status import AnswerCode, Standing, State
from gateway.services import log_entries, waits
from gateway.services.content import document_of, read_kept
from gateway.services.installation import Installation
from gateway.services.recording import event_rows, sign_rows
from gateway.services.sealing import Sealed, not_before, seal_document_evidence
from gateway.services.timeline import DELETION_ANSWERED
from gateway.storage import deliveries, documents, events, withdrawals
from gateway.storage import evidence as evidence_rows
from gateway.storage.documents import DocumentRow
from gateway.storage.events import NewEvent

_SAYS_OF_DELETION: Final = frozenset({AnswerCode.ACCEPTED, AnswerCode.DECLINED})


@dataclass(frozen=True)
class Answering:
    """A document that is being answered, with what will be stored of that."""

    asked: DocumentRow
    answer: DocumentRow
    code: AnswerCode
    at: datetime  # when it is answered, zoned UTC
    withdrawn: (
        DocumentRow  # of what it may say that the copy is deleted: itself, or what the notice asked withdrew
    )
    events: tuple[NewEvent, ...]
    evidence: Sealed | None  # None for a question
    entries: tuple[log_entries.PreparedEntry, ...]


def prepare_answer(
    installation: Installation,
    asked: DocumentRow,
    row: DocumentRow,
    answer: Document,
    at: datetime,
) -> Answering:
    """Return what the delivery of an answer at `at` says of the document that it answers, signed and not yet stored.

    It says so of a time that is not before what is evidenced of that document already.
    UnavailableError if the gateway's seal cannot be used.
    """
    code = AnswerCode(answer.body.text_of("AnswerKind") or "")
    reasons = _reasons(code, answer)
    withdrawn = _withdrawn_by(installation, asked, row) or asked
    with installation.database.read() as connection:
        at = max(not_before(connection, each, at) for each in (asked, withdrawn))
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
        answer=row,
        code=code,
        at=at,
        withdrawn=withdrawn,
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


def record_answer(installation: Installation, connection: Connection, answering: Answering) -> None:
    """Store it, in the transaction that makes the answer available - unless what it answers was removed meanwhile."""
    asked, at = answering.asked, answering.at
    if not is_answerable(connection, asked):
        return
    if answering.evidence is not None:
        evidence_rows.insert_evidence(connection, asked.key, answering.evidence.row())
    _tell_of_deletion(installation, connection, answering)
    events.append_events(connection, asked.key, answering.events)
    log_entries.append(connection, *answering.entries)
    # First the answer itself: it may have been corrected by one that overtook it, and then it answers nothing.
    waits.settle(installation, connection, answering.answer, at)
    waits.settle(installation, connection, asked, at, asked_back=not answering.code.is_final)
    waits.settle(installation, connection, answering.withdrawn, at)


def document_answered(connection: Connection, row: DocumentRow) -> DocumentRow | None:
    """Return the document that an answer on its way answers: one that its sender was delivered by its recipient.

    None too for a document that was removed meanwhile: nobody there ever had it.
    """
    if row.kind is not DocumentKind.ANSWER_NOTICE or row.reply_to is None:
        return None
    asked = documents.find_delivered(connection, row.sender, row.reply_to)
    if asked is None or asked.sender != row.recipient or not is_answerable(connection, asked):
        return None
    return asked


def is_answerable(connection: Connection, asked: DocumentRow) -> bool:
    """Return whether its recipient can have a copy of a document: it was not removed before any system was given it."""
    withdrawal = withdrawals.find_withdrawal(connection, asked.key)
    if withdrawal is None or not withdrawal.content_removed:
        return True
    delivery = deliveries.find_delivery(connection, asked.recipient, asked.key)
    return delivery is not None and delivery.fetched_at is not None


def require_answerable(connection: Connection, answer: Document) -> None:
    """Refuse an answer to a document that was removed before any system was given it: InputError STATE_CONFLICT."""
    if answer.kind is not DocumentKind.ANSWER_NOTICE or answer.reply_to is None:
        return
    asked = documents.find_delivered(connection, answer.sender.id, answer.reply_to)
    if asked is not None and not is_answerable(connection, asked):
        raise InputError(Code.STATE_CONFLICT, state=State.WITHDRAWN.value)


def _tell_of_deletion(installation: Installation, connection: Connection, answering: Answering) -> None:
    """Tell of a withdrawn document that its recipient says what became of the copy; before it counts as answered."""
    row, answer = answering.withdrawn, answering.answer
    if answering.code not in _SAYS_OF_DELETION or DeadlineKind.DELETION not in waits.latest_waits(
        connection, row
    ):
        return
    if _place(connection, answer, State.ACCEPTED) < _place(connection, row, State.WITHDRAWN):
        return  # who wrote it did not know yet
    both, code = (row.sender, row.recipient), answering.code
    told = sign_rows(
        installation, DELETION_ANSWERED, answering.at, both, related=answer.document_id, answer=code
    )
    events.append_events(connection, row.key, told)


def _place(connection: Connection, row: DocumentRow, state: State) -> int:
    """The place in the order of events at which a document came to a state, or was said so the last time."""
    told = events.events_of(connection, row.key, row.sender)
    return max(event.seq for event in told if event.kind == state.value)


def _withdrawn_by(installation: Installation, asked: DocumentRow, answer: DocumentRow) -> DocumentRow | None:
    """The document that the notice of withdrawal asked withdrew; None if it is no such notice."""
    if asked.kind is not DocumentKind.WITHDRAWAL_NOTICE:
        return None
    with installation.database.read() as connection:
        for key in events.pointing_to(connection, asked.sender, asked.document_id):
            row = documents.document_by_key(connection, key)
            told = events.events_of(connection, key, asked.sender)
            if any((each.kind, each.related) == (State.WITHDRAWN.value, asked.document_id) for each in told):
                return row
        # No event names a notice that came second; what it says does, if it is still there.
        if documents.wrapped_key_of(connection, asked.key, answer.sender) is None:
            return None
        notice = document_of(read_kept(installation, connection, asked, answer.sender, attachments=False))
        assert notice.withdraws is not None, "the rules ask it of a notice of withdrawal"
        return documents.find_own(connection, asked.sender, notice.withdraws.document_id)


def _reasons(code: AnswerCode, answer: Document) -> tuple[EventReason, ...]:
    """Why the answer is no: a code of the answer's own list, never its words."""
    if code is not AnswerCode.DECLINED:
        return ()
    return (EventReason(ReasonCode.DECLINED, answer.body.text_of("DeclineReason")),)

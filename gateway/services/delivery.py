"""Delivery: a sealed document goes to its recipient, and both sides' logs tell of it.

Here both parties are on this installation, so delivery is one transaction: the inbox row, the recipient's key, the
evidence, both log entries and the new deadlines. The intent (DISPATCHED) is recorded when the task is claimed; a
worker killed anywhere leaves a lease that runs out, and the next worker walks the same way. A task that cannot be
done is set aside, so that it never holds up those behind it; a wait for the delivery is open whenever one is, so that
the sender is told in time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import Connection

from gateway.domain.catalogue import Code
from gateway.domain.deadlines import Deadline, DeadlineKind, Waiting, opened_by
from gateway.domain.disclosure import EntryKind
from gateway.domain.document import Document
from gateway.domain.errors import BropostError, InternalError, UnavailableError
from gateway.domain.evidence import EvidenceEvent
from gateway.domain.identifiers import Uuid4
from gateway.domain.party import Party
from gateway.domain.policy import Gate
from gateway.domain.status import Standing, State
from gateway.services import answers, log_entries, waits
from gateway.services.content import document_of, read_kept
from gateway.services.correction import document_corrected, prepare_correction, record_corrections
from gateway.services.installation import Installation
from gateway.services.recording import event_rows
from gateway.services.sealing import Sealed, seal_document_evidence
from gateway.storage import deadlines, deliveries, documents, events, outbox, parties, withdrawals
from gateway.storage import evidence as evidence_rows
from gateway.storage.documents import DocumentRow
from gateway.storage.events import NewEvent
from gateway.storage.outbox import OutboxRow

_log = structlog.get_logger(__name__)

PAUSES: Final = (
    *(timedelta(seconds=seconds) for seconds in (5, 15, 60, 300, 900, 3600)),
    outbox.LONGEST_PAUSE,
)
"""After each attempt; the last one is used again and again."""
_DELIVERING: Final = frozenset({DeadlineKind.RELAY, DeadlineKind.DELIVERY})
ATTEMPTS_MOST: Final = 18  # 23.4 hours; a person looks before the DELIVERY wait tells the sender

# What a defect raises, ours or one in what is stored. A database that fails is none: it raises its own errors.
_DEFECTS: Final = (
    BropostError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)


def deliver_next(installation: Installation, worker: str, lease_seconds: int) -> bool:
    """Do the delivery that is due longest; False if none is due.

    A failure that may pass is tried again later; any other parks the task for a person, and alarms.
    """
    at = installation.clock()
    with installation.database.read() as connection:
        if not outbox.is_any_due(connection, at, lease_seconds):
            return False  # an idle worker takes no turn as writer
    with installation.database.transaction() as connection:
        task = outbox.claim(connection, worker, at, lease_seconds)
        if task is None:
            return False
        try:
            dispatch = _dispatch(installation, connection, task, at)
        except _DEFECTS as error:
            _park(installation, connection, task, at, error)
            return True
        if task.attempts > ATTEMPTS_MOST:  # each ended its worker before it could say why
            _park(installation, connection, task, at, InternalError(Code.INTERNAL))
            return True
        _record_dispatch(connection, dispatch)
    try:
        _deliver(installation, task, dispatch)
    except UnavailableError as error:
        _try_again(installation, task, dispatch.row, error)
    except Exception as error:
        with installation.database.transaction(dispatch.row.sender) as connection:
            _park(installation, connection, task, installation.clock(), error)
    return True


@dataclass(frozen=True)
class _Dispatch:
    """A document on its way, and what is recorded of that the first time."""

    row: DocumentRow
    recipient: Party
    at: datetime  # of the first time
    events: list[NewEvent]
    opened: tuple[Deadline, ...]


def _dispatch(installation: Installation, connection: Connection, task: OutboxRow, at: datetime) -> _Dispatch:
    """Read what a task is about; nothing is written yet."""
    row = documents.document_by_key(connection, task.document_key)
    assert row is not None, "a task's document is never removed"
    recipient = parties.find_party(connection, row.recipient)
    assert recipient is not None, "a document is accepted only for a registered party"
    known = events.events_of(connection, row.key, row.sender)
    dispatched = [event.at for event in known if event.kind == State.DISPATCHED.value]
    if dispatched:
        return _Dispatch(row, recipient, dispatched[0], [], ())
    at = max(at, row.accepted_at)
    new = event_rows(installation, State.DISPATCHED, at, Standing.RECORDED, (row.sender,))
    return _Dispatch(row, recipient, at, new, _waits(installation, connection, row, recipient, at))


def _waits(
    installation: Installation, connection: Connection, row: DocumentRow, recipient: Party, at: datetime
) -> tuple[Deadline, ...]:
    """The waits for its delivery, unless they were opened before."""
    if _is_waited_for(connection, row.key):
        return ()
    return opened_by(State.DISPATCHED, at, _waiting(installation, row, None), recipient.calendar)


def _is_waited_for(connection: Connection, document_key: int) -> bool:
    """Whether a wait for its delivery was ever opened."""
    return any(each.kind in _DELIVERING for each in deadlines.deadlines_of(connection, document_key))


def _record_dispatch(connection: Connection, dispatch: _Dispatch) -> None:
    """Note once that the document is on its way, and start its delivery deadline."""
    events.append_events(connection, dispatch.row.key, dispatch.events)
    deadlines.open_deadlines(connection, dispatch.row.key, dispatch.opened)


def _deliver(installation: Installation, task: OutboxRow, dispatch: _Dispatch) -> None:
    """Make the document available to its recipient."""
    row, recipient = dispatch.row, dispatch.recipient
    at = max(installation.clock(), dispatch.at)  # a clock that was put back turns no order round
    with installation.database.read() as connection:
        wrapped = documents.wrapped_key_of(connection, row.key, row.sender)
        if wrapped is None and withdrawals.find_withdrawal(connection, row.key) is not None:
            return  # since the task was claimed, and the task with it
        kept = read_kept(installation, connection, row, row.sender, attachments=False)
        sender = parties.find_party(connection, row.sender)
        document = document_of(kept)
        asked = answers.document_answered(connection, row)
        earlier = document_corrected(connection, row, document)
    assert wrapped is not None, "what could be read has its key"
    assert sender is not None
    policy = installation.knowledge.policy(cooperation_decided=sender.cooperation_decided)
    disclosure = Gate(document, policy).disclosure()
    consignment = seal_document_evidence(
        installation, EvidenceEvent.CONTENT_CONSIGNMENT, row, row.recipient, at
    )
    entries = (
        log_entries.sharing_entry(
            installation, EntryKind.RECEIVE, row.recipient, document, row, disclosure, consignment
        ),
        log_entries.evidence_entry(installation, row.sender, row, consignment),
    )
    answering = None
    if asked is not None:
        answering = answers.prepare_answer(installation, asked, row, document, at)
    correction = None if earlier is None else prepare_correction(installation, earlier, row, at)
    rewrapped = _rewrap(installation, wrapped, row)
    with installation.database.transaction(row.sender, row.recipient) as connection:
        if not outbox.complete(connection, task):
            return  # another worker holds the task now, or the document was withdrawn
        documents.add_data_key(connection, row.key, row.recipient, rewrapped)
        deliveries.add_delivery(connection, row.key, row.recipient, at)
        _record_available(installation, connection, row, document, recipient, consignment)
        log_entries.append(connection, *entries)
        if answering is not None:
            answers.record_answer(installation, connection, answering)
        record_corrections(installation, connection, row, correction)
        waits.settle(installation, connection, row, at)


def _record_available(
    installation: Installation,
    connection: Connection,
    row: DocumentRow,
    document: Document,
    recipient: Party,
    consignment: Sealed,
) -> None:
    """Store the evidence and the event for both parties; the recipient's clocks start now."""
    at = consignment.statement.time
    both = (row.sender, row.recipient)
    evidence_rows.insert_evidence(connection, row.key, consignment.row())
    events.append_events(
        connection,
        row.key,
        event_rows(installation, State.AVAILABLE, at, Standing.EVIDENCE, both, consignment),
    )
    opened = opened_by(State.AVAILABLE, at, _waiting(installation, row, document), recipient.calendar)
    deadlines.open_deadlines(connection, row.key, opened)


def _waiting(installation: Installation, row: DocumentRow, document: Document | None) -> Waiting:
    """What decides its deadlines; what its content says of them matters once it is delivered."""
    return Waiting(
        row.document_id,
        row.kind,
        True,
        document.urgency if document else None,
        row.reply_due,
        installation.waits,
        follow_up_on=document.follow_up_on if document else None,
    )


def _rewrap(installation: Installation, wrapped: bytes, row: DocumentRow) -> bytes:
    """The document's key, wrapped for the recipient too."""
    name = row.document_id.text.encode()
    key = installation.keys.key_encryption_key(row.sender).unwrap(wrapped, name)
    return installation.keys.key_encryption_key(row.recipient).wrap(key, name)


def _try_again(
    installation: Installation, task: OutboxRow, row: DocumentRow, error: UnavailableError
) -> None:
    """Give the task back until later; after many attempts, set it aside."""
    at = installation.clock()
    with installation.database.transaction(row.sender) as connection:
        if task.attempts >= ATTEMPTS_MOST:
            _park(installation, connection, task, at, error)
        else:
            pause = PAUSES[min(task.attempts, len(PAUSES)) - 1]
            outbox.retry_later(connection, task, at + pause, error.code)


def _park(
    installation: Installation, connection: Connection, task: OutboxRow, at: datetime, error: Exception
) -> None:
    """Set the task aside for a person, and alarm; a wait for its delivery is open, and will tell the sender."""
    code = error.code if isinstance(error, BropostError) else Code.INTERNAL
    if outbox.park(connection, task, at, code):
        open_wait(installation, connection, task.document_key, at)
        _log.error("delivery parked", task=task.id, code=code.name, kind=type(error).__name__)


def open_wait(installation: Installation, connection: Connection, document_key: int, at: datetime) -> None:
    """Open the wait for a delivery that failed before its dispatch was recorded, if need be by the hours of the day."""
    if _is_waited_for(connection, document_key):
        return
    try:
        row = documents.document_by_key(connection, document_key)
        recipient = parties.find_party(connection, row.recipient) if row else None
        assert row is not None
        assert recipient is not None
        opened = _waits(installation, connection, row, recipient, at)
    except _DEFECTS:  # what keeps it from being delivered may keep its working time from being found
        warning, failure = (timedelta(hours=span.hours) for span in installation.waits.delivery)
        opened = (Deadline(Uuid4.new(), DeadlineKind.DELIVERY, at, at + warning, at + failure),)
    deadlines.open_deadlines(connection, document_key, opened)

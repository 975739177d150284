"""Deadlines: what silence becomes. Each wait that passes is an event of its own that somebody is told of.

The sweep looks for waits whose warning or end has come. A warning tells; an end also makes signed negative evidence
with its reason. Each is one transaction, in which the row is marked, so a wait fires once, whoever sweeps. A wait
that cannot be read, judged or evidenced alarms and is put off, so that it never holds up those behind it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import Connection

from gateway.domain.catalogue import Code
from gateway.domain.deadlines import FIRINGS, DeadlineKind, Told, told_of, warned_of
from gateway.domain.errors import BropostError, InternalError, UnavailableError
from gateway.domain.identifiers import PartyId, Uuid4
from gateway.domain.status import Standing
from gateway.services import log_entries
from gateway.services.installation import Installation
from gateway.services.recording import event_rows
from gateway.services.sealing import seal_document_evidence
from gateway.storage import deadlines, deliveries, documents, events
from gateway.storage import evidence as evidence_rows
from gateway.storage.deadlines import DeadlineRow, UnreadableDeadline
from gateway.storage.documents import DocumentRow
from gateway.storage.events import NewEvent

_log = structlog.get_logger(__name__)

_RECIPIENTS: Final = frozenset({Told.ATTENTION, Told.DEPUTY, Told.MAILBOX})  # roles at the recipient
BATCH: Final = 100  # waits looked at in one sweep; the next sweep takes the rest
DEFECT_PAUSE: Final = deadlines.LONGEST_PAUSE  # before a wait that failed by a defect is tried again
AWAY_PAUSE: Final = timedelta(
    minutes=1
)  # before one that lacked something which may come back is tried again


def sweep(installation: Installation) -> int:
    """Fire what has passed and warn of what will; return how many waits were dealt with.

    A wait that failed is put off, and the others go on: for `AWAY_PAUSE` where something is away, of which the first
    UnavailableError is raised at the end, and for `DEFECT_PAUSE` where it cannot be read, or meets a defect. If the
    store itself is away, UnavailableError is raised at once: then the waits stay as they are.
    """
    now = installation.clock()
    with installation.database.read() as connection:
        due = deadlines.due(connection, now, BATCH)
    away: UnavailableError | None = None
    for wait in due:
        try:
            _deal_with(installation, wait, now)
        except UnavailableError as error:
            _put_off(installation, wait, now + AWAY_PAUSE)
            away = away or error
        except Exception as error:
            _alarm_of_defect(wait, error)
            _put_off(installation, wait, now + DEFECT_PAUSE)
    if away is not None:
        raise away
    return len(due)


def _deal_with(installation: Installation, wait: DeadlineRow | UnreadableDeadline, now: datetime) -> None:
    """Warn, remind or fire. InternalError STORED_DATA_ALTERED if the wait cannot be read."""
    if isinstance(wait, UnreadableDeadline):
        raise InternalError(Code.STORED_DATA_ALTERED)
    if wait.warned_at is None and now < wait.due_at:
        _warn(installation, wait, now)
    elif wait.kind not in FIRINGS:
        _remind(installation, wait, now)
    else:
        _fire(installation, wait, now)


def _alarm_of_defect(wait: DeadlineRow | UnreadableDeadline, error: Exception) -> None:
    """Tell the operator: a person must find out what is wrong with it."""
    kind = wait.why if isinstance(wait, UnreadableDeadline) else type(error).__name__
    code = error.code.name if isinstance(error, BropostError) else None
    _log.error("deadline failed", deadline=wait.id, code=code, kind=kind)


def _put_off(installation: Installation, wait: DeadlineRow | UnreadableDeadline, until: datetime) -> None:
    """Look at the wait again later."""
    with installation.database.transaction() as connection:
        deadlines.postpone(connection, wait.id, until)


def warning_kind(kind: DeadlineKind) -> str:
    """Return the name of the event that warns of a wait: "READ_DUE_SOON"."""
    return f"{kind.name}_DUE_SOON"


def due_kind(kind: DeadlineKind) -> str:
    """Return the name of the event that a day has come: "FOLLOW_UP_DUE"."""
    return f"{kind.name}_DUE"


def _warn(installation: Installation, wait: DeadlineRow, now: datetime) -> None:
    """Tell those who can still act that the end is near."""
    with installation.database.read() as connection:
        row = _document(connection, wait)
    with installation.database.transaction(row.sender, row.recipient) as connection:
        if not deadlines.mark_warned(connection, wait.id, now):
            return
        is_delivered = deliveries.find_delivery(connection, row.recipient, row.key) is not None
        told = _parties(row, warned_of(wait.kind), is_delivered)
        events.append_events(connection, row.key, _signs(installation, warning_kind(wait.kind), told, now))
    _alarm(warned_of(wait.kind), wait, row)


def _remind(installation: Installation, wait: DeadlineRow, now: datetime) -> None:
    """Tell both that the day has come of a wait which nobody can miss: a follow-up."""
    with installation.database.read() as connection:
        row = _document(connection, wait)
    with installation.database.transaction(row.sender, row.recipient) as connection:
        if deadlines.mark_fired(connection, wait.id, now):
            told = _parties(row, told_of(wait.kind), is_delivered=True)
            events.append_events(connection, row.key, _signs(installation, due_kind(wait.kind), told, now))


def _signs(
    installation: Installation, kind: str, parties: tuple[PartyId, ...], now: datetime
) -> list[NewEvent]:
    """An event that changes no state, for each of these parties."""
    event_id = Uuid4.new()
    return [
        NewEvent(
            event_id=event_id,
            party=party,
            kind=kind,
            at=now,
            standing=Standing.RECORDED,
            issuer=installation.issuer.name,
        )
        for party in parties
    ]


def _fire(installation: Installation, wait: DeadlineRow, now: datetime) -> None:
    """Evidence the silence, and tell."""
    firing = FIRINGS[wait.kind]
    with installation.database.read() as connection:
        row = _document(connection, wait)
        is_delivered = deliveries.find_delivery(connection, row.recipient, row.key) is not None
    sealed = seal_document_evidence(
        installation,
        firing.evidence,
        row,
        row.sender,
        now,
        reasons=(firing.reason,),
        issued_on_absence=True,
    )
    told = _parties(row, firing.told, is_delivered)
    entries = tuple(log_entries.evidence_entry(installation, party, row, sealed) for party in told)
    with installation.database.transaction(row.sender, row.recipient) as connection:
        if not deadlines.mark_fired(connection, wait.id, now):
            return
        evidence_rows.insert_evidence(connection, row.key, sealed.row())
        new = event_rows(installation, firing.state, now, Standing.EVIDENCE, told, sealed, (firing.reason,))
        events.append_events(connection, row.key, new)
        log_entries.append(connection, *entries)
    _alarm(firing.told, wait, row)


def _document(connection: Connection, wait: DeadlineRow) -> DocumentRow:
    row = documents.document_by_key(connection, wait.document_key)
    assert row is not None, "a waiting document is never removed"
    return row


def _parties(row: DocumentRow, told: tuple[Told, ...], is_delivered: bool) -> tuple[PartyId, ...]:
    """Whose systems are told; the recipient's only once it holds the document, for before it may not know of it."""
    parties = [row.sender] if Told.SENDER in told else []
    if is_delivered and not _RECIPIENTS.isdisjoint(told):
        parties.append(row.recipient)
    return tuple(parties)


def _alarm(told: tuple[Told, ...], wait: DeadlineRow, row: DocumentRow) -> None:
    """Tell the operator, where a wait is the operator's to look at."""
    if Told.OPERATOR in told:
        _log.warning(
            "deadline", kind=wait.kind.name, due=wait.due_at.isoformat(), document=row.document_id.text
        )

"""Waits: the one place that ends a wait and opens it again, by what has happened and still counts.

A workflow records its events and then calls `settle`. What ended a wait may be taken back: an answer is withdrawn, or a
correction, or a letter that was awaited. Then it counts no more, an event says so of each document that it had touched,
and the wait goes on with the time that was left. docs/decisions/0020
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from gateway.domain.calendar import Calendar
from gateway.domain.deadlines import FIRINGS, DeadlineKind, Situation, begun_anew, resumed
from gateway.domain.evidence import ReasonCode
from gateway.domain.identifiers import PartyId
from gateway.domain.status import State
from gateway.services.agreements import is_superseded, other_versions
from gateway.services.awaited_letters import admissions_met, has_come
from gateway.services.installation import Installation
from gateway.services.recording import sign_rows
from gateway.services.timeline import (
    CORRECTED,
    DELETION_ANSWERED,
    LAPSED,
    REVIVED,
    corrections_of,
    marks_of,
    projected,
)
from gateway.storage import deadlines, documents, events, parties, withdrawals
from gateway.storage.deadlines import DeadlineRow
from gateway.storage.documents import DocumentRow
from gateway.storage.events import EventRow

_TOUCHING: Final = frozenset({State.ANSWERED.value, CORRECTED, DELETION_ANSWERED})


def settle(
    installation: Installation,
    connection: Connection,
    row: DocumentRow,
    at: datetime,
    *,
    asked_back: bool = False,
) -> None:
    """Let the waits of a document, and of those around it, be those that its events ask for.

    In the transaction that records the events, which is alone with both parties. `asked_back`: a question came in place
    of an answer, and the wait for an answer begins anew.
    """
    _settle_own(connection, row, at, asked_back=asked_back)
    for key in events.pointing_to(connection, row.sender, row.document_id):
        touched = documents.document_by_key(connection, key)
        assert touched is not None, "a document with events is never removed"
        if _mark(installation, connection, touched, row, at):
            settle(installation, connection, touched, at)
    for beside in (*other_versions(connection, row), *admissions_met(connection, row)):
        _settle_own(connection, beside, at)


def situation_of(connection: Connection, row: DocumentRow) -> Situation:
    """Return what decides which waits of a document are open."""
    history = _history(connection, row)
    lapsed = marks_of(history).lapsed
    return Situation(
        status=projected(history),
        is_replaced=bool(corrections_of(history)),
        has_come=has_come(connection, row, history),
        is_superseded=is_superseded(connection, row),
        is_deletion_answered=any(
            each.kind == DELETION_ANSWERED and each.related not in lapsed for each in history
        ),
        is_given_up=any(
            reason.code is ReasonCode.DELIVERY_ABANDONED for each in history for reason in each.reasons
        ),
    )


def latest_waits(connection: Connection, row: DocumentRow) -> dict[DeadlineKind, DeadlineRow]:
    """Return the newest wait of each kind that the document ever had."""
    return {each.kind: each for each in deadlines.deadlines_of(connection, row.key)}


def begin_all_anew(connection: Connection, at: datetime) -> int:
    """Let every open wait whose end would be evidence of silence begin anew at `at`; return how many there are.

    For a store in which what has met them may be missing, in a transaction that is alone altogether. Each lasts as much
    of its recipient's working time as before. What a clock that was ahead opened after `at` ends later than that, and
    stays as it is; so does a wait that nobody can read or judge, of which the sweep tells the operator.
    """
    calendars: dict[PartyId, Calendar] = {}
    begun = 0
    for wait in deadlines.open_waits(connection):
        if wait.row.kind not in FIRINGS or wait.row.opened_at > at:
            continue
        if wait.recipient not in calendars:
            calendars[wait.recipient] = _calendar_or_usual(connection, wait.recipient)
        with suppress(ValueError):
            anew = begun_anew(wait.row.deadline(wait.document_id), at, calendars[wait.recipient])
            deadlines.begin_anew(connection, wait.row.id, anew)
            begun += 1
    return begun


def _calendar_or_usual(connection: Connection, party: PartyId) -> Calendar:
    """The party's working time, or the usual one if its own cannot be read: nobody is accused for want of it."""
    try:
        return _calendar(connection, party)
    except (ArithmeticError, LookupError, TypeError, ValueError):
        return Calendar()


def _settle_own(connection: Connection, row: DocumentRow, at: datetime, *, asked_back: bool = False) -> None:
    waits = latest_waits(connection, row)
    if not waits:
        return
    situation = situation_of(connection, row)
    over = [kind for kind, wait in waits.items() if wait.is_open and not situation.waits_for(kind)]
    deadlines.cancel(connection, row.key, over, at)
    for kind, wait in waits.items():
        if wait.cancelled_at is not None and situation.waits_for(kind):
            earlier, calendar = wait.deadline(row.document_id), _calendar(connection, row.recipient)
            goes_on = resumed(earlier, wait.cancelled_at, at, calendar)
            deadlines.open_deadlines(connection, row.key, [goes_on])
    if asked_back and DeadlineKind.ANSWER in waits and situation.waits_for(DeadlineKind.ANSWER):
        _begin_anew(connection, row, at)


def _begin_anew(connection: Connection, row: DocumentRow, at: datetime) -> None:
    """Let the wait for an answer begin anew, as long as the first one."""
    waits = deadlines.deadlines_of(connection, row.key)
    first = next(wait for wait in waits if wait.kind is DeadlineKind.ANSWER)
    anew = begun_anew(first.deadline(row.document_id), at, _calendar(connection, row.recipient))
    deadlines.cancel(connection, row.key, (DeadlineKind.ANSWER,), at)
    deadlines.open_deadlines(connection, row.key, [anew])


def _mark(
    installation: Installation,
    connection: Connection,
    touched: DocumentRow,
    by: DocumentRow,
    at: datetime,
) -> bool:
    """Tell of a document, if it is news, that what another one did to it counts no more, or counts again."""
    history = _history(connection, touched)
    kinds = {each.kind for each in history if each.related == by.document_id} & _TOUCHING
    counts = _counts(connection, by, corrects=CORRECTED in kinds)
    if not kinds or counts != (by.document_id in marks_of(history).lapsed):
        return False
    told = [
        party
        for party in (touched.sender, touched.recipient)
        if any(each.related == by.document_id for each in events.events_of(connection, touched.key, party))
    ]
    kind = REVIVED if counts else LAPSED
    told_of = sign_rows(installation, kind, at, told, related=by.document_id)
    events.append_events(connection, touched.key, told_of)
    return True


def _counts(connection: Connection, row: DocumentRow, *, corrects: bool) -> bool:
    """Whether what a document did to another one counts still: as its correction, or else as its answer.

    A correction that was itself corrected goes on counting, for the newest then waits for all of them.
    """
    is_withdrawn = withdrawals.find_withdrawal(connection, row.key) is not None
    is_replaced = bool(corrections_of(_history(connection, row)))
    return not is_withdrawn or is_replaced if corrects else not is_withdrawn and not is_replaced


def _history(connection: Connection, row: DocumentRow) -> Sequence[EventRow]:
    """The events of a document as its sender is told them: all of them."""
    return events.events_of(connection, row.key, row.sender)


def _calendar(connection: Connection, party: PartyId) -> Calendar:
    recipient = parties.find_party(connection, party)
    assert recipient is not None, "a document is accepted only for a registered party"
    return recipient.calendar

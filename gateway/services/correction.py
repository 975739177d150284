"""Corrections: a document that replaces an earlier one, as its header says; both stay, and both parties are told.

The earlier document keeps its state and its place. Where it waited to be fetched, read or answered, the one that
replaces it waits now.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from gateway.domain.deadlines import DeadlineKind
from gateway.domain.document import Document
from gateway.domain.identifiers import PartyId, Uuid4
from gateway.domain.status import Standing
from gateway.services import log_entries
from gateway.services.installation import Installation
from gateway.services.timeline import CORRECTED
from gateway.storage import deadlines, deliveries, documents, events
from gateway.storage import evidence as evidence_rows
from gateway.storage.documents import DocumentRow
from gateway.storage.events import NewEvent

_TAKEN_OVER: Final = (DeadlineKind.HANDOVER, DeadlineKind.READ, DeadlineKind.ANSWER)


def record_corrections(
    installation: Installation, connection: Connection, row: DocumentRow, document: Document, at: datetime
) -> None:
    """Tell what a document corrects, and by what it was corrected itself: in the transaction that delivers it."""
    if document.corrects is not None:
        earlier = documents.find_own(connection, row.sender, document.corrects.document_id)
        assert earlier is not None, "the rules found it, and no document is ever removed"
        is_delivered = deliveries.find_delivery(connection, earlier.recipient, earlier.key) is not None
        told = (earlier.sender, earlier.recipient) if is_delivered else (earlier.sender,)
        for party, event in zip(told, _events(installation, row.document_id, told, at), strict=True):
            _tell(installation, connection, earlier, row, party, event)
    _tell_of_earlier_corrections(installation, connection, row)


def _events(
    installation: Installation, corrected_by: Uuid4, told: tuple[PartyId, ...], at: datetime
) -> list[NewEvent]:
    event_id = Uuid4.new()
    return [
        NewEvent(
            event_id=event_id,
            party=party,
            kind=CORRECTED,
            at=at,
            standing=Standing.RECORDED,
            issuer=installation.issuer.name,
            related=corrected_by,
        )
        for party in told
    ]


def _tell_of_earlier_corrections(
    installation: Installation, connection: Connection, row: DocumentRow
) -> None:
    """A correction that overtook this document was told its sender alone: now its recipient may know too."""
    for event in events.events_of(connection, row.key, row.sender):
        if event.kind == CORRECTED and event.related is not None:
            newer = documents.find_own(connection, row.sender, event.related)
            assert newer is not None, "no document is ever removed"
            (again,) = _events(installation, event.related, (row.recipient,), event.at)
            _tell(installation, connection, row, newer, row.recipient, again)


def _tell(
    installation: Installation,
    connection: Connection,
    earlier: DocumentRow,
    newer: DocumentRow,
    party: PartyId,
    event: NewEvent,
) -> None:
    """Tell one party, in its stream and in its log, and let the newer document do the waiting."""
    events.append_events(connection, earlier.key, [event])
    shared = log_entries.shared_in(evidence_rows.evidence_of(connection, earlier.key), party)
    entry = log_entries.replacement_entry(installation, party, newer, shared, event.at)
    log_entries.append(connection, entry)
    deadlines.cancel(connection, earlier.key, _TAKEN_OVER, event.at)

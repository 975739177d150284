"""The mailbox: what waits for a party, and one document whole. Nothing disappears by being listed or retrieved."""

from __future__ import annotations

from sqlalchemy import Connection

from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError
from gateway.domain.mandate import Operation
from gateway.domain.operations import (
    InboxAnswer,
    InboxItem,
    ListInboxRequest,
    RetrieveAnswer,
    RetrieveRequest,
)
from gateway.domain.status import Status
from gateway.protocol.wss import Verified
from gateway.services import cursors, log_entries
from gateway.services.access import Caller, authorise, remember, require_visible
from gateway.services.content import read_kept
from gateway.services.installation import Installation
from gateway.services.timeline import seen_by, shown_state, status_of
from gateway.storage import deliveries, documents, parties, systems
from gateway.storage.deliveries import InboxRow
from gateway.storage.documents import DocumentRow


def list_inbox(installation: Installation, verified: Verified, request: ListInboxRequest) -> InboxAnswer:
    """Return a page of what this system has not yet confirmed, oldest first, by the party's routes.

    Asked for the unread alone, it is what nobody has opened, confirmed or not.

    Raises InputError CURSOR_INVALID.
    """
    at = installation.clock()
    with installation.database.transaction(request.on_behalf_of) as connection:
        remember(connection, verified)
        caller = authorise(connection, verified, Operation.LIST_INBOX, request.on_behalf_of, at)
        after = cursors.read(request.cursor, Operation.LIST_INBOX, caller.party.id)
        rows = deliveries.inbox_page(
            connection,
            caller.party.id,
            system_id=caller.system.id,
            systems=systems.systems_of_party(connection, caller.party.id, at),
            limit=request.page_size + 1,
            after_seq=after,
            role=request.attention,
            kind=request.kind,
            unread_only=request.unread_only,
            waiting_only=not request.unread_only,
        )
        shown = rows[: request.page_size]
        items = tuple(_item(connection, caller, row) for row in shown)
    last = shown[-1].inbox_seq if shown else after
    next_cursor = cursors.write(last, Operation.LIST_INBOX, caller.party.id)
    return InboxAnswer(items, next_cursor, more=len(rows) > len(shown))


def retrieve(installation: Installation, verified: Verified, request: RetrieveRequest) -> RetrieveAnswer:
    """Return a delivered document with its attachments; the access is in the log before the content leaves.

    Raises InputError NOT_FOUND if it was not delivered to this party, STATE_CONFLICT if its sender withdrew it: no
    new copy of it is given out.
    """
    at = installation.clock()
    with installation.database.read() as connection:
        caller = authorise(connection, verified, Operation.RETRIEVE, request.on_behalf_of, at)
        found = documents.find_delivered(connection, caller.party.id, request.document_id)
        row = require_visible(found, Operation.RETRIEVE, caller.party.id)
        status = _require_not_withdrawn(connection, caller, row)
        kept = read_kept(installation, connection, row, caller.party.id, attachments=True)
    entry = log_entries.access_entry(installation, caller.party.id, row, caller.system.id, at)
    with installation.database.transaction(caller.party.id) as connection:
        remember(connection, verified)
        _require_not_withdrawn(connection, caller, row)  # nothing leaves after it was taken back
        log_entries.append(connection, entry)
    return RetrieveAnswer(row.document_id, shown_state(status), kept.octets, kept.attachments)


def _require_not_withdrawn(connection: Connection, caller: Caller, row: DocumentRow) -> Status:
    """The status of a document that may still be given out. InputError STATE_CONFLICT if its sender withdrew it."""
    status = status_of(connection, row.key, caller.party.id)
    if status.is_withdrawn:
        raise InputError(Code.STATE_CONFLICT, state=shown_state(status).value)
    return status


def _item(connection: Connection, caller: Caller, row: InboxRow) -> InboxItem:
    sender = parties.find_party(connection, row.sender)
    state, corrected_by = seen_by(connection, row.document_key, caller.party.id)
    return InboxItem(
        document_id=row.document_id,
        conversation_id=row.conversation_id,
        kind=row.kind,
        sender=row.sender,
        sender_name=sender.name if sender else str(row.sender),
        attention=row.attention,
        received_at=row.available_at,
        state=state,
        attachment_count=row.attachment_count,
        reply_due=row.reply_due,
        protected=row.subject_protected,
        corrected_by=corrected_by,
    )

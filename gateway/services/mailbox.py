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
from gateway.protocol.wss import Verified
from gateway.services import cursors, log_entries
from gateway.services.access import Caller, authorise, remember, require_visible
from gateway.services.content import read_kept
from gateway.services.installation import Installation
from gateway.services.timeline import seen_by, shown_state, status_of
from gateway.storage import deliveries, documents, inbox, parties, systems
from gateway.storage.documents import DocumentRow
from gateway.storage.exclusion import try_alone
from gateway.storage.inbox import InboxRow


def list_inbox(installation: Installation, verified: Verified, request: ListInboxRequest) -> InboxAnswer:
    """Return a page of what this system has not yet confirmed, oldest first, by the party's routes.

    Asked for the unread alone, it is what nobody has opened, confirmed or not. Where much is passed over, a page may be
    short, or even empty, and there is more.

    Raises InputError CURSOR_INVALID.
    """
    at = installation.clock()
    with installation.database.read() as connection:
        caller = authorise(connection, verified, Operation.LIST_INBOX, request.on_behalf_of, at)
        party = caller.party.id
        page = inbox.inbox_page(
            connection,
            party,
            system_id=caller.system.id,
            systems=systems.systems_of_party(connection, party, at),
            limit=request.page_size,
            after_seq=cursors.read(request.cursor, Operation.LIST_INBOX, party),
            role=request.attention,
            kind=request.kind,
            unread_only=request.unread_only,
            waiting_only=not request.unread_only,
        )
        items = tuple(_item(connection, caller, row) for row in page.rows)
    with installation.database.transaction() as connection:
        remember(connection, verified)
        # The mark only spares the next list a look: it is not worth a wait for whoever writes of the party.
        if page.passed is not None and try_alone(connection, party):
            inbox.pass_over(connection, party, caller.system.id, page.passed)
    next_cursor = cursors.write(page.through_seq, Operation.LIST_INBOX, party)
    return InboxAnswer(items, next_cursor, more=page.has_more)


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
        _require_not_withdrawn(connection, caller, row)
        kept = read_kept(installation, connection, row, caller.party.id, attachments=True)
    entry = log_entries.access_entry(installation, caller.party.id, row, caller.system.id, at)
    with installation.database.transaction(caller.party.id) as connection:
        remember(connection, verified)
        _require_not_withdrawn(connection, caller, row)  # nothing leaves after it was taken back
        state, corrected_by = seen_by(connection, row.key, caller.party.id)
        deliveries.mark_fetched(connection, caller.party.id, row.key, at)
        log_entries.append(connection, entry)
    return RetrieveAnswer(row.document_id, state, kept.octets, kept.attachments, corrected_by)


def _require_not_withdrawn(connection: Connection, caller: Caller, row: DocumentRow) -> None:
    """Refuse to give out what its sender withdrew: InputError STATE_CONFLICT."""
    status = status_of(connection, row.key, caller.party.id)
    if status.is_withdrawn:
        raise InputError(Code.STATE_CONFLICT, state=shown_state(status).value)


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

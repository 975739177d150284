"""Awaited letters: a letter about support ends the wait that a school's notice of admission opened for it.

The notice is not answered by that, for nobody answered it: what was waited for has come. docs/decisions/0017
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection

from gateway.domain.identifiers import PartyId
from gateway.domain.kinds import DocumentKind
from gateway.domain.status import State
from gateway.storage import documents, events, withdrawals
from gateway.storage.documents import DocumentRow
from gateway.storage.events import EventRow

_OF_SUPPORT: Final = (DocumentKind.EDUCATION_ORDER_LETTER, DocumentKind.SUPPORT_NEED_LETTER)


def admissions_met(connection: Connection, letter: DocumentRow) -> tuple[DocumentRow, ...]:
    """Return the notices of admission whose wait this letter may end: of its conversation and its two parties."""
    if letter.kind not in _OF_SUPPORT:
        return ()
    return _between(connection, letter.recipient, letter, DocumentKind.ADMISSION_NOTICE)


def has_come(connection: Connection, notice: DocumentRow, history: Sequence[EventRow]) -> bool:
    """Return whether a letter about support has come to the school after this notice of admission, and stands.

    `history` is what happened to the notice. A letter that was withdrawn is none.
    """
    if notice.kind is not DocumentKind.ADMISSION_NOTICE:
        return False
    noticed = next((each.seq for each in history if each.kind == State.ACCEPTED.value), 0)
    return any(
        _came(connection, letter) > noticed and withdrawals.find_withdrawal(connection, letter.key) is None
        for kind in _OF_SUPPORT
        for letter in _between(connection, notice.sender, notice, kind)
    )


def _between(
    connection: Connection, school: PartyId, row: DocumentRow, kind: DocumentKind
) -> tuple[DocumentRow, ...]:
    """The documents of a kind that go the other way between the two parties of `row`, in the same conversation."""
    found = documents.conversation_documents(connection, school, row.conversation_id, kind)
    return tuple(each for each in found if (each.sender, each.recipient) == (row.recipient, row.sender))


def _came(connection: Connection, letter: DocumentRow) -> int:
    """The place in the order of events at which a letter came to its recipient; 0 if it has not."""
    told = events.events_of(connection, letter.key, letter.recipient)
    return next((each.seq for each in told if each.kind == State.AVAILABLE.value), 0)

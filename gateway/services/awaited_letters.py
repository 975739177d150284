"""Awaited letters: a letter about support ends the wait that a school's notice of admission opened for it.

The notice is not answered by that, for nobody answered it: what was waited for has come. docs/decisions/0017
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from gateway.domain.deadlines import DeadlineKind
from gateway.domain.kinds import DocumentKind
from gateway.storage import deadlines, documents
from gateway.storage.documents import DocumentRow

_OF_SUPPORT: Final = frozenset({DocumentKind.EDUCATION_ORDER_LETTER, DocumentKind.SUPPORT_NEED_LETTER})


def end_wait_for_letter(connection: Connection, letter: DocumentRow, at: datetime) -> None:
    """End the waits of the notices of admission that this letter, now there for the school, has met.

    They are those that the school sent to the same municipality in the same conversation. A wait that has passed stays
    passed; a document of another kind ends none.
    """
    if letter.kind not in _OF_SUPPORT:
        return
    school, conversation = letter.recipient, letter.conversation_id
    admissions = documents.conversation_documents(
        connection, school, conversation, DocumentKind.ADMISSION_NOTICE
    )
    for notice in admissions:
        if (notice.sender, notice.recipient) == (school, letter.sender):
            deadlines.cancel(connection, notice.key, (DeadlineKind.ANSWER,), at)

"""Agreements: of the versions of one agreement, the newest that binds the parties is followed up.

Either party may make a version; what they share is the AgreementId, in the same conversation. A version that nobody
has accepted binds nobody, so until then the one before is followed up. docs/decisions/0020
"""

from __future__ import annotations

from sqlalchemy import Connection

from gateway.domain.kinds import DocumentKind
from gateway.domain.status import AnswerCode
from gateway.services.timeline import status_of
from gateway.storage import documents
from gateway.storage.documents import DocumentRow


def other_versions(connection: Connection, row: DocumentRow) -> tuple[DocumentRow, ...]:
    """Return the other versions of an agreement between its two parties; none for a document of another kind."""
    if row.kind is not DocumentKind.AGREEMENT_NOTICE or row.agreement_id is None:
        return ()
    ends = {row.sender, row.recipient}
    versions = documents.conversation_documents(
        connection, row.sender, row.conversation_id, DocumentKind.AGREEMENT_NOTICE
    )
    return tuple(
        each
        for each in versions
        if each.key != row.key
        and each.agreement_id == row.agreement_id
        and {each.sender, each.recipient} == ends
    )


def is_superseded(connection: Connection, row: DocumentRow) -> bool:
    """Return whether a newer version of this agreement, by acceptance, was accepted and not withdrawn."""
    return any(
        not (status := status_of(connection, each.key, each.sender)).is_withdrawn
        and status.verdict is AnswerCode.ACCEPTED
        for each in other_versions(connection, row)
        if each.key > row.key
    )

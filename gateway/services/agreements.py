"""Agreements: of the versions of one agreement, only the newest is followed up."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from gateway.domain.deadlines import DeadlineKind
from gateway.domain.document import Document
from gateway.domain.kinds import DocumentKind
from gateway.services.content import document_of, read_kept
from gateway.services.installation import Installation
from gateway.storage import deadlines, documents
from gateway.storage.documents import DocumentRow


def versions_of(
    installation: Installation, connection: Connection, row: DocumentRow, agreement: Document
) -> tuple[int, ...]:
    """Return the keys of every version of an agreement that its sender holds, in the order of their acceptance.

    None for a document of another kind.

    Either party may have made a version; what they share is the AgreementId, in the same conversation.
    """
    if row.kind is not DocumentKind.AGREEMENT_NOTICE:
        return ()
    return tuple(
        each.key
        for each in documents.conversation_documents(
            connection, row.sender, row.conversation_id, DocumentKind.AGREEMENT_NOTICE
        )
        if each.key == row.key or _id_of(installation, connection, each, row) == _id(agreement)
    )


def follow_newest(connection: Connection, versions: tuple[int, ...], at: datetime) -> None:
    """End the follow-up of every version but the newest, in the transaction that makes one of them available."""
    for key in versions[:-1]:
        deadlines.cancel(connection, key, (DeadlineKind.FOLLOW_UP,), at)


def _id_of(
    installation: Installation, connection: Connection, version: DocumentRow, row: DocumentRow
) -> str | None:
    """The AgreementId of an agreement between the same two parties; None if its content was removed."""
    ends = {row.sender, row.recipient}
    if version.wrapped_key is None or {version.sender, version.recipient} != ends:
        return None
    return _id(document_of(read_kept(installation, connection, version, row.sender, attachments=False)))


def _id(agreement: Document) -> str | None:
    return agreement.body.text_of("AgreementId")

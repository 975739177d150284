"""Entries of the disclosure log, composed before the transaction that appends them.

An entry holds codes and salted commitments; what opens the commitments is encrypted here under a key of its own,
wrapped for the party whose log it is, so that erasing an opening is erasing a row.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from gateway.crypto.keys import DataKey
from gateway.domain.disclosure import (
    Activity,
    Actor,
    Basis,
    Commitment,
    CommittedField,
    End,
    EntryKind,
    Leaf,
    SchemaVersion,
    SubjectKind,
    Visibility,
    log_time,
)
from gateway.domain.document import Document
from gateway.domain.evidence import EventReason
from gateway.domain.identifiers import PartyId, Uuid4
from gateway.domain.operations import Override
from gateway.domain.policy import Disclosure
from gateway.services.installation import Installation
from gateway.services.sealing import Sealed
from gateway.storage import log, openings
from gateway.storage.documents import NewDocument
from gateway.translog import leaf as leaf_octets
from gateway.translog.commitment import Committer, compose_opening

ACTIVITY: Final = Activity("YOUTH_EDUCATION_SUPPORT", 1)  # in the party's record under GDPR art. 30
RETENTION: Final = "DISCLOSURE_5Y"  # the longest time the former security order kept logs; erased by rule
OPERATOR: Final = "OPERATOR"  # the role of who changes parties, mandates and keys by command


@dataclass(frozen=True)
class PreparedEntry:
    """An entry ready to be appended, with its encrypted openings if it commits to anything."""

    party: PartyId
    entry_id: Uuid4
    octets: bytes
    opening: openings.Opening | None


def append(connection: Connection, *entries: PreparedEntry) -> None:
    """Append entries to their logs, as part of the transaction that changes what they tell of."""
    for entry in entries:
        log.append(connection, entry.party, log.NewEntry(entry.entry_id, entry.octets))
    openings.put_openings(connection, *(entry.opening for entry in entries if entry.opening))


def sharing_entry(
    installation: Installation,
    kind: EntryKind,
    party: PartyId,
    document: Document,
    row: NewDocument,
    disclosure: Disclosure,
    evidence: Sealed,
    overridden: tuple[Override, ...] = (),
) -> PreparedEntry:
    """Return the entry that a document was shared (DISCLOSE, the sender's log) or came (RECEIVE, the recipient's).

    Where the evidence stands in this party's log, the entry is the one it names. `overridden` are the rules that the
    sender chose to send against: their codes stand in the entry, the reasons, being free text, are committed to.
    """
    entry_id = evidence.entry_id if evidence.log_party == party else Uuid4.new()
    committer = Committer(entry_id)
    author = document.header.text_of("Sender/Author/Role")
    reasons = "\n".join(f"{override.rule}: {override.reason}" for override in overridden)
    attentions = tuple(dict.fromkeys(attention.role.value for attention in document.attentions))
    leaf = Leaf(
        log=installation.origin(party),
        entry_id=entry_id,
        time=log_time(evidence.statement.time),
        kind=kind,
        visibility=Visibility.OPEN,
        retention=RETENTION,
        activity=ACTIVITY,
        purposes=document.purposes,
        bases=tuple(Basis(b.provision, b.article_6, b.article_9) for b in document.legal_bases),
        sender=End(row.sender, (author,) if author else (), row.system_id.text),
        recipient=End(row.recipient, attentions),
        subject=_commit(
            committer, CommittedField.SUBJECT, document.subject.cpr.digits if document.subject else None
        ),
        subject_kind=SubjectKind.YOUNG_PERSON if document.subject else None,
        subject_count=1 if document.subject else 0,
        categories=disclosure.categories,
        special=disclosure.special,
        fields_sent=disclosure.fields_sent,
        fields_withheld=disclosure.fields_withheld,
        document=committer.commit(CommittedField.DOCUMENT, row.document_id.text),
        document_kind=row.kind.value,
        schema=SchemaVersion(document.schema_version, installation.knowledge.schema_sha256),
        content=committer.commit(CommittedField.CONTENT, row.content_digest.hex()),
        conversation=committer.commit(CommittedField.CONVERSATION, row.conversation_id.text),
        event=evidence.statement.event.value,
        evidence=_commit_evidence(committer, evidence),
        outcome="DONE",
        decision=_commit(committer, CommittedField.DECISION, reasons or None),
        details=tuple(override.rule for override in overridden),
    )
    return _prepare(installation, leaf, committer)


def evidence_entry(
    installation: Installation, party: PartyId, row: NewDocument, evidence: Sealed
) -> PreparedEntry:
    """Return the entry of an event in a document's life, for the log of one of its parties."""
    statement = evidence.statement
    entry_id = evidence.entry_id if evidence.log_party == party else Uuid4.new()
    committer = Committer(entry_id)
    asserted = statement.asserted_by
    leaf = Leaf(
        log=installation.origin(party),
        entry_id=entry_id,
        time=log_time(statement.time),
        kind=EntryKind.EVIDENCE,
        visibility=Visibility.OPEN,
        retention=RETENTION,
        activity=ACTIVITY,
        sender=End(row.sender),
        recipient=End(row.recipient),
        document=committer.commit(CommittedField.DOCUMENT, row.document_id.text),
        document_kind=row.kind.value,
        conversation=committer.commit(CommittedField.CONVERSATION, row.conversation_id.text),
        event=statement.event.value,
        evidence=_commit_evidence(committer, evidence),
        outcome="FAILED" if statement.event.is_negative else "DONE",
        reasons=_codes(statement.reasons),
        actor=Actor(asserted.role, system=asserted.system_id.text) if asserted and asserted.role else None,
    )
    return _prepare(installation, leaf, committer)


def refusal_entry(
    installation: Installation, party: PartyId, evidence: Sealed, system: Uuid4
) -> PreparedEntry:
    """Return the entry that a submission was refused; nothing of its content is in it."""
    statement = evidence.statement
    committer = Committer(evidence.entry_id)
    leaf = Leaf(
        log=installation.origin(party),
        entry_id=evidence.entry_id,
        time=log_time(statement.time),
        kind=EntryKind.EVIDENCE,
        visibility=Visibility.OPEN,
        retention=RETENTION,
        sender=End(party, system=system.text),
        event=statement.event.value,
        evidence=_commit_evidence(committer, evidence),
        outcome="FAILED",
        reasons=_codes(statement.reasons),
    )
    return _prepare(installation, leaf, committer)


def access_entry(
    installation: Installation, party: PartyId, row: NewDocument, system: Uuid4, at: datetime
) -> PreparedEntry:
    """Return the entry that a system fetched a document; made before the document leaves."""
    entry_id = Uuid4.new()
    committer = Committer(entry_id)
    leaf = Leaf(
        log=installation.origin(party),
        entry_id=entry_id,
        time=log_time(at),
        kind=EntryKind.ACCESS,
        visibility=Visibility.OPEN,
        retention=RETENTION,
        activity=ACTIVITY,
        document=committer.commit(CommittedField.DOCUMENT, row.document_id.text),
        document_kind=row.kind.value,
        conversation=committer.commit(CommittedField.CONVERSATION, row.conversation_id.text),
        actor=Actor("SYSTEM", system=system.text),
    )
    return _prepare(installation, leaf, committer)


def administration_entry(
    installation: Installation, kind: EntryKind, party: PartyId, details: tuple[str, ...], at: datetime
) -> PreparedEntry:
    """Return the entry of a changed setting, mandate or key (CONFIG, KEY) or of an export, told in codes."""
    entry_id = Uuid4.new()
    leaf = Leaf(
        log=installation.origin(party),
        entry_id=entry_id,
        time=log_time(at),
        kind=kind,
        visibility=Visibility.CONFIDENTIAL,
        retention=RETENTION,
        details=details,
        actor=Actor(OPERATOR),
    )
    return _prepare(installation, leaf, Committer(entry_id))


def _commit_evidence(committer: Committer, evidence: Sealed) -> Commitment:
    """Bind the entry to the evidence octet for octet, so that no other can take its place."""
    return committer.commit(CommittedField.EVIDENCE, hashlib.sha256(evidence.octets).hexdigest())


def _codes(reasons: tuple[EventReason, ...]) -> tuple[str, ...]:
    """Each reason's code, followed by its detail where that is a code too."""
    return tuple(code for reason in reasons for code in (reason.code.name, reason.detail) if code)


def _commit(committer: Committer, field: CommittedField, value: str | None) -> Commitment | None:
    return None if value is None else committer.commit(field, value)


def _prepare(installation: Installation, leaf: Leaf, committer: Committer) -> PreparedEntry:
    """Write the leaf, and encrypt its openings for the party of the log."""
    opening = None
    if committer.openings:
        name = leaf.entry_id.text.encode()
        key = DataKey()
        lines = b"\n".join(compose_opening(each) for each in committer.openings)
        wrapped = installation.keys.key_encryption_key(leaf.log.party).wrap(key, name)
        opening = openings.Opening(leaf.entry_id, wrapped, key.encrypt(lines, name))
    return PreparedEntry(leaf.log.party, leaf.entry_id, leaf_octets.compose(leaf), opening)

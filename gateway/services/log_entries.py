"""Entries of the disclosure log, composed before the transaction that appends them.

An entry holds codes and salted commitments; what opens the commitments is encrypted here under a key of its own,
wrapped for the party whose log it is, so that erasing an opening is erasing a row.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from gateway.crypto.keys import DataKey
from gateway.domain.disclosure import (
    ERASED,
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
from gateway.domain.evidence import AssertedBy, EventReason, EvidenceEvent, ReasonCode
from gateway.domain.identifiers import PartyId, Uuid4
from gateway.domain.operations import Override
from gateway.domain.policy import Disclosure
from gateway.services.installation import Installation
from gateway.services.sealing import Sealed
from gateway.storage import log, openings
from gateway.storage.documents import NewDocument
from gateway.storage.evidence import NewEvidence
from gateway.translog import leaf as leaf_octets
from gateway.translog.commitment import Committer, compose_opening

ACTIVITY: Final = Activity("YOUTH_EDUCATION_SUPPORT", 1)  # in the party's record under GDPR art. 30
RETENTION: Final = "DISCLOSURE_5Y"  # the longest time the former security order kept logs; erased by rule
CONTENT_REMOVED: Final = "CONTENT_REMOVED"  # a detail: nothing of the document is left in this installation
_OF_SHARING: Final = frozenset({EvidenceEvent.SUBMISSION_ACCEPTANCE, EvidenceEvent.CONTENT_CONSIGNMENT})
SYSTEM: Final = "SYSTEM"  # the role of a case system that acts of itself
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
    installation: Installation,
    party: PartyId,
    row: NewDocument,
    evidence: Sealed,
    *,
    decision: str | None = None,
    corrects: Uuid4 | None = None,
    details: tuple[str, ...] = (),
) -> PreparedEntry:
    """Return the entry of an event in a document's life, for the log of one of its parties.

    `decision` is why somebody brought it about, in words, which are committed to. `corrects` is that log's entry of the
    document's sharing, where the event takes back what that told.
    """
    statement = evidence.statement
    entry_id = evidence.entry_id if evidence.log_party == party else Uuid4.new()
    told = _Told(entry_id, statement.time, statement.event, evidence.octets, _codes(statement.reasons))
    actor = _actor(statement.asserted_by, decision)
    return _life_entry(installation, party, row, told, actor, decision, corrects, details)


def replacement_entry(
    installation: Installation,
    party: PartyId,
    earlier: NewDocument,
    newer: NewDocument,
    corrects: Uuid4,
    evidence: NewEvidence,
) -> PreparedEntry:
    """Return the entry that a document was replaced by a newer one, whose content it commits to.

    `corrects` is that log's entry of the earlier document's sharing.
    """
    entry_id = evidence.log_entry_id if evidence.log_party == party else Uuid4.new()
    told = _Told(entry_id, evidence.at, evidence.event, evidence.octets, (ReasonCode.REPLACED.name,))
    return _life_entry(installation, party, earlier, told, None, None, corrects, newer=newer)


@dataclass(frozen=True)
class _Told:
    """What an entry tells of an event, and the evidence that it binds."""

    entry_id: Uuid4
    time: datetime
    event: EvidenceEvent
    octets: bytes
    reasons: tuple[str, ...]


def _life_entry(
    installation: Installation,
    party: PartyId,
    row: NewDocument,
    told: _Told,
    actor: Actor | None,
    decision: str | None,
    corrects: Uuid4 | None,
    details: tuple[str, ...] = (),
    newer: NewDocument | None = None,
) -> PreparedEntry:
    committer = Committer(told.entry_id)
    leaf = Leaf(
        log=installation.origin(party),
        entry_id=told.entry_id,
        time=log_time(told.time),
        kind=EntryKind.EVIDENCE if corrects is None else EntryKind.CORRECT,
        visibility=Visibility.OPEN,
        retention=RETENTION,
        activity=ACTIVITY,
        sender=End(row.sender),
        recipient=End(row.recipient),
        document=committer.commit(CommittedField.DOCUMENT, row.document_id.text),
        document_kind=row.kind.value,
        content=_commit(committer, CommittedField.CONTENT, newer.content_digest.hex() if newer else None),
        conversation=committer.commit(CommittedField.CONVERSATION, row.conversation_id.text),
        event=told.event.value,
        evidence=_commit_octets(committer, told.octets),
        outcome="FAILED" if told.event.is_negative else "DONE",
        reasons=told.reasons,
        actor=actor,
        corrects=corrects,
        decision=_commit(committer, CommittedField.DECISION, decision),
        details=details,
    )
    return _prepare(installation, leaf, committer)


def _actor(asserted: AssertedBy | None, decision: str | None) -> Actor | None:
    """Who acted: the system that asked, for a person in a role or of itself; else the operator who decided."""
    if asserted is not None:
        return Actor(asserted.role or SYSTEM, system=asserted.system_id.text)
    return None if decision is None else Actor(OPERATOR)


def erasure_entry(
    installation: Installation, party: PartyId, erased: Uuid4, evidence: Sealed
) -> PreparedEntry:
    """Return the entry that the opening of an entry was erased, for the reason that the evidence gives."""
    entry_id = Uuid4.new()
    leaf = Leaf(
        log=installation.origin(party),
        entry_id=entry_id,
        time=log_time(evidence.statement.time),
        kind=EntryKind.ERASE,
        visibility=Visibility.OPEN,
        retention=RETENTION,
        erases=(erased,),
        outcome=ERASED,
        reasons=_codes(evidence.statement.reasons),
    )
    return _prepare(installation, leaf, Committer(entry_id))


def shared_in(evidence: Iterable[NewEvidence], party: PartyId) -> Uuid4:
    """Return the entry of a party's log that a document was shared or came: the one its first evidence there names."""
    return next(
        each.log_entry_id for each in evidence if each.log_party == party and each.event in _OF_SHARING
    )


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
    return _access(installation, party, row, at, SYSTEM, system=system)


def inspection_entry(
    installation: Installation,
    party: PartyId,
    row: NewDocument,
    operator: str,
    at: datetime,
    details: tuple[str, ...] = (),
) -> PreparedEntry:
    """Return the entry that somebody looked at a document by command; who it was is committed to.

    `details` says, in codes, at how little of it, where that was not all.
    """
    return _access(installation, party, row, at, OPERATOR, person=operator, details=details)


def _access(
    installation: Installation,
    party: PartyId,
    row: NewDocument,
    at: datetime,
    role: str,
    *,
    system: Uuid4 | None = None,
    person: str | None = None,
    details: tuple[str, ...] = (),
) -> PreparedEntry:
    entry_id = Uuid4.new()
    committer = Committer(entry_id)
    actor = Actor(role, _commit(committer, CommittedField.ACTOR, person), system.text if system else None)
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
        actor=actor,
        details=details,
    )
    return _prepare(installation, leaf, committer)


def administration_entry(
    installation: Installation,
    kind: EntryKind,
    party: PartyId,
    details: tuple[str, ...],
    at: datetime,
    decision: str | None = None,
) -> PreparedEntry:
    """Return the entry of a changed setting, mandate or key (CONFIG, KEY) or of an export, told in codes.

    `decision` is who decided and why, where that is asked, in words, which are committed to.
    """
    entry_id = Uuid4.new()
    committer = Committer(entry_id)
    leaf = Leaf(
        log=installation.origin(party),
        entry_id=entry_id,
        time=log_time(at),
        kind=kind,
        visibility=Visibility.CONFIDENTIAL,
        retention=RETENTION,
        details=details,
        actor=Actor(OPERATOR),
        decision=_commit(committer, CommittedField.DECISION, decision),
    )
    return _prepare(installation, leaf, committer)


def _commit_evidence(committer: Committer, evidence: Sealed) -> Commitment:
    """Bind the entry to the evidence octet for octet, so that no other can take its place."""
    return _commit_octets(committer, evidence.octets)


def _commit_octets(committer: Committer, evidence: bytes) -> Commitment:
    return committer.commit(CommittedField.EVIDENCE, hashlib.sha256(evidence).hexdigest())


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

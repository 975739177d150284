"""Whether what a store holds is sound by itself: logs by their checkpoints, evidence by its seals and by the logs.

It reads everything, so it is for a store that was moved or restored and serves nobody yet.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain

from lxml import etree
from sqlalchemy import Connection

from gateway.crypto import xades
from gateway.crypto.certificates import Usage
from gateway.domain.catalogue import Code
from gateway.domain.disclosure import ERASED, CommittedField, Leaf
from gateway.domain.errors import BropostError, InternalError
from gateway.domain.evidence import EvidenceEvent
from gateway.domain.identifiers import Uuid4
from gateway.services.installation import Installation
from gateway.storage import evidence, log, openings, refusals
from gateway.storage.log import LogEntry, LogHead
from gateway.translog.checkpoint import LogKey, parse_checkpoint
from gateway.translog.commitment import parse_opening, verify_opening
from gateway.translog.leaf import parse_leaf
from gateway.translog.merkle import Frontier, leaf_hash
from gateway.xmlcore.namespaces import EVIDENCE, tag
from gateway.xmlcore.parse import parse


@dataclass(frozen=True)
class Checked:
    """What was found sound."""

    evidence: int  # whose seal and certificate hold, and to which its log entry commits
    unjudged: (
        int  # to which its log entry commits, but whose certificate cannot be judged now: no list of its time
    )
    logs: int
    entries: int
    checkpoints: int


@dataclass(frozen=True)
class _Entry:
    """What one log entry tells of evidence."""

    origin: str
    event: str
    digest: str | None  # of the octets that it commits to; None: its opening was erased


@dataclass
class _Told:
    """What the logs tell of evidence, and which of their openings are gone."""

    entries: dict[Uuid4, _Entry] = field(default_factory=dict)
    unopened: set[Uuid4] = field(default_factory=set)
    erased: set[Uuid4] = field(default_factory=set)


@dataclass(frozen=True)
class _Kept:
    """Evidence as it is stored, and what its row says of it."""

    octets: bytes
    evidence_id: Uuid4
    event: EvidenceEvent
    entry_id: Uuid4 | None = None  # None: the row of a refusal does not say
    at: datetime | None = None


def check_store(installation: Installation, connection: Connection) -> Checked:
    """Verify every log and all evidence of a store. InternalError STORED_DATA_ALTERED if anything does not hold.

    Evidence must be sealed by the organisation that seals here, with the key that it names, and be octet for octet what
    its log entry commits to. Each entry that tells of evidence must find it.
    """
    heads, told = log.all_heads(connection), _Told()
    checkpoints = sum(_check_log(installation, connection, head, told) for head in heads)
    _require(told.unopened <= told.erased)
    missing = {entry.digest for entry in told.entries.values()} - {None}
    known, verdicts = frozenset(missing), []
    for kept in chain(_evidence(connection), _rejections(connection)):
        digest = hashlib.sha256(kept.octets).hexdigest()
        statement = _statement(installation, kept, digest, told)
        verdicts.append(_holds(installation, kept.octets, statement) and digest in known)
        missing.discard(digest)
    _require(not missing)
    return Checked(
        evidence=sum(verdicts),
        unjudged=len(verdicts) - sum(verdicts),
        logs=len(heads),
        entries=sum(head.size for head in heads),
        checkpoints=checkpoints,
    )


def _require(holds: bool) -> None:
    if not holds:
        raise InternalError(Code.STORED_DATA_ALTERED)


# --- evidence ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Statement:
    """What a piece of evidence says of itself."""

    at: datetime
    certificate: bytes  # SHA-256 of the DER of the one that it says it was sealed with


def _evidence(connection: Connection) -> Iterator[_Kept]:
    for row in evidence.all_evidence(connection):
        yield _Kept(row.octets, row.evidence_id, row.event, row.log_entry_id, row.at)


def _rejections(connection: Connection) -> Iterator[_Kept]:
    for refusal_id, octets in refusals.all_evidence(connection):
        yield _Kept(octets, refusal_id, EvidenceEvent.SUBMISSION_REJECTION)


def _statement(installation: Installation, kept: _Kept, digest: str, told: _Told) -> _Statement:
    """Read what evidence says, and hold it against its row and against the log entry that it names."""
    try:
        root = parse(kept.octets)
        entry_id, at = Uuid4(_said(root, "LogEntryId")), datetime.fromisoformat(_said(root, "EventTime"))
        certificate = base64.b64decode(_said(root, "EvidenceIssuer/CertificateDigest"))
    except (BropostError, ValueError) as error:
        raise InternalError(Code.STORED_DATA_ALTERED) from error
    entry = told.entries.get(entry_id)
    _require(entry is not None and entry.digest in (digest, None))
    expected = {
        "EvidenceIdentifier": kept.evidence_id.text,
        "Event": kept.event.value,
        "EvidenceIssuer/Cvr": installation.issuer.cvr.text,
        "LogOrigin": entry.origin if entry else "",
    }
    _require({path: _said(root, path) for path in expected} == expected)
    _require(entry is not None and entry.event == kept.event.value)
    _require(kept.entry_id in (entry_id, None) and kept.at in (at, None))
    return _Statement(at, certificate)


def _said(root: etree._Element, path: str) -> str:
    return root.findtext("/".join(tag(EVIDENCE, step) for step in path.split("/"))) or ""


def _holds(installation: Installation, octets: bytes, statement: _Statement) -> bool:
    """Whether evidence is signed by a seal of ours that was trusted; False if that cannot be told now."""
    trust = installation.trust.current(statement.at)
    lists = trust.revocations.for_reading().for_looking_back()
    try:
        verified = xades.verify(octets, trust.store, lists, statement.at, usage=Usage.SEAL)
    except BropostError as error:
        if error.code in (Code.CERTIFICATE_TIME, Code.REVOCATION_UNKNOWN):
            return False
        raise InternalError(Code.STORED_DATA_ALTERED) from error
    signer = verified.certificate
    _require(signer.identity.cvr == installation.issuer.cvr)
    _require(bytes.fromhex(signer.certificate.fingerprint) == statement.certificate)
    return True


# --- logs ----------------------------------------------------------------------------------------------


def _check_log(installation: Installation, connection: Connection, head: LogHead, told: _Told) -> int:
    """Build a log's tree anew from its entries and hold it against every checkpoint; give how many there are."""
    checkpoints = {row.size: row.note for row in log.all_checkpoints(connection, head.name)}
    key, frontier = LogKey.of(head.origin, installation.checkpoint_key), Frontier(0, b"")
    for entry in log.entries(connection, head.name, 0, head.size):
        _require(entry.seq == frontier.size)
        frontier, _ = frontier.append(leaf_hash(entry.octets))
        _take(installation, connection, head, _leaf(entry), told)
        note = checkpoints.get(frontier.size)
        if note is not None:
            try:
                signed = parse_checkpoint(note).verify([key], str(head.origin))
            except BropostError as error:
                raise InternalError(Code.STORED_DATA_ALTERED) from error
            _require((signed.size, signed.root) == (frontier.size, frontier.root()))
    _require(frontier == head.frontier and max(checkpoints, default=0) <= head.size)
    return len(checkpoints)


def _leaf(entry: LogEntry) -> Leaf:
    try:
        leaf = parse_leaf(entry.octets)
    except BropostError as error:
        raise InternalError(Code.STORED_DATA_ALTERED) from error
    _require(leaf.entry_id == entry.entry_id)
    return leaf


def _take(installation: Installation, connection: Connection, head: LogHead, leaf: Leaf, told: _Told) -> None:
    """Note what an entry tells of evidence, and what it erases; open all that it commits to."""
    _require(leaf.log == head.origin)
    if leaf.outcome == ERASED:
        told.erased.update(leaf.erases)
    opened = _opened(installation, connection, leaf)
    if leaf.commitments() and opened is None:
        told.unopened.add(leaf.entry_id)
    if leaf.event is not None and leaf.evidence is not None:
        digest = opened[CommittedField.EVIDENCE] if opened is not None else None
        told.entries[leaf.entry_id] = _Entry(str(leaf.log), leaf.event, digest)


def _opened(
    installation: Installation, connection: Connection, leaf: Leaf
) -> dict[CommittedField, str] | None:
    """What an entry commits to, by its stored opening, which must fit it whole; None if it has none."""
    kept = openings.find_opening(connection, leaf.entry_id)
    if kept is None:
        return None
    name = leaf.entry_id.text.encode()
    key = installation.keys.key_encryption_key(leaf.log.party).unwrap(kept.wrapped_key, name)
    try:
        found = [parse_opening(line) for line in key.decrypt(kept.ciphertext, name).splitlines()]
    except BropostError as error:
        raise InternalError(Code.STORED_DATA_ALTERED) from error
    commitments = leaf.commitments()
    _require({each.field for each in found} == commitments.keys())
    _require(all(verify_opening(each, commitments[each.field]) for each in found))
    return {each.field: each.value for each in found}

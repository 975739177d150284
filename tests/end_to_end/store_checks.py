"""What must hold of a store at every moment a process may start from: it is whole, and logs and rows tell the same.

Nothing here trusts what the product computed: hashes and roots are made again from the octets, by RFC 9162 §2.1.1.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from gateway.crypto import xades
from gateway.crypto.certificates import Usage
from gateway.crypto.keys import DataKey
from gateway.domain.disclosure import ERASED, CommittedField, EntryKind, Leaf, log_time
from gateway.domain.evidence import EvidenceEvent
from gateway.domain.identifiers import PartyId, Uuid4
from gateway.services import disclosure_log
from gateway.services.content import read_kept
from gateway.services.installation import Installation
from gateway.storage import deliveries, documents, log, openings, withdrawals
from gateway.storage import evidence as evidence_rows
from gateway.storage.documents import DocumentRow
from gateway.storage.evidence import EvidenceRow
from gateway.storage.log import LogHead
from gateway.storage.withdrawals import WithdrawalRow
from gateway.translog.checkpoint import parse_checkpoint
from gateway.translog.commitment import parse_opening, verify_opening
from gateway.translog.leaf import parse_leaf
from gateway.xmlcore.namespaces import EVIDENCE, tag

TELLING = frozenset({EntryKind.DISCLOSE, EntryKind.RECEIVE, EntryKind.EVIDENCE, EntryKind.CORRECT})
"""The kinds of entries that tell of evidence; a correction of before it had any does not."""


@dataclass(frozen=True)
class Told:
    """What a log entry tells of evidence: of which document, which event, when."""

    party: PartyId
    kind: EntryKind
    document_id: str
    event: str
    at: datetime


def require_whole(installation: Installation) -> None:
    """Assert everything that must hold of the installation's store."""
    with installation.database.read() as connection:
        if connection.dialect.name == "sqlite":
            assert rows(connection, "PRAGMA integrity_check") == [("ok",)]
            assert rows(connection, "PRAGMA foreign_key_check") == []
        leaves = {
            head.party: _require_log(installation, connection, head) for head in log.log_heads(connection)
        }
        kept = [_document(connection, key) for (key,) in rows(connection, "SELECT key FROM document")]
        for row in kept:
            _require_evidence(installation, connection, row, leaves)
        told = Counter(each for party in leaves for each in _told(installation, connection, leaves[party]))
        assert told == Counter(each for row in kept for each in _expected(connection, row))
        assert _blobs_in_use(installation, connection, kept) == Counter(
            name for (name,) in rows(connection, "SELECT name FROM blob")
        )


def rows(connection: Connection, statement: str) -> list[tuple[Any, ...]]:
    """The rows that a statement gives."""
    return [tuple(row) for row in connection.exec_driver_sql(statement)]


def orphans(installation: Installation, folder: Path) -> list[Path]:
    """The files in the folder of blobs that no row knows, but for those that were found and set aside."""
    with installation.database.read() as connection:
        known = {name for (name,) in rows(connection, "SELECT name FROM blob")}
    found = (path for path in folder.rglob("*") if path.is_file() and path.parent != installation.blobs.aside)
    return [path for path in found if path.name not in known]


def root_of(hashes: list[bytes]) -> bytes:
    """The Merkle tree hash of these leaf hashes. RFC 9162 §2.1.1."""
    if len(hashes) < 2:
        return hashes[0] if hashes else hashlib.sha256(b"").digest()
    middle = 1 << (len(hashes) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + root_of(hashes[:middle]) + root_of(hashes[middle:])).digest()


def _require_log(installation: Installation, connection: Connection, head: LogHead) -> list[Leaf]:
    """Assert that a log is what its entries make it; give what they say."""
    entries = list(log.entries(connection, head.party, 0, head.size + 100))
    hashes = [hashlib.sha256(b"\x00" + entry.octets).digest() for entry in entries]
    assert [entry.seq for entry in entries] == list(range(head.size))
    assert log.leaf_hashes(connection, head.party, 0, head.size + 100) == b"".join(hashes)
    assert root_of(hashes) == head.frontier.root()
    for row in log.all_checkpoints(connection, head.party):
        checkpoint = parse_checkpoint(row.note).verify(
            [disclosure_log.log_key(installation, head.party)], str(head.origin)
        )
        assert (checkpoint.size, checkpoint.root) == (row.size, root_of(hashes[: row.size]))
        assert row.size <= head.size
    leaves = [parse_leaf(entry.octets) for entry in entries]
    assert [leaf.entry_id for leaf in leaves] == [entry.entry_id for entry in entries]
    assert {leaf.log for leaf in leaves} <= {head.origin}
    erased = _erased(leaves)
    assert erased <= {leaf.entry_id for leaf in leaves}
    for leaf in leaves:
        opened = _opened(installation, connection, leaf)
        assert opened.keys() == (set() if leaf.entry_id in erased else leaf.commitments().keys())
    return leaves


def _erased(leaves: Iterable[Leaf]) -> set[Uuid4]:
    """The entries whose openings the log says were erased."""
    return {entry_id for leaf in leaves if leaf.outcome == ERASED for entry_id in leaf.erases}


def _opened(installation: Installation, connection: Connection, leaf: Leaf) -> dict[CommittedField, str]:
    """What an entry commits to, by its stored openings, each of which must fit."""
    kept = openings.find_opening(connection, leaf.entry_id)
    if kept is None:
        return {}
    name = leaf.entry_id.text.encode()
    key = installation.keys.key_encryption_key(leaf.log.party).unwrap(kept.wrapped_key, name)
    found = [parse_opening(line) for line in key.decrypt(kept.ciphertext, name).splitlines()]
    assert all(verify_opening(each, leaf.commitments()[each.field]) for each in found)
    return {each.field: each.value for each in found}


def _require_evidence(
    installation: Installation, connection: Connection, row: DocumentRow, leaves: dict[PartyId, list[Leaf]]
) -> None:
    """Assert that a document's evidence holds, says what its row says, and names an entry that is there."""
    trust = installation.trust.current(row.accepted_at)
    evidence = evidence_rows.evidence_of(connection, row.key)
    assert [each.evidence_id for each in evidence][:1] == [row.acceptance_evidence_id]
    for each in evidence:
        verified = xades.verify(
            each.octets, trust.store, trust.revocations.for_reading(), each.at, usage=Usage.SEAL
        )
        said = {name: verified.root.findtext(tag(EVIDENCE, name)) for name in _NAMES}
        assert tuple(said.values()) == (
            each.evidence_id.text,
            each.event.value,
            row.document_id.text,
            each.log_entry_id.text,
            str(installation.origin(each.log_party)),
        )
        (entry,) = (leaf for leaf in leaves[each.log_party] if leaf.entry_id == each.log_entry_id)
        assert entry.event == each.event.value


_NAMES = ("EvidenceIdentifier", "Event", "DocumentId", "LogEntryId", "LogOrigin")


def _told(installation: Installation, connection: Connection, leaves: list[Leaf]) -> list[Told]:
    """What a log's entries tell of evidence, those that can still be opened."""
    erased = _erased(leaves)
    return [
        Told(
            leaf.log.party,
            leaf.kind,
            _opened(installation, connection, leaf)[CommittedField.DOCUMENT],
            leaf.event or "",
            leaf.time,
        )
        for leaf in leaves
        if leaf.kind in TELLING and leaf.event is not None and leaf.entry_id not in erased
    ]


def _expected(connection: Connection, row: DocumentRow) -> list[Told]:
    """What the logs must tell of a document: all its evidence in the sender's, all but the acceptance in the other.

    Who was never delivered it knows nothing of it; nor, any more, that it came, whom it was withdrawn from unfetched.
    """
    withdrawn = withdrawals.find_withdrawal(connection, row.key)
    delivery = deliveries.find_delivery(connection, row.recipient, row.key)
    unknown = {EvidenceEvent.SUBMISSION_ACCEPTANCE}
    if withdrawn is not None and withdrawn.content_removed and delivery and delivery.fetched_at is None:
        unknown.add(EvidenceEvent.CONTENT_CONSIGNMENT)
    is_delivered = delivery is not None
    return [
        Told(party, _kind(each, party, row), row.document_id.text, each.event.value, log_time(each.at))
        for each in evidence_rows.evidence_of(connection, row.key)
        for party in (row.sender, row.recipient)
        if party == row.sender or (is_delivered and each.event not in unknown)
    ]


def _kind(evidence: EvidenceRow, party: PartyId, row: DocumentRow) -> EntryKind:
    if evidence.event is EvidenceEvent.SUBMISSION_ACCEPTANCE:
        return EntryKind.DISCLOSE
    if evidence.event in (EvidenceEvent.WITHDRAWAL, EvidenceEvent.CORRECTION):
        return EntryKind.CORRECT
    if evidence.event is EvidenceEvent.CONTENT_CONSIGNMENT and party == row.recipient:
        return EntryKind.RECEIVE
    return EntryKind.EVIDENCE


def _blobs_in_use(
    installation: Installation, connection: Connection, kept: list[DocumentRow]
) -> Counter[str]:
    """The names of all blobs that documents name, each read and decrypted by each party that holds it."""
    names: Counter[str] = Counter()
    for row in kept:
        name = row.document_id.text.encode()
        withdrawn = withdrawals.find_withdrawal(connection, row.key)
        names.update(_withdrawing_request(installation, connection, row, withdrawn))
        if withdrawn is not None and withdrawn.content_removed:
            assert not rows(connection, f"SELECT 1 FROM data_key WHERE document_key = {row.key}")
            continue
        for party, wrapped in rows(
            connection, f"SELECT party, wrapped_key FROM data_key WHERE document_key = {row.key}"
        ):
            holder = PartyId.parse(party)
            read_kept(installation, connection, row, holder, attachments=True)
            key: DataKey = installation.keys.key_encryption_key(holder).unwrap(wrapped, name)
        requests = [row.request_blob, *_reading_requests(connection, row)]
        for blob in filter(None, requests):
            assert b"Envelope" in key.decrypt(installation.blobs.get(connection, blob), name)
            names[blob] += 1
        names.update([row.sealed_blob, *(part.blob for part in documents.parts_of(connection, row.key))])
    return names


def _withdrawing_request(
    installation: Installation, connection: Connection, row: DocumentRow, withdrawn: WithdrawalRow | None
) -> list[str]:
    """The blob of the request that withdrew a document, if none of its own did, read by the sender."""
    if withdrawn is None or withdrawn.request_blob is None:
        return []
    assert withdrawn.wrapped_key is not None
    name = row.document_id.text.encode()
    key = installation.keys.key_encryption_key(row.sender).unwrap(withdrawn.wrapped_key, name)
    assert b"Envelope" in key.decrypt(installation.blobs.get(connection, withdrawn.request_blob), name)
    return [withdrawn.request_blob]


def _reading_requests(connection: Connection, row: DocumentRow) -> list[str]:
    found = rows(connection, f"SELECT request_blob FROM reading WHERE document_key = {row.key}")
    return [name for (name,) in found]


def _document(connection: Connection, key: int) -> DocumentRow:
    row = documents.document_by_key(connection, key)
    assert row is not None
    return row


def evidence_octets(installation: Installation, document_id: Uuid4, event: EvidenceEvent) -> list[bytes]:
    """The evidence of an event of a document as it is stored."""
    with installation.database.read() as connection:
        found = rows(
            connection,
            "SELECT evidence.octets FROM evidence JOIN document ON document.key = evidence.document_key"
            f" WHERE document_id = '{document_id}' AND event = '{event.value}'",
        )
    return [octets for (octets,) in found]


def facts(installation: Installation) -> dict[str, dict[str, int]]:
    """What has happened according to the store, each fact with its number; nothing that varies from run to run."""
    with installation.database.read() as connection:
        found = {name: _counted(connection, statement) for name, statement in _FACTS.items()}
        found["log"] = Counter(
            f"{head.party} {leaf.kind.value} {leaf.event or ''}".strip()
            for head in log.log_heads(connection)
            for leaf in (
                parse_leaf(each.octets) for each in log.entries(connection, head.party, 0, head.size)
            )
            if leaf.kind in TELLING
        )
    return {name: dict(counted) for name, counted in found.items()}


def _counted(connection: Connection, statement: str) -> Counter[str]:
    return Counter(" ".join(map(str, row)) for row in rows(connection, statement))


_FACTS = {
    "documents": "SELECT sender, recipient FROM document",
    "parts": "SELECT number FROM part",
    "holders": "SELECT party FROM data_key",
    "blobs": "SELECT CASE WHEN octets IS NULL THEN 'file' ELSE 'row' END FROM blob",
    "deliveries": "SELECT recipient FROM delivery",
    "handovers": "SELECT name FROM handover JOIN system USING (system_id)",
    "readings": "SELECT role FROM reading",
    "events": "SELECT party, kind FROM event",
    "evidence": "SELECT event FROM evidence",
    "waits": "SELECT kind, CASE WHEN fired_at IS NOT NULL THEN 'fired' WHEN cancelled_at IS NOT NULL"
    " THEN 'cancelled' ELSE 'open' END FROM deadline",
    "tasks": "SELECT task FROM outbox",
    "refusals": "SELECT code FROM refusal",
}

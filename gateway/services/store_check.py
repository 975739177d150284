"""Whether what a store holds is sound by itself: evidence by its signatures, logs by their checkpoints.

It reads everything, so it is for a store that was moved or restored and serves nobody yet.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from gateway.crypto import xades
from gateway.crypto.certificates import Usage
from gateway.domain.catalogue import Code
from gateway.domain.errors import BropostError, InternalError, TrustError, UnavailableError
from gateway.services import disclosure_log
from gateway.services.installation import Installation
from gateway.storage import evidence, log
from gateway.storage.evidence import EvidenceRow
from gateway.storage.log import LogHead
from gateway.translog.checkpoint import parse_checkpoint
from gateway.translog.merkle import Frontier, leaf_hash


@dataclass(frozen=True)
class Checked:
    """What was found sound."""

    evidence: int  # whose signature and certificate hold
    unjudged: int  # whose certificate cannot be judged any more: no list of its time is at hand, or it was taken back
    logs: int
    entries: int
    checkpoints: int


def check_store(installation: Installation, connection: Connection) -> Checked:
    """Verify all evidence and every log of a store. InternalError STORED_DATA_ALTERED if any does not hold."""
    verdicts = [_holds(installation, each) for each in evidence.all_evidence(connection)]
    heads = log.log_heads(connection)
    return Checked(
        evidence=sum(verdicts),
        unjudged=len(verdicts) - sum(verdicts),
        logs=len(heads),
        entries=sum(head.size for head in heads),
        checkpoints=sum(_check_log(installation, connection, head) for head in heads),
    )


def _holds(installation: Installation, row: EvidenceRow) -> bool:
    """Whether the evidence is signed by a seal that was trusted; False if that cannot be told now."""
    trust = installation.trust.current(row.at)
    lists = trust.revocations.for_reading().for_looking_back()
    try:
        xades.verify(row.octets, trust.store, lists, row.at, usage=Usage.SEAL)
    except UnavailableError:
        return False
    except BropostError as error:
        if isinstance(error, TrustError) and error.code.name.startswith("CERTIFICATE_"):
            return False
        raise InternalError(Code.STORED_DATA_ALTERED) from error
    return True


def _check_log(installation: Installation, connection: Connection, head: LogHead) -> int:
    """Build a log's tree anew from its entries and hold it against every checkpoint; give how many there are."""
    checkpoints = {row.size: row.note for row in log.all_checkpoints(connection, head.party)}
    key, frontier = disclosure_log.log_key(installation, head.party), Frontier(0, b"")
    for entry in log.entries(connection, head.party, 0, head.size):
        if entry.seq != frontier.size:
            raise InternalError(Code.STORED_DATA_ALTERED)
        frontier, _ = frontier.append(leaf_hash(entry.octets))
        note = checkpoints.get(frontier.size)
        if note is not None:
            try:
                signed = parse_checkpoint(note).verify([key], str(head.origin))
            except BropostError as error:
                raise InternalError(Code.STORED_DATA_ALTERED) from error
            if (signed.size, signed.root) != (frontier.size, frontier.root()):
                raise InternalError(Code.STORED_DATA_ALTERED)
    if frontier != head.frontier or max(checkpoints, default=0) > head.size:
        raise InternalError(Code.STORED_DATA_ALTERED)
    return len(checkpoints)

"""Refusals: the one record of a request that was signed as it must be, but not accepted.

Nothing of the document is kept. For a submission the sender gets signed evidence of the refusal, whose log entry is
appended with the record. A replay is not recorded again: its first copy has its own result.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection

from gateway.domain.catalogue import Code, Family
from gateway.domain.errors import BropostError
from gateway.domain.evidence import EventReason, EvidenceEvent, EvidenceStatement, ReasonCode
from gateway.domain.identifiers import PartyId, Uuid4
from gateway.domain.mandate import Operation
from gateway.domain.party import System
from gateway.protocol.service_fault import public_code
from gateway.protocol.wss import Verified
from gateway.services import log_entries
from gateway.services.access import authorise, identify, remember
from gateway.services.installation import Installation
from gateway.services.sealing import Sealed, seal_statement
from gateway.storage import refusals
from gateway.storage.refusals import RefusalRow

SUBMISSIONS: Final = frozenset({Operation.SEND_LETTER, Operation.SEND_NOTICE})
_REFUSING: Final = frozenset({Family.INPUT, Family.TRUST})
_UNRECORDED: Final = frozenset({Code.MESSAGE_REPLAYED, Code.SYSTEM_UNKNOWN})


def record_refusal(
    installation: Installation,
    verified: Verified,
    operation: Operation | None,
    party: PartyId | None,
    error: BropostError,
) -> bytes | None:
    """Record that a verified request was refused; return the signed SubmissionRejection if it was a submission.

    `party` is whom the request names as acting; it counts only if the system may act for it. Only what a caller or a
    breach of trust caused is recorded: a failure of ours or a busy store is no refusal. A certificate of no
    registered system leaves no record, or anyone with a certificate could fill the store.
    """
    if error.code.row.family not in _REFUSING or error.code in _UNRECORDED:
        return None
    with installation.database.read() as connection:
        system = identify(connection, verified, installation.clock())
        acting = _acting(installation, connection, verified, operation, party)
    is_evidenced = operation in SUBMISSIONS and acting is not None
    rejection = _seal_rejection(installation, verified, acting, error) if acting and is_evidenced else None
    with installation.database.transaction(*((acting,) if acting else ())) as connection:
        remember(connection, verified)
        refusals.insert_refusal(connection, _row(installation, verified, system, acting, error, rejection))
        if rejection is not None and acting is not None:
            entry = log_entries.refusal_entry(installation, acting, rejection, system.id)
            log_entries.append(connection, entry)
    return rejection.octets if rejection else None


def _acting(
    installation: Installation,
    connection: Connection,
    verified: Verified,
    operation: Operation | None,
    party: PartyId | None,
) -> PartyId | None:
    """The party, if the system may act for it at all; else its log must not tell of what a stranger tried."""
    if operation is None or party is None:
        return None
    try:
        return authorise(connection, verified, operation, party, installation.clock()).party.id
    except BropostError:
        return None


def _seal_rejection(
    installation: Installation, verified: Verified, party: PartyId, error: BropostError
) -> Sealed:
    at = installation.clock()
    statement = EvidenceStatement(
        identifier=Uuid4.new(),
        event=EvidenceEvent.SUBMISSION_REJECTION,
        time=at,
        issuer=installation.issuer_at(at),
        log_entry_id=Uuid4.new(),
        log_origin=str(installation.origin(party)),
        sender=party,
        reasons=(EventReason(ReasonCode.REFUSED, public_code(error)),),
        request_digest=verified.request_digest,
    )
    return seal_statement(installation, statement, party)


def _row(
    installation: Installation,
    verified: Verified,
    system: System,
    party: PartyId | None,
    error: BropostError,
    rejection: Sealed | None,
) -> RefusalRow:
    return RefusalRow(
        refusal_id=rejection.statement.identifier if rejection else Uuid4.new(),
        at=installation.clock(),
        system_id=system.id,
        party=party,
        message_id=verified.message_id,
        request_digest=verified.request_digest,
        code=error.code,
        evidence=rejection.octets if rejection else None,
    )

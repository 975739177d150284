"""Who calls, and by what right: from a verified message to a caller, before anything is read or done for it."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from gateway.crypto.certificate import Certificate, sent_certificate
from gateway.crypto.certificates import Usage, verify_certificate
from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError, TrustError
from gateway.domain.identifiers import PartyId
from gateway.domain.kinds import DocumentKind
from gateway.domain.mandate import Authority, Operation, decide, owners_of, require_authority, require_owner
from gateway.domain.party import Party, System
from gateway.protocol.wss import Verified, replay_keys
from gateway.protocol.wss_tokens import CertificateHint, Registered
from gateway.services.installation import Installation
from gateway.storage import mandates, parties, replay, systems
from gateway.storage.documents import DocumentRow
from gateway.storage.systems import CertificateName

REPLAY_KEPT: Final = timedelta(minutes=30)  # past the message's end: more than lifetime plus twice the skew


@dataclass(frozen=True)
class Caller:
    """A system that may do what it asks, for the party it asks for."""

    system: System
    party: Party
    authority: Authority
    verified: Verified


def identify(connection: Connection, verified: Verified, at: datetime) -> System:
    """Return the system whose certificate signed the message. TrustError SYSTEM_UNKNOWN if none is registered."""
    fingerprint = verified.certificate.certificate.fingerprint
    system = systems.find_system_by_certificate(connection, fingerprint, at)
    if system is None:
        raise TrustError(Code.SYSTEM_UNKNOWN)
    return system


def registered_certificates(installation: Installation) -> Registered:
    """Return what finds the certificate of a system that only identifies it in its messages, as some stacks do."""

    def find(hint: CertificateHint) -> tuple[Certificate, ...]:
        name = _name_of(hint)
        if name is None:
            return ()
        with installation.database.read() as connection:
            at = installation.clock()
            named = systems.certificates_named(connection, at, *name)
            fitting = [certificate for certificate in map(sent_certificate, named) if hint.fits(certificate)]
            return _the_one_meant(connection, fitting, at)

    return find


def _the_one_meant(
    connection: Connection, fitting: Sequence[Certificate], at: datetime
) -> tuple[Certificate, ...]:
    """The certificate that a message names, if those that fit leave no doubt of who it is; else none.

    A certificate that was renewed with its key has the same key identifier: of those of one key and one system, it is
    the one that holds at this time, and of those the one that ends last.
    """
    if len(fitting) <= 1:
        return tuple(fitting)
    known = (systems.find_system_by_certificate(connection, each.fingerprint, at) for each in fitting)
    of_one_system = len({None if system is None else system.id for system in known}) == 1
    if not of_one_system or any(each.public_key != fitting[0].public_key for each in fitting):
        return ()
    newest = max(fitting, key=lambda each: (each.is_current(at), each.x509.not_valid_after_utc))
    return (newest,)


def _name_of(hint: CertificateHint) -> tuple[CertificateName, int | bytes] | None:
    """By what to look for the certificate that a hint may mean; None if it says nothing."""
    if hint.serial_number is not None:
        return CertificateName.SERIAL_NUMBER, hint.serial_number
    if hint.subject_key is not None:
        return CertificateName.SUBJECT_KEY, hint.subject_key
    return None if hint.sha1 is None else (CertificateName.SHA1, hint.sha1)


def authorise(
    connection: Connection,
    verified: Verified,
    operation: Operation,
    party_id: PartyId,
    at: datetime,
    *,
    kind: DocumentKind | None = None,
) -> Caller:
    """Return the caller, allowed to do `operation` (with a document of `kind`) for the party at this time.

    Raises TrustError SYSTEM_UNKNOWN or MANDATE_MISSING; a party that is not registered is answered like one that
    gave no mandate, so nobody learns who is registered by asking.
    """
    system = identify(connection, verified, at)
    party = parties.find_party(connection, party_id)
    cvr = verified.certificate.identity.cvr
    decision = (
        None
        if party is None
        else decide(
            system_id=system.id,
            certificate_cvr=cvr,
            party_id=party_id,
            parties_of_cvr=parties.parties_of_cvr(connection, cvr),
            operation=operation,
            kind=kind,
            mandates=mandates.mandates_for(connection, system.id, party_id),
            at=at,
        )
    )
    authority = require_authority(decision, operation)
    assert party is not None
    return Caller(system, party, authority, verified)


def require_current_lists(installation: Installation, verified: Verified, at: datetime) -> None:
    """Judge the system's certificate by lists of the last 24 hours, as everything asks that does more than read.

    A message is let in with the lists of a week, so that what is here can be read. Raises UnavailableError
    REVOCATION_UNKNOWN, and what `verify_certificate` does.
    """
    trust = installation.trust.current(at)
    chain = verified.certificate.chain
    verify_certificate(chain, Usage.MESSAGE, trust.store, trust.revocations, at)


def require_visible(row: DocumentRow | None, operation: Operation, party: PartyId) -> DocumentRow:
    """Return the document if the party may do the operation on it. InputError NOT_FOUND otherwise, as if unknown."""
    if row is None:
        raise InputError(Code.NOT_FOUND)
    require_owner(operation, owners_of(party, row.sender, row.recipient))
    return row


def remember(connection: Connection, verified: Verified) -> None:
    """Note the message as received, in the transaction that answers it. TrustError MESSAGE_REPLAYED if it was."""
    replay.remember(connection, replay_keys(verified), verified.expires + REPLAY_KEPT)


@contextmanager
def asking(installation: Installation, verified: Verified) -> Generator[Connection]:
    """What a request that only asks reads from; once it has read, its message is noted, before any answer leaves.

    So nobody's lock is held, or waited for, while it reads. TrustError MESSAGE_REPLAYED.
    """
    with installation.database.read() as connection:
        yield connection
    with installation.database.transaction() as connection:
        remember(connection, verified)

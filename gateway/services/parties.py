"""Parties, systems and mandates: registered by the operator, each change an entry in the party's log.

And what systems may ask of them: who can be reached (`FindParty`), and whether the connection works (`Ping`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from gateway.crypto.certificates import Certificate, Usage, verify_certificate
from gateway.crypto.keys import SigningKey
from gateway.domain.calendar import local_day
from gateway.domain.catalogue import Code
from gateway.domain.disclosure import EntryKind
from gateway.domain.errors import InputError
from gateway.domain.identifiers import PartyId, Uuid4
from gateway.domain.mandate import Mandate, Operation
from gateway.domain.operations import (
    CertificateFacts,
    FindPartyAnswer,
    FindPartyRequest,
    FoundParty,
    PingAnswer,
    PingRequest,
)
from gateway.domain.party import Party, Route, System
from gateway.protocol.wss import Verified
from gateway.services import log_entries
from gateway.services.access import asking, authorise, identify
from gateway.services.installation import Installation
from gateway.storage import log, mandates, parties, systems

FOUND_MOST = 20


def register_party(installation: Installation, party: Party) -> None:
    """Register a party: its keys, its log with a first entry, and what is known of it.

    Raises InputError ALREADY_REGISTERED if there is one of this id.
    """
    installation.keys.create(party.id)
    at = installation.clock()
    details = ("PARTY_ADDED", "GATEWAY_MAY_SEAL" if party.gateway_may_seal else "SYSTEM_SEALS")
    entry = _config(installation, party.id, details, at)
    with installation.database.transaction(party.id) as connection:
        if parties.find_party(connection, party.id) is not None:
            raise InputError(Code.ALREADY_REGISTERED, what=str(party.id))
        parties.add_party(connection, party)
        log.open_log(connection, installation.origin(party.id))
        log_entries.append(connection, entry)


def change_party(
    installation: Installation, party_id: PartyId, change: Callable[[Party], Party], *what: str
) -> Party:
    """Change what is known of a party, and return it; `what` are the codes of the change in its log.

    Raises InputError NOT_FOUND.
    """
    entry = _config(installation, party_id, what, installation.clock())
    with installation.database.transaction(party_id) as connection:
        party = parties.find_party(connection, party_id)
        if party is None:
            raise InputError(Code.NOT_FOUND)
        changed = change(party)
        parties.update_party(connection, changed)
        log_entries.append(connection, entry)
    return changed


def find(installation: Installation, party_id: PartyId) -> Party:
    """Return a registered party. InputError NOT_FOUND."""
    with installation.database.read() as connection:
        party = parties.find_party(connection, party_id)
    if party is None:
        raise InputError(Code.NOT_FOUND)
    return party


def add_seal_key(installation: Installation, party_id: PartyId, key_pem: bytes, chain_pem: bytes) -> None:
    """Take a party's content seal key into use; its certificate must be current and carry the party's CVR number.

    Raises what `verify_certificate` raises, and InputError NOT_FOUND or SEAL_KEY_OF_ANOTHER.
    """
    at = installation.clock()
    trust = installation.trust.current(at)
    chain = SigningKey.from_pem(key_pem, chain_pem).chain
    trusted = verify_certificate(chain, Usage.CONTENT, trust.store, trust.revocations, at)
    details = ("SEAL_KEY_ADDED", trusted.certificate.fingerprint)
    entry = log_entries.administration_entry(installation, EntryKind.KEY, party_id, details, at)
    with installation.database.transaction(party_id) as connection:
        party = parties.find_party(connection, party_id)
        if party is None:
            raise InputError(Code.NOT_FOUND)
        if trusted.identity.cvr != party.id.cvr:
            raise InputError(Code.SEAL_KEY_OF_ANOTHER)
        parties.update_party(connection, replace(party, gateway_may_seal=True))
        log_entries.append(connection, entry)
    # After the commit: no key is ever used of which the log does not tell.
    installation.keys.add_seal_key(party_id, key_pem, chain_pem)


def register_system(installation: Installation, name: str, certificate: Certificate) -> System:
    """Register a system by the certificate that will sign its messages, and return it.

    Raises what `verify_certificate` raises, and InputError ALREADY_REGISTERED if a system has this certificate.
    """
    at = installation.clock()
    trust = installation.trust.current(at)
    trusted = verify_certificate((certificate,), Usage.MESSAGE, trust.store, trust.revocations, at)
    system_id = Uuid4.new()
    with installation.database.alone() as connection:
        require_new_certificate(connection, certificate)
        systems.add_system(connection, system_id, name, trusted.identity.cvr)
        systems.add_certificate(
            connection, system_id, certificate.der, at, certificate.x509.not_valid_after_utc
        )
        # It acts for a party of its own CVR number without mandate: so that party's log must tell of it.
        details = ("SYSTEM_ADDED", f"system.{system_id}", certificate.fingerprint)
        for party in parties.parties_of_cvr(connection, trusted.identity.cvr):
            log_entries.append(connection, _config(installation, party, details, at))
        system = systems.find_system(connection, system_id)
    assert system is not None
    return system


def require_new_certificate(connection: Connection, certificate: Certificate) -> None:
    """A certificate names one system for ever, also after it ended. InputError ALREADY_REGISTERED."""
    known = (each.fingerprint for system in systems.list_systems(connection) for each in system.certificates)
    if certificate.fingerprint in known:
        raise InputError(Code.ALREADY_REGISTERED, what="this certificate")


def add_certificate(installation: Installation, system_id: Uuid4, certificate: Certificate) -> None:
    """Let a system be known by one more certificate, so that it can change over; of the same CVR number.

    Raises what `verify_certificate` raises, InputError NOT_FOUND, CERTIFICATE_OF_ANOTHER or ALREADY_REGISTERED.
    """
    at = installation.clock()
    trust = installation.trust.current(at)
    trusted = verify_certificate((certificate,), Usage.MESSAGE, trust.store, trust.revocations, at)
    with installation.database.alone() as connection:
        system = systems.find_system(connection, system_id)
        if system is None:
            raise InputError(Code.NOT_FOUND)
        if system.vendor_cvr != trusted.identity.cvr:
            raise InputError(Code.CERTIFICATE_OF_ANOTHER)
        require_new_certificate(connection, certificate)
        systems.add_certificate(
            connection, system_id, certificate.der, at, certificate.x509.not_valid_after_utc
        )
        details = ("CERTIFICATE_ADDED", f"system.{system_id}", certificate.fingerprint)
        tell_parties(installation, connection, system, details, at)


def end_certificate(installation: Installation, system_id: Uuid4, fingerprint: str) -> None:
    """Let a system no longer be known by a certificate, now. InputError NOT_FOUND if it is not, or no more.

    `fingerprint` is the hexadecimal SHA-256 of its DER, as lists and logs show it.
    """
    at = installation.clock()
    with installation.database.alone() as connection:
        system = systems.find_system(connection, system_id)
        if system is None or not system.is_known_by(fingerprint, at):
            raise InputError(Code.NOT_FOUND)
        systems.end_certificate(connection, fingerprint, at)
        details = ("CERTIFICATE_ENDED", f"system.{system_id}", fingerprint)
        tell_parties(installation, connection, system, details, at)


def tell_parties(
    installation: Installation,
    connection: Connection,
    system: System,
    details: tuple[str, ...],
    at: datetime,
) -> None:
    """Log a change of a system for every party that it may act for: by mandate, or by its own CVR number.

    `details` are codes: see `gateway.domain.disclosure`.
    """
    told = {mandate.party_id for mandate in mandates.mandates_for(connection, system.id)}
    told |= parties.parties_of_cvr(connection, system.vendor_cvr)
    for party in sorted(told, key=str):
        log_entries.append(connection, _config(installation, party, details, at))


def give_mandate(installation: Installation, mandate: Mandate) -> None:
    """Record that a party lets a system act for it. InputError NOT_FOUND if either is not registered."""
    at = installation.clock()
    details = (
        "MANDATE_ADDED",
        f"mandate.{mandate.id}",
        f"system.{mandate.system_id}",
        *sorted(operation.value for operation in mandate.operations),
        *sorted(kind.value for kind in mandate.kinds),
    )
    entry = _config(installation, mandate.party_id, details, at)
    with installation.database.transaction(mandate.party_id) as connection:
        if parties.find_party(connection, mandate.party_id) is None:
            raise InputError(Code.NOT_FOUND)
        if systems.find_system(connection, mandate.system_id) is None:
            raise InputError(Code.NOT_FOUND)
        mandates.add_mandate(connection, mandate)
        log_entries.append(connection, entry)


def end_mandate(installation: Installation, party_id: PartyId, mandate_id: Uuid4) -> None:
    """End a party's mandate now. InputError NOT_FOUND if it gave none of this id, or it has ended."""
    at = installation.clock()
    entry = _config(installation, party_id, ("MANDATE_ENDED", f"mandate.{mandate_id}"), at)
    with installation.database.transaction(party_id) as connection:
        mine = {mandate.id for mandate in mandates.mandates_of_party(connection, party_id)}
        if mandate_id not in mine or not mandates.revoke_mandate(connection, mandate_id, at):
            raise InputError(Code.NOT_FOUND)
        log_entries.append(connection, entry)


def set_routes(installation: Installation, party_id: PartyId, routes: tuple[Route, ...]) -> None:
    """Replace which of a party's systems receive what. InputError NOT_FOUND if it or a system is not registered."""
    at = installation.clock()
    details = ("ROUTES_SET", *dict.fromkeys(f"system.{route.system_id}" for route in routes))
    entry = _config(installation, party_id, details, at)
    with installation.database.transaction(party_id) as connection:
        if parties.find_party(connection, party_id) is None:
            raise InputError(Code.NOT_FOUND)
        if any(systems.find_system(connection, route.system_id) is None for route in routes):
            raise InputError(Code.NOT_FOUND)
        parties.set_routes(connection, party_id, routes)
        log_entries.append(connection, entry)


def find_party(installation: Installation, verified: Verified, request: FindPartyRequest) -> FindPartyAnswer:
    """Return the parties that fit, with what they receive and whom to reach by role."""
    at = installation.clock()
    with asking(installation, verified) as connection:
        authorise(connection, verified, Operation.FIND_PARTY, request.on_behalf_of, at)
        found = parties.search_parties(
            connection, cvr=request.cvr, unit=request.unit, name=request.name, limit=FOUND_MOST
        )
    return FindPartyAnswer(tuple(_found(party, at) for party in found))


def ping(installation: Installation, verified: Verified, request: PingRequest) -> PingAnswer:
    """Return what the gateway sees of the system: its certificate, its clock, its mandates; and if a party is there."""
    at = installation.clock()
    with asking(installation, verified) as connection:
        system = identify(connection, verified, at)
        if request.on_behalf_of is not None:
            authorise(connection, verified, Operation.PING, request.on_behalf_of, at)
        given = mandates.mandates_for(connection, system.id)
        asked = parties.find_party(connection, request.party) if request.party else None
    return PingAnswer(
        certificate=_certificate_facts(verified),
        clock_skew_seconds=round((verified.created - at).total_seconds()),
        mandates=tuple(
            mandate
            for mandate in given
            if mandate.valid_from <= at and (mandate.valid_until is None or at < mandate.valid_until)
        ),
        echo=request.echo,
        reachable=None if request.party is None else asked is not None and _is_reachable(asked),
    )


def _config(
    installation: Installation, party: PartyId, details: tuple[str, ...], at: datetime
) -> log_entries.PreparedEntry:
    return log_entries.administration_entry(installation, EntryKind.CONFIG, party, details, at)


def _found(party: Party, at: datetime) -> FoundParty:
    today = local_day(at)
    return FoundParty(
        party=party.id,
        name=party.name,
        reachable=_is_reachable(party),
        kinds=tuple(sorted(party.receives, key=lambda kind: kind.value)),
        contacts=tuple(each for each in party.contacts if each.is_valid_on(today)),
    )


def _is_reachable(party: Party) -> bool:
    """Whether there is any kind of document that it receives."""
    return bool(party.receives)


def _certificate_facts(verified: Verified) -> CertificateFacts:
    trusted = verified.certificate
    return CertificateFacts(
        cvr=trusted.identity.cvr,
        organisation=trusted.identity.organisation,
        serial_number=f"{trusted.certificate.x509.serial_number:x}",
        not_after=trusted.certificate.x509.not_valid_after_utc,
        fingerprint=trusted.certificate.fingerprint,
    )

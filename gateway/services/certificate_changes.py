"""Certificates that replace others: the new one is known before the old one ends, so nobody is refused in between.

A system's new certificate and its old one hold side by side for a while; a party's next seal key takes over at a time;
the gateway's own next keys stand in the settings. Each change is an entry in the log of every party concerned.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from gateway.crypto.certificates import Certificate, TrustedCertificate, Usage, verify_certificate
from gateway.crypto.keys import SigningKey
from gateway.domain.catalogue import Code
from gateway.domain.disclosure import EntryKind
from gateway.domain.errors import InputError
from gateway.domain.identifiers import PartyId, Uuid4
from gateway.domain.party import System
from gateway.services import log_entries
from gateway.services.installation import Installation
from gateway.services.parties import require_new_certificate, tell_parties
from gateway.storage import configuration, parties, systems

_OWN_KEYS = "own_certificates"  # the name under which the store remembers which of ours the logs were told of


def replace_certificate(
    installation: Installation,
    system_id: Uuid4,
    certificate: Certificate,
    valid_from: datetime | None,
    old_until: datetime | None,
) -> None:
    """Let a system be known by a new certificate from `valid_from` on, and by its others until `old_until`.

    Times are zoned; None: from now, and until each ends by itself. Raises what `verify_certificate` raises, InputError
    NOT_FOUND, CERTIFICATE_OF_ANOTHER or ALREADY_REGISTERED, and ARGUMENT_INVALID if between the two the system would
    be known by none.
    """
    at = installation.clock()
    trusted = _trusted(installation, (certificate,), Usage.MESSAGE, at)
    start, end = valid_from or at, certificate.x509.not_valid_after_utc
    if not at <= start < end:
        raise InputError(Code.ARGUMENT_INVALID, what="the time from which the new certificate counts")
    if old_until is not None and old_until < start:
        raise InputError(
            Code.ARGUMENT_INVALID, what="the old certificate would end before the new one counts"
        )
    with installation.database.alone() as connection:
        system = systems.find_system(connection, system_id)
        if system is None:
            raise InputError(Code.NOT_FOUND)
        known_until = system.known_until(at)
        if known_until is not None and at < known_until < start:
            raise InputError(
                Code.ARGUMENT_INVALID, what="the old certificate would end before the new one counts"
            )
        if system.vendor_cvr != trusted.identity.cvr:
            raise InputError(Code.CERTIFICATE_OF_ANOTHER)
        require_new_certificate(connection, certificate)
        ended = [] if old_until is None else _lasting_beyond(system, old_until)
        for fingerprint in ended:
            assert old_until is not None
            systems.end_certificate(connection, fingerprint, old_until)
        systems.add_certificate(connection, system_id, certificate.der, start, end)
        details = ("CERTIFICATE_REPLACED", f"system.{system_id}", certificate.fingerprint, *ended)
        tell_parties(installation, connection, system, details, at)


def replace_seal_key(
    installation: Installation, party_id: PartyId, key_pem: bytes, chain_pem: bytes, takes_over: datetime
) -> None:
    """Let the gateway seal for a party with another of its keys from a time on, zoned; what was sealed stays valid.

    Raises what `verify_certificate` raises, InputError NOT_FOUND, SEAL_KEY_OF_ANOTHER, and ARGUMENT_INVALID if the
    certificate does not hold then.
    """
    at = installation.clock()
    chain = SigningKey.from_pem(key_pem, chain_pem).chain
    trusted = _trusted(installation, chain, Usage.CONTENT, at)
    if not (at <= takes_over and chain[0].is_current(takes_over)):
        raise InputError(Code.ARGUMENT_INVALID, what="the time at which the key takes over")
    if trusted.identity.cvr != party_id.cvr:
        raise InputError(Code.SEAL_KEY_OF_ANOTHER)
    details = ("SEAL_KEY_FOLLOWS", trusted.certificate.fingerprint)
    entry = log_entries.administration_entry(installation, EntryKind.KEY, party_id, details, at)
    with installation.database.transaction(party_id) as connection:
        party = parties.find_party(connection, party_id)
        if party is None or not party.gateway_may_seal:
            raise InputError(Code.NOT_FOUND)
        log_entries.append(connection, entry)
    # After the commit: no key is ever used of which the log does not tell.
    installation.keys.add_next_seal_key(party_id, key_pem, chain_pem, takes_over, at)


def announce_own_keys(installation: Installation) -> None:
    """Tell every party's log of the gateway's own certificates that are new in the settings, before they are used."""
    at = installation.clock()
    ours = {
        "GATEWAY_SEAL": installation.seal_key.keys,
        "GATEWAY_MESSAGE_KEY": installation.message_key.keys,
    }
    now = {f"{name}.{key.chain[0].fingerprint}" for name, keys in ours.items() for key, _ in keys}
    with installation.database.read() as connection:
        if _announced(configuration.find_value(connection, _OWN_KEYS)) == now:
            return
    with installation.database.alone() as connection:
        before = _announced(configuration.find_value(connection, _OWN_KEYS))
        configuration.set_value(connection, _OWN_KEYS, " ".join(sorted(now)))
        if before is None:
            return  # the first start: there is nothing that they replace
        for each in sorted(now - before):
            details = tuple(each.split("."))
            for party in parties.list_parties(connection):
                entry = log_entries.administration_entry(installation, EntryKind.KEY, party.id, details, at)
                log_entries.append(connection, entry)


def last_ends(installation: Installation) -> Sequence[tuple[System, datetime]]:
    """Return from when on each system is known by no certificate, also where a later one counts after that gap.

    Those that have no certificate any more are left out.
    """
    at = installation.clock()
    with installation.database.read() as connection:
        known = systems.list_systems(connection)
    found = [(system, system.known_until(at)) for system in known if _has_certificate(system, at)]
    return [(system, until) for system, until in found if until is not None]


def _has_certificate(system: System, at: datetime) -> bool:
    """Whether a certificate of the system counts now or later."""
    return any(each.valid_until is None or each.valid_until > at for each in system.certificates)


def _trusted(
    installation: Installation, chain: Sequence[Certificate], usage: Usage, at: datetime
) -> TrustedCertificate:
    trust = installation.trust.current(at)
    return verify_certificate(chain, usage, trust.store, trust.revocations, at)


def _lasting_beyond(system: System, until: datetime) -> list[str]:
    """The certificates that would hold after a time."""
    return [
        each.fingerprint
        for each in system.certificates
        if each.valid_until is None or each.valid_until > until
    ]


def _announced(value: str | None) -> set[str] | None:
    return None if value is None else set(value.split())

"""What `bropost check` looks at: settings, keys, trust and store, and everything that an alert would tell."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from gateway.app import open_installation, require_tls, watched
from gateway.cli.context import read
from gateway.crypto.certificates import Certificate
from gateway.domain.alerts import Severity, Verdict, judge
from gateway.domain.errors import UnavailableError
from gateway.domain.gauges import shown
from gateway.services.certificate_changes import last_ends
from gateway.services.installation import Installation
from gateway.services.vitals import seal_end
from gateway.settings import Settings
from gateway.storage import parties
from gateway.transport.trust_files import Trust

SYSTEM_DAYS: Final = 60  # a vendor needs longer than we do
EXPIRY_DAYS: Final = 30  # as Alert.CERTIFICATE_ENDS_WITHIN_30_DAYS says


@dataclass(frozen=True)
class Finding:
    """One thing that was checked, and whether it is in order."""

    good: bool
    what: str
    is_note: bool = False  # not good, but this month is soon enough


def check(settings: Settings) -> tuple[Finding, ...]:
    """Return what is in order and what is not; what the start itself would refuse raises as there."""
    require_tls(settings)
    installation = open_installation(settings, upgrade=False)
    try:
        return tuple(_findings(settings, installation))
    finally:
        installation.database.close()


def _findings(settings: Settings, installation: Installation) -> Iterator[Finding]:
    at, server, keys = installation.clock(), settings.server, settings.keys
    yield Finding(True, f"settings, keys and store of installation {installation.id}")
    trust = installation.trust.current(at)
    for issuer in (*trust.store.roots, *trust.store.intermediates):
        yield _of_list(trust, issuer, at)
    for label, end in (
        ("TLS", Certificate.all_from_pem(read(server.tls_certificate))[0].x509.not_valid_after_utc),
        ("seal", installation.seal_key.not_after),
        ("message", installation.message_key.not_after),
    ):
        yield _of_end(f"{label} certificate", end, at)
    yield from _of_seals(installation, at)
    yield from _of_systems(installation, at)
    yield from _of_antivirus(settings, installation)
    for label, file in (
        ("TLS", server.tls_key),
        ("seal", keys.seal_key),
        ("message", keys.message_key),
        ("checkpoint", keys.checkpoint_key),
        ("next seal", keys.next_seal_key),
        ("next message", keys.next_message_key),
    ):
        if file is not None:
            yield _of_privacy(label, file)
    measured = [reading for readings in watched(settings, installation) for reading in readings()]
    yield from map(_of_alert, judge(measured))


def _of_seals(installation: Installation, at: datetime) -> Iterator[Finding]:
    """The certificates with which the gateway seals for parties."""
    with installation.database.read() as connection:
        known = parties.list_parties(connection)
    for party in (each.id for each in known if each.gateway_may_seal):
        end = seal_end(installation, party, at)
        if end is None:
            yield Finding(False, f"the seal key of {party} is missing")
        else:
            yield _of_end(f"{party}'s seal certificate", end, at)


def _of_systems(installation: Installation, at: datetime) -> Iterator[Finding]:
    """The systems that will soon be known by no certificate."""
    for system, end in last_ends(installation):
        days = (end - at).days
        if days < SYSTEM_DAYS:
            what = f"system {system.id} is known by a certificate for {days} more days"
            yield Finding(False, what, is_note=days >= EXPIRY_DAYS)


def _of_antivirus(settings: Settings, installation: Installation) -> Iterator[Finding]:
    """The antivirus, if there is to be one: whether it is there, and takes the largest attachment."""
    if installation.antivirus is None:
        return
    try:
        installation.antivirus.find(bytes(settings.limits.attachments_bytes))
    except UnavailableError as error:
        yield Finding(False, f"the antivirus gives no verdict ({error.facts['what']})")
    else:
        yield Finding(True, "the antivirus answers, and takes the largest attachment")


def _of_end(label: str, end: datetime, at: datetime) -> Finding:
    days = (end - at).days
    return Finding(days >= EXPIRY_DAYS, f"{label} is valid for {days} more days")


def _of_privacy(label: str, file: Path) -> Finding:
    is_open = bool(file.stat().st_mode & stat.S_IRWXO)
    words = "everybody may use its file" if is_open else "its file is private"
    return Finding(not is_open, f"{label} key: {words}")


def _of_list(trust: Trust, issuer: Certificate, at: datetime) -> Finding:
    name = issuer.x509.subject.rfc4514_string()
    try:
        trust.revocations.evidence(issuer, at)
    except UnavailableError:
        return Finding(False, f"no current revocation list of {name}")
    return Finding(True, f"revocation list of {name} is current")


def _of_alert(verdict: Verdict) -> Finding:
    """The alert by its name, what was measured, and what that means if it is not good."""
    row, worst = verdict.alert.value, verdict.worst
    measured = " ".join(filter(None, (f"{verdict.alert.title}:", worst.of, shown(worst.value))))
    if not verdict.sounds:
        return Finding(True, measured)
    return Finding(False, f"{measured}. {row.english}", row.severity is Severity.NOTE)

"""Commands on certificates: what one says, which are in use and until when, how one replaces another, fresh lists."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from gateway.app import revocation_fetch
from gateway.cli.context import (
    PartyArgument,
    SettingsFile,
    one_line,
    opened,
    party_id,
    read,
    settings_of,
    uuid4,
)
from gateway.crypto.certificates import Certificate, Usage, verify_certificate
from gateway.crypto.keys import SigningKey
from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError
from gateway.services import certificate_changes
from gateway.services.installation import Installation
from gateway.storage import parties, systems
from gateway.transport.revocation_fetch import Outcome

application = typer.Typer(help="Certificates.", no_args_is_help=True)

KeyFile = Annotated[Path, typer.Option(help="PEM file of the key.")]
ChainFile = Annotated[Path, typer.Option(help="PEM file of its certificates, leaf first.")]


@application.command("check")
def check(
    settings: SettingsFile,
    file: Annotated[Path, typer.Argument(help="PEM file, leaf first.")],
    usage: Annotated[str, typer.Option(help=f"What it shall be used for: {', '.join(Usage.__members__)}.")],
) -> None:
    """Say whose certificate it is; fail with the reason if it may not be used for this."""
    chain = Certificate.all_from_pem(read(file))
    if usage not in Usage.__members__:
        raise InputError(Code.ARGUMENT_INVALID, what=f"--usage {usage}")
    with opened(settings) as installation:
        at = installation.clock()
        trust = installation.trust.current(at)
        trusted = verify_certificate(chain, Usage[usage], trust.store, trust.revocations, at)
    who = trusted.identity
    typer.echo(one_line(f"CVR {who.cvr}  {who.organisation}  {who.common_name}"))
    typer.echo(f"valid until {trusted.certificate.x509.not_valid_after_utc.isoformat()}")
    typer.echo(f"fingerprint {trusted.certificate.fingerprint}")


@application.command("list")
def list_certificates(settings: SettingsFile) -> None:
    """List the certificates in use and those that take over, one a line: whose, which, from when, until when."""
    with opened(settings) as installation:
        for line in (*_of_gateway(installation), *_of_parties(installation), *_of_systems(installation)):
            typer.echo(one_line(line))


@application.command("replace")
def replace(
    settings: SettingsFile,
    which: Annotated[str, typer.Argument(help="A system's id, as `bropost system list` shows it.")],
    certificate: Annotated[Path, typer.Option(help="PEM file of the new certificate.")],
    valid_from: Annotated[
        datetime | None, typer.Option("--from", help="First moment at which it counts, UTC; default: now.")
    ] = None,
    old_until: Annotated[
        datetime | None,
        typer.Option(help="First moment at which the others count no more, UTC; default: their own ends."),
    ] = None,
) -> None:
    """Let a system change over to a new certificate: for a while it is known by both."""
    leaf = Certificate.all_from_pem(read(certificate))[0]
    with opened(settings) as installation:
        certificate_changes.replace_certificate(
            installation, uuid4(which), leaf, _utc(valid_from), _utc(old_until)
        )


@application.command("seal")
def seal(
    settings: SettingsFile,
    who: PartyArgument,
    key: KeyFile,
    chain: ChainFile,
    takes_over: Annotated[datetime, typer.Option(help="When it takes over from the key in use, UTC.")],
) -> None:
    """Let the gateway seal for a party with its next key from a time on; `bropost party seal` does so at once."""
    with opened(settings) as installation:
        at = takes_over.replace(tzinfo=UTC)
        certificate_changes.replace_seal_key(installation, party_id(who), read(key), read(chain), at)


@application.command("refresh")
def refresh(settings: SettingsFile) -> None:
    """Fetch all revocation lists of `revocation.urls` now, and say what came of each; exit 1 if any failed."""
    fetch = revocation_fetch(settings_of(settings))
    if fetch is None:
        raise InputError(Code.SETTINGS_INVALID, what="revocation.urls names no address")
    fetched = fetch.refresh(datetime.now(UTC), all_of_them=True)
    for each in fetched:
        why = f"  {each.error.english}" if each.error else ""
        typer.echo(one_line(f"{each.outcome.value}  {each.url}{why}"))
    raise typer.Exit(1 if any(each.outcome is Outcome.FAILED for each in fetched) else 0)


def _of_gateway(installation: Installation) -> Iterator[str]:
    for name, key in (("message", installation.message_key), ("seal", installation.seal_key)):
        for held, takes_over in key.keys:
            yield _line(f"gateway {name}", held, takes_over)


def _of_parties(installation: Installation) -> Iterator[str]:
    at = installation.clock()
    with installation.database.read() as connection:
        sealing = [each.id for each in parties.list_parties(connection) if each.gateway_may_seal]
    for party in sealing:
        if (held := installation.keys.seal_key(party, at)) is not None:
            yield _line(f"seal of {party}", held, None)
        if (following := installation.keys.next_seal_key(party, at)) is not None:
            yield _line(f"seal of {party}", *following)


def _of_systems(installation: Installation) -> Iterator[str]:
    at = installation.clock()
    with installation.database.read() as connection:
        known = systems.list_systems(connection)
    for system in known:
        for each in system.certificates:
            if each.valid_until is None or at < each.valid_until:
                end = each.valid_until.isoformat() if each.valid_until else "open"
                start = each.valid_from.isoformat()
                yield f"system {system.id}  {each.fingerprint}  from {start}  until {end}"


def _line(whose: str, key: SigningKey, takes_over: datetime | None) -> str:
    leaf = key.chain[0]
    start = takes_over or leaf.x509.not_valid_before_utc
    return f"{whose}  {leaf.fingerprint}  from {start.isoformat()}  until {leaf.x509.not_valid_after_utc.isoformat()}"


def _utc(at: datetime | None) -> datetime | None:
    return None if at is None else at.replace(tzinfo=UTC)

"""Commands on certificates: what one says, and whether it would be trusted here and now."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.context import SettingsFile, one_line, opened, read
from gateway.crypto.certificates import Certificate, Usage, verify_certificate
from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError

application = typer.Typer(help="Certificates.", no_args_is_help=True)


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

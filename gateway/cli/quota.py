"""The command `bropost system quota`: what one system may do, and what it has sent today."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from gateway.cli.context import SettingsFile, opened, uuid4
from gateway.cli.directory import SystemArgument
from gateway.domain.quota import MEGABYTE, QuotaChange
from gateway.services import quotas

_MOST: Final = 999_999_999  # the log holds no longer numbers


def quota(
    settings: SettingsFile,
    which: SystemArgument,
    requests: Annotated[
        int | None, typer.Option(min=1, max=_MOST, help="Requests a minute with one certificate.")
    ] = None,
    documents: Annotated[
        int | None, typer.Option(min=1, max=_MOST, help="Letters and notices a day.")
    ] = None,
    megabytes: Annotated[
        int | None, typer.Option(min=1, max=_MOST, help="Units of 1,048,576 bytes a day.")
    ] = None,
    usual: Annotated[
        bool, typer.Option("--usual", help="Take back what was set: the settings hold again.")
    ] = False,
) -> None:
    """Set what one system may do, in place of what was set before; without options, only show it."""
    change = QuotaChange(requests, documents, megabytes)
    with opened(settings) as installation:
        if usual or change != QuotaChange():
            quotas.set_quota(installation, uuid4(which), QuotaChange() if usual else change)
        allowed, used = quotas.quota_of(installation, uuid4(which))
    typer.echo(f"{allowed.requests_per_minute} requests a minute")
    typer.echo(f"{allowed.documents_per_day} documents a day, {used.documents} sent today")
    typer.echo(f"{allowed.megabytes_per_day} megabytes a day, {used.octets / MEGABYTE:.1f} sent today")

"""The command `bropost system quota`: what one system may do, and what it has sent today."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from gateway.cli.context import SettingsFile, opened, uuid4
from gateway.cli.directory import SystemArgument
from gateway.domain.quota import MEGABYTE, USUALLY, QuotaChange
from gateway.services import quotas

_MOST: Final = 999_999_999  # the log holds no longer numbers


def _limit(text: str) -> int:
    """The number that an option gives, or that what the settings say holds again."""
    if text == "usual":
        return USUALLY
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= _MOST):
        raise typer.BadParameter(f"a number from 1 to {_MOST}, or usual")
    return int(text)


def quota(
    settings: SettingsFile,
    which: SystemArgument,
    requests: Annotated[
        int | None,
        typer.Option(parser=_limit, metavar="NUMBER|usual", help="Requests a minute with one certificate."),
    ] = None,
    documents: Annotated[
        int | None,
        typer.Option(parser=_limit, metavar="NUMBER|usual", help="Letters and notices a day."),
    ] = None,
    megabytes: Annotated[
        int | None,
        typer.Option(parser=_limit, metavar="NUMBER|usual", help="Units of 1,048,576 bytes a day."),
    ] = None,
    usual: Annotated[
        bool,
        typer.Option("--usual", help="Take back what was set and is not named: the settings hold again."),
    ] = False,
) -> None:
    """Set what one system may do, by what is named; the rest stays as it was set. Without options, only show it.

    The word `usual` in place of a number takes that one back.
    """
    unnamed = USUALLY if usual else None
    change = QuotaChange(*(unnamed if limit is None else limit for limit in (requests, documents, megabytes)))
    with opened(settings) as installation:
        if change != QuotaChange():
            quotas.set_quota(installation, uuid4(which), change)
        allowed, used = quotas.quota_of(installation, uuid4(which))
    typer.echo(f"{allowed.requests_per_minute} requests a minute")
    typer.echo(f"{allowed.documents_per_day} documents a day, {used.documents} sent today")
    typer.echo(f"{allowed.megabytes_per_day} megabytes a day, {used.octets / MEGABYTE:.1f} sent today")

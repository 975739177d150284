"""Commands on the disclosure log: export it, show its key, and verify a bundle without trusting anyone."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.context import PartyArgument, SettingsFile, opened, party_id, read, written
from gateway.domain.catalogue import Code
from gateway.domain.disclosure import LogOrigin
from gateway.domain.errors import InputError
from gateway.domain.identifiers import PartyId
from gateway.services import disclosure_log
from gateway.translog.report import Report
from gateway.translog.verifier import verify_bundle

application = typer.Typer(help="The disclosure log.", no_args_is_help=True)


@application.command("export")
def export(
    settings: SettingsFile,
    who: PartyArgument,
    bundle: Annotated[Path, typer.Argument(help="The file to write (ZIP).")],
    closed: Annotated[
        str | None,
        typer.Option(help="Origin of a log of the party that was closed, in place of the one that grows."),
    ] = None,
) -> None:
    """Write a party's log as a bundle, and print its checkpoint: keep that outside, it anchors the next audit."""
    with opened(settings) as installation, written(bundle) as target:
        if closed is None:
            checkpoint = disclosure_log.export(installation, party_id(who), target)
        else:
            checkpoint = disclosure_log.export_closed(installation, _origin(closed, party_id(who)), target)
    typer.echo(checkpoint, nl=False)


@application.command("checkpoints")
def checkpoints(
    settings: SettingsFile,
    folder: Annotated[Path, typer.Argument(help="Where to write PARTY.checkpoint, one file a log.")],
) -> None:
    """Write the newest checkpoint of every log into a folder, to be kept outside; nothing is added to the logs.

    What is there is replaced only by more of the same log. Exit 0: all logs that have entries have theirs there. Exit
    1: a log has entries and no checkpoint yet. Exit 2, with nothing written: what is there tells of entries that are
    not here.
    """
    with opened(settings) as installation:
        newest = disclosure_log.newest_checkpoints(installation, partial(_kept, folder))
    folder.mkdir(parents=True, exist_ok=True)
    for each in newest:
        if each.note is not None and each.is_newer:
            with written(_file(folder, each.party), 0o644) as file:
                file.write(each.note.encode())
    unsigned = [each for each in newest if each.note is None and each.entries]
    for each in unsigned:
        typer.echo(
            f"{each.party}: {each.entries} entries, and no checkpoint yet: a gateway that serves signs one soon"
        )
    typer.echo(f"{sum(each.note is not None for each in newest)} checkpoints")
    raise typer.Exit(1 if unsigned else 0)


def _kept(folder: Path, party: PartyId) -> str | None:
    """What is kept of this party's log in the folder until now."""
    file = _file(folder, party)
    return read(file).decode("utf-8", "replace") if file.exists() else None


def _file(folder: Path, party: PartyId) -> Path:
    return folder / f"{party}.checkpoint"


@application.command("key")
def key(settings: SettingsFile, who: PartyArgument) -> None:
    """Print the public key of a party's log, for the auditor to pin."""
    with opened(settings) as installation:
        typer.echo(str(disclosure_log.log_key(installation, party_id(who))))


@application.command("verify")
def verify(
    bundle: Annotated[Path, typer.Argument(help="The exported bundle.")],
    log_key: Annotated[
        str | None, typer.Option(help="The log's key, pinned when the contract was made.")
    ] = None,
    checkpoint: Annotated[Path | None, typer.Option(help="File with a checkpoint kept from before.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The whole report as JSON.")] = False,
) -> None:
    """Verify a bundle; exit 0 OK, 1 INVALID, 2 UNANCHORED. Needs no installation, no settings, no network."""
    known = read(checkpoint).decode("utf-8", "replace") if checkpoint else None
    try:
        report = verify_bundle(bundle, log_key=log_key, known_checkpoint=known)
    except OSError as error:
        raise InputError(Code.ARGUMENT_INVALID, what=f"{bundle} cannot be read") from error
    if as_json:
        typer.echo(json.dumps(report.as_json(), ensure_ascii=False, indent=2))
    else:
        typer.echo("\n".join(_lines(report)))
    raise typer.Exit(report.verdict.value)


def _origin(text: str, party: PartyId) -> LogOrigin:
    try:
        origin = LogOrigin.parse(text)
    except ValueError as error:
        raise InputError(Code.ARGUMENT_INVALID, what=f"{text}: {error}") from error
    if origin.party != party:
        raise InputError(Code.NOT_FOUND)
    return origin


def _lines(report: Report) -> list[str]:
    """The report for people: each step, the first bad entry, the verdict last."""
    lines = [f"{step.outcome.value:<11} {step.name.value:<16} {step.told.english}" for step in report.steps]
    if report.bad is not None:
        place = (
            str(report.bad.first)
            if report.bad.first == report.bad.last
            else f"{report.bad.first} to {report.bad.last}"
        )
        lines.append(f"First bad entry: {place} (entry {report.bad.entry_id or 'unreadable'})")
    lines.append(f"{report.verdict.name}: {report.counts.entries} entries")
    return lines

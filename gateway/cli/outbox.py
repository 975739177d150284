"""Commands on the outbox: what was promised and not done yet, and what was set aside for a person."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.context import SettingsFile, one_line, opened, party_id, uuid4
from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError
from gateway.services import parked
from gateway.storage import outbox
from gateway.storage.outbox import Promise

application = typer.Typer(help="Deliveries that are promised, and those set aside.", no_args_is_help=True)

DocumentId = Annotated[str, typer.Argument(metavar="DOCUMENT-ID", help="The document's id.")]


@application.command("list")
def listed(
    settings: SettingsFile,
    everything: Annotated[
        bool, typer.Option("--all", help="Also what still waits for its turn or is tried again.")
    ] = False,
) -> None:
    """List deliveries that were set aside, one a line: document, sender, recipient, since when, and why."""
    with opened(settings) as installation, installation.database.read() as connection:
        for each in outbox.promised(connection) if everything else outbox.parked(connection):
            typer.echo(_line(each))


@application.command("retry")
def retry(
    settings: SettingsFile,
    document_id: Annotated[
        str | None,
        typer.Argument(
            metavar="[DOCUMENT-ID]", help="Only this document's; without, all but what a restore set aside."
        ),
    ] = None,
    party: Annotated[
        str | None,
        typer.Option(
            help="Only this sender's; must be said where two parties have sent a document of the id."
        ),
    ] = None,
) -> None:
    """Let the gateway try again what was set aside, once the cause is mended; print how many.

    A document that is named and not set aside is refused: NOT_FOUND.
    """
    with opened(settings) as installation:
        named = uuid4(document_id) if document_id else None
        taken_up = parked.retry(installation, named, party_id(party) if party else None)
    if document_id and not taken_up:
        raise InputError(Code.NOT_FOUND)
    typer.echo(str(taken_up))


@application.command("abandon")
def abandon(
    settings: SettingsFile,
    document_id: DocumentId,
    reason: Annotated[
        str, typer.Option(help="Why, in words; they stand in the sender's log as a commitment, encrypted.")
    ],
    party: Annotated[
        str | None, typer.Option(help="The sender, where two parties have sent a document of this id.")
    ] = None,
) -> None:
    """Give up for good a delivery that was set aside: the sender gets signed evidence that it failed, and an event.

    The sender must act then. A second time changes nothing.
    """
    with opened(settings) as installation:
        given_up = parked.abandon(
            installation, uuid4(document_id), reason, party_id(party) if party else None
        )
    said = "was given up before" if given_up.repeated else "is given up"
    typer.echo(f"{one_line(document_id)} of {given_up.sender} {said}")


def _line(each: Promise) -> str:
    row = each.row
    if row.parked_at is not None:
        state = f"set aside {row.parked_at.isoformat()}"
    else:
        state = f"due {row.due_at.isoformat()}, tried {row.attempts} times"
    return f"{each.document_id}  {each.sender} -> {each.recipient}  {state}  {row.last_code or ''}".rstrip()

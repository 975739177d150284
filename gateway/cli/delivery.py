"""Commands on deliveries that failed and were set aside: what they are, and taking them up again."""

from __future__ import annotations

import typer

from gateway.cli.context import SettingsFile, opened
from gateway.services import delivery as workflows
from gateway.storage import documents, outbox

application = typer.Typer(help="Deliveries that were set aside.", no_args_is_help=True)


@application.command("parked")
def parked(settings: SettingsFile) -> None:
    """List them, one a line: the document, since when it is set aside, and why."""
    with opened(settings) as installation, installation.database.read() as connection:
        for task in outbox.parked(connection):
            row = documents.document_by_key(connection, task.document_key)
            since = task.parked_at.isoformat() if task.parked_at else ""
            typer.echo(f"{row.document_id if row else task.document_key}  {since}  {task.last_code}")


@application.command("retry")
def retry(settings: SettingsFile) -> None:
    """Let the gateway try all of them again, once the cause is mended; print how many."""
    with opened(settings) as installation:
        typer.echo(str(workflows.take_up_parked(installation)))

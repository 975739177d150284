"""Commands on the store itself: moving it to another database."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.context import SettingsFile, opened, settings_of
from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError
from gateway.services.store_check import check_store
from gateway.storage.copy import copy_rows
from gateway.storage.database import Database

application = typer.Typer(help="The store.", no_args_is_help=True)


@application.command("copy")
def copy(
    settings: SettingsFile,
    to: Annotated[
        str,
        typer.Option("--to", help="Address of an empty database: postgresql+psycopg://... or sqlite:///..."),
    ],
) -> None:
    """Copy the database of a stopped gateway into another one, and verify it there: rows, evidence, logs.

    Either all of it arrives or nothing. The settings still name the old database: change store.database afterwards.
    Contents that are files, and the key store, stay where they are.
    """
    store = settings_of(settings).store
    if Database.open(store.database, busy_seconds=store.busy_seconds).is_used_by_others():
        raise InputError(Code.ARGUMENT_INVALID, what="the gateway uses its database; stop it first")
    target = Database.open(to, busy_seconds=store.busy_seconds)
    try:
        target.migrate()
        with (
            opened(settings) as installation,
            installation.database.transaction() as old,
            target.transaction() as new,
        ):
            counts = copy_rows(old, new)
            checked = check_store(installation, new)
    finally:
        target.close()
    typer.echo(f"{sum(counts.values())} rows of {len(counts)} tables are the same")
    typer.echo(f"{checked.evidence} pieces of evidence hold")
    if checked.unjudged:
        typer.echo(
            f"{checked.unjudged} pieces of evidence are the same, but their certificates cannot be judged now"
        )
    typer.echo(
        f"{checked.logs} logs of {checked.entries} entries fit their {checked.checkpoints} checkpoints"
    )
    typer.echo("Done. Now set store.database to the new address.")

"""Commands on the store itself: backing it up, and moving it to another database."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.context import SettingsFile, opened
from gateway.services.backup import back_up
from gateway.services.moving import move_store
from gateway.storage.database import Database

application = typer.Typer(help="The store.", no_args_is_help=True)


@application.command("backup")
def backup(
    settings: SettingsFile,
    folder: Annotated[Path, typer.Argument(help="Where to write it; an earlier backup there is replaced.")],
) -> None:
    """Write a backup of an SQLite store, database and contents, while the gateway goes on. The keys are not in it.

    What is restored from it must pass `bropost restore check` before it serves. Ends with status 1 if a file that the
    store knows is lost, or holds something else than it should: the backup has everything else.
    """
    with opened(settings) as installation:
        made = back_up(installation, folder)
    for party, size in made.logs.items():
        typer.echo(f"{party}: a log of {size} entries")
    withdrawn = len(made.contents.missing) - len(made.lost)
    typer.echo(f"{made.contents.files} files of contents were copied, {withdrawn} are gone")
    for name in made.lost:
        typer.echo(f"lost: blobs/{name[:2]}/{name[2:4]}/{name} is not there, and the store knows it still")
    for name in made.contents.damaged:
        typer.echo(f"damaged: blobs/{name[:2]}/{name[2:4]}/{name} does not hold what it stands for")
    if made.lost or made.contents.damaged:
        typer.echo("Take these files from an earlier backup.")
        raise typer.Exit(1)


@application.command("copy")
def copy(
    settings: SettingsFile,
    to: Annotated[
        str,
        typer.Option("--to", help="Address of an empty database: postgresql+psycopg://... or sqlite:///..."),
    ],
) -> None:
    """Copy the database of a stopped gateway into another one, and verify it there: rows, evidence, logs.

    Either all of it arrives or nothing. The old database is refused from then on: change store.database afterwards.
    Contents that are files, and the key store, stay where they are.
    """
    with opened(settings, alone=True) as installation, _made(to) as target:
        moved = move_store(installation, target, to)
    checked = moved.checked
    typer.echo(f"{moved.rows} rows of {moved.tables} tables are the same")
    typer.echo(f"{checked.evidence} pieces of evidence hold")
    if checked.unjudged:
        typer.echo(
            f"{checked.unjudged} pieces of evidence are the same, but their certificates cannot be judged now"
        )
    typer.echo(
        f"{checked.logs} logs of {checked.entries} entries fit their {checked.checkpoints} checkpoints"
    )
    typer.echo("Done. Now set store.database to the new address.")


@contextmanager
def _made(address: str) -> Generator[Database]:
    """A database with tables, for the block."""
    database = Database.open(address, busy_seconds=5)
    try:
        database.migrate()
        yield database
    finally:
        database.close()

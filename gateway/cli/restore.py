"""Commands on a store that was restored from a backup: whether it may serve, and how to go on where it may not."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from gateway.cli.context import SettingsFile, opened, operator, read
from gateway.services import restoring
from gateway.services.restoring import Compared, Doubted, Finding

application = typer.Typer(help="A store that was restored from a backup.", no_args_is_help=True)

_BAD = {Finding.MISSING, Finding.OTHER}
_REFUSED_STATUS: Final = 3  # 2 is any command that could not do its work, 1 a log that was not compared


@application.command("check")
def check(
    settings: SettingsFile,
    checkpoints: Annotated[
        list[Path],
        typer.Argument(help="Checkpoints kept outside: files, or folders of files named *.checkpoint."),
    ],
    restored: Annotated[
        bool,
        typer.Option(
            "--restored",
            help="The store was brought back octet for octet (a snapshot, a base backup, a copied file), so that it "
            "does not know it.",
        ),
    ] = False,
) -> None:
    """Compare the store of a stopped gateway with checkpoints kept outside; nothing is added to a log.

    Exit 0: all that they tell of is here, for every log; the store may serve. If it comes from a backup, every delivery
    that was under way is set aside for `bropost outbox`, and the waits begin anew. Exit 1: a log was not compared, for
    want of a checkpoint. Exit 2: nothing was compared, for the reason that is told. Exit 3: entries are missing, or
    others; the store is refused from now on.
    """
    notes = [read(path).decode("utf-8", "replace") for each in checkpoints for path in _files(each)]
    with opened(settings, alone=True) as installation:
        compared = restoring.compare(installation, notes, restored=restored)
    for log in compared.logs:
        typer.echo(_line(log))
    if {log.finding for log in compared.logs} & _BAD:
        typer.echo(_REFUSED)
        raise typer.Exit(_REFUSED_STATUS)
    if not compared.is_whole:
        typer.echo(_NOT_COMPARED)
        raise typer.Exit(1)
    typer.echo("All that the checkpoints tell of is here. What came after them nobody can tell: serve.")
    if compared.doubted is not None:
        _tell(compared.doubted)


_NOT_COMPARED = """Not all logs were compared: give the newest checkpoint of each.
If nobody keeps one, a store from a backup can go on knowingly: bropost restore accept."""


_REFUSED = """The store must not serve, and is refused from now on. Entries that others hold proof of are not here.
1. Is there a newer backup, or is the old disk still readable? Restore from it, and check again.
2. Else tell the parties what was lost, and go on knowingly: bropost restore accept. Their logs are closed as they are
   here; new ones begin, which say so."""


@application.command("accept")
def accept(
    settings: SettingsFile,
    approved_by: Annotated[str, typer.Option(help="Who decided to go on.")],
    reason: Annotated[str, typer.Option(help="Why; both stand in the new logs as commitments, encrypted.")],
) -> None:
    """Go on with a store that `bropost restore check` did not find whole, as a new installation with new logs.

    Nothing is sent by itself: every delivery that was under way is set aside for `bropost outbox`. Nobody is accused of
    silence at once: the waits begin anew.
    """
    with opened(settings, alone=True) as installation:
        decision = f"{approved_by} ({operator()}): {reason}"
        continued = restoring.accept(installation, decision)
    for origin in continued.closed:
        typer.echo(f"closed: {origin}")
    _tell(continued.doubted)
    typer.echo("Now write the new installation into the settings, and give the parties their new log keys:")
    typer.echo(f'installation = "{continued.installation}"')


def _tell(doubted: Doubted) -> None:
    typer.echo(f"{doubted.deliveries} deliveries are set aside: see bropost outbox list")
    typer.echo(f"{doubted.waits} waits begin anew: who met one after the backup must say so again")


def _files(path: Path) -> list[Path]:
    return sorted(path.glob("*.checkpoint")) if path.is_dir() else [path]


def _line(log: Compared) -> str:
    known = f"outside {log.known.size}" if log.known else "outside -"
    return f"{log.finding.name:<8} {log.party}  here {log.size}, {known}: {log.finding.value}"

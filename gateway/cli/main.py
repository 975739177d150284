"""The command `bropost` and its groups; errors are told in one line, with what to do."""

from __future__ import annotations

import logging
import sys
from typing import Annotated

import typer

from gateway import app as composition
from gateway.cli import (
    certificate,
    directory,
    document,
    explain,
    log,
    outbox,
    pki,
    quota,
    restore,
    schema,
    store,
)
from gateway.cli.check import check as checked
from gateway.cli.context import SettingsFile, one_line, settings_of
from gateway.domain.errors import BropostError
from gateway.interfaces import logs

application = typer.Typer(
    name="bropost",
    help="Letters and notices between municipalities and educational institutions, evidenced and logged.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
application.add_typer(directory.party, name="party")
directory.system.command("quota")(quota.quota)
application.add_typer(directory.system, name="system")
application.add_typer(directory.mandate, name="mandate")
application.add_typer(directory.route, name="route")
application.add_typer(certificate.application, name="certificate")
application.add_typer(outbox.application, name="outbox")
application.add_typer(document.application, name="document")
application.add_typer(log.application, name="log")
application.add_typer(pki.application, name="pki")
application.add_typer(restore.application, name="restore")
application.add_typer(schema.application, name="schema")
application.add_typer(store.application, name="store")
application.command("explain")(explain.explain)


@application.command()
def serve(
    settings: SettingsFile,
    verbose: Annotated[bool, typer.Option(help="Log every answer, not only refusals.")] = False,
    debug: Annotated[bool, typer.Option(help="Log also where libraries say something, and when.")] = False,
) -> None:
    """Run the gateway until it is stopped (Ctrl-C or SIGTERM)."""
    if verbose or debug:
        logs.configure(logging.DEBUG if debug else logging.INFO, sys.stderr)
    composition.serve(settings_of(settings))


@application.command()
def check(settings: SettingsFile) -> None:
    """Check settings, keys, trust and store, and say what is not in order; exit 0 if all is, notes aside."""
    findings = checked(settings_of(settings))
    for finding in findings:
        mark = "ok  " if finding.good else "note" if finding.is_note else "FAIL"
        typer.echo(f"{mark}  {one_line(finding.what)}")
    raise typer.Exit(0 if all(finding.good or finding.is_note for finding in findings) else 1)


def main() -> None:
    """Run the command line; an error of the catalogue ends it with status 2 and one line in each language."""
    logs.configure(logging.WARNING, sys.stderr)
    try:
        application()
    except BropostError as error:
        sys.stderr.write(f"{error.code.name}\n  {one_line(error.english)}\n  {one_line(error.danish)}\n")
        for violation in error.violations:
            sys.stderr.write(f"{violation.path}\n  {violation.english}\n  {violation.danish}\n")
        sys.exit(2)

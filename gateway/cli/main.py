"""The command `bropost` and its groups; errors are told in one line, with what to do."""

from __future__ import annotations

import logging
import sys
from typing import Annotated

import structlog
import typer

from gateway import app as composition
from gateway.cli import certificate, delivery, directory, document, log, pki, schema, store
from gateway.cli.context import SettingsFile, one_line, settings_of
from gateway.domain.errors import BropostError

application = typer.Typer(
    name="bropost",
    help="Letters and notices between municipalities and educational institutions, evidenced and logged.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
application.add_typer(directory.party, name="party")
application.add_typer(directory.system, name="system")
application.add_typer(directory.mandate, name="mandate")
application.add_typer(directory.route, name="route")
application.add_typer(certificate.application, name="certificate")
application.add_typer(delivery.application, name="delivery")
application.add_typer(document.application, name="document")
application.add_typer(log.application, name="log")
application.add_typer(pki.application, name="pki")
application.add_typer(schema.application, name="schema")
application.add_typer(store.application, name="store")


@application.command()
def serve(
    settings: SettingsFile,
    verbose: Annotated[bool, typer.Option(help="Log every answer, not only refusals.")] = False,
) -> None:
    """Run the gateway until it is stopped (Ctrl-C or SIGTERM)."""
    _configure_logs(logging.INFO if verbose else logging.WARNING)
    composition.serve(settings_of(settings))


@application.command()
def check(settings: SettingsFile) -> None:
    """Check settings, keys, trust and store, and say what is not in order; exit 0 if all is."""
    findings = composition.check(settings_of(settings))
    for finding in findings:
        typer.echo(f"{'ok  ' if finding.good else 'FAIL'}  {one_line(finding.what)}")
    raise typer.Exit(0 if all(finding.good for finding in findings) else 1)


def main() -> None:
    """Run the command line; an error of the catalogue ends it with status 2 and one line in each language."""
    try:
        application()
    except BropostError as error:
        sys.stderr.write(f"{error.code.name}\n  {one_line(error.english)}\n  {one_line(error.danish)}\n")
        for violation in error.violations:
            sys.stderr.write(f"{violation.path}\n  {violation.english}\n  {violation.danish}\n")
        sys.exit(2)


def _configure_logs(level: int) -> None:
    """One JSON object a line on standard error, without personal data: events hold codes and identifiers only."""
    logging.basicConfig(level=level, stream=sys.stderr, format="%(message)s")
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )

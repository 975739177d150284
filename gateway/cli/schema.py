"""Commands on schemas: all that a client developer needs, as files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from gateway.app import SERVICE_PATHS
from gateway.cli.context import written
from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError
from gateway.protocol.wsdl import wsdl_file, wsdl_file_name
from gateway.xmlcore import resources

application = typer.Typer(help="Schemas, WSDLs and code lists.", no_args_is_help=True)


@application.command("export")
def export(
    folder: Annotated[Path, typer.Argument(help="The folder to write; it is made, or must be empty.")],
    address: Annotated[
        str, typer.Option(help="The gateway's public URL, for the WSDLs: https://HOST[:PORT].")
    ] = "https://localhost:8443",
) -> None:
    """Write schemas, WSDLs and code lists for a client developer. Needs no installation, no settings, no network.

    Imports between the files are relative, and the standard schemas are among them.
    """
    base = _base(address)
    files = {name: resources.read(name) for name in resources.names()}
    for service, path in SERVICE_PATHS.items():
        files[wsdl_file_name(service)] = wsdl_file(service, base + path)
    _make_empty(folder)
    for name, octets in sorted(files.items()):
        _make(folder / Path(name).parent)
        with written(folder / name, 0o644) as file:
            file.write(octets)
    typer.echo(f"{len(files)} files in {folder}")
    for service in SERVICE_PATHS:
        typer.echo(str(folder / wsdl_file_name(service)))


def _base(address: str) -> str:
    """The address without the slash at its end. InputError ARGUMENT_INVALID if no service can lie below it."""
    try:
        parts = urlsplit(address)
        usable = parts.scheme in ("https", "http") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port or an IPv6 address that is none
        usable = False
    if not usable or parts.query or parts.fragment or not address.isprintable() or " " in address:
        raise InputError(Code.ARGUMENT_INVALID, what="--address is no URL of a gateway")
    return address.rstrip("/")


def _make_empty(folder: Path) -> None:
    """Make the folder; InputError ARGUMENT_INVALID if something is in it: it could be older, or somebody's work."""
    _make(folder)
    if any(folder.iterdir()):
        raise InputError(Code.ARGUMENT_INVALID, what=f"{folder} is not empty")


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(Code.ARGUMENT_INVALID, what=f"{folder} cannot be made") from error

"""Commands for development: a PKI made on this machine, and an installation that uses it.

Nothing made here is accepted by an installation of another environment.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.context import read, written
from gateway.crypto.development_pki import (
    Declaration,
    build_pki,
    files,
    from_files,
    read_declaration,
    renew_lists,
)
from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError
from gateway.domain.identifiers import Uuid4

application = typer.Typer(help="The development PKI.", no_args_is_help=True)

Folder = Annotated[Path, typer.Argument(help="The folder to write.")]
DeclarationFile = Annotated[
    Path | None, typer.Option(help="What to make (TOML); default: the declaration of the product.")
]

_SETTINGS = """\
# A development installation. It accepts the development PKI, and every answer says so.
environment = "development"
installation = "{installation}"

[server]
port = {port}
public_url = "https://localhost:{port}"
tls_certificate = "{pki}/localhost.chain.pem"
tls_key = "{pki}/localhost.key.pem"

[trust]
roots = ["{pki}/root.cer"]
intermediates = ["{pki}/issuing.cer"]
revocation_lists = ["{pki}/root.crl", "{pki}/issuing.crl"]

[keys]
message_key = "{pki}/gateway-message.key.pem"
message_chain = "{pki}/gateway-message.chain.pem"
seal_key = "{pki}/gateway-seal.key.pem"
seal_chain = "{pki}/gateway-seal.chain.pem"
checkpoint_key = "{pki}/checkpoint.key.pem"
key_store = "keys"

[store]
database = "sqlite:///bropost.db"
blobs = "blobs"
"""


@application.command("dev")
def dev(folder: Folder, declaration: DeclarationFile = None) -> None:
    """Make the development PKI with fresh keys; takes some seconds."""
    pki = build_pki(_declaration(declaration), datetime.now(UTC))
    _make(folder)
    for name, octets in files(pki).items():
        _write(folder / name, octets)
    typer.echo(f"{len(pki.holders)} certificates in {folder}; revocation lists serve for 24 hours")


@application.command("renew")
def renew(folder: Folder, declaration: DeclarationFile = None) -> None:
    """Make fresh revocation lists for a development PKI, as an authority does every day."""
    found = {path.name: read(path) for path in folder.glob("*") if path.is_file()}
    try:
        pki = from_files(_declaration(declaration), found)
    except KeyError as error:
        raise InputError(Code.ARGUMENT_INVALID, what=f"{folder} lacks {error.args[0]}") from error
    renewed = files(renew_lists(pki, datetime.now(UTC)))
    for name, octets in renewed.items():
        if name.endswith(".crl"):
            _write(folder / name, octets)


@application.command("init")
def init(
    folder: Folder,
    pki: Annotated[Path, typer.Option(help="Folder of a development PKI.")],
    port: Annotated[int, typer.Option(min=1, max=65535, help="TCP port to serve on.")] = 8443,
    municipalities: Annotated[
        Path | None, typer.Option(help="Register of municipality codes in place of the real one.")
    ] = None,
    institutions: Annotated[Path | None, typer.Option(help="Register of institution numbers.")] = None,
) -> None:
    """Write the settings of a development installation, and print the file's name."""
    text = _SETTINGS.format(installation=Uuid4.new(), port=port, pki=pki.resolve())
    registers = {"municipalities": municipalities, "institutions": institutions}
    lines = [f'{name} = "{path.resolve()}"\n' for name, path in registers.items() if path]
    if lines:
        text += "\n[policy]\n" + "".join(lines)
    _make(folder)
    settings = folder / "bropost.toml"
    if settings.exists():
        raise InputError(Code.ARGUMENT_INVALID, what=f"{settings} is there already")
    _write(settings, text.encode())
    typer.echo(str(settings))


def _declaration(path: Path | None) -> Declaration:
    """The given declaration, or the product's own, in the wheel or beside the package."""
    package = Path(__file__).parent.parent
    installed = package / "certificates" / "dev" / "pki.toml"
    own = installed if installed.is_file() else package.parent / "certificates" / "dev" / "pki.toml"
    try:
        return read_declaration(read(path or own).decode("utf-8"))
    except ValueError as error:
        raise InputError(Code.ARGUMENT_INVALID, what=f"{path} is no declaration") from error


def _make(folder: Path) -> None:
    """Make a folder for its owner alone, if it is not there."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(Code.ARGUMENT_INVALID, what=f"{folder} cannot be made") from error


def _write(path: Path, octets: bytes) -> None:
    """Write a file, readable for its owner alone if it holds a key, whole or not at all."""
    with written(path, 0o600 if path.name.endswith(".key.pem") else 0o644) as file:
        file.write(octets)

"""What all commands share: where the settings are, and an installation to work on for one command."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from gateway.app import open_installation
from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError
from gateway.domain.identifiers import PartyId, Uuid4
from gateway.services.installation import Installation
from gateway.settings import Settings, load_settings

SettingsFile = Annotated[
    Path,
    typer.Option(
        "--settings", envvar="BROPOST_SETTINGS", help="The settings file of the installation (TOML)."
    ),
]
PartyArgument = Annotated[str, typer.Argument(help="A party: CVR number and unit, e.g. 11111111-0999.")]


def settings_of(path: Path) -> Settings:
    """Return the settings in this file."""
    return load_settings(path)


@contextmanager
def opened(path: Path) -> Generator[Installation]:
    """Open the installation of a settings file for the block."""
    installation = open_installation(load_settings(path))
    try:
        yield installation
    finally:
        installation.database.close()


def party_id(text: str) -> PartyId:
    """Return the party that an argument names. InputError ARGUMENT_INVALID."""
    try:
        return PartyId.parse(text)
    except ValueError as error:
        raise InputError(Code.ARGUMENT_INVALID, what=f"{text}: {error}") from error


def uuid4(text: str) -> Uuid4:
    """Return the identifier that an argument holds. InputError ARGUMENT_INVALID."""
    try:
        return Uuid4(text)
    except ValueError as error:
        raise InputError(Code.ARGUMENT_INVALID, what=f"{text}: {error}") from error


def read(path: Path) -> bytes:
    """Return the octets of a file that an argument names. InputError ARGUMENT_INVALID if it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(Code.ARGUMENT_INVALID, what=f"{path} cannot be read") from error

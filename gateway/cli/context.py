"""What all commands share: where the settings are, and an installation to work on for one command."""

from __future__ import annotations

import getpass
import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, BinaryIO

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
def opened(path: Path, *, alone: bool = False) -> Generator[Installation]:
    """Open the installation of a settings file for the block; `alone` as in `open_installation`."""
    installation = open_installation(load_settings(path), alone=alone)
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


def operator() -> str:
    """Return who runs the command, as the machine knows it."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # an account without a name
        return str(os.getuid())


def one_line(text: str) -> str:
    """Return the text as one line that steers no terminal: a character that is not seen is shown by its number.

    For whatever is printed and was not written by us: names of parties and systems, names in certificates, arguments.
    """
    return "".join(each if each.isprintable() else f"[U+{ord(each):04X}]" for each in text)


@contextmanager
def written(path: Path, mode: int = 0o600) -> Generator[BinaryIO]:
    """Write a file whole or not at all: it has its name when the block has ended without error.

    InputError ARGUMENT_INVALID if it cannot be written.
    """
    unfinished = path.with_name(f".{path.name}.new")
    try:
        unfinished.unlink(missing_ok=True)
        with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(path)
    except OSError as error:
        raise InputError(Code.ARGUMENT_INVALID, what=f"{path} cannot be written") from error
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)

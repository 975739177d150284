"""A development installation as its operator makes it: by commands, from a settings file, on the shared test PKI."""

from __future__ import annotations

import atexit
import functools
import shutil
import sys
import tempfile
from pathlib import Path

from typer.testing import CliRunner

from gateway.cli.main import application
from gateway.crypto.development_pki import files
from tests.golden.loader import INSTITUTIONS, MUNICIPALITIES
from tests.pki import development_pki

COMMAND = Path(sys.executable).parent / "bropost"


@functools.cache
def pki_folder() -> Path:
    """A folder with the files of the test PKI."""
    folder = Path(tempfile.mkdtemp(prefix="bropost-test-pki-files-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for name, octets in files(development_pki()).items():
        path = folder / name
        path.touch(mode=0o600)
        path.write_bytes(octets)
    return folder


def run(*arguments: str | Path) -> str:
    """Run a command that must succeed, in this process; what it prints."""
    result = CliRunner().invoke(
        application, [str(argument) for argument in arguments], catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
    return result.stdout


def make_installation(folder: Path, port: int = 8443) -> Path:
    """Make an installation in this folder, and give its settings file."""
    registers = ("--municipalities", MUNICIPALITIES, "--institutions", INSTITUTIONS)
    printed = run("pki", "init", folder, "--pki", pki_folder(), "--port", str(port), *registers)
    return Path(printed.strip())


def change_settings(settings: Path, section: str, *lines: str) -> None:
    """Write these lines into a section of the settings, which is added if it is not there."""
    text, head = settings.read_text("utf-8"), f"[{section}]\n"
    added = "".join(f"{line}\n" for line in lines)
    settings.write_text(
        text.replace(head, head + added) if head in text else f"{text}\n{head}{added}", encoding="utf-8"
    )

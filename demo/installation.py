"""An installation of its own for the demonstration, set up with the commands that an operator would type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from demo import parties
from demo.operator import COMMAND, Argument, at_once, run
from demo.parties import MUNICIPALITY, SCHOOL
from demo.server import Server
from demo.terminal import Teller

CODES: Final = Path(__file__).parent.parent / "tests" / "golden" / "codes"  # registers of fictional parties
_QUICK: Final = "\n[worker]\npoll_seconds = 0.1\ncheckpoint_seconds = 1\n"  # a demonstration does not wait a minute


@dataclass(frozen=True)
class Installation:
    """Where the installation lies and how to reach it; `log_keys` are what an auditor pins, by party id."""

    folder: Path
    port: int
    log_keys: Mapping[str, str]

    @property
    def pki(self) -> Path:
        """The folder of keys and certificates."""
        return self.folder / "pki"

    @property
    def settings(self) -> Path:
        """The settings file."""
        return self.folder / "gateway" / "bropost.toml"

    @property
    def authorities(self) -> Path:
        """What TLS clients trust, as PEM."""
        return self.pki / "root.chain.pem"

    @property
    def services(self) -> Mapping[str, str]:
        """The addresses of both services."""
        return {name: f"https://localhost:{self.port}/{name}/1" for name in ("municipality", "institution")}

    def key(self, name: str) -> Path:
        """The key of a holder, as PEM."""
        return self.pki / f"{name}.key.pem"

    def chain(self, name: str) -> Path:
        """The certificates of a holder, as PEM, leaf first."""
        return self.pki / f"{name}.chain.pem"

    def server(self) -> Server:
        """The gateway, not yet started."""
        command = [str(COMMAND), "serve", "--settings", str(self.settings)]
        return Server(command, self.port, self.authorities, self.folder / "gateway.log")


def make_installation(folder: Path, port: int, teller: Teller) -> Installation:
    """Make keys, settings and store in `folder`, and register both parties with their systems."""
    pki, settings = folder / "pki", folder / "gateway" / "bropost.toml"
    with teller.step("keys made", "An operator makes a development PKI in the shape of OCES3"):
        run("pki", "dev", pki)
    with teller.step("installation made", "... and the settings of an installation with an empty store"):
        registers = ("--municipalities", CODES / "municipalities.toml", "--institutions", CODES / "institutions.toml")
        run("pki", "init", settings.parent, "--pki", pki, "--port", str(port), *registers)
        settings.write_text(settings.read_text("utf-8") + _QUICK, "utf-8")
        keys = {MUNICIPALITY.id: _add_party(settings, parties.MUNICIPALITY)}
    with teller.step("parties registered", "... registers both parties, their systems and a mandate") as step:
        keys[SCHOOL.id] = _register(settings, pki)
        step.say(*(f"log key to pin: {key}" for key in keys.values()))
        step.found(parties=[MUNICIPALITY.id, SCHOOL.id])
    return Installation(folder, port, keys)


def _add_party(settings: Path, party: parties.Party) -> str:
    """Register a party; the command prints the key of its log."""
    return operate("party", "add", party.name, party.id, "--settings", settings)


def _register(settings: Path, pki: Path) -> str:
    """Register the school, both systems, seal, contacts and mandate; returns the key of the school's log."""
    seal = parties.MUNICIPALITY_SEAL
    commands: list[Sequence[str | Path]] = [
        ("party", "add", SCHOOL.name, SCHOOL.id),
        ("system", "add", "Eksempel Fagsystemer ESDH", "--certificate", pki / f"{parties.VENDOR_SYSTEM}.chain.pem"),
        ("system", "add", "Prøveby SIS", "--certificate", pki / f"{parties.SCHOOL_SYSTEM}.chain.pem"),
        ("party", "seal", MUNICIPALITY.id, "--key", pki / f"{seal}.key.pem", "--chain", pki / f"{seal}.chain.pem"),
    ]
    school_key, esdh, _, _ = _at_once(settings, commands)
    contact = ("party", "contact", "--role")
    _at_once(
        settings,
        [
            ("mandate", "add", MUNICIPALITY.id, esdh, "--approved-by", "mette.eksempel"),
            (*contact, "ORDER_CASEWORKER", "--name", "Mette Eksempel", "--phone", "+4500000001", MUNICIPALITY.id),
            (*contact, "STUDY_COUNSELLOR", "--name", "Sofie Eksempelsen", "--phone", "+4500000004", SCHOOL.id),
        ],
    )
    return school_key

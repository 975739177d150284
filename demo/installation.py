"""An installation of its own for the demonstration, set up with the commands that an operator would type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from demo.commands import COMMAND, Argument, at_once, run
from demo.parties import MUNICIPALITY, MUNICIPALITY_SEAL, SCHOOL, SCHOOL_SYSTEM, VENDOR_SYSTEM, Party
from demo.server import Server
from demo.terminal import Teller

CODES: Final = Path(__file__).parent.parent / "tests" / "golden" / "codes"  # registers of fictional parties
_QUICK: Final = (
    "\n[worker]\npoll_seconds = 0.1\ncheckpoint_seconds = 1\n"  # a demonstration does not wait a minute
)


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

    @property
    def log(self) -> Path:
        """What the gateway writes while it runs."""
        return self.folder / "gateway.log"

    @property
    def papers(self) -> Path:
        """Where the documents and the evidence of the story are kept as files."""
        return self.folder / "papers"

    def server(self) -> Server:
        """The gateway, not yet started."""
        command = [str(COMMAND), "serve", "--settings", str(self.settings)]
        return Server(command, self.port, self.authorities, self.log)


def make_installation(folder: Path, port: int, teller: Teller) -> Installation:
    """Make keys, settings and store in `folder`, and register both parties with their systems."""
    pki, settings = folder / "pki", folder / "gateway" / "bropost.toml"
    with teller.step("keys made", "An operator makes a development PKI in the shape of OCES3"):
        run("pki", "dev", pki)
    with teller.step("store made", "... settings, an empty store, and the municipality as its first party"):
        registers = (f"--{name}={CODES / name}.toml" for name in ("municipalities", "institutions"))
        run("pki", "init", settings.parent, "--pki", pki, "--port", str(port), *registers)
        settings.write_text(settings.read_text("utf-8") + _QUICK, "utf-8")
        first = ("party", "add", MUNICIPALITY.name, MUNICIPALITY.id)
        keys = {MUNICIPALITY.id: run(*first, "--settings", settings).line}
    with teller.step(
        "parties registered", "... registers the school, both systems, contacts and a mandate"
    ) as step:
        keys[SCHOOL.id] = _register(settings, pki)
        step.found(parties=list(keys))
        step.say(*(f"log key to pin: {key}" for key in keys.values()))
    return Installation(folder, port, keys)


def _register(settings: Path, pki: Path) -> str:
    """Register all that is left; returns the key of the school's log, which the command prints."""
    where = ("--settings", settings)

    def certificate(name: str) -> Path:
        return pki / f"{name}.chain.pem"

    def contact(party: Party, role: str, name: str, phone: str) -> tuple[Argument, ...]:
        return ("party", "contact", party.id, "--role", role, "--name", name, "--phone", phone, *where)

    seal_key = pki / f"{MUNICIPALITY_SEAL}.key.pem"
    school, esdh, _, _ = at_once(
        [
            ("party", "add", SCHOOL.name, SCHOOL.id, *where),
            (
                "system",
                "add",
                "Eksempel Fagsystemer ESDH",
                "--certificate",
                certificate(VENDOR_SYSTEM),
                *where,
            ),
            ("system", "add", "Prøveby SIS", "--certificate", certificate(SCHOOL_SYSTEM), *where),
            (
                "party",
                "seal",
                MUNICIPALITY.id,
                "--key",
                seal_key,
                "--chain",
                certificate(MUNICIPALITY_SEAL),
                *where,
            ),
        ]
    )
    at_once(
        [
            ("mandate", "add", MUNICIPALITY.id, esdh.line, "--approved-by", "mette.eksempel", *where),
            contact(MUNICIPALITY, "ORDER_CASEWORKER", "Mette Eksempel", "+4500000001"),
            contact(SCHOOL, "STUDY_COUNSELLOR", "Sofie Eksempelsen", "+4500000004"),
        ]
    )
    return school.line

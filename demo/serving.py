"""An installation that keeps running, for vendors to try their client against, and what they need to reach it."""

from __future__ import annotations

import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Final

from demo import parties
from demo.commands import run
from demo.installation import Installation
from demo.parties import MUNICIPALITY, SCHOOL
from demo.server import Server, is_free
from demo.story import Story
from demo.terminal import Teller
from demo.transcript import Broken
from demo.vendor_files import PASSWORD, VendorFiles

CLIENTS: Final = "clients"  # the folder of what vendors need
_PORT: Final = 8443
_RENEW_EVERY: Final = timedelta(hours=12)  # a revocation list serves for 24
_LOOK_SECONDS: Final = 0.5
_PING: Final = """\
# Run it in the folder of the repository: {python} {file}
from pathlib import Path

from demo.case_system import CaseSystem
from demo.message_signature import MessageSignature
from demo.parties import SCHOOL

pki = Path(__file__).parent / "pki"
key, chain, gateway = (
    pki / name for name in ("{system}.key.pem", "{system}.chain.pem", "{gateway}.chain.pem")
)
system = CaseSystem(
    "SIS",
    SCHOOL,
    "{address}",
    "InstitutionSoap12",
    MessageSignature(key, chain, gateway),
    pki / "root.chain.pem",
)
print(system.call("Ping", Echo="Er der hul igennem?"))
print(system.call("ListInbox"))
"""
_GUIDE: Final = """\
municipality service   {municipality}?wsdl
institution service    {institution}?wsdl
TLS authority          {pki}/root.chain.pem

{municipality_name} ({municipality_id}), by the mandate of its vendor
  message key          {pki}/{vendor}.key.pem, certificates {pki}/{vendor}.chain.pem
  documents            typed ones are sealed by the gateway
{school_name} ({school_id}), by its own CVR number
  message key          {pki}/{school_system}.key.pem, certificates {pki}/{school_system}.chain.pem
  content seal         {pki}/{school_seal}.key.pem, certificates {pki}/{school_seal}.chain.pem
the gateway
  signs answers with   {pki}/{gateway}.chain.pem
  seals evidence with  {pki}/{gateway_seal}.chain.pem
  settings             {settings}
  its log              {log}

for vendors            {clients}: esdh.properties and sis.properties (settings of the samples in docs/clients),
                       letter.xml, letter.json and notice.xml (sealed) to send, schemas/,
                       key stores (password {password})

curl --noproxy localhost --cacert {pki}/root.chain.pem {municipality}?wsdl
{python} {file}"""


def keep_serving(story: Story, teller: Teller, port: int | None) -> None:
    """Serve until Ctrl-C, with fresh revocation lists every 12 hours. Broken if the gateway ends by itself."""
    installation, server = story.set_up(port or (_PORT if is_free(_PORT) else None))
    with server:
        story.start(server)
        file = installation.folder / "ping.py"
        file.write_text(_fill(_PING, installation, file), "utf-8")
        VendorFiles(installation, installation.folder / CLIENTS).write()
        teller.print_plain("How to connect", _fill(_GUIDE, installation, file))
        teller.print_plain(str(file), file.read_text("utf-8").strip())
        teller.console.print("\nDevelopment only: fictional data, no secrets. Ctrl-C stops it.", style="bold")
        try:
            _watch(server, installation)
        except KeyboardInterrupt:
            teller.console.print("Stopping.")


def _watch(server: Server, installation: Installation) -> None:
    due = time.monotonic() + _RENEW_EVERY.total_seconds()
    while True:
        time.sleep(_LOOK_SECONDS)
        if not server.is_running:
            raise Broken("the gateway ended by itself")
        if time.monotonic() >= due:
            run("pki", "renew", installation.pki)
            due = time.monotonic() + _RENEW_EVERY.total_seconds()


def _fill(text: str, installation: Installation, file: Path) -> str:
    """A text with the places of this installation."""
    services = installation.services
    return text.format(
        municipality=services["municipality"],
        institution=services["institution"],
        address=services["institution"],
        pki=installation.pki,
        settings=installation.settings,
        log=installation.log,
        clients=installation.folder / CLIENTS,
        password=PASSWORD,
        municipality_name=MUNICIPALITY.name,
        municipality_id=MUNICIPALITY.id,
        school_name=SCHOOL.name,
        school_id=SCHOOL.id,
        vendor=parties.VENDOR_SYSTEM,
        system=parties.SCHOOL_SYSTEM,
        school_system=parties.SCHOOL_SYSTEM,
        school_seal=parties.SCHOOL_SEAL,
        gateway=parties.GATEWAY_MESSAGE,
        gateway_seal=parties.GATEWAY_SEAL,
        python=f"PYTHONPATH=. {_short(Path(sys.executable))}",
        file=file,
    )


def _short(path: Path) -> Path:
    """The path from here, if it lies below."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path

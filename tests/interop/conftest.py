"""One gateway for all clients: a real process that serves HTTPS, set up with an operator's commands."""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import cache
from pathlib import Path

import pytest
from lxml import etree
from rich.console import Console

from demo import commands, content_signature, documents, parties
from demo.installation import Installation, make_installation
from demo.server import free_port
from demo.stage import Stage, connect
from demo.terminal import Teller
from demo.vendor_files import PASSWORD, VendorFiles
from tests.interop import stacks
from tests.interop.stacks import Stack
from tests.protocol.wsdl_server import serving_wsdls

ELLIPTIC = "eksempelby-esdh-p256"  # a system with a P-256 key and its party's own CVR number
STRANGER = "bad-self-signed"  # nobody whom the gateway trusts


class Gateway:
    """The running gateway, and what its clients need to reach it."""

    def __init__(self, installation: Installation, folder: Path) -> None:
        self.installation = installation
        self.folder = folder
        self.stage: Stage = connect(installation, Teller(Console(quiet=True)))
        self.files = VendorFiles(installation, folder / "clients")
        self.files.write()
        self.files.write_key_store(STRANGER)
        self.files.write_key_store(ELLIPTIC)
        self.address = f"https://localhost:{installation.port}"

    @property
    def own_front(self) -> tuple[str, Path, Path, Path]:
        """What somebody needs who stands before it: its address, whom TLS trusts, a certificate and its key."""
        house = self.installation
        return self.address, house.authorities, house.chain("localhost"), house.key("localhost")

    def settings(self, service: str, version: str, *, holder: str = "", at: str = "") -> Path:
        """A file of settings for a sample: `service` municipality or institution, `version` Soap11 or Soap12.

        `holder` is whose key and certificate it uses, if not its system's own; `at` the address it asks
        (https://host:port) if not the gateway's own.
        """
        at = at or self.address
        schemas = self.folder / f"schemas-{at.rpartition(':')[2]}"
        if not schemas.exists():
            self.files.write_schemas(schemas, at)
        file = self.folder / f"{service}-{version}-{holder}-{at.rpartition(':')[2]}.properties"
        self.files.write_settings(
            file,
            service,
            f"{service.capitalize()}{version}",
            holder=holder,
            address=self.installation.services[service].replace(self.address, at),
            schemas=schemas,
            mtom=(service, version) == ("institution", "Soap12"),
        )
        return file

    def sealed(self, document: etree._Element, holder: str = parties.MUNICIPALITY_SEAL) -> Path:
        """A file with the document as its sender's own system would have sealed it."""
        key, chain = self.installation.key(holder), self.installation.chain(holder)
        documents.set_text(document, "Header/SealedBy", "SYSTEM")
        file = self.folder / f"{documents.text_of(document, 'Header/DocumentId')}.signed"
        file.write_bytes(content_signature.seal(document, key, chain))
        return file


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Generator[Gateway]:
    """The gateway, which runs as long as the tests do."""
    folder = tmp_path_factory.mktemp("interop")
    installation = make_installation(folder / "house", free_port(), Teller(Console(quiet=True)))
    # Here the gateway seals for the school, too, so that its systems can send typed notices.
    key, chain = installation.key(parties.SCHOOL_SEAL), installation.chain(parties.SCHOOL_SEAL)
    where = ("--settings", installation.settings)
    commands.run("party", "seal", parties.SCHOOL.id, "--key", key, "--chain", chain, *where)
    commands.run(
        "system", "add", "Eksempelby ESDH P-256", "--certificate", installation.chain(ELLIPTIC), *where
    )
    with installation.server() as server:
        server.wait_until_ready()
        yield Gateway(installation, folder)


@pytest.fixture(scope="session")
def stack_of(gateway: Gateway) -> Callable[[str], Stack]:
    """Make a stack ready by its name, once."""

    @cache
    def ready(name: str) -> Stack:
        if name == "zeep":
            return stacks.zeep()
        if name == "node":
            return stacks.node()
        with serving_wsdls() as addresses:
            wsdls = {service.value: f"{address}?wsdl" for service, address in addresses.items()}
            if name == "cxf":
                return stacks.cxf(wsdls, gateway.files.trust_store, PASSWORD)
            return stacks.dotnet(wsdls["municipality"], gateway.folder)

    return ready

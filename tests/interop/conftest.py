"""One gateway for all clients: a real process that serves HTTPS, set up with an operator's commands."""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import cache
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import PrivateFormat, load_pem_private_key, pkcs12
from lxml import etree
from rich.console import Console

from demo import commands, content_signature, documents, parties
from demo.installation import Installation, make_installation
from demo.parties import MUNICIPALITY, SCHOOL
from demo.server import free_port
from demo.stage import Stage, connect
from demo.terminal import Teller
from tests.interop import stacks
from tests.interop.stacks import Stack
from tests.protocol.wsdl_server import serving_wsdls

PASSWORD = "hemmelig"


class Gateway:
    """The running gateway, and what its clients need to reach it."""

    def __init__(self, installation: Installation, folder: Path) -> None:
        self.installation = installation
        self.folder = folder
        self.stage: Stage = connect(installation, Teller(Console(quiet=True)))
        for holder in (parties.VENDOR_SYSTEM, parties.SCHOOL_SYSTEM):
            self._key_store(holder)
        self._trust_store()
        address = f"https://localhost:{installation.port}"
        commands.run("schema", "export", folder / "schemas", "--address", address)

    def settings(self, service: str, version: str) -> Path:
        """A file of settings for a sample: `service` municipality or institution, `version` Soap11 or Soap12."""
        party, holder = (
            (MUNICIPALITY, parties.VENDOR_SYSTEM)
            if service == "municipality"
            else (SCHOOL, parties.SCHOOL_SYSTEM)
        )
        address = self.installation.services[service]
        values = {
            "wsdl": f"{address}?wsdl",
            "wsdl.file": self.folder / "schemas" / "service" / f"{service}.wsdl",
            "address": address,
            "port": f"{service.capitalize()}{version}",
            "keystore": self.folder / f"{holder}.p12",
            "alias": "system",
            "password": PASSWORD,
            "key": self.installation.key(holder),
            "chain": self.installation.chain(holder),
            "gateway": self.installation.chain(parties.GATEWAY_MESSAGE),
            "authority": self.installation.authorities,
            "tls": self.installation.chain("localhost"),
            "cvr": party.cvr,
            "unit": party.unit,
            "addressing": "true" if version == "Soap12" else "false",
            "mtom": "true" if (service, version) == ("institution", "Soap12") else "false",
        }
        file = self.folder / f"{service}-{version}.properties"
        file.write_text("".join(f"{name}={value}\n" for name, value in values.items()), "utf-8")
        return file

    @property
    def trust_store(self) -> Path:
        """Whom TLS trusts, as PKCS#12."""
        return self.folder / "trusted.p12"

    def sealed(self, letter: etree._Element) -> Path:
        """A file with the letter as the municipality's own system would have sealed it."""
        key, chain = (
            self.installation.key(parties.MUNICIPALITY_SEAL),
            self.installation.chain(parties.MUNICIPALITY_SEAL),
        )
        documents.set_text(letter, "Header/SealedBy", "SYSTEM")
        file = self.folder / f"{documents.text_of(letter, 'Header/DocumentId')}.signed"
        file.write_bytes(content_signature.seal(letter, key, chain))
        return file

    def _key_store(self, holder: str) -> None:
        key = load_pem_private_key(self.installation.key(holder).read_bytes(), None)
        assert isinstance(key, rsa.RSAPrivateKey)
        leaf, *others = x509.load_pem_x509_certificates(self.installation.chain(holder).read_bytes())
        # The old form of PKCS#12: it is the one that every stack opens.
        form = PrivateFormat.PKCS12.encryption_builder().hmac_hash(SHA1())
        form = form.key_cert_algorithm(pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC)
        octets = pkcs12.serialize_key_and_certificates(
            b"system", key, leaf, others, form.build(PASSWORD.encode())
        )
        (self.folder / f"{holder}.p12").write_bytes(octets)

    def _trust_store(self) -> None:
        (root,) = x509.load_pem_x509_certificates(self.installation.authorities.read_bytes())
        certificate = pkcs12.PKCS12Certificate(root, b"root")
        form = PrivateFormat.PKCS12.encryption_builder().build(PASSWORD.encode())
        self.trust_store.write_bytes(pkcs12.serialize_java_truststore([certificate], form))


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Generator[Gateway]:
    """The gateway, which runs as long as the tests do."""
    folder = tmp_path_factory.mktemp("interop")
    installation = make_installation(folder / "house", free_port(), Teller(Console(quiet=True)))
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
                return stacks.cxf(wsdls, gateway.trust_store, PASSWORD)
            return stacks.dotnet(wsdls["municipality"], gateway.folder)

    return ready

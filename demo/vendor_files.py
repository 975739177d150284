"""Files with which a vendor's client reaches an installation: settings, key stores, schemas, and a letter to send.

`make serve` writes them, the pages of `docs/clients` name them, and `make interop` runs every sample with them.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import PrivateFormat, load_pem_private_key, pkcs12
from lxml import etree

from demo import commands, content_signature, documents, parties
from demo.installation import Installation
from demo.parties import MUNICIPALITY, SCHOOL, Party

PASSWORD: Final = "hemmelig"
_SYSTEMS: Final = {
    "municipality": ("esdh", MUNICIPALITY, parties.VENDOR_SYSTEM),
    "institution": ("sis", SCHOOL, parties.SCHOOL_SYSTEM),
}
_SEALS: Final = (parties.MUNICIPALITY_SEAL, parties.SCHOOL_SEAL)


@dataclass(frozen=True)
class VendorFiles:
    """The files of one installation, in a folder of their own."""

    installation: Installation
    folder: Path

    @property
    def trust_store(self) -> Path:
        """Whom TLS trusts, for Java."""
        return self.folder / "trusted.p12"

    @property
    def seals(self) -> Path:
        """The certificates that the parties seal with, for a client that judges no authority, as on Mono."""
        return self.folder / "seals"

    def key_store(self, holder: str) -> Path:
        """A system's key and certificates, for Java and .NET."""
        return self.folder / f"{holder}.p12"

    def write(self) -> None:
        """Write everything: what `make serve` leaves for vendors."""
        self.folder.mkdir(exist_ok=True)
        self.write_trust_store()
        self.write_seals()
        self.write_schemas(self.folder / "schemas", f"https://localhost:{self.installation.port}")
        for service, (name, _, holder) in _SYSTEMS.items():
            self.write_key_store(holder)
            self.write_settings(self.folder / f"{name}.properties", service, f"{service.capitalize()}Soap12")
        self.write_letter()
        self.write_notice()

    def write_notice(self) -> None:
        """Write a notice of now, sealed as the school's own system does it: the gateway never sees that key."""
        notice = documents.fresh_notice(str(uuid.uuid4()))
        key, chain = (
            self.installation.key(parties.SCHOOL_SEAL),
            self.installation.chain(parties.SCHOOL_SEAL),
        )
        (self.folder / "notice.xml").write_bytes(content_signature.seal(notice, key, chain))

    def write_letter(self) -> None:
        """Write a letter of now, as XML and as the object that JavaScript has for it."""
        letter = documents.fresh_letter(b"")
        documents.remove(letter, "Attachments")
        (self.folder / "letter.xml").write_bytes(etree.tostring(letter, encoding="UTF-8"))
        (self.folder / "letter.json").write_text(
            json.dumps(as_object(letter), ensure_ascii=False, indent=2), "utf-8"
        )

    def write_settings(
        self,
        file: Path,
        service: str,
        port: str,
        *,
        holder: str = "",
        address: str = "",
        schemas: Path | None = None,
        party: Party | None = None,
        mtom: bool = False,
    ) -> None:
        """Write the settings of a sample: `service` municipality or institution, `port` as the WSDL names it.

        Unless said otherwise the system is the one that demonstrations register, acting for its party.
        """
        _, own_party, own_holder = _SYSTEMS[service]
        party, holder = party or own_party, holder or own_holder
        place = address or self.installation.services[service]
        values = {
            "wsdl": f"{place}?wsdl",
            "wsdl.file": (schemas or self.folder / "schemas") / "service" / f"{service}.wsdl",
            "address": place,
            "port": port,
            "keystore": self.key_store(holder),
            "alias": "system",
            "password": PASSWORD,
            "key": self.installation.key(holder),
            "chain": self.installation.chain(holder),
            "gateway": self.installation.chain(parties.GATEWAY_MESSAGE),
            "authority": self.installation.authorities,
            "seal.root": self.installation.authorities,
            "seal.known": self.seals,
            "tls": self.installation.chain("localhost"),
            "cvr": party.cvr,
            "unit": party.unit,
            "addressing": "true" if port.endswith("Soap12") else "false",
            "mtom": "true" if mtom else "false",
        }
        file.write_text("".join(f"{name}={value}\n" for name, value in values.items()), "utf-8")

    def write_schemas(self, folder: Path, address: str) -> None:
        """Write the schemas and both WSDLs into a new folder, with this address (https://host:port) in them."""
        commands.run("schema", "export", folder, "--address", address)

    def write_key_store(self, holder: str) -> None:
        """Write a key and its certificates as PKCS#12."""
        key = load_pem_private_key(self.installation.key(holder).read_bytes(), None)
        assert isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
        leaf, *others = x509.load_pem_x509_certificates(self.installation.chain(holder).read_bytes())
        # The old form of PKCS#12: it is the one that every stack opens, Mono too.
        form = PrivateFormat.PKCS12.encryption_builder().hmac_hash(SHA1())
        form = form.key_cert_algorithm(pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC)
        octets = pkcs12.serialize_key_and_certificates(
            b"system", key, leaf, others, form.build(PASSWORD.encode())
        )
        self.key_store(holder).write_bytes(octets)

    def write_seals(self) -> None:
        """Write the certificate of each party that seals, one in a file, its authorities behind it."""
        self.seals.mkdir(exist_ok=True)
        for holder in _SEALS:
            (self.seals / f"{holder}.pem").write_bytes(self.installation.chain(holder).read_bytes())

    def write_trust_store(self) -> None:
        """Write whom TLS trusts as PKCS#12."""
        (root,) = x509.load_pem_x509_certificates(self.installation.authorities.read_bytes())
        certificate = pkcs12.PKCS12Certificate(root, b"root")
        form = PrivateFormat.PKCS12.encryption_builder().build(PASSWORD.encode())
        self.trust_store.write_bytes(pkcs12.serialize_java_truststore([certificate], form))


def as_object(element: etree._Element) -> object:
    """An element as the plain object that JavaScript has for it; what may stand several times is a list if it does."""
    if len(element) == 0:
        return element.text or ""
    children: dict[str, list[object]] = {}
    for child in element:
        children.setdefault(etree.QName(child).localname, []).append(as_object(child))
    attributes = {"attributes": dict(element.attrib)} if element.attrib else {}
    return {**attributes, **{name: found if len(found) > 1 else found[0] for name, found in children.items()}}

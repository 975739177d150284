"""An installation for the bench: one kind of key everywhere, two parties, and their systems' signed messages."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Final

import pybase64
from lxml import etree

from gateway.app import SERVICE_PATHS
from gateway.crypto.certificates import Usage
from gateway.crypto.development_pki import DevelopmentPki, build_pki, read_declaration
from gateway.crypto.keys import SigningKey
from gateway.domain.deadlines import TransportWaits
from gateway.domain.evidence import Issuer
from gateway.domain.identifiers import Cvr, PartyId, Uuid4
from gateway.domain.kinds import DocumentKind
from gateway.domain.operations import Environment, Service
from gateway.domain.party import Party, System
from gateway.interfaces.http import HttpAnswer, HttpRequest
from gateway.interfaces.metrics import Metrics
from gateway.interfaces.soap_endpoint import SoapEndpoint
from gateway.interfaces.worker import Worker
from gateway.protocol import soap, wss
from gateway.protocol.mime import NewPart, build_related
from gateway.protocol.soap import SoapVersion
from gateway.services import parties
from gateway.services.installation import Installation
from gateway.services.knowledge import load_knowledge
from gateway.services.own_keys import OwnKey
from gateway.storage.blobs import Blobs
from gateway.storage.configuration import claim_installation
from gateway.storage.database import Database
from gateway.storage.key_store import KeyStore
from gateway.transport.trust_files import TrustFiles
from gateway.xmlcore import resources
from gateway.xmlcore.namespaces import SERVICE, tag
from gateway.xmlcore.parse import parse

ROOT: Final = Path(__file__).parent.parent
CODES: Final = ROOT / "tests" / "golden" / "codes"
MUNICIPALITY: Final = PartyId(Cvr("11111111"), "0999")
INSTITUTION: Final = PartyId(Cvr("22222222"), "999001")
LIFETIME: Final = timedelta(minutes=14)  # of the messages that are signed ahead; 15 is the most
FRESH: Final = timedelta(minutes=10)  # how long a message that was signed ahead is sent

_LETTER: Final = ROOT / "tests" / "golden" / "documents" / "education-order-letter.xml"
_DECLARATION: Final = ROOT / "certificates" / "dev" / "pki.toml"
_NAMES: Final = {MUNICIPALITY: "Eksempelby Kommune", INSTITUTION: "Prøveby Erhvervsskole"}
_SEALS: Final = {MUNICIPALITY: "eksempelby-kommune", INSTITUTION: "proeveby-erhvervsskole"}
_SYSTEMS: Final = ("eksempelby-esdh", "proeveby-sis")
_USED: Final = frozenset({*_SEALS.values(), *_SYSTEMS, "gateway-message", "gateway-seal"})


class Keys(Enum):
    """The kind of every key that takes part in a call; authorities keep theirs, which sign nothing here."""

    RSA_2048 = "rsa-2048"
    RSA_3072 = "rsa-3072"
    P_256 = "p-256"

    @property
    def label(self) -> str:
        """How tables name it."""
        return {"rsa-2048": "RSA-2048", "rsa-3072": "RSA-3072", "p-256": "P-256"}[self.value]


@cache
def pki_of(keys: Keys) -> DevelopmentPki:
    """A development PKI of this minute in which all relevant keys are of this kind."""
    declared = read_declaration(_DECLARATION.read_text(encoding="utf-8"))
    wishes = tuple(replace(wish, key=keys.value) for wish in declared.certificates if wish.name in _USED)
    authorities = tuple(wish for wish in declared.authorities if wish.name in ("root", "issuing"))
    return build_pki(replace(declared, certificates=wishes, authorities=authorities), datetime.now(UTC))


@dataclass(frozen=True)
class Attached:
    """One attachment of a letter: its octets, and how they travel."""

    octets: bytes
    media_type: str
    mtom: bool = False


@dataclass(frozen=True)
class Message:
    """A signed message, ready to be sent."""

    content_type: str
    body: bytes
    document_id: Uuid4

    def to(self, service: Service) -> HttpRequest:
        """The message as an HTTP request to one of the services."""
        return HttpRequest("POST", SERVICE_PATHS[service], "", {"content-type": self.content_type}, self.body)


@dataclass(frozen=True)
class Bench:
    """A running installation in a folder, and what is needed to call it in process."""

    installation: Installation
    pki: DevelopmentPki
    folder: Path
    municipality: SoapEndpoint
    institution: SoapEndpoint
    systems: dict[str, System]

    def call(self, message: Message, service: Service = Service.MUNICIPALITY) -> HttpAnswer:
        """Serve a message; anything but success ends the bench."""
        endpoint = self.municipality if service is Service.MUNICIPALITY else self.institution
        answer = endpoint.serve(message.to(service))
        if answer.status != 200:
            raise AssertionError(f"refused: {answer.body[-2000:].decode(errors='replace')}")
        return answer

    def work(self) -> None:
        """Deliver everything that is due."""
        worker = Worker(self.installation, poll_seconds=1, lease_seconds=60, checkpoint_seconds=1)
        while worker.turn():
            pass

    def letters(self, count: int, attached: Attached | None = None) -> list[Message]:
        """Signed messages that each send another letter, in another conversation."""
        key = self.pki.signing_key("eksempelby-esdh")
        return [letter_message(key, attached) for _ in range(count)]

    def message(self, payload: str, system: str) -> Message:
        """A signed message of a system with this payload."""
        envelope = soap.envelope(SoapVersion.SOAP_11, parse(payload.encode()))
        octets = wss.secure(envelope, self.pki.signing_key(system), datetime.now(UTC), lifetime=LIFETIME)
        return Message(SoapVersion.SOAP_11.content_type, octets, Uuid4.new())


def letter_octets(document_id: Uuid4, attached: Attached | None = None) -> bytes:
    """The letter of the bench: golden example A, sealed by the gateway, made now, with fresh identifiers."""
    root = parse(_LETTER.read_bytes())
    changes = {
        "DocumentId": document_id.text,
        "ConversationId": Uuid4.new().text,
        "CreatedAt": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "SealedBy": "GATEWAY",
        "Nonce": pybase64.b64encode_as_string(secrets.token_bytes(32)),
    }
    for name, value in changes.items():
        found = root.find(f"{{*}}Header/{{*}}{name}")
        assert found is not None
        found.text = value
    if attached is not None:
        root.append(parse(_manifest(attached)))
    return etree.tostring(root)


def _manifest(attached: Attached) -> bytes:
    digest = pybase64.b64encode_as_string(hashlib.sha256(attached.octets).digest())
    return (
        '<Attachments xmlns="urn:dk:bropost:document:1"><Attachment><Number>1</Number>'
        f"<FileName>skema.pdf</FileName><MediaType>{attached.media_type}</MediaType>"
        f"<Size>{len(attached.octets)}</Size><Sha256>{digest}</Sha256><Title>Skema</Title>"
        "<Category>education</Category></Attachment></Attachments>"
    ).encode()


def letter_message(key: SigningKey, attached: Attached | None = None) -> Message:
    """A signed message that sends a fresh letter."""
    document_id = Uuid4.new()
    payload = etree.Element(tag(SERVICE, "SendLetter"), nsmap={None: SERVICE})
    acting = etree.SubElement(payload, tag(SERVICE, "OnBehalfOf"))
    etree.SubElement(acting, tag(SERVICE, "Cvr")).text = MUNICIPALITY.cvr.text
    etree.SubElement(acting, tag(SERVICE, "MunicipalityCode")).text = MUNICIPALITY.unit
    payload.append(parse(letter_octets(document_id, attached)))
    parts: Sequence[NewPart] = ()
    if attached is not None:
        parts = (NewPart("skema@bench", attached.media_type, attached.octets),)
        _refer(payload, mtom=attached.mtom)
    envelope = soap.envelope(SoapVersion.SOAP_11, payload)
    octets = wss.secure(envelope, key, datetime.now(UTC), lifetime=LIFETIME, attachments=parts)
    if attached is None:
        return Message(SoapVersion.SOAP_11.content_type, octets, document_id)
    built = build_related(octets, SoapVersion.SOAP_11.media_type, parts, mtom=attached.mtom)
    return Message(built.content_type, built.body, document_id)


def _refer(payload: etree._Element, *, mtom: bool) -> None:
    """Refer to the part, by ContentId or as an xop:Include in place of the content."""
    element = etree.SubElement(payload, tag(SERVICE, "Attachment"))
    etree.SubElement(element, tag(SERVICE, "Number")).text = "1"
    if not mtom:
        etree.SubElement(element, tag(SERVICE, "ContentId")).text = "skema@bench"
        return
    content = etree.SubElement(element, tag(SERVICE, "Content"))
    include = etree.SubElement(content, "{http://www.w3.org/2004/08/xop/include}Include")
    include.set("href", "cid:skema@bench")


def write_schemas(folder: Path) -> Path:
    """Write the packaged schemas into a folder and return the service schema, for libraries that read files."""
    for name in resources.names():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(resources.read(name))
    return folder / resources.SERVICE_SCHEMA


def open_bench(folder: Path, keys: Keys, blobs: Path | None = None, address: str | None = None) -> Bench:
    """A fresh installation in an empty folder, with both parties and their systems; large ciphertexts in `blobs`.

    Its database is an SQLite file in the folder, or the one at `address`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pki = pki_of(keys)
    lists = []
    for name in ("root", "issuing"):
        lists.append(folder / f"{name}.crl")
        lists[-1].write_bytes(pki.lists[name])
    database = Database.open(address or f"sqlite:///{folder / 'bropost.db'}", busy_seconds=5)
    database.migrate()
    identity = Uuid4.new()
    with database.alone() as connection:
        claim_installation(connection, identity)
    seal = pki.signing_key("gateway-seal")
    trust = TrustFiles(pki.trust_store(), lists)
    installation = Installation(
        id=identity,
        environment=Environment.DEVELOPMENT,
        clock=lambda: datetime.now(UTC),
        database=database,
        blobs=Blobs(blobs or folder / "blobs"),
        keys=KeyStore(folder / "keys"),
        seal_key=OwnKey("seal", seal, Usage.SEAL, trust),
        message_key=OwnKey("message", pki.signing_key("gateway-message"), Usage.MESSAGE, trust),
        checkpoint_key=pki.checkpoint_key(),
        issuer=Issuer(Cvr("66666666"), "Bropost Eksempeldrift", seal.chain[0].fingerprint),
        trust=trust,
        knowledge=load_knowledge(
            municipalities=(CODES / "municipalities.toml").read_bytes(),
            institutions=(CODES / "institutions.toml").read_bytes(),
            replacement_numbers_allowed=True,
        ),
        waits=TransportWaits(),
        attachments_bytes=20 * 1024 * 1024,
    )
    municipality, institution = (
        SoapEndpoint(service, f"https://localhost:8443{SERVICE_PATHS[service]}", installation, Metrics())
        for service in (Service.MUNICIPALITY, Service.INSTITUTION)
    )
    return Bench(installation, pki, folder, municipality, institution, register(installation, pki))


def register(installation: Installation, pki: DevelopmentPki) -> dict[str, System]:
    """Register both parties, with their seals, and their systems."""
    for party, name in _NAMES.items():
        parties.register_party(installation, Party(party, name, frozenset(DocumentKind)))
        holder = pki.holders[_SEALS[party]]
        parties.add_seal_key(installation, party, holder.key_pem, holder.chain_pem)
    return {name: parties.register_system(installation, name, pki.certificate(name)) for name in _SYSTEMS}

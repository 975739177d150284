"""A whole installation in a folder of its own, with a clock that tests set, and systems that speak to its services.

Everything is real but the network: messages are signed octets in, signed octets out, as over HTTPS.
"""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import uuid4

from lxml import etree

from gateway.app import SERVICE_PATHS
from gateway.crypto.certificates import Usage
from gateway.crypto.development_pki import DevelopmentPki, renew_lists
from gateway.crypto.keys import SigningKey
from gateway.domain.deadlines import TransportWaits
from gateway.domain.evidence import Issuer
from gateway.domain.identifiers import Cvr, PartyId, Uuid4
from gateway.domain.kinds import DocumentKind
from gateway.domain.mandate import Mandate, Operation
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
from gateway.storage import systems
from gateway.storage.blobs import Blobs
from gateway.storage.configuration import claim_installation
from gateway.storage.database import Database
from gateway.storage.key_store import KeyStore
from gateway.transport.trust_files import TrustFiles
from gateway.xmlcore.namespaces import SERVICE, tag
from gateway.xmlcore.parse import parse
from tests import postgres
from tests.pki import development_pki, signing_key

_DATABASE: Final = "database.name"  # files of a folder whose database a server has
_ADDRESS: Final = "database.address"
_MOVED_IN: Final = (
    "DELETE FROM configuration WHERE name = 'home'"  # else a copy would count as put there from a dump
)
CODES = Path(__file__).parent / "golden" / "codes"
MUNICIPALITY = PartyId(Cvr("11111111"), "0999")
INSTITUTION = PartyId(Cvr("22222222"), "999001")
OTHER_MUNICIPALITY = PartyId(Cvr("33333333"), "0998")
OTHER_INSTITUTION = PartyId(Cvr("44444444"), "999002")
NAMES = {
    MUNICIPALITY: "Eksempelby Kommune",
    INSTITUTION: "Prøveby Erhvervsskole",
    OTHER_MUNICIPALITY: "Prøvelund Kommune",
    OTHER_INSTITUTION: "Eksempellund Gymnasium",
}
SEALS = {MUNICIPALITY: "eksempelby-kommune", INSTITUTION: "proeveby-erhvervsskole"}
SYSTEMS = ("eksempelby-esdh", "proeveby-sis", "leverandoer-esdh", "proevelund-esdh", "eksempellund-sis")
ID = Uuid4("5b0f9d1e-7c2a-4e6b-8f3d-1a2b3c4d5e6f")


class Clock:
    """A clock that stands still until a test moves it; it starts at the time of the PKI's revocation lists."""

    def __init__(self) -> None:
        self.now = development_pki().at + timedelta(minutes=1)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> None:
        """Move on by this span (timedelta's arguments)."""
        self.now += timedelta(**span)


@dataclass(frozen=True)
class Answered:
    """An answer that was checked to be signed by the gateway and to belong to its request, or an unsigned fault."""

    http: HttpAnswer
    payload: etree._Element
    is_signed: bool
    parts: dict[str, bytes]

    @property
    def fault_code(self) -> str | None:
        """The code of the fault, or None if it is an answer."""
        return self.payload.findtext(f".//{tag(SERVICE, 'BropostFault')}/{tag(SERVICE, 'Code')}")

    def text(self, path: str) -> str:
        """The text at a path of service elements, e.g. "Answer/CorrelationId"."""
        found = self.payload.findtext("/".join(tag(SERVICE, step) for step in path.split("/")))
        assert found is not None, f"the answer has no {path}"
        return found

    def texts(self, path: str) -> list[str]:
        """The texts at a path of service elements."""
        return [
            element.text or ""
            for element in self.payload.iterfind("/".join(tag(SERVICE, step) for step in path.split("/")))
        ]


@dataclass
class Caller:
    """A system with its key, connected to one service."""

    endpoint: SoapEndpoint
    key: SigningKey
    clock: Clock
    version: SoapVersion = SoapVersion.SOAP_11
    pki: DevelopmentPki = field(default_factory=development_pki)

    def message(self, body: bytes | etree._Element, *, lifetime: timedelta = timedelta(minutes=5)) -> bytes:
        """A fresh signed message with this payload."""
        payload = parse(body) if isinstance(body, bytes) else body
        return wss.secure(soap.envelope(self.version, payload), self.key, self.clock(), lifetime=lifetime)

    def call(self, body: bytes | etree._Element) -> Answered:
        """Send a payload in a fresh message."""
        return self.send(self.message(body))

    def call_with_parts(self, body: etree._Element, parts: Sequence[NewPart], *, mtom: bool) -> Answered:
        """Send a payload with attachments beside it, in a fresh message."""
        envelope = soap.envelope(self.version, body)
        octets = wss.secure(envelope, self.key, self.clock(), attachments=parts)
        built = build_related(octets, self.version.media_type, parts, mtom=mtom)
        return self.send(built.body, built.content_type)

    def send(self, octets: bytes, content_type: str | None = None) -> Answered:
        """Send these octets as they are."""
        headers = {"content-type": content_type or self.version.content_type}
        path = SERVICE_PATHS[self.endpoint.service]
        return self._checked(self.endpoint.serve(HttpRequest("POST", path, "", headers, octets)))

    def _checked(self, http: HttpAnswer) -> Answered:
        unpacked = soap.unpack(http.content_type, None, http.body)
        if unpacked.security is None:
            return Answered(http, unpacked.payload, False, {})
        revocations = self.pki.revocations().for_reading()
        verified = wss.verify(
            unpacked, self.pki.trust_store(), revocations, self.clock(), usage=Usage.MESSAGE
        )
        assert verified.certificate.certificate == self.pki.certificate("gateway-message")
        parts = {name: bytes(content) for name, content in verified.attachments.items()}
        return Answered(http, verified.payload, True, parts)


@dataclass
class TestInstallation:
    """An installation with two parties whose documents the gateway may seal, two foreign ones, and their systems."""

    __test__ = False

    installation: Installation
    clock: Clock
    folder: Path
    systems: dict[str, System] = field(default_factory=dict)
    pki: DevelopmentPki = field(default_factory=development_pki)
    metrics: Metrics = field(default_factory=Metrics)

    def caller(self, name: str, service: Service, version: SoapVersion = SoapVersion.SOAP_11) -> Caller:
        """The system whose certificate has this name in the development PKI."""
        address = f"https://localhost:8443{SERVICE_PATHS[service]}"
        endpoint = SoapEndpoint(service, address, self.installation, self.metrics)
        return Caller(endpoint, signing_key(name), self.clock, version, self.pki)

    @property
    def esdh(self) -> Caller:
        """The municipality's case system."""
        return self.caller("eksempelby-esdh", Service.MUNICIPALITY)

    @property
    def sis(self) -> Caller:
        """The school's study administration system."""
        return self.caller("proeveby-sis", Service.INSTITUTION)

    @property
    def worker(self) -> Worker:
        """A worker to be turned by hand."""
        return Worker(self.installation, poll_seconds=1, lease_seconds=60, checkpoint_seconds=1)

    def work(self) -> None:
        """Do everything that is due now."""
        worker = self.worker  # one, which remembers what it has tidied
        while worker.turn():
            pass

    def mandate(
        self, system: str, party: PartyId, operations: Sequence[Operation] = tuple(Operation)
    ) -> Uuid4:
        """Give a system a mandate for all kinds of documents."""
        given = Mandate(
            Uuid4.new(),
            self.systems[system].id,
            party,
            frozenset(operations),
            frozenset(DocumentKind),
            self.clock(),
            None,
            "mette.eksempel",
        )
        parties.give_mandate(self.installation, given)
        return given.id

    def renew_lists(self, *revoked: str) -> None:
        """Let the authorities make fresh revocation lists, in which these certificates are taken back now."""
        at = self.clock()
        self.pki = renew_lists(self.pki, at, {self.pki.certificate(name): at for name in revoked})
        _write_lists(self.folder, self.pki)

    def reopened(self) -> TestInstallation:
        """The same installation after a restart of its process."""
        self.installation.database.close()
        return _opened(self.folder, self.clock, self.pki)

    def close(self) -> None:
        """End the installation."""
        self.installation.database.close()


def open_test_installation(
    folder: Path,
    *,
    registered: bool = True,
    kind: str = "sqlite",
    alone: bool = False,
    installation_id: Uuid4 = ID,
) -> TestInstallation:
    """An installation in this folder, on a kind of database; without `registered` it is as it was left there.

    `alone`: its database is nobody else's, and is opened whatever it says of itself.
    """
    if registered:
        copy_installation(_template(kind), folder)
    return _opened(folder, Clock(), development_pki(), alone=alone, installation_id=installation_id)


def copy_installation(closed: Path, folder: Path) -> None:
    """Make a copy of an installation that nobody has open; `remove_database` what is outside its folder."""
    shutil.copytree(closed, folder, dirs_exist_ok=True)
    if (closed / _DATABASE).exists():
        template = (closed / _DATABASE).read_text()
        (folder / _DATABASE).write_text(f"house_{uuid4().hex}")
        postgres.server().create((folder / _DATABASE).read_text(), template)
        postgres.server().do(_MOVED_IN, (folder / _DATABASE).read_text())
        (folder / _ADDRESS).write_text(postgres.server().url((folder / _DATABASE).read_text()))


def remove_database(folder: Path) -> None:
    """Remove the database of an installation in this folder, if a server has it."""
    if (folder / _DATABASE).exists():
        postgres.server().drop((folder / _DATABASE).read_text())


def move_to(folder: Path, address: str) -> None:
    """Let the installation in this folder have its database at this address from now on."""
    (folder / _ADDRESS).write_text(address)


def database_address(folder: Path) -> str:
    """Where the database of an installation in this folder is."""
    path = folder / _ADDRESS
    return path.read_text() if path.exists() else f"sqlite:///{folder / 'bropost.db'}"


@functools.cache
def _template(kind: str) -> Path:
    """The folder of an installation in which all are registered: made once, for each test to have a copy of."""
    folder = Path(tempfile.mkdtemp(prefix="bropost-test-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    if kind == "postgresql":
        (folder / _DATABASE).write_text("registered")
        (folder / _ADDRESS).write_text(postgres.server().create("registered"))
    made = _opened(folder, Clock(), development_pki())
    _register(made)
    made.close()
    return folder


def _opened(
    folder: Path,
    clock: Clock,
    pki: DevelopmentPki,
    *,
    alone: bool = False,
    installation_id: Uuid4 = ID,
) -> TestInstallation:
    lists = _write_lists(folder, pki)
    database = Database.open(database_address(folder), busy_seconds=30, exclusively=alone)
    try:
        database.migrate()
        with database.alone() as connection:
            claim_installation(connection, installation_id, whatever_it_says=alone)
            known = {system.name: system for system in systems.list_systems(connection)}
    except BaseException:
        database.close()
        raise
    seal = signing_key("gateway-seal")
    trust = TrustFiles(pki.trust_store(), lists, look_seconds=0)
    installation = Installation(
        id=installation_id,
        environment=Environment.DEVELOPMENT,
        clock=clock,
        database=database,
        blobs=Blobs(folder / "blobs"),
        keys=KeyStore(folder / "keys"),
        seal_key=OwnKey("seal", seal, Usage.SEAL, trust),
        message_key=OwnKey("message", signing_key("gateway-message"), Usage.MESSAGE, trust),
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
    return TestInstallation(installation, clock, folder, known, pki)


def _write_lists(folder: Path, pki: DevelopmentPki) -> list[Path]:
    """The files of the revocation lists, written anew."""
    paths = {name: folder / f"{name}.crl" for name in ("root", "issuing")}
    for name, path in paths.items():
        path.write_bytes(pki.lists[name])
    return list(paths.values())


def _register(test_installation: TestInstallation) -> None:
    installation, pki = test_installation.installation, development_pki()
    for party, name in NAMES.items():
        parties.register_party(installation, Party(party, name, frozenset(DocumentKind)))
    for party, seal in SEALS.items():
        holder = pki.holders[seal]
        parties.add_seal_key(installation, party, holder.key_pem, holder.chain_pem)
    for system in SYSTEMS:
        parties.register_system(installation, system, pki.certificate(system))


def now() -> datetime:
    """The time of this machine, for what must be fresh there."""
    return datetime.now(UTC)

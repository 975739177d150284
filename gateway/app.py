"""The composition root: from settings to a running installation. Everything is put together here, and only here."""

from __future__ import annotations

import asyncio
import resource
import signal
import socket
import ssl
import stat
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.crypto.certificates import Certificate, TrustedCertificate, Usage
from gateway.crypto.keys import CheckpointKey, SigningKey
from gateway.domain.catalogue import Code
from gateway.domain.deadlines import TransportWaits
from gateway.domain.errors import InputError, UnavailableError
from gateway.domain.evidence import Issuer
from gateway.domain.identifiers import Uuid4
from gateway.domain.kinds import WorkingSpan
from gateway.domain.operations import Environment, Service
from gateway.interfaces import health
from gateway.interfaces.asgi import Endpoint, Front
from gateway.interfaces.connections import BoundedConnection, bounded_connection, bounded_loop
from gateway.interfaces.metrics import Metrics, MetricsPage
from gateway.interfaces.soap_endpoint import SoapEndpoint, schema_endpoint
from gateway.interfaces.turns import Turns
from gateway.interfaces.worker import Worker
from gateway.protocol.mime import MESSAGE_LIMITS
from gateway.services.installation import Installation
from gateway.services.knowledge import load_knowledge
from gateway.services.own_keys import OwnKey
from gateway.settings import Settings
from gateway.storage import outbox, parties
from gateway.storage.blobs import Blobs
from gateway.storage.configuration import claim_installation
from gateway.storage.database import Database
from gateway.storage.key_store import KeyStore
from gateway.transport.trust_files import Trust, TrustFiles, read_trust_store

FILES_A_CONNECTION = 2  # one that is served, and one whose handshake goes on meanwhile
FILES_BESIDE = 256  # store, contents, logs
EXPIRY_DAYS = 30  # the last of the warnings before a certificate must be replaced
SERVICE_PATHS = {Service.MUNICIPALITY: "/municipality/1", Service.INSTITUTION: "/institution/1"}


def system_clock() -> datetime:
    """The time of this machine, zoned UTC."""
    return datetime.now(UTC)


def open_installation(settings: Settings, clock: Callable[[], datetime] = system_clock) -> Installation:
    """Return the installation that the settings describe, its database brought up to date.

    Raises InputError SETTINGS_INVALID if a key or file cannot be used, TrustError DEVELOPMENT_ROOT if a development
    root stands in the settings of another environment, and what `verify_certificate` raises for the gateway's own keys.
    """
    trust = TrustFiles(
        read_trust_store(
            settings.trust.roots,
            settings.trust.intermediates,
            settings.trust.policies,
            settings.environment,
        ),
        settings.trust.revocation_lists,
    )
    seal_key, message_key = _own_keys(settings, trust)
    at = clock()
    message_key.verified(at)
    issuer = _issuer(seal_key.verified(at))
    database = Database.open(settings.store.database, busy_seconds=settings.store.busy_seconds)
    database.migrate()
    installation_id = Uuid4(settings.installation)
    with database.transaction() as connection:
        claim_installation(connection, installation_id)
    return Installation(
        id=installation_id,
        environment=Environment[settings.environment.upper()],
        clock=clock,
        database=database,
        blobs=Blobs(settings.store.blobs),
        keys=KeyStore(settings.keys.key_store),
        seal_key=seal_key,
        message_key=message_key,
        checkpoint_key=CheckpointKey.from_pem(_read(settings.keys.checkpoint_key)),
        issuer=issuer,
        trust=trust,
        knowledge=load_knowledge(
            municipalities=_register(settings.policy.municipalities),
            institutions=_register(settings.policy.institutions),
            replacement_numbers_allowed=settings.environment != "production",
        ),
        waits=_waits(settings),
        attachments_bytes=settings.limits.attachments_bytes,
    )


def build_application(settings: Settings, installation: Installation, turns: Turns) -> Front:
    """Return the HTTP application with both services, their schemas, the health pages and the metrics."""
    metrics = Metrics()
    endpoints: dict[str, Endpoint] = {}
    services = {
        path: SoapEndpoint(service, settings.server.public_url + path, installation, metrics)
        for service, path in SERVICE_PATHS.items()
    }
    for path, service in services.items():
        endpoints[path] = turns.taking(service.serve)
        endpoints[path + "/xsd/"] = schema_endpoint
        endpoints[path.rpartition("/")[0] + "/xsd/"] = schema_endpoint
    endpoints["/health/live"] = health.live
    endpoints["/health/ready"] = health.Readiness(installation).ready
    endpoints["/metrics"] = MetricsPage(metrics, settings.server.metrics_readers).serve
    other_page = services[SERVICE_PATHS[Service.MUNICIPALITY]]
    body_limit = MESSAGE_LIMITS.root_octets + settings.limits.attachments_bytes * 4 // 3
    return Front(
        endpoints,
        lambda request, error: services.get(request.path, other_page).refuse(request, error),
        body_limit=body_limit,
        body_seconds=settings.server.body_seconds,
        threads=settings.server.threads,
    )


@contextmanager
def working(settings: Settings, installation: Installation, turns: Turns) -> Generator[Worker]:
    """Run a worker beside the block; it finishes what it has in hand when the block ends."""
    worker = Worker(
        installation,
        settings.worker.poll_seconds,
        settings.worker.lease_seconds,
        settings.worker.checkpoint_seconds,
        turns,
    )
    thread = threading.Thread(target=worker.run, name=worker.name)
    thread.start()
    try:
        yield worker
    finally:
        worker.stop()
        thread.join()


def serve(settings: Settings) -> None:
    """Serve until the process is told to stop (SIGTERM or SIGINT); open requests are answered first.

    Raises what `open_installation` raises, and InputError SETTINGS_INVALID if TLS key or certificate cannot be used.
    """
    _require_tls(settings)
    _require_open_files(settings)
    installation = open_installation(settings)
    turns = _turns(settings, installation)
    config = _Config(
        build_application(settings, installation, turns),
        host=settings.server.host,
        port=settings.server.port,
        ssl_certfile=str(settings.server.tls_certificate),
        ssl_keyfile=str(settings.server.tls_key),
        http=bounded_connection(settings.server.head_seconds),
        lifespan="off",
        access_log=False,
        proxy_headers=False,  # who asks is who holds the connection, not what a header says
        server_header=False,
        log_config=None,
        limit_concurrency=settings.server.connections,
        timeout_graceful_shutdown=settings.server.shutdown_seconds,
    )
    try:
        with _stopping_in_order(), working(settings, installation, turns):
            _Server(config).run()
    finally:
        installation.database.close()


def _turns(settings: Settings, installation: Installation) -> Turns:
    """One with a file, which has one writer; with a server each thread waits for it most of its time."""
    return Turns(settings.server.threads if installation.database.is_shared else 1)


class _Config(uvicorn.Config):
    """Runs on a loop that gives a TLS handshake no longer than the head of a request."""

    def get_loop_factory(self) -> Callable[[], asyncio.AbstractEventLoop]:
        """Return what makes the loop."""
        assert isinstance(self.http, type)
        assert issubclass(self.http, BoundedConnection)
        seconds = self.http.head_seconds
        return lambda: bounded_loop(seconds)


class _Server(uvicorn.Server):
    """Stops without waiting for connections that nothing is under way on.

    TLS closes in order only when the client says goodbye too, and one that keeps its connection for later does not.
    """

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drop the idle connections, and let the others end as usual."""
        for connection in list(self.server_state.connections):
            if isinstance(connection, HttpToolsProtocol) and _is_idle(connection):
                connection.transport.abort()
        await super().shutdown(sockets)


def _is_idle(connection: HttpToolsProtocol) -> bool:
    """Whether no request is being answered on a connection, and the last answer has left."""
    is_answered = connection.cycle is None or connection.cycle.response_complete
    return is_answered and not connection.transport.get_write_buffer_size()


@contextmanager
def _stopping_in_order() -> Generator[None]:
    """Let a signal end the server alone: it raises the signal again at its end, when worker and store still run."""
    before = {each: signal.signal(each, lambda *_: None) for each in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _require_tls(settings: Settings) -> None:
    """Refuse a TLS key and certificate that are not there, not readable or not of one another."""
    certificate, key = settings.server.tls_certificate, settings.server.tls_key
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password=lambda: b"")
    except (OSError, ValueError) as error:  # SSLError is an OSError
        what = f"server.tls_certificate {certificate} and server.tls_key {key} cannot be used together"
        raise InputError(Code.SETTINGS_INVALID, what=what) from error


def _require_open_files(settings: Settings) -> None:
    """Take as many open files as the system allows, and refuse to start where that is too few.

    A stranger's connection costs one before anything is known of it, and letters must find some left.
    """
    needed = FILES_A_CONNECTION * settings.server.connections + FILES_BESIDE
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY and most < needed:
        what = (
            f"server.connections {settings.server.connections} needs {needed} open files, "
            f"and the system allows {most} (LimitNOFILE, ulimit -n)"
        )
        raise InputError(Code.SETTINGS_INVALID, what=what)
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed if most == resource.RLIM_INFINITY else most, most))


@dataclass(frozen=True)
class Finding:
    """One thing that was checked, and whether it is in order."""

    good: bool
    what: str


def check(settings: Settings) -> tuple[Finding, ...]:
    """Return what is in order and what is not; what the start itself would refuse raises as there."""
    _require_tls(settings)
    installation = open_installation(settings)
    at = installation.clock()
    try:
        findings = [Finding(True, f"settings, keys and store of installation {installation.id}")]
        trust = installation.trust.current(at)
        for issuer in (*trust.store.roots, *trust.store.intermediates):
            name = issuer.x509.subject.rfc4514_string()
            findings.append(_revocation_finding(trust, issuer, name, at))
        findings += [
            _expiry_finding(label, _read(file), at)
            for label, file in (
                ("TLS", settings.server.tls_certificate),
                ("seal", settings.keys.seal_chain),
                ("message", settings.keys.message_chain),
            )
        ]
        findings += _seal_findings(installation, at)
        findings += [
            _privacy_finding(label, file)
            for label, file in (
                ("TLS", settings.server.tls_key),
                ("seal", settings.keys.seal_key),
                ("message", settings.keys.message_key),
                ("checkpoint", settings.keys.checkpoint_key),
            )
        ]
        is_late = health.Readiness(installation).waiting_too_long()
        findings.append(Finding(not is_late, "no delivery waits too long"))
        with installation.database.read() as connection:
            parked = len(outbox.parked(connection))
        findings.append(Finding(parked == 0, f"{parked} deliveries failed and wait for a person"))
    finally:
        installation.database.close()
    return tuple(findings)


def _seal_findings(installation: Installation, at: datetime) -> list[Finding]:
    """The certificates with which the gateway seals for parties."""
    with installation.database.read() as connection:
        sealed_for = [party.id for party in parties.list_parties(connection) if party.gateway_may_seal]
    keys = [(party, installation.keys.seal_key(party)) for party in sealed_for]
    return [
        Finding(False, f"the seal key of {party} is missing")
        if key is None
        else _expiry_finding(f"{party}'s seal", key.chain[0].pem, at)
        for party, key in keys
    ]


def _expiry_finding(label: str, chain_pem: bytes, at: datetime) -> Finding:
    days = (Certificate.all_from_pem(chain_pem)[0].x509.not_valid_after_utc - at).days
    return Finding(days >= EXPIRY_DAYS, f"{label} certificate is valid for {days} more days")


def _privacy_finding(label: str, file: Path) -> Finding:
    is_open = bool(file.stat().st_mode & stat.S_IRWXO)
    return Finding(
        not is_open, f"{label} key: " + ("everybody may use its file" if is_open else "its file is private")
    )


def _revocation_finding(trust: Trust, issuer: Certificate, name: str, at: datetime) -> Finding:
    try:
        trust.revocations.evidence(issuer, at)
    except UnavailableError:
        return Finding(False, f"no current revocation list of {name}")
    return Finding(True, f"revocation list of {name} is current")


def _waits(settings: Settings) -> TransportWaits:
    """How long the machines may take; the warning comes halfway."""

    def span(hours: int) -> tuple[WorkingSpan, WorkingSpan]:
        return WorkingSpan(hours=max(1, hours // 2)), WorkingSpan(hours=hours)

    return TransportWaits(
        delivery=span(settings.deadlines.delivery_hours), handover=span(settings.deadlines.handover_hours)
    )


def _own_keys(settings: Settings, trust: TrustFiles) -> tuple[OwnKey, OwnKey]:
    """The keys that the gateway seals and answers with."""
    keys = settings.keys
    seal = SigningKey.from_pem(_read(keys.seal_key), _read(keys.seal_chain))
    message = SigningKey.from_pem(_read(keys.message_key), _read(keys.message_chain))
    return OwnKey("seal", seal, Usage.SEAL, trust), OwnKey("message", message, Usage.MESSAGE, trust)


def _issuer(seal: TrustedCertificate) -> Issuer:
    """As whom the gateway seals: what its seal certificate says."""
    return Issuer(seal.identity.cvr, seal.identity.organisation, seal.certificate.fingerprint)


def _register(path: Path | None) -> bytes | None:
    return None if path is None else _read(path)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(Code.SETTINGS_INVALID, what=f"{path} cannot be read") from error

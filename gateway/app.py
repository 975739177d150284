"""The composition root: from settings to a running installation. Everything is put together here, and only here."""

from __future__ import annotations

import asyncio
import resource
import signal
import socket
import ssl
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.crypto.certificates import Certificate, TrustedCertificate, TrustStore, Usage
from gateway.crypto.identity import read_identity
from gateway.crypto.keys import CheckpointKey, SigningKey
from gateway.domain.catalogue import Code
from gateway.domain.deadlines import TransportWaits
from gateway.domain.errors import InputError, UnavailableError
from gateway.domain.evidence import Issuer
from gateway.domain.identifiers import Uuid4
from gateway.domain.kinds import WorkingSpan
from gateway.domain.operations import Environment, Service
from gateway.domain.quota import Quota
from gateway.interfaces import health
from gateway.interfaces.antivirus_watch import AntivirusWatch
from gateway.interfaces.asgi import Endpoint, Front
from gateway.interfaces.bounded_loop import bounded_loop
from gateway.interfaces.connections import BoundedConnection, bounded_connection
from gateway.interfaces.list_refresher import ListRefresher
from gateway.interfaces.machine import ClockWatch, Disks, synchronised
from gateway.interfaces.metrics import Metrics, MetricsPage, Readings
from gateway.interfaces.peers import Peers
from gateway.interfaces.places import LAST_PLACES, Places
from gateway.interfaces.soap_endpoint import SoapEndpoint, schema_endpoint
from gateway.interfaces.turns import Turns
from gateway.interfaces.worker import Worker
from gateway.protocol.mime import MESSAGE_LIMITS
from gateway.services.certificate_changes import announce_own_keys
from gateway.services.installation import Installation
from gateway.services.knowledge import load_knowledge
from gateway.services.own_keys import NextKey, OwnKey
from gateway.services.vitals import Vitals
from gateway.settings import Settings
from gateway.storage.blobs import Blobs
from gateway.storage.configuration import claim_installation, is_claimed
from gateway.storage.database import Database
from gateway.storage.key_store import KeyStore
from gateway.transport.antivirus import Clamd
from gateway.transport.http_get import HttpLimits
from gateway.transport.revocation_fetch import RevocationFetch, list_files
from gateway.transport.trust_files import TrustFiles, read_trust_store

FILES_BESIDE = 256  # store, contents, logs
SERVICE_PATHS = {Service.MUNICIPALITY: "/municipality/1", Service.INSTITUTION: "/institution/1"}


def system_clock() -> datetime:
    """The time of this machine, zoned UTC."""
    return datetime.now(UTC)


def open_installation(
    settings: Settings,
    clock: Callable[[], datetime] = system_clock,
    *,
    alone: bool = False,
    upgrade: bool = True,
) -> Installation:
    """Return the installation that the settings describe, its database brought up to date; not without `upgrade`.

    `alone` is for commands that move or judge a store: no other process may have it open, and it is opened whatever it
    says of itself, such as that it was moved or set aside. InputError DATABASE_IN_USE if another has it open.
    Raises InputError SETTINGS_INVALID if a key or file cannot be used, TrustError DEVELOPMENT_ROOT if a development
    root stands in the settings of another environment, and what `verify_certificate` raises for the gateway's own keys.
    """
    store = _trust_store(settings)
    trust = TrustFiles(store, [*settings.trust.revocation_lists, *_fetched_lists(settings, store)])
    seal_key, message_key = _own_keys(settings, trust)
    at = clock()
    message_key.require_next(at)
    seal_key.require_next(at)
    message_key.verified(at)
    issuer = _issuer(seal_key.verified(at))
    installation_id = Uuid4(settings.installation)
    database = _open_database(settings, installation_id, alone=alone, upgrade=upgrade)
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
        quota=Quota(**settings.quotas.model_dump()),
        antivirus=_antivirus(settings),
        revocation_fetch=revocation_fetch(settings),
    )


def _open_database(settings: Settings, installation: Uuid4, *, alone: bool, upgrade: bool) -> Database:
    """The database, brought up to date and found to be the installation's; closed again if it cannot be used."""
    address, busy_seconds = settings.store.database, settings.store.busy_seconds
    database = Database.open(address, busy_seconds=busy_seconds, exclusively=alone)
    try:
        database.migrate(upgrade=upgrade)
        if alone:
            with database.alone() as connection:
                database.require_unused(connection)
                claim_installation(connection, installation, whatever_it_says=True)
        elif not _is_claimed(database, installation):
            with database.alone() as connection:
                claim_installation(connection, installation)
    except BaseException:
        database.close()
        raise
    return database


def _is_claimed(database: Database, installation: Uuid4) -> bool:
    with database.read() as connection:
        return is_claimed(connection, installation)


def revocation_fetch(settings: Settings) -> RevocationFetch | None:
    """Return what fetches revocation lists, or None if the settings name no address. It needs no installation."""
    if not settings.revocation.urls:
        return None
    return RevocationFetch(
        settings.revocation.urls,
        settings.revocation.folder,
        _trust_store(settings),
        HttpLimits(settings.revocation.list_bytes, settings.revocation.fetch_seconds),
        timedelta(minutes=settings.revocation.refresh_minutes),
    )


def build_application(
    settings: Settings, installation: Installation, turns: Turns, metrics: Metrics | None = None
) -> Front:
    """Return the HTTP application with both services, their schemas, the health pages and the metrics."""
    metrics = metrics or Metrics()
    for readings in (*watched(settings, installation), ClockWatch().readings):
        metrics.watch(readings)
    endpoints: dict[str, Endpoint] = {}
    services = {
        path: SoapEndpoint(service, settings.server.public_url + path, installation, metrics)
        for service, path in SERVICE_PATHS.items()
    }
    for path, service in services.items():
        endpoints[path] = turns.taking(service.serve)
        endpoints[path + "/xsd/"] = schema_endpoint
        endpoints[path.rpartition("/")[0] + "/xsd/"] = schema_endpoint
    beside = {
        "/health/live": health.live,
        "/health/ready": health.Readiness(installation).ready,
        "/metrics": MetricsPage(metrics, settings.server.metrics_readers).serve,
    }
    other_page = services[SERVICE_PATHS[Service.MUNICIPALITY]]
    body_limit = MESSAGE_LIMITS.root_octets + settings.limits.attachments_bytes * 4 // 3
    return Front(
        endpoints,
        lambda request, error: services.get(request.path, other_page).refuse(request, error),
        body_limit=body_limit,
        body_seconds=settings.server.body_seconds,
        threads=settings.server.threads,
        beside=beside,
        peers=Peers(settings.server.proxies),
    )


@contextmanager
def working(
    settings: Settings, installation: Installation, turns: Turns, metrics: Metrics
) -> Generator[Worker]:
    """Run a worker beside the block; it finishes what it has in hand when the block ends."""
    worker = Worker(
        installation,
        settings.worker.poll_seconds,
        settings.worker.lease_seconds,
        settings.worker.checkpoint_seconds,
        turns,
        metrics,
    )
    metrics.watch(worker.readings)
    thread = threading.Thread(target=worker.run, name=worker.name)
    thread.start()
    try:
        yield worker
    finally:
        worker.stop()
        thread.join()


@contextmanager
def _refreshing(installation: Installation) -> Generator[None]:
    """Fetch revocation lists beside the block, if any; a fetch that is under way at its end is left alone."""
    if installation.revocation_fetch is None:
        yield
        return
    refresher = ListRefresher(installation.revocation_fetch, installation.clock)
    thread = threading.Thread(target=refresher.run, name="refresher", daemon=True)
    thread.start()
    try:
        yield
    finally:
        refresher.stop()


@contextmanager
def _watching(antivirus: Clamd | None) -> Generator[None]:
    """Ask the antivirus, if any, whether it is there: now, and again and again beside the block."""
    if antivirus is None:
        yield
        return
    antivirus.ask()
    watch = AntivirusWatch(antivirus)
    threading.Thread(target=watch.run, name="antivirus", daemon=True).start()
    try:
        yield
    finally:
        watch.stop()


def serve(settings: Settings) -> None:
    """Serve until the process is told to stop (SIGTERM or SIGINT); open requests are answered first.

    Raises what `open_installation` raises, and InputError SETTINGS_INVALID if TLS key or certificate cannot be used.
    """
    require_tls(settings)
    _require_open_files(settings)
    installation = _open_with_lists(settings)
    turns, metrics = _turns(settings, installation), Metrics()
    installation = replace(installation, aside=turns.aside)
    announce_own_keys(installation)
    config = _Config(
        Places(settings.server.connections, Peers(settings.server.proxies)),
        build_application(settings, installation, turns, metrics),
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
        timeout_graceful_shutdown=settings.server.shutdown_seconds,
    )
    try:
        with (
            _stopping_in_order(),
            working(settings, installation, turns, metrics),
            _refreshing(installation),
            _watching(installation.antivirus),
        ):
            _Server(config).run()
    finally:
        installation.database.close()


def _open_with_lists(settings: Settings) -> Installation:
    """Open the installation; fetch its revocation lists first if those at hand do not even serve for reading."""
    try:
        return open_installation(settings)
    except UnavailableError as error:
        fetch = revocation_fetch(settings)
        if fetch is None or error.code is not Code.REVOCATION_UNKNOWN:
            raise
        fetch.refresh(system_clock())
    return open_installation(settings)


def watched(settings: Settings, installation: Installation) -> tuple[Readings, ...]:
    """Return what measures an installation and its machine, for a running gateway and for `bropost check`."""
    tls = Certificate.all_from_pem(_read(settings.server.tls_certificate))[0]
    folders = {"blobs": settings.store.blobs}
    if not installation.database.is_shared:
        file = settings.store.database.removeprefix("sqlite:///").partition("?")[0]
        folders["database"] = Path(file).parent
    vitals = Vitals(installation, tls, settings.worker.checkpoint_seconds)
    return vitals.readings, Disks(folders).readings, synchronised


def _turns(settings: Settings, installation: Installation) -> Turns:
    """One with a file, which has one writer; with a server each thread waits for it most of its time."""
    return Turns(settings.server.threads if installation.database.is_shared else 1)


class _Config(uvicorn.Config):
    """Runs on a loop that gives connections their places, and a TLS handshake no longer than the head of a request."""

    def __init__(self, places: Places, front: Front, **options: Any) -> None:  # noqa: ANN401  uvicorn's
        super().__init__(front, **options)
        self._places = places

    def get_loop_factory(self) -> Callable[[], asyncio.AbstractEventLoop]:
        """Return what makes the loop."""
        assert isinstance(self.http, type)
        assert issubclass(self.http, BoundedConnection)
        seconds = self.http.head_seconds
        return lambda: bounded_loop(seconds, self._places)


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


def require_tls(settings: Settings) -> None:
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
    needed = settings.server.connections + LAST_PLACES + FILES_BESIDE
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY and most < needed:
        what = (
            f"server.connections {settings.server.connections} needs {needed} open files, "
            f"and the system allows {most} (LimitNOFILE, ulimit -n)"
        )
        raise InputError(Code.SETTINGS_INVALID, what=what)
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed if most == resource.RLIM_INFINITY else most, most))


def _waits(settings: Settings) -> TransportWaits:
    """How long the machines may take; the warning comes halfway."""

    def span(hours: int) -> tuple[WorkingSpan, WorkingSpan]:
        return WorkingSpan(hours=max(1, hours // 2)), WorkingSpan(hours=hours)

    return TransportWaits(
        delivery=span(settings.deadlines.delivery_hours), handover=span(settings.deadlines.handover_hours)
    )


def _trust_store(settings: Settings) -> TrustStore:
    trust = settings.trust
    return read_trust_store(trust.roots, trust.intermediates, trust.policies, settings.environment)


def _fetched_lists(settings: Settings, store: TrustStore) -> tuple[Path, ...]:
    return list_files(settings.revocation.folder, store) if settings.revocation.urls else ()


def _antivirus(settings: Settings) -> Clamd | None:
    address, threads = settings.antivirus.address, settings.server.threads
    return None if address is None else Clamd(address, settings.antivirus.seconds, max(1, threads // 2))


def _own_keys(settings: Settings, trust: TrustFiles) -> tuple[OwnKey, OwnKey]:
    """The keys that the gateway seals and answers with, and those that take over from them."""
    keys = settings.keys
    seal = SigningKey.from_pem(_read(keys.seal_key), _read(keys.seal_chain))
    message = SigningKey.from_pem(_read(keys.message_key), _read(keys.message_chain))
    next_seal = _next_key(seal, keys.next_seal_key, keys.next_seal_chain, keys.next_seal_from)
    next_message = _next_key(message, keys.next_message_key, keys.next_message_chain, keys.next_message_from)
    return (
        OwnKey("seal", seal, Usage.SEAL, trust, next_seal),
        OwnKey("message", message, Usage.MESSAGE, trust, next_message),
    )


def _next_key(
    current: SigningKey, key: Path | None, chain: Path | None, takes_over: datetime | None
) -> NextKey | None:
    """The key that takes over: of the same organisation, and with a certificate that holds from then on."""
    if key is None and chain is None and takes_over is None:
        return None
    if key is None or chain is None or takes_over is None:
        raise InputError(Code.SETTINGS_INVALID, what="a next key needs its key, its chain and its time")
    following = SigningKey.from_pem(_read(key), _read(chain))
    if read_identity(following.chain[0]).cvr != read_identity(current.chain[0]).cvr:
        raise InputError(Code.SETTINGS_INVALID, what="a next key is another organisation's")
    if not following.chain[0].is_current(takes_over):
        raise InputError(Code.SETTINGS_INVALID, what="a next key does not hold when it takes over")
    return NextKey(following, takes_over)


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

"""The settings of an installation: one typed value, read once at the start from a TOML file.

Every setting has a unit in its name or beside its default, and a sentence that says what it does; from these
`docs/settings.md` is made. An unknown key stops the start, and so does a value that lowers the security floor.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, IPvAnyNetwork, ValidationError

from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError
from gateway.domain.quota import USUAL

MIB = 1024 * 1024
_FILE = "sqlite:///"
_URL = r"^https?://[A-Za-z0-9.\-]+(:[0-9]{1,5})?/[!-~]*$"  # no user and password in it


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Server(_Section):
    """Where the gateway listens."""

    host: Annotated[str, Field(description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535, description="TCP port; 0 lets the system choose.")] = 8443
    public_url: Annotated[
        str,
        Field(
            pattern=r"^https://",
            description="The address clients use; it stands in the WSDLs, and a signed wsa:To must name it.",
        ),
    ] = "https://localhost:8443"
    tls_certificate: Annotated[Path, Field(description="PEM file with the TLS certificate and its chain.")]
    tls_key: Annotated[Path, Field(description="PEM file with the TLS key.")]
    threads: Annotated[int, Field(ge=1, le=64, description="Requests worked on at the same time.")] = 4
    head_seconds: Annotated[
        int,
        Field(
            ge=1,
            le=60,
            description="How long a TLS handshake, the head of one request, and taking 64 KiB of an answer may take.",
        ),
    ] = 10
    body_seconds: Annotated[
        int, Field(ge=1, le=600, description="How long one request may take to arrive.")
    ] = 60
    connections: Annotated[
        int,
        Field(
            ge=1,
            le=10_000,
            description="Connections at once, of which one address may have an eighth, at least 16; more are ended.",
        ),
    ] = 256
    proxies: Annotated[
        list[IPvAnyNetwork],
        Field(
            description="Addresses or networks of your own proxies, which may have all connections and all memory."
        ),
    ] = []
    metrics_readers: Annotated[
        list[IPvAnyNetwork],
        Field(
            description="Addresses or networks from which /metrics may be read; from nowhere unless named."
        ),
    ] = []
    shutdown_seconds: Annotated[
        int, Field(ge=1, le=300, description="Grace for open requests at a stop.")
    ] = 20


class Limits(_Section):
    """How much one request may carry."""

    attachments_bytes: Annotated[
        int, Field(ge=0, le=100 * MIB, description="All attachments of one document together, in bytes.")
    ] = 20 * MIB


class Trust(_Section):
    """Whom the gateway trusts."""

    roots: Annotated[
        list[Path], Field(min_length=1, description="DER files of the trusted root certificates.")
    ]
    intermediates: Annotated[list[Path], Field(description="DER files of the issuing certificates.")] = []
    revocation_lists: Annotated[
        list[Path], Field(description="DER files of the revocation lists; read again when they change.")
    ]
    policies: Annotated[
        list[str],
        Field(min_length=1, description="Certificate policies, each of which a certificate must carry."),
    ] = ["1.2.208.169.1.1.1.3.7"]


class Revocation(_Section):
    """Revocation lists that the gateway fetches itself, beside the files of `trust.revocation_lists`."""

    urls: Annotated[
        list[Annotated[str, Field(pattern=_URL)]],
        Field(
            description="Addresses that the authorities publish their lists at, http or https; no others are asked."
        ),
    ] = []
    folder: Annotated[
        Path, Field(description="Folder of the fetched lists; the gateway replaces the files in it.")
    ] = Path("var/lists")
    refresh_minutes: Annotated[
        int, Field(ge=5, le=720, description="Longest time between two questions at an address, in minutes.")
    ] = 60
    fetch_seconds: Annotated[
        int, Field(ge=1, le=300, description="How long one list may take to arrive.")
    ] = 30
    list_bytes: Annotated[
        int, Field(ge=1024, le=256 * MIB, description="How large one list may be, in bytes.")
    ] = 32 * MIB


class Keys(_Section):
    """The gateway's own keys. docs/operations.md says who may read each and how to replace it."""

    message_key: Annotated[Path, Field(description="PEM key that signs answers.")]
    message_chain: Annotated[Path, Field(description="PEM certificates of the message key, leaf first.")]
    seal_key: Annotated[Path, Field(description="PEM key that signs evidence.")]
    seal_chain: Annotated[Path, Field(description="PEM certificates of the seal key, leaf first.")]
    next_message_key: Annotated[
        Path | None, Field(description="PEM key that signs answers from `next_message_from` on.")
    ] = None
    next_message_chain: Annotated[
        Path | None, Field(description="PEM certificates of the next message key, leaf first.")
    ] = None
    next_message_from: Annotated[
        AwareDatetime | None, Field(description="When the next message key takes over, a time with its zone.")
    ] = None
    next_seal_key: Annotated[
        Path | None, Field(description="PEM key that signs evidence from `next_seal_from` on.")
    ] = None
    next_seal_chain: Annotated[
        Path | None, Field(description="PEM certificates of the next seal key, leaf first.")
    ] = None
    next_seal_from: Annotated[
        AwareDatetime | None, Field(description="When the next seal key takes over, a time with its zone.")
    ] = None
    checkpoint_key: Annotated[Path, Field(description="PEM Ed25519 key that signs log checkpoints.")]
    key_store: Annotated[
        Path, Field(description="Folder of the key-encryption keys, one a party; has backups of its own.")
    ]


class Store(_Section):
    """Where the gateway keeps what it was given."""

    database: Annotated[
        str,
        Field(
            pattern=r"^(sqlite:///|postgresql\+psycopg://)",
            description="SQLAlchemy address of the database: a file, or a PostgreSQL server.",
        ),
    ] = "sqlite:///var/bropost.db"
    blobs: Annotated[Path, Field(description="Folder of the large contents, encrypted.")] = Path("var/blobs")
    busy_seconds: Annotated[int, Field(ge=1, le=60, description="Wait for the writer before BUSY.")] = 10


class Worker(_Section):
    """How the gateway works off what it has promised."""

    poll_seconds: Annotated[
        float, Field(gt=0, le=60, description="Pause between two looks at the outbox.")
    ] = 0.5
    lease_seconds: Annotated[int, Field(ge=10, le=3600, description="How long one worker holds a row.")] = 120
    checkpoint_seconds: Annotated[
        int, Field(ge=1, le=3600, description="Longest age of a log's checkpoint.")
    ] = 60


class Deadlines(_Section):
    """When silence of machines is told; how long people have follows from the kind of document.

    Working time is Danish: weekdays without holidays, 8 to 16.
    """

    delivery_hours: Annotated[int, Field(ge=2, le=240, description="Working hours until UNDELIVERED.")] = 24
    handover_hours: Annotated[
        int, Field(ge=2, le=240, description="Working hours until not handed over.")
    ] = 24


class Quotas(_Section):
    """How much one system may do, so that none takes the gateway from the others.

    `bropost system quota` sets other figures for one system.
    """

    requests_per_minute: Annotated[
        int,
        Field(
            ge=1,
            le=1_000_000,
            description="Requests a minute with one certificate, at one process; as many may come at once.",
        ),
    ] = USUAL.requests_per_minute
    documents_per_day: Annotated[
        int, Field(ge=1, le=100_000_000, description="Letters and notices of one system in a Danish day.")
    ] = USUAL.documents_per_day
    megabytes_per_day: Annotated[
        int,
        Field(
            ge=1,
            le=100_000_000,
            description="Messages and attachments of one system in a Danish day, in units of 1,048,576 bytes.",
        ),
    ] = USUAL.megabytes_per_day


class Antivirus(_Section):
    """The scanner that sees each attachment before it is accepted: a clamd, asked by its command INSTREAM."""

    address: Annotated[
        str | None,
        Field(
            pattern=r"^(unix:/[!-~]+|tcp://([A-Za-z0-9.\-]+|\[[0-9a-fA-F:]+\]):[0-9]{1,5})$",
            description="`unix:/path/of/the/socket` or `tcp://host:port`; without it nothing is scanned.",
        ),
    ] = None
    seconds: Annotated[
        int, Field(ge=1, le=300, description="How long the scan of all attachments of one document may take.")
    ] = 60


class Policy(_Section):
    """Registers that documents are checked against, beside the ones that come with the product."""

    municipalities: Annotated[
        Path | None, Field(description="TOML file of municipality codes, in place of the product's list.")
    ] = None
    institutions: Annotated[
        Path | None,
        Field(description="TOML file of institution numbers; without it the registered parties are it."),
    ] = None


class Settings(_Section):
    """All settings of an installation."""

    environment: Annotated[
        Literal["production", "test", "development"],
        Field(description="development alone accepts the development PKI, and every answer says so."),
    ] = "production"
    installation: Annotated[
        str,
        Field(
            pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$",
            description="UUID of this installation; it stands in the origin of every log and never changes.",
        ),
    ]
    server: Server
    limits: Limits = Limits()
    trust: Trust
    revocation: Revocation = Revocation()
    keys: Keys
    store: Store = Store()
    worker: Worker = Worker()
    deadlines: Deadlines = Deadlines()
    quotas: Quotas = Quotas()
    antivirus: Antivirus = Antivirus()
    policy: Policy = Policy()


def load_settings(path: Path) -> Settings:
    """Return the settings of a TOML file; relative paths in it count from its folder.

    Raises InputError SETTINGS_INVALID with the first setting that is unknown, missing or out of range.
    """
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise InputError(Code.SETTINGS_INVALID, what=f"{path} does not exist") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(Code.SETTINGS_INVALID, what=f"{path} cannot be read as UTF-8 text") from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(Code.SETTINGS_INVALID, what=f"{path} is not TOML: {error}") from error
    try:
        settings = Settings.model_validate(raw)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InputError(Code.SETTINGS_INVALID, what=f"{place}: {first['msg']}") from error
    return _with_absolute_paths(settings, path.resolve().parent)


def _with_absolute_paths(settings: Settings, base: Path) -> Settings:
    """Resolve every relative path against the folder of the settings file."""

    def resolve(section: _Section) -> _Section:
        changes: dict[str, object] = {}
        for name in type(section).model_fields:
            value = getattr(section, name)
            if isinstance(value, _Section):
                changes[name] = resolve(value)
            elif isinstance(value, Path):
                changes[name] = base / value
            elif isinstance(value, list) and value and isinstance(value[0], Path):
                changes[name] = [base / entry for entry in value]
            elif name == "database" and value.startswith(_FILE):
                changes[name] = _FILE + str(base / value.removeprefix(_FILE))
        return section.model_copy(update=changes)

    resolved = resolve(settings)
    assert isinstance(resolved, Settings)
    return resolved

"""The settings of an installation: one typed value, read once at the start from a TOML file.

Every setting has a unit in its name or beside its default, and a sentence that says what it does; from these
`docs/settings.md` is made. An unknown key stops the start, and so does a value that lowers the security floor.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, IPvAnyNetwork, ValidationError

from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError

MIB = 1024 * 1024
_FILE = "sqlite:///"


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
        Field(ge=1, le=60, description="How long the head of one request may take; systems send it at once."),
    ] = 10
    body_seconds: Annotated[
        int, Field(ge=1, le=600, description="How long one request may take to arrive.")
    ] = 60
    connections: Annotated[
        int, Field(ge=1, le=10_000, description="Connections at once; more are told 503.")
    ] = 256
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


class Keys(_Section):
    """The gateway's own keys. docs/operations.md says who may read each and how to replace it."""

    message_key: Annotated[Path, Field(description="PEM key that signs answers.")]
    message_chain: Annotated[Path, Field(description="PEM certificates of the message key, leaf first.")]
    seal_key: Annotated[Path, Field(description="PEM key that signs evidence.")]
    seal_chain: Annotated[Path, Field(description="PEM certificates of the seal key, leaf first.")]
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
    keys: Keys
    store: Store = Store()
    worker: Worker = Worker()
    deadlines: Deadlines = Deadlines()
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

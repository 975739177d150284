"""What the development PKI shall hold, as values: the content of `certificates/dev/pki.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from gateway.crypto.trust import DEVELOPMENT_UNIT

OCES3_KEY: Final = "rsa-3072"
OCES3_DAYS: Final = (-1, 1095)  # three years
OCES3_USAGE: Final = ("digital_signature", "content_commitment", "key_encipherment")


@dataclass(frozen=True, kw_only=True)
class Wish:
    """One certificate with its key. Days count from the time of making; an issuer of its own name signs itself."""

    name: str
    issuer: str
    key: str = OCES3_KEY
    days: tuple[int, int] = OCES3_DAYS


@dataclass(frozen=True, kw_only=True)
class AuthorityWish(Wish):
    """An authority, with a revocation list of its own."""

    common_name: str
    path_length: int | None = None


@dataclass(frozen=True, kw_only=True)
class OrganisationWish(Wish):
    """An organisation's or its system's certificate."""

    organisation: str
    cvr: str
    common_name: str
    usage: tuple[str, ...] = OCES3_USAGE  # names of `cryptography.x509.KeyUsage`
    policies: tuple[str, ...]
    revoked_day: int | None = None


@dataclass(frozen=True, kw_only=True)
class ServerWish(Wish):
    """A TLS server's certificate."""

    organisation: str
    names: tuple[str, ...]
    addresses: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """Everything that one development PKI holds."""

    country: str
    authority_organisation: str
    unit: str  # OU of every authority
    address: str  # where extensions say that lists and certificates lie
    policies: tuple[str, ...]
    list_hours: int  # from thisUpdate to nextUpdate
    trusted_roots: tuple[str, ...]
    trusted_intermediates: tuple[str, ...]
    authorities: tuple[AuthorityWish, ...]
    certificates: tuple[OrganisationWish, ...]
    servers: tuple[ServerWish, ...]
    checkpoints: tuple[str, ...]  # names of Ed25519 keys


def read_declaration(text: str) -> Declaration:
    """The declaration in the text of a pki.toml of ours. ValueError if it is not TOML, lacks something or has more.

    The unit must be the one by which every gateway knows a development root: nothing else can tell it from a real one.
    """
    table: dict[str, Any] = tomllib.loads(text)
    if table.get("unit") != DEVELOPMENT_UNIT:
        raise ValueError(f"not a declaration of a development PKI: unit is not {DEVELOPMENT_UNIT!r}")
    try:
        issuing, policies = table["trusted_intermediates"][0], table["policies"]
        wishes: dict[str, Any] = {
            "authorities": _wishes(AuthorityWish, table["authorities"], {}),
            "certificates": _wishes(
                OrganisationWish, table["certificates"], {"issuer": issuing, "policies": policies}
            ),
            "servers": _wishes(ServerWish, table["servers"], {"issuer": issuing}),
        }
        return Declaration(**_frozen(table | wishes))
    except (KeyError, IndexError, TypeError) as error:
        raise ValueError(f"not a declaration of a development PKI: {error}") from error


_Wish = TypeVar("_Wish", bound=Wish)


def _wishes(kind: type[_Wish], tables: dict[str, dict[str, Any]], usual: dict[str, Any]) -> tuple[_Wish, ...]:
    """A wish for each table; without an issuer, even a usual one, it signs itself."""
    return tuple(
        kind(**_frozen({"name": name, "issuer": name} | usual | table)) for name, table in tables.items()
    )


def _frozen(values: dict[str, Any]) -> dict[str, Any]:
    """The same values with tuples for lists."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}

"""Certificates that a believed authority issued, said otherwise than it would say them."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from cryptography import x509
from cryptography.x509.oid import NameOID

from gateway.crypto import development_issuing as issuing
from gateway.crypto.algorithms import PrivateKey
from gateway.crypto.certificate import Certificate
from gateway.crypto.development_declaration import OCES3_USAGE, OrganisationWish
from gateway.crypto.keys import SigningKey
from tests.pki import development_pki

Extensions = list[tuple[x509.ExtensionType, bool]]
Named = Sequence[tuple[x509.ObjectIdentifier, str]]


def subject(**otherwise: str | None) -> Named:
    """The name of the municipality's system, with parts said otherwise, or left out."""
    parts: dict[x509.ObjectIdentifier, str | None] = {
        NameOID.COUNTRY_NAME: "DK",
        NameOID.ORGANIZATION_IDENTIFIER: "NTRDK-11111111",
        NameOID.ORGANIZATION_NAME: "Eksempelby Kommune",
        NameOID.SERIAL_NUMBER: "UI:DK-O:G:5b0f9d1e-7c2a-4e6b-8f3d-1a2b3c4d5e6f",
        NameOID.COMMON_NAME: "Eksempelby ESDH",
    }
    parts |= {getattr(NameOID, name): text for name, text in otherwise.items()}
    return [(oid, text) for oid, text in parts.items() if text is not None]


def name_of(parts: Named) -> x509.Name:
    """A name of these parts."""
    return x509.Name([x509.NameAttribute(oid, text) for oid, text in parts])


@functools.cache
def fresh_key() -> PrivateKey:
    """One elliptic key for all that is issued here."""
    return issuing.generate("p-256")


def standard(*, usage: Sequence[str] = OCES3_USAGE) -> Extensions:
    wish = OrganisationWish(
        name="x",
        issuer="issuing",
        organisation="x",
        cvr="11111111",
        common_name="x",
        policies=development_pki().declaration.policies,
        usage=tuple(usage),
    )
    return issuing.organisation_extensions(wish)


def leaf_der(public_key: Any = None, name: Named = (), extensions: Extensions | None = None) -> bytes:  # noqa: ANN401  any kind
    """A certificate by the believed issuing authority, in DER."""
    pki = development_pki()
    validity = (pki.at - timedelta(days=1), pki.at + timedelta(days=100))
    return issuing.sign_certificate(
        pki.holders["issuing"].issuer(),
        name_of(name or subject()),
        public_key or fresh_key().public_key(),
        validity,
        extensions or standard(),
    )


def issued_key(name: Named = (), extensions: Extensions | None = None) -> SigningKey:
    """The elliptic key with a certificate of its own."""
    above = development_pki().holders["issuing"]
    leaf = Certificate.from_der(leaf_der(None, name, extensions))
    return SigningKey(fresh_key(), (leaf, *above.chain_below_root))

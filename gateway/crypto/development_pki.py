"""The development PKI: fresh keys, certificates and revocation lists in the shape of OCES3, made from data.

What to make stands in `certificates/dev/pki.toml`. The keys are made on the machine and are worth nothing: a gateway
believes the root only where its environment is "development". Reading and writing files is the caller's.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache
from types import MappingProxyType

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from gateway.crypto import development_issuing as issuing
from gateway.crypto.algorithms import PrivateKey
from gateway.crypto.certificate import Certificate
from gateway.crypto.development_declaration import Declaration, Wish, read_declaration
from gateway.crypto.keys import CheckpointKey, SigningKey
from gateway.crypto.revocation import RevocationList, Revocations
from gateway.crypto.trust import DEVELOPMENT, TrustStore

__all__ = [
    "Declaration",
    "DevelopmentPki",
    "Holder",
    "build_pki",
    "files",
    "from_files",
    "issue_certificate",
    "issue_list",
    "read_declaration",
    "renew_lists",
]


@dataclass(frozen=True)
class Holder:
    """A name of the declaration with its certificates, leaf first without root, and its key as PKCS#8 PEM."""

    chain: tuple[Certificate, ...]
    key_pem: bytes = field(repr=False)  # not encrypted

    @property
    def certificate(self) -> Certificate:
        """The holder's own certificate."""
        return self.chain[0]

    @property
    def chain_pem(self) -> bytes:
        """The certificates as one PEM file, leaf first."""
        return b"".join(one.pem for one in self.chain)

    @property
    def chain_below_root(self) -> tuple[Certificate, ...]:
        """The certificates without one that issued itself: what a message carries."""
        return tuple(one for one in self.chain if one.subject_der != one.issuer_der)

    def issuer(self) -> issuing.Issuer:
        """The holder as one who issues, whether it may or not."""
        return issuing.Issuer(self.certificate.x509.subject, _private_key(self.key_pem))


@lru_cache(maxsize=8)  # reading an RSA key tests its primes, which takes longer than all it signs
def _private_key(key_pem: bytes) -> PrivateKey:
    key = serialization.load_pem_private_key(key_pem, None)
    assert isinstance(key, PrivateKey)
    return key


@dataclass(frozen=True)
class DevelopmentPki:
    """Everything that was made of a declaration."""

    declaration: Declaration = field(repr=False)
    at: datetime  # when the lists were made, UTC
    holders: Mapping[str, Holder] = field(repr=False)  # authorities, organisations and servers, by name
    checkpoint_keys: Mapping[str, bytes] = field(repr=False)  # Ed25519 keys as PKCS#8 PEM, by name
    lists: Mapping[str, bytes] = field(repr=False)  # revocation lists in DER, by authority

    @property
    def roots(self) -> tuple[Certificate, ...]:
        """The root certificates that a development installation believes."""
        return tuple(self.certificate(name) for name in self.declaration.trusted_roots)

    @property
    def intermediates(self) -> tuple[Certificate, ...]:
        """The issuing authorities below them."""
        return tuple(self.certificate(name) for name in self.declaration.trusted_intermediates)

    def certificate(self, name: str) -> Certificate:
        """The certificate of this name."""
        return self.holders[name].certificate

    def chain(self, name: str) -> tuple[Certificate, ...]:
        """The certificates of this name, leaf first, without the root."""
        return self.holders[name].chain

    def signing_key(self, name: str) -> SigningKey:
        """The key of this name with its certificates."""
        holder = self.holders[name]
        return SigningKey.from_pem(holder.key_pem, holder.chain_pem)

    def checkpoint_key(self, name: str = "checkpoint") -> CheckpointKey:
        """The key of this name that signs checkpoints."""
        return CheckpointKey.from_pem(self.checkpoint_keys[name])

    def trust_store(self) -> TrustStore:
        """What a development installation believes."""
        policies = self.declaration.policies
        return TrustStore.build(self.roots, self.intermediates, policies, environment=DEVELOPMENT)

    def revocations(self) -> Revocations:
        """The lists of the believed authorities, current for a day from `at`."""
        names = (*self.declaration.trusted_roots, *self.declaration.trusted_intermediates)
        return Revocations.build((self.lists[name] for name in names), (*self.roots, *self.intermediates))


def build_pki(declaration: Declaration, at: datetime) -> DevelopmentPki:
    """Everything that the declaration asks for, with fresh keys; validity counts from `at`. Takes seconds of CPU."""
    at = at.replace(microsecond=0)
    pki = DevelopmentPki(declaration, at, {}, {}, {})
    wishes = (*declaration.authorities, *declaration.certificates, *declaration.servers)
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # keys are made outside the interpreter's lock
        keys = dict(zip(wishes, pool.map(issuing.generate, [wish.key for wish in wishes]), strict=True))
    for authority in declaration.authorities:
        subject = issuing.authority_name(declaration, authority)
        extensions = issuing.authority_extensions(authority)
        pki = issue_certificate(pki, authority, subject, extensions, keys[authority])
    for organisation in declaration.certificates:
        subject = issuing.organisation_name(declaration, organisation)
        extensions = issuing.organisation_extensions(organisation)
        pki = issue_certificate(pki, organisation, subject, extensions, keys[organisation])
    for server in declaration.servers:
        subject = issuing.server_name(declaration, server)
        extensions = issuing.server_extensions(server)
        pki = issue_certificate(pki, server, subject, extensions, keys[server])
    fresh = {name: issuing.to_pem(ed25519.Ed25519PrivateKey.generate()) for name in declaration.checkpoints}
    revoked = {
        pki.certificate(wish.name): at + timedelta(days=wish.revoked_day)
        for wish in declaration.certificates
        if wish.revoked_day is not None
    }
    return renew_lists(replace(pki, checkpoint_keys=MappingProxyType(fresh)), at, revoked)


def issue_certificate(
    pki: DevelopmentPki,
    wish: Wish,
    subject: x509.Name,
    extensions: issuing.Extensions,
    key: PrivateKey | None = None,
) -> DevelopmentPki:
    """The same PKI with one more certificate, of a fresh key; key identifiers and locations are added to it.

    `key` is one of the kind wished for that nobody else has; without it one is made.
    """
    key = key or issuing.generate(wish.key)
    issuer, above = issuing.Issuer(subject, key), tuple[Certificate, ...]()
    if wish.issuer != wish.name:
        issuer, above = pki.holders[wish.issuer].issuer(), pki.holders[wish.issuer].chain_below_root
        extensions = [*extensions, *issuing.location_extensions(pki.declaration, wish.issuer)]
    validity = (pki.at + timedelta(days=wish.days[0]), pki.at + timedelta(days=wish.days[1]))
    der = issuing.sign_certificate(issuer, subject, key.public_key(), validity, extensions)
    holder = Holder((Certificate.from_der(der), *above), issuing.to_pem(key))
    return replace(pki, holders=MappingProxyType({**pki.holders, wish.name: holder}))


def renew_lists(
    pki: DevelopmentPki, at: datetime, revoked: Mapping[Certificate, datetime] = MappingProxyType({})
) -> DevelopmentPki:
    """The same PKI with fresh revocation lists of the time `at`, as an authority makes them every day."""
    at = at.replace(microsecond=0)
    lists = {wish.name: issue_list(pki, wish.name, at, revoked) for wish in pki.declaration.authorities}
    return replace(pki, at=at, lists=MappingProxyType(lists))


def issue_list(
    pki: DevelopmentPki,
    authority: str,
    at: datetime,
    revoked: Mapping[Certificate, datetime] = MappingProxyType({}),
) -> bytes:
    """The DER of the authority's revocation list of the time `at`: what its last one held, and more.

    Of `revoked`, with the time of revocation beside each, those are added that the authority has issued.
    """
    holder = pki.holders[authority]
    entries: dict[int, datetime] = {}
    if authority in pki.lists:
        entries.update(RevocationList.from_der(pki.lists[authority], holder.certificate).revoked)
    for certificate, when in revoked.items():
        if certificate.is_issued_by(holder.certificate):
            entries[certificate.x509.serial_number] = when
    until = at + timedelta(hours=pki.declaration.list_hours)
    return issuing.sign_list(holder.issuer(), at, until, entries)


def files(pki: DevelopmentPki) -> Mapping[str, bytes]:
    """The octets of each file by its name: NAME.chain.pem, NAME.key.pem, and NAME.cer and NAME.crl of authorities.

    The keys are secret on the machine: write *.key.pem for the owner alone.
    """
    found: dict[str, bytes] = {}
    for name, holder in pki.holders.items():
        found[f"{name}.chain.pem"] = holder.chain_pem
        found[f"{name}.key.pem"] = holder.key_pem
    for name, key_pem in pki.checkpoint_keys.items():
        found[f"{name}.key.pem"] = key_pem
    for name, revocation_list in pki.lists.items():
        found[f"{name}.cer"] = pki.certificate(name).der
        found[f"{name}.crl"] = revocation_list
    return found


def from_files(declaration: Declaration, found: Mapping[str, bytes]) -> DevelopmentPki:
    """The PKI that `files` gave, from the same declaration. KeyError if a file is missing."""
    wishes = (*declaration.authorities, *declaration.certificates, *declaration.servers)
    holders = {
        wish.name: Holder(
            Certificate.all_from_pem(found[f"{wish.name}.chain.pem"]), found[f"{wish.name}.key.pem"]
        )
        for wish in wishes
    }
    lists = {wish.name: found[f"{wish.name}.crl"] for wish in declaration.authorities}
    at = min(
        RevocationList.from_der(der, holders[name].certificate).this_update for name, der in lists.items()
    )
    checkpoint_keys = {name: found[f"{name}.key.pem"] for name in declaration.checkpoints}
    return DevelopmentPki(
        declaration, at, MappingProxyType(holders), MappingProxyType(checkpoint_keys), MappingProxyType(lists)
    )

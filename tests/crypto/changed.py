"""Certificates of the development PKI with one change each, for the tests of this room."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID, ObjectIdentifier

from gateway.crypto import development_issuing as issuing
from gateway.crypto.certificate import Certificate
from gateway.crypto.certificates import TrustedCertificate, Usage, verify_certificate
from gateway.crypto.development_declaration import OrganisationWish
from gateway.crypto.development_pki import (
    DevelopmentPki,
    build_pki,
    issue_certificate,
    read_declaration,
)
from gateway.domain.catalogue import Code
from gateway.domain.errors import BropostError
from tests.pki import development_pki

SECOND = timedelta(seconds=1)

SMALL = """
country = "DK"
authority_organisation = "Den Danske Stat"
unit = "Test - Bropost"
address = "http://127.0.0.1:8390/small"
policies = ["0.4.0.2042.1.1", "1.2.208.169.1.1.1.3.7"]
list_hours = 48
trusted_roots = ["root"]
trusted_intermediates = ["issuing"]
checkpoints = []
servers = {}
[authorities]
root = { common_name = "rod", key = "p-256", days = [-9, 30] }
issuing = { common_name = "udstedende", key = "p-256", issuer = "root", path_length = 0, days = [-9, 30] }
[certificates.leaf]
organisation = "Eksempelby Kommune"
cvr = "11111111"
common_name = "Eksempelby ESDH"
key = "p-256"
days = [-1, 90]
"""


def refused(code: Code) -> pytest.RaisesExc[BropostError]:
    return pytest.RaisesExc(BropostError, check=lambda error: error.code is code)


def verify(
    chain: tuple[Certificate, ...],
    usage: Usage = Usage.CONTENT,
    *,
    pki: DevelopmentPki | None = None,
    at: datetime | None = None,
) -> TrustedCertificate:
    pki = pki or development_pki()
    return verify_certificate(chain, usage, pki.trust_store(), pki.revocations(), at or pki.at)


def small_pki(old: str = "", new: str = "") -> DevelopmentPki:
    """A PKI of one leaf with elliptic keys, with one change in its declaration."""
    assert old in SMALL
    return build_pki(read_declaration(SMALL.replace(old, new, 1) if old else SMALL), development_pki().at)


def changed_wish(pki: DevelopmentPki, **changes: object) -> OrganisationWish:
    wish = next(one for one in pki.declaration.certificates if one.cvr == "11111111")
    return replace(wish, name="changed", key="p-256", **changes)  # type: ignore[arg-type]


def issue_changed(
    *,
    subject: x509.Name | None = None,
    extra: Iterable[tuple[x509.ExtensionType, bool]] = (),
    without: type[x509.ExtensionType] | None = None,
    instead: tuple[x509.ExtensionType, bool] | None = None,
    pki: DevelopmentPki | None = None,
) -> tuple[Certificate, ...]:
    """The chain of a leaf of the development PKI with another subject or other extensions."""
    pki = pki or development_pki()
    wish = changed_wish(pki)
    usual = issuing.organisation_extensions(wish)
    dropped = type(instead[0]) if instead else without
    extensions = [one for one in usual if dropped is None or not isinstance(one[0], dropped)]
    extensions += [*extra, *([instead] if instead else [])]
    changed = issue_certificate(
        pki, wish, subject or issuing.organisation_name(pki.declaration, wish), extensions
    )
    return changed.chain("changed")


GOOD_SUBJECT = (
    (NameOID.COUNTRY_NAME, "DK"),
    (NameOID.ORGANIZATION_IDENTIFIER, "NTRDK-11111111"),
    (NameOID.ORGANIZATION_NAME, "Eksempelby Kommune"),
    (NameOID.SERIAL_NUMBER, "UI:DK-O:G:7c0d8f0e-5a3b-4f0a-9a51-0d0f0a1b2c3d"),
    (NameOID.COMMON_NAME, "Eksempelby ESDH"),
)


def subject_with(
    changed: ObjectIdentifier | None = None, value: str | None = None, *more: tuple[ObjectIdentifier, str]
) -> x509.Name:
    """A good subject with one part changed (dropped without a value) and more parts added."""
    parts = [(oid, value if oid == changed else usual) for oid, usual in GOOD_SUBJECT]
    return x509.Name([x509.NameAttribute(oid, text) for oid, text in (*parts, *more) if text is not None])


UNKNOWN = x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00")


def key_usage(*granted: str) -> tuple[x509.ExtensionType, bool]:
    wish = changed_wish(development_pki(), usage=granted)
    return next(one for one in issuing.organisation_extensions(wish) if isinstance(one[0], x509.KeyUsage))


def leaf_builder(serial_number: int = 1) -> tuple[x509.CertificateBuilder, issuing.Issuer]:
    pki = development_pki()
    issuer, leaf = pki.holders["issuing"].issuer(), pki.certificate("eksempelby-esdh-p256").x509
    public_key = issuing.generate("p-256").public_key()
    validity = (leaf.not_valid_before_utc, leaf.not_valid_after_utc)
    builder = x509.CertificateBuilder(issuer.name, leaf.subject, public_key, serial_number, *validity)
    for extension in leaf.extensions:
        if not isinstance(extension.value, x509.AuthorityKeyIdentifier):
            builder = builder.add_extension(extension.value, extension.critical)
    return builder, issuer

"""How the development PKI issues: names, extensions and signatures in the shape of OCES3."""

from __future__ import annotations

import ipaddress
import secrets
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.x509.oid import (
    AuthorityInformationAccessOID,
    ExtendedKeyUsageOID,
    NameOID,
    ObjectIdentifier,
)

from gateway.crypto.algorithms import PrivateKey, PublicKey
from gateway.crypto.development_declaration import AuthorityWish, Declaration, OrganisationWish, ServerWish

# RFC 3739 §3.2.6.1, ETSI EN 319 412-1 §5.1: the subject is a legal person, named by the authority https://uid.gov.dk
_QC_STATEMENTS: Final = x509.UnrecognizedExtension(
    ObjectIdentifier("1.3.6.1.5.5.7.1.3"),
    bytes.fromhex("302d302b06082b06010505070b02301f060704008bec4901023014") + b"\x86\x12https://uid.gov.dk",
)
_SERIAL_BITS: Final = 159  # with the highest bit set: a positive number of exactly 20 octets

Extensions = list[tuple[x509.ExtensionType, bool]]  # with whether it is critical


def generate(kind: str) -> PrivateKey:
    """A fresh private key: "p-256", or "rsa-" and the number of bits."""
    if kind == "p-256":
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(public_exponent=65537, key_size=int(kind.removeprefix("rsa-")))


def to_pem(key: PrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    """The private key as PKCS#8 PEM, unencrypted."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def authority_name(declaration: Declaration, wish: AuthorityWish) -> x509.Name:
    """The name of an authority, with the unit that marks it."""
    return _name(
        (NameOID.COUNTRY_NAME, declaration.country),
        (NameOID.ORGANIZATION_NAME, declaration.authority_organisation),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, declaration.unit),
        (NameOID.COMMON_NAME, wish.common_name),
    )


def organisation_name(declaration: Declaration, wish: OrganisationWish) -> x509.Name:
    """The name of an organisation or its system; its UUID follows from CVR and common name, so that it stays."""
    system = uuid.uuid5(uuid.NAMESPACE_URL, f"{declaration.address}/{wish.cvr}/{wish.common_name}")
    return _name(
        (NameOID.COUNTRY_NAME, declaration.country),
        (NameOID.ORGANIZATION_IDENTIFIER, f"NTRDK-{wish.cvr}"),
        (NameOID.ORGANIZATION_NAME, wish.organisation),
        (NameOID.SERIAL_NUMBER, f"UI:DK-O:G:{system}"),
        (NameOID.COMMON_NAME, wish.common_name),
    )


def server_name(declaration: Declaration, wish: ServerWish) -> x509.Name:
    """The name of a TLS server."""
    return _name(
        (NameOID.COUNTRY_NAME, declaration.country),
        (NameOID.ORGANIZATION_NAME, wish.organisation),
        (NameOID.COMMON_NAME, wish.names[0]),
    )


def authority_extensions(wish: AuthorityWish) -> Extensions:
    """What makes an authority."""
    return [
        (x509.BasicConstraints(ca=True, path_length=wish.path_length), True),
        (_key_usage("key_cert_sign", "crl_sign"), True),
        (_policies(["2.5.29.32.0"]), False),  # any policy, RFC 5280 §4.2.1.4
    ]


def organisation_extensions(wish: OrganisationWish) -> Extensions:
    """What an OCES3 organisation certificate carries; no extended key usage."""
    return [
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (_key_usage(*wish.usage), True),
        (_policies(wish.policies), False),
        (_QC_STATEMENTS, False),
    ]


def server_extensions(wish: ServerWish) -> Extensions:
    """What a TLS server certificate carries."""
    names: list[x509.GeneralName] = [x509.DNSName(name) for name in wish.names]
    names += [x509.IPAddress(ipaddress.ip_address(address)) for address in wish.addresses]
    return [
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (_key_usage("digital_signature"), True),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
        (x509.SubjectAlternativeName(names), False),
    ]


def location_extensions(declaration: Declaration, issuer: str) -> Extensions:
    """Where the issuer's certificate and revocation list are said to lie."""
    place = f"{declaration.address}/{issuer}"
    certificate = x509.UniformResourceIdentifier(f"{place}/cacert/{issuer}.cer")
    revocation_list = x509.UniformResourceIdentifier(f"{place}/crl/{issuer}.crl")
    responder = x509.UniformResourceIdentifier(f"{declaration.address}/ocsp")
    access = [
        x509.AccessDescription(AuthorityInformationAccessOID.OCSP, responder),
        x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, certificate),
    ]
    point = x509.DistributionPoint([revocation_list], None, None, None)
    return [(x509.AuthorityInformationAccess(access), False), (x509.CRLDistributionPoints([point]), False)]


@dataclass(frozen=True)
class Issuer:
    """Who signs: a name and its key."""

    name: x509.Name
    key: PrivateKey


def sign_certificate(
    issuer: Issuer,
    subject: x509.Name,
    public_key: PublicKey,
    validity: tuple[datetime, datetime],
    extensions: Extensions,
) -> bytes:
    """The DER of a certificate with these extensions and both key identifiers; signed as OCES3 does, by RSASSA-PSS."""
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())
    builder = (
        x509.CertificateBuilder(issuer.name, subject, public_key, _serial_number(), *validity)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(authority, critical=False)
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return sign_builder(builder, issuer)


def sign_builder(builder: x509.CertificateBuilder, issuer: Issuer) -> bytes:
    """The DER of a certificate that lacks only its signature."""
    signed = builder.sign(issuer.key, hashes.SHA256(), rsa_padding=_padding(issuer.key))
    return signed.public_bytes(serialization.Encoding.DER)


def sign_list(issuer: Issuer, at: datetime, until: datetime, revoked: Mapping[int, datetime]) -> bytes:
    """The DER of a revocation list: serial numbers with the time of revocation. Its number is its time in seconds."""
    key_identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())
    builder = (
        x509.CertificateRevocationListBuilder(issuer.name, at, until)
        .add_extension(x509.CRLNumber(int(at.timestamp())), critical=False)
        .add_extension(key_identifier, critical=False)
    )
    for serial_number, when in revoked.items():
        reason = x509.CRLReason(x509.ReasonFlags.key_compromise)
        entry = x509.RevokedCertificateBuilder(serial_number, when).add_extension(reason, critical=False)
        builder = builder.add_revoked_certificate(entry.build())
    signed = builder.sign(issuer.key, hashes.SHA256(), rsa_padding=_padding(issuer.key))
    return signed.public_bytes(serialization.Encoding.DER)


def _name(*parts: tuple[ObjectIdentifier, str]) -> x509.Name:
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts])


def _key_usage(*granted: str) -> x509.KeyUsage:
    every = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )
    return x509.KeyUsage(**{name: name in granted for name in every})


def _policies(identifiers: Iterable[str]) -> x509.CertificatePolicies:
    return x509.CertificatePolicies(
        [x509.PolicyInformation(ObjectIdentifier(one), None) for one in identifiers]
    )


def _padding(key: PrivateKey) -> padding.PSS | None:
    if not isinstance(key, rsa.RSAPrivateKey):
        return None
    return padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)


def _serial_number() -> int:
    return 1 << (_SERIAL_BITS - 1) | secrets.randbits(_SERIAL_BITS - 1)

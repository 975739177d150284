"""Which roots are believed, and the path from a certificate up to one of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import pairwise
from typing import Final

from cryptography import x509
from cryptography.x509 import verification
from cryptography.x509.oid import NameOID

from gateway.crypto.certificate import Certificate
from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError, TrustError

DEVELOPMENT: Final = "development"  # the one environment in which development roots are believed
DEVELOPMENT_UNIT: Final = "Test - Bropost"  # OU of every authority of the development PKI

_MOST_BETWEEN: Final = 1  # authorities between leaf and root: OCES3 has one


@dataclass(frozen=True)
class TrustStore:
    """The roots that are believed, the issuing authorities below them, and the policies that a leaf must have.

    Made from settings, not from messages. InputError SETTINGS_INVALID if a root is no root; TrustError
    DEVELOPMENT_ROOT if it is the development PKI's and `environment` is not "development".
    """

    roots: tuple[Certificate, ...]
    intermediates: tuple[Certificate, ...]
    policies: frozenset[str]  # object identifiers with dots; a leaf must carry every one
    environment: str = "production"

    def __post_init__(self) -> None:
        if not self.roots or not self.policies:
            raise InputError(Code.SETTINGS_INVALID, what="a trust store needs roots and policies")
        for root in self.roots:
            if not root.is_issued_by(root):
                raise InputError(Code.SETTINGS_INVALID, what="a root certificate is not issued by itself")
            units = root.x509.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)
            if self.environment != DEVELOPMENT and any(unit.value == DEVELOPMENT_UNIT for unit in units):
                raise TrustError(Code.DEVELOPMENT_ROOT)

    @cached_property
    def _hash(self) -> int:
        return hash((self.roots, self.intermediates, self.policies, self.environment))

    def __hash__(self) -> int:
        return self._hash  # a verdict is looked up by it for every message

    @staticmethod
    def build(
        roots: Iterable[Certificate],
        intermediates: Iterable[Certificate],
        policies: Iterable[str],
        *,
        environment: str,
    ) -> TrustStore:
        """The trust store of these settings. Errors as those of the class."""
        return TrustStore(tuple(roots), tuple(intermediates), frozenset(policies), environment)


def find_path(chain: tuple[Certificate, ...], trust: TrustStore, at: datetime) -> tuple[Certificate, ...]:
    """The path of the first certificate of the untrusted `chain`: leaf, authority, root; verified at `at`.

    The rest of the chain are candidates only. TrustError CERTIFICATE_UNTRUSTED if no path leads to a root of the
    trust store. Usage, policies and revocation are not judged here.
    """
    # RFC 5280 §6.1. The verifier takes RSASSA-PSS (salt as long as the digest), RSASSA-PKCS1-v1_5 and ECDSA, with
    # SHA-256 to SHA-512, and judges the times of every certificate, the root's too.
    candidates = [one for one in (*trust.intermediates, *chain[1:]) if one not in trust.roots]
    verifier = (
        verification.PolicyBuilder()
        .store(verification.Store([root.x509 for root in trust.roots]))
        .time(at)
        .max_chain_depth(_MOST_BETWEEN)
        .extension_policies(ca_policy=_AUTHORITY, ee_policy=_END_ENTITY)
        .build_client_verifier()
    )
    try:
        found = verifier.verify(chain[0].x509, [one.x509 for one in candidates]).chain
    except verification.VerificationError:
        # Never tell more: the library's words quote the names in the certificates.
        raise no_path("no path to a root") from None
    known = {one.x509: one for one in (chain[0], *candidates, *trust.roots)}
    path = tuple(known[one] for one in found)
    for certificate, issuer in pairwise(path):
        _require_link(certificate, issuer)
    return path


def no_path(what: str) -> TrustError:
    """The error for a certificate that leads to no trusted root; `what` is a constant, never a value found."""
    return TrustError(Code.CERTIFICATE_UNTRUSTED, what=what)


def _require_link(certificate: Certificate, issuer: Certificate) -> None:
    """What the library's verifier leaves open between a certificate and its issuer."""
    authority = certificate.extension(x509.AuthorityKeyIdentifier)
    subject = issuer.extension(x509.SubjectKeyIdentifier)
    named = authority.key_identifier if authority else None
    if named is not None and subject is not None and named != subject.digest:  # RFC 5280 §4.2.1.1
        raise no_path("key identifiers")


def _require_authority_usage(
    _policy: verification.Policy, _certificate: x509.Certificate, usage: x509.KeyUsage
) -> None:
    if not (usage.key_cert_sign and usage.crl_sign):
        raise ValueError("an authority must be allowed to sign certificates and lists")


# An extension that is critical and not named here refuses the certificate, by the library's own rule.
_AUTHORITY: Final = (
    verification.ExtensionPolicy.permit_all()
    .require_present(x509.BasicConstraints, verification.Criticality.CRITICAL, None)
    .require_present(x509.KeyUsage, verification.Criticality.CRITICAL, _require_authority_usage)
    .require_not_present(x509.NameConstraints)
)
# No subjectAltName and no extendedKeyUsage are asked for: OCES3 has neither. The leaf's own rules are the caller's.
_END_ENTITY: Final = verification.ExtensionPolicy.permit_all().require_present(
    x509.BasicConstraints, verification.Criticality.AGNOSTIC, None
)

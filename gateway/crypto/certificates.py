"""Whether a certificate leads to a trusted root, at one time, for one use: the only place that makes trust.

The path is built from the trust store; certificates in a message are only candidates for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import InitVar, dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Final

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from gateway.crypto.algorithms import SignatureAlgorithm
from gateway.crypto.certificate import Certificate, malformed
from gateway.crypto.identity import Identity, read_identity
from gateway.crypto.revocation import Revocations, Status
from gateway.crypto.trust import TrustStore, find_path, no_path
from gateway.crypto.verdicts import Usage, Verdict, Verdicts
from gateway.domain.catalogue import Code
from gateway.domain.errors import TrustError

__all__ = [
    "Certificate",
    "Identity",
    "TrustStore",
    "TrustedCertificate",
    "Usage",
    "keep_verdict",
    "verify_certificate",
]

MOST_SENT: Final = 4  # certificates in one message: leaf, issuing authority, root, and one to spare

verdicts: Final = Verdicts()

_MADE_HERE: Final = object()


@dataclass(frozen=True)
class TrustedCertificate:
    """A certificate that held at `at`; only `verify_certificate` makes one."""

    certificate: Certificate
    identity: Identity
    chain: tuple[Certificate, ...]  # as verified: leaf first, root last
    at: datetime
    verdict: Verdict = field(compare=False, repr=False)
    made_by: InitVar[object]

    def __post_init__(self, made_by: object) -> None:
        if made_by is not _MADE_HERE:
            raise TypeError("only verify_certificate makes a TrustedCertificate")


def verify_certificate(
    chain: Sequence[Certificate],
    usage: Usage,
    trust: TrustStore,
    revocations: Revocations,
    at: datetime,
) -> TrustedCertificate:
    """The first certificate of the untrusted `chain`, trusted for `usage` at the zoned time `at`.

    Only the root in the trust store is believed; the rest of the chain must be issued below it, be current and not
    revoked at `at`. TrustError says what does not hold (CERTIFICATE_*, SIGNATURE_ALGORITHM for the key);
    UnavailableError REVOCATION_UNKNOWN if no current revocation list is at hand.
    """
    if not 1 <= len(chain) <= MOST_SENT:
        raise no_path("none or too many certificates")
    leaf = chain[0]
    if not leaf.is_current(at):
        raise TrustError(Code.CERTIFICATE_TIME)
    verdict = verdicts.find(chain, usage, trust, at) or _judge(tuple(chain), usage, trust, at)
    for certificate, issuer in pairwise(verdict.path):
        if revocations.status(certificate, issuer, at) is Status.REVOKED:
            raise TrustError(Code.CERTIFICATE_REVOKED)
    return TrustedCertificate(leaf, verdict.identity, verdict.path, at, verdict, _MADE_HERE)


def keep_verdict(trusted: TrustedCertificate) -> None:
    """Keep what was found of a certificate, once its key has signed something that holds, or is a key of ours."""
    verdicts.keep(trusted.verdict)


def _judge(chain: tuple[Certificate, ...], usage: Usage, trust: TrustStore, at: datetime) -> Verdict:
    leaf = chain[0]
    SignatureAlgorithm.for_key(leaf.public_key)
    _require_end_entity(leaf)
    path = find_path(chain, trust, at)
    _require_usage(leaf, usage)
    if not trust.policies <= _policies(leaf):
        raise TrustError(Code.CERTIFICATE_USAGE, what="policy")
    return Verdict(path, read_identity(leaf), usage, trust)


def _require_end_entity(leaf: Certificate) -> None:
    constraints = leaf.extension(x509.BasicConstraints)
    if constraints is None:
        raise malformed("no basicConstraints")
    if constraints.ca:
        raise TrustError(Code.CERTIFICATE_USAGE, what="an authority's certificate")


def _require_usage(leaf: Certificate, usage: Usage) -> None:
    key_usage = leaf.extension(x509.KeyUsage)
    if key_usage is None or not key_usage.digital_signature:
        raise TrustError(Code.CERTIFICATE_USAGE, what="digitalSignature")
    if usage is not Usage.MESSAGE and not key_usage.content_commitment:
        raise TrustError(Code.CERTIFICATE_USAGE, what="nonRepudiation")
    # OCES3 certificates carry no extended key usage; one that is limited, e.g. to TLS, is not for signing.
    extended = leaf.extension(x509.ExtendedKeyUsage)
    if extended is not None and ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE not in extended:
        raise TrustError(Code.CERTIFICATE_USAGE, what="extended key usage")


def _policies(certificate: Certificate) -> frozenset[str]:
    policies = certificate.extension(x509.CertificatePolicies)
    return frozenset(one.policy_identifier.dotted_string for one in policies or ())

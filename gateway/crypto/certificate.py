"""One X.509 certificate as a value. That it can be read says nothing about whether it can be trusted."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Final, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

from gateway.domain.catalogue import Code
from gateway.domain.errors import TrustError

MOST_OCTETS: Final = 16 * 1024  # an OCES3 certificate has about 2 KB
SERIAL_OCTETS: Final = 20  # RFC 5280 §4.1.2.2
_SENT_KEPT: Final = 256  # of at most MOST_OCTETS each; a party or system sends the same few again and again

Extension = TypeVar("Extension", bound=x509.ExtensionType)

UNREADABLE: Final = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
    UserWarning,  # the library warns of what RFC 5280 forbids; where warnings are errors they arrive here
)


@dataclass(frozen=True)
class Certificate:
    """A well-formed certificate; two are equal if their octets are. Make one with `from_der`."""

    der: bytes = field(repr=False)
    fingerprint: str = field(compare=False)  # SHA-256 of the DER, lower-case hexadecimal
    x509: x509.Certificate = field(compare=False, repr=False)
    public_key: CertificatePublicKeyTypes = field(compare=False, repr=False)

    @staticmethod
    def from_der(der: bytes) -> Certificate:
        """The certificate in these untrusted octets. TrustError CERTIFICATE_MALFORMED if they are not exactly one.

        The octets must be the one DER form of what they say: nothing after the end, version 3, a positive serial
        number of at most 20 octets, extensions that can be read and none twice.
        """
        if len(der) > MOST_OCTETS:
            raise malformed("too large")
        try:
            certificate = x509.load_der_x509_certificate(der)
            public_key = certificate.public_key()
            serial_number = certificate.serial_number
            list(certificate.extensions)
            _ = (certificate.subject, certificate.issuer)
        except UNREADABLE:
            raise malformed("not readable") from None
        # The library reads DER only; this holds even if it should once be more generous.
        if certificate.public_bytes(serialization.Encoding.DER) != der:
            raise malformed("not DER")
        if certificate.version is not x509.Version.v3:
            raise malformed("not version 3")
        if serial_number <= 0 or serial_number.bit_length() > 8 * SERIAL_OCTETS - 1:
            raise malformed("serial number")
        fingerprint = certificate.fingerprint(hashes.SHA256()).hex()
        return Certificate(bytes(der), fingerprint, certificate, public_key)

    @staticmethod
    def all_from_pem(pem: bytes) -> tuple[Certificate, ...]:
        """The certificates of a PEM file of ours, in its order; at least one. TrustError CERTIFICATE_MALFORMED."""
        try:
            found = x509.load_pem_x509_certificates(pem)
        except UNREADABLE:
            raise malformed("not a PEM file of certificates") from None
        return tuple(Certificate.from_der(one.public_bytes(serialization.Encoding.DER)) for one in found)

    @property
    def pem(self) -> bytes:
        """The certificate as a PEM block."""
        return self.x509.public_bytes(serialization.Encoding.PEM)

    @cached_property
    def subject_der(self) -> bytes:
        """The subject's name in DER: names are equal if these octets are."""
        return self.x509.subject.public_bytes()

    @cached_property
    def issuer_der(self) -> bytes:
        """The issuer's name in DER."""
        return self.x509.issuer.public_bytes()

    @property
    def subject_key(self) -> bytes | None:
        """The subject key identifier, or None if it has none."""
        found = self.extension(x509.SubjectKeyIdentifier)
        return None if found is None else found.digest

    @property
    def sha1(self) -> bytes:
        """SHA-1 of the DER, by which some messages name a certificate; it only selects, the signature decides."""
        return hashlib.sha1(self.der, usedforsecurity=False).digest()

    def is_current(self, at: datetime) -> bool:
        """Whether `at`, a zoned time, lies within the validity, both ends included."""
        # RFC 5280 §4.1.2.5
        return self.x509.not_valid_before_utc <= at <= self.x509.not_valid_after_utc

    def extension(self, kind: type[Extension]) -> Extension | None:
        """The extension of this kind, or None."""
        try:
            return self.x509.extensions.get_extension_for_class(kind).value
        except x509.ExtensionNotFound:
            return None

    def is_issued_by(self, issuer: Certificate) -> bool:
        """Whether the names chain and the issuer's key made this certificate's signature, by an allowed algorithm."""
        if self.issuer_der != issuer.subject_der or not is_signed_as_allowed(self.x509):
            return False
        try:
            self.x509.verify_directly_issued_by(issuer.x509)
        except (InvalidSignature, *UNREADABLE):
            return False
        return True


@lru_cache(maxsize=_SENT_KEPT)
def sent_certificate(der: bytes) -> Certificate:
    """The certificate that a message or document carries, read once for all that carry it. Errors as `from_der`.

    Reading gives no trust.
    """
    return Certificate.from_der(der)


def is_signed_as_allowed(signed: x509.Certificate | x509.CertificateRevocationList) -> bool:
    """Whether the issuer signed by RSASSA-PSS, RSASSA-PKCS1-v1_5 or ECDSA with SHA-256, SHA-384 or SHA-512."""
    try:
        digest = signed.signature_hash_algorithm
        parameters = signed.signature_algorithm_parameters
    except UNREADABLE:
        return False
    return isinstance(digest, hashes.SHA256 | hashes.SHA384 | hashes.SHA512) and isinstance(
        parameters, padding.PSS | padding.PKCS1v15 | ec.ECDSA
    )


def malformed(what: str) -> TrustError:
    """The error for a certificate that is not shaped as it must be; `what` is a constant, never a value found."""
    return TrustError(Code.CERTIFICATE_MALFORMED, what=what)

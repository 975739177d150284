"""Revocation lists: which certificates their issuers have taken back, judged for one time.

A list is used only with its issuer's signature verified, and only near the time that is asked about. The same lists,
kept with a document, answer years later for the time of that document.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum
from types import MappingProxyType
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from gateway.crypto.certificate import UNREADABLE, Certificate, is_signed_as_allowed
from gateway.domain.catalogue import Code
from gateway.domain.errors import TrustError, UnavailableError

MOST_AGE: Final = timedelta(hours=24)  # older answers do not admit new submissions
SKEW: Final = timedelta(minutes=5)  # how far an issuer's clock may be ahead of ours
READ_GRACE: Final = timedelta(
    days=6
)  # with MOST_AGE a week: longer than any holiday closes an operator's office

# They make a list speak for a part of the certificates only, RFC 5280 §5.2.4 and §5.2.5.
_PARTIAL: Final = (x509.DeltaCRLIndicator, x509.IssuingDistributionPoint)


class Status(Enum):
    """What the issuer says about a certificate."""

    GOOD = "good"
    REVOKED = "revoked"


@dataclass(frozen=True)
class RevocationList:
    """One complete list whose signature was verified with its issuer's certificate. Make one with `from_der`."""

    der: bytes = field(repr=False)
    issuer: Certificate
    this_update: datetime  # the issuer's clock, UTC
    next_update: datetime
    revoked: Mapping[int, datetime] = field(compare=False, repr=False)  # serial number -> time of revocation
    number: int | None = None  # RFC 5280 §5.2.3: increases with every list of the issuer

    @staticmethod
    def from_der(der: bytes, issuer: Certificate) -> RevocationList:
        """The list in these untrusted octets, verified. TrustError REVOCATION_LIST_UNTRUSTED if it does not hold.

        Refused as well: a list for a part of the certificates, a delta list, a list that speaks for other issuers.
        Whether `issuer` is trusted is the caller's to know.
        """
        crl = _load(der)
        if crl.issuer.public_bytes() != issuer.subject_der:
            raise _untrusted("another issuer")
        _require_signed(crl, issuer)
        if crl.next_update_utc is None:  # RFC 5280 §5.1.2.5
            raise _untrusted("no nextUpdate")
        return RevocationList(
            der, issuer, crl.last_update_utc, crl.next_update_utc, _entries(crl), _number(crl)
        )

    @staticmethod
    def all_from_der(der: bytes, issuers: Iterable[Certificate]) -> tuple[RevocationList, ...]:
        """The list in these untrusted octets, once for each of the trusted `issuers` whose signature it carries.

        An authority with a new key may keep its name, and one key may have two certificates. Errors as `from_der`;
        also if the list fits none of them.
        """
        name = _load(der).issuer.public_bytes()
        refused, found = _untrusted("an unknown issuer"), []
        for issuer in issuers:
            if issuer.subject_der == name:
                try:
                    found.append(RevocationList.from_der(der, issuer))
                except TrustError as error:
                    refused = error
        if not found:
            raise refused
        return tuple(found)

    def is_older_than(self, other: RevocationList) -> bool:
        """Whether the issuer made the other list later, by its time or by its number."""
        by_number = self.number is not None and other.number is not None and self.number < other.number
        return self.this_update < other.this_update or by_number

    def status(self, certificate: Certificate, at: datetime) -> Status:
        """What the list says about a certificate of its issuer: revoked if taken back at `at` or before."""
        revoked_at = self.revoked.get(certificate.x509.serial_number)
        return Status.GOOD if revoked_at is None or revoked_at > at else Status.REVOKED


@dataclass(frozen=True)
class Revocations:
    """The verified lists at hand; several of one issuer are allowed, of different times."""

    lists: tuple[RevocationList, ...] = ()
    grace: timedelta = timedelta(0)  # how much older than MOST_AGE a list may be
    in_hindsight: bool = False  # whether a list made later may answer for an earlier time

    @staticmethod
    def build(lists: Iterable[bytes], issuers: Iterable[Certificate]) -> Revocations:
        """The lists in these untrusted DER octets, each verified with the issuers that it names.

        `issuers` must be trusted. TrustError REVOCATION_LIST_UNTRUSTED if a list fits none of them.
        """
        revocations, trusted = Revocations(), tuple(issuers)
        for der in lists:
            revocations = revocations.with_list(der, trusted)
        return revocations

    def with_list(self, der: bytes, issuers: Iterable[Certificate]) -> Revocations:
        """These lists and a fresh one; older lists stay, to answer for earlier times. Errors as `build`."""
        fresh = RevocationList.all_from_der(der, issuers)
        return replace(self, lists=(*self.lists, *(one for one in fresh if one not in self.lists)))

    def without_older_than(self, at: datetime) -> Revocations:
        """The lists that may still answer for `at` or later, so that a process does not gather them for ever."""
        oldest = at - MOST_AGE - READ_GRACE
        return replace(self, lists=tuple(one for one in self.lists if one.this_update >= oldest))

    def for_reading(self) -> Revocations:
        """The same lists for requests that change nothing: they may be used until they are a week old."""
        return replace(self, grace=READ_GRACE)

    def for_looking_back(self) -> Revocations:
        """The same lists for a time that is past: one made later tells as well who was revoked by then.

        It does so for certificates that had not expired when it was made; later an issuer may drop them.
        """
        return replace(self, in_hindsight=True)

    def status(self, certificate: Certificate, issuer: Certificate, at: datetime) -> Status:
        """What `issuer` says about a certificate it issued, for the time `at`.

        UnavailableError REVOCATION_UNKNOWN without a list that is current at `at`: made at most 24 hours before,
        and not past its own end.
        """
        if certificate.issuer_der != issuer.subject_der:
            raise UnavailableError(Code.REVOCATION_UNKNOWN)
        if self.in_hindsight and (later := self._later(certificate, issuer, at)) is not None:
            return later.status(certificate, at)
        return self._current(issuer, at).status(certificate, at)

    def evidence(self, issuer: Certificate, at: datetime) -> bytes:
        """The DER of the list that `status` uses for this issuer and time, to be kept. Errors as there."""
        return self._current(issuer, at).der

    def _later(self, certificate: Certificate, issuer: Certificate, at: datetime) -> RevocationList | None:
        """The first list of the issuer from after `at` that still knew the certificate."""
        # RFC 5280 §3.3: an entry stays until it appeared on one list beyond the certificate's validity
        usable = [
            one
            for one in self.lists
            if one.issuer == issuer and one.this_update > at and certificate.is_current(one.this_update)
        ]
        return min(usable, key=lambda one: one.this_update, default=None)

    def _current(self, issuer: Certificate, at: datetime) -> RevocationList:
        """The newest list of the issuer that may answer for `at`."""
        usable = [
            one
            for one in self.lists
            if one.issuer == issuer
            and at - MOST_AGE - self.grace <= one.this_update <= at + SKEW
            and at <= one.next_update + self.grace
        ]
        if not usable:
            raise UnavailableError(Code.REVOCATION_UNKNOWN)
        return max(usable, key=lambda one: one.this_update)


def _load(der: bytes) -> x509.CertificateRevocationList:
    try:
        crl = x509.load_der_x509_crl(der)
        again = crl.public_bytes(serialization.Encoding.DER)
        extensions = list(crl.extensions)
    except UNREADABLE:
        raise _untrusted("not readable") from None
    if again != der:
        raise _untrusted("not DER")
    if any(one.critical or isinstance(one.value, _PARTIAL) for one in extensions):
        raise _untrusted("not a plain, complete list")
    return crl


def _require_signed(crl: x509.CertificateRevocationList, issuer: Certificate) -> None:
    if not is_signed_as_allowed(crl):
        raise _untrusted("algorithm")
    usage = issuer.extension(x509.KeyUsage)
    if usage is None or not usage.crl_sign:  # RFC 5280 §6.3.3 (f)
        raise _untrusted("an issuer that may not sign lists")
    key = issuer.public_key
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey) or not crl.is_signature_valid(key):
        raise _untrusted("signature")


def _number(crl: x509.CertificateRevocationList) -> int | None:
    """The number of the list, if it has one."""
    try:
        return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    except x509.ExtensionNotFound:
        return None


def _entries(crl: x509.CertificateRevocationList) -> Mapping[int, datetime]:
    """When each serial number was revoked. An entry that is no plain revocation refuses the whole list."""
    revoked: dict[int, datetime] = {}
    try:
        for entry in crl:
            _require_plain(entry)
            revoked[entry.serial_number] = entry.revocation_date_utc
    except UNREADABLE:
        raise _untrusted("an entry that is not readable") from None
    return MappingProxyType(revoked)


def _require_plain(entry: x509.RevokedCertificate) -> None:
    for extension in entry.extensions:
        if extension.critical or isinstance(extension.value, x509.CertificateIssuer):
            raise _untrusted("an entry for another issuer")
        if extension.value == x509.CRLReason(x509.ReasonFlags.remove_from_crl):
            raise _untrusted("an entry of a delta list")


def _untrusted(what: str) -> TrustError:
    return TrustError(Code.REVOCATION_LIST_UNTRUSTED, what=what)

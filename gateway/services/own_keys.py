"""The gateway's own keys: given out only while their certificates hold, for a process outlives a certificate.

A seal that is expired or revoked would make evidence that nobody believes, and a message signature answers that every
client refuses. So nothing more is signed with such a key; a change is told in the operations log once, by whoever
finds it first.

The next key may lie beside the one in use, with the time at which it takes over: so a change needs nobody at night.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from gateway.crypto.certificates import TrustedCertificate, Usage, keep_verdict, verify_certificate
from gateway.crypto.keys import SigningKey
from gateway.crypto.revocation import Revocations
from gateway.domain.catalogue import Code
from gateway.domain.errors import TrustError, UnavailableError
from gateway.transport.trust_files import Trust, TrustFiles

VERDICT_STANDS: Final = timedelta(seconds=1)  # one letter asks three times

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class NextKey:
    """The key that takes over from another at a time, zoned UTC."""

    key: SigningKey
    takes_over: datetime


class OwnKey:
    """One key of the gateway's own with its certificate, and the one that follows it, if that is known.

    `name` is how settings and log call it: "seal", "message".
    """

    def __init__(
        self, name: str, key: SigningKey, usage: Usage, trust: TrustFiles, following: NextKey | None = None
    ) -> None:
        self._first = _Judged(name, key, usage, trust)
        self._second = None if following is None else _Judged(name, following.key, usage, trust)
        self._takes_over = None if following is None else following.takes_over

    @property
    def not_after(self) -> datetime:
        """When there is no certificate any more, zoned UTC: a gap before the next one takes over counts too."""
        end = self._first.not_after
        if self._second is None or self._takes_over is None or self._takes_over > end:
            return end
        return self._second.not_after

    @property
    def keys(self) -> tuple[tuple[SigningKey, datetime | None], ...]:
        """The key, and the one that follows with the time at which it takes over."""
        first: tuple[SigningKey, datetime | None] = (self._first.key, None)
        return (first,) if self._second is None else (first, (self._second.key, self._takes_over))

    def fingerprint(self, at: datetime) -> str:
        """The certificate that is used at the time `at`, whether or not it holds."""
        return self._used(at).key.chain[0].fingerprint

    def verified(self, at: datetime) -> TrustedCertificate:
        """Return the certificate, trusted at the time `at`. Errors as `verify_certificate`.

        A revocation list that serves for reading serves for this: a restart must not take away what can be read.
        """
        return self._used(at).verified(at)

    def require_next(self, at: datetime) -> None:
        """Return if the next key's certificate holds now, or is not to hold yet. Errors as `verify_certificate`."""
        if self._second is not None and self._second.key.chain[0].is_current(at):
            self._second.verified(at)

    def usable(self, at: datetime) -> SigningKey:
        """Return the key, to sign with at the time `at`. UnavailableError OWN_CERTIFICATE_UNUSABLE."""
        used = self._used(at)
        if (code := used.trouble(at)) is not None:
            raise UnavailableError(Code.OWN_CERTIFICATE_UNUSABLE, which=used.name, what=code.name)
        return used.key

    def trouble(self, at: datetime) -> Code | None:
        """Return why the certificate does not hold at the time `at`, or None; tell the log if that has changed.

        Where no list can tell, the last verdict stands: what was accepted goes on while an authority is away, and a
        certificate that was revoked does not come back.
        """
        return self._used(at).trouble(at)

    def _used(self, at: datetime) -> _Judged:
        if self._second is None or self._takes_over is None or at < self._takes_over:
            return self._first
        return self._second


class _Judged:
    """One key with the last verdict on its certificate."""

    def __init__(self, name: str, key: SigningKey, usage: Usage, trust: TrustFiles) -> None:
        self.name = name
        self.key = key
        self._usage = usage
        self._trust = trust
        self._trouble: Code | None = None
        self._judged: tuple[Revocations, datetime] | None = None
        self._lock = threading.Lock()

    @property
    def not_after(self) -> datetime:
        return self.key.chain[0].x509.not_valid_after_utc

    def verified(self, at: datetime) -> TrustedCertificate:
        return self._verified(self._trust.current(at), at)

    def trouble(self, at: datetime) -> Code | None:
        now = self._trust.current(at)
        with self._lock:
            if self._stands(now, at):
                return self._trouble
            before, self._trouble = self._trouble, self._judge(now, at)
            self._judged = (now.revocations, at)
            if self._trouble is not before:
                self._tell(self._trouble)
            return self._trouble

    def _stands(self, now: Trust, at: datetime) -> bool:
        """Whether the last verdict was found a moment ago by the same lists."""
        if self._judged is None:
            return False
        lists, judged_at = self._judged
        return lists is now.revocations and judged_at <= at < judged_at + VERDICT_STANDS

    def _verified(self, now: Trust, at: datetime) -> TrustedCertificate:
        lists = now.revocations.for_reading()
        trusted = verify_certificate(self.key.chain, self._usage, now.store, lists, at)
        keep_verdict(trusted)
        return trusted

    def _judge(self, now: Trust, at: datetime) -> Code | None:
        try:
            self._verified(now, at)
        except TrustError as error:
            return error.code
        except UnavailableError:
            return self._trouble
        return None

    def _tell(self, code: Code | None) -> None:
        if code is None:
            _log.warning("own certificate usable again", which=self.name)
        else:
            _log.error("own certificate unusable", which=self.name, code=code.name)

"""The gateway's own keys: given out only while their certificates hold, for a process outlives a certificate.

A seal that is expired or revoked would make evidence that nobody believes, and a message signature answers that every
client refuses. So nothing more is signed with such a key; a change is told in the operations log once, by whoever
finds it first.
"""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Final

import structlog

from gateway.crypto.certificates import TrustedCertificate, Usage, verify_certificate
from gateway.crypto.keys import SigningKey
from gateway.crypto.revocation import Revocations
from gateway.domain.catalogue import Code
from gateway.domain.errors import TrustError, UnavailableError
from gateway.transport.trust_files import Trust, TrustFiles

VERDICT_STANDS: Final = timedelta(seconds=1)  # one letter asks three times

_log = structlog.get_logger(__name__)


class OwnKey:
    """One key of the gateway's own with its certificate; `name` is how settings and log call it: "seal", "message"."""

    def __init__(self, name: str, key: SigningKey, usage: Usage, trust: TrustFiles) -> None:
        self._name = name
        self._key = key
        self._usage = usage
        self._trust = trust
        self._trouble: Code | None = None
        self._judged: tuple[Revocations, datetime] | None = None
        self._lock = threading.Lock()

    def verified(self, at: datetime) -> TrustedCertificate:
        """Return the certificate, trusted at the time `at`. Errors as `verify_certificate`.

        A revocation list that serves for reading serves for this: a restart must not take away what can be read.
        """
        return self._verified(self._trust.current(at), at)

    def usable(self, at: datetime) -> SigningKey:
        """Return the key, to sign with at the time `at`. UnavailableError OWN_CERTIFICATE_UNUSABLE."""
        if (code := self.trouble(at)) is not None:
            raise UnavailableError(Code.OWN_CERTIFICATE_UNUSABLE, which=self._name, what=code.name)
        return self._key

    def trouble(self, at: datetime) -> Code | None:
        """Return why the certificate does not hold at the time `at`, or None; tell the log if that has changed.

        Where no list can tell, the last verdict stands: what was accepted goes on while an authority is away, and a
        certificate that was revoked does not come back.
        """
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
        return verify_certificate(self._key.chain, self._usage, now.store, now.revocations.for_reading(), at)

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
            _log.warning("own certificate usable again", which=self._name)
        else:
            _log.error("own certificate unusable", which=self._name, code=code.name)

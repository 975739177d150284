"""The gateway's own keys: given out only while their certificates hold, for a process outlives a certificate.

A seal that is expired or revoked would make evidence that nobody believes, and a message signature answers that every
client refuses. So nothing more is signed with such a key; a change is told in the operations log once, by whoever
finds it first.
"""

from __future__ import annotations

import threading
from datetime import datetime

import structlog

from gateway.crypto.certificates import TrustedCertificate, Usage, verify_certificate
from gateway.crypto.keys import SigningKey
from gateway.domain.catalogue import Code
from gateway.domain.errors import TrustError, UnavailableError
from gateway.transport.trust_files import TrustFiles

_log = structlog.get_logger(__name__)


class OwnKey:
    """One key of the gateway's own with its certificate; `name` is how settings and log call it: "seal", "message"."""

    def __init__(self, name: str, key: SigningKey, usage: Usage, trust: TrustFiles) -> None:
        self._name = name
        self._key = key
        self._usage = usage
        self._trust = trust
        self._trouble: Code | None = None
        self._lock = threading.Lock()

    def verified(self, at: datetime) -> TrustedCertificate:
        """Return the certificate, trusted at the time `at`. Errors as `verify_certificate`.

        A revocation list that serves for reading serves for this: a restart must not take away what can be read.
        """
        now = self._trust.current(at)
        return verify_certificate(self._key.chain, self._usage, now.store, now.revocations.for_reading(), at)

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
        with self._lock:
            before, self._trouble = self._trouble, self._judge(at)
            if self._trouble is not before:
                self._tell(self._trouble)
            return self._trouble

    def _judge(self, at: datetime) -> Code | None:
        try:
            self.verified(at)
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

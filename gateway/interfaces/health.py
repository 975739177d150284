"""Health: whether the process lives, and whether it can do its work now."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from gateway.domain.errors import BropostError
from gateway.interfaces.http import HttpAnswer, HttpRequest
from gateway.services.installation import Installation
from gateway.storage import outbox

LAG_MOST: Final = timedelta(minutes=5)  # a delivery here takes well under a second
_JSON: Final = "application/json"


def live(_request: HttpRequest) -> HttpAnswer:
    """Answer that the process lives; nothing is looked at."""
    return HttpAnswer(200, _JSON, b'{"live": true}\n')


@dataclass(frozen=True)
class Readiness:
    """Whether the installation can take a letter now."""

    installation: Installation

    def ready(self, _request: HttpRequest) -> HttpAnswer:
        """Answer 200 if a letter can be taken, delivered and answered; else 503, with which check fails."""
        at = self.installation.clock()
        checks = {
            "store": self._store_answers(),
            "revocation_lists": self._lists_are_current(),
            "seal_certificate": self.installation.seal_key.trouble(at) is None,
            "message_certificate": self.installation.message_key.trouble(at) is None,
            "outbox": not self.waiting_too_long(),
        }
        ready = all(checks.values())
        body = json.dumps({"ready": ready, **checks}) + "\n"
        return HttpAnswer(200 if ready else 503, _JSON, body.encode())

    def waiting_too_long(self) -> bool:
        """Whether a delivery has been due for longer than LAG_MOST, or the store cannot tell."""
        try:
            with self.installation.database.read() as connection:
                since = outbox.oldest_waiting(connection)
        except BropostError:
            return True
        return since is not None and self.installation.clock() - since > LAG_MOST

    def _store_answers(self) -> bool:
        try:
            with self.installation.database.read() as connection:
                outbox.oldest_waiting(connection)
        except BropostError:
            return False
        return True

    def _lists_are_current(self) -> bool:
        at = self.installation.clock()
        trust = self.installation.trust.current(at)
        try:
            for issuer in (*trust.store.roots, *trust.store.intermediates):
                trust.revocations.evidence(issuer, at)
        except BropostError:
            return False
        return True

"""Health: whether the process lives, and whether it can do its work now."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from gateway.domain.errors import BropostError
from gateway.interfaces.http import HttpAnswer, HttpRequest
from gateway.services.installation import Installation
from gateway.storage import outbox

LAG_MOST: Final = timedelta(minutes=5)  # as Alert.DELIVERY_LATE says
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
        is_late = self._is_late(at)
        checks = {
            "store": is_late is not None,
            "store_writable": self.installation.database.may_write(),
            "revocation_lists": self._lists_are_current(),
            "seal_certificate": self.installation.seal_key.trouble(at) is None,
            "message_certificate": self.installation.message_key.trouble(at) is None,
            "outbox": is_late is False,
        }
        if self.installation.antivirus is not None:
            checks["antivirus"] = self.installation.antivirus.is_answering()
        ready = all(checks.values())
        body = json.dumps({"ready": ready, **checks}) + "\n"
        return HttpAnswer(200 if ready else 503, _JSON, body.encode())

    def _is_late(self, at: datetime) -> bool | None:
        """Whether a delivery has been due for longer than LAG_MOST; None if the store does not answer."""
        try:
            with self.installation.database.read() as connection:
                since = outbox.oldest_waiting(connection)
        except BropostError:
            return None
        return since is not None and at - since > LAG_MOST

    def _lists_are_current(self) -> bool:
        at = self.installation.clock()
        trust = self.installation.trust.current(at)
        try:
            for issuer in (*trust.store.roots, *trust.store.intermediates):
                trust.revocations.evidence(issuer, at)
        except BropostError:
            return False
        return True

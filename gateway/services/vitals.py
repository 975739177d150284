"""How an installation is: what waits too long, which lists and certificates end, as readings for metrics and checks.

Nothing here names a document, a person or a party. It costs a few look-ups, whatever the size of the store.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from gateway.crypto.certificates import Certificate
from gateway.crypto.revocation import MOST_AGE
from gateway.domain.errors import BropostError
from gateway.domain.gauges import Gauge, Reading
from gateway.domain.identifiers import PartyId
from gateway.services.installation import Installation
from gateway.storage.gauges import StoreGauges, read_gauges

_DAY: Final = timedelta(days=1)
_NAME_DIGITS: Final = 16  # of the fingerprint by which an issuer is told from others


@dataclass(frozen=True)
class Vitals:
    """Measures one installation. `tls` is the certificate that it serves with."""

    installation: Installation
    tls: Certificate
    checkpoint_seconds: int

    def readings(self) -> tuple[Reading, ...]:
        """What is measured now. A store that cannot be read is a reading too."""
        at = self.installation.clock()
        lists, certificates = _of_lists(self.installation, at), self._of_certificates(at)
        return (*self._of_store(at), *lists, *certificates, *_of_helpers(self.installation))

    def _of_store(self, at: datetime) -> Iterator[Reading]:
        try:
            with self.installation.database.read() as connection:
                found = read_gauges(connection, at)
        except BropostError:
            yield Reading(Gauge.STORE_UP, 0)
            return
        yield Reading(Gauge.STORE_UP, 1)
        yield Reading(Gauge.STORE_WRITABLE, int(self.installation.database.may_write()))
        yield Reading(Gauge.UNDELIVERED_OLDEST_SECONDS, _since(found.accepted_at, at))
        yield Reading(Gauge.DELIVERY_LAG_SECONDS, _since(found.due_at, at))
        yield Reading(Gauge.DELIVERIES_PARKED, found.parked)
        yield Reading(Gauge.DEADLINE_LAG_SECONDS, _since(found.next_deadline_at, at))
        yield Reading(Gauge.DEADLINES_PUT_OFF, found.put_off)
        allowed = timedelta(seconds=self.checkpoint_seconds)
        yield Reading(Gauge.CHECKPOINT_LAG_SECONDS, _since(found.uncovered_at, at - allowed))
        yield Reading(Gauge.CLOCK_BEHIND_SECONDS, _behind(found.newest_at, at))
        yield from self._of_seals(found, at)

    def _of_seals(self, found: StoreGauges, at: datetime) -> Iterator[Reading]:
        """The keys with which the gateway seals for parties."""
        ends = [seal_end(self.installation, party, at) for party in found.sealing]
        yield Reading(Gauge.PARTY_SEALS_MISSING, ends.count(None))
        known = [end for end in ends if end is not None]
        if known:
            yield Reading(Gauge.CERTIFICATE_REMAINING_DAYS, (min(known) - at) / _DAY, "party_seal")

    def _of_certificates(self, at: datetime) -> Iterator[Reading]:
        seal, message = self.installation.seal_key, self.installation.message_key
        ends = {
            "tls": self.tls.x509.not_valid_after_utc,
            "seal": seal.not_after,
            "message": message.not_after,
        }
        for name, end in ends.items():
            yield Reading(Gauge.CERTIFICATE_REMAINING_DAYS, (end - at) / _DAY, name)
        for name, key in (("seal", seal), ("message", message)):
            yield Reading(Gauge.OWN_CERTIFICATE_USABLE, int(key.trouble(at) is None), name)


def seal_end(installation: Installation, party: PartyId, at: datetime) -> datetime | None:
    """Return when there is no certificate any more to seal for a party; None if the key cannot be read.

    A key that takes over in time counts for the one in use.
    """
    try:
        key, following = installation.keys.seal_key(party, at), installation.keys.next_seal_key(party, at)
    except BropostError:
        return None
    if key is None:
        return None
    end = key.chain[0].x509.not_valid_after_utc
    return following[0].chain[0].x509.not_valid_after_utc if following and following[1] <= end else end


def _of_lists(installation: Installation, at: datetime) -> Iterator[Reading]:
    """The newest revocation list of each authority that we trust."""
    trust = installation.trust.current(at)
    for issuer in (*trust.store.roots, *trust.store.intermediates):
        lists = [each for each in trust.revocations.lists if each.issuer == issuer]
        newest = max(lists, key=lambda each: each.this_update, default=None)
        age, remaining = math.inf, -math.inf
        if newest is not None:
            age = (at - newest.this_update).total_seconds()
            remaining = (min(newest.this_update + MOST_AGE, newest.next_update) - at).total_seconds()
        name = issuer.fingerprint[:_NAME_DIGITS]
        yield Reading(Gauge.REVOCATION_LIST_AGE_SECONDS, age, name)
        yield Reading(Gauge.REVOCATION_LIST_REMAINING_SECONDS, remaining, name)


def _of_helpers(installation: Installation) -> Iterator[Reading]:
    """What the installation asks for help, where the settings name it, and how that answers."""
    fetch, antivirus = installation.revocation_fetch, installation.antivirus
    if fetch is not None and fetch.has_asked:
        yield Reading(Gauge.REVOCATION_FETCH_FAILURES, fetch.failures)
    if antivirus is not None:
        yield Reading(Gauge.ANTIVIRUS_UP, int(antivirus.is_answering()))


def _since(then: datetime | None, at: datetime) -> float:
    """Seconds from a time in the past until now; 0 where nothing waits, or not yet."""
    return 0.0 if then is None else max(0.0, (at - then).total_seconds())


def _behind(newest: datetime | None, at: datetime) -> float:
    return 0.0 if newest is None else max(0.0, (newest - at).total_seconds())

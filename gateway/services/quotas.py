"""Quotas: a system that does too much is told to wait, so that the others need not.

The rate counts every request; the quotas of a day count accepted documents alone, and refuse nothing but sending: what
was promised can always be read, received and taken back. A request that is refused here is not remembered: the same
message may come again.
"""

from __future__ import annotations

import math
from datetime import datetime, time, timedelta

from sqlalchemy import Connection

from gateway.domain.calendar import COPENHAGEN, local_day
from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError, UnavailableError
from gateway.domain.identifiers import Uuid4
from gateway.domain.quota import MEGABYTE, Quota, QuotaChange, Usage
from gateway.protocol.wss import Verified
from gateway.services import parties
from gateway.services.access import Caller
from gateway.services.installation import Installation
from gateway.storage import quotas, systems


def require_rate(installation: Installation, verified: Verified) -> None:
    """Count a request whose signature held. UnavailableError RATE_LIMITED if its certificate brings too many."""
    fingerprint = verified.certificate.certificate.fingerprint

    def limit() -> int:
        with installation.database.read() as connection:
            change = quotas.change_of_certificate(connection, fingerprint)
        return change.applied_to(installation.quota).requests_per_minute

    installation.request_rate.take(fingerprint, installation.clock(), limit)


def require_room(installation: Installation, connection: Connection, caller: Caller, at: datetime) -> None:
    """Return if the system may send one more document today. UnavailableError QUOTA_EXCEEDED.

    Several that are under way at once may exceed the quota together, by as many as there are.
    """
    quota = quotas.find_change(connection, caller.system.id).applied_to(installation.quota)
    used = quotas.usage_of(connection, caller.system.id, local_day(at))
    if used.documents >= quota.documents_per_day:
        raise _exceeded(quota.documents_per_day, "documents", at)
    if used.octets + _octets(caller.verified) > quota.megabytes_per_day * MEGABYTE:
        raise _exceeded(quota.megabytes_per_day, "megabytes", at)


def count(connection: Connection, caller: Caller, at: datetime) -> None:
    """Count a document, in the transaction that accepts it."""
    quotas.count(connection, caller.system.id, caller.party.id, local_day(at), _octets(caller.verified))


def set_quota(installation: Installation, system_id: Uuid4, change: QuotaChange) -> None:
    """Change what one system may do; an entry in the log of each party that it acts for. InputError NOT_FOUND.

    What the change does not name stays as it was set before.
    """
    at = installation.clock()
    with installation.database.alone() as connection:
        system = systems.find_system(connection, system_id)
        if system is None:
            raise InputError(Code.NOT_FOUND)
        now = change.after(quotas.find_change(connection, system_id))
        quotas.set_change(connection, system_id, now)
        quota = now.applied_to(installation.quota)
        details = (
            "QUOTA_SET",
            f"system.{system_id}",
            *("requests", str(quota.requests_per_minute)),
            *("documents", str(quota.documents_per_day)),
            *("megabytes", str(quota.megabytes_per_day)),
        )
        parties.tell_parties(installation, connection, system, details, at)


def quota_of(installation: Installation, system_id: Uuid4) -> tuple[Quota, Usage]:
    """Return what a system may do, and what it has sent today. InputError NOT_FOUND."""
    with installation.database.read() as connection:
        if systems.find_system(connection, system_id) is None:
            raise InputError(Code.NOT_FOUND)
        quota = quotas.find_change(connection, system_id).applied_to(installation.quota)
        return quota, quotas.usage_of(connection, system_id, local_day(installation.clock()))


def _octets(verified: Verified) -> int:
    """The request as received: its envelope, and the attachments beside it."""
    return len(verified.octets) + sum(len(each) for each in verified.attachments.values())


def _exceeded(limit: int, what: str, at: datetime) -> UnavailableError:
    tomorrow = datetime.combine(local_day(at) + timedelta(days=1), time.min, COPENHAGEN)
    seconds = max(1, math.ceil((tomorrow - at).total_seconds()))
    return UnavailableError(Code.QUOTA_EXCEEDED, limit=limit, what=what, seconds=seconds)

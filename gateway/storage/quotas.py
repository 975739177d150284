"""Quotas of systems, and what each has sent in a day: a row a system, day and sending party.

So the row that a submission counts in belongs to a party that its transaction holds alone, and nobody waits for it.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from gateway.domain.identifiers import PartyId, Uuid4
from gateway.domain.quota import QuotaChange, Usage
from gateway.storage.exclusion import require_alone
from gateway.storage.prepared import Prepared
from gateway.storage.tables import sent, system_certificate, system_quota

_LIMITS: Final = ("requests_per_minute", "documents_per_day", "megabytes_per_day")
_CELLS = tuple(system_quota.c[name] for name in _LIMITS)

_FIND = Prepared(select(*_CELLS).where(system_quota.c.system_id == bindparam("system_id")), "system_id")
_BY_CERTIFICATE = Prepared(
    select(*_CELLS)
    .join_from(system_certificate, system_quota, system_certificate.c.system_id == system_quota.c.system_id)
    .where(system_certificate.c.fingerprint == bindparam("fingerprint")),
    "fingerprint",
)
_FORGET = Prepared(
    delete(system_quota).where(system_quota.c.system_id == bindparam("of_system")), "of_system"
)
_INSERT = Prepared(insert(system_quota), "system_id", *_LIMITS)

_USAGE = Prepared(
    select(func.coalesce(func.sum(sent.c.documents), 0), func.coalesce(func.sum(sent.c.octets), 0)).where(
        sent.c.system_id == bindparam("system_id"), sent.c.day == bindparam("day")
    ),
    "system_id",
    "day",
)
_COUNT = Prepared(
    update(sent)
    .where(
        sent.c.system_id == bindparam("of_system"),
        sent.c.day == bindparam("of_day"),
        sent.c.party == bindparam("of_party"),
    )
    .values(documents=sent.c.documents + 1, octets=sent.c.octets + bindparam("more_octets")),
    "more_octets",
    "of_system",
    "of_day",
    "of_party",
)
_BEGIN = Prepared(insert(sent), "system_id", "day", "party", "documents", "octets")
_END = Prepared(
    delete(sent).where(
        sent.c.system_id == bindparam("of_system"),
        sent.c.day < bindparam("before"),
        sent.c.party == bindparam("of_party"),
    ),
    "of_system",
    "before",
    "of_party",
)


def find_change(connection: Connection, system_id: Uuid4) -> QuotaChange:
    """What is set for this system."""
    row = _FIND.one(connection, system_id.text)
    return QuotaChange() if row is None else QuotaChange(*row)


def change_of_certificate(connection: Connection, fingerprint: str) -> QuotaChange:
    """What is set for the system that has or had this certificate; nothing for a stranger's."""
    row = _BY_CERTIFICATE.one(connection, fingerprint)
    return QuotaChange() if row is None else QuotaChange(*row)


def set_change(connection: Connection, system_id: Uuid4, change: QuotaChange) -> None:
    """Set what holds for this system, in place of what was set before."""
    _FORGET.run(connection, system_id.text)
    if change != QuotaChange():
        limits = (change.requests_per_minute, change.documents_per_day, change.megabytes_per_day)
        _INSERT.run(connection, system_id.text, *limits)


def usage_of(connection: Connection, system_id: Uuid4, day: date) -> Usage:
    """What the system has sent on this Danish day, for all parties together."""
    documents, octets = _USAGE.one(connection, system_id.text, day.isoformat()) or (0, 0)
    return Usage(int(documents), int(octets))


def count(connection: Connection, system_id: Uuid4, party: PartyId, day: date, octets: int) -> None:
    """Count a document that the system sends for this party; the first of a day forgets the days before."""
    require_alone(connection, party)
    if _COUNT.run(connection, octets, system_id.text, day.isoformat(), str(party)) == 0:
        _END.run(connection, system_id.text, day.isoformat(), str(party))
        _BEGIN.run(connection, system_id.text, day.isoformat(), str(party), 1, octets)

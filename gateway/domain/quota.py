"""Quotas: how much one system may do in a while, so that none takes the gateway from the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MEGABYTE: Final = 1024 * 1024  # in bytes


@dataclass(frozen=True)
class Quota:
    """What a system may do; a day is a Danish one."""

    requests_per_minute: int  # with one certificate, at one process
    documents_per_day: int
    megabytes_per_day: int  # of 1,048,576 bytes: messages and attachments that were accepted


USUALLY: Final = 0
"""In a change: what holds for all holds for this system again."""


@dataclass(frozen=True)
class QuotaChange:
    """What the operator has set for one system: None where what holds for all holds for it.

    As a change of this, None leaves what was set before.
    """

    requests_per_minute: int | None = None
    documents_per_day: int | None = None
    megabytes_per_day: int | None = None

    def after(self, before: QuotaChange) -> QuotaChange:
        """What is set after this change."""
        return QuotaChange(
            _after(self.requests_per_minute, before.requests_per_minute),
            _after(self.documents_per_day, before.documents_per_day),
            _after(self.megabytes_per_day, before.megabytes_per_day),
        )

    def applied_to(self, usual: Quota) -> Quota:
        """The quota of the system."""
        return Quota(
            self.requests_per_minute or usual.requests_per_minute,
            self.documents_per_day or usual.documents_per_day,
            self.megabytes_per_day or usual.megabytes_per_day,
        )


def _after(limit: int | None, before: int | None) -> int | None:
    return before if limit is None else None if limit == USUALLY else limit


@dataclass(frozen=True)
class Usage:
    """What a system has sent in a day."""

    documents: int
    octets: int


# No system of a municipality or a vendor comes near: 100 requests a second, more letters in a day than the country's
# young people get in a year, and more megabytes than all of these would take with an attachment each.
USUAL: Final = Quota(requests_per_minute=6_000, documents_per_day=100_000, megabytes_per_day=51_200)

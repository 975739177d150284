"""Parties and their systems: who takes part, through which systems, and who shall see what."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import Enum, unique
from typing import Final

from gateway.domain.calendar import Calendar
from gateway.domain.identifiers import Cvr, PartyId, Uuid4
from gateway.domain.kinds import DocumentKind

_FINGERPRINT: Final = re.compile(r"[0-9a-f]{64}")


@unique
class Role(Enum):
    """The function someone has at a party; it stays when the person changes, so a successor receives."""

    STUDY_COUNSELLOR = "STUDY_COUNSELLOR"
    TEACHER = "TEACHER"
    ADMINISTRATION = "ADMINISTRATION"
    MANAGER = "MANAGER"
    CASEWORKER = "CASEWORKER"
    ORDER_CASEWORKER = "ORDER_CASEWORKER"
    MAIN_MAILBOX = "MAIN_MAILBOX"
    PLAN_CASEWORKER = "PLAN_CASEWORKER"
    YOUTH_COUNSELLOR = "YOUTH_COUNSELLOR"
    MENTOR = "MENTOR"
    PRIMARY_CONTACT = "PRIMARY_CONTACT"
    RETENTION_MENTOR = "RETENTION_MENTOR"
    SPS_COUNSELLOR = "SPS_COUNSELLOR"
    CONTACT_TEACHER = "CONTACT_TEACHER"
    STU_LEAD = "STU_LEAD"
    OTHER = "OTHER"


@dataclass(frozen=True)
class Contact:
    """Whom to reach in one role at a party: work data only."""

    role: Role
    name: str | None = None
    unit: str | None = None
    phone: str | None = None
    email: str | None = None
    valid_from: date | None = None  # days in Copenhagen, both included
    valid_to: date | None = None

    def is_valid_on(self, day: date) -> bool:
        """Whether this contact stands on this day."""
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_to is None or day <= self.valid_to
        )


@dataclass(frozen=True)
class Party:
    """A municipality or an institution that takes part. Inbox, log, keys and mandates belong to its id."""

    id: PartyId
    name: str
    receives: frozenset[DocumentKind]
    p_number: str | None = None
    gateway_may_seal: bool = False  # whether the gateway may make the content signature with the party's key
    cooperation_decided: bool = False  # the DPO's written decision that cooperation rules may carry documents
    closing_days: frozenset[date] = frozenset()
    contacts: tuple[Contact, ...] = ()

    @property
    def calendar(self) -> Calendar:
        """The working time of this party."""
        return Calendar(closing_days=self.closing_days)

    def with_contact(self, contact: Contact) -> Party:
        """The party with this contact in place of the one its role had."""
        others = tuple(each for each in self.contacts if each.role is not contact.role)
        return replace(self, contacts=(*others, contact))

    def contact_for(self, role: Role, day: date) -> Contact | None:
        """The contact of a role on this day, or None if the party has named nobody."""
        return next((each for each in self.contacts if each.role is role and each.is_valid_on(day)), None)


@dataclass(frozen=True)
class CertificateBinding:
    """A certificate by which a system is known, and for how long; bindings overlap while one replaces another."""

    fingerprint: str  # hex SHA-256 of the DER
    valid_from: datetime  # zoned UTC
    valid_until: datetime | None = None  # zoned UTC, excluded

    def __post_init__(self) -> None:
        if not _FINGERPRINT.fullmatch(self.fingerprint):
            raise ValueError("a fingerprint is SHA-256 in 64 lower-case hexadecimal digits")

    def is_valid(self, at: datetime) -> bool:
        """Whether the system is known by this certificate at this time."""
        return self.valid_from <= at and (self.valid_until is None or at < self.valid_until)


@dataclass(frozen=True)
class System:
    """A case system or study administration system, often a vendor's."""

    id: Uuid4
    name: str
    vendor_cvr: Cvr
    certificates: tuple[CertificateBinding, ...]

    def is_known_by(self, fingerprint: str, at: datetime) -> bool:
        """Whether this certificate is the system's at this time (zoned UTC)."""
        return any(each.fingerprint == fingerprint and each.is_valid(at) for each in self.certificates)

    def known_until(self, at: datetime) -> datetime | None:
        """From `at` on, the first time at which the system is known by no certificate; None if it is always known.

        Times are zoned UTC. It is `at` itself if no certificate counts then.
        """
        until = at
        while valid := [each for each in self.certificates if each.is_valid(until)]:
            ends = [each.valid_until for each in valid if each.valid_until is not None]
            if len(ends) < len(valid):
                return None
            until = max(ends)
        return until


@dataclass(frozen=True)
class Route:
    """Which system of a party receives what; None stands for every kind or every role."""

    system_id: Uuid4
    kind: DocumentKind | None = None
    role: Role | None = None

    def matches(self, kind: DocumentKind, role: Role) -> bool:
        """Whether a document of this kind with this attention takes the route."""
        return self.kind in (None, kind) and self.role in (None, role)

    @property
    def precision(self) -> int:
        """How exactly it says what it is for: a route for kind and role beats one for either."""
        return (self.kind is not None) + (self.role is not None)


def receiving_systems(
    routes: Iterable[Route], systems: frozenset[Uuid4], kind: DocumentKind, attentions: Iterable[Role]
) -> frozenset[Uuid4]:
    """The party's systems that receive a document; every system of the party where no route says otherwise.

    For each attention the most precise matching routes count. A route to a system the party no longer has is void.
    """
    usable = [route for route in routes if route.system_id in systems]
    receivers: set[Uuid4] = set()
    for role in attentions:
        matching = [route for route in usable if route.matches(kind, role)]
        if not matching:
            return systems
        best = max(route.precision for route in matching)
        receivers.update(route.system_id for route in matching if route.precision == best)
    return frozenset(receivers) or systems

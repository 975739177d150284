"""Who may do what: operations, who may call them on whose objects, and the mandates by which systems act.

Everything that is not listed is denied. An object of a foreign party is answered as if it did not exist.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, unique
from typing import Final

from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError, TrustError
from gateway.domain.identifiers import Cvr, PartyId, Uuid4
from gateway.domain.kinds import DocumentKind


@unique
class Operation(Enum):
    """What a system may ask of the municipality service and the institution service."""

    SEND_LETTER = "SendLetter"
    SEND_NOTICE = "SendNotice"
    GET_STATUS = "GetStatus"
    GET_EVIDENCE = "GetEvidence"
    LIST_EVENTS = "ListEvents"
    LIST_INBOX = "ListInbox"
    RETRIEVE = "Retrieve"
    CONFIRM_HANDOVER = "ConfirmHandover"
    REGISTER_READ = "RegisterRead"
    WITHDRAW_DOCUMENT = "WithdrawDocument"
    FIND_PARTY = "FindParty"
    PING = "Ping"


@unique
class Actor(Enum):
    """The sort of party on whose behalf a system calls."""

    MUNICIPALITY = "MUNICIPALITY"
    INSTITUTION = "INSTITUTION"

    @staticmethod
    def of(party: PartyId) -> Actor:
        """The sort of this party."""
        return Actor.MUNICIPALITY if party.is_municipality else Actor.INSTITUTION


@unique
class Owner(Enum):
    """What the acting party is to the object of a call."""

    SENDER = "SENDER"
    RECIPIENT = "RECIPIENT"
    SELF = "SELF"  # the object is the party's own list: inbox or events
    ANY = "ANY"  # public among the parties: the directory, the echo


@dataclass(frozen=True)
class Permission:
    """Who may call an operation, on objects it owns how, and whether only for a party it has a mandate for."""

    actors: frozenset[Actor]
    owners: frozenset[Owner]
    needs_party: bool


_BOTH: Final = frozenset(Actor)
_MUNICIPALITY: Final = frozenset({Actor.MUNICIPALITY})


def _may(actors: frozenset[Actor], *owners: Owner, needs_party: bool = True) -> Permission:
    return Permission(actors, frozenset(owners), needs_party)


PERMISSIONS: Final = {
    Operation.SEND_LETTER: _may(_MUNICIPALITY, Owner.SENDER),
    Operation.SEND_NOTICE: _may(_BOTH, Owner.SENDER),
    Operation.GET_STATUS: _may(_BOTH, Owner.SENDER, Owner.RECIPIENT),
    Operation.GET_EVIDENCE: _may(_BOTH, Owner.SENDER, Owner.RECIPIENT),
    Operation.LIST_EVENTS: _may(_BOTH, Owner.SELF),
    Operation.LIST_INBOX: _may(_BOTH, Owner.SELF),
    Operation.RETRIEVE: _may(_BOTH, Owner.RECIPIENT),
    Operation.CONFIRM_HANDOVER: _may(_BOTH, Owner.RECIPIENT),
    Operation.REGISTER_READ: _may(_BOTH, Owner.RECIPIENT),
    Operation.WITHDRAW_DOCUMENT: _may(_BOTH, Owner.SENDER),
    Operation.FIND_PARTY: _may(_BOTH, Owner.ANY),
    Operation.PING: _may(_BOTH, Owner.ANY, needs_party=False),
}
"""The whole table: operation x sort of party x owner of the object. What is not here is denied."""


@dataclass(frozen=True)
class Mandate:
    """A party's leave for a system to act for it."""

    id: Uuid4
    system_id: Uuid4
    party_id: PartyId
    operations: frozenset[Operation]
    kinds: frozenset[DocumentKind]  # for sending and withdrawing; reading is not limited by kind
    valid_from: datetime  # zoned UTC
    valid_until: datetime | None  # zoned UTC, excluded
    approved_by: str  # who approved at the party, as its own user id

    def covers(
        self,
        system_id: Uuid4,
        party_id: PartyId,
        operation: Operation,
        kind: DocumentKind | None,
        at: datetime,
    ) -> bool:
        """Whether it lets this system do this for this party at this time."""
        return (
            self.system_id == system_id
            and self.party_id == party_id
            and operation in self.operations
            and (kind is None or kind in self.kinds)
            and self.valid_from <= at
            and (self.valid_until is None or at < self.valid_until)
        )


@dataclass(frozen=True)
class Authority:
    """By what right a system acts for a party: a mandate, or (None) because its certificate is the party's own."""

    system_id: Uuid4
    party_id: PartyId
    mandate_id: Uuid4 | None


def decide(
    *,
    system_id: Uuid4,
    certificate_cvr: Cvr,
    party_id: PartyId,
    parties_of_cvr: frozenset[PartyId],
    operation: Operation,
    kind: DocumentKind | None,
    mandates: Iterable[Mandate],
    at: datetime,
) -> Authority | None:
    """The right by which the system may do this for the party, or None: then it may not.

    `parties_of_cvr` are the registered parties with the certificate's CVR number. Several may share one (a
    municipality and its STU school): then the number alone names none of them, and each needs a mandate.
    """
    if Actor.of(party_id) not in PERMISSIONS[operation].actors:
        return None
    for mandate in mandates:
        if mandate.covers(system_id, party_id, operation, kind, at):
            return Authority(system_id, party_id, mandate.id)
    if party_id.cvr == certificate_cvr and parties_of_cvr == {party_id}:
        return Authority(system_id, party_id, None)
    return None


def require_authority(decision: Authority | None, operation: Operation) -> Authority:
    """The right that was found. TrustError MANDATE_MISSING if there is none."""
    if decision is None:
        raise TrustError(Code.MANDATE_MISSING, operation=operation.value)
    return decision


def owners_of(party_id: PartyId, sender: PartyId, recipient: PartyId) -> frozenset[Owner]:
    """What a party is to a document between these two."""
    roles = {Owner.SENDER: sender, Owner.RECIPIENT: recipient}
    return frozenset(owner for owner, party in roles.items() if party == party_id)


def require_owner(operation: Operation, owners: frozenset[Owner]) -> None:
    """Nothing, if the operation may be done on an object owned so. InputError NOT_FOUND otherwise, as if unknown."""
    if not PERMISSIONS[operation].owners & owners:
        raise InputError(Code.NOT_FOUND)

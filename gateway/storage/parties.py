"""Parties: who takes part, whom to reach there, and which of its systems receives what."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import Final

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from gateway.domain.identifiers import Cvr, PartyId, Uuid4
from gateway.domain.kinds import DocumentKind
from gateway.domain.party import Contact, Party, Role, Route
from gateway.storage.columns import day_or_none, text_or_none, words
from gateway.storage.columns import party_id as party_id_of
from gateway.storage.prepared import Prepared, Values
from gateway.storage.tables import contact, party, route

_CHANGEABLE: Final = (
    "name",
    "folded_name",
    "p_number",
    "receives",
    "gateway_may_seal",
    "cooperation_decided",
    "closing_days",
)
_CELLS = (
    party.c.party,
    party.c.name,
    party.c.p_number,
    party.c.receives,
    party.c.gateway_may_seal,
    party.c.cooperation_decided,
    party.c.closing_days,
)
_CONTACT_COLUMNS: Final = ("role", "name", "unit", "phone", "email", "valid_from", "valid_to")

_INSERT = Prepared(insert(party), "party", "cvr", "unit", *_CHANGEABLE)
_UPDATE = Prepared(
    update(party)
    .where(party.c.party == bindparam("this_party"))
    .values({name: bindparam(f"new_{name}") for name in _CHANGEABLE}),
    "this_party",
    *(f"new_{name}" for name in _CHANGEABLE),
)
_FIND = Prepared(select(*_CELLS).where(party.c.party == bindparam("party")), "party")
_OF_CVR = Prepared(select(party.c.party).where(party.c.cvr == bindparam("cvr")), "cvr")
_INSERT_CONTACT = Prepared(insert(contact), "party", *_CONTACT_COLUMNS)
_DELETE_CONTACTS = Prepared(delete(contact).where(contact.c.party == bindparam("party")), "party")
_CONTACTS = Prepared(
    select(*(contact.c[name] for name in _CONTACT_COLUMNS))
    .where(contact.c.party == bindparam("party"))
    .order_by(contact.c.key),
    "party",
)
_INSERT_ROUTE = Prepared(insert(route), "party", "system_id", "kind", "role")
_DELETE_ROUTES = Prepared(delete(route).where(route.c.party == bindparam("party")), "party")
_ROUTES = Prepared(
    select(route.c.system_id, route.c.kind, route.c.role)
    .where(route.c.party == bindparam("party"))
    .order_by(route.c.key),
    "party",
)


def add_party(connection: Connection, new: Party) -> None:
    """Register a party with its contacts."""
    _INSERT.run(connection, str(new.id), new.id.cvr.text, new.id.unit, *_changeable(new))
    _insert_contacts(connection, new)


def update_party(connection: Connection, changed: Party) -> bool:
    """Replace what is known of a party, its contacts included. False if it is not registered."""
    if _UPDATE.run(connection, str(changed.id), *_changeable(changed)) == 0:
        return False
    _DELETE_CONTACTS.run(connection, str(changed.id))
    _insert_contacts(connection, changed)
    return True


def find_party(connection: Connection, party_id: PartyId) -> Party | None:
    """The party of this id, or None."""
    row = _FIND.one(connection, str(party_id))
    return None if row is None else _party(connection, row)


def parties_of_cvr(connection: Connection, cvr: Cvr) -> frozenset[PartyId]:
    """The registered parties that share a CVR number."""
    return frozenset(party_id_of(row[0]) for row in _OF_CVR.all(connection, cvr.text))


def search_parties(
    connection: Connection,
    *,
    cvr: Cvr | None = None,
    unit: str | None = None,
    name: str | None = None,
    limit: int,
) -> tuple[Party, ...]:
    """The parties that fit all that is given, by name, at most `limit`; `name` is a part of it, in any case."""
    query = select(*_CELLS).order_by(party.c.folded_name, party.c.party).limit(limit)
    if cvr is not None:
        query = query.where(party.c.cvr == cvr.text)
    if unit is not None:
        query = query.where(party.c.unit == unit)
    if name is not None:
        query = query.where(party.c.folded_name.contains(name.casefold(), autoescape=True))
    return tuple(_party(connection, tuple(row)) for row in connection.execute(query).all())


def list_parties(connection: Connection) -> tuple[Party, ...]:
    """All parties, by id."""
    query = select(*_CELLS).order_by(party.c.party)
    return tuple(_party(connection, tuple(row)) for row in connection.execute(query).all())


def set_routes(connection: Connection, party_id: PartyId, routes: Sequence[Route]) -> None:
    """Replace the routes of a party."""
    _DELETE_ROUTES.run(connection, str(party_id))
    _INSERT_ROUTE.run_many(
        connection,
        [
            (
                str(party_id),
                each.system_id.text,
                None if each.kind is None else each.kind.value,
                None if each.role is None else each.role.value,
            )
            for each in routes
        ],
    )


def routes_of(connection: Connection, party_id: PartyId) -> tuple[Route, ...]:
    """The routes of a party, in the order they were given."""
    return tuple(
        Route(
            Uuid4(system_id),
            None if kind is None else DocumentKind(kind),
            None if role is None else Role(role),
        )
        for system_id, kind, role in _ROUTES.all(connection, str(party_id))
    )


@lru_cache(maxsize=1024)
def kinds_of(text: str) -> frozenset[DocumentKind]:
    """The kinds of a column of words."""
    return frozenset(map(DocumentKind, text.split()))


def _changeable(value: Party) -> tuple[str | int | None, ...]:
    return (
        value.name,
        value.name.casefold(),
        value.p_number,
        words(sorted(kind.value for kind in value.receives)),
        int(value.gateway_may_seal),
        int(value.cooperation_decided),
        words(sorted(map(str, value.closing_days))),
    )


def _insert_contacts(connection: Connection, value: Party) -> None:
    _INSERT_CONTACT.run_many(
        connection,
        [
            (
                str(value.id),
                each.role.value,
                each.name,
                each.unit,
                each.phone,
                each.email,
                text_or_none(each.valid_from),
                text_or_none(each.valid_to),
            )
            for each in value.contacts
        ],
    )


def _party(connection: Connection, row: Values) -> Party:
    text, name, p_number, receives, gateway_may_seal, cooperation_decided, closing_days = row
    return Party(
        id=party_id_of(text),
        name=name,
        receives=kinds_of(receives),
        p_number=p_number,
        gateway_may_seal=bool(gateway_may_seal),
        cooperation_decided=bool(cooperation_decided),
        closing_days=frozenset(map(date.fromisoformat, closing_days.split())),
        contacts=tuple(_contact(each) for each in _CONTACTS.all(connection, text)),
    )


def _contact(row: Values) -> Contact:
    role, name, unit, phone, email, valid_from, valid_to = row
    return Contact(Role(role), name, unit, phone, email, day_or_none(valid_from), day_or_none(valid_to))

"""The inbox: what waits for a party, as one of its systems sees it, at a cost that does not grow with what lies there.

A list looks at the deliveries in their order, a bounded number at a time, each by its keys: what a statement costs does
not hang on what a planner knows of the tables. A mark for each system stands before the first delivery that waits for
it, so that no list looks again at what came before. What is not routed to a system is passed too; so the mark says by
which routes it was set, and counts only while they hold: routes change, mandates end. docs/decisions/0027.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Connection,
    Select,
    Text,
    bindparam,
    insert,
    literal_column,
    select,
    tuple_,
    update,
)

from gateway.domain.identifiers import PartyId, Uuid4
from gateway.domain.kinds import DocumentKind
from gateway.domain.operations import InboxAttention
from gateway.domain.party import Role, Route, receiving_systems
from gateway.storage.columns import attention_of, day_or_none, instant, instant_or_none, party_id
from gateway.storage.exclusion import require_alone
from gateway.storage.parties import routes_of
from gateway.storage.prepared import Prepared
from gateway.storage.tables_documents import delivery, document, handover, inbox_mark, withdrawal

LOOKED_AT_MOST: Final = 2_000  # deliveries in one list: some 20 ms
_BATCH: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxRow:
    """A line of an inbox as one system sees it. It names no young person."""

    inbox_seq: int
    document_key: int
    document_id: Uuid4
    conversation_id: Uuid4
    kind: DocumentKind
    sender: PartyId
    attention: tuple[InboxAttention, ...]
    available_at: datetime
    attachment_count: int
    reply_due: date | None
    subject_protected: bool
    handed_over_at: datetime | None  # to this system
    read_at: datetime | None


@dataclass(frozen=True, slots=True)
class Passed:
    """Up to which place of the inbox nothing waits for a system, as long as the party's routes are these."""

    through_seq: int
    routing: bytes  # digest of the routes


@dataclass(frozen=True, slots=True)
class InboxPage:
    """A page of an inbox. With `has_more` it may be short, or even empty: the next one goes on."""

    rows: tuple[InboxRow, ...]
    through_seq: int  # the place after which the next page begins
    has_more: bool
    passed: Passed | None  # what `pass_over` may note; None: nothing new


_PARTY: Final = bindparam("party", type_=Text)
_SYSTEM: Final = bindparam("system_id", type_=Text)
_OF_DELIVERY: Final = document.c.key == delivery.c.document_key


def _window(dialect: str, *, unread_only: bool) -> Prepared:
    """The next deliveries to a party; with each, by its key, what decides whether it waits for a system.

    Each database is asked in the words for which it goes through the party's deliveries alone, and no further back than
    from the place. PostgreSQL might take the index of all parties' places for "recipient = party"; SQLite reads
    "(recipient, place) > (party, after)" as "recipient >= party" where the place is the table's own key.
    """
    place = bindparam("after", type_=BigInteger)
    if dialect == "postgresql":
        following = tuple_(delivery.c.recipient, delivery.c.inbox_seq) > tuple_(_PARTY, place)
        of_party = delivery.c.recipient <= _PARTY
    else:
        following, of_party = delivery.c.inbox_seq > place, delivery.c.recipient == _PARTY
    query: Select[Any] = (
        select(
            delivery.c.inbox_seq,
            delivery.c.document_key,
            delivery.c.available_at,
            delivery.c.read_at,
            select(document.c.kind).where(_OF_DELIVERY).scalar_subquery(),
            select(document.c.attention).where(_OF_DELIVERY).scalar_subquery(),
            select(handover.c.at)
            .where(handover.c.document_key == delivery.c.document_key, handover.c.system_id == _SYSTEM)
            .scalar_subquery(),
            select(withdrawal.c.at)
            .where(withdrawal.c.document_key == delivery.c.document_key)
            .scalar_subquery(),
        )
        .where(following, of_party)
        .order_by(delivery.c.recipient, delivery.c.inbox_seq)
        .limit(literal_column(str(_BATCH)))
    )
    if unread_only:
        query = query.where(delivery.c.read_at.is_(None))
    return Prepared(query, "party", "system_id", "after")


_WINDOWS: Final = {
    (dialect, unread): _window(dialect, unread_only=unread)
    for dialect in ("sqlite", "postgresql")
    for unread in (True, False)
}
_LINE = Prepared(
    select(
        document.c.document_id,
        document.c.conversation_id,
        document.c.sender,
        document.c.attachment_count,
        document.c.reply_due,
        document.c.subject_protected,
    ).where(document.c.key == bindparam("of_document")),
    "of_document",
)
_FIND_MARK = Prepared(
    select(inbox_mark.c.through_seq, inbox_mark.c.routing).where(
        inbox_mark.c.party == _PARTY, inbox_mark.c.system_id == _SYSTEM
    ),
    "party",
    "system_id",
)
_INSERT_MARK = Prepared(insert(inbox_mark), "through_seq", "routing", "party", "system_id")
_MOVE_MARK = Prepared(
    update(inbox_mark)
    .where(inbox_mark.c.party == _PARTY, inbox_mark.c.system_id == _SYSTEM)
    .values(through_seq=bindparam("new_seq"), routing=bindparam("new_routing")),
    "new_seq",
    "new_routing",
    "party",
    "system_id",
)


@dataclass(slots=True)
class _Routing:
    """Which of the party's systems receive what: by its routes to systems that act for it now."""

    routes: tuple[Route, ...]
    systems: frozenset[Uuid4]
    _known: dict[tuple[str, str], frozenset[Uuid4]] = field(default_factory=dict)

    @property
    def digest(self) -> bytes:
        """What stands for the routes that count: any change of who receives what changes it."""
        usable = (each for each in self.routes if each.system_id in self.systems)
        texts = sorted(f"{each.system_id}\n{each.kind}\n{each.role}\n" for each in usable)
        return hashlib.sha256("".join(texts).encode()).digest()

    def receivers(self, kind: str, attention: str) -> frozenset[Uuid4]:
        """The systems that receive a document, by the texts of its row."""
        known = self._known.get((kind, attention))
        if known is None:
            roles = [each.role for each in attention_of(attention)]
            known = receiving_systems(self.routes, self.systems, DocumentKind(kind), roles)
            self._known[kind, attention] = known
        return known


@dataclass(frozen=True, slots=True)
class _Look:
    """One delivery that a list looks at, as its texts and numbers stand in the rows."""

    seq: int
    document_key: int
    available_at: int
    read_at: int | None
    kind: str
    attention: str
    handed_over_at: int | None  # to the system that asks
    withdrawn_at: int | None

    def fits(self, kind: DocumentKind | None, role: Role | None) -> bool:
        """Whether it is of this kind and for the attention of this role."""
        if kind is not None and self.kind != kind.value:
            return False
        return role is None or any(each.role is role for each in attention_of(self.attention))

    def row(self, connection: Connection) -> InboxRow:
        """Its line in the inbox."""
        found = _LINE.one(connection, self.document_key)
        assert found is not None, "a delivered document is never removed"
        document_id, conversation_id, sender, attachment_count, reply_due, subject_protected = found
        return InboxRow(
            inbox_seq=self.seq,
            document_key=self.document_key,
            document_id=Uuid4(document_id),
            conversation_id=Uuid4(conversation_id),
            kind=DocumentKind(self.kind),
            sender=party_id(sender),
            attention=attention_of(self.attention),
            available_at=instant(self.available_at),
            attachment_count=attachment_count,
            reply_due=day_or_none(reply_due),
            subject_protected=bool(subject_protected),
            handed_over_at=instant_or_none(self.handed_over_at),
            read_at=instant_or_none(self.read_at),
        )


def inbox_page(
    connection: Connection,
    party: PartyId,
    *,
    system_id: Uuid4,
    systems: frozenset[Uuid4],
    limit: int,
    after_seq: int = 0,
    role: Role | None = None,
    kind: DocumentKind | None = None,
    unread_only: bool = False,
    waiting_only: bool = True,
) -> InboxPage:
    """What a party's inbox holds for one of its systems after place `after_seq`, the oldest first, at most `limit`.

    What its sender withdrew is in no inbox any more. `systems` are those that act for the party now
    (`systems_of_party`): the party's routes say which of them receives what. `role` and `kind` narrow the list; with
    `waiting_only`, what this system was handed over is left out. At most LOOKED_AT_MOST deliveries are looked at.
    """
    if system_id not in systems:
        return InboxPage((), after_seq, False, None)
    routing = _Routing(routes_of(connection, party), systems)
    digest = routing.digest
    mark = _mark(connection, party, system_id, digest) if waiting_only else 0
    at = max(after_seq, mark)
    is_passing = waiting_only and after_seq <= mark  # from the mark on, without a gap
    passed, looked_at, shown = mark, 0, list[_Look]()

    def page(*, has_more: bool) -> InboxPage:
        last = shown[-1].seq if shown else after_seq
        rows = tuple(each.row(connection) for each in shown)
        new = Passed(passed, digest) if passed > mark else None
        return InboxPage(rows, at if has_more else last, has_more, new)

    while looked_at < LOOKED_AT_MOST:
        batch = _WINDOWS[connection.dialect.name, unread_only].all(connection, str(party), system_id.text, at)
        for look in (_Look(*each) for each in batch):
            looked_at += 1
            is_over = look.withdrawn_at is not None or (waiting_only and look.handed_over_at is not None)
            waits = not is_over and system_id in routing.receivers(look.kind, look.attention)
            is_passing = is_passing and not waits
            if waits and look.fits(kind, role):
                if len(shown) == limit:
                    return page(has_more=True)
                shown.append(look)
            at = look.seq
            if is_passing:
                passed = at
        if len(batch) < _BATCH:
            return page(has_more=False)
    return page(has_more=True)


def pass_over(connection: Connection, party: PartyId, system_id: Uuid4, passed: Passed) -> None:
    """Set a system's mark, so that its next lists begin there."""
    require_alone(connection, party)
    names = str(party), system_id.text
    row = _FIND_MARK.one(connection, *names)
    if row is None:
        _INSERT_MARK.run(connection, passed.through_seq, passed.routing, *names)
    elif row[0] < passed.through_seq or row[1] != passed.routing:
        _MOVE_MARK.run(connection, passed.through_seq, passed.routing, *names)


def _mark(connection: Connection, party: PartyId, system_id: Uuid4, routing: bytes) -> int:
    """Up to where nothing waits for a system, by these routes. One without routes passed only what was handed over."""
    row = _FIND_MARK.one(connection, str(party), system_id.text)
    return row[0] if row is not None and row[1] in (None, routing) else 0

"""Events: what happened to documents, in the order it was recorded, once for each party whose stream shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Integer, Text, bindparam, insert, select

from gateway.domain.evidence import EventReason, ReasonCode
from gateway.domain.identifiers import PartyId, Uuid4
from gateway.domain.status import AnswerCode, Standing
from gateway.storage.columns import instant, millis, party_id, text_or_none, uuid_or_none, words
from gateway.storage.exclusion import require_alone
from gateway.storage.prepared import Prepared, Values
from gateway.storage.tables_documents import document, event


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvent:
    """An event that is about to be recorded for one party; `at` is zoned UTC, by the issuer's clock."""

    event_id: Uuid4
    party: PartyId  # whose stream shows it
    kind: str  # a state, or another thing that happened; a code
    at: datetime
    standing: Standing
    issuer: str
    evidence_id: Uuid4 | None = None
    reasons: tuple[EventReason, ...] = ()
    answer: AnswerCode | None = None
    related: Uuid4 | None = None  # another document that it points to, such as the one that corrects this


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow(NewEvent):
    """An event as recorded. `seq` increases over the whole installation, for each party in the order of commits."""

    document_key: int
    seq: int


@dataclass(frozen=True, slots=True)
class StreamedEvent:
    """An event with the document it belongs to, as the list of a party's events shows it."""

    event: EventRow
    document_id: Uuid4
    conversation_id: Uuid4
    sender: PartyId
    recipient: PartyId


_COLUMNS: Final = (
    "event_id",
    "document_key",
    "party",
    "kind",
    "at",
    "standing",
    "issuer",
    "evidence_id",
    "reasons",
    "answer",
    "related_document_id",
)
_CELLS = (event.c.seq, *(event.c[name] for name in _COLUMNS))

_INSERT = Prepared(insert(event), *_COLUMNS)
_OF_DOCUMENT = Prepared(
    select(*_CELLS)
    .where(event.c.document_key == bindparam("document_key"), event.c.party == bindparam("party", type_=Text))
    .order_by(event.c.seq),
    "document_key",
    "party",
)
_POINTING = Prepared(
    select(event.c.document_key)
    .distinct()
    .where(
        event.c.related_document_id == bindparam("related"), event.c.party == bindparam("party", type_=Text)
    )
    .order_by(event.c.document_key),
    "related",
    "party",
)
_AFTER = Prepared(
    select(
        document.c.document_id, document.c.conversation_id, document.c.sender, document.c.recipient, *_CELLS
    )
    .join_from(event, document, event.c.document_key == document.c.key)
    .where(event.c.party == bindparam("party", type_=Text), event.c.seq > bindparam("seq"))
    .order_by(event.c.seq)
    .limit(bindparam("limit", type_=Integer)),
    "party",
    "seq",
    "limit",
)


def append_events(connection: Connection, document_key: int, events: Sequence[NewEvent]) -> None:
    """Record events of a document in their order; one that two parties may see is given once for each.

    The transaction must be alone with these parties: else a stream could show a later number before an earlier one.
    """
    require_alone(connection, *{each.party for each in events})
    _INSERT.run_many(
        connection,
        [
            (
                each.event_id.text,
                document_key,
                str(each.party),
                each.kind,
                millis(each.at),
                each.standing.value,
                each.issuer,
                text_or_none(each.evidence_id),
                words(map(_reason_text, each.reasons)),
                None if each.answer is None else each.answer.value,
                text_or_none(each.related),
            )
            for each in events
        ],
    )


def events_of(connection: Connection, document_key: int, party: PartyId) -> tuple[EventRow, ...]:
    """The events of a document that this party may see, in the order they were recorded."""
    return tuple(_event(row) for row in _OF_DOCUMENT.all(connection, document_key, str(party)))


def pointing_to(connection: Connection, party: PartyId, document_id: Uuid4) -> tuple[int, ...]:
    """The keys of the documents with events, told to this party, that point to a document of this id."""
    return tuple(row[0] for row in _POINTING.all(connection, document_id.text, str(party)))


def events_after(connection: Connection, party: PartyId, seq: int, limit: int) -> tuple[StreamedEvent, ...]:
    """The next events of a party's stream after `seq` (0: from the beginning), at most `limit`."""
    return tuple(
        StreamedEvent(_event(row[4:]), Uuid4(row[0]), Uuid4(row[1]), party_id(row[2]), party_id(row[3]))
        for row in _AFTER.all(connection, str(party), seq, limit)
    )


def _event(row: Values) -> EventRow:
    seq, event_id, document_key, party, kind, at, standing, issuer, evidence_id, reasons, answer, related = (
        row
    )
    return EventRow(
        seq=seq,
        event_id=Uuid4(event_id),
        document_key=document_key,
        party=party_id(party),
        kind=kind,
        at=instant(at),
        standing=Standing(standing),
        issuer=issuer,
        evidence_id=uuid_or_none(evidence_id),
        reasons=tuple(map(_reason, reasons.split())),
        answer=None if answer is None else AnswerCode(answer),
        related=uuid_or_none(related),
    )


def _reason_text(reason: EventReason) -> str:
    return reason.code.name if reason.detail is None else f"{reason.code.name}={reason.detail}"


def _reason(text: str) -> EventReason:
    code, given, detail = text.partition("=")
    return EventReason(ReasonCode[code], detail if given else None)

"""Events and evidence come back in the order they were recorded, to whom they belong."""

from __future__ import annotations

import sqlite3
from dataclasses import asdict, replace

from sqlalchemy import Connection

from gateway.domain.catalogue import Code
from gateway.domain.evidence import EventReason, EvidenceEvent, ReasonCode
from gateway.domain.identifiers import Uuid4
from gateway.domain.status import AnswerCode, Standing
from gateway.storage import documents, events, evidence, refusals
from gateway.storage.database import Database
from gateway.storage.evidence import NewEvidence
from gateway.storage.refusals import RefusalRow
from tests.storage.samples import (
    MINUTE,
    MUNICIPALITY,
    NOON,
    SCHOOL,
    STRANGER,
    SYSTEM,
    deliver,
    digest,
    new_document,
    new_event,
)


def test_an_event_comes_back_as_it_was_recorded(database: Database) -> None:
    with database.alone() as connection:
        key = deliver(connection)
        new = replace(
            new_event(MUNICIPALITY, "ANSWERED"),
            standing=Standing.ASSERTED,
            evidence_id=Uuid4.new(),
            reasons=(EventReason(ReasonCode.OTHER, "HTTP=500"), EventReason(ReasonCode.REFUSED)),
            answer=AnswerCode.DECLINED,
        )
        events.append_events(connection, key, [new])
        (found,) = events.events_of(connection, key, MUNICIPALITY)
    assert asdict(found) == {**asdict(new), "document_key": key, "seq": found.seq}


def test_each_party_sees_its_own_stream_of_events(database: Database) -> None:
    with database.alone() as connection:
        key = deliver(connection)
        for party, kind in ((MUNICIPALITY, "ACCEPTED"), (SCHOOL, "AVAILABLE"), (MUNICIPALITY, "READ")):
            events.append_events(connection, key, [new_event(party, kind)])
        kinds = {
            party: [each.kind for each in events.events_of(connection, key, party)]
            for party in (MUNICIPALITY, SCHOOL, STRANGER)
        }
        assert kinds == {MUNICIPALITY: ["ACCEPTED", "READ"], SCHOOL: ["AVAILABLE"], STRANGER: []}
        assert events.events_after(connection, STRANGER, 0, 10) == ()


def steps_to_find(connection: Connection, document_key: int) -> int:
    """How many instructions SQLite takes to find the events of a document."""
    driver = connection.connection.dbapi_connection
    assert isinstance(driver, sqlite3.Connection)
    steps: list[None] = []
    driver.set_progress_handler(lambda: steps.append(None), 1)
    found = events.events_of(connection, document_key, MUNICIPALITY)
    driver.set_progress_handler(None, 0)
    assert len(found) == 1
    return len(steps)


def test_the_events_of_a_document_are_found_as_soon_among_many_as_among_few(sqlite: Database) -> None:
    with sqlite.alone() as connection:
        key = documents.insert_document(connection, new_document(), [])
        other = documents.insert_document(connection, new_document(), [])
        events.append_events(connection, key, [new_event(MUNICIPALITY, "ACCEPTED")])
        among_few = steps_to_find(connection, key)
        events.append_events(connection, other, [new_event(MUNICIPALITY, "ACCEPTED") for _ in range(1000)])
        assert steps_to_find(connection, key) < 2 * among_few


def test_a_stream_goes_on_after_the_last_event_seen(database: Database) -> None:
    new = new_document()
    with database.alone() as connection:
        key = documents.insert_document(connection, new, [])
        events.append_events(connection, key, [new_event(MUNICIPALITY, kind) for kind in ("A", "B", "C")])
        first = events.events_after(connection, MUNICIPALITY, 0, 2)
        rest = events.events_after(connection, MUNICIPALITY, first[-1].event.seq, 2)
        assert [each.event.kind for each in first + rest] == ["A", "B", "C"]
        assert first[0].document_id == new.document_id
        assert first[0].conversation_id == new.conversation_id
        assert (first[0].sender, first[0].recipient) == (MUNICIPALITY, SCHOOL)


def test_a_place_in_the_stream_is_never_given_twice(database: Database) -> None:
    """Else a client that holds a cursor would never see the event that took the place."""
    with database.alone() as connection:
        key = deliver(connection)
        events.append_events(connection, key, [new_event(SCHOOL)])
        (erased,) = events.events_after(connection, SCHOOL, 0, 10)
        connection.exec_driver_sql("DELETE FROM event")
        events.append_events(connection, key, [new_event(SCHOOL)])
        (later,) = events.events_after(connection, SCHOOL, 0, 10)
    assert later.event.seq > erased.event.seq


def test_evidence_comes_back_octet_for_octet_in_its_order(database: Database) -> None:
    with database.alone() as connection:
        key = deliver(connection)
        new = [
            NewEvidence(
                evidence_id=Uuid4.new(),
                event=kind,
                at=NOON + minutes * MINUTE,
                octets=kind.value.encode(),
                log_party=MUNICIPALITY,
                log_entry_id=Uuid4.new(),
            )
            for minutes, kind in enumerate(
                (EvidenceEvent.SUBMISSION_ACCEPTANCE, EvidenceEvent.CONTENT_HANDOVER)
            )
        ]
        evidence.insert_evidence(connection, key, *new)
        rows = evidence.evidence_of(connection, key)
        assert [asdict(row) for row in rows] == [{**asdict(each), "document_key": key} for each in new]
        assert evidence.find_evidence(connection, rows[1].evidence_id) == rows[1]
        assert evidence.find_evidence(connection, Uuid4.new()) is None


def test_a_refusal_keeps_its_record_and_nothing_else(database: Database) -> None:
    row = RefusalRow(
        Uuid4.new(),
        NOON,
        SYSTEM,
        MUNICIPALITY,
        "urn:uuid:1",
        digest("request"),
        Code.RULES_BROKEN,
        b"<Rejection/>",
    )
    bare = RefusalRow(Uuid4.new(), NOON, SYSTEM, None, None, digest("other"), Code.MANDATE_MISSING, None)
    with database.alone() as connection:
        refusals.insert_refusal(connection, row)
        refusals.insert_refusal(connection, bare)
        assert refusals.find_refusal(connection, row.refusal_id) == row
        assert refusals.find_refusal(connection, Uuid4.new()) is None
        assert refusals.latest_refusals(connection, 10) == (bare, row)
        assert connection.exec_driver_sql("SELECT count(*) FROM document").scalar_one() == 0

"""The inbox shows each system of a party what waits for it, until that system has stored it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
from sqlalchemy import Connection

from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError
from gateway.domain.identifiers import Cvr, PartyId, Uuid4
from gateway.domain.kinds import DocumentKind
from gateway.domain.operations import InboxAttention
from gateway.domain.party import Role, Route
from gateway.storage import deliveries, documents, parties, systems
from gateway.storage.database import Database
from gateway.storage.deliveries import HandoverRow, InboxRow, ReadingRow
from tests.storage.samples import (
    COUNSELLOR,
    MINUTE,
    MUNICIPALITY,
    NOON,
    OTHER_SYSTEM,
    SCHOOL,
    STRANGER,
    SYSTEM,
    add_parties,
    deliver,
    digest,
    new_document,
)

BOTH = frozenset({SYSTEM, OTHER_SYSTEM})
EVIDENCE = Uuid4("3eaf4c6b-6c8e-4f9d-8a41-8d5e1f708192")
FOR_TEACHER = (InboxAttention(Role.TEACHER),)


def _page(
    connection: Connection,
    *,
    party: PartyId = SCHOOL,
    system: Uuid4 = SYSTEM,
    after_seq: int = 0,
    role: Role | None = None,
    kind: DocumentKind | None = None,
    unread_only: bool = False,
    waiting_only: bool = True,
) -> list[int]:
    rows = deliveries.inbox_page(
        connection,
        party,
        system_id=system,
        systems=BOTH,
        limit=100,
        after_seq=after_seq,
        role=role,
        kind=kind,
        unread_only=unread_only,
        waiting_only=waiting_only,
    )
    return [row.document_key for row in rows]


def _stored(system: Uuid4, at: datetime) -> HandoverRow:
    return HandoverRow(system, at, EVIDENCE)


def _read(role: Role = Role.TEACHER) -> ReadingRow:
    return ReadingRow(
        role=role,
        at=NOON + MINUTE,
        system_id=SYSTEM,
        reader_name=b"encrypted",
        request_digest=digest("request"),
        request_blob="blob",
        evidence_id=EVIDENCE,
    )


def test_a_line_tells_what_the_inbox_needs(database: Database) -> None:
    new = new_document()
    with database.transaction() as connection:
        key = deliver(connection, new)
        rows = deliveries.inbox_page(connection, SCHOOL, system_id=SYSTEM, systems=BOTH, limit=1)
    assert rows == (
        InboxRow(
            inbox_seq=1,
            document_key=key,
            document_id=new.document_id,
            conversation_id=new.conversation_id,
            kind=new.kind,
            sender=MUNICIPALITY,
            attention=new.attention,
            available_at=NOON,
            attachment_count=0,
            reply_due=new.reply_due,
            subject_protected=True,
            handed_over_at=None,
            read_at=None,
        ),
    )


def test_nothing_disappears_by_being_listed(database: Database) -> None:
    with database.transaction() as connection:
        keys = [deliver(connection) for _ in range(3)]
        assert _page(connection) == keys
        assert _page(connection) == keys


def test_pages_go_on_where_the_last_one_ended(database: Database) -> None:
    with database.transaction() as connection:
        keys = [deliver(connection) for _ in range(5)]
        first = deliveries.inbox_page(connection, SCHOOL, system_id=SYSTEM, systems=BOTH, limit=3)
        assert [row.document_key for row in first] == keys[:3]
        assert _page(connection, after_seq=first[-1].inbox_seq) == keys[3:]


def test_an_inbox_is_the_recipients_alone(database: Database) -> None:
    with database.transaction() as connection:
        key = deliver(connection)
        for party in (MUNICIPALITY, STRANGER):
            assert _page(connection, party=party) == []
            assert deliveries.find_delivery(connection, party, key) is None
            with pytest.raises(InputError) as handover:
                deliveries.record_handover(connection, party, key, _stored(SYSTEM, NOON))
            with pytest.raises(InputError) as read:
                deliveries.record_read(connection, party, key, _read())
            assert handover.value.code is read.value.code is Code.NOT_FOUND
        assert deliveries.handed_over_to(connection, key) == ()


def test_a_system_that_does_not_act_for_the_party_receives_nothing(database: Database) -> None:
    with database.transaction() as connection:
        deliver(connection)
        assert _page(connection, system=Uuid4.new()) == []


def test_a_document_waits_for_each_system_until_that_one_has_stored_it(database: Database) -> None:
    with database.transaction() as connection:
        keys = [deliver(connection) for _ in range(3)]
        assert deliveries.record_handover(connection, SCHOOL, keys[1], _stored(SYSTEM, NOON))
        assert _page(connection) == [keys[0], keys[2]]
        assert _page(connection, system=OTHER_SYSTEM) == keys
        assert _page(connection, waiting_only=False) == keys
        assert deliveries.record_handover(connection, SCHOOL, keys[0], _stored(SYSTEM, NOON))
        assert _page(connection) == [keys[2]]
        assert deliveries.record_handover(connection, SCHOOL, keys[2], _stored(SYSTEM, NOON))
        assert _page(connection) == []
        later = deliver(connection)
        assert _page(connection) == [later]
        assert _page(connection, system=OTHER_SYSTEM) == [*keys, later]


def test_a_hand_over_counts_once_for_each_system(database: Database) -> None:
    with database.transaction() as connection:
        key = deliver(connection)
        told = [
            deliveries.record_handover(connection, SCHOOL, key, _stored(system, NOON + minutes * MINUTE))
            for minutes, system in enumerate((SYSTEM, SYSTEM, OTHER_SYSTEM))
        ]
        assert told == [True, False, True]
        first, second = deliveries.handed_over_to(connection, key)
        assert (first.system_id, first.at) == (SYSTEM, NOON)
        assert (second.system_id, second.at) == (OTHER_SYSTEM, NOON + 2 * MINUTE)
        delivery = deliveries.find_delivery(connection, SCHOOL, key)
        assert delivery is not None
        assert delivery.handed_over_at == NOON


def test_a_reading_counts_once_for_each_role_and_is_kept_with_its_request(database: Database) -> None:
    with database.transaction() as connection:
        key, unread = deliver(connection), deliver(connection)
        told = [
            deliveries.record_read(connection, SCHOOL, key, _read(role))
            for role in (Role.TEACHER, Role.TEACHER, Role.MANAGER)
        ]
        assert told == [True, False, True]
        assert set(deliveries.readings_of(connection, key)) == {_read(), _read(Role.MANAGER)}
        delivery = deliveries.find_delivery(connection, SCHOOL, key)
        assert delivery is not None
        assert delivery.read_at == NOON + MINUTE
        assert _page(connection, unread_only=True) == [unread]


def test_a_list_is_narrowed_by_role_and_kind(database: Database) -> None:
    answer = DocumentKind.ANSWER_NOTICE
    with database.transaction() as connection:
        letter = deliver(connection, replace(new_document(), attention=(COUNSELLOR,)))
        note = deliver(connection, replace(new_document(), kind=answer, attention=FOR_TEACHER))
        assert _page(connection, role=Role.TEACHER) == [note]
        assert _page(connection, role=Role.STUDY_COUNSELLOR) == [letter]
        assert _page(connection, kind=answer) == [note]
        assert _page(connection, kind=answer, role=Role.MANAGER) == []


def test_routes_decide_which_system_receives_what_even_what_came_before_them(database: Database) -> None:
    with database.transaction() as connection:
        add_parties(connection)
        systems.add_system(connection, OTHER_SYSTEM, "Sagsprøve", Cvr("11111111"))
        teacher = deliver(connection, replace(new_document(), attention=FOR_TEACHER))
        counsellor = deliver(connection, replace(new_document(), attention=(COUNSELLOR,)))
        parties.set_routes(connection, SCHOOL, [Route(OTHER_SYSTEM, role=Role.TEACHER)])
        assert _page(connection) == [counsellor]
        assert _page(connection, system=OTHER_SYSTEM) == [teacher, counsellor]
        parties.set_routes(connection, SCHOOL, [])
        assert _page(connection) == [teacher, counsellor]


def test_a_page_is_found_behind_many_documents_of_others(database: Database) -> None:
    with database.transaction() as connection:
        add_parties(connection)
        systems.add_system(connection, OTHER_SYSTEM, "Sagsprøve", Cvr("11111111"))
        parties.set_routes(
            connection,
            SCHOOL,
            [Route(OTHER_SYSTEM, role=Role.TEACHER), Route(SYSTEM, role=Role.STUDY_COUNSELLOR)],
        )
        for _ in range(450):
            deliver(connection, replace(new_document(), attention=FOR_TEACHER))
        ours = deliver(connection, replace(new_document(), attention=(COUNSELLOR,)))
        assert _page(connection) == [ours]


def test_the_inbox_keeps_the_order_of_delivery_over_all_parties(database: Database) -> None:
    with database.transaction() as connection:
        seqs = []
        for sender in (MUNICIPALITY, SCHOOL, MUNICIPALITY):
            new = new_document(sender=sender)
            key = documents.insert_document(connection, new, [])
            seqs.append(deliveries.add_delivery(connection, key, new.recipient, NOON))
    assert seqs == sorted(set(seqs))

"""The inbox shows each system of a party what waits for it, until that system has stored it."""

from __future__ import annotations

from datetime import datetime

import pytest

from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError
from gateway.domain.identifiers import Uuid4
from gateway.domain.operations import InboxAttention
from gateway.domain.party import Role
from gateway.storage import deliveries, documents
from gateway.storage.database import Database
from gateway.storage.deliveries import HandoverRow, ReadingRow
from tests.storage.samples import (
    MINUTE,
    MUNICIPALITY,
    NOON,
    OTHER_SYSTEM,
    SCHOOL,
    STRANGER,
    SYSTEM,
    deliver,
    digest,
    new_document,
)

BOTH = frozenset({SYSTEM, OTHER_SYSTEM})
EVIDENCE = Uuid4("3eaf4c6b-6c8e-4f9d-8a41-8d5e1f708192")
FOR_TEACHER = (InboxAttention(Role.TEACHER),)


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


def test_a_delivery_is_the_recipients_alone(database: Database) -> None:
    with database.alone() as connection:
        key = deliver(connection)
        for party in (MUNICIPALITY, STRANGER):
            assert deliveries.find_delivery(connection, party, key) is None
            with pytest.raises(InputError) as handover:
                deliveries.record_handover(connection, party, key, _stored(SYSTEM, NOON))
            with pytest.raises(InputError) as read:
                deliveries.record_read(connection, party, key, _read())
            assert handover.value.code is read.value.code is Code.NOT_FOUND
        assert deliveries.handed_over_to(connection, key) == ()


def test_a_hand_over_counts_once_for_each_system(database: Database) -> None:
    with database.alone() as connection:
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
    with database.alone() as connection:
        key = deliver(connection)
        told = [
            deliveries.record_read(connection, SCHOOL, key, _read(role))
            for role in (Role.TEACHER, Role.TEACHER, Role.MANAGER)
        ]
        assert told == [True, False, True]
        assert set(deliveries.readings_of(connection, key)) == {_read(), _read(Role.MANAGER)}
        delivery = deliveries.find_delivery(connection, SCHOOL, key)
        assert delivery is not None
        assert delivery.read_at == NOON + MINUTE


def test_the_inbox_keeps_the_order_of_delivery_over_all_parties(database: Database) -> None:
    with database.alone() as connection:
        seqs = []
        for sender in (MUNICIPALITY, SCHOOL, MUNICIPALITY):
            new = new_document(sender=sender)
            key = documents.insert_document(connection, new, [])
            seqs.append(deliveries.add_delivery(connection, key, new.recipient, NOON))
    assert seqs == sorted(set(seqs))

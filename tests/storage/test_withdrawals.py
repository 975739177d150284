"""A withdrawal is noted once, and takes out of the store what it says it takes."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from gateway.domain.errors import InternalError
from gateway.domain.evidence import ReasonCode
from gateway.domain.identifiers import Uuid4
from gateway.storage import deliveries, documents, inbox, openings, outbox, withdrawals
from gateway.storage.blobs import INLINE_OCTETS, Blobs
from gateway.storage.database import Database
from gateway.storage.openings import Opening
from gateway.storage.withdrawals import WithdrawalRow
from tests.storage.samples import (
    MINUTE,
    MUNICIPALITY,
    NOON,
    SCHOOL,
    SYSTEM,
    add_parties,
    deliver,
)

LARGE = b"l" * (INLINE_OCTETS + 1)
ROW = WithdrawalRow(
    at=NOON,
    reason=ReasonCode.WRONG_SUBJECT,
    content_removed=True,
    evidence_id=Uuid4("3eaf4c6b-6c8e-4f9d-8a41-8d5e1f708192"),
    system_id=SYSTEM,
    request_blob="blob",
    wrapped_key=b"wrapped",
)


def listed(database: Database, *, waiting_only: bool, unread_only: bool) -> list[int]:
    """What the school's system sees in its inbox."""
    with database.read() as connection:
        page = inbox.inbox_page(
            connection,
            SCHOOL,
            system_id=SYSTEM,
            systems=frozenset({SYSTEM}),
            limit=10,
            unread_only=unread_only,
            waiting_only=waiting_only,
        )
    return [row.document_key for row in page.rows]


def test_a_withdrawal_comes_back_as_it_was_noted(database: Database) -> None:
    with database.alone() as connection:
        add_parties(connection)
        first, second = deliver(connection), deliver(connection)
        withdrawals.insert_withdrawal(connection, first, ROW)
    with database.read() as connection:
        assert withdrawals.find_withdrawal(connection, first) == ROW
        assert withdrawals.find_withdrawal(connection, second) is None


def test_a_document_is_withdrawn_once(database: Database) -> None:
    def twice() -> None:
        with database.alone() as connection:
            add_parties(connection)
            key = deliver(connection)
            withdrawals.insert_withdrawal(connection, key, ROW)
            withdrawals.insert_withdrawal(connection, key, ROW)

    with pytest.raises(InternalError) as refused:
        twice()
    assert isinstance(refused.value.__cause__, IntegrityError)


@pytest.mark.parametrize("waiting_only", [True, False])
@pytest.mark.parametrize("unread_only", [True, False])
def test_a_withdrawn_document_is_in_no_list(
    database: Database, waiting_only: bool, unread_only: bool
) -> None:
    with database.alone() as connection:
        add_parties(connection)
        keys = [deliver(connection) for _ in range(3)]
        withdrawals.insert_withdrawal(connection, keys[0], ROW)
    assert listed(database, waiting_only=waiting_only, unread_only=unread_only) == keys[1:]


def test_the_mark_of_an_inbox_passes_what_was_withdrawn(database: Database) -> None:
    with database.alone() as connection:
        add_parties(connection)
        first, second = deliver(connection), deliver(connection)
        withdrawals.insert_withdrawal(connection, first, ROW)
    with database.read() as connection:
        page = inbox.inbox_page(connection, SCHOOL, system_id=SYSTEM, systems=frozenset({SYSTEM}), limit=10)
        waiting = deliveries.find_delivery(connection, SCHOOL, second)
    assert waiting is not None
    assert page.passed is not None
    assert page.passed.through_seq == waiting.inbox_seq - 1


def test_nobody_holds_a_document_whose_keys_were_removed(database: Database) -> None:
    with database.alone() as connection:
        add_parties(connection)
        kept, gone = deliver(connection), deliver(connection)
        documents.add_data_key(connection, gone, SCHOOL, b"wrapped for the school")
        documents.remove_data_keys(connection, gone)
    with database.read() as connection:
        assert documents.wrapped_key_of(connection, kept, MUNICIPALITY) is not None
        for party in (MUNICIPALITY, SCHOOL):
            assert documents.wrapped_key_of(connection, gone, party) is None


def test_a_removed_blob_is_gone_and_its_file_is_discarded_afterwards(
    database: Database, tmp_path: Path
) -> None:
    blobs = Blobs(tmp_path / "blobs")
    with database.alone() as connection:
        large, small = blobs.put(connection, LARGE), blobs.put(connection, b"small")
        kept = blobs.put(connection, b"kept")
    with database.alone() as connection:
        blobs.remove(connection, [large, small])
    files = [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()]
    assert [path.name for path in files] == [large]  # until the transaction is sure to hold
    blobs.discard([large, small])
    assert not files[0].exists()
    with database.read() as connection:
        assert blobs.get(connection, kept) == b"kept"
        for name in (large, small):
            with pytest.raises(InternalError):
                blobs.get(connection, name)


def test_a_worker_whose_task_was_removed_has_lost_it(database: Database) -> None:
    with database.alone() as connection:
        add_parties(connection)
        key, other = deliver(connection), deliver(connection)
        outbox.enqueue(connection, "DELIVER", [key, other], NOON)
        held = outbox.claim(connection, "worker", NOON, 60)
    assert held is not None
    with database.alone() as connection:
        outbox.remove(connection, held.document_key)
        assert not outbox.complete(connection, held)
        left = outbox.claim(connection, "worker", NOON + MINUTE, 60)
    assert left is not None
    assert {held.document_key, left.document_key} == {key, other}


def test_an_erased_opening_is_gone(database: Database) -> None:
    kept, gone = (Opening(Uuid4.new(), b"wrapped", b"ciphertext") for _ in range(2))
    with database.alone() as connection:
        openings.put_openings(connection, kept, gone)
        openings.erase_opening(connection, gone.entry_id)
    with database.read() as connection:
        assert openings.find_opening(connection, kept.entry_id) == kept
        assert openings.find_opening(connection, gone.entry_id) is None

"""Whoever writes of a party is alone with it, so that its streams and logs grow in the order of commits."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from functools import partial

import pytest
from sqlalchemy import Connection

from gateway.domain.catalogue import Code
from gateway.domain.disclosure import LogOrigin
from gateway.domain.errors import InputError, TrustError, UnavailableError
from gateway.domain.identifiers import PartyId, Uuid4
from gateway.storage import deliveries, documents, events, log, outbox, replay, validation_material
from gateway.storage.database import Database
from tests import postgres
from tests.storage.samples import (
    MINUTE,
    MUNICIPALITY,
    NOON,
    SCHOOL,
    STRANGER,
    add_parties,
    digest,
    new_document,
    new_event,
)

ON_A_SERVER = [kind for kind in postgres.kinds() if kind == "postgresql"]
ROUNDS = 40


@pytest.fixture(params=ON_A_SERVER)
def two(postgresql_url: str) -> Generator[tuple[Database, Database]]:
    """One database as two processes have it; the second waits for nobody."""
    first, second = (Database.open(postgresql_url, busy_seconds=seconds) for seconds in (20, 0))
    with first.alone() as connection:
        add_parties(connection)
        for party in (MUNICIPALITY, SCHOOL, STRANGER):
            log.open_log(connection, LogOrigin(Uuid4.new(), party))
    yield first, second
    first.close()
    second.close()


@contextmanager
def elsewhere() -> Generator[Callable[[Callable[[], object]], Future[object]]]:
    """What lets a function run in a thread of its own, as in another process."""
    with ThreadPoolExecutor() as pool:
        yield pool.submit


def is_busy(database: Database, *parties: PartyId) -> bool:
    """Whether another has one of these parties now, or everything; asked from a thread of its own."""
    return _is_refused(lambda: database.transaction(*parties))


def is_anybody_writing(database: Database) -> bool:
    """Whether nobody can be alone altogether now; asked from a thread of its own."""
    return _is_refused(database.alone)


def _is_refused(begin: Callable[[], AbstractContextManager[Connection]]) -> bool:
    def try_it() -> bool:
        try:
            with begin():
                return False
        except UnavailableError as error:
            return error.code is Code.BUSY

    with elsewhere() as run:
        return bool(run(try_it).result())


def is_anybody_waiting(database: Database) -> bool:
    """Whether somebody waits for a lock in this database."""
    query = "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database WHERE NOT granted"
    with database.read() as connection:
        waiting = connection.exec_driver_sql(f"{query} AND datname = current_database()").scalar_one()
    return bool(waiting)


def store(connection: Connection, *, sender: PartyId = MUNICIPALITY, document_id: Uuid4 | None = None) -> int:
    """A document that waits to be delivered."""
    key = documents.insert_document(connection, new_document(document_id, sender=sender), [])
    outbox.enqueue(connection, "DISPATCH", [key], NOON)
    return key


def test_writers_of_other_parties_go_side_by_side(two: tuple[Database, Database]) -> None:
    with two[0].transaction(MUNICIPALITY, SCHOOL):
        assert not is_busy(two[1], STRANGER)
        assert is_busy(two[1], SCHOOL)
        assert is_busy(two[1], STRANGER, MUNICIPALITY)
    assert not is_busy(two[1], SCHOOL)


def test_a_writer_that_names_nobody_holds_up_nobody_and_waits_for_nobody(
    two: tuple[Database, Database],
) -> None:
    with two[0].transaction():
        assert not is_busy(two[1], STRANGER)
        assert not is_busy(two[1])
    with two[0].transaction(SCHOOL):
        assert not is_busy(two[1])


def test_who_asks_for_it_is_alone_altogether(two: tuple[Database, Database]) -> None:
    with two[0].alone():
        assert is_busy(two[1], STRANGER)
        assert is_busy(two[1])
        assert is_anybody_writing(two[1])
    with two[0].transaction(SCHOOL):
        assert is_anybody_writing(two[1])
    with two[0].transaction():
        assert is_anybody_writing(two[1])
    assert not is_anybody_writing(two[1])


def test_a_transaction_must_name_whose_order_it_makes(database: Database) -> None:
    with database.alone() as connection:
        log.open_log(connection, LogOrigin(Uuid4.new(), MUNICIPALITY))
        key = store(connection)
    for write in (
        lambda connection: log.append(connection, MUNICIPALITY, log.NewEntry(Uuid4.new(), b"{}")),
        lambda connection: log.add_checkpoint(connection, MUNICIPALITY, 0, "note", NOON),
        lambda connection: events.append_events(connection, key, [new_event(MUNICIPALITY)]),
        store,
        lambda connection: deliveries.add_delivery(connection, key, MUNICIPALITY, NOON),
    ):
        for named in ((), (SCHOOL,)):
            with (
                pytest.raises(AssertionError, match="must name"),
                database.transaction(*named) as connection,
            ):
                write(connection)
        with database.transaction(MUNICIPALITY, SCHOOL) as connection:
            write(connection)


def test_a_later_number_never_shows_before_an_earlier_one(two: tuple[Database, Database]) -> None:
    """Else a system would move its cursor past an event that it has not seen. The numbers come from one sequence."""
    first, second = two
    with first.alone() as connection:
        key = store(connection)
    with first.transaction(MUNICIPALITY) as connection:
        events.append_events(connection, key, [new_event(MUNICIPALITY, "FIRST")])  # its number is taken
        assert is_busy(second, MUNICIPALITY)
        with second.read() as reader:
            assert events.events_after(reader, MUNICIPALITY, 0, 10) == ()


def test_a_stream_that_is_followed_while_others_write_misses_nothing(two: tuple[Database, Database]) -> None:
    first, second = two
    with first.alone() as connection:
        key = store(connection)
    done, seen, cursor = threading.Event(), list[str](), 0

    def write(party: PartyId) -> None:
        for number in range(ROUNDS):
            with first.transaction(party, MUNICIPALITY) as connection:
                names = [new_event(each, f"{party} {number}") for each in (party, MUNICIPALITY)]
                events.append_events(connection, key, names)
                log.append(connection, MUNICIPALITY, log.NewEntry(Uuid4.new(), b"{}"))

    def follow() -> None:
        nonlocal cursor
        is_last = False
        while not is_last:
            is_last = done.is_set()
            with second.read() as reader:
                for each in events.events_after(reader, MUNICIPALITY, cursor, 7):
                    seen.append(each.event.kind)
                    cursor, is_last = each.event.seq, False

    with elsewhere() as run:
        following = run(follow)
        writing = [run(partial(write, party)) for party in (SCHOOL, STRANGER)]
        for each in writing:
            each.result()
        done.set()
        following.result()
    expected = {f"{party} {number}" for party in (SCHOOL, STRANGER) for number in range(ROUNDS)}
    assert sorted(seen) == sorted(expected)
    with first.read() as connection:
        places = [each.seq for each in log.entries(connection, MUNICIPALITY, 0, 1000)]
    assert places == list(range(2 * ROUNDS))


def test_two_documents_of_one_id_that_cross_cannot_both_pass(two: tuple[Database, Database]) -> None:
    same = Uuid4.new()

    def send_back() -> None:
        with two[0].transaction(SCHOOL, MUNICIPALITY) as connection:
            store(connection, sender=SCHOOL, document_id=same)

    with elsewhere() as run:
        with two[0].transaction(MUNICIPALITY, SCHOOL) as connection:
            store(connection, document_id=same)
            crossing = run(send_back)
        with pytest.raises(InputError) as refused:
            crossing.result()
    assert refused.value.code is Code.DOCUMENT_ID_TAKEN


def test_a_message_that_comes_twice_at_once_is_heard_once(two: tuple[Database, Database]) -> None:
    def hear_again() -> None:
        with two[0].transaction(STRANGER) as connection:
            replay.remember(connection, [digest("message")], NOON)

    with elsewhere() as run:
        with two[0].transaction(MUNICIPALITY) as connection:
            replay.remember(connection, [digest("message")], NOON)
            again = run(hear_again)
        with pytest.raises(TrustError) as refused:
            again.result()
    assert refused.value.code is Code.MESSAGE_REPLAYED


def test_a_certificate_that_two_keep_at_once_is_kept_once(two: tuple[Database, Database]) -> None:
    def keep(party: PartyId, *octets: bytes) -> None:
        with two[0].transaction(party) as connection:
            for each in octets:
                validation_material.keep(connection, [each])

    with elsewhere() as run:
        with two[0].transaction(MUNICIPALITY) as connection:
            validation_material.keep(connection, [b"leaf"])
            others = [
                run(lambda: keep(SCHOOL, b"root", b"leaf")),
                run(lambda: keep(STRANGER, b"leaf", b"root")),
            ]
            validation_material.keep(connection, [b"root"])
        for each in others:
            each.result()
    with two[0].read() as connection:
        names = [validation_material.name_of(each) for each in (b"leaf", b"root")]
        assert validation_material.kept(connection, names) == (b"leaf", b"root")


def test_two_workers_take_tasks_of_two_senders_at_once(two: tuple[Database, Database]) -> None:
    first, second = two
    with first.alone() as connection:
        keys = [store(connection), store(connection), store(connection, sender=SCHOOL)]

    def claim() -> int | None:
        with second.transaction() as connection:
            taken = outbox.claim(connection, "second", NOON, 60)
        return taken.document_key if taken else None

    with elsewhere() as run, first.transaction() as connection:
        taken = outbox.claim(connection, "first", NOON, 60)
        assert taken is not None
        assert taken.document_key == keys[0]
        assert run(claim).result() == keys[2]
        with pytest.raises(UnavailableError):  # the one that is left is of a sender that the first has
            run(claim).result()
    assert claim() == keys[1]
    assert claim() is None


def test_a_worker_whose_turn_came_too_late_takes_what_another_sender_has_left(
    two: tuple[Database, Database],
) -> None:
    first, second = two
    with first.alone() as connection:
        gone, left = store(connection), store(connection, sender=SCHOOL)

    def claim() -> int | None:
        with first.transaction() as connection:
            taken = outbox.claim(connection, "second", NOON, 60)
        return taken.document_key if taken else None

    with elsewhere() as run:
        with first.transaction(MUNICIPALITY) as ours, second.transaction(SCHOOL):
            claiming = run(claim)
            while not is_anybody_waiting(second):
                pass
            outbox.remove(ours, gone)
        assert claiming.result() == left


def test_workers_in_a_crowd_take_each_task_once(two: tuple[Database, Database]) -> None:
    first, _ = two
    with first.alone() as connection:
        keys = [
            store(connection, sender=sender) for sender in (MUNICIPALITY, SCHOOL) for _ in range(ROUNDS // 2)
        ]

    def work(name: str) -> list[int]:
        mine: list[int] = []
        while True:
            with first.transaction() as connection:
                task = outbox.claim(connection, name, NOON, 60)
            if task is None:
                return mine
            mine.append(task.document_key)

    with elsewhere() as run:
        crowd = [run(partial(work, name)) for name in ("a", "b", "c")]
        taken = [key for each in crowd for key in each.result()]  # type: ignore[attr-defined]
    assert sorted(taken) == sorted(keys)


def test_a_withdrawal_and_a_worker_do_not_wait_for_each_other(two: tuple[Database, Database]) -> None:
    first, _ = two
    with first.alone() as connection:
        key = store(connection)

    def claim() -> object:
        with first.transaction() as connection:
            return outbox.claim(connection, "worker", NOON + MINUTE, 60)

    with elsewhere() as run:
        with first.transaction(MUNICIPALITY, SCHOOL) as connection:
            claiming = run(claim)
            outbox.remove(connection, key)
        assert claiming.result() is None

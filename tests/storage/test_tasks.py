"""What is promised is done: by one worker at a time, and in time or somebody is told."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection

from gateway.domain.catalogue import Code
from gateway.domain.deadlines import Deadline, DeadlineKind
from gateway.domain.errors import TrustError
from gateway.domain.identifiers import Uuid4
from gateway.storage import deadlines, outbox, replay
from gateway.storage.database import Database
from gateway.storage.deadlines import DeadlineRow
from tests.storage.samples import MINUTE, NOON, deliver, digest

LEASE = 60


def _deadline(kind: DeadlineKind, minutes: int) -> Deadline:
    due = NOON + minutes * MINUTE
    return Deadline(Uuid4.new(), kind, NOON, due - MINUTE, due)


def test_the_task_that_is_due_longest_is_claimed_first_and_by_one_worker(database: Database) -> None:
    with database.alone() as connection:
        late, early = deliver(connection), deliver(connection)
        outbox.enqueue(connection, "DISPATCH", [late], NOON)
        outbox.enqueue(connection, "DISPATCH", [early], NOON - MINUTE)
        rows = [outbox.claim(connection, worker, NOON, LEASE) for worker in ("a", "b", "c")]
    assert [row and (row.document_key, row.leased_by, row.attempts) for row in rows] == [
        (early, "a", 1),
        (late, "b", 1),
        None,
    ]
    first = rows[0]
    assert first is not None
    assert (first.task, first.due_at, first.leased_until) == ("DISPATCH", NOON - MINUTE, NOON + MINUTE)


def test_a_task_that_failed_is_not_done_again_before_it_is_due(database: Database) -> None:
    with database.alone() as connection:
        outbox.enqueue(connection, "DISPATCH", [deliver(connection)], NOON)
        row = outbox.claim(connection, "a", NOON, LEASE)
        assert row is not None
        assert outbox.retry_later(connection, row, NOON + 10 * MINUTE, Code.BUSY)
        assert not outbox.is_any_due(connection, NOON + 9 * MINUTE, LEASE)
        assert outbox.is_any_due(connection, NOON + 10 * MINUTE, LEASE)


@pytest.mark.parametrize("back", [timedelta(hours=1), timedelta(days=1), timedelta(days=365)], ids=str)
def test_a_clock_that_was_put_back_holds_no_task_up(database: Database, back: timedelta) -> None:
    with database.alone() as connection:
        new, held, failed = (deliver(connection) for _ in range(3))
        for key in (held, failed, new):
            outbox.enqueue(connection, "DISPATCH", [key], NOON)
        lost = outbox.claim(connection, "a", NOON, LEASE)
        row = outbox.claim(connection, "b", NOON, LEASE)
        assert lost is not None
        assert row is not None
        assert outbox.retry_later(connection, row, NOON + outbox.LONGEST_PAUSE, Code.BUSY)
        then = NOON - back
        assert outbox.is_any_due(connection, then, LEASE)
        taken = [outbox.claim(connection, worker, then, LEASE) for worker in ("c", "d", "e")]
        assert [row.document_key for row in taken if row] == [held, new, failed]
        assert not outbox.complete(connection, lost)


def test_a_task_whose_worker_died_goes_to_another_and_the_first_can_no_longer_touch_it(
    database: Database,
) -> None:
    later = NOON + timedelta(seconds=LEASE)
    with database.alone() as connection:
        outbox.enqueue(connection, "DISPATCH", [deliver(connection)], NOON)
        lost = outbox.claim(connection, "a", NOON, LEASE)
        held = outbox.claim(connection, "b", later, LEASE)
        assert lost is not None
        assert held is not None
        assert (held.id, held.attempts) == (lost.id, 2)
        assert not outbox.complete(connection, lost)
        assert not outbox.retry_later(connection, lost, later, Code.BUSY)
        assert not outbox.park(connection, lost, later, Code.BUSY)
        assert outbox.complete(connection, held)
        assert outbox.claim(connection, "a", later + timedelta(days=1), LEASE) is None


def test_a_worker_that_comes_back_under_its_old_name_has_lost_its_lease_too(database: Database) -> None:
    with database.alone() as connection:
        outbox.enqueue(connection, "DISPATCH", [deliver(connection)], NOON)
        lost = outbox.claim(connection, "a", NOON, LEASE)
        held = outbox.claim(connection, "a", NOON + timedelta(seconds=LEASE), LEASE)
        assert lost is not None
        assert held is not None
        assert not outbox.complete(connection, lost)
        assert outbox.complete(connection, held)


def test_a_task_that_failed_waits_and_keeps_the_reason(database: Database) -> None:
    with database.alone() as connection:
        outbox.enqueue(connection, "DISPATCH", [deliver(connection)], NOON)
        row = outbox.claim(connection, "a", NOON, LEASE)
        assert row is not None
        assert outbox.retry_later(connection, row, NOON + 10 * MINUTE, Code.REVOCATION_UNKNOWN)
        assert outbox.claim(connection, "a", NOON + 9 * MINUTE, LEASE) is None
        again = outbox.claim(connection, "a", NOON + 10 * MINUTE, LEASE)
        assert again is not None
        assert (again.attempts, again.last_code) == (2, "REVOCATION_UNKNOWN")


def test_a_parked_task_waits_for_a_person(database: Database) -> None:
    with database.alone() as connection:
        outbox.enqueue(connection, "DISPATCH", [deliver(connection)], NOON)
        assert outbox.oldest_waiting(connection) == NOON
        row = outbox.claim(connection, "a", NOON, LEASE)
        assert row is not None
        assert outbox.park(connection, row, NOON, Code.INTERNAL)
        assert outbox.claim(connection, "a", NOON + timedelta(days=1), LEASE) is None
        assert outbox.oldest_waiting(connection) is None
        (parked,) = outbox.parked(connection)
        assert parked.row.id == row.id
        assert (parked.row.parked_at, parked.row.last_code) == (NOON, "INTERNAL")
        assert outbox.promised(connection) == (parked,)
        assert outbox.take_up(connection, row, NOON + MINUTE)
        assert not outbox.take_up(connection, row, NOON + MINUTE)
        assert outbox.parked(connection) == ()
        assert not outbox.give_up(connection, row)
        again = outbox.claim(connection, "a", NOON + MINUTE, LEASE)
        assert again is not None
        assert (again.id, again.attempts) == (row.id, 1)


def _due(connection: Connection, at: datetime, limit: int) -> tuple[DeadlineRow, ...]:
    """The waits that are due, all of which can be read."""
    found = deadlines.due(connection, at, limit)
    read = tuple(each for each in found if isinstance(each, DeadlineRow))
    assert read == found
    return read


def test_a_deadline_warns_once_and_fires_once(database: Database) -> None:
    with database.alone() as connection:
        key = deliver(connection)
        deadlines.open_deadlines(connection, key, [_deadline(DeadlineKind.READ, 10)])
        assert _due(connection, NOON + 8 * MINUTE, 10) == ()
        (warning,) = _due(connection, NOON + 9 * MINUTE, 10)
        assert (warning.document_key, warning.kind, warning.warned_at) == (key, DeadlineKind.READ, None)
        marked = [deadlines.mark_warned(connection, warning.id, NOON + 9 * MINUTE) for _ in range(2)]
        assert marked == [True, False]
        assert _due(connection, NOON + 9 * MINUTE, 10) == ()
        (firing,) = _due(connection, NOON + 10 * MINUTE, 10)
        assert firing.warned_at == NOON + 9 * MINUTE
        marked = [deadlines.mark_fired(connection, firing.id, NOON + 10 * MINUTE) for _ in range(2)]
        assert marked == [True, False]
        assert _due(connection, NOON + timedelta(days=9), 10) == ()
        (row,) = deadlines.deadlines_of(connection, key)
        assert row.fired_at == NOON + 10 * MINUTE


def test_a_deadline_that_was_met_does_not_fire(database: Database) -> None:
    opened = [_deadline(kind, 10) for kind in (DeadlineKind.HANDOVER, DeadlineKind.READ, DeadlineKind.ANSWER)]
    with database.alone() as connection:
        key, other = deliver(connection), deliver(connection)
        deadlines.open_deadlines(connection, key, opened)
        deadlines.open_deadlines(connection, other, opened[:1])
        deadlines.cancel(connection, key, {DeadlineKind.HANDOVER, DeadlineKind.READ}, NOON)
        rows = _due(connection, NOON + timedelta(days=1), 10)
        assert {(row.document_key, row.kind) for row in rows} == {
            (key, DeadlineKind.ANSWER),
            (other, DeadlineKind.HANDOVER),
        }
        met = deadlines.deadlines_of(connection, key)[0]
        assert met.cancelled_at == NOON
        assert not deadlines.mark_fired(connection, met.id, NOON)
        assert not deadlines.mark_warned(connection, met.id, NOON)


def test_the_oldest_deadlines_come_first_and_not_too_many(database: Database) -> None:
    with database.alone() as connection:
        key = deliver(connection)
        deadlines.open_deadlines(
            connection, key, [_deadline(DeadlineKind.READ, minutes) for minutes in (30, 10, 20)]
        )
        rows = _due(connection, NOON + timedelta(days=1), 2)
    assert [row.due_at for row in rows] == [NOON + 10 * MINUTE, NOON + 20 * MINUTE]


def test_a_message_is_received_once(database: Database) -> None:
    keys = [digest("signed info"), digest("message id")]
    with database.alone() as connection:
        replay.remember(connection, keys, NOON + 30 * MINUTE)
    for again in (keys[:1], [digest("fresh"), keys[1]]):
        with pytest.raises(TrustError) as replayed, database.alone() as connection:
            replay.remember(connection, again, NOON + 30 * MINUTE)
        assert replayed.value.code is Code.MESSAGE_REPLAYED
    with database.alone() as connection:
        replay.remember(connection, [digest("fresh")], NOON + 30 * MINUTE)


def test_a_message_is_forgotten_only_when_its_time_is_over(database: Database) -> None:
    with database.alone() as connection:
        replay.remember(connection, [digest("old")], NOON)
        replay.remember(connection, [digest("new")], NOON + MINUTE)
        assert not replay.has_expired(connection, NOON)
        assert replay.forget_expired(connection, NOON) == 0
        assert replay.has_expired(connection, NOON + MINUTE)
        assert replay.forget_expired(connection, NOON + MINUTE) == 1
        assert not replay.has_expired(connection, NOON + MINUTE)
        replay.remember(connection, [digest("old")], NOON + MINUTE)
    with pytest.raises(TrustError), database.alone() as connection:
        replay.remember(connection, [digest("new")], NOON + MINUTE)

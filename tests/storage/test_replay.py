"""A message is known for as long as its key is kept; keys are forgotten once their time is over, and not before."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.domain.catalogue import Code
from gateway.domain.errors import TrustError
from gateway.storage import replay
from gateway.storage.database import Database
from tests.storage.samples import MINUTE, NOON, digest

MOMENT = timedelta(milliseconds=1)
BATCH = 1000  # forgotten in one transaction


def test_a_key_that_is_known_is_refused_also_beside_a_new_one(database: Database) -> None:
    with database.alone() as connection:
        replay.remember(connection, [digest("first"), digest("its id")], NOON)
    with pytest.raises(TrustError) as refused, database.alone() as connection:
        replay.remember(connection, [digest("second"), digest("its id")], NOON)
    assert refused.value.code is Code.MESSAGE_REPLAYED


def test_where_nothing_is_remembered_nothing_has_expired(database: Database) -> None:
    with database.alone() as connection:
        assert not replay.has_expired(connection, NOON)
        assert replay.forget_expired(connection, NOON) == 0


def test_a_key_expires_after_its_last_moment_and_no_sooner(database: Database) -> None:
    with database.alone() as connection:
        replay.remember(connection, [digest("one")], NOON)
        replay.remember(connection, [digest("later")], NOON + MINUTE)
        for at in (NOON - MOMENT, NOON):
            assert not replay.has_expired(connection, at)
            assert replay.forget_expired(connection, at) == 0
        assert replay.has_expired(connection, NOON + MOMENT)
        assert replay.forget_expired(connection, NOON + MOMENT) == 1
        assert not replay.has_expired(connection, NOON + MOMENT)


def test_a_forgotten_key_may_come_again_and_one_that_is_kept_may_not(database: Database) -> None:
    with database.alone() as connection:
        replay.remember(connection, [digest("over")], NOON)
        replay.remember(connection, [digest("kept")], NOON + MINUTE)
        replay.forget_expired(connection, NOON + MINUTE)
        replay.remember(connection, [digest("over")], NOON + MINUTE)
    with pytest.raises(TrustError), database.alone() as connection:
        replay.remember(connection, [digest("kept")], NOON + MINUTE)


def test_a_thousand_keys_are_forgotten_at_a_time_the_oldest_first(database: Database) -> None:
    with database.alone() as connection:
        newest_first = [(digest(str(n)), NOON - n * MOMENT) for n in range(BATCH + 1)]
        for key, expires_at in newest_first:
            replay.remember(connection, [key], expires_at)
        at = NOON + MOMENT
        assert replay.forget_expired(connection, at) == BATCH
        assert not replay.has_expired(connection, NOON), "the one that is left is not the newest"
        assert replay.forget_expired(connection, at) == 1

"""A mandate is found for the system and the party it names, oldest first, and ended alone and once."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Connection

from gateway.domain.identifiers import Cvr, Uuid4
from gateway.domain.mandate import Mandate, Operation
from gateway.storage import mandates, systems
from gateway.storage.database import Database
from tests.storage.samples import (
    KINDS,
    MINUTE,
    MUNICIPALITY,
    NOON,
    OTHER_SYSTEM,
    SCHOOL,
    SYSTEM,
    add_parties,
)

LATER = NOON + 10 * MINUTE
MOMENT = timedelta(milliseconds=1)
FIRST = Mandate(
    id=Uuid4("f0000000-0000-4000-8000-000000000000"),  # its id comes last
    system_id=OTHER_SYSTEM,
    party_id=SCHOOL,
    operations=frozenset({Operation.SEND_NOTICE}),
    kinds=KINDS,
    valid_from=NOON,
    valid_until=None,
    approved_by="b123456",
)
SECOND, THIRD = (
    replace(FIRST, id=Uuid4(f"{digit}0000000-0000-4000-8000-000000000000"), valid_from=NOON + MINUTE)
    for digit in "12"
)
OF_MUNICIPALITY = replace(FIRST, id=Uuid4.new(), party_id=MUNICIPALITY)
OF_SYSTEM = replace(FIRST, id=Uuid4.new(), system_id=SYSTEM)


@pytest.fixture
def connection(database: Database) -> Generator[Connection]:
    """A transaction in which the mandates above are known, given in another order."""
    with database.alone() as connection:
        add_parties(connection)
        systems.add_system(connection, OTHER_SYSTEM, "Sagsprøve", Cvr("11111111"))
        for each in (THIRD, OF_SYSTEM, SECOND, OF_MUNICIPALITY, FIRST):
            mandates.add_mandate(connection, each)
        yield connection


def test_a_system_finds_its_own_mandates_of_the_party_the_oldest_first(connection: Connection) -> None:
    assert mandates.mandates_for(connection, OTHER_SYSTEM, SCHOOL) == (FIRST, SECOND, THIRD)
    assert mandates.mandates_for(connection, OTHER_SYSTEM, MUNICIPALITY) == (OF_MUNICIPALITY,)
    assert mandates.mandates_for(connection, SYSTEM, SCHOOL) == (OF_SYSTEM,)
    assert mandates.mandates_for(connection, SYSTEM, MUNICIPALITY) == ()
    assert mandates.mandates_for(connection, SYSTEM) == (OF_SYSTEM,)


def test_a_party_finds_what_it_gave_to_any_system_the_oldest_first(connection: Connection) -> None:
    given = mandates.mandates_of_party(connection, SCHOOL)
    assert set(given[:2]) == {FIRST, OF_SYSTEM}
    assert given[2:] == (SECOND, THIRD)
    assert mandates.mandates_of_party(connection, MUNICIPALITY) == (OF_MUNICIPALITY,)


def test_ending_a_mandate_ends_no_other(connection: Connection) -> None:
    assert mandates.revoke_mandate(connection, SECOND.id, LATER)
    ended = replace(SECOND, valid_until=LATER)
    assert mandates.mandates_for(connection, OTHER_SYSTEM, SCHOOL) == (FIRST, ended, THIRD)
    assert mandates.mandates_for(connection, SYSTEM) == (OF_SYSTEM,)


def test_a_mandate_can_be_ended_sooner_but_not_once_it_has_ended(connection: Connection) -> None:
    assert mandates.revoke_mandate(connection, FIRST.id, LATER)
    assert not mandates.revoke_mandate(connection, FIRST.id, LATER)
    assert mandates.revoke_mandate(connection, FIRST.id, LATER - MOMENT)
    assert not mandates.revoke_mandate(connection, FIRST.id, LATER)
    ended = replace(FIRST, valid_until=LATER - MOMENT)
    assert mandates.mandates_for(connection, OTHER_SYSTEM, SCHOOL)[0] == ended
    assert not mandates.revoke_mandate(connection, Uuid4.new(), LATER)

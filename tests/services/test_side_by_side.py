"""On a server, what is done for one party holds up nobody else, and what concerns no party waits for nobody."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text, update

from gateway.domain.errors import UnavailableError
from gateway.domain.identifiers import PartyId
from gateway.domain.operations import Service
from gateway.services import parties
from gateway.storage import outbox
from gateway.storage.database import Database
from gateway.storage.tables_documents import blob
from tests import postgres
from tests.installation import (
    INSTITUTION,
    MUNICIPALITY,
    OTHER_INSTITUTION,
    OTHER_MUNICIPALITY,
    TestInstallation,
    database_address,
    open_test_installation,
    remove_database,
)
from tests.services.papers import confirm, inbox, read, request, retrieve, send_letter

ON_A_SERVER = [kind for kind in postgres.kinds() if kind == "postgresql"]
STRANGERS = (OTHER_MUNICIPALITY, OTHER_INSTITUTION)


@pytest.fixture(params=ON_A_SERVER)
def house(tmp_path: Path, request: pytest.FixtureRequest) -> Generator[TestInstallation]:
    """An installation on a server."""
    opened = open_test_installation(tmp_path, kind=request.param)
    opened.work()  # the first checkpoint of every log
    yield opened
    opened.close()
    remove_database(tmp_path)


@contextmanager
def held(house: TestInstallation, *names: PartyId) -> Generator[None]:
    """Let another writer have these parties for itself."""
    has_begun, is_over = threading.Event(), threading.Event()

    def hold() -> None:
        with house.installation.database.transaction(*names):
            has_begun.set()
            is_over.wait()

    holder = threading.Thread(target=hold)
    holder.start()
    has_begun.wait()
    try:
        yield
    finally:
        is_over.set()
        holder.join()


@contextmanager
def nobody_held_up(house: TestInstallation, *others: PartyId) -> Generator[list[str]]:
    """Note at every commit whether somebody else could not write of these parties now."""
    impatient = Database.open(database_address(house.folder), busy_seconds=0)
    held_up: list[str] = []

    def look(moment: str) -> None:
        def begin() -> None:
            try:
                with impatient.transaction(*others):
                    held_up.append("free")
            except UnavailableError as error:
                held_up.append(error.code.name)

        other = threading.Thread(target=begin)
        other.start()
        other.join()

    listeners = house.installation.database.on_commit
    listeners.append(lambda moment: look(moment) if moment == "before" else None)
    yield held_up
    listeners.pop()
    impatient.close()


def test_what_writes_of_no_party_waits_for_nobody(house: TestInstallation) -> None:
    send_letter(house)
    house.work()
    foreign = house.caller("proevelund-esdh", Service.MUNICIPALITY)
    with held(house, MUNICIPALITY, INSTITUTION, *STRANGERS):
        assert house.esdh.call(request("Ping", None, Echo="goddag")).fault_code is None
        assert house.esdh.call(request("Ping", MUNICIPALITY, Echo="goddag")).fault_code is None
        assert house.sis.call(request("FindParty", INSTITUTION, Cvr="11111111")).fault_code is None
        assert foreign.call(request("ListEvents", MUNICIPALITY)).fault_code == "MANDATE_MISSING"
        assert len(inbox(house.sis)) == 1


def test_a_letters_life_holds_up_nobody_whom_it_does_not_concern(house: TestInstallation) -> None:
    foreign = house.caller("proevelund-esdh", Service.MUNICIPALITY)
    with nobody_held_up(house, *STRANGERS) as seen:
        document_id = send_letter(house)
        house.work()
        confirm(house.sis, document_id, retrieve(house, document_id))
        read(house.sis, document_id, house.clock())
        house.esdh.call(request("Ping", None, Echo="goddag"))
        house.esdh.call(request("GetStatus", MUNICIPALITY, DocumentId="0b7c1f3e-3f5b-4c6a-9d1e-5a2b8c4d6e7f"))
        foreign.call(request("GetStatus", MUNICIPALITY, DocumentId=document_id))
        send_letter(house)
        house.clock.forward(days=20)
        house.renew_lists()
        house.work()  # waits pass, replay keys are forgotten
    assert len(seen) > 10
    assert set(seen) == {"free"}


@pytest.mark.parametrize("is_away", [True, False], ids=["tried again", "parked"])
def test_a_delivery_that_fails_holds_up_nobody(house: TestInstallation, is_away: bool) -> None:
    send_letter(house)
    with house.installation.database.alone() as connection:
        (name,) = connection.execute(text("SELECT sealed_blob FROM document")).one()
        octets = None if is_away else b"altered"
        connection.execute(update(blob).where(blob.c.name == name).values(octets=octets))
    house.installation.blobs.path(name).mkdir(parents=True)  # a file that cannot be read
    with nobody_held_up(house, *STRANGERS) as seen:
        house.work()
    with house.installation.database.read() as connection:
        parked = [each.row.last_code for each in outbox.parked(connection)]
    assert parked == ([] if is_away else ["STORED_DATA_ALTERED"])
    assert len(seen) >= 2
    assert set(seen) == {"free"}


def test_a_command_that_concerns_one_party_leaves_the_others_alone(house: TestInstallation) -> None:
    with nobody_held_up(house, *STRANGERS) as seen:
        parties.set_routes(house.installation, MUNICIPALITY, ())
        parties.change_party(house.installation, MUNICIPALITY, lambda party: party, "NAME")
    assert seen == ["free", "free"]

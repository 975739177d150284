"""A store that comes from a backup serves knowingly: nothing is sent twice, no silence is told that may not be one."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy import text

from gateway.domain.calendar import Calendar
from gateway.domain.catalogue import Code
from gateway.domain.deadlines import DeadlineKind
from gateway.domain.errors import InputError
from gateway.domain.identifiers import PartyId, Uuid4
from gateway.services import disclosure_log, parked, parties, restoring
from gateway.services.moving import move_store
from gateway.services.restoring import Comparison, Doubted
from gateway.storage import deadlines, log, outbox
from gateway.storage.configuration import SetAside, note_moved, note_set_aside, set_aside
from gateway.storage.database import Database
from gateway.storage.deadlines import DeadlineRow
from gateway.storage.tables import METADATA
from gateway.translog.leaf import parse_leaf
from tests.installation import (
    INSTITUTION,
    MUNICIPALITY,
    TestInstallation,
    copy_installation,
    open_test_installation,
    remove_database,
)
from tests.services.papers import (
    accepted,
    confirm,
    deliver_letter,
    inbox,
    read,
    request,
    retrieve,
    send_letter,
)

Given = TypeVar("Given")
SILENCE = {"UNDELIVERED", "UNREAD", "UNANSWERED"}


@dataclass
class Kept:
    """A copy of a store, as it was when it was made."""

    folder: Path
    outside: list[str] = field(default_factory=list)  # the newest checkpoint of every log, of that time
    at: datetime | None = None

    def take(self, house: TestInstallation, *, marked: bool = True) -> TestInstallation:
        """Copy the store, and sign its logs; the store goes on. `marked` as a backup is, that it is one."""
        disclosure_log.make_checkpoints(house.installation, timedelta())
        newest = disclosure_log.newest_checkpoints(house.installation, lambda _: None)
        self.outside = [each.note for each in newest if each.note]
        house.close()
        copy_installation(house.folder, self.folder)
        if marked:
            self.mark(SetAside.RESTORED)
        return house.reopened()

    def mark(self, why: SetAside) -> None:
        """Let it say of itself why it may not be served."""
        alone = open_test_installation(self.folder, registered=False, alone=True)
        with alone.installation.database.alone() as connection:
            note_set_aside(connection, why)
        alone.close()

    def check(self, notes: Sequence[str], at: datetime, *, restored: bool = False) -> Comparison:
        """Hold it against what is known outside."""
        return self.alone(lambda test: restoring.compare(test.installation, notes, restored=restored), at)

    def alone(self, act: Callable[[TestInstallation], Given], at: datetime) -> Given:
        """Do something with it that a command does which is alone."""
        test = open_test_installation(self.folder, registered=False, alone=True)
        test.clock.now = at
        try:
            return act(test)
        finally:
            test.close()

    def served(self, at: datetime, installation: Uuid4 | None = None) -> TestInstallation:
        """The store as it is served at this time."""
        if installation is None:
            test = open_test_installation(self.folder, registered=False)
        else:
            test = open_test_installation(self.folder, registered=False, installation_id=installation)
        test.clock.now = at
        test.renew_lists()
        return test

    def refused(self) -> Code:
        """Why it is not served."""
        with pytest.raises(InputError) as refused:
            open_test_installation(self.folder, registered=False)
        return refused.value.code


@pytest.fixture
def kept(tmp_path_factory: pytest.TempPathFactory) -> Generator[Kept]:
    """Where a test keeps a copy."""
    made = Kept(tmp_path_factory.mktemp("kept"))
    yield made
    remove_database(made.folder)


def silences(test: TestInstallation, document_id: str) -> set[str]:
    """What the sender was told of a silence."""
    told = accepted(test.esdh, request("GetStatus", MUNICIPALITY, DocumentId=document_id))
    return SILENCE & set(told.texts("Event/Kind"))


def waits(test: TestInstallation) -> dict[DeadlineKind, DeadlineRow]:
    """The open waits of the only document."""
    with test.installation.database.read() as connection:
        return {each.row.kind: each.row for each in deadlines.open_waits(connection)}


def use_up(house: TestInstallation, document_id: str) -> None:
    """Let the school store and read it."""
    confirm(house.sis, document_id, retrieve(house, document_id))
    read(house.sis, document_id, house.clock())


# --- a check that finds everything -------------------------------------------------------------------------


def test_what_was_met_after_the_backup_is_not_told_as_silence(house: TestInstallation, kept: Kept) -> None:
    document_id = deliver_letter(house)
    house = kept.take(house)
    before = waits(house)
    use_up(house, document_id)  # no checkpoint of it goes outside
    house.close()
    at = max(each.due_at for each in before.values()) + timedelta(minutes=1)
    compared = kept.check(kept.outside, at)
    assert compared.is_whole
    assert compared.doubted == Doubted(deliveries=0, waits=len(before))
    restored = kept.served(at)
    restored.work()
    assert silences(restored, document_id) == set()
    anew = waits(restored)
    assert set(anew) == set(before)
    restored.close()
    for kind, wait in anew.items():
        assert span(wait) == span(before[kind])
    restored = kept.served(max(each.due_at for each in anew.values()) + timedelta(minutes=1))
    restored.work()
    assert silences(restored, document_id) == {"UNDELIVERED", "UNREAD"}  # nobody has said so again
    restored.close()


def span(wait: DeadlineRow) -> tuple[timedelta, timedelta]:
    """How much working time lies before its warning and its end."""
    calendar = Calendar()
    return (
        calendar.working_time_between(wait.opened_at, wait.warn_at),
        calendar.working_time_between(wait.opened_at, wait.due_at),
    )


def test_what_was_delivered_after_the_backup_is_not_delivered_again_by_itself(
    house: TestInstallation, kept: Kept
) -> None:
    first, second = send_letter(house), send_letter(house)
    with house.installation.database.alone() as connection:  # one was set aside before the backup
        outbox.park_all(connection, house.clock(), Code.KEY_MISSING)
    parked.retry(house.installation, Uuid4(second))
    house = kept.take(house)
    parked.retry(house.installation)
    house.work()
    assert sorted(inbox(house.sis)) == sorted([first, second])
    at = house.clock()
    house.close()
    doubted = kept.check(kept.outside, at).doubted
    assert doubted is not None
    assert doubted.deliveries == 2
    restored = kept.served(at)
    restored.work()
    assert inbox(restored.sis) == []
    assert DeadlineKind.DELIVERY in waits(restored)
    with restored.installation.database.read() as connection:
        assert {each.row.last_code for each in outbox.parked(connection)} == {Code.STORE_RESTORED.name}
    assert parked.retry(restored.installation) == 0  # a person must know of each that it was not
    assert parked.retry(restored.installation, Uuid4(second)) == 1
    restored.work()
    assert inbox(restored.sis) == [second]
    restored.close()


def test_a_store_that_lost_nothing_goes_on_as_it_was(house: TestInstallation, kept: Kept) -> None:
    document_id = deliver_letter(house)
    send_letter(house)
    kept.take(house, marked=False).close()
    at = house.clock() + timedelta(hours=1)
    compared = kept.check(kept.outside, at)
    assert (compared.is_whole, compared.doubted) == (True, None)
    test = kept.served(at)
    assert all(wait.opened_at < at for wait in waits(test).values())
    test.work()
    assert len(inbox(test.sis)) == 2
    assert document_id in inbox(test.sis)
    test.close()


def test_a_store_that_does_not_say_where_it_comes_from_is_doubted_if_the_operator_says_so(
    house: TestInstallation, kept: Kept
) -> None:
    send_letter(house)
    kept.take(house, marked=False).close()
    at = house.clock() + timedelta(hours=1)
    with pytest.raises(InputError):
        kept.check(["no checkpoint"], at, restored=True)
    assert kept.refused() is Code.STORE_RESTORED  # said once, it stays said
    assert not kept.check(kept.outside[:1], at).is_whole
    assert kept.refused() is Code.STORE_RESTORED
    doubted = kept.check(kept.outside, at).doubted
    assert doubted is not None
    assert doubted.deliveries == 1
    kept.served(at).close()


# --- waits that begin anew ---------------------------------------------------------------------------------


def test_waits_begin_anew_in_the_working_time_of_the_recipient(house: TestInstallation, kept: Kept) -> None:
    deliver_letter(house)
    at = house.clock() + timedelta(days=28)
    closed = frozenset(at.date() + timedelta(days=day) for day in range(14))
    parties.change_party(
        house.installation,
        INSTITUTION,
        lambda school: replace(school, closing_days=closed),
        "CLOSING_DAYS_SET",
    )
    before = waits(house)
    kept.take(house).close()
    kept.check(kept.outside, at)
    restored = kept.served(at)
    school = Calendar(closing_days=closed)
    for kind, wait in waits(restored).items():
        earlier = before[kind]
        assert wait.opened_at == at
        assert school.working_time_between(wait.opened_at, wait.due_at) == school.working_time_between(
            earlier.opened_at, earlier.due_at
        )
        assert wait.due_at.date() > max(closed)
    restored.close()


def test_a_school_that_cannot_be_read_is_given_the_usual_working_time(
    house: TestInstallation, kept: Kept
) -> None:
    deliver_letter(house)
    before = waits(house)
    with house.installation.database.alone() as connection:
        harm = text("UPDATE party SET closing_days = 'no-day' WHERE party = :party")
        connection.execute(harm, {"party": str(INSTITUTION)})
    kept.take(house).close()
    at = house.clock() + timedelta(days=4)
    assert kept.check(kept.outside, at).doubted == Doubted(deliveries=0, waits=len(before))
    restored = kept.served(at)
    assert {kind: span(wait) for kind, wait in waits(restored).items()} == {
        kind: span(wait) for kind, wait in before.items()
    }
    restored.close()


def test_a_wait_that_cannot_be_read_or_judged_holds_up_no_other(house: TestInstallation, kept: Kept) -> None:
    deliver_letter(house)
    send_letter(house)
    house.work()
    harms = (
        "UPDATE deadline SET kind = 'LATER' WHERE id = (SELECT min(id) FROM deadline WHERE next_at > 0)",
        "UPDATE deadline SET due_at = opened_at - 1 WHERE id = (SELECT max(id) FROM deadline)",
    )
    with house.installation.database.alone() as connection:
        opened = connection.execute(text("SELECT count(*) FROM deadline WHERE next_at IS NOT NULL")).scalar()
        for harm in harms:
            connection.execute(text(harm))
    kept.take(house).close()
    assert kept.check(kept.outside, house.clock()).doubted == Doubted(deliveries=0, waits=(opened or 0) - 2)


# --- a check that does not find everything -----------------------------------------------------------------


def test_nothing_known_is_no_success(house: TestInstallation, kept: Kept) -> None:
    kept.take(house).close()
    assert not kept.check([], house.clock()).is_whole
    assert kept.refused() is Code.STORE_RESTORED


def test_a_store_without_logs_is_not_found_whole_by_nothing(tmp_path: Path) -> None:
    empty = Kept(tmp_path)
    open_test_installation(tmp_path, registered=False).close()
    empty.mark(SetAside.RESTORED)
    compared = empty.check([], datetime.now(UTC))
    assert (compared.logs, compared.is_whole) == ((), False)
    assert empty.refused() is Code.STORE_RESTORED


def test_checkpoints_may_be_found_one_after_the_other(house: TestInstallation, kept: Kept) -> None:
    kept.take(house).close()
    last = len(kept.outside) - 1
    for number, note in enumerate(kept.outside):
        assert kept.refused() is Code.STORE_RESTORED
        assert kept.check([note], house.clock()).is_whole is (number == last)
    kept.served(house.clock()).close()


# --- a store of which nothing is known outside -------------------------------------------------------------


def test_nobody_goes_on_without_having_looked(house: TestInstallation, kept: Kept) -> None:
    kept.take(house).close()
    with pytest.raises(InputError) as refused:
        kept.alone(accept, house.clock())
    assert refused.value.code is Code.STORE_RESTORED
    kept.check([], house.clock())
    kept.alone(accept, house.clock())


def test_a_store_of_which_nobody_keeps_a_checkpoint_goes_on_and_says_so(
    house: TestInstallation, kept: Kept
) -> None:
    delivered, waiting = deliver_letter(house), send_letter(house)
    kept.take(house).close()
    at = house.clock()
    (note,) = [each for each in kept.outside if f"/{INSTITUTION}\n" in each]
    assert not kept.check([note], at).is_whole
    continued = kept.alone(lambda test: restoring.accept(test.installation, "Ingen kontrolpunkter."), at)
    assert continued.doubted.deliveries == 1
    test = kept.served(at, continued.installation)
    told = {party: first_details(test, party) for party in (MUNICIPALITY, INSTITUTION)}
    assert [told[MUNICIPALITY][0], *told[MUNICIPALITY][3:]] == [restoring.CONTINUED, restoring.NOTHING_KNOWN]
    assert told[INSTITUTION][1:3] == told[INSTITUTION][3:]  # all that is known of it is here
    test.work()
    assert inbox(test.sis) == [delivered]
    assert parked.retry(test.installation) == 0
    assert parked.retry(test.installation, Uuid4(waiting)) == 1
    test.close()


def first_details(test: TestInstallation, party: PartyId) -> tuple[str, ...]:
    """What the first entry of a party's log tells."""
    with test.installation.database.read() as connection:
        first, *_ = log.entries(connection, party, 0, 1)
    return parse_leaf(first.octets).details


# --- a store that is not to be judged ----------------------------------------------------------------------


def accept(test: TestInstallation) -> object:
    """Go on knowingly."""
    return restoring.accept(test.installation, "Mette Eksempel har besluttet det.")


def compare(test: TestInstallation) -> object:
    """Make the check, with nothing known."""
    return restoring.compare(test.installation, [])


def copy_away(test: TestInstallation, folder: Path) -> Database:
    """Begin to copy the store into a database in this folder; what a process leaves that is killed there."""
    target = Database.open(f"sqlite:///{folder / 'bropost.db'}", busy_seconds=5)
    target.migrate()
    with target.alone() as connection:
        note_set_aside(connection, SetAside.UNFINISHED)
    return target


@pytest.mark.parametrize("act", [compare, accept])
def test_a_store_that_is_half_copied_is_not_judged_and_can_still_arrive(
    house: TestInstallation, kept: Kept, act: Callable[[TestInstallation], object]
) -> None:
    copy_away(house, kept.folder).close()
    with pytest.raises(InputError) as refused:
        kept.alone(act, house.clock())
    assert refused.value.code is Code.STORE_UNFINISHED
    assert kept.refused() is Code.STORE_UNFINISHED
    target = Database.open(f"sqlite:///{kept.folder / 'bropost.db'}", busy_seconds=5)
    with target.read() as connection:
        rows = {
            table.name: connection.execute(table.select()).all()
            for table in METADATA.sorted_tables
            if table.name != "configuration"
        }
        assert not any(rows.values())
    house.close()
    alone = open_test_installation(house.folder, registered=False, alone=True)
    assert move_store(alone.installation, target, "sqlite:///elsewhere").rows
    alone.close()
    target.close()
    kept.served(house.clock()).close()


@pytest.mark.parametrize("act", [compare, accept])
def test_a_store_that_lives_elsewhere_is_not_judged(
    house: TestInstallation, kept: Kept, act: Callable[[TestInstallation], object]
) -> None:
    house = kept.take(house)
    alone = open_test_installation(kept.folder, registered=False, alone=True)
    with alone.installation.database.alone() as connection:
        note_moved(connection, "sqlite:///elsewhere")
    alone.close()
    with pytest.raises(InputError) as refused:
        kept.alone(act, house.clock())
    assert refused.value.code is Code.STORE_MOVED
    alone = open_test_installation(kept.folder, registered=False, alone=True)
    with alone.installation.database.alone() as connection:
        assert set_aside(connection) is SetAside.RESTORED
    alone.close()
    house.close()

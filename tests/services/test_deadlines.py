"""Silence is a state: each wait warns, then is evidenced once, to the sender at least, in Danish working time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
import structlog
from sqlalchemy import text

from gateway.domain.deadlines import FIRINGS, Deadline, DeadlineKind
from gateway.domain.disclosure import EntryKind, Leaf
from gateway.domain.identifiers import PartyId, Uuid4
from gateway.services import deadlines as sweeping
from gateway.services import parties
from gateway.storage import deadlines, log
from gateway.storage.deadlines import DeadlineRow
from gateway.translog.leaf import parse_leaf
from tests.golden.changes import SetText
from tests.installation import INSTITUTION, MUNICIPALITY, Answered, Caller, TestInstallation
from tests.services.papers import (
    accepted,
    confirm,
    deliver_letter,
    evidence,
    grown,
    id_of,
    notice,
    read,
    request,
    retrieve,
    row_counts,
    send_letter,
    sending,
)

COPENHAGEN = ZoneInfo("Europe/Copenhagen")
TICK = timedelta(milliseconds=1)


@dataclass(frozen=True)
class Wait:
    """How a wait of a kind comes about, and what its silence must become."""

    begin: Callable[[TestInstallation], str]  # gives the document's id
    state: str
    evidence: str
    reason: str
    recipient_is_told: bool
    by: PartyId = MUNICIPALITY  # the sender


def undelivered(house: TestInstallation) -> str:
    """A letter that is on its way and cannot arrive."""
    document_id = send_letter(house)
    with house.installation.database.alone() as connection:
        connection.exec_driver_sql("DELETE FROM data_key")
    house.work()
    return document_id


def _unrelayed(house: TestInstallation) -> str:
    """A letter that waits for another gateway: this installation has none yet, so the wait is opened by hand."""
    document_id = deliver_letter(house)
    confirm(house.sis, document_id, retrieve(house, document_id))
    read(house.sis, document_id, house.clock())
    at = house.clock()
    due = at + timedelta(hours=12)
    wait = Deadline(Uuid4(document_id), DeadlineKind.RELAY, at, at + timedelta(hours=1), due)
    with house.installation.database.alone() as connection:
        deadlines.open_deadlines(connection, key_of(house, document_id), [wait])
    return document_id


def _unanswered(house: TestInstallation) -> str:
    told = notice(house.clock())
    accepted(house.sis, sending(told, by=INSTITUTION))
    house.work()
    return id_of(told)


def _undeleted(house: TestInstallation) -> str:
    """A letter that was taken back once the school had stored it."""
    document_id = deliver_letter(house)
    confirm(house.sis, document_id, retrieve(house, document_id))
    body = request("WithdrawDocument", MUNICIPALITY, DocumentId=document_id, Reason="WRONG_RECIPIENT")
    accepted(house.esdh, body)
    return document_id


WAITS = {
    DeadlineKind.RELAY: Wait(_unrelayed, "RELAY_FAILED", "RelayFailure", "RELAY_TIMEOUT", False),
    DeadlineKind.DELIVERY: Wait(
        undelivered, "UNDELIVERED", "ContentConsignmentFailure", "NOT_MADE_AVAILABLE", False
    ),
    DeadlineKind.HANDOVER: Wait(deliver_letter, "UNDELIVERED", "ContentHandoverFailure", "NOT_FETCHED", True),
    DeadlineKind.READ: Wait(deliver_letter, "UNREAD", "ReadExpiry", "NOT_READ", True),
    DeadlineKind.ANSWER: Wait(_unanswered, "UNANSWERED", "AnswerExpiry", "NOT_ANSWERED", True, INSTITUTION),
    DeadlineKind.DELETION: Wait(_undeleted, "UNANSWERED", "AnswerExpiry", "DELETION_NOT_CONFIRMED", True),
}
KINDS = [kind.name for kind in WAITS]


def key_of(house: TestInstallation, document_id: str) -> int:
    """The key of a document's row."""
    with house.installation.database.read() as connection:
        query = text("SELECT key FROM document WHERE document_id = :id")
        key: int = connection.execute(query, {"id": document_id}).scalar_one()
        return key


def wait_row(house: TestInstallation, document_id: str, kind: DeadlineKind) -> DeadlineRow:
    """The wait of this kind of a document."""
    with house.installation.database.read() as connection:
        (row,) = (
            each
            for each in deadlines.deadlines_of(connection, key_of(house, document_id))
            if each.kind is kind
        )
    return row


def _go_to(house: TestInstallation, moment: datetime) -> None:
    """Let it be this moment, with everything done that is due by then."""
    house.clock.now = moment
    house.renew_lists()
    house.work()


def _sides(house: TestInstallation, wait: Wait) -> tuple[tuple[Caller, PartyId], tuple[Caller, PartyId]]:
    """The sender's and the recipient's system with their parties."""
    both = (house.esdh, MUNICIPALITY), (house.sis, INSTITUTION)
    return both if wait.by == MUNICIPALITY else (both[1], both[0])


def _told(side: tuple[Caller, PartyId], *kinds: str) -> list[str]:
    """Which of these kinds of events a party was told of, in their order."""
    caller, party = side
    answer = accepted(caller, request("ListEvents", party))
    return [kind for kind in answer.texts("Event/TimelineEvent/Kind") if kind in kinds]


def status_of(side: tuple[Caller, PartyId], document_id: str) -> Answered:
    """What GetStatus tells one side of a document."""
    caller, party = side
    return accepted(caller, request("GetStatus", party, DocumentId=document_id))


def _evidence(house: TestInstallation, wait: Wait, document_id: str) -> Answered:
    """What the sender is given."""
    caller, party = _sides(house, wait)[0]
    return accepted(caller, request("GetEvidence", party, DocumentId=document_id))


def _last_entry(house: TestInstallation, party: PartyId, event: str) -> Leaf:
    with house.installation.database.read() as connection:
        head = log.log_head(connection, party)
        assert head is not None
        leaves = [parse_leaf(each.octets) for each in log.entries(connection, party, 0, head.size)]
    return [leaf for leaf in leaves if leaf.event == event][-1]


# --- warning and firing --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", KINDS)
def test_a_wait_warns_once_and_not_before_its_time(house: TestInstallation, name: str) -> None:
    kind, wait = DeadlineKind[name], WAITS[DeadlineKind[name]]
    document_id = wait.begin(house)
    warning = f"{name}_DUE_SOON"
    row = wait_row(house, document_id, kind)
    _go_to(house, row.warn_at - TICK)
    assert _told(_sides(house, wait)[0], warning) == []
    _go_to(house, row.warn_at)
    assert _told(_sides(house, wait)[0], warning) == [warning]
    house.work()
    assert _told(_sides(house, wait)[0], warning) == [warning]
    assert _told(_sides(house, wait)[1], warning) == ([warning] if wait.recipient_is_told else [])


@pytest.mark.parametrize("name", KINDS)
def test_a_wait_that_passes_is_told_and_evidenced_with_its_reason(house: TestInstallation, name: str) -> None:
    kind, wait = DeadlineKind[name], WAITS[DeadlineKind[name]]
    document_id = wait.begin(house)
    row = wait_row(house, document_id, kind)
    _go_to(house, row.due_at - TICK)
    assert wait.evidence not in _evidence(house, wait, document_id).texts("Evidence/Event")
    _go_to(house, row.due_at)
    sender, recipient = _sides(house, wait)
    assert wait.state in _told(sender, wait.state)
    assert bool(_told(recipient, wait.state)) is wait.recipient_is_told
    given = _evidence(house, wait, document_id)
    assert given.texts("Evidence/Event").count(wait.evidence) == 1
    negative = evidence(
        house, given.texts("Evidence/Content")[given.texts("Evidence/Event").index(wait.evidence)]
    )
    assert negative["IssuedOnAbsence"] == "true"
    assert negative["Reasons/Reason/Code"] == wait.reason
    assert negative["Reasons/Reason/Danish"]
    assert (
        negative["EventTime"]
        == row.due_at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{row.due_at.microsecond // 1000:03}Z"
    )
    status = status_of(sender, document_id)
    assert wait.state in status.texts("Event/Kind")
    assert wait.reason in status.texts("Event/Reason/Code")
    fired = dict(zip(status.texts("Deadline/Kind"), status.texts("Deadline/Fired"), strict=True))
    assert fired[name] == "true"
    for party in (sender[1], recipient[1])[: 1 + wait.recipient_is_told]:
        leaf = _last_entry(house, party, wait.evidence)
        assert (leaf.kind, leaf.outcome, leaf.reasons) == (EntryKind.EVIDENCE, "FAILED", (wait.reason,))


@pytest.mark.parametrize("name", KINDS)
def test_two_sweepers_at_once_warn_and_fire_once(house: TestInstallation, name: str) -> None:
    kind, wait = DeadlineKind[name], WAITS[DeadlineKind[name]]
    row = wait_row(house, wait.begin(house), kind)
    _cancel_others(house, row)
    for moment, expected in (
        (row.warn_at, {"event": 1 + wait.recipient_is_told}),
        (
            row.due_at,
            {"event": 1 + wait.recipient_is_told, "evidence": 1, "log_entry": 1 + wait.recipient_is_told},
        ),
    ):
        house.clock.now = moment
        before = row_counts(house)
        _sweep_at_once(house)
        changes = grown(before, row_counts(house))
        changes.pop("opening", None)
        assert changes == expected


def _cancel_others(house: TestInstallation, row: DeadlineRow) -> None:
    others = [kind for kind in DeadlineKind if kind is not row.kind]
    with house.installation.database.alone() as connection:
        deadlines.cancel(connection, row.document_key, others, house.clock())


def _sweep_at_once(house: TestInstallation) -> None:
    start = threading.Barrier(3)

    def sweep() -> None:
        start.wait()
        sweeping.sweep(house.installation)

    threads = [threading.Thread(target=sweep) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.parametrize("name", KINDS)
def test_the_operator_is_told_of_what_machines_failed_to_do(house: TestInstallation, name: str) -> None:
    kind, wait = DeadlineKind[name], WAITS[DeadlineKind[name]]
    document_id = wait.begin(house)
    row = wait_row(house, document_id, kind)
    _cancel_others(house, row)
    with structlog.testing.capture_logs() as logs:
        _go_to(house, row.warn_at)
        _go_to(house, row.due_at)
    told = [(each["kind"], each["document"]) for each in logs if each["event"] == "deadline"]
    of_machines = kind in (DeadlineKind.RELAY, DeadlineKind.DELIVERY, DeadlineKind.HANDOVER)
    assert told == ([(name, document_id)] * 2 if of_machines else [])


def test_who_was_never_delivered_a_document_is_not_told_of_the_silence_on_it(
    house: TestInstallation,
) -> None:
    told = notice(house.clock())
    accepted(house.sis, sending(told, by=INSTITUTION))
    with house.installation.database.alone() as connection:
        connection.exec_driver_sql("DELETE FROM data_key")
    house.work()
    row = wait_row(house, id_of(told), DeadlineKind.ANSWER)
    _go_to(house, row.warn_at)
    _go_to(house, row.due_at)
    kinds = ("ANSWER_DUE_SOON", "UNANSWERED")
    assert _told((house.sis, INSTITUTION), *kinds) == list(kinds)
    assert _told((house.esdh, MUNICIPALITY), *kinds) == []


def test_a_gateway_that_was_down_past_both_times_fires_without_a_late_warning(
    house: TestInstallation,
) -> None:
    document_id = deliver_letter(house)
    _go_to(house, wait_row(house, document_id, DeadlineKind.READ).due_at + timedelta(days=30))
    told = _told((house.esdh, MUNICIPALITY), "READ_DUE_SOON", "UNREAD", "HANDOVER_DUE_SOON", "UNDELIVERED")
    assert sorted(told) == ["UNDELIVERED", "UNREAD"]


# --- what ends a wait ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "end"),
    [
        ("HANDOVER", lambda house, letter: confirm(house.sis, letter, retrieve(house, letter))),
        ("HANDOVER", lambda house, letter: read(house.sis, letter, house.clock())),
        ("READ", lambda house, letter: read(house.sis, letter, house.clock())),
    ],
    ids=["handover by confirmation", "handover by reading", "reading"],
)
def test_a_wait_ends_with_what_it_waits_for(
    house: TestInstallation, name: str, end: Callable[[TestInstallation, str], Answered]
) -> None:
    kind = DeadlineKind[name]
    document_id = deliver_letter(house)
    row = wait_row(house, document_id, kind)
    _go_to(house, row.warn_at - TICK)
    assert end(house, document_id).fault_code is None
    _go_to(house, row.due_at + timedelta(days=1))
    assert _told((house.esdh, MUNICIPALITY), f"{name}_DUE_SOON", WAITS[kind].evidence) == []
    assert wait_row(house, document_id, kind).fired_at is None


def test_every_wait_that_silence_breaks_is_tried_here() -> None:
    assert set(WAITS) == set(FIRINGS)


def test_a_delivery_ends_the_wait_for_it(house: TestInstallation) -> None:
    document_id = deliver_letter(house)
    row = wait_row(house, document_id, DeadlineKind.DELIVERY)
    assert row.cancelled_at is not None
    confirm(house.sis, document_id, retrieve(house, document_id))
    _go_to(house, row.due_at + timedelta(days=1))
    assert _told((house.esdh, MUNICIPALITY), "DELIVERY_DUE_SOON", "UNDELIVERED") == []


def test_what_comes_after_its_silence_was_evidenced_is_kept_and_flagged_late(house: TestInstallation) -> None:
    document_id = deliver_letter(house)
    _go_to(house, wait_row(house, document_id, DeadlineKind.READ).due_at)
    assert status_of((house.esdh, MUNICIPALITY), document_id).text("State") == "UNDELIVERED"
    assert read(house.sis, document_id, house.clock()).fault_code is None
    status = status_of((house.esdh, MUNICIPALITY), document_id)
    assert status.text("State") == "READ"
    assert "UNREAD" in status.texts("Event/Kind")
    assert status.texts("Event/Flag") == ["LATE"]
    events = accepted(house.esdh, request("ListEvents", MUNICIPALITY))
    assert events.texts("Event/TimelineEvent/Kind")[-1] == "READ"
    assert events.texts("Event/TimelineEvent/Flag") == ["LATE"]
    given = accepted(house.esdh, request("GetEvidence", MUNICIPALITY, DocumentId=document_id))
    assert {"ReadExpiry", "ContentAccessTracking"} <= set(given.texts("Evidence/Event"))


def test_the_state_shows_the_cause_before_its_consequence(house: TestInstallation) -> None:
    document_id = deliver_letter(house)
    _go_to(house, wait_row(house, document_id, DeadlineKind.READ).due_at)
    status = status_of((house.esdh, MUNICIPALITY), document_id)
    assert {"UNDELIVERED", "UNREAD"} <= set(status.texts("Event/Kind"))
    assert status.text("State") == "UNDELIVERED"
    confirm(house.sis, document_id, retrieve(house, document_id))
    assert status_of((house.esdh, MUNICIPALITY), document_id).text("State") == "UNREAD"


# --- working time --------------------------------------------------------------------------------------


def _at_local(house: TestInstallation, day: date, hour: int) -> None:
    """Let it be this hour in Copenhagen."""
    _go_to(house, datetime.combine(day, time(hour), COPENHAGEN).astimezone(UTC))


def _next(house: TestInstallation, month: int, day: int) -> date:
    """The next such day of the year."""
    today = house.clock().date()
    this_year = date(today.year, month, day)
    return this_year if this_year > today else date(today.year + 1, month, day)


def _due(house: TestInstallation, document_id: str, kind: str) -> datetime:
    status = status_of((house.esdh, MUNICIPALITY), document_id)
    due = dict(zip(status.texts("Deadline/Kind"), status.texts("Deadline/Due"), strict=True))[kind]
    return datetime.fromisoformat(due).astimezone(COPENHAGEN)


def test_nothing_falls_due_over_a_weekend(house: TestInstallation) -> None:
    friday = _next(house, 11, 3)
    friday += timedelta(days=(4 - friday.weekday()) % 7)  # no Danish holiday lies in November
    _at_local(house, friday, 15)
    document_id = deliver_letter(house)
    assert _due(house, document_id, "READ") == datetime.combine(
        friday + timedelta(days=4), time(16), COPENHAGEN
    )
    for days in (1, 2):
        _at_local(house, friday + timedelta(days=days), 23)
    kinds = ("READ_DUE_SOON", "HANDOVER_DUE_SOON", "UNREAD", "UNDELIVERED")
    assert _told((house.esdh, MUNICIPALITY), *kinds) == []
    _at_local(house, friday + timedelta(days=4), 16)
    assert "UNREAD" in _told((house.esdh, MUNICIPALITY), *kinds)


def test_nothing_falls_due_over_christmas(house: TestInstallation) -> None:
    day = _next(house, 12, 23)
    day -= timedelta(days=max(0, day.weekday() - 4))
    closed = {(12, 24), (12, 25), (12, 26), (12, 31), (1, 1)}
    open_days: list[date] = []
    following = day
    while len(open_days) < 2:
        following += timedelta(days=1)
        if following.weekday() < 5 and (following.month, following.day) not in closed:
            open_days.append(following)
    _at_local(house, day, 10)
    assert _due(house, deliver_letter(house), "READ") == datetime.combine(open_days[1], time(16), COPENHAGEN)


def test_a_schools_own_closing_days_do_not_count(house: TestInstallation) -> None:
    monday = _next(house, 11, 3)
    monday += timedelta(days=-monday.weekday() % 7)
    closed = frozenset({monday + timedelta(days=1), monday + timedelta(days=3)})
    parties.change_party(
        house.installation,
        INSTITUTION,
        lambda school: replace(school, closing_days=closed),
        "CLOSING_DAYS_SET",
    )
    _at_local(house, monday, 10)
    expected = datetime.combine(monday + timedelta(days=4), time(16), COPENHAGEN)  # Wednesday, then Friday
    assert _due(house, deliver_letter(house), "READ") == expected


def test_a_risk_of_today_must_be_read_within_two_working_hours(house: TestInstallation) -> None:
    monday = _next(house, 11, 3)
    monday += timedelta(days=-monday.weekday() % 7)
    _at_local(house, monday, 15)
    told = notice(house.clock(), SetText("/Document/DropoutRiskNotice/Urgency", "TODAY"))
    accepted(house.sis, sending(told, by=INSTITUTION))
    house.work()
    row = wait_row(house, id_of(told), DeadlineKind.READ)
    assert row.due_at == datetime.combine(monday + timedelta(days=1), time(9), COPENHAGEN)


# --- what goes wrong -----------------------------------------------------------------------------------


def test_more_waits_than_one_sweep_takes_all_fire(house: TestInstallation) -> None:
    sent = [send_letter(house) for _ in range(sweeping.BATCH // 2 + 3)]
    house.work()
    _go_to(house, house.clock() + timedelta(days=14))
    assert row_counts(house)["evidence"] == 4 * len(sent)  # two when it was delivered, two of its silence

"""A clock that is wrong for a while: nothing happens twice, nothing waits for ever, no effect comes before its cause.

Each test lets the clock jump by an hour, a day or a year, forward or back, lets the gateway work, and puts it right.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from gateway.domain.catalogue import Code
from gateway.domain.identifiers import Uuid4
from gateway.services.housekeeping import Housekeeping
from gateway.storage import log, outbox
from tests.end_to_end.conversing import (
    ASKS,
    DECLINES,
    REPLY_TO,
    correcting,
    made,
    reply,
    risk,
    sent,
    taking_back,
    told,
    waits,
)
from tests.end_to_end.letter_life import LEASE_SECONDS
from tests.end_to_end.store_checks import facts, require_whole
from tests.end_to_end.test_killed import newest_checkpoints, require_verified
from tests.end_to_end.withdrawing import withdraw
from tests.golden.changes import Change, Insert, SetText
from tests.installation import INSTITUTION, MUNICIPALITY, TestInstallation, now
from tests.services.papers import (
    confirm,
    inbox,
    paper,
    retrieve,
    send_letter,
    sending,
)

JUMPS = [
    pytest.param(sign * span, id=f"{name}-{'back' if sign < 0 else 'forward'}")
    for name, span in (
        ("hour", timedelta(hours=1)),
        ("day", timedelta(days=1)),
        ("year", timedelta(days=365)),
    )
    for sign in (1, -1)
]
every_jump = pytest.mark.parametrize("jump", JUMPS)
LARGE = b"Linje i en lang plan.\n" * 20_000  # so large that it is a file


@pytest.fixture(autouse=True)
def first_checkpoints(house: TestInstallation) -> None:
    """Let every log have its first checkpoint."""
    house.work()


def _wrong_by(house: TestInstallation, jump: timedelta) -> None:
    """Let the clock be wrong while the gateway works, and put it right again."""
    right = house.clock()
    house.clock.now = right + jump
    house.work()
    house.clock.now = right


def _times(house: TestInstallation, document_id: str, table: str, name: str) -> list[tuple[str, datetime]]:
    """When each event of a document was, as its evidence or the rows of its sender's stream say; as recorded."""
    of_sender = "AND t.party = d.sender" if table == "event" else ""
    order = "seq" if table == "event" else "key"
    query = f"SELECT t.{name}, t.at FROM {table} t JOIN document d ON d.key = t.document_key"
    query += f" WHERE d.document_id = :document_id {of_sender} ORDER BY t.{order}"
    with house.installation.database.read() as connection:
        found = connection.execute(text(query), {"document_id": document_id}).all()
    return [(event, datetime.fromtimestamp(at / 1000, house.clock().tzinfo)) for event, at in found]


def _require_in_order(house: TestInstallation, document_id: str, *events: str) -> None:
    """Assert that a document has evidence of just these events, and none states a time before that of the one before.

    So do the events that its sender is told.
    """
    evidence = _times(house, document_id, "evidence", "event")
    assert [event for event, _ in evidence] == list(events)
    for times in (evidence, _times(house, document_id, "event", "kind")):
        assert [at for _, at in times] == sorted(at for _, at in times)


@every_jump
def test_a_letter_is_delivered_once_by_a_clock_that_is_wrong(
    house: TestInstallation, jump: timedelta
) -> None:
    document_id = send_letter(house)
    _wrong_by(house, jump)
    house.work()
    assert inbox(house.sis) == [document_id]
    assert confirm(house.sis, document_id, retrieve(house, document_id)).fault_code is None
    _require_in_order(house, document_id, "SubmissionAcceptance", "ContentConsignment", "ContentHandover")
    assert facts(house.installation)["deliveries"] == {str(INSTITUTION): 1}
    require_verified(house, newest_checkpoints(house))


def test_a_letter_that_was_accepted_by_a_clock_ahead_is_not_kept_waiting(house: TestInstallation) -> None:
    right = house.clock()
    house.clock.forward(hours=1)
    document_id = send_letter(house)
    house.clock.now = right
    house.work()
    assert inbox(house.sis) == [document_id]
    assert withdraw(house, document_id).text("ContentRemoved") == "true"
    _require_in_order(house, document_id, "SubmissionAcceptance", "ContentConsignment", "Withdrawal")
    require_whole(house.installation)


def test_what_was_sent_by_a_clock_ahead_is_taken_back_by_a_notice_after_that(house: TestInstallation) -> None:
    house.clock.forward(hours=1)
    conversation = Uuid4.new()
    notice = risk(house, conversation)
    house.clock.forward(hours=-1)
    sent(house, taking_back(house, notice, conversation), INSTITUTION)
    _require_in_order(house, notice, "SubmissionAcceptance", "ContentConsignment", "Withdrawal")
    require_whole(house.installation)


@pytest.mark.parametrize(
    ("changes", "events"),
    [
        ((), ["BusinessAcceptance"]),
        (DECLINES, ["BusinessRejection"]),
        (ASKS, []),
    ],
    ids=["yes", "no", "a question"],
)
def test_what_was_sent_by_a_clock_ahead_is_answered_after_that(
    house: TestInstallation, changes: tuple[Change, ...], events: list[str]
) -> None:
    house.clock.forward(hours=1)
    conversation = Uuid4.new()
    notice = risk(house, conversation)
    house.clock.forward(hours=-1)
    sent(house, reply(house, notice, conversation, *changes))
    assert told(house, INSTITUTION, notice)[-1] == "ANSWERED"
    _require_in_order(house, notice, "SubmissionAcceptance", "ContentConsignment", *events)
    require_whole(house.installation)


def test_what_was_sent_by_a_clock_ahead_is_corrected_after_that(house: TestInstallation) -> None:
    house.clock.forward(hours=1)
    conversation = Uuid4.new()
    notice = risk(house, conversation)
    house.clock.forward(hours=-1)
    newer = sent(house, made(house, "dropout-risk-notice", conversation, correcting(notice)), INSTITUTION)
    _require_in_order(house, notice, "SubmissionAcceptance", "ContentConsignment", "Correction")
    _require_in_order(house, newer, "SubmissionAcceptance", "ContentConsignment")
    require_whole(house.installation)


def test_the_answer_that_comes_last_stands_by_whatever_clock_it_came(house: TestInstallation) -> None:
    conversation = Uuid4.new()
    agreement = sent(house, made(house, "agreement-notice", conversation))

    def answered(*changes: Change) -> list[str]:
        answer = made(
            house, "answer-notice-institution", conversation, SetText(REPLY_TO, agreement), *changes
        )
        sent(house, answer, INSTITUTION)
        return waits(house, MUNICIPALITY, agreement)

    house.clock.forward(hours=1)
    assert "FOLLOW_UP" not in answered(*DECLINES)
    house.clock.forward(hours=-1)
    assert "FOLLOW_UP" in answered()
    _require_in_order(
        house,
        agreement,
        "SubmissionAcceptance",
        "ContentConsignment",
        "BusinessRejection",
        "BusinessAcceptance",
    )


@pytest.mark.parametrize("jump", [timedelta(days=1, hours=1), timedelta(days=365)], ids=str)
def test_a_clock_that_is_far_ahead_accepts_nothing(house: TestInstallation, jump: timedelta) -> None:
    house.clock.now += jump
    refused = house.esdh.call(sending(paper(house.clock()))).fault_code
    assert refused == Code.REVOCATION_UNKNOWN.name
    assert facts(house.installation)["documents"] == {}


@every_jump
def test_no_task_is_held_for_ever_by_a_worker_that_died_at_a_wrong_time(
    house: TestInstallation, jump: timedelta
) -> None:
    document_id = send_letter(house)
    with house.installation.database.transaction() as connection:
        claimed = outbox.claim(connection, "worker-that-died", house.clock() + jump, LEASE_SECONDS)
    assert claimed is not None
    house.clock.forward(seconds=LEASE_SECONDS)
    house.work()
    assert inbox(house.sis) == [document_id]


@every_jump
def test_what_failed_at_a_wrong_time_is_tried_again_in_two_hours_at_most(
    house: TestInstallation, jump: timedelta
) -> None:
    document_id = send_letter(house)
    with house.installation.database.transaction() as connection:
        at = house.clock() + jump
        claimed = outbox.claim(connection, "worker", at, LEASE_SECONDS)
        assert claimed is not None
        assert outbox.retry_later(connection, claimed, at + timedelta(minutes=1), Code.STORE_UNAVAILABLE)
    house.clock.now += outbox.LONGEST_PAUSE
    house.work()
    assert inbox(house.sis) == [document_id]


@every_jump
def test_no_wait_warns_or_fires_twice_whatever_the_clock_did(
    house: TestInstallation, jump: timedelta
) -> None:
    day = f"{house.clock():%Y-%m-%d}"
    send_letter(house, Insert("before", "/Document/Header/CreatedAt", f"<ReplyDue>{day}</ReplyDue>"))
    house.work()
    for _ in range(2):
        _wrong_by(house, jump)
    for days in (1, 5, 30):
        house.clock.forward(days=days)
        house.renew_lists()
        _wrong_by(house, jump)
        house.work()
    known = facts(house.installation)
    assert {event: count for event, count in known["evidence"].items() if count != 1} == {}
    assert {kind: count for kind, count in known["events"].items() if count != 1 and "DUE_SOON" in kind} == {}
    assert set(known["waits"]) <= {f"{kind} {end}" for kind in _KINDS for end in ("fired", "cancelled")}
    assert all(count == 1 for count in known["waits"].values())
    require_verified(house, newest_checkpoints(house))


_KINDS = ("DELIVERY", "HANDOVER", "READ", "ANSWER")


@every_jump
def test_a_log_gets_its_checkpoints_in_the_order_of_size_whatever_the_clock_did(
    house: TestInstallation, jump: timedelta
) -> None:
    sizes = [_checkpoint(house)]
    anchors = newest_checkpoints(house)
    for moment in (jump, -jump, timedelta()):
        send_letter(house)
        right = house.clock()
        house.clock.now = right + moment
        house.clock.forward(seconds=2)
        house.work()
        house.clock.now = right + timedelta(seconds=4)
        house.work()
        sizes.append(_checkpoint(house))
        with house.installation.database.read() as connection:
            head = log.log_head(connection, MUNICIPALITY)
        assert head is not None
        assert sizes[-1] == head.size  # no entry waits for a clock to come round again
    assert sizes == sorted(set(sizes))
    require_verified(house, anchors)


def _checkpoint(house: TestInstallation) -> int:
    """The size of the municipality's newest checkpoint."""
    with house.installation.database.read() as connection:
        newest = log.latest_checkpoint(connection, MUNICIPALITY)
    return newest.size if newest else 0


@pytest.mark.parametrize("jump", [timedelta(hours=2), timedelta(days=1), timedelta(days=365)], ids=str)
def test_a_clock_ahead_sweeps_away_no_attachment_that_is_about_to_be_accepted(
    house: TestInstallation, jump: timedelta
) -> None:
    blobs, database = house.installation.blobs, house.installation.database
    staged = blobs.stage([LARGE])  # of a letter whose transaction is about to open
    house.clock.now = now() + jump
    keeping = Housekeeping(house.installation)
    while keeping.step():
        pass
    house.clock.now = now()
    with database.alone() as connection:
        blobs.record(connection, staged)
    with database.read() as connection:
        assert blobs.get(connection, staged.name) == LARGE

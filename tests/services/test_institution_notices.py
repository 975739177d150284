"""The institution's notices go their way: application, admission, absence, interruption and completion reach the
municipality, are fetched, stored and read; and a notice of admission that wishes for a letter waits for one."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from lxml import etree
from sqlalchemy import text

from gateway.domain.calendar import Calendar, local_day
from gateway.domain.deadlines import DeadlineKind
from gateway.domain.document import SealedBy
from gateway.domain.identifiers import PartyId, Uuid4
from gateway.domain.operations import Service
from gateway.services import parties
from gateway.storage import deadlines
from gateway.storage.deadlines import DeadlineRow
from gateway.xmlcore.c14n import exclusive
from gateway.xmlcore.namespaces import DOCUMENT, SERVICE, tag
from gateway.xmlcore.parse import parse
from gateway.xmlcore.schema import document_schema
from tests.golden.changes import Change, Remove, SetText, with_changes
from tests.golden.fresh import fresh
from tests.golden.loader import golden
from tests.installation import INSTITUTION, MUNICIPALITY, OTHER_MUNICIPALITY, Caller, TestInstallation
from tests.pki import development_pki
from tests.services.papers import (
    SEALS,
    accepted,
    between,
    confirm,
    evidence,
    id_of,
    read,
    request,
    sealed,
    sending,
)

KINDS = ("application", "admission", "absence", "interruption", "completion")
TICK = timedelta(milliseconds=1)
RISK_ID = "/Document/InterruptionNotice/RiskDocumentId"
EVERY_KIND = pytest.mark.parametrize("kind", KINDS)


def _made(
    house: TestInstallation,
    name: str,
    *changes: Change,
    conversation: Uuid4 | None = None,
    by: SealedBy = SealedBy.GATEWAY,
) -> etree._Element:
    """A golden document with all its days moved to now."""
    made = fresh(
        golden(name),
        house.clock(),
        sealed_by=by,
        conversation_id=conversation,
        person_at=development_pki().at,
    )
    return parse(with_changes(made, *changes))


def _send(house: TestInstallation, document: etree._Element | bytes, *, by: PartyId = INSTITUTION) -> str:
    """Send a document, which is accepted and delivered; its id."""
    system = house.sis if by == INSTITUTION else house.esdh
    answer = accepted(system, sending(document, by=by))
    house.work()
    return answer.text("DocumentId")


def _notice(house: TestInstallation, kind: str, by: SealedBy = SealedBy.GATEWAY) -> etree._Element:
    """A notice of this kind; for an interruption the risk was told of before."""
    if kind != "interruption":
        return _made(house, f"{kind}-notice", by=by)
    conversation = Uuid4.new()
    risk = _send(house, _made(house, "dropout-risk-notice", conversation=conversation))
    named = SetText(RISK_ID, risk)
    return _made(house, "interruption-notice", named, conversation=conversation, by=by)


def _decide(house: TestInstallation, *, cooperation: bool) -> None:
    """Let the school's data protection officer decide on the rules of cooperation."""
    parties.change_party(
        house.installation,
        INSTITUTION,
        lambda school: replace(school, cooperation_decided=cooperation),
        "COOPERATION_DECIDED",
    )


def _violations(house: TestInstallation, document: etree._Element) -> list[tuple[str, str]]:
    """The rules for which the notice is refused, with their paths."""
    answer = house.sis.call(sending(document, by=INSTITUTION))
    found = list(answer.payload.iter(tag(SERVICE, "Violation")))
    assert found, "the notice was accepted"
    return [
        (each.findtext(tag(SERVICE, "Code"), ""), each.findtext(tag(SERVICE, "Path"), "")) for each in found
    ]


def _warnings(house: TestInstallation, document: etree._Element) -> list[str]:
    """The rules of which the sender is told, though the notice is accepted."""
    return accepted(house.sis, sending(document, by=INSTITUTION)).texts("Warning/Rule")


# --- the way there -------------------------------------------------------------------------------------


@EVERY_KIND
def test_a_notice_is_delivered_fetched_stored_and_read(house: TestInstallation, kind: str) -> None:
    document = _notice(house, kind)
    _goes_its_way(house, document, document)


def test_a_notice_that_the_school_signed_itself_arrives_octet_for_octet(house: TestInstallation) -> None:
    document = _notice(house, "interruption", SealedBy.SYSTEM)
    octets = sealed(document, SEALS[INSTITUTION], house.clock())
    assert _goes_its_way(house, octets, document) == octets


def _goes_its_way(house: TestInstallation, sent: etree._Element | bytes, document: etree._Element) -> bytes:
    """Send a notice and let the municipality do all that it does with one; the exact octets it was given."""
    document_id = _send(house, sent)
    assert document_id == id_of(document)
    body = etree.QName(document[1]).localname
    listed = accepted(house.esdh, request("ListInbox", MUNICIPALITY, Kind=body))
    assert listed.texts("Item/DocumentId") == [document_id]
    answer = accepted(house.esdh, request("Retrieve", MUNICIPALITY, DocumentId=document_id))
    octets = base64.b64decode(answer.text("ExactOctets"))
    (typed,) = answer.payload.findall(tag(DOCUMENT, "Document"))
    assert document_schema().validate(parse(etree.tostring(typed))) == ()
    assert exclusive(typed[1]) == exclusive(parse(octets)[1]) == exclusive(document[1])
    assert confirm(house.esdh, document_id, octets, MUNICIPALITY).fault_code is None
    at = house.clock()
    opened = read(house.esdh, document_id, at, MUNICIPALITY, "ORDER_CASEWORKER")
    assert evidence(house, opened.text("ContentAccessTracking"))["Event"] == "ContentAccessTracking"
    status = accepted(house.sis, request("GetStatus", INSTITUTION, DocumentId=document_id))
    assert status.text("State") == "READ"
    return octets


@EVERY_KIND
def test_a_municipality_cannot_send_a_notice_of_the_institution(house: TestInstallation, kind: str) -> None:
    document = _made(house, f"{kind}-notice-minimum", *between(INSTITUTION, OTHER_MUNICIPALITY))
    answer = house.esdh.call(sending(document))
    assert answer.fault_code == "KIND_NOT_ACCEPTED"


# --- what lets it be shared ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["application", "absence"])
def test_cooperation_carries_a_notice_only_by_the_schools_own_decision(
    house: TestInstallation, kind: str
) -> None:
    document = _made(house, f"{kind}-notice-minimum")
    assert {code for code, _ in _violations(house, document)} == {"RULE_H10"}
    _decide(house, cooperation=True)
    _send(house, document)
    _decide(house, cooperation=False)
    assert {code for code, _ in _violations(house, _made(house, f"{kind}-notice-minimum"))} == {"RULE_H10"}


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        ("application", "ApplicationNotice/Education[1]"),
        ("admission", "AdmissionNotice/Education"),
        ("absence", "AbsenceNotice/AbsencePercent"),
        ("interruption", "InterruptionNotice/Reason"),
        ("completion", "CompletionNotice/Outcome"),
    ],
)
def test_a_notice_without_its_basis_is_refused_and_the_field_named(
    house: TestInstallation, kind: str, field: str
) -> None:
    other = SetText("/Document/Header/LegalBasis[1]/Provision", "LUNG-12C-2")
    told = _violations(house, _made(house, f"{kind}-notice-minimum", other))
    assert ("RULE_H10", f"/Document/{field}".replace("[1]", "")) in told
    assert {code for code, _ in told} == {"RULE_H10"}


# --- an interruption and the risk before it ------------------------------------------------------------


def test_an_interruption_without_an_earlier_risk_notice_is_accepted_and_the_school_told(
    house: TestInstallation,
) -> None:
    assert "RULE_N03" in _warnings(house, _made(house, "interruption-notice-minimum"))
    document = _notice(house, "interruption")
    assert "RULE_N03" not in _warnings(house, document)


def test_an_interruption_names_a_risk_notice_of_its_own_conversation(house: TestInstallation) -> None:
    elsewhere = _send(house, _made(house, "dropout-risk-notice", conversation=Uuid4.new()))
    admission = _send(house, _made(house, "admission-notice", conversation=(conversation := Uuid4.new())))
    for named in (elsewhere, admission, Uuid4.new().text):
        document = _made(house, "interruption-notice", SetText(RISK_ID, named), conversation=conversation)
        assert _violations(house, document) == [("RULE_H15", RISK_ID)]


def test_a_period_of_absence_is_at_most_92_days(house: TestInstallation) -> None:
    today = local_day(house.clock())
    first, last = "/Document/AbsenceNotice/PeriodFrom", "/Document/AbsenceNotice/PeriodTo"
    ends = SetText(last, today.isoformat())
    long = SetText(first, (today - timedelta(days=92)).isoformat())
    assert _violations(house, _made(house, "absence-notice", long, ends)) == [("RULE_D02", last)]
    _send(
        house, _made(house, "absence-notice", SetText(first, (today - timedelta(days=91)).isoformat()), ends)
    )


# --- a letter is wanted --------------------------------------------------------------------------------

NO_DAY = Remove("/Document/Header/ReplyDue")


def _admission(house: TestInstallation, conversation: Uuid4, *changes: Change) -> str:
    return _send(house, _made(house, "admission-notice", *changes, conversation=conversation))


def _waits(house: TestInstallation, document_id: str) -> Sequence[DeadlineRow]:
    """The waits for an answer to this notice."""
    with house.installation.database.read() as connection:
        query = text("SELECT key FROM document WHERE document_id = :id")
        key: int = connection.execute(query, {"id": document_id}).scalar_one()
        found = deadlines.deadlines_of(connection, key)
    return [each for each in found if each.kind is DeadlineKind.ANSWER]


def _go_to(house: TestInstallation, moment: datetime) -> None:
    house.clock.now = moment
    house.renew_lists()
    house.work()


def _told(caller: Caller, party: PartyId, *kinds: str) -> list[str]:
    events = accepted(caller, request("ListEvents", party)).texts("Event/TimelineEvent/Kind")
    return [kind for kind in events if kind in kinds]


def test_a_wish_for_a_letter_waits_ten_working_days_and_then_tells_both(house: TestInstallation) -> None:
    notice = _admission(house, Uuid4.new(), NO_DAY)
    (wait,) = _waits(house, notice)
    assert wait.due_at == Calendar().add_working_days(wait.opened_at, 10)
    _go_to(house, wait.due_at - TICK)
    assert _told(house.sis, INSTITUTION, "UNANSWERED") == []
    _go_to(house, wait.due_at)
    assert _told(house.sis, INSTITUTION, "UNANSWERED") == ["UNANSWERED"]
    assert _told(house.esdh, MUNICIPALITY, "UNANSWERED") == ["UNANSWERED"]


@pytest.mark.parametrize(
    "changes",
    [
        (SetText("/Document/AdmissionNotice/LetterWanted", "false"), NO_DAY),
        (Remove("/Document/AdmissionNotice/LetterWanted"), NO_DAY),
    ],
    ids=["said not to", "not said"],
)
def test_an_admission_that_wants_no_letter_waits_for_nothing(
    house: TestInstallation, changes: tuple[Change, ...]
) -> None:
    assert _waits(house, _admission(house, Uuid4.new(), *changes)) == []


def test_the_day_that_the_school_wishes_for_ends_the_wait_sooner(house: TestInstallation) -> None:
    sooner = (local_day(house.clock()) + timedelta(days=4)).isoformat()
    (wait,) = _waits(house, _admission(house, Uuid4.new(), SetText("/Document/Header/ReplyDue", sooner)))
    (usual,) = _waits(house, _admission(house, Uuid4.new(), NO_DAY))
    assert wait.due_at < usual.due_at


@pytest.mark.parametrize("name", ["education-order-letter", "support-need-letter"])
def test_the_letter_that_was_wanted_ends_the_wait_once_the_school_has_it(
    house: TestInstallation, name: str
) -> None:
    conversation = Uuid4.new()
    notice = _admission(house, conversation, NO_DAY)
    (wait,) = _waits(house, notice)
    letter = _made(house, name, conversation=conversation)
    accepted(house.esdh, sending(letter))
    assert _waits(house, notice)[0].cancelled_at is None
    house.work()
    assert _waits(house, notice)[0].cancelled_at is not None
    _go_to(house, wait.due_at + timedelta(days=1))
    assert _told(house.sis, INSTITUTION, "ANSWER_DUE_SOON", "UNANSWERED") == []
    status = accepted(house.sis, request("GetStatus", INSTITUTION, DocumentId=notice))
    assert "ANSWERED" not in status.texts("Event/Kind")


def test_an_answer_ends_the_wait_for_a_letter_and_is_one(house: TestInstallation) -> None:
    conversation = Uuid4.new()
    notice = _admission(house, conversation, NO_DAY)
    answer = _made(
        house,
        "answer-notice-minimum",
        SetText("/Document/Header/ReplyTo", notice),
        Remove("/Document/AnswerNotice/Response"),
        Remove("/Document/AnswerNotice/SubjectContact"),
        conversation=conversation,
    )
    accepted(house.esdh, sending(answer, by=MUNICIPALITY, operation="SendNotice"))
    house.work()
    assert _waits(house, notice)[0].cancelled_at is not None
    status = accepted(house.sis, request("GetStatus", INSTITUTION, DocumentId=notice))
    assert status.text("State") == "ANSWERED"


def test_a_letter_of_another_conversation_or_kind_ends_no_wait(house: TestInstallation) -> None:
    conversation = Uuid4.new()
    notice = _admission(house, conversation, NO_DAY)
    _send(house, _made(house, "education-order-letter", conversation=Uuid4.new()), by=MUNICIPALITY)
    _send(house, _made(house, "transition-letter", conversation=conversation), by=MUNICIPALITY)
    _send(house, _made(house, "absence-notice", conversation=conversation))
    assert _waits(house, notice)[0].cancelled_at is None


def test_a_letter_of_another_municipality_ends_no_wait(house: TestInstallation) -> None:
    conversation = Uuid4.new()
    notice = _admission(house, conversation, NO_DAY)
    foreign = _made(
        house,
        "education-order-letter",
        *between(OTHER_MUNICIPALITY, INSTITUTION),
        conversation=conversation,
        by=SealedBy.SYSTEM,
    )
    octets = sealed(foreign, "proevelund-kommune", house.clock())
    caller = house.caller("proevelund-esdh", Service.MUNICIPALITY)
    accepted(caller, sending(octets, by=OTHER_MUNICIPALITY))
    house.work()
    assert _waits(house, notice)[0].cancelled_at is None


def test_a_letter_that_comes_too_late_leaves_the_silence_told(house: TestInstallation) -> None:
    conversation = Uuid4.new()
    notice = _admission(house, conversation, NO_DAY)
    (wait,) = _waits(house, notice)
    _go_to(house, wait.due_at)
    _send(house, _made(house, "education-order-letter", conversation=conversation), by=MUNICIPALITY)
    status = accepted(house.sis, request("GetStatus", INSTITUTION, DocumentId=notice))
    assert "UNANSWERED" in status.texts("Event/Kind")
    assert _waits(house, notice)[0].cancelled_at is None

"""A risk notice is answered: whoever asked sees what the answer is, both sides can prove it, and silence ends.

A question in place of an answer ends nothing. What comes late is kept. Nobody answers for somebody else.
"""

from __future__ import annotations

import base64
import hashlib
import io
from datetime import datetime, timedelta
from typing import Final

import pytest
from lxml import etree

from gateway.domain.disclosure import EntryKind, Leaf
from gateway.domain.document import SealedBy
from gateway.domain.identifiers import PartyId, Uuid4
from gateway.domain.operations import Service
from gateway.services import disclosure_log
from gateway.storage import log
from gateway.translog.leaf import parse_leaf
from gateway.translog.report import Verdict
from gateway.translog.verifier import verify_bundle
from gateway.xmlcore.c14n import exclusive
from gateway.xmlcore.namespaces import DOCUMENT, SERVICE, tag
from gateway.xmlcore.parse import parse
from gateway.xmlcore.schema import document_schema
from tests.golden.changes import Change, Insert, Remove, SetText, with_changes
from tests.golden.fresh import fresh
from tests.golden.loader import golden
from tests.installation import (
    INSTITUTION,
    MUNICIPALITY,
    OTHER_MUNICIPALITY,
    Answered,
    Caller,
    TestInstallation,
)
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

REPLY_TO: Final = "/Document/Header/ReplyTo"
KIND: Final = "/Document/AnswerNotice/AnswerKind"
ASKS: Final[tuple[Change, ...]] = (
    SetText(KIND, "NEED_MORE"),
    Insert("after", "/Document/AnswerNotice/DueDate", "<Question>Hvilken bus tager Alma?</Question>"),
)
DECLINES: Final[tuple[Change, ...]] = (
    SetText(KIND, "DECLINED"),
    Insert("after", "/Document/AnswerNotice/DueDate", "<DeclineReason>MOVED</DeclineReason>"),
)


def made(
    house: TestInstallation, name: str, conversation: Uuid4, *changes: Change, by: SealedBy = SealedBy.GATEWAY
) -> etree._Element:
    """A golden document in this conversation, with all its days moved to now."""
    current = fresh(
        golden(name),
        house.clock(),
        sealed_by=by,
        conversation_id=conversation,
        person_at=development_pki().at,
    )
    return parse(with_changes(current, *changes))


def sent(house: TestInstallation, document: etree._Element | bytes, by: PartyId = MUNICIPALITY) -> str:
    """Send a document, which is accepted and delivered; its id."""
    operation = "SendNotice"
    if not isinstance(document, bytes) and etree.QName(document[1]).localname.endswith("Letter"):
        operation = "SendLetter"
    answer = accepted(system(house, by), sending(document, by=by, operation=operation))
    house.work()
    return answer.text("DocumentId")


def risk(house: TestInstallation, conversation: Uuid4) -> str:
    """The school warns of a risk; the id of its notice."""
    return sent(house, made(house, "dropout-risk-notice", conversation), INSTITUTION)


def answered(house: TestInstallation, asked: str, conversation: Uuid4, *changes: Change) -> str:
    """The municipality answers; the id of the answer."""
    return sent(house, made(house, "answer-notice", conversation, SetText(REPLY_TO, asked), *changes))


def system(house: TestInstallation, party: PartyId) -> Caller:
    return house.esdh if party == MUNICIPALITY else house.sis


def status(house: TestInstallation, party: PartyId, document_id: str) -> Answered:
    return accepted(system(house, party), request("GetStatus", party, DocumentId=document_id))


def told(house: TestInstallation, party: PartyId, document_id: str) -> list[str]:
    """The kinds of the events that a party is told of a document, in their order."""
    answer = accepted(system(house, party), request("ListEvents", party, PageSize="100"))
    pairs = zip(answer.texts("Event/DocumentId"), answer.texts("Event/TimelineEvent/Kind"), strict=True)
    return [kind for named, kind in pairs if named == document_id]


def due(house: TestInstallation, document_id: str, kind: str, party: PartyId = INSTITUTION) -> datetime:
    """When the newest wait of this kind falls due."""
    shown = status(house, party, document_id)
    times = zip(shown.texts("Deadline/Kind"), shown.texts("Deadline/Due"), strict=True)
    return datetime.fromisoformat([at for name, at in times if name == kind][-1])


def waits(house: TestInstallation, document_id: str) -> list[str]:
    """The waits that have not ended."""
    shown = status(house, INSTITUTION, document_id)
    fired = zip(shown.texts("Deadline/Kind"), shown.texts("Deadline/Fired"), strict=True)
    return [kind for kind, over in fired if over == "false"]


def go_to(house: TestInstallation, moment: datetime) -> None:
    """Let it be this moment, with everything done that is due by then."""
    house.clock.now = max(house.clock.now, moment)
    house.renew_lists()
    house.work()


def kept_evidence(house: TestInstallation, party: PartyId, document_id: str) -> dict[str, list[str]]:
    """What a party is given as evidence, base64, by event."""
    answer = accepted(system(house, party), request("GetEvidence", party, DocumentId=document_id))
    found: dict[str, list[str]] = {}
    for event, content in zip(answer.texts("Evidence/Event"), answer.texts("Evidence/Content"), strict=True):
        found.setdefault(event, []).append(content)
    return found


def leaves(house: TestInstallation, party: PartyId) -> list[Leaf]:
    with house.installation.database.read() as connection:
        head = log.log_head(connection, party)
        assert head is not None
        return [parse_leaf(each.octets) for each in log.entries(connection, party, 0, head.size)]


def violations(answer: Answered) -> list[tuple[str, str]]:
    """The rules that refuse a document, with their paths."""
    found = answer.payload.iter(tag(SERVICE, "Violation"))
    return [
        (each.findtext(tag(SERVICE, "Code"), ""), each.findtext(tag(SERVICE, "Path"), "")) for each in found
    ]


# --- the answer --------------------------------------------------------------------------------------------


def test_a_risk_notice_is_read_and_answered_and_both_sides_can_prove_it(house: TestInstallation) -> None:
    conversation = Uuid4.new()
    sent(house, made(house, "education-order-letter", conversation))
    checkpoints = {party: _exported(house, party)[1] for party in (MUNICIPALITY, INSTITUTION)}
    asked = risk(house, conversation)
    read(house.esdh, asked, house.clock(), MUNICIPALITY, "ORDER_CASEWORKER")
    assert status(house, INSTITUTION, asked).text("State") == "READ"
    assert waits(house, asked) == ["ANSWER"]

    answer = made(house, "answer-notice", conversation, SetText(REPLY_TO, asked))
    accepted(house.esdh, sending(answer, operation="SendNotice"))
    assert status(house, INSTITUTION, asked).text("State") == "READ"  # the school does not have it yet
    house.work()

    for party in (INSTITUTION, MUNICIPALITY):
        shown = status(house, party, asked)
        assert shown.text("State") == "ANSWERED"
        assert shown.texts("Event/AnswerCode") == ["OFFER"]
        assert shown.texts("Event/RelatedDocumentId") == [id_of(answer)]
        assert shown.texts("Event/Basis")[-1] == "EVIDENCE"
        assert told(house, party, asked)[-1] == "ANSWERED"
    assert waits(house, asked) == []

    received = _retrieved(house, INSTITUTION, id_of(answer))
    (content,) = kept_evidence(house, INSTITUTION, asked)["BusinessAcceptance"]
    assert kept_evidence(house, MUNICIPALITY, asked)["BusinessAcceptance"] == [content]
    proof = evidence(house, content)
    assert proof["DocumentId"] == asked
    assert proof.octets("BasedOn") == hashlib.sha256(received).digest()
    assert proof["LogOrigin"].endswith("/11111111-0999")  # on the side of who answers
    for party in (INSTITUTION, MUNICIPALITY):
        assert [leaf.outcome for leaf in leaves(house, party) if leaf.event == "BusinessAcceptance"] == [
            "DONE"
        ]
    assert proof["LogEntryId"] in [leaf.entry_id.text for leaf in leaves(house, MUNICIPALITY)]

    go_to(house, house.clock() + timedelta(days=30))
    assert {"ANSWER_DUE_SOON", "UNANSWERED"}.isdisjoint(told(house, INSTITUTION, asked))
    for party, checkpoint in checkpoints.items():
        key = str(disclosure_log.log_key(house.installation, party))
        report = verify_bundle(
            io.BytesIO(_exported(house, party)[0]), log_key=key, known_checkpoint=checkpoint
        )
        assert report.verdict is Verdict.OK


def _exported(house: TestInstallation, party: PartyId) -> tuple[bytes, str]:
    target = io.BytesIO()
    checkpoint = disclosure_log.export(house.installation, party, target)
    return target.getvalue(), checkpoint


def _retrieved(house: TestInstallation, party: PartyId, document_id: str) -> bytes:
    answer = accepted(system(house, party), request("Retrieve", party, DocumentId=document_id))
    return base64.b64decode(answer.text("ExactOctets"))


def test_an_answer_to_what_nobody_opened_tells_that_it_was_read(house: TestInstallation) -> None:
    conversation = Uuid4.new()
    asked = risk(house, conversation)
    assert waits(house, asked) != ["ANSWER"]
    answered(house, asked, conversation)
    shown = status(house, INSTITUTION, asked)
    inferred = zip(shown.texts("Event/Kind"), shown.texts("Event/Basis"), strict=True)
    assert [kind for kind, basis in inferred if basis == "INFERRED"] == ["HANDED_OVER", "READ"]
    assert waits(house, asked) == []


def test_a_no_is_evidenced_with_its_reason(house: TestInstallation) -> None:
    conversation = Uuid4.new()
    asked = risk(house, conversation)
    answered(house, asked, conversation, *DECLINES)
    shown = status(house, INSTITUTION, asked)
    assert (shown.text("State"), shown.texts("Event/AnswerCode")) == ("ANSWERED", ["DECLINED"])
    (content,) = kept_evidence(house, INSTITUTION, asked)["BusinessRejection"]
    proof = evidence(house, content)
    assert (proof["Reasons/Reason/Code"], proof["Reasons/Reason/Detail"]) == ("DECLINED", "MOVED")
    assert waits(house, asked) == []


def test_a_late_answer_is_kept_evidenced_and_flagged(house: TestInstallation) -> None:
    conversation = Uuid4.new()
    asked = risk(house, conversation)
    read(house.esdh, asked, house.clock(), MUNICIPALITY, "ORDER_CASEWORKER")
    go_to(house, due(house, asked, "ANSWER"))
    assert status(house, INSTITUTION, asked).text("State") == "UNANSWERED"
    answered(house, asked, conversation)
    for party in (INSTITUTION, MUNICIPALITY):
        shown = status(house, party, asked)
        assert shown.text("State") == "ANSWERED"
        assert shown.texts("Event/Flag") == ["LATE"]
    assert {"AnswerExpiry", "BusinessAcceptance"} <= kept_evidence(house, INSTITUTION, asked).keys()


def test_of_two_answers_the_later_counts_and_both_are_kept(house: TestInstallation) -> None:
    conversation = Uuid4.new()
    asked = risk(house, conversation)
    answered(house, asked, conversation)
    house.clock.forward(hours=1)
    answered(house, asked, conversation, *DECLINES)
    shown = status(house, INSTITUTION, asked)
    assert shown.text("State") == "ANSWERED"
    assert shown.texts("Event/AnswerCode") == ["OFFER", "DECLINED"]
    assert shown.texts("Event/Flag") == []
    assert {"BusinessAcceptance", "BusinessRejection"} <= kept_evidence(house, INSTITUTION, asked).keys()


def test_the_same_answer_sent_again_answers_once(house: TestInstallation) -> None:
    conversation = Uuid4.new()
    asked = risk(house, conversation)
    answer = made(house, "answer-notice", conversation, SetText(REPLY_TO, asked))
    sent(house, answer)
    assert accepted(house.esdh, sending(answer, operation="SendNotice")).text("Repeated") == "true"
    house.work()
    assert told(house, INSTITUTION, asked).count("ANSWERED") == 1


# --- a question in its place ----------------------------------------------------------------------------------


def test_a_question_answers_nothing_for_good_and_the_wait_begins_anew(house: TestInstallation) -> None:
    conversation = Uuid4.new()
    asked = risk(house, conversation)
    first = due(house, asked, "ANSWER")
    read(house.esdh, asked, house.clock(), MUNICIPALITY, "ORDER_CASEWORKER")
    go_to(house, first - timedelta(hours=1))
    answered(house, asked, conversation, *ASKS)
    shown = status(house, INSTITUTION, asked)
    assert (shown.text("State"), shown.texts("Event/AnswerCode")) == ("ANSWERED", ["NEED_MORE"])
    assert shown.texts("Event/Basis")[-1] == "RECORDED"
    assert (
        kept_evidence(house, INSTITUTION, asked)
        .keys()
        .isdisjoint({"BusinessAcceptance", "BusinessRejection"})
    )
    assert waits(house, asked) == ["ANSWER"]
    assert due(house, asked, "ANSWER") > first
    go_to(house, due(house, asked, "ANSWER"))
    silent = status(house, INSTITUTION, asked)
    assert silent.text("State") == "UNANSWERED"
    assert silent.texts("Event/Flag") == []  # the question was no answer that the silence could contradict
    answered(house, asked, conversation)
    final = status(house, INSTITUTION, asked)
    assert (final.text("State"), final.texts("Event/Flag")) == ("ANSWERED", ["LATE"])


def test_a_question_after_an_answer_opens_no_wait(house: TestInstallation) -> None:
    conversation = Uuid4.new()
    asked = risk(house, conversation)
    answered(house, asked, conversation)
    answered(house, asked, conversation, *ASKS)
    assert waits(house, asked) == []


def test_a_question_after_silence_is_late_and_is_waited_for_again(house: TestInstallation) -> None:
    conversation = Uuid4.new()
    asked = risk(house, conversation)
    read(house.esdh, asked, house.clock(), MUNICIPALITY, "ORDER_CASEWORKER")
    go_to(house, due(house, asked, "ANSWER"))
    answered(house, asked, conversation, *ASKS)
    shown = status(house, INSTITUTION, asked)
    assert (shown.text("State"), shown.texts("Event/Flag")) == ("UNANSWERED", ["LATE"])
    assert waits(house, asked) == ["ANSWER"]


# --- who may answer ---------------------------------------------------------------------------------------------


def test_nobody_answers_for_somebody_else(house: TestInstallation) -> None:
    conversation = Uuid4.new()
    asked = risk(house, conversation)
    stranger = house.caller("proevelund-esdh", Service.MUNICIPALITY)
    changes = (SetText(REPLY_TO, asked), *between(OTHER_MUNICIPALITY, INSTITUTION))
    answer = made(house, "answer-notice", conversation, *changes)
    refused = stranger.call(sending(answer, by=OTHER_MUNICIPALITY, operation="SendNotice"))
    assert ("RULE_H15", REPLY_TO) in violations(refused)
    own = made(house, "answer-notice-institution", conversation, SetText(REPLY_TO, asked))
    refused = house.sis.call(sending(own, by=INSTITUTION))
    assert violations(refused) == [("RULE_H15", REPLY_TO)]
    assert status(house, INSTITUTION, asked).text("State") == "AVAILABLE"


def test_an_answer_names_what_it_answers(house: TestInstallation) -> None:
    answer = made(house, "answer-notice-minimum", Uuid4.new(), Remove(REPLY_TO))
    refused = house.esdh.call(sending(answer, operation="SendNotice"))
    assert ("RULE_H15", "/Document/Header") in violations(refused)


def test_each_wish_of_the_notice_is_answered_and_no_other(house: TestInstallation) -> None:
    conversation = Uuid4.new()
    asked = SetText(REPLY_TO, risk(house, conversation))
    other = SetText("/Document/AnswerNotice/Response[1]/Action", "GUIDANCE")
    refused = house.esdh.call(
        sending(made(house, "answer-notice", conversation, asked, other), operation="SendNotice")
    )
    assert violations(refused) == [("RULE_A02", "/Document/AnswerNotice/Response[1]/Action")]
    silent = made(
        house, "answer-notice", conversation, asked, Remove("/Document/AnswerNotice/SubjectContact")
    )
    warned = accepted(house.esdh, sending(silent, operation="SendNotice"))
    assert "RULE_A03" in warned.texts("Warning/Rule")


# --- notes, agreements, changes of contact ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "by"),
    [
        ("answer-notice", MUNICIPALITY),
        ("agreement-notice", MUNICIPALITY),
        ("note-notice-minimum", MUNICIPALITY),
        ("contact-change-notice", MUNICIPALITY),
        ("contact-change-notice-full", INSTITUTION),
        ("contact-change-notice-role", INSTITUTION),
    ],
)
@pytest.mark.parametrize("sealed_by", list(SealedBy))
def test_it_goes_there_and_is_fetched_stored_and_read(
    house: TestInstallation, name: str, by: PartyId, sealed_by: SealedBy
) -> None:
    conversation = Uuid4.new()
    asked = risk(house, conversation)
    changes = (SetText(REPLY_TO, asked),) if name.startswith("answer") else ()
    document = made(house, name, conversation, *changes, by=sealed_by)
    signed = sealed(document, SEALS[by], house.clock()) if sealed_by is SealedBy.SYSTEM else document
    document_id = sent(house, signed, by)
    to = INSTITUTION if by == MUNICIPALITY else MUNICIPALITY
    there = system(house, to)
    kind = etree.QName(document[1]).localname
    listed = accepted(there, request("ListInbox", to, Kind=kind))
    assert listed.texts("Item/DocumentId") == [document_id]
    answer = accepted(there, request("Retrieve", to, DocumentId=document_id))
    octets = base64.b64decode(answer.text("ExactOctets"))
    (typed,) = answer.payload.findall(tag(DOCUMENT, "Document"))
    assert document_schema().validate(parse(etree.tostring(typed))) == ()
    assert exclusive(typed[1]) == exclusive(parse(octets)[1]) == exclusive(document[1])
    assert confirm(there, document_id, octets, to).fault_code is None
    assert read(there, document_id, house.clock(), to, "MANAGER").fault_code is None
    assert status(house, by, document_id).text("State") == "READ"


def test_a_change_of_a_shared_contact_is_about_nobody(house: TestInstallation) -> None:
    document = made(house, "contact-change-notice-role", Uuid4.new())
    sent(house, document, INSTITUTION)
    listed = accepted(house.esdh, request("ListInbox", MUNICIPALITY))
    assert listed.texts("Item/Protected") == ["false"]
    for party, kind in ((INSTITUTION, EntryKind.DISCLOSE), (MUNICIPALITY, EntryKind.RECEIVE)):
        (leaf,) = (each for each in leaves(house, party) if each.kind is kind)
        assert (leaf.subject, leaf.subject_kind, leaf.subject_count) == (None, None, 0)
        assert not any("Subject/" in path for path in leaf.fields_sent)
        assert "officialid" not in leaf.categories


@pytest.mark.parametrize("wanted", [True, False])
def test_a_note_waits_for_an_answer_only_where_it_wants_one(house: TestInstallation, wanted: bool) -> None:
    conversation = Uuid4.new()
    sent(house, made(house, "education-order-letter", conversation))
    wish = SetText("/Document/NoteNotice/AnswerWanted", str(wanted).lower())
    note = sent(house, made(house, "note-notice-minimum", conversation, wish))
    shown = status(house, MUNICIPALITY, note)
    assert ("ANSWER" in shown.texts("Deadline/Kind")) is wanted
    reply = SetText(REPLY_TO, note)
    sent(house, made(house, "answer-notice-institution", conversation, reply), INSTITUTION)
    after = status(house, MUNICIPALITY, note)
    assert (after.text("State"), after.texts("Event/AnswerCode")) == ("ANSWERED", ["ACCEPTED"])
    assert after.texts("Deadline/Kind") == []


def test_a_note_rests_on_the_conversation_and_out_of_the_blue_on_consent(house: TestInstallation) -> None:
    conversation = Uuid4.new()
    blue = house.esdh.call(sending(made(house, "note-notice-minimum", conversation), operation="SendNotice"))
    assert violations(blue)[0] == ("RULE_H10", "/Document/NoteNotice/Text")
    sent(house, made(house, "education-order-letter", conversation))
    sent(house, made(house, "note-notice-minimum", conversation))


def test_an_agreement_binds_once_the_other_party_has_accepted_it(house: TestInstallation) -> None:
    conversation = Uuid4.new()
    agreement = sent(house, made(house, "agreement-notice", conversation))
    proposed = status(house, INSTITUTION, agreement)
    assert (proposed.text("State"), proposed.texts("Event/AnswerCode")) == ("AVAILABLE", [])
    assert {"ANSWER", "FOLLOW_UP"} <= set(proposed.texts("Deadline/Kind"))
    reply = SetText(REPLY_TO, agreement)
    sent(house, made(house, "answer-notice-institution", conversation, reply), INSTITUTION)
    for party in (MUNICIPALITY, INSTITUTION):
        binding = status(house, party, agreement)
        assert (binding.text("State"), binding.texts("Event/AnswerCode")) == ("ANSWERED", ["ACCEPTED"])
        assert binding.texts("Deadline/Kind") == ["FOLLOW_UP"]


def test_both_parties_are_told_when_the_day_of_the_follow_up_comes(house: TestInstallation) -> None:
    agreement = sent(house, made(house, "agreement-notice", Uuid4.new()))
    day = due(house, agreement, "FOLLOW_UP")
    go_to(house, day - timedelta(milliseconds=1))
    for party in (MUNICIPALITY, INSTITUTION):
        assert "FOLLOW_UP_DUE_SOON" in told(house, party, agreement)
        assert "FOLLOW_UP_DUE" not in told(house, party, agreement)
    go_to(house, day)
    house.work()
    for party in (MUNICIPALITY, INSTITUTION):
        assert told(house, party, agreement).count("FOLLOW_UP_DUE") == 1
        assert told(house, party, agreement).count("FOLLOW_UP_DUE_SOON") == 1


def test_an_agreement_that_is_declined_is_not_followed_up(house: TestInstallation) -> None:
    conversation = Uuid4.new()
    agreement = sent(house, made(house, "agreement-notice", conversation))
    reply = SetText(REPLY_TO, agreement)
    sent(house, made(house, "answer-notice-institution", conversation, reply, *DECLINES), INSTITUTION)
    assert status(house, INSTITUTION, agreement).texts("Deadline/Kind") == []

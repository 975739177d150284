"""A conversation is about one young person: an answer, a correction or a further document about another is refused.

What was withdrawn because it was about a wrong person is put right in the same conversation.
"""

from __future__ import annotations

import pytest
from lxml import etree

from gateway.domain.identifiers import PartyId, Uuid4
from gateway.xmlcore.namespaces import SERVICE, tag
from gateway.xmlcore.parse import parse
from tests.golden.changes import Change, Insert, Remove, SetText, with_changes
from tests.golden.fresh import fresh
from tests.golden.loader import golden
from tests.installation import INSTITUTION, MUNICIPALITY, Answered, TestInstallation
from tests.pki import development_pki
from tests.services.papers import accepted, id_of, request, sending

CONVERSATION = "/Document/Header/ConversationId"
REPLY_TO = "/Document/Header/ReplyTo"
CORRECTS = "/Document/Header/Corrects/DocumentId"
WITHDRAWS = "/Document/Header/Withdraws/DocumentId"
SOMEBODY_ELSE: tuple[Change, ...] = (
    SetText("/Document/Header/Subject/CprNumber", "7503055094"),
    SetText("/Document/Header/Subject/BirthDate", "2005-03-15"),
    SetText("/Document/Header/Subject/Name", "Sofie Eksempelsen"),
)


def made(house: TestInstallation, name: str, conversation: Uuid4, *changes: Change) -> etree._Element:
    """A golden document in this conversation, with all its days moved to now; then the changes."""
    current = fresh(golden(name), house.clock(), conversation_id=conversation, person_at=development_pki().at)
    return parse(with_changes(current, SetText("/Document/Header/SealedBy", "GATEWAY"), *changes))


def call(house: TestInstallation, document: etree._Element, by: PartyId = MUNICIPALITY) -> Answered:
    """Send a document, and let it be delivered if it is accepted."""
    kind = etree.QName(document[1]).localname
    operation = "SendLetter" if kind.endswith("Letter") else "SendNotice"
    caller = house.esdh if by == MUNICIPALITY else house.sis
    answer = caller.call(sending(document, by=by, operation=operation))
    house.work()
    return answer


def sent(house: TestInstallation, document: etree._Element, by: PartyId = MUNICIPALITY) -> str:
    """The id of a document that was accepted and delivered."""
    answer = call(house, document, by)
    assert answer.fault_code is None, broken(answer)
    return id_of(document)


def broken(answer: Answered) -> list[tuple[str, str]]:
    """The rules for which a document is refused, with their paths."""
    return [
        (each.findtext(tag(SERVICE, "Code"), ""), each.findtext(tag(SERVICE, "Path"), ""))
        for each in answer.payload.iter(tag(SERVICE, "Violation"))
    ]


def correcting(document_id: str) -> Change:
    """The change that lets a document replace an earlier one."""
    named = f"<Corrects><DocumentId>{document_id}</DocumentId><Reason>Det var forkert.</Reason></Corrects>"
    return Insert("before", "/Document/Header/CreatedAt", named)


def withdraw(house: TestInstallation, document_id: str, reason: str) -> None:
    """The municipality takes its document back."""
    body = request("WithdrawDocument", MUNICIPALITY, DocumentId=document_id, Reason=reason)
    accepted(house.esdh, body)


def test_an_answer_is_about_the_young_person_who_was_asked_about(house: TestInstallation) -> None:
    conversation = Uuid4.new()
    asked = SetText(REPLY_TO, sent(house, made(house, "dropout-risk-notice", conversation), INSTITUTION))
    other = call(house, made(house, "answer-notice", conversation, asked, *SOMEBODY_ELSE))
    assert broken(other) == [("RULE_H15", REPLY_TO)]
    assert b"7503055094" not in other.http.body
    sent(house, made(house, "answer-notice", conversation, asked))


def test_a_correction_is_about_the_same_young_person(house: TestInstallation) -> None:
    conversation = Uuid4.new()
    first = sent(house, made(house, "education-order-letter", conversation))
    other = made(house, "education-order-letter", conversation, correcting(first), *SOMEBODY_ELSE)
    assert broken(call(house, other)) == [("RULE_H15", CORRECTS)]
    sent(house, made(house, "education-order-letter", conversation, correcting(first)))


@pytest.mark.parametrize("is_stored", [False, True], ids=["unread", "stored"])
def test_what_was_about_a_wrong_person_is_put_right_in_its_conversation(
    house: TestInstallation, is_stored: bool
) -> None:
    conversation = Uuid4.new()
    wrong = sent(house, made(house, "education-order-letter", conversation, *SOMEBODY_ELSE))
    right = made(house, "education-order-letter", conversation, correcting(wrong))
    if is_stored:
        accepted(
            house.sis,
            request("RegisterRead", INSTITUTION, DocumentId=wrong, ReaderRole="TEACHER",
                    ReadAt=f"{house.clock():%Y-%m-%dT%H:%M:%SZ}"),
        )  # fmt: skip
        assert broken(call(house, right)) == [("RULE_H15", CORRECTS)]
    withdraw(house, wrong, "WRONG_SUBJECT")
    sent(house, right)
    sent(house, made(house, "note-notice", conversation, Remove("/Document/NoteNotice/RefersTo")))


def test_what_was_withdrawn_for_another_reason_is_not_put_right_about_somebody_else(
    house: TestInstallation,
) -> None:
    conversation = Uuid4.new()
    first = sent(house, made(house, "education-order-letter", conversation))
    accepted(
        house.sis,
        request("RegisterRead", INSTITUTION, DocumentId=first, ReaderRole="TEACHER",
                ReadAt=f"{house.clock():%Y-%m-%dT%H:%M:%SZ}"),
    )  # fmt: skip
    withdraw(house, first, "WRONG_CONTENT")
    other = made(house, "education-order-letter", conversation, correcting(first), *SOMEBODY_ELSE)
    assert broken(call(house, other)) == [("RULE_H15", CORRECTS)]
    further = made(house, "education-order-letter", conversation, *SOMEBODY_ELSE)
    assert broken(call(house, further)) == [("RULE_H15", CONVERSATION)]


def test_a_further_document_of_a_conversation_is_about_the_same_young_person(house: TestInstallation) -> None:
    conversation = Uuid4.new()
    sent(house, made(house, "education-order-letter", conversation))
    other = made(house, "dropout-risk-notice", conversation, *SOMEBODY_ELSE)
    assert broken(call(house, other, INSTITUTION)) == [("RULE_H15", CONVERSATION)]
    sent(house, made(house, "dropout-risk-notice", Uuid4.new(), *SOMEBODY_ELSE), INSTITUTION)
    sent(house, made(house, "dropout-risk-notice", conversation), INSTITUTION)


def test_a_withdrawal_names_the_young_person_whom_the_document_was_about(house: TestInstallation) -> None:
    conversation = Uuid4.new()
    letter = sent(house, made(house, "education-order-letter", conversation))
    names = (SetText(WITHDRAWS, letter), SetText("/Document/WithdrawalNotice/WithdrawnDocumentId", letter))
    other = made(house, "withdrawal-notice", conversation, *names, *SOMEBODY_ELSE)
    assert broken(call(house, other)) == [("RULE_H15", WITHDRAWS)]
    sent(house, made(house, "withdrawal-notice", conversation, *names))


def test_of_a_wrong_person_the_deletion_is_answered_though_the_conversation_went_on(
    house: TestInstallation,
) -> None:
    conversation = Uuid4.new()
    wrong = sent(house, made(house, "agreement-notice", conversation, *SOMEBODY_ELSE))
    stored = {"DocumentId": wrong, "ReaderRole": "TEACHER", "ReadAt": f"{house.clock():%Y-%m-%dT%H:%M:%SZ}"}
    accepted(house.sis, request("RegisterRead", INSTITUTION, **stored))
    withdraw(house, wrong, "WRONG_SUBJECT")
    sent(house, made(house, "agreement-notice", conversation, correcting(wrong)))
    house.clock.forward(seconds=2)
    deleted = made(house, "answer-notice-institution", conversation, SetText(REPLY_TO, wrong), *SOMEBODY_ELSE)
    sent(house, deleted, INSTITUTION)

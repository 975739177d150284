"""Letters of support without an order, transitions both ways, and the handover between municipalities go their way."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest
from lxml import etree

from gateway.domain.document import SealedBy
from gateway.domain.identifiers import PartyId, Uuid4
from gateway.domain.kinds import DocumentKind
from gateway.domain.mandate import Mandate, Operation
from gateway.domain.operations import Service
from gateway.services import parties
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
    OTHER_INSTITUTION,
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
    text_of,
)

VENDOR = "leverandoer-esdh"
ADMISSION_ID = "/Document/SupportNeedLetter/AdmissionDocumentId"


@dataclass(frozen=True)
class Way:
    """How a golden document travels: by which operation, from whom to whom, and who reads it there."""

    name: str
    operation: str
    sender: PartyId
    recipient: PartyId
    reader: str


WAYS = (
    Way("support-need-letter", "SendLetter", MUNICIPALITY, INSTITUTION, "STUDY_COUNSELLOR"),
    Way("transition-letter", "SendLetter", MUNICIPALITY, INSTITUTION, "STUDY_COUNSELLOR"),
    Way("transition-notice", "SendNotice", INSTITUTION, MUNICIPALITY, "CASEWORKER"),
    Way("handover-notice", "SendNotice", MUNICIPALITY, OTHER_MUNICIPALITY, "YOUTH_COUNSELLOR"),
)
EVERY_WAY = pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
HANDOVER = WAYS[3]
PASSED_ON = Uuid4("1da2fd08-5bb5-4b99-8bbc-ac1c4dbfa3ab")  # the conversation that the golden handover names


@pytest.fixture(autouse=True)
def talk(house: TestInstallation) -> None:
    """The municipality has a conversation to hand over: the school told it of a risk."""
    accepted(house.sis, sending(_made(house, "dropout-risk-notice", conversation=PASSED_ON), by=INSTITUTION))
    house.work()


def _caller(house: TestInstallation, party: PartyId) -> Caller:
    """The system of a party, at the service of its sort."""
    system = {
        MUNICIPALITY: "eksempelby-esdh",
        INSTITUTION: "proeveby-sis",
        OTHER_MUNICIPALITY: "proevelund-esdh",
    }
    return house.caller(system[party], Service.MUNICIPALITY if party.is_municipality else Service.INSTITUTION)


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


def _call(house: TestInstallation, way: Way, document: etree._Element | bytes) -> Answered:
    body = sending(document, by=way.sender, operation=way.operation)
    return _caller(house, way.sender).call(body)


def _violations(answer: Answered) -> list[tuple[str, str]]:
    """The rules for which a document is refused, with their paths."""
    found = list(answer.payload.iter(tag(SERVICE, "Violation")))
    assert found, "the document was accepted"
    return [
        (each.findtext(tag(SERVICE, "Code"), ""), each.findtext(tag(SERVICE, "Path"), "")) for each in found
    ]


def _state(house: TestInstallation, party: PartyId, document_id: str) -> str:
    body = request("GetStatus", party, DocumentId=document_id)
    return accepted(_caller(house, party), body).text("State")


# --- the way there -------------------------------------------------------------------------------------


@EVERY_WAY
def test_a_document_is_delivered_listed_fetched_stored_and_read(house: TestInstallation, way: Way) -> None:
    document = _made(house, way.name)
    _goes_its_way(house, way, document, document)


@pytest.mark.parametrize("way", [WAYS[0], HANDOVER], ids=lambda way: way.name)
def test_a_document_that_the_municipality_signed_itself_arrives_octet_for_octet(
    house: TestInstallation, way: Way
) -> None:
    document = _made(house, way.name, by=SealedBy.SYSTEM)
    octets = sealed(document, SEALS[MUNICIPALITY], house.clock())
    assert _goes_its_way(house, way, octets, document) == octets


def _goes_its_way(
    house: TestInstallation, way: Way, sent: etree._Element | bytes, document: etree._Element
) -> bytes:
    """Send a document and let the recipient do all that it does with one; the exact octets it was given."""
    recipient, document_id = _caller(house, way.recipient), id_of(document)
    answer = _call(house, way, sent)
    assert (answer.fault_code, answer.text("DocumentId")) == (None, document_id)
    house.work()
    kind = etree.QName(document[1]).localname
    listed = accepted(recipient, request("ListInbox", way.recipient, Kind=kind))
    assert listed.texts("Item/DocumentId") == [document_id]
    assert b"Alma" not in listed.http.body
    given = accepted(recipient, request("Retrieve", way.recipient, DocumentId=document_id))
    octets = base64.b64decode(given.text("ExactOctets"))
    (typed,) = given.payload.findall(tag(DOCUMENT, "Document"))
    assert document_schema().validate(parse(etree.tostring(typed))) == ()
    assert exclusive(typed[1]) == exclusive(parse(octets)[1]) == exclusive(document[1])
    assert confirm(recipient, document_id, octets, way.recipient).fault_code is None
    opened = read(recipient, document_id, house.clock(), way.recipient, way.reader)
    assert evidence(house, opened.text("ContentAccessTracking"))["Event"] == "ContentAccessTracking"
    assert _state(house, way.sender, document_id) == "READ"
    return octets


@EVERY_WAY
def test_a_stranger_is_told_that_there_is_no_such_document(house: TestInstallation, way: Way) -> None:
    document = _made(house, way.name)
    assert _call(house, way, document).fault_code is None
    house.work()
    stranger = house.caller("eksempellund-sis", Service.INSTITUTION)
    asked = request("Retrieve", OTHER_INSTITUTION, DocumentId=id_of(document))
    assert stranger.call(asked).fault_code == "NOT_FOUND"


# --- a letter that rests on a notice of admission --------------------------------------------------------


def _admission(house: TestInstallation, conversation: Uuid4) -> str:
    document = _made(house, "admission-notice", conversation=conversation)
    accepted(house.sis, sending(document, by=INSTITUTION))
    house.work()
    return id_of(document)


def _resting_on(admission: str) -> Change:
    xml = f"<AdmissionDocumentId>{admission}</AdmissionDocumentId>"
    return Insert("first", "/Document/SupportNeedLetter", xml)


def test_a_letter_names_the_notice_of_admission_that_it_rests_on(house: TestInstallation) -> None:
    conversation = Uuid4.new()
    rests = _resting_on(_admission(house, conversation))
    accepted(house.esdh, sending(_made(house, "support-need-letter", rests, conversation=conversation)))


def test_a_letter_rests_on_no_notice_of_another_conversation_kind_or_that_nobody_sent(
    house: TestInstallation,
) -> None:
    conversation = Uuid4.new()
    elsewhere = _admission(house, Uuid4.new())
    transition = _made(house, "transition-notice", conversation=conversation)
    accepted(house.sis, sending(transition, by=INSTITUTION))
    house.work()
    for named in (elsewhere, id_of(transition), Uuid4.new().text):
        letter = _made(house, "support-need-letter", _resting_on(named), conversation=conversation)
        assert _violations(house.esdh.call(sending(letter))) == [("RULE_H15", ADMISSION_ID)]


# --- what lets it be shared ------------------------------------------------------------------------------


def _decide(house: TestInstallation, party: PartyId, *, cooperation: bool) -> None:
    """Let the data protection officer of a party decide on the rules of cooperation."""
    parties.change_party(
        house.installation,
        party,
        lambda known: replace(known, cooperation_decided=cooperation),
        "COOPERATION_DECIDED",
    )


@pytest.mark.parametrize("way", WAYS[1:3], ids=lambda way: way.name)
def test_a_transition_without_consent_needs_the_senders_own_decision(
    house: TestInstallation, way: Way
) -> None:
    document = _made(house, f"{way.name}-minimum")
    assert {code for code, _ in _violations(_call(house, way, document))} == {"RULE_H10"}
    _decide(house, way.recipient, cooperation=True)
    assert {code for code, _ in _violations(_call(house, way, document))} == {"RULE_H10"}
    _decide(house, way.sender, cooperation=True)
    assert _call(house, way, document).fault_code is None


def test_a_letter_without_an_order_cannot_rest_on_the_sentence_about_orders(house: TestInstallation) -> None:
    claim = SetText("/Document/Header/LegalBasis[1]/Provision", "LAB-30-7-1")
    answer = house.esdh.call(sending(_made(house, "support-need-letter-minimum", claim)))
    told = _violations(answer)
    assert {code for code, _ in told} == {"RULE_H10"}
    assert ("RULE_H10", "/Document/SupportNeedLetter/Assessment") in told


# --- the handover ----------------------------------------------------------------------------------------


def _handover(house: TestInstallation, *changes: Change) -> Answered:
    return _call(house, HANDOVER, _made(house, "handover-notice", *changes))


def test_a_handover_is_a_notice_and_no_letter(house: TestInstallation) -> None:
    letter = replace(HANDOVER, operation="SendLetter")
    assert _call(house, letter, _made(house, "handover-notice")).fault_code == "KIND_NOT_ACCEPTED"


def test_a_handover_goes_to_no_institution(house: TestInstallation) -> None:
    to_school = (
        SetText("/Document/Header/Recipient/Party/Cvr", INSTITUTION.cvr.text),
        Remove("/Document/Header/Recipient/Party/MunicipalityCode"),
        Insert(
            "after",
            "/Document/Header/Recipient/Party/Cvr",
            f"<InstitutionNumber>{INSTITUTION.unit}</InstitutionNumber>",
        ),
    )
    assert ("RULE_H02", "/Document/HandoverNotice") in _violations(_handover(house, *to_school))


@pytest.mark.parametrize(
    ("name", "code"), [("FromMunicipality", "0998"), ("ToMunicipality", "0999")], ids=["from", "to"]
)
def test_a_handover_goes_from_the_municipality_that_is_left_to_that_of_arrival(
    house: TestInstallation, name: str, code: str
) -> None:
    path = f"/Document/HandoverNotice/{name}"
    assert _violations(_handover(house, SetText(path, code))) == [("RULE_H15", path)]


def test_a_municipality_that_takes_no_handovers_is_no_recipient(house: TestInstallation) -> None:
    parties.change_party(
        house.installation,
        OTHER_MUNICIPALITY,
        lambda known: replace(known, receives=known.receives - {DocumentKind.HANDOVER_NOTICE}),
        "RECEIVES_CHANGED",
    )
    assert _handover(house).fault_code == "RECIPIENT_UNKNOWN"


def _with_mandate(house: TestInstallation, kinds: Sequence[DocumentKind]) -> Answered:
    """Let a vendor's system send a handover by a mandate for these kinds."""
    given = Mandate(
        Uuid4.new(),
        house.systems[VENDOR].id,
        MUNICIPALITY,
        frozenset({Operation.SEND_NOTICE}),
        frozenset(kinds),
        house.clock(),
        None,
        "mette.eksempel",
    )
    parties.give_mandate(house.installation, given)
    caller = house.caller(VENDOR, Service.MUNICIPALITY)
    body = sending(_made(house, "handover-notice"), by=MUNICIPALITY, operation="SendNotice")
    return caller.call(body)


def test_a_system_hands_over_only_with_a_mandate_for_that_kind(house: TestInstallation) -> None:
    others = [kind for kind in DocumentKind if kind is not DocumentKind.HANDOVER_NOTICE]
    assert _with_mandate(house, others).fault_code == "MANDATE_MISSING"
    assert _with_mandate(house, [DocumentKind.HANDOVER_NOTICE]).fault_code is None


def test_an_open_conversation_is_with_a_party_that_the_register_knows(house: TestInstallation) -> None:
    path = "/Document/HandoverNotice/OpenConversation/Counterpart/InstitutionNumber"
    assert ("RULE_H04", path) in _violations(_handover(house, SetText(path, "999003")))


def test_without_a_register_an_open_conversation_is_with_a_party_that_is_registered(
    house: TestInstallation,
) -> None:
    knowledge = replace(house.installation.knowledge, institutions=None)
    house.installation = replace(house.installation, knowledge=knowledge)
    path = "/Document/HandoverNotice/OpenConversation/Counterpart"
    assert _handover(house).fault_code is None
    unknown = SetText(f"{path}/InstitutionNumber", "999009")
    assert ("RULE_H04", f"{path}/InstitutionNumber") in _violations(_handover(house, unknown))


def test_a_handover_passes_on_only_conversations_of_the_sender_with_that_party(
    house: TestInstallation,
) -> None:
    block = "/Document/HandoverNotice/OpenConversation"
    path = f"{block}/ConversationId"
    assert _violations(_handover(house, SetText(path, Uuid4.new().text))) == [("RULE_H15", path)]
    other_school = (
        SetText(f"{block}/Counterpart/Cvr", OTHER_INSTITUTION.cvr.text),
        SetText(f"{block}/Counterpart/InstitutionNumber", OTHER_INSTITUTION.unit),
    )
    assert _violations(_handover(house, *other_school)) == [("RULE_H15", path)]
    assert _handover(house).fault_code is None


def test_a_handover_passes_on_no_conversation_about_somebody_else(house: TestInstallation) -> None:
    mover = (
        SetText("/Document/Header/Subject/CprNumber", "7503055094"),
        SetText("/Document/Header/Subject/BirthDate", "2005-03-15"),
    )
    path = "/Document/HandoverNotice/OpenConversation/ConversationId"
    assert _violations(_handover(house, *mover)) == [("RULE_H15", path)]


def test_a_handover_tells_a_kind_that_the_conversation_holds(house: TestInstallation) -> None:
    path = "/Document/HandoverNotice/OpenConversation/LastKind"
    letter = SetText(path, "AnswerNotice")
    assert _violations(_handover(house, letter)) == [("RULE_H15", path)]
    answered = _made(
        house,
        "answer-notice",
        SetText("/Document/Header/ReplyTo", _risk_id(house)),
        conversation=PASSED_ON,
    )
    accepted(house.esdh, sending(answered, operation="SendNotice"))
    assert _handover(house, letter).fault_code is None


def _risk_id(house: TestInstallation) -> str:
    """The id of the notice that waits for the municipality."""
    listed = accepted(house.esdh, request("ListInbox", MUNICIPALITY, Kind="DropoutRiskNotice"))
    return listed.texts("Item/DocumentId")[0]


def _answer(house: TestInstallation, handover: etree._Element) -> etree._Element:
    """The new municipality says that it has taken over."""
    contact = "<Kind>PRIMARY</Kind><Role>YOUTH_COUNSELLOR</Role><Phone>+4500000006</Phone>"
    body = (
        f"<AnswerNotice><AnswerKind>ACCEPTED</AnswerKind><Owner>{contact}</Owner>"
        f"<DueDate>{house.clock():%Y-%m-%d}</DueDate></AnswerNotice>"
    )
    return _made(
        house,
        "handover-notice-minimum",
        *between(OTHER_MUNICIPALITY, MUNICIPALITY),
        Insert("after", "/Document/Header/ConversationId", f"<ReplyTo>{id_of(handover)}</ReplyTo>"),
        Insert("after", "/Document/HandoverNotice", body),
        Remove("/Document/HandoverNotice"),
        conversation=Uuid4(text_of(handover, "ConversationId")),
        by=SealedBy.SYSTEM,
    )


def test_a_handover_is_answered_by_the_municipality_of_arrival(house: TestInstallation) -> None:
    handover = _made(house, "handover-notice")
    assert _call(house, HANDOVER, handover).fault_code is None
    house.work()
    octets = sealed(_answer(house, handover), "proevelund-kommune", house.clock())
    back = replace(HANDOVER, sender=OTHER_MUNICIPALITY, recipient=MUNICIPALITY)
    answer = _call(house, back, octets)
    assert answer.fault_code is None, _violations(answer)
    house.work()
    assert _state(house, MUNICIPALITY, id_of(handover)) == "ANSWERED"

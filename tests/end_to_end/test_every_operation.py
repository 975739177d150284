"""Who may do what: every operation, for every sort of party, on its own and on a foreign party's documents.

The table of permissions says what is expected; a foreign object is answered exactly as one that does not exist.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from enum import Enum, unique

import pytest
from lxml import etree
from sqlalchemy import text

from gateway.domain.identifiers import PartyId, Uuid4
from gateway.domain.mandate import PERMISSIONS, Actor, Operation, Owner
from gateway.domain.operations import Service
from gateway.xmlcore.namespaces import SERVICE, tag
from tests.golden.changes import Change, Insert, SetText
from tests.installation import (
    INSTITUTION,
    MUNICIPALITY,
    OTHER_INSTITUTION,
    OTHER_MUNICIPALITY,
    Answered,
    Caller,
    TestInstallation,
)
from tests.services.papers import (
    SEALED_BY_SYSTEM,
    accepted,
    b64,
    between,
    id_of,
    notice,
    paper,
    request,
    sealed,
    sending,
    text_of,
)

BY_DOCUMENT = {Owner.SENDER, Owner.RECIPIENT}
SENDING = {Operation.SEND_LETTER, Operation.SEND_NOTICE}


@unique
class Relation(Enum):
    """What a party is to a document."""

    SENDER = Owner.SENDER
    RECIPIENT = Owner.RECIPIENT
    FOREIGN = None


@dataclass(frozen=True)
class Town:
    """Two parties that wrote to each other, and two that know nothing of it."""

    house: TestInstallation
    letter: etree._Element  # from the municipality to the school
    told: etree._Element  # from the school to the municipality

    def party(self, actor: Actor, relation: Relation) -> PartyId:
        """A party of this sort that stands so to the documents."""
        ours, others = {
            Actor.MUNICIPALITY: (MUNICIPALITY, OTHER_MUNICIPALITY),
            Actor.INSTITUTION: (INSTITUTION, OTHER_INSTITUTION),
        }[actor]
        return others if relation is Relation.FOREIGN else ours

    def caller(self, party: PartyId) -> Caller:
        """The system of a party, at the service of its sort."""
        name = {
            MUNICIPALITY: "eksempelby-esdh",
            INSTITUTION: "proeveby-sis",
            OTHER_MUNICIPALITY: "proevelund-esdh",
            OTHER_INSTITUTION: "eksempellund-sis",
        }[party]
        return self.house.caller(name, Service.MUNICIPALITY if party.is_municipality else Service.INSTITUTION)

    def documents(self, actor: Actor, relation: Relation) -> list[etree._Element]:
        """The documents to which a party of this sort stands so."""
        sent, received = (self.letter, self.told) if actor is Actor.MUNICIPALITY else (self.told, self.letter)
        return {
            Relation.SENDER: [sent],
            Relation.RECIPIENT: [received],
            Relation.FOREIGN: [sent, received],
        }[relation]

    def ask(self, operation: Operation, party: PartyId, document_id: str) -> Answered:
        """Do an operation on a document."""
        more = {
            Operation.CONFIRM_HANDOVER: {"ContentDigest": b64(self._digest(document_id))},
            Operation.REGISTER_READ: {
                "ReaderRole": "OTHER",
                "ReadAt": f"{self.house.clock():%Y-%m-%dT%H:%M:%SZ}",
            },
            Operation.WITHDRAW_DOCUMENT: {"Reason": "WRONG_RECIPIENT"},
        }.get(operation, {})
        return self.caller(party).call(request(operation.value, party, DocumentId=document_id, **more))

    def _digest(self, document_id: str) -> bytes:
        """The right digest, so that only the right to know the document decides."""
        with self.house.installation.database.read() as connection:
            query = text("SELECT sealed_digest FROM document WHERE document_id = :document_id")
            found = connection.execute(query, {"document_id": document_id}).scalar()
        return found or bytes(32)


@pytest.fixture
def town(house: TestInstallation) -> Town:
    """The four parties, after a letter and a notice were delivered."""
    letter, told = paper(house.clock()), notice(house.clock())
    accepted(house.esdh, sending(letter))
    accepted(house.sis, sending(told, by=INSTITUTION))
    house.work()
    return Town(house, letter, told)


def _shape(answer: Answered) -> tuple[int, bool, bytes]:
    """All that a fault tells, without what is new in every answer."""
    root = answer.payload
    for name in ("CorrelationId", "RequestDigest"):
        element = root.find(f".//{tag(SERVICE, name)}")
        assert element is not None
        element.text = ""
    return answer.http.status, answer.is_signed, etree.tostring(root, method="c14n")


WALKED = [
    (operation, actor, relation)
    for operation, permission in PERMISSIONS.items()
    if permission.owners <= BY_DOCUMENT and operation not in SENDING
    for actor in Actor
    if actor in permission.actors
    for relation in Relation
]


@pytest.mark.parametrize(
    ("operation", "actor", "relation"),
    WALKED,
    ids=["-".join((operation.value, actor.name, relation.name)) for operation, actor, relation in WALKED],
)
def test_an_operation_is_done_for_its_owners_and_for_others_the_document_does_not_exist(
    town: Town, operation: Operation, actor: Actor, relation: Relation
) -> None:
    party = town.party(actor, relation)
    for document in town.documents(actor, relation):
        answer = town.ask(operation, party, id_of(document))
        if relation.value in PERMISSIONS[operation].owners:
            assert answer.fault_code is None
            assert answer.text("DocumentId") == id_of(document)
        else:
            unknown = town.ask(operation, party, Uuid4.new().text)
            assert answer.fault_code == "NOT_FOUND"
            assert _shape(answer) == _shape(unknown)


def test_every_operation_of_the_table_is_walked_here() -> None:
    by_list = {each for each, permission in PERMISSIONS.items() if Owner.SELF in permission.owners}
    open_to_all = {each for each, permission in PERMISSIONS.items() if Owner.ANY in permission.owners}
    walked = {operation for operation, _, _ in WALKED}
    assert walked | by_list | open_to_all | SENDING == set(Operation) == set(PERMISSIONS)
    assert by_list == {Operation.LIST_INBOX, Operation.LIST_EVENTS}
    assert open_to_all == {Operation.FIND_PARTY, Operation.PING}


@pytest.mark.parametrize("actor", Actor)
@pytest.mark.parametrize("operation", [Operation.LIST_INBOX, Operation.LIST_EVENTS])
def test_a_list_shows_nothing_of_other_parties(town: Town, operation: Operation, actor: Actor) -> None:
    party, foreign = (town.party(actor, relation) for relation in (Relation.SENDER, Relation.FOREIGN))
    own = accepted(town.caller(party), request(operation.value, party))
    assert own.texts("Event/DocumentId") + own.texts("Item/DocumentId")
    others = accepted(town.caller(foreign), request(operation.value, foreign))
    assert others.texts("Event/DocumentId") + others.texts("Item/DocumentId") == []
    cursor = own.text("NextCursor")
    asked = town.caller(foreign).call(request(operation.value, foreign, Cursor=cursor))
    assert asked.fault_code == "CURSOR_INVALID"


@pytest.mark.parametrize("actor", Actor)
@pytest.mark.parametrize("operation", Operation)
def test_no_system_does_anything_for_a_party_that_did_not_let_it(
    town: Town, operation: Operation, actor: Actor
) -> None:
    party, stranger = (town.party(actor, relation) for relation in (Relation.SENDER, Relation.FOREIGN))
    answer = town.caller(stranger).call(_body(town, operation, party))
    assert answer.fault_code == ("MANDATE_MISSING" if _offers(party, operation) else "OPERATION_UNKNOWN")


def _offers(party: PartyId, operation: Operation) -> bool:
    service = Service.MUNICIPALITY if party.is_municipality else Service.INSTITUTION
    return operation in service.operations


def _body(town: Town, operation: Operation, party: PartyId) -> etree._Element:
    """A valid request for the party, where a service offers the operation."""
    clock = town.house.clock
    match operation:
        case Operation.SEND_LETTER:
            return sending(paper(clock()), by=party, operation="SendLetter")
        case Operation.SEND_NOTICE:
            return sending(notice(clock()), by=party, operation="SendNotice")
        case Operation.LIST_INBOX | Operation.LIST_EVENTS | Operation.PING:
            return request(operation.value, party)
        case Operation.FIND_PARTY:
            return request(operation.value, party, Name="by")
    more = {
        Operation.CONFIRM_HANDOVER: {"ContentDigest": b64(bytes(32))},
        Operation.REGISTER_READ: {"ReaderRole": "OTHER", "ReadAt": f"{clock():%Y-%m-%dT%H:%M:%SZ}"},
        Operation.WITHDRAW_DOCUMENT: {"Reason": "NO_BASIS"},
    }.get(operation, {})
    return request(operation.value, party, DocumentId=id_of(town.letter), **more)


# --- sending: what a document says of other documents --------------------------------------------------


def _foreign_letter(town: Town, *changes: Change, document_id: str | None = None) -> Answered:
    """A letter of the other municipality to the same school, signed by its own system."""
    changes = (SEALED_BY_SYSTEM, *between(OTHER_MUNICIPALITY, INSTITUTION), *changes)
    letter = paper(town.house.clock(), *changes, document_id=document_id)
    octets = sealed(letter, "proevelund-kommune", town.house.clock())
    return town.caller(OTHER_MUNICIPALITY).call(sending(octets, by=OTHER_MUNICIPALITY))


@pytest.mark.parametrize(
    "wording",
    [
        "<ReplyTo>{}</ReplyTo>",
        "<Corrects><DocumentId>{}</DocumentId><Reason>WRONG_CONTENT</Reason></Corrects>",
    ],
)
def test_a_document_that_refers_to_a_foreign_one_is_refused_as_if_it_referred_to_nothing(
    town: Town, wording: str
) -> None:
    def refer(document_id: str) -> Answered:
        same = SetText("/Document/Header/ConversationId", text_of(town.letter, "ConversationId"))
        reference = Insert("before", "/Document/Header/CreatedAt", wording.format(document_id))
        return _foreign_letter(town, same, reference)

    foreign, unknown = refer(id_of(town.letter)), refer(Uuid4.new().text)
    assert foreign.fault_code == unknown.fault_code == "RULE_H15"
    assert _without_evidence(foreign) == _without_evidence(unknown)


def _without_evidence(answer: Answered) -> tuple[int, bool, bytes]:
    element = answer.payload.find(f".//{tag(SERVICE, 'SubmissionRejection')}")
    assert element is not None
    assert base64.b64decode(element.text or "").startswith(b"<Evidence")
    element.text = ""
    return _shape(answer)


def test_a_document_under_a_foreign_documents_id_never_stands_beside_it(town: Town) -> None:
    """Whoever knows the id learns that its recipient has a document of it, and nothing of which or whose."""
    sent, received = (_foreign_letter(town, document_id=id_of(each)) for each in (town.told, town.letter))
    assert sent.fault_code == received.fault_code == "DOCUMENT_ID_TAKEN"
    assert _without_evidence(sent) == _without_evidence(received)
    town.house.work()
    first = town.ask(Operation.RETRIEVE, INSTITUTION, id_of(town.letter))
    assert "11111111" in base64.b64decode(first.text("ExactOctets")).decode()

"""What two parties send each other in one conversation, and what each is told of it."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from lxml import etree

from gateway.domain.identifiers import PartyId, Uuid4
from gateway.storage import outbox
from gateway.xmlcore.parse import parse
from tests.golden.changes import Change, Insert, Remove, SetText, with_changes
from tests.golden.fresh import fresh
from tests.golden.loader import golden
from tests.installation import INSTITUTION, MUNICIPALITY, Answered, Caller, TestInstallation
from tests.pki import development_pki
from tests.services.papers import accepted, request, sending

REPLY_TO: Final = "/Document/Header/ReplyTo"
KIND: Final = "/Document/AnswerNotice/AnswerKind"
NOTHING_ASKED: Final[tuple[Change, ...]] = (
    Remove("/Document/AnswerNotice/Response"),
    Remove("/Document/AnswerNotice/SubjectContact"),
)
ASKS: Final[tuple[Change, ...]] = (
    SetText(KIND, "NEED_MORE"),
    Insert("after", "/Document/AnswerNotice/DueDate", "<Question>Hvilken bus tager Alma?</Question>"),
)
DECLINES: Final[tuple[Change, ...]] = (
    SetText(KIND, "DECLINED"),
    Insert("after", "/Document/AnswerNotice/DueDate", "<DeclineReason>MOVED</DeclineReason>"),
)


def made(house: TestInstallation, name: str, conversation: Uuid4, *changes: Change) -> etree._Element:
    """A golden document in this conversation, with all its days moved to now."""
    person_at = development_pki().at  # so that all documents are about the same young person
    current = fresh(golden(name), house.clock(), conversation_id=conversation, person_at=person_at)
    return parse(with_changes(current, SetText("/Document/Header/SealedBy", "GATEWAY"), *changes))


def correcting(document_id: str) -> Change:
    """The change that lets a document correct an earlier one."""
    reference = (
        f"<Corrects><DocumentId>{document_id}</DocumentId><Reason>Det var forkert.</Reason></Corrects>"
    )
    return Insert("before", "/Document/Header/CreatedAt", reference)


def submitted(house: TestInstallation, document: etree._Element, by: PartyId = MUNICIPALITY) -> str:
    """Send a document, which is accepted and on its way; its id."""
    operation = "SendLetter" if etree.QName(document[1]).localname.endswith("Letter") else "SendNotice"
    answer = accepted(system(house, by), sending(document, by=by, operation=operation))
    return answer.text("DocumentId")


def sent(house: TestInstallation, document: etree._Element, by: PartyId = MUNICIPALITY) -> str:
    """Send a document, which is accepted and delivered; its id."""
    document_id = submitted(house, document, by)
    house.work()
    return document_id


def risk(house: TestInstallation, conversation: Uuid4, *changes: Change) -> str:
    """The school warns of a risk; the id of its notice."""
    return sent(house, made(house, "dropout-risk-notice", conversation, *changes), INSTITUTION)


def reply(house: TestInstallation, asked: str, conversation: Uuid4, *changes: Change) -> etree._Element:
    """The municipality's answer to a notice of risk."""
    return made(house, "answer-notice", conversation, SetText(REPLY_TO, asked), *changes)


def of_deletion(house: TestInstallation, asked: str, conversation: Uuid4, *changes: Change) -> etree._Element:
    """The municipality's answer that its copy is deleted."""
    return reply(house, asked, conversation, SetText(KIND, "ACCEPTED"), *NOTHING_ASKED, *changes)


def taking_back(house: TestInstallation, named: str, conversation: Uuid4, *changes: Change) -> etree._Element:
    """A notice of the school that withdraws a document of its own."""
    both = ("/Document/Header/Withdraws/DocumentId", "/Document/WithdrawalNotice/WithdrawnDocumentId")
    names = [SetText(path, named) for path in both]
    return made(house, "withdrawal-notice-minimum", conversation, *names, *changes)


def system(house: TestInstallation, party: PartyId) -> Caller:
    """The system of a party."""
    return house.esdh if party == MUNICIPALITY else house.sis


def withdraw(
    house: TestInstallation, document_id: str, by: PartyId = MUNICIPALITY, reason: str = "WRONG_CONTENT"
) -> Answered:
    """A party takes its document back."""
    body = request("WithdrawDocument", by, DocumentId=document_id, Reason=reason)
    return accepted(system(house, by), body)


def status(house: TestInstallation, party: PartyId, document_id: str) -> Answered:
    """The timeline as the party sees it."""
    return accepted(system(house, party), request("GetStatus", party, DocumentId=document_id))


def waits(house: TestInstallation, party: PartyId, document_id: str) -> list[str]:
    """What is waited for still, in the order of the alphabet."""
    shown = status(house, party, document_id)
    fired = zip(shown.texts("Deadline/Kind"), shown.texts("Deadline/Fired"), strict=True)
    return sorted(kind for kind, over in fired if over == "false")


def due(house: TestInstallation, party: PartyId, document_id: str, kind: str) -> datetime:
    """When the wait of this kind falls due."""
    shown = status(house, party, document_id)
    times = zip(shown.texts("Deadline/Kind"), shown.texts("Deadline/Due"), strict=True)
    (at,) = (at for name, at in times if name == kind)
    return datetime.fromisoformat(at)


def told(house: TestInstallation, party: PartyId, document_id: str) -> list[str]:
    """The kinds of the events that a party is told of a document, in their order."""
    answer = accepted(system(house, party), request("ListEvents", party, PageSize="100"))
    pairs = zip(answer.texts("Event/DocumentId"), answer.texts("Event/TimelineEvent/Kind"), strict=True)
    return [kind for named, kind in pairs if named == document_id]


def go_to(house: TestInstallation, moment: datetime) -> None:
    """Let it be this moment, with everything done that is due by then."""
    house.clock.now = max(house.clock.now, moment)
    house.renew_lists()
    house.work()


def hold_up(house: TestInstallation) -> None:
    """A worker takes the delivery that is due, and dies: for a minute nobody else does it."""
    with house.installation.database.alone() as connection:
        assert outbox.claim(connection, "dead", house.clock(), 60) is not None

"""What the tests of withdrawal do and ask, again and again."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from lxml import etree
from sqlalchemy import text

from gateway.domain.disclosure import Leaf
from gateway.domain.identifiers import PartyId, Uuid4
from gateway.services import disclosure_log
from gateway.storage import log, openings
from gateway.translog.leaf import parse_leaf
from gateway.translog.report import Verdict
from gateway.translog.verifier import verify_bundle
from tests.golden.changes import Change, Remove, SetText
from tests.installation import (
    INSTITUTION,
    MUNICIPALITY,
    Answered,
    TestInstallation,
)
from tests.services.papers import (
    Evidence,
    accepted,
    b64,
    confirm,
    evidence,
    id_of,
    paper,
    request,
    retrieve,
    sending,
    text_of,
)

ONE_LARGE = ("plan.txt", "text/plain", b"Linje i en lang plan.\n" * 20_000)  # so large that it is a file


def withdraw(
    house: TestInstallation, document_id: str, reason: str = "WRONG_RECIPIENT", **more: str
) -> Answered:
    """The municipality takes its letter back."""
    body = request("WithdrawDocument", MUNICIPALITY, DocumentId=document_id, Reason=reason, **more)
    return accepted(house.esdh, body)


def status(house: TestInstallation, party: PartyId, document_id: str) -> Answered:
    """The timeline as the party sees it."""
    caller = house.esdh if party == MUNICIPALITY else house.sis
    return accepted(caller, request("GetStatus", party, DocumentId=document_id))


def waits(answer: Answered) -> list[tuple[str, str]]:
    """The waits of a timeline: what for, and whether it has passed."""
    return list(zip(answer.texts("Deadline/Kind"), answer.texts("Deadline/Fired"), strict=True))


def stream(house: TestInstallation, party: PartyId, document_id: str) -> list[str]:
    """The kinds of what happened to a document, as the party is told."""
    caller = house.esdh if party == MUNICIPALITY else house.sis
    told = accepted(caller, request("ListEvents", party))
    pairs = zip(told.texts("Event/DocumentId"), told.texts("Event/TimelineEvent/Kind"), strict=True)
    return [kind for about, kind in pairs if about == document_id]


def evidence_of(house: TestInstallation, party: PartyId, document_id: str) -> list[Evidence]:
    """The verified evidence that a party may see."""
    caller = house.esdh if party == MUNICIPALITY else house.sis
    answer = accepted(caller, request("GetEvidence", party, DocumentId=document_id))
    return [evidence(house, each) for each in answer.texts("Evidence/Content")]


def entries(house: TestInstallation, party: PartyId) -> list[Leaf]:
    """The log of a party."""
    with house.installation.database.read() as connection:
        return [parse_leaf(each.octets) for each in log.entries(connection, party, 0, 1000)]


def rows(house: TestInstallation, statement: str) -> int:
    """What a counting statement counts."""
    with house.installation.database.read() as connection:
        count: int = connection.exec_driver_sql(statement).scalar_one()
    return count


def files(house: TestInstallation) -> list[Path]:
    """The files in which ciphertexts lie."""
    return [path for path in (house.folder / "blobs").rglob("*") if path.is_file()]


def require_verified(house: TestInstallation) -> None:
    """Assert that both logs hold, whatever was erased."""
    house.clock.forward(seconds=5)
    house.work()
    for party in (MUNICIPALITY, INSTITUTION):
        bundle = BytesIO()
        note = disclosure_log.export(house.installation, party, bundle)
        key = str(disclosure_log.log_key(house.installation, party))
        report = verify_bundle(bundle, log_key=key, known_checkpoint=note)
        assert report.verdict is Verdict.OK, report.as_json()


def hand_over(house: TestInstallation, document_id: str) -> None:
    """The school's system fetches and stores the letter."""
    assert confirm(house.sis, document_id, retrieve(house, document_id)).fault_code is None


def openings_of(house: TestInstallation, entry_id: Uuid4) -> bool:
    """Whether what an entry commits to can still be opened."""
    with house.installation.database.read() as connection:
        return openings.find_opening(connection, entry_id) is not None


def risk_notice(house: TestInstallation) -> etree._Element:
    """A notice of dropout risk that the municipality's system has stored."""
    told = paper(house.clock(), name="dropout-risk-notice-minimum")
    accepted(house.sis, sending(told, by=INSTITUTION))
    house.work()
    store(house, id_of(told))
    return told


def store(house: TestInstallation, document_id: str) -> None:
    """The municipality's system fetches and stores a notice."""
    with house.installation.database.read() as connection:
        query = text("SELECT sealed_digest FROM document WHERE document_id = :id")
        digest = connection.execute(query, {"id": document_id}).scalar_one()
    texts = {"DocumentId": document_id, "ContentDigest": b64(digest)}
    accepted(house.esdh, request("ConfirmHandover", MUNICIPALITY, **texts))


def same_conversation(document: etree._Element) -> Change:
    """The change that puts a new document into the conversation of this one."""
    return SetText("/Document/Header/ConversationId", text_of(document, "ConversationId"))


def withdrawal_of(house: TestInstallation, document: etree._Element, *changes: Change) -> etree._Element:
    """A notice of the school that withdraws its document."""
    return paper(
        house.clock(),
        SetText("/Document/Header/Withdraws/DocumentId", id_of(document)),
        SetText("/Document/WithdrawalNotice/WithdrawnDocumentId", id_of(document)),
        same_conversation(document),
        *changes,
        name="withdrawal-notice-minimum",
    )


def answer_to(
    house: TestInstallation, document: etree._Element, reply_to: str, *changes: Change
) -> etree._Element:
    """The municipality's answer that it has done what was asked."""
    return paper(
        house.clock(),
        SetText("/Document/Header/ReplyTo", reply_to),
        same_conversation(document),
        SetText("/Document/AnswerNotice/DueDate", f"{house.clock():%Y-%m-%d}"),
        *changes,
        name="answer-notice-minimum",
    )


NOTHING_WAS_ASKED = (
    Remove("/Document/AnswerNotice/Response"),
    Remove("/Document/AnswerNotice/SubjectContact"),
)

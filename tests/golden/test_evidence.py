"""The golden evidence: one file for each event, as the gateway writes it."""

from __future__ import annotations

import base64
from datetime import datetime

import pytest

from gateway.domain.evidence import (
    AssertedBy,
    EventReason,
    EvidenceEvent,
    EvidenceStatement,
    Issuer,
    ReasonCode,
)
from gateway.domain.identifiers import Cvr, PartyId, Uuid4
from gateway.domain.node import Node
from gateway.protocol.documents import node_of
from gateway.protocol.evidence_document import evidence_element
from gateway.xmlcore.parse import parse
from tests.golden.loader import golden, names

each_evidence = pytest.mark.parametrize("name", names("evidence"))


def test_there_is_golden_evidence_of_every_event() -> None:
    found = {name: _node(name).text_of("Event") for name in names("evidence")}
    assert found == {f"evidence/{event.value}": event.value for event in EvidenceEvent}


@each_evidence
def test_the_gateway_writes_evidence_as_the_golden_file_has_it(name: str) -> None:
    written = node_of(evidence_element(_statement(_node(name))))
    assert list(_values(written)) == list(_values(_node(name)))


@each_evidence
def test_evidence_holds_no_personal_data(name: str) -> None:
    octets = golden(name).decode()
    assert "Prøvesen" not in octets
    assert "5092" not in octets


@each_evidence
def test_a_negative_gives_its_reason_and_silence_is_said_to_be_silence(name: str) -> None:
    statement = _statement(_node(name))
    assert statement.event.is_negative <= bool(statement.reasons)
    assert statement.issued_on_absence == (not statement.based_on and "EXPIRY" in _about_silence(statement))


def _about_silence(statement: EvidenceStatement) -> str:
    """EXPIRY where the event is that nothing happened in time."""
    waited = {
        EvidenceEvent.RELAY_FAILURE,
        EvidenceEvent.CONTENT_CONSIGNMENT_FAILURE,
        EvidenceEvent.CONTENT_HANDOVER_FAILURE,
        EvidenceEvent.READ_EXPIRY,
        EvidenceEvent.ANSWER_EXPIRY,
    }
    return "EXPIRY" if statement.event in waited else statement.event.name


def _node(name: str) -> Node:
    return node_of(parse(golden(name)))


def _values(node: Node) -> list[tuple[str, str]]:
    return [(leaf.path, leaf.text) for leaf in node.leaves()]


def _statement(node: Node) -> EvidenceStatement:
    """The statement that an evidence file makes."""
    return EvidenceStatement(
        identifier=Uuid4(_text(node, "EvidenceIdentifier")),
        event=EvidenceEvent(_text(node, "Event")),
        time=datetime.fromisoformat(_text(node, "EventTime")),
        issuer=Issuer(
            Cvr(_text(node, "EvidenceIssuer/Cvr")),
            _text(node, "EvidenceIssuer/Name"),
            _digest(node, "EvidenceIssuer/CertificateDigest").hex(),
        ),
        log_entry_id=Uuid4(_text(node, "LogEntryId")),
        log_origin=_text(node, "LogOrigin"),
        sender=_party(node.find("Sender")),
        recipient=_party(node.find("Recipient")),
        document_id=_uuid(node, "DocumentId"),
        conversation_id=_uuid(node, "ConversationId"),
        issued_on_absence=node.text_of("IssuedOnAbsence") == "true",
        content_digest=_digest(node, "ContentDigest") if node.has("ContentDigest") else None,
        sealed_digest=_digest(node, "SealedDigest") if node.has("SealedDigest") else None,
        submission_time=datetime.fromisoformat(_text(node, "SubmissionTime"))
        if node.has("SubmissionTime")
        else None,
        reasons=tuple(
            EventReason(ReasonCode[_text(reason, "Code")], reason.text_of("Detail"))
            for reason in node.find_all("Reasons/Reason")
        ),
        asserted_by=_system(node.find("AssertedBySystem")),
        based_on=tuple(base64.b64decode(each.text) for each in node.find_all("BasedOn")),
        request_digest=_digest(node, "RequestDigest") if node.has("RequestDigest") else None,
        previous=_uuid(node, "PreviousEvidence"),
    )


def _text(node: Node, steps: str) -> str:
    found = node.text_of(steps)
    assert found is not None, steps
    return found


def _digest(node: Node, steps: str) -> bytes:
    return base64.b64decode(_text(node, steps))


def _uuid(node: Node, steps: str) -> Uuid4 | None:
    text = node.text_of(steps)
    return None if text is None else Uuid4(text)


def _party(node: Node | None) -> PartyId | None:
    if node is None:
        return None
    unit = node.text_of("MunicipalityCode") or node.text_of("InstitutionNumber") or ""
    return PartyId(Cvr(_text(node, "Cvr")), unit)


def _system(node: Node | None) -> AssertedBy | None:
    if node is None:
        return None
    at = node.text_of("At")
    return AssertedBy(
        Uuid4(_text(node, "SystemId")),
        _digest(node, "CertificateDigest").hex(),
        node.text_of("Role"),
        None if at is None else datetime.fromisoformat(at),
    )

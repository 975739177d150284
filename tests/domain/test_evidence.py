"""Evidence as a value: what a statement must carry."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gateway.domain.evidence import (
    WITHDRAWAL_REASONS,
    AssertedBy,
    EventReason,
    EvidenceEvent,
    EvidenceStatement,
    Issuer,
    ReasonCode,
)
from gateway.domain.identifiers import Cvr, PartyId, Uuid4

STATEMENT = EvidenceStatement(
    identifier=Uuid4.new(),
    event=EvidenceEvent.SUBMISSION_ACCEPTANCE,
    time=datetime(2026, 8, 5, 9, 12, tzinfo=UTC),
    issuer=Issuer(Cvr("11111111"), "gateway.eksempelby.example", "a" * 64),
    sender=PartyId(Cvr("11111111"), "0999"),
    recipient=PartyId(Cvr("22222222"), "999001"),
    document_id=Uuid4.new(),
    conversation_id=Uuid4.new(),
    log_entry_id=Uuid4.new(),
    log_origin="bropost/00000000-0000-4000-8000-000000000000/11111111-0999",
    sealed_digest=b"\0" * 32,
)


@pytest.mark.parametrize("event", [event for event in EvidenceEvent if event.is_negative])
def test_every_negative_carries_a_reason(event: EvidenceEvent) -> None:
    with pytest.raises(ValueError, match="reason"):
        replace(STATEMENT, event=event)
    assert replace(STATEMENT, event=event, reasons=(EventReason(ReasonCode.REFUSED, "RULES_BROKEN"),)).reasons


def test_half_of_the_events_are_positive() -> None:
    positive = {event.value for event in EvidenceEvent if not event.is_negative}
    assert positive == {
        "SubmissionAcceptance",
        "RelayAcceptance",
        "ContentConsignment",
        "ContentHandover",
        "ContentAccessTracking",
        "BusinessAcceptance",
        "Withdrawal",
        "Correction",
    }


def test_that_a_person_read_is_asserted_by_a_system() -> None:
    with pytest.raises(ValueError, match="asserted by a system"):
        replace(STATEMENT, event=EvidenceEvent.CONTENT_ACCESS_TRACKING)
    by = AssertedBy(Uuid4.new(), "b" * 64, "STUDY_COUNSELLOR")
    assert replace(STATEMENT, event=EvidenceEvent.CONTENT_ACCESS_TRACKING, asserted_by=by).asserted_by is by


@pytest.mark.parametrize(
    "change",
    [
        {"content_digest": b"\0" * 31},
        {"sealed_digest": b""},
        {"request_digest": b"1"},
        {"based_on": (b"\0" * 32, b"2")},
    ],
)
def test_a_digest_has_32_octets(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="32 octets"):
        replace(STATEMENT, **change)  # type: ignore[arg-type]


@pytest.mark.parametrize("field", ["sender", "recipient", "document_id", "conversation_id"])
def test_only_a_refused_submission_may_be_about_an_unknown_document(field: str) -> None:
    unknown: dict[str, object] = {field: None}
    with pytest.raises(ValueError, match="unknown document"):
        replace(STATEMENT, **unknown)  # type: ignore[arg-type]
    refused = replace(
        STATEMENT, event=EvidenceEvent.SUBMISSION_REJECTION, reasons=(EventReason(ReasonCode.REFUSED),)
    )
    assert replace(refused, **unknown).event is EvidenceEvent.SUBMISSION_REJECTION  # type: ignore[arg-type]


def test_every_reason_says_a_sentence_in_both_languages() -> None:
    for reason in ReasonCode:
        assert reason.words.danish.endswith(".")
        assert reason.words.english.endswith(".")
    assert len({reason.words.danish for reason in ReasonCode}) == len(ReasonCode)
    assert ReasonCode.NOT_READ not in WITHDRAWAL_REASONS

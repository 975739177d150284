"""Events as rows: one fact, recorded once for each party whose stream shows it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from gateway.domain.evidence import EventReason
from gateway.domain.identifiers import PartyId, Uuid4
from gateway.domain.status import AnswerCode, Standing, State
from gateway.services.installation import Installation
from gateway.services.sealing import Sealed
from gateway.storage.events import NewEvent


def event_rows(
    installation: Installation,
    state: State,
    at: datetime,
    standing: Standing,
    parties: Iterable[PartyId],
    evidence: Sealed | None = None,
    reasons: tuple[EventReason, ...] = (),
    related: Uuid4 | None = None,
    answer: AnswerCode | None = None,
) -> list[NewEvent]:
    """Return the event that a document reached a state, for each of these parties, as this gateway saw it.

    `related` is another document that it points to, `answer` what the document was answered.
    """
    event_id = Uuid4.new()
    return [
        NewEvent(
            event_id=event_id,
            party=party,
            kind=state.value,
            at=at,
            standing=standing,
            issuer=installation.issuer.name,
            evidence_id=evidence.statement.identifier if evidence else None,
            reasons=reasons,
            answer=answer,
            related=related,
        )
        for party in parties
    ]


def sign_rows(
    installation: Installation,
    kind: str,
    at: datetime,
    parties: Iterable[PartyId],
    related: Uuid4 | None = None,
    answer: AnswerCode | None = None,
    evidence_id: Uuid4 | None = None,
) -> list[NewEvent]:
    """Return an event of a kind that is no state, for each of these parties, as this gateway recorded it.

    `related` is the document that it points to.
    """
    event_id = Uuid4.new()
    return [
        NewEvent(
            event_id=event_id,
            party=party,
            kind=kind,
            at=at,
            standing=Standing.RECORDED if evidence_id is None else Standing.EVIDENCE,
            issuer=installation.issuer.name,
            evidence_id=evidence_id,
            answer=answer,
            related=related,
        )
        for party in parties
    ]

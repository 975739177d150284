"""Evidence: fetched by both sides, and verified without asking the gateway whether it is true."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from demo import checks
from demo.case_system import CaseSystem, Typed
from demo.chapters.receiving import Received
from demo.checks import Evidence
from demo.stage import Stage
from demo.transcript import Broken

_CHECKPOINT_SECONDS: Final = 15
_PAUSE: Final = 0.2
_EVENTS: Final = ["SubmissionAcceptance", "ContentConsignment", "ContentHandover", "ContentAccessTracking"]
_BESIDES: Final = {"notice": ["BusinessAcceptance"]}  # by the label of the document: the notice was answered


@dataclass(frozen=True)
class Proof:
    """The proof, as a party got it from its own log, for one piece of evidence."""

    party_id: str
    entry_id: str
    event: str
    text: str


def tell(stage: Stage, *documents: Received) -> list[Proof]:
    """Both sides fetch the evidence of each document; all of it holds, and both hold the same."""
    stage.teller.chapter(
        "evidence",
        "The evidence: what both sides can show years from now",
        "the same octets on both sides, verified without the gateway's code",
    )
    proofs: list[Proof] = []
    for received in documents:
        proofs += _of_document(stage, received)
    return proofs


def _of_document(stage: Stage, received: Received) -> list[Proof]:
    sent = received.sent
    events = [*_EVENTS, *_BESIDES.get(sent.label, [])]
    sentence = f"Both sides fetch the evidence of the {sent.label} and verify each seal and digest"
    with stage.teller.step(f"{sent.label} evidenced", sentence) as step:
        mine = _fetch(sent.sender, sent.document_id)
        theirs = _fetch(sent.recipient, sent.document_id)
        chain = [checks.read_evidence(each.Content, stage.gateway_seal) for each in mine]
        step.check("events", [each.event for each in chain], events)
        for each in chain:
            checks.require_about(each, received.sealed)
        checks.require_chain(chain)
        checks.require_same_octets("the acceptance", chain[0].octets, sent.acceptance)
        step.found(digests_match=True, lead_back_to_acceptance=True)
        seen = {each.EvidenceIdentifier: each.Content for each in theirs}
        shared = [each for each in chain if each.text("EvidenceIdentifier") in seen]
        step.check("recipient_holds", [each.event for each in shared], events[1:])
        same = all(seen[each.text("EvidenceIdentifier")] == each.octets for each in shared)
        step.check("same_octets_on_both_sides", same, True)
        proofs = [*_proofs(sent.sender, mine, chain), *_proofs(sent.recipient, theirs, shared)]
        step.check("log_proofs", sorted(each.event for each in proofs), sorted(events))
        step.say(*(f"{each.event:<22} {each.text('EventTime')} {each.text('LogEntryId')}" for each in chain))
    _keep(stage, received, chain, proofs)
    return proofs


def _keep(stage: Stage, received: Received, chain: list[Evidence], proofs: list[Proof]) -> None:
    """Lay everything down as files, as an archive would; they stay if the installation is kept."""
    folder, label = stage.installation.papers, received.sent.label
    folder.mkdir(exist_ok=True)
    (folder / f"{label}.xml").write_bytes(received.sealed)
    for each in chain:
        (folder / f"{label}-{each.event}.xml").write_bytes(each.octets)
    for proof in proofs:
        (folder / f"{label}-{proof.event}.tlog-proof").write_text(proof.text, "utf-8")


def _fetch(system: CaseSystem, document_id: str) -> list[Typed]:
    """The evidence, once a checkpoint covers all of it that stands in the party's own log."""
    give_up = time.monotonic() + _CHECKPOINT_SECONDS
    while time.monotonic() < give_up:
        evidence = system.call("GetEvidence", DocumentId=document_id).Evidence
        origin = f"/{system.party.id}</LogOrigin>".encode()
        own = [each for each in evidence if origin in each.Content]
        if all(each.LogProof for each in own):
            return list(evidence)
        time.sleep(_PAUSE)
    raise Broken(f"no checkpoint covers the evidence after {_CHECKPOINT_SECONDS} seconds")


def _proofs(system: CaseSystem, fetched: list[Typed], chain: list[Evidence]) -> list[Proof]:
    by_id = {each.text("EvidenceIdentifier"): each for each in chain}
    return [
        Proof(system.party.id, evidence.text("LogEntryId"), evidence.event, each.LogProof)
        for each in fetched
        if each.LogProof and (evidence := by_id.get(each.EvidenceIdentifier))
    ]

"""Receiving, the same for both sides: list, retrieve and verify, confirm, register the reading."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from demo import checks, content_signature
from demo.case_system import CaseSystem, party_of
from demo.documents import content_digest
from demo.stage import Sent, Stage
from demo.transcript import Broken, Step

_DELIVERY_SECONDS: Final = 15
_PAUSE: Final = 0.1


@dataclass(frozen=True)
class Received:
    """A document as the recipient has it."""

    sent: Sent
    sealed: bytes  # the exact octets
    view: Any  # the typed view, for people


def receive(stage: Stage, sent: Sent, *, role: str, reader: str, attention: Sequence[str]) -> Received:
    """Take a document from the inbox to its read receipt; `attention` are the roles that must see it."""
    system, label = sent.recipient, sent.label
    with stage.teller.step(f"{label} listed", f"{system.party.name} finds the {label} in its inbox") as step:
        item = _await_item(system, sent.document_id)
        step.check("kind", item.Kind, item.Kind)
        step.check("state", item.State, "AVAILABLE")
        step.check("attention", [each.Role for each in item.Attention], list(attention))
        step.check("attachments", item.AttachmentCount, len(sent.attachments))
        if dict(party_of(item.Sender.Party)) != dict(sent.sender.party.reference):
            raise Broken(f"the inbox names {item.Sender.Name} as the sender")
        step.say(f"{item.Kind} from {item.Sender.Name}, att. {', '.join(step_roles(item))}")
    with stage.teller.step(f"{label} retrieved", f"... retrieves the {label} and verifies its signature") as step:
        received = _retrieve(stage, sent, step)
    with stage.teller.step(f"{label} confirmed", f"... confirms that it has stored the {label}") as step:
        digest = hashlib.sha256(received.sealed).digest()
        answer = system.call("ConfirmHandover", DocumentId=sent.document_id, ContentDigest=digest)
        _check_receipt(stage, step, received, answer, answer.ContentHandover, "ContentHandover", "HANDED_OVER")
    with stage.teller.step(f"{label} read", f"... and registers that a person has read the {label}") as step:
        now = datetime.now(UTC).replace(microsecond=0)
        answer = system.call(
            "RegisterRead", DocumentId=sent.document_id, ReaderRole=role, ReaderName=reader, ReadAt=now
        )
        _check_receipt(
            stage, step, received, answer, answer.ContentAccessTracking, "ContentAccessTracking", "READ"
        )
        step.say(f"read by {reader}, {role}: the sender is told the role, not the name")
    return received


def step_roles(item: Any) -> list[str]:
    """Return roles with their units, as a person reads them."""
    return [f"{each.Role} ({each.Unit})" if each.Unit else str(each.Role) for each in item.Attention]


def _await_item(system: CaseSystem, document_id: str) -> Any:
    """The document's entry in the inbox, once it is there."""
    give_up = time.monotonic() + _DELIVERY_SECONDS
    while time.monotonic() < give_up:
        answer = system.call("ListInbox", UnreadOnly=True)
        for item in answer.Item:
            if item.DocumentId == document_id:
                return item
        time.sleep(_PAUSE)
    raise Broken(f"the document is not in the inbox after {_DELIVERY_SECONDS} seconds")


def _retrieve(stage: Stage, sent: Sent, step: Step) -> Received:
    """Fetch the document, and verify its exact octets with the certificate that the sender is known by."""
    answer = sent.recipient.call("Retrieve", DocumentId=sent.document_id)
    octets: bytes = answer.ExactOctets
    document = content_signature.verify(octets, stage.seal_of(sent.sender.party))
    step.found(signed_by=sent.sender.party.name)
    step.check("content_digest_as_sent", content_digest(document) == sent.content_digest, True)
    if sent.sealed is not None:
        checks.require_same_octets("the exact octets", octets, sent.sealed)
        step.found(octets_as_sealed=True)
    view = answer.Document
    step.check("view_is_of_the_document", view.Header.DocumentId, document.findtext("{*}Header/{*}DocumentId"))
    step.facts["view_is_of_the_document"] = True
    for number, (attachment, wanted) in enumerate(zip(answer.Attachment, sent.attachments, strict=True), 1):
        checks.require_same_octets(f"attachment {number}", attachment.Content, wanted)
    step.found(attachments_as_sent=len(sent.attachments))
    step.noted(sealed_octets=len(octets), sealed_sha256=hashlib.sha256(octets).hexdigest())
    step.say(
        f"about {view.Header.Subject.Name}; {len(octets)} octets signed by {sent.sender.party.name}",
        f'in own words: "{view.Header.OwnWords.Text}"',
    )
    return Received(sent, octets, view)


def _check_receipt(
    stage: Stage, step: Step, received: Received, answer: Any, octets: bytes, event: str, state: str
) -> None:
    """The receipt is sealed, of the right event, and about these very octets."""
    evidence = checks.read_evidence(octets, stage.gateway_seal)
    step.check("evidence", evidence.event, event)
    step.check("state", answer.State, state)
    step.check("repeated", answer.Repeated, False)
    checks.require_about(evidence, received.sealed)
    request_digest = received.sent.recipient.signature.request_digest
    step.check("bound_to_request", evidence.digest("RequestDigest") == request_digest, True)

"""Receiving, the same for both sides: list, retrieve and verify, confirm, register the reading."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from demo import checks, content_signature
from demo.case_system import CaseSystem, Typed, party_of
from demo.documents import content_digest, text_of
from demo.stage import Sent, Stage
from demo.transcript import Broken, Step

_DELIVERY_SECONDS: Final = 15
_PAUSE: Final = 0.1
_VIEWED: Final = ("Header/DocumentId", "Header/Subject/Name", "Header/OwnWords/Text", "Header/SealedBy")


@dataclass(frozen=True)
class Reader:
    """The person who reads, in which role, and the roles that the document asks for."""

    name: str
    role: str
    attention: Sequence[str]


@dataclass(frozen=True)
class Received:
    """A document as the recipient has it: the exact octets."""

    sent: Sent
    sealed: bytes


def receive(stage: Stage, sent: Sent, reader: Reader) -> Received:
    """Take a document from the inbox to its read receipt."""
    _list(stage, sent, reader)
    with stage.teller.step(f"{sent.label} retrieved", "... retrieves it and verifies its signature") as step:
        received = _retrieve(stage, sent, step)
    _confirm(stage, received)
    _read(stage, received, reader)
    return received


def _list(stage: Stage, sent: Sent, reader: Reader) -> None:
    name = sent.recipient.party.name
    with stage.teller.step(f"{sent.label} listed", f"{name} finds the {sent.label} in its inbox") as step:
        item = _await_item(sent.recipient, sent.document_id)
        step.check("kind", item.Kind, sent.kind)
        step.check("state", item.State, "AVAILABLE")
        step.check("attention", [each.Role for each in item.Attention], reader.attention)
        step.check("attachments", item.AttachmentCount, len(sent.attachments))
        step.check("sender", dict(party_of(item.Sender.Party)), sent.sender.party.reference)
        roles = [f"{each.Role} ({each.Unit})" if each.Unit else str(each.Role) for each in item.Attention]
        step.say(f"{item.Kind} from {item.Sender.Name}, att. {', '.join(roles)}")


def _unread(system: CaseSystem) -> dict[str, Typed]:
    """What nobody has read yet, by document."""
    return {item.DocumentId: item for item in system.call("ListInbox", UnreadOnly=True).Item}


def _await_item(system: CaseSystem, document_id: str) -> Typed:
    """The document's entry in the inbox, once it is there."""
    give_up = time.monotonic() + _DELIVERY_SECONDS
    while time.monotonic() < give_up:
        if item := _unread(system).get(document_id):
            return item
        time.sleep(_PAUSE)
    raise Broken(f"the document is not in the inbox after {_DELIVERY_SECONDS} seconds")


def _retrieve(stage: Stage, sent: Sent, step: Step) -> Received:
    """Fetch the document, and verify its exact octets with the certificate that the sender is known by."""
    answer = sent.recipient.call("Retrieve", DocumentId=sent.document_id)
    octets: bytes = answer.ExactOctets
    document = content_signature.verify(octets, stage.seal_of(sent.sender.party))
    step.found(signed_by=sent.sender.party.name)
    step.check("content_as_sent", content_digest(document) == sent.content_digest, True)
    if sent.sealed is not None:
        checks.require_same_octets("the exact octets", octets, sent.sealed)
        step.found(octets_as_sealed=True)
    for path in _VIEWED:
        if _at(answer.Document, path) != text_of(document, path):
            raise Broken(f"the typed view shows another {path} than the exact octets")
    step.found(view_as_exact_octets=True)
    step.check("attachments", len(answer.Attachment), len(sent.attachments))
    for attachment, wanted in zip(answer.Attachment, sent.attachments, strict=True):
        checks.require_same_octets(f"attachment {attachment.Number}", attachment.Content, wanted)
    step.noted(sealed_octets=len(octets), sealed_sha256=hashlib.sha256(octets).hexdigest())
    step.say(
        f"{len(octets)} octets about {_at(answer.Document, 'Header/Subject/Name')}, signed by "
        f"{sent.sender.party.name}; verified with signxml",
        f'in own words: "{_at(answer.Document, "Header/OwnWords/Text")}"',
    )
    return Received(sent, octets)


def _at(view: Typed, path: str) -> Typed:
    """What the typed view holds at a path."""
    for step in path.split("/"):
        view = view[step]
    return view


def _confirm(stage: Stage, received: Received) -> None:
    sent = received.sent
    with stage.teller.step(f"{sent.label} confirmed", "... confirms that its system has stored it") as step:
        digest = hashlib.sha256(received.sealed).digest()
        answer = sent.recipient.call("ConfirmHandover", DocumentId=sent.document_id, ContentDigest=digest)
        step.check("state", answer.State, "HANDED_OVER")
        _check_receipt(stage, step, received, answer.ContentHandover, "ContentHandover")


def _read(stage: Stage, received: Received, reader: Reader) -> None:
    sent = received.sent
    with stage.teller.step(f"{sent.label} read", "... and registers that a person has read it") as step:
        answer = sent.recipient.call(
            "RegisterRead",
            DocumentId=sent.document_id,
            ReaderRole=reader.role,
            ReaderName=reader.name,
            ReadAt=datetime.now(UTC),
        )
        step.check("state", answer.State, "READ")
        _check_receipt(stage, step, received, answer.ContentAccessTracking, "ContentAccessTracking")
        step.check("unread", sent.document_id in _unread(sent.recipient), False)
        step.say(f"read by {reader.name}, {reader.role}: the sender is told the role, not the name")


def _check_receipt(stage: Stage, step: Step, received: Received, octets: bytes, event: str) -> None:
    """The receipt is sealed, of the right event, about these very octets, and for the request just made."""
    evidence = checks.read_evidence(octets, stage.gateway_seal)
    step.check("evidence", evidence.event, event)
    checks.require_about(evidence, received.sealed)
    request_digest = received.sent.recipient.signature.request_digest
    step.check("bound_to_request", evidence.digest("RequestDigest") == request_digest, True)

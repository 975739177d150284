"""The notice: the school's SIS seals it itself and sends it back in the same conversation."""

from __future__ import annotations

from demo import checks, content_signature, parties
from demo.case_system import Typed
from demo.chapters.letter import see_timeline
from demo.chapters.receiving import Reader, Received, receive
from demo.documents import content_digest, fresh_notice, text_of
from demo.stage import Sent, Stage


def tell(stage: Stage, letter: Received) -> Received:
    """The school warns of a dropout risk; the municipality receives it; the school sees that it was read."""
    stage.teller.chapter(
        "notice",
        "The notice: two months later, Alma is at risk of dropping out",
        "sealed by the school itself, delivered octet for octet, read; its answer has a deadline",
    )
    sent = _send(stage, letter.sent.conversation_id)
    reader = Reader("Mette Eksempel", "ORDER_CASEWORKER", ["ORDER_CASEWORKER", "MAIN_MAILBOX"])
    received = receive(stage, sent, reader)
    see_timeline(stage, sent)
    return received


def _send(stage: Stage, conversation_id: str) -> Sent:
    system, installation = stage.school, stage.installation
    notice = fresh_notice(conversation_id)
    key, chain = installation.key(parties.SCHOOL_SEAL), installation.chain(parties.SCHOOL_SEAL)
    with stage.teller.step(
        "notice sealed", "SIS seals a notice with the school's own key (XAdES baseline B)"
    ) as step:
        sealed = content_signature.seal(notice, key, chain)
        step.noted(octets=len(sealed))
    request: dict[str, Typed] = {"SignedDocument": sealed}
    with stage.teller.step("notice sent", "... and sends exactly these octets") as step:
        answer = system.call("SendNotice", **request)
        step.check("state", answer.State, "ACCEPTED")
        step.check("repeated", answer.Repeated, False)
        step.check("warnings", [warning.Rule for warning in answer.Warning], ["RULE_H06"])
        acceptance = checks.read_evidence(answer.SubmissionAcceptance, stage.gateway_seal)
        step.check("evidence", acceptance.event, "SubmissionAcceptance")
        checks.require_about(acceptance, sealed)
        bound = acceptance.digest("RequestDigest") == system.signature.request_digest
        step.check("bound_to_request", bound, True)
        step.noted(document_id=answer.DocumentId)
        step.say(f"document {answer.DocumentId} in the conversation of the letter")
    return Sent(
        label="notice",
        kind="DropoutRiskNotice",
        sender=system,
        recipient=stage.municipality,
        document_id=text_of(notice, "Header/DocumentId"),
        conversation_id=conversation_id,
        content_digest=content_digest(notice),
        attachments=(),
        acceptance=answer.SubmissionAcceptance,
        sealed=sealed,
        request=request,
    )

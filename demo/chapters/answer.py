"""The answer: the municipality answers the notice, and the school can prove which answer it got."""

from __future__ import annotations

import hashlib

from demo import checks
from demo.case_system import Typed
from demo.chapters.letter import digest_as_sent
from demo.chapters.receiving import Reader, Received, receive
from demo.documents import fresh_answer, text_of
from demo.stage import Sent, Stage
from demo.transcript import Broken


def tell(stage: Stage, notice: Received) -> Received:
    """The municipality answers; the school receives the answer, and its notice is answered on both sides."""
    stage.teller.chapter(
        "answer",
        "The answer: the municipality says what it will do, and by when",
        "an answer makes the notice ANSWERED on both sides, with evidence; its deadline ends",
    )
    sent = _send(stage, notice.sent)
    reader = Reader("Sofie Eksempelsen", "STUDY_COUNSELLOR", ["STUDY_COUNSELLOR"])
    received = receive(stage, sent, reader)
    _see_answered(stage, notice, received)
    return received


def _send(stage: Stage, notice: Sent) -> Sent:
    system = stage.municipality
    answer_notice = fresh_answer(notice.conversation_id, notice.document_id)
    request: dict[str, Typed] = {"Document": system.typed(answer_notice)}
    with stage.teller.step("answer sent", "ESDH answers the notice; the gateway seals the answer") as step:
        answer = system.call("SendNotice", **request)
        step.check("state", answer.State, "ACCEPTED")
        step.check("repeated", answer.Repeated, False)
        step.check("warnings", [warning.Rule for warning in answer.Warning], ["RULE_H06"])
        digest = digest_as_sent(system)
        acceptance = checks.read_evidence(answer.SubmissionAcceptance, stage.gateway_seal)
        step.check("evidence", acceptance.event, "SubmissionAcceptance")
        step.noted(document_id=answer.DocumentId)
        step.say(f"document {answer.DocumentId} answers {notice.document_id}")
    return Sent(
        label="answer",
        kind="AnswerNotice",
        sender=system,
        recipient=stage.school,
        document_id=text_of(answer_notice, "Header/DocumentId"),
        conversation_id=notice.conversation_id,
        content_digest=digest,
        attachments=(),
        acceptance=answer.SubmissionAcceptance,
        sealed=None,
        request=request,
    )


def _see_answered(stage: Stage, notice: Received, answer: Received) -> None:
    """Both sides see the notice answered; the evidence is about the notice and wraps the sealed answer."""
    sent = notice.sent
    with stage.teller.step("notice answered", "Both sides see that the notice is answered, and how") as step:
        for side in (sent.sender, sent.recipient):
            status = side.call("GetStatus", DocumentId=sent.document_id)
            step.check("state", status.State, "ANSWERED")
            step.check("answer", [event.AnswerCode for event in status.Event if event.AnswerCode], ["OFFER"])
            step.check("waits", [wait.Kind for wait in status.Deadline], [])
        fetched = sent.sender.call("GetEvidence", DocumentId=sent.document_id).Evidence
        octets = [each.Content for each in fetched if each.Event == "BusinessAcceptance"]
        if len(octets) != 1:
            raise Broken(f"there are {len(octets)} pieces of evidence of the one answer")
        evidence = checks.read_evidence(octets[0], stage.gateway_seal)
        checks.require_about(evidence, notice.sealed)
        step.check("evidence", evidence.event, "BusinessAcceptance")
        wrapped = evidence.digest("BasedOn") == hashlib.sha256(answer.sealed).digest()
        step.check("wraps_the_sealed_answer", wrapped, True)
        step.say("OFFER: the mentor comes at other times; nobody waits any longer")

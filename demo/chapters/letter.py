"""The letter: from the municipality's ESDH to a counsellor who has read it, and the same letter sent twice."""

from __future__ import annotations

from demo import checks
from demo.case_system import CaseSystem, Typed
from demo.chapters.receiving import Reader, Received, receive
from demo.documents import NAMESPACE, content_digest, fresh_letter, pdf_attachment, text_of
from demo.stage import Sent, Stage
from demo.transcript import Broken


def tell(stage: Stage) -> Received:
    """The municipality sends the letter the typed way; the school receives it; the municipality sees it."""
    stage.teller.chapter(
        "letter",
        "The letter: Eksempelby Kommune writes to Prøveby Erhvervsskole about Alma",
        "delivered as it was sent, read by a person, and the sender knows; sent twice it is one letter",
    )
    sent = _send(stage)
    _send_again(stage, sent)
    reader = Reader("Sofie Eksempelsen", "STUDY_COUNSELLOR", ["STUDY_COUNSELLOR", "CONTACT_TEACHER"])
    received = receive(stage, sent, reader)
    see_timeline(stage, sent)
    return received


def _send(stage: Stage) -> Sent:
    system, pdf = stage.municipality, pdf_attachment()
    letter = fresh_letter(pdf)
    request: dict[str, Typed] = {
        "Document": system.typed(letter),
        "Attachment": [{"Number": 1, "Content": pdf}],
    }
    with stage.teller.step("letter sent", "ESDH sends a letter with a PDF; the gateway seals it") as step:
        answer = system.call("SendLetter", **request)
        step.check("state", answer.State, "ACCEPTED")
        step.check("repeated", answer.Repeated, False)
        step.check("warnings", [warning.Rule for warning in answer.Warning], ["RULE_H06"])
        digest = digest_as_sent(system)
        acceptance = checks.read_evidence(answer.SubmissionAcceptance, stage.gateway_seal)
        step.check("evidence", acceptance.event, "SubmissionAcceptance")
        step.check("accepted_as_sent", acceptance.digest("ContentDigest") == digest, True)
        bound = acceptance.digest("RequestDigest") == system.signature.request_digest
        step.check("bound_to_request", bound, True)
        step.noted(document_id=answer.DocumentId, content_digest=digest.hex())
        step.say(
            f"document {answer.DocumentId}, evidence {acceptance.text('EvidenceIdentifier')}",
            *(f"warning {warning.Rule}: {warning.English}" for warning in answer.Warning),
        )
    return Sent(
        label="letter",
        kind="EducationOrderLetter",
        sender=system,
        recipient=stage.school,
        document_id=answer.DocumentId,
        conversation_id=text_of(letter, "Header/ConversationId"),
        content_digest=digest,
        attachments=(pdf,),
        acceptance=answer.SubmissionAcceptance,
        sealed=None,
        request=request,
    )


def digest_as_sent(system: CaseSystem) -> bytes:
    """Return the digest of the document as it stands in the system's last request, which zeep made of typed values."""
    envelope = system.signature.request
    document = None if envelope is None else envelope.find(f".//{{{NAMESPACE}}}Document")
    if document is None:
        raise Broken("the request holds no document")
    return content_digest(document)


def _send_again(stage: Stage, sent: Sent) -> None:
    with stage.teller.step("letter sent again", "ESDH is unsure and sends the same letter again") as step:
        answer = sent.sender.call("SendLetter", **sent.request)
        step.check("repeated", answer.Repeated, True)
        step.check("same_document", answer.DocumentId == sent.document_id, True)
        checks.require_same_octets("the evidence", answer.SubmissionAcceptance, sent.acceptance)
        step.found(same_evidence_octets=True)
        step.say("one letter, one evidence: octet for octet the first one")


def see_timeline(stage: Stage, sent: Sent) -> None:
    """The sender sees what became of its document: in the stream of events and as a timeline."""
    system, label = sent.sender, sent.label
    with stage.teller.step(
        f"{label} followed", f"{system.party.name} sees what became of its {label}"
    ) as step:
        listed = system.call("ListEvents")
        kinds = [each.TimelineEvent.Kind for each in listed.Event if each.DocumentId == sent.document_id]
        wanted = ["RECEIVED", "SEALED", "ACCEPTED", "DISPATCHED", "AVAILABLE", "HANDED_OVER", "READ"]
        step.check("listed", kinds, wanted)
        status = system.call("GetStatus", DocumentId=sent.document_id)
        step.check("state", status.State, "READ")
        step.found(timeline=checks.timeline(status.Event))
        step.found(waits=[wait.Kind for wait in status.Deadline])
        step.say(
            *(
                f"{event.At:%H:%M:%S} {event.Kind:<12} {event.Basis:<9} {event.Issuer.Name}"
                for event in status.Event
            ),
            *(f"waits: {wait.Kind} until {wait.Due:%d.%m.%Y %H:%M} UTC" for wait in status.Deadline),
        )

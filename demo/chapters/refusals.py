"""Refusals: what a vendor sees when something is wrong, and that nothing of it is kept but a signed refusal."""

from __future__ import annotations

import base64
from collections.abc import Callable

from lxml import etree

from demo import checks
from demo.case_system import CaseSystem, Refused, Typed
from demo.documents import fresh_letter, pdf_attachment, remove, set_text
from demo.parties import MUNICIPALITY
from demo.stage import Stage
from demo.transcript import Broken, Step

_SHOWN = 3


def tell(stage: Stage) -> None:
    """A schema violation, a missing legal basis, and a system without a mandate."""
    stage.teller.chapter(
        "refusals",
        "Three refusals, as a vendor sees them",
        "each says what is wrong, where, and what to do, in two languages",
    )
    _schema(stage)
    _legal_basis(stage)
    _mandate(stage)


def _schema(stage: Stage) -> None:
    letter, pdf = _letter()
    set_text(letter, "EducationOrderLetter/Mentor/Status", "LOVET")
    with stage.teller.step(
        "schema refused", "A mentor is LOVET (promised), which is no code of the schema"
    ) as step:
        refused = _refused(stage.municipality, lambda: _send(stage.municipality, letter, pdf))
        _check(stage, step, refused, "SCHEMA_INVALID")
        step.check("path", refused.violations[0].path, "/Document/EducationOrderLetter/Mentor/Status")
        step.check("line", int(refused.violations[0].line) > 0, True)
        step.check("violations", len(refused.violations), 1)
    _show(stage, refused)


def _legal_basis(stage: Stage) -> None:
    letter, pdf = _letter()
    remove(letter, "Header/LegalBasis")
    with stage.teller.step(
        "basis refused", "The legal basis for what the letter tells of support is missing"
    ) as step:
        refused = _refused(stage.municipality, lambda: _send(stage.municipality, letter, pdf))
        _check(stage, step, refused, "RULE_H10")
        step.check("rules", sorted({each.code for each in refused.violations}), ["RULE_H10"])
        named = "/Document/EducationOrderLetter/Mentor" in {each.path for each in refused.violations}
        step.check("mentor_named", named, True)
    _show(stage, refused)


def _mandate(stage: Stage) -> None:
    sentence = "The school's SIS asks for the municipality's inbox, without a mandate"
    with stage.teller.step("mandate refused", sentence) as step:
        refused = _refused(stage.school, lambda: stage.school.call("ListInbox", on_behalf_of=MUNICIPALITY))
        step.check("code", refused.code, "MANDATE_MISSING")
        step.check("told_in_both_languages", bool(refused.danish and refused.english), True)
    _show(stage, refused)


def _letter() -> tuple[etree._Element, bytes]:
    pdf = pdf_attachment()
    return fresh_letter(pdf), pdf


def _send(system: CaseSystem, letter: etree._Element, pdf: bytes) -> Typed:
    return system.call(
        "SendLetter", Document=system.typed(letter), Attachment=[{"Number": 1, "Content": pdf}]
    )


def _refused(system: CaseSystem, attempt: Callable[[], Typed]) -> Refused:
    try:
        attempt()
    except Refused as refused:
        return refused
    raise Broken(f"{system.name} was not refused")


def _check(stage: Stage, step: Step, refused: Refused, code: str) -> None:
    """The fault is what it should be, in both languages, and carries signed evidence of the refusal."""
    step.check("code", refused.code, code)
    step.check("retryable", refused.text("Retryable") == "true", False)
    both = all(each.danish and each.english for each in refused.violations) and refused.danish
    step.check("told_in_both_languages", bool(both), True)
    rejection = checks.read_evidence(
        base64.b64decode(refused.text("SubmissionRejection")), stage.gateway_seal
    )
    step.check("evidence", rejection.event, "SubmissionRejection")
    bound = rejection.digest("RequestDigest") == stage.municipality.signature.request_digest
    step.check("bound_to_request", bound, True)
    step.noted(correlation_id=refused.text("CorrelationId"))


def _show(stage: Stage, refused: Refused) -> None:
    lines = [refused.english, refused.danish]
    for violation in refused.violations[:_SHOWN]:
        lines.append(f"• {violation.code} at {violation.path}, line {violation.line}")
        lines += [f"  {violation.english}", f"  {violation.danish}"]
    if len(refused.violations) > _SHOWN:
        lines.append(f"... and {len(refused.violations) - _SHOWN} more")
    stage.teller.show(f"BropostFault {refused.code}", "\n".join(lines))

"""The rules on answers (A01 to A03): complete, to what was asked, and in time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gateway.domain.calendar import local_day
from gateway.domain.document import day_of
from gateway.domain.kinds import DocumentKind
from gateway.domain.rule_context import Case, KnownDocument, error, warning
from gateway.domain.rules import Finding, Rule, Words
from gateway.domain.status import AnswerCode

# What an answer of each sort must hold beside what every answer holds.
_DUE: Final = {
    AnswerCode.OFFER: ("Offer", Words("det, der tilbydes", "what is offered")),
    AnswerCode.DECLINED: ("DeclineReason", Words("årsagen til afslaget", "the reason for declining")),
    AnswerCode.NEED_MORE: ("Question", Words("et spørgsmål", "a question")),
}
_DUE_DATE: Final = Words("datoen for, hvornår der senest er handlet", "the day by which action is taken")
_NO_WISH: Final = frozenset({"FOR_INFORMATION"})  # to ask for nothing is no wish that could be answered
_RISK_TOLD: Final = "LAB-30-8-2"
_WORKING_DAYS: Final = 10  # where no letter promises a time; no rule of law sets it


def check_answer(case: Case) -> Iterator[Finding]:
    """The findings on an answer; none for another kind of document."""
    document = case.document
    if document.kind is not DocumentKind.ANSWER_NOTICE:
        return
    yield from _complete(case)
    answered = None if document.reply_to is None else case.known(document.reply_to)
    if answered is not None:
        yield from _wishes(case, answered)
        yield from _promise(case, answered)


def _complete(case: Case) -> Iterator[Finding]:
    body = case.document.body
    code = AnswerCode(body.text_of("AnswerKind") or "")
    if code is not AnswerCode.DECLINED and not body.has("DueDate"):
        yield error(Rule.A01, body, field=_DUE_DATE)
    needed = _DUE.get(code)
    if needed is not None and not body.has(needed[0]):
        yield error(Rule.A01, body, field=needed[1])


def _wishes(case: Case, answered: KnownDocument) -> Iterator[Finding]:
    """A response to what was never asked for is refused; a wish without one is told."""
    responses = case.document.body.find_all("Response/Action")
    for node in responses:
        if node.text not in answered.actions_wanted:
            yield error(Rule.A02, node)
    if answered.actions_wanted - _NO_WISH - {node.text for node in responses}:
        yield warning(Rule.A02, case.document.body)


def _promise(case: Case, answered: KnownDocument) -> Iterator[Finding]:
    """Of a risk that LAB §30 stk. 8 told of: was the person contacted? Of any: is it acted upon in time?

    The time runs from the day of the answer, in the working days of who answers.
    """
    body, is_risk = case.document.body, answered.kind is DocumentKind.DROPOUT_RISK_NOTICE
    if is_risk and _RISK_TOLD in answered.provisions and not body.has("SubjectContact"):
        yield warning(Rule.A03, body)
    due = body.find("DueDate")
    promises = _promises(case) if is_risk else []
    days = promises[-1] if promises else _WORKING_DAYS
    last = local_day(case.context.calendar.add_working_days(case.context.now, days))
    if due is not None and day_of(due) > last:
        yield warning(Rule.A03, due)


def _promises(case: Case) -> list[int]:
    """The working days that the letters of the conversation promise, by who answers now; the newest last."""
    document = case.document
    return [
        known.answer_within
        for known in case.conversation(document.conversation_id, case.ends)
        if known.answer_within is not None and known.sender == document.sender.id
    ]

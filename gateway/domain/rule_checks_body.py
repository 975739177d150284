"""The rules on blocks, letters and notices (H04 of education codes, D01, D02, D04, D10, L01 to L04, N01 to N04)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Final

from gateway.domain.annotation import Basis, Category
from gateway.domain.document import day_of, is_true
from gateway.domain.kinds import DocumentKind
from gateway.domain.node import Node
from gateway.domain.party import Role
from gateway.domain.rule_context import Case, error, warning
from gateway.domain.rules import Finding, Rule, Severity

_SPANS: Final = {  # the last day of each, and its first
    "To": "From",
    "ValidTo": "ValidFrom",
    "PlannedEnd": "StartDate",
    "PeriodTo": "PeriodFrom",
    "ValidUntil": "GivenOn",
    "IssuedOn": "FirstOrderOn",
    "FollowUpOn": "AgreedOn",
}
# What explains an "other" in its block. `Name` is that of an education or a person in a role.
_EXPLAINS: Final = frozenset(
    {"Text", "Note", "How", "What", "Name", "PersonName", "Unit", "Organisation", "SchoolMust"}
)
_LOCAL: Final = {"Reason": "LocalReason"}  # the code of the school's own system says which other reason it is
# Bodies with no room for words: the items of an agreement tell of who takes part, and why a contact changes is told to
# nobody.
_WORDLESS: Final = frozenset({"AgreementNotice", "ContactChangeNotice"})
# What is next for the young person: a code and no more, since nobody is to describe it for them.
_TOLD_ENOUGH: Final = frozenset({"NextKnown"})
_EDUCATION_CODES: Final = ("Education/Code", "CurrentEducation/Code")
_CONTACTS: Final = frozenset({"Contact", "Primary", "Deputy", "Owner"})
_HELP: Final = ("Mentor", "ItBackpack", "EarlierStarts", "MunicipalHelp")
_LETTERS_OF_SUPPORT: Final = frozenset(
    {DocumentKind.EDUCATION_ORDER_LETTER, DocumentKind.SUPPORT_NEED_LETTER}
)
_TRANSITIONS: Final = frozenset({DocumentKind.TRANSITION_LETTER, DocumentKind.TRANSITION_NOTICE})
_BACK_OFFICE: Final = frozenset({Role.ADMINISTRATION, Role.MAIN_MAILBOX})
_LATE_DAYS: Final = 7
_ABSENCE_DAYS: Final = 92  # three months; the first and the last day are counted
_MENTOR_MONTHS: Final = 6  # a mentor is granted for six months at a time


def check_body(case: Case) -> Iterator[Finding]:
    """The findings on every block, and on letters and notices as such."""
    for node in (*case.document.header.blocks(), *case.document.body.blocks()):
        yield from _block(node)
    yield from _education_codes(case)
    yield from _letter(case)
    yield from _late(case)
    if case.document.kind is DocumentKind.DROPOUT_RISK_NOTICE:
        yield from _risk_notice(case)
    if case.document.kind in _TRANSITIONS:
        yield from _transition(case)
    if case.document.kind is DocumentKind.ABSENCE_NOTICE:
        yield from _absence_period(case.document.body)
    if case.document.kind is DocumentKind.AGREEMENT_NOTICE:
        yield from _item_numbers(case.document.body)
    if case.document.kind is DocumentKind.INTERRUPTION_NOTICE and not _risk_notices(case):
        yield warning(Rule.N03, case.document.body)


def _block(node: Node) -> Iterator[Finding]:
    for last in node.children:
        if last.name in _SPANS:
            first = node.find(_SPANS[last.name])
            if first is not None and day_of(last) < day_of(first):
                yield error(Rule.D01, last)
    if node.name not in _WORDLESS:
        yield from _others(node)
    if node.name in _CONTACTS and node.has("Role") and not (node.has("Phone") or node.has("Email")):
        yield error(Rule.L02, node)
    if node.name == "Mentor" and node.text_of("Status") == "GRANTED":
        yield from _mentor_period(node)


def _others(node: Node) -> Iterator[Finding]:
    """An "other" that nothing in its block explains."""
    others = [
        child
        for child in node.children
        if child.text == "OTHER" and child.name not in _EXPLAINS and child.name not in _TOLD_ENOUGH
        if child.name not in _LOCAL or not node.has(_LOCAL[child.name])
    ]
    if others and not any(child.text != "OTHER" for child in node.children if child.name in _EXPLAINS):
        yield from (error(Rule.D10, other) for other in others)


def _education_codes(case: Case) -> Iterator[Finding]:
    """A code names a list in force, and has the shape of that list's codes; the codes themselves are its owner's."""
    for steps in _EDUCATION_CODES:
        for node in case.document.body.find_all(steps):
            system = case.context.education_codes.find(
                node.attribute("system") or "", on=case.document.created_on
            )
            if system is None or not re.fullmatch(system.pattern, node.text):
                yield error(Rule.H04, node)


def _mentor_period(node: Node) -> Iterator[Finding]:
    start, end = node.find("From"), node.find("To")
    if start is None or end is None:
        yield error(Rule.L04, node)
    elif _is_longer(day_of(start), day_of(end), _MENTOR_MONTHS):
        yield warning(Rule.L04, end)


def _is_longer(start: date, end: date, months: int) -> bool:
    """Whether the period goes on beyond the day with the same number some months later."""
    between = (end.year - start.year) * 12 + end.month - start.month
    return between > months or (between == months and end.day > start.day)


def _letter(case: Case) -> Iterator[Finding]:
    document = case.document
    if document.kind in _LETTERS_OF_SUPPORT and not any(map(document.body.has, _HELP)):
        yield warning(Rule.L01, document.body)
    if document.kind.is_letter and {attention.role for attention in document.attentions} <= _BACK_OFFICE:
        yield warning(Rule.L03, document.header.find("Recipient/Attention") or document.header)


def _late(case: Case) -> Iterator[Finding]:
    node = case.document.body.find("Education/StartDate" if case.document.kind.is_letter else "EventDate")
    if node is not None and (case.document.created_on - day_of(node)).days > _LATE_DAYS:
        yield warning(Rule.N01, node)


def _absence_period(body: Node) -> Iterator[Finding]:
    first, last = body.find("PeriodFrom"), body.find("PeriodTo")
    if first is not None and last is not None and (day_of(last) - day_of(first)).days >= _ABSENCE_DAYS:
        yield error(Rule.D02, last)


def _item_numbers(body: Node) -> Iterator[Finding]:
    """An item is known by its number from one version of an agreement to the next: each has its own."""
    seen: set[int] = set()
    for node in body.find_all("Item/Number"):
        number = int(node.text)
        if number in seen:
            yield error(Rule.D04, node)
        seen.add(number)


def _risk_notice(case: Case) -> Iterator[Finding]:
    body = case.document.body
    imminent = body.find("Imminent")
    if is_true(imminent):
        if {action.text for action in body.find_all("ActionWanted/Code")} == {"FOR_INFORMATION"}:
            yield error(Rule.N02, body.find("ActionWanted") or body)
    elif not case.gate.is_carried(Basis.COOP, Category.RISK):
        yield error(Rule.N02, imminent or body)
    if body.text_of("Phase") != "NEW" and "NEW" not in _risk_notices(case):
        yield error(Rule.N04, body.find("Phase") or body)


def _transition(case: Case) -> Iterator[Finding]:
    body = case.document.body
    start, end = body.find("CurrentEducation/StartDate"), body.find("PlannedEnd")
    if start is not None and end is not None and day_of(end) < day_of(start):
        yield error(Rule.D01, end)
    for involved in body.find_all("Involved"):
        contact = involved.find("Contact")
        if contact is not None and involved.text_of("Role") == "GUARDIAN":  # a relative is only a role
            yield Finding(Rule.X06, Severity.OVERRIDABLE, contact.path, contact.line)


def _risk_notices(case: Case) -> frozenset[str | None]:
    """The phases of the risk notices that the sender gave in this conversation before."""
    document = case.document
    return frozenset(
        known.phase
        for known in case.conversation(document.conversation_id, case.ends)
        if known.kind is DocumentKind.DROPOUT_RISK_NOTICE and known.sender == document.sender.id
    )

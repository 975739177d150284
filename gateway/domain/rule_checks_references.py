"""The rule on references (H15): what a document names is of its own conversation, parties and young person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from gateway.domain.document import EarlierDocument
from gateway.domain.evidence import ReasonCode
from gateway.domain.identifiers import Uuid4
from gateway.domain.kinds import DocumentKind
from gateway.domain.rule_context import Case, KnownDocument, error
from gateway.domain.rules import Finding, Rule

# What an element of a body may name: an earlier document of this kind, which the sender gave or received.
_NAMED: Final = (
    ("AdmissionDocumentId", DocumentKind.ADMISSION_NOTICE, False),
    ("RiskDocumentId", DocumentKind.DROPOUT_RISK_NOTICE, True),
)


def check_references(case: Case) -> Iterator[Finding]:
    """The findings on everything that the document names: earlier documents, its conversation, and others."""
    found = [*_reply(case), *_earlier(case), *_in_the_body(case), *_withdrawal(case)]
    yield from found
    named = {each.path for each in found}  # one finding is enough for one reference
    yield from (each for each in _other_subject(case) if each.path not in named)
    if case.document.kind is DocumentKind.HANDOVER_NOTICE:
        yield from _ends_of_move(case)
        yield from _open_conversations(case)


def _reply(case: Case) -> Iterator[Finding]:
    document = case.document
    is_answer = document.kind is DocumentKind.ANSWER_NOTICE
    if document.reply_to is None:
        if is_answer:
            yield error(Rule.H15, case.in_header("ReplyTo"))
        return
    known = case.known(document.reply_to)
    is_answer_to_itself = known is not None and is_answer and known.sender == document.sender.id
    if not _is_of_conversation(case, known) or is_answer_to_itself:
        yield error(Rule.H15, case.in_header("ReplyTo"))


def _earlier(case: Case) -> Iterator[Finding]:
    document = case.document
    for name, earlier in (("Corrects", document.corrects), ("Withdraws", document.withdraws)):
        if earlier is not None and not _is_own(case, earlier, same_kind=name == "Corrects"):
            yield error(Rule.H15, case.in_header(f"{name}/DocumentId"))


def _in_the_body(case: Case) -> Iterator[Finding]:
    document = case.document
    for name, kind, own in _NAMED:
        node = document.body.find(name)
        if node is None:
            continue
        known = case.known(Uuid4(node.text))
        giver = document.sender.id if own else document.recipient.id
        fits = known is not None and (known.kind, known.sender) == (kind, giver)
        if not fits or not _is_of_conversation(case, known):
            yield error(Rule.H15, node)
    for node in document.body.find_all("RefersTo"):
        if not _is_of_conversation(case, case.known(Uuid4(node.text))):
            yield error(Rule.H15, node)


def _is_of_conversation(case: Case, known: KnownDocument | None) -> bool:
    """Whether an earlier document is of this conversation, between the same two parties."""
    return known is not None and (known.conversation_id, known.ends) == (
        case.document.conversation_id,
        case.ends,
    )


def _is_own(case: Case, earlier: EarlierDocument, *, same_kind: bool) -> bool:
    """Whether the sender gave the earlier document to the same recipient in the same conversation."""
    document, known = case.document, case.known(earlier.document_id)
    if known is None or (same_kind and known.kind is not document.kind):
        return False
    places = (document.conversation_id, document.sender.id, document.recipient.id)
    return (known.conversation_id, known.sender, known.recipient) == places


def _withdrawal(case: Case) -> Iterator[Finding]:
    """A notice of withdrawal names one document, in its header and in its body."""
    document = case.document
    if document.kind is not DocumentKind.WITHDRAWAL_NOTICE:
        return
    named = document.body.find("WithdrawnDocumentId")
    if document.withdraws is None:
        yield error(Rule.H15, document.header)
    elif named is not None and named.text != document.withdraws.document_id.text:
        yield error(Rule.H15, named)


def _other_subject(case: Case) -> Iterator[Finding]:
    """What the document names, or else its conversation, is about the same young person.

    Only what was withdrawn for being about a wrong person may be replaced by a document about another.
    """
    subject, is_settled = case.document.subject, False
    if subject is None:
        return
    for reference in case.document.references:
        known = case.known(reference.document_id)
        if known is None:
            continue
        if _replaces_wrong_subject(case, known):
            is_settled = True
        elif known.subject is not None:
            is_settled = True
            if known.subject != subject.cpr:
                yield error(Rule.H15, reference.node)
    newest = _newest_about_somebody(case.past(case.document.conversation_id, case.ends))
    if not is_settled and newest is not None and newest.subject != subject.cpr:
        yield error(Rule.H15, case.in_header("ConversationId"))


def _replaces_wrong_subject(case: Case, known: KnownDocument) -> bool:
    corrects = case.document.corrects
    is_corrected = corrects is not None and corrects.document_id == known.document_id
    return is_corrected and _was_wrong_subject(known)


def _was_wrong_subject(known: KnownDocument) -> bool:
    return known.withdrawn_for is ReasonCode.WRONG_SUBJECT


def _newest_about_somebody(conversation: Iterable[KnownDocument]) -> KnownDocument | None:
    """The newest document of a conversation that tells whom the conversation is about."""
    telling = [each for each in conversation if each.subject is not None and not _was_wrong_subject(each)]
    return telling[-1] if telling else None


def _ends_of_move(case: Case) -> Iterator[Finding]:
    """The municipality that is left is the sender, that of arrival the recipient."""
    document = case.document
    for name, party in (("FromMunicipality", document.sender), ("ToMunicipality", document.recipient)):
        node = document.body.find(name)
        if node is not None and node.text != party.id.unit:
            yield error(Rule.H15, node)


def _open_conversations(case: Case) -> Iterator[Finding]:
    """The open conversations of a handover are the sender's own, about the young person who moves."""
    document = case.document
    for named in document.open_conversations:
        ends = frozenset({document.sender.id, named.counterpart})
        held = case.conversation(named.conversation_id, ends)
        newest = _newest_about_somebody(held)
        is_other = newest and document.subject and newest.subject != document.subject.cpr
        if not held or is_other:
            yield error(Rule.H15, named.node.find("ConversationId") or named.node)
        elif named.last_kind not in {known.kind for known in held}:
            yield error(Rule.H15, named.node.find("LastKind") or named.node)

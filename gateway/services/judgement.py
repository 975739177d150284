"""Judgement: whether a submitted document may be sent, by the rules, the legal-basis gate and its attachments.

Everything is judged with nothing stored, and every reason to refuse is told at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from gateway.domain.catalogue import Code
from gateway.domain.document import Document
from gateway.domain.errors import InputError, Violation
from gateway.domain.evaluation import evaluate_case
from gateway.domain.identifiers import PartyId, Uuid4
from gateway.domain.kinds import DocumentKind
from gateway.domain.operations import AttachmentContent, Override
from gateway.domain.party import Party
from gateway.domain.policy import Disclosure
from gateway.domain.rule_context import AttachmentFacts, Case, KnownDocument, RuleContext
from gateway.domain.rules import overridden, refusals, warnings
from gateway.protocol.attachment_files import inspect_attachment, media_type_of
from gateway.services.content import Submitted, document_of, read_kept
from gateway.services.installation import Installation
from gateway.storage import documents, parties, withdrawals
from gateway.storage.documents import DocumentRow
from gateway.xmlcore.statutory import statutory_minimum

# The kinds whose rules ask for the conversation's earlier risk notices: N03 and N04.
_LETTERS: Final = frozenset({DocumentKind.EDUCATION_ORDER_LETTER, DocumentKind.SUPPORT_NEED_LETTER})
_LOOK_BACK: Final = frozenset({DocumentKind.DROPOUT_RISK_NOTICE, DocumentKind.INTERRUPTION_NOTICE})


@dataclass(frozen=True)
class Judgement:
    """That a document may be sent, and what is told of it."""

    disclosure: Disclosure
    warnings: tuple[Violation, ...]
    overridden: tuple[Override, ...]  # the rules that the sender chose to send against, with its reasons


def judge(
    installation: Installation,
    connection: Connection,
    submitted: Submitted,
    sender: Party,
    recipient: Party | None,
    attachments: Sequence[AttachmentContent],
    overrides: Sequence[Override],
    at: datetime,
) -> Judgement:
    """Return the judgement that lets a document pass.

    Raises InputError RECIPIENT_UNKNOWN, MESSAGE_TOO_LARGE, ATTACHMENT_TYPE, RULES_BROKEN with every violation, or
    DOCUMENT_ID_TAKEN: last, so that only a document that could be sent tells whether an id is in use.
    """
    document = submitted.document
    if recipient is None or document.kind not in recipient.receives:
        raise InputError(Code.RECIPIENT_UNKNOWN, kind=document.kind.value)
    facts = _attachment_facts(installation, attachments)
    policy = installation.knowledge.policy(cooperation_decided=sender.cooperation_decided)
    context = RuleContext(
        now=at,
        certificate_cvr=submitted.signer or sender.id.cvr,
        policy=policy,
        categories=installation.knowledge.categories,
        words=installation.knowledge.word_lists,
        municipalities=installation.knowledge.municipalities,
        institutions=installation.knowledge.institutions_with(
            sender.id, recipient.id, *_registered(connection, document.counterparts)
        ),
        replacement_numbers_allowed=installation.knowledge.replacement_numbers_allowed,
        history=_history(installation, connection, document, sender),
        attachments=facts,
        calendar=sender.calendar,
        statutory=statutory_minimum(document.kind),
    )
    case = Case(document, context)
    findings = evaluate_case(case)
    reasons = {override.rule: override.reason for override in overrides}
    if stopping := refusals(findings, reasons):
        violations = tuple(finding.violation for finding in stopping)
        raise InputError(Code.RULES_BROKEN, violations=violations, count=len(violations))
    for attachment, fact in zip(attachments, facts, strict=True):
        inspect_attachment(attachment.number, fact.media_type, attachment.content)
    documents.require_free_id(connection, document.document_id, sender.id, recipient.id)
    return Judgement(
        disclosure=case.gate.disclosure(),
        warnings=tuple(finding.violation for finding in warnings(findings)),
        overridden=tuple(
            Override(code, reasons[code])
            for code in dict.fromkeys(finding.rule.code for finding in overridden(findings, reasons))
        ),
    )


def _registered(connection: Connection, named: Sequence[PartyId]) -> list[PartyId]:
    """Those of the parties named that are registered here."""
    return [party for party in named if parties.find_party(connection, party) is not None]


def _attachment_facts(
    installation: Installation, attachments: Sequence[AttachmentContent]
) -> tuple[AttachmentFacts, ...]:
    """What the attachments are, whatever the document says of them."""
    if sum(len(each.content) for each in attachments) > installation.attachments_bytes:
        raise InputError(Code.MESSAGE_TOO_LARGE, limit=installation.attachments_bytes)
    return tuple(
        AttachmentFacts(
            each.number,
            len(each.content),
            each.sha256,
            media_type := media_type_of(each.content),
            bytes(each.content).decode("utf-8") if media_type == "text/plain" else "",
        )
        for each in attachments
    )


def _history(
    installation: Installation, connection: Connection, document: Document, sender: Party
) -> tuple[KnownDocument, ...]:
    """What the rules look back on: the documents that this one refers to, and what its kind asks for beside them."""
    rows = {row.key: row for row in _conversation(connection, document, sender)}
    for reference in _references(document):
        row = documents.find_visible(connection, sender.id, reference)
        if row is not None:
            rows[row.key] = row
    return tuple(_known(installation, connection, row, sender, document) for row in rows.values())


def _conversation(connection: Connection, document: Document, sender: Party) -> tuple[DocumentRow, ...]:
    """What the rules ask for of the conversation: earlier risk notices; for an answer its letters; for a note all.

    What was withdrawn is no part of it any more.
    """
    kinds: frozenset[DocumentKind | None] = frozenset()
    if document.kind in _LOOK_BACK:
        kinds = frozenset({DocumentKind.DROPOUT_RISK_NOTICE})
    elif document.kind is DocumentKind.ANSWER_NOTICE:
        kinds = _LETTERS
    elif document.kind is DocumentKind.NOTE_NOTICE:
        kinds = frozenset({None})
    found = [
        row
        for kind in kinds
        for row in documents.conversation_documents(connection, sender.id, document.conversation_id, kind)
        if withdrawals.find_withdrawal(connection, row.key) is None
    ]
    return tuple(sorted(found, key=lambda row: row.key))


def _references(document: Document) -> list[Uuid4]:
    named = (document.corrects, document.withdraws)
    replied = (document.reply_to,) if document.reply_to else ()
    return [*(each.document_id for each in named if each), *replied, *document.body_references]


def _known(
    installation: Installation,
    connection: Connection,
    row: DocumentRow,
    sender: Party,
    document: Document,
) -> KnownDocument:
    """A document of the history. It is read only where the rules ask for what it says, and it is still there."""
    known = KnownDocument(row.document_id, row.conversation_id, row.sender, row.recipient, row.kind)
    is_risk_before = row.kind is document.kind is DocumentKind.DROPOUT_RISK_NOTICE
    is_of_answer = document.kind is DocumentKind.ANSWER_NOTICE and (
        row.kind in _LETTERS or row.document_id == document.reply_to
    )
    if row.wrapped_key is None or not (is_risk_before or is_of_answer):
        return known
    earlier = document_of(read_kept(installation, connection, row, sender.id, attachments=False))
    promised = earlier.body.text_of("RiskContact/AnswerWithinWorkingDays")
    return replace(
        known,
        phase=earlier.body.text_of("Phase") if is_risk_before else None,
        provisions=frozenset(basis.provision for basis in earlier.legal_bases),
        actions_wanted=frozenset(node.text for node in earlier.body.find_all("ActionWanted/Code")),
        answer_within=None if promised is None else int(promised),
    )

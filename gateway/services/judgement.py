"""Judgement: whether a submitted document may be sent, by the rules, the legal-basis gate and its attachments.

Everything is judged with nothing stored, and every reason to refuse is told at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from gateway.domain.catalogue import Code
from gateway.domain.document import Document, OpenConversation
from gateway.domain.errors import InputError, Violation
from gateway.domain.evaluation import evaluate_case
from gateway.domain.evidence import ReasonCode
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

_LETTERS: Final = frozenset({DocumentKind.EDUCATION_ORDER_LETTER, DocumentKind.SUPPORT_NEED_LETTER})
_RISK: Final = frozenset({DocumentKind.DROPOUT_RISK_NOTICE})
# What the rules on a kind ask for of its conversation (N03, N04, A03, H10, H15), and of which they ask what it says.
# What was withdrawn is no part of a conversation any more.
_KINDS_SOUGHT: Final[Mapping[DocumentKind, frozenset[DocumentKind]]] = {
    DocumentKind.DROPOUT_RISK_NOTICE: _RISK,
    DocumentKind.INTERRUPTION_NOTICE: _RISK,
    DocumentKind.ANSWER_NOTICE: _LETTERS,
    DocumentKind.NOTE_NOTICE: frozenset(DocumentKind),
    DocumentKind.HANDOVER_NOTICE: frozenset(DocumentKind),
}
_TEXTS_SOUGHT: Final = {DocumentKind.DROPOUT_RISK_NOTICE: _RISK, DocumentKind.ANSWER_NOTICE: _LETTERS}


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
            sender.id, recipient.id, *_registered(connection, document.open_conversations)
        ),
        education_codes=installation.knowledge.education_codes,
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


def _registered(connection: Connection, named: Sequence[OpenConversation]) -> list[PartyId]:
    """The other parties of these conversations that are registered here."""
    counterparts = [each.counterpart for each in named]
    return [party for party in counterparts if parties.find_party(connection, party) is not None]


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
    """What the rules look back on, in the order of acceptance; `RuleContext` says what that is."""
    past = _Past(installation, connection, sender.id)
    named = (
        documents.find_visible(connection, sender.id, reference.document_id)
        for reference in document.references
    )
    found = {row.key: past.read(row) for row in named if row is not None}
    kinds, texts = (
        _KINDS_SOUGHT.get(document.kind, frozenset()),
        _TEXTS_SOUGHT.get(document.kind, frozenset()),
    )
    for conversation_id, counterpart in _conversations(document):
        rows = past.conversation(conversation_id, counterpart)
        for row in rows:
            if row.kind in kinds and row.key not in found and past.withdrawn_for(row) is None:
                found[row.key] = past.read(row) if row.kind in texts else past.known(row)
        found |= past.newest_about_somebody(rows)
    return tuple(found[key] for key in sorted(found))


def _conversations(document: Document) -> Iterator[tuple[Uuid4, PartyId]]:
    """The document's own conversation, and those that it passes on, each with the other party."""
    yield document.conversation_id, document.recipient.id
    yield from ((each.conversation_id, each.counterpart) for each in document.open_conversations)


@dataclass(frozen=True)
class _Past:
    """The documents that a party gave and got. One is decrypted only where the rules ask for what it says."""

    installation: Installation
    connection: Connection
    party: PartyId

    def conversation(self, conversation_id: Uuid4, counterpart: PartyId) -> tuple[DocumentRow, ...]:
        """The documents of a conversation with another party, in the order of their acceptance."""
        ends = {self.party, counterpart}
        rows = documents.conversation_documents(self.connection, self.party, conversation_id)
        return tuple(row for row in rows if {row.sender, row.recipient} == ends)

    def newest_about_somebody(self, rows: Sequence[DocumentRow]) -> dict[int, KnownDocument]:
        """By its key, the last of these that tells whom it is about; none where nothing tells."""
        for row in reversed(rows):
            if self.withdrawn_for(row) is not ReasonCode.WRONG_SUBJECT:
                known = self.read(row)
                if known.subject is not None:
                    return {row.key: known}
        return {}

    def withdrawn_for(self, row: DocumentRow) -> ReasonCode | None:
        """Why a document was withdrawn, or None."""
        withdrawal = withdrawals.find_withdrawal(self.connection, row.key)
        return None if withdrawal is None else withdrawal.reason

    def known(self, row: DocumentRow) -> KnownDocument:
        """A document as its row tells of it."""
        withdrawn_for = self.withdrawn_for(row)
        ids = (row.document_id, row.conversation_id)
        return KnownDocument(*ids, row.sender, row.recipient, row.kind, withdrawn_for=withdrawn_for)

    def read(self, row: DocumentRow) -> KnownDocument:
        """A document with what it says, if it is still there."""
        known = self.known(row)
        if row.wrapped_key is None:
            return known
        kept = read_kept(self.installation, self.connection, row, self.party, attachments=False)
        said = document_of(kept)
        promised = said.body.text_of("RiskContact/AnswerWithinWorkingDays")
        return replace(
            known,
            phase=said.body.text_of("Phase") if row.kind is DocumentKind.DROPOUT_RISK_NOTICE else None,
            provisions=frozenset(basis.provision for basis in said.legal_bases),
            actions_wanted=frozenset(node.text for node in said.body.find_all("ActionWanted/Code")),
            answer_within=None if promised is None else int(promised),
            subject=None if said.subject is None else said.subject.cpr,
        )

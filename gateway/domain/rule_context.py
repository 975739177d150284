"""What the rules know besides the document itself: time, certificate, lists, history and what came with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Final

from gateway.domain.annotation import Category
from gateway.domain.calendar import Calendar
from gateway.domain.codes import CodeList, DataCategory, DatedCode, EducationCodeSystem
from gateway.domain.cpr import Cpr
from gateway.domain.document import Document
from gateway.domain.evidence import ReasonCode
from gateway.domain.identifiers import Cvr, PartyId, Uuid4
from gateway.domain.kinds import DocumentKind
from gateway.domain.lint_words import WordLists
from gateway.domain.minimum import StatutoryElement
from gateway.domain.node import Node
from gateway.domain.policy import Gate, Policy
from gateway.domain.rules import Finding, Rule, Severity, Words

_SIDE_TALK: Final = frozenset({DocumentKind.NOTE_NOTICE, DocumentKind.CONTACT_CHANGE_NOTICE})
_ENDS: Final = frozenset({DocumentKind.INTERRUPTION_NOTICE, DocumentKind.COMPLETION_NOTICE})


@dataclass(frozen=True)
class KnownDocument:
    """An accepted document that the sending party took part in."""

    document_id: Uuid4
    conversation_id: Uuid4
    sender: PartyId
    recipient: PartyId
    kind: DocumentKind
    phase: str | None = None  # of a risk notice
    provisions: frozenset[str] = frozenset()  # claimed by a document that is answered
    actions_wanted: frozenset[str] = frozenset()  # by a document that is answered
    answer_within: int | None = None  # working days, as a letter's RiskContact promises
    subject: Cpr | None = None  # None: about nobody, not read, or nothing is left of it
    withdrawn_for: ReasonCode | None = None  # None: not withdrawn

    @property
    def ends(self) -> frozenset[PartyId]:
        """The two parties between which it went, whichever way."""
        return frozenset({self.sender, self.recipient})


@dataclass(frozen=True)
class AttachmentFacts:
    """What an attachment is found to be, whatever the manifest says of it."""

    number: int
    size: int  # octets
    sha256: bytes
    media_type: str  # by its magic octets
    text: str = field(default="", repr=False)  # what people read in it, where that can be told


@dataclass(frozen=True)
class RuleContext:
    """Everything the rules may know.

    `history` holds, in the order of their acceptance, the documents that this one refers to, the newest of its
    conversation that tells whom it is about, and, for a risk or interruption notice, the risk notices of the
    conversation; for an answer, its letters; for a note, all its documents; for a handover, those of the conversations
    that it names. All of them are such as the sending party took part in.
    """

    now: datetime  # zoned UTC
    certificate_cvr: Cvr  # of the content signature
    policy: Policy
    categories: Mapping[Category, DataCategory]
    words: WordLists
    municipalities: CodeList[DatedCode]
    institutions: CodeList[DatedCode]
    education_codes: CodeList[EducationCodeSystem]
    kle: CodeList[DatedCode] | None = None  # None: no list is loaded, the pattern of the schema is enough
    replacement_numbers_allowed: bool = False
    history: tuple[KnownDocument, ...] = ()
    attachments: tuple[AttachmentFacts, ...] = ()
    calendar: Calendar = field(default_factory=Calendar)  # the sender's
    statutory: tuple[StatutoryElement, ...] = ()  # what the law asks for in a document of this kind
    extensions: frozenset[str] = frozenset()  # names of additions that parties agreed on; none yet


@dataclass(frozen=True)
class Case:
    """One document before the rules."""

    document: Document
    context: RuleContext

    @cached_property
    def gate(self) -> Gate:
        """The document before the legal-basis gate."""
        return Gate(self.document, self.context.policy, in_open_conversation=self._is_conversation_open)

    @property
    def _is_conversation_open(self) -> bool:
        """Whether the two parties have a course of education in hand: more than notes, and no end of it yet."""
        kinds = {known.kind for known in self.conversation(self.document.conversation_id, self.ends)}
        return bool(kinds - _SIDE_TALK) and kinds.isdisjoint(_ENDS)

    @property
    def ends(self) -> frozenset[PartyId]:
        """The two parties between which the document goes."""
        return frozenset({self.document.sender.id, self.document.recipient.id})

    def conversation(self, conversation_id: Uuid4, ends: frozenset[PartyId]) -> tuple[KnownDocument, ...]:
        """What is known of a conversation between two parties and was not withdrawn, the newest last."""
        return tuple(known for known in self.past(conversation_id, ends) if known.withdrawn_for is None)

    def past(self, conversation_id: Uuid4, ends: frozenset[PartyId]) -> tuple[KnownDocument, ...]:
        """The same with what was withdrawn."""
        return tuple(
            known
            for known in self.context.history
            if known.conversation_id == conversation_id and known.ends == ends
        )

    def in_header(self, steps: str) -> Node:
        """The element of the header to point at, or the header where it is absent."""
        return self.document.header.find(steps) or self.document.header

    def known(self, document_id: Uuid4) -> KnownDocument | None:
        """The earlier document with this id, if the sending party took part in it."""
        return next((known for known in self.context.history if known.document_id == document_id), None)


def error(rule: Rule, node: Node, **words: Words) -> Finding:
    """A finding that refuses the document."""
    return Finding(rule, Severity.ERROR, node.path, node.line, tuple(words.items()))


def warning(rule: Rule, node: Node) -> Finding:
    """A finding that is only told."""
    return Finding(rule, Severity.WARNING, node.path, node.line)

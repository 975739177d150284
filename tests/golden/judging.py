"""How golden documents are judged: with the product's rules and lists, the test registers, and no clock.

`documents.toml` says what surrounds each document; a case may replace any part of it.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any, Final

from gateway.domain.codes import CodeList, DatedCode
from gateway.domain.cpr import Cpr
from gateway.domain.document import Document
from gateway.domain.evaluation import evaluate
from gateway.domain.evidence import ReasonCode
from gateway.domain.identifiers import Cvr, PartyId, Uuid4
from gateway.domain.kinds import DocumentKind
from gateway.domain.lint_words import WordLists
from gateway.domain.policy import Policy
from gateway.domain.rule_context import AttachmentFacts, KnownDocument, RuleContext
from gateway.domain.rules import Finding
from gateway.protocol.attachment_files import media_type_of
from gateway.protocol.documents import read_document
from gateway.xmlcore import resources
from gateway.xmlcore.annotations import document_annotations
from gateway.xmlcore.code_lists import (
    basis_sets,
    data_categories,
    education_code_systems,
    institutions_of,
    municipalities_of,
    provisions,
)
from gateway.xmlcore.parse import parse
from gateway.xmlcore.schema import document_schema
from gateway.xmlcore.statutory import statutory_minimum
from tests.golden.loader import FOLDER, INSTITUTIONS, MUNICIPALITIES, attachment, golden

_ON_THE_WAY: Final = timedelta(minutes=1)


def read(octets: bytes) -> Document:
    """The document in these octets. Raises InputError where it breaks its schema."""
    root = parse(octets)
    document_schema().require(root)
    return read_document(root)


@dataclass(frozen=True)
class Circumstances:
    """What a case says besides the document; what it leaves out (None) is as `documents.toml` says, or usual."""

    now: datetime | None = None
    certificate: str | None = None  # the CVR number of the seal; usually that of the golden sender
    replacement_numbers: bool = True
    cooperation: bool | None = None
    history: tuple[str, ...] | None = None
    attachments: tuple[str, ...] | None = None
    kle: tuple[str, ...] | None = None
    extensions: tuple[str, ...] | None = None


USUAL: Final = Circumstances()


def judge(name: str, octets: bytes, circumstances: Circumstances = USUAL) -> tuple[Finding, ...]:
    """Every finding on this document, which is the golden one of this name or a change of it."""
    document = read(octets)
    return evaluate(document, context(name, document, circumstances))


def context(name: str, document: Document, circumstances: Circumstances = USUAL) -> RuleContext:
    """What the rules know besides the document."""
    around, case = surroundings(name), circumstances
    earlier = around.get("history", ()) if case.history is None else case.history
    files = around.get("attachments", ()) if case.attachments is None else case.attachments
    decided = around.get("cooperation", False) if case.cooperation is None else case.cooperation
    return RuleContext(
        now=case.now or document.created_at + _ON_THE_WAY,
        certificate_cvr=Cvr(case.certificate) if case.certificate else _own_cvr(name),
        policy=Policy(document_annotations(), basis_sets(), provisions(), decided),
        categories=data_categories(),
        words=word_lists(),
        municipalities=municipalities_of(MUNICIPALITIES.read_bytes()),
        institutions=institutions_of(INSTITUTIONS.read_bytes()),
        education_codes=education_code_systems(),
        statutory=statutory_minimum(document.kind),
        kle=None if case.kle is None else CodeList("kle", tuple(map(_always, case.kle))),
        replacement_numbers_allowed=case.replacement_numbers,
        extensions=frozenset({"LOCAL_TEAM"}) if case.extensions is None else frozenset(case.extensions),
        history=tuple(_known(each) for each in earlier),
        attachments=tuple(_facts(number, file_name) for number, file_name in enumerate(files, start=1)),
    )


def surroundings(name: str) -> Mapping[str, Any]:
    """What `documents.toml` says of this golden document. KeyError where it says nothing."""
    found: Mapping[str, Any] = _table()["document"][name]
    return found


def short(finding: Finding) -> str:
    """A finding as the files here write it: "H06 /Document/Header/Subject/CprNumber"."""
    return f"{finding.rule.name} {finding.path}"


@cache
def word_lists() -> WordLists:
    """The product's word lists."""
    return WordLists.from_mapping(tomllib.loads(resources.read("codes/lint_words.toml").decode()))


@cache
def _table() -> Mapping[str, Any]:
    return tomllib.loads((FOLDER / "documents.toml").read_text(encoding="utf-8"))


@cache
def _own_cvr(name: str) -> Cvr:
    """The seal of a golden document is the golden sender's: a change of the header does not change it."""
    return read(golden(name)).sender.id.cvr


def _always(code: str) -> DatedCode:
    return DatedCode(code, code, code, date.min)


def _known(name: str) -> KnownDocument:
    row = _table()["history"][name]
    return KnownDocument(
        Uuid4(row["documentId"]),
        Uuid4(row["conversationId"]),
        PartyId.parse(row["sender"]),
        PartyId.parse(row["recipient"]),
        DocumentKind(row["kind"]),
        row.get("phase"),
        frozenset(row.get("provisions", ())),
        frozenset(row.get("actionsWanted", ())),
        row.get("answerWithin"),
        Cpr(row["subject"]) if "subject" in row else None,
        ReasonCode[row["withdrawnFor"]] if "withdrawnFor" in row else None,
    )


def _facts(number: int, file_name: str) -> AttachmentFacts:
    octets = attachment(file_name)
    return AttachmentFacts(number, len(octets), hashlib.sha256(octets).digest(), media_type_of(octets))

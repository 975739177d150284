"""A golden document made fresh is the same document, written now."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from gateway.domain.calendar import local_day
from gateway.domain.document import Document, SealedBy
from gateway.domain.evaluation import evaluate
from gateway.domain.identifiers import Uuid4
from gateway.domain.rule_context import AttachmentFacts
from tests.golden.fresh import Attached, fresh, utc_time
from tests.golden.judging import Circumstances, context, judge, read, short
from tests.golden.loader import attachment, golden, names

_LATER = datetime(2029, 2, 28, 22, 59, 59, 123456, UTC)  # one second to midnight in Copenhagen


@pytest.mark.parametrize("name", [name for name in names("documents") if not name.endswith("-full")])
@pytest.mark.parametrize("at", [_LATER, datetime(2027, 3, 28, 12, 0, tzinfo=UTC)])
def test_the_rules_find_in_a_fresh_document_what_they_find_in_the_golden_one(name: str, at: datetime) -> None:
    same = read(golden(name)).conversation_id  # in which what it refers to stands
    found = judge(name, fresh(golden(name), at, conversation_id=same), Circumstances(now=at))
    assert [short(each) for each in found] == [short(each) for each in judge(name, golden(name))]


def test_references_to_earlier_documents_stay() -> None:
    document = read(fresh(golden("education-order-letter-full"), _LATER))
    old = read(golden("education-order-letter-full"))
    assert (document.reply_to, document.corrects) == (old.reply_to, old.corrects)


def test_every_day_moves_by_the_same_number_of_days() -> None:
    old, new = read(golden("education-order-letter")), read(fresh(golden("education-order-letter"), _LATER))
    moved = local_day(_LATER) - local_day(old.created_at)
    assert _days(new) == [day + moved for day in _days(old)]
    assert utc_time(new.created_at) == "2029-02-28T22:59:59.123Z"


def test_the_cpr_number_follows_the_day_of_birth_and_stays_fictional() -> None:
    subject = read(fresh(golden("education-order-letter"), _LATER)).subject
    assert subject is not None
    assert subject.cpr.is_replacement
    assert subject.cpr.birth_date == subject.stated_birth_date == subject.birth_date
    unmoved = read(fresh(golden("education-order-letter"), datetime(2026, 8, 5, 20, tzinfo=UTC))).subject
    assert unmoved is not None
    assert unmoved.cpr.digits == "7403055092"


def test_ids_and_nonce_are_new_unless_they_are_given() -> None:
    octets = golden("education-order-letter")
    first, second = read(fresh(octets, _LATER)), read(fresh(octets, _LATER))
    assert len({first.document_id, second.document_id, read(octets).document_id}) == 3
    assert len({first.conversation_id, second.conversation_id}) == 2
    assert len({each.header.text_of("Nonce") for each in (first, second, read(octets))}) == 3
    given = Uuid4.new()
    assert read(fresh(octets, _LATER, document_id=given)).document_id == given
    assert read(fresh(octets, _LATER, conversation_id=given)).conversation_id == given


@pytest.mark.parametrize("sealed_by", SealedBy)
def test_the_sealer_is_the_one_asked_for(sealed_by: SealedBy) -> None:
    assert read(fresh(golden("education-order-letter"), _LATER, sealed_by=sealed_by)).sealed_by is sealed_by


def test_the_manifest_lists_the_files_given() -> None:
    files = [
        Attached(attachment("skema.pdf")),
        Attached(b"Hej, Alma.", "hej.txt", "text/plain", title="Mål & midler"),
    ]
    document = read(fresh(golden("education-order-letter"), _LATER, attachments=files))
    facts = tuple(
        AttachmentFacts(number, len(each.octets), hashlib.sha256(each.octets).digest(), each.media_type)
        for number, each in enumerate(files, start=1)
    )
    around = replace(context("education-order-letter", document), attachments=facts)
    assert [each.title for each in document.attachments] == ["Skema", "Mål & midler"]
    assert [short(each) for each in evaluate(document, around)] == ["H06 /Document/Header/Subject/CprNumber"]


def test_no_files_are_listed_where_none_are_given() -> None:
    document = read(fresh(golden("education-order-letter-with-attachment"), _LATER, attachments=()))
    assert document.attachments == ()


def _days(document: Document) -> list[date]:
    return [
        date.fromisoformat(node.text)
        for node in document.content()
        if len(node.text) == 10 and node.text[4] == node.text[7] == "-"
    ]

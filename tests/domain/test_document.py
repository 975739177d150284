"""A document as a value: every fact of the header, and the few values a schema lets pass that no calendar holds."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from gateway.domain.catalogue import Code
from gateway.domain.document import SealedBy, document_from_node
from gateway.domain.errors import InputError
from gateway.domain.kinds import Direction, DocumentKind, Urgency
from gateway.domain.node import Node
from gateway.domain.party import Role
from tests.domain.documents import (
    CONSENT_ID,
    CONVERSATION_ID,
    LETTER,
    LETTER_ID,
    MUNICIPALITY,
    NOTICE,
    SCHOOL,
    after,
    consent,
    document,
    drop,
    text,
)
from tests.domain.test_rule_checks import MANIFEST, reply_to


def test_the_header_is_read_whole() -> None:
    letter = document(LETTER)
    assert (letter.document_id, letter.conversation_id) == (LETTER_ID, CONVERSATION_ID)
    assert letter.created_at == datetime(2026, 8, 5, 9, 12, tzinfo=UTC)
    assert (letter.sender.id, letter.sender.name) == (MUNICIPALITY, "Eksempelby Kommune")
    assert (letter.recipient.id, letter.recipient.p_number) == (SCHOOL, None)
    assert [(each.role, each.unit) for each in letter.attentions] == [
        (Role.STUDY_COUNSELLOR, None),
        (Role.CONTACT_TEACHER, "Træfagene"),
    ]
    assert letter.guardian_information == "NOT_APPLICABLE"
    assert letter.purposes == ("START_SUPPORT", "RETENTION")
    assert [each.provision for each in letter.legal_bases] == ["LAB-30-7-1", "BEKDG-44-2", "DBL-11-1"]
    assert letter.legal_bases[0].necessity
    assert letter.subject_information.informed_on == date(2026, 8, 4)
    assert letter.subject_information.had_influence
    assert letter.subject_information.withheld_on_wish == {"social"}
    assert letter.sealed_by is SealedBy.GATEWAY
    assert letter.schema_version == "1.0"
    assert letter.kind is DocumentKind.EDUCATION_ORDER_LETTER
    assert letter.direction is Direction.MUNICIPALITY_TO_INSTITUTION
    absent = (
        letter.reply_to,
        letter.reply_due,
        letter.corrects,
        letter.withdraws,
        letter.urgency,
        letter.event_date,
    )
    assert absent == (None,) * 6
    assert letter.attachments == ()


def test_what_only_some_documents_have_is_read_where_it_is() -> None:
    notice = document(NOTICE, reply_to())
    assert notice.reply_to == LETTER_ID
    assert notice.reply_due == date(2026, 10, 8)
    assert notice.urgency is Urgency.TWO_DAYS
    assert notice.event_date == date(2026, 10, 6)
    assert notice.direction is Direction.INSTITUTION_TO_MUNICIPALITY


def test_the_subject_is_born_as_stated_where_the_number_is_only_a_replacement() -> None:
    subject = document(LETTER, text("Header/Subject/BirthDate", "2006-01-02")).subject
    assert subject is not None
    assert subject.birth_date == date(2006, 1, 2)
    unstated = document(LETTER, drop("Header/Subject/BirthDate")).subject
    assert unstated is not None
    assert unstated.birth_date == date(2005, 3, 14)
    assert not subject.is_protected
    assert subject.registered_municipality == "0999"


def test_nothing_of_the_person_shows_in_a_representation() -> None:
    letter = document(LETTER, after("EducationOrderLetter", MANIFEST.format(category="support")))
    shown = (
        f"{letter!r} {letter.subject!r} {letter.legal_bases!r} {letter.attachments!r} {letter.attentions!r}"
    )
    for secret in ("7403055092", "Alma", "formiddage", "plan.pdf", "2005"):
        assert secret not in shown


def test_a_consent_and_an_attachment_aredocument_from_node() -> None:
    letter = document(
        LETTER,
        consent("test", "social", until="2027-01-31", article_9="A"),
        after("EducationOrderLetter", MANIFEST.format(category="support")),
    )
    (given,) = letter.consents
    assert str(given.consent_id) == CONSENT_ID
    assert given.scope == {"test", "social"}
    assert (given.given_on, given.valid_until) == (date(2026, 8, 1), date(2027, 1, 31))
    assert letter.legal_bases[-1].consent_id == given.consent_id
    assert letter.legal_bases[-1].article_9 == "A"
    (entry,) = letter.attachments
    assert (entry.number, entry.file_name, entry.size, entry.sha256) == (1, "plan.pdf", 3, b"\x01" * 32)


def test_a_correction_names_what_it_replaces_and_why() -> None:
    earlier = f"<Corrects><DocumentId>{LETTER_ID}</DocumentId><Reason>Forkert startdato</Reason></Corrects>"
    read = document(LETTER, after("Header/ConversationId", earlier))
    assert read.corrects is not None
    assert (read.corrects.document_id, read.corrects.reason) == (LETTER_ID, "Forkert startdato")
    assert read.withdraws is None


@pytest.mark.parametrize("time", ["2026-08-05T24:00:00Z", "9999-12-31T23:30:00Z"])
def test_a_time_that_no_day_in_copenhagen_holds_is_refused_where_it_stands(time: str) -> None:
    with pytest.raises(InputError) as refused:
        document(LETTER, text("Header/CreatedAt", time))
    assert refused.value.code is Code.SCHEMA_INVALID
    (violation,) = refused.value.violations
    assert (violation.path, violation.code) == ("/Document/Header/CreatedAt", "dateTime")
    assert violation.line > 1


def test_a_day_that_does_not_exist_is_refused_where_it_stands() -> None:
    with pytest.raises(InputError) as refused:
        document(NOTICE, text("Header/ReplyDue", "2026-02-30"), valid=False)
    assert [violation.code for violation in refused.value.violations] == ["date"]


def test_fractions_of_a_second_are_kept() -> None:
    assert (
        document(LETTER, text("Header/CreatedAt", "2026-08-05T09:12:00.5Z")).created_at.microsecond == 500_000
    )


def test_content_is_every_value_but_none_of_a_signature() -> None:
    letter = document(LETTER)
    signature = Node("Signature", "/Document/Signature", 99, "x")
    signed = Node("Document", "/Document", 1, children=(*letter.root.children, signature))
    names = [node.name for node in document_from_node(signed).content()]
    assert "Signature" not in names
    assert names[0] == "DocumentId"
    assert names[-1] == "Text"


def test_a_tree_without_what_its_schema_demands_is_our_own_mistake() -> None:
    with pytest.raises(AssertionError, match="lacks Header"):
        document_from_node(Node("Document", "/Document", 1))

"""Every answer is valid by the service schema and binds to its request."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from lxml import etree

from gateway.domain.errors import Violation
from gateway.domain.mandate import Operation
from gateway.domain.operations import (
    Answer,
    AttachmentContent,
    Environment,
    RetrieveAnswer,
    SendAnswer,
    Service,
)
from gateway.domain.status import State
from gateway.protocol import soap
from gateway.protocol.attachments import find_includes
from gateway.protocol.mime import build_related
from gateway.protocol.service_answers import (
    DEVELOPMENT_NOTICE,
    INLINE_OCTETS_BY_MTOM,
    INLINE_OCTETS_MOST,
    render_answer,
)
from gateway.protocol.service_elements import add, new, utc_text
from gateway.protocol.soap import SoapVersion
from gateway.protocol.wss_sign import secure
from gateway.xmlcore.namespaces import DOCUMENT, DS, SERVICE, tag
from gateway.xmlcore.parse import parse
from gateway.xmlcore.schema import service_schema
from tests.pki import signing_key
from tests.protocol.service_samples import ANSWERS, DIGEST, DOCUMENT_ID, EXACT_OCTETS, INFO

_SIGNED = EXACT_OCTETS.replace(
    b"</d:Document>", b'<g:Signature xmlns:g="http://www.w3.org/2000/09/xmldsig#"/></d:Document>'
)


def _text(element: etree._Element, *names: str) -> str | None:
    return element.findtext("/".join(tag(SERVICE, name) for name in names))


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: type(answer).__name__)
@pytest.mark.parametrize("environment", Environment)
def test_every_answer_is_valid_by_the_schema(answer: Answer, environment: Environment) -> None:
    rendered = render_answer(answer, replace(INFO, environment=environment))

    assert rendered.element.tag == tag(SERVICE, f"{answer.operation.value}Response")
    assert service_schema().validate(parse(etree.tostring(rendered.element, encoding="utf-8"))) == ()


def test_there_is_an_answer_to_every_operation() -> None:
    assert {answer.operation for answer in ANSWERS} == Service.MUNICIPALITY.operations


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: type(answer).__name__)
def test_every_answer_begins_with_what_it_answers(answer: Answer) -> None:
    info = render_answer(answer, INFO).element[0]

    assert info.tag == tag(SERVICE, "Answer")
    assert _text(info, "CorrelationId") == str(INFO.correlation_id)
    assert _text(info, "RequestDigest") == "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    assert _text(info, "AnsweredAt") == "2026-10-06T09:12:00.250Z"


def test_only_the_development_environment_says_that_it_is_one() -> None:
    def notice(environment: Environment) -> str | None:
        rendered = render_answer(ANSWERS[0], replace(INFO, environment=environment))
        return _text(rendered.element, "Answer", "Notice")

    assert notice(Environment.DEVELOPMENT) == DEVELOPMENT_NOTICE
    assert notice(Environment.TEST) is None
    assert notice(Environment.PRODUCTION) is None


def test_evidence_keeps_its_exact_octets() -> None:
    octets = bytes(range(256))
    answer = SendAnswer(Operation.SEND_NOTICE, DOCUMENT_ID, State.ACCEPTED, False, octets)

    text = _text(render_answer(answer, INFO).element, "SubmissionAcceptance")

    assert text is not None
    assert b64decode(text, validate=True) == octets


def test_the_typed_view_has_no_signature_and_the_exact_octets_keep_it() -> None:
    element = render_answer(RetrieveAnswer(DOCUMENT_ID, State.READ, _SIGNED), INFO).element

    view = element.find(tag(DOCUMENT, "Document"))
    assert view is not None
    assert view.find(tag(DS, "Signature")) is None
    assert view.findtext(f"{tag(DOCUMENT, 'Header')}/{tag(DOCUMENT, 'DocumentId')}") == str(DOCUMENT_ID)
    octets = _text(element, "ExactOctets")
    assert octets is not None
    assert b64decode(octets) == _SIGNED


def test_an_attachment_too_large_for_a_text_node_goes_beside_the_answer() -> None:
    small, large = b"a" * INLINE_OCTETS_MOST, b"a" * (INLINE_OCTETS_MOST + 1)
    attachments = (AttachmentContent(1, small), AttachmentContent(2, large))

    rendered = render_answer(RetrieveAnswer(DOCUMENT_ID, State.READ, EXACT_OCTETS, attachments), INFO)

    assert service_schema().validate(rendered.element) == ()
    (part,) = rendered.parts
    assert part.content == large
    first, second = rendered.element.findall(tag(SERVICE, "Attachment"))
    assert _text(first, "ContentId") is None
    assert len(_text(first, "Content") or "") <= 10_000_000
    assert _text(second, "ContentId") == part.content_id


@pytest.mark.parametrize("mtom", [False, True])
@pytest.mark.parametrize("sizes", [(7_000_000, 7_000_001), (3_000_000,) * 5, (8_000, 7_390_000, 2_000_000)])
def test_an_answer_is_never_larger_than_our_own_reader_takes(sizes: tuple[int, ...], mtom: bool) -> None:
    attachments = tuple(AttachmentContent(number, b"a" * size) for number, size in enumerate(sizes, 1))
    answer = RetrieveAnswer(DOCUMENT_ID, State.READ, EXACT_OCTETS, attachments)

    rendered = render_answer(answer, INFO, mtom=mtom)

    envelope = soap.envelope(SoapVersion.SOAP_11, rendered.element)
    octets = secure(envelope, signing_key("gateway-message"), INFO.answered_at, attachments=rendered.parts)
    sent = build_related(octets, SoapVersion.SOAP_11.media_type, rendered.parts, mtom=mtom)
    unpacked = soap.unpack(sent.content_type, None, sent.body)
    inline = [
        b64decode(each.text or "")
        for each in unpacked.payload.iter(tag(SERVICE, "Content"))
        if each.text is not None
    ]
    beside = [bytes(part.content) for part in unpacked.parts.values()]
    assert sorted(map(len, inline + beside)) == sorted(sizes)
    assert beside


def test_with_mtom_the_content_of_a_large_attachment_is_included() -> None:
    small, large = b"a" * INLINE_OCTETS_BY_MTOM, b"a" * (INLINE_OCTETS_BY_MTOM + 1)
    attachments = (AttachmentContent(1, small), AttachmentContent(2, large))
    answer = RetrieveAnswer(DOCUMENT_ID, State.READ, EXACT_OCTETS, attachments)

    rendered = render_answer(answer, INFO, mtom=True)

    (part,) = rendered.parts
    inline, content = rendered.element.iter(tag(SERVICE, "Content"))
    assert b64decode(inline.text or "") == small
    (include,) = find_includes(rendered.element, {part.content_id: part.content})
    assert (include.holder, include.content_id, part.content) == (content, part.content_id, large)


def test_a_list_names_no_young_person() -> None:
    inbox = next(answer for answer in ANSWERS if answer.operation is Operation.LIST_INBOX)
    names = {etree.QName(element).localname for element in render_answer(inbox, INFO).element.iter()}

    assert not names & {"Subject", "CprNumber", "BirthDate", "PersonName"}


def test_at_most_a_hundred_warnings_are_told() -> None:
    warnings = tuple(Violation("/Document", 1, f"RULE_L{number}", "Da", "En") for number in range(101))
    answer = SendAnswer(Operation.SEND_NOTICE, DOCUMENT_ID, State.ACCEPTED, False, DIGEST, warnings)

    assert service_schema().validate(render_answer(answer, INFO).element) == ()


def test_times_are_told_in_utc_and_never_later_than_they_were() -> None:
    summer = timezone(timedelta(hours=2))

    assert utc_text(datetime(2026, 8, 5, 11, 12, tzinfo=summer)) == "2026-08-05T09:12:00Z"
    assert utc_text(datetime(2026, 8, 5, 11, 12, 0, 999_999, summer)) == "2026-08-05T09:12:00.999Z"
    with pytest.raises(ValueError, match="zone"):
        utc_text(datetime(2026, 8, 5))  # noqa: DTZ001


def test_text_that_xml_cannot_carry_is_shown_as_replaced() -> None:
    element = new("Echo")
    add(element, "Text", "a\x00b\ud800c￾d\ne\U0001f600")

    assert element[0].text == "a�b�c�d\ne\U0001f600"

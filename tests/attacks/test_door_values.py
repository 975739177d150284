"""Signed as it must be, but holding what the schemas, the rules or the calendar do not allow."""

from __future__ import annotations

from dataclasses import replace

import pytest
from lxml import etree

from gateway.domain.catalogue import Code
from gateway.domain.identifiers import Uuid4
from gateway.interfaces.http import HttpRequest
from gateway.xmlcore.namespaces import DOCUMENT, SERVICE, XSI, tag
from tests.attacks.door import FORGED, Case, Door, Left, left
from tests.attacks.pens import PDF, asked, letter, posted, sent, spoken
from tests.golden.changes import Change, Insert, Remove, SetText
from tests.installation import MUNICIPALITY
from tests.services.papers import (
    SEALED_BY_SYSTEM,
    attachment,
    b64,
    listing,
    paper,
    request,
    sealed,
    sending,
)

SCHEMA, PAYLOAD = "xmlcore.schema:Schema.require", "protocol.service_requests:read_payload"
INVALID, RULES, UNKNOWN = Code.SCHEMA_INVALID, Code.RULES_BROKEN, Code.OPERATION_UNKNOWN
HEADER, ORDER = "/Document/Header", "/Document/EducationOrderLetter"
FIRST, TEXT = f"{HEADER}/DocumentId", f"{ORDER}/MessageTo[2]/Text"
PATTERN, CONTENT = "XML Schema Part 2 §4.3.4", "XML Schema Part 2 §3"
NOBODYS = Uuid4.new().text


def _letter(
    name: str, guard: str, clause: str, code: Code, *changes: Change, broken: str = "", **how: object
) -> Case:
    """A letter that says one thing otherwise."""

    def bad(door: Door) -> HttpRequest:
        return posted(door, sending(paper(door.house.clock(), *changes), **how))  # type: ignore[arg-type]  # as sending

    return replace(sent(name, guard, clause, code, bad, letter, Left.EVIDENCE), broken=broken)


def _rule(name: str, rule: str, *changes: Change) -> Case:
    return _letter(
        name,
        "services.judgement:judge",
        "threat model, Documents and attachments, I",
        RULES,
        *changes,
        broken=f"RULE_{rule}",
    )


def _plain(name: str, guard: str, clause: str, code: Code, operation: str, **texts: str) -> Case:
    """A question of plain texts."""
    return asked(name, guard, clause, code, lambda _: request(operation, MUNICIPALITY, **texts))


def _two_of_one_number(door: Door) -> HttpRequest:
    root = sending(paper(door.house.clock(), listing(("a.pdf", "application/pdf", PDF))), attachments=[PDF])
    etree.SubElement(attachment(root, 1), tag(SERVICE, "Content")).text = b64(PDF)
    return posted(door, root)


def _typed_with_signature(door: Door) -> HttpRequest:
    at = door.house.clock()
    return posted(door, sending(etree.fromstring(sealed(paper(at), "eksempelby-kommune", at))))


def _sent_before_with_signature(door: Door) -> HttpRequest:
    """A letter that was sealed comes again, with a signature of its own that nobody would look at."""
    document = paper(door.house.clock())
    door.passes(posted(door, sending(document)))
    signed = etree.fromstring(sealed(document, "eksempelby-kommune", door.house.clock()))
    return posted(door, sending(signed))


def _with_attribute(door: Door) -> HttpRequest:
    document = paper(door.house.clock())
    document.set(tag(XSI, "schemaLocation"), f"{DOCUMENT} http://127.0.0.1:1/x.xsd")
    return posted(door, sending(document))


def _signed_with_attribute(door: Door) -> HttpRequest:
    at = door.house.clock()
    document = paper(at, SEALED_BY_SYSTEM)
    document.set(tag(XSI, "noNamespaceSchemaLocation"), "http://127.0.0.1:1/x.xsd")
    return posted(door, sending(sealed(document, "eksempelby-kommune", at)))


def _whole_search(door: Door) -> etree._Element:
    return request("FindParty", MUNICIPALITY)


WORDS = (
    _letter(
        "an element that nobody knows",
        SCHEMA,
        CONTENT,
        INVALID,
        Insert("last", HEADER, f"<Admin>{FORGED}</Admin>"),
    ),
    _letter(
        "an element that stands twice",
        SCHEMA,
        CONTENT,
        INVALID,
        Insert("after", FIRST, f"<DocumentId>{NOBODYS}</DocumentId>"),
    ),
    _letter("an element that is missing", SCHEMA, CONTENT, INVALID, Remove(f"{HEADER}/Nonce")),
    _letter("an id with braces", SCHEMA, PATTERN, INVALID, SetText(FIRST, "{" + NOBODYS + "}")),
    _letter("an id in capitals", SCHEMA, PATTERN, INVALID, SetText(FIRST, NOBODYS.upper().replace("0", "A"))),
    _letter("an id that is a path", SCHEMA, PATTERN, INVALID, SetText(FIRST, "../../etc/passwd")),
    _letter("an id that is a statement", SCHEMA, PATTERN, INVALID, SetText(FIRST, "' OR 1=1 --")),
    _letter(
        "a CPR number with more after it",
        SCHEMA,
        PATTERN,
        INVALID,
        SetText(f"{HEADER}/Subject/CprNumber", "7403055092 OR 1=1"),
    ),
    _letter(
        "digits of another script",
        SCHEMA,
        PATTERN,
        INVALID,
        SetText(f"{HEADER}/Subject/CprNumber", "７４０３０５５０９２"),
    ),
    _letter(
        "a negative number",
        SCHEMA,
        "XML Schema Part 2 §4.3.8",
        INVALID,
        SetText("/Document/@schemaVersion", "-1.0"),
    ),
    _letter("an endless text", SCHEMA, "XML Schema Part 2 §4.3.3", INVALID, SetText(TEXT, "x" * 100_000)),
    _letter(
        "a time without zone",
        SCHEMA,
        "XML Schema Part 2 §3.2.7",
        INVALID,
        SetText(f"{HEADER}/CreatedAt", "2026-01-01T00:00:00"),
    ),
    _letter(
        "a year without end",
        SCHEMA,
        "XML Schema Part 2 §3.2.7",
        INVALID,
        SetText(f"{HEADER}/CreatedAt", "99999999999-01-01T00:00:00Z"),
    ),
    sent(
        "a location of another schema",
        "protocol.documents:require_no_xsi",
        "XML Schema Part 2 §3",
        Code.XML_FORBIDDEN,
        _with_attribute,
        letter,
        Left.EVIDENCE,
    ),
    sent(
        "a location of another schema, signed",
        "protocol.documents:require_no_xsi",
        "XML Schema Part 2 §3",
        Code.XML_FORBIDDEN,
        _signed_with_attribute,
        letter,
        Left.EVIDENCE,
    ),
    sent(
        "a signature in a letter that is to be sealed",
        "protocol.service_requests:_unsealed",
        "ETSI EN 319 132-1 §6.3",
        Code.DOCUMENT_SIGNATURE_UNEXPECTED,
        _typed_with_signature,
        letter,
        Left.EVIDENCE,
    ),
    sent(
        "a signature in a letter that was sealed before",
        "protocol.service_requests:_unsealed",
        "ETSI EN 319 132-1 §6.3",
        Code.DOCUMENT_SIGNATURE_UNEXPECTED,
        _sent_before_with_signature,
        letter,
        Left.EVIDENCE,
    ),
    _letter(
        "a letter that says it was signed",
        "services.content:_require_sealed_by",
        "ETSI EN 319 132-1 §6.3",
        Code.DOCUMENT_SEALED_BY,
        SEALED_BY_SYSTEM,
    ),
    sent(
        "an attachment number that stands twice",
        "protocol.service_requests:_attachments",
        "threat model, Documents and attachments, T",
        INVALID,
        _two_of_one_number,
        letter,
        Left.EVIDENCE,
    ),
    _rule("a letter of last year", "H01", SetText(f"{HEADER}/CreatedAt", "2025-01-01T00:00:00Z")),
    _rule("a field that no law lets share", "H10", Remove(f"{HEADER}/LegalBasis[2]")),
    _rule("a text with a diagnosis", "X02", SetText(TEXT, "Den unge har ADHD.")),
)

QUESTIONS = (
    _plain(
        "an unknown document",
        "services.access:require_visible",
        "threat model, SOAP services, I: ids",
        Code.NOT_FOUND,
        "GetStatus",
        DocumentId=NOBODYS,
    ),
    _plain(
        "a kind that there is not",
        "protocol.service_requests:_kind",
        PATTERN,
        INVALID,
        "ListInbox",
        Kind="LoveLetter",
    ),
    _plain(
        "a page of a million", SCHEMA, "XML Schema Part 2 §4.3.7", INVALID, "ListInbox", PageSize="1000000"
    ),
    _plain(
        "a cursor that was never given",
        "services.cursors:read",
        "threat model, SOAP services, I",
        Code.CURSOR_INVALID,
        "ListInbox",
        Cursor="AAAA",
    ),
    _plain(
        "a reading at an hour that is none",
        "protocol.service_requests:_register_read",
        "XML Schema Part 2 §3.2.7",
        INVALID,
        "RegisterRead",
        DocumentId=NOBODYS,
        ReaderRole="OTHER",
        ReadAt="2026-10-06T24:00:00Z",
    ),
    _plain(
        "a withdrawal for a reason that nobody says",
        "protocol.service_requests:_withdraw",
        "threat model, SOAP services, R",
        INVALID,
        "WithdrawDocument",
        DocumentId=NOBODYS,
        Reason="OTHER",
    ),
    asked(
        "a search for everybody",
        "protocol.service_requests:_find_party",
        "threat model, SOAP services, I: parties",
        INVALID,
        _whole_search,
    ),
    *left(
        Left.RECORD,
        spoken(
            "an operation that nobody offers",
            PAYLOAD,
            "SOAP 1.1 §7.1",
            UNKNOWN,
            body=f'<DeleteEverything xmlns="{SERVICE}"/>',
        ),
        spoken(
            "an answer for a request",
            PAYLOAD,
            "SOAP 1.1 §7.1",
            UNKNOWN,
            body=f'<SendLetterResponse xmlns="{SERVICE}"/>',
        ),
        spoken(
            "a fault for a request",
            PAYLOAD,
            "SOAP 1.1 §4.4",
            UNKNOWN,
            body=f'<BropostFault xmlns="{SERVICE}"/>',
        ),
    ),
)

CASES: tuple[Case, ...] = (*WORDS, *QUESTIONS)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_may_not_be_said_or_asked_is_refused(door: Door, case: Case) -> None:
    door.withstands(case)

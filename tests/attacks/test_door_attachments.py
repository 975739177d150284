"""Attachments that were exchanged, added, left out, or are not the harmless files that the letter lists."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import replace

import pytest

from gateway.domain.catalogue import Code
from gateway.interfaces.http import HttpRequest
from gateway.protocol.mime import NewPart, build_related
from gateway.xmlcore.namespaces import XOP
from tests.attacks.door import FORGED, Case, Door, Left
from tests.attacks.pens import PDF, by_hand, letter, mtom, posted, replaced, sent, swa, with_parts
from tests.attacks.test_door_mime import FILE, boundary_of
from tests.messages import SWA_CONTENT, Ref
from tests.services.papers import listing, paper, sending

COVERAGE, DIGEST = "protocol.wss_coverage:read_coverage", "crypto.xmldsig:check_digest_value"
INCLUDE, NAMED, CID = (
    "protocol.attachments:_include",
    "protocol.attachments:named_part",
    "protocol.mime:resolve_cid",
)
CONTENT, FILES = "protocol.attachments:digest_content", "protocol.attachment_files:inspect_attachment"
TAKEN, UNUSED = "protocol.service_requests:_Parts._take", "protocol.service_requests:_Parts.require_all_used"
SWA, UNSIGNED, BAD = "SwA Profile 1.1.1 §5.4", Code.ATTACHMENT_UNSIGNED, Code.MIME_MALFORMED
OTHER_DIGEST, TYPE, BAD_SHAPE = Code.SIGNATURE_DIGEST, Code.ATTACHMENT_TYPE, Code.SIGNATURE_SHAPE
INCLUDED = f'<xop:Include xmlns:xop="{XOP}" href="cid:file-1@test"></xop:Include>'.encode()
TRANSFORM = f'<ds:Transform Algorithm="{SWA_CONTENT}"/>'


def _rewritten(
    name: str,
    guard: str,
    clause: str,
    code: Code,
    old: bytes,
    new: bytes,
    good: Callable[[Door], HttpRequest] = swa,
) -> Case:
    def bad(door: Door) -> HttpRequest:
        request = good(door)
        boundary = boundary_of(request)
        return replaced(request, old.replace(b"{b}", boundary), new.replace(b"{b}", boundary))

    return sent(name, guard, clause, code, bad, good)


def _included(name: str, guard: str, code: Code, new: bytes, clause: str = "XOP §3.2") -> Case:
    """The xop:Include of the letter's attachment has another shape."""
    return _rewritten(name, guard, clause, code, INCLUDED, new, mtom)


def _value_included(door: Door) -> HttpRequest:
    """The value of the signature is said to travel as the attachment."""
    request = mtom(door)
    start, end = (request.body.index(mark) for mark in (b"<ds:SignatureValue>", b"</ds:SignatureValue>"))
    return replace(request, body=request.body[: start + 19] + INCLUDED + request.body[end:])


def _beside(octets: bytes, *parts: NewPart, is_mtom: bool = False) -> HttpRequest:
    built = build_related(octets, "text/xml", parts, mtom=is_mtom)
    return HttpRequest("POST", "/municipality/1", "", {"content-type": built.content_type}, built.body)


def _beside_a_plain_message(door: Door) -> HttpRequest:
    return _beside(letter(door).body, NewPart("a@test", "application/pdf", PDF))


def _exchanged(good: Callable[..., HttpRequest], *, is_mtom: bool) -> Callable[[Door], HttpRequest]:
    def bad(door: Door) -> HttpRequest:
        request = good(door, mtom=is_mtom, contents=(PDF, PDF.replace(b"1.4", b"1.7")))
        body = request.body.replace(b"ID: <file-1@test>", b"ID: <x>").replace(
            b"ID: <file-2@test>", b"ID: <file-1@test>"
        )
        return replace(request, body=body.replace(b"ID: <x>", b"ID: <file-2@test>"))

    return bad


def _signed_with(*references: Ref) -> Callable[[Door], HttpRequest]:
    """A letter of which the system also signed some part."""

    def bad(door: Door) -> HttpRequest:
        octets = by_hand(door, more_references=list(references)).body
        return _beside(octets, NewPart("a@test", "application/pdf", PDF))

    return bad


def _file(
    name: str, clause: str, content: bytes, media_type: str = "application/pdf", file_name: str = "a.pdf"
) -> Case:
    """A letter with a file in it that is listed as it is, but must not pass."""

    def bad(door: Door) -> HttpRequest:
        document = paper(door.house.clock(), listing((file_name, media_type, content)))
        return posted(door, sending(document, attachments=[content]))

    return sent(name, FILES, clause, TYPE, bad, swa, Left.EVIDENCE)


def _listed(name: str, listed: bytes, given: list[bytes], media_type: str = "application/pdf") -> Case:
    """A letter whose list does not say what comes with it."""

    def bad(door: Door) -> HttpRequest:
        document = paper(door.house.clock(), listing(("a.pdf", media_type, listed)))
        return posted(door, sending(document, attachments=given))

    case = sent(
        name,
        "services.judgement:judge",
        "threat model, Documents and attachments, T",
        Code.RULES_BROKEN,
        bad,
        swa,
        Left.EVIDENCE,
    )
    return replace(case, broken="RULE_H19")


def _pdf(inside: bytes) -> bytes:
    return PDF.replace(b"/Type /Catalog", b"/Type /Catalog " + inside)


def _streamed(inside: bytes) -> bytes:
    packed = zlib.compress(inside)
    stream = b"2 0 obj\n<< /Type /ObjStm /N 1 /First 4 /Length %d >>\nstream\n" % len(packed)
    return PDF.replace(b"trailer", stream + packed + b"\nendstream\nendobj\ntrailer")


BOUND = (
    _rewritten("a changed attachment", DIGEST, SWA, OTHER_DIGEST, b"%PDF-1.4", b"%PDF-1.5"),
    _rewritten(
        "a changed attachment by MTOM", DIGEST, "XOP §4.1", OTHER_DIGEST, b"%PDF-1.4", b"%PDF-1.5", mtom
    ),
    sent("exchanged attachments", DIGEST, SWA, OTHER_DIGEST, _exchanged(with_parts, is_mtom=False), swa),
    sent(
        "exchanged attachments by MTOM",
        DIGEST,
        "XOP §4.1",
        OTHER_DIGEST,
        _exchanged(with_parts, is_mtom=True),
        mtom,
    ),
    _rewritten("an attachment that is gone", NAMED, "RFC 2392 §2", BAD, b"ID: " + FILE, b"ID: <file-2@test>"),
    _rewritten(
        "an attachment that is gone by MTOM",
        NAMED,
        "RFC 2392 §2",
        BAD,
        b"ID: " + FILE,
        b"ID: <file-2@test>",
        mtom,
    ),
    _rewritten(
        "an attachment that nobody signed",
        COVERAGE,
        "SwA Profile 1.1.1 §5.2",
        UNSIGNED,
        b"{b}--",
        b"{b}\r\nContent-ID: <x@test>\r\n\r\n%PDF\r\n{b}--",
    ),
    _rewritten(
        "an attachment that nothing includes",
        COVERAGE,
        "XOP §3.2",
        UNSIGNED,
        b"{b}--",
        b"{b}\r\nContent-ID: <x@test>\r\n\r\n%PDF\r\n{b}--",
        mtom,
    ),
    sent(
        "an attachment beside a message without",
        COVERAGE,
        "SwA Profile 1.1.1 §5.2",
        UNSIGNED,
        _beside_a_plain_message,
    ),
    sent(
        "a part referenced twice",
        COVERAGE,
        "SwA Profile 1.1.1 §5.2",
        UNSIGNED,
        _signed_with(*[Ref("cid:a@test", PDF, TRANSFORM)] * 2),
        by_hand,
    ),
    sent(
        "a part as if it were an element",
        COVERAGE,
        SWA,
        Code.SIGNATURE_COVERAGE,
        _signed_with(Ref("cid:a@test", PDF)),
        by_hand,
    ),
    sent(
        "a part that is not there",
        NAMED,
        "RFC 2392 §2",
        BAD,
        _signed_with(Ref("cid:b@test", PDF, TRANSFORM)),
        by_hand,
    ),
    sent(
        "a cid that is escaped badly",
        CID,
        "RFC 2392 §2",
        BAD,
        _signed_with(Ref("cid:%zz@test", PDF, TRANSFORM)),
        by_hand,
    ),
    replace(
        sent(
            "a signed part that nothing names",
            UNUSED,
            "SwA Profile 1.1.1 §5.2",
            BAD,
            _signed_with(Ref("cid:a@test", PDF, TRANSFORM)),
            by_hand,
        ),
        left=Left.EVIDENCE,
    ),
    _rewritten(
        "an attachment of another media type",
        DIGEST,
        "SwA Profile 1.1.1 §5.4.2",
        OTHER_DIGEST,
        b"application/pdf\r\n",
        b"text/plain\r\n",
    ),
    _rewritten(
        "an attachment that is called XML",
        CONTENT,
        "SwA Profile 1.1.1 §5.4.2",
        BAD,
        b"application/pdf\r\n",
        b"image/svg+xml\r\n",
    ),
    _included("an include of a part that is not there", NAMED, BAD, INCLUDED.replace(b"file-1", b"file-9")),
    _included("an include of a file", CID, BAD, INCLUDED.replace(b"cid:", b"file:///")),
    _included(
        "an include of the network", CID, BAD, INCLUDED.replace(b"cid:file-1@test", b"http://127.0.0.1:1/")
    ),
    _included("an include by another scheme", CID, BAD, INCLUDED.replace(b"cid:", b"mid:"), "RFC 2392 §2"),
    _included("an include of no Content-ID", CID, BAD, INCLUDED.replace(b"file-1", b"%3E"), "RFC 2392 §2"),
    _included("two includes in one element", INCLUDE, BAD, INCLUDED * 2),
    _included("text before an include", INCLUDE, BAD, b"x" + INCLUDED),
    _included("text after an include", INCLUDE, BAD, INCLUDED + b" "),
    _included("text in an include", INCLUDE, BAD, INCLUDED.replace(b"></", b">x</")),
    _included("an include with another attribute", INCLUDE, BAD, INCLUDED.replace(b" href", b' x="" href')),
    _included("an include without address", INCLUDE, BAD, INCLUDED.replace(b"href", b"src")),
    _included(
        "an include of another namespace", COVERAGE, UNSIGNED, INCLUDED.replace(b"2004/08", b"2003/12")
    ),
    _included("content in the place of an include", COVERAGE, UNSIGNED, b"JVBERg=="),
    sent(
        "an include in the place of the signature's value",
        "protocol.wss_header:_put_in_place",
        "XOP §3.2",
        BAD_SHAPE,
        _value_included,
        mtom,
    ),
    _rewritten(
        "an include in a header",
        "protocol.wss_coverage:_includes",
        "XOP §3.2",
        BAD,
        b"<soap:Header>",
        b"<soap:Header><x>" + INCLUDED + b"</x>",
        mtom,
    ),
)

ACTIVE = (
    *(
        _file(f"a PDF with {name}", clause, _pdf(inside))
        for name, clause, inside in (
            ("a script", "ISO 32000-2 §12.6.4", b"/OpenAction << /S /JavaScript /JS (app.alert\\(1\\)) >>"),
            ("a program to launch", "ISO 32000-2 §12.6.4", b"/OpenAction << /S /Launch /F (cmd.exe) >>"),
            ("a file in it", "ISO 32000-2 §7.11.4", b"/Names << /EmbeddedFiles 2 0 R >>"),
            ("a form that is sent", "ISO 32000-2 §12.7.6", b"/AA << /S /SubmitForm >>"),
            ("an XFA form", "ISO 32000-2 §12.7.3", b"/AcroForm << /XFA 2 0 R >>"),
            ("a script behind an escape", "ISO 32000-2 §7.3.5", b"/OpenAction << /S /#4aavaScript >>"),
            ("a password", "ISO 32000-2 §7.6", b"/Encrypt 2 0 R"),
        )
    ),
    _file(
        "a PDF with a script in a stream of objects",
        "ISO 32000-2 §7.5.7",
        _streamed(b"1 0 << /S /JavaScript >>"),
    ),
    _file("a PDF that unpacks without end", "ISO 32000-2 §7.5.7", _streamed(bytes(20_000_000))),
    _file("a PDF cut off", "ISO 32000-2 §7.5.5", PDF.replace(b"%%EOF", b"")),
    _file(
        "a PNG with something after it",
        "PNG 3rd edition §5.3",
        b"\x89PNG\r\n\x1a\n" + b"\0\0\0\0IEND\xaeB`\x82" + FORGED.encode(),
        "image/png",
        "a.png",
    ),
    _file("a PNG cut off", "PNG 3rd edition §5.3", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "image/png", "a.png"),
    _file(
        "a JPEG with something after it",
        "threat model, Documents and attachments, T",
        b"\xff\xd8\xff\xd9" + b"PK\x03\x04",
        "image/jpeg",
        "a.jpg",
    ),
    _listed("an attachment that is not there", PDF, []),
    _listed("another attachment than listed", PDF, [PDF.replace(b"1.4", b"1.7")]),
    _listed("a program called a PDF", b"MZ\x90\x00" + bytes(64), [b"MZ\x90\x00" + bytes(64)]),
    _listed(
        "a web page called a PDF",
        b"<html><script>alert(1)</script></html>",
        [b"<html><script>alert(1)</script></html>"],
    ),
)

CASES: tuple[Case, ...] = (*BOUND, *ACTIVE)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_attachment_that_is_not_what_was_signed_or_listed_is_refused(door: Door, case: Case) -> None:
    door.withstands(case)

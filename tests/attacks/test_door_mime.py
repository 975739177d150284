"""Messages in parts that two readers would take apart in two ways, or whose parts cost more than they are worth."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.domain.catalogue import Code
from gateway.interfaces.http import HttpRequest
from tests.attacks.door import Case, Door
from tests.attacks.pens import PDF, letter, replaced, sent, swa

SPLIT, SECTIONS, DELIMITER, PART, HEADERS, ROOT = (
    f"protocol.mime:{name}" for name in ("split", "_sections", "_delimiter", "_part", "_headers", "_root")
)
TYPE = "protocol.content_type:ContentType.parse"
BAD = Code.MIME_MALFORMED
FILE = b"<file-1@test>"


def boundary_of(request: HttpRequest) -> bytes:
    """The line that stands before each part."""
    return request.body.partition(b"\r\n")[0]


def _rewritten(name: str, guard: str, clause: str, old: bytes, new: bytes, code: Code = BAD) -> Case:
    """Octets of the message are changed on their way; {b} stands for its boundary."""

    def bad(door: Door) -> HttpRequest:
        request = swa(door)
        boundary = boundary_of(request)
        return replaced(request, old.replace(b"{b}", boundary), new.replace(b"{b}", boundary))

    return sent(name, guard, clause, code, bad, swa)


def _typed(name: str, guard: str, clause: str, old: str, new: str, code: Code = BAD) -> Case:
    """The Content-Type of the whole is changed."""

    def bad(door: Door) -> HttpRequest:
        request = swa(door)
        assert old in request.headers["content-type"]
        return replace(
            request, headers={"content-type": request.headers["content-type"].replace(old, new, 1)}
        )

    return sent(name, guard, clause, code, bad, swa)


def _plain(name: str, content_type: str, code: Code, status: int = 500) -> Case:
    """The Content-Type of a message without parts is another."""
    case = sent(
        name,
        TYPE if code is BAD else "protocol.soap:_version",
        "RFC 2045 §5.1",
        code,
        lambda door: replace(letter(door), headers={"content-type": content_type}),
    )
    return replace(case, status=status)


def _many_parts(door: Door) -> HttpRequest:
    request = swa(door)
    boundary = boundary_of(request)
    more = b"".join(boundary + b"\r\nContent-ID: <%d@x>\r\n\r\nx\r\n" % number for number in range(100))
    return replaced(request, boundary + b"--", more + boundary + b"--")


def _only_the_end(request: HttpRequest) -> HttpRequest:
    return replace(request, body=boundary_of(request) + b"--\r\n")


def _large_root(door: Door) -> HttpRequest:
    return replaced(swa(door), b"<soap:Header>", b"<soap:Header>" + b" " * 12_000_000)


_MALFORMED = (
    _rewritten("no closing delimiter", DELIMITER, "RFC 2046 §5.1.1", b"\r\n{b}--\r\n", b""),
    _rewritten(
        "another delimiter where the end should be", DELIMITER, "RFC 2046 §5.1.1", b"{b}--\r\n", b"{b}\r\n"
    ),
    _rewritten(
        "a delimiter after a bare line feed", DELIMITER, "RFC 2046 §5.1.1", b"\r\n{b}\r\n", b"\n{b}\r\n"
    ),
    _rewritten("a line that begins with the boundary", SECTIONS, "RFC 2046 §5.1.1", PDF, PDF + b"\r\n{b}x"),
    _rewritten("the end in the middle", SECTIONS, "RFC 2046 §5.1.1", PDF, PDF + b"\r\n{b}--"),
    _rewritten(
        "a part after the end",
        SECTIONS,
        "RFC 2046 §5.1.1",
        b"{b}--\r\n",
        b"{b}--\r\n{b}\r\n\r\nx\r\n{b}--\r\n",
    ),
    _rewritten("much after the end", SECTIONS, "RFC 2046 §5.1.1", b"{b}--\r\n", b"{b}--\r\n" + b"x" * 2_000),
    _rewritten("text on the last line", SECTIONS, "RFC 2046 §5.1.1", b"{b}--\r\n", b"{b}--x"),
    _rewritten(
        "much before the first part",
        DELIMITER,
        "RFC 2046 §5.1.1",
        b"{b}\r\nContent-Type: text/xml",
        b"x" * 2_000 + b"\r\n{b}\r\nContent-Type: text/xml",
    ),
    _rewritten(
        "a Content-ID twice",
        SPLIT,
        "RFC 2392 §2",
        b"{b}--",
        b"{b}\r\nContent-ID: " + FILE + b"\r\n\r\nx\r\n{b}--",
    ),
    _rewritten("a part without Content-ID", SPLIT, "RFC 2392 §2", b"{b}--", b"{b}\r\n\r\nx\r\n{b}--"),
    _rewritten("a Content-ID without brackets", PART, "RFC 2392 §2", FILE, b"file-1@test"),
    _rewritten("two Content-IDs in one header", PART, "RFC 2392 §2", FILE, FILE + b" <x@test>"),
    _rewritten(
        "a header twice",
        HEADERS,
        "RFC 2045 §3",
        b"Content-ID: " + FILE,
        b"Content-ID: " + FILE + b"\r\nContent-ID: <x@test>",
    ),
    _rewritten(
        "a header that nobody knows",
        HEADERS,
        "RFC 2045 §9",
        b"Content-ID: " + FILE,
        b"Content-ID: " + FILE + b"\r\nContent-Location: file:///x",
    ),
    _rewritten(
        "a header that is none",
        HEADERS,
        "RFC 2045 §3",
        b"Content-ID: " + FILE,
        b"Content-ID: " + FILE + b"\r\nx",
    ),
    _rewritten(
        "a bare line feed in a header",
        HEADERS,
        "RFC 2046 §5.1",
        b"Content-ID: " + FILE,
        b"Content-ID: " + FILE + b"\nX: y",
    ),
    _rewritten(
        "other letters in a header",
        HEADERS,
        "RFC 2045 §3",
        b"application/pdf\r\n",
        b"application/p\xc3\xb8f\r\n",
    ),
    _rewritten("headers without end", PART, "RFC 2046 §5.1", b"binary\r\n\r\n%PDF", b"binary\r\n%PDF"),
    _rewritten(
        "headers of many octets",
        PART,
        "RFC 2046 §5.1",
        b"Content-ID: " + FILE,
        b"Content-Description: " + b"y" * 9_000 + b"\r\nContent-ID: " + FILE,
    ),
    _rewritten("base64 in a part", PART, "RFC 2045 §6", b"binary\r\n\r\n%PDF", b"base64\r\n\r\n%PDF"),
    _rewritten(
        "quoted-printable in a part",
        PART,
        "RFC 2045 §6.7",
        b"binary\r\n\r\n%PDF",
        b"quoted-printable\r\n\r\n%PDF",
    ),
    _rewritten(
        "a root of another type than announced",
        ROOT,
        "RFC 2387 §3",
        b"Content-Type: text/xml",
        b"Content-Type: text/html",
    ),
    _rewritten(
        "a part's type with a parameter twice",
        TYPE,
        "RFC 2045 §5.1",
        b"application/pdf\r\n",
        b"application/pdf; name=a; name=b\r\n",
    ),
    sent(
        "a hundred and two parts",
        SECTIONS,
        "threat model, SOAP services, D: parts",
        Code.MIME_TOO_MANY_PARTS,
        _many_parts,
        swa,
    ),
    sent(
        "a root of more than twelve million octets",
        SPLIT,
        "threat model, SOAP services, D: octets",
        Code.XML_TOO_LARGE,
        _large_root,
        swa,
    ),
    sent("no part", SECTIONS, "RFC 2046 §5.1.1", BAD, lambda door: _only_the_end(swa(door)), swa),
    _typed("no boundary", SPLIT, "RFC 2046 §5.1.1", "boundary=", "other="),
    _typed("a boundary twice", TYPE, "RFC 2045 §5.1", "boundary=", "boundary=x; boundary="),
    _typed("a boundary twice in other case", TYPE, "RFC 2045 §5.1", "boundary=", "Boundary=x; boundary="),
    _typed("a boundary in pieces", TYPE, "RFC 2231 §3", "boundary=", "boundary*0=x; boundary="),
    _typed("a boundary of strange letters", SPLIT, "RFC 2046 §5.1.1", 'boundary="', 'boundary="{}'),
    _typed("a comma between parameters", TYPE, "RFC 2045 §5.1", "; boundary", ", boundary"),
    _typed("a start that names no part", ROOT, "RFC 2387 §3.2", 'start="<root-', 'start="<toor-'),
    _typed(
        "a type of another kind of multipart",
        "protocol.soap:_version",
        "RFC 2387 §3",
        "multipart/related",
        "multipart/mixed",
        Code.HTTP_CONTENT_TYPE,
    ),
    _plain("a content type of many octets", f"text/xml; x={'y' * 3_000}", BAD),
    _plain("a content type that is none", "text", BAD),
    _plain("an open quote", 'text/xml; charset="utf-8', BAD),
    _plain("a content type of HTML", "text/html", Code.HTTP_CONTENT_TYPE, 415),
    _plain("a content type of JSON", "application/json", Code.HTTP_CONTENT_TYPE, 415),
)
CASES: tuple[Case, ...] = tuple(
    replace(case, status=415) if case.code is Code.HTTP_CONTENT_TYPE else case for case in _MALFORMED
)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_message_that_could_be_taken_apart_in_two_ways_is_refused(door: Door, case: Case) -> None:
    door.withstands(case)

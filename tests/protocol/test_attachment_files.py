"""An attachment is accepted only as the harmless file that it says it is."""

from __future__ import annotations

import struct
import time
import zlib
from contextlib import suppress

import pytest

from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError
from gateway.protocol.attachment_files import INFLATED_LIMIT, inspect_attachment


def pdf(*objects: bytes) -> bytes:
    body = b"".join(b"%d 0 obj\n%b\nendobj\n" % (n, o) for n, o in enumerate(objects, 1))
    return b"%PDF-1.7\n" + body + b"trailer << /Root 1 0 R >>\nstartxref\n0\n%%EOF\n"


def object_stream(content: bytes) -> bytes:
    data = zlib.compress(content)
    return b"<< /Type /ObjStm /N 1 /First 4 /Filter /FlateDecode >>\nstream\n" + data + b"\nendstream"


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


PNG = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", bytes(13)) + chunk(b"IDAT", b"x") + chunk(b"IEND", b"")
JPEG = b"\xff\xd8\xff\xe0" + bytes(20) + b"\xff\xd9"
PDF = pdf(b"<< /Type /Catalog /Pages 2 0 R >>", object_stream(b"2 0 << /Type /Pages /JSONLike 1 >>"))

GOOD = {"application/pdf": PDF, "image/png": PNG, "image/jpeg": JPEG, "text/plain": "Mød kl. 7.30\n".encode()}

BAD = {
    "a program for a PDF": ("application/pdf", b"MZ" + PDF),
    "a PDF cut off": ("application/pdf", PDF[:-8]),
    "a PDF with JavaScript": ("application/pdf", pdf(b"<< /S /JavaScript /JS (app.alert) >>")),
    "a PDF with an escaped name": ("application/pdf", pdf(b"<< /S /J#61vaScript >>")),
    "a PDF with an escaped name behind another": ("application/pdf", pdf(b"<< /a#41/J#61vaScript 1 >>")),
    "a PDF with an escaped object stream": (
        "application/pdf",
        pdf(object_stream(b"1 0 << /S /Launch >>").replace(b"/ObjStm", b"/Obj#53tm")),
    ),
    "a PDF with an object stream far from its name": (
        "application/pdf",
        pdf(object_stream(b"1 0 << /S /Launch >>").replace(b"/N 1", b" " * 3_000)),
    ),
    "a PDF with an embedded file": ("application/pdf", pdf(b"<< /Type /EmbeddedFile >>")),
    "a PDF with a launch action": ("application/pdf", pdf(b"<< /S /Launch /F (cmd) >>")),
    "a PDF with encryption": ("application/pdf", pdf(b"<< >>") + b"/Encrypt 5 0 R\n%%EOF"),
    "a PDF that hides it in a stream": ("application/pdf", pdf(object_stream(b"1 0 << /S /Launch >>"))),
    "a PDF with a bomb": ("application/pdf", pdf(object_stream(bytes(INFLATED_LIMIT + 1)))),
    "a PDF with a broken stream": (
        "application/pdf",
        pdf(b"<< /Type /ObjStm >>\nstream\nnot zlib\nendstream"),
    ),
    "a PNG followed by a zip": ("image/png", PNG + b"PK\x03\x04"),
    "a PNG cut off": ("image/png", PNG[:-12]),
    "a PDF for a PNG": ("image/png", PDF),
    "a JPEG followed by more": ("image/jpeg", JPEG + b"<script>"),
    "a text for a JPEG": ("image/jpeg", b"hello"),
    "a text in Latin-1": ("text/plain", "Mød".encode("latin-1")),
    "a text with an escape": ("text/plain", b"\x1b[2J"),
    "HTML": ("text/html", b"<p>hello</p>"),
}


def refused(octets: bytes) -> bool:
    try:
        inspect_attachment(1, "application/pdf", octets)
    except InputError:
        return True
    return False


@pytest.mark.parametrize("media_type", GOOD)
def test_a_plain_file_of_each_accepted_type_is_accepted(media_type: str) -> None:
    inspect_attachment(1, media_type, GOOD[media_type])


def test_an_escape_in_a_text_is_not_taken_for_one_in_the_name_before_it() -> None:
    octets = PDF.replace(b"/ObjStm", b"/ObjStm (C#4d)")
    assert octets != PDF
    assert not refused(octets)


@pytest.mark.parametrize("at", range(65_520, 65_550))
@pytest.mark.parametrize("name", [b"/JavaScript", b"/J#61vaScript", b"/#4c#61#75#6e#63#68"])
def test_a_name_is_found_wherever_it_stands_in_a_large_file(name: bytes, at: int) -> None:
    filler = b"<< /Length 0 >>\n"
    octets = b"%PDF-1.7\n" + filler * (at // len(filler) + 1)
    with pytest.raises(InputError):
        inspect_attachment(1, "application/pdf", octets[:at] + name + b" 1 " + pdf(b"<< >>"))


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_is_not_what_it_says_or_is_active_is_refused(name: str) -> None:
    media_type, octets = BAD[name]
    with pytest.raises(InputError) as refused:
        inspect_attachment(3, media_type, octets)
    assert refused.value.code is Code.ATTACHMENT_TYPE
    assert refused.value.facts["number"] == 3


HOSTILE = {
    "marks and escapes": b"/ObjStm" * 200_000 + b"/#4a" * 500_000,
    "streams within one another": (b"/ObjStm stream\n" + zlib.compress(b"")) * 200_000,
    "streams that go on and on": b"/ObjStm stream\n\x78\x9c" * 9 + b"\x00\x00\x00\xff\xff" * 900_000,
    "nothing but slashes": b"/" * 5_000_000,
    "almost active names": b"/JSa" * 1_250_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_large_hostile_pdf_is_judged_in_bounded_time(name: str) -> None:
    hostile = pdf(HOSTILE[name])
    started = time.process_time()
    with suppress(InputError):
        inspect_attachment(1, "application/pdf", hostile)
    assert time.process_time() - started < 2

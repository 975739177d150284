"""A small real PDF: one page A4 with plain Danish text, made without any library."""

from __future__ import annotations

from collections.abc import Sequence

_TOP = 780  # points above the lower edge of A4, where the first line stands
_LEADING = 22


def make_pdf(title: str, lines: Sequence[str]) -> bytes:
    """Return a PDF 1.4 file with a title and lines of text, in the letters of WinAnsi: the Danish ones are there."""
    text = [f"BT /F1 18 Tf 60 {_TOP} Td {_string(title)} Tj /F1 12 Tf"]
    text += [f"0 -{_LEADING} Td {_string(line)} Tj" for line in lines]
    content = "\n".join([*text, "ET"]).encode("cp1252")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    return _file(objects)


def _string(text: str) -> str:
    """A literal string. ISO 32000-1 §7.3.4.2."""
    for special in "\\()":
        text = text.replace(special, f"\\{special}")
    return f"({text})"


def _file(objects: Sequence[bytes]) -> bytes:
    """Header, objects, cross-reference table and trailer. ISO 32000-1 §7.5."""
    octets = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    places = []
    for number, content in enumerate(objects, 1):
        places.append(len(octets))
        octets += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = len(octets)
    octets += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    octets += b"".join(b"%010d 00000 n \n" % place for place in places)
    octets += b"trailer\n<< /Size %d /Root 1 0 R >>\n" % (len(objects) + 1)
    octets += b"startxref\n%d\n%%%%EOF\n" % table
    return bytes(octets)

"""Multipart messages are split in exactly one way, and ours are split back into what went in."""

from __future__ import annotations

import pytest

from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError
from gateway.protocol.content_type import ContentType
from gateway.protocol.mime import NewPart, build_related, cid_uri, resolve_cid, split

ROOT = b"<root/>"
PDF = b"%PDF-1.7\r\n\x00\xff--not-a-delimiter\r\n"


def body(*sections: bytes, boundary: bytes = b"b") -> bytes:
    return (
        b"".join(b"--" + boundary + b"\r\n" + one + b"\r\n" for one in sections)
        + b"--"
        + boundary
        + b"--\r\n"
    )


def section(content_id: str, content: bytes, *headers: str) -> bytes:
    lines = [f"Content-ID: <{content_id}>", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


SWA = 'multipart/related; type="text/xml"; boundary=b; start="<root@a>"'
MESSAGE = body(section("root@a", ROOT, "Content-Type: text/xml; charset=utf-8"), section("pdf@a", PDF))


def test_root_and_parts_come_out_as_they_went_in() -> None:
    multipart = split(SWA, MESSAGE)
    assert multipart.root.content == ROOT
    assert multipart.root.content_type.media_type == "text/xml"
    assert {name: bytes(part.content) for name, part in multipart.parts.items()} == {"pdf@a": PDF}


def test_parts_are_views_into_the_message_and_not_copies() -> None:
    assert split(SWA, MESSAGE).parts["pdf@a"].content.obj is MESSAGE


@pytest.mark.parametrize("mtom", [True, False])
def test_what_we_build_is_split_back(mtom: bool) -> None:
    parts = [NewPart("a@bropost", "application/pdf", PDF), NewPart("b@bropost", "text/plain", b"")]
    built = build_related(
        ROOT, "application/soap+xml", parts, mtom=mtom, parameters={"action": 'urn:x:"Ping"'}
    )
    multipart = split(built.content_type, built.body)
    assert multipart.root.content == ROOT
    assert {name: bytes(part.content) for name, part in multipart.parts.items()} == {
        "a@bropost": PDF,
        "b@bropost": b"",
    }
    expected = "application/xop+xml" if mtom else "application/soap+xml"
    assert multipart.root.content_type.media_type == expected


def test_root_is_the_part_that_start_names_wherever_it_stands() -> None:
    message = body(section("pdf@a", PDF), section("root@a", ROOT, "Content-Type: text/xml"))
    assert split(SWA, message).root.content == ROOT


def test_root_is_the_first_part_without_start() -> None:
    assert split("multipart/related; boundary=b", MESSAGE).root.content == ROOT


def test_start_without_angle_brackets_is_understood() -> None:
    assert split("multipart/related; boundary=b; start=root@a", MESSAGE).root.content == ROOT


@pytest.mark.parametrize(
    "content_type",
    [
        'Multipart/Related; BOUNDARY="b"; type="text/xml"',
        "multipart/related;boundary=b;type=text/xml",
        'multipart/related; type="text/xml"; boundary=b;',
        'multipart/related ; boundary="b" ; type="text/xml" ',
    ],
)
def test_parameters_stand_quoted_or_not_in_any_order(content_type: str) -> None:
    assert split(content_type, MESSAGE).root.content == ROOT


def test_boundary_of_the_kind_dotnet_sends_is_understood() -> None:
    boundary = "uuid:fca834ef-6b4a-43c0-a7d0-09064d2827e8+id=1"
    message = body(
        section("http://tempuri.org/0", ROOT, "Content-Type: text/xml"), boundary=boundary.encode()
    )
    assert split(f'multipart/related; boundary="{boundary}"', message).root.content == ROOT
    assert split(f"multipart/related; boundary={boundary}", message).root.content == ROOT


def test_line_end_before_the_first_and_none_after_the_last_delimiter_is_understood() -> None:
    assert split(SWA, b"\r\n" + MESSAGE.removesuffix(b"\r\n")).root.content == ROOT


def test_short_preamble_and_epilogue_are_passed_over() -> None:
    assert split(SWA, b"This is a multi-part message.\r\n" + MESSAGE + b"\r\nend").parts.keys() == {"pdf@a"}


def test_folded_part_header_is_unfolded() -> None:
    folded = section("pdf@a", PDF, "Content-Type: application/pdf;\r\n\tname=letter.pdf")
    message = body(section("root@a", ROOT, "Content-Type: text/xml"), folded)
    assert split(SWA, message).parts["pdf@a"].content_type.parameters == {"name": "letter.pdf"}


def test_harmless_headers_are_passed_over() -> None:
    extra = section(
        "pdf@a", PDF, 'Content-Disposition: attachment; filename="a.pdf"', "Content-Description: a"
    )
    message = body(section("root@a", ROOT, "Content-Type: text/xml"), extra)
    assert split(SWA, message).parts["pdf@a"].content == PDF


def test_escaped_parameter_is_unescaped_once() -> None:
    parsed = ContentType.parse('application/soap+xml; action="urn:x:\\"Ping\\""; charset=UTF-8')
    assert parsed.parameters == {"action": 'urn:x:"Ping"', "charset": "UTF-8"}


@pytest.mark.parametrize(
    ("uri", "content_id"),
    [
        ("cid:pdf@a", "pdf@a"),
        ("cid:http%3A%2F%2Ftempuri.org%2F1", "http://tempuri.org/1"),
        ("CID:a%2540b", "a%40b"),
    ],
)
def test_cid_uri_names_the_content_id_with_escapes_undone_once(uri: str, content_id: str) -> None:
    assert resolve_cid(uri) == content_id
    assert resolve_cid(cid_uri(content_id)) == content_id


@pytest.mark.parametrize(
    "uri", ["pdf@a", "http://a/", "cid:", "cid:%3Ca%3E", "cid:a%0D%0A", "cid:a%2", "cid:æ"]
)
def test_other_uri_is_refused(uri: str) -> None:
    with pytest.raises(InputError) as refusal:
        resolve_cid(uri)
    assert refusal.value.code is Code.MIME_MALFORMED

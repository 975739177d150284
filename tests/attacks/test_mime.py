"""Multipart messages that two readers could split differently, or that cost more than they may, are refused."""

from __future__ import annotations

import time

import pytest

from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError
from gateway.protocol.mime import MessageLimits, split

TYPE = 'multipart/related; type="text/xml"; boundary="bound"; start="<root@a>"'
ROOT = b"Content-ID: <root@a>\r\nContent-Type: text/xml\r\n\r\n<root/>"
FILE = b"Content-ID: <file@a>\r\nContent-Type: application/pdf\r\n\r\n%PDF"
GOLDEN = b"--bound\r\n" + ROOT + b"\r\n--bound\r\n" + FILE + b"\r\n--bound--\r\n"


def refusal(body: bytes, content_type: str = TYPE, limits: MessageLimits | None = None) -> Code:
    assert split(TYPE, GOLDEN).parts.keys() == {"file@a"}
    assert (body, content_type) != (GOLDEN, TYPE) or limits is not None
    with pytest.raises(InputError) as raised:
        split(content_type, body, limits or MessageLimits())
    return raised.value.code


@pytest.mark.parametrize(
    ("change", "by"),
    [
        pytest.param(b"\r\n--bound--\r\n", b"", id="no_closing_delimiter"),
        pytest.param(b"--bound--\r\n", b"--bound\r\n", id="delimiter_where_the_end_should_be"),
        pytest.param(b"\r\n", b"\n", id="bare_line_feeds"),
        pytest.param(
            b"\r\n--bound\r\nContent-ID: <file", b"\n--bound\r\nContent-ID: <file", id="line_feed_delimiter"
        ),
        pytest.param(
            b"--bound\r\nContent-ID: <file", b"--bound \r\nContent-ID: <file", id="padded_delimiter"
        ),
        pytest.param(b"%PDF", b"%PDF\r\n--boundary", id="content_line_begins_with_the_boundary"),
        pytest.param(b"%PDF", b"%PDF\r\n--bound--", id="closing_delimiter_in_the_content"),
        pytest.param(b"--bound--\r\n", b"--bound--\r\n--bound\r\n", id="part_after_the_end"),
        pytest.param(b"--bound--\r\n", b"--bound--x", id="text_on_the_closing_line"),
        pytest.param(b"--bound--\r\n", b"--bound--\r\n" + b"x" * 2000, id="long_epilogue"),
        pytest.param(b"<file@a>", b"<root@a>", id="content_id_twice"),
        pytest.param(b"Content-ID: <file@a>\r\n", b"", id="part_without_content_id"),
        pytest.param(b"<file@a>", b"file@a", id="content_id_without_brackets"),
        pytest.param(b"<file@a>", b"<fi le@a>", id="space_in_content_id"),
        pytest.param(b"<file@a>", b"<file@a> <x@a>", id="two_content_ids_in_one_header"),
        pytest.param(b"<file@a>", b"<file@a>\r\ncontent-id: <x@a>", id="content_id_header_twice"),
        pytest.param(
            b"application/pdf", b"application/pdf\r\nContent-Type: text/html", id="content_type_twice"
        ),
        pytest.param(b"application/pdf", b"application/pdf\r\nX-Other: 1", id="unknown_header"),
        pytest.param(
            b"application/pdf", b"application/pdf\r\nContent-Transfer-Encoding: base64", id="base64"
        ),
        pytest.param(
            b"application/pdf", b"a/b\r\nContent-Transfer-Encoding: quoted-printable", id="quoted_printable"
        ),
        pytest.param(b"application/pdf", b"application/pdf\x00", id="control_character_in_a_header"),
        pytest.param(b"application/pdf", b"application/pdf\r", id="carriage_return_in_a_header"),
        pytest.param(b"application/pdf", b"application/\xe6", id="other_than_ascii_in_a_header"),
        pytest.param(
            b"Content-Type: application/pdf", b"Content-Type : application/pdf", id="space_before_colon"
        ),
        pytest.param(b"application/pdf", b"a/b; x=" + b"y" * 3000, id="huge_content_type"),
        pytest.param(b"application/pdf", b"a/b\r\nContent-Description: " + b"y" * 9000, id="huge_header"),
        pytest.param(b"\r\n\r\n%PDF", b"\r\n%PDF", id="headers_without_end"),
        pytest.param(b"text/xml", b"text/html", id="root_of_another_type_than_announced"),
        pytest.param(ROOT, b"", id="part_without_an_octet"),
    ],
)
def test_message_that_could_be_split_in_two_ways_is_refused(change: bytes, by: bytes) -> None:
    assert refusal(GOLDEN.replace(change, by)) is Code.MIME_MALFORMED


@pytest.mark.parametrize(
    "content_type",
    [
        pytest.param('multipart/related; type="text/xml"', id="no_boundary"),
        pytest.param('multipart/related; boundary=""', id="empty_boundary"),
        pytest.param(f'multipart/related; boundary="{"b" * 71}"', id="long_boundary"),
        pytest.param('multipart/related; boundary="bound "', id="boundary_ends_in_a_space"),
        pytest.param('multipart/related; boundary="bo\\\\und"', id="backslash_in_the_boundary"),
        pytest.param("multipart/related; boundary=bound; boundary=other", id="boundary_twice"),
        pytest.param("multipart/related; boundary=other; boundary=bound", id="boundary_twice_good_one_last"),
        pytest.param("multipart/related; boundary=bound; Boundary=bound", id="boundary_twice_in_other_case"),
        pytest.param("multipart/related; boundary*0=bou; boundary*1=nd", id="boundary_in_pieces"),
        pytest.param("multipart/related; boundary=bound, boundary=other", id="comma"),
        pytest.param('multipart/related; boundary="bound', id="open_quote"),
        pytest.param("multipart/related; boundary=bound; x", id="parameter_without_value"),
        pytest.param("multipart/mixed; boundary=bound", id="another_multipart"),
        pytest.param('multipart/related; boundary=bound; start="<other@a>"', id="start_names_no_part"),
        pytest.param("multipart/related; boundary=bound; x=" + "y" * 3000, id="long_header"),
        pytest.param("", id="empty"),
    ],
)
def test_content_type_that_could_be_read_in_two_ways_is_refused(content_type: str) -> None:
    assert refusal(GOLDEN, content_type) is Code.MIME_MALFORMED


def test_delimiter_that_begins_deep_in_the_body_is_refused() -> None:
    assert refusal(b"x" * 2000 + b"\r\n" + GOLDEN) is Code.MIME_MALFORMED


def test_part_number_one_hundred_and_one_is_refused() -> None:
    parts = b"".join(b"--bound\r\nContent-ID: <p%d@a>\r\n\r\nx\r\n" % number for number in range(99))
    hundred = b"--bound\r\n" + ROOT + b"\r\n" + parts + b"--bound--\r\n"
    assert len(split(TYPE, hundred).parts) == 99
    assert refusal(hundred.replace(b"--bound--", b"--bound\r\nContent-ID: <p@a>\r\n\r\nx\r\n--bound--")) is (
        Code.MIME_TOO_MANY_PARTS
    )


def test_root_part_above_its_limit_is_refused_before_it_is_parsed() -> None:
    assert refusal(GOLDEN, limits=MessageLimits(root_octets=6)) is Code.XML_TOO_LARGE


def test_content_made_of_almost_delimiters_costs_no_more_than_its_length() -> None:
    boundary = b"b" * 70
    header = f"multipart/related; boundary={boundary.decode()}"

    def cost(octets: int) -> float:
        content = (b"\r\n--" + boundary[:-1]) * (octets // 73)
        message = b"--" + boundary + b"\r\n" + ROOT + content + b"\r\n--" + boundary + b"--"
        began = time.process_time()
        split(header, message)
        return time.process_time() - began

    small = min(cost(1_000_000) for _ in range(5))
    assert min(cost(8_000_000) for _ in range(3)) < 40 * small + 0.01

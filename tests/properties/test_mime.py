"""For every message: what was built is split back, and other octets are split exactly or refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError
from gateway.protocol.content_type import ContentType
from gateway.protocol.mime import NewPart, build_related, cid_uri, resolve_cid, split

CONTENT_IDS = st.text(
    st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="<>"), min_size=1, max_size=40
)
PIECES = st.sampled_from(
    [
        b"\r\n",
        b"\n",
        b"--",
        b"b",
        b"--b",
        b"--b--",
        b"Content-ID: <a@b>",
        b"Content-Type: text/xml",
        b":",
        b";",
        b"\x00",
        b"x",
    ]
)


T = TypeVar("T")


def outcome(call: Callable[[], T]) -> T | Code:
    """What the call gives, or the code of its refusal."""
    try:
        return call()
    except InputError as refusal:
        return refusal.code


@given(st.dictionaries(CONTENT_IDS, st.binary(max_size=300), max_size=8), st.booleans())
def test_every_message_that_we_build_is_split_back(contents: dict[str, bytes], mtom: bool) -> None:
    parts = [NewPart(name, "application/octet-stream", content) for name, content in contents.items()]
    built = build_related(b"<r/>", "text/xml", parts, mtom=mtom)
    multipart = split(built.content_type, built.body)
    assert {name: bytes(part.content) for name, part in multipart.parts.items()} == contents
    assert bytes(multipart.root.content) == b"<r/>"


@given(st.lists(PIECES, max_size=60).map(b"".join))
def test_every_split_message_accounts_for_every_octet(body: bytes) -> None:
    multipart = outcome(lambda: split("multipart/related; boundary=b", body))
    if isinstance(multipart, Code):
        assert multipart is Code.MIME_MALFORMED
        return
    for part in (multipart.root, *multipart.parts.values()):
        assert b"\r\n--b" not in bytes(part.content)
    assert body.count(b"--b\r\n") >= 1 + len(multipart.parts)


@given(CONTENT_IDS)
def test_every_content_id_survives_its_uri(content_id: str) -> None:
    assert resolve_cid(cid_uri(content_id)) == content_id


@given(st.text(max_size=200))
def test_every_other_content_type_is_read_or_refused(text: str) -> None:
    parsed = outcome(lambda: ContentType.parse(text))
    if isinstance(parsed, Code):
        assert parsed is Code.MIME_MALFORMED
        return
    assert parsed.media_type.isascii()
    assert parsed.media_type in text.lower()


@given(
    st.dictionaries(
        st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.text('ab;\\" =,/<>:', max_size=20), max_size=4
    )
)
def test_every_quoted_parameter_survives(parameters: dict[str, str]) -> None:
    def quoted(value: str) -> str:
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'

    text = "text/xml" + "".join(f"; {name}={quoted(value)}" for name, value in parameters.items())
    assert ContentType.parse(text) == ContentType("text/xml", parameters)

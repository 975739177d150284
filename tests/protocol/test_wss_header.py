"""The security header, part by part: what of it is put in its place, read as a time, and current."""

from __future__ import annotations

from datetime import UTC, timedelta

import pytest
from lxml import etree

from gateway.domain.catalogue import Code
from gateway.protocol.mime import NewPart, build_related
from gateway.protocol.soap import unpack
from gateway.protocol.wss_header import SecurityHeader, read_security_header, require_current
from gateway.xmlcore.namespaces import XOP
from tests.crypto.changed import refused
from tests.messages import AT, ByHand, der_token, one, stamp

INCLUDE = f'<xop:Include xmlns:xop="{XOP}" href="cid:token@test"/>'


def header(by_hand: ByHand, part: bytes | None = None) -> SecurityHeader:
    """The security header of a message, with a part beside it."""
    body, content_type = by_hand.sent().body, "text/xml"
    if part is not None:
        parts = [NewPart("token@test", "application/octet-stream", part)]
        built = build_related(body, "text/xml", parts, mtom=True)
        body, content_type = built.body, built.content_type
    return read_security_header(unpack(content_type, None, body))


# --- a token that travels as a part -------------------------------------------------------------------------------

TOKEN = der_token(b"").replace("><", f">{INCLUDE}<")


def test_a_token_that_travels_as_a_part_is_put_in_its_place() -> None:
    found = header(ByHand(token=TOKEN), b"one")
    assert found.token is not None
    assert (found.token.text, len(found.token), found.token_part) == ("b25l", 0, ("token@test",))


def test_a_token_that_stands_in_the_header_is_left_there_whatever_parts_there_are() -> None:
    found = header(ByHand(token=der_token(b"one")), b"%PDF")
    assert found.token is not None
    assert (found.token.text, found.token_part) == ("b25l", ())


def test_a_token_of_64_kilobytes_can_be_read_and_one_octet_more_cannot() -> None:
    assert header(ByHand(token=TOKEN), bytes(65_536)).token_part
    with refused(Code.SIGNATURE_SHAPE):
        header(ByHand(token=TOKEN), bytes(65_537))


@pytest.mark.parametrize("token", ["", der_token(b"one")])
def test_nothing_but_a_token_travels_as_a_part(token: str) -> None:
    with refused(Code.SIGNATURE_SHAPE):
        header(ByHand(token=token, key_info=f"<ds:X509Data>{INCLUDE}</ds:X509Data>"), b"one")


def test_a_token_cannot_name_a_part_where_there_are_none() -> None:
    with refused(Code.MIME_MALFORMED):
        header(ByHand(token=TOKEN))


def test_a_message_without_security_header_is_refused_as_unsigned() -> None:
    tree = etree.fromstring(ByHand().sent().body)
    security = one(tree, "//wsse:Security")
    one(tree, "//s11:Header").remove(security)
    with refused(Code.SECURITY_MISSING):
        read_security_header(unpack("text/xml", None, etree.tostring(tree)))


ALL = "{token}{timestamp}{signature}"


@pytest.mark.parametrize("security", ["{token}{timestamp}", "{token}{signature}", "{token}", ""])
def test_a_header_without_timestamp_or_signature_is_refused_as_unsigned(security: str) -> None:
    with refused(Code.SECURITY_MISSING):
        header(ByHand(security=security, sign=["B"]))


@pytest.mark.parametrize("more", ["<wsse:UsernameToken/>", "<other/>", "<ds:KeyInfo/>", "<ds:Object/>"])
def test_a_header_holds_nothing_else(more: str) -> None:
    for security in (ALL + more, more + ALL):
        with refused(Code.SIGNATURE_SHAPE):
            header(ByHand(security=security))


@pytest.mark.parametrize("name", ["wsse:BinarySecurityToken", "wsu:Timestamp", "ds:Signature"])
def test_a_header_holds_each_of_them_once(name: str) -> None:
    for security in (f"{ALL}<{name}/>", f"<{name}/>{ALL}"):
        with refused(Code.SIGNATURE_SHAPE):
            header(ByHand(security=security.replace("<ds:Signature/>", "<ds:Signature></ds:Signature>")))


# --- times --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fraction", "microseconds"),
    [
        ("", 0),
        (".5", 500_000),
        (".123", 123_000),
        (".000001", 1),
        (".999999", 999_999),
        (".1234567", 123_456),
        (".999999999", 999_999),
    ],
)
def test_a_time_is_read_to_the_microsecond(fraction: str, microseconds: int) -> None:
    found = header(ByHand(created=stamp(AT).replace("Z", f"{fraction}Z")))
    assert found.created == AT.replace(microsecond=microseconds)
    assert found.created.tzinfo is UTC


SKEW, MOST, MICROSECOND = timedelta(minutes=5), timedelta(minutes=15), timedelta(microseconds=1)


def require(created: timedelta, lifetime: timedelta) -> None:
    """Require a message made so long after AT, and living so long, to be current at AT."""
    usual = header(ByHand())
    found = SecurityHeader(None, usual.timestamp, AT + created, AT + created + lifetime, usual.signature)
    require_current(found, AT, skew=SKEW, lifetime_most=MOST)


NOW = timedelta(0)


@pytest.mark.parametrize(
    ("created", "lifetime"),
    [(NOW, MICROSECOND), (NOW, MOST), (SKEW, MICROSECOND), (-SKEW, MICROSECOND), (-SKEW, MOST)],
)
def test_a_message_is_current_up_to_the_microsecond(created: timedelta, lifetime: timedelta) -> None:
    require(created, lifetime)


@pytest.mark.parametrize(
    ("created", "lifetime"),
    [
        pytest.param(NOW, timedelta(0), id="no-lifetime"),
        pytest.param(NOW, -MICROSECOND, id="ended-before-it-began"),
        pytest.param(NOW, MOST + MICROSECOND, id="lives-too-long"),
        pytest.param(SKEW + MICROSECOND, MOST, id="from-the-future"),
        pytest.param(-SKEW - MICROSECOND, MICROSECOND, id="expired"),
    ],
)
def test_a_microsecond_beyond_it_is_not(created: timedelta, lifetime: timedelta) -> None:
    with refused(Code.TIMESTAMP_OUTSIDE):
        require(created, lifetime)

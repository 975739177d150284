"""Requests that two HTTP servers would read differently, that have no end, or that are none for a service."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Any

import pytest

from gateway.domain.catalogue import Code
from gateway.interfaces.connections import HEAD_OCTETS
from tests.attacks.door import Case, Door
from tests.attacks.pens import letter, sent
from tests.attacks.wire import BODY_LIMIT, PATH, Wire, WireCase, without_body, written

HEADERS, READ = "interfaces.asgi:_require_plain_headers", "interfaces.asgi:Front._read"
VERIFIED = "interfaces.soap_endpoint:SoapEndpoint._verified"
LENGTH, TWICE = "RFC 9112 §6.3", Code.HTTP_HEADER_REPEATED
SMUGGLED = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture(scope="module")
def wire(door: Door) -> Generator[Wire]:
    """A server before the installation."""
    with Wire(door) as opened:
        yield opened


def _with(*more: str) -> Callable[[Door], bytes]:
    return lambda door: written(letter(door), *more)


def _chunked(*more: str, chunks: Callable[[bytes], bytes], length: bool = False) -> Callable[[Door], bytes]:
    """A letter in chunks."""

    def bad(door: Door) -> bytes:
        request = letter(door)
        head = written(without_body(request), "Transfer-Encoding: chunked", *more, length=length)
        return head + chunks(request.body)

    return bad


def _in_chunks(body: bytes) -> bytes:
    return b"%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n"


def _line(line: str) -> Callable[[Door], bytes]:
    return lambda door: written(letter(door), line=line)


def _raw(octets: bytes) -> Callable[[Door], bytes]:
    return lambda _: octets


def _replaced(old: bytes, new: bytes) -> Callable[[Door], bytes]:
    return lambda door: written(letter(door)).replace(old, new, 1)


REPEATED = tuple(
    WireCase(f"{name} twice", HEADERS, clause, TWICE, 400, _with(line))
    for name, clause, line in (
        ("the content type", "RFC 9110 §5.3", "Content-Type: text/plain"),
        ("the host", "RFC 9112 §3.2", "Host: other.example"),
        ("the action", "SOAP 1.1 §6.1.1", 'SOAPAction: "a"\r\nSOAPAction: "b"'),
        ("the encoding", "RFC 9110 §8.4", "Content-Encoding: identity\r\nContent-Encoding: identity"),
    )
)
WIRE_CASES: tuple[WireCase, ...] = (
    *REPEATED,
    *(
        WireCase(
            f"a body that is said to be {name}",
            HEADERS,
            "RFC 9110 §8.4",
            Code.HTTP_CONTENT_ENCODING,
            415,
            _with(f"Content-Encoding: {name}"),
        )
        for name in ("gzip", "br", "deflate", "identity, gzip")
    ),
    WireCase(
        "a length above the limit",
        READ,
        "RFC 9110 §15.5.14",
        Code.MESSAGE_TOO_LARGE,
        413,
        lambda door: written(without_body(letter(door)), f"Content-Length: {BODY_LIMIT + 1}", length=False),
    ),
    WireCase(
        "a body without end",
        READ,
        "RFC 9110 §15.5.14",
        Code.MESSAGE_TOO_LARGE,
        413,
        _chunked(chunks=lambda _: b"%x\r\n" % (BODY_LIMIT + 1) + bytes(BODY_LIMIT + 1)),
    ),
    WireCase(
        "a letter with a sea of space after it",
        READ,
        "RFC 9110 §15.5.14",
        Code.MESSAGE_TOO_LARGE,
        413,
        _chunked(chunks=lambda body: _in_chunks(body + b" " * BODY_LIMIT)),
    ),
    WireCase(
        "a body that never comes",
        "",
        "RFC 9110 §15.5.9",
        Code.HTTP_BODY_SLOW,
        408,
        lambda door: written(letter(door))[:-1],
    ),
    WireCase("two lengths", "", LENGTH, None, 400, _with("Content-Length: 0")),
    WireCase("a length and chunks", "", LENGTH, None, 400, _chunked("Content-Length: 5", chunks=_in_chunks)),
    WireCase(
        "chunks and a length, with a request behind",
        "",
        LENGTH,
        None,
        400,
        lambda door: written(letter(door), "Transfer-Encoding: chunked") + b"0\r\n\r\n" + SMUGGLED,
    ),
    WireCase(
        "a length that is negative",
        "",
        "RFC 9110 §8.6",
        None,
        400,
        lambda door: written(letter(door), "Content-Length: -1", length=False),
    ),
    WireCase(
        "a length with a sign",
        "",
        "RFC 9110 §8.6",
        None,
        400,
        lambda door: written(letter(door), f"Content-Length: +{len(letter(door).body)}", length=False),
    ),
    WireCase(
        "a length in a list",
        "",
        LENGTH,
        None,
        400,
        lambda door: written(letter(door), "Content-Length: 5, 5", length=False),
    ),
    WireCase(
        "a length without bound",
        "",
        "RFC 9110 §8.6",
        None,
        400,
        lambda door: written(letter(door), f"Content-Length: {'9' * 40}", length=False),
    ),
    WireCase(
        "an encoding of the transfer that nobody knows",
        "",
        "RFC 9112 §6.1",
        None,
        400,
        lambda door: written(letter(door), "Transfer-Encoding: xchunked"),
    ),
    WireCase(
        "a chunk without length",
        "",
        "RFC 9112 §7.1",
        None,
        400,
        _chunked(chunks=lambda body: b"x\r\n" + body),
    ),
    WireCase(
        "a chunk of negative length",
        "",
        "RFC 9112 §7.1",
        None,
        400,
        _chunked(chunks=lambda body: b"-1\r\n" + body),
    ),
    WireCase(
        "a chunk of a length without bound",
        "",
        "RFC 9112 §7.1",
        None,
        400,
        _chunked(chunks=lambda body: b"F" * 17 + b"\r\n" + body),
    ),
    WireCase("a folded header", "", "RFC 9112 §5.2", None, 400, _with("X-Note: a\r\n b")),
    WireCase("a space before a colon", "", "RFC 9112 §5.1", None, 400, _with("X-Note : a")),
    WireCase("a null in a header", "", "RFC 9110 §5.5", None, 400, _with("X-Note: a\0b")),
    WireCase(
        "a bare carriage return in a header",
        "",
        "RFC 9112 §2.2",
        None,
        400,
        _with("X-Note: a\rContent-Length: 0"),
    ),
    WireCase("no HTTP", "", "RFC 9112 §3", None, 400, _raw(b"EHLO localhost\r\n\r\n")),
    WireCase(
        "the greeting of TLS",
        "",
        "RFC 9112 §3",
        None,
        400,
        _raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    ),
    WireCase("another version of HTTP", "", "RFC 9112 §2.3", None, 400, _line(f"POST {PATH} HTTP/3.7")),
    WireCase(
        "a head without end",
        "",
        "RFC 9110 §5.4",
        None,
        400,
        _raw(b"POST / HTTP/1.1\r\nX-Long: " + b"x" * (HEAD_OCTETS + 1)),
    ),
    WireCase(
        "a path that is nobody's", "", "RFC 9110 §15.5.5", None, 404, _line("POST /municipality/2 HTTP/1.1")
    ),
    WireCase(
        "a path that climbs",
        "",
        "RFC 3986 §5.2.4",
        None,
        404,
        _line("POST /municipality/1/../../etc/passwd HTTP/1.1"),
    ),
    WireCase("a path with a null", "", "RFC 3986 §2.1", None, 404, _line("POST /municipality/1%00 HTTP/1.1")),
)


def _changed(name: str, code: Code, status: int, **otherwise: Any) -> Case:  # noqa: ANN401  fields of HttpRequest
    """A letter in a request that is none for a service."""
    clause = "RFC 9110 §9.1" if code is Code.HTTP_METHOD else "RFC 9110 §8.3"
    case = sent(name, VERIFIED, clause, code, lambda door: replace(letter(door), **otherwise))
    return replace(case, status=status)


CASES: tuple[Case, ...] = (
    *(
        _changed(f"the method {method}", Code.HTTP_METHOD, 405, method=method)
        for method in ("GET", "PUT", "DELETE", "PATCH")
    ),
    _changed("no content type", Code.HTTP_CONTENT_TYPE, 415, headers={}),
)


@pytest.mark.parametrize("case", WIRE_CASES, ids=str)
def test_a_request_that_could_be_read_in_two_ways_or_without_end_is_refused(
    wire: Wire, case: WireCase
) -> None:
    wire.withstands(case)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_request_that_is_none_for_a_service_is_refused(door: Door, case: Case) -> None:
    door.withstands(case)


def test_a_letter_in_chunks_is_no_attack(wire: Wire) -> None:
    answer = wire.say(_chunked(chunks=_in_chunks)(wire.door))
    assert answer.startswith(b"HTTP/1.1 200 ")

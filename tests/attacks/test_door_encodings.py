"""One encoding, and no character that a reader does not see or that turns what he sees around."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from gateway.domain.catalogue import Code
from gateway.interfaces.http import HttpRequest
from tests.attacks.door import Case, Door
from tests.attacks.pens import by_hand, headed, letter, mtom, rewritten, sent

UTF8, VISIBLE = "xmlcore.octets:_require_utf8", "xmlcore.octets:_require_visible_characters"
REFERENCES = "xmlcore.octets:_require_plain_references"
TREE, VERSION = "xmlcore.parse:_tree", "protocol.soap:_version"
ENCODING, FORBIDDEN, MALFORMED = Code.XML_ENCODING, Code.XML_FORBIDDEN, Code.XML_MALFORMED
SEEN = "threat model, SOAP services, T: hidden characters"


def _encoded(
    name: str, clause: str, encode: Callable[[str], bytes], code: Code = ENCODING, guard: str = UTF8
) -> Case:
    """The same message in another encoding."""

    def bad(door: Door) -> HttpRequest:
        request = letter(door)
        return replace(request, body=encode(request.body.decode()))

    return sent(name, guard, clause, code, bad)


def _declared(name: str, clause: str, declaration: str, code: Code = ENCODING) -> Case:
    """The message begins with another XML declaration."""

    def bad(door: Door) -> HttpRequest:
        request = by_hand(door)
        return replace(request, body=declaration.encode() + request.body)

    return sent(name, UTF8, clause, code, bad, by_hand)


def _typed(name: str, content_type: str) -> Case:
    """The Content-Type says another encoding than the octets have."""
    return sent(
        name,
        VERSION,
        "RFC 2045 §5.1",
        ENCODING,
        lambda door: replace(letter(door), headers={"content-type": content_type}),
    )


CASES = (
    _encoded("UTF-16 with a mark", "XML 1.0 §4.3.3", lambda text: text.encode("utf-16")),
    _encoded("UTF-16 without a mark", "XML 1.0 §4.3.3", lambda text: text.encode("utf-16-be")),
    _encoded("UTF-32", "XML 1.0 §4.3.3", lambda text: text.encode("utf-32")),
    _encoded(
        "UTF-7",
        "XML 1.0 §4.3.3",
        lambda text: text.encode("utf-7"),
        Code.SIGNATURE_SHAPE,
        "xmlcore.shape:base64_octets",
    ),
    _encoded("EBCDIC", "XML 1.0 §4.3.3", lambda text: text.encode("cp037", "replace"), FORBIDDEN, VISIBLE),
    _encoded(
        "Latin-1 that is called UTF-8",
        "XML 1.0 §4.3.3",
        lambda text: text.encode("latin-1", "replace"),
        ENCODING,
        TREE,
    ),
    _declared("a declared Latin-1", "XML 1.0 §4.3.3", '<?xml version="1.0" encoding="ISO-8859-1"?>'),
    _declared("a declared UTF-7", "XML 1.0 §4.3.3", '<?xml version="1.0" encoding="UTF-7"?>'),
    _declared("version 1.1", "XML 1.0 §2.8", '<?xml version="1.1"?>', FORBIDDEN),
    _declared("a declaration without version", "XML 1.0 §2.8", '<?xml encoding="UTF-8"?>', MALFORMED),
    _declared(
        "an encoding that stands twice",
        "XML 1.0 §2.8",
        '<?xml version="1.0" encoding="UTF-8" encoding="UTF-7"?>',
        MALFORMED,
    ),
    _typed("a content type of Latin-1", "text/xml; charset=iso-8859-1"),
    _typed("a content type of UTF-16", 'text/xml; charset="utf-16"'),
    rewritten(
        "an MTOM root of Latin-1",
        "protocol.soap:unpack",
        "XOP §4.1",
        ENCODING,
        b"charset=UTF-8; type",
        b"charset=latin1; type",
        mtom,
    ),
    headed("an octet that is no UTF-8", TREE, "XML 1.0 §4.3.3", ENCODING, b"<x>\xff</x>"),
    headed("an overlong form", TREE, "XML 1.0 §4.3.3", ENCODING, b"<x>\xc0\xbc</x>"),
    headed("a surrogate", TREE, "XML 1.0 §4.3.3", ENCODING, b"<x>\xed\xa0\x80</x>"),
    headed("a null", UTF8, "XML 1.0 §2.2", ENCODING, b"<x>\x00</x>"),
    headed("a reference to a null", TREE, "XML 1.0 §4.1", MALFORMED, "<x>&#0;</x>"),
    headed("a reference to an escape", REFERENCES, "XML 1.0 §2.2", FORBIDDEN, "<x>&#x1B;[31m</x>"),
    headed("a reference to a surrogate", REFERENCES, "XML 1.0 §2.2", FORBIDDEN, "<x>&#xD800;</x>"),
    headed("text from right to left", VISIBLE, SEEN, FORBIDDEN, "<x>a\u202eb</x>"),
    headed("a reference to text from right to left", REFERENCES, SEEN, FORBIDDEN, "<x>a&#x202E;b</x>"),
    headed("a space of no width", VISIBLE, SEEN, FORBIDDEN, "<x>1111\u200b1111</x>"),
    headed("a byte order mark in a value", VISIBLE, SEEN, FORBIDDEN, "<x>\ufeff1</x>"),
    headed("a tag character", VISIBLE, SEEN, FORBIDDEN, "<x>a\U000e0041</x>"),
    headed("a C1 control character", VISIBLE, SEEN, FORBIDDEN, "<x>\x9b31m</x>"),
)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_another_encoding_or_a_hidden_character_is_refused(door: Door, case: Case) -> None:
    door.withstands(case)


def test_a_byte_order_mark_before_the_message_is_no_attack(door: Door) -> None:
    request = letter(door)
    door.passes(replace(request, body=b"\xef\xbb\xbf" + request.body))
    answer = door.ask(replace(letter(door), body=b"\xef\xbb\xbf\xef\xbb\xbf" + letter(door).body))
    assert answer.error is not None
    assert answer.error.code is FORBIDDEN

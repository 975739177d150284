"""XML made to be read in two ways, or to cost time and memory, is refused before anybody reads it."""

from __future__ import annotations

import pytest

from gateway.domain.catalogue import Code
from tests.attacks.door import Case, Door
from tests.attacks.pens import headed, rewritten

OCTETS, PARSE = "xmlcore.octets", "xmlcore.parse"
BOUNDS = "threat model, SOAP services, D: XML bombs"
LARGE = Code.XML_TOO_LARGE


def _nested(levels: int, attributes: str = "") -> str:
    return "".join(f"<x{attributes.format(level=level)}>" for level in range(levels)) + "</x>" * levels


def _declared(count: int, first: int = 0) -> str:
    return "".join(f' xmlns:n{first + number}="urn:x"' for number in range(count))


CASES = (
    headed(
        "one octet too many",
        f"{OCTETS}:require_acceptable",
        BOUNDS,
        LARGE,
        b"<x>" + b"y" * 6_000_000 + b"</x><x>" + b"y" * 6_000_000 + b"</x>",
    ),
    headed("many elements", f"{OCTETS}:_require_bounds", f"{BOUNDS}, elements", LARGE, "<x/>" * 20_001),
    headed(
        "many attributes",
        f"{OCTETS}:_require_bounds",
        f"{BOUNDS}, attributes",
        LARGE,
        "<x" + "".join(f' a{number}=""' for number in range(33)) + "/>",
    ),
    headed(
        "many declarations",
        f"{OCTETS}:_require_bounds",
        f"{BOUNDS}, namespaces",
        LARGE,
        f"<x{_declared(25)}/>",
    ),
    headed("deep elements", f"{PARSE}:_require_tree", f"{BOUNDS}, depth", LARGE, _nested(63)),
    headed("very deep elements", f"{PARSE}:_tree", f"{BOUNDS}, depth", LARGE, _nested(9_000)),
    headed(
        "many declarations in scope",
        f"{PARSE}:_require_few_namespaces_in_scope",
        f"{BOUNDS}, namespaces in scope",
        LARGE,
        "".join(f"<x{_declared(24, 24 * level)}>" for level in range(6)) + "</x>" * 6,
    ),
    headed(
        "many comments",
        f"{OCTETS}:_require_plain_markup",
        f"{BOUNDS}, comments",
        LARGE,
        "<x><y/>" + "<!---->" * 101 + "</x>",
    ),
    headed(
        "many references",
        f"{OCTETS}:_require_plain_references",
        f"{BOUNDS}, references",
        LARGE,
        b"<x>" + b"&#65;" * 2_300_000 + b"</x>",
    ),
    headed(
        "many different references",
        f"{OCTETS}:_require_plain_references",
        f"{BOUNDS}, references",
        LARGE,
        "<x>" + "".join(f"&#{number};" for number in range(0x4E00, 0x4E00 + 20_001)) + "</x>",
    ),
    headed(
        "many CDATA sections",
        f"{OCTETS}:_require_plain_markup",
        f"{BOUNDS}, CDATA sections",
        LARGE,
        b"<x>" + b"<![CDATA[]]>" * 950_000 + b"</x>",
    ),
    headed(
        "a text of more than ten million octets",
        f"{PARSE}:_tree",
        f"{BOUNDS}, one text",
        LARGE,
        b"<x>" + b"y" * 10_500_000 + b"</x>",
    ),
    headed(
        "an attribute that stands twice",
        f"{PARSE}:_tree",
        "XML 1.0 §3.1",
        Code.XML_MALFORMED,
        '<x a="" a=""/>',
    ),
    headed("an element that never ends", f"{PARSE}:_tree", "XML 1.0 §3", Code.XML_MALFORMED, "<x>"),
    headed("a bare ampersand", f"{PARSE}:_tree", "XML 1.0 §2.4", Code.XML_MALFORMED, "<x>a & b</x>"),
    headed(
        "a comment that never ends",
        f"{OCTETS}:_require_plain_markup",
        "XML 1.0 §2.5",
        Code.XML_MALFORMED,
        "<!-- a",
    ),
    headed(
        "a CDATA section that never ends",
        f"{OCTETS}:_require_plain_markup",
        "XML 1.0 §2.7",
        Code.XML_MALFORMED,
        "<x><![CDATA[",
    ),
    headed(
        "a processing instruction",
        f"{OCTETS}:_require_plain_markup",
        "XML 1.0 §2.6",
        Code.XML_FORBIDDEN,
        '<?xml-stylesheet href="https://a.example/"?>',
    ),
    headed(
        "a comment in a value",
        f"{PARSE}:_require_no_comments_in_values",
        "XML Signature Best Practices §2.3",
        Code.XML_FORBIDDEN,
        "<x>11111111<!-- -->22222222</x>",
    ),
    headed(
        "a comment as the whole value",
        f"{PARSE}:_require_no_comments_in_values",
        "XML Signature Best Practices §2.3",
        Code.XML_FORBIDDEN,
        "<x><!-- --></x>",
    ),
    rewritten(
        "a second root",
        f"{PARSE}:_tree",
        "XML 1.0 §2.1",
        Code.XML_MALFORMED,
        b"</soap:Envelope>",
        b"</soap:Envelope><x/>",
    ),
    rewritten(
        "the end cut off",
        f"{PARSE}:_tree",
        "XML 1.0 §2.1",
        Code.XML_MALFORMED,
        b"</soap:Body></soap:Envelope>",
        b"",
    ),
    headed(
        "a control character",
        f"{OCTETS}:_require_no_controls",
        "XML 1.0 §2.2",
        Code.XML_FORBIDDEN,
        b"<x>\x1b[31m</x>",
    ),
    headed(
        "a delete character",
        f"{OCTETS}:_require_no_controls",
        "XML 1.0 §2.2",
        Code.XML_FORBIDDEN,
        b"<x>\x7f</x>",
    ),
)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_xml_that_is_no_plain_xml_is_refused(door: Door, case: Case) -> None:
    door.withstands(case)

"""What the one parser accepts, what it makes of it, and where each of its limits lies."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from lxml import etree

from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError
from gateway.xmlcore.c14n import exclusive
from gateway.xmlcore.parse import DOCUMENT_LIMITS, Limits, parse

PLAIN = '<Note xmlns="urn:dk:bropost:document:1">Alma Prøvesen</Note>'.encode()


def refusal(octets: bytes, limits: Limits = DOCUMENT_LIMITS) -> InputError:
    with pytest.raises(InputError) as refused:
        parse(octets, limits)
    return refused.value


@pytest.mark.parametrize(
    "octets",
    [
        b"\xef\xbb\xbf" + PLAIN,
        b'<?xml version="1.0"?>' + PLAIN,
        b"<?xml version='1.0' encoding='utf-8' ?>\r\n" + PLAIN,
        b'\xef\xbb\xbf<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n' + PLAIN,
        b"<!-- from the case system -->" + PLAIN + b"\n<!-- end -->\n",
        PLAIN.replace(b"Alma ", b"<![CDATA[Alma ]]>"),
        PLAIN.replace(b"Alma", b"&#65;lma"),
        PLAIN.replace(b"Note xmlns", b"Note\n   xmlns").replace(b"</Note>", b"</Note  >"),
        PLAIN.replace(b'"', b"'"),
    ],
)
def test_what_means_the_same_is_the_same(octets: bytes) -> None:
    assert exclusive(parse(octets)) == exclusive(parse(PLAIN))


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (b"<a><![CDATA[<!DOCTYPE x> <?x?> &amp; <!-- x -->]]></a>", "<!DOCTYPE x> <?x?> &amp; <!-- x -->"),
        (b"<a>&lt;!DOCTYPE x&gt;</a>", "<!DOCTYPE x>"),
        ("<a>– “Prøv!” ½ § € \u00a0 ☎ 😀</a>".encode(), "– “Prøv!” ½ § € \u00a0 ☎ 😀"),
        ("<a>Å e\u0301 \ufe0f \ufffd</a>".encode(), "Å e\u0301 \ufe0f \ufffd"),
        (b"<a>1\r\n2\r3&#13;&#9;&#10;</a>", "1\n2\n3\r\t\n"),
        (b"<a>" + b"=" * 100 + b"?!&amp;</a>", "=" * 100 + "?!&"),
        (b"<a>see xmlns and xml:base or xmlns:x</a>", "see xmlns and xml:base or xmlns:x"),
    ],
)
def test_ordinary_text_arrives_as_it_was_written(octets: bytes, text: str) -> None:
    assert parse(octets).text == text


def test_comments_between_elements_stay_and_change_nothing() -> None:
    root = parse(b"<a><!-- x -->\n<b>1</b><!-- y --></a>")
    assert [child.tag for child in root] == [etree.Comment, "b", etree.Comment]
    assert exclusive(root) == b"<a>\n<b>1</b></a>"


def test_schema_hints_and_types_are_left_to_the_schema() -> None:
    xsi = "http://www.w3.org/2001/XMLSchema-instance"
    root = parse(
        f'<a xmlns:xsi="{xsi}" xsi:schemaLocation="urn:a file:///etc/passwd" xsi:nil="true"/>'.encode()
    )
    assert root.get(f"{{{xsi}}}nil") == "true"


def test_the_line_of_a_fault_is_told() -> None:
    assert refusal(b"<a>\n<b>\n</a>").facts == {"line": 3}
    assert refusal(b"<a>\n<?x?></a>").facts == {"what": "a processing instruction", "line": 2}


def test_an_undeclared_namespace_is_allowed_where_it_is_the_default() -> None:
    assert parse(b'<a xmlns="urn:a"><b xmlns=""/></a>')[0].tag == "b"


@pytest.mark.parametrize(
    ("limits", "what", "within", "beyond"),
    [
        (Limits(octets=20), "octets", b"<a>" + b"x" * 13 + b"</a>", b"<a>" + b"x" * 14 + b"</a>"),
        (Limits(depth=3), "depth", b"<a><b><c/></b></a>", b"<a><b><c><d/></c></b></a>"),
        (Limits(elements=3), "elements", b"<a><b></b><c/></a>", b"<a><b/><c/><d/></a>"),
        (
            Limits(elements=3),
            "elements",
            b'<?xml version="1.0"?><!--x--><a><b></b><c/></a>',
            b'<?xml version="1.0"?><!--x--><a><b></b><c/><d/><e/></a>',
        ),
        (
            Limits(attributes=2, namespaces=1),
            "attributes of one element",
            b"<a x='1' y=\"2\" xmlns='urn:a'/>",
            b"<a x='1' y=\"2\" z='>' xmlns='urn:a'/>",
        ),
        (
            Limits(attributes=2, namespaces=1),
            "namespace declarations of one element",
            b"<a xmlns:x='urn:x' x:y='1' x:z='2'/>",
            b"<a xmlns:x='urn:x' xmlns='urn:a' x:y='1'/>",
        ),
        (
            Limits(namespaces_in_scope=2),
            "namespaces in scope of one element",
            b"<a xmlns='urn:a'><b xmlns='urn:b'/><c xmlns='urn:c'/><d xmlns='urn:d'/></a>",
            b"<a xmlns='urn:a'><b xmlns='urn:b'><c xmlns='urn:c'/></b></a>",
        ),
        (
            Limits(cdata_sections=1),
            "CDATA sections",
            b"<a><![CDATA[x]]></a>",
            b"<a><![CDATA[x]]><![CDATA[y]]></a>",
        ),
        (Limits(references=2), "character references", b"<a>&#65;&#65;&amp;</a>", b"<a>&#65;&#x42;&#65;</a>"),
        (Limits(comments=1), "comments", b"<a><b/><!--x--></a>", b"<a><b/><!--x--></a><!--y-->"),
    ],
)
def test_each_limit_is_exact(limits: Limits, what: str, within: bytes, beyond: bytes) -> None:
    parse(within, limits)
    error = refusal(beyond, limits)
    assert error.code is Code.XML_TOO_LARGE
    assert error.facts["what"] == what


def test_many_equal_signs_in_a_text_are_no_attributes() -> None:
    parse(b"<a>" + b"=" * 1000 + b"</a>")
    parse(b'<a x="' + b"=" * 1000 + b'"/>')


def test_the_largest_text_is_ten_million_octets() -> None:
    assert len(parse(b"<a>" + b"x" * 10_000_000 + b"</a>").text or "") == 10_000_000
    assert refusal(b"<a>" + b"x" * 10_000_001 + b"</a>").code is Code.XML_TOO_LARGE


def test_threads_do_not_disturb_each_other() -> None:
    documents = [f"<a><b>{number}</b></a>".encode() for number in range(400)]
    with ThreadPoolExecutor(8) as pool:
        texts = [root[0].text for root in pool.map(parse, documents)]
    assert texts == [str(number) for number in range(400)]

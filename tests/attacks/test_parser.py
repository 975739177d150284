"""XML that means two things, hides something or costs too much: refused before anybody reads it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError
from gateway.xmlcore.parse import parse
from tests.attacks.bombs import BOMBS
from tests.attacks.wrapping import LETTER

TEXT = LETTER.decode()
NAME = "Alma Prøvesen"


def refusal(octets: bytes) -> InputError:
    parse(LETTER)
    assert octets != LETTER
    with pytest.raises(InputError) as refused:
        parse(octets)
    return refused.value


def with_name(name: str) -> bytes:
    """The letter with another name of its subject."""
    assert TEXT.count(NAME) == 1
    return TEXT.replace(NAME, name).encode()


# --- document types and entities (R8: a document that is read with a DTD is not the one that was signed) ------------


@pytest.mark.parametrize(
    "prologue",
    [
        "<!DOCTYPE Document>",
        "<!DOCTYPE Document []>",
        '<!DOCTYPE Document SYSTEM "http://127.0.0.1/letter.dtd">',
        '<!DOCTYPE Document SYSTEM "file:///etc/passwd">',
        '<!DOCTYPE Document PUBLIC "-//W3C//DTD XHTML 1.0//EN" "http://127.0.0.1/x.dtd">',
        '<!DOCTYPE Document [<!ENTITY name "Sofie">]>',
        '<!DOCTYPE Document [<!ENTITY name SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE Document [<!ENTITY % more SYSTEM "http://127.0.0.1/more.dtd"> %more;]>',
        '<!DOCTYPE Document [<!ATTLIST Document schemaVersion CDATA "9.9">]>',
        '<!DOCTYPE Document [<!ATTLIST Need xmlns CDATA "urn:other">]>',
        "<!DOCTYPE Document [<!ATTLIST Document Id ID #IMPLIED>]>",
        '<!DOCTYPE Document [<!NOTATION gif SYSTEM "gif">]>',
        "<!-- x --><!DOCTYPE Document>",
        "<!-- <![CDATA[ --><!DOCTYPE Document><!-- ]]> -->",
        '<?xml version="1.0"?><!DOCTYPE Document>',
        '<?xml version="1.0"?>\n\n  <!DOCTYPE Document>',
        "<!doctype Document>",
        '<!ENTITY name "Sofie">',
        "<!ELEMENT Document ANY>",
        "<!>",
        "<![INCLUDE[<!DOCTYPE Document>]]>",
    ],
)
def test_a_document_type_is_refused(prologue: str) -> None:
    assert refusal(prologue.encode() + LETTER).code is Code.XML_DOCTYPE


def test_a_processing_instruction_cannot_hide_a_document_type() -> None:
    assert refusal(b"<?x <!-- ?><!DOCTYPE Document><?x --> ?>" + LETTER).code is Code.XML_FORBIDDEN


@pytest.mark.parametrize("name", ["&name;", "&nbsp;", "&#xD800;", "&#0;", "&#x110000;", "&lt", "&#x;"])
def test_a_reference_to_nothing_is_refused(name: str) -> None:
    assert refusal(with_name(name)).code in {Code.XML_MALFORMED, Code.XML_FORBIDDEN}


@pytest.mark.parametrize(
    "octets",
    [
        b"<?xml-stylesheet href='http://127.0.0.1/x.xsl'?>" + LETTER,
        LETTER + b"<?x?>",
        with_name("<?x?>Alma Prøvesen"),
        b' <?xml version="1.0"?>' + LETTER,
    ],
)
def test_a_processing_instruction_is_refused(octets: bytes) -> None:
    error = refusal(octets)
    assert (error.code, error.facts["what"]) == (Code.XML_FORBIDDEN, "a processing instruction")


# --- encodings (XML 1.0 §4.3.3; two readers must not see two texts) -----------------------------------------------


@pytest.mark.parametrize(
    "encoding",
    ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "latin-1", "cp1252"],
)
def test_another_encoding_is_refused(encoding: str) -> None:
    text = TEXT.replace("–", "-")
    assert refusal(text.encode(encoding)).code is Code.XML_ENCODING


@pytest.mark.parametrize(
    "name",
    [
        "UTF-7",
        "UTF-16",
        "UTF-32",
        "ISO-8859-1",
        "windows-1252",
        "US-ASCII",
        "IBM037",
        "UTF8",
        "utf_8",
        "x-user",
    ],
)
def test_another_declared_encoding_is_refused(name: str) -> None:
    assert refusal(f'<?xml version="1.0" encoding="{name}"?>'.encode() + LETTER).code is Code.XML_ENCODING


@pytest.mark.parametrize(
    "damage", [b"\xff", b"\xc0\xbc", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80", b"\xc3", b"\x80"]
)
def test_damaged_utf8_is_refused(damage: bytes) -> None:
    assert refusal(LETTER.replace(b"Alma", b"Al" + damage + b"ma")).code is Code.XML_ENCODING


@pytest.mark.parametrize("octets", [LETTER.decode().encode("cp037", "replace"), b"+ADw-Document/+AD4-"])
def test_ebcdic_and_utf7_are_no_xml(octets: bytes) -> None:
    assert refusal(octets).code in {Code.XML_MALFORMED, Code.XML_FORBIDDEN, Code.XML_ENCODING}


@pytest.mark.parametrize("version", ["1.1", "1.2", "2.0"])
def test_another_version_is_refused(version: str) -> None:
    assert refusal(f'<?xml version="{version}"?>'.encode() + LETTER).code is Code.XML_FORBIDDEN


@pytest.mark.parametrize(
    "declaration",
    [
        "<?xml?>",
        "<?xml encoding='utf-8'?>",
        "<?xml version='1.0' encoding=utf-8?>",
        "<?xml version='1.0' x='y'?>",
    ],
)
def test_a_damaged_declaration_is_refused(declaration: str) -> None:
    assert refusal(declaration.encode() + LETTER).code in {Code.XML_MALFORMED, Code.XML_FORBIDDEN}


# --- characters that are not seen --------------------------------------------------------------------------------

HIDDEN = [
    *range(0x80, 0xA0, 7),
    0x7F,
    0x061C,
    0x180E,
    *range(0x200B, 0x2010),
    *range(0x2028, 0x202F),
    *range(0x2060, 0x2070),
    0xFEFF,
    *range(0xFFF9, 0xFFFC),
    0xE0001,
    0xE0041,
    0xE007F,
]


@pytest.mark.parametrize("number", HIDDEN, ids=hex)
def test_a_hidden_character_is_refused_however_it_is_written(number: int) -> None:
    assert refusal(with_name(f"Alma{chr(number)}Prøvesen")).code is Code.XML_FORBIDDEN
    assert refusal(with_name(f"Alma&#x{number:x};Prøvesen")).code is Code.XML_FORBIDDEN
    assert refusal(with_name(f"Alma&#000{number};Prøvesen")).code is Code.XML_FORBIDDEN
    in_attribute = TEXT.replace('number="1"', f'number="1{chr(number)}"').encode()
    assert refusal(in_attribute).code is Code.XML_FORBIDDEN


@pytest.mark.parametrize("number", [1, 8, 0x0B, 0x0C, 0x0E, 0x1F], ids=hex)
def test_a_control_character_is_refused_however_it_is_written(number: int) -> None:
    assert refusal(with_name(f"Alma{chr(number)}Prøvesen")).code is Code.XML_FORBIDDEN
    assert refusal(with_name(f"Alma&#{number};Prøvesen")).code is Code.XML_FORBIDDEN


@pytest.mark.parametrize("number", [0xFFFE, 0xFFFF], ids=hex)
def test_a_character_that_is_none_is_refused(number: int) -> None:
    assert refusal(with_name(f"Alma{chr(number)}")).code is Code.XML_FORBIDDEN
    assert refusal(with_name(f"Alma&#x{number:x};")).code is Code.XML_FORBIDDEN


def test_the_error_names_the_hidden_character_and_its_line() -> None:
    error = refusal(with_name("Alma\u202eProvesen"))
    assert error.facts == {"what": "the hidden character U+202E", "line": 6}


# --- comments in values (R8: text is cut at a comment) -------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "Alma<!-- x --> Prøvesen",
        "<!-- x -->Alma Prøvesen",
        "Alma Prøvesen<!-- x -->",
        "<!-- x -->",
        " <!-- x --> ",
    ],
)
def test_a_comment_in_a_value_is_refused(name: str) -> None:
    error = refusal(with_name(name))
    assert (error.code, error.facts["what"]) == (Code.XML_FORBIDDEN, "a comment in a value")


# --- namespaces (Canonical XML 1.0 §1.3; Namespaces in XML 1.0) ----------------------------------------------------


@pytest.mark.parametrize(
    "declaration",
    [
        'xmlns:x="relative"',
        "xmlns:x = '../up'",
        'xmlns:x="#x"',
        'xmlns:x="urn:a b"',
        'xmlns:x="?x"',
        'xmlns:x="//a/b"',
    ],
)
def test_a_namespace_that_is_no_absolute_uri_is_refused(declaration: str) -> None:
    octets = TEXT.replace("<Header>", f"<Header {declaration}>").encode()
    assert refusal(octets).code is Code.XML_FORBIDDEN


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<Header>", '<Header xmlns:x="">'),
        ("<Header>", "<Header x:y='1'>"),
        ("<Header>", '<Header xmlns:xml="urn:x">'),
        ("<Header>", '<Header xmlns:xmlns="urn:x">'),
        ("<Header>", '<Header xmlns:x="http://www.w3.org/XML/1998/namespace">'),
        ("<Header>", '<Header xmlns:x="http://www.w3.org/2000/xmlns/">'),
        ("<Header>", '<Header xmlns:x="urn:x" xmlns:y="urn:x" x:a="1" y:a="2">'),
        ("<Header>", '<Header a="1" a="2">'),
        ("<Header>", "<Header><x:y/>"),
        ("<Header>", "<Header><:y/>"),
        ("<Header>", "<Header><a:b:c xmlns:a='urn:a'/>"),
        ("<Header>", "<Header xmlns='urn:x' xmlns='urn:y'>"),
    ],
)
def test_names_that_contradict_each_other_are_refused(old: str, new: str) -> None:
    assert TEXT.count(old) == 1
    assert refusal(TEXT.replace(old, new).encode()).code in {Code.XML_MALFORMED, Code.XML_FORBIDDEN}


def test_xml_base_is_refused() -> None:
    octets = TEXT.replace("<Header>", '<Header xml:base="http://127.0.0.1/">').encode()
    assert refusal(octets).code is Code.XML_FORBIDDEN


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b" ",
        b"\xef\xbb\xbf",
        b"letter",
        LETTER[:-3],
        LETTER + b"x",
        LETTER + b"<a/>",
        b"<a><b></a></b>",
        b"<a/",
    ],
)
def test_incomplete_xml_is_refused(octets: bytes) -> None:
    assert refusal(octets).code is Code.XML_MALFORMED


# --- cost (R9) ---------------------------------------------------------------------------------------------------


def test_every_bomb_is_refused_within_a_second_and_bounded_memory() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "tests.attacks.bombs"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        timeout=120,
        check=True,
    )
    measured = json.loads(run.stdout)
    assert {name: code for name, (code, _) in measured.items()} == {
        name: code for name, (code, _) in BOMBS.items()
    }
    assert {name: seconds for name, (_, seconds) in measured.items() if seconds > 1} == {}

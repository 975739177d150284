"""A document type, in whatever disguise, is refused before a parser sees it: nothing is expanded, nothing fetched."""

from __future__ import annotations

import pytest

from gateway.domain.catalogue import Code
from tests.attacks.door import Case, Door
from tests.attacks.pens import headed, rewritten

MARKUP, TREE = "xmlcore.octets:_require_plain_markup", "xmlcore.parse:_tree"
ENVELOPE = b"<soap:Envelope"
LAUGHS = '<!ENTITY a "ha">' + "".join(f'<!ENTITY a{n} "{f"&a{n - 1 or str()};" * 10}">' for n in range(1, 30))


def _before(name: str, clause: str, doctype: str) -> Case:
    """A document type stands before the envelope."""
    return rewritten(name, MARKUP, clause, Code.XML_DOCTYPE, ENVELOPE, doctype.encode() + ENVELOPE)


CASES = (
    _before("a bare document type", "XML 1.0 §2.8", "<!DOCTYPE x>"),
    _before(
        "an entity of a file", "XML 1.0 §4.2.2", '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
    ),
    _before(
        "an entity of the network",
        "XML 1.0 §4.2.2",
        '<!DOCTYPE x [<!ENTITY a SYSTEM "http://127.0.0.1:1/">]>',
    ),
    _before("an external subset", "XML 1.0 §2.8", '<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd">'),
    _before(
        "a public identifier", "XML 1.0 §4.2.2", '<!DOCTYPE x PUBLIC "-//W3C//DTD XHTML 1.0//EN" "x.dtd">'
    ),
    _before("a parameter entity", "XML 1.0 §4.1", '<!DOCTYPE x [<!ENTITY % a SYSTEM "file:///x"> %a;]>'),
    _before("entities that grow without bound", "XML 1.0 §4.4", f"<!DOCTYPE x [{LAUGHS}]>"),
    _before("a large entity", "XML 1.0 §4.4", f'<!DOCTYPE x [<!ENTITY a "{"y" * 1_000_000}">]>'),
    _before("a default attribute", "XML 1.0 §3.3.2", '<!DOCTYPE x [<!ATTLIST x Id CDATA "B">]>'),
    _before("an attribute of type ID", "XML 1.0 §3.3.1", "<!DOCTYPE x [<!ATTLIST x a ID #IMPLIED>]>"),
    _before("a notation", "XML 1.0 §4.7", '<!DOCTYPE x [<!NOTATION a SYSTEM "x">]>'),
    _before("a document type behind a comment", "XML 1.0 §2.8", "<!-- > --><!DOCTYPE x>"),
    headed("a document type in the middle", MARKUP, "XML 1.0 §2.8", Code.XML_DOCTYPE, "<!DOCTYPE x>"),
    headed("a declaration of its own", MARKUP, "XML 1.0 §4.2", Code.XML_DOCTYPE, '<!ENTITY a "b">'),
    headed("a lower-case document type", MARKUP, "XML 1.0 §2.8", Code.XML_DOCTYPE, "<!doctype x>"),
    headed("an entity that nobody declared", TREE, "XML 1.0 §4.1", Code.XML_MALFORMED, "<x>&a;</x>"),
    headed("an entity of HTML", TREE, "XML 1.0 §4.6", Code.XML_MALFORMED, "<x>&oslash;</x>"),
)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_document_type_is_refused(door: Door, case: Case) -> None:
    door.withstands(case)

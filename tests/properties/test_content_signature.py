"""Whatever is done to a signed document: it is refused, or what is read is just what was signed."""

from __future__ import annotations

import copy

from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.crypto.xades import content_digest, sign
from gateway.domain.errors import BropostError
from gateway.xmlcore.namespaces import DOCUMENT, DS, XADES, tag
from gateway.xmlcore.parse import parse
from tests.attacks.wrapping import AT, LETTER, SIGNER, canonical, golden, read
from tests.pki import development_pki, signing_key

CONTENT = canonical(parse(LETTER))
TREE = etree.fromstring(golden())
COUNT = sum(1 for _ in TREE.iter())
NAMES = [
    *{str(element.tag) for element in TREE.iter()},
    tag(XADES, "UnsignedProperties"),
    tag(DS, "Manifest"),
    tag(DOCUMENT, "Attachments"),
    "Document",
]
PIECES = st.sampled_from(
    [
        b"<",
        b">",
        b"</",
        b"/>",
        b'"',
        b"&amp;",
        b"&#13;",
        b"<!-- x -->",
        b"<![CDATA[x]]>",
        b"<?x?>",
        b"<!DOCTYPE Document>",
        b' xmlns="urn:x"',
        b' xmlns:ds="urn:x"',
        b' Id="SignedProperties"',
        b"\n",
        b" ",
        b"\x00",
        b"\xff",
        "æ".encode(),
        b"<ds:Signature/>",
    ]
)


def judge(octets: bytes) -> None:
    """The property itself: refused by a word of the catalogue, or the content as it was signed and by whom."""
    try:
        content = read(octets)
    except BropostError:
        return
    assert canonical(content.root) == CONTENT
    assert content.certificate.certificate == development_pki().certificate(SIGNER)
    assert content.digest == content_digest(parse(LETTER))
    assert content.signing_time == AT
    assert all(isinstance(node.tag, str) for node in content.root.iter())


@settings(max_examples=400, deadline=None, database=None)
@given(
    position=st.integers(0, len(golden())),
    removed=st.integers(0, 40),
    inserted=st.one_of(st.just(b""), st.binary(max_size=8), PIECES),
)
def test_changed_octets_are_refused_or_change_nothing(position: int, removed: int, inserted: bytes) -> None:
    octets = golden()
    judge(octets[:position] + inserted + octets[position + removed :])


@settings(max_examples=200, deadline=None, database=None)
@given(
    source=st.integers(0, len(golden())), length=st.integers(1, 2000), target=st.integers(0, len(golden()))
)
def test_octets_moved_or_doubled_are_refused_or_change_nothing(source: int, length: int, target: int) -> None:
    octets = golden()
    judge(octets[:target] + octets[source : source + length] + octets[target:])


@st.composite
def changes(draw: st.DrawFn) -> etree._Element:
    """A copy of the signed tree with one to three changes to its elements."""
    root = copy.deepcopy(TREE)
    for _ in range(draw(st.integers(1, 3))):
        elements = list(root.iter("*"))
        one, other = draw(st.sampled_from(elements)), draw(st.sampled_from(elements))
        parent = one.getparent()
        change = draw(
            st.sampled_from(["copy", "move", "remove", "rename", "attribute", "text", "tail", "comment"])
        )
        if change == "copy":
            other.insert(draw(st.integers(0, len(other))), copy.deepcopy(one))
        elif change == "move" and one not in other.iterancestors() and one is not other:
            other.insert(draw(st.integers(0, len(other))), one)
        elif change == "remove" and parent is not None:
            parent.remove(one)
        elif change == "rename":
            one.tag = draw(st.sampled_from(NAMES))
        elif change == "attribute":
            name = draw(st.sampled_from(["Id", "ID", "id", "URI", "Algorithm", "Target", "Type", "number"]))
            value = draw(
                st.sampled_from(["", "SignedProperties", "#SignedProperties", "#Document", "1", DS + "sha1"])
            )
            one.set(name, value)
        elif change == "text":
            one.text = draw(st.sampled_from([None, "", " ", "x", "11111111", "AAAA"]))
        elif change == "tail" and parent is not None:
            one.tail = draw(st.sampled_from([None, " ", "x"]))
        elif change == "comment":
            one.insert(0, etree.Comment("x"))
    return root


@settings(max_examples=400, deadline=None, database=None)
@given(root=changes())
def test_a_changed_tree_is_refused_or_changes_nothing(root: etree._Element) -> None:
    judge(etree.tostring(root.getroottree(), encoding="utf-8"))


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cf", "Cs", "Zl", "Zp", "Cn", "Co")))


@settings(max_examples=100, deadline=None, database=None)
@given(texts=st.lists(TEXTS, max_size=5), value=TEXTS)
def test_every_document_is_read_back_as_it_was_signed(texts: list[str], value: str) -> None:
    document = etree.Element(tag(DOCUMENT, "Document"), {"schemaVersion": value}, nsmap={None: DOCUMENT})
    for text in texts:
        etree.SubElement(document, tag(DOCUMENT, "Note")).text = text
    content = read(sign(document, signing_key("eksempelby-esdh-p256"), AT))
    assert canonical(content.root) == canonical(document)

"""Exact shapes: an element is read only if it holds just what it may hold."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from lxml import etree

from gateway.domain.catalogue import Code
from gateway.domain.errors import TrustError
from gateway.xmlcore.namespaces import WSU, tag
from gateway.xmlcore.parse import parse
from gateway.xmlcore.shape import base64_octets, children, index_ids, required, text

WSU_ID = tag(WSU, "Id")


def refused(call: Callable[[], object]) -> None:
    with pytest.raises(TrustError) as error:
        call()
    assert error.value.code is Code.SIGNATURE_SHAPE


def test_children_stand_alone() -> None:
    assert [child.tag for child in children(parse(b"<a>\r\n <b/>\t<c/> </a>"))] == ["b", "c"]
    assert children(parse(b'<a x="1"/>'), attributes=("x", "y")) == []
    for octets in (
        b"<a>x<b/></a>",
        b"<a><b/>x</a>",
        b"<a><b/><!-- x --></a>",
        b'<a x="1"/>',
        b"<a>\xc2\xa0<b/></a>",
    ):
        refused(lambda octets=octets: children(parse(octets)))  # type: ignore[misc]


def test_a_value_has_no_children_and_no_other_attributes() -> None:
    assert text(parse(b'<a x="1"> 1 </a>'), attributes=("x",)) == " 1 "
    assert text(parse(b"<a/>")) == ""
    refused(lambda: text(parse(b"<a>1<b/></a>")))
    refused(lambda: text(parse(b'<a x="1">1</a>')))
    comment = etree.Element("a")
    comment.append(etree.Comment("x"))
    refused(lambda: text(comment))


def test_base64_is_exact_but_for_white_space() -> None:
    assert base64_octets(parse(b"<a> QU\nJD </a>")) == b"ABC"
    for value in ("QUJ", "QUJD=", "QU=D", "QR==", "QUJDæ", "Q UJD!", "QU\u3000JD"):
        refused(lambda value=value: base64_octets(parse(f"<a>{value}</a>".encode())))  # type: ignore[misc]


def test_a_required_attribute_must_be_there() -> None:
    assert required(parse(b'<a x=""/>'), "x") == ""
    refused(lambda: required(parse(b"<a/>"), "x"))


def test_ids_are_resolved_once_by_the_allowed_names() -> None:
    root = parse(f'<a Id="A"><b xmlns:u="{WSU}" u:Id="B"/><c ID="C"/><d xml:id="D"/></a>'.encode())
    found = index_ids(root, ("Id", WSU_ID))
    assert {name: element.tag for name, element in found.items()} == {"A": "a", "B": "b"}
    assert found["B"] is root[0]
    with pytest.raises(TypeError):
        found["B"] = root  # type: ignore[index]


@pytest.mark.parametrize(
    "octets",
    [
        b'<a Id="A"><b Id="A"/></a>',
        b'<a Id="A"><b ID="A"/></a>',
        b'<a Id="A"><b xml:id="A"/></a>',
        b'<a Id="A" id="B"/>',
        f'<a Id="A" x:Id="B" xmlns:x="{WSU}"/>'.encode(),
        b'<a Id=""/>',
        b'<a Id="1"/>',
        b'<a Id="a:b"/>',
        b'<a Id=" A"/>',
        b'<a Id="' + b"A" * 257 + b'"/>',
    ],
)
def test_an_id_with_two_meanings_or_none_is_refused(octets: bytes) -> None:
    refused(lambda: index_ids(parse(octets), ("Id",)))

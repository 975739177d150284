"""Exclusive canonicalisation agrees with the recommendation, here written down a second time without lxml's C14N."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError
from gateway.xmlcore.c14n import exclusive
from gateway.xmlcore.parse import parse


def expected(
    element: etree._Element, inclusive: tuple[str, ...] = (), rendered: Mapping[str, str] | None = None
) -> str:
    """Exclusive XML Canonicalization 1.0 §3, read literally: slow and plain."""
    before = dict(rendered or {})
    in_scope = {prefix or "": uri for prefix, uri in element.nsmap.items()}
    used = {element.prefix or ""}
    attributes = []
    for name, value in element.items():
        qualified = etree.QName(name)
        if qualified.namespace == "http://www.w3.org/XML/1998/namespace":
            attributes.append((qualified.namespace, qualified.localname, f"xml:{qualified.localname}", value))
        elif qualified.namespace:
            prefix = _prefix_of_attribute(element, qualified)
            used.add(prefix)
            attributes.append(
                (qualified.namespace, qualified.localname, f"{prefix}:{qualified.localname}", value)
            )
        else:
            attributes.append(("", qualified.localname, qualified.localname, value))
    listed = {"" if prefix == "#default" else prefix for prefix in inclusive}
    declared = {}
    for prefix in sorted(used | (listed & (in_scope.keys() | before.keys()))):
        uri = in_scope.get(prefix, "")
        if before.get(prefix, "") != uri:
            declared[prefix] = uri
    name = f"{element.prefix}:" if element.prefix else ""
    name += etree.QName(element).localname
    tag = name + "".join(
        f' xmlns{":" if prefix else ""}{prefix}="{_attribute(uri)}"'
        for prefix, uri in sorted(declared.items())
    )
    tag += "".join(f' {shown}="{_attribute(value)}"' for _, _, shown, value in sorted(attributes))
    inner = _text(element.text)
    for child in element:
        inner += expected(child, inclusive, before | declared) if isinstance(child.tag, str) else ""
        inner += _text(child.tail)
    return f"<{tag}>{inner}</{name}>"


def _prefix_of_attribute(element: etree._Element, name: etree.QName) -> str:
    """The generated trees bind each namespace to one prefix only."""
    return next(prefix for prefix, uri in element.nsmap.items() if uri == name.namespace and prefix)


def _text(text: str | None) -> str:
    escaped = (text or "").replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return escaped.replace("\r", "&#xD;")


def _attribute(text: str) -> str:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    return escaped.replace("\t", "&#x9;").replace("\n", "&#xA;").replace("\r", "&#xD;")


PREFIXES = ["", "a", "b", "soap"]
TEXTS = st.sampled_from(["", " ", "x", "æ & < > \" '", "\r", "\n\t", "😀"])


@st.composite
def elements(draw: st.DrawFn, scope: tuple[str, ...] = (), depth: int = 0) -> str:
    """An element with declarations, attributes, texts, comments and children; prefix p is bound to urn:p."""
    declared = draw(st.sets(st.sampled_from(PREFIXES), max_size=3))
    undeclared = draw(st.booleans()) and "" not in declared
    now = tuple(sorted({*scope, *declared} - ({""} if undeclared else set())))
    prefix = draw(st.sampled_from(["", *(one for one in now if one)]))
    name = f"{prefix}:e" if prefix else "e"
    tag = name + "".join(
        f' xmlns{":" if one else ""}{one}="urn:{one or "default"}"' for one in sorted(declared)
    )
    tag += ' xmlns=""' if undeclared else ""
    for owner in draw(st.sets(st.sampled_from(["", *(one for one in now if one)]), max_size=3)):
        value = draw(TEXTS).replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
        value = value.replace("\r", "&#13;").replace("\n", "&#10;").replace("\t", "&#9;")
        tag += f' {owner}{":" if owner else ""}at="{value}"'
    if draw(st.booleans()):
        tag += ' xml:lang="da"'
    children = []
    if depth < 3:
        children = draw(st.lists(elements(now, depth + 1), max_size=3))
    inner = "".join(child + _text(draw(TEXTS)) for child in children)
    blank = draw(st.sampled_from(["", "<!-- x -->"])) if children and not inner.strip("\n\t ") else ""
    return f"<{tag}>{_text(draw(TEXTS)) if not blank else ''}{blank}{inner}</{name}>"


PREFIX_LISTS = st.lists(st.sampled_from(["a", "b", "soap", "other", "#default"]), max_size=4, unique=True)


@settings(max_examples=150, deadline=None, database=None)
@given(source=elements(), inclusive=PREFIX_LISTS.map(tuple))
def test_every_element_has_the_recommended_form(source: str, inclusive: tuple[str, ...]) -> None:
    # The parser learns of "#default" from the document, as in a message whose signature names it.
    document = f'<all list="#default">{source}</all>'
    for element in parse(document.encode()).iter("*"):
        assert exclusive(element, inclusive).decode() == expected(element, inclusive)


def test_the_text_after_an_element_does_not_belong_to_it() -> None:
    assert exclusive(parse(b"<a><b>1</b>after</a>")[0]) == b"<b>1</b>"


def test_an_element_takes_the_namespaces_in_scope_where_it_stands() -> None:
    root = parse(b'<s:e xmlns:s="urn:s" xmlns="urn:d" xmlns:x="urn:x" l="#default"><s:b><c/></s:b></s:e>')
    assert exclusive(root[0]) == b'<s:b xmlns:s="urn:s"><c xmlns="urn:d"></c></s:b>'
    assert exclusive(root[0], ("x",)) == b'<s:b xmlns:s="urn:s" xmlns:x="urn:x"><c xmlns="urn:d"></c></s:b>'
    assert exclusive(root[0], ("#default",)) == b'<s:b xmlns="urn:d" xmlns:s="urn:s"><c></c></s:b>'


def test_the_example_of_the_recommendation() -> None:
    """Exclusive XML Canonicalization 1.0 §2.2: the same element in two contexts has one form."""
    element = b'<n1:elem2 xmlns:n1="http://example.net" xml:lang="en"><n3:stuff xmlns:n3="ftp://example.org"/></n1:elem2>'
    pdu = (
        b'<n0:pdu xmlns:n0="http://a.example" xmlns:n1="http://b.example" xml:lang="fr">'
        + element
        + b"</n0:pdu>"
    )
    local = b'<n0:local xmlns:n0="foo:bar" xmlns:n3="ftp://example.org">' + element + b"</n0:local>"
    form = (
        b'<n1:elem2 xmlns:n1="http://example.net" xml:lang="en">'
        b'<n3:stuff xmlns:n3="ftp://example.org"></n3:stuff></n1:elem2>'
    )
    assert exclusive(parse(pdu)[0]) == exclusive(parse(local)[0]) == form


def test_canonical_octets_have_themselves_as_canonical_form() -> None:
    octets = exclusive(parse('<a b="1" xmlns="urn:a"><![CDATA[<&>]]>&#13;<c xmlns:p="urn:p"/>æ</a>'.encode()))
    assert exclusive(parse(octets)) == octets


def test_what_has_no_canonical_form_is_refused_and_never_empty() -> None:
    """An error that passes as empty octets would let anything be signed by the digest of nothing."""
    relative = etree.fromstring('<x:a xmlns:x="relative"/>')
    with pytest.raises(InputError) as refused:
        exclusive(relative)
    assert refused.value.code is Code.XML_FORBIDDEN

"""The only XML parser: octets in, a tree out that holds nothing that could surprise a reader or a signature.

Whatever two readers could understand differently is refused, not repaired: document types, entities, processing
instructions, other encodings, hidden characters, comments in values, relative namespaces.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from lxml import etree

from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError
from gateway.xmlcore.octets import DOCUMENT_LIMITS, Limits, require_acceptable, too_large

__all__ = ["DOCUMENT_LIMITS", "TEXT_OCTETS", "Limits", "parse"]

TEXT_OCTETS: Final = 10_000_000  # libxml2's XML_MAX_TEXT_LENGTH, in force because huge_tree stays off


def parse(octets: bytes, limits: Limits = DOCUMENT_LIMITS) -> etree._Element:
    """The root element of these untrusted octets, which are one complete document in UTF-8 XML 1.0.

    A byte order mark is tolerated; comments stay in the tree, between elements only; CDATA becomes plain text.
    InputError XML_TOO_LARGE, XML_ENCODING, XML_DOCTYPE, XML_FORBIDDEN or XML_MALFORMED.
    """
    octets = require_acceptable(octets, limits)
    root = _tree(octets, limits)
    _require_tree(root, limits)
    if b"!" in octets:
        _require_no_comments_in_values(root)
    if octets.count(b"xmlns") > limits.namespaces_in_scope:
        _require_few_namespaces_in_scope(root, limits)
    return root


def _tree(octets: bytes, limits: Limits) -> etree._Element:
    """The root element by lxml, with every option said; a parser for each call, so that threads share nothing."""
    parser: etree.XMLParser[etree._Element] = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        no_network=True,
        huge_tree=False,
        recover=False,
        collect_ids=False,
        strip_cdata=True,
        remove_comments=False,
        remove_pis=False,
        remove_blank_text=False,
        ns_clean=False,
    )
    try:
        if b"#default" in octets:
            # lxml drops a prefix of c14n's inclusive list that its dictionary of names lacks; this puts it there.
            etree.fromstring(b'<x xmlns:x="#default"/>', parser)
        return etree.fromstring(octets, parser)
    except etree.XMLSyntaxError as error:
        raise _refusal(error, octets, limits) from None


def _refusal(error: etree.XMLSyntaxError, octets: bytes, limits: Limits) -> InputError:
    """What the parser's error means; its words stay here, since they may quote the document."""
    words = error.msg or ""
    if "Excessive depth" in words:
        return too_large(limits.depth, "depth")
    if error.code in {etree.ErrorTypes.ERR_RESOURCE_LIMIT, etree.ErrorTypes.ERR_INTERNAL_ERROR}:
        return too_large(TEXT_OCTETS, "octets of one text")
    try:
        octets.decode("utf-8")
    except UnicodeDecodeError:
        return InputError(Code.XML_ENCODING)
    return InputError(Code.XML_MALFORMED, line=error.lineno or 0)


def _require_tree(root: etree._Element, limits: Limits) -> None:
    """Refuse what can only be seen in the tree: its depth, and a document type all the same."""
    document = root.getroottree().docinfo
    if document.internalDTD is not None or document.doctype:
        raise InputError(Code.XML_DOCTYPE)
    if _is_deeper_than(limits.depth)(root):
        raise too_large(limits.depth, "depth")


def _require_few_namespaces_in_scope(root: etree._Element, limits: Limits) -> None:
    """Refuse elements below very many declarations: canonicalisation looks at each one for each attribute."""
    in_scope = 0
    for event, _ in etree.iterwalk(root, events=("start-ns", "end-ns")):
        in_scope += 1 if event == "start-ns" else -1
        if in_scope > limits.namespaces_in_scope:
            raise too_large(limits.namespaces_in_scope, "namespaces in scope of one element")


def _require_no_comments_in_values(root: etree._Element) -> None:
    for comment in root.iter(etree.Comment):
        parent = comment.getparent()
        if parent is not None and not _holds_only_elements(parent):
            raise InputError(Code.XML_FORBIDDEN, what="a comment in a value", line=comment.sourceline or 0)


def _holds_only_elements(parent: etree._Element) -> bool:
    """Whether the element has element children and no text but white space between them."""
    texts = (parent.text, *(child.tail for child in parent))
    return any(isinstance(child.tag, str) for child in parent) and not any(
        text and text.strip() for text in texts
    )


@lru_cache(maxsize=8)
def _is_deeper_than(depth: int) -> etree.XPath:
    return etree.XPath(f"boolean({'/*' * (depth + 1)})")

"""Exclusive canonicalisation: the one form of an element that is digested and signed."""

from __future__ import annotations

from collections.abc import Sequence

from lxml import etree

from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError


def exclusive(element: etree._Element, inclusive_prefixes: Sequence[str] = ()) -> bytes:
    """The canonical octets of the element and what is in it, without comments and without the text after it.

    `inclusive_prefixes` are treated as in inclusive canonicalisation; "#default" names the default namespace. The
    element stays where it is and takes the namespaces in scope there. InputError XML_FORBIDDEN if the element has no
    canonical form: an error or an empty result must never pass as "nothing was signed".
    """
    # Exclusive XML Canonicalization 1.0 §3
    try:
        octets = etree.tostring(
            element,
            method="c14n",
            exclusive=True,
            with_comments=False,
            inclusive_ns_prefixes=list(inclusive_prefixes) or None,
        )
    except (etree.C14NError, ValueError):
        raise _no_canonical_form(element) from None
    if not octets:
        raise _no_canonical_form(element)
    return octets


def _no_canonical_form(element: etree._Element) -> InputError:
    return InputError(
        Code.XML_FORBIDDEN, what="an element without a canonical form", line=element.sourceline or 0
    )

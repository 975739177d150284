"""XML made to cost time or memory; run as a module, it measures what refusing each one costs."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType

from gateway.domain.errors import InputError
from gateway.xmlcore.parse import DOCUMENT_LIMITS, parse

MB = 1_000_000
MEMORY = 400 * MB  # address space of the measuring process: Python and its libraries take about half


def _namespaces_in_scope() -> bytes:
    """Costs 3 seconds of canonicalisation: each attribute's prefix is sought among all that are in scope."""
    levels = (
        b"<b "
        + b" ".join(b'xmlns:p%d="urn:p%d" p%d:x=""' % ((i + 24 * level,) * 3) for i in range(24))
        + b">"
        for level in range(60)
    )
    leaf = b"<c " + b" ".join(b'p%d:x=""' % i for i in range(24)) + b"/>"
    return b"".join(levels) + leaf * 19_000 + b"</b>" * 60


BOMBS: Mapping[str, tuple[str, Callable[[], bytes]]] = MappingProxyType(
    {
        "100,000 attributes": (
            "XML_TOO_LARGE",
            lambda: b"<a " + b" ".join(b'a%d=""' % i for i in range(100_000)) + b"/>",
        ),
        "100,000 namespace declarations": (
            "XML_TOO_LARGE",
            lambda: b"<a " + b" ".join(b'xmlns:a%d="urn:a"' % i for i in range(100_000)) + b"/>",
        ),
        "33 attributes": (
            "XML_TOO_LARGE",
            lambda: b"<a " + b" ".join(b'a%d=""' % i for i in range(33)) + b"/>",
        ),
        "25 namespace declarations": (
            "XML_TOO_LARGE",
            lambda: b"<a " + b" ".join(b'xmlns:a%d="urn:a"' % i for i in range(25)) + b"/>",
        ),
        "1,440 namespaces in scope of 19,000 elements": ("XML_TOO_LARGE", _namespaces_in_scope),
        "12 MB of attributes": (
            "XML_TOO_LARGE",
            lambda: b"<a " + b" ".join(b'a%d=""' % i for i in range(1_000_000)) + b"/>",
        ),
        "12 MB of damaged attributes": ("XML_MALFORMED", lambda: b"<a " + b"a=" * 5_900_000 + b"/>"),
        "3 million elements": ("XML_TOO_LARGE", lambda: b"<a>" + b"<b/>" * 2_900_000 + b"</a>"),
        "depth of 65": ("XML_TOO_LARGE", lambda: b"<a>" * 65 + b"</a>" * 65),
        "depth of 300": ("XML_TOO_LARGE", lambda: b"<a>" * 300 + b"</a>" * 300),
        "depth of 1.5 million": ("XML_TOO_LARGE", lambda: b"<a>" * 1_500_000 + b"</a>" * 1_500_000),
        "depth that never ends": ("XML_TOO_LARGE", lambda: b"<a>" * 3_900_000),
        "a text of 11 MB": ("XML_TOO_LARGE", lambda: b"<a>" + b"x" * 11 * MB + b"</a>"),
        "an attribute of 11 MB": ("XML_TOO_LARGE", lambda: b'<a b="' + b"x" * 11 * MB + b'"/>'),
        "a name of 11 MB": ("XML_TOO_LARGE", lambda: b"<" + b"x" * 11 * MB + b"/>"),
        "one octet more than 12 MB": (
            "XML_TOO_LARGE",
            lambda: b"<a>" + b"x" * (DOCUMENT_LIMITS.octets - 6) + b"</a>",
        ),
        "101 comments": ("XML_TOO_LARGE", lambda: b"<a><b/>" + b"<!--x-->" * 101 + b"</a>"),
        "a million comments": ("XML_TOO_LARGE", lambda: b"<a><b/>" + b"<!--x-->" * 1_000_000 + b"</a>"),
        "a million comments that never end": ("XML_MALFORMED", lambda: b"<a>" + b"<!--" * 2_900_000),
        "a million CDATA that never end": ("XML_TOO_LARGE", lambda: b"<a>" + b"<![CDATA[" * 1_300_000),
        "12 MB of xmlns": ("XML_MALFORMED", lambda: b"<a " + b"xmlns:" * 1_900_000 + b"/>"),
        "12 MB of space after xmlns": ("XML_TOO_LARGE", lambda: b"<a xmlns" + b" " * 11_900_000 + b"/>"),
        "12 MB of space in the declaration": (
            "XML_MALFORMED",
            lambda: b"<?xml" + b" " * 11_900_000 + b"version",
        ),
        "12 MB of references": ("XML_TOO_LARGE", lambda: b"<a>" + b"&#65;" * 2_380_000 + b"</a>"),
        "12 MB of damaged references": ("XML_TOO_LARGE", lambda: b"<a>" + b"&#0" * 3_900_000 + b"</a>"),
        "12 MB of CDATA": ("XML_TOO_LARGE", lambda: b"<a>" + b"<![CDATA[]]>" * 990_000 + b"</a>"),
        "12 MB of zeros in a reference": ("XML_TOO_LARGE", lambda: b"<a>&#" + b"0" * 11_900_000 + b"</a>"),
        "12 MB of entities": ("XML_MALFORMED", lambda: b"<a>" + b"&a;" * 3_900_000 + b"</a>"),
        "billion laughs": (
            "XML_DOCTYPE",
            lambda: (
                b'<!DOCTYPE a [<!ENTITY a "ha">'
                + b"".join(b'<!ENTITY a%d "%b">' % (i, b"&a%d;" % (i - 1) * 10) for i in range(1, 30))
                + b"]><a>&a29;</a>"
            ),
        ),
        "quadratic entity": (
            "XML_DOCTYPE",
            lambda: b'<!DOCTYPE a [<!ENTITY b "' + b"x" * MB + b'">]><a>' + b"&b;" * 100_000 + b"</a>",
        ),
    }
)


def cost(octets: bytes) -> tuple[str, float]:
    """The code of the refusal, and the CPU seconds it took; "accepted" if there was none."""
    before = time.process_time()
    try:
        parse(octets)
        code = "accepted"
    except InputError as error:
        code = error.code.name
    return code, time.process_time() - before


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    json.dump({name: cost(make()) for name, (_, make) in BOMBS.items()}, sys.stdout)

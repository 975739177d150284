"""A readable view as one HTML page: for screens, screen readers and paper; nothing is fetched and nothing runs.

The page states its own content security policy: no scripts, no pictures, no fonts, no forms, one style sheet, known
by its digest. Its title is made of our own words only, for it is shown in tabs, histories and on paper.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Final

from gateway.views.markup import Markup, element, raw_style
from gateway.views.readable import Block, Entry, View
from gateway.views.values import Value

# Contrast of every colour on its ground is at least 7:1, WCAG 2.1 §1.4.6.
_STYLE: Final = """
:root { color-scheme: light; }
body { margin: 0 auto; max-width: 48rem; padding: 1rem; color: #1a1a1a; background: #ffffff;
  font: 1.0625rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0.5rem 0 1rem; }
h2 { font-size: 1.3rem; margin: 2rem 0 0.5rem; border-bottom: 2px solid #1a1a1a; }
h3 { font-size: 1.1rem; margin: 1.25rem 0 0.25rem; }
h4, h5, h6 { font-size: 1rem; margin: 1rem 0 0.25rem; }
section section { margin-left: 1rem; }
dl { margin: 0; }
dl > div { display: grid; grid-template-columns: 14rem 1fr; column-gap: 1rem; padding: 0.2rem 0; }
dt { color: #404040; }
dd { margin: 0; grid-column: 2; white-space: pre-line; overflow-wrap: anywhere; }
dd small { display: block; font-size: 0.9rem; color: #404040; }
.notice { border: 2px solid #8a1010; padding: 0.5rem 1rem; }
footer { margin-top: 2.5rem; border-top: 1px solid #1a1a1a; font-size: 0.9rem; }
@media (max-width: 36rem) { dl > div { display: block; } }
@media print {
  body { max-width: none; padding: 0; font-size: 11pt; }
  h1, h2, h3, h4, h5, h6 { break-after: avoid; }
  dl > div { break-inside: avoid; }
  @page { margin: 2cm; }
}
"""
_DEEPEST: Final = 6  # HTML has headings down to h6
_ORIGIN: Final = (
    "Denne side er en læsevisning, som Bropost har dannet. Det er det signerede dokument (XML), der gælder."
)


def html_page(view: View, remarks: tuple[str, ...] = ()) -> bytes:
    """The page, in UTF-8. `remarks` are sentences of ours on the document, such as whether its signature holds."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=content_security_policy()),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="referrer", content="no-referrer"),
        element("meta", name="robots", content="noindex"),
        element("title", view.title),
        raw_style(_STYLE),
    )
    notices = [element("p", notice, class_="notice") for notice in view.notices]
    body = element(
        "body",
        element("header", element("h1", view.heading), *notices, _list(view.letterhead)),
        element("main", *(_section(block, 2) for block in view.sections)),
        element("footer", *(element("p", remark) for remark in (*remarks, _ORIGIN))),
    )
    return ("<!DOCTYPE html>\n" + element("html", head, body, lang="da").html).encode()


def content_security_policy() -> str:
    """What a browser may do with the page: show it. The same belongs into the HTTP header of who serves it."""
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode("ascii")
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _section(block: Block, level: int) -> Markup:
    heading = element(f"h{min(level, _DEEPEST)}", block.heading)
    lists = (_list(block.entries),) if block.entries else ()
    return element("section", heading, *lists, *(_section(inner, level + 1) for inner in block.blocks))


def _list(entries: tuple[Entry, ...]) -> Markup:
    return element("dl", *map(_entry, entries))


def _entry(entry: Entry) -> Markup:
    return element("div", element("dt", entry.label), *map(_value, entry.values))


def _value(value: Value) -> Markup:
    """A value in the direction of its own script, so that it turns nothing around it."""
    detail = (element("small", value.detail),) if value.detail else ()
    return element("dd", element("bdi", value.text), *detail)

"""A small writer of HTML in which nothing but this module's own elements is markup: every text is escaped.

What it writes is HTML and well-formed XML at once, so that any reader takes it the same way.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Final

_VOID: Final = frozenset({"meta"})  # elements that never hold anything
_INLINE: Final = frozenset({"bdi", "dd", "small", "title"})  # the others end a line of the source


@dataclass(frozen=True)
class Markup:
    """HTML that was written here; only `element` and `raw_style` make it."""

    html: str


def element(name: str, /, *content: Markup | str, **attributes: str) -> Markup:
    """The element of this name: texts and attribute values are escaped, markup stands as it was written.

    `name` and the names of attributes are constants, never of a document; "class_" and "http_equiv" are written
    "class" and "http-equiv".
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value, quote=True)}"'
        for key, value in attributes.items()
    )
    if name in _VOID:
        return Markup(f"<{name}{written} />\n")
    inner = "".join(each.html if isinstance(each, Markup) else escape(each, quote=True) for each in content)
    end = "" if name in _INLINE else "\n"
    return Markup(f"<{name}{written}>{inner}</{name}>{end}")


def raw_style(css: str) -> Markup:
    """A style element of this constant sheet. ValueError if it could be read as markup."""
    if "<" in css or "&" in css:
        raise ValueError("a style sheet without markup")
    return Markup(f"<style>{css}</style>\n")

"""The page is valid, runs nothing, fetches nothing, shows every text as text, and can be heard and printed."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from itertools import pairwise
from typing import Final

import pytest
from lxml import etree, html

from gateway.views.markup import element, raw_style
from gateway.views.page import content_security_policy, html_page
from gateway.views.readable import readable
from tests.golden.judging import read
from tests.golden.loader import golden, names
from tests.views.reading import told, view_of, with_text

DOCUMENTS: Final = names("documents")
LETTER: Final = "education-order-letter"
OWN_WORDS: Final = "/Document/Header/OwnWords/Text"
HOSTILE: Final = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</dd></dl></main><form action=//x.example>",
    "</style><style>body{display:none}",
    "&lt;b&gt; &amp; &#x3C;script&#x3E;",
    "{{7*7}} ${7*7} javascript:alert(1) <!-- -->",
    "]]><x:y xmlns:x='urn:x'/>",
    "\u202egnp.exe\u202c",
    "[link=https://x.example]her[/link] [bold red]",
)
_ALLOWED: Final = {
    "html", "head", "meta", "title", "style", "body", "header", "main", "footer", "section",
    "h1", "h2", "h3", "h4", "h5", "h6", "dl", "div", "dt", "dd", "bdi", "small", "p",
}  # fmt: skip

each_document = pytest.mark.parametrize("name", DOCUMENTS)


def parsed(page: bytes) -> html.HtmlElement:
    """The page as a reader of HTML takes it."""
    return html.document_fromstring(page.decode("utf-8"))


def plain(text: str) -> str:
    return " ".join(text.split())


@each_document
def test_a_page_is_read_alike_as_html_and_as_xml(name: str) -> None:
    page = html_page(view_of(name), ("En bemærkning.",))
    as_html, as_xml = parsed(page), etree.fromstring(page)
    assert [each.tag for each in as_html.iter("*")] == [each.tag for each in as_xml.iter("*")]
    assert plain(as_html.text_content()) == plain("".join(str(text) for text in as_xml.itertext()))


@each_document
def test_a_page_shows_everything_the_view_tells(name: str) -> None:
    view = view_of(name)
    shown = plain(parsed(html_page(view)).text_content().replace("\n", " "))
    for text in told(view):
        for part in text.split("\n"):
            assert plain(part).replace(" ", "") in shown.replace(" ", "")


@each_document
def test_a_page_runs_and_fetches_nothing(name: str) -> None:
    root = parsed(html_page(view_of(name)))
    assert {str(each.tag) for each in root.iter("*")} <= _ALLOWED
    for each in root.iter("*"):
        assert not {"style", "src", "href", "srcset", "action", "background", "poster"} & set(each.attrib)
        assert not any(name.startswith("on") for name in each.attrib)
    (style,) = root.iter("style")
    assert not re.search(r"url|@import|expression|image", style.text or "")


@each_document
def test_a_page_has_its_language_one_first_heading_and_no_heading_skipped(name: str) -> None:
    root = parsed(html_page(view_of(name)))
    levels = [int(str(each.tag)[1]) for each in root.iter("h1", "h2", "h3", "h4", "h5", "h6")]
    assert root.get("lang") == "da"
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert all((each.text or "").strip() for each in root.iter("h1", "h2", "h3", "h4", "h5", "h6"))


def test_what_must_be_heeded_stands_before_everything_but_the_heading() -> None:
    view = replace(view_of(LETTER), notices=("Dokumentet er rettet.", "Andet."))
    texts = [
        (str(each.tag), plain(each.text or "")) for each in parsed(html_page(view)).iter("h1", "p", "dt")
    ]
    assert texts[:3] == [("h1", view.heading), ("p", "Dokumentet er rettet."), ("p", "Andet.")]


@each_document
def test_labels_and_values_stand_in_lists_of_definitions(name: str) -> None:
    root = parsed(html_page(view_of(name)))
    for each in root.iter("dl"):
        assert len(each)
        assert {str(child.tag) for child in each} == {"div"}
        for group in each:
            assert group[0].tag == "dt"
            assert {str(child.tag) for child in group[1:]} == {"dd"}
    assert len(root.findall(".//main")) == 1


@each_document
def test_a_title_is_made_of_our_own_words_only(name: str) -> None:
    document = read(golden(name))
    root = parsed(html_page(readable(document)))
    title = root.findtext(".//title") or ""
    assert title in ("Brev i Bropost", "Meddelelse i Bropost")
    assert not re.search(r"risiko|frafald|pålæg|\d", title)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize(
    "path",
    [
        OWN_WORDS,
        "/Document/Header/Sender/Party/Name",
        "/Document/Header/Subject/Name",
        "/Document/EducationOrderLetter/MessageTo[1]/Text",
        "/Document/EducationOrderLetter/Education/Name",
    ],
)
def test_a_hostile_text_is_shown_and_is_nothing_but_text(path: str, text: str) -> None:
    plain_page, page = html_page(view_of(LETTER)), html_page(readable(with_text(LETTER, path, text)))
    root = parsed(page)
    assert [each.tag for each in root.iter("*")] == [each.tag for each in parsed(plain_page).iter("*")]
    assert [dict(each.attrib) for each in root.iter("*")] == [
        dict(each.attrib) for each in parsed(plain_page).iter("*")
    ]
    assert plain(
        re.sub("[\u202e\u202c]", "", text.replace("\u202e", "[U+202E]").replace("\u202c", "[U+202C]"))
    ) in plain(root.text_content())
    assert "\u202e" not in page.decode()


def test_a_hostile_attribute_of_a_value_is_nothing_but_text() -> None:
    document = with_text("education-order-letter-full", OWN_WORDS, "x")
    code = document.body.find("Education/Code")
    assert code is not None
    hostile = code._replace(attributes=(("system", '"><script>'), ("listVersion", "<b>")))
    education = document.body.find("Education")
    assert education is not None
    changed = education._replace(
        children=tuple(hostile if each is code else each for each in education.children)
    )
    body = document.body._replace(
        children=tuple(changed if each is education else each for each in document.body.children)
    )
    object.__setattr__(document, "body", body)
    object.__setattr__(
        document,
        "root",
        document.root._replace(
            children=tuple(body if each.name == body.name else each for each in document.root.children)
        ),
    )
    root = parsed(html_page(readable(document)))
    assert not list(root.iter("script", "b"))
    assert '"><script>' in root.text_content()


def test_a_hostile_remark_is_nothing_but_text() -> None:
    root = parsed(html_page(view_of(LETTER), ("<script>", "CN=<b>")))
    assert not list(root.iter("script", "b"))


def test_the_page_lets_a_browser_use_its_one_style_sheet_and_nothing_else() -> None:
    root = parsed(html_page(view_of(LETTER)))
    (policy,) = root.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    (style,) = root.iter("style")
    digest = base64.b64encode(hashlib.sha256((style.text or "").encode()).digest()).decode()
    assert policy == content_security_policy()
    assert policy.split("; ") == [
        "default-src 'none'",
        f"style-src 'sha256-{digest}'",
        "base-uri 'none'",
        "form-action 'none'",
    ]


def test_a_page_can_be_printed() -> None:
    (style,) = parsed(html_page(view_of(LETTER))).iter("style")
    assert "@media print" in (style.text or "")


def test_every_colour_stands_out_from_its_ground() -> None:
    """WCAG 2.1 §1.4.6: at least 7:1; the ground is white."""
    (style,) = parsed(html_page(view_of(LETTER))).iter("style")
    colours = set(re.findall(r"#[0-9a-f]{6}\b", style.text or "")) - {"#ffffff"}
    assert colours
    assert [colour for colour in colours if 1.05 / (_luminance(colour) + 0.05) < 7] == []


def _luminance(colour: str) -> float:
    """The relative luminance of a colour, as WCAG defines it."""
    channels = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_a_page_is_the_same_each_time() -> None:
    assert html_page(view_of(LETTER)) == html_page(view_of(LETTER))


def test_a_text_is_escaped_wherever_it_stands_and_a_style_sheet_holds_no_markup() -> None:
    assert element("p", "<&\"'>", title="\"><x y='").html == (
        '<p title="&quot;&gt;&lt;x y=&#x27;">&lt;&amp;&quot;&#x27;&gt;</p>\n'
    )
    for css in ("</style>", "a&b"):
        with pytest.raises(ValueError, match="style sheet"):
            raw_style(css)

"""There is one parser: no other way from octets to XML exists in the product."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

GATEWAY = Path(__file__).parents[2] / "gateway"

# parse.py is the parser; schema.py hands libxml2 schemas of our own that lie in the package, never what was sent.
MAY_PARSE = {"xmlcore/parse.py", "xmlcore/schema.py"}
OTHER_READERS = {
    "bs4",
    "defusedxml",
    "html.parser",
    "html5lib",
    "lxml.builder",
    "lxml.html",
    "lxml.objectify",
    "lxml.sax",
    "pyexpat",
    "signxml",
    "untangle",
    "xml.dom",
    "xml.etree",
    "xml.parsers",
    "xml.sax",
    "xmlrpc",
    "xmlschema",
    "xmlsec",
    "xmltodict",
    "zeep",
}
WAYS_IN = {
    "DTD",
    "ETCompatXMLParser",
    "ElementInclude",
    "HTML",
    "HTMLParser",
    "HTMLPullParser",
    "RelaxNG",
    "Schematron",
    "XInclude",
    "XML",
    "XMLDTDID",
    "XMLID",
    "XMLParser",
    "XMLPullParser",
    "XMLSchema",
    "XSLT",
    "canonicalize",
    "fromstring",
    "fromstringlist",
    "iterparse",
    "parse",
    "parseid",
    "set_default_parser",
    "xinclude",
}


def modules_imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        yield node.module
        yield from (f"{node.module}.{alias.name}" for alias in node.names)
    elif isinstance(node, ast.Call) and ast.unparse(node.func) in {"__import__", "importlib.import_module"}:
        yield from (str(argument.value) for argument in node.args if isinstance(argument, ast.Constant))


def ways_in(source: str) -> list[str]:
    """Every place of a module where XML could be read, with its line."""
    found = []
    for node in ast.walk(ast.parse(source)):
        for module in modules_imported(node):
            name = module.removeprefix("lxml.etree.")
            is_reader = any(module == one or module.startswith(f"{one}.") for one in OTHER_READERS)
            if is_reader or (name != module and name in WAYS_IN):
                found.append(f"{getattr(node, 'lineno', 0)}: {module}")
        if (
            isinstance(node, ast.Attribute)
            and node.attr in WAYS_IN
            and ast.unparse(node.value) in {"etree", "lxml.etree"}
        ):
            found.append(f"{node.lineno}: {ast.unparse(node)}")
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("etree.ElementTree"):
            found += [
                f"{node.lineno}: ElementTree(file)" for keyword in node.keywords if keyword.arg == "file"
            ]
    return found


def test_only_the_parser_and_the_schema_loaders_read_xml() -> None:
    modules = sorted(GATEWAY.rglob("*.py"))
    assert GATEWAY / "xmlcore" / "parse.py" in modules
    readers = {
        str(path.relative_to(GATEWAY)): found
        for path in modules
        if (found := ways_in(path.read_text(encoding="utf-8")))
    }
    assert {name: found for name, found in readers.items() if name not in MAY_PARSE} == {}
    assert "xmlcore/parse.py" in readers


@pytest.mark.parametrize(
    "source",
    [
        "from lxml import etree\nroot = etree.fromstring(octets)",
        "from lxml import etree\nparser = etree.XMLParser(huge_tree=True)",
        "import lxml.etree\nroot = lxml.etree.parse(path)",
        "from lxml.etree import fromstring",
        "from lxml import html",
        "import xml.etree.ElementTree as ET",
        "from xml.dom import minidom",
        "from xml.parsers.expat import ParserCreate",
        "import xmlschema",
        "import importlib\nimportlib.import_module('xml.etree')",
        "from lxml import etree\ntree = etree.ElementTree(file=path)",
    ],
)
def test_another_reader_is_found(source: str) -> None:
    assert ways_in(source)


def test_building_and_searching_trees_is_no_reading() -> None:
    assert not ways_in("from lxml import etree\nroot = etree.Element('x')\npath = etree.XPath('//*')")

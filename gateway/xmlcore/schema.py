"""The packaged schemas: whether an element obeys one, and if not, where and what to do.

lxml (libxml2) alone decides, at about 0.03 ms for a letter. Its messages quote what they found, so they are never
passed on: only the kind of violation, its place and its line are taken, and told in words of our own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from threading import Lock
from typing import Final

from lxml import etree

from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError, InternalError, Violation
from gateway.xmlcore import resources
from gateway.xmlcore.declarations import Declarations, ElementDeclaration, declarations
from gateway.xmlcore.explanations import CODES, OTHER, Subject, explain
from gateway.xmlcore.namespaces import DOCUMENT, EVIDENCE, SERVICE
from gateway.xmlcore.places import Place, place_of

MOST_VIOLATIONS: Final = 50  # told of one document; who mends fifty sends again anyway

_SCHEME: Final = "bropost-schema:/"
_ATTRIBUTE = re.compile(r"attribute '([A-Za-z]+)'")
_EXPECTED = re.compile(r"Expected is (?:one of )?\( ([^()]*) \)\.$")


class Schema:
    """One packaged schema, safe to use from several threads once it is made.

    Made while no other thread parses XML: libxml2 has one loader of included files for the whole process (lxml 6.1).
    """

    def __init__(self, name: str, namespace: str) -> None:
        self._name = name
        self._declared = declarations(name)
        self._roots = {
            tag: root for tag, root in self._declared.elements.items() if _namespace(tag) == namespace
        }
        self._compiled = _compile(name)
        self._validating = Lock()  # an lxml schema object keeps the log of its last validation

    def validate(self, element: etree._Element) -> tuple[Violation, ...]:
        """Everything that breaks the schema in this element, in document order; empty where it is valid.

        `element` is untrusted and is not changed. Violations beyond `MOST_VIOLATIONS` are left out.
        """
        if element.tag not in self._roots:
            return (self._unknown_root(element),)
        with self._validating:
            if self._compiled.validate(element):
                return ()
            log = self._compiled.error_log
        return tuple(self._violations(element, log))

    def require(self, element: etree._Element) -> None:
        """Nothing where the element is valid; else InputError SCHEMA_UNKNOWN_ROOT or SCHEMA_INVALID."""
        violations = self.validate(element)
        if not violations:
            return
        known = element.tag in self._roots
        code = Code.SCHEMA_INVALID if known else Code.SCHEMA_UNKNOWN_ROOT
        raise InputError(code, violations=violations, count=len(violations))

    def _violations(self, root: etree._Element, log: Iterable[etree._LogEntry]) -> Iterator[Violation]:
        told: set[str] = set()
        for entry in log:
            if len(told) == MOST_VIOLATIONS:
                return
            violation = self._violation(root, entry)
            # libxml2 tells of every facet that one value breaks; the first says enough.
            if violation.path not in told:
                told.add(violation.path)
                yield violation

    def _violation(self, root: etree._Element, entry: etree._LogEntry) -> Violation:
        place = place_of(root, entry.path or "", self._declared)
        code = CODES.get(entry.type_name, OTHER)
        expected: tuple[str, ...] = ()
        if entry.type_name == "SCHEMAV_ELEMENT_CONTENT":
            code, expected = _content(place, entry.message)
        subject = Subject(place.name, place.declaration)
        # A document that stands where none may stand is a fault of the message, not of the document.
        misplaced = code == "element-unexpected" and place.path == "/Document"
        path = place.message_path if misplaced else place.path
        attribute = _attribute(place.declaration, entry.message, self._declared)
        if code == "attribute-missing":
            expected, path = (attribute or "",), f"{path}/@{attribute}"
        elif attribute is not None:
            path, subject = f"{path}/@{attribute}", Subject(place.name, place.declaration, attribute)
        danish, english = explain(code, subject, self._declared, expected)
        return Violation(path, entry.line, code, danish, english)

    def _unknown_root(self, element: etree._Element) -> Violation:
        expected = tuple(root.local_name for root in self._roots.values())
        danish, english = explain("root-unknown", Subject("*", None), self._declared, expected)
        return Violation("/*", int(element.sourceline or 0), "root-unknown", danish, english)


def compile_all() -> None:
    """Make every schema, before there is a second thread."""
    for schema in (document_schema, evidence_schema, service_schema):
        schema()


@cache
def document_schema() -> Schema:
    """The schema of documents: its one root is Document."""
    return Schema(resources.DOCUMENT_SCHEMA, DOCUMENT)


@cache
def evidence_schema() -> Schema:
    """The schema of evidence: its one root is Evidence."""
    return Schema(resources.EVIDENCE_SCHEMA, EVIDENCE)


@cache
def service_schema() -> Schema:
    """The schema of the services: its roots are what the Body of a SOAP message may hold."""
    return Schema(resources.SERVICE_SCHEMA, SERVICE)


class _Packaged(etree.Resolver):
    """Gives libxml2 the packaged files by name, and nothing else in the world."""

    def resolve(
        self, system_url: str | None, public_id: str | None, context: object
    ) -> etree._docloader._InputDocument:
        url = system_url or ""
        return self.resolve_string(resources.read(url.removeprefix(_SCHEME)), context, base_url=url)


def _compile(name: str) -> etree.XMLSchema:
    # The only parser beside gateway.xmlcore.parse: libxml2 reads includes and imports by itself, so it needs a
    # parser that resolves them. It is given packaged files alone.
    parser = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False)
    parser.resolvers.add(_Packaged())
    tree = etree.fromstring(resources.read(name), parser, base_url=_SCHEME + name)
    try:
        return etree.XMLSchema(tree)
    except etree.XMLSchemaParseError:  # a fault of packaging
        raise InternalError(Code.INTERNAL) from None


def _content(place: Place, message: str) -> tuple[str, tuple[str, ...]]:
    """What is wrong with the order or number of elements, and the names that may stand there."""
    matched = _EXPECTED.search(message)
    names = tuple(name.strip() for name in matched[1].split(",")) if matched else ()
    expected = tuple(_local_of(name) for name in names)
    if "Missing child element" in message:
        return "element-missing", expected
    if place.node.tag not in names and _local_of(str(place.node.tag)) in expected:
        return "element-namespace", expected
    return "element-unexpected", expected


def _attribute(owner: ElementDeclaration | None, message: str, declared: Declarations) -> str | None:
    """The attribute a message speaks of, if the schema knows it."""
    matched = _ATTRIBUTE.search(message)
    known = declared.types.get(owner.type_name) if owner else None
    return matched[1] if matched and known and matched[1] in known.attributes else None


def _namespace(name: str) -> str | None:
    return etree.QName(name).namespace


def _local_of(name: str) -> str:
    return name.rpartition("}")[2]

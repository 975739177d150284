"""Names that mean one thing to one reader and another to the next, and elements of a namespace that is not theirs."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from lxml import etree

from gateway.domain.catalogue import Code
from gateway.xmlcore.namespaces import DOCUMENT, DS, SERVICE, WSSE, WSU
from tests.attacks.door import Case, Door, Left, left
from tests.attacks.pens import headed, rewritten, spoken, tampered
from tests.messages import one

ABSOLUTE, TREE = "xmlcore.octets:_require_absolute_namespaces", "xmlcore.parse:_tree"
RELATIVE, NAMES = "Canonical XML 1.0 §1.3", "Namespaces in XML 1.0 §3"
FORBIDDEN, MALFORMED = Code.XML_FORBIDDEN, Code.XML_MALFORMED


def _renamed(path: str, namespace: str) -> Callable[[etree._Element], None]:
    """The same element in another namespace."""

    def change(tree: etree._Element) -> None:
        element = one(tree, path)
        element.tag = f"{{{namespace}}}{etree.QName(element).localname}"

    return change


CASES = (
    headed("a relative namespace", ABSOLUTE, RELATIVE, FORBIDDEN, '<x xmlns="a/b"/>'),
    headed("a namespace that is a path", ABSOLUTE, RELATIVE, FORBIDDEN, '<n:x xmlns:n="../x"/>'),
    headed("a namespace that is a fragment", ABSOLUTE, RELATIVE, FORBIDDEN, '<n:x xmlns:n="#x"/>'),
    headed("a namespace with a space", ABSOLUTE, "RFC 3986 §2", FORBIDDEN, '<n:x xmlns:n="urn:x y"/>'),
    headed("a namespace of other letters", ABSOLUTE, "RFC 3986 §2", FORBIDDEN, '<n:x xmlns:n="urn:ø"/>'),
    headed(
        "a base for addresses",
        ABSOLUTE,
        "XML Signature 1.1 §4.4.3.2",
        FORBIDDEN,
        '<x xml:base="https://a.example/"/>',
    ),
    headed("a prefix that nobody declared", TREE, NAMES, MALFORMED, "<n:x/>"),
    headed(
        "an attribute twice by two prefixes",
        TREE,
        "Namespaces in XML 1.0 §6.3",
        MALFORMED,
        '<x xmlns:a="urn:x" xmlns:b="urn:x" a:y="" b:y=""/>',
    ),
    headed("a prefix taken back", TREE, "Namespaces in XML 1.0 §5", MALFORMED, '<n:x xmlns:n=""/>'),
    headed("the prefix xml declared anew", TREE, NAMES, MALFORMED, '<x xmlns:xml="urn:x"/>'),
    headed("the prefix xmlns declared", TREE, NAMES, MALFORMED, '<x xmlns:xmlns="urn:x"/>'),
    headed("two colons in a name", TREE, NAMES, MALFORMED, '<a:b:c xmlns:a="urn:x"/>'),
    tampered(
        "an envelope of no version",
        "protocol.soap:_shape",
        "SOAP 1.1 §4.1.2",
        Code.SOAP_VERSION,
        _renamed("/s11:Envelope", "urn:x"),
    ),
    tampered(
        "a root that is no envelope",
        "protocol.soap:_shape",
        "SOAP 1.1 §4",
        Code.SOAP_MALFORMED,
        lambda tree: setattr(tree, "tag", "x"),
    ),
    tampered(
        "a body of no version",
        "protocol.soap:_shape",
        "SOAP 1.1 §4.3",
        Code.SOAP_MALFORMED,
        _renamed("//s11:Body", "urn:x"),
    ),
    tampered(
        "a security header of another namespace",
        "protocol.soap:_header_blocks",
        "SOAP 1.1 §4.2.3",
        Code.SOAP_MUST_UNDERSTAND,
        _renamed("//wsse:Security", WSSE + "x"),
    ),
    tampered(
        "a timestamp of another namespace",
        "protocol.wss_header:read_security_header",
        "WSS: SOAP Message Security §10",
        Code.SIGNATURE_SHAPE,
        _renamed("//wsu:Timestamp", WSU + "x"),
    ),
    tampered(
        "a signature of another namespace",
        "protocol.wss_header:read_security_header",
        "XML Signature 1.1 §4.2",
        Code.SIGNATURE_SHAPE,
        _renamed("//ds:Signature", DS + "x"),
    ),
    tampered(
        "a SignedInfo of another namespace",
        "crypto.xmldsig:parse_signature",
        "XML Signature 1.1 §4.2",
        Code.SIGNATURE_SHAPE,
        _renamed("//ds:SignedInfo", DS + "x"),
    ),
    tampered(
        "a reference of another namespace",
        "crypto.xmldsig:_read_signed_info",
        "XML Signature 1.1 §4.4.3",
        Code.SIGNATURE_SHAPE,
        _renamed("//ds:Reference[1]", DS + "x"),
    ),
    tampered(
        "an id of another namespace",
        "protocol.wss_coverage:read_coverage",
        "WSS: SOAP Message Security §4",
        Code.SIGNATURE_COVERAGE,
        lambda tree: one(tree, "//s11:Body").set(
            "{urn:x}Id", str(one(tree, "//s11:Body").attrib.pop(f"{{{WSU}}}Id"))
        ),
    ),
    rewritten(
        "the payload's namespace turned to another",
        "crypto.xmldsig:check_digest_value",
        "XML Signature 1.1 §3.2.1",
        Code.SIGNATURE_DIGEST,
        SERVICE.encode(),
        b"urn:dk:bropost:service:9",
    ),
    rewritten(
        "the letter's namespace turned to another",
        "crypto.xmldsig:check_digest_value",
        "XML Signature 1.1 §3.2.1",
        Code.SIGNATURE_DIGEST,
        DOCUMENT.encode(),
        b"urn:dk:bropost:document:9",
    ),
    *left(
        Left.RECORD,
        spoken(
            "an operation of another namespace",
            "protocol.service_requests:read_payload",
            "SOAP 1.1 §4.3",
            Code.OPERATION_UNKNOWN,
            body='<SendLetter xmlns="urn:x"/>',
        ),
        spoken(
            "an operation of no namespace",
            "protocol.service_requests:read_payload",
            "SOAP 1.1 §4.3",
            Code.OPERATION_UNKNOWN,
            body="<SendLetter/>",
        ),
    ),
)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_name_that_could_mean_something_else_is_refused(door: Door, case: Case) -> None:
    door.withstands(case)

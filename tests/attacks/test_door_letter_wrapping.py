"""Inside a good message: a signed letter of which something else is read than was signed, or that signs otherwise."""

from __future__ import annotations

import base64
import copy
import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from lxml import etree

from gateway.domain.catalogue import Code
from gateway.xmlcore.namespaces import DS, EXC_C14N, XADES, tag
from tests.attacks.door import FORGED, Case, Door
from tests.attacks.pens import enclosed, enclosed_octets
from tests.attacks.test_content_signature import (
    REFERENCE,
    properties_moved_away,
    second_signed_info,
)
from tests.attacks.wrapping import (
    TO_DOCUMENT,
    TO_PROPERTIES,
    adding,
    one,
    removing,
    setting,
    texting,
    without,
)

ONLY, PLACE, BOTH = (
    "crypto.xades:_only_signature",
    "crypto.xades:_only_properties",
    "crypto.xades:_both_references",
)
DIGEST, VALUE = "crypto.xmldsig:check_digest_value", "crypto.algorithms:SignatureAlgorithm.verify"
TRUE, LISTED = "crypto.xades:_require_true", "crypto.xades_properties:_exactly"
IDS, CHILDREN, BASE64 = "xmlcore.shape:index_ids", "xmlcore.shape:children", "xmlcore.shape:base64_octets"
PARSED, INFO, REFERENCED = (
    "crypto.xmldsig:parse_signature",
    "crypto.xmldsig:_read_signed_info",
    "crypto.xmldsig:_read_reference",
)
ENVELOPED, CORE, BASELINE = "XML Signature 1.1 §6.6.4", "XML Signature 1.1 §3.2.1", "ETSI EN 319 132-1 §6.3"
SEEN = "XML Signature Best Practices §2.3"
SHAPE, COVERAGE, PROPERTIES = Code.SIGNATURE_SHAPE, Code.SIGNATURE_COVERAGE, Code.SIGNATURE_PROPERTIES
SUBJECT = "doc:Header/doc:DocumentId"
FALSE_ID = "7e4d6d9c-0e39-4f1c-8f0e-2d8c0ce9e1a1"


def _forge(root: etree._Element) -> None:
    one(root, SUBJECT).text = FALSE_ID


def _under_a_forged_root(octets: bytes) -> bytes:
    root = etree.fromstring(octets)
    forged = copy.deepcopy(root)
    without(forged, "ds:Signature")
    _forge(forged)
    forged.insert(0, root)
    return etree.tostring(forged)


def _in_another_root(octets: bytes) -> bytes:
    outer = etree.Element(f"{{{etree.QName(etree.fromstring(octets)).namespace}}}Document")
    outer.append(etree.fromstring(octets))
    return etree.tostring(outer)


def _hidden(into: str, new: str | None = None) -> Callable[[etree._Element], None]:
    """The signed letter is kept in the signature, while a forged one is read."""

    def change(root: etree._Element) -> None:
        original = copy.deepcopy(root)
        without(original, "ds:Signature")
        holder = one(root, into)
        (holder if new is None else etree.SubElement(holder, new)).append(original)
        _forge(root)

    return change


def _after_the_signature(root: etree._Element) -> None:
    root.append(copy.deepcopy(one(root, "doc:Header")))


def _moved(path: str | None) -> Callable[[etree._Element], None]:
    """The signature stands elsewhere."""

    def change(root: etree._Element) -> None:
        signature = without(root, "ds:Signature")
        if path is None:
            root.insert(0, signature)
        else:
            one(root, path).append(signature)

    return change


def _twice(root: etree._Element) -> None:
    root.append(copy.deepcopy(one(root, "ds:Signature")))


def _digest_that_fits_the_forged_letter(root: etree._Element) -> None:
    _forge(root)
    whole = copy.deepcopy(root)
    without(whole, "ds:Signature")
    canonical = etree.tostring(whole, method="c14n", exclusive=True, with_comments=False)
    fitting = base64.b64encode(hashlib.sha256(canonical).digest()).decode()
    one(root, f"{TO_DOCUMENT}/ds:DigestValue").text = fitting


def _signed_earlier(root: etree._Element) -> None:
    time = one(root, "//xades:SigningTime")
    earlier = datetime.fromisoformat(time.text or "") - timedelta(hours=1)
    time.text = f"{earlier:%Y-%m-%dT%H:%M:%SZ}"


WRAPPED = (
    enclosed_octets("in another root", ONLY, ENVELOPED, SHAPE, _in_another_root),
    enclosed_octets("under a forged root", ONLY, ENVELOPED, SHAPE, _under_a_forged_root),
    enclosed("kept in the object", PLACE, "ETSI EN 319 132-1 §4.4.2", PROPERTIES, _hidden("//ds:Object")),
    enclosed(
        "kept in a second object",
        PLACE,
        "XML Signature 1.1 §4.5",
        SHAPE,
        _hidden("ds:Signature", tag(DS, "Object")),
    ),
    enclosed(
        "kept in unsigned properties",
        DIGEST,
        CORE,
        Code.SIGNATURE_DIGEST,
        _hidden("//xades:QualifyingProperties", tag(XADES, "UnsignedProperties")),
    ),
    enclosed("something after the signature", ONLY, ENVELOPED, SHAPE, _after_the_signature),
    enclosed("the signature first", ONLY, ENVELOPED, SHAPE, _moved(None)),
    enclosed("the signature deeper", ONLY, ENVELOPED, SHAPE, _moved("doc:Header")),
    enclosed("the signature twice", ONLY, "XML Signature 1.1 §4.2", SHAPE, _twice),
    enclosed("no signature", ONLY, SEEN, SHAPE, removing("ds:Signature")),
    enclosed(
        "forged properties, the signed ones beside them",
        BOTH,
        "ETSI EN 319 132-1 §4.4",
        COVERAGE,
        properties_moved_away,
    ),
    enclosed("a changed letter", DIGEST, CORE, Code.SIGNATURE_DIGEST, _forge),
    enclosed(
        "a digest made to fit",
        VALUE,
        "XML Signature 1.1 §3.2.2",
        Code.SIGNATURE_VALUE,
        _digest_that_fits_the_forged_letter,
    ),
    enclosed(
        "a letter of another version", DIGEST, CORE, Code.SIGNATURE_DIGEST, setting(".", schemaVersion="1.1")
    ),
    enclosed(
        "an earlier signing time", DIGEST, "ETSI EN 319 132-1 §5.2.1", Code.SIGNATURE_DIGEST, _signed_earlier
    ),
    enclosed(
        "the same id elsewhere", IDS, "XML 1.0 §3.3.1", SHAPE, setting("doc:Header", Id="SignedProperties")
    ),
    enclosed(
        "the same id under another name",
        IDS,
        f"{SEEN}, ids",
        SHAPE,
        setting("doc:Header", ID="SignedProperties"),
    ),
    enclosed(
        "two ids of one element",
        IDS,
        "XML 1.0 §3.3.1",
        SHAPE,
        setting("//xades:SignedProperties", ID="Other"),
    ),
)

OTHERWISE = (
    enclosed("no reference to the letter", BOTH, "XML Signature 1.1 §4.4.3", COVERAGE, removing(TO_DOCUMENT)),
    enclosed(
        "no reference to the properties", BOTH, "ETSI EN 319 132-1 §4.4", COVERAGE, removing(TO_PROPERTIES)
    ),
    enclosed(
        "a third reference",
        INFO,
        "XML Signature 1.1 §4.4.3",
        SHAPE,
        adding("//ds:SignedInfo", REFERENCE.format(uri="#Signature", transform=EXC_C14N)),
    ),
    enclosed("a part of the letter referenced", BOTH, SEEN, COVERAGE, setting(TO_DOCUMENT, URI="#Document")),
    enclosed(
        "a letter in the network referenced",
        REFERENCED,
        "XML Signature 1.1 §4.4.3.2",
        SHAPE,
        setting(TO_DOCUMENT, URI="http://127.0.0.1:1/letter.xml"),
    ),
    enclosed(
        "a file referenced",
        REFERENCED,
        "XML Signature 1.1 §4.4.3.2",
        SHAPE,
        setting(TO_DOCUMENT, URI="file:///etc/passwd"),
    ),
    enclosed(
        "an XPointer",
        REFERENCED,
        "XML Signature 1.1 §4.4.3.2",
        SHAPE,
        setting(TO_DOCUMENT, URI="#xpointer(/)"),
    ),
    enclosed(
        "a reference without URI",
        "xmlcore.shape:required",
        "XML Signature 1.1 §4.4.3.1",
        SHAPE,
        lambda root: one(root, TO_DOCUMENT).attrib.pop("URI"),
    ),
    enclosed(
        "a manifest",
        REFERENCED,
        "XML Signature 1.1 §5.1",
        Code.SIGNATURE_ALGORITHM,
        setting(TO_DOCUMENT, Type=DS + "Manifest"),
    ),
    enclosed(
        "the letter with its signature",
        BOTH,
        ENVELOPED,
        COVERAGE,
        removing(f"{TO_DOCUMENT}//ds:Transform[1]"),
    ),
    enclosed(
        "the letter not canonical",
        BOTH,
        "Exclusive XML Canonicalization 1.0 §3",
        COVERAGE,
        removing(f"{TO_DOCUMENT}//ds:Transform[2]"),
    ),
    enclosed(
        "no transforms",
        REFERENCED,
        "XML Signature 1.1 §4.4.3.4",
        SHAPE,
        removing(f"{TO_DOCUMENT}/ds:Transforms"),
    ),
    enclosed(
        "a transform twice",
        BOTH,
        "XML Signature 1.1 §4.4.3.4",
        COVERAGE,
        adding(f"{TO_PROPERTIES}/ds:Transforms", f'<ds:Transform Algorithm="{EXC_C14N}"/>'),
    ),
    enclosed("a second SignedInfo", PARSED, "XML Signature 1.1 §4.2", SHAPE, second_signed_info(first=False)),
    enclosed(
        "a second SignedInfo before", PARSED, "XML Signature 1.1 §4.2", SHAPE, second_signed_info(first=True)
    ),
    enclosed(
        "a comment before the letter",
        "services.content:_require_no_comment",
        SEEN,
        Code.XML_FORBIDDEN,
        lambda root: root.addprevious(etree.Comment(FORGED)),
    ),
    enclosed(
        "a comment in the letter",
        "services.content:_require_no_comment",
        SEEN,
        Code.XML_FORBIDDEN,
        lambda root: root.insert(0, etree.Comment(FORGED)),
    ),
    enclosed(
        "text in SignedInfo", CHILDREN, "XML Signature 1.1 §4.4", SHAPE, texting("//ds:SignedInfo", "text")
    ),
    enclosed(
        "an attribute of the signature",
        "xmlcore.shape:_require_attributes",
        "XML Signature 1.1 §4.2",
        SHAPE,
        setting("ds:Signature", Trusted="true"),
    ),
    enclosed(
        "a digest that is no base64",
        BASE64,
        "RFC 4648 §3.3",
        SHAPE,
        texting(f"{TO_DOCUMENT}/ds:DigestValue", "not base64!"),
    ),
    enclosed(
        "a digest with bits left over",
        BASE64,
        "RFC 4648 §3.5",
        SHAPE,
        texting(f"{TO_DOCUMENT}/ds:DigestValue", "A" * 42 + "B="),
    ),
    enclosed(
        "a short digest",
        REFERENCED,
        "XML Signature 1.1 §4.4.3.6",
        SHAPE,
        texting(f"{TO_DOCUMENT}/ds:DigestValue", "AAAA"),
    ),
    enclosed(
        "a digest with elements",
        "xmlcore.shape:text",
        "XML Signature 1.1 §4.4.3.6",
        SHAPE,
        adding(f"{TO_DOCUMENT}/ds:DigestValue", "<ds:a/>"),
    ),
    enclosed("no value", PARSED, "XML Signature 1.1 §4.3", SHAPE, removing("//ds:SignatureValue")),
    enclosed("no KeyInfo", PARSED, "XML Signature 1.1 §4.5", SHAPE, removing("//ds:KeyInfo")),
    enclosed(
        "a second object", PLACE, "XML Signature 1.1 §4.5", SHAPE, adding("ds:Signature", "<ds:Object/>")
    ),
    enclosed(
        "unsigned properties without end",
        PLACE,
        "ETSI EN 319 132-1 §5.3",
        Code.UNSIGNED_PROPERTIES_TOO_LARGE,
        adding(
            "//xades:QualifyingProperties",
            f"<xades:UnsignedProperties>{'x' * 70_000}</xades:UnsignedProperties>",
        ),
    ),
)

CASES: tuple[Case, ...] = (*WRAPPED, *OTHERWISE)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_letter_of_which_more_is_read_than_was_signed_is_refused(door: Door, case: Case) -> None:
    door.withstands(case)

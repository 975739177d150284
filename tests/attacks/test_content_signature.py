"""Forged documents: each is the golden signed letter with one change, and each is refused by its own code."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import timedelta

import pytest
from lxml import etree

from gateway.domain.catalogue import Code
from gateway.xmlcore.namespaces import DOCUMENT, DS, EXC_C14N, XADES, tag
from tests.attacks.wrapping import (
    AT,
    TO_DOCUMENT,
    TO_PROPERTIES,
    Change,
    adding,
    changed,
    golden,
    one,
    read,
    refusal,
    removing,
    replaced,
    resigned,
    setting,
    texting,
    without,
)

# --- wrapping: the signed element stands elsewhere than the one that is read (XML Signature 1.1 §8.1.2) -----------


def wrapped_in_another_root(root: etree._Element) -> bytes:
    outer = etree.Element(tag(DOCUMENT, "Document"))
    outer.append(root)
    return etree.tostring(outer)


def wrapped_under_a_forged_root(root: etree._Element) -> bytes:
    forged = copy.deepcopy(root)
    one(forged, "//doc:Subject/doc:Name").text = "Sofie Eksempelsen"
    forged.insert(0, root)
    without(forged, "//doc:Document/doc:Document/ds:Signature")
    return etree.tostring(forged)


def original_in_a_second_object(root: etree._Element) -> bytes:
    original = copy.deepcopy(root)
    without(original, "ds:Signature")
    hidden = etree.SubElement(one(root, "ds:Signature"), tag(DS, "Object"))
    hidden.append(original)
    one(root, "doc:Header//doc:Subject/doc:Name").text = "Sofie Eksempelsen"
    return etree.tostring(root)


def original_in_the_object(root: etree._Element) -> bytes:
    original = copy.deepcopy(root)
    without(original, "ds:Signature")
    one(root, "//ds:Object").append(original)
    return etree.tostring(root)


def original_in_unsigned_properties(root: etree._Element) -> bytes:
    original = copy.deepcopy(root)
    etree.SubElement(one(root, "//xades:QualifyingProperties"), tag(XADES, "UnsignedProperties")).append(
        original
    )
    return etree.tostring(root)


def another_element_after_the_signature(root: etree._Element) -> bytes:
    root.append(copy.deepcopy(one(root, "doc:Header")))
    return etree.tostring(root)


def signature_as_first_element(root: etree._Element) -> bytes:
    root.insert(0, one(root, "ds:Signature"))
    return etree.tostring(root)


def signature_deeper(root: etree._Element) -> bytes:
    one(root, "doc:SupportNeedLetter").append(one(root, "ds:Signature"))
    return etree.tostring(root)


def signature_twice(root: etree._Element) -> bytes:
    root.append(copy.deepcopy(one(root, "ds:Signature")))
    return etree.tostring(root)


def counter_signature(root: etree._Element) -> bytes:
    signature = copy.deepcopy(one(root, "ds:Signature"))
    etree.SubElement(one(root, "//xades:QualifyingProperties"), tag(XADES, "UnsignedProperties")).append(
        signature
    )
    return etree.tostring(root)


def no_signature(root: etree._Element) -> bytes:
    without(root, "ds:Signature")
    return etree.tostring(root)


def comment_after_the_signature(root: etree._Element) -> bytes:
    root.append(etree.Comment("x"))
    return etree.tostring(root)


@pytest.mark.parametrize(
    ("wrap", "code"),
    [
        (wrapped_in_another_root, Code.SIGNATURE_SHAPE),
        (wrapped_under_a_forged_root, Code.SIGNATURE_DIGEST),
        (original_in_a_second_object, Code.SIGNATURE_SHAPE),
        (original_in_the_object, Code.SIGNATURE_PROPERTIES),
        (original_in_unsigned_properties, Code.SIGNATURE_SHAPE),
        (another_element_after_the_signature, Code.SIGNATURE_SHAPE),
        (signature_as_first_element, Code.SIGNATURE_SHAPE),
        (signature_deeper, Code.SIGNATURE_SHAPE),
        (signature_twice, Code.SIGNATURE_SHAPE),
        (counter_signature, Code.SIGNATURE_SHAPE),
        (no_signature, Code.SIGNATURE_SHAPE),
        (comment_after_the_signature, Code.SIGNATURE_SHAPE),
    ],
)
def test_a_wrapped_document_is_refused(wrap: Callable[[etree._Element], bytes], code: Code) -> None:
    read(golden())
    forged = wrap(etree.fromstring(golden()))
    assert forged != golden()
    assert refusal(forged).code is code


# --- what the digests cover --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        texting("doc:Header/doc:Subject/doc:Name", "Sofie Eksempelsen"),
        setting("doc:SupportNeedLetter/doc:Need[1]", number="3"),
        setting(".", schemaVersion="1.1"),
        adding("doc:SupportNeedLetter", '<Need number="4"><Code>MENTOR</Code></Need>'),
        adding("doc:Header", "<Sender><Cvr>33333333</Cvr></Sender>", first=True),
        removing("doc:SupportNeedLetter/doc:Need[2]"),
        lambda root: one(root, "doc:SupportNeedLetter").append(
            one(root, "doc:SupportNeedLetter/doc:Need[1]")
        ),
        lambda root: setattr(one(root, "doc:Header/doc:Subject"), "tag", tag(DOCUMENT, "Sender")),
        lambda root: setattr(root, "tag", tag("urn:dk:bropost:evidence:1", "Document")),
        lambda root: one(root, "doc:SupportNeedLetter/doc:Need[1]").set(tag("urn:other", "number"), "9"),
        lambda root: setattr(one(root, "doc:Header"), "text", "\n"),
        lambda root: setattr(one(root, "ds:Signature"), "tail", "\n\n"),
    ],
)
def test_changed_content_is_refused(change: Change) -> None:
    assert refusal(changed(change)).code is Code.SIGNATURE_DIGEST


def test_the_default_namespace_cannot_be_turned_to_another() -> None:
    forged = replaced(
        '<Document xmlns="urn:dk:bropost:document:1"', '<Document xmlns="urn:dk:bropost:document:2"'
    )
    assert refusal(forged).code is Code.SIGNATURE_DIGEST


def test_changed_properties_are_refused() -> None:
    time = AT.strftime("%Y-%m-%dT%H:%M:%SZ")
    earlier = (AT - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert refusal(replaced(time, earlier)).code is Code.SIGNATURE_DIGEST


def test_a_digest_made_to_fit_the_forged_content_is_refused() -> None:
    def change(root: etree._Element) -> None:
        forged = etree.fromstring(resigned(texting("doc:Header/doc:Subject/doc:Name", "Sofie Eksempelsen")))
        signature = one(root, "ds:Signature")
        digest = one(forged, "//ds:Reference[@URI='']/ds:DigestValue").text
        one(signature, ".//ds:Reference[@URI='']/ds:DigestValue").text = digest
        one(root, "doc:Header/doc:Subject/doc:Name").text = "Sofie Eksempelsen"

    assert refusal(changed(change)).code is Code.SIGNATURE_VALUE


# --- exact set and absolute position (XML Signature 1.1 §4.4.3, ETSI EN 319 132-1 §4.4) ----------------------------

REFERENCE = (
    '<ds:Reference URI="{uri}"><ds:Transforms><ds:Transform Algorithm="{transform}"/></ds:Transforms>'
    '<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue>'
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=</ds:DigestValue></ds:Reference>"
)


def properties_moved_away(root: etree._Element) -> None:
    """Forged properties at the right place, the signed ones beside them."""
    forged = one(root, "//xades:SignedProperties")
    original = copy.deepcopy(forged)
    forged.set("Id", "Forged")
    one(forged, ".//xades:SigningTime").text = "2026-01-01T00:00:00Z"
    unsigned = etree.SubElement(one(root, "//xades:QualifyingProperties"), tag(XADES, "UnsignedProperties"))
    unsigned.append(original)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (properties_moved_away, Code.SIGNATURE_COVERAGE),
        (removing(TO_DOCUMENT), Code.SIGNATURE_COVERAGE),
        (removing(TO_PROPERTIES), Code.SIGNATURE_COVERAGE),
        (
            lambda root: [without(root, TO_DOCUMENT), without(root, TO_PROPERTIES)],
            Code.SIGNATURE_SHAPE,
        ),
        (
            adding("//ds:SignedInfo", REFERENCE.format(uri="#Signature", transform=EXC_C14N)),
            Code.SIGNATURE_SHAPE,
        ),
        (setting(TO_DOCUMENT, URI="#Document"), Code.SIGNATURE_COVERAGE),
        (setting(TO_DOCUMENT, URI="http://127.0.0.1/letter.xml"), Code.SIGNATURE_SHAPE),
        (setting(TO_DOCUMENT, URI="file:///etc/passwd"), Code.SIGNATURE_SHAPE),
        (setting(TO_DOCUMENT, URI="#xpointer(/)"), Code.SIGNATURE_SHAPE),
        (setting(TO_DOCUMENT, URI="cid:letter@example"), Code.SIGNATURE_COVERAGE),
        (setting(TO_DOCUMENT, Type="http://uri.etsi.org/01903#SignedProperties"), Code.SIGNATURE_COVERAGE),
        (setting(TO_DOCUMENT, Type="http://www.w3.org/2000/09/xmldsig#Object"), Code.SIGNATURE_COVERAGE),
        (setting(TO_PROPERTIES, URI="#Signature"), Code.SIGNATURE_COVERAGE),
        (lambda root: one(root, TO_DOCUMENT).attrib.pop("URI"), Code.SIGNATURE_SHAPE),
        (removing(TO_DOCUMENT + "//ds:Transform[1]"), Code.SIGNATURE_COVERAGE),
        (removing(TO_DOCUMENT + "//ds:Transform[2]"), Code.SIGNATURE_COVERAGE),
        (removing(TO_DOCUMENT + "/ds:Transforms"), Code.SIGNATURE_SHAPE),
        (
            adding(TO_PROPERTIES + "/ds:Transforms", f'<ds:Transform Algorithm="{EXC_C14N}"/>'),
            Code.SIGNATURE_COVERAGE,
        ),
        (
            adding(
                TO_DOCUMENT + "//ds:Transform[2]",
                f'<ec:InclusiveNamespaces xmlns:ec="{EXC_C14N}" PrefixList="#default"/>',
            ),
            Code.SIGNATURE_COVERAGE,
        ),
    ],
)
def test_a_signature_that_covers_something_else_is_refused(change: Change, code: Code) -> None:
    assert refusal(changed(change)).code is code


@pytest.mark.parametrize(
    "change",
    [
        setting("doc:SupportNeedLetter", Id="SignedProperties"),
        setting("doc:SupportNeedLetter", ID="SignedProperties"),
        setting("doc:SupportNeedLetter", id="SignedProperties"),
        setting("doc:SupportNeedLetter", **{"{http://www.w3.org/XML/1998/namespace}id": "SignedProperties"}),
        setting("//xades:SignedProperties", ID="Other"),
        setting("//ds:SignedInfo", Id="SignedProperties"),
    ],
)
def test_an_id_with_two_meanings_is_refused(change: Change) -> None:
    assert refusal(changed(change)).code is Code.SIGNATURE_SHAPE


# --- exact shape (XML Signature 1.1 §4.2 to §4.6) ----------------------------------------------------------------


def second_signed_info(first: bool) -> Change:
    def change(root: etree._Element) -> None:
        signature = one(root, "ds:Signature")
        signature.insert(0 if first else len(signature), copy.deepcopy(one(signature, "ds:SignedInfo")))

    return change


def comment_in(path: str) -> Change:
    def change(root: etree._Element) -> None:
        element = one(root, path)
        text, element.text = element.text or "", None
        comment = etree.Comment("x")
        comment.tail = text
        element.insert(0, comment)

    return change


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (second_signed_info(first=True), Code.SIGNATURE_SHAPE),
        (second_signed_info(first=False), Code.SIGNATURE_SHAPE),
        (comment_in(TO_DOCUMENT + "/ds:DigestValue"), Code.XML_FORBIDDEN),
        (comment_in("//ds:SignatureValue"), Code.XML_FORBIDDEN),
        (comment_in("doc:Header/doc:Subject/doc:Name"), Code.XML_FORBIDDEN),
        (comment_in("//ds:SignedInfo"), Code.SIGNATURE_SHAPE),
        (
            adding(
                "//xades:QualifyingProperties",
                "<xades:UnsignedProperties><ds:a/><!-- x --></xades:UnsignedProperties>",
            ),
            Code.SIGNATURE_SHAPE,
        ),
        (texting("//ds:SignedInfo", "text"), Code.SIGNATURE_SHAPE),
        (texting(TO_DOCUMENT + "/ds:DigestValue", "not base64!"), Code.SIGNATURE_SHAPE),
        (texting(TO_DOCUMENT + "/ds:DigestValue", ""), Code.SIGNATURE_SHAPE),
        (texting(TO_DOCUMENT + "/ds:DigestValue", "AAAA"), Code.SIGNATURE_SHAPE),
        (texting("//ds:SignatureValue", "A"), Code.SIGNATURE_SHAPE),
        (texting("//ds:SignatureValue", ""), Code.SIGNATURE_VALUE),
        (removing("//ds:SignatureValue"), Code.SIGNATURE_SHAPE),
        (removing("//ds:KeyInfo"), Code.SIGNATURE_SHAPE),
        (removing("//ds:SignedInfo"), Code.SIGNATURE_SHAPE),
        (removing("//ds:CanonicalizationMethod"), Code.SIGNATURE_SHAPE),
        (removing("//ds:SignatureMethod"), Code.SIGNATURE_SHAPE),
        (removing("//ds:Object"), Code.SIGNATURE_SHAPE),
        (setting("ds:Signature", Trusted="true"), Code.SIGNATURE_SHAPE),
        (
            lambda root: setattr(one(root, "ds:Signature"), "tag", tag(DS + "x", "Signature")),
            Code.SIGNATURE_SHAPE,
        ),
        (
            lambda root: setattr(one(root, "//ds:SignedInfo"), "tag", tag(DOCUMENT, "SignedInfo")),
            Code.SIGNATURE_SHAPE,
        ),
        (adding("//ds:KeyInfo", "<ds:X509Data/>"), Code.SIGNATURE_SHAPE),
        (adding("//ds:X509Data", "<ds:X509SubjectName>CN=x</ds:X509SubjectName>"), Code.SIGNATURE_SHAPE),
        (texting("//ds:X509Certificate[1]", "AAAA"), Code.CERTIFICATE_MALFORMED),
    ],
)
def test_a_signature_of_another_shape_is_refused(change: Change, code: Code) -> None:
    assert refusal(changed(change)).code is code

"""A signature of any other shape is refused, and the operations log is told what of it was wrong."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
from lxml import etree

from gateway.crypto.algorithms import EXCLUSIVE_C14N
from gateway.crypto.xmldsig import NewReference, Reference, Transform, check_digest, check_digest_value
from gateway.crypto.xmldsig_writer import write_signature
from gateway.domain.catalogue import Code
from gateway.xmlcore.c14n import exclusive
from gateway.xmlcore.namespaces import DS, EXC_C14N, tag
from gateway.xmlcore.parse import parse
from tests.attacks.wrapping import one
from tests.crypto.changed import refused
from tests.crypto.test_xmldsig import DIGEST, key, parsed, signed

Change = Callable[[etree._Element], object]
INFO, KEY, VALUE = "ds:SignedInfo", "ds:KeyInfo", "ds:SignatureValue"
FIRST, SECOND, THIRD = (f"//ds:Reference[{number}]" for number in (1, 2, 3))
METHOD, C14N = "//ds:SignatureMethod", "//ds:CanonicalizationMethod"


def refusal(change: Change, code: Code = Code.SIGNATURE_SHAPE) -> dict[str, object]:
    """The facts of the error by which a good signature is refused after a change."""
    signature = signed()
    parsed(signature)
    change(signature)
    with refused(code) as error:
        parsed(signature)
    return dict(error.value.facts)


def adding(path: str, name: str, namespace: str = DS, **attributes: str) -> Change:
    return lambda root: etree.SubElement(one(root, path), tag(namespace, name), attributes)


def renaming(path: str, name: str) -> Change:
    return lambda root: setattr(one(root, path), "tag", tag(DS, name))


def removing(path: str) -> Change:
    def change(root: etree._Element) -> None:
        found = one(root, path)
        above = found.getparent()
        assert above is not None
        above.remove(found)

    return change


def setting(path: str, name: str, value: str) -> Change:
    return lambda root: one(root, path).set(name, value)


def moving(path: str, place: int) -> Change:
    """A change that moves an element to this place among its siblings."""

    def change(root: etree._Element) -> None:
        found = one(root, path)
        above = found.getparent()
        assert above is not None
        above.insert(place, found)

    return change


def twice(path: str) -> Change:
    return lambda root: one(root, path).addnext(copy.deepcopy(one(root, path)))


def prefixes(path: str, *lists: str) -> Change:
    """A change of the prefix lists of a canonicalisation."""

    def change(root: etree._Element) -> None:
        found = one(root, path)
        for old in list(found):
            found.remove(old)
        for each in lists:
            etree.SubElement(found, tag(EXC_C14N, "InclusiveNamespaces"), PrefixList=each)

    return change


def commenting(path: str) -> Change:
    return lambda root: one(root, path).insert(0, etree.Comment("x"))


OF_SIGNATURE, OF_INFO, OF_REFERENCE = (
    f"children of {name}" for name in ("Signature", "SignedInfo", "Reference")
)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda root: setattr(root, "tag", tag(DS, "Signed")), "no ds:Signature"),
        (commenting(KEY), "a comment"),
        (lambda root: one(root, KEY).insert(0, etree.ProcessingInstruction("x")), "a comment"),
        (lambda root: root.set("Id2", "x"), "an unexpected attribute"),
        (removing(INFO), OF_SIGNATURE),
        (removing(VALUE), OF_SIGNATURE),
        (removing(KEY), OF_SIGNATURE),
        (moving(VALUE, 0), OF_SIGNATURE),
        (moving(KEY, 1), OF_SIGNATURE),
        (renaming(INFO, "SignedInformation"), OF_SIGNATURE),
        (renaming(VALUE, "Value"), OF_SIGNATURE),
        (renaming(KEY, "Key"), OF_SIGNATURE),
        (twice(KEY), OF_SIGNATURE),
        (adding(".", "Objects"), OF_SIGNATURE),
        (setting(VALUE, "Type", "x"), "an unexpected attribute"),
        (setting(INFO, "Type", "x"), "an unexpected attribute"),
        (removing(C14N), OF_INFO),
        (removing(METHOD), OF_INFO),
        (moving(METHOD, 0), OF_INFO),
        (renaming(C14N, "Canonicalisation"), OF_INFO),
        (renaming(METHOD, "Method"), OF_INFO),
        (lambda root: [removing(FIRST)(root) for _ in range(3)], "references of SignedInfo"),
        (twice(THIRD), "references of SignedInfo"),
        (renaming(SECOND, "Ref"), "references of SignedInfo"),
        (adding(INFO, "Manifest"), "references of SignedInfo"),
        (lambda root: one(root, METHOD).attrib.clear(), "no Algorithm"),
        (lambda root: one(root, C14N).attrib.clear(), "no Algorithm"),
        (removing(f"{FIRST}/ds:Transforms"), OF_REFERENCE),
        (removing(f"{FIRST}/ds:DigestMethod"), OF_REFERENCE),
        (removing(f"{FIRST}/ds:DigestValue"), OF_REFERENCE),
        (moving(f"{FIRST}/ds:DigestMethod", 0), OF_REFERENCE),
        (twice(f"{FIRST}/ds:DigestValue"), OF_REFERENCE),
        (renaming(f"{FIRST}/ds:Transforms", "Steps"), OF_REFERENCE),
        (renaming(f"{FIRST}/ds:DigestMethod", "Method"), OF_REFERENCE),
        (renaming(f"{FIRST}/ds:DigestValue", "Digest"), OF_REFERENCE),
        (setting(FIRST, "Name", "x"), "an unexpected attribute"),
        (setting(f"{FIRST}/ds:DigestValue", "Id", "x"), "an unexpected attribute"),
        (adding(f"{FIRST}/ds:DigestMethod", "Parameter"), "parameters of a digest"),
        (lambda root: setattr(one(root, f"{FIRST}/ds:DigestValue"), "text", "AAAA"), "length of a digest"),
        (lambda root: setattr(one(root, f"{FIRST}/ds:DigestValue"), "text", "A" * 44), "length of a digest"),
        (lambda root: one(root, FIRST).attrib.pop("URI"), "no URI"),
        (setting(FIRST, "URI", "body"), "URI of a reference"),
        (setting(FIRST, "URI", "#1"), "URI of a reference"),
        (setting(FIRST, "URI", "cid:" + "a" * 513), "URI of a reference"),
        (renaming(f"{FIRST}//ds:Transform[1]", "Step"), "children of Transforms"),
        (adding(f"{FIRST}//ds:Transform[1]", "XPath"), "parameters of a transform"),
        (lambda root: one(root, f"{FIRST}/ds:Transforms").clear(), "number of transforms"),
        (prefixes(C14N, "a", "b"), "parameters of a canonicalisation"),
        (prefixes(f"{FIRST}//ds:Transform[2]", "a", "b"), "parameters of a canonicalisation"),
        (adding(C14N, "InclusiveNamespaces", PrefixList="a"), "parameters of a canonicalisation"),
        (prefixes(C14N, " ".join("a" * 33)), "number of inclusive prefixes"),
        (prefixes(C14N, "a 1"), "an inclusive prefix"),
        (prefixes(C14N, "#other"), "an inclusive prefix"),
    ],
)
def test_a_signature_of_another_shape_is_refused_by_the_name_of_what_is_wrong(
    change: Change, what: str
) -> None:
    assert refusal(change)["what"] == what


def test_a_prefix_list_has_no_children() -> None:
    def change(root: etree._Element) -> None:
        prefixes(C14N, "a")(root)
        etree.SubElement(one(root, C14N)[0], tag(EXC_C14N, "Prefix"))

    assert refusal(change)["what"] == "children of InclusiveNamespaces"


@pytest.mark.parametrize(
    ("change", "named", "what"),
    [
        (adding(KEY, "KeyName"), "KeyName", "a key"),
        (adding(KEY, "KeyValue"), "KeyValue", "a key"),
        (adding(KEY, "RetrievalMethod"), "RetrievalMethod", "a key"),
        (adding(KEY, "PGPData"), "PGPData", "a key"),
        (adding(KEY, "SPKIData"), "SPKIData", "a key"),
        (adding(KEY, "MgmtData"), "MgmtData", "a key"),
        (
            adding(KEY, "DEREncodedKeyValue", "http://www.w3.org/2009/xmldsig11#"),
            "DEREncodedKeyValue",
            "a key",
        ),
        (
            lambda root: etree.SubElement(etree.SubElement(root, tag(DS, "Object")), tag(DS, "Manifest")),
            "Manifest",
            "a reference",
        ),
        (
            lambda root: etree.SubElement(
                etree.SubElement(root, tag(DS, "Object")), tag(DS, "SignatureProperties")
            ),
            "SignatureProperties",
            "a key",
        ),
        (setting(FIRST, "Type", DS + "Manifest"), "Manifest", "a reference"),
        (adding(METHOD, "HMACOutputLength"), "parameters", "the signature"),
    ],
)
def test_what_would_give_a_signature_a_second_meaning_is_refused_by_its_name(
    change: Change, named: str, what: str
) -> None:
    facts = refusal(change, Code.SIGNATURE_ALGORITHM)
    assert (facts["algorithm"], facts["what"]) == (named, what)


@pytest.mark.parametrize(
    "algorithm",
    [
        "http://www.w3.org/TR/1999/REC-xslt-19991116",
        "http://www.w3.org/TR/1999/REC-xpath-19991116",
        "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
        EXCLUSIVE_C14N + "WithComments",
        DS + "base64",
    ],
)
@pytest.mark.parametrize("number", [1, 2])
def test_a_transform_that_is_not_on_the_list_is_refused_by_its_name(algorithm: str, number: int) -> None:
    change = setting(f"{FIRST}//ds:Transform[{number}]", "Algorithm", algorithm)
    facts = refusal(change, Code.SIGNATURE_ALGORITHM)
    assert (facts["algorithm"], facts["what"]) == (algorithm, "a transform")


@pytest.mark.parametrize(
    "change",
    [
        lambda root: root.set("Id", "other"),
        setting(INFO, "Id", "i"),
        setting(VALUE, "Id", "v"),
        setting(FIRST, "Id", "r"),
        setting(THIRD, "URI", "cid:" + "a" * 512),
        lambda root: [etree.SubElement(root, tag(DS, "Object")) for _ in range(4)],
        adding(f"{FIRST}/ds:Transforms", "Transform", Algorithm=EXCLUSIVE_C14N),
        prefixes(C14N, " ".join("a" * 32)),
        prefixes(C14N, ""),
    ],
)
def test_what_may_be_there_is_accepted(change: Change) -> None:
    signature = signed()
    change(signature)
    assert len(parsed(signature).references) == 3


def test_what_the_signature_says_of_a_reference_is_read_to_the_letter() -> None:
    signature = signed()
    one(signature, FIRST).set("Id", "r-1")
    one(signature, FIRST).set("Type", "urn:x")
    first, second, _ = parsed(signature).references
    assert (first.id, first.type, first.uri) == ("r-1", "urn:x", "")
    assert second.transforms == (Transform(EXCLUSIVE_C14N, ("soap", "#default")),)


@pytest.mark.parametrize(
    ("uri", "what"), [("", "the document"), ("#a", "an element"), ("cid:a", "an attachment")]
)
def test_a_digest_that_does_not_fit_is_told_with_the_sort_of_what_it_covers(uri: str, what: str) -> None:
    reference = Reference(uri, None, None, (), DIGEST)
    check_digest(reference, b"data")
    with refused(Code.SIGNATURE_DIGEST) as refusal:
        check_digest_value(reference, bytes(32))
    assert refusal.value.facts["what"] == what


def test_a_name_with_white_space_is_written_as_canonical_xml_writes_it() -> None:
    # Canonical XML 1.0 §2.3: "replacing ... the whitespace characters #x9, #xA, and #xD, with character references"
    name = "urn:a\tb\nc\rd&\"<e>'"
    written = write_signature([NewReference("", (Transform(EXCLUSIVE_C14N),), DIGEST, type=name)], key())
    assert 'Type="urn:a&#x9;b&#xA;c&#xD;d&amp;&quot;&lt;e>\'"' in written
    read = parse(written.encode())
    assert exclusive(read) == written.encode()
    assert one(read, "//ds:Reference").get("Type") == name

"""The XML Signature core: what is written can be read, and a signature holds wherever it is put."""

from __future__ import annotations

import base64
import hashlib

import pytest
from lxml import etree

from gateway.crypto.algorithms import ATTACHMENT_CONTENT, ENVELOPED, EXCLUSIVE_C14N, SignatureAlgorithm
from gateway.crypto.keys import SigningKey
from gateway.crypto.xmldsig import (
    SIGNATURE,
    NewReference,
    ParsedSignature,
    Reference,
    Transform,
    build_signature,
    check_digest,
    check_value,
    parse_signature,
)
from gateway.crypto.xmldsig_writer import write_signature
from gateway.domain.catalogue import Code
from gateway.domain.errors import TrustError
from gateway.xmlcore.c14n import exclusive
from gateway.xmlcore.namespaces import DS, EXC_C14N, tag
from gateway.xmlcore.parse import parse
from tests.attacks.wrapping import NAMES, one, signature_value
from tests.pki import development_pki, signing_key

SIGNER = "eksempelby-esdh"
SIGNERS = ["eksempelby-esdh", "eksempelby-esdh-2048", "eksempelby-esdh-p256"]
DIGEST = hashlib.sha256(b"data").digest()
REFERENCES = (
    NewReference("", (Transform(ENVELOPED), Transform(EXCLUSIVE_C14N)), DIGEST, id="Document"),
    NewReference("#body", (Transform(EXCLUSIVE_C14N, ("soap", "#default")),), DIGEST, type="urn:a?b=1&c=<2>"),
    NewReference("cid:a&b'\"<c>@example", (Transform(ATTACHMENT_CONTENT),), DIGEST),
)


def key(signer: str = SIGNER) -> SigningKey:
    return signing_key(signer)


def key_info() -> etree._Element:
    return etree.Element(tag(DS, "KeyInfo"), nsmap={"ds": DS})


def signed(signer: str = SIGNER) -> etree._Element:
    return build_signature(REFERENCES, key(signer), key_info(), signature_id="S")


def parsed(element: etree._Element) -> ParsedSignature:
    return parse_signature(element, max_references=3)


def refusal(element: etree._Element, max_references: int = 3) -> TrustError:
    parsed(signed())
    with pytest.raises(TrustError) as refused:
        parse_signature(element, max_references=max_references)
    return refused.value


@pytest.mark.parametrize("signer", SIGNERS)
def test_what_is_written_is_read(signer: str) -> None:
    found = parsed(signed(signer))
    assert found.algorithm is key(signer).algorithm
    assert found.references == tuple(
        Reference(one.uri, one.type, one.id, one.transforms, one.digest) for one in REFERENCES
    )
    assert found.key_info.tag == tag(DS, "KeyInfo")
    assert found.objects == ()
    assert found.inclusive_prefixes == ()


@pytest.mark.parametrize("signer", SIGNERS)
def test_the_value_holds_wherever_the_signature_is_put(signer: str) -> None:
    certificate = development_pki().certificate(signer)
    alone = check_value(parsed(signed(signer)), certificate)
    header = parse(b'<Header xmlns="urn:other" xmlns:ds="urn:wrong" xmlns:x="urn:x"><x:Security/></Header>')
    header[0].append(signed(signer))
    again = parse(etree.tostring(header))
    assert check_value(parsed(one(again, "//ds:Signature")), certificate) == alone


def test_the_canonical_signed_info_is_given_back() -> None:
    signature = signed()
    octets = check_value(parsed(signature), development_pki().certificate(SIGNER))
    assert octets == exclusive(one(signature, "ds:SignedInfo"))
    assert octets.startswith(f'<ds:SignedInfo xmlns:ds="{DS}">'.encode())


def test_a_signature_is_written_in_its_canonical_form() -> None:
    octets = write_signature(
        REFERENCES, key(), signature_id="S", key_info="<ds:KeyInfo></ds:KeyInfo>"
    ).encode()
    assert exclusive(parse(octets)) == octets


def test_key_info_and_objects_are_moved_in_without_declaring_again() -> None:
    thing = parse(f'<ds:Object xmlns:ds="{DS}"><a xmlns="urn:a"/></ds:Object>'.encode())
    signature = build_signature(REFERENCES, key(), key_info(), objects=(thing,))
    assert [child.tag for child in signature][2:] == [tag(DS, "KeyInfo"), tag(DS, "Object")]
    assert etree.tostring(signature).count(b"xmlns:ds=") == 1


def test_a_digest_is_of_the_very_octets() -> None:
    reference = parsed(signed()).references[1]
    check_digest(reference, b"data")
    with pytest.raises(TrustError) as refused:
        check_digest(reference, b"data ")
    assert refused.value.code is Code.SIGNATURE_DIGEST


def test_the_error_does_not_tell_the_name_of_an_attachment() -> None:
    with pytest.raises(TrustError) as refused:
        check_digest(parsed(signed()).references[2], b"")
    assert refused.value.facts == {"what": "an attachment"}


def test_the_value_of_another_key_does_not_hold() -> None:
    with pytest.raises(TrustError) as refused:
        check_value(parsed(signed()), development_pki().certificate("proevelund-esdh"))
    assert refused.value.code is Code.SIGNATURE_VALUE


def test_the_key_must_be_of_the_methods_kind() -> None:
    with pytest.raises(TrustError) as refused:
        check_value(parsed(signed()), development_pki().certificate("eksempelby-esdh-p256"))
    assert refused.value.code is Code.SIGNATURE_ALGORITHM


def with_prefix_list(prefixes: str) -> etree._Element:
    """A message header as WSS4J signs it: SignedInfo is canonicalised with prefixes of the envelope around it."""
    envelope = parse(
        b'<soap:Envelope xmlns:soap="urn:soap" xmlns:xsd="urn:xsd" xmlns="urn:default"><soap:Header>'
        + write_signature(REFERENCES[:1], key(), key_info="<ds:KeyInfo></ds:KeyInfo>").encode()
        + b"</soap:Header></soap:Envelope>"
    )
    method = one(envelope, "//ds:CanonicalizationMethod")
    etree.SubElement(method, tag(EXC_C14N, "InclusiveNamespaces"), PrefixList=prefixes)
    return parse(etree.tostring(envelope))


@pytest.mark.parametrize(
    ("prefixes", "declarations"),
    [
        ("soap xsd", b' xmlns:ds="%b" xmlns:soap="urn:soap" xmlns:xsd="urn:xsd">'),
        ("#default xsd", b' xmlns="urn:default" xmlns:ds="%b" xmlns:xsd="urn:xsd">'),
        ("soap unknown", b' xmlns:ds="%b" xmlns:soap="urn:soap">'),
        ("", b' xmlns:ds="%b">'),
    ],
)
def test_the_prefix_list_of_a_signer_is_followed(prefixes: str, declarations: bytes) -> None:
    """Exclusive XML Canonicalization 1.0 §3: listed prefixes are written as inclusive canonicalisation would."""
    envelope = with_prefix_list(prefixes)
    signature = one(envelope, "//ds:Signature")
    canonical = exclusive(one(signature, "ds:SignedInfo"), tuple(prefixes.split()))
    assert canonical.startswith(b"<ds:SignedInfo" + declarations % DS.encode())
    value = base64.b64encode(signature_value(SIGNER, canonical))
    one(signature, "ds:SignatureValue").text = value.decode()
    assert check_value(parsed(signature), development_pki().certificate(SIGNER)) == canonical


@pytest.mark.parametrize(
    "prefixes", ["a b:c", "a #x", "1a", " ".join(f"p{number}" for number in range(33)), "a" * 300]
)
def test_a_prefix_list_of_something_else_is_refused(prefixes: str) -> None:
    signature = one(with_prefix_list(prefixes), "//ds:Signature")
    assert refusal(signature).code is Code.SIGNATURE_SHAPE


@pytest.mark.parametrize(
    "parameter",
    [
        '<ec:InclusiveNamespaces xmlns:ec="{ec}"/>',
        '<ec:InclusiveNamespaces xmlns:ec="{ec}" PrefixList="a" x="1"/>',
        '<ec:InclusiveNamespaces xmlns:ec="{ec}" PrefixList="a"><x/></ec:InclusiveNamespaces>',
        '<ec:InclusiveNamespaces xmlns:ec="urn:other" PrefixList="a"/>',
        2 * '<ec:InclusiveNamespaces xmlns:ec="{ec}" PrefixList="a"/>',
    ],
)
@pytest.mark.parametrize("path", ["//ds:CanonicalizationMethod", "//ds:Reference[2]//ds:Transform"])
def test_other_parameters_of_a_canonicalisation_are_refused(path: str, parameter: str) -> None:
    signature = signed()
    place = one(signature, path)
    for old in list(place):
        place.remove(old)
    place.extend(etree.fromstring(f"<x>{parameter.format(ec=EXC_C14N)}</x>"))
    assert refusal(signature).code is Code.SIGNATURE_SHAPE


def broken_into_lines(name: str) -> etree._Element:
    signature = signed()
    for element in signature.iter(tag(DS, name)):
        text = element.text or ""
        element.text = "\n  " + "\r\n".join(text[i : i + 20] for i in range(0, len(text), 20)) + "\t\n"
    octets = etree.tostring(signature)
    assert b"&#13;" in octets
    return parse(octets)


def test_base64_may_be_broken_into_lines_as_java_breaks_it() -> None:
    assert parsed(broken_into_lines("DigestValue")).references == parsed(signed()).references
    check_value(parsed(broken_into_lines("SignatureValue")), development_pki().certificate(SIGNER))


@pytest.mark.parametrize(
    "text", ["ÅAAA", "AAA", "AA==AA==", "AAAB=", "QR==", "AA\u00a0AA", "-_-_", "A A A =x"]
)
def test_what_only_looks_like_base64_is_refused(text: str) -> None:
    signature = signed()
    one(signature, "ds:SignatureValue").text = text
    assert refusal(signature).code is Code.SIGNATURE_SHAPE


def test_more_references_than_the_caller_expects_are_refused() -> None:
    assert refusal(signed(), max_references=2).code is Code.SIGNATURE_SHAPE


def test_more_transforms_than_three_are_refused() -> None:
    signature = signed()
    transforms = one(signature, "//ds:Reference[1]/ds:Transforms")
    for _ in range(2):
        etree.SubElement(transforms, tag(DS, "Transform"), Algorithm=EXCLUSIVE_C14N)
    assert refusal(signature).code is Code.SIGNATURE_SHAPE


def test_more_objects_than_four_are_refused() -> None:
    signature = signed()
    for number in range(5):
        parsed(signature)
        assert len(parsed(signature).objects) == number
        etree.SubElement(signature, tag(DS, "Object"))
    assert refusal(signature).code is Code.SIGNATURE_SHAPE


@pytest.mark.parametrize(
    "uri",
    [
        "#",
        "#1",
        "# body",
        "#a:b",
        "#xpointer(id('body'))",
        "body",
        "cid:",
        "cid:a b",
        "CID:a",
        "urn:x",
        "\t#body",
    ],
)
def test_a_reference_elsewhere_is_refused(uri: str) -> None:
    signature = signed()
    one(signature, "//ds:Reference[2]").set("URI", uri)
    assert refusal(signature).code is Code.SIGNATURE_SHAPE


def test_another_element_is_no_signature() -> None:
    assert refusal(one(signed(), "ds:SignedInfo")).code is Code.SIGNATURE_SHAPE
    assert f"{{{NAMES['ds']}}}Signature" == SIGNATURE


def test_every_key_kind_of_the_allow_list_was_tried() -> None:
    assert {key(signer).algorithm for signer in SIGNERS} == set(SignatureAlgorithm)

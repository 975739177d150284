"""The content signature at its bounds: what is just allowed, and what is just not."""

from __future__ import annotations

import base64
import copy
import hashlib
from collections.abc import Callable

import pytest
from lxml import etree

from gateway.crypto.certificates import Usage, verdicts
from gateway.crypto.keys import SigningKey
from gateway.crypto.xades import MOST_UNSIGNED_OCTETS, claimed_signing_time, content_digest, seal
from gateway.domain.catalogue import Code
from gateway.xmlcore.namespaces import DS, tag
from gateway.xmlcore.parse import parse
from tests.attacks.wrapping import AT, SIGNER, changed, golden, one, read, refusal, resigned, setting
from tests.crypto.changed import refused
from tests.pki import development_pki, signing_key

MOST_OCTETS = 12_000_000


def with_certificates(number: int) -> bytes:
    """The golden document with so many certificates in KeyInfo."""

    def change(root: etree._Element) -> None:
        data = one(root, "//ds:X509Data")
        while len(data) < number:
            data.append(copy.deepcopy(data[-1]))

    return changed(change)


def test_a_signature_carries_at_most_four_certificates() -> None:
    for number in (3, 4):
        assert read(with_certificates(number)).digest == read(golden()).digest
    assert refusal(with_certificates(5)).code is Code.SIGNATURE_SHAPE


def test_unsigned_properties_take_at_most_64_kilobytes() -> None:
    assert MOST_UNSIGNED_OCTETS == 65_536


def test_a_sealed_document_may_be_just_as_large_as_one_that_can_be_read() -> None:
    key = signing_key(SIGNER)

    def document(octets: int) -> etree._Element:
        return parse(b"<a><b>" + b"x" * 9_000_000 + b"</b><b>" + b"x" * octets + b"</b></a>")

    room = MOST_OCTETS - len(seal(document(1), key, AT).octets)
    assert len(seal(document(1 + room), key, AT).octets) == MOST_OCTETS
    with refused(Code.XML_TOO_LARGE):
        seal(document(2 + room), key, AT)


def test_attributes_that_say_nothing_are_allowed_on_what_holds_the_properties() -> None:
    said = changed(setting("//ds:Object", Id="o-1", MimeType="text/xml", Encoding="urn:x"))
    assert read(said).digest == read(golden()).digest
    assert read(changed(setting("//xades:QualifyingProperties", Id="q-1"))).digest == read(golden()).digest


@pytest.mark.parametrize("attributes", [{"Type": "urn:x"}, {"URI": "#SignedProperties"}, {"URI": "cid:x"}])
def test_the_document_is_referred_to_as_a_whole_and_by_no_type(attributes: dict[str, str]) -> None:
    def change(root: etree._Element) -> None:
        root.findall(f".//{tag(DS, 'Reference')}")[0].attrib.update(attributes)

    assert refusal(changed(change)).code is Code.SIGNATURE_COVERAGE


def test_a_reference_to_the_signed_properties_says_that_it_is_one() -> None:
    def change(root: etree._Element) -> None:
        del root.findall(f".//{tag(DS, 'Reference')}")[1].attrib["Type"]

    assert refusal(resigned(change)).code is Code.SIGNATURE_COVERAGE


def test_certificates_are_carried_as_certificates_and_as_nothing_else() -> None:
    def change(root: etree._Element) -> None:
        root.findall(f".//{tag(DS, 'X509Certificate')}")[1].tag = tag(DS, "X509CRL")

    assert refusal(changed(change)).code is Code.SIGNATURE_SHAPE


# --- which certificates, and of what ----------------------------------------------------------------------


def naming(*names: str) -> Callable[[etree._Element], None]:
    """A change by which SigningCertificateV2 names these certificates, in this order."""

    def change(root: etree._Element) -> None:
        first = one(root, "//xades:Cert")
        for name in reversed(names):
            named = copy.deepcopy(first)
            digest = bytes.fromhex(development_pki().certificate(name).fingerprint)
            one(named, ".//ds:DigestValue").text = base64.b64encode(digest).decode()
            first.addnext(named)
        without = first.getparent()
        assert without is not None
        without.remove(first)

    return change


@pytest.mark.parametrize(
    ("names", "is_right"),
    [
        ((SIGNER,), True),
        ((SIGNER, "issuing"), True),
        (("issuing", SIGNER), False),
        ((SIGNER, "root"), False),
        ((SIGNER, "issuing", "root"), False),
        (("issuing",), False),
    ],
)
def test_every_certificate_that_is_named_must_be_there_in_its_place(
    names: tuple[str, ...], is_right: bool
) -> None:
    # ETSI EN 319 132-1 §5.2.2
    octets = resigned(naming(*names))
    if is_right:
        assert read(octets).digest == read(golden()).digest
    else:
        assert refusal(octets).code is Code.SIGNATURE_PROPERTIES


def test_a_format_is_of_a_reference_that_has_an_id() -> None:
    def change(root: etree._Element) -> None:
        del root.findall(f".//{tag(DS, 'Reference')}")[0].attrib["Id"]
        one(root, "//xades:DataObjectFormat").set("ObjectReference", "#None")

    assert refusal(resigned(change)).code is Code.SIGNATURE_PROPERTIES


# --- the document, taken out of its signature -------------------------------------------------------------


def sealed(document: bytes) -> bytes:
    return seal(parse(document), signing_key(SIGNER), AT).octets


@pytest.mark.parametrize(
    ("document", "before", "after"),
    [
        pytest.param(b"<a><b></b>one two</a>", b"one two<ds:", b"one <ds:", id="after-an-element"),
        pytest.param(b"<a>one two</a>", b"one two<ds:", b"one <ds:", id="without-an-element"),
    ],
)
def test_text_after_the_signature_is_text_of_the_document(
    document: bytes, before: bytes, after: bytes
) -> None:
    # XML Signature 1.1 §6.6.4: the signature is left out, and nothing else.
    octets = sealed(document)
    assert octets.count(before) == 1
    moved = octets.replace(before, after).replace(b"</ds:Signature></a>", b"</ds:Signature>two</a>")
    for each in (octets, moved):
        assert etree.tostring(read(each).root) == document.replace(b"<b></b>", b"<b/>")
    assert refusal(moved.replace(b"two</a>", b"three</a>")).code is Code.SIGNATURE_DIGEST


@pytest.mark.parametrize(("before", "after"), [(b"<!-- a -->", b""), (b"", b"<!-- b -->")])
def test_what_is_read_stands_alone(before: bytes, after: bytes) -> None:
    octets = before + golden().removeprefix(b'<?xml version="1.0" encoding="UTF-8"?>') + after
    root = read(octets).root
    assert (root.getparent(), root.getprevious(), root.getnext()) == (None, None, None)


def test_a_comment_is_left_out_but_not_the_space_after_it() -> None:
    octets = sealed(b"<a> <b></b> </a>")
    commented = octets.replace(b"<a> ", b"<a><!-- x --> ", 1)
    assert etree.tostring(read(commented).root) == b"<a> <b/> </a>"


def test_a_key_with_its_root_sends_the_chain_without_it() -> None:
    pki = development_pki()
    holder = pki.holders[SIGNER]
    key = SigningKey.from_pem(holder.key_pem, pki.certificate(SIGNER).pem + pki.certificate("issuing").pem)
    whole = SigningKey.from_pem(holder.key_pem, b"".join(one.pem for one in key.chain) + pki.roots[0].pem)
    assert len(whole.chain) == 3
    for each in (key, whole):
        sent = parse(seal(parse(b"<a/>"), each, AT).octets).iter(tag(DS, "X509Certificate"))
        assert [base64.b64decode(element.text or "") for element in sent] == [
            pki.certificate(SIGNER).der,
            pki.certificate("issuing").der,
        ]


def test_a_document_and_its_time_are_read_of_a_signature_of_two_references_only() -> None:
    def third(root: etree._Element) -> None:
        references = root.findall(f".//{tag(DS, 'Reference')}")
        references[-1].addnext(copy.deepcopy(references[-1]))

    assert claimed_signing_time(golden()) == AT
    with refused(Code.SIGNATURE_SHAPE):
        claimed_signing_time(resigned(third))
    assert refusal(resigned(third)).code is Code.SIGNATURE_SHAPE


@pytest.mark.parametrize("document", [b"<a/>", b"<a>text</a>"])
def test_the_digest_is_of_any_document(document: bytes) -> None:
    canonical = document.replace(b"<a/>", b"<a></a>")
    assert content_digest(parse(document)) == hashlib.sha256(canonical).digest()


def test_a_certificate_whose_signature_held_is_judged_once() -> None:
    verdicts.clear()
    read(golden())
    pki = development_pki()
    assert verdicts.find(pki.chain(SIGNER), Usage.CONTENT, pki.trust_store(), AT)


def test_a_signature_that_does_not_hold_leaves_no_verdict() -> None:
    verdicts.clear()
    value = base64.b64encode(bytes(384)).decode()
    assert golden()  # signed before, and not read
    root = etree.fromstring(golden())
    one(root, "//ds:SignatureValue").text = value
    assert refusal(etree.tostring(root)).code is Code.SIGNATURE_VALUE
    assert len(verdicts) == 0

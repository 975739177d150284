"""The content signature at its bounds: what is just allowed, and what is just not."""

from __future__ import annotations

import base64
import copy
import hashlib

import pytest
from lxml import etree

from gateway.crypto.certificates import Usage, verdicts
from gateway.crypto.xades import MOST_UNSIGNED_OCTETS, claimed_signing_time, content_digest, seal
from gateway.domain.catalogue import Code
from gateway.xmlcore.namespaces import DS, tag
from gateway.xmlcore.parse import parse
from tests.attacks.wrapping import AT, SIGNER, changed, golden, one, read, refusal, resigned, setting
from tests.crypto.changed import refused
from tests.pki import development_pki

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
    key = development_pki().signing_key(SIGNER)

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


def test_a_time_is_read_of_a_signature_of_two_references_only() -> None:
    def third(root: etree._Element) -> None:
        references = root.findall(f".//{tag(DS, 'Reference')}")
        references[-1].addnext(copy.deepcopy(references[-1]))

    assert claimed_signing_time(golden()) == AT
    with refused(Code.SIGNATURE_SHAPE):
        claimed_signing_time(resigned(third))


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

"""Unsigned properties of a content signature: passed over, bounded, and never confused with what is signed.

The golden ones have the shape of XAdES-LT: a time stamp, certificates, revocation values.
"""

from __future__ import annotations

import functools

import pytest
from lxml import etree

from gateway.crypto.xades import MOST_UNSIGNED_OCTETS
from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError
from gateway.xmlcore.namespaces import XADES, tag
from gateway.xmlcore.parse import parse
from tests.attacks.wrapping import LETTER, Change, adding, canonical, changed, golden, one, read, refusal
from tests.golden import loader

LONG_TERM = loader.golden("signatures/unsigned-properties")


def long_term(*changes: Change) -> Change:
    """A change that adds the golden unsigned properties, themselves changed."""

    def change(root: etree._Element) -> None:
        properties = etree.fromstring(LONG_TERM)
        for each in changes:
            each(properties)
        one(root, "//xades:QualifyingProperties").append(properties)

    return change


def stamp(**attributes: str) -> Change:
    """A change of attributes of the time stamp."""
    return lambda properties: one(properties, "//xades:SignatureTimeStamp").attrib.update(attributes)


@functools.cache
def size(octets: bytes) -> int:
    """The octets of the unsigned properties of a document, in canonical form."""
    return len(canonical(one(etree.fromstring(octets), "//xades:UnsignedProperties")))


def filled(octets: int) -> bytes:
    """The golden letter with unsigned properties of this size."""
    empty = changed(long_term())

    def fill(properties: etree._Element) -> None:
        element = one(properties, "//xades:EncapsulatedCRLValue")
        element.text = (element.text or "") + "A" * (octets - size(empty))

    return changed(long_term(fill))


def test_they_are_ignored_and_what_is_read_is_what_was_signed() -> None:
    content = read(changed(long_term()))
    assert content.digest == read(golden()).digest
    assert canonical(content.root) == canonical(parse(LETTER))
    assert list(content.root.iter(f"{{{XADES}}}*")) == []


def test_they_may_be_as_large_as_long_term_validation_needs_and_not_larger() -> None:
    largest = filled(MOST_UNSIGNED_OCTETS)
    assert size(largest) == MOST_UNSIGNED_OCTETS
    assert read(largest).digest == read(golden()).digest
    error = refusal(filled(MOST_UNSIGNED_OCTETS + 1))
    assert isinstance(error, InputError)
    assert error.code is Code.UNSIGNED_PROPERTIES_TOO_LARGE
    assert str(MOST_UNSIGNED_OCTETS) in error.english


def test_many_small_elements_count_as_much_as_one_large_one() -> None:
    def fill(properties: etree._Element) -> None:
        for _ in range(MOST_UNSIGNED_OCTETS // len("<xades:A></xades:A>")):
            etree.SubElement(properties[0], tag(XADES, "A"))

    assert refusal(changed(long_term(fill))).code is Code.UNSIGNED_PROPERTIES_TOO_LARGE


@pytest.mark.parametrize("name", ["Id", "ID", "id", "{http://www.w3.org/XML/1998/namespace}id"])
@pytest.mark.parametrize("value", ["Signature", "Document", "SignedProperties"])
def test_nothing_in_them_may_carry_an_id_of_what_is_signed(name: str, value: str) -> None:
    def change(properties: etree._Element) -> None:
        element = one(properties, "//xades:SignatureTimeStamp")
        del element.attrib["Id"]
        element.set(name, value)

    assert refusal(changed(long_term(change))).code is Code.SIGNATURE_SHAPE


def test_no_id_in_them_may_stand_twice() -> None:
    assert refusal(changed(long_term(stamp(Id="RevocationValues")))).code is Code.SIGNATURE_SHAPE
    assert refusal(changed(long_term(stamp(ID="Other")))).code is Code.SIGNATURE_SHAPE


def test_they_stand_once_and_after_the_signed_ones() -> None:
    empty = "<xades:UnsignedProperties/>"
    second = changed(adding("//xades:QualifyingProperties", empty), changed(long_term()))
    assert refusal(second).code is Code.SIGNATURE_PROPERTIES
    first = changed(adding("//xades:QualifyingProperties", empty, first=True))
    assert refusal(first).code is Code.SIGNATURE_PROPERTIES

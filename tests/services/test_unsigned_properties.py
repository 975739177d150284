"""What a system adds to its content signature unsigned is in the exact octets, and nowhere else."""

from __future__ import annotations

import base64

from lxml import etree

from gateway.crypto.xades import MOST_UNSIGNED_OCTETS
from gateway.xmlcore.namespaces import DOCUMENT, DS, SERVICE, XADES, tag
from tests.golden.loader import golden
from tests.installation import INSTITUTION, MUNICIPALITY, TestInstallation
from tests.services.papers import (
    SEALED_BY_SYSTEM,
    SEALS,
    accepted,
    grown,
    id_of,
    paper,
    request,
    row_counts,
    sealed,
    sending,
)

LONG_TERM = golden("signatures/unsigned-properties")


def _extended(octets: bytes, filling: int = 0) -> bytes:
    """A signed document with the golden unsigned properties, filled with more octets."""
    root = etree.fromstring(octets)
    properties = etree.fromstring(LONG_TERM)
    etree.SubElement(properties[0], tag(XADES, "Filling")).text = "A" * filling
    next(root.iter(tag(XADES, "QualifyingProperties"))).append(properties)
    return etree.tostring(root)


def _signed(house: TestInstallation, document: etree._Element) -> bytes:
    return sealed(document, SEALS[MUNICIPALITY], house.clock())


def test_the_typed_view_never_shows_them_and_the_exact_octets_keep_them(house: TestInstallation) -> None:
    document = paper(house.clock(), SEALED_BY_SYSTEM)
    octets = _extended(_signed(house, document))
    accepted(house.esdh, sending(octets))
    house.work()
    answer = accepted(house.sis, request("Retrieve", INSTITUTION, DocumentId=id_of(document)))
    assert base64.b64decode(answer.text("ExactOctets")) == octets
    view = answer.payload.find(tag(DOCUMENT, "Document"))
    assert view is not None
    assert list(view.iter(f"{{{XADES}}}*", f"{{{DS}}}*")) == []


def test_the_same_document_with_and_without_them_is_the_same_document(house: TestInstallation) -> None:
    octets = _signed(house, paper(house.clock(), SEALED_BY_SYSTEM))
    first = accepted(house.esdh, sending(octets))
    again = accepted(house.esdh, sending(_extended(octets)))
    assert (first.text("Repeated"), again.text("Repeated")) == ("false", "true")


def test_a_document_with_too_many_of_them_is_refused_by_name_and_evidenced(house: TestInstallation) -> None:
    octets = _signed(house, paper(house.clock(), SEALED_BY_SYSTEM))
    before = row_counts(house)
    answer = house.esdh.call(sending(_extended(octets, MOST_UNSIGNED_OCTETS)))
    assert (answer.fault_code, answer.is_signed) == ("UNSIGNED_PROPERTIES_TOO_LARGE", True)
    assert answer.payload.find(f".//{tag(SERVICE, 'SubmissionRejection')}") is not None
    assert grown(before, row_counts(house)).get("document") is None

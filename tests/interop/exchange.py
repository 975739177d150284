"""Documents of now that samples exchange, and what is asked of one that a sample received."""

from __future__ import annotations

import hashlib
import time
import uuid

from lxml import etree

from demo import content_signature, documents, parties
from tests.interop.conftest import Gateway
from tests.interop.stacks import Stack, Told

DELIVERY_SECONDS = 60  # of 14 MB on a machine that does other work too; alone it takes one


def letter() -> etree._Element:
    """A letter without attachments, written now."""
    fresh = documents.fresh_letter(b"")
    documents.remove(fresh, "Attachments")
    return fresh


def notice() -> etree._Element:
    """A notice of a dropout risk in a conversation of its own, which the gateway shall seal."""
    fresh = documents.fresh_notice(str(uuid.uuid4()))
    documents.set_text(fresh, "Header/SealedBy", "GATEWAY")
    return fresh


def id_of(document: etree._Element) -> str:
    """What the document is known by."""
    return documents.text_of(document, "Header/DocumentId")


def received(stack: Stack, gateway: Gateway, version: str, service: str = "institution") -> Told:
    """What the system of a party told of everything that waited; the files lie in the gateway's folder."""
    return stack.run(gateway.settings(service, version), "receive", gateway.folder)


def wait_until_delivered(gateway: Gateway, document: etree._Element) -> None:
    """Wait for the worker: a school that asks before would see nothing."""
    give_up = time.monotonic() + DELIVERY_SECONDS
    while gateway.stage.municipality.call("GetStatus", DocumentId=id_of(document)).State != "AVAILABLE":
        assert time.monotonic() < give_up, "it was not delivered"


def require_received(told: Told, gateway: Gateway, document: etree._Element, sealer: str) -> None:
    """Fail unless a document was received as it was sealed, and confirmed; that a person read it, nobody may say."""
    about, octets = told.about(id_of(document)), (gateway.folder / f"{id_of(document)}.xml").read_bytes()
    assert about["Name"] == documents.text_of(document, "Header/Subject/Name")
    assert about["Digest"] == hashlib.sha256(octets).hexdigest()
    assert about["SealedBy"] == SEALERS[sealer]
    assert about["Sender"] == documents.text_of(document, "Header/Sender/Party/Name")
    assert about["Confirmed"] == "HANDED_OVER"
    assert "Read" not in dict(about.facts)
    content_signature.verify(octets, gateway.installation.chain(sealer))
    assert content_of(etree.fromstring(octets)) == content_of(document)


SEALERS = {
    parties.MUNICIPALITY_SEAL: "Eksempelby Kommune - segl",
    parties.SCHOOL_SEAL: "Prøveby Erhvervsskole - segl",
}


def content_of(document: etree._Element) -> list[tuple[str, str]]:
    """What a document says, whatever prefixes its writer chose; without its signature."""
    own = (each for each in document.iter() if str(each.tag).startswith(f"{{{documents.NAMESPACE}}}"))
    return [(str(each.tag), each.text or "") for each in own]

"""A gateway, or whoever holds its message key, alters what it hands out: the samples believe the sender alone.

What does not verify is told, left where it waits, and holds up nothing behind it.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable

import pytest
from lxml import etree

from demo import content_signature, documents, parties
from demo.letter_pdf import make_pdf
from tests.interop.conftest import Gateway
from tests.interop.exchange import id_of, letter, received, require_received, wait_until_delivered
from tests.interop.forger import SERVICE, altering, forging
from tests.interop.stacks import Stack

StackOf = Callable[[str], Stack]

SVC = f"{{{SERVICE}}}"
DOC = f"{{{documents.NAMESPACE}}}"
OTHER_FILE = make_pdf("Mentoraftale", ["Omfang: 1 time om ugen"])
each_stack = pytest.mark.parametrize("name", ["zeep", "cxf", "node", "dotnet"])


def with_other_attachment(found: etree._Element) -> None:
    """Another file, and its digest and size in the typed view; the sealed octets stay."""
    in_element(found, f"{SVC}Attachment/{SVC}Content").text = base64.b64encode(OTHER_FILE).decode()
    listed = in_element(found, f"{DOC}Document/{DOC}Attachments/{DOC}Attachment")
    in_element(listed, f"{DOC}Sha256").text = base64.b64encode(hashlib.sha256(OTHER_FILE).digest()).decode()
    in_element(listed, f"{DOC}Size").text = str(len(OTHER_FILE))


def without_attachment(found: etree._Element) -> None:
    """No file, and none in the typed view; the sealed octets stay."""
    found.remove(in_element(found, f"{SVC}Attachment"))
    listed = in_element(found, f"{DOC}Document/{DOC}Attachments")
    listed.remove(listed[0])


def with_other_name(found: etree._Element) -> None:
    """One letter of a name in the sealed octets."""
    octets = base64.b64decode(in_element(found, f"{SVC}ExactOctets").text or "")
    with_octets(found, octets.replace(b">Alma ", b">Alme ", 1))


def with_other_certificate(found: etree._Element) -> None:
    """Something that is no certificate where that of the signer belongs."""
    document = etree.fromstring(base64.b64decode(in_element(found, f"{SVC}ExactOctets").text or ""))
    next(document.iter(f"{{{content_signature.DS}}}X509Certificate")).text = "AAAA"
    with_octets(found, etree.tostring(document))


def with_no_document(found: etree._Element) -> None:
    """Octets that are no XML."""
    in_element(found, f"{SVC}ExactOctets").text = base64.b64encode(b"<").decode()


def with_octets(found: etree._Element, octets: bytes) -> None:
    """Other sealed octets, and the typed view of them."""
    in_element(found, f"{SVC}ExactOctets").text = base64.b64encode(octets).decode()
    view = in_element(found, f"{DOC}Document")
    parent = view.getparent()
    assert parent is not None
    document = etree.fromstring(octets)
    document.remove(document[-1])  # the view has no signature
    parent.replace(view, document)


def in_element(parent: etree._Element, path: str) -> etree._Element:
    """The first element at a path."""
    found = parent.find(path)
    assert found is not None
    return found


def to_other_school(document: etree._Element, gateway: Gateway) -> bytes:
    """What the sender sealed under this very id, but to another school."""
    other = etree.fromstring(etree.tostring(document))
    documents.set_text(other, "Header/Recipient/Party/InstitutionNumber", "999002")
    house = gateway.installation
    holder = parties.MUNICIPALITY_SEAL
    return content_signature.seal(other, house.key(holder), house.chain(holder))


def sent(gateway: Gateway, *contents: bytes) -> etree._Element:
    """A letter that waits for the school, with this attachment."""
    document = documents.fresh_letter(contents[0]) if contents else letter()
    attachments = [{"Number": number, "Content": content} for number, content in enumerate(contents, 1)]
    esdh = gateway.stage.municipality
    esdh.call("SendLetter", Document=esdh.typed(document), Attachment=attachments)
    wait_until_delivered(gateway, document)
    return document


@each_stack
def test_what_a_gateway_altered_is_refused_and_left_and_holds_up_nothing_behind_it(
    name: str, gateway: Gateway, stack_of: StackOf
) -> None:
    stack, pdf = stack_of(name), documents.pdf_attachment()
    broken, changed, dropped = sent(gateway), sent(gateway, pdf), sent(gateway, pdf)
    stands_in, elsewhere, nobody, nothing = (sent(gateway) for _ in range(4))
    behind = sent(gateway)
    genuine = gateway.stage.school.call("Retrieve", DocumentId=id_of(behind)).ExactOctets
    altered = {
        id_of(broken): with_other_name,
        id_of(changed): with_other_attachment,
        id_of(dropped): without_attachment,
        id_of(stands_in): lambda found: with_octets(found, genuine),
        id_of(elsewhere): lambda found: with_octets(found, to_other_school(elsewhere, gateway)),
        id_of(nobody): with_other_certificate,
        id_of(nothing): with_no_document,
    }
    message_key = gateway.installation.key(parties.GATEWAY_MESSAGE)

    with forging(*gateway.own_front, altering(altered, message_key)) as address:
        settings = gateway.settings("institution", "Soap11", at=address)
        told = stack.run(settings, "receive", gateway.folder, status=1)

    reasons = {
        id_of(document): reason
        for document, reason in (
            (broken, "signature does not hold"),
            (changed, "attachment"),
            (dropped, "attachment"),
            (stands_in, "another document"),
            (elsewhere, "another party"),
            (nobody, "certificate" if name in ("cxf", "dotnet") else "signature"),
            (nothing, "signature"),
        )
    }
    for document_id, reason in reasons.items():
        ((fact, text),) = told.about(document_id).facts
        assert fact == "NotAsSealed"
        assert reason in text
        assert not list(gateway.folder.glob(f"{document_id}*"))
        assert gateway.stage.municipality.call("GetStatus", DocumentId=document_id).State == "AVAILABLE"
    require_received(told, gateway, behind, parties.MUNICIPALITY_SEAL)
    # They still wait: a gateway that hands out what was sent is believed.
    again = received(stack, gateway, "Soap11")
    for document in (broken, changed, dropped, stands_in, elsewhere, nobody, nothing):
        require_received(again, gateway, document, parties.MUNICIPALITY_SEAL)

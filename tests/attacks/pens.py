"""An attacker's pens: good messages as a system sends them, and ways to make a bad one of each by one change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from lxml import etree

from gateway.domain.catalogue import Code
from gateway.interfaces.http import HttpRequest
from gateway.protocol import soap, wss
from gateway.protocol.mime import NewPart, build_related
from gateway.protocol.soap import SoapVersion
from gateway.xmlcore.namespaces import SERVICE
from tests.attacks.door import ADDRESS, Case, Door, Left, Make
from tests.attacks.wrapping import Change, sign_again
from tests.messages import ByHand, addressing, stamp
from tests.pki import signing_key
from tests.services.papers import (
    SEALED_BY_SYSTEM,
    attachment,
    id_of,
    listing,
    name_part,
    paper,
    sealed,
    sending,
)

SYSTEM: Final = "eksempelby-esdh"
SIGNER: Final = "eksempelby-kommune"
MUNICIPALITY_ADDRESS: Final = f"{ADDRESS}/municipality/1"
PDF: Final = b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n"
HEADER: Final = b"<soap:Header>"

# --- good messages -------------------------------------------------------------------------------------


def letter(door: Door) -> HttpRequest:
    """A fresh letter, which the gateway is to seal."""
    return posted(door, sending(paper(door.house.clock())))


def letter_12(door: Door) -> HttpRequest:
    """The same in SOAP 1.2."""
    return posted(door, sending(paper(door.house.clock())), version=SoapVersion.SOAP_12)


def addressed(door: Door) -> HttpRequest:
    """The same with signed WS-Addressing headers."""
    document = paper(door.house.clock())
    headers = addressing(
        Action=f"{SERVICE}/SendLetter", MessageID=f"urn:uuid:{id_of(document)}", To=MUNICIPALITY_ADDRESS
    )
    return posted(door, sending(document), headers)


def signed_letter(door: Door) -> HttpRequest:
    """A fresh letter that the system signed with the municipality's own certificate."""
    return posted(door, sending(document_of(door)))


def by_hand(door: Door, **otherwise: object) -> HttpRequest:
    """A fresh letter in a message signed without the product, which says some things otherwise."""
    at = door.house.clock()
    said = ByHand(
        key=SYSTEM,
        body=etree.tostring(sending(paper(at)), encoding="unicode"),
        created=stamp(at),
        expires=stamp(at + timedelta(minutes=5)),
    )
    sent = replace(said, **otherwise).sent()  # type: ignore[arg-type]  # names and types of ByHand
    return door.post(sent.body, sent.content_type)


def with_parts(
    door: Door,
    *,
    mtom: bool,
    contents: Sequence[bytes] = (PDF,),
    media_type: str = "application/pdf",
    version: SoapVersion = SoapVersion.SOAP_11,
) -> HttpRequest:
    """A fresh letter whose attachments travel as parts `file-1@test`, `file-2@test` ..."""
    parts = [
        NewPart(f"file-{number}@test", media_type, content)
        for number, content in enumerate(contents, start=1)
    ]
    files = [(f"skema-{number}.pdf", media_type, each.content) for number, each in enumerate(parts, start=1)]
    body = sending(paper(door.house.clock(), listing(*files)))  # type: ignore[arg-type]  # bytes here
    for number, part in enumerate(parts, start=1):
        name_part(attachment(body, number), part, mtom=mtom)
    envelope = soap.envelope(version, body)
    octets = wss.secure(envelope, signing_key(SYSTEM), door.house.clock(), attachments=parts)
    built = build_related(octets, version.media_type, parts, mtom=mtom)
    return door.post(built.body, built.content_type)


def swa(door: Door) -> HttpRequest:
    """A fresh letter with an attachment beside the envelope."""
    return with_parts(door, mtom=False)


def mtom(door: Door) -> HttpRequest:
    """A fresh letter with an attachment by MTOM."""
    return with_parts(door, mtom=True)


def posted(
    door: Door,
    body: etree._Element,
    headers: Sequence[etree._Element] = (),
    *,
    key: str = SYSTEM,
    version: SoapVersion = SoapVersion.SOAP_11,
) -> HttpRequest:
    """A request in a fresh message, signed by the product."""
    envelope = soap.envelope(version, body, headers)
    octets = wss.secure(envelope, signing_key(key), door.house.clock())
    return door.post(octets, version.content_type)


def document_of(door: Door) -> bytes:
    """A letter, signed by the municipality."""
    at = door.house.clock()
    return sealed(paper(at, SEALED_BY_SYSTEM), SIGNER, at)


# --- one change ----------------------------------------------------------------------------------------


def changed(octets: bytes, change: Change) -> bytes:
    """The document with a change to its tree, by lxml alone."""
    root = etree.fromstring(octets)
    before = etree.tostring(root.getroottree())
    change(root)
    after = etree.tostring(root.getroottree())
    assert after != before
    return after


def replaced(request: HttpRequest, old: bytes, new: bytes) -> HttpRequest:
    """The request with the first `old`, which must be there, replaced."""
    assert old in request.body, old
    return replace(request, body=request.body.replace(old, new, 1))


def tampered(name: str, guard: str, clause: str, code: Code, change: Change, good: Make = letter) -> Case:
    """The envelope is changed on its way."""

    def bad(door: Door) -> HttpRequest:
        request = good(door)
        return replace(request, body=changed(request.body, change))

    return Case(name, guard, clause, code, good, bad)


def rewritten(
    name: str, guard: str, clause: str, code: Code, old: bytes, new: bytes, good: Make = letter
) -> Case:
    """Octets of the body are changed on its way."""
    return Case(name, guard, clause, code, good, lambda door: replaced(good(door), old, new))


def headed(name: str, guard: str, clause: str, code: Code, xml: str | bytes, good: Make = letter) -> Case:
    """A header that nobody must understand is put before the others; without its guard it does no harm."""
    added = xml.encode() if isinstance(xml, str) else xml
    return rewritten(name, guard, clause, code, HEADER, HEADER + added, good)


def spoken(name: str, guard: str, clause: str, code: Code, **otherwise: object) -> Case:
    """A trusted system says one thing otherwise, and signs that."""
    return Case(name, guard, clause, code, by_hand, lambda door: by_hand(door, **otherwise))


def sent(
    name: str, guard: str, clause: str, code: Code, bad: Make, good: Make = letter, left: Left = Left.NOTHING
) -> Case:
    """A message made in a way of its own."""
    return Case(name, guard, clause, code, good, bad, left)


def enclosed(name: str, guard: str, clause: str, code: Code, change: Change) -> Case:
    """The signed document in a good message is changed."""

    def bad(door: Door) -> HttpRequest:
        return posted(door, sending(changed(document_of(door), change)))

    return Case(name, guard, clause, code, signed_letter, bad, Left.EVIDENCE)


def enclosed_octets(name: str, guard: str, clause: str, code: Code, write: Callable[[bytes], bytes]) -> Case:
    """Other octets stand in the place of the signed document in a good message."""
    return Case(
        name,
        guard,
        clause,
        code,
        signed_letter,
        lambda door: posted(door, sending(write(document_of(door)))),
        Left.EVIDENCE,
    )


def resealed(name: str, guard: str, clause: str, code: Code, change: Change, signer: str = SIGNER) -> Case:
    """The municipality says one thing otherwise in its signed document, and signs that."""

    def say(root: etree._Element) -> None:
        change(root)
        sign_again(root, signer)

    return enclosed(name, guard, clause, code, say)


def asked(name: str, guard: str, clause: str, code: Code, body: Callable[[Door], etree._Element]) -> Case:
    """A trusted system asks for what it may not have."""
    return Case(name, guard, clause, code, letter, lambda door: posted(door, body(door)), Left.RECORD)

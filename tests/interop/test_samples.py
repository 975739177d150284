"""The samples for vendors do their work against a gateway that runs as it will: a process of its own, over HTTPS.

Each stack sends letters, receives, confirms and reads them, and can read what a fault says; with both versions of SOAP.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from lxml import etree

from demo import content_signature, documents, parties
from demo.letter_pdf import make_pdf
from tests.interop.conftest import Gateway
from tests.interop.stacks import Stack, Told

STACKS = ("zeep", "cxf", "node", "dotnet")
VERSIONS = ("Soap11", "Soap12")
CARRIERS = [
    *((name, version, "inline") for name in STACKS for version in VERSIONS),
    *(("cxf", version, how) for version in VERSIONS for how in ("mtom", "swa")),
    ("node", "Soap11", "mtom"),
    *(("dotnet", version, "mtom") for version in VERSIONS),
]
LARGE = [
    ("cxf", "Soap12", "mtom"),
    ("cxf", "Soap11", "swa"),
    ("node", "Soap11", "mtom"),
    ("dotnet", "Soap12", "mtom"),
]
_LINE = "Vi aftaler hver mandag, hvad ugen skal bruges til, og hvem der ringer til hvem."

StackOf = Callable[[str], Stack]

each_stack = pytest.mark.parametrize("name", STACKS)
each_version = pytest.mark.parametrize("version", VERSIONS)


def letter() -> etree._Element:
    """A letter without attachments, written now."""
    fresh = documents.fresh_letter(b"")
    documents.remove(fresh, "Attachments")
    return fresh


def id_of(document: etree._Element) -> str:
    return documents.text_of(document, "Header/DocumentId")


def received(stack: Stack, gateway: Gateway, version: str) -> Told:
    """What the school's system told of everything that waited; the files lie in the gateway's folder."""
    return stack.run(gateway.settings("institution", version), "receive", gateway.folder)


def require_received(told: Told, gateway: Gateway, document: etree._Element, sealer: str) -> None:
    """Fail unless a document was received as it was sealed, read by its type, confirmed and read by a person."""
    about, octets = told.about(id_of(document)), (gateway.folder / f"{id_of(document)}.xml").read_bytes()
    assert about["Name"] == documents.text_of(document, "Header/Subject/Name")
    assert about["Digest"] == hashlib.sha256(octets).hexdigest()
    assert (about["Confirmed"], about["Read"]) == ("HANDED_OVER", "READ")
    content_signature.verify(octets, gateway.installation.chain(sealer))
    assert content_of(etree.fromstring(octets)) == content_of(document)


def content_of(document: etree._Element) -> list[tuple[str, str]]:
    """What a document says, whatever prefixes its writer chose; without its signature."""
    own = (each for each in document.iter() if str(each.tag).startswith(f"{{{documents.NAMESPACE}}}"))
    return [(str(each.tag), each.text or "") for each in own]


@each_stack
@each_version
def test_ping_is_answered(name: str, version: str, gateway: Gateway, stack_of: StackOf) -> None:
    told = stack_of(name).run(gateway.settings("municipality", version), "ping")

    assert told["Echo"] == "Er der hul igennem? Æ, ø og å."
    assert abs(int(told["ClockSkewSeconds"])) <= 5


@each_stack
@each_version
def test_typed_and_signed_letters_are_sent_received_and_read(
    name: str, version: str, gateway: Gateway, stack_of: StackOf
) -> None:
    stack, settings = stack_of(name), gateway.settings("municipality", version)
    typed, signed = letter(), letter()

    sent = [
        stack.run(settings, "send", stack.typed(typed, gateway.folder)),
        stack.run(settings, "send-signed", gateway.sealed(signed)),
    ]
    told = received(stack, gateway, version)

    for document, one in zip((typed, signed), sent, strict=True):
        require_received(told, gateway, document, parties.MUNICIPALITY_SEAL)
        assert (one["DocumentId"], one["State"]) == (id_of(document), "ACCEPTED")
        kept = gateway.stage.municipality.call("GetEvidence", DocumentId=id_of(document)).Evidence
        acceptances = [each.Content for each in kept if each.Event == "SubmissionAcceptance"]
        assert [hashlib.sha256(each).hexdigest() for each in acceptances] == [one["SubmissionAcceptance"]]
        assert gateway.stage.municipality.call("GetStatus", DocumentId=id_of(document)).State == "READ"


@each_stack
@each_version
def test_refusal_is_a_fault_that_the_client_can_read(
    name: str, version: str, gateway: Gateway, stack_of: StackOf
) -> None:
    stack, broken = stack_of(name), letter()
    documents.set_text(broken, "Header/Subject/CprNumber", "1234")

    told = stack.run(gateway.settings("municipality", version), "send", stack.typed(broken, gateway.folder))

    assert (told["Refused"], told["Retryable"].lower()) == ("SCHEMA_INVALID", "false")
    assert told["Danish"].startswith("Dokumentet overholder ikke skemaet")
    assert told["Violation"].startswith('/Document/Header/Subject/CprNumber facet-pattern "CPR-nummer"')


@pytest.mark.parametrize(("name", "version", "how"), CARRIERS)
def test_attachment_arrives_as_it_was_sent(
    name: str, version: str, how: str, gateway: Gateway, stack_of: StackOf
) -> None:
    require_attachment(stack_of(name), gateway, version, how, documents.pdf_attachment())


@pytest.mark.parametrize(("name", "version", "how"), LARGE)
def test_attachment_of_20_mb_arrives_as_it_was_sent(
    name: str, version: str, how: str, gateway: Gateway, stack_of: StackOf
) -> None:
    plan = make_pdf("Plan", [_LINE] * 205_000)
    assert 19_000_000 < len(plan) < 20_971_520  # what the gateway takes unless set otherwise
    require_attachment(stack_of(name), gateway, version, how, plan)


def require_attachment(stack: Stack, gateway: Gateway, version: str, how: str, content: bytes) -> None:
    """Fail unless a letter with this attachment is sent and received by the stack."""
    assert how in stack.attachments[version]
    document, file = documents.fresh_letter(content), gateway.folder / "mentoraftale.pdf"
    file.write_bytes(content)
    settings = gateway.settings("municipality", version)

    assert (
        stack.run(settings, "send", stack.typed(document, gateway.folder), how, file)["State"] == "ACCEPTED"
    )
    told = received(stack, gateway, version)

    require_received(told, gateway, document, parties.MUNICIPALITY_SEAL)
    assert told.about(id_of(document))["Attachment"] == f"1 {hashlib.sha256(content).hexdigest()}"
    assert (gateway.folder / f"{id_of(document)}-1").read_bytes() == content
    Path(file).unlink()

"""The samples for vendors do their work against a gateway that runs as it will: a process of its own, over HTTPS.

Each stack sends letters, receives and confirms them, and can read what a fault says; with both versions of SOAP.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Callable, Sequence

import pytest
from lxml import etree

from demo import documents, parties
from demo.letter_pdf import make_pdf
from tests.interop.conftest import STRANGER, Gateway
from tests.interop.exchange import id_of, letter, notice, received, require_received, wait_until_delivered
from tests.interop.forger import forging, with_refusal_in_header
from tests.interop.stacks import Stack

STACKS = ("zeep", "cxf", "node", "dotnet")
VERSIONS = ("Soap11", "Soap12")
PAGE = 100  # what ListInbox gives at most
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


@each_stack
@each_version
def test_ping_is_answered(name: str, version: str, gateway: Gateway, stack_of: StackOf) -> None:
    told = stack_of(name).run(gateway.settings("municipality", version), "ping")

    assert told["Echo"] == "Er der hul igennem? Æ, ø og å."
    assert abs(int(told["ClockSkewSeconds"])) <= 5


@each_stack
@each_version
def test_typed_and_signed_letters_are_sent_and_received(
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
        assert gateway.stage.municipality.call("GetStatus", DocumentId=id_of(document)).State == "HANDED_OVER"


@each_stack
@pytest.mark.parametrize(
    ("service", "version", "role"),
    [("municipality", "Soap11", "YOUTH_COUNSELLOR"), ("institution", "Soap12", "CONTACT_TEACHER")],
)
def test_document_is_read_when_a_person_opened_it_and_by_the_role_that_did(
    name: str, service: str, version: str, role: str, gateway: Gateway, stack_of: StackOf
) -> None:
    stack, is_letter = stack_of(name), service == "institution"
    document = letter() if is_letter else notice()
    sender = gateway.stage.municipality if is_letter else gateway.stage.school
    sender.call("SendLetter" if is_letter else "SendNotice", Document=sender.typed(document))
    received(stack, gateway, version, service)

    told = stack.run(gateway.settings(service, version), "read", id_of(document), role)

    assert told["Read"] == "READ"
    (receipt,) = [
        each.Content
        for each in sender.call("GetEvidence", DocumentId=id_of(document)).Evidence
        if each.Event == "ContentAccessTracking"
    ]
    assert role in [each.text for each in etree.fromstring(receipt).iter("{*}Role")]


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


@pytest.mark.parametrize(("name", "version", "how"), LARGE)
def test_two_attachments_of_7_mb_arrive_as_they_were_sent(
    name: str, version: str, how: str, gateway: Gateway, stack_of: StackOf
) -> None:
    plans = [make_pdf(title, [_LINE] * 72_000) for title in ("Plan", "Skema")]
    assert all(6_500_000 < len(plan) < 7_400_000 for plan in plans)  # each by itself would come inline
    require_attachments(stack_of(name), gateway, version, how, *plans)


def require_attachment(stack: Stack, gateway: Gateway, version: str, how: str, content: bytes) -> None:
    """Fail unless a letter with this attachment is sent and received by the stack."""
    require_attachments(stack, gateway, version, how, content)


def require_attachments(stack: Stack, gateway: Gateway, version: str, how: str, *contents: bytes) -> None:
    """Fail unless a letter with these attachments is sent and received by the stack."""
    assert how in stack.attachments[version]
    document = with_attachments(contents)
    files = [gateway.folder / f"bilag-{number}.pdf" for number in range(1, len(contents) + 1)]
    for file, content in zip(files, contents, strict=True):
        file.write_bytes(content)
    settings = gateway.settings("municipality", version)

    sent = stack.run(settings, "send", stack.typed(document, gateway.folder), how, *files)
    assert sent["State"] == "ACCEPTED"
    wait_until_delivered(gateway, document)
    told = received(stack, gateway, version)

    require_received(told, gateway, document, parties.MUNICIPALITY_SEAL)
    about = [value for fact, value in told.about(id_of(document)).facts if fact == "Attachment"]
    assert about == [
        f"{number} {hashlib.sha256(content).hexdigest()}" for number, content in enumerate(contents, 1)
    ]
    for number, content in enumerate(contents, 1):
        assert (gateway.folder / f"{id_of(document)}-{number}").read_bytes() == content
    for file in files:
        file.unlink()


def with_attachments(contents: Sequence[bytes]) -> etree._Element:
    """A fresh letter that lists these."""
    first, *others = [documents.fresh_letter(content) for content in contents]
    (listed,) = first.iter(f"{{{documents.NAMESPACE}}}Attachments")
    for number, other in enumerate(others, 2):
        documents.set_text(other, "Attachments/Attachment/Number", str(number))
        documents.set_text(other, "Attachments/Attachment/FileName", f"bilag-{number}.pdf")
        listed.extend(other.iter(f"{{{documents.NAMESPACE}}}Attachment"))
    return first


# --- what the pages for vendors name ---------------------------------------------------------------------


@each_stack
def test_files_that_make_serve_writes_send_a_letter_and_receive_it(
    name: str, gateway: Gateway, stack_of: StackOf
) -> None:
    stack, files = stack_of(name), gateway.files.folder
    gateway.files.write_letter()  # another stack has sent the last one
    sent = stack.run(
        files / "esdh.properties", "send", files / f"letter.{'json' if stack.takes_json else 'xml'}"
    )
    assert sent["DocumentId"] == etree.parse(files / "letter.xml").findtext("{*}Header/{*}DocumentId")
    assert stack.run(files / "esdh.properties", "ping")["Echo"]
    stack.run(files / "sis.properties", "receive", gateway.folder)
    assert (gateway.folder / f"{sent['DocumentId']}.xml").exists()


# --- answers that nobody signed --------------------------------------------------------------------------


@each_stack
@each_version
def test_fault_without_signature_is_told_as_one_that_nobody_signed(
    name: str, version: str, gateway: Gateway, stack_of: StackOf
) -> None:
    told = stack_of(name).run(gateway.settings("municipality", version, holder=STRANGER), "ping", status=1)

    assert told["UnsignedCode"] == "MESSAGE_NOT_TRUSTED"
    assert len(told["UnsignedCorrelationId"]) == 36
    assert told["UnsignedDanish"]


@each_stack
def test_refusal_that_somebody_wrote_into_the_header_of_an_answer_is_not_believed(
    name: str, gateway: Gateway, stack_of: StackOf
) -> None:
    with forging(*gateway.own_front, with_refusal_in_header) as address:
        told = stack_of(name).run(gateway.settings("municipality", "Soap11", at=address), "ping")

    assert told["Echo"] == "Er der hul igennem? Æ, ø og å."


@each_stack
def test_inbox_of_more_than_a_page_is_received_whole(name: str, gateway: Gateway, stack_of: StackOf) -> None:
    waiting = [letter() for _ in range(PAGE + 1)]
    for each in waiting:
        gateway.stage.municipality.call("SendLetter", Document=gateway.stage.municipality.typed(each))

    told = received(stack_of(name), gateway, "Soap11")

    assert {value for fact, value in told.facts if fact == "DocumentId"} >= set(map(id_of, waiting))


@each_stack
def test_command_without_arguments_says_how_it_is_used(name: str, stack_of: StackOf) -> None:
    ended = subprocess.run(
        stack_of(name).command,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
        env={**os.environ, **stack_of(name).environment},
    )
    assert ended.returncode in (1, 2)
    assert "Usage" in ended.stderr
    assert "receive FOLDER" in ended.stderr

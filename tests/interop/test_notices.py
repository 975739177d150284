"""The samples in the other role: a school's system sends notices, and a municipality's receives and answers them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest

from demo import documents, parties
from tests.interop.conftest import Gateway
from tests.interop.exchange import id_of, letter, notice, received, require_received
from tests.interop.stacks import Stack

StackOf = Callable[[str], Stack]

each_stack = pytest.mark.parametrize("name", ["zeep", "cxf", "node", "dotnet"])
each_version = pytest.mark.parametrize("version", ["Soap11", "Soap12"])


@each_stack
@each_version
def test_typed_and_signed_notices_are_sent_by_a_school_and_received(
    name: str, version: str, gateway: Gateway, stack_of: StackOf
) -> None:
    stack, settings = stack_of(name), gateway.settings("institution", version)
    typed, signed = notice(), notice()

    sent = [
        stack.run(settings, "send", stack.typed(typed, gateway.folder)),
        stack.run(settings, "send-signed", gateway.sealed(signed, parties.SCHOOL_SEAL)),
    ]
    told = received(stack, gateway, version, "municipality")

    for document, one in zip((typed, signed), sent, strict=True):
        assert (one["DocumentId"], one["State"]) == (id_of(document), "ACCEPTED")
        require_received(told, gateway, document, parties.SCHOOL_SEAL)
        kept = gateway.stage.school.call("GetEvidence", DocumentId=id_of(document)).Evidence
        acceptances = [each.Content for each in kept if each.Event == "SubmissionAcceptance"]
        assert [hashlib.sha256(each).hexdigest() for each in acceptances] == [one["SubmissionAcceptance"]]
        assert gateway.stage.school.call("GetStatus", DocumentId=id_of(document)).State == "HANDED_OVER"


@each_stack
@each_version
def test_notice_is_answered_by_the_municipality_and_the_answer_received(
    name: str, version: str, gateway: Gateway, stack_of: StackOf
) -> None:
    stack, asked = stack_of(name), notice()
    gateway.stage.school.call("SendNotice", Document=gateway.stage.school.typed(asked))
    answer = documents.fresh_answer(documents.text_of(asked, "Header/ConversationId"), id_of(asked))

    received(stack, gateway, version, "municipality")
    stack.run(gateway.settings("municipality", version), "send", stack.typed(answer, gateway.folder))
    told = received(stack, gateway, version)

    require_received(told, gateway, answer, parties.MUNICIPALITY_SEAL)
    assert gateway.stage.school.call("GetStatus", DocumentId=id_of(asked)).State == "ANSWERED"


@each_stack
@each_version
def test_letter_is_answered_by_the_school_and_the_answer_received(
    name: str, version: str, gateway: Gateway, stack_of: StackOf
) -> None:
    stack, asked = stack_of(name), letter()
    gateway.stage.municipality.call("SendLetter", Document=gateway.stage.municipality.typed(asked))
    conversation = documents.text_of(asked, "Header/ConversationId")
    answer = documents.fresh_school_answer(conversation, id_of(asked))

    received(stack, gateway, version)
    stack.run(gateway.settings("institution", version), "send", stack.typed(answer, gateway.folder))
    told = received(stack, gateway, version, "municipality")

    require_received(told, gateway, answer, parties.SCHOOL_SEAL)
    assert gateway.stage.municipality.call("GetStatus", DocumentId=id_of(asked)).State == "ANSWERED"


@each_stack
@each_version
def test_refusal_of_a_notice_is_a_fault_that_the_client_can_read(
    name: str, version: str, gateway: Gateway, stack_of: StackOf
) -> None:
    stack, broken = stack_of(name), notice()
    documents.set_text(broken, "Header/Subject/CprNumber", "1234")

    told = stack.run(gateway.settings("institution", version), "send", stack.typed(broken, gateway.folder))

    assert (told["Refused"], told["Retryable"].lower()) == ("SCHEMA_INVALID", "false")
    assert told["Danish"].startswith("Dokumentet overholder ikke skemaet")
    assert told["Violation"].startswith('/Document/Header/Subject/CprNumber facet-pattern "CPR-nummer"')


@each_stack
def test_files_that_make_serve_writes_send_a_notice_and_receive_it(
    name: str, gateway: Gateway, stack_of: StackOf
) -> None:
    stack, files = stack_of(name), gateway.files.folder
    gateway.files.write_notice()  # another stack has sent the last one
    sent = stack.run(files / "sis.properties", "send-signed", files / "notice.xml")
    assert sent["State"] == "ACCEPTED"
    assert stack.run(files / "sis.properties", "ping")["Echo"]
    stack.run(files / "esdh.properties", "receive", gateway.folder)
    stored = (gateway.folder / f"{sent['DocumentId']}.xml").read_bytes()
    assert stored == (files / "notice.xml").read_bytes()

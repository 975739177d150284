"""What is read of a verified message, in which forms, how much of it, and what is remembered of it."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from lxml import etree

from gateway.crypto.certificates import Usage, verdicts
from gateway.domain.catalogue import Code
from gateway.protocol.mime import NewPart, build_related
from gateway.protocol.wss import replay_keys
from gateway.xmlcore.namespaces import SERVICE, WSA, WSU
from tests.crypto.changed import refused
from tests.messages import (
    AT,
    SWA_CONTENT,
    SYSTEM,
    ByHand,
    Ref,
    Sent,
    addressing,
    canonical,
    golden,
    received,
    refusal,
)
from tests.pki import development_pki


def with_references(number: int) -> Sent:
    """A message with so many references: to Body, Timestamp, and parts."""
    parts = [NewPart(f"{each}@test", "application/pdf", b"a") for each in range(number - 2)]
    transform = f'<ds:Transform Algorithm="{SWA_CONTENT}"/>'
    references = [Ref(f"cid:{part.content_id}", b"a", transform) for part in parts]
    built = build_related(ByHand(more_references=references).sent().body, "text/xml", parts, mtom=False)
    return Sent(built.content_type, built.body)


def test_a_signature_has_at_most_32_references() -> None:
    assert len(received(with_references(32)).attachments) == 30
    assert refusal(with_references(33)) is Code.SIGNATURE_SHAPE


def test_the_signature_of_a_message_holds_nothing_besides() -> None:
    sent = ByHand().sent()
    assert received(sent).operation == "Ping"
    assert refusal(sent.replaced(b"</ds:KeyInfo>", b"</ds:KeyInfo><ds:Object/>")) is Code.SIGNATURE_SHAPE


@pytest.mark.parametrize("attribute", ["Id", "xml:id", "wsu:Id"])
def test_what_is_signed_is_found_by_any_of_three_ids(attribute: str) -> None:
    """Node soap and others write a plain Id where WS-Security has wsu:Id."""
    header = f'<wsa:MessageID {attribute}="M">urn:uuid:1</wsa:MessageID>'
    declared = header.replace(" ", f' xmlns:wsa="{WSA}" xmlns:wsu="{WSU}" ', 1)
    reference = Ref("#M", canonical(etree.fromstring(declared)))
    sent = ByHand(headers=header, more_references=[reference]).sent()
    assert received(sent).message_id == "urn:uuid:1"


def test_an_id_of_another_name_names_nothing() -> None:
    header = '<wsa:MessageID ID="M">urn:uuid:1</wsa:MessageID>'
    octets = canonical(etree.fromstring(header.replace(" ID", f' xmlns:wsa="{WSA}" ID')))
    assert (
        refusal(ByHand(headers=header, more_references=[Ref("#M", octets)]).sent()) is Code.SIGNATURE_COVERAGE
    )


def test_the_payload_is_named_with_its_namespace_or_none() -> None:
    verified = received(golden())
    assert (verified.namespace, verified.operation) == (SERVICE, "Ping")
    verified = received(ByHand(body='<Ping xmlns=""/>').sent())
    assert (verified.namespace, verified.operation) == ("", "Ping")


def test_whom_a_message_is_addressed_to_is_read_if_it_says_so() -> None:
    assert (
        received(golden(headers=addressing(To="https://gateway.example/"))).to == "https://gateway.example/"
    )
    assert received(golden()).to is None


def test_the_verdict_on_a_certificate_is_kept_once_its_key_has_signed_a_message_and_its_digests_hold() -> (
    None
):
    pki = development_pki()
    question = (pki.chain(SYSTEM), Usage.MESSAGE, pki.trust_store(), AT)
    verdicts.clear()
    with refused(Code.SIGNATURE_DIGEST):
        received(golden().replaced(b">Hej<", b">Nej<"))
    assert verdicts.find(*question) is None
    received(golden())
    assert verdicts.find(*question)


def test_the_replay_keys_are_those_that_are_already_kept() -> None:
    """They stand in the database: were they made otherwise, a message could be replayed after the change."""
    verified = received(golden(headers=addressing(MessageID="urn:uuid:1")))
    public_key = development_pki().certificate(SYSTEM).public_key
    spki = public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    owner = hashlib.sha256(spki).digest()
    assert replay_keys(verified) == tuple(
        hashlib.sha256(f"bropost/replay/{kind}/1".encode() + b"\x00" + owner + value).digest()
        for kind, value in (("signed-info", verified.request_digest), ("message-id", b"urn:uuid:1"))
    )

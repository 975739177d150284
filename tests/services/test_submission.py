"""A document that is accepted is sealed, evidenced, encrypted, logged and on disk; sent again, it is the same one."""

from __future__ import annotations

import base64
import hashlib
import threading
from datetime import timedelta

import pytest
import structlog
from lxml import etree

from gateway.crypto import xades
from gateway.crypto.certificates import Usage
from gateway.domain.identifiers import PartyId
from gateway.protocol import soap, wss
from gateway.xmlcore.namespaces import SERVICE, WSA, XSI, tag
from gateway.xmlcore.schema import document_schema
from tests import postgres
from tests.golden.changes import Change, Insert, SetText
from tests.installation import (
    INSTITUTION,
    MUNICIPALITY,
    OTHER_INSTITUTION,
    OTHER_MUNICIPALITY,
    Answered,
    TestInstallation,
    database_address,
)
from tests.services.papers import (
    PERSONAL,
    SEALED_BY_SYSTEM,
    SEALS,
    accepted,
    between,
    confirm,
    deliver_letter,
    evidence,
    grown,
    id_of,
    listing,
    notice,
    paper,
    read,
    request,
    retrieve,
    row_counts,
    sealed,
    sending,
    text_of,
)

DIAGNOSIS = Insert(
    "after",
    "/Document/EducationOrderLetter/MessageTo[2]",
    "<MessageTo><Role>TEACHER</Role><Text>Alma har ADHD.</Text></MessageTo>",
)
LARGE_TEXT = b"Alma er i gang med forl\xc3\xb8bet.\n" * 12_000  # above what is kept in the database


def test_a_signed_letter_carries_nothing_that_no_rule_looks_at(house: TestInstallation) -> None:
    letter = paper(house.clock(), SEALED_BY_SYSTEM)
    letter.set(tag(XSI, "schemaLocation"), "urn:dk:bropost:document:1 Alma-har-ADHD")
    answer = house.esdh.call(sending(sealed(letter, SEALS[MUNICIPALITY], house.clock())))
    assert answer.fault_code == "XML_FORBIDDEN"
    assert row_counts(house)["document"] == 0


def test_a_signed_letter_carries_no_comment_which_no_signature_covers(house: TestInstallation) -> None:
    octets = sealed(paper(house.clock(), SEALED_BY_SYSTEM), SEALS[MUNICIPALITY], house.clock())
    commented = octets.replace(b"<Header>", b"<Header><!-- Alma har ADHD -->", 1)
    assert commented != octets
    answer = house.esdh.call(sending(commented))
    assert answer.fault_code == "XML_FORBIDDEN"
    assert "at line 2" in (answer.payload.findtext(f".//{tag(SERVICE, 'English')}") or "")
    for around in (
        b"<!-- x -->" + octets,
        octets + b"<!-- x -->",
        octets.replace(b"<ds:Object>", b"<ds:Object><!-- x -->"),
    ):
        assert around != octets
        assert house.esdh.call(sending(around)).fault_code in {"XML_FORBIDDEN", "MESSAGE_NOT_TRUSTED"}
    assert row_counts(house)["document"] == 0


def test_what_only_looks_like_a_comment_in_a_signed_letter_is_judged_as_the_text_it_is(
    house: TestInstallation,
) -> None:
    at = house.clock()
    path = "/Document/EducationOrderLetter/Assessment/SupportNeed[1]/Text"
    letter = paper(at, SEALED_BY_SYSTEM, SetText(path, "Bedst <!-- om formiddagen -->"))
    octets = sealed(letter, SEALS[MUNICIPALITY], at)
    text = b"<![CDATA[Bedst <!-- om formiddagen -->]]>"
    in_section = octets.replace(b"Bedst &lt;!-- om formiddagen --&gt;", text)
    assert text in in_section
    answer = house.esdh.call(sending(in_section))
    assert answer.fault_code == "RULE_X09"
    (violation,) = answer.payload.iter(tag(SERVICE, "Violation"))
    assert violation.findtext(tag(SERVICE, "Path")) == path


def test_a_typed_letter_is_sealed_with_the_senders_own_key(house: TestInstallation) -> None:
    letter = paper(house.clock())
    accepted(house.esdh, sending(letter))
    house.work()
    octets = retrieve(house, id_of(letter))
    verified = xades.verify(octets, house.pki.trust_store(), house.pki.revocations(), house.clock())
    assert verified.certificate.certificate == house.pki.certificate("eksempelby-kommune")
    assert verified.signing_time == house.clock().replace(microsecond=0)
    document_schema().require(verified.root)
    assert verified.digest == xades.content_digest(letter)


def test_a_letter_that_the_system_signed_is_kept_octet_for_octet(house: TestInstallation) -> None:
    letter = paper(house.clock(), SEALED_BY_SYSTEM)
    octets = sealed(letter, SEALS[MUNICIPALITY], house.clock())
    accepted(house.esdh, sending(octets))
    house.work()
    assert retrieve(house, id_of(letter)) == octets


@pytest.mark.parametrize("by_system", [True, False], ids=["signed", "typed"])
def test_the_acceptance_states_what_was_accepted_of_whom_and_when(
    house: TestInstallation, by_system: bool
) -> None:
    letter = paper(house.clock(), *([SEALED_BY_SYSTEM] if by_system else []))
    content = sealed(letter, SEALS[MUNICIPALITY], house.clock()) if by_system else letter
    message = house.esdh.message(sending(content))
    answer = house.esdh.send(message)
    acceptance = evidence(house, answer.text("SubmissionAcceptance"))
    house.work()
    octets = retrieve(house, id_of(letter))
    assert acceptance["Event"] == "SubmissionAcceptance"
    assert acceptance["DocumentId"] == id_of(letter)
    assert acceptance["ConversationId"] == text_of(letter, "ConversationId")
    assert acceptance.octets("ContentDigest") == xades.content_digest(letter)
    assert acceptance.octets("SealedDigest") == hashlib.sha256(octets).digest()
    assert acceptance.octets("BasedOn") == hashlib.sha256(message).digest()
    assert acceptance["RequestDigest"] == answer.text("Answer/RequestDigest")
    assert (acceptance["Sender/Cvr"], acceptance["Recipient/Cvr"]) == ("11111111", "22222222")
    assert acceptance["IssuedOnAbsence"] == "false"
    assert not acceptance.has("PreviousEvidence")


def test_an_answer_is_bound_to_its_request(house: TestInstallation) -> None:
    message = house.esdh.message(sending(paper(house.clock())))
    unpacked = soap.unpack(house.esdh.version.content_type, None, message)
    verified = wss.verify(
        unpacked, house.pki.trust_store(), house.pki.revocations(), house.clock(), usage=Usage.MESSAGE
    )
    answer = house.esdh.send(message)
    assert base64.b64decode(answer.text("Answer/RequestDigest")) == verified.request_digest
    assert answer.text("Answer/Environment") == "DEVELOPMENT"


def test_nothing_of_a_letter_or_of_who_read_it_can_be_read_on_disk(house: TestInstallation) -> None:
    plan = listing(("plan.txt", "text/plain", LARGE_TEXT))
    letter = paper(house.clock(), plan)
    accepted(house.esdh, sending(letter, attachments=[LARGE_TEXT]))
    house.work()
    confirm(house.sis, id_of(letter), retrieve(house, id_of(letter)))
    read(house.sis, id_of(letter), house.clock(), ReaderName="Sofie Eksempelsen")
    house.esdh.call(sending(paper(house.clock(), DIAGNOSIS)))
    house.clock.forward(days=20)
    house.work()
    files = [path for path in house.folder.rglob("*") if path.is_file()]
    files += (of_database := postgres.files_of(database_address(house.folder)))
    assert of_database or any(path.name.endswith("-wal") and path.stat().st_size for path in files)
    assert any(path.parent.parent.parent.name == "blobs" for path in files)
    content = b"".join(path.read_bytes() for path in files)
    assert b"Eksempelby Kommune" in content  # so that finding nothing means something
    secrets = (*PERSONAL, "Sofie", "Eksempelsen", "forløbet", "ADHD", "plan.txt")
    found = [text for text in secrets if text.encode() in content or text.encode("utf-16-le") in content]
    assert found == []


def test_the_operations_log_tells_nothing_of_whom_a_letter_is_about(house: TestInstallation) -> None:
    with structlog.testing.capture_logs() as logs:
        letter = paper(house.clock())
        accepted(house.esdh, sending(letter))
        house.work()
        confirm(house.sis, id_of(letter), retrieve(house, id_of(letter)))
        read(house.sis, id_of(letter), house.clock(), ReaderName="Sofie Eksempelsen")
    assert [each["operation"] for each in logs] == [
        "SendLetter",
        "Retrieve",
        "ConfirmHandover",
        "RegisterRead",
    ]
    assert [secret for secret in (*PERSONAL, "Sofie", "Eksempelsen") if secret in repr(logs)] == []


def test_warnings_are_told_and_stop_nothing(house: TestInstallation) -> None:
    answer = accepted(house.esdh, sending(paper(house.clock())))
    assert "RULE_H06" in answer.texts("Warning/Rule")
    assert "/Document/Header/Subject/CprNumber" in answer.texts("Warning/Path")


def test_a_rule_that_may_be_overridden_stops_a_letter_until_a_reason_is_given(
    house: TestInstallation,
) -> None:
    letter = paper(house.clock(), DIAGNOSIS)
    assert house.esdh.call(sending(letter)).fault_code == "RULE_X02"
    assert house.esdh.call(sending(letter, overrides={"RULE_X02": " "})).fault_code is not None
    assert house.esdh.call(sending(letter, overrides={"RULE_X03": "Aftalt"})).fault_code == "RULE_X02"
    assert accepted(house.esdh, sending(letter, overrides={"RULE_X02": "Alma vil selv"})).texts("State")


def test_a_rule_that_may_not_be_overridden_stops_a_letter_whatever_the_reason(
    house: TestInstallation,
) -> None:
    old = SetText("/Document/Header/CreatedAt", f"{house.clock() - timedelta(days=40):%Y-%m-%dT%H:%M:%SZ}")
    answer = house.esdh.call(sending(paper(house.clock(), old), overrides={"RULE_H01": "Glemt"}))
    assert answer.fault_code == "RULE_H01"


# --- sealing -------------------------------------------------------------------------------------------


def test_a_letter_signed_with_another_organisations_key_is_refused(house: TestInstallation) -> None:
    octets = sealed(paper(house.clock(), SEALED_BY_SYSTEM), "bad-wrong-cvr", house.clock())
    answer = house.esdh.call(sending(octets))
    assert answer.fault_code == "RULE_H03"
    assert answer.payload.findtext(f".//{tag(SERVICE, 'Path')}") == "/Document/Header/Sender/Party/Cvr"


@pytest.mark.parametrize(
    "name", ["bad-expired", "bad-revoked", "bad-wrong-policy", "bad-wrong-usage", "bad-self-signed"]
)
def test_a_letter_signed_with_a_key_that_must_not_be_trusted_is_refused(
    house: TestInstallation, name: str
) -> None:
    octets = sealed(paper(house.clock(), SEALED_BY_SYSTEM), name, house.clock())
    answer = house.esdh.call(sending(octets))
    assert answer.fault_code == "MESSAGE_NOT_TRUSTED"
    assert answer.is_signed


def test_a_letter_that_was_changed_after_it_was_signed_is_refused(house: TestInstallation) -> None:
    octets = sealed(paper(house.clock(), SEALED_BY_SYSTEM), SEALS[MUNICIPALITY], house.clock())
    answer = house.esdh.call(sending(octets.replace(b"larm", b"ro  ")))
    assert answer.fault_code == "MESSAGE_NOT_TRUSTED"


def test_how_a_document_is_sealed_must_be_what_it_says(house: TestInstallation) -> None:
    typed = sending(paper(house.clock(), SEALED_BY_SYSTEM))
    signed = sending(sealed(paper(house.clock()), SEALS[MUNICIPALITY], house.clock()))
    assert house.esdh.call(typed).fault_code == "DOCUMENT_SEALED_BY"
    assert house.esdh.call(signed).fault_code == "DOCUMENT_SEALED_BY"


def test_the_gateway_seals_for_no_party_that_did_not_let_it(house: TestInstallation) -> None:
    letter = paper(house.clock(), *between(OTHER_MUNICIPALITY, INSTITUTION))
    esdh = house.caller("proevelund-esdh", house.esdh.endpoint.service)
    assert esdh.call(sending(letter, by=OTHER_MUNICIPALITY)).fault_code == "SEAL_NOT_ALLOWED"


def test_a_party_without_seal_sends_what_its_system_signed(house: TestInstallation) -> None:
    letter = paper(house.clock(), SEALED_BY_SYSTEM, *between(OTHER_MUNICIPALITY, INSTITUTION))
    octets = sealed(letter, "proevelund-kommune", house.clock())
    esdh = house.caller("proevelund-esdh", house.esdh.endpoint.service)
    accepted(esdh, sending(octets, by=OTHER_MUNICIPALITY))


# --- the conversation ----------------------------------------------------------------------------------


def test_a_notice_may_answer_only_a_letter_of_its_own_conversation(house: TestInstallation) -> None:
    letter = paper(house.clock())
    accepted(house.esdh, sending(letter))
    house.work()
    same = SetText("/Document/Header/ConversationId", text_of(letter, "ConversationId"))
    reply = Insert("after", "/Document/Header/ConversationId", f"<ReplyTo>{id_of(letter)}</ReplyTo>")
    elsewhere = house.sis.call(sending(notice(house.clock(), reply), by=INSTITUTION))
    assert elsewhere.fault_code == "RULE_H15"
    accepted(house.sis, sending(notice(house.clock(), same, reply), by=INSTITUTION))


def test_a_letter_that_is_not_delivered_yet_cannot_be_answered(house: TestInstallation) -> None:
    letter = paper(house.clock())
    accepted(house.esdh, sending(letter))
    changes = (
        SetText("/Document/Header/ConversationId", text_of(letter, "ConversationId")),
        Insert("after", "/Document/Header/ConversationId", f"<ReplyTo>{id_of(letter)}</ReplyTo>"),
    )
    answer = house.sis.call(sending(notice(house.clock(), *changes), by=INSTITUTION))
    assert answer.fault_code == "RULE_H15"


def test_a_risk_continues_only_where_a_notice_began_it(house: TestInstallation) -> None:
    def told(*changes: Change) -> Answered:
        return house.sis.call(sending(notice(house.clock(), *changes), by=INSTITUTION))

    conversation = text_of(notice(house.clock()), "ConversationId")
    same = SetText("/Document/Header/ConversationId", conversation)
    continued = SetText("/Document/DropoutRiskNotice/Phase", "CONTINUED")
    assert told(same, continued).fault_code == "RULE_N04"
    assert told(same).fault_code is None
    assert told(same, continued).fault_code is None


def test_a_letter_reaches_only_a_registered_recipient_that_takes_the_kind(house: TestInstallation) -> None:
    nobody = PartyId(INSTITUTION.cvr, "999003")
    assert _sent_to(house, nobody).fault_code == "RECIPIENT_UNKNOWN"
    assert _sent_to(house, OTHER_INSTITUTION).fault_code is None


def _sent_to(house: TestInstallation, recipient: PartyId) -> Answered:
    return house.esdh.call(sending(paper(house.clock(), *between(MUNICIPALITY, recipient))))


# --- the same again ------------------------------------------------------------------------------------


def test_the_same_letter_in_a_fresh_message_gets_the_first_result_again(house: TestInstallation) -> None:
    letter = sending(paper(house.clock()))
    first = accepted(house.esdh, letter)
    before = row_counts(house)
    house.clock.forward(seconds=30)
    second = accepted(house.esdh, letter)
    assert (first.text("Repeated"), second.text("Repeated")) == ("false", "true")
    assert second.text("SubmissionAcceptance") == first.text("SubmissionAcceptance")
    assert second.text("Answer/RequestDigest") != first.text("Answer/RequestDigest")
    assert grown(before, row_counts(house)) == {"replay": 1}


def test_the_same_letter_again_is_answered_with_where_it_is_now(house: TestInstallation) -> None:
    letter = paper(house.clock())

    def again() -> tuple[str, str]:
        answer = accepted(house.esdh, sending(letter))
        return answer.text("State"), answer.text("SubmissionAcceptance")

    first = again()
    assert first[0] == "ACCEPTED"
    assert again() == first
    house.work()
    assert again() == ("AVAILABLE", first[1])
    body = request("WithdrawDocument", MUNICIPALITY, DocumentId=id_of(letter), Reason="WRONG_CONTENT")
    accepted(house.esdh, body)
    assert again() == ("WITHDRAWN", first[1])


def test_the_same_letter_is_the_same_however_its_xml_is_written(house: TestInstallation) -> None:
    letter = paper(house.clock())
    accepted(house.esdh, sending(letter))
    root = sending(letter)
    other = etree.tostring(root).replace(b"<Purpose>", b"<Purpose ><!-- hvorfor -->")
    assert accepted(house.esdh, etree.fromstring(other)).text("Repeated") == "true"


def test_another_letter_of_the_same_id_is_refused(house: TestInstallation) -> None:
    letter = paper(house.clock())
    accepted(house.esdh, sending(letter))
    changed = SetText("/Document/EducationOrderLetter/EarlierStarts/Count", "3")
    before = row_counts(house)
    other = house.esdh.call(sending(paper(house.clock(), changed, document_id=id_of(letter))))
    assert other.fault_code == "DUPLICATE_DIFFERENT"
    assert grown(before, row_counts(house)) == {"refusal": 1, "replay": 1, "log_entry": 1, "opening": 1}


@pytest.mark.parametrize(
    "again", [[b"Et andet skema"], [], [b"Skema", b"Mere"]], ids=["other", "none", "more"]
)
def test_the_same_letter_with_other_attachments_is_refused(
    house: TestInstallation, again: list[bytes]
) -> None:
    letter = paper(house.clock(), listing(("skema.txt", "text/plain", b"Skema")))
    accepted(house.esdh, sending(letter, attachments=[b"Skema"]))
    answer = house.esdh.call(sending(letter, attachments=again))
    assert answer.fault_code == "DUPLICATE_DIFFERENT"
    assert accepted(house.esdh, sending(letter, attachments=[b"Skema"])).text("Repeated") == "true"


def test_a_race_of_the_same_letter_is_won_once_and_both_get_its_result(house: TestInstallation) -> None:
    letter = sending(paper(house.clock()))
    messages = [house.esdh.message(letter) for _ in range(4)]
    before = row_counts(house)
    answers: list[Answered] = []
    start = threading.Barrier(len(messages))

    def send(message: bytes) -> None:
        start.wait()
        answers.append(house.esdh.send(message))

    threads = [threading.Thread(target=send, args=(message,)) for message in messages]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.text("Repeated") for answer in answers) == ["false", "true", "true", "true"]
    assert len({answer.text("SubmissionAcceptance") for answer in answers}) == 1
    after = grown(before, row_counts(house))
    assert (after["document"], after["evidence"], after["outbox"], after["replay"]) == (1, 1, 1, 4)


# --- the very same message -----------------------------------------------------------------------------


def _messages(house: TestInstallation) -> dict[str, bytes]:
    """A message of every operation that the municipality's system may send."""
    document_id = deliver_letter(house)
    bodies = {
        "SendLetter": sending(paper(house.clock())),
        "GetStatus": request("GetStatus", MUNICIPALITY, DocumentId=document_id),
        "GetEvidence": request("GetEvidence", MUNICIPALITY, DocumentId=document_id),
        "ListEvents": request("ListEvents", MUNICIPALITY),
        "ListInbox": request("ListInbox", MUNICIPALITY),
        "FindParty": request("FindParty", MUNICIPALITY, Cvr="22222222"),
        "Ping": request("Ping", None, Echo="Hej"),
    }
    return {name: house.esdh.message(body) for name, body in bodies.items()}


def test_the_very_same_message_is_refused_whatever_it_asks(house: TestInstallation) -> None:
    for name, message in _messages(house).items():
        assert house.esdh.send(message).fault_code is None, name
        before = row_counts(house)
        again = house.esdh.send(message)
        assert (again.fault_code, again.is_signed) == ("MESSAGE_REPLAYED", True), name
        assert grown(before, row_counts(house)) == {}, name


def test_the_very_same_message_from_a_recipient_is_refused(house: TestInstallation) -> None:
    document_id = deliver_letter(house)
    digest = base64.b64encode(hashlib.sha256(retrieve(house, document_id)).digest()).decode()
    read_at = f"{house.clock():%Y-%m-%dT%H:%M:%SZ}"
    for body in (
        request("Retrieve", INSTITUTION, DocumentId=document_id),
        request("ConfirmHandover", INSTITUTION, DocumentId=document_id, ContentDigest=digest),
        request("RegisterRead", INSTITUTION, DocumentId=document_id, ReaderRole="TEACHER", ReadAt=read_at),
        sending(notice(house.clock()), by=INSTITUTION),
    ):
        message = house.sis.message(body)
        assert house.sis.send(message).fault_code is None
        before = row_counts(house)
        assert house.sis.send(message).fault_code == "MESSAGE_REPLAYED"
        assert grown(before, row_counts(house)) == {}


def test_a_refused_message_is_remembered_too(house: TestInstallation) -> None:
    message = house.esdh.message(request("GetStatus", MUNICIPALITY, DocumentId=id_of(paper(house.clock()))))
    assert house.esdh.send(message).fault_code == "NOT_FOUND"
    assert house.esdh.send(message).fault_code == "MESSAGE_REPLAYED"


def test_a_message_is_remembered_for_longer_than_it_could_be_accepted(house: TestInstallation) -> None:
    message = house.esdh.message(request("Ping", None, Echo="Hej"), lifetime=timedelta(minutes=15))
    assert house.esdh.send(message).fault_code is None
    house.clock.forward(minutes=19, seconds=59)  # its whole life, and as far as a clock may be behind
    house.work()
    assert house.esdh.send(message).fault_code == "MESSAGE_REPLAYED"
    house.clock.forward(minutes=25)
    house.work()
    assert row_counts(house)["replay"] == 1
    house.clock.forward(minutes=6)
    house.work()
    assert row_counts(house)["replay"] == 0
    assert house.esdh.send(message).fault_code == "TIMESTAMP_OUTSIDE"


def test_a_message_id_is_taken_once_of_each_system(house: TestInstallation) -> None:
    def ping(caller: str, text: str) -> Answered:
        header = etree.Element(tag(WSA, "MessageID"), nsmap={"wsa": WSA})
        header.text = "urn:uuid:8b1f2a52-6c1e-4c39-9a0b-0d9f6f5a7c11"
        system = house.caller(caller, house.esdh.endpoint.service)
        envelope = soap.envelope(system.version, request("Ping", None, Echo=text), [header])
        return system.send(wss.secure(envelope, system.key, house.clock()))

    assert ping("eksempelby-esdh", "en").fault_code is None
    assert ping("eksempelby-esdh", "to").fault_code == "MESSAGE_REPLAYED"
    assert ping("proevelund-esdh", "tre").fault_code is None

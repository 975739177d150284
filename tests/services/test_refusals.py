"""A refused request leaves one record and nothing of its content; one that cannot be trusted leaves nothing at all."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
import structlog
from lxml import etree

from gateway.domain.catalogue import Code
from gateway.domain.disclosure import EntryKind
from gateway.domain.identifiers import PartyId, Uuid4
from gateway.domain.operations import Service
from gateway.domain.party import Party
from gateway.protocol import soap
from gateway.services import parties
from gateway.storage import log, refusals
from gateway.translog.leaf import parse_leaf
from gateway.xmlcore.namespaces import SERVICE, tag
from tests.golden.changes import Change, Insert, Remove, SetText
from tests.installation import (
    INSTITUTION,
    MUNICIPALITY,
    OTHER_INSTITUTION,
    OTHER_MUNICIPALITY,
    Answered,
    Caller,
    TestInstallation,
)
from tests.services.papers import (
    PERSONAL,
    SEALED_BY_SYSTEM,
    accepted,
    attachment,
    between,
    fault_evidence,
    grown,
    listing,
    notice,
    paper,
    request,
    row_counts,
    sealed,
    send_letter,
    sending,
)

TEXT = b"Skema for de to uger"
PDF_THAT_ACTS = (
    b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog /OpenAction << /S /JavaScript /JS (app.alert\\(1\\)) >> >>\nendobj\n"
    b"trailer\n<< /Root 1 0 R >>\n%%EOF\n"
)
ONE_REFUSAL = {"refusal": 1, "replay": 1, "log_entry": 1, "opening": 1}  # the opening is of its evidence
SECRETS = (*PERSONAL, "Sofie", "Eksempelsen", "ADHD", "Skema")


@dataclass(frozen=True)
class Refused:
    """A submission of the municipality's system that must be refused, and with which code."""

    code: str
    body: Callable[[TestInstallation], etree._Element]


def _letter(*changes: Change, **how: object) -> Callable[[TestInstallation], etree._Element]:
    return lambda house: sending(paper(house.clock(), *changes), **how)  # type: ignore[arg-type]  # as sending


def _with_file(name: str, media_type: str, listed: bytes, sent: list[bytes]) -> Callable[..., etree._Element]:
    return _letter(listing((name, media_type, listed)), attachments=sent)


def _two_of_one_number(house: TestInstallation) -> etree._Element:
    root = sending(paper(house.clock(), listing(("a.txt", "text/plain", TEXT))), attachments=[TEXT])
    etree.SubElement(attachment(root, 1), tag(SERVICE, "Content")).text = base64.b64encode(TEXT).decode()
    return root


HEADER = "/Document/Header"
REFUSED = {
    "an element that the schema does not know": Refused(
        "SCHEMA_INVALID", _letter(Insert("last", HEADER, "<Sofie>Sofie Eksempelsen</Sofie>"))
    ),
    "a value that the schema does not allow": Refused(
        "SCHEMA_INVALID", _letter(SetText(f"{HEADER}/Subject/CprNumber", "740305-5092 Sofie"))
    ),
    "an element that is missing": Refused("SCHEMA_INVALID", _letter(Remove(f"{HEADER}/Nonce"))),
    "a person without CPR number": Refused("RULE_H16", _letter(Remove(f"{HEADER}/Subject"))),
    "a field without basis": Refused("RULE_H10", _letter(Remove(f"{HEADER}/LegalBasis[2]"))),
    "no reason why it is necessary": Refused(
        "RULE_H12", _letter(Remove(f"{HEADER}/LegalBasis[1]/Necessity"))
    ),
    "a text with a diagnosis": Refused(
        "RULE_X02", _letter(SetText("/Document/EducationOrderLetter/MessageTo[2]/Text", "Sofie har ADHD."))
    ),
    "a letter that is too old": Refused(
        "RULE_H01", _letter(SetText(f"{HEADER}/CreatedAt", "2026-01-01T00:00:00Z"))
    ),
    "a sender that is another party": Refused(
        "SENDER_NOT_ACTING_PARTY", _letter(*between(OTHER_MUNICIPALITY, INSTITUTION))
    ),
    "a recipient that nobody knows": Refused(
        "RECIPIENT_UNKNOWN", _letter(*between(MUNICIPALITY, PartyId(INSTITUTION.cvr, "999003")))
    ),
    "a notice in place of a letter": Refused(
        "KIND_NOT_ACCEPTED", lambda house: sending(notice(house.clock()), operation="SendLetter")
    ),
    "a letter in place of a notice": Refused("KIND_NOT_ACCEPTED", _letter(operation="SendNotice")),
    "a letter that says the system sealed it": Refused("DOCUMENT_SEALED_BY", _letter(SEALED_BY_SYSTEM)),
    "a typed letter with a signature": Refused(
        "DOCUMENT_SIGNATURE_UNEXPECTED",
        lambda house: sending(
            etree.fromstring(sealed(paper(house.clock()), "eksempelby-kommune", house.clock()))
        ),
    ),
    "octets that are no XML": Refused("XML_MALFORMED", lambda _: sending(b"Sofie Eksempelsen 740305-5092")),
    "an attachment that is not listed": Refused("RULE_H19", _letter(attachments=[TEXT])),
    "a listed attachment that is missing": Refused("RULE_H19", _with_file("a.txt", "text/plain", TEXT, [])),
    "an attachment with another content": Refused(
        "RULE_H19", _with_file("a.txt", "text/plain", TEXT, [b"Sofie Eksempelsen"])
    ),
    "an attachment of another type than listed": Refused(
        "RULE_H19", _with_file("a.pdf", "application/pdf", TEXT, [TEXT])
    ),
    "an attachment twice": Refused("SCHEMA_INVALID", _two_of_one_number),
    "an attachment that acts": Refused(
        "ATTACHMENT_TYPE", _with_file("a.pdf", "application/pdf", PDF_THAT_ACTS, [PDF_THAT_ACTS])
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_refused_submission_leaves_its_record_and_nothing_else(house: TestInstallation, name: str) -> None:
    refused = REFUSED[name]
    send_letter(house)
    before = row_counts(house)
    with structlog.testing.capture_logs() as logs:
        answer = house.esdh.call(refused.body(house))
    assert answer.fault_code == refused.code
    assert answer.is_signed
    assert grown(before, row_counts(house)) == ONE_REFUSAL
    _require_evidenced(house, answer)
    _require_silent(answer, logs)


def _require_evidenced(house: TestInstallation, answer: Answered) -> None:
    """The rejection is sealed, says why, is kept with the record, and stands in the log."""
    rejection = fault_evidence(house, answer)
    assert rejection["Event"] == "SubmissionRejection"
    assert rejection["Reasons/Reason/Code"] == "REFUSED"
    assert rejection["Reasons/Reason/Detail"] == answer.fault_code
    assert rejection["Sender/Cvr"] == "11111111"
    assert not rejection.has("DocumentId")
    with house.installation.database.read() as connection:
        (row,) = refusals.latest_refusals(connection, 1)
        entry = log.find_entry(connection, MUNICIPALITY, Uuid4(rejection["LogEntryId"]))
    assert entry is not None
    assert row.evidence is not None
    assert base64.b64encode(row.evidence).decode() in etree.tostring(answer.payload).decode()
    assert row.request_digest == rejection.octets("RequestDigest")
    assert (row.system_id, row.party) == (house.systems["eksempelby-esdh"].id, MUNICIPALITY)
    leaf = parse_leaf(entry.octets)
    assert (leaf.kind, leaf.event, leaf.outcome) == (EntryKind.EVIDENCE, "SubmissionRejection", "FAILED")
    assert leaf.reasons == ("REFUSED", answer.fault_code)


def _require_silent(answer: Answered, logs: list[structlog.typing.EventDict]) -> None:
    """Neither the fault nor the operations log tells anything of the letter."""
    told = answer.http.body.decode() + repr(logs)
    rejection = answer.payload.findtext(f".//{tag(SERVICE, 'SubmissionRejection')}") or ""
    told += base64.b64decode(rejection).decode()
    assert [secret for secret in SECRETS if secret in told] == []
    assert logs, "a refusal is told to the operator"


def test_a_schema_violation_is_told_with_its_place_and_what_to_do(house: TestInstallation) -> None:
    answer = house.esdh.call(REFUSED["a value that the schema does not allow"].body(house))
    violation = answer.payload.find(f".//{tag(SERVICE, 'Violation')}")
    assert violation is not None
    told = {etree.QName(child).localname: child.text or "" for child in violation}
    assert told["Path"] == "/Document/Header/Subject/CprNumber"
    assert int(told["Line"]) > 0
    assert told["Danish"]
    assert told["English"]


def test_every_broken_rule_is_told_at_once(house: TestInstallation) -> None:
    changes = (
        SetText(f"{HEADER}/CreatedAt", "2026-01-01T00:00:00Z"),
        Remove(f"{HEADER}/LegalBasis[1]/Necessity"),
        listing(("a.txt", "text/plain", TEXT)),
    )
    answer = house.esdh.call(sending(paper(house.clock(), *changes)))
    codes = {
        each.text
        for each in answer.payload.iterfind(f".//{tag(SERVICE, 'Violation')}/{tag(SERVICE, 'Code')}")
    }
    assert {"RULE_H01", "RULE_H12", "RULE_H19"} <= codes


def test_attachments_above_the_limit_are_refused(house: TestInstallation) -> None:
    few = replace(house.installation, attachments_bytes=len(TEXT) - 1)
    esdh = replace(house.esdh, endpoint=replace(house.esdh.endpoint, installation=few))
    before = row_counts(house)
    letter = paper(house.clock(), listing(("a.txt", "text/plain", TEXT)))
    assert esdh.call(sending(letter, attachments=[TEXT])).fault_code == "MESSAGE_TOO_LARGE"
    assert grown(before, row_counts(house)) == ONE_REFUSAL
    accepted(house.esdh, sending(letter, attachments=[TEXT]))


def test_a_recipient_must_take_the_kind(house: TestInstallation) -> None:
    party = PartyId(INSTITUTION.cvr, "999002")
    parties.register_party(house.installation, Party(party, "Prøveby Erhvervsskole, afdeling", frozenset()))
    letter = paper(house.clock(), *between(MUNICIPALITY, party))
    assert house.esdh.call(sending(letter)).fault_code == "RECIPIENT_UNKNOWN"


def test_without_a_register_of_institutions_the_registered_parties_are_the_register(
    house: TestInstallation,
) -> None:
    knowledge = replace(house.installation.knowledge, institutions=None)
    installation = replace(house.installation, knowledge=knowledge)
    esdh = replace(house.esdh, endpoint=replace(house.esdh.endpoint, installation=installation))
    assert esdh.call(sending(paper(house.clock()))).fault_code is None


# --- who may not ask at all ----------------------------------------------------------------------------


def test_a_system_without_mandate_leaves_no_trace_in_the_partys_log(house: TestInstallation) -> None:
    vendor = house.caller("leverandoer-esdh", Service.MUNICIPALITY)
    before = row_counts(house)
    answer = vendor.call(sending(paper(house.clock())))
    assert (answer.fault_code, answer.is_signed) == ("MANDATE_MISSING", True)
    assert grown(before, row_counts(house)) == {"refusal": 1, "replay": 1}
    assert answer.payload.find(f".//{tag(SERVICE, 'SubmissionRejection')}") is None
    with house.installation.database.read() as connection:
        (row,) = refusals.latest_refusals(connection, 1)
    assert (row.party, row.code) == (None, Code.MANDATE_MISSING)


@pytest.mark.parametrize("is_valid", [True, False], ids=["valid", "invalid"])
def test_a_certificate_of_no_registered_system_leaves_nothing(
    house: TestInstallation, is_valid: bool
) -> None:
    stranger = house.caller("eksempelby-esdh-p256", Service.MUNICIPALITY)
    before = row_counts(house)
    body = _letter()(house) if is_valid else REFUSED["an element that is missing"].body(house)
    answer = stranger.call(body)
    assert (answer.fault_code, answer.is_signed) == ("SYSTEM_UNKNOWN", True)
    assert grown(before, row_counts(house)) == {}


def test_a_refused_question_leaves_a_record_without_evidence(house: TestInstallation) -> None:
    before = row_counts(house)
    answer = house.esdh.call(request("GetStatus", MUNICIPALITY, DocumentId=Uuid4.new().text))
    assert answer.fault_code == "NOT_FOUND"
    assert grown(before, row_counts(house)) == {"refusal": 1, "replay": 1}
    assert answer.payload.find(f".//{tag(SERVICE, 'SubmissionRejection')}") is None


def test_an_operation_that_the_service_lacks_is_refused_and_recorded(house: TestInstallation) -> None:
    before = row_counts(house)
    assert house.sis.call(sending(paper(house.clock()))).fault_code == "OPERATION_UNKNOWN"
    unknown = etree.Element(tag(SERVICE, "DeleteEverything"))
    assert house.esdh.call(unknown).fault_code == "OPERATION_UNKNOWN"
    assert grown(before, row_counts(house)) == {"refusal": 2, "replay": 2}


def test_a_school_may_not_send_a_letter_through_the_municipalities_service(house: TestInstallation) -> None:
    school = house.caller("proeveby-sis", Service.MUNICIPALITY)
    letter = paper(house.clock(), *between(MUNICIPALITY, OTHER_INSTITUTION))
    assert (
        school.call(sending(letter, by=INSTITUTION, operation="SendLetter")).fault_code == "MANDATE_MISSING"
    )


# --- messages that cannot be trusted -------------------------------------------------------------------


def _unsigned(caller: Caller, body: etree._Element) -> bytes:
    return etree.tostring(soap.envelope(caller.version, body))


UNTRUSTED: dict[str, Callable[[TestInstallation], tuple[Caller, bytes]]] = {
    "unsigned": lambda house: (house.esdh, _unsigned(house.esdh, _letter()(house))),
    "changed": lambda house: (house.esdh, house.esdh.message(_letter()(house)).replace(b"Alma", b"Sofi")),
    "expired certificate": lambda house: _by(house, "bad-expired"),
    "revoked certificate": lambda house: _by(house, "bad-revoked"),
    "other policy": lambda house: _by(house, "bad-wrong-policy"),
    "other issuer": lambda house: _by(house, "bad-name-spoof"),
    "self-signed": lambda house: _by(house, "bad-self-signed"),
    "not XML": lambda house: (house.esdh, b"Sofie Eksempelsen 740305-5092"),
}


def _by(house: TestInstallation, name: str) -> tuple[Caller, bytes]:
    caller = house.caller(name, Service.MUNICIPALITY)
    return caller, caller.message(_letter()(house))


@pytest.mark.parametrize("name", UNTRUSTED)
def test_a_message_that_cannot_be_trusted_changes_nothing(house: TestInstallation, name: str) -> None:
    caller, message = UNTRUSTED[name](house)
    before = row_counts(house)
    with structlog.testing.capture_logs() as logs:
        answer = caller.send(message)
    assert grown(before, row_counts(house)) == {}
    assert answer.http.status == 500
    assert not answer.is_signed
    assert [each["event"] for each in logs] == ["refused"]
    assert [secret for secret in SECRETS if secret in answer.http.body.decode() + repr(logs)] == []


def test_failures_of_trust_look_alike(house: TestInstallation) -> None:
    hidden = set(UNTRUSTED) - {"unsigned", "not XML"}
    shown = set()
    for name in hidden:
        caller, message = UNTRUSTED[name](house)
        answer = caller.send(message)
        correlation = answer.payload.findtext(f".//{tag(SERVICE, 'CorrelationId')}")
        assert correlation is not None
        shown.add((answer.http.status, answer.http.body.replace(correlation.encode(), b"")))
    assert len(shown) == 1
    assert b"MESSAGE_NOT_TRUSTED" in shown.pop()[1]


def test_the_operations_log_gives_the_reason_that_the_caller_is_not_told(house: TestInstallation) -> None:
    caller, message = UNTRUSTED["revoked certificate"](house)
    with structlog.testing.capture_logs() as logs:
        answer = caller.send(message)
    assert answer.fault_code == "MESSAGE_NOT_TRUSTED"
    assert [each["code"] for each in logs] == ["CERTIFICATE_REVOKED"]
    assert logs[0]["correlation"] == answer.payload.findtext(f".//{tag(SERVICE, 'CorrelationId')}")

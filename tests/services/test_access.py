"""A system acts only for a party that lets it: by mandate, or by the CVR number that this party alone has."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from lxml import etree

from gateway.domain.identifiers import Cvr, PartyId, Uuid4
from gateway.domain.kinds import DocumentKind
from gateway.domain.mandate import Mandate, Operation
from gateway.domain.operations import Service
from gateway.domain.party import Contact, Party, Role
from gateway.services import parties
from gateway.storage import documents
from tests.golden.changes import Remove, SetText
from tests.installation import INSTITUTION, MUNICIPALITY, OTHER_MUNICIPALITY, Caller, TestInstallation
from tests.services.papers import (
    accepted,
    add_party,
    deliver_letter,
    grown,
    id_of,
    notice,
    paper,
    request,
    row_counts,
    sending,
)

VENDOR = "leverandoer-esdh"


def _vendor(house: TestInstallation, service: Service = Service.MUNICIPALITY) -> Caller:
    return house.caller(VENDOR, service)


def _mandate(house: TestInstallation, **otherwise: object) -> Mandate:
    given = Mandate(
        id=Uuid4.new(),
        system_id=house.systems[VENDOR].id,
        party_id=MUNICIPALITY,
        operations=frozenset(Operation),
        kinds=frozenset(DocumentKind),
        valid_from=house.clock(),
        valid_until=None,
        approved_by="mette.eksempel",
    )
    given = replace(given, **otherwise)  # type: ignore[arg-type]  # fields of Mandate
    parties.give_mandate(house.installation, given)
    return given


def test_a_vendors_system_sends_only_while_its_mandate_holds(house: TestInstallation) -> None:
    def send() -> str | None:
        return _vendor(house).call(sending(paper(house.clock()))).fault_code

    assert send() == "MANDATE_MISSING"
    given = _mandate(house)
    assert send() is None
    house.clock.forward(minutes=1)
    parties.end_mandate(house.installation, MUNICIPALITY, given.id)
    assert send() == "MANDATE_MISSING"


def test_a_mandate_holds_from_its_first_moment_until_just_before_its_last(house: TestInstallation) -> None:
    start = house.clock() + timedelta(hours=1)
    _mandate(house, valid_from=start, valid_until=start + timedelta(hours=1))
    ask = request("ListInbox", MUNICIPALITY)
    assert _vendor(house).call(ask).fault_code == "MANDATE_MISSING"
    house.clock.forward(hours=1)
    assert _vendor(house).call(ask).fault_code is None
    house.clock.forward(minutes=59, seconds=59)
    assert _vendor(house).call(ask).fault_code is None
    house.clock.forward(seconds=1)
    assert _vendor(house).call(ask).fault_code == "MANDATE_MISSING"


def test_a_mandate_for_one_operation_allows_no_other(house: TestInstallation) -> None:
    _mandate(house, operations=frozenset({Operation.LIST_INBOX}))
    assert _vendor(house).call(request("ListInbox", MUNICIPALITY)).fault_code is None
    assert _vendor(house).call(request("ListEvents", MUNICIPALITY)).fault_code == "MANDATE_MISSING"
    assert _vendor(house).call(sending(paper(house.clock()))).fault_code == "MANDATE_MISSING"


def test_a_mandate_for_one_kind_lets_the_system_send_no_other(house: TestInstallation) -> None:
    _mandate(house, party_id=INSTITUTION, kinds=frozenset({DocumentKind.DROPOUT_RISK_NOTICE}))
    told = sending(notice(house.clock()), by=INSTITUTION)
    assert _vendor(house, Service.INSTITUTION).call(told).fault_code is None
    _mandate(house, kinds=frozenset({DocumentKind.SUPPORT_NEED_LETTER}))
    assert _vendor(house).call(sending(paper(house.clock()))).fault_code == "MANDATE_MISSING"


def test_a_mandate_for_one_kind_lets_the_system_withdraw_no_other(house: TestInstallation) -> None:
    kinds = frozenset({DocumentKind.NOTE_NOTICE, DocumentKind.WITHDRAWAL_NOTICE})
    _mandate(house, kinds=kinds)
    letter = deliver_letter(house)
    foreign = paper(house.clock(), name="dropout-risk-notice-minimum")
    accepted(house.sis, sending(foreign, by=INSTITUTION))

    def withdraw(document_id: str) -> str | None:
        body = request("WithdrawDocument", MUNICIPALITY, DocumentId=document_id, Reason="OBSOLETE")
        return _vendor(house).call(body).fault_code

    before = row_counts(house)
    assert withdraw(letter) == "MANDATE_MISSING"
    assert withdraw(id_of(foreign)) == withdraw(Uuid4.new().text) == "NOT_FOUND"
    assert "withdrawal" not in grown(before, row_counts(house))
    assert _vendor(house).call(_withdrawal(house, letter)).fault_code == "MANDATE_MISSING"
    _mandate(house, kinds=kinds | {DocumentKind.EDUCATION_ORDER_LETTER})
    assert _vendor(house).call(_withdrawal(house, letter)).fault_code is None
    assert withdraw(letter) is None


def _withdrawal(house: TestInstallation, letter: str) -> etree._Element:
    """The request that sends a notice which withdraws this letter."""
    with house.installation.database.read() as connection:
        row = documents.find_own(connection, MUNICIPALITY, Uuid4(letter))
    assert row is not None
    changes = (
        SetText("/Document/Header/ConversationId", row.conversation_id.text),
        SetText("/Document/Header/Withdraws/DocumentId", letter),
        SetText("/Document/WithdrawalNotice/WithdrawnDocumentId", letter),
        Remove("/Document/Header/ReplyDue"),  # of the day on which the golden notice was made
    )
    taken = paper(house.clock(), *changes, name="withdrawal-notice")
    return sending(taken, operation="SendNotice")


def test_a_mandate_of_one_party_is_none_of_another(house: TestInstallation) -> None:
    _mandate(house)
    for party in (INSTITUTION, OTHER_MUNICIPALITY):
        assert _vendor(house).call(request("ListInbox", party)).fault_code == "MANDATE_MISSING"


def test_a_system_of_one_party_is_refused_for_every_other(house: TestInstallation) -> None:
    for party in (INSTITUTION, OTHER_MUNICIPALITY, PartyId(Cvr("99999999"), "0999")):
        answer = house.esdh.call(request("ListInbox", party))
        assert answer.fault_code == "MANDATE_MISSING"


def test_who_is_registered_cannot_be_found_out_by_asking_for_them(house: TestInstallation) -> None:
    registered = house.esdh.call(request("ListInbox", OTHER_MUNICIPALITY))
    unknown = house.esdh.call(request("ListInbox", PartyId(Cvr("99999999"), "0999")))
    assert _told(registered.http.body) == _told(unknown.http.body)


def _told(fault: bytes) -> bytes:
    """What a signed fault says to people."""
    return fault[fault.index(b"<svc:Danish>") : fault.index(b"</svc:BropostFault>")]


def test_two_parties_of_one_cvr_number_both_need_mandates(house: TestInstallation) -> None:
    ask = request("ListInbox", MUNICIPALITY)
    accepted(house.esdh, ask)
    school = PartyId(MUNICIPALITY.cvr, "999003")
    parties.register_party(house.installation, Party(school, "Eksempelby STU", frozenset(DocumentKind)))
    assert house.esdh.call(ask).fault_code == "MANDATE_MISSING"
    assert house.esdh.call(request("ListInbox", school)).fault_code == "MANDATE_MISSING"
    house.mandate("eksempelby-esdh", MUNICIPALITY)
    accepted(house.esdh, ask)
    assert house.esdh.call(request("ListInbox", school)).fault_code == "MANDATE_MISSING"


def test_a_system_is_known_by_each_of_its_certificates_until_one_is_ended(house: TestInstallation) -> None:
    ask = request("ListInbox", MUNICIPALITY)
    second = house.caller("eksempelby-esdh-p256", Service.MUNICIPALITY)
    assert second.call(ask).fault_code == "SYSTEM_UNKNOWN"
    system = house.systems["eksempelby-esdh"].id
    parties.add_certificate(house.installation, system, house.pki.certificate("eksempelby-esdh-p256"))
    accepted(second, ask)
    accepted(house.esdh, ask)
    first = house.pki.certificate("eksempelby-esdh").fingerprint
    parties.end_certificate(house.installation, system, first)
    assert house.esdh.call(ask).fault_code == "SYSTEM_UNKNOWN"
    accepted(second, ask)


# --- Ping and FindParty --------------------------------------------------------------------------------


def test_ping_tells_the_system_what_the_gateway_sees_of_it(house: TestInstallation) -> None:
    given = _mandate(house, operations=frozenset({Operation.PING, Operation.SEND_LETTER}))
    _mandate(house, party_id=INSTITUTION, valid_from=house.clock() + timedelta(days=1))
    answer = accepted(_vendor(house), request("Ping", None, Echo="Hej"))
    assert answer.text("Echo") == "Hej"
    assert answer.text("Certificate/SubjectCvr") == "55555555"
    assert answer.text("Certificate/Fingerprint") == house.pki.certificate(VENDOR).fingerprint
    assert answer.text("ClockSkewSeconds") == "0"
    assert answer.texts("Mandate/Operation") == ["SendLetter", "Ping"]
    assert len(answer.texts("Mandate/Party/Cvr")) == 1
    assert given.approved_by.encode() not in answer.http.body


def test_ping_tells_how_far_the_systems_clock_is_ahead(house: TestInstallation) -> None:
    house.clock.forward(minutes=5)
    message = house.esdh.message(request("Ping", None))
    house.clock.forward(seconds=-90)
    answer = house.esdh.send(message)
    assert answer.text("ClockSkewSeconds") == "90"


@pytest.mark.parametrize("party", [INSTITUTION, PartyId(INSTITUTION.cvr, "999003")], ids=["known", "unknown"])
def test_ping_tells_whether_a_party_is_reachable(house: TestInstallation, party: PartyId) -> None:
    body = request("Ping", None)
    add_party(body, "Party", party)
    answer = accepted(house.esdh, body)
    assert answer.text("Reachable") == ("true" if party == INSTITUTION else "false")


def test_a_party_that_receives_nothing_is_not_reachable(house: TestInstallation) -> None:
    mute = PartyId(INSTITUTION.cvr, "999003")
    parties.register_party(house.installation, Party(mute, "Prøveby Erhvervsskole, afdeling", frozenset()))
    body = request("Ping", None)
    add_party(body, "Party", mute)
    assert accepted(house.esdh, body).text("Reachable") == "false"
    found = accepted(house.esdh, request("FindParty", MUNICIPALITY, InstitutionNumber="999003"))
    assert found.texts("Party/Reachable") == ["false"]


def test_ping_on_behalf_of_a_party_needs_its_mandate(house: TestInstallation) -> None:
    assert _vendor(house).call(request("Ping", MUNICIPALITY)).fault_code == "MANDATE_MISSING"
    assert house.esdh.call(request("Ping", MUNICIPALITY)).fault_code is None


@pytest.mark.parametrize(
    ("by", "found"),
    [
        ({"Cvr": "22222222"}, ["Prøveby Erhvervsskole"]),
        ({"InstitutionNumber": "999002"}, ["Eksempellund Gymnasium"]),
        ({"MunicipalityCode": "0999"}, ["Eksempelby Kommune"]),
        ({"Name": "PRØVE"}, ["Prøveby Erhvervsskole", "Prøvelund Kommune"]),
        ({"Cvr": "22222222", "Name": "Kommune"}, []),
        ({"Name": "%"}, []),
    ],
    ids=["cvr", "institution", "municipality", "name", "both", "wildcard"],
)
def test_a_party_is_found_by_all_that_is_given(
    house: TestInstallation, by: dict[str, str], found: list[str]
) -> None:
    answer = accepted(house.esdh, request("FindParty", MUNICIPALITY, **by))
    assert answer.texts("Party/Name") == found


def test_a_party_tells_what_it_receives_and_whom_to_call_by_role_but_no_names(
    house: TestInstallation,
) -> None:
    today = house.clock().date()
    contacts = (
        Contact(
            Role.STUDY_COUNSELLOR, "Sofie Eksempelsen", "Vejledningen", "+4500000004", "vejl@prøveby.example"
        ),
        Contact(Role.MENTOR, phone="+4500000009", valid_to=today - timedelta(days=5)),
    )
    parties.change_party(
        house.installation, INSTITUTION, lambda party: replace(party, contacts=contacts), "CONTACT_SET"
    )
    answer = accepted(house.esdh, request("FindParty", MUNICIPALITY, Cvr="22222222"))
    assert answer.texts("Party/Contact/Role") == ["STUDY_COUNSELLOR"]
    assert answer.texts("Party/Contact/Phone") == ["+4500000004"]
    assert "EducationOrderLetter" in answer.texts("Party/Kind")
    assert b"Sofie" not in answer.http.body

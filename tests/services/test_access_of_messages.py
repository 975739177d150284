"""What a verified message may do: be received once, read what is its party's, and more only by lists of the day."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from gateway.crypto.certificates import Usage
from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError, TrustError, UnavailableError
from gateway.domain.identifiers import Cvr, PartyId, Uuid4
from gateway.domain.mandate import Operation
from gateway.protocol import soap, wss
from gateway.protocol.soap import SoapVersion
from gateway.protocol.wss import Verified
from gateway.services import access
from gateway.storage import documents
from tests.installation import (
    INSTITUTION,
    MUNICIPALITY,
    OTHER_INSTITUTION,
    OTHER_MUNICIPALITY,
    TestInstallation,
)
from tests.services.papers import deliver_letter, request


def message(house: TestInstallation, *, by: str = "eksempelby-esdh") -> Verified:
    """A message of a system, whose signature was verified."""
    sent = wss.secure(
        soap.envelope(SoapVersion.SOAP_11, request("Ping", None)),
        house.caller(by, house.esdh.endpoint.service).key,
        house.clock(),
    )
    unpacked = soap.unpack(SoapVersion.SOAP_11.content_type, None, sent)
    pki = house.pki
    return wss.verify(unpacked, pki.trust_store(), pki.revocations(), house.clock(), usage=Usage.MESSAGE)


# --- received once --------------------------------------------------------------------------------------


def test_a_message_is_received_once(house: TestInstallation) -> None:
    first = message(house)
    with house.installation.database.transaction() as connection:
        access.remember(connection, first)
    with pytest.raises(TrustError) as refused, house.installation.database.transaction() as connection:
        access.remember(connection, first)
    assert refused.value.code is Code.MESSAGE_REPLAYED


def test_a_message_is_known_until_half_an_hour_after_its_end(house: TestInstallation) -> None:
    verified = message(house)
    with house.installation.database.transaction() as connection:
        access.remember(connection, verified)
        (until,) = connection.execute(text("SELECT DISTINCT expires_at FROM replay")).scalars()
    assert until == int((verified.expires + timedelta(minutes=30)).timestamp() * 1000)


def test_a_request_that_only_asks_is_received_once_as_well(house: TestInstallation) -> None:
    first = message(house)
    with access.asking(house.installation, first):
        pass
    with pytest.raises(TrustError) as refused, access.asking(house.installation, first):
        pass
    assert refused.value.code is Code.MESSAGE_REPLAYED


# --- by what right --------------------------------------------------------------------------------------


def test_more_than_reading_needs_lists_of_the_last_day(house: TestInstallation) -> None:
    verified, at = message(house), house.clock()
    access.require_current_lists(house.installation, verified, at)
    with pytest.raises(UnavailableError) as refused:
        access.require_current_lists(house.installation, verified, at + timedelta(days=2))
    assert refused.value.code is Code.REVOCATION_UNKNOWN


def test_a_certificate_that_is_revoked_meanwhile_does_no_more(house: TestInstallation) -> None:
    verified = message(house)
    house.clock.forward(minutes=1)
    house.renew_lists("eksempelby-esdh")
    with pytest.raises(TrustError) as refused:
        access.require_current_lists(house.installation, verified, house.clock())
    assert refused.value.code is Code.CERTIFICATE_REVOKED


def test_an_unregistered_party_is_answered_like_one_that_gave_no_mandate(house: TestInstallation) -> None:
    unknown = PartyId(MUNICIPALITY.cvr, "0998")  # of the number that the certificate carries
    with house.installation.database.read() as connection:
        for party in (unknown, OTHER_MUNICIPALITY):
            with pytest.raises(TrustError) as refused:
                access.authorise(connection, message(house), Operation.LIST_INBOX, party, house.clock())
            assert refused.value.code is Code.MANDATE_MISSING


def test_the_caller_is_the_system_for_the_party_it_asked_for(house: TestInstallation) -> None:
    verified = message(house)
    with house.installation.database.read() as connection:
        caller = access.authorise(connection, verified, Operation.LIST_INBOX, MUNICIPALITY, house.clock())
    assert caller.system == house.systems["eksempelby-esdh"]
    assert (caller.party.id, caller.authority.mandate_id) == (MUNICIPALITY, None)
    assert caller.verified is verified


def test_a_document_is_to_a_foreign_party_as_if_there_were_none(house: TestInstallation) -> None:
    letter = Uuid4(deliver_letter(house))
    with house.installation.database.read() as connection:
        row = documents.find_own(connection, MUNICIPALITY, letter)
    assert access.require_visible(row, Operation.GET_STATUS, MUNICIPALITY) is row
    assert access.require_visible(row, Operation.RETRIEVE, INSTITUTION) is row
    refusals = []
    for party, operation in (
        (OTHER_MUNICIPALITY, Operation.GET_STATUS),
        (OTHER_INSTITUTION, Operation.RETRIEVE),
        (PartyId(Cvr("99999999"), "0999"), Operation.GET_STATUS),
        (MUNICIPALITY, Operation.RETRIEVE),
        (INSTITUTION, Operation.WITHDRAW_DOCUMENT),
    ):
        with pytest.raises(InputError) as refused:
            access.require_visible(row, operation, party)
        refusals.append(refused.value)
    with pytest.raises(InputError) as unknown:
        access.require_visible(None, Operation.GET_STATUS, MUNICIPALITY)
    assert {(each.code, str(each)) for each in refusals} == {(Code.NOT_FOUND, str(unknown.value))}

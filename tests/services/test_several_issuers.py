"""Two issuing authorities, of which one is silent: only who holds a certificate of that one must wait to submit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from lxml import etree

from gateway.crypto import development_issuing as issuing
from gateway.crypto.certificates import TrustStore
from gateway.crypto.development_declaration import AuthorityWish, OrganisationWish
from gateway.crypto.development_pki import DevelopmentPki, issue_certificate, issue_list
from gateway.domain.identifiers import PartyId
from gateway.domain.operations import Service
from gateway.services import parties
from gateway.transport.trust_files import TrustFiles
from gateway.xmlcore.namespaces import SERVICE, tag
from tests.installation import INSTITUTION, MUNICIPALITY, Caller, TestInstallation
from tests.services.papers import (
    SEALED_BY_SYSTEM,
    SEALS,
    accepted,
    grown,
    notice,
    paper,
    request,
    row_counts,
    sealed,
    sending,
)

FIRST, SECOND = "issuing", "second-issuing"
SERVICES = {MUNICIPALITY: Service.MUNICIPALITY, INSTITUTION: Service.INSTITUTION}
NAMES = {
    (MUNICIPALITY, FIRST): "eksempelby-esdh",
    (MUNICIPALITY, SECOND): "eksempelby-second",
    (INSTITUTION, FIRST): "proeveby-sis",
    (INSTITUTION, SECOND): "proeveby-second",
}


def _with_second_authority(pki: DevelopmentPki) -> DevelopmentPki:
    """The PKI with another issuing authority, which has issued one more system for each party."""
    authority = AuthorityWish(
        name=SECOND,
        issuer="root",
        key="p-256",
        days=(-1, 90),
        common_name="Den Danske Stat OCES udstedende-CA 2",
        path_length=0,
    )
    subject = issuing.authority_name(pki.declaration, authority)
    pki = issue_certificate(pki, authority, subject, issuing.authority_extensions(authority))
    for party in SERVICES:
        wish = OrganisationWish(
            name=NAMES[party, SECOND],
            issuer=SECOND,
            key="p-256",
            days=(-1, 90),
            organisation="Eksempelby Kommune" if party.is_municipality else "Prøveby Erhvervsskole",
            cvr=party.cvr.text,
            common_name="Fagsystem",
            policies=pki.declaration.policies,
        )
        subject = issuing.organisation_name(pki.declaration, wish)
        pki = issue_certificate(pki, wish, subject, issuing.organisation_extensions(wish))
    return pki


@dataclass
class TwoIssuers:
    """An installation that believes both authorities, and both parties' systems of each."""

    house: TestInstallation
    pki: DevelopmentPki

    def publish(self, *authorities: str) -> None:
        """Let these authorities, and the root, make a fresh list; the other one is silent."""
        for name in ("root", *authorities):
            fresh = issue_list(self.pki, name, self.house.clock())
            (self.house.folder / f"{name}.crl").write_bytes(fresh)

    def system(self, party: PartyId, authority: str) -> Caller:
        """The party's system whose certificate is of this authority."""
        usual = self.house.esdh if party.is_municipality else self.house.sis
        return replace(usual, key=self.pki.signing_key(NAMES[party, authority]))


@pytest.fixture
def two(house: TestInstallation) -> TwoIssuers:
    """Both authorities have just published."""
    pki = _with_second_authority(house.pki)
    lists = [_list(house.folder, name) for name in ("root", FIRST, SECOND)]
    trusted = (pki.certificate(FIRST), pki.certificate(SECOND))
    trust = TrustStore.build(pki.roots, trusted, pki.declaration.policies, environment="development")
    house.installation = replace(house.installation, trust=TrustFiles(trust, lists, look_seconds=0))
    both = TwoIssuers(house, pki)
    both.publish(FIRST, SECOND)
    for party in SERVICES:
        parties.register_system(
            house.installation, NAMES[party, SECOND], pki.certificate(NAMES[party, SECOND])
        )
    return both


def _list(folder: Path, authority: str) -> Path:
    return folder / f"{authority}.crl"


each_party = pytest.mark.parametrize("party", SERVICES, ids=["SendLetter", "SendNotice"])


def _document(two: TwoIssuers, party: PartyId, *, typed: bool) -> bytes | etree._Element:
    at, make = two.house.clock(), paper if party.is_municipality else notice
    return make(at) if typed else sealed(make(at, SEALED_BY_SYSTEM), SEALS[party], at)


@each_party
def test_each_submits_while_both_authorities_publish(two: TwoIssuers, party: PartyId) -> None:
    for authority in (FIRST, SECOND):
        accepted(two.system(party, authority), sending(_document(two, party, typed=True), by=party))


@pytest.mark.parametrize("typed", [True, False], ids=["typed", "signed"])
@each_party
def test_a_system_whose_issuer_is_silent_may_read_but_not_submit_and_the_other_may(
    two: TwoIssuers, party: PartyId, typed: bool
) -> None:
    two.house.clock.forward(hours=25)
    two.publish(FIRST)  # which issued the seals too: nothing but the system's own certificate is in doubt
    silent, heard = (two.system(party, authority) for authority in (SECOND, FIRST))
    message = silent.message(sending(_document(two, party, typed=typed), by=party))
    before = row_counts(two.house)
    answer = silent.send(message)
    assert (answer.fault_code, answer.is_signed) == ("REVOCATION_UNKNOWN", True)
    assert answer.payload.findtext(f".//{tag(SERVICE, 'Retryable')}") == "true"
    assert grown(before, row_counts(two.house)) == {}
    accepted(silent, request("ListInbox", party))
    accepted(heard, sending(_document(two, party, typed=typed), by=party))
    two.publish(SECOND)
    assert silent.send(message).fault_code is None  # it was not taken, so it is no replay


@each_party
def test_a_system_that_is_heard_of_submits_only_what_is_sealed_by_one_that_is(
    two: TwoIssuers, party: PartyId
) -> None:
    two.house.clock.forward(hours=25)
    two.publish(SECOND)
    heard = two.system(party, SECOND)
    answer = heard.call(sending(_document(two, party, typed=False), by=party))
    assert (answer.fault_code, answer.is_signed) == ("REVOCATION_UNKNOWN", True)
    accepted(heard, request("ListInbox", party))


def test_a_week_of_silence_ends_reading_for_that_authority_alone(two: TwoIssuers) -> None:
    two.house.clock.forward(days=7, minutes=2)
    two.house.renew_lists()  # the root's and the first one's
    silent, heard = (two.system(MUNICIPALITY, authority) for authority in (SECOND, FIRST))
    answer = silent.call(request("ListInbox", MUNICIPALITY))
    assert (answer.fault_code, answer.is_signed) == ("REVOCATION_UNKNOWN", False)
    accepted(heard, request("ListInbox", MUNICIPALITY))

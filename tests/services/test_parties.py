"""What operators register is checked first; what is refused changes neither store nor log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from gateway.domain.catalogue import Code
from gateway.domain.errors import BropostError
from gateway.domain.identifiers import Cvr, PartyId, Uuid4
from gateway.domain.kinds import DocumentKind
from gateway.domain.mandate import Mandate, Operation
from gateway.domain.party import Party, Route
from gateway.services import parties
from tests.installation import INSTITUTION, MUNICIPALITY, TestInstallation
from tests.services.papers import accepted, paper, row_counts, sending

NOBODY = PartyId(Cvr("99999999"), "0997")
UNKNOWN = Uuid4("5b0f9d1e-7c2a-4e6b-8f3d-000000000000")


def _add_certificate(house: TestInstallation, name: str, system: Uuid4 | None = None) -> None:
    parties.add_certificate(
        house.installation, system or house.systems["eksempelby-esdh"].id, house.pki.certificate(name)
    )


def _add_seal(house: TestInstallation, name: str, party: PartyId = MUNICIPALITY) -> None:
    holder = house.pki.holders[name]
    parties.add_seal_key(house.installation, party, holder.key_pem, holder.chain_pem)


def _mandate(house: TestInstallation, party: PartyId, system: Uuid4) -> None:
    given = Mandate(
        Uuid4.new(),
        system,
        party,
        frozenset(Operation),
        frozenset(DocumentKind),
        house.clock(),
        None,
        "mette.eksempel",
    )
    parties.give_mandate(house.installation, given)


def _system(house: TestInstallation) -> Uuid4:
    return house.systems["eksempelby-esdh"].id


REFUSED: dict[str, tuple[Code, Callable[[TestInstallation], object]]] = {
    "a party twice": (
        Code.ALREADY_REGISTERED,
        lambda house: parties.register_party(
            house.installation, Party(MUNICIPALITY, "Eksempelby", frozenset())
        ),
    ),
    "a change of nobody": (
        Code.NOT_FOUND,
        lambda house: parties.change_party(house.installation, NOBODY, lambda party: party, "CONTACT_SET"),
    ),
    "a look at nobody": (Code.NOT_FOUND, lambda house: parties.find(house.installation, NOBODY)),
    "a certificate twice": (
        Code.ALREADY_REGISTERED,
        lambda house: parties.register_system(
            house.installation, "ESDH", house.pki.certificate("eksempelby-esdh")
        ),
    ),
    "an expired certificate": (
        Code.CERTIFICATE_TIME,
        lambda house: parties.register_system(
            house.installation, "ESDH", house.pki.certificate("bad-expired")
        ),
    ),
    "a revoked certificate": (
        Code.CERTIFICATE_REVOKED,
        lambda house: parties.register_system(
            house.installation, "ESDH", house.pki.certificate("bad-revoked")
        ),
    ),
    "the same certificate again": (
        Code.ALREADY_REGISTERED,
        lambda house: _add_certificate(house, "eksempelby-esdh"),
    ),
    "another system's certificate": (
        Code.CERTIFICATE_OF_ANOTHER,
        lambda house: _add_certificate(house, "proeveby-sis"),
    ),
    "a certificate of no system": (
        Code.NOT_FOUND,
        lambda house: _add_certificate(house, "eksempelby-esdh-p256", UNKNOWN),
    ),
    "the end of a certificate that no system has": (
        Code.NOT_FOUND,
        lambda house: parties.end_certificate(house.installation, _system(house), "0" * 64),
    ),
    "the end of another system's certificate": (
        Code.NOT_FOUND,
        lambda house: parties.end_certificate(
            house.installation, _system(house), house.pki.certificate("proeveby-sis").fingerprint
        ),
    ),
    "a seal of another party": (
        Code.SEAL_KEY_OF_ANOTHER,
        lambda house: _add_seal(house, "proeveby-erhvervsskole"),
    ),
    "a seal of nobody": (Code.NOT_FOUND, lambda house: _add_seal(house, "eksempelby-kommune", NOBODY)),
    "a revoked seal": (Code.CERTIFICATE_REVOKED, lambda house: _add_seal(house, "bad-revoked")),
    "a mandate of nobody": (Code.NOT_FOUND, lambda house: _mandate(house, NOBODY, _system(house))),
    "a mandate for no system": (Code.NOT_FOUND, lambda house: _mandate(house, MUNICIPALITY, UNKNOWN)),
    "the end of no mandate": (
        Code.NOT_FOUND,
        lambda house: parties.end_mandate(house.installation, MUNICIPALITY, UNKNOWN),
    ),
    "routes of nobody": (Code.NOT_FOUND, lambda house: parties.set_routes(house.installation, NOBODY, ())),
    "a route to no system": (
        Code.NOT_FOUND,
        lambda house: parties.set_routes(house.installation, MUNICIPALITY, (Route(UNKNOWN),)),
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_changes_neither_store_nor_log(house: TestInstallation, name: str) -> None:
    code, attempt = REFUSED[name]
    before, keys = row_counts(house), _keys(house)
    with pytest.raises(BropostError) as refused:
        attempt(house)
    assert refused.value.code is code
    assert row_counts(house) == before
    assert _keys(house) == keys


def _keys(house: TestInstallation) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (house.folder / "keys").iterdir()}


def test_a_certificate_that_ended_can_never_name_another_system(house: TestInstallation) -> None:
    parties.end_certificate(
        house.installation, _system(house), house.pki.certificate("eksempelby-esdh").fingerprint
    )
    house.clock.forward(seconds=1)
    with pytest.raises(BropostError) as again:
        parties.register_system(house.installation, "ESDH", house.pki.certificate("eksempelby-esdh"))
    assert again.value.code is Code.ALREADY_REGISTERED


def test_a_mandate_is_ended_by_the_party_that_gave_it_and_once(house: TestInstallation) -> None:
    mandate = house.mandate("leverandoer-esdh", MUNICIPALITY)
    house.clock.forward(seconds=1)
    with pytest.raises(BropostError) as foreign:
        parties.end_mandate(house.installation, INSTITUTION, mandate)
    assert foreign.value.code is Code.NOT_FOUND
    parties.end_mandate(house.installation, MUNICIPALITY, mandate)
    with pytest.raises(BropostError) as again:
        parties.end_mandate(house.installation, MUNICIPALITY, mandate)
    assert again.value.code is Code.NOT_FOUND


def test_no_seal_key_is_taken_into_use_of_which_the_log_does_not_tell(house: TestInstallation) -> None:
    before = _keys(house)
    with house.installation.database.alone() as connection:
        connection.exec_driver_sql("ALTER TABLE log_entry RENAME TO log_entry_away")
    with pytest.raises(BropostError):
        _add_seal(house, "eksempelby-kommune")
    assert _keys(house) == before


def test_a_replaced_seal_key_is_used_at_once(house: TestInstallation) -> None:
    _add_seal(house, "eksempelby-esdh")  # another key with the party's CVR number
    accepted(house.esdh, sending(paper(house.clock())))
    with house.installation.database.read() as connection:
        query = "SELECT certificate_names FROM document"
        names = connection.exec_driver_sql(query).scalar_one()
    assert names.split()[0] == house.pki.certificate("eksempelby-esdh").fingerprint


def test_a_party_registered_again_after_a_crash_keeps_the_keys_it_has(house: TestInstallation) -> None:
    school = Party(PartyId(INSTITUTION.cvr, "999003"), "Prøveby Erhvervsskole, afdeling", frozenset())
    house.installation.keys.create(school.id)  # all that a crash left
    before = _keys(house)
    parties.register_party(house.installation, replace(school))
    assert _keys(house) == before

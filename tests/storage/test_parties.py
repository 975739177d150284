"""Parties, systems and mandates come back as they were given."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from gateway.domain.errors import InternalError
from gateway.domain.identifiers import Cvr, PartyId, Uuid4
from gateway.domain.kinds import DocumentKind
from gateway.domain.mandate import Mandate, Operation
from gateway.domain.party import Party, Role, Route
from gateway.storage import mandates, parties, systems
from gateway.storage.database import Database
from gateway.storage.systems import CertificateName
from tests.pki import development_pki
from tests.storage.samples import (
    KINDS,
    MINUTE,
    MUNICIPALITY,
    NOON,
    OTHER_SYSTEM,
    SCHOOL,
    STRANGER,
    SYSTEM,
    add_parties,
)

OLD, NEW = (development_pki().certificate(name) for name in ("proeveby-sis", "eksempelby-esdh"))


def _mandate(**changes: object) -> Mandate:
    given = Mandate(
        id=Uuid4.new(),
        system_id=OTHER_SYSTEM,
        party_id=SCHOOL,
        operations=frozenset({Operation.SEND_NOTICE, Operation.LIST_INBOX}),
        kinds=KINDS,
        valid_from=NOON,
        valid_until=None,
        approved_by="b123456",
    )
    return replace(given, **changes)  # type: ignore[arg-type]


def test_a_party_comes_back_with_all_that_is_known_of_it(database: Database) -> None:
    with database.alone() as connection:
        add_parties(connection)
    with database.read() as connection:
        school = parties.find_party(connection, SCHOOL)
        assert school is not None
        assert (school.name, school.p_number, school.receives) == (
            "Prøveby Erhvervsskole",
            "1000000001",
            KINDS,
        )
        assert (school.gateway_may_seal, school.cooperation_decided) == (True, False)
        assert len(school.closing_days) == 2
        assert [each.role for each in school.contacts] == [Role.STUDY_COUNSELLOR, Role.TEACHER]
        assert school.contacts[0].phone == "+4500000001"
        assert [each.id for each in parties.list_parties(connection)] == [MUNICIPALITY, SCHOOL]


def test_an_unknown_party_is_none(database: Database) -> None:
    with database.read() as connection:
        assert parties.find_party(connection, STRANGER) is None


def test_a_changed_party_replaces_what_was_known(database: Database) -> None:
    changed = Party(SCHOOL, "Prøveby Gymnasium", frozenset())
    with database.alone() as connection:
        add_parties(connection)
        assert parties.update_party(connection, changed)
        assert not parties.update_party(connection, replace(changed, id=STRANGER))
    with database.read() as connection:
        assert parties.find_party(connection, SCHOOL) == changed


def test_a_party_cannot_be_registered_twice(database: Database) -> None:
    with database.alone() as connection:
        add_parties(connection)
    with pytest.raises(InternalError), database.alone() as connection:
        parties.add_party(connection, Party(SCHOOL, "En anden", KINDS))


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ({"name": "PRØVEBY"}, [SCHOOL]),
        ({"name": "kommune"}, [MUNICIPALITY]),
        ({"name": "%"}, []),
        ({"cvr": Cvr("22222222")}, [SCHOOL]),
        ({"unit": "0999"}, [MUNICIPALITY]),
        ({"cvr": Cvr("22222222"), "unit": "0999"}, []),
        ({}, [MUNICIPALITY, SCHOOL]),
    ],
)
def test_a_search_finds_the_parties_that_fit_all_of_it(
    database: Database, search: dict[str, Cvr | str], found: list[PartyId]
) -> None:
    with database.alone() as connection:
        add_parties(connection)
        rows = parties.search_parties(connection, limit=20, **search)  # type: ignore[arg-type]
        assert [each.id for each in rows] == found
        assert len(parties.search_parties(connection, limit=1)) == 1


def test_routes_are_replaced_as_a_whole(database: Database) -> None:
    routes = (Route(SYSTEM, DocumentKind.ANSWER_NOTICE, Role.TEACHER), Route(SYSTEM))
    with database.alone() as connection:
        add_parties(connection)
        parties.set_routes(connection, SCHOOL, [Route(SYSTEM, DocumentKind.NOTE_NOTICE)])
        parties.set_routes(connection, SCHOOL, routes)
        assert parties.routes_of(connection, SCHOOL) == routes
        assert parties.routes_of(connection, MUNICIPALITY) == ()


def test_a_system_is_known_by_each_of_its_certificates_while_it_is_valid(database: Database) -> None:
    old, new = (each.fingerprint for each in (OLD, NEW))
    with database.alone() as connection:
        add_parties(connection)
        systems.add_certificate(connection, SYSTEM, OLD.der, NOON, NOON + 10 * MINUTE)
        systems.add_certificate(connection, SYSTEM, NEW.der, NOON + 5 * MINUTE, None)
    with database.read() as connection:

        def known(minutes: int) -> list[bool]:
            at = NOON + minutes * MINUTE
            return [
                systems.find_system_by_certificate(connection, each, at) is not None for each in (old, new)
            ]

        assert [known(minutes) for minutes in (-1, 0, 5, 9, 10)] == [
            [False, False],
            [True, False],
            [True, True],
            [True, True],
            [False, True],
        ]
        system = systems.find_system_by_certificate(connection, new, NOON + 6 * MINUTE)
        assert system is not None
        assert (system.id, system.name, system.vendor_cvr) == (SYSTEM, "Studieprøve", SCHOOL.cvr)
        assert [each.fingerprint for each in system.certificates] == [old, new]
        assert systems.find_system(connection, SYSTEM) == system
        assert systems.list_systems(connection) == (system,)


def test_a_certificate_that_is_ended_names_no_system(database: Database) -> None:
    with database.alone() as connection:
        add_parties(connection)
        binding = systems.add_certificate(connection, SYSTEM, NEW.der, NOON, None)
        assert systems.end_certificate(connection, binding.fingerprint, NOON + MINUTE)
        found = [
            systems.find_system_by_certificate(connection, binding.fingerprint, NOON + minutes * MINUTE)
            for minutes in (0, 1)
        ]
        assert [each is None for each in found] == [False, True]
        assert not systems.end_certificate(connection, "0" * 64, NOON)


NAMES = {
    CertificateName.SERIAL_NUMBER: NEW.x509.serial_number,
    CertificateName.SUBJECT_KEY: NEW.subject_key,
    CertificateName.SHA1: NEW.sha1,
}


@pytest.mark.parametrize("name", CertificateName)
def test_a_certificate_is_found_by_each_of_its_names_while_it_is_valid(
    database: Database, name: CertificateName
) -> None:
    with database.alone() as connection:
        add_parties(connection)
        systems.add_certificate(connection, SYSTEM, OLD.der, NOON, None)
        systems.add_certificate(connection, SYSTEM, NEW.der, NOON, NOON + MINUTE)
        found = [
            systems.certificates_named(connection, NOON + minutes * MINUTE, name, NAMES[name] or b"")
            for minutes in (-1, 0, 1)
        ]
    assert found == [(), (NEW.der,), ()]


def test_a_certificate_that_the_version_before_registered_is_among_those_found(database: Database) -> None:
    with database.alone() as connection:
        add_parties(connection)
        systems.add_certificate(connection, SYSTEM, OLD.der, NOON, None)
        systems.add_certificate(connection, SYSTEM, NEW.der, NOON, None)
        connection.execute(
            text(
                "UPDATE system_certificate SET serial_number = NULL, subject_key = NULL, sha1 = NULL WHERE der = :der"
            ),
            {"der": OLD.der},
        )
        assert systems.certificates_named(connection, NOON, CertificateName.SHA1, OLD.sha1) == (OLD.der,)
        assert set(systems.certificates_named(connection, NOON, CertificateName.SHA1, NEW.sha1)) == {
            OLD.der,
            NEW.der,
        }


def test_a_certificate_belongs_to_one_system(database: Database) -> None:
    with database.alone() as connection:
        add_parties(connection)
        systems.add_system(connection, OTHER_SYSTEM, "Sagsprøve", Cvr("11111111"))
        systems.add_certificate(connection, SYSTEM, NEW.der, NOON, None)
    with pytest.raises(InternalError), database.alone() as connection:
        systems.add_certificate(connection, OTHER_SYSTEM, NEW.der, NOON, None)


def test_a_system_acts_for_a_party_by_mandate_or_by_a_number_that_is_the_partys_alone(
    database: Database,
) -> None:
    later = NOON + timedelta(days=1)
    with database.alone() as connection:
        add_parties(connection)
        systems.add_system(connection, OTHER_SYSTEM, "Sagsprøve", Cvr("11111111"))
        assert systems.systems_of_party(connection, SCHOOL, NOON) == {SYSTEM}
        mandates.add_mandate(connection, _mandate(valid_until=later))
        assert systems.systems_of_party(connection, SCHOOL, NOON) == {SYSTEM, OTHER_SYSTEM}
        assert systems.systems_of_party(connection, SCHOOL, later) == {SYSTEM}
        parties.add_party(connection, Party(STRANGER, "Prøveby STU", KINDS))
        assert systems.systems_of_party(connection, SCHOOL, later) == frozenset()


def test_mandates_come_back_for_the_system_and_the_party(database: Database) -> None:
    ours, theirs = _mandate(), _mandate(party_id=MUNICIPALITY, valid_until=NOON + MINUTE)
    with database.alone() as connection:
        add_parties(connection)
        systems.add_system(connection, OTHER_SYSTEM, "Sagsprøve", Cvr("11111111"))
        mandates.add_mandate(connection, ours)
        mandates.add_mandate(connection, theirs)
    with database.read() as connection:
        assert mandates.mandates_for(connection, OTHER_SYSTEM, SCHOOL) == (ours,)
        assert set(mandates.mandates_for(connection, OTHER_SYSTEM)) == {ours, theirs}
        assert mandates.mandates_for(connection, SYSTEM) == ()
        assert mandates.mandates_of_party(connection, MUNICIPALITY) == (theirs,)


def test_a_revoked_mandate_ends_once_and_is_not_forgotten(database: Database) -> None:
    given = _mandate()
    with database.alone() as connection:
        add_parties(connection)
        systems.add_system(connection, OTHER_SYSTEM, "Sagsprøve", Cvr("11111111"))
        mandates.add_mandate(connection, given)
        assert mandates.revoke_mandate(connection, given.id, NOON + MINUTE)
        assert not mandates.revoke_mandate(connection, given.id, NOON + 2 * MINUTE)
        expected = replace(given, valid_until=NOON + MINUTE)
        assert mandates.mandates_for(connection, OTHER_SYSTEM, SCHOOL) == (expected,)


def test_a_mandate_for_an_unregistered_party_cannot_be_given(database: Database) -> None:
    with database.alone() as connection:
        add_parties(connection)
    with pytest.raises(InternalError), database.alone() as connection:
        mandates.add_mandate(connection, _mandate(system_id=SYSTEM, party_id=STRANGER))

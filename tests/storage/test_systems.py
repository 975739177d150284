"""A system is found by its own id and its own certificates, and acts for a party only as long as its mandate holds."""

from __future__ import annotations

from collections.abc import Generator
from datetime import timedelta

import pytest
from sqlalchemy import Connection

from gateway.domain.identifiers import Cvr, Uuid4
from gateway.domain.mandate import Mandate, Operation
from gateway.domain.party import CertificateBinding, Party
from gateway.storage import mandates, parties, systems
from gateway.storage.database import Database
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

MOMENT = timedelta(milliseconds=1)
OLD, NEW, THEIRS = (
    development_pki().certificate(name) for name in ("proeveby-sis", "eksempelby-esdh", "leverandoer-esdh")
)


@pytest.fixture
def connection(database: Database) -> Generator[Connection]:
    """A transaction in which the school's system is known by two certificates, and a vendor's by one."""
    with database.alone() as connection:
        add_parties(connection)
        systems.add_system(connection, OTHER_SYSTEM, "Andetsystem", Cvr("55555555"))
        systems.add_certificate(connection, SYSTEM, NEW.der, NOON + MINUTE, None)
        systems.add_certificate(connection, SYSTEM, OLD.der, NOON, NOON + 2 * MINUTE)
        systems.add_certificate(connection, OTHER_SYSTEM, THEIRS.der, NOON, None)
        yield connection


def let(connection: Connection, system: Uuid4) -> None:
    """Give a system a mandate of the school for a minute from noon on."""
    mandates.add_mandate(
        connection,
        Mandate(
            id=Uuid4.new(),
            system_id=system,
            party_id=SCHOOL,
            operations=frozenset({Operation.LIST_INBOX}),
            kinds=KINDS,
            valid_from=NOON,
            valid_until=NOON + MINUTE,
            approved_by="b123456",
        ),
    )


def test_a_system_has_its_own_certificates_and_no_others_the_oldest_first(connection: Connection) -> None:
    found = systems.find_system(connection, SYSTEM)
    assert found is not None
    assert found.certificates == (
        CertificateBinding(OLD.fingerprint, NOON, NOON + 2 * MINUTE),
        CertificateBinding(NEW.fingerprint, NOON + MINUTE, None),
    )
    vendors = systems.find_system(connection, OTHER_SYSTEM)
    assert vendors is not None
    assert (vendors.id, vendors.name, vendors.vendor_cvr) == (OTHER_SYSTEM, "Andetsystem", Cvr("55555555"))
    assert vendors.certificates == (CertificateBinding(THEIRS.fingerprint, NOON, None),)
    assert systems.list_systems(connection) == (vendors, found)


def test_an_id_that_no_system_has_finds_none(connection: Connection) -> None:
    assert systems.find_system(connection, Uuid4.new()) is None


def test_a_certificate_names_the_system_it_was_given_to(connection: Connection) -> None:
    for certificate, owner in ((OLD, SYSTEM), (NEW, SYSTEM), (THEIRS, OTHER_SYSTEM)):
        found = systems.find_system_by_certificate(connection, certificate.fingerprint, NOON + MINUTE)
        assert found is not None
        assert found.id == owner
    assert systems.find_system_by_certificate(connection, "0" * 64, NOON + MINUTE) is None


def test_ending_a_certificate_ends_no_other(connection: Connection) -> None:
    assert systems.end_certificate(connection, NEW.fingerprint, NOON + 5 * MINUTE)
    for certificate, is_known in ((NEW, False), (THEIRS, True)):
        found = systems.find_system_by_certificate(connection, certificate.fingerprint, NOON + 5 * MINUTE)
        assert (found is not None) == is_known


def test_a_system_acts_for_a_party_while_the_mandate_holds(connection: Connection) -> None:
    let(connection, OTHER_SYSTEM)
    spans = [NOON - MOMENT, NOON, NOON + MINUTE - MOMENT, NOON + MINUTE]
    acting = [OTHER_SYSTEM in systems.systems_of_party(connection, SCHOOL, at) for at in spans]
    assert acting == [False, True, True, False]


def test_a_mandate_lets_no_other_system_act_and_for_no_other_party(connection: Connection) -> None:
    parties.add_party(connection, Party(STRANGER, "Prøveby STU", KINDS))  # so that no number names one party
    let(connection, OTHER_SYSTEM)
    assert systems.systems_of_party(connection, SCHOOL, NOON) == {OTHER_SYSTEM}
    assert systems.systems_of_party(connection, STRANGER, NOON) == frozenset()
    assert systems.systems_of_party(connection, MUNICIPALITY, NOON) == frozenset()

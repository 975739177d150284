"""Parties, their contacts and their systems' certificates, and which system receives what."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from gateway.domain.identifiers import Cvr, PartyId, Uuid4
from gateway.domain.kinds import DocumentKind
from gateway.domain.party import CertificateBinding, Contact, Party, Role, Route, System, receiving_systems

NOW = datetime(2026, 8, 5, 9, 12, tzinfo=UTC)
MUNICIPALITY = PartyId(Cvr("11111111"), "0999")
LETTER, RISK = DocumentKind.EDUCATION_ORDER_LETTER, DocumentKind.DROPOUT_RISK_NOTICE
ONE, TWO, THREE = Uuid4.new(), Uuid4.new(), Uuid4.new()
ALL = frozenset({ONE, TWO, THREE})


def test_the_contact_of_a_role_is_the_one_of_that_day() -> None:
    former = Contact(Role.CASEWORKER, "Mette Eksempel", valid_to=date(2026, 7, 31))
    present = Contact(Role.CASEWORKER, "Sofie Eksempelsen", valid_from=date(2026, 8, 1))
    party = Party(MUNICIPALITY, "Eksempelby Kommune", frozenset({RISK}), contacts=(former, present))
    assert party.contact_for(Role.CASEWORKER, date(2026, 7, 31)) is former
    assert party.contact_for(Role.CASEWORKER, date(2026, 8, 1)) is present
    assert party.contact_for(Role.MANAGER, date(2026, 8, 1)) is None


def test_a_party_works_on_its_own_days() -> None:
    party = Party(
        MUNICIPALITY, "Eksempelby Kommune", frozenset(), closing_days=frozenset({date(2026, 5, 15)})
    )
    assert not party.calendar.is_working_day(date(2026, 5, 15))
    assert not party.gateway_may_seal
    assert not party.cooperation_decided


def test_old_and_new_certificate_overlap() -> None:
    old = CertificateBinding("a" * 64, NOW - timedelta(days=900), NOW + timedelta(days=7))
    new = CertificateBinding("b" * 64, NOW)
    system = System(ONE, "Fagsystem", Cvr("22222222"), (old, new))
    assert system.is_known_by("a" * 64, NOW)
    assert system.is_known_by("b" * 64, NOW)
    assert not system.is_known_by("a" * 64, NOW + timedelta(days=7))
    assert not system.is_known_by("b" * 64, NOW - timedelta(seconds=1))
    assert not system.is_known_by("c" * 64, NOW)


def test_a_fingerprint_has_one_form() -> None:
    with pytest.raises(ValueError, match="64 lower-case"):
        CertificateBinding("A" * 64, NOW)


@pytest.mark.parametrize(
    ("routes", "roles", "receivers"),
    [
        ((), [Role.CASEWORKER], ALL),
        ((Route(ONE),), [Role.CASEWORKER], {ONE}),
        ((Route(ONE), Route(TWO, kind=RISK)), [Role.CASEWORKER], {TWO}),
        ((Route(TWO, kind=RISK), Route(THREE, RISK, Role.CASEWORKER)), [Role.CASEWORKER], {THREE}),
        ((Route(TWO, role=Role.CASEWORKER), Route(THREE, kind=RISK)), [Role.CASEWORKER], {TWO, THREE}),
        (
            (Route(ONE, role=Role.MANAGER), Route(TWO, role=Role.CASEWORKER)),
            [Role.MANAGER, Role.CASEWORKER],
            {ONE, TWO},
        ),
        ((Route(ONE, role=Role.MANAGER),), [Role.MANAGER, Role.CASEWORKER], ALL),
        ((Route(TWO, kind=LETTER),), [Role.CASEWORKER], ALL),
        ((Route(Uuid4.new()),), [Role.CASEWORKER], ALL),
        ((Route(ONE),), [], ALL),
    ],
)
def test_the_most_precise_route_of_each_attention_counts_and_none_means_all(
    routes: tuple[Route, ...], roles: list[Role], receivers: frozenset[Uuid4]
) -> None:
    assert receiving_systems(routes, ALL, RISK, roles) == receivers

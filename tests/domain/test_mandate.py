"""Who may do what: the table walked whole, and mandates as the only way but one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError, TrustError
from gateway.domain.identifiers import Cvr, PartyId, Uuid4
from gateway.domain.kinds import DocumentKind
from gateway.domain.mandate import (
    PERMISSIONS,
    Actor,
    Authority,
    Mandate,
    Operation,
    Owner,
    decide,
    owners_of,
    require_authority,
    require_owner,
)

NOW = datetime(2026, 8, 5, 9, 12, tzinfo=UTC)
MUNICIPALITY = PartyId(Cvr("11111111"), "0999")
STU_SCHOOL = PartyId(Cvr("11111111"), "999001")
SCHOOL = PartyId(Cvr("22222222"), "999001")
SYSTEM = Uuid4.new()
LETTER, RISK = DocumentKind.EDUCATION_ORDER_LETTER, DocumentKind.DROPOUT_RISK_NOTICE
MANDATE = Mandate(
    Uuid4.new(),
    SYSTEM,
    MUNICIPALITY,
    frozenset({Operation.SEND_LETTER, Operation.LIST_INBOX}),
    frozenset({LETTER}),
    NOW - timedelta(days=1),
    NOW + timedelta(days=1),
    "leder-17",
)
FOREIGN_CVR = Cvr("99999999")


def authority(
    operation: Operation = Operation.SEND_LETTER,
    *,
    party: PartyId = MUNICIPALITY,
    cvr: Cvr = FOREIGN_CVR,
    of_cvr: frozenset[PartyId] = frozenset(),
    kind: DocumentKind | None = LETTER,
    mandate: Mandate | None = MANDATE,
    at: datetime = NOW,
) -> Authority | None:
    return decide(
        system_id=SYSTEM,
        certificate_cvr=cvr,
        party_id=party,
        parties_of_cvr=of_cvr,
        operation=operation,
        kind=kind,
        mandates=() if mandate is None else (mandate,),
        at=at,
    )


def test_every_operation_has_a_row() -> None:
    assert set(PERMISSIONS) == set(Operation)


@pytest.mark.parametrize("operation", Operation)
def test_a_foreign_party_gets_nothing_but_what_is_public(operation: Operation) -> None:
    nobody = owners_of(PartyId(Cvr("99999999"), "999002"), MUNICIPALITY, SCHOOL)
    assert nobody == frozenset()
    with pytest.raises(InputError) as refused:
        require_owner(operation, nobody)
    assert refused.value.code is Code.NOT_FOUND
    assert not refused.value.facts


@pytest.mark.parametrize(("operation", "owner"), list(product(Operation, Owner)))
def test_the_owner_of_the_object_decides_as_the_table_says(operation: Operation, owner: Owner) -> None:
    if owner in PERMISSIONS[operation].owners:
        require_owner(operation, frozenset({owner}))
    else:
        with pytest.raises(InputError):
            require_owner(operation, frozenset({owner}))


@pytest.mark.parametrize(("operation", "actor"), list(product(Operation, Actor)))
def test_without_mandate_and_without_its_certificate_nothing_is_done_for_a_party(
    operation: Operation, actor: Actor
) -> None:
    party = MUNICIPALITY if actor is Actor.MUNICIPALITY else SCHOOL
    assert authority(operation, party=party, mandate=None) is None


def test_only_the_recipient_confirms_and_reads_and_only_the_sender_withdraws() -> None:
    for operation in (Operation.CONFIRM_HANDOVER, Operation.REGISTER_READ, Operation.RETRIEVE):
        assert PERMISSIONS[operation].owners == {Owner.RECIPIENT}
    assert PERMISSIONS[Operation.WITHDRAW_DOCUMENT].owners == {Owner.SENDER}


def test_institutions_send_no_letters() -> None:
    mandate = replace(MANDATE, party_id=SCHOOL)
    assert authority(party=SCHOOL, mandate=mandate) is None
    assert authority(Operation.LIST_INBOX, party=SCHOOL, mandate=mandate) is not None


def test_a_mandate_lets_a_foreign_system_act() -> None:
    assert authority() == Authority(SYSTEM, MUNICIPALITY, MANDATE.id)
    assert authority(Operation.LIST_INBOX, kind=None) == Authority(SYSTEM, MUNICIPALITY, MANDATE.id)


@pytest.mark.parametrize(
    "change",
    [
        {"system_id": Uuid4.new()},
        {"party_id": STU_SCHOOL},
        {"operations": frozenset({Operation.LIST_INBOX})},
        {"kinds": frozenset({RISK})},
        {"valid_from": NOW + timedelta(seconds=1)},
        {"valid_until": NOW},
    ],
)
def test_a_mandate_covers_nothing_beside_what_it_says(change: dict[str, object]) -> None:
    assert authority(mandate=replace(MANDATE, **change)) is None  # type: ignore[arg-type]


def test_a_mandate_holds_from_its_first_moment() -> None:
    assert authority(mandate=replace(MANDATE, valid_from=NOW)) is not None


def test_a_mandate_without_end_stands() -> None:
    assert authority(mandate=replace(MANDATE, valid_until=None), at=NOW + timedelta(days=4000)) is not None


def test_a_party_needs_no_mandate_for_its_own_certificate() -> None:
    own = authority(mandate=None, cvr=MUNICIPALITY.cvr, of_cvr=frozenset({MUNICIPALITY}))
    assert own == Authority(SYSTEM, MUNICIPALITY, None)


def test_a_number_shared_by_two_parties_names_neither() -> None:
    both = frozenset({MUNICIPALITY, STU_SCHOOL})
    assert authority(mandate=None, cvr=MUNICIPALITY.cvr, of_cvr=both) is None
    assert authority(mandate=None, cvr=MUNICIPALITY.cvr, of_cvr=frozenset({STU_SCHOOL})) is None


def test_a_missing_right_is_a_fault_that_names_the_operation() -> None:
    right = Authority(SYSTEM, MUNICIPALITY, None)
    assert require_authority(right, Operation.SEND_LETTER) is right
    with pytest.raises(TrustError) as refused:
        require_authority(None, Operation.SEND_LETTER)
    assert refused.value.code is Code.MANDATE_MISSING
    assert refused.value.facts == {"operation": "SendLetter"}


def test_sender_and_recipient_own_a_document_between_them() -> None:
    assert owners_of(MUNICIPALITY, MUNICIPALITY, SCHOOL) == {Owner.SENDER}
    assert owners_of(SCHOOL, MUNICIPALITY, SCHOOL) == {Owner.RECIPIENT}
    assert owners_of(STU_SCHOOL, MUNICIPALITY, SCHOOL) == frozenset()


def test_only_the_echo_needs_no_party() -> None:
    assert [operation for operation in Operation if not PERMISSIONS[operation].needs_party] == [
        Operation.PING
    ]


def test_the_number_of_another_certificate_makes_no_party_its_own() -> None:
    assert authority(mandate=None, cvr=FOREIGN_CVR, of_cvr=frozenset({MUNICIPALITY})) is None

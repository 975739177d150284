"""For whom a request says it is made, so far as that can be told before the request is known to be valid."""

from __future__ import annotations

import pytest

from gateway.domain.identifiers import Cvr, PartyId
from gateway.protocol.acting_party import acting_party
from gateway.xmlcore.namespaces import SERVICE
from tests.messages import ByHand, received


def acting(on_behalf_of: str) -> PartyId | None:
    """Whom a signed request with this is made for."""
    return acting_party(received(ByHand(body=f'<Ping xmlns="{SERVICE}">{on_behalf_of}</Ping>').sent()))


def party(cvr: str, *units: str) -> str:
    return f"<OnBehalfOf>{cvr}{''.join(units)}</OnBehalfOf>"


CVR, MUNICIPALITY, INSTITUTION = (
    "<Cvr>11111111</Cvr>",
    "<MunicipalityCode>0999</MunicipalityCode>",
    "<InstitutionNumber>999001</InstitutionNumber>",
)


@pytest.mark.parametrize(("unit", "expected"), [(MUNICIPALITY, "0999"), (INSTITUTION, "999001")])
def test_a_request_names_the_municipality_or_the_institution_it_is_made_for(unit: str, expected: str) -> None:
    assert acting(party(CVR, unit)) == PartyId(Cvr("11111111"), expected)


@pytest.mark.parametrize(
    "on_behalf_of",
    [
        pytest.param("", id="nobody"),
        pytest.param(party(""), id="empty"),
        pytest.param(party("", MUNICIPALITY), id="no-cvr"),
        pytest.param(party("<Cvr/>", MUNICIPALITY), id="empty-cvr"),
        pytest.param(party("<Cvr>1111111</Cvr>", MUNICIPALITY), id="no-cvr-number"),
        pytest.param(party(CVR), id="no-unit"),
        pytest.param(party(CVR, "<MunicipalityCode/>"), id="empty-unit"),
        pytest.param(party(CVR, "<MunicipalityCode>0999x</MunicipalityCode>"), id="no-municipality"),
    ],
)
def test_a_request_that_names_no_party_as_parties_are_named_is_made_for_nobody(on_behalf_of: str) -> None:
    assert acting(on_behalf_of) is None


def test_a_party_of_another_namespace_is_nobody() -> None:
    assert acting(party(CVR, MUNICIPALITY).replace("<OnBehalfOf>", '<OnBehalfOf xmlns="urn:other">')) is None

"""Whom a verified request says it is made for, read before the request as a whole is found valid."""

from __future__ import annotations

from gateway.domain.identifiers import Cvr, PartyId
from gateway.protocol.wss import Verified
from gateway.xmlcore.namespaces import SERVICE, tag


def acting_party(verified: Verified) -> PartyId | None:
    """Return the party of OnBehalfOf if there is a well-formed one, so that a refusal can be recorded under it.

    It is what the signed message claims: whether the system may act for that party, others must decide.
    """
    reference = verified.payload.find(tag(SERVICE, "OnBehalfOf"))
    if reference is None:
        return None
    cvr = reference.findtext(tag(SERVICE, "Cvr"))
    unit = reference.findtext(tag(SERVICE, "MunicipalityCode")) or reference.findtext(
        tag(SERVICE, "InstitutionNumber")
    )
    if cvr is None or unit is None:
        return None
    try:
        return PartyId(Cvr(cvr), unit)
    except ValueError:
        return None

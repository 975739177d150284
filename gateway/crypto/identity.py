"""Whom an OCES3 certificate names: the organisation by its CVR number, and which of its systems."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from cryptography.x509 import Name, ObjectIdentifier
from cryptography.x509.oid import NameOID

from gateway.crypto.certificate import Certificate, malformed
from gateway.domain.identifiers import Cvr

_ORGANISATION_IDENTIFIER: Final = re.compile(r"NTRDK-([0-9]{8})")  # ETSI EN 319 412-1 §5.1.4
_SERIAL_NUMBER: Final = re.compile(r"UI:DK-O:G:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Identity:
    """The subject of an OCES3 organisation or system certificate."""

    cvr: Cvr
    organisation: str
    common_name: str
    serial_number: str  # of the subject, "UI:DK-O:G:" and a UUID; not the certificate's serial number


def read_identity(certificate: Certificate) -> Identity:
    """The identity that the certificate claims; believe it only once its path has been verified.

    TrustError CERTIFICATE_MALFORMED unless country, organisation identifier, organisation, serial number and common
    name each stand exactly once, shaped as OCES3 shapes them, with no empty or multi-valued name part.
    """
    subject = certificate.x509.subject
    if len(subject.rdns) != len(list(subject)):
        raise malformed("subject of several values in one part")
    if _only(subject, NameOID.COUNTRY_NAME, "country") != "DK":
        raise malformed("country")
    organisation_identifier = _ORGANISATION_IDENTIFIER.fullmatch(
        _only(subject, NameOID.ORGANIZATION_IDENTIFIER, "organizationIdentifier")
    )
    if organisation_identifier is None:
        raise malformed("organizationIdentifier")
    serial_number = _only(subject, NameOID.SERIAL_NUMBER, "serialNumber")
    if not _SERIAL_NUMBER.fullmatch(serial_number):
        raise malformed("serialNumber")
    return Identity(
        cvr=Cvr(organisation_identifier.group(1)),
        organisation=_only(subject, NameOID.ORGANIZATION_NAME, "organizationName"),
        common_name=_only(subject, NameOID.COMMON_NAME, "commonName"),
        serial_number=serial_number,
    )


def _only(subject: Name, oid: ObjectIdentifier, what: str) -> str:
    """The one value of this part of the name."""
    found = subject.get_attributes_for_oid(oid)
    if len(found) != 1:
        raise malformed(f"not exactly one {what}")
    value = found[0].value
    if not isinstance(value, str) or not value.strip():
        raise malformed(what)
    return value

"""Systems: by which certificates each is known, and which of them act for a party."""

from __future__ import annotations

from datetime import datetime
from enum import Enum, unique

from sqlalchemy import Connection, and_, bindparam, exists, insert, or_, select, update

from gateway.crypto.certificate import Certificate
from gateway.domain.identifiers import Cvr, PartyId, Uuid4
from gateway.domain.party import CertificateBinding, System
from gateway.storage.columns import instant, instant_or_none, millis, millis_or_none
from gateway.storage.prepared import Prepared, Values
from gateway.storage.tables import mandate, party, system, system_certificate


@unique
class CertificateName(Enum):
    """By what a message may name a certificate that it does not bring; the value is its column."""

    SERIAL_NUMBER = "serial_number"
    SUBJECT_KEY = "subject_key"  # the subject key identifier
    SHA1 = "sha1"  # of the DER


_CELLS = (system.c.system_id, system.c.name, system.c.vendor_cvr)
_BINDING = (
    system_certificate.c.fingerprint,
    system_certificate.c.valid_from,
    system_certificate.c.valid_until,
)
_IS_VALID = and_(
    system_certificate.c.valid_from <= bindparam("at"),
    or_(system_certificate.c.valid_until.is_(None), system_certificate.c.valid_until > bindparam("at")),
)
_HAS_MANDATE = exists().where(
    mandate.c.system_id == system.c.system_id,
    mandate.c.party == bindparam("party"),
    mandate.c.valid_from <= bindparam("at"),
    or_(mandate.c.valid_until.is_(None), mandate.c.valid_until > bindparam("at")),
)
_IS_OWN = and_(
    system.c.vendor_cvr == bindparam("cvr"),
    ~exists().where(party.c.cvr == bindparam("cvr"), party.c.party != bindparam("party")),
)

_INSERT = Prepared(insert(system), "system_id", "name", "vendor_cvr")
_INSERT_CERTIFICATE = Prepared(
    insert(system_certificate),
    "fingerprint",
    "system_id",
    "der",
    "valid_from",
    "valid_until",
    "serial_number",
    "subject_key",
    "sha1",
)
_END_CERTIFICATE = Prepared(
    update(system_certificate)
    .where(system_certificate.c.fingerprint == bindparam("this_fingerprint"))
    .values(valid_until=bindparam("new_until")),
    "this_fingerprint",
    "new_until",
)
_BY_CERTIFICATE = Prepared(
    select(*_CELLS)
    .join_from(system_certificate, system, system_certificate.c.system_id == system.c.system_id)
    .where(system_certificate.c.fingerprint == bindparam("fingerprint"), _IS_VALID),
    "fingerprint",
    "at",
)
_IS_UNNAMED = system_certificate.c.sha1.is_(None)  # added by a gateway of a version that did not name them
_NAMED_BY = {
    name: Prepared(
        select(system_certificate.c.der).where(
            or_(system_certificate.c[name.value] == bindparam("value"), _IS_UNNAMED), _IS_VALID
        ),
        "value",
        "at",
    )
    for name in CertificateName
}
_FIND = Prepared(select(*_CELLS).where(system.c.system_id == bindparam("system_id")), "system_id")
_ALL = Prepared(select(*_CELLS).order_by(system.c.name, system.c.system_id))
_CERTIFICATES = Prepared(
    select(*_BINDING)
    .where(system_certificate.c.system_id == bindparam("system_id"))
    .order_by(system_certificate.c.valid_from, system_certificate.c.fingerprint),
    "system_id",
)
_OF_PARTY = Prepared(select(system.c.system_id).where(or_(_HAS_MANDATE, _IS_OWN)), "party", "cvr", "at")


def add_system(connection: Connection, system_id: Uuid4, name: str, vendor_cvr: Cvr) -> None:
    """Register a system; `add_certificate` tells by what it is known."""
    _INSERT.run(connection, system_id.text, name, vendor_cvr.text)


def add_certificate(
    connection: Connection, system_id: Uuid4, der: bytes, valid_from: datetime, valid_until: datetime | None
) -> CertificateBinding:
    """Let a system be known by a certificate from `valid_from` until, not with, `valid_until`.

    Several may be valid at a time, so that one can replace another. A certificate belongs to one system for ever.
    """
    certificate = Certificate.from_der(der)
    _INSERT_CERTIFICATE.run(
        connection,
        certificate.fingerprint,
        system_id.text,
        der,
        millis(valid_from),
        millis_or_none(valid_until),
        _hexadecimal(certificate.x509.serial_number),
        certificate.subject_key,
        certificate.sha1,
    )
    return CertificateBinding(certificate.fingerprint, valid_from, valid_until)


def end_certificate(connection: Connection, fingerprint: str, at: datetime) -> bool:
    """Let no system be known by this certificate from `at` on. False if it is not registered."""
    return _END_CERTIFICATE.run(connection, fingerprint, millis(at)) == 1


def find_system(connection: Connection, system_id: Uuid4) -> System | None:
    """The system of this id, or None."""
    row = _FIND.one(connection, system_id.text)
    return None if row is None else _system(connection, row)


def find_system_by_certificate(connection: Connection, fingerprint: str, at: datetime) -> System | None:
    """The system that is known by this certificate at this time, or None. `fingerprint`: hex SHA-256 of the DER."""
    row = _BY_CERTIFICATE.one(connection, fingerprint, millis(at))
    return None if row is None else _system(connection, row)


def certificates_named(
    connection: Connection, at: datetime, name: CertificateName, value: int | bytes
) -> tuple[bytes, ...]:
    """The DER of the certificates by which some system is known at this time, and which may have this name.

    `value` is a number where the name is a serial number, else octets. They are found by an index, since a stranger
    may ask.
    """
    cell = _hexadecimal(value) if isinstance(value, int) else value
    return tuple(row[0] for row in _NAMED_BY[name].all(connection, cell, millis(at)))


def systems_of_party(connection: Connection, party_id: PartyId, at: datetime) -> frozenset[Uuid4]:
    """The systems that act for a party at this time: by mandate, or by the CVR number that only this party has."""
    rows = _OF_PARTY.all(connection, str(party_id), party_id.cvr.text, millis(at))
    return frozenset(Uuid4(row[0]) for row in rows)


def list_systems(connection: Connection) -> tuple[System, ...]:
    """All systems, by name."""
    return tuple(_system(connection, row) for row in _ALL.all(connection))


def _hexadecimal(number: int) -> str:
    return f"{number:x}"


def _system(connection: Connection, row: Values) -> System:
    system_id, name, vendor_cvr = row
    bindings = tuple(
        CertificateBinding(fingerprint, instant(valid_from), instant_or_none(valid_until))
        for fingerprint, valid_from, valid_until in _CERTIFICATES.all(connection, system_id)
    )
    return System(Uuid4(system_id), name, Cvr(vendor_cvr), bindings)

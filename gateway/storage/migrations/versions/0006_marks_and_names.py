"""Inbox marks that know their routes, and what names a certificate that a message does not carry.

Revision ID: 0006

A gateway of the version before goes on beside: what it does not fill may be NULL.
"""

from __future__ import annotations

import hashlib
from typing import Final

from alembic import op
from cryptography import x509
from sqlalchemy import Column, LargeBinary, Text, column, select, table, update

revision: Final = "0006"
down_revision: Final = "0005"

_CERTIFICATE: Final = table(
    "system_certificate",
    column("fingerprint", Text),
    column("der", LargeBinary),
    column("serial_number", Text),
    column("subject_key", LargeBinary),
    column("sha1", LargeBinary),
)


def upgrade() -> None:
    """Add the columns and their indexes, and fill them for the certificates that are there."""
    op.add_column("inbox_mark", Column("routing", LargeBinary))
    for name, kind in (("serial_number", Text), ("subject_key", LargeBinary), ("sha1", LargeBinary)):
        op.add_column("system_certificate", Column(name, kind))
        op.create_index(f"ix_system_certificate_{name}", "system_certificate", [name])
    connection = op.get_bind()
    for fingerprint, der in connection.execute(select(_CERTIFICATE.c.fingerprint, _CERTIFICATE.c.der)).all():
        statement = update(_CERTIFICATE).where(_CERTIFICATE.c.fingerprint == fingerprint)
        connection.execute(statement.values(**_names(der)))


def _names(der: bytes) -> dict[str, str | bytes | None]:
    certificate = x509.load_der_x509_certificate(der)
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
        subject_key = found.value.digest
    except x509.ExtensionNotFound:
        subject_key = None
    return {
        "serial_number": f"{certificate.serial_number:x}",
        "subject_key": subject_key,
        "sha1": hashlib.sha1(der, usedforsecurity=False).digest(),
    }

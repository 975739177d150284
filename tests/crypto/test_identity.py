"""Whom a certificate names: exactly the subject of OCES3, and nothing near it."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from gateway.crypto.identity import Identity, read_identity
from gateway.domain.catalogue import Code
from gateway.domain.identifiers import Cvr
from tests.crypto.changed import GOOD_SUBJECT, issue_changed, refused, subject_with, verify


def test_the_identity_is_read_from_the_subject() -> None:
    assert read_identity(issue_changed(subject=subject_with())[0]) == Identity(
        cvr=Cvr("11111111"),
        organisation="Eksempelby Kommune",
        common_name="Eksempelby ESDH",
        serial_number="UI:DK-O:G:7c0d8f0e-5a3b-4f0a-9a51-0d0f0a1b2c3d",
    )


@pytest.mark.parametrize(
    "subject",
    [
        pytest.param(
            subject_with(None, None, (NameOID.ORGANIZATION_IDENTIFIER, "NTRDK-22222222")),
            id="two-organisations",
        ),
        pytest.param(
            subject_with(None, None, (NameOID.ORGANIZATION_IDENTIFIER, "NTRDK-11111111")), id="the-same-twice"
        ),
        pytest.param(subject_with(NameOID.ORGANIZATION_IDENTIFIER), id="no-organisation-identifier"),
        pytest.param(subject_with(NameOID.ORGANIZATION_IDENTIFIER, "NTRDK-1111111"), id="seven-digits"),
        pytest.param(subject_with(NameOID.ORGANIZATION_IDENTIFIER, "NTRDK-11111111 "), id="space-after"),
        pytest.param(subject_with(NameOID.ORGANIZATION_IDENTIFIER, "NTRDK-11111111\n"), id="line-feed-after"),
        pytest.param(
            subject_with(NameOID.ORGANIZATION_IDENTIFIER, "NTRDK-１１１１１１１１"), id="wide-digits"
        ),
        pytest.param(subject_with(NameOID.ORGANIZATION_IDENTIFIER, "NTRSE-11111111"), id="another-register"),
        pytest.param(subject_with(NameOID.ORGANIZATION_IDENTIFIER, "xNTRDK-11111111"), id="text-before"),
        pytest.param(subject_with(NameOID.COUNTRY_NAME, "SE"), id="another-country"),
        pytest.param(
            subject_with(NameOID.SERIAL_NUMBER, "UI:DK-E:G:7c0d8f0e-5a3b-4f0a-9a51-0d0f0a1b2c3d"),
            id="an-employee",
        ),
        pytest.param(subject_with(NameOID.SERIAL_NUMBER, "CVR:11111111-UID:12345678"), id="oces2"),
        pytest.param(subject_with(NameOID.SERIAL_NUMBER), id="no-serial-number"),
        pytest.param(subject_with(NameOID.COMMON_NAME), id="no-common-name"),
        pytest.param(subject_with(NameOID.COMMON_NAME, " "), id="blank-common-name"),
        pytest.param(
            subject_with(None, None, (NameOID.ORGANIZATION_NAME, "Prøveby Erhvervsskole")), id="two-names"
        ),
        pytest.param(
            x509.Name(
                [
                    *[x509.RelativeDistinguishedName([one]) for one in subject_with().rdns[0]],
                    x509.RelativeDistinguishedName(
                        [x509.NameAttribute(oid, value) for oid, value in GOOD_SUBJECT[1:3]]
                    ),
                    *[
                        x509.RelativeDistinguishedName([x509.NameAttribute(oid, value)])
                        for oid, value in GOOD_SUBJECT[3:]
                    ],
                ]
            ),
            id="two-values-in-one-part",
        ),
    ],
)
def test_a_subject_that_is_not_shaped_as_oces3_is_refused(subject: x509.Name) -> None:
    assert verify(issue_changed(subject=subject_with()))
    with refused(Code.CERTIFICATE_MALFORMED):
        verify(issue_changed(subject=subject))


@pytest.mark.parametrize(
    ("part", "what"),
    [
        (NameOID.COUNTRY_NAME, "country"),
        (NameOID.ORGANIZATION_IDENTIFIER, "organizationIdentifier"),
        (NameOID.ORGANIZATION_NAME, "organizationName"),
        (NameOID.SERIAL_NUMBER, "serialNumber"),
        (NameOID.COMMON_NAME, "commonName"),
    ],
)
def test_the_operations_log_is_told_which_part_of_the_subject_is_missing_or_blank(
    part: x509.ObjectIdentifier, what: str
) -> None:
    for subject, told in ((subject_with(part), f"not exactly one {what}"), (_blank(part), what)):
        with refused(Code.CERTIFICATE_MALFORMED) as refusal:
            read_identity(issue_changed(subject=subject)[0])
        assert refusal.value.facts["what"] == told


def _blank(part: x509.ObjectIdentifier) -> x509.Name:
    return subject_with(part, "  ")

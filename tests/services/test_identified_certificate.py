"""A system may only identify its certificate; then the one that is registered is used, and no other."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.x509 import CertificateBuilder
from lxml import etree
from sqlalchemy import text

from gateway.crypto import development_issuing
from gateway.crypto.certificate import Certificate
from gateway.crypto.development_declaration import OrganisationWish
from gateway.crypto.development_pki import issue_certificate
from gateway.domain.operations import Service
from gateway.protocol.wss_tokens import CertificateHint
from gateway.services import certificate_changes, parties
from gateway.services.access import registered_certificates
from gateway.storage import systems
from gateway.xmlcore.namespaces import DS, WSSE, tag
from tests.installation import TestInstallation, open_test_installation
from tests.pki import development_pki, private_key

PING = b'<Ping xmlns="urn:dk:bropost:service:1"><Echo>goddag</Echo></Ping>'
WSS11 = "http://docs.oasis-open.org/wss/oasis-wss-soap-message-security-1.1"
WSS10 = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0"
X509_SUBJECT_KEY = (
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509SubjectKeyIdentifier"
)


def identified(house: TestInstallation, system: str) -> bytes:
    """A good message whose token is replaced by the certificate's thumbprint; neither is part of what is signed."""
    thumbprint = hashlib.sha1(development_pki().certificate(system).der, usedforsecurity=False).digest()
    return named_by(house, system, f"{WSS11}#ThumbprintSHA1", thumbprint)


def identified_by_key(house: TestInstallation, system: str) -> bytes:
    """A good message that names the key of its certificate alone."""
    subject_key = development_pki().certificate(system).subject_key
    assert subject_key is not None
    return named_by(house, system, X509_SUBJECT_KEY, subject_key)


def named_by(house: TestInstallation, system: str, value_type: str, octets: bytes) -> bytes:
    """A good message whose token is replaced by an identifier."""
    tree = etree.fromstring(house.caller(system, Service.MUNICIPALITY).message(PING))
    (reference,) = tree.iter(tag(WSSE, "SecurityTokenReference"))
    reference.clear()
    identifier = etree.SubElement(reference, tag(WSSE, "KeyIdentifier"))
    identifier.set("ValueType", value_type)
    identifier.set("EncodingType", f"{WSS10}#Base64Binary")
    identifier.text = base64.b64encode(octets).decode()
    (token,) = tree.iter(tag(WSSE, "BinarySecurityToken"))
    security = token.getparent()
    assert security is not None
    security.remove(token)
    assert tree.find(f".//{{{DS}}}KeyInfo") is not None
    return etree.tostring(tree)


def test_a_registered_certificate_is_found_by_its_thumbprint(tmp_path: Path) -> None:
    house = open_test_installation(tmp_path)
    answered = house.esdh.send(identified(house, "eksempelby-esdh"))
    assert answered.fault_code is None
    assert answered.text("Echo") == "goddag"


def test_a_trusted_certificate_that_is_not_registered_is_not_found(tmp_path: Path) -> None:
    house = open_test_installation(tmp_path)
    answered = house.esdh.send(identified(house, "eksempelby-esdh-2048"))
    assert answered.fault_code == "MESSAGE_NOT_TRUSTED"
    assert not answered.is_signed


def renewed(house: TestInstallation, days: int) -> Certificate:
    """A new certificate for the key of the municipality's system, which ends some days from now."""
    wish = OrganisationWish(
        name="renewed",
        issuer="issuing",
        key="rsa-3072",
        days=(-1, days),
        organisation="Eksempelby Kommune",
        cvr="11111111",
        common_name="Eksempelby ESDH - fornyet",
        policies=house.pki.declaration.policies,
    )
    subject = development_issuing.organisation_name(house.pki.declaration, wish)
    extensions = development_issuing.organisation_extensions(wish)
    key = private_key("eksempelby-esdh")
    assert isinstance(key, RSAPrivateKey)
    made = issue_certificate(house.pki, wish, subject, extensions, key=key)
    return made.certificate("renewed")


@pytest.mark.parametrize("days", [2, 3000], ids=["which ends first", "which ends last"])
def test_beside_a_new_certificate_of_the_same_key_a_client_that_names_its_key_is_let_in(
    tmp_path: Path, days: int
) -> None:
    house = open_test_installation(tmp_path)
    new, old = renewed(house, days), development_pki().certificate("eksempelby-esdh")
    assert new.subject_key == old.subject_key
    system_id = house.systems["eksempelby-esdh"].id
    certificate_changes.replace_certificate(house.installation, system_id, new, None, None)
    answered = house.esdh.send(identified_by_key(house, "eksempelby-esdh"))
    assert answered.fault_code is None
    (found,) = registered_certificates(house.installation)(CertificateHint(subject_key=new.subject_key))
    assert found == max((old, new), key=lambda each: each.x509.not_valid_after_utc)
    house.clock.forward(days=2, seconds=1)
    house.renew_lists()
    assert house.esdh.send(identified_by_key(house, "eksempelby-esdh")).fault_code is None


def test_of_one_key_that_two_systems_have_no_certificate_is_chosen(tmp_path: Path) -> None:
    house = open_test_installation(tmp_path)
    new = renewed(house, 90)
    parties.register_system(house.installation, "Et andet ESDH-system", new)
    assert registered_certificates(house.installation)(CertificateHint(subject_key=new.subject_key)) == ()
    assert house.esdh.send(identified_by_key(house, "eksempelby-esdh")).fault_code == "MESSAGE_NOT_TRUSTED"
    assert house.esdh.send(identified(house, "eksempelby-esdh")).fault_code is None


def test_a_hint_that_names_nothing_finds_nothing(house: TestInstallation) -> None:
    assert registered_certificates(house.installation)(CertificateHint()) == ()


def test_a_registered_certificate_is_found_by_its_serial_number(house: TestInstallation) -> None:
    own = development_pki().certificate("eksempelby-esdh")
    find = registered_certificates(house.installation)
    assert find(CertificateHint(serial_number=own.x509.serial_number)) == (own,)
    assert find(CertificateHint(serial_number=own.x509.serial_number + 1)) == ()


def test_a_certificate_that_was_registered_without_names_is_found_by_those_it_has_and_by_no_others(
    house: TestInstallation,
) -> None:
    own, other = (development_pki().certificate(name) for name in ("eksempelby-esdh", "proeveby-sis"))
    with house.installation.database.alone() as connection:  # as the version before these names left it
        connection.execute(
            text(
                "UPDATE system_certificate SET serial_number = NULL, subject_key = NULL, sha1 = NULL "
                "WHERE fingerprint = :own"
            ),
            {"own": own.fingerprint},
        )
    find = registered_certificates(house.installation)
    for certificate in (own, other):
        assert find(CertificateHint(sha1=certificate.sha1)) == (certificate,)
        assert find(CertificateHint(subject_key=certificate.subject_key)) == (certificate,)
    assert find(CertificateHint(subject_key=own.subject_key, sha1=other.sha1)) == ()
    assert find(CertificateHint()) == ()


def test_of_one_serial_number_that_two_keys_have_no_certificate_is_chosen(house: TestInstallation) -> None:
    own, other = (development_pki().certificate(name) for name in ("eksempelby-esdh", "proeveby-sis"))
    validity = own.x509.not_valid_before_utc, own.x509.not_valid_after_utc
    number = own.x509.serial_number
    builder = CertificateBuilder(
        own.x509.issuer, own.x509.subject, other.x509.public_key(), number, *validity
    )
    der = development_issuing.sign_builder(builder, house.pki.holders["issuing"].issuer())
    with house.installation.database.alone() as connection:
        systems.add_certificate(connection, house.systems["eksempelby-esdh"].id, der, house.clock(), None)
    find = registered_certificates(house.installation)
    assert find(CertificateHint(serial_number=number)) == ()
    assert find(CertificateHint(serial_number=number, sha1=own.sha1)) == (own,)

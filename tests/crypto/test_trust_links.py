"""What ties a certificate to its issuer, where either says less than OCES3 does, and which roots may stand anywhere."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.crypto import development_issuing as issuing
from gateway.crypto.certificate import Certificate
from gateway.crypto.trust import TrustStore, find_path
from gateway.domain.catalogue import Code
from tests.crypto.changed import issue_changed, key_usage, leaf_builder, refused, small_pki
from tests.pki import development_pki

AT = development_pki().at
DAY = timedelta(days=1)
POLICIES = ("1.2.3",)


def named(*units: str) -> x509.Name:
    parts = [(NameOID.COMMON_NAME, "rod"), *((NameOID.ORGANIZATIONAL_UNIT_NAME, unit) for unit in units)]
    return x509.Name([x509.NameAttribute(*part) for part in parts])


def root(*units: str) -> Certificate:
    """A root that issued itself, of these units."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateBuilder(named(*units), named(*units), key.public_key(), 1, AT, AT + DAY)
    return Certificate.from_der(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER))


@pytest.mark.parametrize("environment", ["production", "development"])
def test_a_root_of_no_development_pki_may_be_believed_anywhere(environment: str) -> None:
    for units in ((), ("Test",), ("Test - Bropost ",)):
        assert TrustStore.build([root(*units)], [], POLICIES, environment=environment)


def test_a_root_is_a_development_root_by_any_of_its_units() -> None:
    for units in (("Test - Bropost",), ("Test - Bropost", "Andre"), ("Andre", "Test - Bropost")):
        with refused(Code.DEVELOPMENT_ROOT):
            TrustStore.build([root(*units)], [], POLICIES, environment="production")


@pytest.mark.parametrize(
    "identifier",
    [
        pytest.param(None, id="none"),
        pytest.param(
            x509.AuthorityKeyIdentifier(
                None, [x509.DirectoryName(development_pki().certificate("root").x509.subject)], 7
            ),
            id="by-name-and-number-alone",
        ),
    ],
)
def test_a_leaf_need_not_name_the_key_of_its_issuer(identifier: x509.AuthorityKeyIdentifier | None) -> None:
    pki = development_pki()
    builder, issuer = leaf_builder()
    if identifier:
        builder = builder.add_extension(identifier, critical=False)
    leaf = Certificate.from_der(issuing.sign_builder(builder, issuer))
    path = (leaf, pki.certificate("issuing"), pki.certificate("root"))
    assert find_path((leaf,), pki.trust_store(), pki.at) == path


def authority(
    *extensions: tuple[x509.ExtensionType, bool],
) -> tuple[Certificate, Certificate, TrustStore]:
    """A leaf below an issuing authority of these extensions, that authority, and who believes its root."""
    pki = small_pki()
    above, usual = pki.holders["root"].issuer(), pki.certificate("issuing").x509
    key = ec.generate_private_key(ec.SECP256R1())
    validity = (usual.not_valid_before_utc, usual.not_valid_after_utc)
    builder = x509.CertificateBuilder(above.name, usual.subject, key.public_key(), 3, *validity)
    for extension in extensions:
        builder = builder.add_extension(*extension)
    made = Certificate.from_der(issuing.sign_builder(builder, above))
    leaf = pki.certificate("leaf").x509
    below = x509.CertificateBuilder(made.x509.subject, leaf.subject, leaf.public_key(), 4, *validity)
    below = below.add_extension(x509.BasicConstraints(False, None), True).add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), False
    )
    trust = TrustStore.build(pki.roots, [made], POLICIES, environment="development")
    return (
        Certificate.from_der(issuing.sign_builder(below, issuing.Issuer(made.x509.subject, key))),
        made,
        trust,
    )


CONSTRAINTS = (x509.BasicConstraints(ca=True, path_length=0), True)
BOTH = key_usage("key_cert_sign", "crl_sign")


def test_an_authority_need_not_carry_its_key_identifier() -> None:
    leaf, above, trust = authority(CONSTRAINTS, BOTH)
    assert above.subject_key is None
    assert find_path((leaf,), trust, AT)[1] == above


def test_a_path_begins_with_a_certificate_that_says_whether_it_is_an_authoritys() -> None:
    pki = development_pki()
    (leaf, *_), (silent, *_) = issue_changed(), issue_changed(without=x509.BasicConstraints)
    assert find_path((leaf,), pki.trust_store(), pki.at)[0] == leaf
    with refused(Code.CERTIFICATE_UNTRUSTED):
        find_path((silent,), pki.trust_store(), pki.at)


@pytest.mark.parametrize("granted", [("key_cert_sign",), ("crl_sign",), ("digital_signature",)])
def test_an_authority_must_be_allowed_to_sign_certificates_and_lists(granted: tuple[str, ...]) -> None:
    leaf, _, trust = authority(CONSTRAINTS, key_usage(*granted))
    with refused(Code.CERTIFICATE_UNTRUSTED):
        find_path((leaf,), trust, AT)

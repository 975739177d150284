"""Which roots are believed, and which authorities between a root and a leaf."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from gateway.crypto import development_issuing as issuing
from gateway.crypto.certificate import Certificate
from gateway.crypto.certificates import TrustStore, Usage, verify_certificate
from gateway.crypto.development_pki import (
    DevelopmentPki,
    issue_certificate,
    issue_list,
    renew_lists,
)
from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError
from tests.crypto.changed import (
    UNKNOWN,
    changed_wish,
    key_usage,
    leaf_builder,
    refused,
    small_pki,
    verify,
)
from tests.pki import development_pki


def test_a_key_identifier_of_another_authority_is_refused() -> None:
    # RFC 5280 §4.2.1.1
    pki = development_pki()
    builder, issuer = leaf_builder()
    for authority, good in (("issuing", True), ("impostor", False)):
        key = pki.holders[authority].issuer().key.public_key()
        named = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key), critical=False)
        leaf = Certificate.from_der(issuing.sign_builder(named, issuer))
        if good:
            assert verify((leaf,))
        else:
            with refused(Code.CERTIFICATE_UNTRUSTED):
                verify((leaf,))


def test_a_pki_signed_by_ecdsa_is_trusted_too() -> None:
    pki = small_pki()
    assert verify(pki.chain("leaf"), pki=pki)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("path_length = 0, days = [-9, 30]", "path_length = 0, days = [-9, 4]", id="issuing"),
        pytest.param('key = "p-256", days = [-9, 30]', 'key = "p-256", days = [-9, 4]', id="root"),
    ],
)
def test_an_expired_authority_is_refused_though_its_leaf_is_current(old: str, new: str) -> None:
    pki = renew_lists(small_pki(old, new), development_pki().at + timedelta(days=5))
    good = renew_lists(small_pki(), development_pki().at + timedelta(days=5))
    assert verify(good.chain("leaf"), pki=good)
    with refused(Code.CERTIFICATE_UNTRUSTED):
        verify(pki.chain("leaf"), pki=pki)


def _below(pki: DevelopmentPki, extensions: issuing.Extensions, above: str) -> DevelopmentPki:
    """The PKI with a leaf "changed" below a further authority of these extensions, itself issued by `above`."""
    authority = replace(pki.declaration.authorities[1], name="further", common_name="videre", issuer=above)
    further = issue_certificate(
        pki, authority, issuing.authority_name(pki.declaration, authority), extensions
    )
    wish = changed_wish(pki, issuer="further")
    return issue_certificate(
        further,
        wish,
        issuing.organisation_name(pki.declaration, wish),
        issuing.organisation_extensions(wish),
    )


def test_an_authority_below_the_issuing_one_is_refused() -> None:
    # RFC 5280 §4.2.1.9: the issuing authority's path length of 0 allows leaves only.
    pki = small_pki()
    usual = issuing.authority_extensions(pki.declaration.authorities[1])
    with refused(Code.CERTIFICATE_UNTRUSTED):
        verify(_below(pki, usual, "issuing").chain("changed"), pki=pki)


def test_a_path_longer_than_that_of_oces3_is_refused_even_if_no_authority_limits_it() -> None:
    pki = small_pki("path_length = 0, ", "")
    usual = issuing.authority_extensions(pki.declaration.authorities[1])
    with refused(Code.CERTIFICATE_UNTRUSTED):
        verify(_below(pki, usual, "issuing").chain("changed"), pki=pki)


def test_a_certificate_signed_with_another_digest_is_refused() -> None:
    pki = small_pki()
    issuer, good = pki.holders["issuing"].issuer(), pki.certificate("leaf").x509
    for digest, accepted in ((hashes.SHA256(), True), (hashes.SHA384(), True), (hashes.SHA3_256(), False)):
        builder = x509.CertificateBuilder(
            issuer.name,
            good.subject,
            pki.certificate("leaf").x509.public_key(),
            7,
            good.not_valid_before_utc,
            good.not_valid_after_utc,
        )
        for extension in good.extensions:
            builder = builder.add_extension(extension.value, extension.critical)
        made = builder.sign(issuer.key, digest)
        leaf = Certificate.from_der(made.public_bytes(serialization.Encoding.DER))
        if accepted:
            assert verify((leaf,), pki=pki)
        else:
            assert not leaf.is_issued_by(pki.certificate("issuing"))
            with refused(Code.CERTIFICATE_UNTRUSTED):
                verify((leaf,), pki=pki)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param((x509.BasicConstraints(ca=False, path_length=None), True), id="no-authority"),
        pytest.param((x509.BasicConstraints(ca=True, path_length=0), False), id="constraints-not-critical"),
        pytest.param(key_usage("digital_signature", "content_commitment"), id="may-not-sign-certificates"),
        pytest.param(key_usage("key_cert_sign"), id="may-not-sign-lists"),
        pytest.param((UNKNOWN, True), id="unknown-critical-extension"),
        pytest.param((x509.NameConstraints([x509.DNSName("example")], None), True), id="name-constraints"),
        pytest.param((x509.PolicyConstraints(0, None), True), id="policy-constraints"),
    ],
)
def test_an_authority_that_is_not_one_is_refused(change: tuple[x509.ExtensionType, bool]) -> None:
    pki = small_pki()
    usual = issuing.authority_extensions(pki.declaration.authorities[1])
    good = _below(pki, usual, "root")
    lists = pki.revocations().with_list(_empty_list(good, "further"), [good.certificate("further")])
    assert verify_certificate(good.chain("changed"), Usage.CONTENT, pki.trust_store(), lists, pki.at)
    changed = [*(one for one in usual if type(one[0]) is not type(change[0])), change]
    with refused(Code.CERTIFICATE_UNTRUSTED):
        verify(_below(pki, changed, "root").chain("changed"), pki=pki)


def _empty_list(pki: DevelopmentPki, authority: str) -> bytes:
    return issue_list(pki, authority, pki.at)


# --- the trust store ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("environment", ["production", "test", "", "Development"])
def test_a_development_root_is_believed_in_development_only(environment: str) -> None:
    pki = development_pki()
    policies = pki.declaration.policies
    assert TrustStore.build(pki.roots, pki.intermediates, policies, environment="development")
    with refused(Code.DEVELOPMENT_ROOT):
        TrustStore.build(pki.roots, pki.intermediates, policies, environment=environment)


def test_a_trust_store_made_without_an_environment_believes_no_development_root() -> None:
    pki = development_pki()
    with refused(Code.DEVELOPMENT_ROOT):
        TrustStore(pki.roots, pki.intermediates, frozenset(pki.declaration.policies))


def test_a_trust_store_needs_roots_that_are_roots_and_policies() -> None:
    pki = development_pki()
    for roots, policies in (
        (pki.intermediates, pki.declaration.policies),
        ((), pki.declaration.policies),
        (pki.roots, ()),
    ):
        with pytest.RaisesExc(InputError, check=lambda error: error.code is Code.SETTINGS_INVALID):
            TrustStore.build(roots, (), policies, environment="development")

"""Which certificates are trusted: each bad one is refused beside a good one that differs from it in one thing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from gateway.crypto.certificates import TrustedCertificate, Usage, verify_certificate
from gateway.crypto.development_pki import (
    renew_lists,
)
from gateway.crypto.revocation import Revocations
from gateway.domain.catalogue import Code
from gateway.domain.errors import UnavailableError
from gateway.domain.identifiers import Cvr
from tests.crypto.changed import SECOND, UNKNOWN, issue_changed, key_usage, refused, small_pki, verify
from tests.pki import development_pki

# --- the good ones -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "usage", "cvr"),
    [
        ("eksempelby-kommune", Usage.CONTENT, "11111111"),
        ("proeveby-erhvervsskole", Usage.CONTENT, "22222222"),
        ("eksempelby-esdh", Usage.MESSAGE, "11111111"),
        ("eksempelby-esdh-2048", Usage.MESSAGE, "11111111"),
        ("eksempelby-esdh-p256", Usage.MESSAGE, "11111111"),
        ("leverandoer-esdh", Usage.MESSAGE, "55555555"),
        ("proeveby-sis", Usage.MESSAGE, "22222222"),
        ("gateway-message", Usage.MESSAGE, "66666666"),
        ("gateway-seal", Usage.SEAL, "66666666"),
    ],
)
def test_a_good_certificate_is_trusted_and_names_its_organisation(name: str, usage: Usage, cvr: str) -> None:
    pki = development_pki()
    trusted = verify(pki.chain(name), usage)
    assert trusted.certificate == pki.certificate(name)
    assert trusted.identity.cvr == Cvr(cvr)
    assert trusted.chain == (pki.certificate(name), pki.certificate("issuing"), pki.certificate("root"))
    assert trusted.at == pki.at


def test_the_leaf_alone_is_enough_since_the_trust_store_holds_the_issuing_authority() -> None:
    pki = development_pki()
    assert verify(pki.chain("eksempelby-kommune")[:1]) == verify(pki.chain("eksempelby-kommune"))


def test_a_root_in_the_message_is_harmless() -> None:
    pki = development_pki()
    assert verify((*pki.chain("eksempelby-kommune"), pki.certificate("root")))


def test_an_issuing_authority_in_the_message_serves_if_it_leads_to_a_root() -> None:
    pki = development_pki()
    trust = replace(pki.trust_store(), intermediates=())
    chain = pki.chain("eksempelby-kommune")
    assert verify_certificate(chain, Usage.CONTENT, trust, pki.revocations(), pki.at)
    with refused(Code.CERTIFICATE_UNTRUSTED):
        verify_certificate(chain[:1], Usage.CONTENT, trust, pki.revocations(), pki.at)


def test_only_the_verifier_makes_a_trusted_certificate() -> None:
    trusted = verify(development_pki().chain("eksempelby-kommune"))
    with pytest.raises(TypeError):
        TrustedCertificate(
            trusted.certificate, trusted.identity, trusted.chain, trusted.at, trusted.verdict, object()
        )
    with pytest.raises((TypeError, ValueError)):
        replace(trusted, at=trusted.at)  # type: ignore[call-arg]


# --- the bad ones of the development PKI ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("bad-expired", Code.CERTIFICATE_TIME),
        ("bad-not-yet-valid", Code.CERTIFICATE_TIME),
        ("bad-revoked", Code.CERTIFICATE_REVOKED),
        ("bad-wrong-policy", Code.CERTIFICATE_USAGE),
        ("bad-wrong-usage", Code.CERTIFICATE_USAGE),
        ("bad-rsa-1024", Code.SIGNATURE_ALGORITHM),
        ("bad-name-spoof", Code.CERTIFICATE_UNTRUSTED),
        ("bad-self-signed", Code.CERTIFICATE_UNTRUSTED),
        ("bad-issued-by-leaf", Code.CERTIFICATE_UNTRUSTED),
        ("localhost", Code.CERTIFICATE_USAGE),
        ("issuing", Code.CERTIFICATE_USAGE),
        ("root", Code.CERTIFICATE_USAGE),
    ],
)
@pytest.mark.parametrize("usage", Usage)
def test_a_bad_certificate_is_refused_where_a_good_one_is_not(name: str, code: Code, usage: Usage) -> None:
    pki = development_pki()
    assert verify(pki.chain("eksempelby-kommune"), usage)
    with refused(code):
        verify(pki.chain(name), usage)


def test_a_certificate_with_another_cvr_number_is_trusted_as_that_other_organisation() -> None:
    # The name in it still says Eksempelby Kommune: whoever decides must read the CVR number.
    identity = verify(development_pki().chain("bad-wrong-cvr")).identity
    assert (identity.cvr, identity.organisation) == (Cvr("77777777"), "Eksempelby Kommune")


def test_the_impostors_own_certificate_in_the_message_does_not_help() -> None:
    pki = development_pki()
    with refused(Code.CERTIFICATE_UNTRUSTED):
        verify((pki.certificate("bad-name-spoof"), pki.certificate("impostor")))
    with refused(Code.CERTIFICATE_UNTRUSTED):
        verify((pki.certificate("bad-name-spoof"), pki.certificate("issuing"), pki.certificate("root")))


def test_a_leaf_in_the_message_does_not_issue() -> None:
    pki = development_pki()
    assert pki.certificate("bad-issued-by-leaf").is_issued_by(pki.certificate("eksempelby-kommune"))
    with refused(Code.CERTIFICATE_UNTRUSTED):
        verify((pki.certificate("bad-issued-by-leaf"), *pki.chain("eksempelby-kommune")))


def test_a_message_with_no_certificate_or_too_many_is_refused() -> None:
    chain = development_pki().chain("eksempelby-kommune")
    assert verify(chain * 2)
    for wrong in ((), chain * 2 + chain[:1]):
        with refused(Code.CERTIFICATE_UNTRUSTED):
            verify(wrong)


# --- extensions --------------------------------------------------------------------------------------------------


def test_an_unknown_critical_extension_is_refused_and_an_uncritical_one_is_not() -> None:
    # RFC 5280 §4.2: "MUST reject the certificate if it encounters a critical extension it does not recognize".
    assert verify(issue_changed(extra=[(UNKNOWN, False)]))
    with refused(Code.CERTIFICATE_UNTRUSTED):
        verify(issue_changed(extra=[(UNKNOWN, True)]))


def test_a_seal_needs_non_repudiation_and_a_message_does_not() -> None:
    chain = issue_changed(instead=key_usage("digital_signature"))
    assert verify(chain, Usage.MESSAGE)
    for usage in (Usage.CONTENT, Usage.SEAL):
        with refused(Code.CERTIFICATE_USAGE):
            verify(chain, usage)


@pytest.mark.parametrize(
    "instead",
    [
        pytest.param(key_usage("content_commitment"), id="no-digital-signature"),
        pytest.param(key_usage("key_cert_sign"), id="signs-certificates-only"),
        pytest.param((x509.BasicConstraints(ca=True, path_length=None), True), id="an-authority"),
        pytest.param((x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False), id="only-tls"),
    ],
)
def test_a_certificate_for_another_use_is_refused(instead: tuple[x509.ExtensionType, bool]) -> None:
    with refused(Code.CERTIFICATE_USAGE):
        verify(issue_changed(instead=instead))


def test_an_extended_key_usage_for_anything_is_accepted() -> None:
    anything = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE])
    assert verify(issue_changed(extra=[(anything, False)]))


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (x509.KeyUsage, Code.CERTIFICATE_USAGE),
        (x509.CertificatePolicies, Code.CERTIFICATE_USAGE),
        (x509.BasicConstraints, Code.CERTIFICATE_MALFORMED),
    ],
)
def test_a_leaf_without_a_required_extension_is_refused(kind: type[x509.ExtensionType], code: Code) -> None:
    with refused(code):
        verify(issue_changed(without=kind))


@pytest.mark.parametrize("kept", ["0.4.0.2042.1.1", "1.2.208.169.1.1.1.3.7", "2.5.29.32.0"])
def test_every_required_policy_must_be_there(kept: str) -> None:
    only = x509.CertificatePolicies([x509.PolicyInformation(ObjectIdentifier(kept), None)])
    with refused(Code.CERTIFICATE_USAGE):
        verify(issue_changed(instead=(only, False)))


# --- revocation --------------------------------------------------------------------------------------------------


def test_a_revoked_issuing_authority_takes_its_leaves_with_it() -> None:
    pki = small_pki()
    assert verify(pki.chain("leaf"), pki=pki)
    revoked = renew_lists(pki, pki.at, {pki.certificate("issuing"): pki.at - SECOND})
    with refused(Code.CERTIFICATE_REVOKED):
        verify(pki.chain("leaf"), pki=revoked)


@pytest.mark.parametrize("missing", ["root", "issuing"])
def test_without_a_list_of_every_authority_nothing_is_trusted(missing: str) -> None:
    pki = development_pki()
    present = tuple(one for one in pki.revocations().lists if one.issuer != pki.certificate(missing))
    with refused(Code.REVOCATION_UNKNOWN) as refusal:
        verify_certificate(
            pki.chain("eksempelby-kommune"), Usage.CONTENT, pki.trust_store(), Revocations(present), pki.at
        )
    assert isinstance(refusal.value, UnavailableError)


def test_a_certificate_is_trusted_for_the_time_before_it_was_revoked() -> None:
    pki, name = development_pki(), "bad-revoked"
    revoked_at = pki.at - timedelta(days=10)
    then = renew_lists(pki, revoked_at + timedelta(minutes=1)).revocations()
    before = revoked_at - SECOND
    assert verify_certificate(pki.chain(name), Usage.CONTENT, pki.trust_store(), then, before)
    with refused(Code.CERTIFICATE_REVOKED):
        verify_certificate(pki.chain(name), Usage.CONTENT, pki.trust_store(), then, revoked_at)


# --- what is remembered --------------------------------------------------------------------------------------------


def test_a_remembered_verdict_does_not_outlive_the_validity() -> None:
    pki = development_pki()
    chain = pki.chain("eksempelby-kommune")
    assert verify(chain)
    end = chain[0].x509.not_valid_after_utc
    last = renew_lists(pki, end)
    assert verify(chain, pki=last, at=end)
    with refused(Code.CERTIFICATE_TIME):
        verify(chain, pki=last, at=end + SECOND)
    with refused(Code.CERTIFICATE_TIME):
        verify(chain, pki=last, at=chain[0].x509.not_valid_before_utc - SECOND)


def test_a_remembered_verdict_does_not_outlive_an_authority() -> None:
    pki = small_pki()
    end = pki.certificate("issuing").x509.not_valid_after_utc
    last = renew_lists(pki, end)
    assert verify(pki.chain("leaf"), pki=last, at=end)
    with refused(Code.CERTIFICATE_UNTRUSTED):
        verify(pki.chain("leaf"), pki=last, at=end + SECOND)


def test_a_remembered_verdict_does_not_outlive_a_revocation() -> None:
    pki = development_pki()
    chain = pki.chain("eksempelby-kommune")
    assert verify(chain)
    with refused(Code.CERTIFICATE_REVOKED):
        verify(chain, pki=renew_lists(pki, pki.at, {chain[0]: pki.at}))


def test_a_remembered_verdict_is_only_for_its_use_and_its_trust_store() -> None:
    pki, other = development_pki(), small_pki()
    chain = issue_changed(instead=key_usage("digital_signature"))
    assert verify(chain, Usage.MESSAGE)
    with refused(Code.CERTIFICATE_USAGE):
        verify(chain, Usage.CONTENT)
    with refused(Code.CERTIFICATE_UNTRUSTED):
        verify_certificate(chain, Usage.MESSAGE, other.trust_store(), pki.revocations(), pki.at)
    stricter = replace(pki.trust_store(), policies=frozenset({"1.2.3"}))
    with refused(Code.CERTIFICATE_USAGE):
        verify_certificate(chain, Usage.MESSAGE, stricter, pki.revocations(), pki.at)

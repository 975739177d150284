"""Revocation lists: believed only if whole, signed by their authority, and near the time that is asked about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

from gateway.crypto import development_issuing as issuing
from gateway.crypto.certificate import Certificate
from gateway.crypto.development_declaration import AuthorityWish
from gateway.crypto.development_pki import issue_certificate, issue_list
from gateway.crypto.revocation import MOST_AGE, READ_GRACE, SKEW, RevocationList, Revocations, Status
from gateway.domain.catalogue import Code
from gateway.domain.errors import BropostError, TrustError, UnavailableError
from tests.pki import development_pki

SECOND = timedelta(seconds=1)
NAME = "eksempelby-kommune"


def _untrusted() -> pytest.RaisesExc[BropostError]:
    return pytest.RaisesExc(TrustError, check=lambda error: error.code is Code.REVOCATION_LIST_UNTRUSTED)


def _unknown() -> pytest.RaisesExc[BropostError]:
    return pytest.RaisesExc(UnavailableError, check=lambda error: error.code is Code.REVOCATION_UNKNOWN)


def _issuing() -> Certificate:
    return development_pki().certificate("issuing")


def _leaf() -> Certificate:
    return development_pki().certificate(NAME)


def _list(at: datetime, revoked_at: datetime | None = None) -> bytes:
    """The issuing authority's list of this time, with the leaf revoked or not."""
    pki = development_pki()
    return issue_list(pki, "issuing", at, {_leaf(): revoked_at} if revoked_at else {})


def _revocations(*lists: bytes) -> Revocations:
    return Revocations.build(lists, [_issuing()])


def _status(revocations: Revocations, at: datetime) -> Status:
    return revocations.status(_leaf(), _issuing(), at)


# --- what a list says --------------------------------------------------------------------------------------------


def test_a_certificate_is_good_until_the_second_it_is_revoked() -> None:
    at = development_pki().at
    revocations = _revocations(_list(at, revoked_at=at))
    assert _status(revocations, at - SECOND) is Status.GOOD
    assert _status(revocations, at) is Status.REVOKED
    assert _status(revocations, at + SECOND) is Status.REVOKED


def test_only_the_certificate_on_the_list_is_revoked() -> None:
    pki = development_pki()
    revocations = _revocations(_list(pki.at, revoked_at=pki.at))
    assert revocations.status(pki.certificate("proeveby-sis"), _issuing(), pki.at) is Status.GOOD


def test_a_list_does_not_speak_about_another_authoritys_certificate() -> None:
    pki = development_pki()
    with _unknown():
        pki.revocations().status(_leaf(), pki.certificate("root"), pki.at)
    with _unknown():
        pki.revocations().status(pki.certificate("bad-name-spoof"), pki.certificate("impostor"), pki.at)


# --- how long it may be used ---------------------------------------------------------------------------------------


def test_a_list_is_used_for_24_hours() -> None:
    at = development_pki().at
    revocations = _revocations(_list(at))
    day = timedelta(hours=24)
    assert _status(revocations, at + day) is Status.GOOD
    with _unknown():
        _status(revocations, at + day + SECOND)


def test_a_list_is_not_used_past_its_own_end() -> None:
    pki = development_pki()
    short = issuing.sign_list(pki.holders["issuing"].issuer(), pki.at, pki.at + timedelta(hours=2), {})
    assert _status(_revocations(short), pki.at + timedelta(hours=2)) is Status.GOOD
    with _unknown():
        _status(_revocations(short), pki.at + timedelta(hours=2) + SECOND)


def test_a_list_of_the_future_is_not_used_beyond_the_skew_of_clocks() -> None:
    at = development_pki().at
    revocations = _revocations(_list(at))
    assert _status(revocations, at - SKEW) is Status.GOOD
    with _unknown():
        _status(revocations, at - SKEW - SECOND)


def test_without_a_list_nothing_is_known() -> None:
    with _unknown():
        _status(Revocations(), development_pki().at)


def test_the_newest_list_decides() -> None:
    at = development_pki().at
    good, revoked = _list(at), _list(at + timedelta(hours=1), revoked_at=at - SECOND)
    for lists in ((good, revoked), (revoked, good)):
        revocations = _revocations(*lists)
        assert _status(revocations, at) is Status.GOOD
        assert _status(revocations, at + timedelta(hours=1)) is Status.REVOKED


def test_an_old_list_serves_for_reading_only() -> None:
    at = development_pki().at
    revocations = _revocations(_list(at))
    week = at + MOST_AGE + READ_GRACE
    with _unknown():
        _status(revocations, week)
    assert _status(revocations.for_reading(), week) is Status.GOOD
    with _unknown():
        _status(revocations.for_reading(), week + SECOND)


def test_looking_back_a_later_list_tells_who_was_revoked_by_then() -> None:
    at = development_pki().at
    later = _revocations(_list(at + timedelta(days=90), revoked_at=at + timedelta(days=30)))
    with _unknown():
        _status(later, at)
    assert _status(later.for_looking_back(), at) is Status.GOOD
    assert _status(later.for_looking_back(), at + timedelta(days=31)) is Status.REVOKED
    with _unknown():
        _status(later.for_looking_back(), at + timedelta(days=92))


def test_looking_back_a_list_from_after_the_certificates_end_tells_nothing() -> None:
    """RFC 5280 §3.3: by then its entry may have been taken off."""
    at = development_pki().at
    after_end = _leaf().x509.not_valid_after_utc + SECOND
    with _unknown():
        _status(_revocations(_list(after_end)).for_looking_back(), at)


def test_lists_that_can_no_longer_answer_are_let_go() -> None:
    at = development_pki().at
    old, fresh = _list(at - timedelta(days=8)), _list(at)
    assert [one.der for one in _revocations(old, fresh).without_older_than(at).lists] == [fresh]


def test_the_same_list_is_held_once() -> None:
    der = _list(development_pki().at)
    assert len(_revocations(der, der).lists) == 1


# --- judging a kept document ---------------------------------------------------------------------------------------


def test_the_kept_list_answers_years_later_for_the_time_of_the_document() -> None:
    pki = development_pki()
    then = pki.at - timedelta(days=700)
    made = _list(then)
    kept = _revocations(made).evidence(_issuing(), then)
    assert kept == made
    later = _revocations(kept, _list(pki.at, revoked_at=pki.at - timedelta(days=1)))
    assert _status(later, then) is Status.GOOD
    assert _status(later, pki.at) is Status.REVOKED
    with _unknown():
        _status(later, pki.at - timedelta(days=300))


def test_there_is_no_evidence_where_nothing_is_known() -> None:
    pki = development_pki()
    assert pki.revocations().evidence(_issuing(), pki.at) == pki.lists["issuing"]
    with _unknown():
        pki.revocations().evidence(_issuing(), pki.at + timedelta(days=2))


# --- which lists are believed --------------------------------------------------------------------------------------


def test_a_list_forged_under_the_authoritys_name_is_refused() -> None:
    pki = development_pki()
    forged = pki.lists["impostor"]
    assert pki.certificate("impostor").subject_der == _issuing().subject_der
    assert RevocationList.from_der(forged, pki.certificate("impostor"))
    with _untrusted():
        RevocationList.from_der(forged, _issuing())
    with _untrusted():
        _revocations(forged)


def test_a_list_is_judged_by_the_key_that_signed_it_where_two_authorities_have_one_name() -> None:
    pki = development_pki()
    both = [pki.certificate("impostor"), _issuing()]
    for name in ("issuing", "impostor"):
        (found,) = RevocationList.all_from_der(pki.lists[name], both)
        assert found.issuer == pki.certificate(name)
        (kept,) = Revocations.build([pki.lists[name]], both).lists
        assert kept == found


def test_a_list_is_older_than_another_by_its_time_or_by_its_number() -> None:
    at = development_pki().at
    first, second = (RevocationList.from_der(_list(each), _issuing()) for each in (at, at + SECOND))
    assert (first.is_older_than(second), second.is_older_than(first), first.is_older_than(first)) == (
        True,
        False,
        False,
    )
    assert replace(second, number=1).is_older_than(first)
    assert not replace(second, number=None).is_older_than(first)
    assert replace(first, number=None).is_older_than(second)
    assert first.is_older_than(replace(second, number=None))


def test_a_list_of_an_unknown_authority_is_refused() -> None:
    pki = development_pki()
    with _untrusted():
        Revocations.build([pki.lists["root"]], [_issuing()])
    with _untrusted():
        RevocationList.from_der(pki.lists["root"], _issuing())


def test_a_list_under_another_name_is_refused_though_the_key_is_the_authoritys() -> None:
    pki = development_pki()
    renamed = replace(pki.holders["issuing"].issuer(), name=pki.certificate("root").x509.subject)
    der = issuing.sign_list(renamed, pki.at, pki.at + timedelta(hours=48), {})
    with _untrusted():
        RevocationList.from_der(der, _issuing())


def test_an_altered_list_is_refused() -> None:
    pki = development_pki()
    der = bytearray(pki.lists["issuing"])
    serial_number = pki.certificate("bad-revoked").x509.serial_number.to_bytes(20, "big")
    der[der.index(serial_number) + 19] ^= 1
    with _untrusted():
        RevocationList.from_der(bytes(der), _issuing())


@pytest.mark.parametrize("wrong", [b"", b"\x30\x00", b"<html>"])
def test_what_is_no_list_is_refused(wrong: bytes) -> None:
    with _untrusted():
        _revocations(wrong)


def test_octets_after_a_list_are_refused() -> None:
    with _untrusted():
        _revocations(development_pki().lists["issuing"] + b"\x00")


PSS = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
SHA256 = hashes.SHA256()


def _signed(
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
    entry_extension: tuple[x509.ExtensionType, bool] | None = None,
    scheme: padding.PSS | padding.PKCS1v15 = PSS,
    digest: hashes.SHA256 | hashes.SHA3_256 = SHA256,
) -> bytes:
    pki = development_pki()
    issuer = pki.holders["issuing"].issuer()
    builder = x509.CertificateRevocationListBuilder(issuer.name, pki.at, pki.at + timedelta(hours=48))
    for value, critical in extensions:
        builder = builder.add_extension(value, critical)
    if entry_extension:
        entry = x509.RevokedCertificateBuilder(7, pki.at).add_extension(*entry_extension)
        builder = builder.add_revoked_certificate(entry.build())
    signed = builder.sign(issuer.key, digest, rsa_padding=scheme)
    return signed.public_bytes(serialization.Encoding.DER)


UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00")


@pytest.mark.parametrize("scheme", [PSS, padding.PKCS1v15()])
def test_a_list_signed_by_pss_or_pkcs1_is_believed(scheme: padding.PSS | padding.PKCS1v15) -> None:
    assert _revocations(_signed(scheme=scheme))


def test_a_list_signed_with_another_digest_is_refused() -> None:
    assert _revocations(_signed(scheme=padding.PKCS1v15(), digest=SHA256))
    with _untrusted():
        _revocations(_signed(scheme=padding.PKCS1v15(), digest=hashes.SHA3_256()))


@pytest.mark.parametrize(
    "extension",
    [
        pytest.param((UNKNOWN, True), id="unknown-critical"),
        pytest.param((x509.DeltaCRLIndicator(1), True), id="delta"),
        pytest.param(
            (x509.IssuingDistributionPoint(None, None, True, False, None, False, False), True),
            id="for-users-only",
        ),
    ],
)
def test_a_list_that_is_not_plain_and_complete_is_refused(
    extension: tuple[x509.ExtensionType, bool],
) -> None:
    # RFC 5280 §5.2: "MUST NOT use that CRL to determine the status of certificates" with an unknown critical one.
    assert _revocations(_signed([(x509.CRLNumber(1), False), (UNKNOWN, False)]))
    with _untrusted():
        _revocations(_signed([extension]))


@pytest.mark.parametrize(
    "extension",
    [
        pytest.param((UNKNOWN, True), id="unknown-critical"),
        pytest.param((x509.CRLReason(x509.ReasonFlags.remove_from_crl), False), id="remove-from-crl"),
        pytest.param(
            (x509.CertificateIssuer([x509.DirectoryName(x509.Name([]))]), True), id="another-issuer"
        ),
    ],
)
def test_a_list_with_an_entry_that_is_no_plain_revocation_is_refused(
    extension: tuple[x509.ExtensionType, bool],
) -> None:
    assert _revocations(_signed(entry_extension=(x509.CRLReason(x509.ReasonFlags.superseded), False)))
    with _untrusted():
        _revocations(_signed(entry_extension=extension))


def test_an_authority_that_may_not_sign_lists_is_not_believed() -> None:
    # RFC 5280 §6.3.3 (f): "verify that the cRLSign bit is set".
    pki = development_pki()
    usual = issuing.authority_extensions(pki.declaration.authorities[0])
    subject = issuing.authority_name(pki.declaration, pki.declaration.authorities[0])
    leaf_usage = issuing.organisation_extensions(pki.declaration.certificates[0])[1]
    for usage, good in ((usual[1], True), (leaf_usage, False)):
        name = f"usage-{good}"
        wish = _self_signed(name)
        made = issue_certificate(pki, wish, subject, [usual[0], usage])
        der = issuing.sign_list(made.holders[name].issuer(), pki.at, pki.at + timedelta(hours=1), {})
        if good:
            assert RevocationList.from_der(der, made.certificate(name))
        else:
            with _untrusted():
                RevocationList.from_der(der, made.certificate(name))


def _self_signed(name: str) -> AuthorityWish:
    return AuthorityWish(name=name, issuer=name, key="p-256", common_name="rod")

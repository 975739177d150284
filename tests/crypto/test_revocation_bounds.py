"""Revocation lists at their bounds: the second they begin to serve and cease to, and each way to be no plain list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, x25519

from gateway.crypto.certificate import Certificate
from gateway.crypto.development_pki import issue_list
from gateway.crypto.revocation import RevocationList, Revocations, Status
from gateway.domain.catalogue import Code
from tests.crypto.changed import SECOND, key_usage, refused
from tests.pki import development_pki

PKI = development_pki()
AT = PKI.at
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LEAF, ISSUING, ROOT = (
    PKI.certificate("eksempelby-kommune"),
    PKI.certificate("issuing"),
    PKI.certificate("root"),
)


def made_at(at: datetime, revoked_at: datetime | None = None, authority: str = "issuing") -> bytes:
    """The list of an authority with the leaf on it, or not."""
    return issue_list(PKI, authority, at, {LEAF: revoked_at} if revoked_at else {})


def held(*lists: bytes) -> Revocations:
    return Revocations.build(lists, [ISSUING, ROOT])


# --- when ---------------------------------------------------------------------------------------------------------


def test_an_issuers_clock_may_be_five_minutes_ahead() -> None:
    lists = held(made_at(AT))
    assert lists.status(LEAF, ISSUING, AT - timedelta(minutes=5)) is Status.GOOD
    with refused(Code.REVOCATION_UNKNOWN):
        lists.status(LEAF, ISSUING, AT - timedelta(minutes=5) - SECOND)


def test_a_list_is_held_for_as_long_as_it_serves_for_reading() -> None:
    ages = (timedelta(0), 2 * DAY, 7 * DAY, 7 * DAY + SECOND)
    lists = held(*(made_at(AT - age) for age in ages))
    assert [AT - one.this_update for one in lists.without_older_than(AT).lists] == list(ages[:3])


def test_looking_back_the_first_list_made_after_the_time_decides() -> None:
    # A certificate may be taken off again, or be put on once more; what counts is what was found out first.
    lists = held(made_at(AT), made_at(AT + HOUR, revoked_at=AT), made_at(AT + DAY)).for_looking_back()
    assert lists.status(LEAF, ISSUING, AT) is Status.REVOKED
    assert lists.status(LEAF, ISSUING, AT - SECOND) is Status.GOOD
    assert lists.status(LEAF, ISSUING, AT + HOUR) is Status.GOOD


def test_looking_back_the_list_of_another_authority_says_nothing() -> None:
    lists = held(made_at(AT + HOUR, authority="root"), made_at(AT + DAY, revoked_at=AT)).for_looking_back()
    assert lists.status(LEAF, ISSUING, AT) is Status.REVOKED


def test_a_list_carries_its_number() -> None:
    (one,) = held(made_at(AT)).lists
    assert one.number == int(AT.timestamp())
    (unnumbered,) = held(signed([])).lists
    assert unnumbered.number is None


@pytest.mark.parametrize(
    ("one", "other", "is_older"),
    [(1, 2, True), (2, 2, False), (3, 2, False), (None, 2, False), (1, None, False), (None, None, False)],
)
def test_of_two_lists_of_one_time_the_number_tells_which_is_older(
    one: int | None, other: int | None, is_older: bool
) -> None:
    (found,) = held(made_at(AT)).lists
    assert replace(found, number=one).is_older_than(replace(found, number=other)) is is_older


# --- from whom ----------------------------------------------------------------------------------------------------


def test_a_list_that_no_known_authority_made_says_so() -> None:
    with refused(Code.REVOCATION_LIST_UNTRUSTED) as refusal:
        Revocations.build([PKI.lists["root"]], [ISSUING])
    assert refusal.value.facts["what"] == "an unknown issuer"


def test_an_authority_whose_certificate_names_no_use_is_not_believed() -> None:
    # RFC 5280 §6.3.3 (f)
    key = ec.generate_private_key(ec.SECP256R1())
    name = ISSUING.x509.subject
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, AT, AT + DAY)
    authority = Certificate.from_der(
        builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
    )
    made = x509.CertificateRevocationListBuilder(name, AT, AT + DAY).sign(key, hashes.SHA256())
    with refused(Code.REVOCATION_LIST_UNTRUSTED) as refusal:
        RevocationList.from_der(made.public_bytes(serialization.Encoding.DER), authority)
    assert refusal.value.facts["what"] == "an issuer that may not sign lists"


def test_an_authority_whose_key_signs_nothing_is_not_believed() -> None:
    # A key for key agreement: nobody can have signed a list with it.
    key = ec.generate_private_key(ec.SECP256R1())
    name = ISSUING.x509.subject
    builder = x509.CertificateBuilder(
        name, name, x25519.X25519PrivateKey.generate().public_key(), 1, AT, AT + DAY
    )
    builder = builder.add_extension(*key_usage("crl_sign"))
    authority = Certificate.from_der(
        builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
    )
    made = x509.CertificateRevocationListBuilder(name, AT, AT + DAY).sign(key, hashes.SHA256())
    with refused(Code.REVOCATION_LIST_UNTRUSTED) as refusal:
        RevocationList.from_der(made.public_bytes(serialization.Encoding.DER), authority)
    assert refusal.value.facts["what"] == "signature"


# --- what it is ---------------------------------------------------------------------------------------------------


def signed(
    extensions: Sequence[x509.ExtensionType], entry_extension: x509.ExtensionType | None = None
) -> bytes:
    """A list with these extensions, none of them critical."""
    issuer = PKI.holders["issuing"].issuer()
    builder = x509.CertificateRevocationListBuilder(issuer.name, AT, AT + 2 * DAY)
    for value in extensions:
        builder = builder.add_extension(value, critical=False)
    if entry_extension:
        entry = x509.RevokedCertificateBuilder(7, AT).add_extension(entry_extension, critical=False)
        builder = builder.add_revoked_certificate(entry.build())
    made = builder.sign(issuer.key, hashes.SHA256(), rsa_padding=padding.PKCS1v15())
    return made.public_bytes(serialization.Encoding.DER)


@pytest.mark.parametrize(
    "extension",
    [
        pytest.param(x509.DeltaCRLIndicator(1), id="delta"),
        pytest.param(
            x509.IssuingDistributionPoint(None, None, True, False, None, False, False), id="for-users-only"
        ),
    ],
)
def test_a_partial_list_is_refused_though_its_mark_is_not_critical(extension: x509.ExtensionType) -> None:
    # RFC 5280 §5.2.4 and §5.2.5 want these critical; not everybody obeys.
    assert held(signed([]))
    with refused(Code.REVOCATION_LIST_UNTRUSTED):
        held(signed([extension]))


@pytest.mark.parametrize(
    "extension",
    [
        pytest.param(x509.CertificateIssuer([x509.DirectoryName(x509.Name([]))]), id="another-issuer"),
        pytest.param(
            x509.UnrecognizedExtension(x509.CRLReason.oid, bytes.fromhex("0a0163")), id="an-unknown-reason"
        ),
    ],
)
def test_a_list_is_refused_for_one_entry_that_is_of_another_or_cannot_be_read(
    extension: x509.ExtensionType,
) -> None:
    assert held(signed([], x509.CRLReason(x509.ReasonFlags.superseded)))
    with refused(Code.REVOCATION_LIST_UNTRUSTED):
        held(signed([], extension))


def test_a_list_that_does_not_say_how_long_it_serves_is_refused() -> None:
    # RFC 5280 §5.1.2.5: "Conforming CRL issuers MUST include the nextUpdate field in all CRLs."
    key = PKI.holders["issuing"].issuer().key
    assert isinstance(key, rsa.RSAPrivateKey)
    usual = x509.load_der_x509_crl(signed([]))
    whole = usual.tbs_certlist_bytes
    content = whole[2 + max(0, whole[1] - 0x80) :]  # after the head of the SEQUENCE
    next_update = (AT + 2 * DAY).strftime("\x17\x0d%y%m%d%H%M%SZ").encode()
    assert content.count(next_update) == 1
    listed = sequence(content.replace(next_update, b""))
    algorithm = bytes.fromhex("300d06092a864886f70d01010b0500")  # sha256WithRSAEncryption
    value = key.sign(listed, padding.PKCS1v15(), hashes.SHA256())
    bits = b"\x03\x82" + (len(value) + 1).to_bytes(2, "big") + b"\x00" + value
    der = sequence(listed + algorithm + bits)
    assert x509.load_der_x509_crl(der).next_update_utc is None
    with refused(Code.REVOCATION_LIST_UNTRUSTED) as refusal:
        held(der)
    assert refusal.value.facts["what"] == "no nextUpdate"


def sequence(content: bytes) -> bytes:
    """The DER of a SEQUENCE."""
    size = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    head = bytes([0x30]) if len(content) < 0x80 else bytes([0x30, 0x80 + len(size)])
    return head + size + content

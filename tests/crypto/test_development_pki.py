"""The development PKI has the shape of OCES3 and can never be taken for it."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gateway.crypto.certificate import Certificate
from gateway.crypto.certificates import Usage, verify_certificate
from gateway.crypto.development_pki import (
    build_pki,
    files,
    from_files,
    read_declaration,
    renew_lists,
)
from gateway.crypto.trust import DEVELOPMENT_UNIT
from tests.pki import development_pki

AUTHORITIES = ("root", "issuing", "impostor")
PSS_OID = "1.2.840.113549.1.1.10"  # RFC 4055 §3.1


def _organisations() -> list[str]:
    return [wish.name for wish in development_pki().declaration.certificates]


def _every() -> Iterator[tuple[str, Certificate]]:
    return ((name, holder.certificate) for name, holder in development_pki().holders.items())


def _unit(name: x509.Name) -> list[str | bytes]:
    return [one.value for one in name.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)]


def _rsa_bits(name: str) -> int:
    key = development_pki().certificate(name).public_key
    assert isinstance(key, rsa.RSAPublicKey)
    return key.key_size


def test_every_authority_carries_the_unit_that_marks_it() -> None:
    for name in AUTHORITIES:
        assert _unit(development_pki().certificate(name).x509.subject) == [DEVELOPMENT_UNIT]


def test_the_sizes_of_the_keys_are_those_of_oces3() -> None:
    assert (_rsa_bits("root"), _rsa_bits("issuing"), _rsa_bits("eksempelby-kommune")) == (4096, 3072, 3072)
    assert (_rsa_bits("eksempelby-esdh-2048"), _rsa_bits("bad-rsa-1024")) == (2048, 1024)
    key = development_pki().certificate("eksempelby-esdh-p256").public_key
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert isinstance(key.curve, ec.SECP256R1)


def test_every_certificate_is_signed_by_pss_with_a_salt_as_long_as_its_digest() -> None:
    for _, certificate in _every():
        assert certificate.x509.signature_algorithm_oid.dotted_string == PSS_OID
        assert isinstance(certificate.x509.signature_hash_algorithm, hashes.SHA256)
        parameters = certificate.x509.signature_algorithm_parameters
        assert isinstance(parameters, padding.PSS)
        assert parameters._salt_length == 32


def test_every_serial_number_has_20_octets_and_no_two_are_the_same() -> None:
    numbers = [certificate.x509.serial_number for _, certificate in _every()]
    assert {(number.bit_length() + 8) // 8 for number in numbers} == {20}
    assert len(set(numbers)) == len(numbers)


def test_no_two_names_share_a_key() -> None:
    keys = {holder.key_pem for holder in development_pki().holders.values()}
    assert len(keys) == len(development_pki().holders)


def test_the_chain_is_root_issuing_authority_leaf() -> None:
    pki = development_pki()
    root, issuing, leaf = (pki.certificate(name) for name in ("root", "issuing", "eksempelby-kommune"))
    assert root.is_issued_by(root)
    assert issuing.is_issued_by(root)
    assert leaf.is_issued_by(issuing)
    for authority, length in ((root, None), (issuing, 0)):
        constraints = authority.extension(x509.BasicConstraints)
        assert constraints is not None
        assert (constraints.ca, constraints.path_length) == (True, length)


def test_an_organisation_certificate_carries_the_extensions_of_oces3_and_no_others() -> None:
    found = {
        (one.oid.dotted_string, one.critical)
        for one in development_pki().certificate("eksempelby-kommune").x509.extensions
    }
    assert found == {
        ("2.5.29.14", False),  # subjectKeyIdentifier
        ("2.5.29.35", False),  # authorityKeyIdentifier
        ("2.5.29.19", True),  # basicConstraints
        ("2.5.29.15", True),  # keyUsage
        ("2.5.29.32", False),  # certificatePolicies
        ("1.3.6.1.5.5.7.1.3", False),  # qcStatements
        ("1.3.6.1.5.5.7.1.1", False),  # authorityInfoAccess
        ("2.5.29.31", False),  # cRLDistributionPoints
    }


def test_the_statements_say_legal_person_named_by_the_danish_authority() -> None:
    statements = development_pki().certificate("eksempelby-kommune").x509.extensions
    value = statements.get_extension_for_oid(x509.ObjectIdentifier("1.3.6.1.5.5.7.1.3")).value
    assert isinstance(value, x509.UnrecognizedExtension)
    assert bytes.fromhex("0607 0400 8bec 4901 02") in value.value  # 0.4.0.194121.1.2
    assert value.value.endswith(b"https://uid.gov.dk")


def test_every_address_in_a_certificate_is_on_this_machine() -> None:
    for _, certificate in _every():
        points = certificate.extension(x509.CRLDistributionPoints) or ()
        access = certificate.extension(x509.AuthorityInformationAccess) or ()
        addresses = [name.value for point in points for name in point.full_name or ()]
        addresses += [one.access_location.value for one in access]
        assert all(str(one).startswith("http://127.0.0.1:") for one in addresses)
        assert addresses or certificate.subject_der == certificate.issuer_der


def test_every_cvr_number_fails_the_check_of_the_register_and_so_names_nobody() -> None:
    weights = (2, 7, 6, 5, 4, 3, 2, 1)
    for wish in development_pki().declaration.certificates:
        digits = [int(digit) for digit in wish.cvr]
        assert len(digits) == 8
        assert sum(weight * digit for weight, digit in zip(weights, digits, strict=True)) % 11 != 0


def test_each_bad_certificate_has_the_subject_of_the_good_one_or_its_one_difference() -> None:
    pki = development_pki()
    good = pki.certificate("eksempelby-kommune").x509.subject
    bad = {name for name in _organisations() if name.startswith("bad-")}
    assert {name for name in bad if pki.certificate(name).x509.subject != good} == {"bad-wrong-cvr"}
    assert len(bad) == 10


def test_the_tls_certificate_serves_localhost(tmp_path: Path) -> None:
    pki = development_pki()
    for name, octets in files(pki).items():
        (tmp_path / name).write_bytes(octets)
    usage = pki.certificate("localhost").extension(x509.ExtendedKeyUsage)
    assert usage is not None
    assert list(usage) == [ExtendedKeyUsageOID.SERVER_AUTH]
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(tmp_path / "localhost.chain.pem", tmp_path / "localhost.key.pem")
    client_side = ssl.create_default_context(cafile=str(tmp_path / "root.chain.pem"))
    for host in ("localhost", "127.0.0.1"):
        assert _handshake(client_side, server_side, host)
    with pytest.raises(ssl.SSLCertVerificationError):
        _handshake(client_side, server_side, "bropost.example")


def _handshake(client_side: ssl.SSLContext, server_side: ssl.SSLContext, host: str) -> bool:
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_side.wrap_bio(to_client, to_server, server_hostname=host)
    server = server_side.wrap_bio(to_server, to_client, server_side=True)
    finished: set[ssl.SSLObject] = set()
    for _ in range(10):
        for one in (client, server):
            try:
                one.do_handshake()
                finished.add(one)
            except ssl.SSLWantReadError:
                continue
    return finished == {client, server}


def test_the_files_give_the_same_pki_again() -> None:
    pki = development_pki()
    again = from_files(pki.declaration, files(pki))
    assert again == pki
    assert again.checkpoint_key().public_key_octets == pki.checkpoint_key().public_key_octets


def test_each_holder_has_its_two_files_and_each_authority_its_certificate_and_list() -> None:
    pki = development_pki()
    found = files(pki)
    expected = {f"{name}.{kind}" for name in pki.holders for kind in ("key.pem", "chain.pem")}
    expected |= {f"{name}.{kind}" for name in AUTHORITIES for kind in ("cer", "crl")}
    assert set(found) == expected | {"checkpoint.key.pem"}
    assert Certificate.from_der(found["root.cer"]) == pki.certificate("root")


def test_a_pki_shows_no_key() -> None:
    pki = development_pki()
    assert "PRIVATE" not in repr(pki) + repr(pki.holders["root"])


def test_lists_made_anew_keep_what_was_revoked() -> None:
    pki = development_pki()
    later = renew_lists(pki, pki.at + timedelta(days=30))
    before, after = (next(iter(one.revocations().lists[1:])) for one in (pki, later))
    assert after.this_update - before.this_update == timedelta(days=30)
    assert after.revoked == before.revoked
    assert list(before.revoked) == [pki.certificate("bad-revoked").x509.serial_number]


SMALL = """
country = "DK"
authority_organisation = "Den Danske Stat"
unit = "Test - Bropost"
address = "http://127.0.0.1:8390/small"
policies = ["0.4.0.2042.1.1"]
list_hours = 48
trusted_roots = ["root"]
trusted_intermediates = ["issuing"]
checkpoints = ["checkpoint"]
[authorities]
root = { common_name = "rod", key = "p-256" }
issuing = { common_name = "udstedende", key = "p-256", issuer = "root" }
[certificates.leaf]
organisation = "Eksempelby Kommune"
cvr = "11111111"
common_name = "Eksempelby ESDH"
key = "p-256"
[servers]
"""


def test_a_pki_without_the_unit_that_marks_it_is_not_made() -> None:
    assert read_declaration(SMALL)
    for other in ('unit = "Test"', 'unit = "test - bropost"', ""):
        with pytest.raises(ValueError, match="unit"):
            read_declaration(SMALL.replace('unit = "Test - Bropost"', other))


def test_each_making_gives_fresh_keys() -> None:
    declaration, at = read_declaration(SMALL), development_pki().at
    first, second = build_pki(declaration, at), build_pki(declaration, at)
    assert first.roots != second.roots
    assert not set(files(first).values()) & set(files(second).values())
    assert first.certificate("leaf").x509.subject == second.certificate("leaf").x509.subject


def test_the_root_of_one_making_does_not_vouch_for_another() -> None:
    declaration, at = read_declaration(SMALL), development_pki().at
    first, second = build_pki(declaration, at), build_pki(declaration, at)
    assert verify_certificate(
        first.chain("leaf"), Usage.MESSAGE, first.trust_store(), first.revocations(), at
    )
    with pytest.raises(Exception, match="CERTIFICATE_UNTRUSTED"):
        verify_certificate(second.chain("leaf"), Usage.MESSAGE, first.trust_store(), second.revocations(), at)


def test_a_declaration_with_an_unknown_or_missing_key_is_refused() -> None:
    assert read_declaration(SMALL)
    for old, new in (
        ('cvr = "11111111"', 'cvr = "11111111"\ncolour = "red"'),
        ('cvr = "11111111"\n', ""),
        ("list_hours = 48\n", ""),
        ('trusted_intermediates = ["issuing"]', "trusted_intermediates = []"),
        ("[servers]", ""),
        ("[servers]", "["),
    ):
        with pytest.raises(ValueError):  # noqa: PT011 the words differ
            read_declaration(SMALL.replace(old, new))

"""The key store gives each party its own keys, and refuses what others could read."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.crypto.keys import DataKey
from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError, InternalError
from gateway.storage.key_store import KeyStore
from tests.storage.samples import MUNICIPALITY, SCHOOL

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def _seal_pem() -> tuple[bytes, bytes]:
    """A fresh key and a certificate for it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Prøveby Erhvervsskole")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    return (
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
        certificate.public_bytes(pem),
    )


def test_a_partys_key_opens_what_it_wrapped_also_after_a_restart(tmp_path: Path) -> None:
    store = KeyStore(tmp_path / "keys")
    store.create(SCHOOL)
    data_key = DataKey()
    sealed = data_key.encrypt(b"content", b"name")
    wrapped = store.key_encryption_key(SCHOOL).wrap(data_key, b"document")
    again = KeyStore(tmp_path / "keys")
    again.create(SCHOOL)  # keeps the keys that are there
    assert (
        again.key_encryption_key(SCHOOL).unwrap(wrapped, b"document").decrypt(sealed, b"name") == b"content"
    )


def test_another_partys_keys_are_other_keys(tmp_path: Path) -> None:
    store = KeyStore(tmp_path / "keys")
    store.create(SCHOOL)
    store.create(MUNICIPALITY)
    wrapped = store.key_encryption_key(SCHOOL).wrap(DataKey(), b"document")
    with pytest.raises(InternalError):
        store.key_encryption_key(MUNICIPALITY).unwrap(wrapped, b"document")


def test_a_missing_key_is_told_by_party_and_name(tmp_path: Path) -> None:
    store = KeyStore(tmp_path / "keys")
    with pytest.raises(InternalError) as missing:
        store.key_encryption_key(SCHOOL)
    assert missing.value.code is Code.KEY_MISSING
    assert missing.value.facts == {"party": "22222222-999001", "key": "kek"}


def test_keys_are_readable_to_their_owner_only(tmp_path: Path) -> None:
    store = KeyStore(tmp_path / "keys")
    store.create(SCHOOL)
    store.add_seal_key(SCHOOL, *_seal_pem())
    files = list((tmp_path / "keys").iterdir())
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert len(files) == 2
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("name", ["22222222-999001.kek", "22222222-999001.seal.pem"])
def test_a_key_that_others_may_read_is_refused(tmp_path: Path, name: str) -> None:
    store = KeyStore(tmp_path / "keys")
    store.create(SCHOOL)
    store.add_seal_key(SCHOOL, *_seal_pem())
    (tmp_path / "keys" / name).chmod(0o640)
    with pytest.raises(InputError) as refused:
        store.key_encryption_key(SCHOOL) if name.endswith("kek") else store.seal_key(SCHOOL, AT)
    assert refused.value.code is Code.SETTINGS_INVALID


def test_a_folder_that_others_may_enter_is_refused(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir(mode=0o755)
    with pytest.raises(InputError) as refused:
        KeyStore(tmp_path / "keys")
    assert refused.value.code is Code.SETTINGS_INVALID


def test_a_seal_key_is_given_until_another_replaces_it(tmp_path: Path) -> None:
    store, other_process = KeyStore(tmp_path / "keys"), KeyStore(tmp_path / "keys")
    assert store.seal_key(SCHOOL, AT) is None
    first = store.add_seal_key(SCHOOL, *_seal_pem())
    read = other_process.seal_key(SCHOOL, AT)
    assert read is not None
    assert read.chain == first.chain
    assert other_process.seal_key(SCHOOL, AT) is read
    second = store.add_seal_key(SCHOOL, *_seal_pem())
    replaced = other_process.seal_key(SCHOOL, AT)
    assert replaced is not None
    assert replaced.chain == second.chain != first.chain
    assert store.seal_key(MUNICIPALITY, AT) is None


def test_the_next_seal_key_takes_over_at_its_time(tmp_path: Path) -> None:
    store, other_process = KeyStore(tmp_path / "keys"), KeyStore(tmp_path / "keys")
    first = store.add_seal_key(SCHOOL, *_seal_pem())
    second = store.add_next_seal_key(SCHOOL, *_seal_pem(), AT, AT - timedelta(days=30))
    for each in (store, other_process):
        assert _chains(each, AT - SECOND, AT, AT + timedelta(days=900)) == [
            first.chain,
            second.chain,
            second.chain,
        ]
        following = each.next_seal_key(SCHOOL, AT - SECOND)
        assert following is not None
        assert (following[0].chain, following[1]) == (second.chain, AT)
        assert each.next_seal_key(SCHOOL, AT) is None
    third = store.add_next_seal_key(SCHOOL, *_seal_pem(), AT + timedelta(days=60), AT + SECOND)
    assert _chains(other_process, AT + SECOND, AT + timedelta(days=60)) == [second.chain, third.chain]
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "keys").iterdir()} == {0o600}


def test_a_next_seal_key_that_has_not_taken_over_can_be_replaced(tmp_path: Path) -> None:
    store = KeyStore(tmp_path / "keys")
    first = store.add_seal_key(SCHOOL, *_seal_pem())
    store.add_next_seal_key(SCHOOL, *_seal_pem(), AT, AT - SECOND)
    second = store.add_next_seal_key(SCHOOL, *_seal_pem(), AT + SECOND, AT - SECOND)
    assert _chains(store, AT, AT + SECOND) == [first.chain, second.chain]
    third = store.add_seal_key(SCHOOL, *_seal_pem())  # at once, whatever was to take over
    assert _chains(store, AT - SECOND, AT + timedelta(days=1)) == [third.chain] * 2


@pytest.mark.parametrize("line", [b"", b"takes over: \n", b"takes over: 2026-01-01T00:00:00\n"])
def test_a_next_seal_key_without_its_time_is_an_error_of_ours(tmp_path: Path, line: bytes) -> None:
    store = KeyStore(tmp_path / "keys")
    store.add_seal_key(SCHOOL, *_seal_pem())
    store.add_next_seal_key(SCHOOL, *_seal_pem(), AT, AT)
    file = tmp_path / "keys" / "22222222-999001.seal-next.pem"
    file.write_bytes(line + file.read_bytes().partition(b"\n")[2])
    with pytest.raises(InternalError) as altered:
        store.seal_key(SCHOOL, AT)
    assert altered.value.code is Code.STORED_DATA_ALTERED


def _chains(store: KeyStore, *times: datetime) -> list[object]:
    found = [store.seal_key(SCHOOL, at) for at in times]
    return [each.chain if each else None for each in found]


def test_a_seal_key_without_its_certificate_is_not_kept(tmp_path: Path) -> None:
    store = KeyStore(tmp_path / "keys")
    (key, _), (_, chain) = _seal_pem(), _seal_pem()
    with pytest.raises(InputError):
        store.add_seal_key(SCHOOL, key, chain)
    assert store.seal_key(SCHOOL, AT) is None


def test_creators_at_the_same_time_agree_on_one_key(tmp_path: Path) -> None:
    data_key = DataKey()
    sealed = data_key.encrypt(b"content", b"name")
    for attempt in range(10):
        folder = tmp_path / str(attempt)
        start = threading.Barrier(4)
        wrapped: list[bytes] = []

        def create(store: KeyStore, start: threading.Barrier = start, wrapped: list[bytes] = wrapped) -> None:
            start.wait()
            store.create(SCHOOL)
            wrapped.append(store.key_encryption_key(SCHOOL).wrap(data_key, b"document"))

        threads = [threading.Thread(target=create, args=(KeyStore(folder),)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        kept = KeyStore(folder).key_encryption_key(SCHOOL)
        opened = [kept.unwrap(each, b"document").decrypt(sealed, b"name") for each in wrapped]
        assert opened == [b"content"] * 4
        assert len(list(folder.iterdir())) == 1

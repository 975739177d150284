"""Keys sign and encrypt, and never give away what they hold."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.crypto.algorithms import SignatureAlgorithm
from gateway.crypto.keys import (
    PIECE_OCTETS,
    CheckpointKey,
    DataKey,
    KeyEncryptionKey,
    SigningKey,
)
from gateway.domain.catalogue import Code
from gateway.domain.errors import BropostError, InputError, InternalError, TrustError
from tests.pki import development_pki

OCTETS = b"what was signed"
SECRET = bytes(range(32))
PKCS8 = (
    serialization.Encoding.PEM,
    serialization.PrivateFormat.PKCS8,
    serialization.NoEncryption(),
)


def _fails(family: type[BropostError], code: Code) -> pytest.RaisesExc[BropostError]:
    return pytest.RaisesExc(family, check=lambda error: error.code is code)


# --- signing ---------------------------------------------------------------------------------------------------


def test_an_rsa_key_makes_values_as_long_as_its_modulus() -> None:
    key = development_pki().signing_key("eksempelby-kommune")
    assert key.algorithm is SignatureAlgorithm.RSA_SHA256
    assert len(key.sign(OCTETS)) == 3072 // 8


def test_an_elliptic_key_makes_values_of_64_octets() -> None:
    key = development_pki().signing_key("eksempelby-esdh-p256")
    assert key.algorithm is SignatureAlgorithm.ECDSA_P256_SHA256
    assert {len(key.sign(OCTETS)) for _ in range(50)} == {64}


def test_a_signing_key_carries_its_chain_leaf_first() -> None:
    pki = development_pki()
    assert pki.signing_key("eksempelby-kommune").chain == (
        pki.certificate("eksempelby-kommune"),
        pki.certificate("issuing"),
    )


def test_a_key_is_refused_with_the_certificate_of_another() -> None:
    mine, other = development_pki().holders["eksempelby-esdh"], development_pki().holders["proeveby-sis"]
    SigningKey.from_pem(mine.key_pem, mine.chain_pem)
    with _fails(InputError, Code.SETTINGS_INVALID):
        SigningKey.from_pem(mine.key_pem, other.chain_pem)


def test_an_encrypted_key_needs_its_password() -> None:
    holder = development_pki().holders["eksempelby-esdh-p256"]
    encrypted = serialization.load_pem_private_key(holder.key_pem, None).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"kodeord"),
    )
    SigningKey.from_pem(encrypted, holder.chain_pem, b"kodeord")
    for password in (b"forkert", None):
        with _fails(InputError, Code.SETTINGS_INVALID):
            SigningKey.from_pem(encrypted, holder.chain_pem, password)


def test_a_weak_key_cannot_sign() -> None:
    with _fails(TrustError, Code.SIGNATURE_ALGORITHM):
        development_pki().signing_key("bad-rsa-1024")


def test_a_key_of_another_kind_cannot_sign() -> None:
    holder = development_pki().holders["eksempelby-esdh"]
    with _fails(InputError, Code.SETTINGS_INVALID):
        SigningKey.from_pem(development_pki().checkpoint_keys["checkpoint"], holder.chain_pem)


@pytest.mark.parametrize("pem", [b"", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_a_damaged_key_file_is_refused_without_quoting_it(pem: bytes) -> None:
    with _fails(InputError, Code.SETTINGS_INVALID) as refusal:
        SigningKey.from_pem(pem, development_pki().holders["eksempelby-esdh"].chain_pem)
    assert "AAAA" not in str(refusal.value)
    assert refusal.value.__suppress_context__


# --- checkpoints -------------------------------------------------------------------------------------------------


def test_a_checkpoint_key_signs_as_rfc_8032_says() -> None:
    # RFC 8032 §7.1, test 1
    key = CheckpointKey.from_seed(
        bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    )
    assert key.public_key_octets.hex() == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    assert key.sign(b"").hex() == (
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    )


def test_a_checkpoint_key_can_be_read_from_pem() -> None:
    pki = development_pki()
    key = pki.checkpoint_key()
    ed25519.Ed25519PublicKey.from_public_bytes(key.public_key_octets).verify(key.sign(OCTETS), OCTETS)
    with _fails(InputError, Code.SETTINGS_INVALID):
        CheckpointKey.from_pem(pki.holders["eksempelby-esdh"].key_pem)


def test_a_key_without_any_certificate_cannot_sign() -> None:
    with _fails(InputError, Code.SETTINGS_INVALID):
        SigningKey(ec.generate_private_key(ec.SECP256R1()), ())


def test_a_file_with_a_key_of_another_kind_is_told_to_be_that() -> None:
    pem = ed25519.Ed25519PrivateKey.generate().private_bytes(*PKCS8)
    with _fails(InputError, Code.SETTINGS_INVALID) as refusal:
        SigningKey.from_pem(pem, development_pki().holders["eksempelby-esdh"].chain_pem)
    assert refusal.value.facts["what"] == "a signing key is neither RSA nor P-256"


# --- data at rest ------------------------------------------------------------------------------------------------


def test_what_a_data_key_encrypts_it_decrypts_under_the_same_name() -> None:
    key = DataKey()
    assert key.decrypt(key.encrypt(OCTETS, b"document 1"), b"document 1") == OCTETS


@pytest.mark.parametrize("size", [0, 1, PIECE_OCTETS - 1, PIECE_OCTETS, PIECE_OCTETS + 1, 3 * PIECE_OCTETS])
def test_what_a_data_key_encrypts_in_pieces_it_decrypts_as_a_whole(size: int) -> None:
    key, plaintext = DataKey(), bytes(index % 251 for index in range(size))
    pieces = list(key.encrypt_in_pieces(memoryview(plaintext), b"document 1"))
    assert max(map(len, pieces)) <= PIECE_OCTETS
    assert key.decrypt(b"".join(pieces), b"document 1") == plaintext
    with _fails(InternalError, Code.STORED_DATA_ALTERED):
        key.decrypt(b"".join(pieces), b"document 2")


def test_stored_data_begin_with_a_nonce_of_12_octets_and_end_with_a_tag_of_16() -> None:
    # NIST SP 800-38D §8.2.2. What is stored must be read by later releases too.
    key = DataKey()
    sealed = key.encrypt(OCTETS, b"document 1")
    assert AESGCM(key._octets).decrypt(sealed[:12], sealed[12:], b"document 1") == OCTETS
    assert len(sealed) == 12 + len(OCTETS) + 16
    pieces = list(key.encrypt_in_pieces(OCTETS, b"document 1"))
    assert list(map(len, pieces)) == [12, len(OCTETS), 16]


def test_a_large_text_is_encrypted_in_pieces_of_128_kilobytes() -> None:
    pieces = list(DataKey().encrypt_in_pieces(bytes(300_000), b""))
    assert list(map(len, pieces)) == [12, 131_072, 131_072, 37_856, 16]


def test_a_key_that_was_wrapped_long_ago_is_unwrapped() -> None:
    octets, nonce = bytes(range(32)), bytes(12)
    wrapped = nonce + AESGCM(SECRET).encrypt(nonce, octets, b"bropost/wrapped-key/1\x00document 1")
    key = KeyEncryptionKey(SECRET).unwrap(wrapped, b"document 1")
    assert key.decrypt(nonce + AESGCM(octets).encrypt(nonce, OCTETS, b""), b"") == OCTETS


def test_encrypting_twice_gives_two_different_results() -> None:
    key = DataKey()
    assert key.encrypt(OCTETS, b"") != key.encrypt(OCTETS, b"")


def test_every_altered_octet_of_stored_data_is_noticed() -> None:
    key = DataKey()
    sealed = key.encrypt(OCTETS, b"document 1")
    for position in range(len(sealed)):
        altered = bytearray(sealed)
        altered[position] ^= 1
        with _fails(InternalError, Code.STORED_DATA_ALTERED):
            key.decrypt(bytes(altered), b"document 1")


@pytest.mark.parametrize("length", [0, 11, 12, 27])
def test_truncated_stored_data_is_noticed(length: int) -> None:
    key = DataKey()
    with _fails(InternalError, Code.STORED_DATA_ALTERED):
        key.decrypt(key.encrypt(b"", b"")[:length], b"")


def test_stored_data_cannot_be_moved_to_another_name_or_key() -> None:
    key = DataKey()
    sealed = key.encrypt(OCTETS, b"document 1")
    with _fails(InternalError, Code.STORED_DATA_ALTERED):
        key.decrypt(sealed, b"document 2")
    with _fails(InternalError, Code.STORED_DATA_ALTERED):
        DataKey().decrypt(sealed, b"document 1")


def test_a_wrapped_key_unwraps_to_the_same_key() -> None:
    party = KeyEncryptionKey(SECRET)
    key = DataKey()
    again = party.unwrap(party.wrap(key, b"11111111-0999"), b"11111111-0999")
    assert again.decrypt(key.encrypt(OCTETS, b""), b"") == OCTETS


def test_a_wrapped_key_opens_only_for_its_party_and_its_name() -> None:
    party = KeyEncryptionKey(SECRET)
    wrapped = party.wrap(DataKey(), b"document 1")
    with _fails(InternalError, Code.STORED_DATA_ALTERED):
        party.unwrap(wrapped, b"document 2")
    with _fails(InternalError, Code.STORED_DATA_ALTERED):
        KeyEncryptionKey(SECRET[::-1]).unwrap(wrapped, b"document 1")


def test_a_wrapped_key_does_not_hold_the_key_readable() -> None:
    party = KeyEncryptionKey(SECRET)
    key = DataKey()
    assert key._octets not in party.wrap(key, b"")


# --- what holds for all of them ----------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [KeyEncryptionKey, CheckpointKey.from_seed])
@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_secret_of_another_length_is_refused(make: Callable[[bytes], object], length: int) -> None:
    with _fails(InputError, Code.SETTINGS_INVALID) as refusal:
        make(bytes(length))
    kind = "a checkpoint key" if make is CheckpointKey.from_seed else "a key encryption key"
    assert refusal.value.facts["what"] == f"{kind} is not 32 octets long"


def _every_key() -> list[object]:
    pki = development_pki()
    return [
        pki.signing_key("eksempelby-esdh"),
        pki.checkpoint_key(),
        DataKey(),
        KeyEncryptionKey(SECRET),
    ]


@pytest.mark.parametrize("number", range(4))
def test_a_key_shows_nothing_and_cannot_be_copied_or_pickled(number: int) -> None:
    key = _every_key()[number]
    assert repr(key) == str(key) == f"<{type(key).__name__}>"
    assert not hasattr(key, "__dict__")
    for give_away in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            give_away(key)

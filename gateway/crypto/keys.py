"""Private and secret keys: objects that sign and encrypt, and never show, copy or give away what they hold."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Final, Never

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import GCM

from gateway.crypto.algorithms import PrivateKey, SignatureAlgorithm, ecdsa_value
from gateway.crypto.certificate import Certificate
from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError, InternalError

SECRET_OCTETS: Final = 32
NONCE_OCTETS: Final = 12  # NIST SP 800-38D §8.2.2: random nonces, at most 2^32 under one key
PIECE_OCTETS: Final = 128 * 1024  # stays in the cache while it is encrypted, digested and written
_WRAPPED_KEY: Final = b"bropost/wrapped-key/1\x00"


class _Secret:
    """What every key here is: not shown by repr, not copied, not pickled."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __reduce_ex__(self, _protocol: object) -> Never:
        raise TypeError(f"a {type(self).__name__} cannot be copied or pickled")


class SigningKey(_Secret):
    """A key with its certificates, which makes XML signature values."""

    __slots__ = ("_private_key", "algorithm", "chain")

    def __init__(self, private_key: PrivateKey, chain: tuple[Certificate, ...]) -> None:
        """`chain` is leaf first. InputError SETTINGS_INVALID if the leaf is not for this key."""
        if not chain or chain[0].public_key != private_key.public_key():
            raise InputError(Code.SETTINGS_INVALID, what="the certificate does not belong to the private key")
        self.algorithm = SignatureAlgorithm.for_key(private_key.public_key())
        self.chain = chain
        self._private_key = private_key

    @staticmethod
    def from_pem(key_pem: bytes, chain_pem: bytes, password: bytes | None = None) -> SigningKey:
        """The key of a PEM file (PKCS#8, encrypted or not) with the PEM chain of its certificate, leaf first.

        InputError SETTINGS_INVALID if they cannot be read or do not belong together; TrustError if the key or a
        certificate is not allowed.
        """
        private_key = _load(key_pem, password)
        if not isinstance(private_key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
            raise InputError(Code.SETTINGS_INVALID, what="a signing key is neither RSA nor P-256")
        return SigningKey(private_key, Certificate.all_from_pem(chain_pem))

    def sign(self, octets: bytes) -> bytes:
        """The XML-DSig signature value over `octets`: RSASSA-PKCS1-v1_5, or r||s of 64 octets."""
        if isinstance(self._private_key, rsa.RSAPrivateKey):
            return self._private_key.sign(octets, padding.PKCS1v15(), hashes.SHA256())
        return ecdsa_value(self._private_key.sign(octets, ec.ECDSA(hashes.SHA256())))


class CheckpointKey(_Secret):
    """The Ed25519 key that signs the checkpoints of the log; it never lies in the database."""

    __slots__ = ("_private_key", "public_key_octets")

    def __init__(self, private_key: ed25519.Ed25519PrivateKey) -> None:
        self._private_key = private_key
        self.public_key_octets: bytes = private_key.public_key().public_bytes_raw()  # 32 octets

    @staticmethod
    def from_seed(seed: bytes) -> CheckpointKey:
        """The key of a secret seed of 32 octets, RFC 8032 §5.1.5. InputError SETTINGS_INVALID on another length."""
        return CheckpointKey(ed25519.Ed25519PrivateKey.from_private_bytes(_exactly(seed, "a checkpoint key")))

    @staticmethod
    def from_pem(key_pem: bytes, password: bytes | None = None) -> CheckpointKey:
        """The key of a PEM file (PKCS#8). InputError SETTINGS_INVALID if it holds no Ed25519 key."""
        private_key = _load(key_pem, password)
        if not isinstance(private_key, ed25519.Ed25519PrivateKey):
            raise InputError(Code.SETTINGS_INVALID, what="a checkpoint key is not Ed25519")
        return CheckpointKey(private_key)

    def sign(self, octets: bytes) -> bytes:
        """The signature over `octets`, 64 octets; the same octets always give the same signature."""
        return self._private_key.sign(octets)


class DataKey(_Secret):
    """A random AES-256-GCM key for one document or one log entry; it leaves this module only wrapped."""

    __slots__ = ("_octets",)

    def __init__(self) -> None:
        """A fresh key from the system's random source."""
        self._octets = secrets.token_bytes(SECRET_OCTETS)

    def encrypt(self, plaintext: bytes | memoryview, associated_data: bytes) -> bytes:
        """Nonce and ciphertext with its tag; `associated_data` names what it is and must be given again to decrypt."""
        return _seal(self._octets, plaintext, associated_data)

    def encrypt_in_pieces(self, plaintext: bytes | memoryview, associated_data: bytes) -> Iterator[bytes]:
        """The same piece by piece, so that a large ciphertext never stands in memory as a whole."""
        nonce = secrets.token_bytes(NONCE_OCTETS)
        encryptor = Cipher(AES(self._octets), GCM(nonce)).encryptor()
        encryptor.authenticate_additional_data(associated_data)
        yield nonce
        view = memoryview(plaintext)
        for start in range(0, len(view), PIECE_OCTETS):
            yield encryptor.update(view[start : start + PIECE_OCTETS])
        yield encryptor.finalize() + encryptor.tag

    def decrypt(self, sealed: bytes, associated_data: bytes) -> bytes:
        """What `encrypt` was given. InternalError STORED_DATA_ALTERED if octets, name or key are not the same."""
        return _open(self._octets, sealed, associated_data)


class KeyEncryptionKey(_Secret):
    """A party's AES-256 key, which wraps its data keys; it lies in a key store of its own."""

    __slots__ = ("_octets",)

    def __init__(self, octets: bytes) -> None:
        """The key of 32 secret octets from the key store. InputError SETTINGS_INVALID on another length."""
        self._octets = _exactly(octets, "a key encryption key")

    def wrap(self, key: DataKey, associated_data: bytes) -> bytes:
        """The data key, encrypted and bound to `associated_data` (whose it is); may be stored beside the data."""
        return _seal(self._octets, key._octets, _WRAPPED_KEY + associated_data)

    def unwrap(self, wrapped: bytes, associated_data: bytes) -> DataKey:
        """The data key that `wrap` was given. InternalError STORED_DATA_ALTERED if anything is not the same."""
        key = DataKey.__new__(DataKey)
        key._octets = _open(self._octets, wrapped, _WRAPPED_KEY + associated_data)
        return key


def _seal(key: bytes, plaintext: bytes | memoryview, associated_data: bytes) -> bytes:
    nonce = secrets.token_bytes(NONCE_OCTETS)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, associated_data)


def _open(key: bytes, sealed: bytes, associated_data: bytes) -> bytes:
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_OCTETS], sealed[NONCE_OCTETS:], associated_data)
    except (InvalidTag, ValueError):
        raise InternalError(Code.STORED_DATA_ALTERED) from None


def _load(key_pem: bytes, password: bytes | None) -> object:
    try:
        return serialization.load_pem_private_key(key_pem, password)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # Never tell more: the library's words may quote the key file.
        raise InputError(
            Code.SETTINGS_INVALID, what="a private key cannot be read with its password"
        ) from None


def _exactly(octets: bytes, what: str) -> bytes:
    if len(octets) != SECRET_OCTETS:
        raise InputError(Code.SETTINGS_INVALID, what=f"{what} is not {SECRET_OCTETS} octets long")
    return bytes(octets)

"""The key store: each party's secret keys, as files in a folder of their own, beside the database and never in it.

A file is written once, whole or not at all, and readable to its owner only; the gateway refuses one that others may
read. docs/operations.md says who may read the folder, how it is backed up, and what is lost with it.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.crypto.keys import SECRET_OCTETS, KeyEncryptionKey, SigningKey
from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError, InternalError, UnavailableError
from gateway.domain.identifiers import PartyId

_KEK: Final = "kek"
_SEAL: Final = "seal.pem"
_CERTIFICATE: Final = b"-----BEGIN CERTIFICATE-----"
_OTHERS: Final = 0o077


@dataclass(frozen=True, slots=True)
class _CachedSeal:
    file: tuple[int, int]  # inode and time of change: another file, another key
    key: SigningKey


class KeyStore:
    """The secret keys of the parties of an installation."""

    def __init__(self, folder: Path) -> None:
        """`folder` is made if there is none. InputError SETTINGS_INVALID if others than its owner may enter it."""
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise UnavailableError(Code.STORE_UNAVAILABLE) from error
        _require_private(folder)
        self._folder = folder
        self._encryption_keys: dict[PartyId, KeyEncryptionKey] = {}
        self._seals: dict[PartyId, _CachedSeal] = {}

    def create(self, party: PartyId) -> None:
        """Make the party's key encryption key, fresh and random; one that it has is kept."""
        path = self._path(party, _KEK)
        if not path.exists():
            self._write(path, secrets.token_bytes(SECRET_OCTETS), replace=False)

    def key_encryption_key(self, party: PartyId) -> KeyEncryptionKey:
        """The key that wraps the party's data keys. InternalError KEY_MISSING if there is none."""
        key = self._encryption_keys.get(party)
        if key is None:
            key = self._encryption_keys[party] = KeyEncryptionKey(self._read(party, _KEK))
        return key

    def add_seal_key(self, party: PartyId, key_pem: bytes, chain_pem: bytes) -> SigningKey:
        """Keep the key with which the gateway may seal for the party, in place of an earlier one, and give it.

        PEM: an unencrypted PKCS#8 key, and its certificates, leaf first. Errors as SigningKey.from_pem.
        """
        key = SigningKey.from_pem(key_pem, chain_pem)
        self._write(self._path(party, _SEAL), key_pem.rstrip() + b"\n" + chain_pem.lstrip(), replace=True)
        return key

    def seal_key(self, party: PartyId) -> SigningKey | None:
        """The party's content seal key, or None if it has given none. A replaced file is read anew."""
        path = self._path(party, _SEAL)
        try:
            status = path.stat()
        except FileNotFoundError:
            return None
        file = status.st_ino, status.st_mtime_ns
        cached = self._seals.get(party)
        if cached is None or cached.file != file:
            key_pem, mark, chain_pem = self._read(party, _SEAL).partition(_CERTIFICATE)
            cached = self._seals[party] = _CachedSeal(file, SigningKey.from_pem(key_pem, mark + chain_pem))
        return cached.key

    def _path(self, party: PartyId, name: str) -> Path:
        return self._folder / f"{party}.{name}"

    def _read(self, party: PartyId, name: str) -> bytes:
        path = self._path(party, name)
        try:
            _require_private(path)
            return path.read_bytes()
        except FileNotFoundError as error:
            raise InternalError(Code.KEY_MISSING, party=str(party), key=name) from error
        except OSError as error:
            raise UnavailableError(Code.STORE_UNAVAILABLE) from error

    def _write(self, path: Path, octets: bytes, *, replace: bool) -> None:
        """Write a whole file or none; without `replace`, a file that is there stays."""
        unfinished = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        try:
            with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(octets)
                file.flush()
                os.fsync(file.fileno())
                if replace:
                    unfinished.rename(path)
                else:
                    with suppress(FileExistsError):
                        path.hardlink_to(unfinished)
        except OSError as error:
            raise UnavailableError(Code.STORE_UNAVAILABLE) from error
        finally:
            unfinished.unlink(missing_ok=True)
        _sync_folder(self._folder)


def _require_private(path: Path) -> None:
    if path.stat().st_mode & _OTHERS:
        what = f"others may read {path.name} in the key store; take the right from them (chmod go=)"
        raise InputError(Code.SETTINGS_INVALID, what=what)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""The key store: each party's secret keys, as files in a folder of their own, beside the database and never in it.

A file is written once, whole or not at all, and readable to its owner only; the gateway refuses one that others may
read. docs/operations.md says who may read the folder, how it is backed up, and what is lost with it.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from gateway.crypto.keys import SECRET_OCTETS, KeyEncryptionKey, SigningKey
from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError, InternalError, UnavailableError
from gateway.domain.identifiers import PartyId

_KEK: Final = "kek"
_SEAL: Final = "seal.pem"
_NEXT_SEAL: Final = "seal-next.pem"
_TAKES_OVER: Final = b"takes over: "  # the line before the key in the file of a next one
_CERTIFICATE: Final = b"-----BEGIN CERTIFICATE-----"
_OTHERS: Final = 0o077
_ALWAYS: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _CachedSeal:
    file: tuple[int, int]  # inode and time of change: another file, another key
    key: SigningKey
    takes_over: datetime


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
        self._seals: dict[str, _CachedSeal] = {}  # by the path of their file

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

        One that was to take over is forgotten.
        PEM: an unencrypted PKCS#8 key, and its certificates, leaf first. Errors as SigningKey.from_pem.
        """
        key = SigningKey.from_pem(key_pem, chain_pem)
        self._write(self._path(party, _SEAL), _both(key_pem, chain_pem), replace=True)
        self._forget_next(party)
        return key

    def add_next_seal_key(
        self, party: PartyId, key_pem: bytes, chain_pem: bytes, takes_over: datetime, at: datetime
    ) -> SigningKey:
        """Keep the key that takes over from the party's seal key at a time (both zoned), beside it, and give it.

        A key that has taken over before the time `at` is kept as the one in use; one that has not is forgotten.
        Errors as SigningKey.from_pem.
        """
        key = SigningKey.from_pem(key_pem, chain_pem)
        self._settle(party, at)
        line = _TAKES_OVER + takes_over.astimezone(UTC).isoformat().encode() + b"\n"
        self._write(self._path(party, _NEXT_SEAL), line + _both(key_pem, chain_pem), replace=True)
        return key

    def seal_key(self, party: PartyId, at: datetime) -> SigningKey | None:
        """The party's content seal key at a time, or None if it has given none. A replaced file is read anew."""
        following = self._kept(party, _NEXT_SEAL)
        if following is not None and following.takes_over <= at:
            return following.key
        current = self._kept(party, _SEAL)
        return None if current is None else current.key

    def next_seal_key(self, party: PartyId, at: datetime) -> tuple[SigningKey, datetime] | None:
        """The key that is still to take over, and when; or None."""
        following = self._kept(party, _NEXT_SEAL)
        return (
            None if following is None or following.takes_over <= at else (following.key, following.takes_over)
        )

    def _settle(self, party: PartyId, at: datetime) -> None:
        """Let a next key that has taken over be the one in use."""
        following = self._kept(party, _NEXT_SEAL)
        if following is not None and following.takes_over <= at:
            octets = self._read(party, _NEXT_SEAL).partition(b"\n")[2]
            self._write(self._path(party, _SEAL), octets, replace=True)
            self._forget_next(party)

    def _forget_next(self, party: PartyId) -> None:
        try:
            self._path(party, _NEXT_SEAL).unlink(missing_ok=True)
        except OSError as error:
            raise UnavailableError(Code.STORE_UNAVAILABLE) from error
        _sync_folder(self._folder)

    def _kept(self, party: PartyId, name: str) -> _CachedSeal | None:
        """A seal key with its certificates, from memory while its file is the same."""
        path = f"{self._folder}/{party}.{name}"  # looked at for every document: a Path is slow
        try:
            status = os.stat(path)
        except FileNotFoundError:
            return None
        file = status.st_ino, status.st_mtime_ns
        cached = self._seals.get(path)
        if cached is None or cached.file != file:
            try:
                octets = self._read(party, name)
            except InternalError:  # it took the place of the one in use meanwhile, or was forgotten
                return None
            key_pem, mark, chain_pem = octets.partition(_CERTIFICATE)
            takes_over = _ALWAYS
            if name == _NEXT_SEAL:
                line, _, key_pem = key_pem.partition(b"\n")
                takes_over = _time_of(line)
            key = SigningKey.from_pem(key_pem, mark + chain_pem)
            cached = self._seals[path] = _CachedSeal(file, key, takes_over)
        return cached

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


def _both(key_pem: bytes, chain_pem: bytes) -> bytes:
    return key_pem.rstrip() + b"\n" + chain_pem.lstrip()


def _time_of(line: bytes) -> datetime:
    """The time in the first line of a next key's file. InternalError STORED_DATA_ALTERED if there is none."""
    try:
        found = datetime.fromisoformat(line.removeprefix(_TAKES_OVER).decode("ascii"))
    except ValueError:
        raise InternalError(Code.STORED_DATA_ALTERED) from None
    if found.tzinfo is None:
        raise InternalError(Code.STORED_DATA_ALTERED)
    return found


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

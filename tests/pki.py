"""The development PKI for tests: made once a day for a user and shared by all test processes."""

from __future__ import annotations

import fcntl
import functools
import getpass
import hashlib
import os
import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from gateway.crypto import development_declaration, development_issuing
from gateway.crypto import development_pki as builder
from gateway.crypto.development_declaration import OrganisationWish
from gateway.crypto.development_pki import (
    DevelopmentPki,
    Holder,
    build_pki,
    files,
    from_files,
    issue_certificate,
    read_declaration,
)
from gateway.crypto.keys import SigningKey

DECLARATION = Path(__file__).parent.parent / "certificates" / "dev" / "pki.toml"
MOST_AGE = timedelta(hours=12)  # its revocation lists serve for 24


@functools.cache
def development_pki() -> DevelopmentPki:
    """The one development PKI of this test run; its lists are of the time `.at`, at most 12 hours ago."""
    store = Path(tempfile.gettempdir()) / f"bropost-test-pki-{getpass.getuser()}"
    store.mkdir(mode=0o700, exist_ok=True)
    if store.stat().st_uid != os.getuid():
        raise PermissionError(f"{store} belongs to somebody else")
    with (store / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _kept(store / _key()) or _made(store / _key())


@functools.cache
def signing_key(name: str) -> SigningKey:
    """The key of a holder of the development PKI, read once: an RSA key takes 50 ms."""
    return development_pki().signing_key(name)


@functools.cache
def private_key(name: str) -> PrivateKeyTypes:
    """The bare private key of a holder of the development PKI, read once; also of those that are too weak for us."""
    return serialization.load_pem_private_key(development_pki().holders[name].key_pem, None)


def gateway_key(pki: DevelopmentPki, days: int) -> SigningKey:
    """A key of the gateway's own whose certificate ends some days after the PKI was made."""
    made = organisation(pki, "Bropost Eksempeldrift", "66666666", days)
    return SigningKey.from_pem(made.key_pem, made.chain_pem)


def organisation(pki: DevelopmentPki, name: str, cvr: str, days: int) -> Holder:
    """A fresh key of an organisation whose certificate ends some days after the PKI was made."""
    wish = OrganisationWish(
        name="fresh",
        issuer="issuing",
        key="p-256",
        days=(-1, days),
        organisation=name,
        cvr=cvr,
        common_name=f"{name} - ny",
        policies=pki.declaration.policies,
    )
    subject = development_issuing.organisation_name(pki.declaration, wish)
    extensions = development_issuing.organisation_extensions(wish)
    return issue_certificate(pki, wish, subject, extensions).holders["fresh"]


def _key() -> str:
    """A name that changes with the declaration and with its builder."""
    sources = [
        DECLARATION,
        *(Path(str(one.__file__)) for one in (builder, development_declaration, development_issuing)),
    ]
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:32]


def _kept(directory: Path) -> DevelopmentPki | None:
    if not directory.is_dir():
        return None
    found = {path.name: path.read_bytes() for path in directory.iterdir()}
    pki = from_files(read_declaration(DECLARATION.read_text(encoding="utf-8")), found)
    return pki if timedelta(0) <= datetime.now(UTC) - pki.at < MOST_AGE else None


def _made(directory: Path) -> DevelopmentPki:
    pki = build_pki(read_declaration(DECLARATION.read_text(encoding="utf-8")), datetime.now(UTC))
    fresh = directory.with_suffix(".fresh")
    for old in (fresh, directory):
        shutil.rmtree(old, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    for name, octets in files(pki).items():
        (fresh / name).write_bytes(octets)
    fresh.rename(directory)
    return pki

"""A revocation list put in the place of the authority's is not believed: the one before it counts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from gateway.domain.catalogue import Code
from gateway.interfaces.http import HttpRequest
from tests.attacks.door import Case, Door
from tests.attacks.pens import SIGNER, letter, posted
from tests.pki import development_pki
from tests.services.papers import paper, sending

VERIFY: Final = "crypto.certificates:verify_certificate"


def _list(issuer: str = "issuing", *, signer: str | None = None, build: str = "") -> bytes:
    """A list of now in which nobody is taken back, said otherwise than an authority says it."""
    pki = development_pki()
    above, at = pki.holders[issuer], pki.at + timedelta(seconds=30)
    builder = x509.CertificateRevocationListBuilder(
        above.certificate.x509.subject, at, at + timedelta(days=2)
    ).add_extension(x509.CRLNumber(int(at.timestamp())), critical=False)
    if build == "delta":
        builder = builder.add_extension(x509.DeltaCRLIndicator(1), critical=True)
    if build == "given back":
        entry = x509.RevokedCertificateBuilder(1, at).add_extension(
            x509.CRLReason(x509.ReasonFlags.remove_from_crl), critical=False
        )
        builder = builder.add_revoked_certificate(entry.build())
    key = pki.holders[signer or issuer].issuer().key
    digest = hashes.SHA256()
    octets = builder.sign(key, digest).public_bytes(serialization.Encoding.DER)
    return octets[:-1] if build == "damaged" else octets


def _with_list(octets: Callable[[], bytes]) -> Callable[[Door], HttpRequest]:
    """Somebody put a list in the place of the authority's; then comes a message by one that was taken back."""

    def bad(door: Door) -> HttpRequest:
        (door.house.folder / "issuing.crl").write_bytes(octets())
        return posted(door, sending(paper(door.house.clock())), key="bad-revoked")

    return bad


def _forged_list(name: str, guard: str, clause: str, octets: Callable[[], bytes]) -> Case:
    return Case(name, guard, clause, Code.CERTIFICATE_REVOKED, letter, _with_list(octets), seen_by=VERIFY)


CASES: tuple[Case, ...] = (
    _forged_list(
        "a list that another signed",
        "crypto.revocation:_require_signed",
        "RFC 5280 §6.3.3",
        lambda: _list(signer="impostor"),
    ),
    _forged_list(
        "a list of some certificates",
        "crypto.revocation:_load",
        "RFC 5280 §5.2.4",
        lambda: _list(build="delta"),
    ),
    _forged_list(
        "a list that gives back",
        "crypto.revocation:_require_plain",
        "RFC 5280 §5.3.1",
        lambda: _list(build="given back"),
    ),
    _forged_list("a list of an unknown issuer", VERIFY, "RFC 5280 §6.3.3", lambda: _list(issuer=SIGNER)),
)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_list_that_is_not_the_authoritys_gives_no_certificate_back(door: Door, case: Case) -> None:
    door.withstands(case)

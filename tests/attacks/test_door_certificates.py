"""Certificates that lead to no believed root, are not for this, ran out, were taken back, or name nobody."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import timedelta
from typing import Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from lxml import etree

from gateway.crypto import development_issuing as issuing
from gateway.crypto import xades
from gateway.crypto.certificate import Certificate
from gateway.crypto.keys import SigningKey
from gateway.domain.catalogue import Code
from gateway.interfaces.http import HttpRequest
from gateway.protocol import soap, wss
from gateway.protocol.soap import SoapVersion
from tests.attacks.door import Case, Door, Left
from tests.attacks.issued import (
    Extensions,
    Named,
    fresh_key,
    issued_key,
    leaf_der,
    name_of,
    standard,
    subject,
)
from tests.attacks.pens import SIGNER, by_hand, enclosed, posted, sent, signed_letter
from tests.attacks.wrapping import sign_again, use_certificate
from tests.messages import ECDSA_SHA256, RSA_SHA256, der_token
from tests.pki import development_pki, signing_key
from tests.services.papers import SEALED_BY_SYSTEM, paper, sending

KEY = "crypto.algorithms:SignatureAlgorithm.for_key"
VERIFY, PATH = "crypto.certificates:verify_certificate", "crypto.trust:find_path"
USAGE, LEAF, JUDGE = (
    f"crypto.certificates:{name}" for name in ("_require_usage", "_require_end_entity", "_judge")
)
NAMED, ONLY, LINK = "crypto.identity:read_identity", "crypto.identity:_only", "crypto.trust:_require_link"
WHO: Final = "ETSI EN 319 412-1 §5.1.4"
MALFORMED, UNTRUSTED, NOT_FOR_THIS = (
    Code.CERTIFICATE_MALFORMED,
    Code.CERTIFICATE_UNTRUSTED,
    Code.CERTIFICATE_USAGE,
)


def _by(name: str, guard: str, clause: str, code: Code, signer: str) -> Case:
    """A letter in a message signed with a certificate of the development PKI that must not count."""
    return sent(f"a message by {name}", guard, clause, code, lambda door: _posted(door, signing_key(signer)))


def _inside(name: str, guard: str, clause: str, code: Code, signer: str) -> Case:
    """A good message with a letter that is signed so."""

    def change(root: etree._Element) -> None:
        use_certificate(root, signer)
        sign_again(root, signer)

    guard = (
        "crypto.xades:_require_true" if code is Code.CERTIFICATE_TIME else guard
    )  # judged for the signing time too
    return enclosed(f"a letter by {name}", guard, clause, code, change)


def _posted(door: Door, key: SigningKey) -> HttpRequest:
    envelope = soap.envelope(SoapVersion.SOAP_11, sending(paper(door.house.clock())))
    return door.post(wss.secure(envelope, key, door.house.clock()))


def _issued(
    wished: Named | x509.Name = (),
    extensions: Callable[[], Extensions] = standard,
    issuer: str = "issuing",
    authority: bytes | None = None,
) -> Callable[[Door], HttpRequest]:
    """A letter in a message signed with a certificate that a believed authority issued, otherwise than it should."""

    def bad(door: Door) -> HttpRequest:
        pki = development_pki()
        name = wished if isinstance(wished, x509.Name) else name_of(wished or subject())
        above = pki.holders[issuer]
        builder = x509.CertificateBuilder(
            above.certificate.x509.subject,
            name,
            fresh_key().public_key(),
            1 << 150,
            pki.at - timedelta(days=1),
            pki.at + timedelta(days=100),
        )
        if authority is not None:
            builder = builder.add_extension(
                x509.AuthorityKeyIdentifier(authority, None, None), critical=False
            )
        for extension, critical in extensions():
            builder = builder.add_extension(extension, critical)
        leaf = Certificate.from_der(issuing.sign_builder(builder, above.issuer()))
        return _posted(door, SigningKey(fresh_key(), (leaf, *above.chain_below_root)))

    return bad


def _without(kind: type[x509.ExtensionType]) -> Callable[[], Extensions]:
    return lambda: [each for each in standard() if not isinstance(each[0], kind)]


def _with(extension: x509.ExtensionType, *, critical: bool = False) -> Callable[[], Extensions]:
    return lambda: [
        *(each for each in standard() if not isinstance(each[0], type(extension))),
        (extension, critical),
    ]


def _multivalued() -> x509.Name:
    first, *others = [x509.NameAttribute(oid, text) for oid, text in subject()]
    return x509.Name([x509.RelativeDistinguishedName([first]), x509.RelativeDistinguishedName(others)])


def _keyed(make: Callable[[], object], method: str = ECDSA_SHA256) -> Callable[[Door], HttpRequest]:
    """A message whose token is a certificate, by a believed authority, of another kind of key."""
    return lambda door: by_hand(door, token=der_token(leaf_der(make())), method=method)


@functools.cache
def _small_exponent() -> rsa.RSAPublicKey:
    return rsa.generate_private_key(public_exponent=3, key_size=2048).public_key()


def _letter_by_one_for_messages(door: Door) -> HttpRequest:
    """A good message with a letter that is signed with a certificate for messages alone."""
    at, key = door.house.clock(), issued_key(extensions=standard(usage=["digital_signature"]))
    return posted(door, sending(xades.sign(paper(at, SEALED_BY_SYSTEM), key, at)))


def _odd(name: str, guard: str, clause: str, code: Code, bad: Callable[[Door], HttpRequest]) -> Case:
    return sent(name, guard, clause, code, bad)


HOLDERS = tuple(
    case
    for name, guard, clause, code, signer in (
        ("one that ran out", VERIFY, "RFC 5280 §4.1.2.5", Code.CERTIFICATE_TIME, "bad-expired"),
        ("one not yet valid", VERIFY, "RFC 5280 §4.1.2.5", Code.CERTIFICATE_TIME, "bad-not-yet-valid"),
        ("one that was taken back", VERIFY, "RFC 5280 §6.3", Code.CERTIFICATE_REVOKED, "bad-revoked"),
        ("one of another policy", JUDGE, "RFC 5280 §4.2.1.4", NOT_FOR_THIS, "bad-wrong-policy"),
        ("one that may not sign", USAGE, "RFC 5280 §4.2.1.3", NOT_FOR_THIS, "bad-wrong-usage"),
        ("an authority of the same name", PATH, "RFC 5280 §6.1", UNTRUSTED, "bad-name-spoof"),
        ("one that nobody issued", PATH, "RFC 5280 §6.1", UNTRUSTED, "bad-self-signed"),
        ("one that no authority issued", PATH, "RFC 5280 §4.2.1.9", UNTRUSTED, "bad-issued-by-leaf"),
    )
    for case in (_by(name, guard, clause, code, signer), _inside(name, guard, clause, code, signer))
)
ISSUED = (
    sent(
        "a key of another curve",
        KEY,
        "SEC 2 §2.4",
        Code.SIGNATURE_ALGORITHM,
        _keyed(lambda: ec.generate_private_key(ec.SECP384R1()).public_key()),
        by_hand,
    ),
    sent(
        "a key of another kind",
        KEY,
        "RFC 9231 §2.3.12",
        Code.SIGNATURE_ALGORITHM,
        _keyed(lambda: ed25519.Ed25519PrivateKey.generate().public_key()),
        by_hand,
    ),
    sent(
        "an RSA key with a small exponent",
        "crypto.algorithms:_require_rsa",
        "FIPS 186-5 §5.1",
        Code.SIGNATURE_ALGORITHM,
        _keyed(_small_exponent, RSA_SHA256),
        by_hand,
    ),
    sent(
        "a letter by a certificate for messages",
        USAGE,
        "RFC 5280 §4.2.1.3",
        NOT_FOR_THIS,
        _letter_by_one_for_messages,
        signed_letter,
        Left.EVIDENCE,
    ),
    _odd(
        "no basic constraints",
        LEAF,
        "RFC 5280 §4.2.1.9",
        MALFORMED,
        _issued(extensions=_without(x509.BasicConstraints)),
    ),
    _odd(
        "an authority that signs messages",
        LEAF,
        "RFC 5280 §4.2.1.9",
        NOT_FOR_THIS,
        _issued(extensions=_with(x509.BasicConstraints(ca=True, path_length=None), critical=True)),
    ),
    _odd(
        "no key usage", USAGE, "RFC 5280 §4.2.1.3", NOT_FOR_THIS, _issued(extensions=_without(x509.KeyUsage))
    ),
    _odd(
        "a usage of TLS alone",
        USAGE,
        "RFC 5280 §4.2.1.12",
        NOT_FOR_THIS,
        _issued(extensions=_with(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]))),
    ),
    _odd(
        "no policy",
        JUDGE,
        "RFC 5280 §4.2.1.4",
        NOT_FOR_THIS,
        _issued(extensions=_without(x509.CertificatePolicies)),
    ),
    _odd(
        "a critical extension of nobody",
        PATH,
        "RFC 5280 §4.2",
        UNTRUSTED,
        _issued(
            extensions=_with(
                x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), b"\x05\x00"), critical=True
            )
        ),
    ),
    _odd(
        "the key identifier of another authority",
        LINK,
        "RFC 5280 §4.2.1.1",
        UNTRUSTED,
        _issued(authority=bytes(20)),
    ),
    _odd("an issuer that is a party", PATH, "RFC 5280 §6.1.4", UNTRUSTED, _issued(issuer=SIGNER)),
    _odd("another country", NAMED, "ETSI EN 319 412-1 §5.1", MALFORMED, _issued(subject(COUNTRY_NAME="SE"))),
    _odd(
        "no number of an organisation", ONLY, WHO, MALFORMED, _issued(subject(ORGANIZATION_IDENTIFIER=None))
    ),
    _odd(
        "a number that is no CVR number",
        NAMED,
        WHO,
        MALFORMED,
        _issued(subject(ORGANIZATION_IDENTIFIER="NTRDK-1111111")),
    ),
    _odd(
        "a number with a line after it",
        NAMED,
        WHO,
        MALFORMED,
        _issued(subject(ORGANIZATION_IDENTIFIER="NTRDK-11111111\n")),
    ),
    _odd(
        "a number of another register",
        NAMED,
        WHO,
        MALFORMED,
        _issued(subject(ORGANIZATION_IDENTIFIER="VATDK-11111111")),
    ),
    _odd(
        "two numbers",
        ONLY,
        WHO,
        MALFORMED,
        _issued([*subject(), (NameOID.ORGANIZATION_IDENTIFIER, "NTRDK-33333333")]),
    ),
    _odd(
        "two common names",
        ONLY,
        "ETSI EN 319 412-1 §5.1.4",
        MALFORMED,
        _issued([*subject(), (NameOID.COMMON_NAME, "Prøvelund ESDH")]),
    ),
    _odd(
        "a common name of spaces",
        ONLY,
        "ETSI EN 319 412-1 §5.1.4",
        MALFORMED,
        _issued(subject(COMMON_NAME=" ")),
    ),
    _odd(
        "a person's serial number",
        NAMED,
        "RFC 3739 §3.1.2",
        MALFORMED,
        _issued(subject(SERIAL_NUMBER="UI:DK-P:G:5b0f9d1e-7c2a-4e6b-8f3d-1a2b3c4d5e6f")),
    ),
    _odd("several values in one part", NAMED, "RFC 5280 §4.1.2.4", MALFORMED, _issued(_multivalued())),
)


CASES: tuple[Case, ...] = (*HOLDERS, *ISSUED)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_certificate_that_does_not_hold_is_refused(door: Door, case: Case) -> None:
    door.withstands(case)

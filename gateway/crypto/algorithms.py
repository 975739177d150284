"""The allow-list: every algorithm that a signature may name, and the keys that may go with it.

Whatever is not here is refused by its name. Nothing in settings can widen the list.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from gateway.domain.catalogue import Code
from gateway.domain.errors import TrustError
from gateway.xmlcore import namespaces

SHA256: Final = "http://www.w3.org/2001/04/xmlenc#sha256"
EXCLUSIVE_C14N: Final = namespaces.EXC_C14N
ENVELOPED: Final = namespaces.DS + "enveloped-signature"
ATTACHMENT_CONTENT: Final = (
    "http://docs.oasis-open.org/wss/oasis-wss-SwAProfile-1.1#Attachment-Content-Signature-Transform"
)

DIGESTS: Final = frozenset({SHA256})
CANONICALISATIONS: Final = frozenset({EXCLUSIVE_C14N})  # never #WithComments
TRANSFORMS: Final = frozenset({ENVELOPED, EXCLUSIVE_C14N, ATTACHMENT_CONTENT})

RSA_LEAST_BITS: Final = 2048
RSA_MOST_BITS: Final = 8192  # a larger key only burns our time
RSA_LEAST_EXPONENT: Final = 65537  # FIPS 186-5 §5.1
RSA_MOST_EXPONENT_BITS: Final = 32  # 256 are allowed by FIPS 186-5, but no certificate authority uses them
P256_OCTETS: Final = 32
ECDSA_VALUE_OCTETS: Final = 2 * P256_OCTETS

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

_SPEAKABLE = re.compile(r"[!-~]{1,120}")


class SignatureAlgorithm(Enum):
    """A way to sign octets that XML signatures may name; the value is its URI, RFC 9231 §2.3."""

    RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
    ECDSA_P256_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"

    @property
    def uri(self) -> str:
        """The name in SignatureMethod/@Algorithm."""
        return self.value

    @staticmethod
    def from_uri(uri: str) -> SignatureAlgorithm:
        """The algorithm of this URI, which is untrusted. TrustError SIGNATURE_ALGORITHM on any other."""
        for algorithm in SignatureAlgorithm:
            if algorithm.value == uri:
                return algorithm
        raise _refusal(uri, "the signature")

    @staticmethod
    def for_key(public_key: object) -> SignatureAlgorithm:
        """The one algorithm that goes with this key. TrustError SIGNATURE_ALGORITHM if the key is not allowed.

        RSA of 2048 to 8192 bits with an odd exponent of at least 65537, or the curve P-256.
        """
        if isinstance(public_key, rsa.RSAPublicKey):
            _require_rsa(public_key)
            return SignatureAlgorithm.RSA_SHA256
        if isinstance(public_key, ec.EllipticCurvePublicKey):
            if not isinstance(public_key.curve, ec.SECP256R1):
                raise _refusal(public_key.curve.name, "the key")
            return SignatureAlgorithm.ECDSA_P256_SHA256
        raise _refusal(type(public_key).__name__, "the key")

    def verify(self, public_key: object, value: bytes, octets: bytes) -> None:
        """Accept `value` as this algorithm's signature by `public_key` over `octets`, or raise.

        `value` is an XML-DSig SignatureValue. TrustError SIGNATURE_ALGORITHM if the key is of another kind than
        the algorithm or too weak, SIGNATURE_VALUE if the signature does not hold.
        """
        if SignatureAlgorithm.for_key(public_key) is not self:
            raise _refusal(self.uri, "a key of another kind")
        try:
            if isinstance(public_key, rsa.RSAPublicKey):
                public_key.verify(value, octets, padding.PKCS1v15(), hashes.SHA256())
            elif isinstance(public_key, ec.EllipticCurvePublicKey):
                public_key.verify(ecdsa_der(value), octets, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            raise TrustError(Code.SIGNATURE_VALUE) from None


def require_digest(uri: str) -> None:
    """Accept the URI of a digest method: SHA-256. TrustError SIGNATURE_ALGORITHM on any other."""
    if uri not in DIGESTS:
        raise _refusal(uri, "a digest")


def require_canonicalisation(uri: str) -> None:
    """Accept the URI of a canonicalisation: exclusive, without comments. TrustError SIGNATURE_ALGORITHM otherwise."""
    if uri not in CANONICALISATIONS:
        raise _refusal(uri, "canonicalisation")


def require_transform(uri: str) -> None:
    """Accept the URI of a transform that a reference may name. TrustError SIGNATURE_ALGORITHM on any other.

    Which of them fits where is the caller's rule.
    """
    if uri not in TRANSFORMS:
        raise _refusal(uri, "a transform")


def ecdsa_der(value: bytes) -> bytes:
    """The DER form of an ECDSA value r||s of 64 octets. TrustError SIGNATURE_VALUE on any other length or a zero.

    A high s is accepted: both halves of the curve are valid, and widely used signers do not normalise.
    """
    # XML Signature 1.1 §6.4.3
    if len(value) != ECDSA_VALUE_OCTETS:
        raise TrustError(Code.SIGNATURE_VALUE)
    r = int.from_bytes(value[:P256_OCTETS], "big")
    s = int.from_bytes(value[P256_OCTETS:], "big")
    if r == 0 or s == 0:
        raise TrustError(Code.SIGNATURE_VALUE)
    return utils.encode_dss_signature(r, s)


def ecdsa_value(der: bytes) -> bytes:
    """The form r||s of 64 octets, as XML signatures carry it, of our own DER signature."""
    r, s = utils.decode_dss_signature(der)
    return r.to_bytes(P256_OCTETS, "big") + s.to_bytes(P256_OCTETS, "big")


def _require_rsa(public_key: rsa.RSAPublicKey) -> None:
    if not RSA_LEAST_BITS <= public_key.key_size <= RSA_MOST_BITS:
        raise _refusal(f"RSA with {public_key.key_size} bits", "the key")
    exponent = public_key.public_numbers().e  # odd, or the library would not have read the key
    if exponent < RSA_LEAST_EXPONENT or exponent.bit_length() > RSA_MOST_EXPONENT_BITS:
        raise _refusal("RSA with this exponent", "the key")


def _refusal(algorithm: str, what: str) -> TrustError:
    """The error that names what was refused; an untrusted name is told only if it is short and printable."""
    named = algorithm if _SPEAKABLE.fullmatch(algorithm.replace(" ", "")) else "(unreadable)"
    return TrustError(Code.SIGNATURE_ALGORITHM, algorithm=named, what=what)

"""WS-Security message signatures: `Unpacked` becomes `Verified`.

The rule is "see what is signed": the elements that the signature covers must be exactly those that we read, by identity
and at their place in the envelope, and only the verified payload is passed on, in a tree of its own.
WSS: SOAP Message Security 1.1.1; WSS X.509 Token Profile 1.1.1; WSS SwA Profile 1.1.1.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Mapping
from dataclasses import InitVar, dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from lxml import etree

from gateway.crypto.certificates import (
    TrustedCertificate,
    TrustStore,
    Usage,
    keep_verdict,
    verify_certificate,
)
from gateway.crypto.revocation import Revocations
from gateway.crypto.xmldsig import check_value, parse_signature
from gateway.domain.catalogue import Code
from gateway.domain.errors import InternalError
from gateway.protocol.attachments import take_includes
from gateway.protocol.soap import SoapVersion, Unpacked, check_action
from gateway.protocol.wss_coverage import check_digests, read_coverage
from gateway.protocol.wss_header import read_security_header, require_current
from gateway.protocol.wss_sign import secure
from gateway.protocol.wss_tokens import Registered, none_registered, signing_chain
from gateway.xmlcore.namespaces import WSU, XML, tag
from gateway.xmlcore.shape import index_ids, malformed

__all__ = ["Verified", "replay_keys", "secure", "verify"]

SKEW: Final = timedelta(seconds=300)
LIFETIME_MOST: Final = timedelta(minutes=15)
REFERENCES_MOST: Final = 32

_IDS = (tag(WSU, "Id"), tag(XML, "id"), "Id")
_PROOF = object()


@dataclass(frozen=True)
class Verified:
    """A message whose signature held: the only form in which business code sees a message. `verify` makes it."""

    payload: etree._Element  # the root of a tree of its own; every other node of the message is gone
    operation: str  # local name of the payload, with which every stated action agrees
    namespace: str  # of the payload
    version: SoapVersion
    is_mtom: bool  # came by MTOM, so that its sender can read answers by MTOM
    certificate: TrustedCertificate
    request_digest: bytes  # SHA-256 of the canonical SignedInfo
    message_id: str | None  # wsa:MessageID
    to: str | None  # wsa:To: whose address it is was not judged
    created: datetime  # the sender's clock
    expires: datetime
    attachments: Mapping[str, memoryview]  # signed content by Content-ID; views into the message as received
    digests: Mapping[str, bytes]  # SHA-256 of those attachments whose octets are signed as they are
    included: Mapping[
        etree._Element, str
    ]  # payload elements, left empty, whose base64 content is that attachment
    octets: bytes  # the envelope as received, kept as evidence only
    proof: InitVar[object]

    def __post_init__(self, proof: object) -> None:
        if proof is not _PROOF:
            raise InternalError(Code.INTERNAL)


def verify(
    unpacked: Unpacked,
    trust: TrustStore,
    revocations: Revocations,
    at: datetime,
    *,
    skew: timedelta = SKEW,
    lifetime_most: timedelta = LIFETIME_MOST,
    registered: Registered = none_registered,
    usage: Usage = Usage.MESSAGE,
) -> Verified:
    """Return what the signature of a message covers, once shape, time, certificate, value and digests have held.

    `at` is our clock. `registered` finds a certificate that the message only identifies. Shape and coverage are
    judged before any cryptography, and content is digested only under a signature by a trusted certificate.
    TrustError SECURITY_MISSING, ADDRESSING_UNSIGNED, ATTACHMENT_UNSIGNED, TIMESTAMP_OUTSIDE, SIGNATURE_* or
    CERTIFICATE_*; InputError MIME_MALFORMED, SOAP_ACTION_MISMATCH; UnavailableError REVOCATION_UNKNOWN.
    """
    header = read_security_header(unpacked)
    parsed = parse_signature(header.signature, max_references=REFERENCES_MOST)
    if parsed.objects:
        raise malformed("an Object in a message signature")
    ids = index_ids(unpacked.envelope, _IDS)
    coverage = read_coverage(unpacked, header, parsed, ids)
    require_current(header, at, skew=skew, lifetime_most=lifetime_most)
    chain = signing_chain(parsed.key_info, header.token, ids, registered)
    certificate = verify_certificate(chain, usage, trust, revocations, at)
    signed_info = check_value(parsed, certificate.certificate)
    digests = check_digests(unpacked, coverage)
    keep_verdict(certificate)
    operation = check_action(unpacked)
    payload = copy.deepcopy(unpacked.payload)
    contents = {
        name: unpacked.parts[name].content for name in unpacked.parts if name not in header.token_part
    }
    return Verified(
        payload=payload,
        operation=operation,
        namespace=etree.QName(payload).namespace or "",
        version=unpacked.version,
        is_mtom=unpacked.is_mtom,
        certificate=certificate,
        request_digest=hashlib.sha256(signed_info).digest(),
        message_id=unpacked.addressing_value("MessageID"),
        to=unpacked.addressing_value("To"),
        created=header.created,
        expires=header.expires,
        attachments=MappingProxyType(contents),
        digests=MappingProxyType(digests),
        included=MappingProxyType(take_includes(payload, coverage.includes)),
        octets=unpacked.octets,
        proof=_PROOF,
    )


def replay_keys(verified: Verified) -> tuple[bytes, ...]:
    """Return the keys, 32 octets each, under which a message was received before if it is a replay.

    One for the certificate's key with the digest of SignedInfo - never for the signature value, of which ECDSA has
    two - and one for the key with wsa:MessageID, where there is one. The key, because the message may be sent again
    with another certificate of the same key: which one is named need not be signed.
    """
    public_key = verified.certificate.certificate.public_key
    owner = hashlib.sha256(public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
    keys = [hashlib.sha256(b"bropost/replay/signed-info/1\x00" + owner + verified.request_digest)]
    if verified.message_id is not None:
        keys.append(hashlib.sha256(b"bropost/replay/message-id/1\x00" + owner + verified.message_id.encode()))
    return tuple(key.digest() for key in keys)

"""Our own messages, signed so that the usual stacks accept them: one token, one Timestamp, one Signature.

Everything is written in its canonical form at once, so that each element is canonicalised once, to be digested and to
be sent.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from lxml import etree

from gateway.crypto.algorithms import ATTACHMENT_CONTENT, EXCLUSIVE_C14N
from gateway.crypto.keys import SigningKey
from gateway.crypto.xmldsig_values import NewReference, Transform
from gateway.crypto.xmldsig_writer import to_base64, write_signature
from gateway.domain.catalogue import Code
from gateway.domain.errors import InternalError
from gateway.protocol.attachments import canonical_pieces, digest_content, digest_pieces, find_includes
from gateway.protocol.mime import NewPart, cid_uri
from gateway.protocol.soap import SoapVersion
from gateway.protocol.wss_tokens import BASE64, X509_V3
from gateway.xmlcore.c14n import exclusive
from gateway.xmlcore.namespaces import WSSE, WSU, tag

LIFETIME: Final = timedelta(minutes=5)

_ID = tag(WSU, "Id")
_CANONICAL = (Transform(EXCLUSIVE_C14N),)
_ATTACHMENT = (Transform(ATTACHMENT_CONTENT),)


def secure(
    envelope: etree._Element,
    key: SigningKey,
    at: datetime,
    *,
    lifetime: timedelta = LIFETIME,
    attachments: Sequence[NewPart] = (),
) -> bytes:
    """Return the octets of `envelope`, signed over Body, a Timestamp, every header block and the attachments.

    `envelope` is one that `soap.envelope` made. An attachment that an xop:Include in Body names is signed as its base64
    (send it with MTOM), any other as an SwA part. `at` is our clock. InternalError if there is no Header and Body.
    """
    version = SoapVersion(etree.QName(envelope).namespace)
    if [child.tag for child in envelope] != [version.tag("Header"), version.tag("Body")]:
        raise InternalError(Code.INTERNAL)
    header, body = envelope
    name = secrets.token_hex(8)  # makes ids that no document in the Body can hold
    timestamp = _timestamp(at, lifetime, f"timestamp-{name}")
    references = [_reference(f"#timestamp-{name}", timestamp)]
    blocks = b""
    for number, block in enumerate(header):
        block.set(_ID, f"header-{number}-{name}")
        octets = exclusive(block)
        references.append(_reference(f"#header-{number}-{name}", octets))
        blocks += octets
    body.set(_ID, f"body-{name}")
    contents = {part.content_id: part.content for part in attachments}
    includes = find_includes(body, contents)
    pieces = canonical_pieces(body, includes)
    references.append(NewReference(f"#body-{name}", _CANONICAL, digest_pieces(pieces, includes, contents)))
    inline = {include.content_id for include in includes}
    references += [_attachment(part) for part in attachments if part.content_id not in inline]
    signature = write_signature(references, key, key_info=_key_info(f"token-{name}"))
    security = _security(_token(key, f"token-{name}") + timestamp + signature.encode())
    sent_body = pieces[0] + b"".join(
        exclusive(include.element) + piece for include, piece in zip(includes, pieces[1:], strict=True)
    )
    start = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<soap:Envelope xmlns:soap="{version.value}"><soap:Header>'
    )
    return b"".join((start.encode(), security, blocks, b"</soap:Header>", sent_body, b"</soap:Envelope>"))


def _reference(uri: str, octets: bytes) -> NewReference:
    return NewReference(uri, _CANONICAL, hashlib.sha256(octets).digest())


def _attachment(part: NewPart) -> NewReference:
    return NewReference(cid_uri(part.content_id), _ATTACHMENT, digest_content(part.media_type, part.content))


def _timestamp(at: datetime, lifetime: timedelta, element_id: str) -> bytes:
    """Return a Timestamp in canonical form, in milliseconds as all stacks read them."""
    created, expires = (
        time.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
        for time in (at, at + lifetime)
    )
    return (
        f'<wsu:Timestamp xmlns:wsu="{WSU}" wsu:Id="{element_id}"><wsu:Created>{created}</wsu:Created>'
        f"<wsu:Expires>{expires}</wsu:Expires></wsu:Timestamp>"
    ).encode()


def _token(key: SigningKey, element_id: str) -> bytes:
    """Return the BinarySecurityToken of the key's own certificate."""
    return (
        f'<wsse:BinarySecurityToken xmlns:wsu="{WSU}" EncodingType="{BASE64}" ValueType="{X509_V3}" '
        f'wsu:Id="{element_id}">{to_base64(key.chain[0].der)}</wsse:BinarySecurityToken>'
    ).encode()


def _key_info(token_id: str) -> str:
    return (
        f'<ds:KeyInfo><wsse:SecurityTokenReference><wsse:Reference URI="#{token_id}" ValueType="{X509_V3}">'
        "</wsse:Reference></wsse:SecurityTokenReference></ds:KeyInfo>"
    )


def _security(content: bytes) -> bytes:
    start = f'<wsse:Security xmlns:wsse="{WSSE}" soap:mustUnderstand="1">'
    return start.encode() + content + b"</wsse:Security>"

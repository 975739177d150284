"""The security header of a message, taken apart exactly: a token, a Timestamp, a Signature, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import pybase64
from lxml import etree

from gateway.crypto.xmldsig import SIGNATURE
from gateway.domain.catalogue import Code
from gateway.domain.errors import TrustError
from gateway.protocol.attachments import find_includes
from gateway.protocol.mime import Part
from gateway.protocol.soap import Unpacked, elements
from gateway.protocol.wss_tokens import TOKEN
from gateway.xmlcore.namespaces import WSU, tag
from gateway.xmlcore.shape import ID_ATTRIBUTES, children, malformed, text

TIMESTAMP: Final = tag(WSU, "Timestamp")

_TOKEN_OCTETS_MOST = 65_536  # four times the longest chain that fits in a signature's KeyInfo

_TIME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?(?:Z|\+00:00)")


@dataclass(frozen=True)
class SecurityHeader:
    """The three things that a security header may hold. Untrusted."""

    token: etree._Element | None
    timestamp: etree._Element
    created: datetime  # the sender's clock
    expires: datetime
    signature: etree._Element
    token_part: tuple[str, ...] = ()  # Content-ID of the part that held the token, if one did


def read_security_header(unpacked: Unpacked) -> SecurityHeader:
    """Return the parts of the security header, which may stand in any order, each at most once.

    A token that travels as a part is put in its place. TrustError SECURITY_MISSING without Timestamp or Signature,
    SIGNATURE_SHAPE if there is anything else.
    """
    if unpacked.security is None:
        raise TrustError(Code.SECURITY_MISSING)
    found: dict[str, etree._Element] = {}
    for child in elements(unpacked.security):
        name = str(child.tag)
        if name in found or name not in (TOKEN, TIMESTAMP, SIGNATURE):
            raise malformed("the security header")
        found[name] = child
    timestamp, signature = found.get(TIMESTAMP), found.get(SIGNATURE)
    if timestamp is None or signature is None:
        raise TrustError(Code.SECURITY_MISSING)
    created, expires = _timestamp(timestamp)
    token = found.get(TOKEN)
    part = _put_in_place(token, unpacked.security, unpacked.parts)
    return SecurityHeader(token, timestamp, created, expires, signature, part)


def _put_in_place(
    token: etree._Element | None, security: etree._Element, parts: Mapping[str, Part]
) -> tuple[str, ...]:
    """Put a token that is an xop:Include, as CXF sends it with MTOM, where it belongs: as base64. XOP §3.2."""
    includes = find_includes(security, parts)
    for include in includes:
        part = parts[include.content_id]
        if include.holder is not token or len(part.content) > _TOKEN_OCTETS_MOST:
            raise malformed("an xop:Include in the security header")
        include.holder.remove(include.element)
        include.holder.text = pybase64.b64encode_as_string(part.content)
    return tuple(include.content_id for include in includes)


def _timestamp(element: etree._Element) -> tuple[datetime, datetime]:
    """Return Created and Expires. WSS: SOAP Message Security §10."""
    parts = children(element, attributes=ID_ATTRIBUTES)
    if [part.tag for part in parts] != [tag(WSU, "Created"), tag(WSU, "Expires")]:
        raise malformed("Timestamp")
    return _time(parts[0]), _time(parts[1])


def _time(element: etree._Element) -> datetime:
    """Return a UTC time with up to nine fraction digits, of which six count."""
    matched = _TIME.fullmatch(text(element, attributes=ID_ATTRIBUTES))
    if matched is None:
        raise malformed("Timestamp")
    try:
        whole = datetime.fromisoformat(matched[1])
    except ValueError:
        raise malformed("Timestamp") from None
    return whole.replace(microsecond=int((matched[2] or "")[:6].ljust(6, "0")), tzinfo=UTC)


def require_current(
    header: SecurityHeader, at: datetime, *, skew: timedelta, lifetime_most: timedelta
) -> None:
    """Refuse a message from the future, an expired one, and one that lives too long. TrustError TIMESTAMP_OUTSIDE.

    `at` is our clock, from which the sender's may differ by `skew`.
    """
    created, expires = header.created, header.expires
    is_short = timedelta(0) < expires - created <= lifetime_most
    if not is_short or created > at + skew or expires <= at - skew:
        raise TrustError(Code.TIMESTAMP_OUTSIDE)

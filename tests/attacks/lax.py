"""What a careless hand would have written in the place of a guard: it refuses nothing, and gives back something of use.

A guard that gives a value cannot be turned off by leaving out its refusals, for whoever waits for the value would
only stumble. So for these there is a stand-in that gives the value a lax reader would.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pybase64
from lxml import etree
from sqlalchemy import Connection

from gateway.crypto import xades_properties
from gateway.crypto.algorithms import SignatureAlgorithm
from gateway.crypto.certificate import Certificate
from gateway.crypto.trust import TrustStore
from gateway.domain.operations import RegisterReadRequest
from gateway.domain.party import Role, System
from gateway.interfaces.asgi import Front
from gateway.protocol import wss_header, wss_tokens
from gateway.protocol.attachments import find_includes
from gateway.protocol.mime import Part
from gateway.protocol.wss import Verified
from gateway.storage import systems
from gateway.xmlcore.octets import Limits
from gateway.xmlcore.shape import ID_ATTRIBUTES, text
from tests.pki import development_pki

SYSTEM: Final = "eksempelby-esdh"


def _one_algorithm(_uri: str) -> SignatureAlgorithm:
    """Whatever is named, RSA with SHA-256 is meant."""
    return SignatureAlgorithm.RSA_SHA256


def _some_certificate(der: bytes) -> Certificate:
    """What cannot be read is the certificate that comes every day."""
    known = {holder.certificate.der: holder.certificate for holder in development_pki().holders.values()}
    return known.get(der, development_pki().certificate(SYSTEM))


def _believed_path(
    chain: tuple[Certificate, ...], trust: TrustStore, _at: datetime
) -> tuple[Certificate, ...]:
    """Who is sent was issued by the authority that we know."""
    return (chain[0], trust.intermediates[0], trust.roots[0])


def _in_any_order(element: etree._Element, _what: str, *names: str) -> list[etree._Element]:
    """The children of these names, whatever stands beside them; in place of a missing one, the first."""
    tags = [xades_properties._NAMES[name] for name in names]
    return [next((child for child in element if child.tag == wanted), element[0]) for wanted in tags]


def _any_part(_uri: str, content_ids: Mapping[str, object]) -> str:
    """There is but one part that can be meant."""
    return next(iter(content_ids))


def _midnight(fields: Any, _parts: object) -> RegisterReadRequest:  # noqa: ANN401  a room's own value
    """24:00 is the first minute of the same day."""
    said = (fields.collapsed("ReadAt") or "").replace("T24:", "T00:")
    return RegisterReadRequest(
        fields.on_behalf_of,
        fields.document_id,
        Role(fields.text("ReaderRole")),
        fields.optional("ReaderName"),
        datetime.fromisoformat(said).astimezone(UTC),
    )


def _anywhere(_token: object, security: etree._Element, parts: Mapping[str, Part]) -> tuple[str, ...]:
    """An include in the security header is put in its place, wherever that is."""
    includes = find_includes(security, parts)
    for include in includes:
        include.holder.remove(include.element)
        include.holder.text = pybase64.b64encode_as_string(parts[include.content_id].content)
    return tuple(include.content_id for include in includes)


def _some_time(element: etree._Element) -> datetime:
    """The numbers that are there, in UTC; a month has 28 days at least."""
    said = re.findall(r"\d+", text(element, attributes=ID_ATTRIBUTES))
    year, month, day, hour, minute, second = (int(number) for number in said[:6])
    return datetime(year, month, min(day, 28), hour, minute, second, tzinfo=UTC)


def _five_minutes(element: etree._Element) -> tuple[datetime, datetime]:
    """What does not say when it ends lives for five minutes."""
    created = wss_header._time(element[0])
    return created, created + timedelta(minutes=5)


def _known_to_us(*_arguments: object) -> tuple[Certificate, ...]:
    """Who is identified by something is the one who comes every day."""
    return development_pki().chain(SYSTEM)


def _any_length(octets: bytes, at: int) -> tuple[int, int]:
    """A length of any form; without one, all that follows."""
    if octets[at + 1] == 0x80:
        return at + 2, len(octets)
    if octets[at + 1] < 0x80:
        return at + 2, at + 2 + octets[at + 1]
    start = at + 2 + octets[at + 1] - 0x80
    return start, start + int.from_bytes(octets[at + 2 : start], "big")


def _the_token(_key_info: object, token: etree._Element | None, *_more: object) -> tuple[Certificate, ...]:
    """Whatever KeyInfo says, the token beside it is meant."""
    assert token is not None
    return wss_tokens.token_chain(token)


def _everyday_system(connection: Connection, _verified: Verified, at: datetime) -> System:
    """Whoever signed it, it is the system that comes every day."""
    found = systems.find_system_by_certificate(
        connection, development_pki().certificate(SYSTEM).fingerprint, at
    )
    assert found is not None
    return found


async def _whole(
    _front: Front, receive: Callable[[], Awaitable[dict[str, Any]]], *_more: object
) -> bytes | None:
    """All that comes, however much and however long; who stands still for two seconds has gone away."""
    received = bytearray()
    while True:
        try:
            event = await asyncio.wait_for(receive(), 2)
        except TimeoutError:
            return None
        if event["type"] == "http.disconnect":
            return None
        received += event.get("body", b"")
        if not event.get("more_body", False):
            return bytes(received)


def _mended(octets: bytes, _limits: Limits) -> etree._Element:
    """What a parser makes of it that mends what it can."""
    parser: etree.XMLParser[etree._Element] = etree.XMLParser(
        encoding="utf-8", recover=True, huge_tree=True, resolve_entities=False, no_network=True
    )
    return etree.fromstring(octets, parser)


LAX: Final[Mapping[str, Callable[..., object]]] = {
    "crypto.algorithms:SignatureAlgorithm.from_uri": _one_algorithm,
    "crypto.certificate:Certificate.from_der": _some_certificate,
    "crypto.trust:find_path": _believed_path,
    "crypto.xades_properties:_exactly": _in_any_order,
    "interfaces.asgi:Front._read": _whole,
    "protocol.attachments:named_part": _any_part,
    "protocol.service_requests:_register_read": _midnight,
    "protocol.wss_header:_put_in_place": _anywhere,
    "protocol.wss_header:_time": _some_time,
    "protocol.wss_header:_timestamp": _five_minutes,
    "protocol.wss_tokens:_known": _known_to_us,
    "protocol.wss_tokens:_sequence": _any_length,
    "protocol.wss_tokens:signing_chain": _the_token,
    "services.access:identify": _everyday_system,
    "xmlcore.parse:_tree": _mended,
}

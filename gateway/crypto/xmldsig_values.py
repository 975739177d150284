"""XML Signature as values: what a received signature says, and what a new one is to cover."""

from __future__ import annotations

from dataclasses import dataclass, field

from lxml import etree

from gateway.crypto.algorithms import SignatureAlgorithm


@dataclass(frozen=True)
class Transform:
    """A step between the data and its digest; the prefixes are those of exclusive canonicalisation's list."""

    algorithm: str
    inclusive_prefixes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reference:
    """What the signature says it covers, as received: its shape and algorithms hold, its digest is not checked."""

    uri: str  # "", "#" and an id, or "cid:" and a Content-ID
    type: str | None
    id: str | None
    transforms: tuple[Transform, ...]
    digest: bytes = field(repr=False)  # 32 octets


@dataclass(frozen=True)
class ParsedSignature:
    """A signature whose shape and algorithms hold; neither digests nor value are checked."""

    element: etree._Element
    signed_info: etree._Element
    algorithm: SignatureAlgorithm
    references: tuple[Reference, ...]
    value: bytes = field(repr=False)
    key_info: etree._Element
    objects: tuple[etree._Element, ...]
    inclusive_prefixes: tuple[str, ...]  # of SignedInfo's canonicalisation


@dataclass(frozen=True)
class NewReference:
    """What a signature to be made covers; `digest` is SHA-256 over the data after its transforms."""

    uri: str
    transforms: tuple[Transform, ...]
    digest: bytes = field(repr=False)
    type: str | None = None
    id: str | None = None

"""What the demonstration makes sure of itself: evidence against the documents it speaks of, and timelines."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lxml import etree

from demo import content_signature
from demo.case_system import Typed
from demo.documents import content_digest
from demo.transcript import Broken

EVIDENCE: Final = "urn:dk:bropost:evidence:1"


@dataclass(frozen=True)
class Evidence:
    """Evidence whose seal was verified, with what it states."""

    octets: bytes
    statement: etree._Element

    def text(self, name: str) -> str:
        """The text of one of its elements, "" if it has none."""
        return self.statement.findtext(f"{{{EVIDENCE}}}{name}") or ""

    def digest(self, name: str) -> bytes:
        """A digest that it states, b"" if it does not."""
        return base64.b64decode(self.text(name))

    @property
    def event(self) -> str:
        """The event that it states."""
        return self.text("Event")


def read_evidence(octets: bytes, seal: Path) -> Evidence:
    """Return what evidence states, if it carries the gateway's pinned seal. Broken if not."""
    statement = content_signature.verify(octets, seal)
    if statement.tag != f"{{{EVIDENCE}}}Evidence":
        raise Broken(f"the seal covers a {etree.QName(statement).localname} and no evidence")
    return Evidence(octets, statement)


def require_about(evidence: Evidence, sealed: bytes) -> None:
    """Broken unless the evidence names exactly this sealed document, by its id and by both digests."""
    document = etree.fromstring(sealed)
    wanted = {
        "DocumentId": document.findtext("{*}Header/{*}DocumentId"),
        "ConversationId": document.findtext("{*}Header/{*}ConversationId"),
        "ContentDigest": content_digest(document),
        "SealedDigest": hashlib.sha256(sealed).digest(),
    }
    for name, value in wanted.items():
        found = evidence.digest(name) if isinstance(value, bytes) else evidence.text(name)
        if found != value:
            raise Broken(f"the {name} of {evidence.event} is not that of the document")


def require_chain(chain: Sequence[Evidence]) -> None:
    """Broken unless all evidence of a document but its acceptance leads back to the acceptance."""
    acceptance = chain[0]
    if acceptance.event != "SubmissionAcceptance":
        raise Broken(f"the first evidence is {acceptance.event} and no acceptance")
    for later in chain[1:]:
        if later.text("PreviousEvidence") != acceptance.text("EvidenceIdentifier"):
            raise Broken(f"{later.event} does not lead back to the acceptance")


def require_same_octets(what: str, found: bytes, wanted: bytes) -> None:
    """Broken unless both are equal, octet for octet; says where they part."""
    if found != wanted:
        pairs = enumerate(zip(found, wanted, strict=False))
        place = next((at for at, (one, other) in pairs if one != other), min(len(found), len(wanted)))
        raise Broken(f"{what}: {len(found)} and {len(wanted)} octets, other from octet {place} on")


def timeline(events: Sequence[Typed]) -> list[str]:
    """Return the kinds of the events with what each rests on, in their order."""
    return [f"{event.Kind} ({event.Basis})" for event in events]

"""What all chapters of the story share: who plays, what they trust, and who tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from demo import parties
from demo.case_system import CaseSystem, Typed
from demo.installation import Installation
from demo.message_signature import MessageSignature
from demo.parties import MUNICIPALITY, SCHOOL, Party
from demo.terminal import Teller


@dataclass(frozen=True)
class Stage:
    """A running installation with both case systems connected to it."""

    teller: Teller
    installation: Installation
    municipality: CaseSystem
    school: CaseSystem

    @property
    def gateway_seal(self) -> Path:
        """The certificate that seals evidence, as both parties pinned it."""
        return self.installation.chain(parties.GATEWAY_SEAL)

    def seal_of(self, party: Party) -> Path:
        """The certificate of a party's content signature, as the other one pinned it."""
        names = {MUNICIPALITY: parties.MUNICIPALITY_SEAL, SCHOOL: parties.SCHOOL_SEAL}
        return self.installation.chain(names[party])


@dataclass(frozen=True)
class Sent:
    """A document that the gateway accepted."""

    label: str  # "letter", "notice" or "answer"
    kind: str
    sender: CaseSystem
    recipient: CaseSystem
    document_id: str
    conversation_id: str
    content_digest: bytes  # as the sender computed it
    attachments: tuple[bytes, ...]
    acceptance: bytes  # the exact octets of the evidence
    sealed: bytes | None  # the exact octets, where the sender sealed them itself
    request: Mapping[str, Typed]  # the arguments of the request, to send it again


def connect(installation: Installation, teller: Teller) -> Stage:
    """Connect both case systems; each reads its WSDL over HTTPS. The school's speaks SOAP 1.2."""
    return Stage(
        teller,
        installation,
        _system(
            installation, "ESDH", MUNICIPALITY, parties.VENDOR_SYSTEM, "municipality", "MunicipalitySoap11"
        ),
        _system(installation, "SIS", SCHOOL, parties.SCHOOL_SYSTEM, "institution", "InstitutionSoap12"),
    )


def _system(
    installation: Installation, name: str, party: Party, holder: str, service: str, port: str
) -> CaseSystem:
    gateway = installation.chain(parties.GATEWAY_MESSAGE)
    signature = MessageSignature(installation.key(holder), installation.chain(holder), gateway)
    address = installation.services[service]
    return CaseSystem(name, party, address, port, signature, installation.authorities)

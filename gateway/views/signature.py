"""What is said to people of a document's content signature."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, unique

from gateway.domain.identifiers import Cvr
from gateway.views.danish import time_in_words, visible


@unique
class Seal(Enum):
    """How the content signature of a document stands."""

    ABSENT = "ABSENT"  # the document is not signed
    UNJUDGED = "UNJUDGED"  # signed, but whom to trust is not known, or no revocation list tells of that time
    HOLDS = "HOLDS"
    BROKEN = "BROKEN"


@dataclass(frozen=True)
class SignatureVerdict:
    """The judgement on a content signature: for which time, whose it is, or why it does not hold."""

    seal: Seal
    at: datetime | None = None  # the time it was judged for, UTC
    signer: str = ""  # the organisation of the certificate
    cvr: Cvr | None = None  # of the certificate
    is_kept: bool = (
        False  # judged with what this installation kept at acceptance; else for the signer's own time
    )
    reason: str = ""  # in Danish, where it does not hold or cannot be judged

    @property
    def danish(self) -> str:
        """One sentence or two, in Danish."""
        when = time_in_words(self.at) if self.at else ""
        match self.seal:
            case Seal.ABSENT:
                return "Dokumentet er ikke signeret."
            case Seal.UNJUDGED:
                return f"Indholdssignaturen er ikke kontrolleret. {self.reason}"
            case Seal.BROKEN:
                return f"INDHOLDSSIGNATUREN HOLDER IKKE. {self.reason}"
            case Seal.HOLDS:
                clock = (
                    f"Kontrolleret for det tidspunkt, da Bropost modtog dokumentet: {when}."
                    if self.is_kept
                    else f"Kontrolleret for det tidspunkt, underskriveren selv angiver: {when}."
                )
                return f"Indholdssignaturen holder: {visible(self.signer)}, CVR {self.cvr}. {clock}"

"""Who takes part in the demonstration: a municipality and a school, both fictional, and their systems."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Party:
    """A party with its CVR number and its unit; `unit_name` is the element that holds the unit in messages."""

    name: str
    cvr: str
    unit: str
    unit_name: str

    @property
    def id(self) -> str:
        """The party as commands name it."""
        return f"{self.cvr}-{self.unit}"

    @property
    def reference(self) -> Mapping[str, str]:
        """The party as messages name it."""
        return {"Cvr": self.cvr, self.unit_name: self.unit}


MUNICIPALITY: Final = Party("Eksempelby Kommune", "11111111", "0999", "MunicipalityCode")
SCHOOL: Final = Party("Prøveby Erhvervsskole", "22222222", "999001", "InstitutionNumber")

# Names of holders in the development PKI.
VENDOR_SYSTEM: Final = "leverandoer-esdh"  # the vendor's own CVR number: acts for the municipality by mandate
SCHOOL_SYSTEM: Final = "proeveby-sis"  # the school's own CVR number: needs no mandate
MUNICIPALITY_SEAL: Final = "eksempelby-kommune"  # the gateway seals with it, as the municipality decided
SCHOOL_SEAL: Final = (
    "proeveby-erhvervsskole"  # the school's system seals with it, the gateway never sees the key
)
GATEWAY_SEAL: Final = "gateway-seal"
GATEWAY_MESSAGE: Final = "gateway-message"

"""Identifiers as values: each is checked when it is made, so a value of the type is always well-formed.

Shapes: `Uuid4` and the others mirror the simple types of `xsd/document/types.xsd`. They hold text exactly as it
stands in documents, because equal identifiers must be equal bytes.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

_UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_CVR = re.compile(r"[0-9]{8}")
_MUNICIPALITY = re.compile(r"0[0-9]{3}")
_INSTITUTION = re.compile(r"[0-9A-Z]{6}")


@dataclass(frozen=True, order=True)
class Uuid4:
    """A random UUID in lower case, RFC 9562 §5.4."""

    text: str

    def __post_init__(self) -> None:
        _require(_UUID4, self.text, "UUID version 4 in lower case")

    def __str__(self) -> str:
        return self.text

    @staticmethod
    def new() -> Uuid4:
        """A fresh identifier from the system's random source."""
        octets = bytearray(secrets.token_bytes(16))
        octets[6] = octets[6] & 0x0F | 0x40  # version 4
        octets[8] = octets[8] & 0x3F | 0x80  # variant of RFC 9562 §4.1
        digits = octets.hex()
        return Uuid4(f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}")


@dataclass(frozen=True, order=True)
class Cvr:
    """A CVR number: eight digits that name an organisation in the Danish business register."""

    text: str

    def __post_init__(self) -> None:
        _require(_CVR, self.text, "CVR number of eight digits")

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, order=True)
class PartyId:
    """Who a party is: a CVR number and a unit, since one CVR may hold a municipality and several schools.

    `unit` is a municipality code (four digits that begin with 0) or an institution number (six characters).
    """

    cvr: Cvr
    unit: str

    def __post_init__(self) -> None:
        if not (_MUNICIPALITY.fullmatch(self.unit) or _INSTITUTION.fullmatch(self.unit)):
            raise ValueError(
                "a unit is a municipality code (0nnn) or an institution number of six characters"
            )

    @property
    def is_municipality(self) -> bool:
        """Whether the party is a municipality; otherwise it is an institution."""
        return len(self.unit) == 4

    def __str__(self) -> str:
        return f"{self.cvr}-{self.unit}"

    @staticmethod
    def parse(text: str) -> PartyId:
        """Read the form that `str` gives, e.g. "11111111-0999". ValueError on anything else."""
        cvr, _, unit = text.partition("-")
        return PartyId(Cvr(cvr), unit)


def _require(pattern: re.Pattern[str], text: str, what: str) -> None:
    if not pattern.fullmatch(text):
        raise ValueError(f"not a {what}")

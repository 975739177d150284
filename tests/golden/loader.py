"""The golden files by name: documents, evidence, messages of the services, attachments and test registers.

A name without a folder is a document's: `golden("education-order-letter")`, `golden("evidence/Withdrawal")`,
`golden("service/SendLetter")`, `golden("signatures/unsigned-properties")`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent
MUNICIPALITIES: Final = FOLDER / "codes" / "municipalities.toml"
INSTITUTIONS: Final = FOLDER / "codes" / "institutions.toml"


def golden(name: str) -> bytes:
    """The octets of this golden file, exactly as they lie on disk. LookupError where there is none."""
    path = FOLDER / f"{_full(name)}.xml"
    if not path.is_file():
        raise LookupError(f"no golden file is called {name}")
    return path.read_bytes()


def names(folder: str) -> tuple[str, ...]:
    """The names of the golden files of "documents", "evidence" or "service", in order."""
    found = sorted(path.stem for path in (FOLDER / folder).glob("*.xml"))
    return tuple(found if folder == "documents" else [f"{folder}/{name}" for name in found])


def attachment(file_name: str) -> bytes:
    """The octets of a file that golden documents list as an attachment, e.g. "skema.pdf"."""
    return (FOLDER / "attachments" / file_name).read_bytes()


def _full(name: str) -> str:
    return name if "/" in name else f"documents/{name}"

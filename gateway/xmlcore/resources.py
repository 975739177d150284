"""Where the packaged schemas, WSDLs and code lists lie, and their octets.

In an installed wheel they lie inside the package (`gateway/xsd`), in a checkout beside it (`xsd`). Standard schemas
are not copied: they come from the installed package xmlschema, under names that begin with `standard/`. These files
are ours and trusted; this is the one place below the storage floor that reads files.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

DOCUMENT_SCHEMA: Final = "document/document.xsd"
EVIDENCE_SCHEMA: Final = "evidence/evidence.xsd"
SERVICE_SCHEMA: Final = "service/service.xsd"
SIGNATURE_SCHEMA: Final = "standard/xmldsig-core-schema.xsd"  # XML Signature 1.0, namespace xmldsig#

_STANDARD: Final = {SIGNATURE_SCHEMA: "schemas/DSIG/xmldsig-core-schema.xsd"}  # inside the package xmlschema
_SUFFIXES: Final = frozenset({".xsd", ".wsdl", ".toml"})


@cache
def folder() -> Path:
    """The folder that holds `document/`, `evidence/`, `service/` and `codes/`."""
    package = Path(__file__).parent.parent
    installed = package / "xsd"
    return installed if installed.is_dir() else package.parent / "xsd"


@cache
def names() -> frozenset[str]:
    """The names of all packaged files: paths below the folder with "/", and the standard schemas."""
    own = (path for path in folder().rglob("*") if path.suffix in _SUFFIXES)
    return frozenset({path.relative_to(folder()).as_posix() for path in own} | set(_STANDARD))


@cache
def read(name: str) -> bytes:
    """The octets of the packaged file of this name. LookupError on any other name, whoever asks for it."""
    if name not in names():
        raise LookupError("no packaged file has this name")
    if name in _STANDARD:
        return (_xmlschema_package() / _STANDARD[name]).read_bytes()
    return (folder() / name).read_bytes()


def _xmlschema_package() -> Path:
    """Where xmlschema is installed; found without importing it, which would cost a fifth of a second."""
    spec = find_spec("xmlschema")
    if spec is None or spec.origin is None:
        raise LookupError("the package xmlschema is not installed")
    return Path(spec.origin).parent

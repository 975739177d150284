"""The commands in the pages for vendors run as they stand there, in a fresh copy of the repository.

Not run here: what stands within a line and needs files or an answer of the reader's own (`openssl pkcs12`, which
asks for a password), and the Python sample of the first page, which `tests/house/test_client_page.py` runs.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path
from typing import Final

import pytest
from lxml import etree

from demo import documents
from tests.interop.conftest import Gateway
from tests.interop.exchange import SEALERS
from tests.interop.stacks import ROOT, SAMPLES, Told, run, told_in

_BLOCK: Final = re.compile(r"^```sh\n(.*?)^```", re.DOTALL | re.MULTILINE)
_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")  # Maven writes them even where it says nothing
_MOST_SECONDS: Final = 600  # Maven and npm, each from the beginning
PAGES: Final = sorted(SAMPLES.glob("*/README.md"))


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The repository as somebody has it who has built nothing."""
    built = shutil.ignore_patterns("target", "node_modules", "__pycache__")
    shutil.copytree(SAMPLES, tmp_path / "docs" / "clients", ignore=built)
    for name in ("demo", "gateway", "tests", "xsd", ".venv"):
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


def run_blocks(page: Path, copy: Path, clients: Path) -> Told:
    """Run every block of shell commands of a page, and give what they told."""
    blocks = _BLOCK.findall(page.read_text("utf-8"))
    assert blocks
    environment = {
        "CLIENTS": str(clients),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONUTF8": "1",
        "NODE_OPTIONS": "--no-deprecation",
    }
    text = "".join(
        run(["bash", "-euc", block], cwd=copy, environment=environment, most=_MOST_SECONDS)
        for block in blocks
    )
    return told_in(_COLOUR.sub("", text))


def test_every_stack_has_a_page_whose_commands_are_run() -> None:
    assert [page.parent.name for page in PAGES] == ["cxf", "dotnet", "node", "zeep"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.name)
def test_the_commands_of_a_page_send_and_receive_in_both_roles(
    page: Path, copy: Path, gateway: Gateway
) -> None:
    clients = gateway.files.folder
    gateway.files.write_letter()
    gateway.files.write_notice()
    notice = (clients / "notice.xml").read_bytes()
    ids = [
        documents.text_of(etree.parse(clients / name).getroot(), "Header/DocumentId")
        for name in ("letter.xml", "notice.xml")
    ]

    told = run_blocks(page, copy, clients)

    assert told["Echo"]
    assert [value for fact, value in told.facts if fact == "State"] == ["ACCEPTED", "ACCEPTED"]
    assert told["Read"] == "READ"
    for each, sealer in zip(ids, SEALERS.values(), strict=True):
        stored = clients / f"{each}.xml"
        assert stored.exists()
        assert ("SealedBy", sealer) in told.facts
    assert (clients / f"{ids[1]}.xml").read_bytes() == notice
    assert told.facts[-1] == ("SealedBy", "Prøveby Erhvervsskole - segl")


def test_the_commands_of_the_first_page_write_the_schemas(copy: Path, tmp_path: Path) -> None:
    run_blocks(SAMPLES / "README.md", copy, tmp_path)

    written = copy / "bropost-schemas"
    for wsdl in ("municipality", "institution"):
        assert "https://HOST/" in (written / "service" / f"{wsdl}.wsdl").read_text("utf-8")
    assert (written / "document" / "document.xsd").exists()

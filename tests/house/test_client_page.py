"""The sample on the page for vendors runs as it stands, against a gateway that serves HTTPS on this machine."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from pathlib import Path

import pytest
import uvicorn

from gateway import app
from gateway.cli import pki as commands
from gateway.crypto.development_pki import files
from gateway.domain.kinds import DocumentKind
from gateway.domain.party import Party
from gateway.interfaces.turns import Turns
from gateway.services import parties
from gateway.settings import Settings, load_settings
from tests.installation import CODES, INSTITUTION, MUNICIPALITY, NAMES
from tests.pki import development_pki

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "clients" / "README.md"
_SAMPLE = re.compile(r"^```python checked\n(.*?)^```", re.DOTALL | re.MULTILINE)
_START_SECONDS = 20


@pytest.fixture
def listener() -> Generator[socket.socket]:
    """A socket on a port of its own."""
    with socket.create_server(("127.0.0.1", 0)) as bound:
        yield bound


@pytest.fixture
def settings(tmp_path: Path, listener: socket.socket) -> Settings:
    """Settings of an installation whose PKI lies in the folder `pki`, as the page says."""
    folder = tmp_path / "pki"
    folder.mkdir()
    for name, octets in files(development_pki()).items():
        (folder / name).write_bytes(octets)
        (folder / name).chmod(0o600)
    registers = CODES / "municipalities.toml", CODES / "institutions.toml"
    commands.init(tmp_path / "gateway", folder, listener.getsockname()[1], *registers)
    return load_settings(tmp_path / "gateway" / "bropost.toml")


@pytest.fixture
def port(settings: Settings, listener: socket.socket) -> Generator[int]:
    """The port of a gateway that serves, with both parties and the municipality's system registered."""
    installation = app.open_installation(settings)
    for party in (MUNICIPALITY, INSTITUTION):
        parties.register_party(installation, Party(party, NAMES[party], frozenset(DocumentKind)))
    seal = development_pki().holders["eksempelby-kommune"]
    parties.add_seal_key(installation, MUNICIPALITY, seal.key_pem, seal.chain_pem)
    system = development_pki().certificate("eksempelby-esdh")
    parties.register_system(installation, "Eksempelby ESDH", system)
    server = uvicorn.Server(
        uvicorn.Config(
            app.build_application(settings, installation, Turns()),
            ssl_certfile=str(settings.server.tls_certificate),
            ssl_keyfile=str(settings.server.tls_key),
            lifespan="off",
            log_config=None,
        )
    )
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    give_up = time.monotonic() + _START_SECONDS
    while not server.started and time.monotonic() < give_up:
        thread.join(0.02)
    yield settings.server.port
    server.should_exit = True
    thread.join()
    installation.database.close()


def test_the_sample_for_vendors_runs(tmp_path: Path, port: int) -> None:
    (sample,) = _SAMPLE.findall(PAGE.read_text("utf-8"))
    program = sample.replace("localhost:8443", f"localhost:{port}")
    assert program != sample
    ran = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
    pong, *refused = ran.stdout.splitlines()
    assert pong.startswith("hej - clock off by ")
    assert refused[0].startswith("/Document/Header/PlanReference RULE_H10 ")

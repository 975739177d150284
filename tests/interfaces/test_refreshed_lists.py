"""A running gateway has its revocation lists from where the settings say, and goes on while nobody answers there."""

from __future__ import annotations

import json
import ssl
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

from demo.server import Server, free_port
from tests.development import COMMAND, change_settings, make_installation
from tests.pki import development_pki
from tests.transport.list_server import ListServer, says, serving


@contextmanager
def _gateway(folder: Path, authority: ListServer) -> Generator[Server]:
    """A gateway without a list but those that it fetches."""
    port = free_port()
    settings = make_installation(folder, port)
    text = settings.read_text("utf-8")
    (old,) = [line for line in text.splitlines() if line.startswith("revocation_lists")]
    settings.write_text(text.replace(old, "revocation_lists = []"), "utf-8")
    urls = [f"http://127.0.0.1:{authority.port}/{name}.crl" for name in ("root", "issuing")]
    change_settings(settings, "revocation", f"urls = {urls}", 'folder = "lists"')
    authorities = folder / "authorities.pem"
    authorities.write_bytes(development_pki().certificate("root").pem)
    command = [str(COMMAND), "serve", "--verbose", "--settings", str(settings)]
    with Server(command, port, authorities, folder / "log.txt") as server:
        server.wait_until_ready()
        yield server


def _ready(port: int) -> dict[str, bool]:
    pem = development_pki().certificate("root").pem + development_pki().certificate("issuing").pem
    tls = ssl.create_default_context(cadata=pem.decode())
    with urllib.request.urlopen(f"https://localhost:{port}/health/ready", context=tls) as answer:
        told: dict[str, bool] = json.load(answer)
    return told


def test_a_gateway_without_lists_fetches_them_before_it_starts_and_again_beside(tmp_path: Path) -> None:
    lists = development_pki().lists
    with serving() as authority:
        authority.answer = lambda asked: says(200, lists[asked.path.strip("/").partition(".")[0]])(asked)
        with _gateway(tmp_path / "gateway", authority) as server:
            assert _ready(server.port)["revocation_lists"]
            while len(authority.asked) < 4:  # twice each: before the start, and by the refresher
                Event().wait(0.05)
    assert sorted(path for path, _ in authority.asked) == ["/issuing.crl"] * 2 + ["/root.crl"] * 2
    log = (tmp_path / "gateway" / "log.txt").read_text("utf-8")
    assert "refresher failed" not in log

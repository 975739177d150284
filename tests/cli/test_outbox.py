"""An operator sees what was set aside, lets it be tried again, or gives it up with a reason."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.app import open_installation
from gateway.domain.catalogue import Code
from gateway.domain.errors import BropostError
from gateway.domain.identifiers import Uuid4
from gateway.domain.operations import Service
from gateway.interfaces.metrics import Metrics
from gateway.interfaces.soap_endpoint import SoapEndpoint
from gateway.interfaces.worker import Worker
from gateway.settings import load_settings
from tests.development import make_installation, pki_folder, run
from tests.installation import INSTITUTION, MUNICIPALITY, Caller, Clock, now
from tests.pki import signing_key
from tests.services.papers import accepted, id_of, paper, request, sending


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """The settings of an installation with two letters whose delivery was set aside, and their ids."""
    settings = make_installation(tmp_path_factory.mktemp("made") / "gateway")
    run("party", "add", "Eksempelby Kommune", str(MUNICIPALITY), "--settings", settings)
    run("party", "add", "Prøveby Erhvervsskole", str(INSTITUTION), "--settings", settings)
    seal = pki_folder() / "eksempelby-kommune"
    parts = ("--key", f"{seal}.key.pem", "--chain", f"{seal}.chain.pem")
    run("party", "seal", str(MUNICIPALITY), *parts, "--settings", settings)
    esdh = pki_folder() / "eksempelby-esdh.chain.pem"
    run("system", "add", "ESDH", "--certificate", esdh, "--settings", settings)
    key = settings.parent / "keys" / f"{INSTITUTION}.kek"
    key.rename(settings.parent / "kek")
    letters = [_send(settings) for _ in range(2)]
    _work(settings)
    (settings.parent / "kek").rename(key)
    return settings, letters


def _send(settings: Path) -> str:
    letter = paper(now())
    with _asking(settings) as esdh:
        accepted(esdh, sending(letter))
    return id_of(letter)


def _work(settings: Path) -> None:
    installation = open_installation(load_settings(settings))
    worker = Worker(installation, poll_seconds=1, lease_seconds=60, checkpoint_seconds=60)
    while worker.turn():
        pass
    installation.database.close()


@contextmanager
def _asking(settings: Path) -> Generator[Caller]:
    """The municipality's system, while the installation is open."""
    installation = open_installation(load_settings(settings))
    clock = Clock()
    clock.now = now()
    endpoint = SoapEndpoint(Service.MUNICIPALITY, "https://localhost:8443", installation, Metrics())
    yield Caller(endpoint, signing_key("eksempelby-esdh"), clock)
    installation.database.close()


def _state(settings: Path, document_id: str) -> str:
    with _asking(settings) as esdh:
        return accepted(esdh, request("GetStatus", MUNICIPALITY, DocumentId=document_id)).text("State")


def test_what_was_set_aside_is_listed_given_up_and_tried_again(made: tuple[Path, list[str]]) -> None:
    settings, (first, second) = made
    lines = run("outbox", "list", "--settings", settings).splitlines()
    assert [line.split()[0] for line in lines] == [first, second]
    assert all(f"{MUNICIPALITY} -> {INSTITUTION}" in line and "KEY_MISSING" in line for line in lines)
    given_up = ("outbox", "abandon", first, "--reason", "Skolen er nedlagt.", "--settings", settings)
    assert run(*given_up) == f"{first} of {MUNICIPALITY} is given up\n"
    assert run(*given_up) == f"{first} of {MUNICIPALITY} was given up before\n"
    assert _state(settings, first) == "UNDELIVERED"
    with pytest.raises(BropostError) as refused:
        run("outbox", "retry", second, "--party", str(INSTITUTION), "--settings", settings)
    assert refused.value.code is Code.NOT_FOUND
    assert run("outbox", "retry", "--party", str(INSTITUTION), "--settings", settings) == "0\n"
    assert run("outbox", "retry", second, "--party", str(MUNICIPALITY), "--settings", settings) == "1\n"
    assert run("outbox", "list", "--settings", settings) == ""
    assert "tried 0 times" in run("outbox", "list", "--all", "--settings", settings)
    _work(settings)
    assert _state(settings, second) == "AVAILABLE"
    for nothing in (("abandon", second, "--reason", "x"), ("retry", second), ("retry", str(Uuid4.new()))):
        with pytest.raises(BropostError) as refused:
            run("outbox", *nothing, "--settings", settings)
        assert refused.value.code is Code.NOT_FOUND
    assert run("outbox", "retry", "--settings", settings) == "0\n"

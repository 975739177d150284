"""`bropost explain` prints how it stands with a document, for both parties, and is refused for what is not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.domain.catalogue import Code
from gateway.domain.errors import BropostError
from gateway.domain.identifiers import Uuid4
from tests.cli.test_document_show import CITY, SCHOOL, kinds_told, sent
from tests.development import make_installation, pki_folder, run
from tests.services.papers import PERSONAL


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """The settings of an installation with a city whose documents the gateway seals, and a school."""
    settings = make_installation(tmp_path / "gateway")
    for name, party in (("Eksempelby Kommune", CITY), ("Prøveby Erhvervsskole", SCHOOL)):
        run("party", "add", name, party, "--settings", settings)
    seal, esdh = pki_folder() / "eksempelby-kommune", pki_folder() / "eksempelby-esdh.chain.pem"
    keys = ("--key", f"{seal}.key.pem", "--chain", f"{seal}.chain.pem")
    run("party", "seal", CITY, *keys, "--settings", settings)
    run("system", "add", "ESDH", "--certificate", esdh, "--settings", settings)
    return settings


def test_an_operator_is_told_in_danish_and_the_look_is_logged(settings: Path) -> None:
    document_id = sent(settings)
    before = kinds_told(settings)
    printed = run("explain", document_id, "--settings", settings)
    lines = printed.splitlines()
    assert lines[0] == f"Brev om uddannelsespålæg  {document_id}"
    assert lines[1] == f"Fra Eksempelby Kommune ({CITY})"
    assert "Næste skridt" in lines
    assert "  Gatewayen leverer selv om lidt." in printed
    assert [word for word in PERSONAL if word in printed] == []
    assert kinds_told(settings) == [*before, "ACCESS"]


def test_a_party_says_which_document_is_meant(settings: Path) -> None:
    document_id = sent(settings)
    assert run("explain", document_id, "--party", SCHOOL, "--settings", settings).startswith("Brev om")
    with pytest.raises(BropostError) as refused:
        run("explain", document_id, "--party", "33333333-0998", "--settings", settings)
    assert refused.value.code is Code.NOT_FOUND


def test_what_is_no_id_and_what_nobody_has_are_refused(settings: Path) -> None:
    for text, code in (("brev", Code.ARGUMENT_INVALID), (Uuid4.new().text, Code.NOT_FOUND)):
        with pytest.raises(BropostError) as refused:
            run("explain", text, "--settings", settings)
        assert refused.value.code is code

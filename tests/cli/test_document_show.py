"""`bropost document show` lets a person read a document, and says how it stands with signature and law."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.app import open_installation
from gateway.cli.main import application
from gateway.crypto import xades
from gateway.domain.catalogue import Code
from gateway.domain.errors import BropostError
from gateway.domain.identifiers import PartyId, Uuid4
from gateway.domain.operations import Service
from gateway.interfaces.metrics import Metrics
from gateway.interfaces.soap_endpoint import SoapEndpoint
from gateway.settings import load_settings
from gateway.storage import log
from gateway.translog.leaf import parse_leaf
from tests.development import COMMAND, make_installation, pki_folder, run
from tests.golden.changes import Remove, SetText, with_changes
from tests.golden.loader import FOLDER, golden
from tests.installation import Caller, Clock, now
from tests.pki import signing_key
from tests.services.papers import SEALED_BY_SYSTEM, accepted, id_of, paper, sending

CITY, SCHOOL = "11111111-0999", "22222222-999001"
LETTER = FOLDER / "documents" / "education-order-letter.xml"


@dataclass(frozen=True)
class Shown:
    """What a command wrote, and its status."""

    status: int
    text: str


def show(*arguments: str | Path) -> Shown:
    """Run the command; lines are wide, so that nothing is broken."""
    words = ["document", "show", *map(str, arguments)]
    result = CliRunner().invoke(application, words, catch_exceptions=False, env={"COLUMNS": "200"})
    return Shown(result.exit_code, result.stdout)


def refused(*arguments: str | Path) -> BropostError:
    """The error of a command that must fail."""
    with pytest.raises(BropostError) as error:
        show(*arguments)
    return error.value


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """The settings of an installation with a city whose documents the gateway seals, and a school."""
    settings = make_installation(tmp_path / "gateway")
    for name, party in (("Eksempelby Kommune", CITY), ("Prøveby Erhvervsskole", SCHOOL)):
        run("party", "add", name, party, "--settings", settings)
    seal = pki_folder() / "eksempelby-kommune"
    keys = ("--key", f"{seal}.key.pem", "--chain", f"{seal}.chain.pem")
    run("party", "seal", CITY, *keys, "--settings", settings)
    esdh = pki_folder() / "eksempelby-esdh.chain.pem"
    run("system", "add", "ESDH", "--certificate", esdh, "--settings", settings)
    return settings


def sent(settings: Path) -> str:
    """The id of a letter that was accepted."""
    installation, clock = open_installation(load_settings(settings)), Clock()
    clock.now = now()
    endpoint = SoapEndpoint(Service.MUNICIPALITY, "https://localhost:8443", installation, Metrics())
    document = paper(clock())
    accepted(Caller(endpoint, signing_key("eksempelby-esdh"), clock), sending(document))
    installation.database.close()
    return id_of(document)


def kinds_told(settings: Path) -> list[str]:
    """The kinds of the entries in the city's log."""
    installation = open_installation(load_settings(settings))
    party = PartyId.parse(CITY)
    with installation.database.read() as connection:
        head = log.log_head(connection, party)
        assert head is not None
        leaves = [parse_leaf(each.octets) for each in log.entries(connection, party, 0, head.size)]
    installation.database.close()
    return [leaf.kind.value for leaf in leaves]


# --- a file --------------------------------------------------------------------------------------------


def test_a_file_is_shown_without_any_installation() -> None:
    shown = show(LETTER)
    assert shown.status == 0
    assert shown.text.startswith("BREV OM UDDANNELSESPÅLÆG")
    lines = [re.sub(r" {2,}", "  ", line.strip()) for line in shown.text.splitlines()]
    assert {"Startdato  10. august 2026", "Navn  Alma Prøvesen", "Behov for støtte  ja"} <= set(lines)
    assert lines.index("! Dokumentet er ikke signeret.") < lines.index("Fra  Eksempelby Kommune")
    assert "Dokumentet er ikke signeret." in lines
    assert "0 mangler; 0 kan ikke afgøres af dokumentet alene." in lines
    assert lines.index("Den unges egne ord") < lines.index("Uddannelsespålæg")


def test_what_the_law_asks_for_is_reported(tmp_path: Path) -> None:
    file = tmp_path / "letter.xml"
    assessment = "/Document/EducationOrderLetter/Assessment/SupportNeed"
    lacking = with_changes(golden("education-order-letter"), Remove(assessment))
    file.write_bytes(with_changes(lacking, Remove("/Document/Header/Subject")))
    lines = [re.sub(r" {2,}", "  ", line.strip()) for line in show(file).text.splitlines()]
    assert "Støttebehov  MANGLER  kræves, når der er behov for støtte (læst i kilden)" in lines
    assert "CPR-nummer  kan ikke afgøres her  kræves altid (læst i kilden)" in lines
    assert "1 mangler; 3 kan ikke afgøres af dokumentet alene." in lines


def test_a_signed_file_is_judged_by_the_trust_of_the_settings(tmp_path: Path, settings: Path) -> None:
    file = tmp_path / "letter.xml"
    octets = xades.sign(paper(now(), SEALED_BY_SYSTEM), signing_key("eksempelby-kommune"), now())
    file.write_bytes(octets)
    assert "Indholdssignaturen er ikke kontrolleret." in show(file).text
    good = show(file, "--settings", settings)
    assert (good.status, "Indholdssignaturen holder: Eksempelby Kommune" in good.text) == (0, True)
    file.write_bytes(octets.replace(b"Alma", b"Anna"))
    bad = show(file, "--settings", settings)
    assert bad.status == 1
    told = bad.text.index("INDHOLDSSIGNATUREN HOLDER IKKE.")
    assert told < bad.text.index("Den unges egne ord")


def test_a_page_is_written_for_its_owner_alone_and_nothing_personal_is_printed(tmp_path: Path) -> None:
    page = tmp_path / "letter.html"
    shown = show(LETTER, "--html", page)
    assert shown.text.splitlines()[0] == str(page)
    assert not re.search("Alma|740305|Prøvesen", shown.text)
    assert page.stat().st_mode & 0o777 == 0o600
    text = page.read_text("utf-8")
    assert text.startswith('<!DOCTYPE html>\n<html lang="da">')
    assert "Alma Prøvesen" in text
    assert text.index('<p class="notice">Dokumentet er ikke signeret.</p>') < text.index("<dt>Fra</dt>")


def test_a_terminal_is_not_steered_by_a_document(tmp_path: Path) -> None:
    file = tmp_path / "letter.xml"
    hostile = "[bold red]x[/] [link=https://x.example]y[/link] :smile:"
    file.write_bytes(
        with_changes(golden("education-order-letter"), SetText("/Document/Header/OwnWords/Text", hostile))
    )
    shown = show(file)
    assert hostile in shown.text
    assert "\x1b" not in shown.text


def test_a_file_that_breaks_the_schema_is_refused_and_each_place_is_told(tmp_path: Path) -> None:
    file = tmp_path / "letter.xml"
    path = "/Document/Header/Subject/CprNumber"
    file.write_bytes(with_changes(golden("education-order-letter"), SetText(path, "hemmeligt")))
    ran = subprocess.run(
        [COMMAND, "document", "show", file], capture_output=True, encoding="utf-8", timeout=60, check=False
    )
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith("SCHEMA_INVALID\n")
    assert f"{path}\n" in ran.stderr
    assert "hemmeligt" not in ran.stderr


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert refused(tmp_path / "none.xml").code is Code.ARGUMENT_INVALID


# --- the store -----------------------------------------------------------------------------------------


def test_a_stored_letter_is_shown_for_a_named_party_and_its_log_tells(settings: Path) -> None:
    document_id = sent(settings)
    before = kinds_told(settings)
    shown = show("--document-id", document_id, "--party", CITY, "--settings", settings)
    assert shown.status == 0
    assert "Alma Prøvesen" in shown.text
    assert "Eksempelby (0999)" in shown.text
    assert "da Bropost modtog dokumentet" in shown.text
    assert kinds_told(settings) == [*before, "ACCESS"]


def test_without_a_party_or_for_another_one_nothing_is_shown(settings: Path) -> None:
    document_id = sent(settings)
    before = kinds_told(settings)
    by_id = ("--document-id", document_id)
    assert refused(*by_id, "--settings", settings).code is Code.ARGUMENT_INVALID
    assert refused(*by_id, "--party", SCHOOL, "--settings", settings).code is Code.NOT_FOUND
    unknown = ("--document-id", Uuid4.new().text, "--party", CITY)
    assert refused(*unknown, "--settings", settings).code is Code.NOT_FOUND
    assert kinds_told(settings) == before


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        (LETTER, "--document-id", "x", "--party", CITY),
        (LETTER, "--party", CITY),
        ("--document-id", "5b0f9d1e-7c2a-4e6b-8f3d-1a2b3c4d5e6f", "--party", CITY),
    ],
)
def test_arguments_that_do_not_go_together_are_refused(arguments: tuple[str | Path, ...]) -> None:
    error = refused(*arguments)
    assert error.code is Code.ARGUMENT_INVALID
    assert "--document-id" in error.danish

"""What comes in goes out as text: it forges no line of a log or list, steers no terminal, and runs in no page.

The classes are CWE-117 (logs), CWE-150 (terminals), CWE-79 (pages) and CWE-1236 (tables).
"""

from __future__ import annotations

import ast
import http.client
import json
import ssl
import subprocess
import tomllib
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from cryptography.x509.oid import NameOID
from lxml import etree
from typer.testing import CliRunner

from demo.server import Server, free_port
from gateway.cli.main import application
from gateway.interfaces.http import HttpRequest
from gateway.services import disclosure_log
from gateway.xmlcore.namespaces import SERVICE
from tests.attacks.door import FORGED, Door
from tests.attacks.issued import issued_key, subject
from tests.attacks.pens import by_hand, letter, posted
from tests.development import COMMAND, make_installation, pki_folder, run
from tests.golden.changes import SetText, with_changes
from tests.golden.loader import golden
from tests.installation import MUNICIPALITY, now, open_test_installation
from tests.pki import development_pki
from tests.services.papers import send_letter

GATEWAY: Final = Path(__file__).parents[2] / "gateway"
FIELDS: Final = {
    "event",
    "service",
    "operation",
    "code",
    "correlation",
    "level",
    "logger",
    "timestamp",
    "kind",
    "place",
}
NO_HTTP: Final = "Invalid HTTP request received."  # what the HTTP parser says of all that it refuses
STEERING: Final = {
    "colours": "\x1b[31mForfalsket",
    "a title": "\x1b]0;Forfalsket\x07",
    "a C1 control": "\x9b2JForfalsket",
    "a line of its own": "x\nok    Forfalsket",
    "a line written over": "x\rok    Forfalsket",
    "text from right to left": "x\u202etekslafroF",
    "another line end": "x\u2028ok    Forfalsket",
}
steering = pytest.mark.parametrize("text", STEERING.values(), ids=STEERING)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The settings of an installation made by commands, with a municipality and its system."""
    made = make_installation(tmp_path_factory.mktemp("operator") / "gateway", free_port())
    run("party", "add", "Eksempelby Kommune", "11111111-0999", "--settings", made)
    chain = pki_folder() / "eksempelby-esdh.chain.pem"
    run("system", "add", "ESDH", "--certificate", chain, "--settings", made)
    return made


def printed(*arguments: str | Path) -> str:
    """What a command prints, whether it succeeds or not."""
    result = CliRunner().invoke(application, [str(argument) for argument in arguments])
    return result.output


def is_plain(text: str) -> bool:
    """Whether text holds nothing but what can be seen, and line feeds."""
    return text.replace("\n", "").isprintable()


# --- the operations log --------------------------------------------------------------------------------


def _hostile_requests(door: Door) -> list[HttpRequest]:
    """Requests that put what is forged wherever something may be logged."""
    operation = f'<{FORGED} xmlns="{SERVICE}"/>'
    plain = letter(door)
    return [
        posted(door, etree.fromstring(operation)),
        by_hand(door, headers=f'<{FORGED} s:mustUnderstand="1"/>'),
        by_hand(door, method=f"urn:{FORGED}%0a"),
        by_hand(door, key="eksempelby-esdh-p256"),
        replace(plain, headers={"content-type": f"text/xml; charset={FORGED}"}),
        replace(plain, headers={"content-type": f"{FORGED}/{FORGED}"}),
        replace(plain, headers={"content-type": "text/xml", "soapaction": f"\x1b[31m{FORGED}"}),
        replace(plain, body=b'{"event": "Forfalsket"}\n{"event": "Forfalsket"}\n'),
    ]


def test_no_request_writes_a_line_of_its_own_into_the_operations_log(
    door: Door, settings: Path, tmp_path: Path
) -> None:
    door.house.clock.now = now()
    requests = _hostile_requests(door)
    root, log = tmp_path / "root.pem", tmp_path / "log.txt"
    root.write_bytes(development_pki().certificate("root").pem)
    port = tomllib.loads(settings.read_text("utf-8"))["server"]["port"]
    with Server([str(COMMAND), "serve", "--settings", str(settings)], port, root, log) as server:
        server.wait_until_ready()
        statuses = [_status(port, request) for request in requests]
    assert set(statuses) <= {400, 415, 500}
    text = log.read_text("utf-8")
    lines = [line for line in map(json.loads, text.splitlines()) if line["event"] != NO_HTTP]
    assert [line["event"] for line in lines if line["event"] != "refused"] == []
    assert len(lines) == len(requests) - text.count(NO_HTTP)
    assert [set(line) - FIELDS for line in lines if set(line) - FIELDS] == []
    assert FORGED not in text
    assert is_plain(text)


def _status(port: int, request: HttpRequest) -> int:
    authorities = development_pki().certificate("root").pem + development_pki().certificate("issuing").pem
    tls = ssl.create_default_context(cadata=authorities.decode())
    connection = http.client.HTTPSConnection("localhost", port, timeout=20, context=tls)
    try:
        connection.putrequest("POST", request.path)
        for name, value in {**request.headers, "content-length": str(len(request.body))}.items():
            connection.putheader(name, value.encode("latin-1"))
        connection.endheaders(request.body)
        return connection.getresponse().status
    finally:
        connection.close()


def test_a_metric_has_no_label_that_came_in(door: Door) -> None:
    for request in _hostile_requests(door):
        assert door.ask(request).error is not None
    assert FORGED.encode() not in door.metrics.exposition()


# --- the terminal --------------------------------------------------------------------------------------


@steering
def test_a_name_steers_no_terminal(settings: Path, text: str) -> None:
    unit = f"0{len(text):03}"
    printed("party", "add", text, f"11111111-{unit}", "--settings", settings)
    listed = printed("party", "list", "--settings", settings)
    assert is_plain(listed)
    assert all(line[8] == "-" for line in listed.splitlines())
    named = printed("system", "list", "--settings", settings)
    assert is_plain(named)


@steering
def test_a_certificate_that_an_authority_issued_steers_no_terminal(
    settings: Path, tmp_path: Path, text: str
) -> None:
    key = issued_key([(oid, text if oid == NameOID.COMMON_NAME else value) for oid, value in subject()])
    file = tmp_path / "hostile.pem"
    file.write_bytes(b"".join(certificate.pem for certificate in key.chain))
    shown = printed("certificate", "check", file, "--usage", "MESSAGE", "--settings", settings)
    assert is_plain(shown)
    assert "\nok " not in shown


@steering
def test_an_error_steers_no_terminal(text: str) -> None:
    """A bundle may come from anywhere, and be called anything."""
    ran = subprocess.run(
        [COMMAND, "log", "verify", text], capture_output=True, encoding="utf-8", timeout=60, check=False
    )
    assert (ran.returncode, ran.stderr.partition("\n")[0]) == (2, "ARGUMENT_INVALID")
    assert is_plain(ran.stderr)
    assert "\nok " not in ran.stderr


# --- the bundle, which an auditor gets from somebody else ----------------------------------------------


def _replaced(member: str, old: str, new: str) -> Callable[[str, bytes], tuple[str, bytes]]:
    def change(name: str, octets: bytes) -> tuple[str, bytes]:
        if name != member:
            return name, octets
        assert old.encode() in octets
        return name, octets.replace(old.encode(), new.encode(), 1)

    return change


HOSTILE: Final[dict[str, Callable[[str], Callable[[str, bytes], tuple[str, bytes]]]]] = {
    "the name of a file": lambda text: (
        lambda name, octets: (name + text, octets) if name == "entries.jsonl" else (name, octets)
    ),
    "the origin in the manifest": lambda text: _replaced("manifest.json", "bropost/", json.dumps(text)[1:-1]),
    "the origin in the manifest, as it is": lambda text: _replaced("manifest.json", "bropost/", text),
    "the origin of a checkpoint": lambda text: _replaced("checkpoints.txt", "bropost/", text),
    "the signer of a checkpoint": lambda text: _replaced("checkpoints.txt", "— bropost", f"— {text}"),
    "the kind of an entry": lambda text: _replaced("entries.jsonl", '"CONFIG"', json.dumps(text)),
    "the id of an entry": lambda text: _replaced("entries.jsonl", '"entry_id":"', '"entry_id":"' + text),
}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The exported log of a municipality that sent a letter."""
    folder = tmp_path_factory.mktemp("bundle")
    house = open_test_installation(folder)
    send_letter(house)
    house.work()
    path = folder / "bundle.zip"
    with path.open("wb") as target:
        disclosure_log.export(house.installation, MUNICIPALITY, target)
    house.close()
    return path


@pytest.mark.parametrize("form", [[], ["--json"]], ids=["for people", "as JSON"])
@pytest.mark.parametrize("place", HOSTILE)
@steering
def test_a_bundle_steers_no_terminal(
    bundle: Path, tmp_path: Path, place: str, text: str, form: list[str]
) -> None:
    assert is_plain(printed("log", "verify", bundle, *form))
    hostile = tmp_path / "hostile.zip"
    with zipfile.ZipFile(bundle) as good, zipfile.ZipFile(hostile, "w") as bad:
        for member in good.infolist():
            name, octets = HOSTILE[place](text)(member.filename, good.read(member))
            bad.writestr(name, octets)
    shown = printed("log", "verify", hostile, *form)
    assert "INVALID" in shown
    assert is_plain(shown)
    assert "\nok " not in shown


# --- pages and tables ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "</dd><img src=x onerror=alert(1)>",
        '"><svg/onload=alert(1)>',
        "<!-- --!><iframe src=javascript:alert(1)>",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "{{7*7}}${7*7}",
        "=HYPERLINK(&quot;http://a.example&quot;)",
    ],
)
def test_a_text_of_a_document_is_text_in_its_page(tmp_path: Path, text: str) -> None:
    file, page = tmp_path / "letter.xml", tmp_path / "letter.html"
    words = "/Document/Header/OwnWords/Text"
    pages = []
    for said in ("Hej", text):
        file.write_bytes(with_changes(golden("education-order-letter"), SetText(words, said)))
        printed("document", "show", file, "--html", page)
        pages.append(etree.fromstring(page.read_bytes()))
        page.unlink()
    plain, hostile = pages
    assert [element.tag for element in hostile.iter()] == [element.tag for element in plain.iter()]
    assert [dict(element.attrib) for element in hostile.iter()] == [
        dict(each.attrib) for each in plain.iter()
    ]
    assert text in "".join(str(each) for each in hostile.itertext())


def test_no_table_for_spreadsheets_is_written() -> None:
    """Whoever writes the first must let no cell begin as a formula, and try it here."""
    importers = [
        str(path)
        for path in GATEWAY.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        and {"csv", "openpyxl", "xlsxwriter"}
        & {(getattr(node, "module", None) or "").partition(".")[0], *(each.name for each in node.names)}
    ]
    assert importers == []

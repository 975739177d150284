"""Commands on certificates and quotas: what is in use, how one replaces another, fresh lists, what a system may do."""

from __future__ import annotations

from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog
from typer.testing import CliRunner

from gateway.app import open_installation
from gateway.cli.main import application
from gateway.crypto.development_pki import Holder
from gateway.domain.catalogue import Code
from gateway.domain.errors import BropostError
from gateway.domain.identifiers import PartyId
from gateway.settings import load_settings
from gateway.storage import log
from gateway.translog.leaf import parse_leaf
from tests.clamd import clamd
from tests.development import change_settings, make_installation, pki_folder, run
from tests.pki import development_pki, organisation
from tests.transport.list_server import ListServer, says, serving

CITY = "11111111-0999"
PEM = pki_folder


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """The settings of an installation with a city."""
    made = make_installation(tmp_path / "gateway")
    run("party", "add", "Eksempelby Kommune", CITY, "--settings", made)
    return made


def refused(*arguments: str | Path) -> BropostError:
    with pytest.raises(BropostError) as error:
        run(*arguments)
    return error.value


def status(*arguments: str | Path) -> tuple[int, list[str]]:
    """The exit status of a command, and what it prints."""
    with structlog.testing.capture_logs():
        result = CliRunner().invoke(application, [str(each) for each in arguments], catch_exceptions=False)
    return result.exit_code, result.stdout.splitlines()


def told(settings: Path) -> list[tuple[str, ...]]:
    """The details of the entries in the city's log."""
    installation = open_installation(load_settings(settings))
    who = PartyId.parse(CITY)
    with installation.database.read() as connection:
        head = log.log_head(connection, who)
        assert head is not None
        leaves = [parse_leaf(each.octets) for each in log.entries(connection, who, 0, head.size)]
    installation.database.close()
    return [leaf.details for leaf in leaves]


def written(folder: Path, holder: Holder) -> tuple[Path, Path]:
    """The files of a key and its chain."""
    key, chain = folder / "fresh.key.pem", folder / "fresh.chain.pem"
    key.touch(mode=0o600)
    key.write_bytes(holder.key_pem)
    chain.write_bytes(holder.chain_pem)
    return key, chain


def soon(**span: float) -> str:
    """A time some time ahead, as an option."""
    return (datetime.now(UTC) + timedelta(**span)).strftime("%Y-%m-%dT%H:%M:%S")


# --- replacing -----------------------------------------------------------------------------------------------


def test_a_system_changes_over_and_its_old_certificate_ends_by_itself(settings: Path) -> None:
    esdh = PEM() / "eksempelby-esdh.chain.pem"
    system = run("system", "add", "ESDH", "--certificate", esdh, "--settings", settings).strip()
    new = PEM() / "eksempelby-esdh-p256.chain.pem"
    replace = ("certificate", "replace", system, "--certificate", new, "--settings", settings)
    gap = refused(*replace, "--from", soon(days=2), "--old-until", soon(days=1))
    assert gap.code is Code.ARGUMENT_INVALID
    assert "det gamle certifikat ville ophøre, før det nye gælder" in gap.danish
    run(*replace, "--from", soon(days=1), "--old-until", soon(days=8))
    old, fresh = (
        development_pki().certificate(name).fingerprint
        for name in ("eksempelby-esdh", "eksempelby-esdh-p256")
    )
    assert told(settings)[-1] == ("CERTIFICATE_REPLACED", f"system.{system}", fresh, old)
    lines = run("certificate", "list", "--settings", settings).splitlines()
    listed = [line for line in lines if line.startswith(f"system {system}")]
    assert [line.split()[2] for line in listed] == [old, fresh]
    assert soon(days=8)[:10] in listed[0]


def test_a_partys_next_seal_is_listed_with_the_time_at_which_it_takes_over(
    settings: Path, tmp_path: Path
) -> None:
    first = ("--key", PEM() / "eksempelby-kommune.key.pem", "--chain", PEM() / "eksempelby-kommune.chain.pem")
    fresh = organisation(development_pki(), "Eksempelby Kommune", "11111111", 90)
    key, chain = written(tmp_path, fresh)
    seal = ("certificate", "seal", CITY, "--key", key, "--chain", chain, "--takes-over", soon(days=3))
    assert refused(*seal, "--settings", settings).code is Code.NOT_FOUND  # it lets nobody seal yet
    run("party", "seal", CITY, *first, "--settings", settings)
    run(*seal, "--settings", settings)
    assert told(settings)[-1] == ("SEAL_KEY_FOLLOWS", fresh.certificate.fingerprint)
    lines = run("certificate", "list", "--settings", settings).splitlines()
    seals = [line for line in lines if line.startswith(f"seal of {CITY}")]
    assert len(seals) == 2
    assert f"{fresh.certificate.fingerprint}  from {soon(days=3)[:10]}" in seals[1]


def test_the_gateways_next_keys_stand_in_the_settings_and_are_listed(settings: Path, tmp_path: Path) -> None:
    key, chain = written(tmp_path, organisation(development_pki(), "Bropost Eksempeldrift", "66666666", 90))
    change_settings(
        settings,
        "keys",
        f'next_seal_key = "{key}"',
        f'next_seal_chain = "{chain}"',
        f"next_seal_from = {soon(days=5)}Z",
    )
    lines = run("certificate", "list", "--settings", settings).splitlines()
    assert [line.split()[:2] for line in lines] == [["gateway", "message"], *[["gateway", "seal"]] * 2]
    assert f"from {soon(days=5)[:10]}" in lines[2]


@pytest.mark.parametrize(
    ("cvr", "lines", "why"),
    [
        ("66666666", ("next_seal_key", "next_seal_chain"), "needs its key"),
        ("55555555", ("next_seal_key", "next_seal_chain", "next_seal_from"), "another organisation's"),
        ("66666666", ("next_seal_key", "next_seal_chain", "late"), "does not hold"),
    ],
)
def test_a_next_key_that_could_not_take_over_stops_the_start(
    settings: Path, tmp_path: Path, cvr: str, lines: tuple[str, ...], why: str
) -> None:
    key, chain = written(tmp_path, organisation(development_pki(), "Bropost Eksempeldrift", cvr, 90))
    known = {
        "next_seal_key": f'next_seal_key = "{key}"',
        "next_seal_chain": f'next_seal_chain = "{chain}"',
        "next_seal_from": f"next_seal_from = {soon(days=5)}Z",
        "late": f"next_seal_from = {soon(days=91)}Z",
    }
    change_settings(settings, "keys", *(known[line] for line in lines))
    error = refused("certificate", "list", "--settings", settings)
    assert error.code is Code.SETTINGS_INVALID
    assert why in error.english
    assert "engelske" not in error.danish


def test_a_time_without_a_zone_is_refused(settings: Path) -> None:
    change_settings(settings, "keys", f"next_seal_from = {soon(days=5)}")
    assert refused("certificate", "list", "--settings", settings).code is Code.SETTINGS_INVALID


# --- lists ---------------------------------------------------------------------------------------------------


@pytest.fixture
def authority() -> Generator[ListServer]:
    """Where the authorities publish their lists."""
    with serving() as served:
        lists = development_pki().lists
        served.answer = lambda asked: says(200, lists[asked.path.strip("/").partition(".")[0]])(asked)
        yield served


def test_lists_are_fetched_from_the_addresses_in_the_settings(settings: Path, authority: ListServer) -> None:
    text = settings.read_text("utf-8")
    (old,) = [line for line in text.splitlines() if line.startswith("revocation_lists")]
    settings.write_text(text.replace(old, "revocation_lists = []"), "utf-8")
    assert refused("certificate", "list", "--settings", settings).code is Code.REVOCATION_UNKNOWN
    assert refused("certificate", "refresh", "--settings", settings).code is Code.SETTINGS_INVALID
    urls = [f"http://127.0.0.1:{authority.port}/{name}.crl" for name in ("root", "issuing")]
    change_settings(settings, "revocation", f"urls = {urls}", 'folder = "lists"')
    refresh = ("certificate", "refresh", "--settings", settings)
    assert status(*refresh) == (0, [f"renewed  {url}" for url in urls])
    assert status(*refresh) == (0, [f"unchanged  {url}" for url in urls])
    run("certificate", "list", "--settings", settings)
    assert len(list((settings.parent / "lists").glob("*.crl"))) == 2
    authority.answer = says(500)
    code, lines = status(*refresh)
    assert code == 1
    assert [line.startswith(f"failed  {url}  ") for line, url in zip(lines, urls, strict=True)] == [True] * 2
    run("certificate", "list", "--settings", settings)  # what was fetched stays


@pytest.mark.parametrize(
    "url",
    ["ftp://ca.example/x", "http://user:secret@ca.example/x", "file:///etc/passwd", "http://ca.example"],
)
def test_an_address_that_is_none_is_refused(settings: Path, url: str) -> None:
    change_settings(settings, "revocation", f'urls = ["{url}"]')
    assert refused("certificate", "list", "--settings", settings).code is Code.SETTINGS_INVALID


# --- antivirus and quotas --------------------------------------------------------------------------------------


def test_the_check_asks_the_antivirus(settings: Path) -> None:
    def lines() -> list[str]:
        return [line for line in status("check", "--settings", settings)[1] if "the antivirus" in line]

    assert lines() == []
    with clamd() as fake:
        change_settings(settings, "antivirus", f'address = "{fake.address}"')
        assert lines() == ["ok    the antivirus answers, and takes the largest attachment"]
        fake.stream_max = 1_000_000
        assert lines() == ["FAIL  the antivirus gives no verdict (it takes less at once)"]
    assert lines() == ["FAIL  the antivirus gives no verdict (no connection)"]
    assert any(
        line.startswith("FAIL  AntivirusAway: 0.") for line in status("check", "--settings", settings)[1]
    )


def test_a_system_is_given_a_quota_of_its_own_and_loses_it_again(settings: Path) -> None:
    esdh = PEM() / "eksempelby-esdh.chain.pem"
    system = run("system", "add", "ESDH", "--certificate", esdh, "--settings", settings).strip()
    quota = ("system", "quota", system, "--settings", settings)
    usual = ["6000 requests a minute", "100000 documents a day, 0 sent today"]
    assert run(*quota).splitlines()[:2] == usual
    assert run(*quota, "--documents", "5", "--megabytes", "2").splitlines() == [
        "6000 requests a minute",
        "5 documents a day, 0 sent today",
        "2 megabytes a day, 0.0 sent today",
    ]
    assert told(settings)[-1] == (
        "QUOTA_SET",
        f"system.{system}",
        *("requests", "6000", "documents", "5", "megabytes", "2"),
    )
    assert run(*quota, "--requests", "10").splitlines() == [
        "10 requests a minute",
        "5 documents a day, 0 sent today",
        "2 megabytes a day, 0.0 sent today",
    ]
    assert run(*quota, "--documents", "usual").splitlines()[:2] == ["10 requests a minute", usual[1]]
    assert run(*quota, "--usual", "--documents", "7").splitlines()[:2] == [
        usual[0],
        "7 documents a day, 0 sent today",
    ]
    assert run(*quota, "--usual").splitlines()[:2] == usual
    for wrong in ("0", "-1", "1000000000", "1.5", "many", ""):
        assert status(*quota, "--requests", wrong)[0] == 2
    assert run(*quota).splitlines()[:2] == usual
    assert refused("system", "quota", "x", "--settings", settings).code is Code.ARGUMENT_INVALID

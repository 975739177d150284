"""Each command does one thing, tells it in the party's log if it changes something, and says what went wrong."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway import app
from gateway.app import open_installation
from gateway.cli.check import check
from gateway.cli.main import application
from gateway.crypto.development_pki import renew_lists
from gateway.domain.alerts import Alert
from gateway.domain.catalogue import Code
from gateway.domain.errors import BropostError
from gateway.domain.identifiers import PartyId
from gateway.domain.kinds import DocumentKind
from gateway.domain.operations import Service
from gateway.interfaces.metrics import Metrics
from gateway.interfaces.soap_endpoint import SoapEndpoint
from gateway.interfaces.worker import Worker
from gateway.services import parties
from gateway.settings import load_settings
from gateway.storage import log
from gateway.translog.leaf import parse_leaf
from tests.development import COMMAND, change_settings, make_installation, pki_folder, run
from tests.installation import Caller, Clock, now
from tests.pki import development_pki, signing_key
from tests.services.papers import accepted, paper, sending

CITY, SCHOOL = "11111111-0999", "22222222-999001"


@dataclass(frozen=True)
class Operator:
    """Somebody at a terminal, with the settings of an installation."""

    settings: Path

    def __call__(self, *arguments: str | Path) -> str:
        """Run a command that must succeed; what it prints."""
        return run(*arguments, "--settings", self.settings)

    def refused(self, *arguments: str | Path) -> BropostError:
        """The error of a command that must fail."""
        with pytest.raises(BropostError) as refused:
            self(*arguments)
        return refused.value

    def told(self, party: str = CITY) -> list[tuple[str, tuple[str, ...]]]:
        """The kind and details of each entry in a party's log."""
        installation = open_installation(load_settings(self.settings))
        who = PartyId.parse(party)
        with installation.database.read() as connection:
            head = log.log_head(connection, who)
            assert head is not None
            leaves = [parse_leaf(each.octets) for each in log.entries(connection, who, 0, head.size)]
        installation.database.close()
        return [(leaf.kind.value, leaf.details) for leaf in leaves]


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    """An operator of an installation with a city and a school."""
    operator = Operator(make_installation(tmp_path / "gateway"))
    operator("party", "add", "Eksempelby Kommune", CITY)
    operator("party", "add", "Prøveby Erhvervsskole", SCHOOL)
    return operator


def chain(name: str) -> Path:
    """The file of a certificate."""
    return pki_folder() / f"{name}.chain.pem"


def key(name: str) -> Path:
    """The file of a key."""
    return pki_folder() / f"{name}.key.pem"


# --- parties, systems, mandates, routes ----------------------------------------------------------------


def test_a_party_is_added_with_its_log_and_the_key_to_pin(operator: Operator) -> None:
    printed = operator("party", "add", "Prøvelund Kommune", "33333333-0998", "--kind", "DropoutRiskNotice")
    assert printed == operator("log", "key", "33333333-0998")
    assert "33333333-0998" in printed
    assert operator("party", "list").splitlines() == [
        f"{CITY}  Eksempelby Kommune",
        f"{SCHOOL}  Prøveby Erhvervsskole",
        "33333333-0998  Prøvelund Kommune",
    ]
    assert operator.told("33333333-0998") == [("CONFIG", ("PARTY_ADDED", "SYSTEM_SEALS"))]
    assert operator.refused("party", "add", "Prøvelund", "33333333-0998").code is Code.ALREADY_REGISTERED


def test_a_party_receives_what_can_be_sent_to_its_sort(operator: Operator) -> None:
    installation = open_installation(load_settings(operator.settings))
    city = parties.find(installation, PartyId.parse(CITY))
    school = parties.find(installation, PartyId.parse(SCHOOL))
    installation.database.close()
    both = {"AnswerNotice", "AgreementNotice", "NoteNotice", "ContactChangeNotice", "WithdrawalNotice"}
    letters = {"EducationOrderLetter", "SupportNeedLetter", "TransitionLetter"}
    assert {kind.value for kind in school.receives} == letters | both
    assert city.receives == frozenset(kind for kind in DocumentKind if not kind.is_letter)
    assert {"HandoverNotice", "DropoutRiskNotice"} | both <= {kind.value for kind in city.receives}


def test_a_contact_takes_the_place_of_the_one_before(operator: Operator) -> None:
    for phone in ("+4500000001", "+4500000002"):
        operator("party", "contact", SCHOOL, "--role", "STUDY_COUNSELLOR", "--phone", phone)
    operator("party", "contact", SCHOOL, "--role", "MENTOR", "--email", "mentor@proeveby.example")
    installation = open_installation(load_settings(operator.settings))
    contacts = parties.find(installation, PartyId.parse(SCHOOL)).contacts
    installation.database.close()
    assert [(each.role.value, each.phone) for each in contacts] == [
        ("STUDY_COUNSELLOR", "+4500000002"),
        ("MENTOR", None),
    ]
    assert operator.told(SCHOOL)[1:] == [("CONFIG", ("CONTACT_SET",))] * 3


def test_a_seal_is_taken_into_use_if_it_is_the_partys_own(operator: Operator) -> None:
    seal = ("party", "seal", CITY, "--key")
    other = operator.refused(*seal, key("proeveby-erhvervsskole"), "--chain", chain("proeveby-erhvervsskole"))
    assert other.code is Code.SEAL_KEY_OF_ANOTHER
    unlike = operator.refused(*seal, key("eksempelby-esdh"), "--chain", chain("eksempelby-kommune"))
    assert isinstance(unlike, BropostError)
    assert [kind for kind, _ in operator.told()] == ["CONFIG"]
    operator(*seal, key("eksempelby-kommune"), "--chain", chain("eksempelby-kommune"))
    fingerprint = development_pki().certificate("eksempelby-kommune").fingerprint
    assert operator.told()[1:] == [("KEY", ("SEAL_KEY_ADDED", fingerprint))]


def test_a_system_and_its_certificates_come_and_go(operator: Operator) -> None:
    system = operator("system", "add", "ESDH", "--certificate", chain("eksempelby-esdh")).strip()
    assert operator("system", "list") == f"{system}  11111111  ESDH\n"
    operator("system", "certificate", system, "--certificate", chain("eksempelby-esdh-p256"))
    old, new = (development_pki().certificate(f"eksempelby-esdh{end}").fingerprint for end in ("", "-p256"))
    listed = operator("system", "certificates", system).splitlines()
    assert {line.split()[0] for line in listed} == {old, new}
    operator("system", "end-certificate", system, old)
    assert operator.refused("system", "end-certificate", system, old).code is Code.NOT_FOUND
    assert operator.told()[1:] == [
        ("CONFIG", ("SYSTEM_ADDED", f"system.{system}", old)),
        ("CONFIG", ("CERTIFICATE_ADDED", f"system.{system}", new)),
        ("CONFIG", ("CERTIFICATE_ENDED", f"system.{system}", old)),
    ]
    unknown = "5b0f9d1e-7c2a-4e6b-8f3d-1a2b3c4d5e6f"
    assert operator.refused("system", "certificates", unknown).code is Code.NOT_FOUND


def test_a_mandate_is_given_listed_and_ended(operator: Operator) -> None:
    system = operator("system", "add", "Leverandør", "--certificate", chain("leverandoer-esdh")).strip()
    limits = ("--operation", "ListInbox", "--operation", "Retrieve", "--kind", "DropoutRiskNotice")
    until = ("--until", "2099-12-31T12:00:00")
    first = operator(
        "mandate", "add", CITY, system, "--approved-by", "mette.eksempel", *limits, *until
    ).strip()
    second = operator("mandate", "add", CITY, system, "--approved-by", "mette.eksempel").strip()
    listed = operator("mandate", "list", CITY)
    assert f"{first}  system {system}" in listed
    assert "until 2099-12-31T12:00:00+00:00" in listed
    assert "until open" in listed
    operator("mandate", "end", CITY, second)
    assert "until open" not in operator("mandate", "list", CITY)
    assert [details[0] for _, details in operator.told()[1:]] == [
        "MANDATE_ADDED",
        "MANDATE_ADDED",
        "MANDATE_ENDED",
    ]
    assert operator.told()[1][1] == (
        "MANDATE_ADDED",
        f"mandate.{first}",
        f"system.{system}",
        "ListInbox",
        "Retrieve",
        "DropoutRiskNotice",
    )
    assert "mette" not in repr(operator.told())
    past = ("--approved-by", "mette.eksempel", "--until", "2020-01-01T00:00:00")
    assert operator.refused("mandate", "add", CITY, system, *past).code is Code.ARGUMENT_INVALID


def test_routes_replace_those_before(operator: Operator) -> None:
    system = operator("system", "add", "SIS", "--certificate", chain("proeveby-sis")).strip()
    ways = (
        system,
        f"{system}:EducationOrderLetter",
        f"{system}::MENTOR",
        f"{system}:EducationOrderLetter:TEACHER",
    )
    operator("route", "set", SCHOOL, *ways)
    operator("route", "set", SCHOOL)
    assert operator.told(SCHOOL)[2:] == [
        ("CONFIG", ("ROUTES_SET", f"system.{system}")),
        ("CONFIG", ("ROUTES_SET",)),
    ]
    assert operator.refused("route", "set", SCHOOL, f"{system}:Postkort").code is Code.ARGUMENT_INVALID


# --- the log -------------------------------------------------------------------------------------------


def _verify(*arguments: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(application, ["log", "verify", *map(str, arguments)], catch_exceptions=False)
    return result.exit_code, result.stdout


def test_a_bundle_is_exported_and_verified_with_and_without_anchors(
    operator: Operator, tmp_path: Path
) -> None:
    bundle, checkpoint = tmp_path / "bundle.zip", tmp_path / "checkpoint"
    checkpoint.write_text(operator("log", "export", CITY, bundle), encoding="utf-8")
    pinned = operator("log", "key", CITY).strip()
    status, told = _verify(bundle, "--log-key", pinned, "--checkpoint", checkpoint)
    assert (status, told.splitlines()[-1]) == (0, "OK: 2 entries")
    status, told = _verify(bundle)
    assert (status, told.splitlines()[-1]) == (2, "UNANCHORED: 2 entries")
    status, told = _verify(bundle, "--log-key", pinned, "--checkpoint", checkpoint, "--json")
    assert (status, json.loads(told)["verdict"]) == (0, "OK")
    octets = bundle.read_bytes()
    middle = len(octets) // 2
    harmed = octets[:middle] + bytes([octets[middle] ^ 1]) + octets[middle + 1 :]
    bundle.write_bytes(harmed)
    status, told = _verify(bundle, "--log-key", pinned, "--checkpoint", checkpoint)
    assert status == 1
    assert told.splitlines()[-1].startswith("INVALID")
    assert operator.told()[-1] == ("EXPORT", ())


def test_an_export_that_fails_leaves_no_file(operator: Operator, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.zip"
    bundle.write_bytes(b"the bundle of last year")
    assert operator.refused("log", "export", "33333333-0998", bundle).code is Code.NOT_FOUND
    assert bundle.read_bytes() == b"the bundle of last year"
    assert (
        operator.refused("log", "export", CITY, tmp_path / "no" / "folder.zip").code is Code.ARGUMENT_INVALID
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bundle.zip", "gateway"]
    operator("log", "export", CITY, bundle)
    assert bundle.stat().st_mode & 0o077 == 0  # a bundle is confidential


def test_a_bundle_or_checkpoint_that_is_not_there_is_named(tmp_path: Path) -> None:
    for arguments in ((tmp_path / "none.zip",), (tmp_path / "none.zip", "--checkpoint", tmp_path / "none")):
        with pytest.raises(BropostError) as refused:
            _verify(*arguments)
        assert refused.value.code is Code.ARGUMENT_INVALID


# --- checks --------------------------------------------------------------------------------------------


def _check(operator: Operator) -> tuple[int, list[str]]:
    arguments = ["check", "--settings", str(operator.settings)]
    result = CliRunner().invoke(application, arguments, catch_exceptions=False)
    return result.exit_code, result.stdout.splitlines()


def test_a_sound_installation_passes_the_check(operator: Operator) -> None:
    seal = ("--key", key("eksempelby-kommune"), "--chain", chain("eksempelby-kommune"))
    operator("party", "seal", CITY, *seal)
    status, lines = _check(operator)
    assert f"ok    {CITY}'s seal certificate is valid for 1094 more days" in lines
    assert status == 0
    assert {line[:4] for line in lines} <= {"ok  ", "note"}
    assert {line.split()[1] for line in lines if line.startswith("note")} <= {"ClockUnsynchronised:"}
    titles = {verdict.title for verdict in Alert if verdict.value.limit is not None}
    told = {line.split()[1].removesuffix(":") for line in lines}
    assert titles - told == {"WorkerStopped", "ClockSet", "RevocationFetchFails", "AntivirusAway"} | (
        {"ClockUnsynchronised"} - told
    )  # measured in a gateway that runs, or has such a helper
    assert {"TLS", "seal", "message"} <= {line.split()[1] for line in lines}


def test_the_check_names_a_revocation_list_that_is_too_old(operator: Operator, tmp_path: Path) -> None:
    old = renew_lists(development_pki(), now() - timedelta(hours=30))
    folder = tmp_path / "lists"
    folder.mkdir()
    for name in ("root", "issuing"):
        (folder / f"{name}.crl").write_bytes(old.lists[name])
    text = operator.settings.read_text("utf-8")
    lists = f'["{folder}/root.crl", "{folder}/issuing.crl"]'
    (line,) = (each for each in text.splitlines() if each.startswith("revocation_lists"))
    operator.settings.write_text(text.replace(line, f"revocation_lists = {lists}"), encoding="utf-8")
    status, lines = _check(operator)
    assert status == 1
    assert [each for each in lines if each.startswith("FAIL") and "rod-CA" in each]
    assert operator("party", "list")  # and what is there can still be used


def test_the_check_names_a_seal_key_that_is_gone(operator: Operator) -> None:
    seal = ("--key", key("eksempelby-kommune"), "--chain", chain("eksempelby-kommune"))
    operator("party", "seal", CITY, *seal)
    (operator.settings.parent / "keys" / f"{CITY}.seal.pem").unlink()
    status, lines = _check(operator)
    assert status == 1
    assert f"FAIL  the seal key of {CITY} is missing" in lines


def test_the_check_names_a_delivery_that_waits_for_a_person(operator: Operator) -> None:
    seal = ("--key", key("eksempelby-kommune"), "--chain", chain("eksempelby-kommune"))
    operator("party", "seal", CITY, *seal)
    operator("system", "add", "ESDH", "--certificate", chain("eksempelby-esdh"))
    installation, clock = open_installation(load_settings(operator.settings)), Clock()
    clock.now = now()
    endpoint = SoapEndpoint(Service.MUNICIPALITY, "https://localhost:8443", installation, Metrics())
    accepted(Caller(endpoint, signing_key("eksempelby-esdh"), clock), sending(paper(clock())))
    with installation.database.alone() as connection:
        connection.exec_driver_sql("DELETE FROM data_key")
    assert Worker(installation, poll_seconds=1, lease_seconds=60, checkpoint_seconds=60).turn()
    installation.database.close()
    status, lines = _check(operator)
    assert status == 1
    assert f"FAIL  DeliveryParked: 1. {Alert.DELIVERY_PARKED.value.english}" in lines


def test_a_certificate_is_judged_for_its_use(operator: Operator) -> None:
    told = operator("certificate", "check", chain("eksempelby-esdh"), "--usage", "MESSAGE")
    assert told.startswith("CVR 11111111  Eksempelby Kommune  Eksempelby ESDH\n")
    assert development_pki().certificate("eksempelby-esdh").fingerprint in told
    revoked = operator.refused("certificate", "check", chain("bad-revoked"), "--usage", "CONTENT")
    assert revoked.code is Code.CERTIFICATE_REVOKED
    unknown = operator.refused("certificate", "check", chain("eksempelby-esdh"), "--usage", "LUNCH")
    assert unknown.code is Code.ARGUMENT_INVALID
    missing = operator.refused("certificate", "check", chain("nobody"), "--usage", "MESSAGE")
    assert missing.code is Code.ARGUMENT_INVALID


# --- the development PKI -------------------------------------------------------------------------------

SMALL = """
country = "DK"
authority_organisation = "Den Danske Stat"
unit = "Test - Bropost"
address = "http://127.0.0.1:8390/oces"
policies = ["1.2.208.169.1.1.1.3.7"]
list_hours = 48
trusted_roots = ["root"]
trusted_intermediates = ["issuing"]
checkpoints = ["checkpoint"]

[authorities.root]
common_name = "Den Danske Stat OCES rod-CA"
key = "p-256"
days = [-1, 2]

[authorities.issuing]
common_name = "Den Danske Stat OCES udstedende-CA 1"
key = "p-256"
issuer = "root"
path_length = 0
days = [-1, 2]

[certificates.eksempelby-kommune]
organisation = "Eksempelby Kommune"
cvr = "11111111"
common_name = "Eksempelby Kommune - segl"
key = "p-256"
days = [-1, 2]

[servers.localhost]
organisation = "Bropost Eksempeldrift"
key = "p-256"
names = ["localhost"]
addresses = ["127.0.0.1"]
days = [-1, 2]
"""


def test_a_pki_is_made_for_its_owner_alone_and_its_lists_are_renewed(tmp_path: Path) -> None:
    declaration, folder = tmp_path / "small.toml", tmp_path / "pki"
    declaration.write_text(SMALL, encoding="utf-8")
    run("pki", "dev", folder, "--declaration", declaration)
    modes = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}
    assert modes["eksempelby-kommune.key.pem"] == modes["checkpoint.key.pem"] == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    run("pki", "renew", folder, "--declaration", declaration)
    after = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert {name for name, octets in after.items() if octets != before[name]} == {"root.crl", "issuing.crl"}


def test_what_is_no_pki_is_named(tmp_path: Path) -> None:
    declaration = tmp_path / "small.toml"
    declaration.write_text("country = ", encoding="utf-8")
    for arguments in (
        ("pki", "renew", tmp_path / "none"),
        ("pki", "dev", tmp_path / "pki", "--declaration", declaration),
        ("pki", "dev", tmp_path / "pki", "--declaration", tmp_path / "none.toml"),
        ("pki", "dev", declaration / "below", "--declaration", _small(tmp_path)),
    ):
        with pytest.raises(BropostError) as refused:
            run(*arguments)
        assert refused.value.code is Code.ARGUMENT_INVALID


def _small(folder: Path) -> Path:
    path = folder / "declaration.toml"
    path.write_text(SMALL, encoding="utf-8")
    return path


def test_settings_that_are_there_are_not_written_over(operator: Operator) -> None:
    before = operator.settings.read_bytes()
    with pytest.raises(BropostError) as refused:
        make_installation(operator.settings.parent)
    assert refused.value.code is Code.ARGUMENT_INVALID
    assert operator.settings.read_bytes() == before


# --- how errors end ------------------------------------------------------------------------------------


def _process(*arguments: str | Path) -> tuple[int, str, str]:
    command: Sequence[str | Path] = [COMMAND, *arguments]
    ran = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=60, check=False)
    return ran.returncode, ran.stdout, ran.stderr


def test_an_error_ends_with_status_2_and_one_line_in_each_language(operator: Operator) -> None:
    status, printed, told = _process("log", "key", "99", "--settings", operator.settings)
    assert (status, printed) == (2, "")
    code, english, danish = told.splitlines()
    assert code == "ARGUMENT_INVALID"
    assert english.startswith("  An argument cannot be used: 99")
    assert danish.startswith("  Et argument kan ikke bruges: 99")


@pytest.mark.parametrize(
    ("line", "named"),
    [("tls_key = ", "server.tls_key"), ("tls_certificate = ", "server.tls_certificate")],
)
def test_a_gateway_whose_tls_key_cannot_be_used_does_not_start(
    operator: Operator, line: str, named: str
) -> None:
    text = operator.settings.read_text("utf-8")
    (old,) = (each for each in text.splitlines() if each.startswith(line))
    other = line + ('"gone.pem"' if "key" in line else f'"{chain("gateway-seal")}"')
    operator.settings.write_text(text.replace(old, other), encoding="utf-8")
    loaded = load_settings(operator.settings)
    for start in (app.serve, check):
        with pytest.raises(BropostError) as refused:
            start(loaded)
        assert refused.value.code is Code.SETTINGS_INVALID
        assert named in str(refused.value.facts["what"])


def test_a_gateway_with_an_unknown_setting_does_not_start(operator: Operator) -> None:
    change_settings(operator.settings, "server", "prot = 1")
    status, _, told = _process("serve", "--settings", operator.settings)
    assert status == 2
    assert "server.prot" in told


def test_check_finds_a_key_that_everybody_may_read(operator: Operator, tmp_path: Path) -> None:
    keys = load_settings(operator.settings).keys
    key = tmp_path / "seal.key.pem"
    key.write_bytes(keys.seal_key.read_bytes())
    key.chmod(0o644)
    text = operator.settings.read_text("utf-8")
    operator.settings.write_text(text.replace(str(keys.seal_key), str(key)), encoding="utf-8")
    result = CliRunner().invoke(application, ["check", "--settings", str(operator.settings)])
    assert result.exit_code == 1
    assert [line for line in result.stdout.splitlines() if "everybody" in line] == [
        "FAIL  seal key: everybody may use its file"
    ]

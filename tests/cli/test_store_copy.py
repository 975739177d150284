"""A store is copied whole and proved to be sound where it arrives, or nothing of it is there."""

from __future__ import annotations

import shutil
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from lxml import etree
from sqlalchemy import Connection, insert, select, text, update

from gateway.app import open_installation
from gateway.crypto import xades
from gateway.domain.catalogue import Code
from gateway.domain.errors import BropostError
from gateway.domain.operations import Service
from gateway.interfaces.metrics import Metrics
from gateway.interfaces.soap_endpoint import SoapEndpoint
from gateway.interfaces.worker import Worker
from gateway.services.installation import Installation
from gateway.settings import load_settings
from gateway.storage.configuration import note_moved
from gateway.storage.database import Database
from gateway.storage.tables import METADATA, configuration
from gateway.storage.tables_documents import evidence, outbox
from gateway.storage.tables_log import log_checkpoint, log_entry
from gateway.xmlcore.namespaces import DS, tag
from gateway.xmlcore.parse import parse
from tests import postgres
from tests.development import make_installation, pki_folder, run
from tests.golden.changes import SetText
from tests.installation import Caller, Clock, now
from tests.pki import signing_key
from tests.services.papers import accepted, id_of, paper, sending

Filled = tuple[Path, etree._Element]
CITY, SCHOOL = "11111111-0999", "22222222-999001"


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Filled:
    """The settings of an installation with a letter that was delivered, and the letter."""
    settings = make_installation(tmp_path_factory.mktemp("filled") / "gateway")
    run("party", "add", "Eksempelby Kommune", CITY, "--settings", settings)
    run("party", "add", "Prøveby Erhvervsskole", SCHOOL, "--settings", settings)
    seal = pki_folder() / "eksempelby-kommune"
    parts = ("--key", f"{seal}.key.pem", "--chain", f"{seal}.chain.pem")
    run("party", "seal", CITY, *parts, "--settings", settings)
    esdh = pki_folder() / "eksempelby-esdh.chain.pem"
    run("system", "add", "ESDH", "--certificate", esdh, "--settings", settings)
    installation = open_installation(load_settings(settings))
    letter = paper(installation.clock())
    accepted(_esdh(installation), sending(letter))
    elsewhere = SetText("/Document/Header/Recipient/Party/InstitutionNumber", "999002")
    assert _esdh(installation).call(sending(paper(installation.clock(), elsewhere))).fault_code
    worker = Worker(installation, poll_seconds=1, lease_seconds=60, checkpoint_seconds=0)
    while worker.turn():
        pass
    installation.database.close()
    return settings, letter


@pytest.fixture
def settings(filled: Filled, tmp_path: Path) -> Path:
    """The settings of a copy of it."""
    shutil.copytree(filled[0].parent, tmp_path / "gateway")
    return tmp_path / "gateway" / filled[0].name


@pytest.fixture(params=postgres.kinds())
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[str]:
    """The address of a database without tables, of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'target' / 'bropost.db'}"
    else:
        name = f"target_{uuid4().hex}"
        yield postgres.server().create(name)
        postgres.server().drop(name)


def test_a_copied_store_goes_on_where_the_old_one_stopped(
    settings: Path, target: str, filled: Filled
) -> None:
    printed = _copy(settings, target)
    assert "3 pieces of evidence hold" in printed  # acceptance, consignment, and a refusal
    assert "2 logs of" in printed
    assert printed.splitlines()[-1].startswith("Done.")
    with _opened(settings) as old:
        told = _told(old)
    moved = _with_database(settings, target)
    installation = open_installation(load_settings(moved))
    with installation.database.read() as connection:
        assert _told(connection) == told
    letter = filled[1]
    assert accepted(_esdh(installation), sending(letter)).text("Repeated") == "true"
    other = paper(installation.clock())
    assert accepted(_esdh(installation), sending(other)).text("DocumentId") == id_of(other)
    installation.database.close()


def test_no_key_that_was_ever_given_is_given_again(settings: Path, target: str) -> None:
    with _opened(settings) as connection:
        connection.execute(text("UPDATE sqlite_sequence SET seq = 70 WHERE name = 'outbox'"))
    _copy(settings, target)
    database = Database.open(target, busy_seconds=5)
    with database.alone() as connection:
        key = connection.execute(text("SELECT min(key) FROM document")).scalar_one()
        row = {"task": "DELIVER", "document_key": key, "due_at": 0, "attempts": 0}
        given = connection.execute(insert(outbox).returning(outbox.c.id), row).scalar_one()
        assert given > 70
    database.close()


def test_the_store_of_a_running_gateway_is_not_copied(settings: Path, target: str) -> None:
    installation = open_installation(load_settings(settings))  # holds its connections, as a gateway does
    assert _refused(settings, target).code is Code.DATABASE_IN_USE
    installation.database.close()
    assert _rows_in(target) is None
    _copy(settings, target)


def test_nobody_opens_a_store_while_it_is_copied(settings: Path) -> None:
    installation = open_installation(load_settings(settings), alone=True)
    with pytest.raises(BropostError) as refused:
        open_installation(load_settings(settings))
    assert refused.value.code is Code.BUSY
    installation.database.close()


def test_the_old_store_serves_no_more_once_it_was_copied(settings: Path, target: str) -> None:
    _copy(settings, target)
    with pytest.raises(BropostError) as refused:
        open_installation(load_settings(settings))
    assert refused.value.code is Code.STORE_MOVED
    assert target in refused.value.english
    assert _refused(settings, f"sqlite:///{settings.parent / 'third.db'}").code is Code.STORE_MOVED
    open_installation(load_settings(_with_database(settings, target))).database.close()


def test_a_copy_that_was_killed_between_the_two_stores_is_made_anew(settings: Path, target: str) -> None:
    with _opened(settings) as connection:
        note_moved(connection, target)  # as it stands there before the new one is committed
    _copy(settings, target)
    open_installation(load_settings(_with_database(settings, target))).database.close()
    assert _refused(settings, target).code is Code.ARGUMENT_INVALID  # it is there


def test_a_database_that_holds_anything_is_not_written_over(settings: Path, target: str) -> None:
    there = Database.open(target, busy_seconds=5)
    there.migrate()
    with there.alone() as connection:
        connection.execute(insert(configuration).values(name="installation", value="another"))
    there.close()
    assert _refused(settings, target).code is Code.ARGUMENT_INVALID
    assert _rows_in(target) == 1


@pytest.mark.parametrize(
    "harm",
    [
        "evidence",
        "entry",
        "checkpoint",
        "head",
        "no evidence",
        "no opening",
        "another's opening",
        "another event",
        "another time",
        "no rejection",
        *(f"sealed by {name}" for name in ("gateway-seal", "eksempelby-kommune", "proeveby-sis")),
    ],
)
def test_nothing_arrives_of_a_store_that_does_not_hold(settings: Path, target: str, harm: str) -> None:
    with _opened(settings) as connection:
        _harm(connection, harm)
    assert _refused(settings, target).code is Code.STORED_DATA_ALTERED
    assert _rows_in(target) == 1  # the mark that it is no store
    with pytest.raises(BropostError) as refused:
        open_installation(load_settings(_with_database(settings, target)))
    assert refused.value.code is Code.STORE_UNFINISHED


def _harm(connection: Connection, harm: str) -> None:
    if harm == "evidence":
        octets: bytes = connection.execute(text("SELECT octets FROM evidence LIMIT 1")).scalar_one()
        changed = octets.replace(b"SubmissionAcceptance", b"SubmissionRejection_")
        connection.execute(update(evidence).values(octets=changed))
    elif harm == "entry":
        connection.execute(update(log_entry).where(log_entry.c.seq == 1).values(octets=b"{}"))
    elif harm == "checkpoint":
        note: str = connection.execute(text("SELECT max(note) FROM log_checkpoint")).scalar_one()
        connection.execute(update(log_checkpoint).values(note=note.replace("\n", "x\n", 1)))
    elif harm in _STATEMENTS:
        connection.execute(text(_STATEMENTS[harm]))
    elif harm.startswith("sealed by "):
        _seal_anew(connection, harm.removeprefix("sealed by "))
    else:
        connection.execute(text("UPDATE log SET frontier = CAST(zeroblob(length(frontier)) AS BLOB)"))


_STATEMENTS = {
    "no evidence": "DELETE FROM evidence WHERE event = 'ContentConsignment'",
    "no opening": "DELETE FROM opening WHERE entry_id = (SELECT min(entry_id) FROM opening)",
    "another's opening": "UPDATE opening SET ciphertext = (SELECT max(ciphertext) FROM opening)",
    "another event": "UPDATE evidence SET event = 'ContentHandover' WHERE event = 'ContentConsignment'",
    "another time": "UPDATE evidence SET at = at + 1000",
    "no rejection": "UPDATE refusal SET evidence = NULL",
}


def _seal_anew(connection: Connection, name: str) -> None:
    """Let another key, or the gateway's own once more, sign what a piece of evidence says."""
    query = select(evidence.c.key, evidence.c.octets, evidence.c.at).limit(1)
    key, octets, at = connection.execute(query).one()
    root = parse(octets)
    for signature in root.findall(tag(DS, "Signature")):
        root.remove(signature)
    forged = xades.sign(root, signing_key(name), datetime.fromtimestamp(at / 1000 + 1, UTC))
    connection.execute(update(evidence).where(evidence.c.key == key).values(octets=forged))


def _copy(settings: Path, target: str) -> str:
    return run("store", "copy", "--to", target, "--settings", settings)


def _refused(settings: Path, target: str) -> BropostError:
    with pytest.raises(BropostError) as refused:
        _copy(settings, target)
    return refused.value


def _rows_in(target: str) -> int | None:
    """How many rows there are; None without tables."""
    database = Database.open(target, busy_seconds=5)
    try:
        with database.read() as connection:
            if not connection.dialect.has_table(connection, "party"):
                return None
            counts = (connection.exec_driver_sql(f"SELECT count(*) FROM {name}") for name in METADATA.tables)
            return sum(int(each.scalar_one()) for each in counts)
    finally:
        database.close()


def _told(connection: Connection) -> list[tuple[object, ...]]:
    """All events and log entries, in their order."""
    queries = ("SELECT * FROM event ORDER BY seq", "SELECT * FROM log_entry ORDER BY key")
    return [tuple(row) for query in queries for row in connection.execute(text(query))]


@contextmanager
def _opened(settings: Path) -> Generator[Connection]:
    """The database of a settings file, to look into and to change."""
    database = Database.open(load_settings(settings).store.database, busy_seconds=5)
    with database.alone() as connection:
        yield connection
    database.close()


def _with_database(settings: Path, address: str) -> Path:
    """The same settings with another database."""
    moved = settings.with_name("moved.toml")
    moved.write_text(
        settings.read_text("utf-8").replace('"sqlite:///bropost.db"', f'"{address}"'), encoding="utf-8"
    )
    return moved


def _esdh(installation: Installation) -> Caller:
    clock = Clock()
    clock.now = now()
    endpoint = SoapEndpoint(Service.MUNICIPALITY, "https://localhost:8443", installation, Metrics())
    return Caller(endpoint, signing_key("eksempelby-esdh"), clock)

"""The bench measures what it says: its primitives and stacks do the work, and its stores and bundles are real."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from lxml import etree

from bench import growth, log
from bench.installation import Attached, Bench, Keys, letter_message, open_bench, pki_of
from bench.measure import Sample, Subject, interleaved, ratio
from bench.primitives import Primitives
from bench.profiles import profiled
from bench.report import Part, Result, write_page
from bench.server import send, serving
from bench.stacks import SignxmlStack, ZeepStack
from gateway.crypto.certificates import Usage
from gateway.domain.errors import InternalError
from gateway.domain.operations import Service
from gateway.protocol import soap, wss
from gateway.xmlcore.namespaces import DS

P_256 = Keys.P_256


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return open_bench(tmp_path_factory.mktemp("bench"), P_256)


@pytest.fixture(scope="module")
def primitives(bench: Bench) -> Primitives:
    return Primitives(bench, bench.folder)


def test_the_primitives_answer_as_the_product_does(bench: Bench, primitives: Primitives) -> None:
    (call,) = primitives.prepare(1)
    unpacked = soap.unpack("text/xml", None, primitives.submit(call))
    pki = bench.pki
    verified = wss.verify(
        unpacked, pki.trust_store(), pki.revocations(), datetime.now(UTC), usage=Usage.MESSAGE
    )
    assert verified.operation == "SendLetterResponse"
    assert verified.certificate.certificate == pki.certificate("gateway-message")


def test_the_primitives_write_the_rows_of_a_submission(bench: Bench, primitives: Primitives) -> None:
    names = {"document", "blob", "data_key", "event", "evidence", "log_entry", "opening", "outbox", "replay"}
    assert set(primitives.written.inserted) == names
    database = sqlite3.connect(bench.folder / "primitives.db")

    def counts() -> dict[str, int]:
        return {name: database.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in names}

    before = counts()
    for call in primitives.prepare(2):
        primitives.submit(call)
    added = {name: count - before[name] for name, count in counts().items()}
    database.close()
    assert added == {name: 2 * len(rows) for name, rows in primitives.written.inserted.items()}


@pytest.mark.parametrize("stack", [SignxmlStack, ZeepStack])
def test_a_stack_stores_and_signs(
    bench: Bench, primitives: Primitives, stack: type[SignxmlStack | ZeepStack], tmp_path: Path
) -> None:
    made = stack(bench, primitives, P_256, tmp_path)
    answer = etree.fromstring(made.submit(made.prepare(1)[0]))
    references = answer.findall(f"{{*}}Header//{{{DS}}}Reference")
    assert len(references) == 2
    assert answer.findtext(f"{{*}}Header//{{{DS}}}SignatureValue")


@pytest.mark.parametrize("mtom", [False, True])
def test_letters_with_attachments_are_accepted(bench: Bench, mtom: bool) -> None:
    attached = Attached(b"%PDF-1.7\n1 0 obj\nendobj\n%%EOF\n", "application/pdf", mtom)
    assert bench.call(bench.letters(1, attached)[0]).status == 200


def test_a_filled_store_works_on(tmp_path: Path) -> None:
    store = growth.open_store(tmp_path, 300, P_256)
    assert len(set(store.ids)) == 300
    for message in (*store.bench.letters(1), *store.status(2)):
        assert store.bench.call(message).status == 200
    (listing,) = store.inbox(1)
    inbox = etree.fromstring(store.bench.call(listing, Service.INSTITUTION).body)
    assert len(inbox.findall(".//{*}Item")) == growth.WAITING
    store.bench.installation.database.close()


def test_a_bundle_of_the_bench_verifies_in_little_memory(bench: Bench, tmp_path: Path) -> None:
    anchored = log.make_bundle(bench, tmp_path, 300)
    anchored.verify()
    anchored.read_and_hash()
    assert 0 < log.memory_of(anchored) < 100


def test_the_log_can_be_measured_alone(bench: Bench) -> None:
    entries = log.Entries(bench)
    entries.write(entries.leaf)
    (evidence,) = entries.evidence(1)
    entries.append(evidence)
    with pytest.raises(InternalError):
        entries.append(evidence)  # the same entry again: so it was stored


def test_the_server_serves_and_tells_its_cpu_time(tmp_path: Path) -> None:
    key = pki_of(P_256).signing_key("eksempelby-esdh")
    with serving(tmp_path, P_256) as server:
        before = server.cpu()
        assert len(send(server, [letter_message(key) for _ in range(4)])) == 4
        assert server.cpu()[0] > before[0]


def test_subjects_take_turns() -> None:
    turns: list[str] = []
    subjects = {
        name: Subject(lambda count, name=name: [name] * count, turns.append)  # type: ignore[misc]
        for name in "AB"
    }
    interleaved(subjects, rounds=1, calls=2)
    assert "".join(turns) == "AABB" * 2


def test_a_ratio_is_that_of_the_rounds() -> None:
    samples = {"a": Sample((2.0, 40.0, 6.0)), "b": Sample((1.0, 10.0, 3.0))}
    assert ratio(samples, "a", "b") == 2
    assert samples["a"].median == 6


def test_the_page_keeps_what_people_wrote(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text("before\n<!-- measured: begin -->\nold\n<!-- measured: end -->\nafter\n", "utf-8")
    results = [Result("one", 1.2, 1.5), Result("two", 1.0, 2.0, at_least=True)]
    write_page([Part("Part", results, "detail")], page)
    text = page.read_text("utf-8")
    assert text.startswith("before\n")
    assert text.endswith("-->\nafter\n")
    assert "old" not in text
    assert "| one | 1.20x | ≤ 1.5x | met |" in text
    assert "| two | 1.00x | ≥ 2x | missed: 2.00 times the goal |" in text


def test_a_profile_names_the_rooms(bench: Bench) -> None:
    text = profiled("letters", bench.call, bench.letters(2))
    assert "`gateway/domain`" in text
    assert "`gateway/services/submission.py` submit" in text

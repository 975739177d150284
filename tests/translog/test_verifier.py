"""The offline verifier: each way of tampering is caught, and the first bad entry is named."""

from __future__ import annotations

import io
import json
import secrets
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.crypto.keys import CheckpointKey
from gateway.domain.disclosure import CommittedField
from gateway.domain.errors import InputError
from gateway.domain.identifiers import Uuid4
from gateway.translog.bundle import ENTRIES, MANIFEST, OPENINGS, tile_path
from gateway.translog.canonical import canonical
from gateway.translog.checkpoint import Checkpoint, LogKey, parse_checkpoint, sign_checkpoint
from gateway.translog.commitment import Committer, compose_opening
from gateway.translog.findings import Finding
from gateway.translog.leaf import compose
from gateway.translog.merkle import leaf_hash
from gateway.translog.report import BadEntry, OpeningStatus, Outcome, Report, StepName, Verdict
from gateway.translog.verifier import verify_bundle
from tests.translog import logs
from tests.translog.logs import Log, packed, sample_log, unpacked
from tests.translog.tampering import Tampering, change, edit, exchange, insert, move, remove, repeat, swap

SIZE = 1000
LOG = sample_log(SIZE, [0, 100, 400, 401, 700, SIZE], openings=3)
MEMBERS = unpacked(LOG.bundle())
LINES = MEMBERS[ENTRIES].splitlines(keepends=True)
NOTES = [LOG.checkpoint(size) for size in LOG.sizes]
KNOWN = LOG.checkpoint(400)


def verify(
    bundle: bytes, *, log_key: str | None = LOG.log_key, known_checkpoint: str | None = KNOWN
) -> Report:
    return verify_bundle(io.BytesIO(bundle), log_key=log_key, known_checkpoint=known_checkpoint)


def failed(report: Report) -> set[StepName]:
    return {step.name for step in report.steps if step.outcome is Outcome.FAIL}


def named(report: Report) -> BadEntry:
    assert report.verdict is Verdict.INVALID
    assert report.bad is not None
    return report.bad


def id_of(line: bytes) -> str:
    found = json.loads(line)["entry_id"]
    assert isinstance(found, str)
    return found


# --- the honest bundle and its anchors ----------------------------------------------------------------


def test_honest_bundle_with_both_anchors_is_ok() -> None:
    report = verify(LOG.bundle())
    assert report.verdict is Verdict.OK
    assert report.bad is None
    assert {step.outcome for step in report.steps} == {Outcome.PASS}
    assert report.counts.entries == SIZE
    assert report.counts.checkpoints == 6
    assert report.counts.kinds == {"DISCLOSE": 3, "EVIDENCE": 997}
    assert report.newest == NOTES[-1]
    assert report.checkpoint == parse_checkpoint(NOTES[-1]).claimed


def test_bundle_in_a_file_is_verified_too(tmp_path: Path) -> None:
    path = tmp_path / "log.zip"
    path.write_bytes(LOG.bundle())
    assert verify_bundle(path, log_key=LOG.log_key, known_checkpoint=KNOWN).verdict is Verdict.OK
    assert verify_bundle(str(path), log_key=LOG.log_key, known_checkpoint=KNOWN).verdict is Verdict.OK


@pytest.mark.parametrize(
    ("log_key", "known", "outcomes"),
    [
        (None, None, (Outcome.NOT_CHECKED, Outcome.NOT_CHECKED)),
        (LOG.log_key, None, (Outcome.PASS, Outcome.NOT_CHECKED)),
        (None, KNOWN, (Outcome.NOT_CHECKED, Outcome.PASS)),
        (LOG.log_key, NOTES[0], (Outcome.PASS, Outcome.NOT_CHECKED)),
    ],
    ids=["neither", "key only", "checkpoint only", "checkpoint of an empty log"],
)
def test_bundle_without_both_anchors_is_never_ok(
    log_key: str | None, known: str | None, outcomes: tuple[Outcome, Outcome]
) -> None:
    report = verify(LOG.bundle(), log_key=log_key, known_checkpoint=known)
    assert report.verdict is Verdict.UNANCHORED
    found = report.step(StepName.LOG_KEY).outcome, report.step(StepName.KNOWN_CHECKPOINT).outcome
    assert found == outcomes


def test_wholly_invented_log_is_not_ok_without_the_key() -> None:
    invented = sample_log(300)
    report = verify(invented.bundle(), log_key=None, known_checkpoint=invented.checkpoint(100))
    assert report.verdict is Verdict.UNANCHORED
    assert report.step(StepName.SIGNATURES).outcome is Outcome.NOT_CHECKED


def test_log_signed_with_two_keys_is_ok_under_both() -> None:
    later = replace(LOG, key=CheckpointKey.from_seed(secrets.token_bytes(32)))
    bundle = LOG.bundle([LOG.checkpoint(400), later.checkpoint(400), later.checkpoint(SIZE)])
    assert verify(bundle, log_key=f"{LOG.log_key}\n\n{later.log_key}\n").verdict is Verdict.OK
    assert failed(verify(bundle)) == {StepName.SIGNATURES, StepName.ROOTS}


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 512])
def test_logs_at_the_edges_of_tiles_verify(size: int) -> None:
    log = sample_log(size, range(size + 1) if size < 300 else [1, size])
    report = verify(log.bundle(), log_key=log.log_key, known_checkpoint=log.checkpoint(size))
    assert report.verdict is (Verdict.OK if size else Verdict.UNANCHORED)
    assert failed(report) == set()


@pytest.mark.parametrize("known", NOTES[1:])
def test_every_kept_checkpoint_is_an_anchor(known: str) -> None:
    assert verify(LOG.bundle(), known_checkpoint=known).verdict is Verdict.OK


def test_anchor_that_cannot_be_read_is_the_auditors_own_mistake() -> None:
    for text in ("key", "", "\n"):
        with pytest.raises(InputError, match="LOG_KEY_MALFORMED"):
            verify(LOG.bundle(), log_key=text)
    for text in ("checkpoint", ""):
        with pytest.raises(InputError, match="LOG_CHECKPOINT_MALFORMED"):
            verify(LOG.bundle(), known_checkpoint=text)


# --- entries tampered with in the bundle --------------------------------------------------------------


TAMPERINGS: list[tuple[Tampering, Finding]] = [
    (change, Finding.ENTRY_CHANGED),
    (remove, Finding.ENTRY_REMOVED),
    (insert, Finding.ENTRY_INSERTED),
    (swap, Finding.ENTRIES_SWAPPED),
    (move, Finding.ENTRY_INSERTED),
    (exchange, Finding.ENTRY_CHANGED),
    (repeat, Finding.ENTRY_INSERTED),
]


@pytest.mark.parametrize(("tamper", "finding"), TAMPERINGS, ids=[row[0].__name__ for row in TAMPERINGS])
@pytest.mark.parametrize("index", [3, 99, 100, 254, 255, 256, 511, 700, 900, 997])
def test_tampering_with_an_entry_is_named_by_its_index(
    tamper: Tampering, finding: Finding, index: int
) -> None:
    lines = tamper(LINES, index)
    bad = named(verify(packed(MEMBERS | {ENTRIES: b"".join(lines)})))
    assert (bad.first, bad.last) == (index, index)
    assert bad.told.finding is finding
    assert bad.entry_id == id_of(lines[index])
    assert str(index) in bad.told.english
    assert str(index) in bad.told.danish


@pytest.mark.parametrize("index", [0, 255, 256, 998, 999])
def test_entries_cut_off_under_intact_tiles_are_named(index: int) -> None:
    bad = named(verify(packed(MEMBERS | {ENTRIES: b"".join(LINES[:index])})))
    assert (bad.first, bad.last, bad.told.finding) == (index, 999, Finding.ENTRIES_CUT)


@pytest.mark.parametrize("count", [1, 23, 24, 25, 300])
def test_entries_added_after_the_end_are_named(count: int) -> None:
    added = b"".join(compose(logs.evidence(Uuid4.new(), 5000 + number)) + b"\n" for number in range(count))
    bad = named(verify(packed(MEMBERS | {ENTRIES: MEMBERS[ENTRIES] + added})))
    assert (bad.first, bad.told.finding) == (SIZE, Finding.ENTRIES_ADDED)


@pytest.mark.parametrize(
    ("index", "line"),
    [
        (7, b"\n"),
        (7, b"not JSON\n"),
        (7, b"x" * 3_000_000 + b"\n"),
        (7, LINES[7].replace(b'":"', b'": "', 1)),
        (7, LINES[7].rstrip(b"\n") + b"\r\n"),
        (999, LINES[999].rstrip(b"\n")),
        (999, LINES[999] + b"\n"),
    ],
    ids=["empty", "text", "endless", "space", "carriage return", "no end", "empty last"],
)
def test_line_that_is_no_entry_is_named(index: int, line: bytes) -> None:
    lines = [*LINES[:index], line, *LINES[index + 1 :]]
    report = verify(packed(MEMBERS | {ENTRIES: b"".join(lines)}))
    assert named(report).first == (SIZE if line.endswith(b"\n\n") else index)
    assert {StepName.ENTRIES, StepName.TILES} <= failed(report)


def tile_with(index: int, hashed: bytes) -> dict[str, bytes]:
    """The tile members with another hash for one entry."""
    name = tile_path(index // 256, min(256, SIZE - index // 256 * 256))
    at = index % 256 * 32
    tile = MEMBERS[name]
    return {name: tile[:at] + hashed + tile[at + 32 :]}


@pytest.mark.parametrize(
    ("index", "first", "last"), [(0, 0, 99), (99, 0, 99), (100, 100, 399), (400, 400, 400), (999, 700, 999)]
)
def test_entry_changed_together_with_its_tile_is_named_between_two_checkpoints(
    index: int, first: int, last: int
) -> None:
    line = LINES[index].replace(b"OPEN", b"CONFIDENTIAL")
    tile = tile_with(index, leaf_hash(line.rstrip(b"\n")))
    lines = [*LINES[:index], line, *LINES[index + 1 :]]
    report = verify(packed(MEMBERS | {ENTRIES: b"".join(lines)} | tile), known_checkpoint=None)
    bad = named(report)
    assert (bad.first, bad.last, bad.told.finding) == (first, last, Finding.HISTORY_CHANGED)
    assert failed(report) == {StepName.ROOTS}


def test_changed_tile_under_intact_entries_is_named_as_such() -> None:
    report = verify(packed(MEMBERS | tile_with(300, bytes(32))))
    bad = named(report)
    assert (bad.first, bad.last, bad.told.finding) == (300, 300, Finding.TILE_CHANGED)
    assert failed(report) == {StepName.TILES}


def test_first_of_several_changes_is_named() -> None:
    lines = change(change(change(LINES, 800), 500), 200)
    assert named(verify(packed(MEMBERS | {ENTRIES: b"".join(lines)}))).first == 200


def test_earlier_change_hidden_in_its_tile_is_named_before_a_later_open_one() -> None:
    hidden = edit(LINES[50])
    lines = change([*LINES[:50], hidden, *LINES[51:]], 800)
    report = verify(
        packed(MEMBERS | {ENTRIES: b"".join(lines)} | tile_with(50, leaf_hash(hidden.rstrip(b"\n"))))
    )
    assert (named(report).first, named(report).last) == (0, 99)


@settings(deadline=None)
@given(st.sampled_from(sorted(MEMBERS)), st.data())
def test_any_bit_changed_in_any_member_is_caught(name: str, data: st.DataObject) -> None:
    octets = bytearray(MEMBERS[name])
    bit = data.draw(st.integers(0, len(octets) * 8 - 1))
    octets[bit // 8] ^= 1 << bit % 8
    report = verify(packed(MEMBERS | {name: bytes(octets)}))
    assert report.verdict is Verdict.INVALID
    if name == ENTRIES:
        assert named(report).first == MEMBERS[ENTRIES].count(b"\n", 0, bit // 8)


# --- the whole log tampered with by who can make bundles ----------------------------------------------


def test_log_cut_off_in_every_member_shows_against_the_kept_checkpoint() -> None:
    cut = replace(LOG.with_leaves(LOG.leaves[:401]), sizes=[0, 100, 400, 401])
    assert verify(cut.bundle()).verdict is Verdict.OK  # which is why a newer checkpoint is worth keeping
    bad = named(verify(cut.bundle(), known_checkpoint=NOTES[4]))
    assert (bad.first, bad.last, bad.told.finding) == (401, 699, Finding.KNOWN_CUT)


def test_log_cut_off_below_its_newest_checkpoint_is_named() -> None:
    cut = LOG.with_leaves(LOG.leaves[:700])
    bad = named(verify(cut.bundle(NOTES)))
    assert (bad.first, bad.last, bad.told.finding) == (700, 999, Finding.ENTRIES_CUT)
    cut = LOG.with_leaves(LOG.leaves[:650])
    bad = named(verify(cut.bundle(NOTES)))
    assert (bad.first, bad.last, bad.told.finding) == (401, 699, Finding.HISTORY_CHANGED)


def test_entries_beyond_the_newest_checkpoint_are_named() -> None:
    bad = named(verify(LOG.bundle(NOTES[:-1])))
    assert (bad.first, bad.last, bad.told.finding) == (700, 999, Finding.ENTRIES_UNSIGNED)


def test_log_rewritten_and_signed_again_shows_against_the_kept_checkpoint() -> None:
    forked = LOG.with_leaves([*LOG.leaves[:250], edit(LOG.leaves[250]), *LOG.leaves[251:]])
    assert verify(forked.bundle(), known_checkpoint=None).verdict is Verdict.UNANCHORED
    report = verify(forked.bundle())
    assert (named(report).first, named(report).last) == (0, 399)
    assert failed(report) == {StepName.KNOWN_CHECKPOINT}


def test_forked_history_shows_in_the_checkpoints_of_the_log_itself() -> None:
    forked = LOG.with_leaves([*LOG.leaves[:250], edit(LOG.leaves[250]), *LOG.leaves[251:]])
    report = verify(forked.bundle([NOTES[1], NOTES[2], forked.checkpoint(700), forked.checkpoint(SIZE)]))
    assert {StepName.ROOTS, StepName.KNOWN_CHECKPOINT} == failed(report)
    assert (named(report).first, named(report).last) == (100, 399)


def test_two_roots_for_one_size_are_reported_as_two_histories() -> None:
    forked = LOG.with_leaves([edit(LOG.leaves[500]), *LOG.leaves[1:]])
    report = verify(LOG.bundle([*NOTES[:3], forked.checkpoint(400), NOTES[-1]]))
    assert report.verdict is Verdict.INVALID
    assert report.step(StepName.ROOTS).told.finding is Finding.CHECKPOINTS_CONTRADICT
    assert report.bad is None


def test_log_signed_with_another_key_is_refused() -> None:
    other = replace(LOG, key=CheckpointKey.from_seed(secrets.token_bytes(32)))
    report = verify(other.bundle())
    assert report.verdict is Verdict.INVALID
    assert {StepName.LOG_KEY, StepName.SIGNATURES} <= failed(report)


def test_bundle_that_names_another_key_than_the_pinned_one_is_refused() -> None:
    other = LogKey.of(LOG.origin, CheckpointKey.from_seed(secrets.token_bytes(32)))
    manifest = MEMBERS[MANIFEST].replace(LOG.log_key.encode(), str(other).encode())
    assert failed(verify(packed(MEMBERS | {MANIFEST: manifest}))) == {StepName.LOG_KEY}
    assert StepName.SIGNATURES in failed(verify(packed(MEMBERS | {MANIFEST: manifest}), log_key=None))


def test_checkpoint_of_another_log_is_refused() -> None:
    foreign = sign_checkpoint(
        replace(parse_checkpoint(NOTES[2]).claimed, origin=str(logs.OTHER_ORIGIN)), LOG.key
    )
    report = verify(LOG.bundle([*NOTES[:2], foreign, *NOTES[3:]]))
    assert failed(report) == {StepName.SIGNATURES}
    assert "number 3" in report.step(StepName.SIGNATURES).told.english
    report = verify(LOG.bundle(), known_checkpoint=foreign)
    assert failed(report) == {StepName.KNOWN_CHECKPOINT}


def test_bundle_of_another_log_is_refused() -> None:
    other = replace(LOG, origin=logs.OTHER_ORIGIN, openings=[])
    report = verify(other.bundle(), log_key=other.log_key, known_checkpoint=other.checkpoint(400))
    assert failed(report) == {StepName.ENTRIES}  # its entries say that they belong to LOG
    assert named(report).first == 0
    assert verify(other.bundle()).verdict is Verdict.INVALID


def test_kept_checkpoint_that_somebody_else_signed_is_refused() -> None:
    other = replace(LOG, key=CheckpointKey.from_seed(secrets.token_bytes(32)))
    assert failed(verify(LOG.bundle(), known_checkpoint=other.checkpoint(400))) == {StepName.KNOWN_CHECKPOINT}


@pytest.mark.parametrize(
    ("notes", "finding"),
    [
        ([], Finding.CHECKPOINT_MISSING),
        ([*NOTES[:4], NOTES[1], *NOTES[4:]], Finding.CHECKPOINT_ORDER),
        ([*NOTES[:4], "x\n", *NOTES[4:]], Finding.CHECKPOINT_BROKEN),
        ([*NOTES[:4], NOTES[4].replace("700", "701"), NOTES[5]], Finding.CHECKPOINT_BROKEN),
    ],
    ids=["none", "order", "text", "edited"],
)
def test_checkpoints_tampered_with_are_reported(notes: list[str], finding: Finding) -> None:
    report = verify(LOG.bundle(notes))
    assert report.verdict is Verdict.INVALID
    assert report.step(StepName.SIGNATURES).told.finding is finding


def test_signed_checkpoint_with_a_false_root_is_reported() -> None:
    false = sign_checkpoint(Checkpoint(str(LOG.origin), 700, bytes(32)), LOG.key)
    bad = named(verify(LOG.bundle([*NOTES[:4], false, NOTES[5]])))
    assert (bad.first, bad.last) == (401, 699)


def test_malformed_entry_that_the_log_really_holds_is_named() -> None:
    free_text = LOG.leaves[600].replace(b"ACCEPTED", b"all went well")
    log = LOG.with_leaves([*LOG.leaves[:600], free_text, *LOG.leaves[601:]])
    report = verify(log.bundle())
    assert failed(report) == {StepName.ENTRIES}
    assert (named(report).first, named(report).last) == (600, 600)


def test_entry_that_is_too_large_is_named() -> None:
    letter = json.loads(LOG.leaves[0])
    letter["fields_sent"] = [f"/{'A' * 60}/{'B' * 60}/{'C' * 60}"] * 400
    log = replace(LOG.with_leaves([canonical(letter), *LOG.leaves[1:]]), openings=[])
    assert failed(verify(log.bundle(), known_checkpoint=log.checkpoint(400))) == {StepName.ENTRIES}


def test_entry_id_that_the_log_holds_twice_is_named() -> None:
    again = compose(logs.evidence(Uuid4(id_of(LOG.leaves[123])), 9))
    log = LOG.with_leaves([*LOG.leaves[:600], again, *LOG.leaves[601:]])
    report = verify(log.bundle())
    assert failed(report) == {StepName.ENTRIES}
    assert (named(report).first, named(report).told.finding) == (600, Finding.ENTRY_ID_TWICE)


def test_broken_archive_is_invalid_and_nothing_else_is_claimed() -> None:
    report = verify(b"PK")
    assert report.verdict is Verdict.INVALID
    assert {step.outcome for step in report.steps[1:]} == {Outcome.NOT_CHECKED}
    assert report.step(StepName.ARCHIVE).told.danish.startswith("Logpakken kan ikke læses")


# --- openings -----------------------------------------------------------------------------------------


def opened(lines: list[bytes]) -> bytes:
    return packed(MEMBERS | {OPENINGS: b"".join(line + b"\n" for line in lines)})


def test_openings_that_hold_are_valid() -> None:
    report = verify(LOG.bundle())
    assert report.counts.openings_valid == 3
    assert [result.status for result in report.openings] == [OpeningStatus.VALID] * 3
    assert [result.index for result in report.openings] == [0, 1, 2]


def test_every_committed_field_can_be_opened() -> None:
    entry_id = Uuid4.new()
    committer = Committer(entry_id)
    log = Log([compose(logs.disclosure(entry_id, committer))], [1], openings=list(committer.openings))
    report = verify(log.bundle(), log_key=log.log_key, known_checkpoint=log.checkpoint(1))
    assert report.verdict is Verdict.OK
    assert {result.field for result in report.openings} == set(CommittedField) - {CommittedField.DECISION}


def test_opening_with_another_value_is_invalid_and_named() -> None:
    openings = [LOG.openings[0], replace(LOG.openings[1], value="7403055093"), LOG.openings[2]]
    report = verify(opened([compose_opening(opening) for opening in openings]))
    assert failed(report) == {StepName.OPENINGS}
    assert (named(report).first, named(report).entry_id) == (1, LOG.openings[1].entry_id.text)
    assert report.counts.openings_invalid == 1
    assert "7403055093" not in json.dumps(report.as_json())


@pytest.mark.parametrize(
    "line",
    [
        compose_opening(replace(LOG.openings[2], entry_id=Uuid4.new())),
        compose_opening(LOG.openings[0]),
        b"{}",
        compose_opening(LOG.openings[2])[:-1],
    ],
    ids=["unknown entry", "out of order", "other JSON", "cut off"],
)
def test_opening_that_belongs_nowhere_is_reported(line: bytes) -> None:
    report = verify(opened([*map(compose_opening, LOG.openings[:2]), line]))
    assert failed(report) == {StepName.OPENINGS}
    assert "number 3" in report.step(StepName.OPENINGS).told.english


def test_erased_entries_are_counted_and_the_log_stays_valid() -> None:
    erased = [opening.entry_id for opening in LOG.openings[:2]]
    log = LOG.with_leaves([*LOG.leaves, compose(logs.erasure(Uuid4.new(), erased))])
    log = replace(log, sizes=[400, SIZE + 1], openings=LOG.openings[2:])
    report = verify(log.bundle())
    assert report.verdict is Verdict.OK
    assert (report.counts.erased, report.counts.openings_valid) == (2, 1)
    statuses = {result.entry_id: (result.status, result.index) for result in report.openings}
    assert statuses[erased[0].text] == (OpeningStatus.ERASED, SIZE)


def test_opening_of_an_erased_entry_is_reported() -> None:
    erasure = compose(logs.erasure(Uuid4.new(), [LOG.openings[0].entry_id]))
    log = replace(LOG.with_leaves([*LOG.leaves, erasure]), sizes=[SIZE + 1])
    report = verify(log.bundle())
    assert failed(report) == {StepName.OPENINGS}


def test_refused_erasure_erases_nothing() -> None:
    refusal = compose(logs.erasure(Uuid4.new(), [LOG.openings[0].entry_id], outcome="REFUSED"))
    log = replace(LOG.with_leaves([*LOG.leaves, refusal]), sizes=[SIZE + 1])
    report = verify(log.bundle())
    assert report.verdict is Verdict.OK
    assert report.counts.erased == 0


# --- the report and its cost --------------------------------------------------------------------------


def test_report_is_json_with_a_sentence_in_both_languages_for_each_step() -> None:
    found = json.loads(json.dumps(verify(packed(MEMBERS | {ENTRIES: b"".join(change(LINES, 9))})).as_json()))
    assert found["verdict"] == "INVALID"
    assert found["bad"]["first"] == 9
    assert [step["step"] for step in found["steps"]] == [name.value for name in StepName]
    assert all(step["english"] != step["danish"] for step in found["steps"])
    assert "{" not in json.dumps([step["english"] + step["danish"] for step in found["steps"]])


def test_memory_grows_by_some_octets_an_entry_only() -> None:
    """So that a million entries stay below 100 MB: what is kept of one is a mark of eight octets."""

    def peak(log: Log) -> int:
        bundle, key, known = io.BytesIO(log.bundle()), log.log_key, log.checkpoint(1)
        tracemalloc.start()
        report = verify_bundle(bundle, log_key=key, known_checkpoint=known)
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert report.verdict is Verdict.OK
        return used

    sizes = 6_000, 18_000
    peaks = [peak(sample_log(size, [size])) for size in sizes]
    assert (peaks[1] - peaks[0]) / (sizes[1] - sizes[0]) < 40

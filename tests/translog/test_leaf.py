"""The octets of log entries: written, read, and refused in any other form."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain import disclosure
from gateway.domain.disclosure import (
    REQUIRED,
    Activity,
    Actor,
    Basis,
    Commitment,
    CommittedField,
    End,
    EntryKind,
    Leaf,
    LogOrigin,
    SchemaVersion,
    SubjectKind,
    Visibility,
    log_time,
)
from gateway.domain.errors import InputError
from gateway.domain.identifiers import Cvr, PartyId, Uuid4
from gateway.translog.canonical import canonical
from gateway.translog.leaf import MOST_OCTETS, compose, grammar, kind_of, parse_leaf
from gateway.translog.merkle import leaf_hash
from tests.translog import logs

GOLDEN = Path(__file__).parent.parent / "golden" / "log"


def of_shape(pattern: str) -> st.SearchStrategy[str]:
    return st.from_regex(pattern, fullmatch=True, alphabet=st.characters(max_codepoint=126))


UUIDS = st.uuids(version=4).map(lambda found: Uuid4(str(found)))
PARTIES = st.builds(PartyId, of_shape("[0-9]{8}").map(Cvr), of_shape("0[0-9]{3}|[0-9A-Z]{6}"))
COMMITMENTS = of_shape(disclosure.SHA256).map(Commitment)
CODES = st.lists(of_shape(disclosure.CODE), max_size=3).map(tuple)
PATHS = st.lists(of_shape(disclosure.PATH), max_size=3).map(tuple)
ENDS = st.builds(End, PARTIES, CODES, st.none() | of_shape(disclosure.SYSTEM))
TIMES = st.datetimes(datetime(1970, 1, 1), datetime(9999, 1, 1), timezones=st.just(UTC)).map(log_time)  # noqa: DTZ001
OPTIONAL: dict[str, st.SearchStrategy[Any]] = {
    "activity": st.builds(Activity, of_shape(disclosure.CODE), st.integers(0, 999_999_999)),
    "purposes": CODES,
    "bases": st.lists(
        st.builds(
            Basis,
            of_shape(disclosure.PROVISION),
            of_shape(disclosure.ARTICLE_6),
            st.none() | of_shape(disclosure.ARTICLE_9),
        ),
        max_size=3,
    ).map(tuple),
    "sender": ENDS,
    "recipient": ENDS,
    "batch": UUIDS,
    "categories": st.lists(of_shape(disclosure.CATEGORY), max_size=3).map(tuple),
    "fields_sent": PATHS,
    "fields_withheld": PATHS,
    "document": COMMITMENTS,
    "document_kind": of_shape(disclosure.NAME),
    "schema": st.builds(SchemaVersion, of_shape(disclosure.VERSION), of_shape(disclosure.SHA256)),
    "content": COMMITMENTS,
    "conversation": COMMITMENTS,
    "message": COMMITMENTS,
    "event": of_shape(disclosure.NAME),
    "outcome": of_shape(disclosure.CODE),
    "reasons": CODES,
    "actor": st.builds(
        Actor, of_shape(disclosure.CODE), st.none() | COMMITMENTS, st.none() | of_shape(disclosure.SYSTEM)
    ),
    "corrects": UUIDS,
    "decision": COMMITMENTS,
    "details": st.lists(of_shape(disclosure.DETAIL), max_size=3).map(tuple),
}


@st.composite
def leaves(draw: st.DrawFn) -> Leaf:
    kind = draw(st.sampled_from(EntryKind))
    chosen = set(REQUIRED[kind]) | draw(st.sets(st.sampled_from(sorted(OPTIONAL))))
    values: dict[str, Any] = {name: draw(OPTIONAL[name]) for name in chosen if name != "erases"}
    for name in REQUIRED[kind]:
        if name == "erases":
            values[name] = tuple(draw(st.lists(UUIDS, min_size=1, max_size=3)))
        elif values[name] == ():
            values[name] = draw(OPTIONAL[name].filter(bool))
    delayed = draw(st.booleans())
    about = draw(st.booleans())
    return Leaf(
        log=LogOrigin(draw(UUIDS), draw(PARTIES)),
        entry_id=draw(UUIDS),
        time=draw(TIMES),
        kind=kind,
        visibility=Visibility.DELAYED if delayed else Visibility.CONFIDENTIAL,
        visible_from=draw(st.dates()) if delayed else None,
        retention=draw(of_shape(disclosure.CODE)),
        special=draw(st.booleans()),
        subject=draw(COMMITMENTS) if about else None,
        subject_kind=draw(st.sampled_from(SubjectKind)) if about else None,
        subject_count=1 if about else 0,
        **values,
    )


@given(leaves())
def test_every_entry_is_read_back_from_its_octets(leaf: Leaf) -> None:
    octets = compose(leaf)
    assert parse_leaf(octets) == leaf
    assert canonical(json.loads(octets)) == octets
    assert kind_of(octets) is leaf.kind
    assert grammar(leaf.kind, leaf.log).fullmatch(octets)
    assert b"\n" not in octets
    other = logs.OTHER_ORIGIN
    assert leaf.log == other or not grammar(leaf.kind, other).fullmatch(octets)


def test_golden_entries_keep_their_octets_and_hashes() -> None:
    """The format is a promise: proofs given out years ago must still verify."""
    lines = (GOLDEN / "entries.jsonl").read_bytes().splitlines()
    hashes = (GOLDEN / "leaf-hashes.txt").read_text().split()
    assert [leaf_hash(line).hex() for line in lines] == hashes
    assert [compose(parse_leaf(line)) for line in lines] == lines
    assert {parse_leaf(line).kind for line in lines} == set(EntryKind)


def test_golden_letter_says_what_its_octets_say() -> None:
    line = (GOLDEN / "entries.jsonl").read_bytes().splitlines()[0]
    leaf = parse_leaf(line)
    assert leaf.log == logs.ORIGIN
    assert leaf.time == datetime(2026, 8, 5, 9, 12, 0, 123_000, UTC)
    assert leaf.bases == (Basis("LAB-30-7-1", "E"), Basis("CONSENT-GDPR", "A", "A"))
    assert leaf.recipient == End(logs.SCHOOL, ("STUDY_COUNSELLOR", "CONTACT_TEACHER"))
    assert set(leaf.commitments()) == set(CommittedField) - {CommittedField.DECISION}
    assert b"7403055092" not in line


def members_of(leaf: Leaf) -> dict[str, object]:
    found = json.loads(compose(leaf))
    assert isinstance(found, dict)
    return found


LETTER = logs.disclosure()
CHANGES: list[tuple[str, Callable[[dict[str, object]], object], str]] = [
    ("unknown field", lambda it: it.update(note="x"), "an unknown field"),
    ("free text", lambda it: it.update(outcome="did not want to"), "the field outcome"),
    ("null", lambda it: it.update(outcome=None), "the field outcome"),
    ("empty list", lambda it: it.update(reasons=[]), "the field reasons"),
    ("boolean for a number", lambda it: it.update(subject_count=True), "the field subject_count"),
    ("text for a number", lambda it: it.update(subject_count="1"), "the field subject_count"),
    ("number for a boolean", lambda it: it.update(special=1), "the field special"),
    ("unknown kind", lambda it: it.update(kind="FORGET"), "the field kind"),
    ("time of another zone", lambda it: it.update(time="2026-08-05T09:12:00.123+02:00"), "the field time"),
    ("time without milliseconds", lambda it: it.update(time="2026-08-05T09:12:00Z"), "the field time"),
    ("day that is none", lambda it: it.update(time="2026-02-30T09:12:00.000Z"), "day"),
    ("upper-case commitment", lambda it: it.update(subject="AB" * 32), "the field subject"),
    ("bare CPR number", lambda it: it.update(subject="7403055092"), "the field subject"),
    ("CPR number as a detail", lambda it: it.update(details=["7403055092"]), "the field details"),
    ("member of an object", lambda it: it.update(activity={"code": "A1", "version": 1, "x": 1}), "the field activity"),
    ("free text as a role", lambda it: it.update(actor={"role": "her mother"}), "the field actor"),
    ("party that is none", lambda it: it.update(sender={"party": "11111111"}), "the field sender"),
    ("basis without a letter", lambda it: it.update(bases=[{"provision": "LAB-30-9"}]), "the field bases"),
    ("schema without a hash", lambda it: it.update(schema={"version": "1.0"}), "the field schema"),
    ("path with a position", lambda it: it.update(fields_sent=["/Document[1]"]), "the field fields_sent"),
    ("later version", lambda it: it.update(v=2), "not an object of format version 1"),
    ("missing field", lambda it: it.pop("retention"), "the field retention"),
    ("field its kind needs", lambda it: it.pop("bases"), "the field bases"),
    ("subjects without a kind", lambda it: it.pop("subject_kind"), "subjects have a kind"),
    ("date without delay", lambda it: it.update(visible_from="2026-09-01"), "date of visibility"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "said"), [row[1:] for row in CHANGES], ids=[row[0] for row in CHANGES])
def test_entry_of_another_form_is_refused_saying_why(
    change: Callable[[dict[str, object]], object], said: str
) -> None:
    members = members_of(LETTER)
    change(members)
    with pytest.raises(InputError, match="LOG_ENTRY_MALFORMED") as caught:
        parse_leaf(canonical(members))  # type: ignore[arg-type]
    assert said in str(caught.value)
    only_together = said in ("day", "subjects have a kind", "date of visibility")
    assert only_together or not grammar(LETTER.kind).fullmatch(canonical(members))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'{"activity"', b'{ "activity"'),
        (b'"v":1', b'"v":1.0'),
        (b'"v":1', b'"v":1,"v":1'),
        (b'"v":1', b'"v":01'),
        (b'"special":true,', b""),
        (b"DISCLOSE", b"\\u0044ISCLOSE"),
        (b'"OPEN"}', b'"OPEN"}\n'),
        (b'"OPEN"}', b'"OPEN"'),
        (b'"OPEN"}', b'"OPEN"},{}'),
        (b'{"activity"', b'\xef\xbb\xbf{"activity"'),
        (b"RETENTION", "ÆRETENTION".encode()),
    ],
)
def test_entry_in_another_spelling_is_refused(old: bytes, new: bytes) -> None:
    octets = compose(LETTER)
    assert old in octets
    with pytest.raises(InputError, match="LOG_ENTRY_MALFORMED"):
        parse_leaf(octets.replace(old, new, 1))


@pytest.mark.parametrize(
    "octets", [b"", b"null", b"[]", b"{}", b"{" * 50_000, b"\xff" * 40, b'{"kind":"EVIDENCE"}']
)
def test_octets_that_are_no_entry_are_refused(octets: bytes) -> None:
    with pytest.raises(InputError, match="LOG_ENTRY_MALFORMED"):
        parse_leaf(octets)


def test_entry_that_is_too_large_is_neither_written_nor_read() -> None:
    paths = tuple(f"/{'A' * 60}/{'B' * 60}/N{number}" for number in range(disclosure.MOST_PATHS))
    leaf = replace(LETTER, fields_sent=paths, fields_withheld=paths)
    with pytest.raises(InputError, match=str(MOST_OCTETS)):
        compose(leaf)
    members = members_of(LETTER) | {"fields_sent": paths, "fields_withheld": paths}
    with pytest.raises(InputError, match=str(MOST_OCTETS)):
        parse_leaf(canonical(members))  # type: ignore[arg-type]


WRONG: list[dict[str, object]] = [
    {"time": datetime(2026, 8, 5, 9, 12, 0, 123_456, UTC)},
    {"kind": EntryKind.ERASE},
    {"erases": (logs.ENTRY_ID,)},
    {"subject_count": 2},
    {"subject_kind": None},
    {"visibility": Visibility.DELAYED},
    {"visible_from": date(2026, 9, 1)},
    {"purposes": ("START SUPPORT",)},
    {"purposes": ("A1",) * 51},
    {"fields_sent": ("Document",)},
    {"fields_sent": ("/A,/B",) * 401},
    {"categories": ("Health",)},
    {"event": "handed over"},
    {"retention": ""},
    {"details": ("7403055092",)},
]


@pytest.mark.parametrize("change", WRONG, ids=[next(iter(row)) for row in WRONG])
def test_entry_with_a_wrong_value_is_not_made(change: dict[str, object]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - one type for all
        replace(LETTER, **change)  # type: ignore[arg-type]


def test_time_of_an_entry_is_cut_to_the_millisecond() -> None:
    assert log_time(datetime(2026, 8, 5, 9, 12, 0, 123_999, UTC)) == datetime(
        2026, 8, 5, 9, 12, 0, 123_000, UTC
    )


@pytest.mark.parametrize(
    "text", ["", "bropost", f"bropost/{logs.ENTRY_ID}/1-0999", f"x/{logs.ENTRY_ID}/11111111-0999"]
)
def test_origin_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="log origin"):
        LogOrigin.parse(text)

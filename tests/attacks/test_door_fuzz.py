"""Whatever is done to a good message on its way: it is refused, or what is read of it is what was signed.

`FUZZ=20` in the environment tries twenty times as many mutants. One that is read otherwise is a finding: its recipe is
written into the failure, and belongs into `corpus/`, which is tried each time.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.interfaces.http import HttpRequest
from gateway.xmlcore.namespaces import DOCUMENT, DS, tag
from tests.attacks.door import Door
from tests.attacks.mutants import SEEDS, STEPS, Recipe, mutant, read
from tests.installation import INSTITUTION, TestInstallation, open_test_installation
from tests.messages import canonical
from tests.services.papers import accepted, inbox, request

CORPUS: Final = sorted((Path(__file__).parent / "corpus").glob("*.json"))
TIMES: Final = int(os.environ.get("FUZZ", "1"))

PLACES = st.floats(0, 1, exclude_max=True)
OCTETS = st.one_of(
    st.binary(max_size=3),
    st.sampled_from(
        [
            b"<",
            b">",
            b"&",
            b'"',
            b"<!---->",
            b"<x/>",
            b"</x>",
            b"cid:",
            b"#",
            b' Id="B"',
            b"\r\n",
            b"--",
            b"&#10;",
        ]
    ),
)
STEPS_OF = st.lists(
    st.tuples(st.sampled_from(sorted(STEPS)), st.integers(0, 400), st.integers(0, 400)),
    min_size=1,
    max_size=3,
)
HEADER_OCTETS = st.one_of(
    st.binary(max_size=3),
    st.sampled_from(
        [
            b";",
            b'"',
            b"\t",
            b"\r\n ",
            b"; charset=utf-16",
            b'; start="<file-1@test>"',
            b"; boundary=x",
            b"; type=text/xml",
            b"text/xml",
            b"application/soap+xml",
            b"Content-Transfer-Encoding: base64\r\n",
            b"Content-ID: <file-1@test>\r\n",
            b"Content-Type: text/xml\r\n",
            b"<file-1@test>",
            b"ListInbox",
        ]
    ),
)
HEADER_SPLICES = st.lists(
    st.tuples(
        st.sampled_from(["content-type", "soapaction", "parts"]), PLACES, st.integers(0, 12), HEADER_OCTETS
    ),
    min_size=1,
    max_size=2,
)
SPLICES = st.lists(st.tuples(PLACES, st.integers(0, 3), OCTETS), min_size=1, max_size=2)


class Bench:
    """An installation with one good message of each sort, and what is read of it."""

    def __init__(self, door: Door) -> None:
        self.door = door
        self.good: dict[str, HttpRequest] = {name: make(door) for name, make in SEEDS.items()}
        self.signed: dict[str, dict[str, Any] | None] = {
            name: read(door, request) for name, request in self.good.items()
        }
        assert None not in self.signed.values()

    def judge(self, recipe: Recipe) -> None:
        """State that a mutant is refused, or read as what was signed."""
        changed = mutant(self.good[recipe.seed], recipe, self.door)
        found = None if changed is None else read(self.door, changed)
        if recipe.inside and found is not None:  # message and octets are written afresh
            fresh = {"times", "addressing", "octets"}
            found = {name: value for name, value in found.items() if name not in fresh}
            told = self.signed[recipe.seed] or {}
            assert found == {name: value for name, value in told.items() if name not in fresh}, str(recipe)
            return
        assert found in (None, self.signed[recipe.seed]), str(recipe)

    def store(self, recipe: Recipe, folder: Path) -> bool:
        """State that what an installation stores of a mutant is what was signed; False if it is refused."""
        changed = mutant(self.good[recipe.seed], recipe, self.door)
        if changed is None or read(self.door, changed) is None:
            return False
        house = open_test_installation(folder)
        answer = Door(house).ask(changed)
        if answer.error is None:
            told = self.signed[recipe.seed] or {}
            assert kept(house) == (told["octets"], told["content"], told["attachments"]), str(recipe)
        house.close()
        return answer.error is None


def kept(house: TestInstallation) -> tuple[bytes | None, bytes, list[tuple[int, bytes, bytes]]]:
    """What the school is given of the one letter: its octets if the system sealed it, what it says, the attachments."""
    house.work()
    (document_id,) = inbox(house.sis)
    answer = accepted(house.sis, request("Retrieve", INSTITUTION, DocumentId=document_id))
    octets = base64.b64decode(answer.text("ExactOctets"))
    root = etree.fromstring(octets)
    (sealed_by,) = root.iter(tag(DOCUMENT, "SealedBy"))
    (signature,) = root.findall(tag(DS, "Signature"))
    root.remove(signature)
    files = [base64.b64decode(text) for text in answer.texts("Attachment/Content")]
    return (
        octets if sealed_by.text == "SYSTEM" else None,
        canonical(root),
        [(number, file, hashlib.sha256(file).digest()) for number, file in enumerate(files, start=1)],
    )


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Generator[Bench]:
    """Good messages to be changed."""
    house = open_test_installation(tmp_path_factory.mktemp("fuzz"))
    yield Bench(Door(house))
    house.close()


def _often(examples: int) -> settings:
    """So many examples, times FUZZ; a first one reads keys, which takes long."""
    return settings(
        max_examples=examples * TIMES, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )


@_often(500)
@given(st.sampled_from(sorted(SEEDS)), STEPS_OF)
def test_a_message_whose_tree_was_changed_is_refused_or_reads_as_signed(
    bench: Bench, seed: str, steps: list[tuple[str, int, int]]
) -> None:
    bench.judge(Recipe(seed, tuple(steps)))


@_often(500)
@given(st.sampled_from(sorted(SEEDS)), SPLICES)
def test_a_message_whose_octets_were_changed_is_refused_or_reads_as_signed(
    bench: Bench, seed: str, splices: list[tuple[float, int, bytes]]
) -> None:
    bench.judge(Recipe(seed, (), tuple(splices)))


@_often(500)
@given(st.sampled_from(sorted(SEEDS)), HEADER_SPLICES)
def test_a_message_whose_headers_were_changed_is_refused_or_reads_as_signed(
    bench: Bench, seed: str, headers: list[tuple[str, float, int, bytes]]
) -> None:
    bench.judge(Recipe(seed, headers=tuple(headers)))


@_often(40)
@given(st.sampled_from(sorted(SEEDS)), st.one_of(st.just([]), SPLICES), HEADER_SPLICES)
def test_what_is_stored_of_a_changed_message_is_what_was_signed(
    bench: Bench,
    tmp_path_factory: pytest.TempPathFactory,
    seed: str,
    splices: list[tuple[float, int, bytes]],
    headers: list[tuple[str, float, int, bytes]],
) -> None:
    bench.store(Recipe(seed, (), tuple(splices), headers=tuple(headers)), tmp_path_factory.mktemp("stored"))


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_stored_of_a_good_message_is_what_was_signed(bench: Bench, seed: str, tmp_path: Path) -> None:
    assert bench.store(Recipe(seed), tmp_path)


@_often(400)
@given(STEPS_OF)
def test_a_signed_letter_whose_tree_was_changed_is_refused_or_reads_as_signed(
    bench: Bench, steps: list[tuple[str, int, int]]
) -> None:
    bench.judge(Recipe("signed letter", tuple(steps), inside=True))


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_what_was_found_before_is_refused_or_reads_as_signed(bench: Bench, path: Path) -> None:
    bench.judge(Recipe.of(path.read_text("utf-8")))


def test_a_recipe_can_be_written_down() -> None:
    recipe = Recipe("swa", (("move", 1, 2),), ((0.5, 1, b"\xff"),), False, (("parts", 0.1, 2, b"\xfe"),))
    assert Recipe.of(str(recipe)) == recipe

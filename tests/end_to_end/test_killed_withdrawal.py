"""A gateway that is killed while a letter is withdrawn has withdrawn it whole or not at all.

A process withdraws a letter with a large attachment and is ended by SIGKILL before or after its one commit; once the
letter waits in the school's inbox, once the school's system has stored it. Then the gateway starts again on what is
left, and the municipality's system asks again. 4 moments in all.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.domain.mandate import Operation
from gateway.services.housekeeping import Housekeeping
from gateway.storage.blobs import ORPHAN_AGE
from tests.end_to_end.letter_life import Journal, Kind, Life, Phase
from tests.end_to_end.store_checks import facts, orphans, require_whole
from tests.end_to_end.test_killed import (
    Doomed,
    newest_checkpoints,
    require_verified,
    serving,
    started_again,
)
from tests.installation import INSTITUTION, MUNICIPALITY, now, open_test_installation

MOMENTS = ("commit before", "commit after")


@dataclass(frozen=True)
class Scene:
    """How far the letter has come, and the processes that withdraw it there."""

    was_stored: bool
    doomed: Doomed


@pytest.fixture(scope="module", params=[False, True], ids=["in-the-inbox", "stored"])
def scene(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Generator[Scene]:
    """An installation with a letter that was delivered, and perhaps handed over."""
    seed = tmp_path_factory.mktemp("seed")
    test = open_test_installation(seed)
    phases = [Phase.SUBMISSION, Phase.DELIVERY]
    if request.param:
        phases += [Phase.RETRIEVAL, Phase.HANDOVER]
    Life(test, Journal(test.clock)).play(phases)
    test.work()
    test.close()
    with serving(seed) as doomed:
        yield Scene(request.param, doomed)


def test_a_withdrawal_has_one_commit(
    scene: Scene, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    journal = scene.doomed.live(tmp_path / "life", withdraws=True)
    assert tuple(each.name for each in journal if each.kind is Kind.MOMENT) == MOMENTS
    record_property("counted", f"moments at which a withdrawal can be killed: {len(MOMENTS)}")


@pytest.mark.parametrize("moment", [1, 2], ids=["before", "after"])
def test_a_letter_is_withdrawn_whole_or_not_at_all(scene: Scene, tmp_path: Path, moment: int) -> None:
    folder = tmp_path / "life"
    before = scene.doomed.live(folder, at=(Phase.SUBMISSION.value, moment), withdraws=True)
    with started_again(folder, before[-1].at) as test:
        anchors = newest_checkpoints(test)
        require_whole(test.installation)
        was_withdrawn = "Withdrawal" in facts(test.installation)["evidence"]
        assert was_withdrawn == (moment == 2)
        (sent,) = (each.octets for each in before if each.kind is Kind.SENT)
        journal = Journal(test.clock)
        life = Life(test, journal)
        heard = test.esdh.send(sent)
        if was_withdrawn:
            assert heard.fault_code == "MESSAGE_REPLAYED"
        else:
            life.answered(Operation.WITHDRAW_DOCUMENT, heard)
        life.withdraw()
        life.withdraw()
        assert len({each.octets for each in journal.records if each.kind is Kind.ANSWERED}) == 1
        told = facts(test.installation)
        assert told["evidence"]["Withdrawal"] == 1
        for party in (MUNICIPALITY, INSTITUTION):
            assert told["events"][f"{party} WITHDRAWN"] == 1
            assert told["log"][f"{party} CORRECT Withdrawal"] == 1
        assert len(told["holders"]) == (2 if scene.was_stored else 0)
        assert told["waits"].get("ANSWER open", 0) == int(scene.was_stored)
        left = orphans(test.installation, folder / "blobs")
        # Between the commit and the end of the files: nobody can decrypt them, and an hour later they are gone.
        assert len(left) == (2 if was_withdrawn and not scene.was_stored else 0)
        test.clock.now = now() + ORPHAN_AGE + timedelta(minutes=1)
        housekeeping = Housekeeping(test.installation)
        while housekeeping.step():
            pass
        assert orphans(test.installation, folder / "blobs") == []
        test.clock.now = before[-1].at
        require_whole(test.installation)
        require_verified(test, anchors)

"""A backup tells what it lacks: a content that the store still knows is lost, one that was withdrawn is not."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from gateway.services.backup import back_up
from tests.installation import MUNICIPALITY, TestInstallation, open_test_installation
from tests.services.papers import accepted, id_of, listing, paper, request, sending

LARGE = b"Linje i en lang plan.\n" * 20_000  # so large that it is a file


@pytest.fixture
def house(tmp_path: Path) -> Generator[TestInstallation]:
    """An installation whose database is a file."""
    opened = open_test_installation(tmp_path / "house")
    yield opened
    opened.close()


def send_large(house: TestInstallation) -> str:
    """Send a letter with an attachment that is a file; its id."""
    letter = paper(house.clock(), listing(("plan.txt", "text/plain", LARGE)))
    accepted(house.esdh, sending(letter, attachments=[LARGE]))
    return id_of(letter)


def files(house: TestInstallation) -> list[Path]:
    """The files of contents."""
    return sorted((house.folder / "blobs").glob("??/??/*"))


def test_a_backup_of_a_store_that_has_all_its_contents_misses_nothing(
    house: TestInstallation, tmp_path: Path
) -> None:
    send_large(house)
    made = back_up(house.installation, tmp_path / "backup")
    assert made.contents.files == len(files(house)) > 0
    assert (made.contents.missing, made.lost) == ((), ())


def test_a_content_that_the_store_still_knows_is_lost(house: TestInstallation, tmp_path: Path) -> None:
    send_large(house)
    gone, *kept = files(house)
    gone.unlink()
    made = back_up(house.installation, tmp_path / "backup")
    assert (made.contents.missing, made.lost) == ((gone.name,), (gone.name,))
    assert made.contents.files == len(kept)


def test_a_content_that_an_earlier_backup_has_is_lost_all_the_same(
    house: TestInstallation, tmp_path: Path
) -> None:
    send_large(house)
    back_up(house.installation, tmp_path / "backup")
    gone, *_ = files(house)
    gone.unlink()
    made = back_up(house.installation, tmp_path / "backup")
    assert (made.contents.files, made.lost) == (0, (gone.name,))


def test_a_content_that_was_withdrawn_meanwhile_is_not_lost(house: TestInstallation, tmp_path: Path) -> None:
    letter, before = send_large(house), None

    def withdraw(moment: str) -> None:
        nonlocal before
        if before is None and moment == "after":
            before = files(house)
            body = request("WithdrawDocument", MUNICIPALITY, DocumentId=letter, Reason="WRONG_RECIPIENT")
            accepted(house.esdh, body)

    house.installation.database.on_commit = [withdraw]  # the first commit of a backup is that of its database
    made = back_up(house.installation, tmp_path / "backup")
    assert before
    assert files(house) == []
    assert set(made.contents.missing) == {each.name for each in before}
    assert made.lost == ()

"""What a process is killed in the middle of, beside a letter's life: operations, with what must be there before.

A scene is prepared once; its act is played by the process that dies, and again by whoever comes after: a system that
was not answered asks again, an operator gives the command again.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from lxml import etree

from gateway.domain.identifiers import PartyId, Uuid4
from gateway.services import disclosure_log, parked, restoring
from gateway.services.backup import back_up
from gateway.services.moving import move_store
from gateway.storage import configuration, log
from gateway.storage.configuration import SetAside
from gateway.storage.database import Database
from gateway.translog.checkpoint import Checkpoint, sign_checkpoint
from tests.end_to_end.letter_life import LEASE_SECONDS
from tests.end_to_end.withdrawing import (
    answer_to,
    hand_over,
    risk_notice,
    withdraw,
    withdrawal_of,
)
from tests.golden.changes import Insert, SetText
from tests.installation import INSTITUTION, MUNICIPALITY, TestInstallation, open_test_installation
from tests.services.papers import accepted, id_of, listing, paper, request, send_letter, sending, text_of

Props = Mapping[str, str]
Listen = Callable[[Database], None]
MOVE: Final = "move"
BACKUPS: Final = ("first-backup", "next-backup")
CHECKS: Final = ("check", "check-of-less")
ACCEPTANCE: Final = "acceptance"
ALONE: Final = (MOVE, *CHECKS, ACCEPTANCE)  # those whose installation must be opened alone
OF_THE_STORE: Final = (*BACKUPS, *ALONE)  # commands on the store itself, after which it tells the same
BACKUP: Final = "backup"  # the folder that a scene writes it into
_WHY: Final = "Skolen er nedlagt."
_LARGE: Final = b"Linje i en lang plan.\n" * 20_000  # so large that it is a file


@dataclass(frozen=True)
class Scene:
    """An operation: what is there before, and the act, which gives what the one who acts relies on afterwards."""

    prepare: Callable[[TestInstallation], Props]
    act: Callable[[TestInstallation, Props, Listen], bytes]


def play(name: str, test: TestInstallation, listen: Listen = lambda _: None) -> bytes:
    """Do the scene's act; `listen` is given each database that the act opens."""
    props = json.loads((test.folder / "scene.json").read_text("utf-8"))
    return SCENES[name].act(test, props, listen)


def prepare(name: str, test: TestInstallation) -> None:
    """Make everything that must be there before the act, with all logs under their checkpoints."""
    props = SCENES[name].prepare(test)
    if name not in (*CHECKS, ACCEPTANCE):  # of a store that nobody serves
        test.clock.forward(seconds=2)
        test.work()
    (test.folder / "scene.json").write_text(json.dumps(dict(props)), encoding="utf-8")


def _octets(document: etree._Element) -> str:
    return etree.tostring(document, encoding="unicode")


def _sent(test: TestInstallation, props: Props, party: PartyId) -> bytes:
    """Send the scene's document, and let it be delivered."""
    document = etree.fromstring(props["document"].encode())
    is_letter = etree.QName(document[1]).localname.endswith("Letter")
    operation = "SendLetter" if is_letter else "SendNotice"
    caller = test.esdh if party == MUNICIPALITY else test.sis
    answer = accepted(caller, sending(document, by=party, operation=operation))
    _deliver(test)
    return base64.b64decode(answer.text("SubmissionAcceptance"))


def _deliver(test: TestInstallation) -> None:
    test.clock.forward(seconds=LEASE_SECONDS + 1)  # a worker that was killed holds its task no longer
    test.work()


# --- documents that do more than arrive --------------------------------------------------------------------


def _to_answer(test: TestInstallation) -> Props:
    asked = risk_notice(test)
    return {"document": _octets(answer_to(test, asked, id_of(asked)))}


def _to_correct(test: TestInstallation) -> Props:
    first = paper(test.clock())
    accepted(test.esdh, sending(first))
    test.work()
    reference = f"<Corrects><DocumentId>{id_of(first)}</DocumentId><Reason>Forkert dato.</Reason></Corrects>"
    second = paper(
        test.clock(),
        SetText("/Document/Header/ConversationId", text_of(first, "ConversationId")),
        Insert("before", "/Document/Header/CreatedAt", reference),
    )
    return {"document": _octets(second)}


def _to_withdraw_by_notice(test: TestInstallation) -> Props:
    return {"document": _octets(withdrawal_of(test, risk_notice(test)))}


def _by_municipality(test: TestInstallation, props: Props, _: Listen) -> bytes:
    return _sent(test, props, MUNICIPALITY)


def _by_school(test: TestInstallation, props: Props, _: Listen) -> bytes:
    return _sent(test, props, INSTITUTION)


def _to_withdraw(test: TestInstallation) -> Props:
    document_id = send_letter(test)
    test.work()
    hand_over(test, document_id)
    return {"document_id": document_id}


def _withdrawn(test: TestInstallation, props: Props, _: Listen) -> bytes:
    return base64.b64decode(withdraw(test, props["document_id"]).text("Withdrawal"))


# --- commands of the operator ------------------------------------------------------------------------------


def _to_look_after(test: TestInstallation) -> Props:
    """A delivery that was set aside because the recipient's key was away, which is back."""
    key = test.folder / "keys" / f"{INSTITUTION}.kek"
    away = test.reopened()
    key.rename(test.folder / "kek")
    document_id = send_letter(away)
    away.work()
    (test.folder / "kek").rename(key)
    away.close()
    return {"document_id": document_id}


def _retried(test: TestInstallation, props: Props, _: Listen) -> bytes:
    parked.retry(test.installation, Uuid4(props["document_id"]))
    _deliver(test)
    return b""


def _abandoned(test: TestInstallation, props: Props, _: Listen) -> bytes:
    parked.abandon(test.installation, Uuid4(props["document_id"]), _WHY)
    told = request("GetEvidence", MUNICIPALITY, DocumentId=props["document_id"])
    return base64.b64decode(accepted(test.esdh, told).texts("Evidence/Content")[-1])


def _to_move(test: TestInstallation) -> Props:
    send_letter(test)
    return {}


def _moved(test: TestInstallation, _: Props, listen: Listen) -> bytes:
    """Move the store to another file, unless it is there already."""
    address = moved_address(test.folder)
    new = Database.open(address, busy_seconds=5)
    listen(new)
    new.migrate()
    with new.read() as connection:
        is_there = bool(connection.exec_driver_sql("SELECT count(*) FROM party").scalar_one())
    if not is_there:
        move_store(test.installation, new, address)
    new.close()
    return b""


def moved_address(folder: Path) -> str:
    """Where the store of a scene is moved to."""
    return f"sqlite:///{folder / 'moved' / 'bropost.db'}"


# --- backups, and what is restored from them -----------------------------------------------------------


def _to_back_up(test: TestInstallation) -> Props:
    _deliver_large(test)
    _deliver_large(test)
    return {}


def _to_back_up_again(test: TestInstallation) -> Props:
    _deliver_large(test)
    back_up(test.installation, test.folder / BACKUP)
    _deliver_large(test)
    return {}


def _deliver_large(test: TestInstallation) -> None:
    """A letter with an attachment that is kept in a file."""
    letter = paper(test.clock(), listing(("plan.txt", "text/plain", _LARGE)))
    accepted(test.esdh, sending(letter, attachments=[_LARGE]))
    test.work()


def _backed_up(test: TestInstallation, _: Props, __: Listen) -> bytes:
    return repr(back_up(test.installation, test.folder / BACKUP).logs).encode()


def _to_check(test: TestInstallation) -> Props:
    return _restored(test, beyond=0)


def _to_check_less(test: TestInstallation) -> Props:
    return _restored(test, beyond=3)


def _restored(test: TestInstallation, *, beyond: int) -> Props:
    """A store from a backup with a letter under way, and what is known outside, of so many entries more than it has."""
    send_letter(test)
    test.work()
    send_letter(test)
    disclosure_log.make_checkpoints(test.installation, timedelta())
    with test.installation.database.alone() as connection:
        configuration.note_set_aside(connection, SetAside.RESTORED)
        heads = log.log_heads(connection)
    known = [
        Checkpoint(str(head.origin), head.size + beyond, bytes(32) if beyond else head.frontier.root())
        for head in heads
    ]
    return {str(each): sign_checkpoint(each, test.installation.checkpoint_key) for each in known}


def _checked(test: TestInstallation, props: Props, _: Listen) -> bytes:
    return repr(restoring.compare(test.installation, list(props.values())).logs).encode()


def _to_accept(test: TestInstallation) -> Props:
    known = list(_to_check_less(test).values())
    test.close()
    alone = open_test_installation(test.folder, registered=False, alone=True)
    restoring.compare(alone.installation, known)
    alone.close()
    return {}


def _accepted(test: TestInstallation, _: Props, __: Listen) -> bytes:
    return restoring.accept(test.installation, _WHY).installation.text.encode()


SCENES: Final[Mapping[str, Scene]] = {
    "answer": Scene(_to_answer, _by_municipality),
    "correction": Scene(_to_correct, _by_municipality),
    "withdrawal-notice": Scene(_to_withdraw_by_notice, _by_school),
    "withdrawal": Scene(_to_withdraw, _withdrawn),
    "retry": Scene(_to_look_after, _retried),
    "abandonment": Scene(_to_look_after, _abandoned),
    MOVE: Scene(_to_move, _moved),
    "first-backup": Scene(_to_back_up, _backed_up),
    "next-backup": Scene(_to_back_up_again, _backed_up),
    "check": Scene(_to_check, _checked),
    "check-of-less": Scene(_to_check_less, _checked),
    ACCEPTANCE: Scene(_to_accept, _accepted),
}
"""Every scene by its name, which is that of its section in kill-points.toml."""

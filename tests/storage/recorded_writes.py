"""What one version of the gateway writes in a life of letters, as statements that a later version's database must bear.

Run as a program in the tree of the version that is about to be superseded, it writes `writes/<its revision>.json`:

    python -m tests.storage.recorded_writes

Octets stand there as a number and their length, since what they hold does not matter and certificates stay out of the
repository; the same octets have the same number.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import Engine, event, text

from tests.installation import INSTITUTION, MUNICIPALITY, TestInstallation, open_test_installation
from tests.services.papers import (
    accepted,
    confirm,
    deliver_letter,
    inbox,
    read,
    request,
    retrieve,
    send_letter,
)

FOLDER: Final = Path(__file__).parent / "writes"
_WRITES: Final = ("INSERT", "UPDATE", "DELETE")
_OCTETS: Final = re.compile(r"[xX]'((?:[0-9A-Fa-f]{2})*)'")
_TOKEN: Final = re.compile(r"\{octets (\d+) (\d+)\}")
_OF_TABLES: Final = re.compile(r"alembic_version|sqlite_")


@dataclass(frozen=True)
class Recorded:
    """The statements in their order, and how many rows each table had in the end."""

    statements: tuple[str, ...]
    rows: dict[str, int]

    def in_words_of(self, dialect: str) -> list[str]:
        """The statements with octets written as a database of this dialect reads them."""
        literal = "'\\x{}'::bytea" if dialect == "postgresql" else "x'{}'"

        def octets(token: re.Match[str]) -> str:
            number, length = map(int, token.groups())
            made = hashlib.sha256(str(number).encode()).digest() * (length // 32 + 1)
            return literal.format(made[:length].hex())

        return [_TOKEN.sub(octets, statement) for statement in self.statements]


def load(path: Path) -> Recorded:
    """What a file tells."""
    values = json.loads(path.read_text("utf-8"))
    return Recorded(tuple(values["statements"]), values["rows"])


def live(house: TestInstallation) -> None:
    """Let everything be written that the gateway writes while parties use it."""
    first = deliver_letter(house)
    accepted(house.esdh, request("Ping", None, Echo="goddag"))
    inbox(house.sis)
    confirm(house.sis, first, retrieve(house, first))
    inbox(house.sis)
    read(house.sis, first, house.clock())
    house.esdh.call(request("GetStatus", MUNICIPALITY, DocumentId=first))
    house.sis.call(request("GetStatus", INSTITUTION, DocumentId="0b7c1f3e-3f5b-4c6a-9d1e-5a2b8c4d6e7f"))
    for document_id in (send_letter(house), deliver_letter(house), first):
        reason = {"DocumentId": document_id, "Reason": "WRONG_RECIPIENT"}
        accepted(house.esdh, request("WithdrawDocument", MUNICIPALITY, **reason))
    deliver_letter(house)
    house.work()
    house.clock.forward(days=30)
    house.renew_lists()
    house.work()  # waits pass, replay keys are forgotten, checkpoints are made


def record(folder: Path) -> tuple[str, Recorded]:
    """Live in this folder; give the revision of the database, and what was written into it."""
    numbers: dict[str, int] = {}
    statements: list[str] = []

    def token(octets: re.Match[str]) -> str:
        number = numbers.setdefault(octets[1], len(numbers))
        return f"{{octets {number} {len(octets[1]) // 2}}}"

    def listen(connection: sqlite3.Connection, _record: object) -> None:
        begun: list[str] = []

        def note(statement: str) -> None:
            if statement.startswith(_WRITES) and _OF_TABLES.search(statement) is None:
                begun.append(_OCTETS.sub(token, statement))
            elif statement.startswith("COMMIT"):
                statements.extend(begun)
            if statement.startswith(("BEGIN", "COMMIT", "ROLLBACK")):
                begun.clear()

        connection.set_trace_callback(note)

    event.listen(Engine, "connect", listen)
    house = open_test_installation(folder)
    live(house)
    with house.installation.database.read() as connection:
        tables = (
            connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars().all()
        )
        rows = {
            name: int(connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one())
            for name in sorted(tables)
            if _OF_TABLES.search(name) is None
        }
        revision = str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one())
    event.remove(Engine, "connect", listen)
    house.close()
    return revision, Recorded(tuple(statements), rows)


def main() -> None:
    """Write the file of this version."""
    with tempfile.TemporaryDirectory() as folder:
        revision, recorded = record(Path(folder))
    FOLDER.mkdir(exist_ok=True)
    values = {"rows": recorded.rows, "statements": recorded.statements}
    path = FOLDER / f"{revision}.json"
    path.write_text(json.dumps(values, ensure_ascii=False, indent=0) + "\n", "utf-8")


if __name__ == "__main__":
    main()

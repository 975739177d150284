"""A process of the version after this one, which brings a database up to date beside one of this version.

That version is this one with one more migration: a new table, and a column that may be empty in a table that letters
write. Run as a program: the database's address, and a folder for the migrations.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from gateway.storage import database as storage
from gateway.storage.database import Database

NEXT: Final = "9999"
_MIGRATION: Final = """
from alembic import op
from sqlalchemy import BigInteger, Column, Text

revision = "{revision}"
down_revision = "{before}"
branch_labels = depends_on = None


def upgrade():
    op.create_table("of_next_version", Column("key", BigInteger, primary_key=True), Column("note", Text))
    for busy in ("document", "outbox", "event", "deadline"):
        op.add_column(busy, Column("of_next_version", Text, nullable=True))
"""


def _config(scripts: Path) -> Config:
    config = Config()
    config.set_main_option("script_location", str(scripts))
    config.set_main_option("path_separator", "os")
    return config


def head() -> str:
    """The newest migration of this version."""
    found = ScriptDirectory.from_config(
        _config(Path(storage.__file__).parent / "migrations")
    ).get_current_head()
    assert found is not None
    return found


def upgrade(url: str, scripts: Path) -> None:
    """Bring the database up to date as `Database.migrate` of the next version does."""
    shutil.copytree(Path(storage.__file__).parent / "migrations", scripts)
    written = _MIGRATION.format(revision=NEXT, before=head())
    (scripts / "versions" / f"{NEXT}_next.py").write_text(written, "utf-8")
    config = _config(scripts)
    database = Database.open(url, busy_seconds=30)
    with database.alone(unhurried=True) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    database.close()


if __name__ == "__main__":
    upgrade(sys.argv[1], Path(sys.argv[2]))

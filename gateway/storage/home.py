"""Where the database of a server lives, so that one which was put there from a dump is known for it.

The note names the cluster, the database in it, and the transaction that wrote the note. Whoever puts rows back from a
dump writes them in another transaction, of another database or cluster, so the note fits its place no more. What is
brought back octet for octet (a base backup, a snapshot of the disk) keeps its note, and so does a renamed database. A
file has no such note: a backup of it carries a mark instead.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection

# The cluster's number was made with it; a database's is given once in a cluster. Any role may ask for both.
_IS_AT_HOME: Final = """
    SELECT (SELECT configuration.value = system_identifier || '/' || oid || '/' || configuration.xmin
            FROM pg_control_system(), pg_database WHERE datname = current_database())
    FROM configuration WHERE name = 'home'
"""
_NOTE: Final = """
    INSERT INTO configuration (name, value)
    SELECT 'home', system_identifier || '/' || oid || '/' || pg_current_xact_id()::xid
    FROM pg_control_system(), pg_database WHERE datname = current_database()
"""
_FORGET: Final = "DELETE FROM configuration WHERE name = 'home'"


def is_at_home(connection: Connection) -> bool | None:
    """Whether a database is where it was noted to live; None if it never was, or is a file."""
    if connection.dialect.name != "postgresql":
        return None
    found: bool | None = connection.exec_driver_sql(_IS_AT_HOME).scalar()
    return found


def note_home(connection: Connection) -> None:
    """Note that the database lives where it is now; of a file, forget what it may say of a server."""
    connection.exec_driver_sql(_FORGET)
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(_NOTE)

"""What holds for the whole installation: above all, which one it is."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, insert, select, update

from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError
from gateway.domain.identifiers import Uuid4
from gateway.storage.prepared import Prepared
from gateway.storage.tables import configuration

_INSTALLATION = "installation"

_FIND = Prepared(select(configuration.c.value).where(configuration.c.name == bindparam("name")), "name")
_INSERT = Prepared(insert(configuration), "name", "value")
_UPDATE = Prepared(
    update(configuration)
    .where(configuration.c.name == bindparam("of_name"))
    .values(value=bindparam("new_value")),
    "new_value",
    "of_name",
)


def find_value(connection: Connection, name: str) -> str | None:
    """The value of this name, or None."""
    row = _FIND.one(connection, name)
    return None if row is None else row[0]


def set_value(connection: Connection, name: str, value: str) -> None:
    """Keep a value under this name; an earlier one is gone."""
    if _UPDATE.run(connection, value, name) == 0:
        _INSERT.run(connection, name, value)


def claim_installation(connection: Connection, installation: Uuid4) -> None:
    """Make a new database this installation's. InputError SETTINGS_INVALID if it is another's already.

    The installation stands in the origin of every log: under another one, nothing here could be proved.
    """
    owner = find_value(connection, _INSTALLATION)
    if owner is None:
        set_value(connection, _INSTALLATION, installation.text)
    elif owner != installation.text:
        what = "the database belongs to another installation than the setting installation says"
        raise InputError(Code.SETTINGS_INVALID, what=what)

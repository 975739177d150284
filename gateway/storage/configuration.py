"""What holds for the whole installation: above all, which one it is."""

from __future__ import annotations

from enum import Enum, unique

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError
from gateway.domain.identifiers import Uuid4
from gateway.storage.home import is_at_home, note_home
from gateway.storage.prepared import Prepared
from gateway.storage.tables import configuration

_INSTALLATION = "installation"
_CONTINUES = "continues"  # the installation that this one was before
_MOVED_TO = "moved_to"
_SET_ASIDE = "set_aside"

_FIND = Prepared(select(configuration.c.value).where(configuration.c.name == bindparam("name")), "name")
_INSERT = Prepared(insert(configuration), "name", "value")
_UPDATE = Prepared(
    update(configuration)
    .where(configuration.c.name == bindparam("of_name"))
    .values(value=bindparam("new_value")),
    "new_value",
    "of_name",
)
_REMOVE = Prepared(delete(configuration).where(configuration.c.name == bindparam("of_name")), "of_name")


@unique
class SetAside(Enum):
    """Why a store may not be served, until a person has looked."""

    RESTORED = "RESTORED"  # it comes from a backup, and was not held against what is known outside
    BEHIND = "BEHIND"  # what is known outside tells that entries of a log are missing here, or are others
    UNFINISHED = "UNFINISHED"  # a store was to be copied into it, and nothing of that has arrived

    @property
    def code(self) -> Code:
        """What is told to whoever would serve it."""
        return Code[f"STORE_{self.value}"]


def find_value(connection: Connection, name: str) -> str | None:
    """The value of this name, or None."""
    row = _FIND.one(connection, name)
    return None if row is None else row[0]


def set_value(connection: Connection, name: str, value: str) -> None:
    """Keep a value under this name; an earlier one is gone."""
    if _UPDATE.run(connection, value, name) == 0:
        _INSERT.run(connection, name, value)


def forget_value(connection: Connection, name: str) -> None:
    """Keep nothing under this name."""
    _REMOVE.run(connection, name)


def moved_to(connection: Connection) -> str | None:
    """The address of the database that this one was moved to; then nothing may be written here any more."""
    return find_value(connection, _MOVED_TO)


def note_moved(connection: Connection, address: str | None) -> None:
    """Note that the store lives at this address from now on; None: that it lives here."""
    _set_or_remove(connection, _MOVED_TO, address)


def set_aside(connection: Connection) -> SetAside | None:
    """Why the store may not be served, or None: it may. A server's that is not at home comes from a dump."""
    found = find_value(connection, _SET_ASIDE)
    if found is not None:
        return SetAside(found)
    return SetAside.RESTORED if is_at_home(connection) is False else None


def note_set_aside(connection: Connection, why: SetAside | None) -> None:
    """Note why the store may not be served from now on; None: it may, and lives where it is now."""
    _set_or_remove(connection, _SET_ASIDE, None if why is None else why.value)
    if why is None:
        note_home(connection)


def forget_unfinished(connection: Connection) -> None:
    """Forget that a store was to be copied into the database: it is copied now."""
    if find_value(connection, _SET_ASIDE) == SetAside.UNFINISHED.value:
        forget_value(connection, _SET_ASIDE)


def _set_or_remove(connection: Connection, name: str, value: str | None) -> None:
    if value is None:
        forget_value(connection, name)
    else:
        set_value(connection, name, value)


def claim_installation(
    connection: Connection, installation: Uuid4, *, whatever_it_says: bool = False
) -> None:
    """Make a new database this installation's, living where it is. Errors as `belongs_to`.

    One that a store is to be copied into stays as empty as it must be for that.
    """
    is_ours = belongs_to(connection, installation, whatever_it_says=whatever_it_says)
    if set_aside(connection) is SetAside.UNFINISHED:
        return
    if not is_ours:
        set_value(connection, _INSTALLATION, installation.text)
    if is_at_home(connection) is None:
        note_home(connection)


def belongs_to(connection: Connection, installation: Uuid4, *, whatever_it_says: bool = False) -> bool:
    """Whether a database is this installation's; False if it is nobody's yet.

    InputError SETTINGS_INVALID if it is another's: the installation stands in the origin of every log, and under
    another one nothing here could be proved. A store that was moved or set aside is refused as well, unless
    `whatever_it_says`: STORE_MOVED, STORE_RESTORED, STORE_BEHIND, STORE_UNFINISHED.
    """
    if not whatever_it_says:
        _require_in_service(connection)
    owner = find_value(connection, _INSTALLATION)
    if owner not in (None, installation.text):
        if find_value(connection, _CONTINUES) == installation.text:
            what = (
                f"the store was continued as installation {owner} by bropost restore accept: "
                "the setting installation must say so"
            )
        else:
            what = f"the database belongs to installation {owner}, and the setting installation names another"
        raise InputError(Code.SETTINGS_INVALID, what=what)
    return owner is not None


def is_claimed(connection: Connection, installation: Uuid4) -> bool:
    """Whether nothing is left for `claim_installation` to write. Errors as `belongs_to`."""
    is_ours = belongs_to(connection, installation)
    return is_ours and (connection.dialect.name != "postgresql" or is_at_home(connection) is not None)


def give_to(connection: Connection, installation: Uuid4) -> None:
    """Make the database another installation's, whose logs go on where those of the first were closed."""
    set_value(connection, _CONTINUES, find_value(connection, _INSTALLATION) or "")
    set_value(connection, _INSTALLATION, installation.text)


def _require_in_service(connection: Connection) -> None:
    """Refuse a store of which another one lives on, or that a person must look at before."""
    address, why = moved_to(connection), set_aside(connection)
    if address is not None:
        raise InputError(Code.STORE_MOVED, address=address)
    if why is not None:
        raise InputError(why.code)

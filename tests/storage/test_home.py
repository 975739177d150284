"""A server's database that was put there from a dump is known for it, whatever was restored into what."""

from __future__ import annotations

from collections.abc import Callable, Generator
from uuid import uuid4

import pytest

from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError
from gateway.domain.identifiers import Uuid4
from gateway.storage.configuration import claim_installation, is_claimed, note_set_aside
from gateway.storage.database import Database
from gateway.storage.home import is_at_home
from tests import postgres

ON_A_SERVER = [kind for kind in postgres.kinds() if kind == "postgresql"]
OURS = Uuid4("5b0f9d1e-7c2a-4e6b-8f3d-1a2b3c4d5e6f")
_KEPT = "SELECT name, value INTO kept FROM configuration"


@pytest.fixture(params=ON_A_SERVER)
def name() -> Generator[str]:
    """The name of a database that is an installation's."""
    made_up = f"home_{uuid4().hex}"
    _claim(postgres.server().create(made_up))
    yield made_up
    postgres.server().drop(made_up)


def _claim(address: str) -> None:
    database = Database.open(address, busy_seconds=5)
    try:
        database.migrate()
        with database.alone() as connection:
            claim_installation(connection, OURS)
    finally:
        database.close()


def _refused(database: str) -> Code | None:
    """Why it does not serve; None if it does."""
    opened = Database.open(postgres.server().url(database), busy_seconds=5)
    try:
        with opened.read() as connection:
            assert is_claimed(connection, OURS)
    except InputError as error:
        return error.code
    finally:
        opened.close()
    return None


def test_a_database_serves_where_it_was_made(name: str) -> None:
    assert _refused(name) is None
    _claim(postgres.server().url(name))  # another gateway, or the same one again
    assert _refused(name) is None


def _of_another_name(name: str) -> str:
    copy = f"{name}_2"
    postgres.server().create(copy, name)
    return copy


def _into_emptied_tables(name: str) -> str:
    postgres.server().do(f"{_KEPT}; TRUNCATE configuration", name)
    postgres.server().do("INSERT INTO configuration (name, value) SELECT name, value FROM kept", name)
    return name


def _into_tables_made_anew(name: str) -> str:
    postgres.server().do(f"{_KEPT}; DROP TABLE configuration; ALTER TABLE kept RENAME TO configuration", name)
    return name


@pytest.mark.parametrize("restore", [_of_another_name, _into_emptied_tables, _into_tables_made_anew])
def test_a_restored_database_serves_only_once_it_was_looked_at(
    name: str, restore: Callable[[str], str]
) -> None:
    restored = restore(name)
    assert _refused(restored) is Code.STORE_RESTORED
    with pytest.raises(InputError):
        _claim(postgres.server().url(restored))
    database = Database.open(postgres.server().url(restored), busy_seconds=5)
    with database.alone() as connection:
        claim_installation(connection, OURS, whatever_it_says=True)  # as a command that is alone does
        assert is_at_home(connection) is False
        note_set_aside(connection, None)
    database.close()
    assert _refused(restored) is None
    if restored != name:
        postgres.server().drop(restored)


@pytest.mark.parametrize("care", ["VACUUM FULL", "VACUUM FREEZE", "CLUSTER", "ANALYZE"])
def test_what_keeps_a_database_in_order_does_not_move_it(name: str, care: str) -> None:
    postgres.server().do(care, name)
    assert _refused(name) is None


def test_a_database_that_is_called_otherwise_has_not_moved(name: str) -> None:
    postgres.server().do(f"ALTER DATABASE {name} RENAME TO {name}_3")
    try:
        assert _refused(f"{name}_3") is None
    finally:
        postgres.server().do(f"ALTER DATABASE {name}_3 RENAME TO {name}")


def test_a_database_of_the_version_before_is_taken_to_be_at_home(name: str) -> None:
    postgres.server().do("DELETE FROM configuration WHERE name = 'home'", name)
    database = Database.open(postgres.server().url(name), busy_seconds=5)
    with database.read() as connection:
        assert not is_claimed(connection, OURS)  # there is something to write
    database.close()
    _claim(postgres.server().url(name))
    assert _refused(name) is None


def test_an_ordinary_role_may_ask_where_it_is(name: str) -> None:
    ((may,),) = postgres.server().do(
        "SELECT has_function_privilege('public', 'pg_control_system()', 'execute')", name
    )
    assert may

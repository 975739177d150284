"""Prepared statements do what SQLAlchemy would, and can be said to another database too."""

from __future__ import annotations

import pkgutil
from importlib import import_module

import pytest
from sqlalchemy import bindparam, insert, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

import gateway.storage
from gateway.domain.errors import InternalError
from gateway.storage.database import Database
from gateway.storage.prepared import Prepared
from gateway.storage.tables import configuration

INSERT = Prepared(insert(configuration), "name", "value")
FIND = Prepared(
    select(configuration.c.value).where(
        configuration.c.value == bindparam("value"), configuration.c.name == bindparam("name")
    ),
    "name",
    "value",
)


def _statements() -> dict[str, Prepared]:
    found = {}
    for module in pkgutil.iter_modules(gateway.storage.__path__, "gateway.storage."):
        if not module.ispkg:
            for name, value in vars(import_module(module.name)).items():
                if isinstance(value, Prepared):
                    found[f"{module.name}{name}"] = value
    return found


def test_values_go_to_the_parameters_of_their_names(database: Database) -> None:
    with database.alone() as connection:
        INSERT.run_many(connection, [("a", "b"), ("b", "a")])
        assert FIND.one(connection, "a", "b") == ("b",)
        assert FIND.one(connection, "a", "a") is None


def test_no_rows_are_no_statement(database: Database) -> None:
    with database.alone() as connection:
        INSERT.run_many(connection, [])
        assert connection.exec_driver_sql("SELECT count(*) FROM configuration").scalar_one() == 0


@pytest.mark.parametrize("rows", [[("a", "secret")] * 2, [("a", None)]], ids=["twice", "null"])
def test_a_drivers_error_is_sqlalchemys_and_hides_the_values(
    database: Database, rows: list[tuple[str, str | None]]
) -> None:
    with pytest.raises(InternalError) as caught, database.alone() as connection:
        INSERT.run_many(connection, rows)
    assert isinstance(caught.value.__cause__, IntegrityError)
    assert "secret" not in str(caught.value.__cause__)


def test_a_statement_that_the_database_does_not_know_is_an_error(database: Database) -> None:
    def ask_in_vain() -> None:
        with database.alone() as connection:
            connection.exec_driver_sql("DROP TABLE configuration")
            FIND.all(connection, "a", "b")

    with pytest.raises(InternalError) as caught:
        ask_in_vain()
    assert isinstance(caught.value.__cause__, OperationalError | ProgrammingError)


def test_every_statement_can_be_said_to_postgresql() -> None:
    postgresql = make_url("postgresql+psycopg://").get_dialect()()
    statements = _statements()
    assert len(statements) > 60
    for statement in statements.values():
        text = statement._text(postgresql)
        assert "%(" in text.sql or not text.names

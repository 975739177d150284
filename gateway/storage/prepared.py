"""Statements that are written with SQLAlchemy Core, compiled once, and run by the driver itself.

A submission runs two dozen statements in one transaction; SQLAlchemy's work around each costs more than the
statement. What is kept of SQLAlchemy is what gives portability: the statement, its dialect and its errors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, cast

from sqlalchemy import Connection, Delete, Insert, Select, Table, Update, insert
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.engine.interfaces import DBAPICursor, Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler

Cell = str | int | bytes | None
Values = tuple[Any, ...]


class Prepared:
    """One statement, whose parameters are given by position in the order of `names`."""

    __slots__ = ("_names", "_statement", "_texts")

    def __init__(self, statement: Insert | Update | Delete | Select[Any], *names: str) -> None:
        """`names` are the bound parameters; for a plain insert, the columns that it fills."""
        self._statement = statement
        self._names = names
        self._texts: dict[str, _Text] = {}  # by name of the dialect

    def run(self, connection: Connection, *values: Cell) -> int:
        """Run the statement once and return how many rows it changed."""
        return self._execute(connection, values).rowcount

    def run_many(self, connection: Connection, rows: Sequence[Values]) -> None:
        """Run the statement for each row of values; no row, no statement."""
        if len(rows) == 1:
            self._execute(connection, rows[0])
        elif rows:
            text = self._text(connection.dialect)
            cursor = connection.connection.cursor()
            try:
                cursor.executemany(text.sql, text.arrange_all(rows))
            except connection.dialect.loaded_dbapi.Error as error:
                raise _translated(error, text.sql, connection.dialect) from error

    def one(self, connection: Connection, *values: Cell) -> Values | None:
        """The first row that the statement gives, or None. Ask only what gives few rows."""
        rows = self._execute(connection, values).fetchall()
        return rows[0] if rows else None

    def all(self, connection: Connection, *values: Cell) -> Sequence[Values]:
        """All rows that the statement gives."""
        rows: Sequence[Values] = self._execute(connection, values).fetchall()
        return rows

    def _execute(self, connection: Connection, values: Values) -> DBAPICursor:
        text = self._text(connection.dialect)
        cursor = connection.connection.cursor()
        try:
            cursor.execute(text.sql, values if text.as_given else text.arrange(values))
        except connection.dialect.loaded_dbapi.Error as error:
            raise _translated(error, text.sql, connection.dialect) from error
        return cursor

    def _text(self, dialect: Dialect) -> _Text:
        text = self._texts.get(dialect.name)
        if text is None:
            columns = list(self._names) if isinstance(self._statement, Insert) else None
            compiled = self._statement.compile(dialect=dialect, column_keys=columns)
            assert isinstance(compiled, SQLCompiler)
            text = self._texts[dialect.name] = _compiled_text(compiled, self._names)
        return text


class PreparedInsert(Prepared):
    """An insert into a table that gives each row a key."""

    __slots__ = ("_key",)

    def __init__(self, table: Table, key: str, *names: str) -> None:
        """`names` are the columns that it fills, `key` is the one that the database fills."""
        super().__init__(insert(table), *names)
        self._key = Prepared(insert(table).returning(table.c[key]), *names)

    def key_of_new(self, connection: Connection, *values: Cell) -> int:
        """Insert a row and give its key."""
        dialect = connection.dialect
        if (
            isinstance(dialect, DefaultDialect) and dialect.postfetch_lastrowid
        ):  # SQLite: cheaper than RETURNING
            key = self._execute(connection, values).lastrowid
        else:
            (key,) = self._key.one(connection, *values) or (None,)
        assert isinstance(key, int)
        return key


@dataclass(frozen=True, slots=True)
class _Text:
    """A statement in the words of one database."""

    sql: str
    names: tuple[str, ...]  # the parameters as the caller gives them
    constants: dict[str, Any]  # the values that are part of the statement
    pick: (
        Callable[[Values], Values] | None
    )  # puts parameters and constants in the driver's order; None: by name
    as_given: bool  # the driver wants just what the caller gives

    def arrange(self, values: Values) -> Values | dict[str, Any]:
        """The caller's values in the form that the driver wants."""
        if self.pick is None:
            return {**self.constants, **dict(zip(self.names, values, strict=True))}
        return self.pick((*values, *self.constants.values()))

    def arrange_all(self, rows: Sequence[Values]) -> Sequence[Values] | Sequence[dict[str, Any]]:
        """`arrange` for many rows."""
        return rows if self.as_given else cast(Sequence[Values], [self.arrange(row) for row in rows])


def _compiled_text(compiled: SQLCompiler, names: tuple[str, ...]) -> _Text:
    order = tuple(compiled.positiontup or ())
    constants = {name: value for name, value in compiled.params.items() if name not in names}
    as_given = bool(compiled.positional) and order == names
    pick = _picker(order, (*names, *constants)) if compiled.positional else None
    return _Text(str(compiled), names, constants, pick, as_given)


def _picker(order: tuple[str, ...], names: tuple[str, ...]) -> Callable[[Values], Values]:
    """What puts the values of `names` into `order`, in which a name may stand twice."""
    places = [names.index(name) for name in order]
    if len(places) > 1:
        return itemgetter(*places)
    return lambda values: tuple(values[place] for place in places)


def _translated(error: Exception, sql: str, dialect: Dialect) -> BaseException:
    """The driver's error as SQLAlchemy's, without the values: they may be personal data."""
    return DBAPIError.instance(
        sql, None, error, dialect.loaded_dbapi.Error, hide_parameters=True, dialect=dialect
    )

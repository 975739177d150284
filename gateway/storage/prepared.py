"""Statements that are written with SQLAlchemy Core, compiled once, and run by the driver itself.

A submission runs two dozen statements in one transaction; SQLAlchemy's work around each costs more than the
statement. What is kept of SQLAlchemy is what gives portability: the statement, its dialect and its errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Connection, Delete, Insert, Select, Update
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
        """The first row that the statement gives, or None."""
        cursor = self._execute(connection, values)
        row: Values | None = cursor.fetchone()
        cursor.close()  # a statement that is still open would stand in the way of the commit
        return row

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


@dataclass(frozen=True, slots=True)
class _Text:
    """A statement in the words of one database."""

    sql: str
    names: tuple[str, ...]  # the parameters as the caller gives them
    order: tuple[str, ...] | None  # the parameters as the driver wants them; None: by name
    constants: dict[str, Any]  # the values that are part of the statement
    as_given: bool  # the driver wants just what the caller gives

    def arrange(self, values: Values) -> Values | dict[str, Any]:
        """The caller's values in the form that the driver wants."""
        named = {**self.constants, **dict(zip(self.names, values, strict=True))}
        return named if self.order is None else tuple(map(named.__getitem__, self.order))

    def arrange_all(self, rows: Sequence[Values]) -> Sequence[Values] | Sequence[dict[str, Any]]:
        """`arrange` for many rows."""
        return rows if self.as_given else cast(Sequence[Values], [self.arrange(row) for row in rows])


def _compiled_text(compiled: SQLCompiler, names: tuple[str, ...]) -> _Text:
    order = tuple(compiled.positiontup or ()) if compiled.positional else None
    constants = {name: value for name, value in compiled.params.items() if name not in names}
    return _Text(str(compiled), names, order, constants, order == names)


def _translated(error: Exception, sql: str, dialect: Dialect) -> BaseException:
    """The driver's error as SQLAlchemy's, without the values: they may be personal data."""
    return DBAPIError.instance(
        sql, None, error, dialect.loaded_dbapi.Error, hide_parameters=True, dialect=dialect
    )

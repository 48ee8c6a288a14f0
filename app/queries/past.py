"""Turns a statement that reads views into the same statement over the rows of a past moment."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, Select, func, select
from sqlalchemy.sql.visitors import iterate

from app.database.sql import blocks
from app.queries.statements import Statements
from app.queries.tables import ListTable

SQL = blocks(__file__)
_COUNTS = Statements(64, 4_000)


def as_of(
    cut: Sequence[int],
    views: Iterable[str],
    sql: str,
    arguments: Sequence[object],
    *,
    first: bool = False,
) -> tuple[str, list[object]]:
    """A statement that reads views, and its arguments, as of a cut: the same text for all cuts.

    `cut`: the last position of each partition. `first`: of the streams that had a row, read the
    first one, for a statement to which all rows of a stream are alike.
    """
    numbers = {"most": len(arguments) + 1, "cut": len(arguments) + 2}
    rows = SQL["first" if first else "view"]
    tables = ",\n".join(rows.format(view=view, **numbers) for view in views)
    return f"WITH {tables}\n{sql}", [*arguments, max(cut), list(cut)]


def count(
    listable: ListTable, filters: Sequence[ColumnElement[bool]], cut: Sequence[int]
) -> tuple[Any, ...]:
    """The statement that counts rows as of a cut, and its arguments."""
    sql, arguments = _COUNTS.compiled(
        lambda: counted(listable, filters), listable.table.name, filters, {}
    )
    columns = (each for test in filters for each in iterate(test) if isinstance(each, Column))
    first = all(column in listable.constant for column in columns)
    sql, arguments = as_of(cut, listable.views, sql, arguments, first=first)
    return sql, *arguments


def counted(listable: ListTable, filters: Sequence[ColumnElement[bool]]) -> Select[Any]:
    """Selects the number of rows that pass all filters, as `total`."""
    return select(func.count().label("total")).select_from(listable.table).where(*filters)

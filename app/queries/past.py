"""Turns a statement that reads views into the same statement over the rows of a past moment."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import Column, ColumnElement, Select, func, select
from sqlalchemy.sql.visitors import iterate

from app.database.distribution import is_distributed
from app.database.sql import blocks
from app.log.read import Asks
from app.queries.implied import implied_values
from app.queries.statements import Statements
from app.queries.tables import ListTable

SQL = blocks(__file__)
MAX_FEW = 2_000
"""So many rows are all read and sorted; of more, some come soon in the order of an index."""
_COUNTS = Statements(64, 4_000)

Cut = Sequence[int]
"""The last position of each partition."""
Statement = tuple[str, Sequence[object]]
"""Its text and its arguments."""


class PastRows(Struct, frozen=True, kw_only=True):
    """Which rows of a list's view to read as of a cut."""

    cut: Cut
    rising: Sequence[str] = ()
    """The rising columns of the list in whose order they are read."""
    passing: Sequence[str] | None = None
    """Only rows with one of these values in the list's passing column; None: all rows."""
    probes: bool = True
    """Look each of these values up in an index; False for Citus, which does not plan that."""
    whole: bool = False
    """Read all rows ever, for no index gives few of them, or their order."""
    first: bool = False
    """Of each stream that had a row, the first one, for what all rows of a stream are alike in."""


async def rows_of_page(
    pool: Asks,
    cut: Cut,
    listable: ListTable,
    filters: Sequence[ColumnElement[bool]],
    order: ColumnElement[Any],
) -> PastRows:
    """The rows for a page with filters and a first column of its order. Raises StoreDown."""
    values = None if listable.passing is None else implied_values(filters, listable.passing)
    if values is not None:
        probes = not await is_distributed(pool.ask)
        few = SQL["few"].format(passing=_passing(listable, "$1", "$2", probes=probes))
        if (await pool.ask(few, list(cut), values, MAX_FEW))[0]["are_few"]:
            return PastRows(cut=cut, passing=values, probes=probes)
    rising = sorted(_names([order]) & listable.rising.keys())
    whole = not rising and not _names(filters) & set(listable.indexed)
    return PastRows(cut=cut, rising=rising, whole=whole)


def count(listable: ListTable, filters: Sequence[ColumnElement[bool]], cut: Cut) -> Statement:
    """The statement that counts rows as of a cut."""
    plain = _COUNTS.compiled(lambda: counted(listable, filters), listable.table.name, filters, {})
    first = all(column in listable.constant for column in _columns(filters))
    return as_of(listable, PastRows(cut=cut, first=first), plain)


def counted(listable: ListTable, filters: Sequence[ColumnElement[bool]]) -> Select[Any]:
    """Selects the number of rows that pass all filters, as `total`."""
    return select(func.count().label("total")).select_from(listable.table).where(*filters)


def as_of(listable: ListTable, rows: PastRows, plain: Statement) -> Statement:
    """A statement that reads a list's views, as of a cut: the same text for all cuts."""
    bound = _Bound(plain[1])
    others = [view for view in listable.views if view != listable.table.name]
    tables = [
        _own_rows(listable, rows, bound),
        *(_valid_rows(view, PastRows(cut=rows.cut), [], bound) for view in others),
    ]
    return "WITH " + ",\n".join(tables) + f"\n{plain[0]}", bound.arguments


class _Bound:
    """The arguments of a statement, each with its parameter."""

    def __init__(self, arguments: Iterable[object]) -> None:
        self.arguments = list(arguments)

    def __call__(self, value: object) -> str:
        self.arguments.append(value)
        return f"${len(self.arguments)}"


def _own_rows(listable: ListTable, rows: PastRows, bound: _Bound) -> str:
    view, cut = listable.table.name, list(rows.cut)
    if rows.passing is not None:
        passing = _passing(listable, bound(cut), bound(rows.passing), probes=rows.probes)
        return SQL["passing_view"].format(view=view, passing=passing)
    if rows.first:
        return SQL["first"].format(view=view, most=bound(max(cut)), cut=bound(cut))
    rising = [
        SQL["rising"].format(column=column, value=listable.rising[column], cut=bound(cut))
        for column in rows.rising
    ]
    return _valid_rows(view, rows, rising, bound)


def _valid_rows(view: str, rows: PastRows, further: Sequence[str], bound: _Bound) -> str:
    if len(rows.cut) > 1:
        further = [*further, SQL["in_partition"].format(cut=bound(list(rows.cut)))]
    return SQL["view"].format(
        view=view,
        unindexed=" + 0" if rows.whole else "",
        most=bound(max(rows.cut)),
        least=bound(min(rows.cut)),
        further="\n".join(further),
    )


def _passing(listable: ListTable, cut: str, values: str, *, probes: bool) -> str:
    fence = "OFFSET 0" if probes else ""
    return SQL["passing"].format(view=listable.table.name, cut=cut, values=values, fence=fence)


def _names(parts: Iterable[ColumnElement[Any]]) -> set[str]:
    return {column.name for column in _columns(parts)}


def _columns(parts: Iterable[ColumnElement[Any]]) -> Iterator[Column[Any]]:
    return (each for part in parts for each in iterate(part) if isinstance(each, Column))

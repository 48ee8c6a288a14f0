"""Builds the statement that reads a page of a view; nothing here runs it."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    Subquery,
    Text,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    or_,
    select,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.functions import coalesce
from sqlalchemy.types import TypeEngine

from app.codecs.answer_budget import ROW_BYTES
from app.queries import past
from app.queries.page import Order, Page
from app.queries.tables import ListTable
from projections.view import ENVELOPE

KEY = "key_"
BYTES = "bytes_"
_READ = frozenset({*ENVELOPE, "account_id"})
"""The columns of a page; the other columns only filter and order it."""


def statement(
    listable: ListTable, page: Page, orders: Sequence[Order], *, late: bool
) -> Select[Any]:
    """The statement for a page's shape; values outside of orders and filters are named.

    `compiled` looks it up by a key of everything that its text depends on.
    """
    found = (_late_rows if late else _rows)(listable, page, orders)
    rows = _written(found, cut=bool(page.unread))
    shown = _shown(listable, rows, orders)
    if page.counted:
        # The rows of all pages, including those before `after`.
        count = past.counted(listable, page.filters).subquery("counted")
        shown = shown.add_columns(count.c.total).select_from(count.outerjoin(rows, true()))
    return shown.order_by(*_as_in(rows, orders))


def _rows(listable: ListTable, page: Page, orders: Sequence[Order]) -> Subquery:
    """The rows of the page and one more, which shows that there is another page."""
    return _selected(_read(listable.table), page, orders)


def _late_rows(listable: ListTable, page: Page, orders: Sequence[Order]) -> Subquery:
    """The same; only their keys are read from the rows before them, too."""
    keys = _selected([listable.table.c[name] for name in listable.row_key], page, orders)
    table = listable.table.alias("found")
    row = (
        select(*_read(table))
        .where(*(table.c[name] == keys.c[name] for name in listable.row_key))
        .limit(literal_column("1"))
        .lateral("row")
    )
    shown = (column for column in keys.c if column.name.startswith(KEY))
    return select(*row.c, *shown).select_from(keys.join(row, true())).subquery("rows")


def _read(table: FromClause) -> list[ColumnElement[Any]]:
    return [column for column in table.c if column.name in _READ]


def _selected(
    columns: Sequence[ColumnElement[Any]], page: Page, orders: Sequence[Order]
) -> Subquery:
    keys = (order.key.label(f"{KEY}{number}") for number, order in enumerate(orders))
    return (
        select(*columns, *keys)
        .where(*page.filters, *([] if page.after is None else _behind(orders)))
        .order_by(*(_directed(order.key, order) for order in orders))
        .limit(bindparam("rows", type_=Integer()))
        .offset(bindparam("offset", type_=Integer()))
        .subquery("page")
    )


def _written(rows: Subquery, *, cut: bool) -> Subquery:
    """The rows of a page, with the read members of their documents as text.

    `cut`: whether some members are not read.
    """
    doc: ColumnElement[Any] = rows.c.doc
    if cut:  # in this outer query: the inner one would cut them off every row that it sorts
        names = bindparam("unread", type_=Text())
        doc = doc.op("-", return_type=doc.type)(cast(names, ARRAY(Text())))
    others = (column for column in rows.c if column.name != "doc")
    # OFFSET keeps PostgreSQL from encoding each document twice: to show it, and to measure it.
    fence: ColumnElement[int] = literal_column("0")
    return select(*others, cast(doc, Text).label("doc")).offset(fence).subquery("written")


def _shown(listable: ListTable, rows: Subquery, orders: Sequence[Order]) -> Select[Any]:
    # The outer query looks the name up: the inner one would also do so for rows before the page.
    size = func.octet_length(rows.c.doc) + literal_column(str(ROW_BYTES), BigInteger())
    upto = func.sum(size).over(order_by=_as_in(rows, orders), rows=(None, 0))
    fits = upto <= bindparam("most_bytes", type_=BigInteger())
    envelope = {name: rows.c[name] for name in ENVELOPE} | {"doc": case((fits, rows.c.doc))}
    return select(
        *(column.label(name) for name, column in envelope.items()),
        listable.account_name(rows).label("account_name"),
        *(column for column in rows.c if column.name.startswith(KEY)),
        cast(upto, BigInteger).label(BYTES),
    )


def _as_in(rows: Subquery, orders: Sequence[Order]) -> list[ColumnElement[Any]]:
    return [_directed(rows.c[f"{KEY}{number}"], order) for number, order in enumerate(orders)]


def _behind(orders: Sequence[Order]) -> list[ColumnElement[bool]]:
    """The conditions on rows behind the given one, in a form that an index supports."""
    keys = [order.key for order in orders]
    bounds: list[ColumnElement[Any]] = [
        bindparam(after_name(number), type_=_wide(key)) for number, key in enumerate(keys)
    ]
    if len({order.descending for order in orders}) == 1:
        here, there = tuple_(*keys), tuple_(*bounds)
        return [here < there if orders[0].descending else here > there]
    sides = list(zip(orders, bounds, strict=True))
    first, bound = sides[0]
    reached = first.key <= bound if first.descending else first.key >= bound
    return [reached, or_(*(_decided_by(sides[: n + 1]) for n in range(len(sides))))]


def _decided_by(sides: Sequence[tuple[Order, ColumnElement[Any]]]) -> ColumnElement[bool]:
    """The condition on rows that are equal in all columns but the last, and behind in that."""
    *alike, (last, bound) = sides
    behind = last.key < bound if last.descending else last.key > bound
    return and_(*(order.key == same for order, same in alike), behind)


def _wide(key: ColumnElement[Any]) -> TypeEngine[Any]:
    """A type that holds every value of the key's type, and more."""
    return BigInteger() if isinstance(key.type, Integer) else key.type


def _directed(key: ColumnElement[Any], order: Order) -> ColumnElement[Any]:
    directed = key.desc() if order.descending else key.asc()
    if isinstance(order.by, coalesce) or (isinstance(order.by, Column) and not order.by.nullable):
        return directed  # never null: the same order as in the indexes
    return directed.nulls_last() if order.descending else directed.nulls_first()


def after_name(number: int) -> str:
    """The parameter's name for a column of the order, in the row that a page follows."""
    return f"after_{number}"

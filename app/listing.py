"""Reading one page of a view, filtered and ordered; SQLAlchemy compiles the statements."""

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

import asyncpg
from msgspec import Struct
from sqlalchemy import Column, ColumnElement, Select, Subquery, func, select, true
from sqlalchemy.engine import make_url

from app.columns import ENVELOPE, Listable
from app.log.pool import Pool

FARTHEST = 2**31 - 1
"""No view has more rows: behind it there is nothing."""

_DIALECT = make_url("postgresql+asyncpg://").get_dialect()()

T = TypeVar("T")


class Order(Struct, frozen=True):
    """One column to order by; what is null comes first, and last where `descending`."""

    by: ColumnElement[Any]
    descending: bool = False


class Page(Struct, frozen=True, kw_only=True):
    """Which rows of a view, and in which order.

    Rows before `offset` are read and thrown away: a page costs as much as all before it together.
    """

    order: Sequence[Order]
    """At least one. Rows that are alike in it are in the order of their streams."""
    limit: int
    """Rows of the page, at most: fewer than `FARTHEST`."""
    offset: int = 0
    filters: Sequence[ColumnElement[bool]] = ()
    """All must hold; expressions over the view's columns."""
    counted: bool = True
    """Whether to count what is on all pages: this reads every row that passes the filters."""


class Listed(Struct, Generic[T], frozen=True, kw_only=True):
    """One page."""

    items: list[T]
    total: int | None
    """How many there are on all pages; None if they were not counted."""
    has_more: bool


async def read_page(pool: Pool, listable: Listable, page: Page) -> Listed[asyncpg.Record]:
    """The rows of a page: envelope, document, account's name; all of one moment.

    Raises StoreDown.
    """
    sql, arguments = compiled(listable, page)
    rows = await pool.ask(sql, *arguments)
    if page.counted:
        total = rows[0]["total"]
        found = [row for row in rows if row["stream_id"] is not None]
        return Listed(
            items=found, total=total, has_more=min(page.offset, FARTHEST) + len(found) < total
        )
    return Listed(items=list(rows[: page.limit]), total=None, has_more=len(rows) > page.limit)


def compiled(listable: Listable, page: Page) -> tuple[str, list[object]]:
    """The statement that reads a page, and its arguments. Equal pages give equal statements."""
    statement = _counted(listable, page) if page.counted else _uncounted(listable, page)
    built = statement.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})
    values = built.params
    return str(built), [values[name] for name in built.positiontup or ()]


def _uncounted(listable: Listable, page: Page) -> Select[Any]:
    orders = _orders(listable, page)
    rows = _rows(listable, page, orders, page.limit + 1)
    return _shown(listable, rows).order_by(*_as_in(rows, orders))


def _counted(listable: Listable, page: Page) -> Select[Any]:
    count = (
        select(func.count().label("total"))
        .select_from(listable.table)
        .where(*page.filters)
        .subquery("counted")
    )
    orders = _orders(listable, page)
    rows = _rows(listable, page, orders, page.limit)
    return (
        _shown(listable, rows)
        .add_columns(count.c.total)
        # A page without rows still has one, with the count.
        .select_from(count.outerjoin(rows, true()))
        .order_by(*_as_in(rows, orders))
    )


def _orders(listable: Listable, page: Page) -> list[Order]:
    """What tells every row from every other, so that none is on two pages."""
    return [*page.order, Order(listable.columns["stream_id"], page.order[-1].descending)]


def _rows(listable: Listable, page: Page, orders: Sequence[Order], limit: int) -> Subquery:
    keys = (order.by.label(f"key_{number}") for number, order in enumerate(orders))
    return (
        select(*listable.table.c, *keys)
        .where(*page.filters)
        .order_by(*(_directed(order.by, order) for order in orders))
        .limit(limit)
        .offset(min(page.offset, FARTHEST))
        .subquery("page")
    )


def _shown(listable: Listable, rows: Subquery) -> Select[Any]:
    # The name is looked up out here: in there it would be for every row before the page as well.
    return select(
        *(rows.c[name] for name in ENVELOPE), listable.account_name(rows).label("account_name")
    )


def _as_in(rows: Subquery, orders: Sequence[Order]) -> list[ColumnElement[Any]]:
    return [_directed(rows.c[f"key_{number}"], order) for number, order in enumerate(orders)]


def _directed(key: ColumnElement[Any], order: Order) -> ColumnElement[Any]:
    directed = key.desc() if order.descending else key.asc()
    if isinstance(order.by, Column) and not order.by.nullable:
        return directed  # as the indexes have it
    return directed.nulls_last() if order.descending else directed.nulls_first()

"""Reading one page of a view, filtered and ordered; SQLAlchemy compiles the statements."""

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

import asyncpg
from msgspec import Struct
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Integer,
    Select,
    Subquery,
    Text,
    and_,
    bindparam,
    case,
    cast,
    collate,
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

from app.database.pool import Pool
from app.queries.answer_budget import ROW_BYTES, AnswerBudget
from app.queries.statements import Statements
from app.queries.tables import ListTable
from app.settings import ANSWER_BYTES
from projections.view import ENVELOPE

MAX_OFFSET = 2**31 - 1
"""No view has more rows: behind it there is nothing."""

_KEY = "key_"
_BYTES = "bytes_"
_READ = frozenset({*ENVELOPE, "account_id"})
"""Columns that a page is made of; by the others it is only filtered and ordered."""
_STATEMENTS = Statements(256, 4_000)
"""More shapes than clients ask for, of up to some thirty conditions; 8 MB if all are as long."""

T = TypeVar("T")


class Order(Struct, frozen=True):
    """One column to order by; what is null comes first, and last where `descending`."""

    by: ColumnElement[Any]
    descending: bool = False

    @property
    def key(self) -> ColumnElement[Any]:
        """What is compared. Texts byte by byte: no locale, which can change, moves a row."""
        return collate(self.by, "C") if isinstance(self.by.type, Text) else self.by


class Page(Struct, frozen=True, kw_only=True):
    """Which rows of a view, and in which order.

    Rows before `offset` are read and thrown away: a page costs as much as all before it together.
    """

    order: Sequence[Order]
    """At least one. Rows that are alike in it are in the order of the listable's key."""
    limit: int
    """Rows of the page, at most: fewer than `MAX_OFFSET`."""
    offset: int = 0
    filters: Sequence[ColumnElement[bool]] = ()
    """All must hold; expressions over the view's columns."""
    after: Sequence[object] | None = None
    """Only rows behind the one with these keys (`PageResult.last` of the page before).

    Unlike with `offset`, what comes or goes meanwhile moves no row to another page, and the rows
    before are not read; a row is seen twice or not at all only if it moves in the order itself.
    Every column of the order must be one that is never null.
    """
    counted: bool = True
    """Whether to count what is on all pages: this reads every row that passes the filters."""
    unread: Sequence[str] = ()
    """Members of the documents, by their stored names, that nobody wants: they stay behind."""


class PageResult(Struct, Generic[T], frozen=True, kw_only=True):
    """One page."""

    items: list[T]
    total: int | None
    """How many there are on all pages; None if they were not counted."""
    has_more: bool
    last: tuple[object, ...] | None = None
    """What the page's last item has in the columns of the order; None for a page without items."""


async def read_page(
    pool: Pool, listable: ListTable, page: Page, budget: AnswerBudget
) -> PageResult[asyncpg.Record]:
    """The rows of a page: envelope, document, account's name; all of one moment.

    No more of documents comes from the database than the budget has bytes. Raises StoreDown,
    TooSlow, or AnswerTooLarge.
    """
    sql, arguments = compiled(listable, page, budget.left)
    rows = await pool.ask(sql, *arguments)
    # A page without rows still has one, with the count.
    found = [row for row in rows if row["stream_id"] is not None]
    items = found[: page.limit]
    if items:
        budget.spend(items[-1][_BYTES])
    return PageResult(
        items=items,
        total=rows[0]["total"] if page.counted else None,
        has_more=len(found) > page.limit,
        last=_keys(items[-1]) if items else None,
    )


def compiled(
    listable: ListTable, page: Page, most_bytes: int = ANSWER_BYTES
) -> tuple[str, list[object]]:
    """The statement that reads a page, and its arguments. Equal pages give equal statements.

    `most_bytes`: of the rows together; those behind have no document.
    """
    orders = whole_order(listable, page.order)
    return _STATEMENTS.compiled(
        lambda: _statement(listable, page, orders),
        (
            listable.table.name,
            tuple(order.descending for order in orders),
            page.after is None,
            bool(page.unread),
            page.counted,
        ),
        [*(order.by for order in orders), *page.filters],
        _named(page, orders, most_bytes),
    )


def _named(page: Page, orders: Sequence[Order], most_bytes: int) -> dict[str, object]:
    """The values of a page that are not in its orders and filters, by their parameters' names."""
    named: dict[str, object] = {
        "rows": page.limit + 1,
        "offset": min(page.offset, MAX_OFFSET),
        "unread": f"{{{','.join(page.unread)}}}",
        "most_bytes": most_bytes,
    }
    if page.after is not None:
        bounds = zip(orders, page.after, strict=True)
        named |= {_after(number): value for number, (_, value) in enumerate(bounds)}
    return named


def _after(number: int) -> str:
    return f"after_{number}"


def _keys(row: asyncpg.Record) -> tuple[object, ...]:
    return tuple(value for name, value in row.items() if name.startswith(_KEY))


def _statement(listable: ListTable, page: Page, orders: Sequence[Order]) -> Select[Any]:
    """The statement of a page's shape: its values are named, but for those in orders and filters.

    What its text depends on is the key that `compiled` looks it up by.
    """
    rows = _written(_rows(listable, page, orders), cut=bool(page.unread))
    shown = _shown(listable, rows, orders)
    if page.counted:
        count = (
            select(func.count().label("total"))
            .select_from(listable.table)
            .where(*page.filters)  # those on all pages, the ones before `after` as well
            .subquery("counted")
        )
        shown = shown.add_columns(count.c.total).select_from(count.outerjoin(rows, true()))
    return shown.order_by(*_as_in(rows, orders))


def whole_order(listable: ListTable, order: Sequence[Order]) -> list[Order]:
    """An order that tells every row from every other, so that none is on two pages.

    What is alike in all of `order`, at least one, is in the order of the listable's key.
    """
    key = listable.columns[listable.key]
    for number, each in enumerate(order):
        if each.by is key:
            return list(order[: number + 1])
    return [*order, Order(key, order[-1].descending)]


def _rows(listable: ListTable, page: Page, orders: Sequence[Order]) -> Subquery:
    """The page and one row more, which tells that there is another page."""
    keys = (order.key.label(f"{_KEY}{number}") for number, order in enumerate(orders))
    return (
        select(*(column for column in listable.table.c if column.name in _READ), *keys)
        .where(*page.filters, *([] if page.after is None else _behind(orders)))
        .order_by(*(_directed(order.key, order) for order in orders))
        .limit(bindparam("rows", type_=Integer()))
        .offset(bindparam("offset", type_=Integer()))
        .subquery("page")
    )


def _written(rows: Subquery, *, cut: bool) -> Subquery:
    """The rows of a page with what is read of their documents, as text.

    `cut`: whether there are members that are not read.
    """
    doc: ColumnElement[Any] = rows.c.doc
    if cut:  # out here: in there they would be cut off every row that is sorted
        names = bindparam("unread", type_=Text())
        doc = doc.op("-", return_type=doc.type)(cast(names, ARRAY(Text())))
    others = (column for column in rows.c if column.name != "doc")
    # OFFSET keeps PostgreSQL from writing each document twice: to show it, and to measure it.
    fence: ColumnElement[int] = literal_column("0")
    return select(*others, cast(doc, Text).label("doc")).offset(fence).subquery("written")


def _shown(listable: ListTable, rows: Subquery, orders: Sequence[Order]) -> Select[Any]:
    # The name is looked up out here: in there it would be for every row before the page as well.
    size = func.octet_length(rows.c.doc) + literal_column(str(ROW_BYTES), BigInteger())
    upto = func.sum(size).over(order_by=_as_in(rows, orders), rows=(None, 0))
    fits = upto <= bindparam("most_bytes", type_=BigInteger())
    envelope = {name: rows.c[name] for name in ENVELOPE} | {"doc": case((fits, rows.c.doc))}
    return select(
        *(column.label(name) for name, column in envelope.items()),
        listable.account_name(rows).label("account_name"),
        *(column for column in rows.c if column.name.startswith(_KEY)),
        cast(upto, BigInteger).label(_BYTES),
    )


def _as_in(rows: Subquery, orders: Sequence[Order]) -> list[ColumnElement[Any]]:
    return [_directed(rows.c[f"{_KEY}{number}"], order) for number, order in enumerate(orders)]


def _behind(orders: Sequence[Order]) -> list[ColumnElement[bool]]:
    """What is true of the rows behind one, in words that an index is searched by."""
    keys = [order.key for order in orders]
    bounds: list[ColumnElement[Any]] = [
        bindparam(_after(number), type_=_wide(key)) for number, key in enumerate(keys)
    ]
    if len({order.descending for order in orders}) == 1:
        here, there = tuple_(*keys), tuple_(*bounds)
        return [here < there if orders[0].descending else here > there]
    sides = list(zip(orders, bounds, strict=True))
    first, bound = sides[0]
    reached = first.key <= bound if first.descending else first.key >= bound
    return [reached, or_(*(_decided_by(sides[: n + 1]) for n in range(len(sides))))]


def _decided_by(sides: Sequence[tuple[Order, ColumnElement[Any]]]) -> ColumnElement[bool]:
    """Alike in all columns but the last, and behind in that."""
    *alike, (last, bound) = sides
    behind = last.key < bound if last.descending else last.key > bound
    return and_(*(order.key == same for order, same in alike), behind)


def _wide(key: ColumnElement[Any]) -> TypeEngine[Any]:
    """A type that takes every value of a key's, and more."""
    return BigInteger() if isinstance(key.type, Integer) else key.type


def _directed(key: ColumnElement[Any], order: Order) -> ColumnElement[Any]:
    directed = key.desc() if order.descending else key.asc()
    if isinstance(order.by, coalesce) or (isinstance(order.by, Column) and not order.by.nullable):
        return directed  # never null: as the indexes have it
    return directed.nulls_last() if order.descending else directed.nulls_first()

"""Reading one page of a view, filtered and ordered; SQLAlchemy compiles the statements."""

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

import asyncpg
from msgspec import Struct
from msgspec.structs import replace
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

from app.codecs.answer_budget import ROW_BYTES, AnswerBudget
from app.database.pool import Pool
from app.queries import past
from app.queries.statements import Statements
from app.queries.tables import ListTable
from app.settings import ANSWER_BYTES
from projections.view import ENVELOPE

MAX_OFFSET = 2**31 - 1
"""No view has more rows, so no row lies behind it."""

_KEY = "key_"
_BYTES = "bytes_"
_READ = frozenset({*ENVELOPE, "account_id"})
"""The columns of a page; the other columns only filter and order it."""
_STATEMENTS = Statements(256, 4_000)
"""More shapes than clients use, of up to some thirty conditions; 8 MB if all are that long."""

T = TypeVar("T")


class Order(Struct, frozen=True):
    """One column to order by; nulls come first, or last if `descending`."""

    by: ColumnElement[Any]
    descending: bool = False

    @property
    def key(self) -> ColumnElement[Any]:
        """The compared value. Texts compare byte by byte: a locale can change and so move a row."""
        return collate(self.by, "C") if isinstance(self.by.type, Text) else self.by


class Page(Struct, frozen=True, kw_only=True):
    """Selects rows of a view, and their order.

    Rows before `offset` are read and thrown away: a page costs as much as all before it together.
    """

    order: Sequence[Order]
    """At least one. Rows that are equal in it are in the order of the listable's key."""
    limit: int
    """Maximum number of rows; less than `MAX_OFFSET`."""
    offset: int = 0
    filters: Sequence[ColumnElement[bool]] = ()
    """All must hold; expressions over the view's columns."""
    after: Sequence[object] | None = None
    """Only rows behind the one with these keys (`PageResult.last` of the page before).

    Unlike with `offset`, rows that come or go meanwhile move no other row to another page, and the
    rows before are not read. A row is seen twice or not at all only if it moves in the order
    itself. No column of the order may ever be null.
    """
    counted: bool = True
    """Whether to count the rows of all pages: this reads every row that passes the filters."""
    unread: Sequence[str] = ()
    """Members of the documents, by their stored names, to leave out of the rows."""


class PageResult(Struct, Generic[T], frozen=True, kw_only=True):
    """One page."""

    items: list[T]
    total: int | None
    """Number of rows on all pages; None if they were not counted."""
    has_more: bool
    last: tuple[object, ...] | None = None
    """The last item's values in the columns of the order; None for a page without items."""


async def read_page(
    pool: Pool,
    listable: ListTable,
    page: Page,
    budget: AnswerBudget,
    cut: Sequence[int] | None = None,
) -> PageResult[asyncpg.Record]:
    """The rows of a page: envelope, document, account's name; all of one moment.

    `cut`: the last position of each partition by then; None: now. The database sends no more bytes
    of documents than the budget has. Raises StoreDown, TooSlow, or AnswerTooLarge.
    """
    if cut is None:
        sql, arguments = compiled(listable, page, budget.left)
    else:
        plain = compiled(listable, replace(page, counted=False), budget.left)
        sql, arguments = past.as_of(cut, listable.views, *plain)
    rows = await pool.ask(sql, *arguments)
    # For a page without rows, the database still sends one, with the count.
    found = [row for row in rows if row["stream_id"] is not None]
    items = found[: page.limit]
    if items:
        budget.spend(items[-1][_BYTES])
    if cut is not None and page.counted:  # apart, for what is past does not change meanwhile
        rows = await pool.ask(*past.count(listable, page.filters, cut))
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

    `most_bytes`: of the rows together; rows beyond it have no document.
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
    """A page's values outside of its orders and filters, by their parameters' names."""
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
    """The statement for a page's shape; values outside of orders and filters are named.

    `compiled` looks it up by a key of everything that its text depends on.
    """
    rows = _written(_rows(listable, page, orders), cut=bool(page.unread))
    shown = _shown(listable, rows, orders)
    if page.counted:
        # The rows of all pages, including those before `after`.
        count = past.counted(listable, page.filters).subquery("counted")
        shown = shown.add_columns(count.c.total).select_from(count.outerjoin(rows, true()))
    return shown.order_by(*_as_in(rows, orders))


def whole_order(listable: ListTable, order: Sequence[Order]) -> list[Order]:
    """An order that distinguishes all rows, so that none is on two pages.

    Rows that are equal in all of `order` (at least one) are in the order of the listable's key.
    """
    key = listable.columns[listable.key]
    for number, each in enumerate(order):
        if each.by is key:
            return list(order[: number + 1])
    return [*order, Order(key, order[-1].descending)]


def _rows(listable: ListTable, page: Page, orders: Sequence[Order]) -> Subquery:
    """The rows of the page and one more, which shows that there is another page."""
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
        *(column for column in rows.c if column.name.startswith(_KEY)),
        cast(upto, BigInteger).label(_BYTES),
    )


def _as_in(rows: Subquery, orders: Sequence[Order]) -> list[ColumnElement[Any]]:
    return [_directed(rows.c[f"{_KEY}{number}"], order) for number, order in enumerate(orders)]


def _behind(orders: Sequence[Order]) -> list[ColumnElement[bool]]:
    """The conditions on rows behind the given one, in a form that an index supports."""
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

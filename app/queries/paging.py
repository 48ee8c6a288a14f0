"""Reading one page of a view, filtered and ordered, now or as of a past moment."""

from collections.abc import Sequence

import asyncpg
from msgspec.structs import replace

from app.codecs.answer_budget import AnswerBudget
from app.log.read import Asks
from app.queries import past
from app.queries.page import MAX_OFFSET, Order, Page, PageResult, whole_order
from app.queries.page_select import BYTES, KEY, after_name, statement
from app.queries.statements import Statements
from app.queries.tables import ListTable
from app.settings import ANSWER_BYTES

_STATEMENTS = Statements(256, 4_000)
"""More shapes than clients use, of up to some thirty conditions; 8 MB if all are that long."""


async def read_page(
    pool: Asks,
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
        asked: past.Statement = compiled(listable, page, budget.left)
    else:
        asked = await compiled_as_of(pool, listable, page, cut, budget.left)
    rows = await pool.ask(asked[0], *asked[1])
    # For a page without rows, the database still sends one, with the count.
    found = [row for row in rows if row["stream_id"] is not None]
    items = found[: page.limit]
    if items:
        budget.spend(items[-1][BYTES])
    if cut is not None and page.counted:  # apart, for what is past does not change meanwhile
        counting, arguments = past.count(listable, page.filters, cut)
        rows = await pool.ask(counting, *arguments)
    return PageResult(
        items=items,
        total=rows[0]["total"] if page.counted else None,
        has_more=len(found) > page.limit,
        last=_keys(items[-1]) if items else None,
    )


def compiled(
    listable: ListTable, page: Page, most_bytes: int = ANSWER_BYTES, *, late: bool = False
) -> tuple[str, list[object]]:
    """The statement that reads a page, and its arguments. Equal pages give equal statements.

    `most_bytes`: of the rows together; rows beyond it have no document. `late`: look the rows of
    the page up once they are known, so that those before it can be passed over in an index.
    """
    orders = whole_order(listable, page.order)
    return _STATEMENTS.compiled(
        lambda: statement(listable, page, orders, late=late),
        (
            listable.table.name,
            tuple(order.descending for order in orders),
            page.after is None,
            bool(page.unread),
            page.counted,
            late,
        ),
        [*(order.by for order in orders), *page.filters],
        _named(page, orders, most_bytes),
    )


async def compiled_as_of(
    pool: Asks, listable: ListTable, page: Page, cut: Sequence[int], most_bytes: int = ANSWER_BYTES
) -> past.Statement:
    """The same as of a cut, and without a count. Raises StoreDown, or TooSlow."""
    rows = await past.rows_of_page(pool, cut, listable, page.filters, page.order[0].by)
    uncounted, late = replace(page, counted=False), rows.passing is None
    return past.as_of(listable, rows, compiled(listable, uncounted, most_bytes, late=late))


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
        named |= {after_name(number): value for number, (_, value) in enumerate(bounds)}
    return named


def _keys(row: asyncpg.Record) -> tuple[object, ...]:
    return tuple(value for name, value in row.items() if name.startswith(KEY))
